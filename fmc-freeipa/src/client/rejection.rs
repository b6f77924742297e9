//! Why a login was rejected.

use reqwest::header::HeaderMap;

/// The header in which the server says why it rejects a login.
const REASON: &str = "x-ipa-rejection-reason";

/// Why a server rejected a login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log in as {user}: {}", reason.help())]
#[non_exhaustive]
pub struct Rejection {
    /// Who logged in.
    pub user: String,
    /// Why not.
    pub reason: RejectionReason,
}

/// The reasons of FreeIPA (`X-IPA-Rejection-Reason`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionReason {
    /// `invalid-password`: the user does not exist, or the password is wrong.
    InvalidPassword,
    /// `password-expired`: it must be changed first. A password that an administrator set has expired from the start.
    PasswordExpired,
    /// `krbprincipal-expired`: the account's last day has passed.
    PrincipalExpired,
    /// `user-locked`: too many wrong passwords.
    UserLocked,
    /// `account disabled`: an administrator disabled it.
    AccountDisabled,
    /// `denied`: the user is of another realm, or may not log in here.
    Denied,
    /// `Authentication failed`: Kerberos gave no ticket for another reason, as clocks that differ.
    AuthenticationFailed,
    /// A reason that this client does not know, or none.
    Other(String),
}

impl Rejection {
    /// The reason, if the server states one. An answer of its web server alone has none.
    #[cfg(feature = "kerberos")]
    pub(super) fn stated(user: &str, headers: &HeaderMap) -> Option<Self> {
        headers.contains_key(REASON).then(|| Self::read(user, headers))
    }

    pub(super) fn read(user: &str, headers: &HeaderMap) -> Self {
        let reason = headers.get(REASON).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let reason = match reason.trim() {
            "invalid-password" => RejectionReason::InvalidPassword,
            "password-expired" => RejectionReason::PasswordExpired,
            "krbprincipal-expired" => RejectionReason::PrincipalExpired,
            "user-locked" => RejectionReason::UserLocked,
            "account disabled" | "account-disabled" => RejectionReason::AccountDisabled,
            "denied" => RejectionReason::Denied,
            "Authentication failed" => RejectionReason::AuthenticationFailed,
            other => RejectionReason::Other(other.to_owned()),
        };
        Self { user: user.to_owned(), reason }
    }
}

impl RejectionReason {
    /// What happened, and what to do.
    fn help(&self) -> String {
        let text = match self {
            Self::InvalidPassword => "the password is wrong, or there is no such user (invalid-password)",
            Self::PasswordExpired => {
                "the password has expired (password-expired): change it by `ipa passwd` or in the web interface"
            }
            Self::PrincipalExpired => {
                "the account has expired (krbprincipal-expired): set a later day by `ipa user-mod --principal-expiration`"
            }
            Self::UserLocked => {
                "the account is locked after too many wrong passwords (user-locked): wait, or run `ipa user-unlock`"
            }
            Self::AccountDisabled => "the account is disabled: run `ipa user-enable`",
            Self::Denied => "it is denied: the user must be of the server's own realm (denied)",
            Self::AuthenticationFailed => {
                "Kerberos gives no ticket (Authentication failed): compare the clocks of the server and its KDC, and read \
                 /var/log/krb5kdc.log there"
            }
            Self::Other(reason) if reason.is_empty() => "the server gives no reason",
            Self::Other(reason) => return format!("the server says {reason:?}"),
        };
        text.to_owned()
    }
}
