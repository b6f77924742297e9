//! Faults that random histories found (`tests/histories` of the crate `fmc`), each as small as it gets.

use fmc_core::graph::Choices;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, blank, cloud, db, delete_data, lan, rocky, small, wanted, web};

const POOL: &str = "fmc-first";

/// An update of a network whose definition is gone reached the new definition alone.
#[test]
fn a_network_without_a_definition_gets_its_new_hosts_at_once() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.undefine_active_network("lab").unwrap();
    lab.apply(&wanted(&cloud([lan()], [web(), db(), blank("new")])));
    let record = lab.sim.network("lab").unwrap().unwrap();
    assert!(record.persistent && record.autostart);
    assert!(record.live_xml.unwrap().contains("10.17.3.20"));
}

/// A network that is defined and not active was taken for one that has its addresses, so that it started before the one that
/// has them was gone.
#[test]
fn a_network_that_could_not_start_does_when_its_predecessor_is_gone() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.stop_pool(POOL).unwrap();
    let lan = fmc_core::network::Network::nat("lan", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199");
    let on_lan = |name: &'static str, address: &'static str| {
        fmc_core::machine::Machine::new(name, rocky())
            .memory(2.gib())
            .root_disk(20.gib())
            .interface(fmc_core::machine::Interface::on("lan").address(address))
    };
    let db = on_lan("db", "10.17.3.11").disk(fmc_core::disk::Disk::new("data", 50.gib()));
    let renamed = wanted(&cloud([lan], [on_lan("web", "10.17.3.10"), db]));
    for _ in 0..2 {
        drop(lab.try_apply(&renamed, &Choices::default()));
    }
    lab.apply(&renamed);
    assert_eq!(lab.sim.network("lab").unwrap(), None);
    assert!(lab.sim.network("lan").unwrap().unwrap().active);
}

/// A machine that gets its boot configuration in another way is left as it is. Where its definition had to be made again, its
/// boot configuration was deleted under it.
#[test]
fn a_machine_that_is_left_keeps_all_that_it_starts_with() {
    let lab = Lab::new();
    lab.apply(&small());
    let boot = lab.volumes("db.boot.");
    lab.sim.undefine("db").unwrap();
    let other = fmc_core::machine::Machine::new("db", fmc_core::image::Image::blank())
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(fmc_core::machine::Interface::on("lab").address("10.17.3.11"));
    let changed = wanted(&cloud([lan()], [web(), other]));
    for choices in [Choices::default(), delete_data("db")] {
        lab.apply_with(&changed, &choices);
        assert_eq!(lab.volumes("db.boot."), boot);
        assert_eq!(lab.volumes("db.disk."), ["db.disk.data"]);
    }
    lab.sim.destroy_domain("db").unwrap();
    lab.apply(&changed);
    assert!(lab.sim.domain("db").unwrap().unwrap().active);
}

/// A network had the subnet of one that stays, for a machine that is left or for a copy: each apply failed at it.
#[test]
fn a_network_in_the_place_of_one_that_stays_is_refused() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.copy_domain("db", "db-copy").unwrap();
    let lan = || fmc_core::network::Network::nat("lan", "10.17.3.0/24");
    let plan = lab.plan(&wanted(&cloud([lan()], [])));
    let said: Vec<&str> = plan.refused().map(|note| note.text.as_str()).collect();
    assert!(said.iter().any(|text| text.contains("network lab") && text.contains("db-copy")), "{plan}");

    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.snapshot("db", "before").unwrap();
    let db = fmc_core::machine::Machine::new("db", rocky())
        .root_disk(20.gib())
        .interface(fmc_core::machine::Interface::on("lan").address("10.17.3.11"));
    let plan = lab.plan(&wanted(&cloud([lan()], [db])));
    let said: Vec<&str> = plan.refused().map(|note| note.text.as_str()).collect();
    assert!(said.iter().any(|text| text.contains("network lab") && text.contains("the domain db")), "{plan}");
}
