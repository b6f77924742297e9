use std::collections::BTreeSet;

use expect_test::{ExpectFile, expect_file};
use fmc_core::cloud::Cloud;
use fmc_core::graph::Carries;
use fmc_core::host::Host;
use fmc_core::image::{Arch, Image};
use fmc_core::machine::{Interface, Machine};
use fmc_core::unit::SizeExt as _;
use fmc_testkit::libvirt_schema::{Kind, validate_all};
use proptest::prelude::*;

use super::*;
use crate::fixture::{checked, cloud, machines, networks};
use crate::mark::Mark;
use crate::volume::VolumeName;

fn document<'a>(wanted: &'a Wanted<Document>, short: &str) -> &'a Document {
    let (_, node) = wanted.nodes.iter().find(|(address, _)| address.short().to_string() == short).unwrap();
    &node.document
}

/// The document without the parts that depend on the guest's inside, which other tests check.
fn stable(wanted: &Wanted<Document>, short: &str) -> String {
    let document = document(wanted, short);
    let mut xml = document.xml().to_owned();
    if let Some(mark) = Mark::read(&xml) {
        xml = xml.replace(&mark.fingerprint, &"0".repeat(32));
        if let Some(config) = mark.config {
            xml = xml.replace(&config, &"0".repeat(16));
        }
    }
    if let Document::Domain(domain) = document {
        let hash = |volume: &Option<(Arc<str>, Arc<str>)>| {
            volume.as_ref().map(|(_, name)| name[name.len() - 8..].to_owned())
        };
        if let Some(hash) = hash(&domain.boot) {
            xml = xml.replace(&hash, &"0".repeat(8));
        }
    }
    xml
}

#[test]
fn documents_are_as_they_were() {
    let wanted = documents(&checked());
    let golden: [(&str, ExpectFile); 12] = [
        ("pool/fmc-first", expect_file!["../../golden/pool.xml"]),
        ("network/lab", expect_file!["../../golden/network-nat.xml"]),
        ("network/core", expect_file!["../../golden/network-routed.xml"]),
        ("network/edge", expect_file!["../../golden/network-open.xml"]),
        ("network/quiet", expect_file!["../../golden/network-isolated.xml"]),
        ("network/lan", expect_file!["../../golden/network-bridge.xml"]),
        ("domain/web", expect_file!["../../golden/domain-cloud-init.xml"]),
        ("domain/db", expect_file!["../../golden/domain-data-disks.xml"]),
        ("domain/node", expect_file!["../../golden/domain-ignition.xml"]),
        ("domain/probe", expect_file!["../../golden/domain-direct-kernel.xml"]),
        ("domain/seeded", expect_file!["../../golden/domain-emulated.xml"]),
        ("volume/fmc-first/db.disk.data", expect_file!["../../golden/volume-data.xml"]),
    ];
    for (short, expected) in golden {
        expected.assert_eq(&stable(&wanted, short));
    }
}

#[test]
fn libvirts_schemas_accept_every_document() {
    let wanted = documents(&checked());
    let kinds = [
        (kind::POOL, Kind::Pool),
        (kind::VOLUME, Kind::Volume),
        (kind::NETWORK, Kind::Network),
        (kind::DOMAIN, Kind::Domain),
    ];
    for (name, schema) in kinds {
        let of_kind = wanted.nodes.iter().filter(|(address, _)| address.kind() == name);
        validate_all(schema, of_kind.map(|(address, node)| (address.name(), node.document.xml()))).unwrap();
    }
}

#[test]
fn a_machine_of_another_architecture_is_accepted() {
    let image = Image::debian("12").architecture(Arch::Aarch64).path("/srv/images/debian-12-arm64.qcow2");
    let arm = Machine::new("arm", image).host("hv1").root_disk(8.gib());
    let host = Host::new("hv1").emulated().machine_type("virt");
    let wanted = documents(&Cloud::new("first").host(host).machine(arm).check().unwrap());
    let xml = document(&wanted, "domain/arm").xml();
    assert!(xml.contains("<os firmware='efi'>") && xml.contains("bus='scsi'"), "{xml}");
    validate_all(Kind::Domain, [("arm", xml)]).unwrap();
}

#[test]
fn what_is_needed_is_wanted_or_somebody_elses() {
    let wanted = documents(&checked());
    for (address, node) in &wanted.nodes {
        for need in &node.needs {
            assert!(wanted.nodes.contains_key(&need.to), "{address} needs {}", need.to);
        }
    }
    let needs = |short: &str| {
        let (_, node) =
            wanted.nodes.iter().find(|(address, _)| address.short().to_string() == short).unwrap();
        node.needs.iter().map(|need| (need.to.short().to_string(), need.carries)).collect::<Vec<_>>()
    };
    assert_eq!(needs("volume/fast/fmc.first.db.disk.log"), []);
    assert_eq!(needs("volume/fmc-first/db.disk.data"), [("pool/fmc-first".to_owned(), Carries::Exists)]);
    let of_db: Vec<(String, Carries)> = needs("domain/db");
    assert!(of_db.contains(&("network/core".to_owned(), Carries::Attached)));
    assert!(of_db.contains(&("volume/fast/fmc.first.db.disk.log".to_owned(), Carries::Attached)));
    assert_eq!(of_db.iter().filter(|(_, carries)| *carries == Carries::Content).count(), 2);
}

#[test]
fn every_volume_is_ours_by_its_name_and_a_base_is_shared() {
    let wanted = documents(&checked());
    let mut bases = 0;
    for node in wanted.nodes.values() {
        let Document::Volume(volume) = &*node.document else { continue };
        let name = if &*volume.pool == "fast" {
            VolumeName::parse_foreign(&volume.name, "first").unwrap()
        } else {
            VolumeName::parse(&volume.name).unwrap()
        };
        let machine = name.ours.machine().map(|machine| format!("machine/{machine}"));
        assert_eq!(node.part_of.as_deref(), machine.as_deref());
        bases += usize::from(machine.is_none());
    }
    assert_eq!(bases, 1);
}

#[test]
fn a_host_with_nothing_in_its_pool_has_none() {
    let pools = |console_log| {
        let probe = Machine::new("probe", Image::blank());
        let host = Host::local().console_log(console_log);
        let wanted = documents(&Cloud::new("first").host(host).machine(probe).check().unwrap());
        wanted.nodes.keys().filter(|address| address.kind() == kind::POOL).count()
    };
    // A machine without a disk has a serial console, too.
    assert_eq!((pools(false), pools(true)), (0, 1));
}

#[test]
fn a_domain_stays_on_the_volumes_it_has() {
    let wanted = documents(&checked());
    for short in ["domain/web", "domain/node"] {
        let Document::Domain(domain) = document(&wanted, short) else { panic!("{short}") };
        let mut mark = Mark::read(&domain.xml).unwrap();
        mark.image = Some("0123456789abcdef".to_owned());
        mark.config = None;
        let kept = domain.keeping(Some(("m.root.00000000", None)), Some("m.boot.00000000"), &mark);
        assert!(
            kept.xml.contains("/fmc-first/m.root.00000000'")
                && kept.xml.contains("/fmc-first/m.boot.00000000'")
        );
        assert_eq!(kept.root.as_ref().map(|(_, name)| &**name), Some("m.root.00000000"));
        let kept_mark = Mark::read(&kept.xml).unwrap();
        assert_ne!(kept_mark.fingerprint, mark.fingerprint, "it is of another document");
        assert_eq!(Mark { fingerprint: mark.fingerprint.clone(), ..kept_mark }, mark);
        let without = domain.keeping(Some(("m.root.00000000", None)), None, &mark);
        assert!(!without.xml.contains(".boot."));
        assert_eq!(without.xml.matches("<disk").count() + without.xml.matches("<sysinfo").count(), 1);
        validate_all(Kind::Domain, [("kept", &*kept.xml), ("without", &*without.xml)]).unwrap();
        // Pinned to its own volumes, it is unchanged.
        let own = Mark::read(&domain.xml).unwrap();
        let name = |volume: &Option<(Arc<str>, Arc<str>)>| volume.as_ref().map(|(_, name)| name.to_string());
        assert_eq!(
            domain
                .keeping(
                    name(&domain.root).as_deref().map(|root| (root, None)),
                    name(&domain.boot).as_deref(),
                    &own
                )
                .xml,
            domain.xml
        );
    }
}

fn texts(wanted: &Wanted<Document>) -> BTreeMap<String, String> {
    wanted.nodes.iter().map(|(address, node)| (address.to_string(), node.document.xml().to_owned())).collect()
}

fn extra(name: &str, address: Option<String>) -> Machine {
    let interface = match address {
        Some(address) => Interface::on("lab").address(address),
        None => Interface::on("lab"),
    };
    Machine::new(name.to_owned(), Image::blank()).host("hv1").root_disk(1.gib()).interface(interface)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_declaration_does_not_matter(
        networks in Just(networks()).prop_shuffle(),
        machines in Just(machines()).prop_shuffle(),
    ) {
        prop_assert_eq!(texts(&documents(&cloud(networks, machines))), texts(&documents(&checked())));
    }

    #[test]
    fn a_new_machine_changes_only_what_names_it(name in "[a-z][a-z0-9]{3,12}x", host in proptest::option::of(20..90_u8)) {
        let before = texts(&documents(&checked()));
        let address = host.map(|host| format!("10.17.3.{host}"));
        let mut machines = machines();
        machines.insert(1, extra(&name, address.clone()));
        let after = texts(&documents(&cloud(networks(), machines)));
        let mut changed = BTreeSet::new();
        for (at, text) in &after {
            if before.get(at) != Some(text) {
                prop_assert!(text.contains(&name), "{at} does not name {name}");
                changed.insert(at.clone());
            }
        }
        prop_assert!(before.keys().all(|at| after.contains_key(at)));
        prop_assert_eq!(changed.contains("libvirt/hv1/network/lab"), address.is_some());
        prop_assert_eq!(changed.len(), 2 + usize::from(address.is_some()));
    }
}
