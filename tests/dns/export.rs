//! Zone files: `named-checkzone` takes each of them, and they are the same each time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fmc::cli::{DONE, FAILED};
use fmc::dns::zones_of;
use fmc_testkit::named::check_zone;
use fmc_testkit::tree::scratch;

use super::*;

fn dns() -> Dns {
    Dns::new()
        .server(DnsServer::on("freeipa", "freeipa1"))
        .zone(every_type(Zone::new("cefaslocalserver.com")))
        .zone(
            Zone::new("sub.cefaslocalserver.com")
                .name_servers(["ns.sub.cefaslocalserver.com"])
                .records("ns", ["A 10.17.3.90"]),
        )
}

#[test]
fn every_zone_is_right_by_the_strict_judge() {
    let checked = seed(dns()).check().unwrap_or_else(|report| panic!("{report}"));
    let zones = zones_of(&checked);
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.bare()).collect();
    assert_eq!(
        names,
        [
            "3.17.10.in-addr.arpa",
            "4.17.10.in-addr.arpa",
            "0.168.192.in-addr.arpa",
            "cefaslocalserver.com",
            "sub.cefaslocalserver.com",
        ]
    );
    for zone in zones {
        check_zone(zone.name.bare(), &zone.file())
            .unwrap_or_else(|refused| panic!("{refused}\n{}", zone.file()));
    }
}

#[test]
fn forward_and_reverse_agree() {
    let checked = seed(dns()).check().unwrap();
    let all: String = zones_of(&checked).iter().map(|zone| zone.file()).collect();
    for machine in checked.machines() {
        let address = machine.address().unwrap().to_string();
        let name = machine.fqdn.as_ref().unwrap();
        let reverse: Vec<&str> = address.split('.').rev().collect();
        assert!(all.contains(&format!("\n{name}. 3600 IN A {address}\n")), "{name}");
        assert!(
            all.contains(&format!("\n{}.in-addr.arpa. 3600 IN PTR {name}.\n", reverse.join("."))),
            "{name}"
        );
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[test]
fn export_writes_the_same_files_each_time() {
    let folder = scratch();
    let (code, said) = run(seed(dns()), folder.path(), &["dns", "export", "--out", "zones"]);
    assert_eq!((code, &*said), (DONE, "5 zones of seed in zones\n"));
    let first = files(&folder.path().join("zones"));
    assert!(first.contains_key("cefaslocalserver.com.zone"), "{:?}", first.keys());
    assert_eq!(run(seed(dns()), folder.path(), &["dns", "export", "--out", "zones"]).0, DONE);
    assert_eq!(files(&folder.path().join("zones")), first);
    let without = run(Cloud::new("first"), folder.path(), &["dns", "export", "--out", "none"]);
    assert_eq!(without.0, FAILED);
    assert!(without.1.contains("has no DNS of its own"), "{}", without.1);
}

#[test]
fn zones_of_a_server_without_a_key_are_artifacts() {
    let folder = scratch();
    let (code, said) = run(seed(dns()), folder.path(), &["compile", "--out", "artifacts"]);
    assert_eq!(code, DONE, "{said}");
    let zones = files(&folder.path().join("artifacts/dns"));
    assert_eq!(zones.len(), 5, "{:?}", zones.keys());
}

#[test]
fn the_examples_are_clouds_with_right_zones() {
    // Each with its block of the page, which shows the same lines.
    let examples =
        [include_str!("../../examples/dns/cloud.yaml"), include_str!("../../examples/dns/freeipa.yaml")];
    let page = include_str!("../../docs/dns.md");
    for (text, block) in examples.into_iter().zip(page.split("```yaml\n").skip(1)) {
        let checked = fmc::file::from_yaml(text).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
        for zone in zones_of(&checked) {
            check_zone(zone.name.bare(), &zone.file())
                .unwrap_or_else(|refused| panic!("{refused}\n{}", zone.file()));
        }
        let lines = block.split("```").next().unwrap();
        let missing: Vec<&str> = lines.lines().filter(|line| !text.contains(line.trim())).collect();
        assert_eq!(missing, [""; 0]);
    }
}
