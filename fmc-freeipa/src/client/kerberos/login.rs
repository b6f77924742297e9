//! The login: one token to the server, and its answer, by which it proves who it is (RFC 4559; RFC 4121).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext as _};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_HOSTBASED_SERVICE, OidSet};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use super::{KerberosError, KerberosReason, cache};
use crate::client::error::IpaError;
use crate::client::http::{FORM, Http};
use crate::client::rejection::Rejection;

/// Logs in, and gives the cookie of the new session.
pub(in crate::client) async fn login(http: &Http) -> Result<HeaderValue, IpaError> {
    let service = format!("HTTP@{}", http.fqdn());
    let name = service.clone();
    // The library asks the KDC, and waits for it.
    let begun = tokio::task::spawn_blocking(move || Login::begin(&name)).await;
    let mut login = begun.map_err(|_| failed(&service, KerberosReason::Other))??;
    let mut token = HeaderValue::from_str(&format!("Negotiate {}", STANDARD.encode(&login.token)))
        .map_err(|_| failed(&service, KerberosReason::Other))?;
    token.set_sensitive(true);
    let who = Some((AUTHORIZATION, token));
    let response = http.post("session/login_kerberos", FORM, Vec::new(), who).await?;
    if response.status() == StatusCode::UNAUTHORIZED {
        return Err(match Rejection::stated(http.user(), response.headers()) {
            Some(rejection) => IpaError::Login(rejection),
            None => failed(&service, KerberosReason::Refused),
        });
    }
    let session = http.session_of(&response)?;
    let answer = negotiated(response.headers()).ok_or_else(|| failed(&service, KerberosReason::Unproven))?;
    login.finish(&service, &answer)?;
    Ok(session)
}

/// A login that has begun.
struct Login {
    context: ClientCtx,
    token: Vec<u8>,
}

impl Login {
    /// Gets a ticket for a service by the credentials of this process's environment, and makes the first token.
    fn begin(service: &str) -> Result<Self, IpaError> {
        if !cache::is_readable() {
            return Err(failed(service, KerberosReason::BrokenCache));
        }
        let begin = || -> Result<(ClientCtx, Option<Vec<u8>>), Error> {
            let mechanisms = OidSet::singleton(GSS_MECH_KRB5)?;
            let credentials = Cred::acquire(None, None, CredUsage::Initiate, Some(&mechanisms))?;
            let name = Name::new(service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))?;
            let flags = CtxFlags::GSS_C_MUTUAL_FLAG | CtxFlags::GSS_C_SEQUENCE_FLAG;
            // FreeIPA's own client says Kerberos and not SPNEGO, too: the library's reasons stay what they are.
            let mut context = ClientCtx::new(Some(credentials), name, flags, Some(GSS_MECH_KRB5));
            let token = context.step(None, None)?.map(|token| token.to_vec());
            Ok((context, token))
        };
        let (context, token) = begin().map_err(|error| refused(service, &error))?;
        let token = token.ok_or_else(|| failed(service, KerberosReason::Other))?;
        Ok(Self { context, token })
    }

    /// Takes the server's answer, which only the holder of the service's key can make.
    fn finish(&mut self, service: &str, answer: &[u8]) -> Result<(), IpaError> {
        let unproven = || failed(service, KerberosReason::Unproven);
        self.context.step(Some(answer), None).map_err(|_| unproven())?;
        let is_mutual = self.context.flags().is_ok_and(|flags| flags.contains(CtxFlags::GSS_C_MUTUAL_FLAG));
        if self.context.is_complete() && is_mutual { Ok(()) } else { Err(unproven()) }
    }
}

/// The token in the server's headers: `WWW-Authenticate: Negotiate TOKEN`.
fn negotiated(headers: &HeaderMap) -> Option<Vec<u8>> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut tokens = values.flat_map(|value| value.split(',')).filter_map(|challenge| {
        let (scheme, token) = challenge.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("negotiate").then(|| token.trim())
    });
    STANDARD.decode(tokens.next()?).ok()
}

fn failed(service: &str, reason: KerberosReason) -> IpaError {
    IpaError::Kerberos(KerberosError { service: service.to_owned(), reason, said: String::new() })
}

/// What the library says. Its codes are those of `krb5.h`, of which the binding has no names.
fn refused(service: &str, error: &Error) -> IpaError {
    let reason = match error.minor.cast_signed() {
        // KRB5_CC_NOTFOUND, KRB5_FCC_NOFILE
        -1_765_328_243 | -1_765_328_189 => KerberosReason::NoTicket,
        // KRB5_FCC_PERM, KRB5_CC_FORMAT
        -1_765_328_190 | -1_765_328_185 => KerberosReason::BrokenCache,
        // KRB5KRB_AP_ERR_TKT_EXPIRED
        -1_765_328_352 => KerberosReason::Expired,
        // KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN
        -1_765_328_377 => KerberosReason::UnknownServer,
        // KRB5KRB_AP_ERR_SKEW, KRB5_KDCREP_SKEW
        -1_765_328_347 | -1_765_328_236 => KerberosReason::ClockSkew,
        // KRB5_KDC_UNREACH, KRB5_REALM_UNKNOWN, KRB5_REALM_CANT_RESOLVE
        -1_765_328_228 | -1_765_328_230 | -1_765_328_164 => KerberosReason::NoKdc,
        _ => KerberosReason::Other,
    };
    IpaError::Kerberos(KerberosError { service: service.to_owned(), reason, said: words(error) })
}

/// The library's own words: its second sentence, in parentheses, is the cause.
fn words(error: &Error) -> String {
    let said = error.to_string();
    let cause = said.split_once(" (").map(|(_, cause)| cause.strip_suffix(')').unwrap_or(cause));
    cause.unwrap_or(&said).trim().to_owned()
}
