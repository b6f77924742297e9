//! `host NAME install`: what it refuses, installs, leaves alone the second time, and undoes.

use fmc_testkit::netns::Daemon;

use crate::lab::{PATIENCE, Site};

const URI: &str = "qemu:///system";

/// A host whose card becomes a port of a bridge, with a routed network.
fn cloud(uri: &str, more: &str) -> String {
    format!(
        "name: site\nhosts:\n  hv:\n    uri: {uri}\n    manager: networkd\n    uplinks:\n      \
         br0: {{ interface: eno1, address: 192.168.0.10/24, gateway: 192.168.0.1 }}\n\
         networks:\n  kube: {{ mode: routed, subnet: 10.17.3.0/24 }}\n{more}"
    )
}

const INSTALL: &str = "host hv install --connect hosts --yes --undo-after 20";

#[test]
fn an_installation_is_kept_and_the_second_changes_nothing() {
    let site = Site::start();
    let _daemons = site.networkd();
    let (code, said) = site.fmc("hv", &cloud(URI, ""), "host hv install --connect hosts --check");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("+ /etc/systemd/network/05-fmc-site-br0.netdev"), "{said}");
    let (code, said) = site.fmc("hv", &cloud(URI, ""), INSTALL);
    assert_eq!(code, 0, "{said}");
    assert_eq!(site.holder(), "br0");
    assert!(site.is_reached());
    assert!(site.on_hv("nft list table inet fmc_site").contains("10.17.3.0/24"));
    assert_eq!(site.on_hv("cat /proc/sys/net/ipv4/ip_forward").trim(), "1");
    // The card's MAC is the bridge's, by which DHCP and the switch know the host.
    let macs = site.on_hv("cat /sys/class/net/br0/address /sys/class/net/eno1/address");
    let macs: Vec<&str> = macs.lines().collect();
    assert_eq!(macs.first(), macs.last(), "{macs:?}");

    let (code, said) = site.fmc("hv", &cloud(URI, ""), INSTALL);
    assert_eq!((code, said.contains("nothing to install")), (0, true), "{said}");

    // The job that undoes it is gone.
    let jobs = site.on_hv("pgrep -af job.sh || true");
    assert!(!jobs.contains("undo"), "{jobs}");

    // A change of a file by hand is seen, and mended.
    site.on_hv("sed -i s/STP=no/STP=yes/ /etc/systemd/network/05-fmc-site-br0.netdev");
    let (code, said) = site.fmc("hv", &cloud(URI, ""), "host hv install --connect hosts --check");
    assert_eq!((code, said.contains("+ STP=no") && said.contains("- STP=yes")), (2, true), "{said}");
    assert_eq!(site.fmc("hv", &cloud(URI, ""), INSTALL).0, 0);
    assert!(site.is_reached());
}

#[test]
fn without_an_answer_it_undoes_itself() {
    let site = Site::start();
    let _daemons = site.networkd();
    // Nobody is the router that the cloud names.
    let cloud = cloud(URI, "").replace("gateway: 192.168.0.1 ", "gateway: 192.168.0.77 ");
    let (code, said) = site.fmc("hv", &cloud, "host hv install --connect hosts --yes --undo-after 10");
    assert_eq!((code, said.contains("192.168.0.77 does not answer")), (1, true), "{said}");
    is_as_before(&site);
}

/// Waits until the host is as its installer left it.
fn is_as_before(site: &Site) {
    let script = "while [ ! -d /var/lib/fmc/host/site/undone ]; do sleep 0.2; done";
    site.lab.run_for("hv", PATIENCE, &["sh", "-c", script]).unwrap();
    let script = "while ! ip -o -4 address show dev eno1 | grep -q 192.168.0.10; do sleep 0.2; done; \
                  while ! ip -4 route show default | grep -q 'via 192.168.0.1 '; do sleep 0.2; done";
    site.lab.run_for("hv", PATIENCE, &["sh", "-c", script]).unwrap();
    assert_eq!(site.holder(), "eno1");
    assert!(site.is_reached());
    let left = site.on_hv("ls /etc/systemd/network /etc/fmc/site /etc/sysctl.d; nft list tables; ip -o link");
    assert!(!left.contains("fmc-site") && !left.contains("host.nft") && !left.contains("br0"), "{left}");
}

/// An sshd on the hypervisor that lets the administrator's key in.
fn sshd(site: &Site) -> Daemon<'_> {
    let keys = site.lab.path().join("keys");
    let script = format!(
        "mkdir -p {0} && cd {0} && ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f admin && \
         echo \"192.168.0.10 $(cat host.pub)\" >known",
        keys.display()
    );
    site.on_hv(&script);
    let options = [
        format!("HostKey={}/host", keys.display()),
        format!("AuthorizedKeysFile={}/admin.pub", keys.display()),
        "StrictModes=no".to_owned(),
        "PermitRootLogin=yes".to_owned(),
        "PidFile=none".to_owned(),
        "UsePAM=no".to_owned(),
    ];
    let mut words = vec![
        "/usr/sbin/sshd".to_owned(),
        "-D".to_owned(),
        "-e".to_owned(),
        "-f".to_owned(),
        "/dev/null".to_owned(),
    ];
    words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut sshd = site.lab.daemon("hv", &words);
    sshd.says("Server listening on 0.0.0.0", PATIENCE).unwrap();
    sshd
}

fn over_ssh(site: &Site) -> String {
    let keys = site.lab.path().join("keys");
    format!("'qemu+ssh://root@192.168.0.10/system?keyfile={0}/admin&known_hosts={0}/known'", keys.display())
}

#[test]
fn over_ssh_a_new_connection_keeps_it() {
    let site = Site::start();
    let _daemons = site.networkd();
    let _sshd = sshd(&site);
    let cloud = cloud(&over_ssh(&site), "");
    let (code, said) = site.fmc("admin", &cloud, INSTALL);
    assert_eq!((code, said.contains("a new connection answers")), (0, true), "{said}");
    assert_eq!(site.holder(), "br0");
    let (code, said) = site.fmc("admin", &cloud, INSTALL);
    assert_eq!((code, said.contains("nothing to install")), (0, true), "{said}");
}

#[test]
fn a_host_that_is_cut_off_gives_itself_back() {
    let site = Site::start();
    let _daemons = site.networkd();
    let _sshd = sshd(&site);
    // A file of another hand comes first and leaves the bridge without its address.
    site.lab.write(
        "hv",
        "/etc/systemd/network/01-other.network",
        "[Match]\nName=br0\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        0o644,
    );
    let cloud = cloud(&over_ssh(&site), "");
    let (code, said) = site.fmc("admin", &cloud, "host hv install --connect hosts --yes --undo-after 15");
    assert_eq!((code, said.contains("did not answer")), (1, true), "{said}");
    is_as_before(&site);
}

#[test]
fn what_would_lose_something_is_refused() {
    let site = Site::start();
    let daemons = site.networkd();
    let refused = |cloud: &str, why: &str| {
        let (code, said) = site.fmc("hv", cloud, INSTALL);
        assert_eq!((code, said.contains(why)), (1, true), "{said}");
        assert_eq!(site.holder(), "eno1");
    };
    let right = cloud(URI, "");
    // The address that it has would go.
    refused(&right.replace("192.168.0.10/24", "192.168.0.11/24"), "the host would lose it");
    refused(
        &right.replace("address: 192.168.0.10/24, gateway: 192.168.0.1", "address: dhcp"),
        "the host would lose it",
    );
    refused(
        &right.replace("address: 192.168.0.10/24, gateway: 192.168.0.1", "address: none"),
        "the host would lose it",
    );
    site.on_hv("ip address add 192.168.0.33/24 dev eno1");
    refused(&right, "has the address 192.168.0.33/24");
    site.on_hv("ip address delete 192.168.0.33/24 dev eno1; ip route add 10.99.0.0/16 via 192.168.0.1");
    refused(&right, "has a route to 10.99.0.0/16");
    site.on_hv("ip route delete 10.99.0.0/16");
    refused(&right.replace("eno1", "eno7"), "has no interface eno7");
    refused(
        &right.replace("manager: networkd", "manager: network-manager"),
        "NetworkManager does not run on hv",
    );
    // A file of another hand.
    site.lab.write(
        "hv",
        "/etc/systemd/network/05-fmc-site-br0.netdev",
        "[NetDev]\nName=br0\nKind=bridge\n",
        0o644,
    );
    refused(&right, "05-fmc-site-br0.netdev is on hv already");
    site.on_hv("rm /etc/systemd/network/05-fmc-site-br0.netdev");
    // A bridge of another hand.
    site.on_hv("ip link add br0 type bridge");
    refused(&right, "hv has br0 already");
    site.on_hv("ip link delete br0");
    site.lab.write("hv", "/etc/network/interfaces", "auto eno1\niface eno1 inet dhcp\n", 0o644);
    refused(&right, "ifupdown configures eno1");
    site.on_hv("rm /etc/network/interfaces");
    // Nothing was asked: nobody could answer.
    let (code, said) = site.fmc("hv", &right, "host hv install --connect hosts");
    assert_eq!((code, said.contains("nobody can be asked")), (1, true), "{said}");
    drop(daemons);
    refused(&right, "systemd-networkd does not run on hv");
    let (code, said) = site.fmc("hv", &right, "host hv install --yes");
    assert_eq!((code, said.contains("--connect hosts")), (64, true), "{said}");
}

#[test]
fn what_left_the_cloud_goes() {
    let site = Site::start();
    let _daemons = site.networkd();
    assert_eq!(site.fmc("hv", &cloud(URI, ""), INSTALL).0, 0);
    let without = "name: site\nhosts:\n  hv: { uri: 'qemu:///system' }\n";
    let (code, said) = site.fmc("hv", without, INSTALL);
    assert_eq!((code, said.contains("- /etc/fmc/site/host.nft  removed")), (0, true), "{said}");
    assert_eq!(site.holder(), "eno1");
    assert!(site.is_reached());
    let left = site.on_hv("ls /etc/systemd/network /etc/systemd/system /etc/sysctl.d; nft list tables");
    assert!(!left.contains("fmc"), "{left}");
}
