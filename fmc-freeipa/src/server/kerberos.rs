//! Tickets, as `mod_auth_gssapi` takes them: by the keys of the default keytab, which `KRB5_KTNAME` names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libgssapi::context::{SecurityContext as _, ServerCtx};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::oid::{GSS_MECH_KRB5, OidSet};

/// A ticket that was accepted.
pub(super) struct Accepted {
    /// Whose it is, as `admin@LAB.TEST`.
    pub(super) principal: String,
    /// The header by which the server proves who it is: `Negotiate TOKEN`.
    pub(super) answer: String,
}

/// Judges the header `Authorization`.
pub(super) fn accept(header: &str) -> Option<Accepted> {
    let (scheme, token) = header.split_once(' ')?;
    let token = STANDARD.decode(token.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("negotiate"))?;
    let mechanisms = OidSet::singleton(GSS_MECH_KRB5).ok()?;
    let credentials = Cred::acquire(None, None, CredUsage::Accept, Some(&mechanisms)).ok()?;
    let mut context = ServerCtx::new(Some(credentials));
    let answer = context.step(&token, None).ok()?;
    if !context.is_complete() {
        return None;
    }
    let principal = context.source_name().ok()?.to_string();
    let answer = answer.map_or_else(String::new, |token| STANDARD.encode(&*token));
    Some(Accepted { principal, answer: format!("Negotiate {answer}").trim_end().to_owned() })
}

/// The answer of somebody who does not have the service's key.
pub(super) fn forged(answer: &str) -> String {
    let token = answer.strip_prefix("Negotiate ").and_then(|token| STANDARD.decode(token).ok());
    let mut token = token.unwrap_or_default();
    if let Some(last) = token.last_mut() {
        *last ^= 1;
    }
    format!("Negotiate {}", STANDARD.encode(token))
}
