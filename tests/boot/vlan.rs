//! A guest that is the hypervisor of another cloud: it has that cloud's files, its card is a cable to a switch with a tagged
//! trunk, and a machine on the bridge of VLAN 30 reaches VLAN 30 of the switch and not VLAN 31. The machines on which the other
//! tests run have no VLANs in their kernels.

use fmc::file::from_yaml;
use fmc::host_side;
use fmc::prelude::*;
use fmc_testkit::guest::Style;

use crate::cloud::{Guest, HOSTS, cloud};
use crate::lab::Lab;

/// The switch and the machine are namespaces. The card appears last, so that networkd meets it as at a start.
const SCRIPT: &str = r#"
exec >/srv/app/vlan 2>&1
try() { tries=60; until eval "$1"; do tries=$((tries - 1)); [ $tries -gt 0 ] || { echo "never: $1"; ip -br link; ip -br address; ip netns exec machine ip neighbour; ip netns exec switch ip -br address; return 1; }; sleep 1; done; }
if [ -d /etc/side ]; then cp -p /etc/side/* /etc/NetworkManager/system-connections/; nmcli connection reload; fi
ip netns add switch
ip netns add machine
ip link add eno1 type veth peer name port netns switch
ip -n switch link set port up
for id in 30 31; do
  ip -n switch link add link port name "port.$id" type vlan id "$id"
  ip -n switch address add "10.$id.0.1/24" dev "port.$id"
  ip -n switch link set "port.$id" up
done
ip -n switch address add 192.168.7.1/24 dev port
try 'ip -o link show dev eno1.30 | grep -q "master br-office "' || exit 0
try 'ip -o link show dev eno1 | grep -q "master br0 "' || exit 0
try 'ip -o -4 address show dev br0 | grep -q 192.168.7.10/24' || exit 0
ip link add vnet0 type veth peer name eth0 netns machine
ip link set vnet0 master br-office up
ip -n machine address add 10.30.0.20/24 dev eth0
ip -n machine address add 10.31.0.20/24 dev eth0
ip -n machine link set eth0 up
ip -n switch link set lo up
ip netns exec switch python3 -c '
import socket
listener = socket.create_server(("0.0.0.0", 80))
while True:
    listener.accept()
' &
asks() { ip netns exec "$1" python3 -c "import socket; socket.create_connection(('$2', 80), 4)" 2>/dev/null; }
try 'asks machine 10.30.0.1' && echo "vlan 30 answers"
if asks machine 10.31.0.1; then echo "vlan 31 answers"; else echo "vlan 31 is silent"; fi
if ip netns exec machine python3 -c "import socket; socket.create_connection(('192.168.7.1', 80), 4)" 2>/dev/null; then echo "the trunk answers"; fi
python3 -c "import socket; socket.create_connection(('192.168.7.1', 80), 4)" && echo "the host reaches its LAN"
kill $!
echo done
"#;

const OTHER: &str = "\
name: site
hosts:
  hv:
    manager: networkd
    uplinks:
      br0: { interface: eno1, address: 192.168.7.10/24 }
networks:
  office: { mode: bridge, bridge: br0, vlan: 30, subnet: 10.30.0.0/24, gateway: 10.30.0.1 }
machines:
  desk: { image: { os: none }, root_disk: 1GiB, interfaces: [{ network: office, address: 10.30.0.20 }] }
";

#[test]
fn a_host_of_networkd_has_its_vlan_on_a_tagged_trunk() {
    boot(OTHER, Guest::new("flat", Style::Flatcar, 10));
}

fn boot(other: &str, guest: Guest) {
    let other = from_yaml(other).unwrap().check().unwrap();
    let side = host_side::of(&other).into_iter().next().unwrap();
    let unit = "[Unit]\nAfter=network.target\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                TimeoutStartSec=600\nExecStart=/bin/bash /etc/vlan.sh\n\n[Install]\nWantedBy=multi-user.target\n";
    // A guest's own keyfiles are fmc's to write, so its service moves these to their place.
    let place = |path: &str| path.replace("/etc/NetworkManager/system-connections/", "/etc/side/");
    let file = |file: &host_side::HostFile| {
        GuestFile::text(place(&file.path), &*file.text).mode(u16::try_from(file.mode).unwrap())
    };
    let files = side.files.iter().map(file);
    let machine = files.fold(guest.machine(), Machine::file);
    let machine = machine
        .file(GuestFile::text("/etc/vlan.sh", SCRIPT))
        .unit(Unit::service("vlan").enabled().contents(unit));
    let lab = Lab::start(&HOSTS[..1]);
    lab.apply(&cloud(1, &[]).machines([machine]));
    let report = lab.boot(guest.name, 1);
    let said = report.files["/srv/app/vlan"].contents.clone().unwrap();
    assert_eq!(said, "vlan 30 answers\nvlan 31 is silent\nthe host reaches its LAN\ndone\n");
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
}
