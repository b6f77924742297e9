//! What a FreeIPA server asks others for: names outside of its zones, or those of one domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::addr::Ip;
use crate::draft::{choice, draft};
use crate::given::Given;
use crate::name::{DnsServerName, DomainName};

draft! {
    /// A domain for whose names a FreeIPA server asks other servers.
    ///
    /// ```
    /// use fmc_core::dns::{Dns, ForwardZone};
    ///
    /// let corp = ForwardZone::new("corp.example").forwarders(["192.0.2.53", "192.0.2.54"]);
    /// let dns = Dns::new().forward_zone(corp);
    /// # let _ = dns;
    /// ```
    pub struct ForwardZone {
        /// Its name: a domain that is not a zone of the cloud.
        #[key]
        pub name: Given<DomainName>,
        /// The FreeIPA server that asks; by default the only one, or the default one.
        pub server: Option<Given<DnsServerName>>,
        /// The servers that are asked, by address.
        #[list]
        pub forwarders: Vec<Given<Ip>>,
        /// Whether other ways are tried, too: `only` by default.
        pub policy: ForwardPolicy,
    }

    /// A domain without forwarders.
    pub fn new(..);
}

/// Whether a server that forwards asks the root servers, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ForwardPolicy {
    /// The forwarders alone. Reverse zones of private addresses are forwarded only so (RFC 6303).
    #[default]
    Only,
    /// The root servers, when no forwarder answers.
    First,
    /// No forwarder: the names are asked for as if there were none.
    None,
}

choice!(ForwardPolicy);

impl fmt::Display for ForwardPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Only => "only",
            Self::First => "first",
            Self::None => "none",
        })
    }
}
