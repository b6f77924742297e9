//! The document of an object: its manifest, its owner, and what it waits for.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use fmc_core::graph::{Address, Fingerprint};
use fmc_core::secret::ClusterAccess;
use fmc_core::template::Template;
use serde_json::Value;

use crate::compare::{Difference, differences, is_covered};
use crate::kind::Kind;
use crate::manifest::{MANIFEST, Manifest, manager};
use crate::object::ApiObject;
use crate::secret;

/// The document that an object of a cluster is made from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Document {
    /// The API of a cluster, which answers once its servers are up.
    Api {
        /// The seconds that an apply waits for it.
        within: u64,
        /// The administrator's access, if the cloud makes the cluster.
        access: Option<Box<ClusterAccess>>,
        /// The file by which kustomize reads all objects of the cluster.
        kustomization: String,
        /// The hosts of the cloud, by name.
        hosts: Vec<String>,
        /// The machines of the cloud, by name and by former name.
        machines: BTreeSet<String>,
    },
    /// An object in it.
    Object(Box<Wanted>),
}

/// A manifest with its owner.
#[derive(Debug)]
pub struct Wanted {
    pub(crate) manifest: Manifest,
    pub(crate) owner: String,
    /// Whether its fields are taken from other programs that decide them.
    pub(crate) is_forced: bool,
    /// The hash of the object as the plan saw it that the change of its definition leaves the same, if that changes in the same plan.
    pub(crate) without_form: Option<Fingerprint>,
    /// The name of an object of its kind and namespace that the cloud does not have any more and that stays with its data.
    pub(crate) beside: Option<Arc<str>>,
    /// The reason why it is not changed, which follows from other objects.
    pub(crate) held: Option<String>,
    /// The objects that are ready before it is made.
    pub(crate) awaited: Arc<[AwaitedObject]>,
    /// The objects that a plan of it alone has too.
    pub(super) along: Arc<[Address]>,
    yaml: OnceLock<String>,
    template: OnceLock<Template>,
}

/// An object that another one waits for: the pods of its operator, or what its workload needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwaitedObject {
    /// The object in the words of a person, as `its operator cnpg`.
    pub(crate) what: String,
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    /// The seconds that an object waits for it.
    pub(crate) within: u64,
}

impl Document {
    /// The document of an owner's manifest, which waits for others.
    pub(crate) fn awaiting(manifest: Manifest, owner: &str, awaited: Arc<[AwaitedObject]>) -> Self {
        let owner = owner.to_owned();
        Self::Object(Box::new(Wanted {
            manifest,
            owner,
            is_forced: false,
            without_form: None,
            beside: None,
            held: None,
            awaited,
            along: Arc::default(),
            yaml: OnceLock::new(),
            template: OnceLock::new(),
        }))
    }

    /// The same document, changed.
    fn with(&self, change: impl FnOnce(&mut Wanted)) -> Option<Self> {
        let Wanted { manifest, owner, is_forced, without_form, beside, held, awaited, along, .. } =
            self.wanted()?;
        let same = Self::awaiting(manifest.clone(), owner, Arc::clone(awaited));
        let Self::Object(mut same) = same else { return None };
        (same.is_forced, same.without_form) = (*is_forced, *without_form);
        (same.beside, same.held, same.along) = (beside.clone(), held.clone(), Arc::clone(along));
        change(&mut same);
        Some(Self::Object(same))
    }

    /// The same document, with what a plan of it alone has too.
    pub(super) fn with_along(self, along: Arc<[Address]>) -> Self {
        match self {
            Self::Object(wanted) => Self::Object(Box::new(Wanted { along, ..*wanted })),
            api @ Self::Api { .. } => api,
        }
    }

    /// The same document, whose fields are taken from others.
    pub(super) fn forced(&self) -> Option<Self> {
        self.with(|wanted| wanted.is_forced = true)
    }

    /// The same document, for an object that is made beside one that stays with its data.
    pub(super) fn beside(&self, other: &str) -> Option<Self> {
        self.with(|wanted| wanted.beside = Some(other.into()))
    }

    /// The same document, of an object that is not changed for this reason.
    pub(super) fn held(&self, why: &str) -> Option<Self> {
        self.with(|wanted| wanted.held = Some(why.to_owned()))
    }

    /// The same document, for an object that its changed definition may show in another form.
    pub(super) fn redefined(&self, object: &ApiObject) -> Option<Self> {
        let without_form = object.fingerprint_without_form()?;
        self.with(|wanted| wanted.without_form = Some(without_form))
    }

    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::Api { .. } => None,
            Self::Object(wanted) => Some(wanted),
        }
    }
}

impl Wanted {
    /// The manifest as YAML.
    pub(crate) fn yaml(&self) -> &str {
        self.yaml
            .get_or_init(|| self.manifest.to_yaml().unwrap_or_else(|_| self.manifest.content().to_string()))
    }

    /// The manifest as YAML with holes for its secrets, if it has some. `stringData` takes a line without its line break.
    pub(crate) fn template(&self) -> Option<&Template> {
        let holes = self.manifest.holes();
        (!holes.is_empty()).then(|| self.template.get_or_init(|| secret::template(self.yaml(), holes)))
    }

    /// The differences, as far as they can be told without the server.
    pub(crate) fn differences(&self, object: &ApiObject) -> Vec<Difference> {
        self.differences_of(&self.manifest.marked(&self.owner), object)
    }

    fn differences_of(&self, marked: &Value, object: &ApiObject) -> Vec<Difference> {
        let owned = object.owned_by(&manager(&self.owner));
        let mut found = differences(marked, object.value(), owned);
        // The mark follows from what differs.
        found.retain(|one| !one.path.ends_with(&format!("[{MANIFEST}]")));
        found
    }

    /// Whether the object is as wanted, and ours in every field.
    pub(crate) fn is_met_by(&self, object: &ApiObject) -> bool {
        let fingerprint = Some(self.manifest.fingerprint());
        if object.meets == fingerprint {
            return true;
        }
        let Some(owned) = object.owned_by(&manager(&self.owner)) else { return false };
        if object.made_from() != fingerprint {
            return false;
        }
        let marked = self.manifest.marked(&self.owner);
        is_covered(&marked, owned) && self.differences_of(&marked, object).is_empty()
    }
}

impl Wanted {
    /// Whether its secrets have other bytes than those that it was made with, by no other hand: every field is ours still.
    pub(super) fn has_other_bytes(&self, object: &ApiObject) -> bool {
        let owned = object.owned_by(&manager(&self.owner));
        !self.manifest.holes().is_empty()
            && object.made_from() == Some(self.manifest.fingerprint())
            && owned.is_some_and(|owned| is_covered(&self.manifest.marked(&self.owner), owned))
    }
}
