use super::*;
use crate::cloud::Cloud;
use crate::guest::{GuestFile, Unit, User};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::network::Network;
use crate::secret::Secret;
use crate::unit::SizeExt as _;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

fn machine(version: &'static str) -> Machine {
    Machine::new("web", Image::debian(version).path("/images/debian.qcow2"))
        .root_disk(4.gib())
        .interface(Interface::on("lab").address("10.17.3.10"))
        .user(User::admin("ops").key(KEY))
}

fn born(machine: Machine) -> Born {
    let network = Network::nat("lab", "10.17.3.0/24");
    let cloud = Cloud::new("first").host(Host::local()).network(network).machine(machine).check().unwrap();
    let web = cloud.machine("web").unwrap();
    let secrets = BornSecrets::of(Boot::of(&cloud, web).as_ref(), &cloud.secret_scope());
    Born::of(&cloud, web, secrets, &mut Digests::new())
}

#[test]
fn what_differs_is_said_by_kind() {
    let was = born(machine("12").file(GuestFile::text("/etc/a", "1")));
    let same = born(machine("12").file(GuestFile::text("/etc/a", "1")));
    assert_eq!(was.differences(&same), Vec::<String>::new());
    let now = machine("13")
        .file(GuestFile::text("/etc/a", "2"))
        .file(GuestFile::text("/etc/b", ""))
        .user(User::admin("dev").key(KEY))
        .unit(Unit::service("ssh").enabled())
        .time_zone("Europe/Madrid");
    assert_eq!(
        was.differences(&born(now)),
        [
            "image Debian 12 → 13",
            "2 files (/etc/a, /etc/b)",
            "1 user (dev)",
            "1 unit (ssh.service)",
            "1 setting (time zone)",
        ]
    );
}

#[test]
fn a_part_with_a_secret_is_not_recorded() {
    let of = |name: &'static str| {
        let secret = || Secret::environment(name, name.to_uppercase());
        born(
            machine("12")
                .file(GuestFile::secret("/etc/token", secret()))
                .user(User::new("db").password_hash(secret())),
        )
    };
    let (one, other) = (of("one"), of("other"));
    assert_eq!(one, other);
    assert!(one.parts.iter().all(|part| &*part.name != "/etc/token" && &*part.name != "db"), "{one:?}");
}

#[test]
fn an_address_is_read_as_it_was_written() {
    for text in ["10.17.3.10/24 via 10.17.3.1", "10.17.3.10/24", "reserved fd00::2", "dynamic"] {
        assert_eq!(text.parse::<Family>().unwrap().to_string(), text);
    }
    for text in ["", "10.17.3.10", "x/24", "reserved", "10.17.3.10/24 via"] {
        text.parse::<Family>().unwrap_err();
    }
}

#[test]
fn a_machine_without_a_provisioner_has_no_parts() {
    let blank = Machine::new("web", Image::blank()).root_disk(4.gib()).interface(Interface::on("lab"));
    let born = born(blank);
    assert_eq!((born.provisioner, born.parts.len(), born.interfaces.len()), (None, 0, 1));
}
