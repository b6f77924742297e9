//! Every call of the link on a real libvirtd with emulated QEMU: one of the tests' own, in namespaces.
#![cfg(feature = "virt")]

use std::time::{Duration, Instant};

use fmc_libvirt::link::{CallErrorKind, Edit, Link as _, Section};
use fmc_libvirt::virt::{Deadlines, VirtLink};
use fmc_testkit::libvirtd::Own;
use fmc_testkit::relay::Relay;

const MIB: u64 = 1 << 20;

fn domain(name: &str, devices: &str) -> String {
    format!(
        "<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
         <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"
    )
}

fn disk(path: &str) -> String {
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{path}'/>\
         <target dev='vda' bus='virtio'/></disk>"
    )
}

fn network(name: &str, bridge: &str, third: u8) -> String {
    format!(
        "<network><name>{name}</name><forward mode='nat'/><bridge name='{bridge}'/>\
         <ip address='10.72.{third}.1' prefix='24'><dhcp><range start='10.72.{third}.100' end='10.72.{third}.200'/></dhcp></ip>\
         <ip family='ipv6' address='fd72:{third}::1' prefix='64'><dhcp><range start='fd72:{third}::100' end='fd72:{third}::200'/></dhcp></ip>\
         </network>"
    )
}

fn pool(host: &Own, name: &str, folder: &str) -> String {
    let path = host.path().join(folder);
    format!("<pool type='dir'><name>{name}</name><target><path>{}</path></target></pool>", path.display())
}

fn volume(name: &str, capacity: u64, format: &str) -> String {
    format!(
        "<volume><name>{name}</name><capacity unit='bytes'>{capacity}</capacity>\
         <target><format type='{format}'/></target></volume>"
    )
}

fn backed(name: &str, base: &str) -> String {
    volume(name, 64 * MIB, "qcow2").replace(
        "</volume>",
        &format!("<backingStore><path>{base}</path><format type='raw'/></backingStore></volume>"),
    )
}

/// Bytes that neither compression nor holes make shorter.
fn noise(length: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect()
}

#[test]
fn a_domain_lives_and_goes() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.create_pool(&pool(&host, "disks", "disks"), true).unwrap();
    link.create_volume("disks", &volume("web.root", 16 * MIB, "qcow2")).unwrap();
    let path = link.volumes("disks").unwrap().remove(0).path;

    assert_eq!(link.domain("web").unwrap(), None);
    link.define_domain(&domain("web", &disk(&path))).unwrap();
    link.set_domain_autostart("web", true).unwrap();
    let off = link.domain("web").unwrap().unwrap();
    assert!(!off.active && off.autostart && off.live_xml.is_none());

    link.start_domain("web").unwrap();
    assert!(link.domain_is_active("web").unwrap());
    let on = link.domains().unwrap().remove(0);
    assert!(on.active && on.autostart);
    assert_eq!(on.xml, off.xml, "the persistent document is the same while it runs");
    assert!(on.live_xml.unwrap().contains("id='1'"));
    let error = link.start_domain("web").unwrap_err();
    assert!(error.message.contains("already running"), "{error}");

    // One call gives the capacities of running and stopped domains.
    assert_eq!(link.disk_capacities().unwrap().get(&path), Some(&(16 * MIB)));
    link.resize_block("web", &path, 24 * MIB).unwrap();
    assert_eq!(link.disk_capacities().unwrap().get(&path), Some(&(24 * MIB)));

    // A guest without an operating system ignores the request.
    link.shutdown_domain("web").unwrap();
    assert!(link.domain_is_active("web").unwrap());
    link.destroy_domain("web").unwrap();
    link.destroy_domain("web").unwrap();
    assert!(!link.domain_is_active("web").unwrap());
    assert_eq!(link.disk_capacities().unwrap().get(&path), Some(&(24 * MIB)));
    link.resize_volume("disks", "web.root", 32 * MIB).unwrap();
    assert_eq!(link.volume("disks", "web.root").unwrap().unwrap().capacity, 32 * MIB);
    let error = link.shutdown_domain("web").unwrap_err();
    assert!(error.message.contains("domain is not running"), "{error}");

    link.undefine_domain("web").unwrap();
    assert_eq!(link.domain("web").unwrap(), None);
    assert_eq!(link.undefine_domain("web").unwrap_err().kind, CallErrorKind::Absent);
}

#[test]
fn what_a_domain_is_refused_for() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    // Two UUIDs with one name.
    link.define_domain(&domain("web", "")).unwrap();
    let other =
        domain("web", "").replace("<memory", "<uuid>11111111-2222-5333-8444-555555555555</uuid><memory");
    let error = link.define_domain(&other).unwrap_err();
    assert!(error.message.contains("already exists with uuid"), "{error}");
    assert!(error.message.contains("the name is taken by an object that is not this cloud's"), "{error}");
    link.undefine_domain("web").unwrap();

    let error = link.define_domain(&domain("web", "").replace("<os>", "<colour/><os>")).unwrap_err();
    assert!(error.message.contains("colour"), "{error}");

    // A missing image or network does not mean that the domain is absent.
    for devices in [
        disk("/nowhere/web.root"),
        "<interface type='network'><source network='lan'/></interface>".to_owned(),
    ] {
        link.define_domain(&domain("web", &devices)).unwrap();
        let error = link.start_domain("web").unwrap_err();
        assert_eq!((error.call.as_str(), error.kind), ("start domain web", CallErrorKind::Failed), "{error}");
        assert!(error.message.contains("/nowhere/web.root") || error.message.contains("'lan'"), "{error}");
        link.undefine_domain("web").unwrap();
    }
}

#[test]
fn a_network_takes_hosts_of_dhcp_and_dns_while_it_runs() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.define_network(&network("lan", "br-lan", 1)).unwrap();
    link.start_network("lan").unwrap();
    link.set_network_autostart("lan", true).unwrap();
    let read = link.networks().unwrap().remove(0);
    assert!(read.active && read.autostart);
    assert_eq!(link.network("lan").unwrap().unwrap(), read);

    let host_v4 = "<host mac='52:54:00:72:00:01' name='web' ip='10.72.1.10'/>";
    let host_v6 = "<host id='0:3:0:1:52:54:0:72:0:1' name='web' ip='fd72:1::10'/>";
    link.update_network("lan", Section::DhcpHost, Edit::Add, host_v4, true).unwrap();
    link.update_network("lan", Section::DhcpHost, Edit::Add, host_v6, true).unwrap();
    let read = link.network("lan").unwrap().unwrap();
    for document in [&read.xml, read.live_xml.as_ref().unwrap()] {
        let (v4, v6) = document.split_once("family='ipv6'").unwrap();
        assert!(v4.contains("ip='10.72.1.10'") && v6.contains("ip='fd72:1::10'"), "{document}");
    }
    // The file that dnsmasq reads after a change of its hosts.
    let told = host.inside("cat /var/lib/libvirt/dnsmasq/lan.hostsfile").unwrap();
    assert!(told.contains("52:54:00:72:00:01,10.72.1.10,web") && told.contains("[fd72:1::10]"), "{told}");
    let error = link.update_network("lan", Section::DhcpHost, Edit::Add, host_v4, true).unwrap_err();
    assert_eq!(error.call, "add a DHCP host to network lan");

    link.update_network("lan", Section::DhcpHost, Edit::Delete, host_v4, true).unwrap();
    link.update_network("lan", Section::DhcpHost, Edit::Delete, host_v6, true).unwrap();
    assert!(!link.network("lan").unwrap().unwrap().xml.contains("<host "));

    // A DNS name may have several addresses. An address has one entry, and deletion is by address.
    let names = |ip: u8, name: &str| {
        format!(
            "<host ip='10.72.1.{ip}'><hostname>{name}</hostname><hostname>all.example.org</hostname></host>"
        )
    };
    let edit = |edit, xml: &str| link.update_network("lan", Section::DnsHost, edit, xml, true);
    edit(Edit::Add, &names(10, "one")).unwrap();
    edit(Edit::Add, &names(11, "two")).unwrap();
    host.expect_names("10.72.1.1", "all.example.org", "A", &["10.72.1.10", "10.72.1.11"]);
    let error = edit(Edit::Add, &names(11, "three")).unwrap_err();
    assert_eq!(error.call, "add a DNS host to network lan");
    assert!(error.message.contains("already at least one DNS HOST record"), "{error}");
    let error = edit(Edit::Delete, &names(10, "one")).unwrap_err();
    assert!(error.message.contains("multiple matching DNS HOST records"), "{error}");
    edit(Edit::Delete, "<host ip='10.72.1.10'/>").unwrap();
    host.expect_names("10.72.1.1", "all.example.org", "A", &["10.72.1.11"]);
    let error = edit(Edit::Delete, "<host ip='10.72.1.10'/>").unwrap_err();
    assert!(error.message.contains("couldn't locate a matching DNS HOST"), "{error}");
    // The most addresses that a balancer reads fit into one answer.
    let all: Vec<String> = (11..75).map(|n| format!("10.72.1.{n}")).collect();
    for n in 12..75 {
        edit(Edit::Add, &names(n, &format!("node{n}"))).unwrap();
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    host.expect_names("10.72.1.1", "all.example.org", "A", &all);

    link.stop_network("lan").unwrap();
    link.stop_network("lan").unwrap();
    // Only in the configuration.
    link.update_network("lan", Section::DhcpHost, Edit::Add, host_v4, false).unwrap();
    let read = link.network("lan").unwrap().unwrap();
    assert!(read.xml.contains("ip='10.72.1.10'") && read.live_xml.is_none() && !read.active);
    link.undefine_network("lan").unwrap();
    assert_eq!(link.networks().unwrap(), []);
    assert_eq!(link.undefine_network("lan").unwrap_err().kind, CallErrorKind::Absent);
}

#[test]
fn what_a_network_is_refused_for() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.define_network(&network("lan", "br-lan", 1)).unwrap();
    let error = link.define_network(&network("dmz", "br-lan", 2)).unwrap_err();
    assert_eq!(error.call, "define network dmz");
    assert!(error.message.contains("give the network a bridge name of its own"), "{error}");
    // The host's own bridge.
    host.bridge("br-own");
    link.define_network(&network("own", "br-own", 3)).unwrap();
    let error = link.start_network("own").unwrap_err();
    assert!(error.message.contains("ip link delete br-own; pkill -f dnsmasq/own.conf"), "{error}");
    // A subnet in use.
    link.start_network("lan").unwrap();
    link.define_network(&network("same", "br-same", 1)).unwrap();
    let error = link.start_network("same").unwrap_err();
    assert!(error.message.contains("in use"), "{error}");
    let interfaces = link.interfaces().unwrap();
    if let Some(names) = &interfaces {
        assert!(names.iter().any(|name| name == "br-own"), "{names:?}");
    }
}

#[test]
fn pools_and_volumes() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    assert_eq!(link.pool("disks").unwrap(), None);
    link.create_pool(&pool(&host, "disks", "disks"), true).unwrap();
    let read = link.pool("disks").unwrap().unwrap();
    assert!(read.active && read.autostart);
    assert_eq!(link.pools().unwrap(), [read]);

    let error = link.create_pool(&pool(&host, "twice", "disks"), true).unwrap_err();
    assert_eq!(error.call, "create pool twice");
    assert!(error.message.contains("two pools cannot share a folder"), "{error}");
    assert_eq!(link.pool("twice").unwrap(), None);
    // A pool that cannot start does not stay defined: here a file is in the place of its folder.
    std::fs::write(host.path().join("file"), "").unwrap();
    link.create_pool(&pool(&host, "blocked", "file/disks"), true).unwrap_err();
    assert_eq!(link.pool("blocked").unwrap(), None);

    let content = noise(5 * MIB + 24);
    link.create_volume("disks", &volume("base", 0, "raw")).unwrap();
    let mut told = Vec::new();
    link.upload("disks", "base", &mut content.as_slice(), Some(content.len() as u64), &mut |sent| {
        told.push(sent);
        true
    })
    .unwrap();
    assert_eq!(told, [MIB, 2 * MIB, 3 * MIB, 4 * MIB, 5 * MIB, 5 * MIB + 24]);
    assert!(
        std::fs::read(host.path().join("disks/base")).unwrap() == content,
        "what is read is what was sent"
    );

    let base = host.path().join("disks/base").display().to_string();
    link.create_volume("disks", &backed("web.root", &base)).unwrap();
    let facts = link.volume("disks", "web.root").unwrap().unwrap();
    assert_eq!((facts.capacity, facts.backing.as_deref()), (64 * MIB, Some(base.as_str())));
    link.resize_volume("disks", "web.root", 96 * MIB).unwrap();
    assert_eq!(link.volume("disks", "web.root").unwrap().unwrap().capacity, 96 * MIB);
    let error = link.create_volume("disks", &backed("db.root", "/nowhere/base")).unwrap_err();
    assert!(error.message.contains("/nowhere/base"), "{error}");
    assert_eq!(link.volume("disks", "db.root").unwrap(), None);
    // The mark of a complete upload is an empty volume. It and all others survive a restart of the daemon.
    link.create_volume("disks", &volume("base.ok", 0, "raw")).unwrap();
    let names = |link: &VirtLink| {
        let mut names: Vec<_> =
            link.volumes("disks").unwrap().into_iter().map(|volume| volume.name).collect();
        names.sort();
        names
    };
    assert_eq!(names(&link), ["base", "base.ok", "web.root"]);
    host.kill();
    host.restart_daemon();
    assert_eq!(names(&link), ["base", "base.ok", "web.root"]);

    // A folder that is not empty stays, and so does its pool.
    let error = link.delete_pool("disks").unwrap_err();
    assert!(error.message.contains("not empty"), "{error}");
    assert!(link.pool("disks").unwrap().unwrap().active);
    for name in ["base", "base.ok", "web.root", "web.root"] {
        link.delete_volume("disks", name).unwrap();
    }
    link.delete_pool("disks").unwrap();
    assert!(!host.path().join("disks").exists());
    assert_eq!(link.delete_pool("disks").unwrap_err().kind, CallErrorKind::Absent);
    // A folder that was removed is not made by a start: its file system may not be mounted. A deletion does not need it.
    link.create_pool(&pool(&host, "gone", "gone"), true).unwrap();
    host.virsh(&["pool-destroy", "gone"]);
    std::fs::remove_dir(host.path().join("gone")).unwrap();
    let error = link.start_pool("gone").unwrap_err();
    assert!(error.message.contains("No such file or directory"), "{error}");
    std::fs::create_dir(host.path().join("gone")).unwrap();
    link.start_pool("gone").unwrap();
    link.set_pool_autostart("gone", false).unwrap();
    assert!(!link.pool("gone").unwrap().unwrap().autostart);
    host.virsh(&["pool-destroy", "gone"]);
    std::fs::remove_dir(host.path().join("gone")).unwrap();
    link.delete_pool("gone").unwrap();
    assert_eq!(link.pools().unwrap(), []);
}

#[test]
fn an_upload_is_stopped_runs_short_or_finds_the_disk_full() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    let folder = host.path().join("small").display().to_string();
    host.inside(&format!("mkdir {folder} && mount -t tmpfs -o size=4m tmpfs {folder}")).unwrap();
    link.create_pool(&pool(&host, "small", "small"), true).unwrap();
    link.create_volume("small", &volume("base", 0, "raw")).unwrap();
    let content = noise(16 * MIB);

    let error =
        link.upload("small", "base", &mut content.as_slice(), Some(16 * MIB), &mut |_| true).unwrap_err();
    assert_eq!((error.call.as_str(), error.kind), ("upload to volume small/base", CallErrorKind::Failed));
    assert!(error.message.contains("the file system under the pool is full"), "{error}");

    let error = link
        .upload("small", "base", &mut content.as_slice(), Some(16 * MIB), &mut |sent| sent < 2 * MIB)
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Cancelled);
    assert!(error.message.contains("stopped after 2097152 of 16777216 bytes"), "{error}");

    let mut short = content.get(..usize::try_from(MIB).unwrap()).unwrap();
    let error = link.upload("small", "base", &mut short, Some(2 * MIB), &mut |_| true).unwrap_err();
    assert!(error.message.contains("they end 1048576 bytes too early"), "{error}");

    // The failures above do not disturb the connection.
    link.delete_volume("small", "base").unwrap();
    link.create_volume("small", &volume("base", 0, "raw")).unwrap();
    link.upload("small", "base", &mut &content[..512], Some(512), &mut |_| true).unwrap();
    assert_eq!(link.volume("small", "base").unwrap().unwrap().capacity, 512);
    host.inside(&format!("umount --lazy {folder}")).unwrap();
}

#[test]
fn a_daemon_that_dies_in_the_middle_of_an_upload() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.create_pool(&pool(&host, "disks", "disks"), true).unwrap();
    link.create_volume("disks", &volume("base", 0, "raw")).unwrap();
    let content = noise(24 * MIB);
    let error = link
        .upload("disks", "base", &mut content.as_slice(), Some(24 * MIB), &mut |sent| {
            if sent == 4 * MIB {
                host.kill();
            }
            true
        })
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable, "{error}");
    assert_eq!(link.volumes("disks").unwrap_err().kind, CallErrorKind::Unreachable);

    host.restart_daemon();
    assert_eq!(link.volumes("disks").unwrap().len(), 1, "the name is there before its content");
    link.delete_volume("disks", "base").unwrap();
    link.create_volume("disks", &volume("base", 0, "raw")).unwrap();
    link.upload("disks", "base", &mut content.as_slice(), Some(24 * MIB), &mut |_| true).unwrap();
    assert!(std::fs::read(host.path().join("disks/base")).unwrap() == content);
}

#[test]
fn a_daemon_that_does_not_answer() {
    let host = Own::start();
    let gone = "qemu+unix:///system?socket=/nowhere/libvirt-sock";
    let error = VirtLink::connect(gone).unwrap_err();
    assert_eq!(
        (error.call.as_str(), error.kind),
        (format!("connect to {gone}").as_str(), CallErrorKind::Unreachable)
    );
    assert!(error.message.contains("/nowhere/libvirt-sock") && error.message.contains("libvirtd"), "{error}");

    // The daemon went away. When it is back, the same link continues, also with calls that change something.
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.define_network(&network("lan", "br-lan", 1)).unwrap();
    host.kill();
    let error = link.networks().unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable, "{error}");
    host.restart_daemon();
    link.start_network("lan").unwrap();
    host.kill();
    host.restart_daemon();
    link.stop_network("lan").unwrap();
    assert!(!link.network("lan").unwrap().unwrap().active);
}

#[test]
fn a_daemon_that_hangs() {
    let host = Own::start();
    let relay = Relay::start(&host.path().join("libvirt-sock"));
    let deadlines = Deadlines { read: Duration::from_secs(1), ..Deadlines::default() };
    let link = VirtLink::connect_with(&relay.uri(), deadlines).unwrap();
    link.define_network(&network("lan", "br-lan", 1)).unwrap();
    relay.hold(true);
    let asked = Instant::now();
    let error = link.network("lan").unwrap_err();
    assert_eq!(
        (error.call.as_str(), error.kind),
        ("read network lan", CallErrorKind::Deadline { seconds: 1 })
    );
    assert!(error.message.contains("no answer within 1 s"), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(4));
    // A new connection does not open either. Once the daemon answers again, it does.
    assert_eq!(link.network("lan").unwrap_err().call, format!("connect to {}", relay.uri()));
    relay.hold(false);
    assert!(link.network("lan").unwrap().is_some());
}

/// The number of calls decides the time of a plan over libvirt, so this test limits it.
#[test]
fn the_calls_of_a_plan_that_changes_nothing() {
    let host = Own::start();
    let relay = Relay::start(&host.path().join("libvirt-sock"));
    let link = VirtLink::connect(&relay.uri()).unwrap();
    let opening = relay.take_calls().len();
    link.create_pool(&pool(&host, "disks", "disks"), true).unwrap();
    link.create_volume("disks", &volume("base", MIB, "raw")).unwrap();
    let base = host.path().join("disks/base").display().to_string();
    for index in 0..12 {
        link.create_volume("disks", &backed(&format!("web{index}.root"), &base)).unwrap();
        let path = host.path().join(format!("disks/web{index}.root")).display().to_string();
        link.define_domain(&domain(&format!("web{index}"), &disk(&path))).unwrap();
    }
    for third in [1, 2] {
        link.define_network(&network(&format!("lan{third}"), &format!("br-lan{third}"), third)).unwrap();
    }
    // The pool takes three calls (define, start, autostart), each volume and domain one, and look-ups none.
    assert_eq!(relay.take_calls().len(), 3 + 13 + 12 + 2);
    for third in [1, 2] {
        link.start_network(&format!("lan{third}")).unwrap();
    }
    assert_eq!(relay.take_calls().len(), 2);

    let observe = || {
        link.facts().unwrap();
        link.interfaces().unwrap();
        assert_eq!(link.domains().unwrap().len(), 12);
        assert_eq!(link.networks().unwrap().len(), 2);
        assert_eq!(link.pools().unwrap().len(), 1);
        assert_eq!(link.volumes("disks").unwrap().len(), 13);
        assert_eq!(link.disk_capacities().unwrap().len(), 12);
        relay.take_calls()
    };
    let calls = observe();
    assert!(opening + calls.len() <= 37, "{opening} to open, then by number: {calls:?}");
    // A running domain costs one call more, and the first one that does not start with its host another.
    link.start_domain("web0").unwrap();
    let _ = relay.take_calls();
    let again = observe();
    assert_eq!(again.len(), calls.len() - 1 + 2, "the capabilities are known, a domain runs: {again:?}");
}

#[test]
fn what_a_guest_writes_to_its_console_is_read_from_the_pool() {
    let host = Own::start();
    let link = VirtLink::connect(&host.uri()).unwrap();
    link.create_pool(&pool(&host, "disks", "disks"), true).unwrap();
    let file = host.path().join("disks/web.console");
    let log = format!("<log file='{}' append='on'/>", file.display());
    let devices = format!("<serial type='pty'>{log}<target port='0'/></serial>");
    link.define_domain(&domain("web", &devices)).unwrap();
    link.start_domain("web").unwrap();
    assert!(file.exists(), "virtlogd makes it when the guest starts");
    assert!(link.volumes("disks").unwrap().is_empty(), "and libvirt does not see it");
    assert_eq!(link.volume_tail("disks", "web.console", 64).unwrap(), None);
    link.refresh_pool("disks").unwrap();
    assert_eq!(link.volumes("disks").unwrap().remove(0).name, "web.console");

    // The guest writes after libvirt looked.
    let text: String = (0..20_000).map(|line| format!("line {line}\n")).collect();
    host.inside(&format!("seq --format='line %g' 0 19999 > {}", file.display())).unwrap();
    let tail = link.volume_tail("disks", "web.console", 100_000).unwrap().unwrap();
    assert!(tail == text.as_bytes()[text.len() - 100_000..], "{}", String::from_utf8_lossy(&tail));
    let whole = link.volume_tail("disks", "web.console", 1 << 20).unwrap().unwrap();
    assert!(whole == text.as_bytes());
    host.inside(&format!(": > {}", file.display())).unwrap();
    assert_eq!(link.volume_tail("disks", "web.console", 64).unwrap(), Some(Vec::new()));

    // A pool can be deleted when its folder is empty.
    link.destroy_domain("web").unwrap();
    link.delete_pool("disks").unwrap_err();
    link.delete_volume("disks", "web.console").unwrap();
    link.delete_pool("disks").unwrap();
}
