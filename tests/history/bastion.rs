//! Group 26: the way in by SSH.

use fmc::bastion::Bastion;
use fmc::prelude::*;

use crate::{found, seed};

/// The seed's machines, with settings and with a bastion.
fn cloud(settings: &[&str], bastion: &Bastion) -> Cloud {
    seed(settings).map_machines(|machine| {
        if machine.name.to_string() == "bastion" { machine.role(bastion.clone()) } else { machine }
    })
}

fn kinds(cloud: &Cloud) -> Vec<String> {
    found(cloud).iter().map(|finding| finding.kind().to_string()).collect()
}

/// "IP pública 192.168.0.21" stood in the table of the cloud's addresses.
#[test]
fn h26_the_address_that_people_dial_is_a_public_one() {
    let said = kinds(&cloud(&[], &Bastion::new().public("192.168.0.21").nat()));
    assert!(said.iter().any(|kind| kind == "bastion-not-public"), "{said:?}");
    let said = kinds(&cloud(&[], &Bastion::new().public("8.8.4.4").nat()));
    assert!(!said.iter().any(|kind| kind == "bastion-not-public"), "{said:?}");
}

/// HTTPS went from the public address by the bastion to the load balancer.
#[test]
fn h26_a_bastion_is_the_hop_of_nothing_but_ssh() {
    let https = "machines.bastion.accept=[{service: tcp 443, from: anywhere}]";
    let said = kinds(&cloud(&[https], &Bastion::new()));
    assert!(said.iter().any(|kind| kind == "bastion-other-service"), "{said:?}");
    let said = kinds(&cloud(&[], &Bastion::new()));
    assert!(!said.iter().any(|kind| kind == "bastion-other-service"), "{said:?}");
}

/// The diagram had a bastion, and every machine took SSH from everywhere.
#[test]
fn h26_nobody_comes_past_the_bastion() {
    let said = kinds(&cloud(&["ssh_from=[anywhere]"], &Bastion::new()));
    assert!(said.iter().any(|kind| kind == "bastion-bypassed"), "{said:?}");
}

/// The helper was a machine in the table, and nothing said what for.
#[test]
fn h26_a_helper_gives_credentials_to_people_who_are_there() {
    let helper = Helper::new().users(["nobody-here"]);
    let cloud = seed(&[]).map_machines(|machine| {
        if machine.name.to_string() == "helper" { machine.role(helper.clone()) } else { machine }
    });
    let said = kinds(&cloud);
    assert!(said.iter().any(|kind| kind == "helper-no-user"), "{said:?}");
}
