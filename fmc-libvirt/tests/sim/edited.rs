//! What a person did to a definition, a name or a boot configuration by hand is mended with what it takes and no more.

use fmc_core::graph::{Action, Impact};
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, small};

/// `virsh edit` and `virsh net-edit` change what the next start takes.
#[test]
fn a_definition_that_was_edited_is_written_again_and_nothing_restarts() {
    let lab = Lab::used();
    lab.sim.edit("web", "<memory unit='KiB'>2097152", "<memory unit='KiB'>4194304").unwrap();
    let network = lab.sim.network("lab").unwrap().unwrap().xml;
    let edited = network.replace("address='10.17.3.1'", "address='10.17.3.254'");
    assert_ne!(network, edited);
    lab.sim.define_network(&edited).unwrap();
    let plan = lab.plan(&small());
    assert_eq!(plan.impact(), Impact::Live, "{plan}");
    assert_eq!(plan.steps.len(), 2, "{plan}");
    lab.sim.forget_calls();
    lab.apply(&small());
    for call in ["shutdown-domain", "destroy-domain", "stop-network", "start-network"] {
        assert_eq!(lab.calls(call), 0, "{call}");
    }
    assert_eq!(lab.sim.network("lab").unwrap().unwrap().xml, network);
}

#[test]
fn a_running_machine_whose_boot_configuration_is_gone_is_updated() {
    let lab = Lab::used();
    let boot = lab.volumes("web.boot.");
    for volume in &boot {
        lab.sim.delete_volume("fmc-first", volume).unwrap();
    }
    let plan = lab.plan(&small());
    assert_eq!(plan.counts().create, 0, "{plan}");
    assert!(plan.to_string().contains("its boot configuration is gone"), "{plan}");
    lab.apply(&small());
    assert_eq!(lab.volumes("web.boot."), boot);
}

#[test]
fn a_machine_that_was_renamed_on_its_host_gets_its_name_back() {
    let lab = Lab::used();
    lab.sim.destroy_domain("db").unwrap();
    lab.sim.rename_domain("db", "db-old").unwrap();
    let plan = lab.plan(&small());
    let actions: Vec<Action> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Update], "{plan}");
    assert!(plan.to_string().contains("db-old"), "{plan}");
    lab.apply(&small());
    assert!(lab.sim.domain("db-old").unwrap().is_none());
}
