//! Stable sorting that is compiled once. The standard library's sort is compiled again for each type and each comparison: three
//! thousand lines of LLVM's code each time, together a tenth of this crate. Numbers and texts may use it, since many places share it.

use std::cmp::Ordering;

/// Sorts values by a comparison. Equal values keep their order.
pub(crate) fn by<T>(values: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let order = order(values.len(), &mut |one, other| match (values.get(one), values.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    arrange(order, &mut |one, other| values.swap(one, other));
}

/// Sorts values by their own order.
pub(crate) fn all<T: Ord>(values: &mut [T]) {
    by(values, T::cmp);
}

/// Sorts values by a key. Values of equal keys keep their order.
pub(crate) fn by_key<T, K: Ord>(values: &mut [T], mut key: impl FnMut(&T) -> K) {
    by(values, |one, other| key(one).cmp(&key(other)));
}

/// For each place the index of the value that belongs there.
fn order(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|one, other| compare(*one, *other));
    order
}

/// Brings the values into an order by swapping two at a time, once for each that is not in its place.
fn arrange(mut order: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..order.len() {
        let mut at = start;
        while let Some(place) = order.get_mut(at) {
            let from = std::mem::replace(place, at);
            if from == start {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(keys in prop::collection::vec(0_u8..8, 0..80)) {
            let mut values: Vec<(u8, usize)> = keys.into_iter().zip(0..).collect();
            let mut expected = values.clone();
            expected.sort_by_key(|(key, _)| *key);
            super::by_key(&mut values, |(key, _)| *key);
            prop_assert_eq!(values, expected);
        }
    }
}
