//! The link against libvirt's own simulation, which is part of the client library: its real parsers and
//! validators, without a daemon and without root.
//!
//! All connections to `test:///default` in one process share their objects, so each test has names of its own.
#![cfg(feature = "virt")]

mod clouds;
mod define;

use fmc_libvirt::documents::documents;
use fmc_libvirt::link::{CallErrorKind, Edit, Link as _, Section};
use fmc_libvirt::virt::VirtLink;

const URI: &str = "test:///default";

fn domain(name: &str, memory: u32) -> String {
    format!(
        "<domain type='test'><name>{name}</name><memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>\
         <os><type>hvm</type></os></domain>"
    )
}

fn network(name: &str, bridge: &str) -> String {
    format!(
        "<network><name>{name}</name><bridge name='{bridge}'/><ip address='10.71.0.1' prefix='24'><dhcp>\
         <range start='10.71.0.100' end='10.71.0.200'/></dhcp></ip>\
         <ip family='ipv6' address='fd71::1' prefix='64'><dhcp>\
         <range start='fd71::100' end='fd71::200'/></dhcp></ip></network>"
    )
}

#[test]
fn a_domain_lives_and_goes() {
    let link = VirtLink::connect(URI).unwrap();
    assert_eq!(link.domain("lives").unwrap(), None);
    link.define_domain(&domain("lives", 64)).unwrap();
    let read = link.domain("lives").unwrap().unwrap();
    assert!(!read.active && !read.autostart && read.live_xml.is_none());
    assert!(read.xml.contains("<memory unit='KiB'>65536</memory>"));

    link.set_domain_autostart("lives", true).unwrap();
    link.start_domain("lives").unwrap();
    assert!(link.domain_is_active("lives").unwrap());
    let listed = link.domains().unwrap();
    let read = listed.iter().find(|domain| domain.name == "lives").unwrap();
    assert!(read.active && read.autostart);
    assert!(read.live_xml.as_deref().unwrap().contains("<domain type='test' id='"));

    // A new definition of a running domain leaves the active one unchanged.
    let uuid = read.xml.split("<uuid>").nth(1).unwrap().split("</uuid>").next().unwrap().to_owned();
    link.define_domain(&domain("lives", 128).replace("</name>", &format!("</name><uuid>{uuid}</uuid>")))
        .unwrap();
    let read = link.domain("lives").unwrap().unwrap();
    assert!(read.xml.contains("131072"));
    assert!(read.live_xml.unwrap().contains("65536"));

    link.shutdown_domain("lives").unwrap();
    assert!(!link.domain_is_active("lives").unwrap());
    link.destroy_domain("lives").unwrap();
    link.undefine_domain("lives").unwrap();
    assert_eq!(link.domain("lives").unwrap(), None);
    assert_eq!(link.start_domain("lives").unwrap_err().kind, CallErrorKind::Absent);
    assert_eq!(link.domain_is_active("lives").unwrap_err().kind, CallErrorKind::Absent);
}

#[test]
fn a_document_with_an_unknown_element_is_refused() {
    let link = VirtLink::connect(URI).unwrap();
    let xml = domain("bogus", 64).replace("<os>", "<bogus/><os>");
    let error = link.define_domain(&xml).unwrap_err();
    assert_eq!((error.call.as_str(), error.kind), ("define domain bogus", CallErrorKind::Failed));
    assert!(error.message.contains("failed to validate"), "{error}");
}

#[test]
fn an_object_made_anew_under_its_name_is_found() {
    let link = VirtLink::connect(URI).unwrap();
    let other = VirtLink::connect(URI).unwrap();
    link.define_domain(&domain("anew", 64)).unwrap();
    // Another UUID under the same name: the handle that the link kept refers to the old object.
    other.undefine_domain("anew").unwrap();
    other.define_domain(&domain("anew", 64)).unwrap();
    link.start_domain("anew").unwrap();
    assert!(other.domain_is_active("anew").unwrap());
    link.destroy_domain("anew").unwrap();
    link.undefine_domain("anew").unwrap();
    link.undefine_domain("anew").unwrap_err();
}

#[test]
fn a_network_takes_hosts_of_dhcp_and_dns_while_it_runs() {
    let link = VirtLink::connect(URI).unwrap();
    assert_eq!(link.network("hosts").unwrap(), None);
    link.define_network(&network("hosts", "virbr71")).unwrap();
    link.start_network("hosts").unwrap();
    link.set_network_autostart("hosts", true).unwrap();
    let host = "<host mac='52:54:00:71:00:01' name='web' ip='10.71.0.10'/>";
    let host_v6 = "<host id='0:3:0:1:52:54:0:71:0:1' name='web' ip='fd71::10'/>";
    link.update_network("hosts", Section::DhcpHost, Edit::Add, host, true).unwrap();
    link.update_network("hosts", Section::DhcpHost, Edit::Add, host_v6, true).unwrap();
    let read = link.networks().unwrap().into_iter().find(|network| network.name == "hosts").unwrap();
    assert!(read.active && read.autostart);
    assert!(read.xml.contains("ip='10.71.0.10'") && read.xml.contains("ip='fd71::10'"), "{}", read.xml);
    assert_eq!(link.network("hosts").unwrap().unwrap(), read);

    link.update_network("hosts", Section::DhcpHost, Edit::Delete, host, true).unwrap();
    link.update_network("hosts", Section::DhcpHost, Edit::Delete, host_v6, true).unwrap();
    assert!(!link.network("hosts").unwrap().unwrap().xml.contains("<host "));

    let names = "<host ip='10.71.0.10'><hostname>web.example.org</hostname></host>";
    link.update_network("hosts", Section::DnsHost, Edit::Add, names, true).unwrap();
    let read = link.network("hosts").unwrap().unwrap();
    assert!(read.xml.contains("<hostname>web.example.org</hostname>"), "{}", read.xml);
    link.update_network("hosts", Section::DnsHost, Edit::Delete, "<host ip='10.71.0.10'/>", true).unwrap();
    assert!(!link.network("hosts").unwrap().unwrap().xml.contains("<dns"));
    link.stop_network("hosts").unwrap();
    link.stop_network("hosts").unwrap();
    link.undefine_network("hosts").unwrap();
    assert_eq!(link.stop_network("hosts").unwrap_err().kind, CallErrorKind::Absent);
}

#[test]
fn a_pool_and_its_volumes() {
    let link = VirtLink::connect(URI).unwrap();
    assert_eq!(link.pool("disks").unwrap(), None);
    assert_eq!(link.volumes("disks").unwrap_err().kind, CallErrorKind::Absent);
    link.create_pool("<pool type='dir'><name>disks</name><target><path>/disks</path></target></pool>", true)
        .unwrap();
    let read = link.pool("disks").unwrap().unwrap();
    assert!(read.active && read.autostart);
    assert!(link.pools().unwrap().contains(&read));

    let volume = "<volume><name>web.root</name><capacity unit='bytes'>1048576</capacity></volume>";
    link.create_volume("disks", volume).unwrap();
    assert_eq!(link.create_volume("disks", volume).unwrap_err().call, "create volume disks/web.root");
    let listed = link.volumes("disks").unwrap();
    assert_eq!(listed.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>(), ["web.root"]);
    let facts = link.volume("disks", "web.root").unwrap().unwrap();
    assert_eq!((facts.path.as_str(), facts.capacity, facts.backing), ("/disks/web.root", 1 << 20, None));
    assert_eq!(link.volume("disks", "db.root").unwrap(), None);
    assert_eq!(link.volume("nowhere", "db.root").unwrap(), None);

    // The error says that the test driver does not support the call.
    let error = link.resize_volume("disks", "web.root", 2 << 20).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unsupported, "{error}");
    let error =
        link.upload("disks", "web.root", &mut [0_u8; 9].as_slice(), Some(9), &mut |_| true).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unsupported, "{error}");

    link.delete_volume("disks", "web.root").unwrap();
    link.delete_volume("disks", "web.root").unwrap();
    link.delete_pool("disks").unwrap();
    assert_eq!(link.delete_pool("disks").unwrap_err().kind, CallErrorKind::Absent);
}

#[test]
fn the_hosts_own_facts() {
    let link = VirtLink::connect(URI).unwrap();
    assert_eq!(link.uri(), URI);
    let facts = link.facts().unwrap();
    assert!(facts.memory_kib > 0 && facts.threads > 0);
    // The test driver reports an i686 host.
    assert!(facts.domain_types.is_empty());
    assert_eq!(link.interfaces().unwrap().unwrap(), ["eth1"]);
}

#[test]
fn no_such_driver() {
    let error = VirtLink::connect("tset:///default").unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    assert!(error.to_string().starts_with("connect to tset:///default: "), "{error}");
}

#[test]
fn every_document_of_a_cloud_is_accepted() {
    for cloud in [clouds::small(), clouds::grown().lab()] {
        define::all(&documents(&cloud.check().unwrap()));
    }
}
