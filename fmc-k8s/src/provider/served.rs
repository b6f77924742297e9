//! The custom kinds that a server has: discovery, asked for only what the table of kinds does not say.

use futures_util::future::join_all;
use serde_json::Value;

use super::{Refusal, ask};
use crate::kind::{KINDS, Kind};
use crate::link::{ApiLink, Verb};

/// A custom kind as a server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// The kind, with its plural and its scope.
    pub(super) kind: &'static Kind,
    /// Whether its controllers report in a subresource of their own.
    pub(super) has_status: bool,
}

/// The kinds of a version of a group. A version that the server does not have has none.
pub(super) async fn of_version(
    link: &dyn ApiLink,
    group: &str,
    version: &str,
) -> Result<Vec<Served>, Refusal> {
    let list = match ask(link, Verb::Get, format!("/apis/{group}/{version}")).await {
        Err(Refusal::Status(404, _)) => return Ok(Vec::new()),
        list => list?,
    };
    let all = || list.get("resources").and_then(Value::as_array).into_iter().flatten();
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let each = all().filter_map(|resource| {
        let (plural, name) = (text(resource, "name"), text(resource, "kind"));
        let is_namespaced = resource.get("namespaced").and_then(Value::as_bool)?;
        let is_kept = ["get", "list", "patch", "delete"].iter().all(|verb| has_verb(resource, verb));
        if plural.contains('/') || !is_kept {
            return None;
        }
        let has_status = all().any(|one| text(one, "name") == format!("{plural}/status"));
        served([group, version, &name, &plural], is_namespaced, has_status)
    });
    Ok(each.collect())
}

fn has_verb(resource: &Value, verb: &str) -> bool {
    let verbs = resource.get("verbs").and_then(Value::as_array);
    verbs.is_some_and(|verbs| verbs.iter().any(|one| one == verb))
}

fn served(
    [group, version, name, plural]: [&str; 4],
    is_namespaced: bool,
    has_status: bool,
) -> Option<Served> {
    let is_known = KINDS.iter().any(|kind| kind.group == group && kind.name == name);
    let kind = Kind::custom(&format!("{group}/{version}"), name, is_namespaced).filter(|_| !is_known)?;
    Some(Served { kind: kind.served(plural, is_namespaced)?, has_status })
}

/// All custom kinds of a server, each in the version that it prefers. Groups whose own server does not answer are left out.
pub(super) async fn all(link: &dyn ApiLink) -> Result<Vec<Served>, Refusal> {
    let groups = ask(link, Verb::Get, "/apis".to_owned()).await?;
    let groups = groups.get("groups").and_then(Value::as_array);
    let mut asked: Vec<(&str, &str)> = Vec::new();
    for group in groups.into_iter().flatten() {
        let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
        if !Kind::is_own_group(name) {
            asked.extend(versions(group).into_iter().map(|version| (name, version)));
        }
    }
    let mut found: Vec<Served> = Vec::new();
    for kinds in join_all(asked.into_iter().map(|(group, version)| of_version(link, group, version))).await {
        let kinds = match kinds {
            Err(Refusal::Status(..)) => Vec::new(),
            kinds => kinds?,
        };
        // A kind is in several versions, and its objects in all of them.
        let new = |one: &Served| found.iter().all(|known| known.kind.word != one.kind.word);
        let new: Vec<Served> = kinds.into_iter().filter(new).collect();
        found.extend(new);
    }
    Ok(found)
}

/// The versions of a group, the preferred one first.
fn versions(group: &Value) -> Vec<&str> {
    let preferred = group.pointer("/preferredVersion/version").and_then(Value::as_str);
    let all = group.get("versions").and_then(Value::as_array).into_iter().flatten();
    let all = all.filter_map(|version| version.get("groupVersion")?.as_str()?.split('/').nth(1));
    let others = all.filter(|version| Some(*version) != preferred);
    preferred.into_iter().chain(others).collect()
}

/// The kind of a wanted object as the server has it; `None` if it does not have it.
pub(super) async fn kind_of(link: &dyn ApiLink, kind: &'static Kind) -> Result<Option<Served>, Refusal> {
    let all = of_version(link, kind.group, kind.version).await?;
    Ok(all.into_iter().find(|one| one.kind.name == kind.name))
}

/// The kind of an object that is not wanted, by its word in an address: in each version that the server has.
pub(super) async fn by_word(link: &dyn ApiLink, word: &str) -> Result<Vec<&'static Kind>, Refusal> {
    if let Some(kind) = Kind::by_word(word) {
        return Ok(vec![kind]);
    }
    let Some((_, name)) = word.split_once('.') else { return Ok(Vec::new()) };
    let group = match ask(link, Verb::Get, format!("/apis/{name}")).await {
        Err(Refusal::Status(404, _)) => return Ok(Vec::new()),
        group => group?,
    };
    let mut all = Vec::new();
    for version in versions(&group) {
        let kinds = of_version(link, name, version).await?;
        all.extend(kinds.into_iter().map(|one| one.kind).filter(|kind| kind.word == word));
    }
    Ok(all)
}
