//! The seed's cloud as a lab on a real libvirtd: twelve machines, their networks, pool and volumes.
#![cfg(all(feature = "virt", feature = "yaml"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

#[path = "../examples/flatcar_micro_cloud/cloud.rs"]
mod corrected;
#[path = "../fmc-libvirt/tests/define/mod.rs"]
mod define;
#[path = "../fmc-libvirt/tests/host/mod.rs"]
mod host;

use std::sync::Arc;

use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretScope};
use fmc_core::graph::{Action, Choices, DeleteData, Impact, NoteKind};

use host::Hypervisor;

fn lab() -> Cloud {
    corrected::cloud().lab()
}

/// The lab with one more agent in the cluster, and with these settings.
fn grown(more: &[&str]) -> Cloud {
    const MORE: [&str; 2] = [
        "machines.worker9={image: {os: fedora-coreos, version: 40.20240906.3.0, source: {path: /images/fcos.qcow2}}, \
         root_disk: 20 GiB, interfaces: [{network: kube, address: 10.17.4.99}]}",
        "clusters.prod.agents=[worker1, worker2, worker3, worker9]",
    ];
    let set = |cloud: &Cloud, texts: &[&str]| {
        let settings: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
        fmc::set::set(cloud, &settings).unwrap()
    };
    set(&set(&corrected::cloud(), &MORE).lab(), more)
}

#[test]
fn every_document_of_the_seeds_cloud_is_accepted() {
    for cloud in [corrected::cloud(), lab()] {
        define::all(&fmc_libvirt::documents::documents(&cloud.check().unwrap()));
    }
}

#[test]
fn the_seeds_cloud_is_applied_grows_is_mended_and_goes() {
    let mut hypervisor = Hypervisor::named("proliant");
    let keyring =
        Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("seed")), Arc::new(NoSecrets));
    hypervisor.provider = hypervisor.provider.secrets(Arc::new(keyring));
    hypervisor.plant_foreign_objects();
    let (before, foreign) = (hypervisor.lists(), hypervisor.foreign_documents());

    hypervisor.converge(&lab(), &Choices::default());
    assert_eq!(hypervisor.running().len(), 12);
    let networks = hypervisor.own.virsh(&["net-list", "--name"]);
    for name in ["kube", "core", "lan"].map(|name| format!("flatcar-micro-cloud-lab-{name}")) {
        assert!(networks.lines().any(|line| line.trim() == name), "{name} is active: {networks}");
    }
    let wires = hypervisor.wires();

    // One more worker: no machine loses its link or becomes outdated, and the balancer learns of it from the
    // forwarder that it asks.
    let ingress = |expected: &[&str]| {
        hypervisor.own.expect_names("10.145.3.1", "ingress.prod.cefaslocalserver.internal", "A", expected);
    };
    ingress(&["10.145.4.24", "10.145.4.25", "10.145.4.26"]);
    let plan = hypervisor.converge(&grown(&[]), &Choices::default());
    assert!(plan.impact() <= Impact::Live, "{plan:?}");
    assert!(plan.notes.iter().all(|note| note.kind != NoteKind::Outdated), "{:?}", plan.notes);
    ingress(&["10.145.4.24", "10.145.4.25", "10.145.4.26", "10.145.4.99"]);
    let all = hypervisor.wires();
    assert_eq!(all.len(), 13);
    assert!(wires.iter().all(|wire| all.contains(wire)), "{wires:?} in {all:?}");

    // One changed machine restarts, and no other.
    let changed = || grown(&["machines.worker9.memory=80 MiB"]);
    let plan = hypervisor.converge(&changed(), &Choices::default());
    let steps: Vec<_> =
        plan.steps.iter().map(|step| (step.address.short().to_string(), step.action)).collect();
    assert_eq!(steps, [("domain/worker9".to_owned(), Action::Restart)]);

    // A replaced machine keeps its data.
    let disk = "/var/lib/libvirt/images/fmc-flatcar-micro-cloud-lab/postgresql1.disk.postgresql";
    hypervisor.write_data(disk);
    let data = hypervisor.data(disk);
    let replace = Choices { replace: ["postgresql1".to_owned()].into(), ..Choices::default() };
    assert_eq!(hypervisor.apply(&changed(), &replace).impact(), Impact::Replace);
    hypervisor.expect_nothing_to_do(&changed());
    assert_eq!(hypervisor.data(disk), data);
    assert_eq!(hypervisor.running().len(), 13);

    hypervisor.destroy("flatcar-micro-cloud-lab", &Choices::default());
    assert_eq!(hypervisor.data(disk), data);
    assert_eq!(hypervisor.running(), [] as [&str; 0]);
    let all = Choices { delete_data: DeleteData::All, ..Choices::default() };
    hypervisor.destroy("flatcar-micro-cloud-lab", &all);
    assert_eq!(hypervisor.lists(), before);
    assert_eq!(hypervisor.foreign_documents(), foreign);
}
