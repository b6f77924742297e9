//! An object of the API as it was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Address, Fingerprint};
use serde::Serialize;
use serde_json::Value;

use crate::kind::{CLAIM, Kind};
use crate::manifest::{MANIFEST, OWNER, manager};
use crate::secret::is_secret;

/// An object as the server gave it, with what the server said of a change to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiObject {
    pub(crate) value: Value,
    pub(crate) trial: Option<Trial>,
    /// The objects in a namespace, of a definition's kind or of a storage class that are not ours, as `configmaps/settings`. They are asked for
    /// only where the namespace, the definition or the class would go.
    pub(crate) foreign: Vec<String>,
    /// Of a definition: the other definitions of its operator that would take along objects of other hands, as
    /// `custom-resource-definition/widgets.example.org`.
    pub(crate) siblings: Vec<Arc<str>>,
    pub(crate) unwanted: Unwanted,
    /// The claims of a set that are smaller than it is wanted to have them.
    pub(crate) small: Vec<Small>,
    /// The reason why fmc could not compare its secrets with the wanted ones.
    pub(crate) untold: Option<String>,
    /// The fingerprint of the wanted manifest that it was found to meet: the comparison takes longer than all else of a plan.
    pub(crate) meets: Option<Fingerprint>,
    /// Whether the definition of its kind changes before it does.
    pub(crate) is_redefined: bool,
    /// Whether its kind has a subresource in which its controllers report. It matters for custom kinds alone.
    pub(crate) has_status: bool,
    /// The objects that must stay for as long as it is there: the definition of its kind, and what operates it.
    pub(crate) stands_on: Vec<Address>,
}

/// The fate of an object that nothing wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Unwanted {
    /// It goes: the cloud has a platform for its cluster, and that does not have the object.
    #[default]
    Pruned,
    /// It stays until a person asks: the cloud has no platform for its cluster any more.
    Left {
        /// The name by which a person asks for it, as `cluster/prod`.
        named: Arc<str>,
        /// The number of objects that its line counts; `None` if the line of its namespace counts it.
        with: Option<usize>,
    },
    /// The cloud is destroyed, and all that runs in the cluster goes with its machines: these words say what.
    Destroyed(String),
    /// It is a volume of a wanted set, whose pods use it: it stays.
    Used,
    /// It is the volume of a set that has gone: it stays with its data until a person names the set, as `stateful-set/shop/db`.
    Claimed(Arc<str>),
    /// It is a volume that no pod of its set uses any more: it stays with its data until a person names it.
    Unused {
        /// Its name, as `claim/shop/log-db-0`.
        named: Arc<str>,
        /// The reason why no pod uses it.
        why: Arc<str>,
    },
    /// It holds data, or its deletion takes other objects along: it stays until a person names it.
    Data {
        /// Its name, as `cluster.postgresql.cnpg.io/shop/db`.
        named: Arc<str>,
        /// The name of the object that its data goes with, as the Kafka of a topic, if nothing wants that one either.
        with: Option<Arc<str>>,
    },
    /// Objects that stay with their data need this one, which stays until a person names the last of them.
    Beside {
        /// The names by which a person asks for what needs it, as `cluster.postgresql.cnpg.io/shop/db`. There is one at least.
        named: Vec<Arc<str>>,
    },
    /// It is a storage class that wanted objects name: it stays, with the pool below it.
    Named {
        /// The wanted objects whose volumes have the class, as `cluster.postgresql.cnpg.io/shop/db`. There is one at least.
        by: Vec<String>,
    },
    /// It is not ours: a person copied one of ours with its mark.
    Copied,
}

/// A claim that is smaller than its set wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Small {
    pub(crate) name: String,
    /// Its size.
    pub(crate) from: String,
    /// The wanted size.
    pub(crate) to: String,
}

/// The server's answer to a dry run of the wanted manifest. It is asked only where something differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trial {
    /// It takes the manifest.
    Taken,
    /// It takes the manifest, and the object is the same afterwards: the server, or a program that it asks, writes the values in another form.
    Equal,
    /// It cannot ask a webhook now, which may be starting. An apply waits for it.
    Silent(String),
    /// Others decide fields that the manifest has: each with its path and its manager, and the answer if they are taken over.
    Conflict(Vec<(String, String)>, Box<Trial>),
    /// These fields cannot be changed in an object that exists.
    Immutable(Vec<String>),
    /// It refuses the manifest, in these words.
    Refused(String),
}

impl ApiObject {
    /// An object as it was read.
    pub(crate) fn new(value: Value) -> Self {
        Self {
            value,
            trial: None,
            foreign: Vec::new(),
            siblings: Vec::new(),
            unwanted: Unwanted::default(),
            small: Vec::new(),
            untold: None,
            meets: None,
            is_redefined: false,
            has_status: false,
            stands_on: Vec::new(),
        }
    }

    /// An item of a list: the server says the kind of the items once, for the list.
    pub(crate) fn of_list(mut value: Value, kind: &Kind) -> Self {
        if let Some(map) = value.as_object_mut() {
            map.insert("apiVersion".to_owned(), kind.api().into());
            map.insert("kind".to_owned(), kind.name.into());
        }
        Self::new(value)
    }

    fn metadata(&self, key: &str) -> Option<&Value> {
        self.value.get("metadata")?.get(key)
    }

    fn mark(&self, of: &str, key: &str) -> Option<&str> {
        self.metadata(of)?.get(key)?.as_str()
    }

    /// The object in the form of the API.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The owner whose mark it has.
    pub fn owner(&self) -> Option<&str> {
        self.mark("labels", OWNER)
    }

    /// Whether it has an owner's mark, and that owner's manager decides fields of it. A copy that a person made by `kubectl apply` of
    /// what `kubectl get` showed has the mark alone.
    pub(crate) fn is_made_by(&self, owner: &str) -> bool {
        self.owner() == Some(owner) && self.owned_by(&manager(owner)).is_some()
    }

    /// Whether a controller made it for another object, as the addresses behind a Service: it has that one's labels, and goes with it.
    pub(crate) fn is_of_another(&self) -> bool {
        self.metadata("ownerReferences").and_then(Value::as_array).is_some_and(|owners| !owners.is_empty())
    }

    /// Whether the cluster made it as a volume of an owner's set.
    pub(crate) fn is_claim_of(&self, owner: &str) -> bool {
        let is_claim = self.value.get("kind").and_then(Value::as_str) == Some(CLAIM.name);
        is_claim && self.owner() == Some(owner)
    }

    /// The fingerprint of the manifest that it was last made from.
    pub(crate) fn made_from(&self) -> Option<Fingerprint> {
        self.mark("annotations", MANIFEST)?.parse().ok()
    }

    /// The identity that a deletion names: this object's, and no successor's of its name.
    pub(crate) fn uid(&self) -> Option<&str> {
        self.metadata("uid")?.as_str()
    }

    /// The version that any write changes.
    pub(crate) fn version(&self) -> Option<&str> {
        self.metadata("resourceVersion")?.as_str()
    }

    /// Whether it is being deleted.
    pub(crate) fn is_leaving(&self) -> bool {
        self.metadata("deletionTimestamp").is_some()
    }

    /// The fields that a manager decides by server-side apply (`metadata.managedFields`, `fieldsV1`).
    pub(crate) fn owned_by(&self, manager: &str) -> Option<&Value> {
        self.entry_of(manager)?.get("fieldsV1")
    }

    /// The entry of a manager's server-side apply.
    fn entry_of(&self, manager: &str) -> Option<&Value> {
        let is_ours = |entry: &&Value| {
            let text = |key: &str| entry.get(key).and_then(Value::as_str);
            text("manager") == Some(manager)
                && text("operation") == Some("Apply")
                && text("subresource").unwrap_or_default().is_empty()
        };
        self.metadata("managedFields")?.as_array()?.iter().find(is_ours)
    }

    /// The version of the API in which a manager last applied it.
    pub(crate) fn written_in(&self, manager: &str) -> Option<&str> {
        self.entry_of(manager)?.get("apiVersion")?.as_str()
    }

    /// A hash that stays the same while the definition of its kind changes, which gives it other defaults or another version: of its identity,
    /// its generation, its labels and its annotations. `None` of a kind that the server does not number.
    pub(crate) fn fingerprint_without_form(&self) -> Option<Fingerprint> {
        let of = |key: &str| self.metadata(key);
        let all = [of("uid"), of("generation"), of("labels"), of("annotations")];
        let is_numbered = self.uid().is_some() && of("generation").is_some();
        is_numbered.then(|| Fingerprint::of(&serde_json::to_vec(&all).unwrap_or_default()))
    }

    /// A hash of what people and programs decide of it: what the server counts and reports is left out.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        const COUNTED: [&str; 4] = ["managedFields", "resourceVersion", "generation", "creationTimestamp"];
        // The words for secrets do not tell two wrong values apart, and the version does.
        let has_words = is_secret(&self.value);
        let decided = Decided::of(&self.value, |key, value| match key {
            "status" => None,
            "metadata" => Some(Decided::of(value, |key, value| match key {
                "resourceVersion" if has_words => Some(Decided::Whole(value)),
                key if COUNTED.contains(&key) => None,
                // Controllers number the revisions of what they made.
                "annotations" => Some(Decided::of(value, |key, value| {
                    let is_counted = key == MANIFEST || key.ends_with("kubernetes.io/revision");
                    (!is_counted).then_some(Decided::Whole(value))
                })),
                _ => Some(Decided::Whole(value)),
            })),
            _ => Some(Decided::Whole(value)),
        });
        Fingerprint::of(&serde_json::to_vec(&decided).unwrap_or_default())
    }
}

/// A value without some of its fields, which is written and not copied.
#[derive(Serialize)]
#[serde(untagged)]
enum Decided<'a> {
    Whole(&'a Value),
    Fields(BTreeMap<&'a str, Decided<'a>>),
}

impl<'a> Decided<'a> {
    /// The fields of a value that are kept, each as it is kept.
    fn of(value: &'a Value, kept: impl Fn(&'a str, &'a Value) -> Option<Self>) -> Self {
        match value {
            Value::Object(fields) => {
                let kept = fields.iter().filter_map(|(key, value)| Some((key.as_str(), kept(key, value)?)));
                Self::Fields(kept.collect())
            }
            other => Self::Whole(other),
        }
    }
}
