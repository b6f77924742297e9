//! A cluster whose machines went while their state stayed, and a cluster of one server that grows.

use fmc::prelude::*;

use crate::birth::{cluster, refused, same};
use crate::cluster::{THREE, planned, with_disks};
use crate::stage::Stage;

#[test]
fn an_empty_server_does_not_begin_a_cluster_beside_one_that_returns() {
    let said = |cloud: Cloud| cloud.secrets(SecretSettings::new().derivation(Derivation::V2));
    let three = || said(cluster(&THREE, same));
    let stage = Stage::new();
    stage.done(three(), "apply");
    stage.done(three(), "destroy --delete-data m1");
    let words = [
        "m1 begins prod without a state, and m2, m3 come back with their state",
        "a second cluster beside that one",
        "write `initial: m2` in the cluster and `apply --only machine/m2 --only machine/m3`; once they are up, `kubectl delete node m1`",
        "To begin prod anew, with nothing in it: `apply --delete-data m2 --delete-data m3`",
    ];
    refused(&stage, three(), "plan", "m1", &words);
    assert_eq!(stage.run(three(), "apply --yes").code, 1);
    let anew = planned(&stage, three(), "plan --delete-data m2 --delete-data m3");
    assert!(!anew.contains("refused"), "{anew}");

    let by_m2 = || said(cluster(&THREE, |cluster| cluster.initial("m2")));
    let plan = planned(&stage, by_m2(), "plan");
    let said_of_m1 = "m1 comes without a state, and m2, m3 come back with theirs";
    assert!(plan.contains(said_of_m1) && plan.contains("only after `kubectl delete node m1`"), "{plan}");
    let ran = stage.run(by_m2(), "apply --only machine/m2 --only machine/m3");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    stage.done(by_m2(), "apply");

    // One of three is no majority.
    stage.done(by_m2(), "destroy --delete-data m1 --delete-data m2");
    refused(
        &stage,
        by_m2(),
        "plan",
        "m2",
        &["too few of 3 for etcd to go on", "`apply --only machine/m3`", "--cluster-reset"],
    );
    // All of it gone is a new cluster.
    let plan = planned(&stage, three(), "plan --delete-data m3");
    assert!(!plan.contains("refused"), "{plan}");
}

/// A cluster of servers that keep nothing on data disks.
fn on_roots(names: &[&'static str], change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    with_disks(names, &[], &[], change).accept("k3s-data-on-root", "a test")
}

#[test]
fn one_server_on_its_root_moves_to_etcd_in_place() {
    let stage = Stage::new();
    stage.done(on_roots(&["m1"], same), "apply");
    let three = || on_roots(&THREE, same);
    let plan = planned(&stage, three(), "plan");
    for said in ["on m1, copy /var/lib/rancher/k3s/server/db and", "`apply` without `--replace m1`"] {
        assert!(plan.contains(said) && !plan.contains("refused"), "no {said:?}: {plan}");
    }
    let words = [
        "m1 is the only server of prod, and would lose its state while m2, m3 join it",
        "apply without `--replace m1` first",
        "`destroy --only machine/m1` and then `apply`",
    ];
    refused(&stage, three(), "plan --replace m1", "m1", &words);
    stage.done(three(), "destroy --only machine/m1");
    stage.done(three(), "apply");
    // There is no etcd to take a snapshot of.
    let stage = Stage::new();
    stage.done(on_roots(&["m1"], same), "apply");
    for arguments in ["plan --replace m1", "plan --destroy"] {
        let plan = planned(&stage, on_roots(&["m1"], same), arguments);
        assert!(
            plan.contains("(/var/lib/rancher/k3s/server/db and") && !plan.contains("etcd-snapshot"),
            "{plan}"
        );
    }
}

#[test]
fn servers_that_keep_nothing_are_replaced_in_an_order_that_ends_with_the_one_that_begins() {
    let stage = Stage::new();
    let three = || on_roots(&THREE, same);
    stage.done(three(), "apply");
    let words = [
        "`kubectl delete node m2` and `apply --only machine/m2 --replace m2`, then `kubectl delete node m3`",
        "then `kubectl delete node m1`, `initial: m2` in the cluster, and `apply --only machine/m1 --replace m1`",
        "`destroy --only machine/m1 --only machine/m2 --only machine/m3` and then `apply`",
    ];
    let all = "plan --replace m1 --replace m2 --replace m3";
    refused(&stage, three(), all, "m1", &words);
    assert!(!stage.run(three(), all).out.contains("a second cluster"));
    for name in ["m2", "m3"] {
        let ran = stage.run(three(), &format!("apply --only machine/{name} --replace {name}"));
        assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    }
    let by_m2 = || on_roots(&THREE, |cluster| cluster.initial("m2"));
    let ran = stage.run(by_m2(), "apply --only machine/m1 --replace m1");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
}
