//! The machines that are enrolled.

use super::unit::{FOLDER, head, installer, password, tail};
use super::{FreeIpa, domain_of};
use crate::flow::{Flows, Peer, tcp, udp};
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::RoleName;
use crate::role::{After, CustomRole, Leaving, Site};

/// The kind of a client's role.
pub const CLIENT: RoleName = RoleName::literal("freeipa-client");

/// A machine that is enrolled in FreeIPA: its users and its rights come from there.
#[derive(Clone, Debug)]
pub struct FreeIpaClient(FreeIpa);

impl FreeIpaClient {
    pub(super) fn of(freeipa: &FreeIpa) -> Self {
        Self(freeipa.clone())
    }
}

/// The package of a system, if it has one.
pub(super) const fn package(os: Os) -> Option<&'static str> {
    match os {
        Os::Rocky | Os::Almalinux => Some("ipa-client"),
        Os::Debian => Some("freeipa-client"),
        Os::FedoraCoreos | Os::Flatcar | Os::None => None,
    }
}

impl CustomRole for FreeIpaClient {
    fn kind(&self) -> Given<RoleName> {
        CLIENT.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let machine = site.machine();
        let domain = self.0.first_server(site.cloud()).and_then(domain_of);
        let (Some(package), Some(domain), Some(fqdn)) = (package(site.os()), domain, &machine.fqdn) else {
            return Guest::new();
        };
        let servers = self.0.servers(site.cloud()).filter_map(|server| server.fqdn.as_ref());
        let servers: String = servers.map(|server| format!(" --server={server}")).collect();
        let script = format!(
            "{}# What an enrolment that did not come to its end has left.\n\
             if [ -e /var/lib/ipa-client/sysrestore/sysrestore.state ] || [ -e /etc/ipa/default.conf ]; then\n\
             \x20   /usr/sbin/ipa-client-install --uninstall --unattended\nfi\n\
             /usr/sbin/ipa-client-install --unattended --mkhomedir --no-ntp --no-dns-sshfp \\\n\
             \x20   --domain={domain} --realm={}{servers} --hostname={fqdn} \\\n\x20   --password=\"$(cat {FOLDER}/once)\"\n{}",
            head("Enrols this machine in FreeIPA."),
            domain.to_uppercase(),
            tail()
        );
        Guest::new()
            .package(package)
            .file(password("once", self.0.one_time_password(&machine.name)))
            .with(installer("fmc-freeipa-client", "Enrolment in FreeIPA", script))
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        self.0.servers(site.cloud()).fold(Flows::new(), |flows, server| {
            let peer = || Peer::machine(Given::from(server.name.clone()));
            let flows =
                [80, 88, 389, 443, 464].iter().fold(flows, |flows, port| flows.reach(tcp(*port), peer()));
            [88, 464].iter().fold(flows, |flows, port| flows.reach(udp(*port), peer()))
        })
    }

    fn after(&self, _: &Site<'_>) -> After {
        After::new().role(super::SERVER)
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let machine = site.machine();
        let fqdn = machine.fqdn.as_ref().map(ToString::to_string).unwrap_or_default();
        Leaving::new()
            .removed(format!("run `ipa host-del {fqdn}`: FreeIPA keeps the host, and its certificates, until then"))
            .replaced(format!("run `ipa host-disable {fqdn}`: an enrolled host takes no password, and needs its own again, by the next apply where the cloud keeps its entry"))
    }
}
