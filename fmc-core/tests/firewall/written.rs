//! The ruleset and its unit as they are written for a machine.

use fmc_core::boot::Boot;
use fmc_core::firewall::{PATH, UNIT, ruleset};
use fmc_testkit::{cloud_init, ignition, nft, systemd, tree};

use crate::cloud;

#[test]
fn every_machine_gets_it_and_those_who_read_it_take_it() {
    let checked = cloud();
    let mut judged = (0, 0);
    for machine in checked.machines().iter().filter(|machine| machine.firewall) {
        let rules = ruleset(&checked, machine);
        nft::check(&rules).unwrap();
        nft::load_twice_is_stable(&rules).unwrap();
        match Boot::of(&checked, machine).unwrap() {
            Boot::Ignition(config) => {
                let config = config.as_text().unwrap();
                ignition::validate(config).unwrap();
                let root = tree::scratch();
                let written = ignition::apply(config, root.path()).unwrap();
                assert_eq!(written[PATH].text(), Some(&*rules));
                let units = root.path().join("etc/systemd/system");
                assert!(written.contains_key(&format!("/etc/systemd/system/{UNIT}")));
                systemd::verify(&units, &["/usr/sbin/nft"]).unwrap();
                judged.0 += 1;
            }
            Boot::CloudInit { user_data, .. } => {
                let text = user_data.as_text().unwrap();
                cloud_init::schema(text).unwrap();
                assert!(text.contains("nftables") && text.contains(UNIT), "{text}");
                judged.1 += 1;
            }
            other => panic!("a new way to boot, {other:?}, is not judged"),
        }
    }
    assert_eq!(judged, (4, 3));
}
