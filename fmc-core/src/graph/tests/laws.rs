//! The laws, tested over any two clouds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::toy::*;
use crate::graph::*;

/// Things of a cloud: whether each is in it, its document, and which earlier ones it needs.
#[derive(Clone, Debug)]
struct Sketch {
    there: bool,
    live: u32,
    frozen: u32,
    shape: u32,
    needs: Vec<(usize, u8)>,
}

const KINDS: [&str; 4] = ["cache", "domain", "network", "volume"];
const COUNT: usize = 9;

/// A thing's address, and whether it holds data, are the same in every cloud. Kinds, names and hosts are
/// mixed, so that the order of addresses differs from the order of needs.
fn place(index: usize) -> (Address, bool) {
    let host = if index.is_multiple_of(3) { "one" } else { "two" };
    (on(host, KINDS[index * 7 % 4], &format!("n{}", index * 5 % COUNT)), index % 4 == 1)
}

fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let need = (0..COUNT, 0..3_u8);
    let sketch = (prop::bool::weighted(0.7), 0..2_u32, 0..2_u32, 0..2_u32, prop::collection::vec(need, 0..3));
    let sketch =
        sketch.prop_map(|(there, live, frozen, shape, needs)| Sketch { there, live, frozen, shape, needs });
    prop::collection::vec(sketch, COUNT)
}

/// A cloud: each needs only earlier ones, or only later ones if it is turned around.
fn cloud(sketches: &[Sketch], turned: bool) -> Wanted<Doc> {
    let before = |one: usize, other: usize| if turned { one > other } else { one < other };
    wanted(sketches.iter().enumerate().filter(|(_, sketch)| sketch.there).map(|(index, sketch)| {
        let (address, data) = place(index);
        let needs: BTreeMap<Address, Edge> = sketch
            .needs
            .iter()
            .filter(|(need, _)| before(*need, index) && sketches[*need].there)
            .map(|(need, carries)| {
                let carries = [Carries::Exists, Carries::Content, Carries::Attached][usize::from(*carries)];
                (place(*need).0, edge(&place(*need).0, carries))
            })
            .collect();
        let Sketch { live, frozen, shape, .. } = *sketch;
        (address, Doc { live, frozen, shape, data, needs: needs.into_values().collect() }, None)
    }))
}

pub(super) fn clouds() -> impl Strategy<Value = (Wanted<Doc>, Wanted<Doc>)> {
    (sketches(), sketches(), any::<bool>())
        .prop_map(|(before, after, turned)| (cloud(&before, false), cloud(&after, turned)))
}

/// A world in which a cloud was applied, with an object of another owner in it.
pub(super) fn settled(cloud: &Wanted<Doc>) -> Toy {
    let toy = Toy::default();
    toy.put(&at("network", "foreign"), Doc::default(), false, None);
    assert!(toy.apply(&toy.plan(cloud)).is_converged());
    toy
}

pub(super) fn check(toy: &Toy) -> Result<(), TestCaseError> {
    prop_assert_eq!(toy.broken(), Vec::<String>::new());
    prop_assert!(toy.most() <= toy.lanes);
    prop_assert_eq!(&toy.docs()[&at("network", "foreign")], &(Doc::default(), false));
    Ok(())
}

/// Applies a plan again and again until it is empty, which must happen after a few times.
fn finish(toy: &Toy, wanted: &Wanted<Doc>) -> Result<(), TestCaseError> {
    let plan = toy.plan(wanted);
    prop_assert!(toy.apply(&plan).is_converged());
    let again = toy.plan(wanted);
    prop_assert!(again.is_empty(), "{}", again);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_after_apply_is_empty_and_the_world_is_what_was_wanted((before, after) in clouds()) {
        let toy = settled(&before);
        check(&toy)?;
        finish(&toy, &after)?;
        check(&toy)?;
        let docs = toy.docs();
        for (address, node) in &after.nodes {
            prop_assert_eq!(&docs[address], &((*node.document).clone(), true));
        }
        let kept: BTreeSet<Address> =
            toy.plan(&after).untouched.iter().filter(|it| it.why == Why::Kept).map(|it| it.address.clone()).collect();
        for (address, (doc, ours)) in &docs {
            if *ours && !after.nodes.contains_key(address) {
                let needed = docs.values().any(|(other, _)| other.needs.iter().any(|edge| edge.to == *address));
                prop_assert!(kept.contains(address) && (doc.data || needed));
            }
        }
    }

    #[test]
    fn an_apply_cut_at_any_step_ends_in_the_same_state((before, after) in clouds()) {
        let settled = settled(&before);
        let whole = settled.copy();
        finish(&whole, &after)?;
        let plan = settled.plan(&after);
        for cut in 0..=plan.steps.len() {
            let stopped = settled.copy();
            let options = ApplyOptions::default();
            let stop = options.stop.clone();
            let mut done = 0;
            if cut == 0 {
                stop.stop();
            }
            let outcome = block_on(apply(&plan, &stopped, options, |event| {
                done += usize::from(matches!(event, Event::Done { .. }));
                if done >= cut {
                    stop.stop();
                }
            })).unwrap();
            prop_assert_eq!(
                outcome.done.len() + outcome.failed.len() + outcome.skipped.len(),
                plan.steps.len()
            );
            finish(&stopped, &after)?;
            check(&stopped)?;
            prop_assert_eq!(stopped.docs(), whole.docs());

            let mut failed = settled.copy();
            failed.fails.extend(plan.steps.get(cut).map(|step| step.address.clone()));
            let _ = failed.apply(&plan);
            failed.fails.clear();
            finish(&failed, &after)?;
            check(&failed)?;
            prop_assert_eq!(failed.docs(), whole.docs());

            let dropped = settled.copy();
            drop_after(2 * cut + 1, apply(&plan, &dropped, ApplyOptions::default(), |_| {}));
            let dropped = dropped.copy();
            finish(&dropped, &after)?;
            check(&dropped)?;
            prop_assert_eq!(dropped.docs(), whole.docs());
        }
    }

    #[test]
    fn every_step_comes_after_what_it_needs((before, after) in clouds()) {
        let plan = settled(&before).plan(&after);
        let place: BTreeMap<&Address, usize> =
            plan.steps.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
        let earlier = closure(&plan);
        for (at, step) in plan.steps.iter().enumerate() {
            prop_assert!(step.after.iter().all(|before| *before < at));
            prop_assert!(step.after.is_sorted());
            if let Some(node) = after.nodes.get(&step.address) {
                for edge in &node.needs {
                    if let Some(need) = place.get(&edge.to) {
                        prop_assert!(step.after.contains(need));
                    }
                }
            }
        }
        for (address, node) in before.nodes.iter().filter(|(address, _)| place.contains_key(address)) {
            for edge in &node.needs {
                if let Some(need) = place.get(&edge.to)
                    && plan.steps[*need].action == Action::Delete
                {
                    prop_assert!(earlier[*need].contains(&place[address]));
                }
            }
        }
    }

    #[test]
    fn destroy_is_creation_reversed(sketches in sketches()) {
        let mut cloud = cloud(&sketches, false);
        for node in cloud.nodes.values_mut() {
            node.document = std::sync::Arc::new(Doc { data: false, ..(*node.document).clone() });
        }
        let made: Vec<String> = Toy::default().plan(&cloud).steps.iter().map(|step| step.address.to_string()).collect();
        let toy = settled(&cloud);
        let nothing = toy.plan(&Wanted::nothing("toy"));
        let gone: Vec<String> = nothing.steps.iter().rev().map(|step| step.address.to_string()).collect();
        prop_assert_eq!(made, gone);
        toy.apply(&nothing).converged().unwrap();
        check(&toy)?;
        prop_assert_eq!(toy.docs().len(), 1);
    }

    #[test]
    fn a_failure_skips_exactly_what_depends_on_it((before, after) in clouds(), which in 0..COUNT) {
        let mut toy = settled(&before);
        let plan = toy.plan(&after);
        prop_assume!(which < plan.steps.len());
        let earlier = closure(&plan);
        toy.fails.insert(plan.steps[which].address.clone());
        let outcome = toy.apply(&plan);
        let skipped: BTreeSet<&Address> = outcome.skipped.iter().map(|skipped| &skipped.address).collect();
        let dependants: BTreeSet<&Address> =
            plan.steps.iter().zip(&earlier).filter(|(_, earlier)| earlier.contains(&which)).map(|(step, _)| &step.address).collect();
        prop_assert_eq!(skipped, dependants);
        let cause = format!("it comes after {}, which failed", plan.steps[which].address);
        prop_assert!(outcome.skipped.iter().all(|skipped| skipped.cause == cause));
        prop_assert_eq!(outcome.failed.len(), 1);
        prop_assert_eq!(outcome.done.len() + outcome.failed.len() + outcome.skipped.len(), plan.steps.len());
        check(&toy)?;
    }

    #[test]
    fn the_order_in_which_needs_are_declared_shows_nowhere((before, after) in clouds()) {
        let toy = settled(&before);
        let mut turned = after.clone();
        for node in turned.nodes.values_mut() {
            node.needs.reverse();
        }
        let (one, other) = (toy.plan(&after), toy.plan(&turned));
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
        prop_assert_eq!(one.to_string(), other.to_string());
    }
}

/// For each step, all steps that come before it.
fn closure(plan: &Plan<Doc>) -> Vec<BTreeSet<usize>> {
    let mut earlier: Vec<BTreeSet<usize>> = Vec::new();
    for step in &plan.steps {
        let all =
            step.after.iter().flat_map(|before| earlier[*before].iter().copied().chain([*before])).collect();
        earlier.push(all);
    }
    earlier
}

#[test]
fn a_hundred_thousand_things_are_compared_once_each() {
    let machines = 50_000;
    let network = at("network", "kube");
    let mut nodes = vec![(network.clone(), Doc::default(), None)];
    for machine in 0..machines {
        let volume = at("volume", &format!("m{machine}.root"));
        let needs = vec![edge(&volume, Carries::Content), edge(&network, Carries::Attached)];
        nodes.push((volume, Doc::default(), None));
        nodes.push((at("domain", &format!("m{machine}")), Doc { needs, ..Doc::default() }, None));
    }
    let cloud = wanted(nodes);
    let toy = Toy::default();
    let plan = toy.plan(&cloud);
    assert_eq!(plan.steps.len(), 2 * machines + 1);
    for (address, node) in &cloud.nodes {
        toy.put(address, (*node.document).clone(), true, None);
    }
    let mut restarted = cloud.clone();
    if let Some(node) = restarted.nodes.get_mut(&network) {
        node.document = std::sync::Arc::new(Doc { frozen: 1, ..Doc::default() });
    }
    let plan = toy.plan(&restarted);
    assert_eq!(toy.compared.load(std::sync::atomic::Ordering::SeqCst), 2 * machines + 1);
    assert_eq!((plan.steps.len(), plan.counts().restart), (machines + 1, machines + 1));
    let gone = toy.plan(&Wanted::nothing("toy"));
    assert_eq!(gone.steps.len(), 2 * machines + 1);
    assert_eq!(gone.steps.last().unwrap().after.len(), machines);
}
