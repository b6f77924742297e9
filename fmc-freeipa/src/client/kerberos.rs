//! The login by a ticket of Kerberos: why it fails, and, with the feature `kerberos`, the login itself.

#[cfg(feature = "kerberos")]
mod cache;
#[cfg(feature = "kerberos")]
mod login;

#[cfg(feature = "kerberos")]
pub(super) use login::login;

/// Why a login by a ticket of Kerberos failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("log in by a Kerberos ticket for {service}: {}{}", reason.help(), in_parentheses(said))]
#[non_exhaustive]
pub struct KerberosError {
    /// The server's service, as `HTTP@ipa.lab.example`.
    pub service: String,
    /// Why not.
    pub reason: KerberosReason,
    /// What the library of Kerberos says; nothing if the reason says all.
    pub said: String,
}

/// Why there is no login by a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KerberosReason {
    /// There is no ticket, neither in a cache nor by a keytab.
    NoTicket,
    /// The cache of tickets cannot be read, or is damaged.
    BrokenCache,
    /// The ticket has expired.
    Expired,
    /// The KDC does not know the server: it is of another realm, or its name is another one.
    UnknownServer,
    /// The clocks of this machine and of the KDC or the server differ by more than five minutes.
    ClockSkew,
    /// No KDC answers, or none is known for the realm.
    NoKdc,
    /// The server does not accept the ticket (401).
    Refused,
    /// The server did not prove that it has the key of its service.
    Unproven,
    /// Another reason, in the words of the library.
    Other,
}

impl KerberosReason {
    /// What happened, and what to do.
    fn help(self) -> &'static str {
        match self {
            Self::NoTicket => {
                "there is no ticket: run `kinit USER@REALM`, or name a keytab by KRB5_CLIENT_KTNAME; KRB5CCNAME names another cache"
            }
            Self::BrokenCache => {
                "the cache of tickets cannot be read, or is damaged: run `kdestroy` and `kinit USER@REALM`"
            }
            Self::Expired => "the ticket has expired: run `kinit USER@REALM`",
            Self::UnknownServer => {
                "the KDC of the ticket's realm does not know this server: run `kinit USER@REALM` with the server's own realm, and \
                 compare `fqdn` with the name that `ipa service-find HTTP` shows"
            }
            Self::ClockSkew => {
                "the clocks of this machine and of the KDC differ: set both by NTP, and run `kinit USER@REALM`"
            }
            Self::NoKdc => {
                "no KDC answers: see that the network leads to it, and that /etc/krb5.conf or DNS names it for the realm, as \
                 `kinit USER@REALM` needs it too"
            }
            Self::Refused => {
                "the server refuses the ticket (401): run `kinit USER@REALM` again, compare the clocks, and read \
                 /var/log/httpd/error_log there"
            }
            Self::Unproven => {
                "the server does not prove that it has the key of its service, and the session is not used: it may be another \
                 server; see that `address` is FreeIPA's own web server"
            }
            Self::Other => "the library of Kerberos refuses",
        }
    }
}

fn in_parentheses(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}
