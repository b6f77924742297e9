#[cfg(feature = "full")]
mod corpus;

use super::*;
use crate::document::Document as Wanted;
use crate::documents::documents;
use crate::fixture::checked;
use crate::link::{NetworkRecord, VolumeFacts};

fn differences(wanted: &str, seen: &str) -> Vec<String> {
    let wanted = Outline::read(wanted).unwrap();
    let seen = Outline::read(seen).unwrap();
    tree(wanted.root(), seen.root())
        .into_iter()
        .map(|found| {
            let words = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
            format!("{}: {} -> {}", found.path, words(found.from), words(found.to))
        })
        .collect()
}

#[test]
fn what_libvirt_adds_is_no_difference() {
    let wanted = "<domain type='kvm'><memory unit='GiB'>2</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices><disk type='file'><source file='/a'/><target dev='vda'/></disk></devices></domain>";
    let seen = "<domain type='kvm' id='3'><memory unit='KiB'>2097152</memory><currentMemory>2097152</currentMemory>
        <metadata><x xmlns='urn:x'/></metadata><resource><partition>/machine</partition></resource>
        <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
        <devices><emulator>/usr/bin/qemu</emulator><disk type='file' device='disk'><source file='/a' index='1'/>
        <target dev='vda' bus='virtio'/><alias name='a'/></disk><controller type='usb'/></devices></domain>";
    assert_eq!(differences(wanted, seen), [""; 0]);
}

#[test]
fn what_somebody_adds_is_one() {
    let wanted = "<domain><devices><interface type='network'><mac address='52:54:00:00:00:01'/></interface></devices></domain>";
    let seen =
        "<domain><title>mine</title><devices><interface type='network'><mac address='52:54:00:00:00:01'/>
        <link state='down'/></interface><interface type='network'><mac address='52:54:00:00:00:02'/>
        <source network='other'/></interface></devices></domain>";
    assert_eq!(
        differences(wanted, seen),
        [
            "devices/interface[52:54:00:00:00:01]/link: state=down -> nothing",
            "devices/interface[52:54:00:00:00:02]: other -> nothing",
            "title: mine -> nothing",
        ]
    );
}

#[test]
fn elements_are_paired_by_what_identifies_them() {
    let disk = |dev, file| format!("<disk><source file='{file}'/><target dev='{dev}'/></disk>");
    let wanted = format!("<domain><devices>{}{}</devices></domain>", disk("vda", "/a"), disk("vdc", "/c"));
    let seen = format!(
        "<domain><devices>{}{}{}</devices></domain>",
        disk("vdc", "/other"),
        disk("vdb", "/b"),
        disk("vda", "/a")
    );
    assert_eq!(
        differences(&wanted, &seen),
        ["devices/disk[vdc]/source/@file: /other -> /c", "devices/disk[vdb]: /b -> nothing"]
    );
}

#[test]
fn the_names_of_an_address_are_one_entry() {
    let network = |dns: &str| format!("<network><name>n</name>{dns}</network>");
    let host = |last: u8, names: &[&str]| {
        let names: String = names.iter().map(|name| format!("<hostname>{name}</hostname>")).collect();
        format!("<host ip='10.0.0.{last}'>{names}</host>")
    };
    let dns = |hosts: &str| network(&format!("<dns>{hosts}</dns>"));
    let wanted = dns(&(host(1, &["a", "all"]) + &host(2, &["b", "all"])));
    assert_eq!(differences(&wanted, &dns(&(host(2, &["b", "all"]) + &host(1, &["a", "all"])))), [""; 0]);
    assert_eq!(
        differences(&wanted, &dns(&(host(1, &["a", "all", "mine"]) + &host(3, &["c"])))),
        [
            "dns/host[10.0.0.1]: 10.0.0.1 a all mine -> 10.0.0.1 a all",
            "dns/host[10.0.0.2]: nothing -> 10.0.0.2 b all",
            "dns/host[10.0.0.3]: 10.0.0.3 c -> nothing",
        ]
    );
    let both =
        ["dns/host[10.0.0.1]: nothing -> 10.0.0.1 a all", "dns/host[10.0.0.2]: nothing -> 10.0.0.2 b all"];
    assert_eq!(differences(&wanted, &network("")), both);
    let none = both.map(|line| {
        let (path, words) = line.split_once(": nothing -> ").unwrap();
        format!("{path}: {words} -> nothing")
    });
    assert_eq!(differences(&network(""), &wanted), none);
    // A network that answers no names is another thing than a list of them, and no update changes it.
    assert_eq!(differences(&network(""), &network("<dns enable='no'/>")), ["dns: enable=no -> nothing"]);
    assert_eq!(
        differences(&wanted, &wanted.replace("<dns>", "<dns enable='no'>")),
        ["dns/@enable: no -> nothing"]
    );
}

#[test]
fn dhcp_hosts_are_told_apart_also_when_there_are_many() {
    let network = |hosts: &str| format!("<network><ip address='10.0.0.1' prefix='16'>{hosts}</ip></network>");
    let host =
        |n: u32, name: &str| format!("<host mac='52:54:00:00:00:{n:02x}' name='{name}' ip='10.0.0.{n}'/>");
    let all = |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|n| host(n, "web")).collect::<String>();
    let wanted = network(&format!("<dhcp>{}</dhcp>", all(&mut (10..90))));
    let seen =
        network(&format!("<dhcp>{}{}</dhcp>", all(&mut (11..91).rev().filter(|n| *n != 30)), host(30, "db")));
    assert_eq!(
        differences(&wanted, &seen),
        [
            "ip/dhcp/host[52:54:00:00:00:0a]: nothing -> 10.0.0.10 web",
            "ip/dhcp/host[52:54:00:00:00:1e]: 10.0.0.30 db -> 10.0.0.30 web",
            "ip/dhcp/host[52:54:00:00:00:5a]: 10.0.0.90 web -> nothing",
        ]
    );
    assert_eq!(
        differences(&network(&format!("<dhcp>{}</dhcp>", host(10, "a"))), &network("")),
        ["ip/dhcp/host[52:54:00:00:00:0a]: nothing -> 10.0.0.10 a"]
    );
}

#[test]
fn a_volume_grows_and_is_never_made_smaller() {
    let wanted = documents(&checked());
    let volume = wanted.nodes.values().find_map(|node| match &*node.document {
        Wanted::Volume(volume) if &*volume.name == "db.disk.data" => Some(volume),
        _ => None,
    });
    let verdict = |capacity: u64| {
        let seen = VolumeFacts {
            name: "db.disk.data".into(),
            path: String::new(),
            capacity,
            allocation: None,
            format: None,
            backing: None,
            changed: None,
        };
        compare_volume(volume.unwrap(), &seen)
            .into_iter()
            .map(|change| (change.from.unwrap(), change.impact))
            .collect::<Vec<_>>()
    };
    assert_eq!(verdict(50 << 30), []);
    assert_eq!(verdict(40 << 30), [("40 GiB".to_owned(), Impact::Live)]);
    assert_eq!(verdict(60 << 30), [("60 GiB".to_owned(), Impact::None)]);
}

#[test]
fn a_network_that_stops_says_why() {
    let wanted = documents(&checked());
    let network = wanted.nodes.values().find_map(|node| match &*node.document {
        Wanted::Network(network) if &*network.name == "core" => Some(network),
        _ => None,
    });
    let network = network.unwrap();
    let record = |xml: String, live: &str| NetworkRecord {
        name: "core".into(),
        xml,
        live_xml: Some(live.to_owned()),
        active: true,
        persistent: true,
        autostart: true,
    };
    assert_eq!(compare_network(network, &record(network.xml.to_string(), &network.xml)), []);
    let other = network.xml.replace("10.17.4.1'", "10.17.4.2'");
    // Defined and in force, or only in force: one change.
    for record in [record(other.clone(), &other), record(network.xml.to_string(), &other)] {
        let changes = compare_network(network, &record);
        assert_eq!(changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["ip/@address"]);
        assert!(changes.iter().all(|change| change.impact == Impact::Restart && change.reason.is_some()));
    }
}

#[test]
fn a_document_that_is_no_xml_differs() {
    assert_eq!(super::differences("<a/>", "nothing").len(), 1);
}
