//! Why a server did not do what it was asked.

/// Why a server gave no zone, or took no change: a fragment that fits "failed to …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// There is no answer.
    #[error("{cause}")]
    NoAnswer {
        /// The cause, and what to do.
        cause: String,
        /// Whether a server that is still starting gives no answer in the same way.
        is_absent: bool,
    },
    /// It answered with an error.
    #[error("it answers {code}{}", meaning(.code, .tsig))]
    Refused {
        /// The code, as `NOTAUTH` (RFC 1035, RFC 2136).
        code: String,
        /// The error of the signature, as `BADKEY` (RFC 8945), if it gives one.
        tsig: String,
    },
    /// The clocks differ by more than the key allows.
    #[error(
        "its clock and ours differ by {seconds} s, and a signature is good for 300 s (BADTIME): set the clocks by NTP"
    )]
    Clock {
        /// By how many seconds.
        seconds: u64,
    },
    /// An answer is not signed, or not by the key.
    #[error("its answer is not to be trusted: {0}")]
    Signature(String),
    /// A transfer ended early, or an answer is not one of DNS.
    #[error("its answer is broken: {0}")]
    Broken(String),
    /// It answers about a zone from elsewhere, as a resolver does.
    #[error("it does not have the zone {0} itself: make the zone at the server, or ask the one that has it")]
    NotItsZone(String),
    /// A condition of the change does not hold: the records are not those that were read.
    #[error("its records changed meanwhile ({0}): plan again")]
    Changed(String),
    /// The key cannot be used.
    #[error("it was not asked, because the key {name} cannot be used: {cause}")]
    Key {
        /// Its name.
        name: String,
        /// Why not, and what to do.
        cause: String,
    },
}

/// What a code means for the author of a cloud.
fn meaning(code: &str, tsig: &str) -> String {
    let text = match (code, tsig) {
        (_, "BADKEY") => ": it does not know the key (BADKEY), or not by this name and algorithm",
        (_, "BADSIG") => ": the key's bytes are not those that it has (BADSIG)",
        ("NOTAUTH", _) => {
            ": it does not have the zone, or the key may not have it: make the zone at the server with an SOA and NS records, as `dns export` writes them"
        }
        ("REFUSED", _) => {
            ": the key may not read or change the zone (allow-transfer, update-policy), or the zone would be broken by it; the server's log says which. \
             A server that gives no transfers is read with `read_by: queries`"
        }
        ("NOTIMP", _) => ": it takes no dynamic updates",
        ("SERVFAIL", _) => ": the zone is not loaded, or its files cannot be written; its log says more",
        _ => "",
    };
    text.to_owned()
}

impl DnsError {
    /// Whether a server that is still starting, or whose zones are still loaded, answers so.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Self::NoAnswer { is_absent, .. } => *is_absent,
            Self::Refused { code, .. } => code == "SERVFAIL",
            _ => false,
        }
    }
}
