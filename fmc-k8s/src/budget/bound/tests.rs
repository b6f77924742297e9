//! The bounds, compared with every placement that there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn amount(cpu: u64, memory: u64, pods: u64) -> Amount {
    Amount::new(cpu, fmc_core::unit::Size::bytes(memory), pods)
}

/// Pods that three nodes take, or some of them.
fn pods(name: usize, asks: Amount, count: u64, on: [bool; 3]) -> Pods {
    Pods {
        path: Some(format!("deployments[{name}]")),
        count_at: "replicas",
        name: format!("shop/w{name}"),
        asks,
        count,
        is_on_each_node: false,
        is_spread: false,
        needs_one_more: false,
        ends: false,
        on: Arc::new(on),
        host_ports: BTreeSet::new(),
    }
}

/// Pods of which each node that takes them has one.
fn on_each(name: usize, asks: Amount, on: [bool; 3]) -> Pods {
    let count = on.iter().filter(|takes| **takes).count() as u64;
    Pods { is_on_each_node: true, ..pods(name, asks, count, on) }
}

prop_compose! {
    fn nodes()(nodes in prop::collection::vec((1..6_u64, 1..6_u64, 1..4_u64), 1..4)) -> Vec<Amount> {
        nodes.into_iter().map(|(cpu, memory, pods)| amount(cpu, memory, pods)).collect()
    }
}

/// The nodes that take pods: often all of them.
fn on() -> impl Strategy<Value = [bool; 3]> {
    prop_oneof![Just([true; 3]), any::<[bool; 3]>()]
}

prop_compose! {
    fn workloads()(
        all in prop::collection::vec((0..4_u64, 0..4_u64, 1..3_u64, on()), 1..4),
        each in prop::option::of((0..3_u64, 0..3_u64, on())),
    ) -> Vec<Pods> {
        let own = all.into_iter().enumerate();
        let own = own.map(|(name, (cpu, memory, count, on))| pods(name, amount(cpu, memory, 1), count, on));
        own.chain(each.map(|(cpu, memory, on)| on_each(9, amount(cpu, memory, 1), on))).collect()
    }
}

/// A pod: its request, and the nodes that take it.
type Single = (Amount, [bool; 3]);

/// Each pod by itself, on as many nodes as there are.
fn single(all: &[Pods], nodes: usize) -> Vec<Single> {
    let mut each = Vec::new();
    for pods in all {
        if pods.is_on_each_node {
            each.extend((0..nodes).filter(|at| pods.suits(*at)).map(|at| {
                let mut on = [false; 3];
                on[at] = true;
                (pods.asks, on)
            }));
        } else {
            let on = [0, 1, 2].map(|at| pods.suits(at));
            each.extend((0..pods.count).map(|_| (pods.asks, on)));
        }
    }
    each
}

/// Whether some placement has room for all.
fn can_all(given: &[Amount], left: &[Single]) -> bool {
    let Some((first, rest)) = left.split_first() else { return true };
    each_room(given, *first).any(|given| can_all(&given, rest))
}

/// Whether all find room whichever comes next and wherever it is placed.
fn do_all(given: &[Amount], left: &[Single]) -> bool {
    (0..left.len()).all(|next| {
        let mut rest = left.to_vec();
        let asks = rest.remove(next);
        let mut rooms = each_room(given, asks).peekable();
        rooms.peek().is_some() && rooms.all(|given| do_all(&given, &rest))
    })
}

/// The room after a pod is placed, for each node that takes it.
fn each_room(given: &[Amount], (asks, on): Single) -> impl Iterator<Item = Vec<Amount>> {
    let fitting: Vec<usize> = (0..given.len()).filter(|at| on[*at] && asks.fits(given[*at])).collect();
    let given = given.to_vec();
    fitting.into_iter().map(move |at| {
        let mut after = given.clone();
        after[at] = without(after[at], asks);
        after
    })
}

/// The same pods for so many nodes.
fn cut(all: Vec<Pods>, nodes: usize) -> Vec<Pods> {
    let of = |pods: Pods| {
        let on: Arc<[bool]> = pods.on.iter().copied().take(nodes).collect();
        let count = on.iter().filter(|takes| **takes).count() as u64;
        Pods { count: if pods.is_on_each_node { count } else { pods.count }, on, ..pods }
    };
    all.into_iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_called_impossible_is(given in nodes(), all in workloads()) {
        let all = cut(all, given.len());
        let own: Vec<Pods> = all.iter().filter(|pods| too_small(pods, &given) == 0).cloned().collect();
        let fitting: Vec<&Pods> = own.iter().collect();
        if let Some(short) = short(&given, &own, &fitting) {
            prop_assert!(!can_all(&given, &single(&own, given.len())), "{:?}", short);
        }
    }

    #[test]
    fn what_is_too_large_fits_nowhere(given in nodes(), all in workloads()) {
        for pods in cut(all, given.len()) {
            let alone = single(std::slice::from_ref(&pods), given.len());
            let fits = |one: &Single| each_room(&given, *one).next().is_some();
            let without = alone.iter().filter(|one| !fits(one)).count() as u64;
            prop_assert_eq!(too_small(&pods, &given), without);
        }
    }

    #[test]
    fn what_is_called_sure_is(given in nodes(), all in workloads()) {
        let all = cut(all, given.len());
        let own: Vec<&Pods> = all.iter().collect();
        if is_sure(&given, &all, &own) {
            prop_assert!(do_all(&given, &single(&all, given.len())));
        }
    }
}

#[test]
fn some_are_called_sure_and_some_impossible() {
    let given = vec![amount(4, 4, 9); 3];
    let of = |asks, count, on| vec![pods(0, asks, count, on)];
    let is_sure = |all: Vec<Pods>| is_sure(&given, &all, &all.iter().collect::<Vec<_>>());
    let short = |all: Vec<Pods>| short(&given, &all, &all.iter().collect::<Vec<_>>());
    assert!(is_sure(of(amount(1, 1, 1), 2, [true; 3])));
    assert!(!is_sure(of(amount(1, 3, 1), 4, [true; 3])));
    assert!(short(of(amount(1, 3, 1), 4, [true; 3])).is_some());
    assert_eq!(short(of(amount(1, 1, 1), 2, [true; 3])), None);
    // What suits one node alone is short there, although the others have room.
    let one = of(amount(1, 1, 1), 5, [false, true, false]);
    let most = vec![(one[0].name.clone(), 5, 5)];
    assert_eq!(
        short(one),
        Some(Short::Sum { resource: Resource::Memory, asked: 5, there: 4, nodes: 1, most })
    );
    let each = vec![on_each(0, amount(1, 2, 1), [true; 3]), pods(1, amount(1, 3, 1), 1, [true; 3])];
    assert!(matches!(short(each), Some(Short::Workload { pods: 1, room: 0, nodes: 3, .. })));
}
