//! What is wanted: objects with their documents, and what each needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::{Address, Place};

/// What an edge carries from the object that is needed to the one that needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Carries {
    /// It must be there.
    Exists,
    /// Its bytes are read. A document names them by their hash, so that a change of them is a change of the one that
    /// needs it: the planner only orders.
    Content,
    /// It is plugged into it while both run: when it restarts or is replaced, the one that needs it is asked what it
    /// [suffers](super::Model::suffers).
    Attached,
}

/// One need of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The object that is needed.
    pub to: Address,
    /// What it gives.
    pub carries: Carries,
}

/// An object that is wanted.
#[derive(Debug)]
pub struct Node<D: ?Sized> {
    /// What the provider makes it from.
    pub document: Arc<D>,
    /// What it needs. An address that is neither wanted nor seen is taken to be somebody else's, and to be there.
    pub needs: Vec<Edge>,
    /// The machine or other noun that a person knows it by, as `machine/web`; `None` if it stands for itself.
    pub part_of: Option<Arc<str>>,
}

impl<D: ?Sized> Clone for Node<D> {
    fn clone(&self) -> Self {
        Self {
            document: Arc::clone(&self.document),
            needs: self.needs.clone(),
            part_of: self.part_of.clone(),
        }
    }
}

/// Everything that is wanted, by address. Nothing at all is what `destroy` wants.
#[derive(Debug)]
pub struct Wanted<D: ?Sized> {
    /// Whose objects these are: the mark that they carry.
    pub owner: Arc<str>,
    /// The objects.
    pub nodes: BTreeMap<Address, Node<D>>,
    /// Places that are looked at even if nothing is wanted there: what is ours there may be to delete. One that its provider
    /// cannot look at is [unknown](super::Seen::unknown).
    pub places: BTreeSet<Place>,
}

impl<D: ?Sized> Clone for Wanted<D> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), nodes: self.nodes.clone(), places: self.places.clone() }
    }
}

impl<D: ?Sized> Wanted<D> {
    /// Nothing, for an owner.
    pub fn nothing(owner: impl Into<Arc<str>>) -> Self {
        Self { owner: owner.into(), nodes: BTreeMap::new(), places: BTreeSet::new() }
    }

    /// Nothing, for the same owner and at the same places.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let places = self.nodes.keys().map(Address::place).chain(&self.places).cloned().collect();
        Self { places, ..Self::nothing(Arc::clone(&self.owner)) }
    }
}
