//! BIND from its compiled files, in a namespace: fmc fills its zones, a reboot keeps them, and strangers get no answer.

use std::sync::Arc;
use std::time::Duration;

use fmc::guest::checked::{Contents, TextPart};
use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, Secrets as _};
use fmc_testkit::netns::{Daemon, Lab, Nic};
use fmc_testkit::{named, shell};

use super::bind::EXAMPLE;
use super::*;

const CONFIG: &str = "/etc/bind/named.conf";

fn checked() -> Checked {
    from_yaml(EXAMPLE).unwrap().check().unwrap_or_else(|report| panic!("{report}"))
}

/// Not the public sample, which no command takes.
fn root_key() -> RootKey {
    RootKey::from_bytes([7; 32])
}

fn keyring() -> Keyring {
    Keyring::new(root_key(), &checked().secret_scope(), Arc::new(NoSecrets))
}

/// The files of the server's machine, each with its path, text and mode.
fn files(checked: &Checked) -> Vec<(String, String, u32)> {
    let keyring = keyring();
    let secret = |of| String::from_utf8(keyring.bytes(of).unwrap().expose().to_vec()).unwrap();
    let files = checked.machine("ns1").unwrap().guest.files.iter();
    let texts = files.filter_map(|file| {
        let text = match &file.contents {
            Contents::Text(text) => text.to_string(),
            Contents::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    TextPart::Text(text) => text.to_string(),
                    TextPart::Secret(of) => secret(of),
                    other => panic!("{other:?}"),
                })
                .collect(),
            _ => return None,
        };
        Some((file.path.to_string(), text, u32::from(file.mode.bits())))
    });
    let is_own = |path: &str| {
        path.starts_with("/etc/bind/")
            || path == "/etc/named.conf"
            || path.contains("fmc")
            || path.contains("zones")
    };
    texts.filter(|(path, ..)| is_own(path)).collect()
}

/// Starts the server as its units do.
fn start<'lab>(lab: &'lab Lab) -> Daemon<'lab> {
    lab.run("ns1", &["/usr/local/sbin/fmc-zones"]).unwrap();
    // What Debian's package makes where systemd does not.
    lab.run("ns1", &["install", "-d", "-o", "bind", "-g", "bind", "/run/named"]).unwrap();
    let mut named = lab.daemon("ns1", &["named", "-g", "-u", "bind", "-n", "1", "-c", CONFIG]);
    named.says("all zones loaded", Duration::from_secs(30)).unwrap();
    named
}

fn dig(lab: &Lab, from: &str, words: &[&str]) -> String {
    let all = ["dig", "@10.17.3.11", "+tries=1", "+time=2"].iter().chain(words).copied();
    lab.run(from, &all.collect::<Vec<_>>()).unwrap_or_else(|refused| refused.to_string())
}

#[test]
fn a_server_is_filled_keeps_its_zones_and_answers_the_cloud_alone() {
    let checked = checked();
    let lab = Lab::start();
    lab.network("lab", "10.17.3.1/24");
    lab.network("outside", "192.0.2.1/24");
    lab.host("ns1", &[Nic::new("lab", "10.17.3.11/24")]);
    lab.host("web", &[Nic::new("lab", "10.17.3.12/24")]);
    lab.host("stranger", &[Nic::new("outside", "192.0.2.9/24")]);
    let files = files(&checked);
    for (path, text, mode) in &files {
        lab.write("ns1", path, text, *mode);
    }
    lab.run("ns1", &["/usr/local/sbin/fmc-zones"]).unwrap();
    // It checks each zone, and prints the serial of each. Any other line is a complaint.
    let judged = lab.run("ns1", &["sh", "-c", &format!("named-checkconf -z {CONFIG} 2>&1")]).unwrap();
    let complaints: Vec<&str> = judged.lines().filter(|line| !line.ends_with(" loaded serial 1")).collect();
    assert!(complaints.iter().all(|line| line.contains("localhost")), "{judged}");
    let named = start(&lab);

    // A person's program, on a host of the network. It has the zones alone, because the machines are there already.
    let folder = lab.path();
    std::fs::write(folder.join("cloud.yaml"), zones_alone(&checked)).unwrap();
    std::fs::write(folder.join("root.key"), format!("{}\n", *root_key().to_text())).unwrap();
    let fmc = |words: &str| {
        let script = format!(
            "cd '{}' && chmod 600 root.key && '{}' -f cloud.yaml {words} 2>&1",
            folder.display(),
            env!("CARGO_BIN_EXE_fmc")
        );
        lab.run_for("web", Duration::from_secs(60), &["sh", "-c", &script])
    };
    fmc("--root-key root.key apply --yes --connect test:///default").unwrap();
    let asked = |from: &str, name: &str, kind: &str| dig(&lab, from, &["+short", name, kind]);
    assert_eq!(asked("web", "web.lab.example", "A"), "10.17.3.12\n");
    assert_eq!(asked("web", "www.lab.example", "CNAME"), "web.lab.example.\n");
    assert_eq!(asked("web", "12.3.17.10.in-addr.arpa", "PTR"), "web.lab.example.\n");
    fmc("dns verify").unwrap();
    fmc("--root-key root.key plan --detailed-exitcode --connect test:///default").unwrap();

    // A reboot.
    drop(named);
    let _named = start(&lab);
    assert_eq!(asked("web", "web.lab.example", "A"), "10.17.3.12\n");
    fmc("--root-key root.key plan --detailed-exitcode --connect test:///default").unwrap();

    // Without the firewall, which a stranger does not pass, BIND itself refuses.
    for words in [&["web.lab.example", "A"][..], &["example.org", "A"]] {
        assert!(dig(&lab, "stranger", words).contains("status: REFUSED"), "{words:?}");
    }
    assert!(dig(&lab, "web", &["lab.example", "AXFR"]).contains("Transfer failed"));
    let update = "server 10.17.3.11\nzone lab.example\nupdate add evil.lab.example 60 A 192.0.2.6\nsend\n";
    assert!(lab.run_with("web", &["nsupdate"], update).is_err());
}

/// A file of a cloud that has the zones of another one as its own records, in the server at its address.
fn zones_alone(checked: &Checked) -> String {
    let mut text = String::from(
        "name: names\nhosts: {local: {}}\ndns:\n  servers:\n    ns1:\n      address: 10.17.3.11\n      fqdn: ns1.lab.example\n      key: {name: fmc-key, \
         secret: {name: dns-key, source: {generated: token}}}\n  zones:\n",
    );
    for zone in fmc::dns::zones_of(checked) {
        text += &format!("    {}:\n      records:\n", zone.name.bare());
        for (owner, sets) in zone.sets.iter().filter(|(owner, _)| **owner != zone.name) {
            let data = sets.values().flat_map(|set| &set.data).map(ToString::to_string);
            text += &format!("        {owner}: [{}]\n", data.collect::<Vec<_>>().join(", "));
        }
    }
    text
}

#[test]
fn the_script_and_the_first_zones_are_right() {
    let files = files(&checked());
    let (_, script, mode) = files.iter().find(|(path, ..)| path == "/usr/local/sbin/fmc-zones").unwrap();
    assert_eq!(*mode, 0o755);
    shell::syntax(script).unwrap();
    shell::lint(script).unwrap();
    let zones: Vec<_> = files.iter().filter(|(path, ..)| path.starts_with("/etc/fmc/zones/")).collect();
    assert_eq!(zones.len(), 2);
    for (path, text, _) in zones {
        let name = path.trim_start_matches("/etc/fmc/zones/").trim_end_matches(".zone");
        named::check_zone(name, text).unwrap();
    }
}

/// The other family of systems: its file is judged without its zones, because this machine has no user `named`.
#[test]
fn the_file_of_rocky_is_right() {
    let debian = "os: debian, version: \"12\", source: {path: /images/debian-12.qcow2}";
    let rocky =
        EXAMPLE.replacen(debian, "os: rocky, version: \"9.4\", source: {path: /images/rocky.qcow2}", 1);
    let checked = from_yaml(&rocky).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    let lab = Lab::start();
    lab.host("ns1", &[]);
    for (path, text, mode) in files(&checked) {
        lab.write("ns1", &path, &text, mode);
    }
    // Its working folder, which the package makes.
    lab.run("ns1", &["mkdir", "-p", "/var/named/dynamic"]).unwrap();
    let judged = lab.run("ns1", &["sh", "-c", "named-checkconf /etc/named.conf 2>&1"]).unwrap();
    assert_eq!(judged, "");
    let script = lab.run("ns1", &["cat", "/usr/local/sbin/fmc-zones"]).unwrap();
    assert!(
        script.contains("install -o named -g named") && script.contains("chgrp named /etc/named/fmc.keys")
    );
}
