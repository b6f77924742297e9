//! The strangers' objects that a namespace would take along: of every kind that the server has, not only of those that fmc writes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::observe::list;
use super::{Refusal, ask};
use crate::kind::CLAIM;
use crate::link::{ApiLink, Verb};
use crate::object::ApiObject;

/// A kind of objects in namespaces, as the server lists it.
struct Resource {
    /// The path of its version, as `/apis/apps/v1`.
    root: String,
    group: String,
    plural: String,
    kind: String,
}

impl Resource {
    /// The name of an object of it for `kubectl`, as `statefulsets.apps/db`.
    fn named(&self, name: &str) -> String {
        let Self { group, plural, .. } = self;
        if group.is_empty() { format!("{plural}/{name}") } else { format!("{plural}.{group}/{name}") }
    }

    /// Whether the cluster itself makes and deletes all of its objects.
    fn is_made(&self) -> bool {
        const MADE: [(&str, &str); 3] = [("", "events"), ("events.k8s.io", "events"), ("", "endpoints")];
        MADE.contains(&(&self.group, &self.plural))
    }
}

/// An object in a namespace.
struct Found {
    named: String,
    is_ours: bool,
    /// The owners: the identity, and the group and kind of each.
    owners: Vec<(String, String, String)>,
}

/// What a namespace would take along that is not this owner's, as `configmaps/settings`. What one of our objects owns is ours, and what
/// one of a stranger's owns goes by that one's name. The volumes of our sets count if they are asked for: a plan judges them one by one.
pub(super) async fn foreign(
    link: &dyn ApiLink,
    namespace: &str,
    owner: &str,
    has_claims: bool,
) -> Result<Vec<String>, Refusal> {
    let (resources, mut strange) = resources(link).await?;
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for resource in resources.iter().filter(|resource| !resource.is_made()) {
        let path = format!("{}/namespaces/{namespace}/{}", resource.root, resource.plural);
        let objects = match list(link, &path, None).await {
            Ok(objects) => objects,
            // The server has the kind, and no list of it.
            Err(Refusal::Status(405, _)) => continue,
            Err(refusal @ Refusal::Status(..)) => {
                strange.push(format!("{} (not listed: {})", resource.named("*"), refusal.words()));
                continue;
            }
            Err(refusal) => return Err(refusal),
        };
        for value in objects {
            let text =
                |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (name, uid) = (text("/metadata/name"), text("/metadata/uid"));
            if is_of_every_namespace(resource, &name) || is_of_every_database(resource, &value) {
                continue;
            }
            let named = resource.named(&name);
            let uid = if uid.is_empty() { named.clone() } else { uid };
            let owners = owners(&value);
            let object = ApiObject::new(value);
            let is_claim = resource.group.is_empty() && resource.plural == CLAIM.plural;
            let is_claim = is_claim && !has_claims && object.owner() == Some(owner);
            let is_ours = is_claim || object.is_made_by(owner);
            // Some kinds are in two groups: an object is named once.
            found.entry(uid).or_insert(Found { named, is_ours, owners });
        }
    }
    let kinds: BTreeSet<(&str, &str)> =
        resources.iter().map(|resource| (resource.group.as_str(), resource.kind.as_str())).collect();
    let roots = found.values().filter(|one| {
        let has_owner_here = one.owners.iter().any(|(uid, ..)| found.contains_key(uid));
        !is_ours(one, &found, &kinds, 0) && !has_owner_here
    });
    strange.extend(roots.map(|one| one.named.clone()));
    strange.sort();
    Ok(strange)
}

/// Whether an object is ours, or goes with what is: all of its owners are. One whose owner in the namespace is gone is collected.
fn is_ours(one: &Found, all: &BTreeMap<String, Found>, kinds: &BTreeSet<(&str, &str)>, depth: usize) -> bool {
    /// Owners of owners, as of a pod of a job of a schedule; a circle ends here.
    const DEEPEST: usize = 16;
    let owned = |(uid, group, kind): &(String, String, String)| match all.get(uid) {
        Some(owner) => depth < DEEPEST && is_ours(owner, all, kinds, depth + 1),
        None => kinds.contains(&(group.as_str(), kind.as_str())),
    };
    one.is_ours || (!one.owners.is_empty() && one.owners.iter().all(owned))
}

/// Objects that the cluster itself makes in each namespace.
fn is_of_every_namespace(resource: &Resource, name: &str) -> bool {
    const MADE: [(&str, &str); 2] = [("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default")];
    resource.group.is_empty() && MADE.contains(&(&resource.plural, name))
}

/// The text that CloudNativePG writes into each namespace with a database, without naming an owner, and deletes after the last one.
fn is_of_every_database(resource: &Resource, value: &Value) -> bool {
    const MADE: (&str, &str) = ("configmaps", "cnpg-default-monitoring");
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    resource.group.is_empty()
        && MADE == (&*resource.plural, text("/metadata/name"))
        && text("/metadata/labels/app.kubernetes.io~1managed-by") == "cloudnative-pg"
}

fn owners(value: &Value) -> Vec<(String, String, String)> {
    let references = value.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let each = references.into_iter().flatten().map(|reference| {
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        (text("uid").to_owned(), group.to_owned(), text("kind").to_owned())
    });
    each.collect()
}

/// All kinds of objects in namespaces that can be listed and deleted, and the groups that do not tell theirs.
async fn resources(link: &dyn ApiLink) -> Result<(Vec<Resource>, Vec<String>), Refusal> {
    let mut versions = vec![("/api/v1".to_owned(), String::new())];
    let groups = ask(link, Verb::Get, "/apis".to_owned()).await?;
    for group in groups.get("groups").and_then(Value::as_array).into_iter().flatten() {
        let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
        let all = group.get("versions").and_then(Value::as_array).into_iter().flatten();
        let all = all.filter_map(|version| version.get("groupVersion")?.as_str());
        versions.extend(all.map(|version| (format!("/apis/{version}"), name.to_owned())));
    }
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (root, group) in versions {
        let list = match ask(link, Verb::Get, root.clone()).await {
            Ok(list) => list,
            // Its definitions were just deleted.
            Err(Refusal::Status(404, _)) => continue,
            // A server behind the API, as that of metrics, may be away while the API itself answers.
            Err(Refusal::Status(..)) => {
                silent.push(format!("what {group} has (its server does not answer)"));
                continue;
            }
            Err(refusal) => return Err(refusal),
        };
        for resource in list.get("resources").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default();
            let verbs = resource.get("verbs").and_then(Value::as_array);
            let can = |verb: &str| verbs.is_some_and(|verbs| verbs.iter().any(|one| one == verb));
            let is_namespaced = resource.get("namespaced").and_then(Value::as_bool) == Some(true);
            let plural = text("name").to_owned();
            if is_namespaced
                && !plural.contains('/')
                && can("list")
                && can("delete")
                && known.insert((group.clone(), plural.clone()))
            {
                let kind = text("kind").to_owned();
                found.push(Resource { root: root.clone(), group: group.clone(), plural, kind });
            }
        }
    }
    silent.dedup();
    Ok((found, silent))
}
