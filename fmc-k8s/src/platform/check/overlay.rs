//! The rules of overlays: the object, the path, and what its kind says of the field.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::nearest::nearest;
use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::schema::Definitions;
use super::value::wrong;
use super::{SCHEMA, TWICE, VALUE, raw};
use crate::kind::{DISRUPTION_BUDGET, Kind, NAMESPACE, SECRET};
use crate::manifest::{Manifest, OPERATOR};
use crate::overlay::{Change, Overlay, Part, parts};
use crate::platform::Platform;
use crate::typed::unknown;

/// Fields by which an object is known.
const KNOWN_BY: [&[&str]; 5] =
    [&["apiVersion"], &["kind"], &["status"], &["metadata", "name"], &["metadata", "namespace"]];

/// Fields that the values of a platform say, and by which it is judged.
const SAID: [&[&str]; 3] = [&["spec", "replicas"], &["spec", "selector"], &["spec", "volumeClaimTemplates"]];

/// Keys of compiled objects for which the values of a platform have no words: an overlay may change them. Any other field that a compiled object
/// has is said by a value, and the rules and the budget judge that.
const FREE: [&str; 3] = ["securityContext", "topologySpreadConstraints", "automountServiceAccountToken"];

/// The same of whole paths, by kind.
const FREE_PATHS: [(Kind, &str); 2] =
    [(NAMESPACE, "metadata.labels.pod-security.kubernetes.io/"), (DISRUPTION_BUDGET, "spec.maxUnavailable")];

/// Fields that have rules of their own wherever an object says them.
const JUDGED: [&str; 5] = [
    "metadata.annotations",
    "spec.ttlSecondsAfterFinished",
    "spec.persistentVolumeClaimRetentionPolicy",
    "rules",
    "roleRef",
];

/// The same of a container.
const OF_CONTAINERS: [&str; 2] = ["image", "resources"];

pub(super) fn check(platform: &Platform, cloud: &Checked, findings: &mut RoleFindings<'_>) {
    if platform.overlays.is_empty() {
        return;
    }
    let plain = Platform { overlays: Vec::new(), ..platform.clone() };
    let manifests = plain.manifests_in(cloud);
    let mut known: BTreeMap<String, (Manifest, Value)> = manifests
        .into_iter()
        .map(|one| (one.short(), one))
        .map(|(short, one)| {
            let content = one.content().clone();
            (short, (one, content))
        })
        .collect();
    let definitions = Definitions::of(platform);
    let raw = raw_names(platform);
    let mut paths: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (index, overlay) in platform.overlays.iter().enumerate() {
        findings.part(&format!("overlays[{index}]"), |findings| alone(overlay, &mut paths, findings));
        findings.part(&format!("overlays[{index}]"), |findings| {
            let Some((manifest, content)) = known.get_mut(&overlay.of) else {
                let message = format!("the platform makes no {}", overlay.of);
                let near = nearest(&overlay.of, known.keys().map(String::as_str));
                let help = near.map_or_else(
                    || "name an object as plans do, as deployment/shop/web".to_owned(),
                    |near| format!("write {near}"),
                );
                return wrong("of", findings, message, help);
            };
            of_object(overlay, manifest, content, &definitions, raw.contains(&overlay.of), findings);
        });
    }
}

fn of_object(
    overlay: &Overlay,
    manifest: &Manifest,
    content: &mut Value,
    definitions: &Definitions<'_>,
    is_raw: bool,
    findings: &mut RoleFindings<'_>,
) {
    if *manifest.kind() == SECRET {
        let help = "say the secret where the platform says it";
        return wrong("of", findings, "a Secret has no overlay: its bytes are in no file", help);
    }
    let is_of_operator =
        manifest.content().pointer("/metadata/labels").is_some_and(|all| all.get(OPERATOR).is_some());
    let compiled = (!is_of_operator && !is_raw).then(|| manifest.content());
    for (place, change) in overlay.changes() {
        let mut told = |message: String, help: String| {
            findings.part(&place, |findings| findings.find(&VALUE, message, help));
        };
        if let Err(why) = parts(change.path) {
            told(
                format!("{:?} is not the path of a field: {why}", change.path),
                "write it as spec.template.spec.nodeSelector".to_owned(),
            );
            continue;
        }
        if change.value.is_some_and(Value::is_null) {
            told("it has no value".to_owned(), format!("write `remove: [{}]`", change.path));
            continue;
        }
        if let Some(why) = is_kept(&change, is_of_operator) {
            told(why.0, why.1);
            continue;
        }
        if let Some((message, help)) = takes_away(&change, manifest.kind(), content, compiled) {
            told(message, help.to_owned());
            continue;
        }
        let mut changed = content.clone();
        if let Err(why) = change.apply(&mut changed) {
            let help = format!("name a field of {}: `compile --out DIR` shows it", overlay.of);
            told(why, help);
            continue;
        }
        let found = match unknown(manifest.kind(), &changed) {
            Ok(lost) => lost
                .into_iter()
                .map(|path| {
                    (
                        format!("{} has no field {path}", manifest.kind().name),
                        "write it as the reference of the API has it".to_owned(),
                    )
                })
                .collect(),
            Err(why) => vec![(
                format!("it does not suit {}: {why}", manifest.kind().name),
                "write a value of the field's type".to_owned(),
            )],
        };
        let refused = definitions
            .unsuited(&changed)
            .into_iter()
            .map(|(path, message, help)| (format!("{path}: {message}"), help));
        let all: Vec<(String, String)> = found.into_iter().chain(refused).collect();
        if all.is_empty() {
            *content = changed;
        }
        for (message, help) in all {
            findings.part(&place, |findings| findings.find(&SCHEMA, message, help));
        }
    }
    let is_judged = |path: &String| JUDGED.iter().any(|field| path.starts_with(field));
    if overlay.set.keys().any(is_judged) {
        findings.part("set", |findings| raw::content(manifest.kind(), content, findings));
    }
}

/// An overlay changes something, and no other one changes the same field.
fn alone<'a>(
    overlay: &'a Overlay,
    paths: &mut BTreeSet<(&'a str, &'a str)>,
    findings: &mut RoleFindings<'_>,
) {
    if overlay.changes().next().is_none() {
        let help = "say fields: `set: {spec.paused: true}`";
        wrong("of", findings, format!("the overlay of {} changes nothing", overlay.of), help);
    }
    for (place, change) in overlay.changes() {
        if !paths.insert((&overlay.of, change.path)) {
            findings.part(&place, |findings| {
                let message = format!("{} of {} is said twice", change.path, overlay.of);
                findings.find(&TWICE, message, "leave one of them out");
            });
        }
    }
}

/// The names of the objects that the cloud has in the form of the API.
fn raw_names(platform: &Platform) -> BTreeSet<String> {
    let own = platform.objects.iter().map(|object| object.0.clone());
    let within = platform.namespaces.iter().flat_map(|namespace| {
        namespace.objects.iter().map(|object| object.within(&namespace.name.to_string()))
    });
    own.chain(within).filter_map(|value| Some(Manifest::of_value(value).ok()?.short())).collect()
}

/// Why a change may not replace what the object has, and what to do. A field of an object that a value says is the value's, unless no value has
/// words for it: `compiled` is such an object as the values make it. Of other objects a field is changed by its own path alone: a map that is set replaces the map that is there.
fn takes_away(
    change: &Change<'_>,
    kind: &Kind,
    object: &Value,
    compiled: Option<&Value>,
) -> Option<(String, &'static str)> {
    let parts = parts(change.path).ok()?;
    let own = parts.iter().map(|part| match part {
        Part::Key(key) => format!(".{key}"),
        Part::Named(name) => format!("[{name}]"),
    });
    let own = own.collect::<String>();
    let own = own.trim_start_matches('.');
    let is_own = |path: &String| path == own || change.value.is_none();
    let beside = lost(change, object).into_iter().find(|path| !is_own(path));
    let said = || lost(change, compiled?).into_iter().find(|path| !is_free(kind, path));
    let lost = beside.or_else(said)?;
    if lost == own {
        let message =
            format!("the platform says {lost} itself, and its rules and its budget count with that");
        return Some((message, "say it where the platform says it, and leave it out here"));
    }
    let help = "set the fields that you mean by their own paths, and leave the others as they are";
    Some((format!("it would take away {lost}, which the platform says"), help))
}

/// Whether no value of a platform has words for a field of a compiled object.
fn is_free(kind: &Kind, path: &str) -> bool {
    let is_key = |step: &str| FREE.contains(&step.split('[').next().unwrap_or_default());
    !kind.is_custom()
        && (path.split('.').any(is_key)
            || FREE_PATHS.iter().any(|(of, begin)| of == kind && path.starts_with(begin)))
}

/// The paths of the values of an object that a change takes away or replaces; none if it cannot be made.
fn lost(change: &Change<'_>, object: &Value) -> Vec<String> {
    let (mut changed, mut lost) = (object.clone(), Vec::new());
    if change.apply(&mut changed).is_ok() {
        gone(object, &changed, String::new(), &mut lost);
    }
    lost
}

/// The paths of values that are gone or have become others.
fn gone(before: &Value, after: &Value, path: String, lost: &mut Vec<String>) {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match after.get(key) {
                    Some(there) => gone(value, there, below, lost),
                    None => lost.push(below),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (at, value) in before.iter().enumerate() {
                let named = name(value);
                let there = match &named {
                    Some(named) => after.iter().find(|one| name(one).as_ref() == Some(named)),
                    None => after.get(at),
                };
                let below = format!("{path}[{}]", named.unwrap_or_else(|| at.to_string()));
                match there {
                    Some(there) => gone(value, there, below, lost),
                    None => lost.push(below),
                }
            }
        }
        _ if before != after => lost.push(path),
        _ => {}
    }
}

/// Why a field is not an overlay's matter, and what to do.
fn is_kept(change: &Change<'_>, is_of_operator: bool) -> Option<(String, String)> {
    let parts = parts(change.path).ok()?;
    let begins = |with: &[&str]| {
        parts.len() >= with.len()
            && parts.iter().zip(with).all(|(part, key)| *part == Part::Key((*key).to_owned()))
    };
    if KNOWN_BY.iter().any(|with| begins(with)) {
        let message = format!("{} is what the object is known by, or the server's own", change.path);
        return Some((message, "leave it out".to_owned()));
    }
    // A field above them has them in it.
    let is_above = |with: &[&str]| {
        parts.len() < with.len()
            && parts.iter().zip(with).all(|(part, key)| *part == Part::Key((*key).to_owned()))
    };
    let removes = change.value.is_none();
    let pods = ["spec", "template", "spec", "containers", ""];
    let is_container = parts.len() == 5
        && parts.iter().zip(&pods).take(4).all(|(part, key)| *part == Part::Key((*key).to_owned()))
        && matches!(parts.last(), Some(Part::Named(_)));
    if removes && !is_of_operator && (is_above(&pods) || is_container) {
        let message = format!("{} has what the platform says itself in it", change.path);
        return Some((message, "take out the fields that you mean by their own paths".to_owned()));
    }
    let of_container = parts.windows(3).any(|three| match three {
        [Part::Key(list), Part::Named(_), Part::Key(key)] => {
            list == "containers" && OF_CONTAINERS.contains(&key.as_str())
        }
        _ => false,
    });
    (!is_of_operator && (of_container || SAID.iter().any(|with| begins(with)))).then(|| {
        let message = format!("the platform says {} itself, and its budget counts with that", change.path);
        (message, "say it where the workload is said".to_owned())
    })
}
