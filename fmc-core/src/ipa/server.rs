//! The machines with a server: the first one, and its replicas.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::unit::{DONE, FOLDER, head, installer, password, tail};
use super::{FreeIpa, domain_of, subnets};
use crate::checked::Machine;
use crate::disk::Disk;
use crate::flow::{Flows, Peer, Service, tcp, udp};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::name::{NetworkName, RoleName};
use crate::role::{After, CustomRole, Leaving, Needs, Site};
use crate::unit::{FileMode, SizeExt as _};

/// The kind of the first server's role.
pub const SERVER: RoleName = RoleName::literal("freeipa-server");

/// The kind of a replica's role.
pub const REPLICA: RoleName = RoleName::literal("freeipa-replica");

/// The ports that the installer names: HTTP, HTTPS, LDAP, LDAPS, Kerberos, its changes of passwords, DNS.
const TCP: [u16; 7] = [53, 80, 88, 389, 443, 464, 636];
const UDP: [u16; 3] = [53, 88, 464];

/// Where `ipa-backup` writes, which is on the data disk of the first server.
const BACKUPS: &str = "/var/lib/ipa/backup";
const KEPT: u32 = 7;

/// The first server.
#[derive(Clone, Debug)]
pub struct FreeIpaServer(FreeIpa);

/// A replica of it.
#[derive(Clone, Debug)]
pub struct FreeIpaReplica(FreeIpa);

impl FreeIpaServer {
    pub(super) fn of(freeipa: &FreeIpa) -> Self {
        Self(freeipa.clone())
    }
}

impl FreeIpaReplica {
    pub(super) fn of(freeipa: &FreeIpa) -> Self {
        Self(freeipa.clone())
    }
}

/// The names and the address of a server.
struct Named<'s> {
    fqdn: &'s str,
    domain: &'s str,
    realm: String,
    address: IpAddr,
}

impl<'s> Named<'s> {
    fn of(site: &Site<'s>) -> Option<Self> {
        let machine = site.machine();
        let domain = domain_of(machine)?;
        let fqdn = machine.fqdn.as_ref()?.as_str();
        Some(Self { fqdn, domain, realm: domain.to_uppercase(), address: machine.address()? })
    }
}

/// The options of both installers.
fn options(freeipa: &FreeIpa, named: &Named<'_>) -> String {
    let Named { fqdn, domain, realm, address } = named;
    let mut options = vec![
        format!("--realm={realm}"),
        format!("--domain={domain}"),
        format!("--hostname={fqdn}"),
        format!("--ip-address={address}"),
        "--setup-dns".to_owned(),
        // The cloud has the time, and its reverse zones.
        "--no-ntp".to_owned(),
        "--no-reverse".to_owned(),
        "--mkhomedir".to_owned(),
    ];
    let forwarders: Vec<String> =
        freeipa.forwarders.iter().filter_map(Given::ok).map(|one| format!("--forwarder={one}")).collect();
    if forwarders.is_empty() {
        options.push("--no-forwarders".to_owned());
    } else {
        options.push("--forward-policy=only".to_owned());
    }
    options.extend(forwarders);
    if freeipa.without_validation {
        options.push("--no-dnssec-validation".to_owned());
    }
    options.iter().fold(String::new(), |mut text, option| {
        // Writing to a text cannot fail.
        let _ = write!(text, " \\\n        {option}");
        text
    })
}

/// Takes back an installation that did not come to its end. One whose services run did, although its mark is not there.
const TAKE_BACK: &str = "if [ -e /etc/ipa/default.conf ] || [ -e /var/lib/ipa/sysrestore/sysrestore.state ]; then\n\
    \x20   if /usr/sbin/ipactl status >/dev/null 2>&1; then\n\
    \x20       is_there=yes\n\
    \x20   else\n\
    \x20       /usr/sbin/ipa-server-install --uninstall --unattended --ignore-topology-disconnect --ignore-last-of-role\n\
    \x20   fi\n\
    fi\n";

/// The DNS of FreeIPA answers the cloud alone: `named.conf` of FreeIPA includes these files, and no update writes them.
const DNS_OF_THE_CLOUD: &str = "install -m 0640 -g named /etc/fmc/freeipa/named.acl /etc/named/ipa-ext.conf\n\
    install -m 0640 -g named /etc/fmc/freeipa/named.options /etc/named/ipa-options-ext.conf\n\
    systemctl restart named.service\n";

/// The files of FreeIPA's DNS.
fn named_files(freeipa: &FreeIpa, site: &Site<'_>) -> [GuestFile; 2] {
    let subnets: String = subnets(site.cloud()).iter().map(|subnet| format!("\t{subnet};\n")).collect();
    let acl = format!("acl cloud {{\n\t127.0.0.0/8;\n\t::1;\n{subnets}}};\n");
    let validation = if freeipa.without_validation { "no" } else { "yes" };
    let options = format!(
        "allow-query {{ cloud; }};\nallow-recursion {{ cloud; }};\nallow-query-cache {{ cloud; }};\nlisten-on-v6 {{ any; }};\n\
         dnssec-validation {validation};\n"
    );
    [
        GuestFile::text(format!("{FOLDER}/named.acl"), acl),
        GuestFile::text(format!("{FOLDER}/named.options"), options),
    ]
}

/// The parts that all servers have.
fn common(freeipa: &FreeIpa, site: &Site<'_>) -> Guest {
    // The certificate authority takes minutes to start on a small machine.
    let patience = GuestFile::text("/etc/ipa/installer.conf", "[global]\nstartup_timeout = 300\n");
    let [acl, options] = named_files(freeipa, site);
    Guest::new().package("ipa-server").package("ipa-server-dns").file(patience).file(acl).file(options)
}

fn flows(freeipa: &FreeIpa, site: &Site<'_>) -> Flows {
    let members =
        freeipa.clients.iter().chain(&freeipa.replicas).chain([&freeipa.server]).filter_map(Given::ok);
    let members: Vec<&Machine> = members.filter_map(|name| site.cloud().machine(name.as_str())).collect();
    site.askers(&members).into_iter().fold(Flows::new(), |flows, network| {
        let peer = || Peer::network(Given::<NetworkName>::from(network.name.clone()));
        let flows = TCP.iter().fold(flows, |flows, port| flows.accept(tcp(*port), peer()));
        UDP.iter().fold(flows, |flows, port| flows.accept(udp(*port), peer()))
    })
}

fn reached(freeipa: &FreeIpa, flows: Flows) -> Flows {
    let at = |forwarder: &crate::addr::Ip| {
        let length = if forwarder.is_ipv4() { 32 } else { 128 };
        Peer::subnet(Given::text(&format!("{forwarder}/{length}")))
    };
    let mut peers: Vec<Peer> = freeipa.forwarders.iter().filter_map(Given::ok).map(at).collect();
    if peers.is_empty() {
        peers.push(Peer::Anywhere);
    }
    peers.into_iter().fold(flows, |flows, peer| flows.reach(udp(53), peer.clone()).reach(tcp(53), peer))
}

fn needs() -> Needs {
    // The installer refuses a machine with less than 1.2 GB that is free.
    Needs::new().systems(&[Os::Rocky, Os::Almalinux]).memory(2.gib()).root_disk(10.gib()).address()
}

impl CustomRole for FreeIpaServer {
    fn kind(&self) -> Given<RoleName> {
        SERVER.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let Some(named) = Named::of(site) else { return Guest::new() };
        let script = format!(
            "{}is_there=no\n{TAKE_BACK}mkdir -p {BACKUPS}\nbackup=$(find {BACKUPS} -mindepth 1 -maxdepth 1 -name 'ipa-full-*' | sort | tail -n 1)\n\
             if [ \"$is_there\" = yes ]; then\n    :\nelif [ -n \"$backup\" ]; then\n\
             \x20   # A new directory would have other keys and another authority than the machines that know this one.\n\
             \x20   /usr/sbin/ipa-restore --unattended --password=\"$(cat {FOLDER}/directory)\" \"$backup\"\nelse\n\
             \x20   /usr/sbin/ipa-server-install --unattended \\\n\
             \x20       --ds-password=\"$(cat {FOLDER}/directory)\" \\\n\x20       --admin-password=\"$(cat {FOLDER}/admin)\"{}\nfi\n{DNS_OF_THE_CLOUD}{}",
            head("Installs the first FreeIPA server, or restores it from its backup."),
            options(&self.0, &named),
            tail()
        );
        common(&self.0, site)
            .file(password("admin", self.0.admin_password()))
            .file(password("directory", self.0.directory_password()))
            .with(installer("fmc-freeipa", "FreeIPA server", script))
            .with(backup(self.0.keep_backups.unwrap_or(KEPT)))
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        reached(&self.0, flows(&self.0, site))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        needs()
    }

    fn disks(&self) -> Vec<Disk> {
        vec![Disk::new("backup", 20.gib()).mount(BACKUPS)]
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(443))
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let name = &site.machine().name;
        Leaving::new()
            .removed(format!("the users, hosts and certificates of FreeIPA go with {name}: run `ipa-backup` on it and keep a copy"))
            .replaced(format!("run `ipa-backup` on {name}: the new machine restores the last backup of the disk `backup`"))
    }
}

impl CustomRole for FreeIpaReplica {
    fn kind(&self) -> Given<RoleName> {
        REPLICA.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let (Some(named), Some(first)) = (Named::of(site), self.0.first_server(site.cloud())) else {
            return Guest::new();
        };
        let server = first.fqdn.as_ref().map(ToString::to_string).unwrap_or_default();
        let script = format!(
            "{}is_there=no\n{TAKE_BACK}if [ \"$is_there\" = no ]; then\n\
             \x20   /usr/sbin/ipa-replica-install --unattended --setup-ca \\\n\x20       --server={server} --principal=admin \\\n\
             \x20       --admin-password=\"$(cat {FOLDER}/admin)\"{}\nfi\n{DNS_OF_THE_CLOUD}{}",
            head("Installs a replica of the first FreeIPA server."),
            options(&self.0, &named),
            tail()
        );
        common(&self.0, site).file(password("admin", self.0.admin_password())).with(installer(
            "fmc-freeipa",
            "FreeIPA replica",
            script,
        ))
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let server = || Peer::role(SERVER);
        let flows = reached(&self.0, flows(&self.0, site));
        let flows = TCP.iter().fold(flows, |flows, port| flows.reach(tcp(*port), server()));
        UDP.iter().fold(flows, |flows, port| flows.reach(udp(*port), server()))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        needs()
    }

    fn after(&self, _: &Site<'_>) -> After {
        After::new().role(SERVER)
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(443))
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let machine = site.machine();
        let fqdn = machine.fqdn.as_ref().map(ToString::to_string).unwrap_or_default();
        let text =
            format!("run `ipa server-del {fqdn}` on another server, so that none waits for {}", machine.name);
        Leaving::new().removed(text.clone()).replaced(text)
    }
}

/// A whole backup every night, and no more than some of them. The server stops for it, for about a minute.
fn backup(keep: u32) -> Guest {
    const NAME: &str = "fmc-freeipa-backup";
    let path = format!("/usr/local/sbin/{NAME}");
    let script = format!(
        "#!/bin/bash\n# A whole backup of FreeIPA; the oldest of more than {keep} go.\nset -euo pipefail\n[ -e {DONE} ] || exit 0\n\
         /usr/sbin/ipa-backup\nfind {BACKUPS} -mindepth 1 -maxdepth 1 -name 'ipa-full-*' | sort | head -n -{keep} |\n\
         \x20   while IFS= read -r old; do rm -r -- \"$old\"; done\n"
    );
    let service = UnitFile::new()
        .section(UnitSection::new("Unit").set("Description", "Backup of FreeIPA"))
        .section(UnitSection::new("Service").set("Type", "oneshot").set("ExecStart", path.clone()));
    let timer = UnitFile::new()
        .section(UnitSection::new("Unit").set("Description", "Backup of FreeIPA every night"))
        .section(UnitSection::new("Timer").set_all(&[
            ("OnCalendar", "*-*-* 03:30:00"),
            ("RandomizedDelaySec", "30min"),
            ("Persistent", "true"),
        ]))
        .section(UnitSection::new("Install").set("WantedBy", "timers.target"));
    Guest::new()
        .file(GuestFile::text(path, script).mode(FileMode::new(0o755)))
        .unit(Unit::service(NAME).contents(service))
        .unit(Unit::timer(NAME).enabled().contents(timer))
}
