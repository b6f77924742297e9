//! Parts of plans.

use std::collections::BTreeSet;

use expect_test::expect;
use proptest::prelude::*;

use super::laws::{check, clouds, settled};
use super::plans::{FOUR, change, cloud, running};
use super::toy::*;
use crate::graph::*;

fn only(names: &[&str]) -> Choices {
    Choices { only: names.iter().map(ToString::to_string).collect(), ..Choices::default() }
}

#[test]
fn what_it_needs_comes_along_and_the_rest_is_listed() {
    let toy = Toy::default();
    let plan = toy.plan_with(&wanted(cloud(&["machine/db", "machine/web"])), &only(&["machine/web"]));
    expect![[r#"
        toy
          + network kube      create
          + machine web       create   data
            machine db        left out create
          2 to create, 0 to delete · 1 left out
    "#]]
    .assert_eq(&shown(&plan));
    assert_eq!(plan.counts().left_out, 1);
    assert!(toy.apply(&plan).is_converged() && toy.broken().is_empty());
    let rest = toy.plan(&wanted(cloud(&["machine/db", "machine/web"])));
    assert!(rest.step("machine/web").is_none() && rest.step("machine/db").is_some());
}

#[test]
fn who_restarts_with_it_comes_along() {
    let toy = running(cloud(&FOUR));
    let mut nodes = cloud(&FOUR);
    change(&mut nodes, "network/kube", |doc| doc.frozen = 1);
    change(&mut nodes, "domain/db", |doc| doc.live = 1);
    change(&mut nodes, "volume/web1.root", |doc| doc.live = 1);
    nodes.push((at("network", "core"), Doc::default(), None));
    let wanted = wanted(nodes);
    expect![[r#"
        toy
          ~ network kube      restart  frozen 0 -> 1
          ~ machine db        restart  live 0 -> 1; plug (network/kube has restart)
          ~ machine web1      restart  live 0 -> 1; plug (network/kube has restart)
          ~ machine web2      restart  plug (network/kube has restart)
          ~ machine web3      restart  plug (network/kube has restart)
            network core      left out create
          5 to restart, 0 to delete · 1 left out
    "#]]
    .assert_eq(&shown(&toy.plan_with(&wanted, &only(&["network/kube"]))));
    expect![[r#"
        toy
          + network core      create
            machine db        left out restart
            machine web1      left out restart
            machine web2      left out restart
            machine web3      left out restart
            network kube      left out restart
          1 to create, 0 to delete · 5 left out
    "#]]
    .assert_eq(&shown(&toy.plan_with(&wanted, &only(&["network/core"]))));
    // A machine that is as wanted needs the network, which is not.
    expect![[r#"
        toy
          ~ network kube      restart  frozen 0 -> 1
          ~ machine db        restart  live 0 -> 1; plug (network/kube has restart)
          ~ machine web1      restart  live 0 -> 1; plug (network/kube has restart)
          ~ machine web2      restart  plug (network/kube has restart)
          ~ machine web3      restart  plug (network/kube has restart)
            network core      left out create
          5 to restart, 0 to delete · 1 left out
    "#]]
    .assert_eq(&shown(&toy.plan_with(&wanted, &only(&["domain/web3"]))));
}

#[test]
fn what_needs_it_goes_with_it() {
    let toy = running(cloud(&["machine/db", "machine/web"]));
    expect![[r#"
        toy
          - machine web           delete   not wanted any more
            machine db            left out delete
            network kube          left out delete
            volume db.disk.data   kept     its data stays
            volume web.disk.data  kept     its data stays
          1 to delete · 2 left out
    "#]]
    .assert_eq(&shown(&toy.plan_with(&wanted([]), &only(&["machine/web"]))));
    let plan = toy.plan_with(&wanted([]), &only(&["network/kube"]));
    expect![[r#"
        toy
          - network kube          delete   not wanted any more
          - machine db            delete   not wanted any more
          - machine web           delete   not wanted any more
            volume db.disk.data   kept     its data stays
            volume web.disk.data  kept     its data stays
          3 to delete
    "#]]
    .assert_eq(&shown(&plan));
    assert!(toy.apply(&plan).is_converged() && toy.broken().is_empty());
}

#[test]
fn a_name_that_nothing_has_refuses_with_the_nearest() {
    let toy = running(cloud(&FOUR));
    let said = |name: &str| {
        let plan = toy.plan_with(&wanted(cloud(&FOUR)), &only(&["machine/db", name]));
        let told = plan.refused().map(|note| format!("{}: {}\n", note.about, note.text));
        let said: Vec<String> = told.collect();
        said.concat()
    };
    expect![[r#"
        machine/dv: no object has this name; did you mean machine/db?
        network/kub: no object has this name; did you mean network/kube?
        nothing: no object has this name; name a machine/NAME, a network/NAME or the address of an object
        : no object has this name; name a machine/NAME, a network/NAME or the address of an object
        /: no object has this name; name a machine/NAME, a network/NAME or the address of an object
        volume/web1.disk.dat: no object has this name; did you mean volume/web1.disk.data?
    "#]]
    .assert_eq(&["machine/dv", "network/kub", "nothing", "", "/", "volume/web1.disk.dat"].map(said).concat());
    for name in ["toy/local/domain/db", "domain/db", "machine/db", "volume/db.root"] {
        assert_eq!(said(name), "");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Chooses each thing alone, one after the other: no law is broken, and in the end everything is as
    /// wanted.
    #[test]
    fn all_parts_are_the_whole((before, after) in clouds()) {
        let toy = settled(&before);
        let whole = toy.plan(&after);
        let addresses: Vec<Address> = whole.steps.iter().map(|step| step.address.clone()).collect();
        let mut done = BTreeSet::new();
        for address in &addresses {
            let part = toy.plan_with(&after, &only(&[&address.to_string()]));
            for (at, step) in part.steps.iter().enumerate() {
                prop_assert!(step.after.iter().all(|before| *before < at));
                done.insert(step.address.clone());
            }
            prop_assert!(toy.apply(&part).is_converged());
            check(&toy)?;
        }
        prop_assert!(addresses.iter().all(|address| done.contains(address)));
        prop_assert!(toy.plan(&after).is_empty(), "{}", toy.plan(&after));
    }
}
