//! The wanted objects with their documents and needs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::address::{Address, Place};

/// The dependency of an object on the one that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Carries {
    /// The needed object must be there.
    Exists,
    /// The bytes of the needed object are read. The document names them by their hash, so a change of the
    /// bytes changes the document that needs them: the planner only orders.
    Content,
    /// The needed object is plugged in while both run: when it restarts or is replaced, the planner asks what
    /// the dependent one [suffers](super::Model::suffers).
    Attached,
}

/// One need of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The object that is needed.
    pub to: Address,
    /// The kind of the need.
    pub carries: Carries,
}

/// An object that is wanted.
#[derive(Debug)]
pub struct Node<D: ?Sized> {
    /// The document from which the provider makes the object.
    pub document: Arc<D>,
    /// The needs. An address that is neither wanted nor seen counts as somebody else's existing object.
    pub needs: Vec<Edge>,
    /// The machine or other noun that the object belongs to, as `machine/web`; `None` if it belongs to none.
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

/// All wanted objects, by address. `destroy` wants an empty set.
#[derive(Debug)]
pub struct Wanted<D: ?Sized> {
    /// The owner of these objects: the mark that they carry.
    pub owner: Arc<str>,
    /// The objects.
    pub nodes: BTreeMap<Address, Node<D>>,
    /// Places that are observed even if no object is wanted there, because objects of ours may have to be
    /// deleted. A place that its provider cannot observe is [unknown](super::Seen::unknown).
    pub places: BTreeSet<Place>,
    /// The objects of a cloud that is destroyed. They are not wanted; a provider knows by them what they were called.
    pub gone: BTreeMap<Address, Node<D>>,
    /// Whether the cloud is destroyed, also where a provider has no objects of it.
    pub is_destroyed: bool,
    /// The machines that a person wants to be made anew, by name: their disks go, so that a provider looks for everything that
    /// stands on them.
    pub replace: BTreeSet<String>,
}

impl<D: ?Sized> Clone for Wanted<D> {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
            nodes: self.nodes.clone(),
            places: self.places.clone(),
            gone: self.gone.clone(),
            is_destroyed: self.is_destroyed,
            replace: self.replace.clone(),
        }
    }
}

impl<D: ?Sized> Wanted<D> {
    /// An empty set for an owner.
    pub fn nothing(owner: impl Into<Arc<str>>) -> Self {
        let (nodes, gone) = (BTreeMap::new(), BTreeMap::new());
        Self {
            owner: owner.into(),
            nodes,
            places: BTreeSet::new(),
            gone,
            is_destroyed: false,
            replace: BTreeSet::new(),
        }
    }

    /// The same, with the machines that a person wants to be made anew.
    #[must_use]
    pub fn replacing(&self, machines: &BTreeSet<String>) -> Cow<'_, Self> {
        if *machines == self.replace {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { replace: machines.clone(), ..self.clone() })
    }

    /// An empty set for the same owner and the same places, which knows these objects as gone.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let places = self.nodes.keys().map(Address::place).chain(&self.places).cloned().collect();
        let owner = Arc::clone(&self.owner);
        Self { places, gone: self.nodes.clone(), is_destroyed: true, ..Self::nothing(owner) }
    }
}
