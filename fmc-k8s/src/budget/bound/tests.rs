//! The bounds, compared with every placement that there is.

use proptest::prelude::*;

use super::*;

fn amount(cpu: u64, memory: u64, pods: u64) -> Amount {
    Amount::new(cpu, fmc_core::unit::Size::bytes(memory), pods)
}

fn pods(name: usize, asks: Amount, count: u64) -> Pods {
    Pods {
        path: Some(format!("deployments[{name}]")),
        name: format!("shop/w{name}"),
        asks,
        count,
        is_on_each_node: false,
        is_spread: false,
        needs_one_more: false,
    }
}

prop_compose! {
    fn nodes()(nodes in prop::collection::vec((1..6_u64, 1..6_u64, 1..4_u64), 1..4)) -> Vec<Amount> {
        nodes.into_iter().map(|(cpu, memory, pods)| amount(cpu, memory, pods)).collect()
    }
}

prop_compose! {
    fn workloads()(all in prop::collection::vec((0..4_u64, 0..4_u64, 1..3_u64), 1..4)) -> Vec<Pods> {
        let each = all.into_iter().enumerate();
        each.map(|(name, (cpu, memory, count))| pods(name, amount(cpu, memory, 1), count)).collect()
    }
}

/// Each pod by itself.
fn single(all: &[Pods]) -> Vec<Amount> {
    all.iter().flat_map(|pods| (0..pods.count).map(|_| pods.asks)).collect()
}

/// Whether some placement has room for all.
fn can_all(given: &[Amount], left: &[Amount]) -> bool {
    let Some((first, rest)) = left.split_first() else { return true };
    each_room(given, *first).any(|given| can_all(&given, rest))
}

/// Whether all find room whichever comes next and wherever it is placed.
fn do_all(given: &[Amount], left: &[Amount]) -> bool {
    (0..left.len()).all(|next| {
        let mut rest = left.to_vec();
        let asks = rest.remove(next);
        let mut rooms = each_room(given, asks).peekable();
        rooms.peek().is_some() && rooms.all(|given| do_all(&given, &rest))
    })
}

/// The room after a pod is placed, for each node that takes it.
fn each_room(given: &[Amount], asks: Amount) -> impl Iterator<Item = Vec<Amount>> {
    let fitting: Vec<usize> = (0..given.len()).filter(|at| asks.fits(given[*at])).collect();
    let given = given.to_vec();
    fitting.into_iter().map(move |at| {
        let mut after = given.clone();
        after[at] = without(after[at], asks);
        after
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_called_impossible_is(given in nodes(), all in workloads()) {
        let fitting: Vec<&Pods> = all.iter().filter(|pods| fits_alone(pods.asks, &given)).collect();
        let own: Vec<Pods> = fitting.iter().copied().cloned().collect();
        let asked = own.iter().map(Pods::sum).fold(Amount::NONE, Amount::plus);
        if let Some(short) = short(&given, asked, &fitting) {
            prop_assert!(!can_all(&given, &single(&own)), "{:?}", short);
        }
    }

    #[test]
    fn what_is_called_sure_is(given in nodes(), all in workloads()) {
        let own: Vec<&Pods> = all.iter().collect();
        let asked = all.iter().map(Pods::sum).fold(Amount::NONE, Amount::plus);
        if is_sure(&given, asked, &own) {
            prop_assert!(do_all(&given, &single(&all)));
        }
    }
}

#[test]
fn some_are_called_sure_and_some_impossible() {
    let given = vec![amount(4, 4, 9); 3];
    let small = [pods(0, amount(1, 1, 1), 2)];
    let large = [pods(0, amount(1, 3, 1), 4)];
    let sum = |all: &[Pods]| all.iter().map(Pods::sum).fold(Amount::NONE, Amount::plus);
    assert!(is_sure(&given, sum(&small), &small.iter().collect::<Vec<_>>()));
    assert!(!is_sure(&given, sum(&large), &large.iter().collect::<Vec<_>>()));
    assert!(short(&given, sum(&large), &large.iter().collect::<Vec<_>>()).is_some());
    assert!(short(&given, sum(&small), &small.iter().collect::<Vec<_>>()).is_none());
}
