//! Deserialises a cloud from its tree, so that every mistake has the place of its value.
//!
//! serde stops at the first mistake. The reader then passes over the value that was wrong and reads again, until nothing new
//! is wrong.

mod access;
mod json;
mod place;
mod wrong;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use fmc_core::finding::At;
use serde::de::DeserializeOwned;

use super::mistake::{MOST_MISTAKES, Mistake};
use super::tree::{Node, Span};
use place::Place;
use wrong::Wrong;
pub(crate) use wrong::known_instead;

/// The keys that a place takes. A map at any other place takes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// These fields.
    Fields(&'static [&'static str]),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// The keys of each place, by path.
pub(crate) type Shapes = BTreeMap<String, Keys>;

/// The number of values after which a text with mistakes is not read once more.
const MOST_READ: usize = 8_000_000;

/// The result of reading a tree.
pub(crate) struct Outcome<T> {
    /// The value, without the parts that are wrong; `None` if too much is wrong.
    pub(crate) value: Option<T>,
    /// Whether the reader gave up before it had found every mistake.
    pub(crate) gave_up: bool,
}

/// Reads a tree and reports every mistake that it can find.
pub(crate) fn read<T: DeserializeOwned>(node: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Outcome<T> {
    read_below(node, At::ROOT, mistakes)
}

/// Reads a value of a tree, at its place in the whole.
pub(super) fn read_at<T: DeserializeOwned>(node: &Node<'_>, at: At<'_>) -> Result<T, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    match read_below(node, at, &mut mistakes).value {
        Some(value) if mistakes.is_empty() => Ok(value),
        _ => Err(mistakes),
    }
}

fn read_below<T: DeserializeOwned>(node: &Node<'_>, at: At<'_>, mistakes: &mut Vec<Mistake>) -> Outcome<T> {
    let notes = Notes { mistakes: RefCell::new(std::mem::take(mistakes)), ..Notes::default() };
    let mut gave_up = false;
    let value = loop {
        let wrong = match T::deserialize(Place { node, at, notes: &notes }) {
            Ok(value) => break Some(value),
            Err(wrong) => wrong,
        };
        let passed = wrong.at.filter(|at| *at != Notes::id(node) && notes.pass_over(*at));
        notes.add(wrong);
        gave_up = notes.is_full() || notes.read.get() > MOST_READ;
        if passed.is_none() || gave_up {
            break None;
        }
    };
    *mistakes = notes.mistakes.into_inner();
    Outcome { value, gave_up }
}

/// Reads a tree, and records the keys of every place in it.
#[cfg(feature = "yaml")]
pub(crate) fn read_with_shapes<T: DeserializeOwned>(node: &Node<'_>) -> Result<(T, Shapes), Mistake> {
    let notes = Notes { shapes: Some(RefCell::new(Shapes::new())), ..Notes::default() };
    let read = T::deserialize(Place { node, at: At::ROOT, notes: &notes }).map_err(|wrong| *wrong.mistake);
    match notes.mistakes.into_inner().into_iter().next() {
        Some(first) => Err(first),
        None => Ok((read?, notes.shapes.map(RefCell::into_inner).unwrap_or_default())),
    }
}

/// The state of the reading.
#[derive(Default)]
struct Notes {
    mistakes: RefCell<Vec<Mistake>>,
    /// The values of these mistakes, as far as they were read here.
    values: RefCell<Vec<(Span, String)>>,
    shapes: Option<RefCell<Shapes>>,
    /// The values with a mistake, which the next reading passes over.
    passed_over: RefCell<BTreeSet<usize>>,
    /// How many values were read.
    read: Cell<usize>,
}

impl Notes {
    /// The identity of a value, as long as its tree is there.
    fn id(node: &Node<'_>) -> usize {
        std::ptr::from_ref(node).addr()
    }

    /// The next reading passes over a value. False if this one already did.
    fn pass_over(&self, id: usize) -> bool {
        self.passed_over.borrow_mut().insert(id)
    }

    fn passes_over(&self, node: &Node<'_>) -> bool {
        let passed_over = self.passed_over.borrow();
        !passed_over.is_empty() && passed_over.contains(&Self::id(node))
    }

    /// Adds a mistake, unless it only follows from another, or an alias repeats it.
    fn add(&self, wrong: Wrong) {
        let (mut mistakes, mut values) = (self.mistakes.borrow_mut(), self.values.borrow_mut());
        let new = &wrong.mistake;
        let of_value = (wrong.value, new.message.clone());
        let is_again =
            mistakes.iter().any(|mistake| mistake.span == new.span && mistake.message == new.message)
                || new.alias.is_some() && values.contains(&of_value);
        if !wrong.follows && !is_again {
            mistakes.push(*wrong.mistake);
            values.push(of_value);
        }
    }

    fn is_full(&self) -> bool {
        self.mistakes.borrow().len() >= MOST_MISTAKES
    }

    fn count(&self) {
        self.read.set(self.read.get() + 1);
    }
}
