//! Merges findings that say the same of several machines at the same place.

use std::collections::{BTreeMap, BTreeSet};

use super::view::View;
use crate::finding::{Finding, NameList};

/// Joins them into the finding of the machine that is first by name, and gives that the other names.
pub(super) fn join(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut same: BTreeMap<_, Vec<(&str, usize)>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let Some((machine, rest)) = machine_of(view, finding.at()) else { continue };
        let also: Vec<&str> = finding.also_at().iter().map(|at| within(at, machine)).collect();
        let texts = (finding.case(), finding.message(), finding.help());
        same.entry((finding.kind(), finding.severity(), rest, also, texts))
            .or_default()
            .push((machine, index));
    }
    let mut others: BTreeMap<usize, NameList> = BTreeMap::new();
    let mut joined = BTreeSet::new();
    for machines in same.values().filter(|machines| machines.len() > 1) {
        let Some((first, one)) = machines.iter().min() else { continue };
        let rest = || machines.iter().filter(|(_, index)| index != one);
        joined.extend(rest().map(|(_, index)| *index));
        let names = rest().map(|(name, _)| *name).filter(|name| name != first);
        others.insert(*one, NameList::new(names));
    }
    let mut index = 0;
    findings.retain_mut(|finding| {
        if let Some(machines) = others.remove(&index) {
            finding.shared_with(machines);
        }
        index += 1;
        !joined.contains(&(index - 1))
    });
}

/// The machine that a path leads into, and the rest of the path.
fn machine_of<'a>(view: &View<'a>, at: &'a str) -> Option<(&'a str, &'a str)> {
    let path = at.strip_prefix("machines.")?;
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    // A name that is wrong may have dots in it.
    let name = ends.filter_map(|end| path.get(..end)).rfind(|name| view.machine_index.contains_key(name))?;
    Some((name, path.get(name.len()..)?))
}

/// A path, without the name of the machine that it belongs to.
fn within<'a>(at: &'a str, machine: &str) -> &'a str {
    let inside = at.strip_prefix("machines.").and_then(|path| path.strip_prefix(machine));
    inside.filter(|rest| rest.is_empty() || rest.starts_with('.')).unwrap_or(at)
}
