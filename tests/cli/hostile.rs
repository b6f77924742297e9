//! Files and names that somebody else prepared.

use std::fs;
use std::os::unix::fs::symlink;

use fmc::prelude::*;

use crate::stage::{Stage, cloud};

/// Nothing is written through a link to a file of the user's.
#[test]
fn a_link_is_not_written_through() {
    let stage = Stage::new();
    let at = |name: &str| stage.path().join(name);
    fs::write(at("precious"), "precious").unwrap();
    for link in ["world.json.new", "first.known_hosts"] {
        symlink(at("precious"), at(link)).unwrap();
    }
    stage.done(cloud(), "apply --connect sim:world.json");
    stage.done(with_host_key(), "ssh-config");
    assert!(!fs::symlink_metadata(at("first.known_hosts")).unwrap().is_symlink());
    assert!(fs::read_to_string(at("first.known_hosts")).unwrap().contains("ssh-ed25519"));

    fs::remove_file(at("world.json.lock")).unwrap();
    symlink(at("precious"), at("world.json.lock")).unwrap();
    let says = ["lock", "world.json.lock", "it is a symbolic link: remove it"];
    stage.fails(cloud(), "apply --connect sim:world.json", 1, &says);
    assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
}

fn with_host_key() -> Cloud {
    let host_key = GuestFile::text("/etc/ssh/ssh_host_ed25519_key.pub", format!("{KEY} root@deb\n"));
    let debian = Machine::new("deb", Image::debian("12").path("/images/debian-12.qcow2"))
        .root_disk(2.gib())
        .user(User::admin("ops").key(KEY))
        .interface(Interface::on("lab").address("10.17.3.12"));
    cloud().machine(debian.file(host_key))
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// A world that is not whole does not count as an empty one.
#[test]
fn a_world_without_a_section_or_of_another_version_is_refused() {
    let stage = Stage::new();
    let at = stage.path().join("world.json");
    for (text, says) in [("{}", "its section `domains` is missing"), ("{\"version\": 9}", "its version is 9")]
    {
        fs::write(&at, text).unwrap();
        for command in ["plan", "apply", "destroy"] {
            let ran = stage.run(cloud(), &format!("{command} --connect sim:world.json"));
            assert!(ran.code > 0 && ran.err.contains(says), "{command}: {ran:?}");
        }
        assert_eq!(fs::read_to_string(&at).unwrap(), text);
    }
}
