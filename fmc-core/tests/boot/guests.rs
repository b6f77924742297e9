//! Machines that use every feature of a guest, for the tests of boot configurations.

#![expect(clippy::unwrap_used, reason = "a cloud of these tests that is refused is a mistake of the test")]

use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::guest::{Directory, Group, Guest, GuestFile, Symlink, Unit, User};
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::secret::{Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::unit::SizeExt as _;

/// The bytes of every secret of these tests; no other text contains them.
pub(crate) const PLANTED: &str =
    "$6$pl4nted$pl4nted...............................................................................";

/// A key that opens an account.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

/// The contents of the service of [`everything`].
pub(crate) const SERVICE: &str =
    "[Unit]\nDescription=App\n\n[Service]\nExecStart=/usr/bin/app\n\n[Install]\nWantedBy=multi-user.target\n";

/// A text that encodings tend to break: quotes, percent signs, spaces at an end, colons, a plus, umlauts.
pub(crate) const TRICKY: &str = "a: \"b\" 'c' #d\n  100% + {e} \\n\t\n\nno newline at the end: ü";

/// The names and systems of the tests.
pub(crate) const SYSTEMS: [(&str, Os); 5] = [
    ("fedora-coreos", Os::FedoraCoreos),
    ("flatcar", Os::Flatcar),
    ("rocky", Os::Rocky),
    ("almalinux", Os::Almalinux),
    ("debian", Os::Debian),
];

/// The ways in which a machine can be on its networks, each with a name.
pub(crate) fn networks() -> Vec<(&'static str, Vec<Interface>)> {
    vec![
        ("static", vec![Interface::on("lab").address("10.17.3.10")]),
        ("reserved", vec![Interface::on("lab").reserved("10.17.3.10")]),
        ("dynamic", vec![Interface::on("lab")]),
        ("both-families", vec![Interface::on("dual").address("10.17.5.10").address("fd00:17:5::10")]),
        (
            "two-interfaces",
            vec![
                Interface::on("kube").address("10.17.4.10").default_route(false),
                Interface::on("lab").address("10.17.3.10").default_route(true),
            ],
        ),
        (
            "two-by-dhcp",
            vec![Interface::on("lab").reserved("10.17.3.10"), Interface::on("dual").default_route(false)],
        ),
        // A hoster's router, outside of the subnet in IPv4 and on the link alone in IPv6.
        ("on-link", vec![Interface::on("hoster").address("203.0.113.7").address("2001:db8:7::7")]),
    ]
}

/// Everything that a machine of every system can have inside.
pub(crate) fn everything() -> Guest {
    Guest::new()
        .group(Group::new("apps").gid(2000))
        .group(Group::new("readers"))
        .user(User::admin("ops").key(KEY).password_hash(secret("ops-hash")))
        .user(User::new("app").uid(1500).group("apps").home("/srv/app").shell("/sbin/nologin"))
        .directory(Directory::new("/srv/data").mode(0o750).owner("app").group("apps"))
        .file(GuestFile::text("/etc/app/tricky", TRICKY).mode(0o640).owner("app").group("apps"))
        .file(GuestFile::text("/etc/app/plain.conf", "listen = 80\n"))
        .file(GuestFile::text("/etc/app/empty", ""))
        .file(GuestFile::secret("/etc/app/token", secret("app-token")).owner("app"))
        .link(Symlink::new("/etc/app/current", "plain.conf"))
        .unit(
            Unit::service("app")
                .enabled()
                .contents(SERVICE)
                .dropin("10-limits.conf", "[Service]\nLimitNOFILE=4096\n"),
        )
        .unit(Unit::service("systemd-logind").dropin("20-nice.conf", "[Service]\nNice=1\n"))
        .unit(Unit::service("forbidden").masked())
}

fn secret(name: &str) -> Secret {
    Secret::environment(name, "PLANTED").generation(3)
}

/// A checked cloud with one machine, `web`, with this system, these networks and this guest.
pub(crate) fn cloud(os: Os, interfaces: Vec<Interface>, guest: Guest) -> Checked {
    let version = match os {
        Os::FedoraCoreos => "44.20260802.3.1",
        Os::Flatcar => "4593.2.0",
        Os::Rocky | Os::Almalinux => "9.4",
        _ => "12",
    };
    let image = Image::new(os, version).path("/var/lib/libvirt/images/image.qcow2");
    let machine = interfaces.into_iter().fold(Machine::new("web", image), Machine::interface);
    Cloud::new("first")
        .time_zone("Europe/Madrid")
        .host(Host::local().bridge("br0"))
        .network(
            Network::bridge("hoster", "br0")
                .subnet("203.0.113.7/32")
                .gateway("198.51.100.1")
                .ipv6("2001:db8:7::/64")
                .gateway6("fe80::1")
                .resolvers(["9.9.9.9"]),
        )
        .network(
            Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").domain("lab.example.com"),
        )
        .network(Network::isolated("kube", "10.17.4.0/24").mtu(9000))
        .network(
            Network::nat("dual", "10.17.5.0/24")
                .dhcp("10.17.5.100-10.17.5.199")
                .ipv6("fd00:17:5::/64")
                .domain("dual.example.com"),
        )
        // Fragments of these tests use the disks.
        .machine(
            machine
                .root_disk(20.gib())
                .disk(Disk::new("log", 1.gib()))
                .disk(Disk::new("more", 1.gib()))
                .guest(guest),
        )
        .check()
        .map_err(|report| report.to_string())
        .unwrap()
}

/// The boot configuration of the machine of [`cloud`].
pub(crate) fn boot(os: Os, interfaces: Vec<Interface>, guest: Guest) -> Boot {
    let cloud = cloud(os, interfaces, guest);
    Boot::of(&cloud, cloud.machine("web").unwrap()).unwrap()
}

/// Gives [`PLANTED`] for every secret.
pub(crate) struct Planted;

impl Secrets for Planted {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(PLANTED.as_bytes().to_vec()))
    }
}

/// A document of a boot configuration with its secrets filled in.
pub(crate) fn rendered(boot: &Boot, name: &str) -> String {
    let files = boot.files();
    let (_, template) = files.iter().find(|(file, _)| *file == name).unwrap();
    String::from_utf8(template.render(&Planted).unwrap().expose().to_vec()).unwrap()
}
