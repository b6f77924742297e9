//! "Did you mean …": the known word nearest to a mistyped one.

/// The candidate with the fewest edits from `word` (letters added, removed, changed, or swapped with a
/// neighbour), the first of several; `None` if even that needs more edits than a third of the word, or than one in a
/// word of less than six letters: another word is no help. Upper and lower case count as the same.
///
/// ```
/// use fmc_core::nearest::nearest;
///
/// assert_eq!(nearest("memroy", ["cpus", "memory", "disks"]), Some("memory"));
/// assert_eq!(nearest("network", ["cpus", "memory", "disks"]), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let limit = if length < 6 { length.min(1) } else { length.div_ceil(3) };
    candidates
        .into_iter()
        // The lengths alone rule out most candidates, at no cost.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_or_none() {
        let known = ["address-duplicate", "address-outside", "bridge-long"];
        assert_eq!(nearest("adress-duplicate", known), Some("address-duplicate"));
        assert_eq!(nearest("Bridge-Long", known), Some("bridge-long"));
        assert_eq!(nearest("memory", known), None);
        assert_eq!(nearest("", known), None);
        // A swap is one edit, and two of three letters are too many.
        assert_eq!(nearest("abdc", ["abcd"]), Some("abcd"));
        assert_eq!(nearest("abc", ["xbz"]), None);
        assert_eq!(nearest("path", ["text", "parts", "secret"]), None);
    }
}
