//! A private network between machines as a role of a program's own that spans them, on public items alone: one room that no other
//! file knows.
//!
//! Its members encrypt what they send each other with IPsec (strongSwan, RFC 7296), and know each other by one key, which is made
//! from the cloud's root key. UDP carries it all, so that it gets through whatever lies between two members.

use fmc::prelude::*;
use fmc::unit::FileMode;
use serde::{Deserialize, Serialize};

/// A network of one machine: a kind of finding of the role's own.
const ALONE: OwnKind = OwnKind::error(
    "private-network-alone",
    "## What it means\n\nA private network has fewer than two members, so that nothing is encrypted by it.\n\n\
     ## How to mend it\n\nName the machines that talk to each other: `members: [a, b]`; or leave the network out.",
);

/// The kind of a member's role.
const PEER: RoleName = RoleName::literal("private-network-peer");

/// IKE, and all that is encrypted, in UDP (RFC 3948).
const PORTS: [u16; 2] = [500, 4500];

/// A private network.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivateNetwork {
    /// Its name.
    pub(crate) name: String,
    /// Its members.
    pub(crate) members: Vec<Given<MachineName>>,
    /// Raise it to give the members another key; 1 if not said.
    #[serde(default = "first")]
    pub(crate) generation: u32,
}

const fn first() -> u32 {
    1
}

impl SpanningRole for PrivateNetwork {
    fn instance(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn members(&self) -> SpanMembers<'_> {
        let key = self.shared_secret("key", Generated::Password).generation(self.generation);
        SpanMembers::new().list("members", &self.members, NetworkPeer { network: self.name.clone(), key })
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        findings.leaf("name", &Given::<RoleName>::text(&self.name));
    }

    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        if site.members().count() < 2 {
            findings.find(
                &ALONE,
                format!("{} has fewer than two members", self.name),
                "name a second machine",
            );
        }
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        Self::FINDINGS
    }
}

impl FileSpanningRole for PrivateNetwork {
    const KIND: &'static str = "private-network";
    const FINDINGS: &'static [OwnKind] = &[ALONE];
}

/// A member of a private network.
struct NetworkPeer {
    network: String,
    key: Secret,
}

impl NetworkPeer {
    /// The addresses of this member and of each other one, by which they see each other first.
    fn links<'a>(&'a self, site: &Site<'a>) -> impl Iterator<Item = (&'a Machine, [IpAddr; 2])> + use<'a> {
        let here = site.machine();
        let others = site.with_role_of(PEER, self.network.clone()).filter(|other| other.name != here.name);
        others.filter_map(|other| Some((other, [here.address_towards(other)?, other.address_towards(here)?])))
    }
}

type Machine = fmc::checked::Machine;

impl CustomRole for NetworkPeer {
    fn kind(&self) -> Given<RoleName> {
        PEER.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.network)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let network = &self.network;
        let mut connections = String::from("connections {\n");
        let mut identities = String::new();
        for (other, [here, there]) in self.links(site) {
            connections += &format!(
                "  {network}-{other} {{\n    version = 2\n    encap = yes\n    local_addrs = {here}\n    remote_addrs = {there}\n    \
                 local {{\n      auth = psk\n      id = {here}\n    }}\n    remote {{\n      auth = psk\n      id = {there}\n    }}\n    \
                 children {{\n      all {{\n        mode = transport\n        start_action = trap\n      }}\n    }}\n  }}\n",
                other = other.name,
            );
            identities += &format!("    id-{} = {there}\n", other.name);
        }
        connections += "}\n";
        let secrets = [
            TextPart::from(format!(
                "{connections}secrets {{\n  ike-{network} {{\n{identities}    secret = \""
            )),
            TextPart::Secret(self.key.clone()),
            TextPart::from("\"\n  }\n}\n".to_owned()),
        ];
        Guest::new()
            .package("charon-systemd")
            .file(
                GuestFile::parts(format!("/etc/swanctl/conf.d/{network}.conf"), secrets)
                    .mode(FileMode::new(0o600)),
            )
            .unit(Unit::service("strongswan").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        let others = || Peer::role(PEER).of(&self.network);
        PORTS
            .iter()
            .fold(Flows::new(), |flows, port| flows.accept(udp(*port), others()).reach(udp(*port), others()))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().systems(&[Os::Debian]).address()
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let (name, network) = (&site.machine().name, &self.network);
        Leaving::new().removed(format!(
            "{name} knows the key of {network}: raise `generation` of {network} in the same change, so that it is worth nothing"
        ))
    }
}
