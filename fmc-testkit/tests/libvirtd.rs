//! A libvirtd of the tests' own behaves as the machine's would, and leaves nothing behind.

use std::time::Duration;

use fmc_testkit::libvirtd::Own;

const NETWORK: &str = "<network><name>lan</name><forward mode='nat'/><ip address='10.99.0.1' prefix='24'><dhcp>\
                       <range start='10.99.0.100' end='10.99.0.200'/></dhcp></ip></network>";

const DOMAIN: &str = "<domain type='qemu'><name>web</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os>\
                      <devices><disk type='volume' device='disk'><driver name='qemu' type='qcow2'/>\
                      <source pool='pool' volume='web.root'/><target dev='vda' bus='virtio'/></disk>\
                      <interface type='network'><source network='lan'/><model type='virtio'/></interface>\
                      <interface type='bridge'><source bridge='br0'/></interface></devices></domain>";

/// Defines a document through a file that both the test and the daemon see.
fn define(host: &Own, command: &str, xml: &str) {
    let file = host.path().join(format!("{command}.xml"));
    std::fs::write(&file, xml).unwrap_or_default();
    host.virsh(&[command, &file.display().to_string()]);
}

#[test]
fn what_is_defined_and_running_survives_the_daemons_death() {
    let host = Own::start();
    host.bridge("br0");
    define(&host, "net-define", NETWORK);
    host.virsh(&["net-start", "lan"]);
    let pool = host.path().join("pool").display().to_string();
    host.virsh(&["pool-define-as", "pool", "dir", "--target", &pool]);
    host.virsh(&["pool-build", "pool"]);
    host.virsh(&["pool-start", "pool"]);
    host.virsh(&["vol-create-as", "pool", "web.root", "1G", "--format", "qcow2"]);
    assert!(host.path().join("pool/web.root").is_file(), "a volume is seen from outside");
    define(&host, "define", DOMAIN);
    host.virsh(&["start", "web"]);

    host.kill();
    host.try_virsh(&["list"]).unwrap_err();
    assert!(host.inside("pgrep -a qemu-system").unwrap().contains("guest=web"), "the machine runs on");

    host.restart_daemon();
    assert_eq!(host.virsh(&["domstate", "web"]).trim(), "running");
    assert_eq!(host.virsh(&["net-list", "--name"]).trim(), "lan");
    // Pools without autostart come back too: libvirt keeps the list of the active ones in its state folder.
    assert_eq!(host.virsh(&["pool-list", "--name"]).trim(), "pool");
    host.virsh(&["destroy", "web"]);
}

#[test]
fn two_are_two_hosts() {
    let (one, two) = (Own::start(), Own::start());
    one.bridge("br0");
    define(&one, "net-define", NETWORK);
    one.virsh(&["net-start", "lan"]);
    assert_eq!(two.virsh(&["net-list", "--all", "--name"]).trim(), "");
    assert!(!two.inside("ip -brief link").unwrap().contains("br0"));
    define(&two, "net-define", NETWORK);
    two.virsh(&["net-start", "lan"]);
    assert_ne!(one.virsh(&["capabilities"]).lines().nth(3), two.virsh(&["capabilities"]).lines().nth(3));
}

#[test]
fn nothing_is_left_when_a_test_panics() {
    let (send, receive) = std::sync::mpsc::channel();
    let test = std::thread::spawn(move || {
        let host = Own::start();
        host.bridge("br0");
        define(&host, "net-define", NETWORK);
        host.virsh(&["net-start", "lan"]);
        send.send(host.path().to_owned()).unwrap_or_default();
        std::panic::resume_unwind(Box::new("a failing test"));
    });
    test.join().unwrap_err();
    let folder = receive.recv_timeout(Duration::from_secs(1)).unwrap();
    assert!(!folder.exists());
    let folder = folder.display().to_string();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&command).contains(&folder), "{:?} still runs", process.path());
    }
}
