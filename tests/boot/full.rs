//! More boots: every system's way of configuration with no, one and two data disks; restarted and replaced;
//! on two hosts.

use std::sync::Arc;

use fmc::graph::{Action, Choices};
use fmc::keys::{Keyring, RootKey};
use fmc::mirror;
use fmc::prelude::*;
use fmc::secret::NoSecrets;
use fmc::wireguard::TunnelMachine;
use fmc_testkit::guest::Style;

use crate::cloud::{Guest, HOSTS, cloud, data};
use crate::lab::Lab;

const IGNITION: [Guest; 2] =
    [Guest::new("flat", Style::Flatcar, 10), Guest::new("core", Style::FedoraCoreos, 12)];
const CLOUD_INIT: [Guest; 2] =
    [Guest::new("deb", Style::Debian, 11), Guest::new("rock", Style::EnterpriseLinux, 13)];

fn boot_with(guests: [Guest; 2], disks: usize) {
    let guests = guests.map(|guest| Guest { disks, ..guest });
    let lab = Lab::start(&HOSTS[..1]);
    lab.apply(&cloud(1, &guests));
    for guest in &guests {
        let report = lab.boot(guest.name, 1);
        guest.is_seen_in(&report, &[&report.boot_id], &[&report.boot_id]);
        lab.expect_lease(guest);
    }
    lab.expect_nothing_to_do(&cloud(1, &guests));
}

#[test]
fn flatcar_and_fedora_coreos_boot_without_a_data_disk() {
    boot_with(IGNITION, 0);
}

#[test]
fn flatcar_and_fedora_coreos_boot_with_one_data_disk() {
    boot_with(IGNITION, 1);
}

#[test]
fn flatcar_and_fedora_coreos_boot_with_two_data_disks() {
    boot_with(IGNITION, 2);
}

#[test]
fn debian_and_rocky_boot_without_a_data_disk() {
    boot_with(CLOUD_INIT, 0);
}

#[test]
fn debian_and_rocky_boot_with_one_data_disk() {
    boot_with(CLOUD_INIT, 1);
}

#[test]
fn debian_and_rocky_boot_with_two_data_disks() {
    boot_with(CLOUD_INIT, 2);
}

#[test]
fn a_restart_runs_nothing_twice_and_a_replacement_keeps_the_data() {
    let guests = [IGNITION[0], CLOUD_INIT[0]];
    let lab = Lab::start(&HOSTS[..1]);
    lab.apply(&cloud(1, &guests));
    let first = guests.map(|guest| lab.boot(guest.name, 1));

    // A change of memory needs a restart.
    let changed = || {
        let machines = guests.iter().map(|guest| guest.machine().memory(400.mib()));
        cloud(1, &[]).machines(machines)
    };
    let plan = lab.apply(&changed());
    assert!(plan.steps.iter().all(|step| step.action == Action::Restart), "{plan:?}");
    let second = guests.map(|guest| lab.boot(guest.name, 2));
    for ((guest, first), second) in guests.iter().zip(&first).zip(&second) {
        let boots = [&*first.boot_id, &*second.boot_id];
        guest.is_seen_in(second, &boots, &boots);
        assert_eq!(second.machine_id, first.machine_id, "{}", guest.name);
        assert_eq!(data(second), data(first), "{}: not formatted again", guest.name);
    }

    let replace = guests.map(|guest| guest.name.to_owned()).into();
    lab.apply_with(&changed(), Choices { replace, ..Choices::default() });
    for (index, guest) in guests.iter().enumerate() {
        let third = lab.boot(guest.name, 3);
        let boots = [&*first[index].boot_id, &*second[index].boot_id, &*third.boot_id];
        guest.is_seen_in(&third, &boots[2..], &boots);
        assert_eq!(data(&third), data(&first[index]), "{}: the data is what it was", guest.name);
    }
    lab.expect_nothing_to_do(&changed());
}

#[test]
fn machines_of_one_cloud_boot_on_two_hosts() {
    let guests = [IGNITION[0], Guest { host: 1, ..CLOUD_INIT[0] }];
    let lab = Lab::start(&HOSTS);
    lab.apply(&cloud(2, &guests));
    for guest in &guests {
        let report = lab.boot(guest.name, 1);
        guest.is_seen_in(&report, &[&report.boot_id], &[&report.boot_id]);
        lab.expect_lease(guest);
        let domains = lab.domains(HOSTS[guest.host]);
        assert_eq!(domains, [guest.name], "each host has its own machine alone");
    }
    lab.expect_nothing_to_do(&cloud(2, &guests));
}

#[test]
fn a_mirror_serves_on_fedora_coreos_and_flatcar_with_what_they_have() {
    const BODY: &str = "what is published\n";
    let digest = Digest::sha256(BODY.as_bytes());
    let path = mirror::path(&"https://example.org/tool".parse().unwrap(), &digest);
    let ask = format!(
        "for path in {path} ../../../etc/passwd; do\n\
         exec 3<>/dev/tcp/127.0.0.1/{}\nprintf 'GET /%s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' \"$path\" >&3\n\
         cat <&3\ndone >/srv/app/answers\n",
        mirror::PORT
    );
    let unit = "[Unit]\nAfter=fmc-mirror.socket\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                ExecStart=/bin/bash /etc/ask.sh\n\n[Install]\nWantedBy=multi-user.target\n";
    let machines = || {
        let each = IGNITION.map(|guest| {
            let role = mirror::MirrorRole::new("prod", [], None);
            let machine = guest.machine().role(role).firewall(false);
            machine
                .file(GuestFile::text(format!("{}/{path}", mirror::ROOT), BODY))
                .file(GuestFile::text("/etc/ask.sh", &*ask))
                .unit(Unit::service("ask").enabled().contents(unit))
        });
        cloud(1, &[]).machines(each)
    };
    let lab = Lab::start(&HOSTS[..1]);
    lab.apply(&machines());
    for guest in &IGNITION {
        let report = lab.boot(guest.name, 1);
        guest.is_seen_in(&report, &[&report.boot_id], &[&report.boot_id]);
        let answers = report.files["/srv/app/answers"].contents.clone().unwrap();
        assert!(answers.starts_with("HTTP/1.1 200 OK\r\n"), "{}: {answers}", guest.name);
        let (first, second) = answers.split_once(BODY).unwrap();
        assert!(first.contains("Content-Length: 18\r\n"), "{}: {answers}", guest.name);
        assert!(second.starts_with("HTTP/1.1 404 Not Found\r\n"), "{}: {answers}", guest.name);
    }
}

/// The kernel's own WireGuard, set up by systemd-networkd on one end and by NetworkManager on the other.
#[test]
fn a_tunnel_comes_up_between_debian_flatcar_and_fedora_coreos() {
    // Each asks the next one.
    let guests = [
        (CLOUD_INIT[0], "10.9.0.2", "10.9.0.3"),
        (IGNITION[0], "10.9.0.3", "10.9.0.4"),
        (IGNITION[1], "10.9.0.4", "10.9.0.2"),
    ];
    let serve = "[Service]\nExecStart=/usr/bin/python3 -m http.server 8000 --directory /etc/ask\n\n[Install]\nWantedBy=multi-user.target\n";
    let unit = "[Unit]\nAfter=network.target\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                ExecStart=/bin/bash /etc/ask.sh\n\n[Install]\nWantedBy=multi-user.target\n";
    let machines = || {
        let each = guests.iter().map(|(guest, own, other)| {
            let ask = format!(
                "until exec 3<>/dev/tcp/{other}/8000; do sleep 1; done\nprintf 'GET /name HTTP/1.0\\r\\n\\r\\n' >&3\ncat <&3 >/srv/app/answers\n\
                 cat /sys/class/net/wg-mesh/mtu >>/srv/app/answers\n"
            );
            guest
                .machine()
                .accept(tcp(8000), Peer::subnet("10.9.0.0/24"))
                .file(GuestFile::text("/etc/ask/name", format!("{own}\n")))
                .file(GuestFile::text("/etc/ask.sh", ask))
                .unit(Unit::service("serve").enabled().contents(serve))
                .unit(Unit::service("ask").enabled().contents(unit))
        });
        let members = guests.iter().map(|(guest, own, _)| TunnelMachine::new(guest.name).addresses([*own]));
        let mesh = members.fold(Wireguard::new("mesh").subnets(["10.9.0.0/24"]), Wireguard::machine);
        cloud(1, &[]).machines(each).role(mesh)
    };
    let lab = Lab::start(&HOSTS[..1]);
    let scope = machines().check().unwrap().secret_scope();
    let lab = lab.secrets(Arc::new(Keyring::new(RootKey::from_bytes([7; 32]), &scope, Arc::new(NoSecrets))));
    lab.apply(&machines());
    for (guest, _, other) in &guests {
        let report = lab.boot(guest.name, 1);
        let answers = report.files["/srv/app/answers"].contents.clone().unwrap();
        // The smallest network below has an MTU of 1400.
        assert!(answers.ends_with(&format!("{other}\n1340\n")), "{}: {answers}", guest.name);
        assert!(report.failed.is_empty(), "{}: {:#?}", guest.name, report.failed);
    }
    lab.expect_nothing_to_do(&machines());
}
