//! Plans of single situations.

use expect_test::expect;

use super::toy::*;
use crate::graph::*;

fn doc(needs: Vec<Edge>) -> Doc {
    Doc { needs, ..Doc::default() }
}

/// A network with machines on it, each with a root and a data disk.
pub(super) fn cloud(machines: &[&'static str]) -> Vec<(Address, Doc, Option<&'static str>)> {
    let network = at("network", "kube");
    let mut nodes = vec![(network.clone(), Doc::default(), None)];
    for noun in machines {
        let name = noun.strip_prefix("machine/").unwrap();
        let (root, data) =
            (at("volume", &format!("{name}.root")), at("volume", &format!("{name}.disk.data")));
        let needs = vec![
            edge(&root, Carries::Content),
            edge(&data, Carries::Exists),
            edge(&network, Carries::Attached),
        ];
        nodes.push((root, Doc::default(), Some(*noun)));
        nodes.push((data, Doc { data: true, ..Doc::default() }, Some(*noun)));
        nodes.push((at("domain", name), doc(needs), Some(*noun)));
    }
    nodes
}

pub(super) fn running(nodes: Vec<(Address, Doc, Option<&'static str>)>) -> Toy {
    let toy = Toy::default();
    assert!(toy.apply(&toy.plan(&wanted(nodes))).is_converged());
    toy
}

pub(super) const FOUR: [&str; 4] = ["machine/db", "machine/web1", "machine/web2", "machine/web3"];

/// Changes the document of each object with a name, in a test.
pub(super) fn change(
    nodes: &mut [(Address, Doc, Option<&'static str>)],
    name: &str,
    change: impl Fn(&mut Doc),
) {
    let (_, doc, _) = nodes.iter_mut().find(|(at, ..)| at.is_named(name)).unwrap();
    change(doc);
}

#[test]
fn a_person_can_sign_it() {
    let toy = running(cloud(&FOUR));
    let mut nodes = cloud(&["machine/db", "machine/web1", "machine/web2", "machine/new"]);
    nodes.push((at("network", "core"), Doc::default(), None));
    change(&mut nodes, "domain/db", |doc| doc.frozen = 4);
    let mut wanted = wanted(nodes);
    wanted.owner = "first".into();
    let choices = Choices { replace: ["web1".to_owned()].into(), ..Choices::default() };
    let plan = toy.plan_with(&wanted, &choices);
    expect![[r#"
        toy
          + network core           create
          ~ machine db             restart  frozen 0 -> 4
          + machine new            create   data
          ± machine web1           replace  asked for
          - machine web3           delete   not wanted any more
            volume web3.disk.data  kept     its data stays
            1 machine              no change
            1 network              no change
          2 to create, 1 to restart, 1 to replace, 1 to delete
    "#]]
    .assert_eq(&shown(&plan));
    assert_eq!(plan.impact(), Impact::Delete);
    assert_eq!(plan.step("machine/web1").unwrap().impact(), Impact::Replace);
    assert_eq!(plan.step("domain/web1").unwrap().steps().count(), 1);
    assert_eq!(plan.step("toy/local/domain/web1").unwrap().action(), Action::Replace);
    assert!(plan.step("machine/web2").is_none());
    for stays in
        ["volume/web1.disk.data", "volume/web3.disk.data", "machine/web2", "domain/db", "network/kube"]
    {
        assert!(plan.keeps(stays), "{stays}");
    }
    for lost in [
        "volume/web1.root",
        "machine/web1",
        "machine/web3",
        "domain/web3",
        "network/core",
        "network/unheard-of",
    ] {
        assert!(!plan.keeps(lost), "{lost}");
    }
}

#[test]
fn what_is_deleted_of_a_machine_that_stays_has_its_own_line() {
    let toy = running(cloud(&["machine/web"]));
    let mut nodes = cloud(&["machine/web"]);
    nodes.retain(|(address, ..)| address.name() != "web.disk.data");
    change(&mut nodes, "domain/web", |doc| {
        doc.needs.retain(|edge| edge.to.name() != "web.disk.data");
        doc.live = 1;
    });
    let choices = Choices { delete_data: DeleteData::All, ..Choices::default() };
    let plan = toy.plan_with(&wanted(nodes.clone()), &choices);
    expect![[r#"
        toy
          ~ machine web             restart  live 0 -> 1; needs volume/web.root volume/web.disk.data network/kube -> volume/web.root network/kube
            - volume web.disk.data  delete   not wanted any more
            1 network               no change
          1 to restart, 1 to delete
    "#]]
    .assert_eq(&shown(&plan));
    assert_eq!(plan.step("machine/web").unwrap().impact(), Impact::Delete);
    assert_eq!(plan.step("machine/web").unwrap().action(), Action::Restart);

    // Without permission the data stays, and the note in every plan is not work to do.
    assert!(toy.apply(&toy.plan(&wanted(nodes.clone()))).is_converged());
    let plan = toy.plan(&wanted(nodes));
    assert!(plan.is_empty() && plan.keeps("volume/web.disk.data"));
    expect![[r#"
        toy
            volume web.disk.data  kept     its data stays
            1 machine             no change
            1 network             no change
          nothing to do
    "#]]
    .assert_eq(&shown(&plan));
}

#[test]
fn data_that_was_kept_is_attached_again() {
    let toy = running(cloud(&["machine/web"]));
    let nothing = wanted([]);
    toy.apply(&toy.plan(&nothing)).converged().unwrap();
    let kept: Vec<String> = toy.docs().keys().map(ToString::to_string).collect();
    assert_eq!(kept, ["toy/local/volume/web.disk.data"]);
    assert!(toy.plan(&nothing).is_empty());
    let plan = toy.plan(&wanted(cloud(&["machine/web"])));
    assert!(plan.keeps("volume/web.disk.data") && plan.step("volume/web.disk.data").is_none());
    assert_eq!(plan.step("machine/web").unwrap().action(), Action::Create);
}

#[test]
fn what_is_kept_keeps_what_it_needs() {
    let pool = at("pool", "ours");
    let volume = at("volume", "web.disk.data");
    let data = Doc { data: true, needs: vec![edge(&pool, Carries::Exists)], ..Doc::default() };
    let toy = running(vec![(pool, Doc::default(), None), (volume, data, Some("machine/web"))]);
    expect![[r#"
        toy
            pool ours             kept     volume/web.disk.data needs it, and stays
            volume web.disk.data  kept     its data stays
          nothing to do
    "#]]
    .assert_eq(&shown(&toy.plan(&wanted([]))));
}

#[test]
fn machines_restart_with_their_network() {
    let toy = running(cloud(&["machine/web"]));
    let mut nodes = cloud(&["machine/web"]);
    change(&mut nodes, "network/kube", |doc| doc.shape = 1);
    let wanted = wanted(nodes);
    let plan = toy.plan(&wanted);
    expect![[r#"
        toy
          ± network kube      replace  shape 0 -> 1
          ~ machine web       restart  plug (network/kube has replace)
          1 to restart, 1 to replace, 0 to delete
    "#]]
    .assert_eq(&shown(&plan));
    let domain = plan.steps.iter().find(|step| step.address.kind() == "domain").unwrap();
    assert_eq!(domain.after, [0]);
    assert!(toy.apply(&plan).is_converged());
    assert_eq!((toy.starts(&at("domain", "web")), toy.starts(&at("volume", "web.root"))), (2, 1));
    assert!(toy.plan(&wanted).is_empty());
}

#[test]
fn a_step_comes_after_those_behind_something_unchanged() {
    let (pool, volume, domain) = (at("pool", "ours"), at("volume", "root"), at("domain", "web"));
    let nodes = |live: u32| {
        vec![
            (pool.clone(), Doc { live, ..Doc::default() }, None),
            (volume.clone(), doc(vec![edge(&pool, Carries::Exists)]), None),
        ]
    };
    let toy = running(nodes(0));
    let mut nodes = nodes(1);
    nodes.push((domain.clone(), doc(vec![edge(&volume, Carries::Content)]), None));
    let plan = toy.plan(&wanted(nodes));
    let steps: Vec<_> = plan.steps.iter().map(|step| (step.address.kind(), step.after.as_slice())).collect();
    assert_eq!(steps, [("pool", [].as_slice()), ("domain", &[0])]);
}

#[test]
fn what_depends_on_something_unknown_is_put_off_and_says_so() {
    let mut toy = running(cloud(&["machine/web", "machine/old"]));
    let unknown = State::Unknown { cause: "its document cannot be read".to_owned() };
    toy.veiled.insert(at("volume", "web.root"), unknown);
    let mut nodes = cloud(&["machine/web", "machine/new"]);
    change(&mut nodes, "domain/web", |doc| doc.live = 1);
    let plan = toy.plan(&wanted(nodes));
    expect![[r#"
        toy
          + machine new                  create   data
          ! domain old, volume old.root  deferred volume/web.root could not be read, and may need it
          ! machine web                  deferred volume/web.root could not be read: its document cannot be read
            volume old.disk.data         kept     its data stays
            1 network                    no change
          1 to create, 0 to delete · 3 deferred
    "#]]
    .assert_eq(&shown(&plan));
    assert!(!plan.has_phases() && !plan.keeps("volume/web.root"));
}

#[test]
fn a_host_that_is_not_known_is_not_an_empty_one() {
    let toy = Toy { unknown: [(Place::new("toy", "far"), "no route".to_owned())].into(), ..Toy::default() };
    let (far, near) = (on("far", "network", "kube"), at("domain", "web"));
    let nodes = [(far.clone(), Doc::default(), None), (near, doc(vec![edge(&far, Carries::Exists)]), None)];
    let plan = toy.plan(&wanted(nodes));
    expect![[r#"
        toy
          ! network kube, domain web  deferred the host far does not answer: no route
          2 deferred
    "#]]
    .assert_eq(&shown(&plan));
}

#[test]
fn what_is_not_ours_refuses_the_plan() {
    let toy = Toy::default();
    toy.put(&at("network", "kube"), Doc::default(), false, None);
    let plan = toy.plan(&wanted(cloud(&["machine/web"])));
    expect![[r#"
        toy
          + machine web       create   data
          ! network kube      refused  it is not ours
          1 to create, 0 to delete · 1 refused
    "#]]
    .assert_eq(&shown(&plan));
    let refused =
        block_on(apply(&plan, &toy, ApplyOptions::default(), |event| panic!("{event}"))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "apply a plan that cannot be done: toy/local/network/kube: it is not ours"
    );
    assert_eq!(toy.docs().len(), 1);
}

#[test]
fn what_needs_a_held_thing_waits_and_the_rest_is_done() {
    let mut toy = running(cloud(&["machine/db"]));
    toy.held.insert(at("network", "kube"));
    let mut nodes = cloud(&["machine/db", "machine/web"]);
    change(&mut nodes, "domain/db", |doc| doc.live = 1);
    nodes.push((at("network", "core"), Doc::default(), None));
    let plan = toy.plan(&wanted(nodes));
    expect![[r#"
        toy
          + network core             create
          + machine web              create   data
          ! machine db, machine web  deferred needs network/kube, which is held
          ! network kube             held     the server refuses it
          2 to create, 0 to delete · 2 deferred · 1 held
    "#]]
    .assert_eq(&shown(&plan));
    assert!(plan.refused().next().is_none() && !plan.is_empty());
    let outcome = toy.apply(&plan);
    assert!(!outcome.is_converged() && !outcome.waits_for_person(), "{outcome:?}");
    assert!(toy.docs().contains_key(&at("network", "core")));
    assert!(toy.docs().contains_key(&at("volume", "web.root")));
    assert!(!toy.docs().contains_key(&at("domain", "web")));
}

#[test]
fn things_that_need_each_other_are_refused_with_the_circle() {
    let (one, other) = (at("volume", "one"), at("volume", "other"));
    let needs = |to: &Address| doc(vec![edge(to, Carries::Exists)]);
    let nodes = [(one.clone(), needs(&other), None), (other.clone(), needs(&one), None)];
    let circle = "needs itself: toy/local/volume/one -> toy/local/volume/other -> toy/local/volume/one";
    let plan = Toy::default().plan(&wanted(nodes));
    assert_eq!(plan.refused().map(|note| note.text.as_str()).collect::<Vec<_>>(), [circle]);

    // Also when the circle already exists in the world.
    let toy = Toy::default();
    toy.put(&one, needs(&other), true, None);
    toy.put(&other, needs(&one), true, None);
    let plan = toy.plan(&wanted([]));
    assert_eq!(plan.refused().map(|note| note.text.as_str()).collect::<Vec<_>>(), [circle]);
    assert!(plan.steps.is_empty() && !plan.is_empty());
}

#[test]
fn the_same_name_on_two_hosts_is_told_apart() {
    let nodes = ["one", "two"].map(|host| (on(host, "network", "kube"), Doc::default(), None));
    expect![[r#"
        toy
          + network kube on one  create
          + network kube on two  create
          2 to create, 0 to delete
    "#]]
    .assert_eq(&shown(&Toy::default().plan(&wanted(nodes))));
}

#[test]
fn many_changes_stand_below_each_other() {
    let toy = running(cloud(&["machine/web"]));
    let mut nodes = cloud(&["machine/web"]);
    change(&mut nodes, "domain/web", |doc| (doc.live, doc.frozen, doc.shape) = (1, 2, 3));
    expect![[r#"
        toy
          ± machine web       replace  live 0 -> 1
                                       frozen 0 -> 2
                                       shape 0 -> 3
            1 network         no change
          1 to replace, 0 to delete
    "#]]
    .assert_eq(&shown(&toy.plan(&wanted(nodes))));
}

#[test]
fn data_of_a_machine_that_is_gone_is_not_the_machine() {
    let toy = running(cloud(&["machine/db"]));
    assert!(toy.apply(&toy.plan(&wanted([]))).is_converged());
    let choices = Choices { delete_data: DeleteData::All, ..Choices::default() };
    let plan = toy.plan_with(&wanted([]), &choices).to_string();
    assert!(plan.contains("- volume db.disk.data  delete") && !plan.contains("machine db"), "{plan}");
    assert!(plan.ends_with("  1 to delete\n"), "{plan}");
}

#[test]
fn the_form_for_programs() {
    let toy = running(cloud(&["machine/web"]));
    let plan = toy.plan(&wanted([]));
    let steps: Vec<String> =
        plan.steps.iter().map(|step| format!("{} {:?}", step.address, step.after)).collect();
    assert_eq!(
        steps,
        ["toy/local/domain/web []", "toy/local/volume/web.root [0]", "toy/local/network/kube [0]"]
    );
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["digest"], plan.digest().to_string());
    assert_eq!(plan.digest(), toy.plan(&wanted([])).digest());
    expect![[r#"
        {
          "action": "delete",
          "address": "toy/local/domain/web",
          "after": [],
          "changes": [],
          "expects": "0",
          "impact": "delete",
          "makes": null,
          "part_of": "machine/web",
          "reasons": [
            "not wanted any more"
          ]
        }"#]]
    .assert_eq(&{
        let mut step = json["steps"][0].clone();
        step["expects"] = "0".into();
        serde_json::to_string_pretty(&step).unwrap()
    });
    assert_eq!(json["counts"]["delete"], 2);
    assert_eq!(json["untouched"][0]["why"], "kept");
}

#[test]
fn a_digest_covers_what_is_created() {
    let plan =
        |live: u32| Toy::default().plan(&wanted([(at("volume", "a"), Doc { live, ..Doc::default() }, None)]));
    assert_eq!(plan(1).digest(), plan(1).digest());
    assert_ne!(plan(1).digest(), plan(2).digest());
}

#[test]
fn one_plan_orders_the_objects_of_several_providers() {
    let of = |provider, kind, name: &str| Address::new(Place::new(provider, "local"), kind, name);
    let (domain, record) = (of("libvirt", "domain", "db"), of("dns", "record", "db"));
    let (cluster, claim) = (of("kubernetes", "cluster", "prod"), of("kubernetes", "secret", "db"));
    let nodes = vec![
        (claim.clone(), doc(vec![edge(&cluster, Carries::Exists), edge(&record, Carries::Content)]), None),
        (cluster.clone(), doc(vec![edge(&domain, Carries::Exists)]), None),
        (record.clone(), doc(vec![edge(&domain, Carries::Exists)]), None),
        (domain.clone(), Doc::default(), None),
    ];
    // The cluster is unknown until the machine that runs it exists: a later phase plans it.
    let toy = Toy { awaits: [(cluster.clone(), domain.clone())].into(), ..Toy::default() };
    let first = toy.plan(&wanted(nodes.clone()));
    let addresses = |plan: &Plan<Doc>| plan.steps.iter().map(|step| step.address.clone()).collect::<Vec<_>>();
    assert_eq!(addresses(&first), [domain, record]);
    assert_eq!(
        first.later.iter().map(|later| later.step.address.clone()).collect::<Vec<_>>(),
        [cluster.clone(), claim.clone()]
    );
    assert_eq!(toy.apply(&first).done.len(), 2);
    let second = toy.plan(&wanted(nodes));
    assert_eq!(addresses(&second), [cluster, claim]);
}
