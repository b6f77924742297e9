//! FreeIPA on machines of the cloud: a server with its directory, Kerberos, certificates and DNS, replicas of it, and the machines that are
//! enrolled in it.
//!
//! # Passwords
//!
//! The passwords of the administrator and of the directory, and the password by which a machine enrols itself once, are made from
//! the root key. A program that talks to the server, as the provider of zones, has the administrator's by the same name and generation.
//!
//! # What a second run does
//!
//! The installers of FreeIPA do not converge: they refuse to begin beside what an earlier run has left. So each script has a mark of its own for
//! an installation that came to its end, takes back one that did not, and begins again. A server whose machine was replaced
//! finds its backup on its data disk and is restored from it, because a new directory would have other keys and another authority.

mod client;
mod enrolment;
mod rules;
mod server;
mod unit;

use crate::addr::{Ip, Subnet};
use crate::checked::{Checked, Machine};
use crate::draft::{Setting as _, draft};
use crate::finding::OwnKind;
use crate::given::Given;
use crate::name::MachineName;
use crate::role::{FileSpanningRole, RoleFindings, SpanMembers, SpanSite, SpanningRole, rust_of_json};
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::{Generated, Secret};

pub use client::{CLIENT, FreeIpaClient};
pub use enrolment::Enrolment;
pub use server::{FreeIpaReplica, FreeIpaServer, REPLICA, SERVER};

draft! {
    /// A FreeIPA of the cloud: its first server, replicas, and the machines that are enrolled in it. The domain is that of the server's
    /// machine, and the realm is the domain in capital letters.
    ///
    /// ```
    /// use fmc_core::ipa::FreeIpa;
    ///
    /// let freeipa = FreeIpa::on("ipa1").replicas(["ipa2"]).clients(["db", "web"]).forwarders(["9.9.9.9"]);
    /// # let _ = freeipa;
    /// ```
    ///
    /// In a file it stands among the `roles` of the cloud:
    ///
    /// ```yaml
    /// roles:
    ///   - freeipa:
    ///       server: ipa1
    ///       replicas: [ipa2]
    ///       clients: [db, web]
    ///       forwarders: [9.9.9.9]
    /// ```
    pub struct FreeIpa {
        /// The machine with the first server: Rocky Linux or `AlmaLinux`.
        #[needed]
        pub(crate) server: Given<MachineName>,
        /// Machines with a copy of it, which serve on when it is down: Rocky Linux or `AlmaLinux`.
        #[list]
        pub(crate) replicas: Vec<Given<MachineName>>,
        /// The machines that are enrolled in it: Rocky Linux, `AlmaLinux` or Debian.
        #[list]
        pub(crate) clients: Vec<Given<MachineName>>,
        /// The resolvers that its DNS asks for other names; without any it asks the root servers itself.
        #[list]
        pub(crate) forwarders: Vec<Given<Ip>>,
        /// Its DNS believes names of signed zones without a proof. The installer then does not ask the forwarders either.
        #[switch(without_validation)]
        pub(crate) without_validation: bool,
        /// How many backups of the first server its data disk `backup` keeps: 7 by default, one a day.
        pub(crate) keep_backups: Option<u32>,
        /// Raise it to give a FreeIPA that is made new other passwords; 1 by default. One that is there keeps its own.
        pub(crate) generation: Option<u32>,
    }

    /// A FreeIPA whose first server is on a machine.
    pub fn on(..);
}

impl FreeIpa {
    /// The password of the user `admin`.
    pub fn admin_password(&self) -> Secret {
        self.secret("admin")
    }

    /// The password by which a machine enrols itself once. The entry of the machine's host in FreeIPA must have it.
    pub fn one_time_password(&self, machine: &MachineName) -> Secret {
        self.secret(&format!("otp-{machine}"))
    }

    /// The password of the Directory Manager, which backups are restored with.
    fn directory_password(&self) -> Secret {
        self.secret("directory")
    }

    fn secret(&self, name: &str) -> Secret {
        self.shared_secret(name, Generated::Password).generation(self.generation.unwrap_or(1))
    }

    /// The machines of all servers, the first one first.
    fn servers<'s>(&self, cloud: &'s Checked) -> impl Iterator<Item = &'s Machine> {
        let names = std::iter::once(&self.server).chain(&self.replicas).filter_map(Given::ok);
        names.filter_map(|name| cloud.machine(name.as_str()))
    }

    fn expression(&self) -> Result<Expr, Unsaid> {
        self.rust(&Names::new())
    }
}

/// The domain of a machine: what follows the first dot of its full name.
fn domain_of(machine: &Machine) -> Option<&str> {
    machine.fqdn.as_ref()?.as_str().split_once('.').map(|(_, domain)| domain)
}

/// The subnets of the cloud, which its servers answer.
fn subnets(cloud: &Checked) -> Vec<Subnet> {
    let families = cloud.networks().iter().flat_map(|network| [&network.ipv4, &network.ipv6]).flatten();
    let mut subnets: Vec<Subnet> = families.map(|family| family.subnet).collect();
    subnets.sort_unstable();
    subnets.dedup();
    subnets
}

impl SpanningRole for FreeIpa {
    fn kind(&self) -> Given<crate::name::RoleName> {
        Given::text(Self::KIND)
    }

    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new()
            .one("server", &self.server, FreeIpaServer::of(self))
            .in_turn("replicas", &self.replicas, FreeIpaReplica::of(self))
            .list("clients", &self.clients, FreeIpaClient::of(self))
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        for (index, forwarder) in self.forwarders.iter().enumerate() {
            findings.leaf(&format!("forwarders[{index}]"), forwarder);
        }
        if self.keep_backups == Some(0) {
            findings.refuse(
                "`keep_backups` is 0: a backup would be deleted as soon as it is made",
                "keep one or more",
            );
        }
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        rules::check(self, site, findings);
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for FreeIpa {
    const KIND: &'static str = "freeipa";
    const FINDINGS: &'static [OwnKind] = rules::KINDS;

    fn to_rust(&self) -> String {
        match self.expression() {
            Ok(made) => format!("Spanning::said({})", made.line()),
            Err(_) => rust_of_json("Spanning", self),
        }
    }
}
