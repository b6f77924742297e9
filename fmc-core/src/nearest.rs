//! "Did you mean …": the known word that is nearest to a mistyped one.

/// The candidate with the fewest edits from `word` (letters added, removed, changed, or swapped with a neighbour), the
/// first of several; none when even that is a third of the word away or more. Upper and lower case count as the same.
///
/// ```
/// use fmc_core::nearest::nearest;
///
/// assert_eq!(nearest("memroy", ["cpus", "memory", "disks"]), Some("memory"));
/// assert_eq!(nearest("network", ["cpus", "memory", "disks"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let limit = word.len().div_ceil(3);
    candidates
        .into_iter()
        // The lengths alone say that the rest is too far, and cost nothing.
        .filter(|candidate| candidate.chars().count().abs_diff(word.len()) <= limit)
        .map(|candidate| (distance(&word, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut two_up: Vec<usize> = Vec::new();
    let mut up: Vec<usize> = (0..=right.len()).collect();
    let mut left_before = None;
    for (row, &from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut right_before = None;
        let mut best = row + 1;
        for (column, &to) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            best = (best + 1).min(at(&up, column + 1) + 1).min(at(&up, column) + usize::from(from != to));
            if left_before == Some(to) && right_before == Some(from) {
                best = best.min(at(&two_up, column.wrapping_sub(1)) + 1);
            }
            current.push(best);
            right_before = Some(to);
        }
        two_up = std::mem::replace(&mut up, current);
        left_before = Some(from);
    }
    up.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("ca", "abc", 3),
        ];
        for (left, right, edits) in cases {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(distance(&chars(left), &chars(right)), edits, "{left} {right}");
        }
    }

    #[test]
    fn the_nearest_or_none() {
        let known = ["address-duplicate", "address-outside", "bridge-long"];
        assert_eq!(nearest("adress-duplicate", known), Some("address-duplicate"));
        assert_eq!(nearest("Bridge-Long", known), Some("bridge-long"));
        assert_eq!(nearest("memory", known), None);
        assert_eq!(nearest("", known), None);
    }
}
