//! Group 17: the time server that was its own source.

use fmc::chrony::Chrony;
use fmc::prelude::*;
use fmc::testing::checked;

use crate::{found, seed};

/// Every machine of the seed asks FreeIPA's machine.
fn chrony() -> Chrony {
    let clients = [
        "master1",
        "master2",
        "master3",
        "worker1",
        "worker2",
        "worker3",
        "bootstrap",
        "loadbalancer1",
        "postgresql1",
        "helper",
        "bastion",
    ];
    Chrony::new().servers(["freeipa1"]).clients(clients)
}

/// FreeIPA answers DNS for everyone: the role opens its firewall for time alone.
const DNS: &str =
    "machines.freeipa1.accept=[{service: tcp 53, from: anywhere}, {service: udp 53, from: anywhere}]";

/// `server 10.17.3.11` stood in the file of 10.17.3.11 itself.
#[test]
fn h17_a_time_server_is_not_its_own_source() {
    let found = found(&seed(&[DNS]).role(chrony().upstreams(["10.17.3.11"])));
    let kinds: Vec<&str> = found.iter().map(|finding| finding.kind().as_str()).collect();
    assert_eq!(kinds, ["chrony-circle"], "{found:?}");
    assert!(found.first().unwrap().help().contains("outside of the cloud"), "{found:?}");
}

/// `allow` had one network of three, and the firewall opened TCP.
#[test]
fn h17_the_networks_of_all_clients_are_let_in_by_udp() {
    let cloud = checked(&seed(&[DNS]).role(chrony().pools(["2.rocky.pool.ntp.org"])));
    let freeipa = cloud.machine("freeipa1").unwrap();
    let text = |path: &str| {
        let file = freeipa.guest.files.iter().find(|file| file.path.as_str() == path).unwrap();
        format!("{:?}", file.contents)
    };
    for network in ["10.17.3.0/24", "10.17.4.0/24"] {
        assert!(text("/etc/chrony.conf").contains(&format!("allow {network}")), "{network}");
    }
    for client in chrony_clients(&cloud) {
        assert!(cloud.flows().into("freeipa1").from(client.clone()).allows(udp(123)), "{client}");
        assert!(!cloud.flows().into("freeipa1").from(client.clone()).allows(tcp(123)), "{client}");
    }
}

fn chrony_clients(cloud: &Checked) -> Vec<MachineName> {
    let machines = cloud.machines().iter().map(|machine| machine.name.clone());
    machines.filter(|name| name.as_str() != "freeipa1").collect()
}
