//! The names that a plan can be asked for: a typo is an error, and does not pass for an unchanged object.

use std::collections::BTreeSet;

use fmc_core::graph::{self, About, Address, DeleteData, Model as _, Note, NoteKind};
use fmc_core::nearest::nearest;
use fmc_core::provider::{AnyDocument, Rooms};

use super::Seen;

/// The plan does not know this name: it neither changes such an object nor leaves one unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find {name} in the plan: {}", hint(.near.as_deref()))]
#[non_exhaustive]
pub struct UnknownName {
    /// The name.
    pub name: String,
    /// The most similar known name.
    pub near: Option<String>,
}

fn hint(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("did you mean {near}?"),
        None => "write a name like `machine/web`, `network/lab` or `volume/web.disk.data`, or an address"
            .to_owned(),
    }
}

/// The machines, objects and addresses of a plan, in a person's notation.
pub(crate) fn names<D: ?Sized>(plan: &graph::Plan<D>) -> BTreeSet<String> {
    let objects = objects(plan).flat_map(|(address, part_of)| {
        let short = match within(address) {
            Some(name) => format!("{}/{name}", address.kind()),
            None => address.short().to_string(),
        };
        part_of.map(str::to_owned).into_iter().chain([short])
    });
    objects.collect()
}

/// An error for a name that a plan does not know.
pub(crate) fn known<D: ?Sized>(plan: &graph::Plan<D>, name: &str) -> Result<(), UnknownName> {
    let is_known = objects(plan).any(|(address, part_of)| is_named(address, part_of, name))
        || plan.notes.iter().any(|note| note.about.to_string() == name && note.kind != NoteKind::Refused);
    if is_known {
        return Ok(());
    }
    let names = names(plan);
    // Who leaves the kind out means the machine or other noun of this name.
    let is_meant = |known: &str| known.split_once('/').is_some_and(|(_, last)| last == name);
    let of_a_machine = objects(plan).filter_map(|(_, part_of)| part_of).find(|noun| is_meant(noun));
    let of_a_kind = || names.iter().map(String::as_str).find(|known| is_meant(known));
    let near = of_a_machine.or_else(of_a_kind);
    let near = near.or_else(|| nearest(name, names.iter().map(String::as_str))).map(str::to_owned);
    Err(UnknownName { name: name.to_owned(), near })
}

/// Whether a name means this object, or the machine that it belongs to. The containing object, as the pool of
/// a volume, may be omitted.
pub(crate) fn is_named(address: &Address, part_of: Option<&str>, name: &str) -> bool {
    let is_within = || {
        let of_kind = name.strip_prefix(address.kind()).and_then(|rest| rest.strip_prefix('/'));
        of_kind.is_some() && within(address) == of_kind
    };
    part_of == Some(name) || address.is_named(name) || is_within()
}

/// The names of the machines that are there or have left something, and the names that those had first whose data is there.
///
/// An object of a cluster that the cloud wants has left nothing.
pub(crate) fn of_data(
    rooms: &Rooms<'_>,
    wanted: &graph::Wanted<AnyDocument>,
    seen: &Seen,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, object) in seen.present() {
        let noun = rooms.part_of(at, object);
        names.extend(noun.as_deref().and_then(|noun| noun.strip_prefix("machine/")).map(str::to_owned));
        let former = rooms.former(at, object);
        let has_left = |name: &&str| !(name.contains('/') && wanted.nodes.contains_key(at));
        names.extend(former.filter(has_left).map(str::to_owned));
    }
    names
}

/// A refusal for each machine whose data may be deleted and that is neither in the cloud nor has left any
/// data.
pub(super) fn unknown_data<'a>(
    chosen: &DeleteData,
    machines: impl Iterator<Item = &'a str> + Clone,
) -> Vec<Note> {
    let DeleteData::Of(chosen) = chosen else { return Vec::new() };
    let unknown = chosen.iter().filter(|name| machines.clone().all(|machine| machine != name.as_str()));
    let note = |name: &String| {
        let near = nearest(name, machines.clone()).map(|near| format!(": did you mean {near}?"));
        Note {
            about: About::machine(name.as_str()),
            kind: NoteKind::Refused,
            text: format!(
                "its data cannot be deleted: the cloud has no machine of this name, and no such machine left data{}",
                near.unwrap_or_default()
            ),
        }
    };
    unknown.map(note).collect()
}

/// A refusal for each object whose fields are to be taken from others and that the cloud does not have: a typo would take nothing.
pub(super) fn unknown_conflicts<D: ?Sized>(
    chosen: &BTreeSet<String>,
    wanted: &graph::Wanted<D>,
) -> Vec<Note> {
    let unknown = chosen.iter().filter(|name| !wanted.nodes.keys().any(|at| at.is_named(name)));
    let note = |name: &String| {
        let known: BTreeSet<String> = wanted.nodes.keys().map(|at| at.short().to_string()).collect();
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map_or_else(
            || "name an object of a cluster, as deployment/shop/web".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Note {
            about: About::Name(name.as_str().into()),
            kind: NoteKind::Refused,
            text: format!("--force-conflicts {name}: the cloud has no such object: {near}"),
        }
    };
    unknown.map(note).collect()
}

fn objects<D: ?Sized>(plan: &graph::Plan<D>) -> impl Iterator<Item = (&Address, Option<&str>)> {
    let steps = plan.all_steps().map(|step| (&step.address, step.part_of.as_deref()));
    steps.chain(plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref())))
}

/// The name of an object without its container.
fn within(address: &Address) -> Option<&str> {
    address.name().split_once('/').map(|(_, name)| name)
}
