//! The time of a cloud: machines that serve it, and machines that take it from them alone (NTP, RFC 5905).
//!
//! # Which program
//!
//! A server runs chrony, and so does every client on Fedora CoreOS and Enterprise Linux, whose images have it. A client on
//! Flatcar or Debian keeps the program of its image, systemd-timesyncd: Flatcar's image has chrony only for some public clouds, and
//! Debian would have to fetch a package, from a world that the cloud may not reach. `systemd-timesyncd` knows no keys, so
//! a client on Debian takes chrony instead where the servers are authenticated. It does so too where the machine is enrolled in FreeIPA:
//! Debian's package for that refuses systemd-timesyncd.

mod config;
mod role;
mod rules;
mod source;

use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::given::Given;
use crate::name::{MachineName, NetworkName};
use crate::role::{FileSpanningRole, RoleFindings, SpanMembers, SpanSite, SpanningRole, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::{Generated, Secret};

pub use role::{CLIENT, ChronyClient, ChronyServer, SERVER};
pub use source::{Stratum, TimeSource};

draft! {
    /// The time of a cloud: its servers, where they take their time from, and the clients that take it from the servers alone.
    ///
    /// Each server accepts the networks that have clients, and no others. In a file it stands among the `roles` of the cloud:
    ///
    /// ```yaml
    /// roles:
    ///   - chrony:
    ///       servers: [ntp1]
    ///       clients: [db, web]
    ///       pools: [2.debian.pool.ntp.org]
    /// ```
    ///
    /// ```
    /// use fmc_core::chrony::Chrony;
    ///
    /// // A cloud without the world: the clock of one machine is the time.
    /// let chrony = Chrony::new().servers(["ntp1"]).clients(["db", "web"]).local_stratum(10);
    /// # let _ = chrony;
    /// ```
    #[derive(Default)]
    pub struct Chrony {
        /// The machines that serve time to the clients: one, or at least three. A client cannot tell which of two is wrong.
        #[list]
        pub(crate) servers: Vec<Given<MachineName>>,
        /// The machines that take their time from the servers, and from nothing else.
        #[list]
        pub(crate) clients: Vec<Given<MachineName>>,
        /// Servers outside of the cloud that the servers ask, as `ntp.example.org` or `192.0.2.123`: one, or at least three.
        #[list]
        pub(crate) upstreams: Vec<Given<TimeSource>>,
        /// Names that each stand for several servers outside of the cloud, as `2.debian.pool.ntp.org`.
        #[list]
        pub(crate) pools: Vec<Given<TimeSource>>,
        /// The server answers by its own clock while it has no other source, as if it were at this distance from a reference
        /// clock: 1 to 15, usually 10. Only one server can do so.
        pub(crate) local_stratum: Option<Given<Stratum>>,
        /// Networks whose other devices may ask the servers too.
        #[list]
        pub(crate) networks: Vec<Given<NetworkName>>,
        /// Clients believe a server only if it proves that it has the key, which is made from the root key.
        pub(crate) authenticated: bool,
        /// Raise it to give the servers and clients another key; 1 by default.
        pub(crate) generation: Option<u32>,
    }

    /// Without servers.
    pub fn new(..);
}

impl Chrony {
    /// The key of an authenticated cloud.
    fn key(&self) -> Option<Secret> {
        let key = || self.shared_secret("key", Generated::Token).generation(self.generation.unwrap_or(1));
        self.authenticated.then(key)
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

impl SpanningRole for Chrony {
    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new().list("servers", &self.servers, ChronyServer::of(self)).list(
            "clients",
            &self.clients,
            ChronyClient::of(self),
        )
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        for (key, sources) in [("upstreams", &self.upstreams), ("pools", &self.pools)] {
            for (index, source) in sources.iter().enumerate() {
                findings.leaf(&format!("{key}[{index}]"), source);
            }
        }
        for (index, network) in self.networks.iter().enumerate() {
            findings.leaf(&format!("networks[{index}]"), network);
        }
        if let Some(stratum) = &self.local_stratum {
            findings.leaf("local_stratum", stratum);
        }
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for Chrony {
    const KIND: &'static str = "chrony";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Spanning::said({})", made.line()),
            Err(_) => rust_of_json("Spanning", self),
        }
    }
}
