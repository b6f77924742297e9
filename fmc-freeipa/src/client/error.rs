//! Why a server did not do what it was asked.

use std::time::Duration;

use serde_json::{Map, Value};

use super::code::{Code, Effect};
use super::kerberos::KerberosError;
use super::rejection::Rejection;

/// Why a call of FreeIPA failed: a fragment that fits "failed to …".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IpaError {
    /// A client cannot be made of these settings.
    #[error("set up a client of FreeIPA: {cause}")]
    Settings {
        /// What is wrong, and what would be right.
        cause: String,
    },
    /// There is no connection.
    #[error("connect to {cause}")]
    Connect {
        /// The server with its port, and the cause.
        cause: String,
    },
    /// The server did not prove who it is.
    #[error("trust the server: {cause}")]
    Tls {
        /// The cause, and what to do.
        cause: String,
    },
    /// There is no answer in time.
    #[error("read the answer: none came within {} s", after.as_secs_f32())]
    Timeout {
        /// How long the client waited.
        after: Duration,
    },
    /// The connection broke before the end of the answer.
    #[error("read the answer: {cause}")]
    Interrupted {
        /// The cause.
        cause: String,
    },
    /// The login was rejected.
    #[error(transparent)]
    Login(Rejection),
    /// The login by a ticket of Kerberos failed.
    #[error(transparent)]
    Kerberos(KerberosError),
    /// The server ended a session that it had just begun.
    #[error(
        "use the session: the server ends it at once (401 after a new login); its clock may be wrong, or its web server restarts"
    )]
    NoSession,
    /// The server does not accept the name by which it is called (400).
    #[error(
        "use the name {fqdn}: the server refuses the request (400), as it does when its own FQDN is another one"
    )]
    Referer {
        /// The name that was used.
        fqdn: String,
    },
    /// The server leads to another name.
    #[error("use this name: the server leads to {to}; give its own FQDN")]
    Redirected {
        /// The URL it leads to.
        to: String,
    },
    /// The web server runs, and FreeIPA behind it does not.
    #[error(
        "reach FreeIPA behind its web server ({status}): it starts, or its directory server is down; see `ipactl status`"
    )]
    Unavailable {
        /// The status of HTTP.
        status: u16,
    },
    /// The answer is not JSON.
    #[error("read the answer: it has status {status} and is {kind}, not application/json")]
    NoJson {
        /// The status of HTTP.
        status: u16,
        /// Its media type.
        kind: String,
    },
    /// The answer is not as the API says.
    #[error("understand the answer: {cause}")]
    Broken {
        /// What is wrong.
        cause: String,
    },
    /// The server left entries out, so that nothing may follow from their absence.
    #[error(
        "read all of {command}: the server leaves entries out after {count}; it or the user's role has a limit"
    )]
    Truncated {
        /// The command.
        command: String,
        /// How many entries came.
        count: usize,
    },
    /// The user cannot read DNS. FreeIPA shows emptiness to such a user.
    #[error(
        "read the zone {zone} as {principal}: the server hides it; give the user the role \"DNS Administrators\", or name the domain of FreeIPA"
    )]
    NoRights {
        /// The zone that must be there.
        zone: String,
        /// Who asks.
        principal: String,
    },
    /// FreeIPA has no DNS of its own.
    #[error("use FreeIPA's DNS: the server has none; install it by `ipa-dns-install`")]
    NoDns,
    /// The command was refused.
    #[error("run {command}: {refusal}")]
    Refused {
        /// The command.
        command: String,
        /// Why.
        refusal: Refusal,
    },
}

/// An error of a command, of the whole request or of an item of a batch.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({name} {number}){}", code.help())]
#[non_exhaustive]
pub struct Refusal {
    /// What kind of error it is.
    pub code: Code,
    /// Its number, as 4001.
    pub number: i64,
    /// The server's name of it, as `NotFound`.
    pub name: String,
    /// What the server says, in the server's language.
    pub message: String,
    /// The values that the message is made of, as `name` and `error` of a `ValidationError`.
    pub data: Map<String, Value>,
}

impl Refusal {
    /// Reads the members of an error, whose names differ between a request and an item of a batch.
    pub(super) fn read(
        number: i64,
        name: Option<&Value>,
        message: Option<&Value>,
        data: Option<&Value>,
    ) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let data = data.and_then(Value::as_object).cloned().unwrap_or_default();
        Self { code: Code::of(number), number, name: text(name), message: text(message), data }
    }
}

impl IpaError {
    /// The code, if a command was refused.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.code),
            _ => None,
        }
    }

    /// What a command that failed so may have changed.
    pub fn effect(&self) -> Effect {
        match self {
            // The last step makes the zone a domain of the realm. A user who may not do that has made the zone all the same.
            Self::Refused { command, refusal } if command == "dnszone_add" => match refusal.code {
                Code::AciError => Effect::Unknown,
                code => code.effect(),
            },
            Self::Refused { refusal, .. } => refusal.code.effect(),
            Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::Unavailable { .. }
            | Self::NoJson { .. }
            | Self::Broken { .. } => Effect::Unknown,
            _ => Effect::Nothing,
        }
    }

    /// Whether a server that is still starting answers so.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Unavailable { .. } | Self::Interrupted { .. })
    }
}

/// For callers to whom "no modifications to be performed" (4202) is a success.
pub trait OrUnchanged {
    /// The answer.
    type Answer;
    /// The error.
    type Error;

    /// `None` if everything was as wanted before.
    ///
    /// # Errors
    ///
    /// Every other error.
    fn or_unchanged(self) -> Result<Option<Self::Answer>, Self::Error>;
}

impl<T> OrUnchanged for Result<T, IpaError> {
    type Answer = T;
    type Error = IpaError;

    fn or_unchanged(self) -> Result<Option<T>, IpaError> {
        match self {
            Err(error) if error.code() == Some(Code::EmptyModlist) => Ok(None),
            other => other.map(Some),
        }
    }
}

impl<T> OrUnchanged for Result<T, Refusal> {
    type Answer = T;
    type Error = Refusal;

    fn or_unchanged(self) -> Result<Option<T>, Refusal> {
        match self {
            Err(refusal) if refusal.code == Code::EmptyModlist => Ok(None),
            other => other.map(Some),
        }
    }
}
