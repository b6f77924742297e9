//! The order of steps: needed objects come first, and among those that could come next, the smallest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Objects that need each other in a circle, so that none of them can come first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order things that need each other in a circle: {path:?}")]
#[non_exhaustive]
pub struct Cycle {
    /// The circle: each needs the next, the last needs the first, which is the smallest.
    pub path: Vec<usize>,
}

/// The order in which each item comes after those that it needs.
///
/// `needs[i]` lists the indices that `i` needs; an index out of range counts as present. Number the items in
/// the order of their addresses; then the result does not depend on the order in which they were found.
/// Deletion takes the reverse order. The running time is `n log n` for `n` items and edges, and the stack
/// does not grow.
///
/// ```
/// use fmc_core::graph::order;
///
/// let needs = [vec![1, 2], vec![2], vec![]];
/// assert_eq!(order(&needs), Ok(vec![2, 1, 0]));
/// assert_eq!(order(&[vec![1], vec![0]]).unwrap_err().path, [0, 1]);
/// ```
///
/// # Errors
///
/// [`Cycle`] names the items of one circle.
pub fn order(needs: &[Vec<usize>]) -> Result<Vec<usize>, Cycle> {
    let mut waits: Vec<usize> = vec![0; needs.len()];
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (index, wait) in waits.iter_mut().enumerate() {
        for need in needs.get(index).into_iter().flatten() {
            if let Some(back) = needed_by.get_mut(*need) {
                back.push(index);
                *wait += 1;
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        waits.iter().enumerate().filter(|(_, wait)| **wait == 0).map(|(index, _)| Reverse(index)).collect();
    let mut sorted = Vec::with_capacity(needs.len());
    while let Some(Reverse(index)) = ready.pop() {
        sorted.push(index);
        for dependant in needed_by.get(index).into_iter().flatten() {
            if let Some(wait) = waits.get_mut(*dependant) {
                *wait -= 1;
                if *wait == 0 {
                    ready.push(Reverse(*dependant));
                }
            }
        }
    }
    if sorted.len() == needs.len() { Ok(sorted) } else { Err(Cycle { path: circle(needs, &waits) }) }
}

/// A circle among the items that still wait: each of them needs another waiting item, so following the needs
/// comes back.
fn circle(needs: &[Vec<usize>], waits: &[usize]) -> Vec<usize> {
    let waiting = |index: &usize| waits.get(*index).is_some_and(|wait| *wait > 0);
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    let mut path = Vec::new();
    let mut at = (0..waits.len()).find(|index| waiting(index));
    while let Some(index) = at {
        if let Some(start) = place.insert(index, path.len()) {
            path.drain(..start);
            break;
        }
        path.push(index);
        at = needs.get(index).and_then(|needs| needs.iter().copied().filter(|need| waiting(need)).min());
    }
    if let Some(smallest) = path.iter().enumerate().min_by_key(|(_, index)| **index).map(|(place, _)| place) {
        path.rotate_left(smallest);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_circle_is_named_without_what_only_leads_to_it() {
        let needs = [vec![3], vec![2], vec![1, 4], vec![1], vec![]];
        assert_eq!(order(&needs), Err(Cycle { path: vec![1, 2] }));
        assert_eq!(order(&[vec![0]]), Err(Cycle { path: vec![0] }));
    }

    #[test]
    fn half_a_million_in_one_chain_need_no_stack() {
        let count = 500_000;
        let chain: Vec<Vec<usize>> =
            (0..count).map(|index| if index + 1 < count { vec![index + 1] } else { vec![] }).collect();
        assert_eq!(order(&chain), Ok((0..count).rev().collect()));
        let ring: Vec<Vec<usize>> = (0..count).map(|index| vec![(index + 1) % count]).collect();
        assert_eq!(order(&ring), Err(Cycle { path: (0..count).collect() }));
    }

    proptest! {
        /// For any edges, the result is either an order in which all needs come first, or a real circle.
        #[test]
        fn what_is_needed_comes_first(needs in prop::collection::vec(prop::collection::vec(0..30_usize, 0..3), 0..30)) {
            match order(&needs) {
                Ok(sorted) => {
                    let place: BTreeMap<usize, usize> = sorted.iter().enumerate().map(|(at, index)| (*index, at)).collect();
                    prop_assert_eq!(place.len(), needs.len());
                    for (index, needed) in needs.iter().enumerate() {
                        for need in needed.iter().filter(|need| **need < needs.len()) {
                            prop_assert!(place[need] < place[&index]);
                        }
                    }
                }
                Err(Cycle { path }) => {
                    prop_assert!(!path.is_empty());
                    for (at, index) in path.iter().enumerate() {
                        prop_assert!(needs[*index].contains(&path[(at + 1) % path.len()]));
                    }
                }
            }
        }

        /// No smaller item could have come earlier.
        #[test]
        fn the_smallest_that_can_comes_next(
            needs in prop::collection::vec(prop::collection::vec(0..20_usize, 0..3), 0..20),
        ) {
            let needs: Vec<Vec<usize>> = needs
                .iter()
                .enumerate()
                .map(|(index, needed)| needed.iter().copied().filter(|need| *need < index).collect())
                .collect();
            prop_assert_eq!(order(&needs), Ok((0..needs.len()).collect()));
        }
    }
}
