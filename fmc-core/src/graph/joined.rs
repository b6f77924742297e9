//! Two maps by address, side by side: one walk over both costs less than a look into one for each address of the other.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::address::Address;

/// Every address of two maps, in order, with what each has there.
pub(super) fn joined<'a, A, B>(
    one: &'a BTreeMap<Address, A>,
    other: &'a BTreeMap<Address, B>,
) -> impl Iterator<Item = (&'a Address, Option<&'a A>, Option<&'a B>)> {
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    std::iter::from_fn(move || {
        let order = match (one.peek(), other.peek()) {
            (Some((left, _)), Some((right, _))) => left.cmp(right),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let left = if order.is_le() { one.next() } else { None };
        let right = if order.is_ge() { other.next() } else { None };
        let address = left.map(|(address, _)| address).or(right.map(|(address, _)| address))?;
        Some((address, left.map(|(_, value)| value), right.map(|(_, value)| value)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::address::Place;
    use super::*;

    fn map(names: &str) -> BTreeMap<Address, char> {
        let address = |name: char| Address::new(Place::all_of("test"), "thing", name.to_string());
        names.chars().map(|name| (address(name), name)).collect()
    }

    #[test]
    fn each_address_of_either_map_comes_once_and_in_order() {
        for (one, other) in [("ace", "bcd"), ("", "ab"), ("ab", ""), ("abc", "abc"), ("", ""), ("z", "ab")] {
            let (one, other) = (map(one), map(other));
            let expected: std::collections::BTreeSet<&Address> = one.keys().chain(other.keys()).collect();
            let found: Vec<_> = joined(&one, &other).collect();
            assert_eq!(
                found.iter().map(|(address, ..)| *address).collect::<Vec<_>>(),
                expected.into_iter().collect::<Vec<_>>()
            );
            for (address, left, right) in found {
                assert_eq!((left, right), (one.get(address), other.get(address)));
            }
        }
    }
}
