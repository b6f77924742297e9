//! Objects that a destroy is asked to delete, and that do not exist any more.

use std::borrow::Cow;

use fmc_core::graph::{About, Choices, Model as _, Note, NoteKind};

use super::Seen;
use super::names::is_named;
use crate::compile::Wanted;

/// The choices without the names whose objects do not exist any more, and a note for each such name. `None` if no chosen
/// name remains: an empty choice would mean everything. Only a destroy has such names: the cloud knows them and wants
/// nothing.
pub(super) fn without<'a>(
    wanted: &Wanted,
    seen: &Seen,
    choices: &'a Choices,
) -> (Option<Cow<'a, Choices>>, Vec<Note>) {
    let notes: Vec<Note> = choices.only.iter().filter_map(|name| note(wanted, seen, name)).collect();
    if notes.is_empty() {
        return (Some(Cow::Borrowed(choices)), notes);
    }
    let mut rest = choices.clone();
    rest.only.retain(|name| notes.iter().all(|note| !note.about.is_named(name)));
    ((!rest.only.is_empty()).then_some(Cow::Owned(rest)), notes)
}

fn note(wanted: &Wanted, seen: &Seen, name: &str) -> Option<Note> {
    let rooms = wanted.rooms();
    let is_there = seen.objects.iter().any(|(address, _)| {
        let object = seen.object(address);
        let part_of = object.and_then(|object| rooms.part_of(address, object));
        is_named(address, part_of.as_deref(), name)
    });
    if is_there {
        return None;
    }
    let was = wanted.destroyed()?.graph().nodes.iter();
    let mut was = was.filter(|(at, node)| is_named(at, node.part_of.as_deref(), name)).peekable();
    was.peek()?;
    let unread = was.find_map(|(address, _)| seen.unknown_at(address.place()));
    let (kind, text) = match unread {
        Some((place, cause)) => {
            (NoteKind::Deferred, format!("{} does not answer: {cause}", rooms.known_as(place)))
        }
        None => (NoteKind::Notice, "it is gone already".to_owned()),
    };
    Some(Note { about: About::Name(name.into()), kind, text })
}
