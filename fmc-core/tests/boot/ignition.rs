//! Ignition's validator and its engine check the configs of Fedora CoreOS and Flatcar.

use std::collections::BTreeMap;

use expect_test::expect_file;
use fmc_core::boot::Boot;
use fmc_core::guest::{Directory, Guest};
use fmc_core::image::Os;
use fmc_core::machine::Interface;
use fmc_testkit::tree::{Entry, EntryKind};
use fmc_testkit::{ignition as consumer, systemd, tree};

use crate::guests;

const SYSTEMS: [(&str, Os); 2] = [("fedora-coreos", Os::FedoraCoreos), ("flatcar", Os::Flatcar)];

fn lab() -> Vec<Interface> {
    vec![Interface::on("lab").address("10.17.3.10")]
}

#[test]
fn every_network_of_every_system_is_accepted_in_silence() {
    for (system, os) in SYSTEMS {
        for (network, interfaces) in guests::networks() {
            let config = guests::rendered(&guests::boot(os, interfaces, guests::everything()), "config.ign");
            consumer::validate(&config)
                .unwrap_or_else(|refused| panic!("{system} {network}: {refused}\n{config}"));
            let (_, warnings) = ignition_config::Config::parse_str(&config).unwrap();
            assert!(warnings.is_empty(), "{system} {network}: {warnings:?}");
        }
    }
}

#[test]
fn the_engine_writes_what_the_compiler_said() {
    for (system, os) in SYSTEMS {
        let config = guests::rendered(&guests::boot(os, lab(), guests::everything()), "config.ign");
        let root = tree::scratch();
        let tree = consumer::apply(&config, root.path()).unwrap();

        let hosts = "127.0.0.1 localhost localhost.localdomain\n\
                     ::1 localhost localhost.localdomain ip6-localhost ip6-loopback\n\
                     10.17.3.10 web.lab.example.com web\n";
        // Path, owner, group, mode and text.
        let mut files = vec![
            ("/etc/app/empty", 0, 0, 0o644, ""),
            ("/etc/app/plain.conf", 0, 0, 0o644, "listen = 80\n"),
            ("/etc/app/token", 1500, 0, 0o600, guests::PLANTED),
            ("/etc/app/tricky", 1500, 2000, 0o640, guests::TRICKY),
            ("/etc/hostname", 0, 0, 0o644, "web\n"),
            ("/etc/hosts", 0, 0, 0o644, hosts),
            ("/etc/sudoers.d/fmc-ops", 0, 0, 0o440, "ops ALL=(ALL) NOPASSWD:ALL\n"),
            ("/etc/systemd/system-preset/20-ignition.preset", 0, 0, 0o644, "enable app.service\n"),
            ("/etc/systemd/system/app.service", 0, 0, 0o644, guests::SERVICE),
            (
                "/etc/systemd/system/app.service.d/10-limits.conf",
                0,
                0,
                0o644,
                "[Service]\nLimitNOFILE=4096\n",
            ),
            ("/etc/systemd/system/systemd-logind.service.d/20-nice.conf", 0, 0, 0o644, "[Service]\nNice=1\n"),
        ];
        let cloud = guests::cloud(os, lab(), Guest::new());
        let mac = cloud.machines()[0].interfaces[0].mac;
        let keyfile = format!(
            "[connection]\nid=lab\ntype=ethernet\n\n[ethernet]\nmac-address={mac}\n\n[ipv4]\nmethod=manual\n\
             address1=10.17.3.10/24\ngateway=10.17.3.1\ndns=10.17.3.1;\ndns-search=lab.example.com;\nmay-fail=false\n\n\
             [ipv6]\nmethod=link-local\n"
        );
        let network = format!(
            "[Match]\nMACAddress={mac}\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nAddress=10.17.3.10/24\n\
             Gateway=10.17.3.1\nDNS=10.17.3.1\nDomains=lab.example.com\n"
        );
        files.push(match os {
            Os::Flatcar => ("/etc/systemd/network/10-fmc-lab.network", 0, 0, 0o644, &network),
            _ => ("/etc/NetworkManager/system-connections/fmc-lab.nmconnection", 0, 0, 0o600, &keyfile),
        });
        let links = [
            ("/etc/app/current", "plain.conf"),
            ("/etc/localtime", "../usr/share/zoneinfo/Europe/Madrid"),
            ("/etc/systemd/system/forbidden.service", "/dev/null"),
        ];

        let mut expected: BTreeMap<&str, Entry> = files
            .iter()
            .map(|&(path, uid, gid, mode, text)| {
                (path, Entry { kind: EntryKind::File(text.into()), mode, uid, gid })
            })
            .collect();
        expected.extend(links.map(|(path, target)| {
            (path, Entry { kind: EntryKind::Link(target.into()), mode: 0o777, uid: 0, gid: 0 })
        }));
        expected.insert("/srv/data", Entry { kind: EntryKind::Directory, mode: 0o750, uid: 1500, gid: 2000 });

        // Accounts are tested below. Homes and the folders above the written files come from the engine.
        let is_judged = |path: &str, entry: &Entry| {
            let is_parent = entry.kind == EntryKind::Directory && !expected.contains_key(path);
            let is_account =
                ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];
            !is_parent && !is_account.contains(&path) && !path.starts_with("/home/")
        };
        let written: BTreeMap<&str, Entry> = tree
            .iter()
            .filter(|(path, entry)| is_judged(path, entry))
            .map(|(path, entry)| (path.as_str(), entry.clone()))
            .collect();
        assert_eq!(written.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{system}");
        for (path, entry) in &expected {
            assert_eq!(&written[path], entry, "{system} {path}");
        }

        let text = |path: &str| tree[path].text().unwrap().to_owned();
        assert!(
            text("/etc/passwd").contains("app:x:1500:1500::/srv/app:/sbin/nologin\n"),
            "{}",
            text("/etc/passwd")
        );
        let groups = text("/etc/group");
        for line in ["apps:x:2000:app\n", "wheel:x:10:core,ops\n", "sudo:x:150:core,ops\n"] {
            assert!(groups.contains(line), "{groups}");
        }
        assert!(text("/etc/shadow").contains(&format!("ops:{}:", guests::PLANTED)));
        assert_eq!(text("/home/ops/.ssh/authorized_keys.d/ignition").trim_end(), guests::KEY);
        systemd::verify(
            &root.path().join("etc/systemd/system"),
            &["/usr/bin/app", "/lib/systemd/systemd-logind"],
        )
        .unwrap();
    }
}

#[test]
fn configs_read_as_a_person_would_review_them() {
    for (system, os) in SYSTEMS {
        for (network, interfaces) in guests::networks() {
            let Boot::Ignition(config) = guests::boot(os, interfaces, Guest::new()) else {
                panic!("{system} is configured by Ignition")
            };
            expect_file![format!("golden/{system}.{network}.ign")].assert_eq(&config.to_string());
        }
        let Boot::Ignition(config) = guests::boot(os, lab(), guests::everything()) else {
            panic!("{system} is configured by Ignition")
        };
        expect_file![format!("golden/{system}.everything.ign")].assert_eq(&config.to_string());
    }
}

#[test]
fn special_mode_bits_raise_the_version_and_nothing_else_does() {
    let version = |guest: Guest| {
        let config = guests::rendered(&guests::boot(Os::FedoraCoreos, lab(), guest), "config.ign");
        let (config, warnings) = ignition_config::Config::parse_str(&config).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        match config {
            ignition_config::Config::V3_3(_) => "3.3.0",
            ignition_config::Config::V3_6(_) => "3.6.0",
            _ => "another",
        }
    };
    assert_eq!(version(guests::everything()), "3.3.0");
    assert_eq!(version(Guest::new().directory(Directory::new("/srv/shared").mode(0o2775))), "3.6.0");
}
