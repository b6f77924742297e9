//! Custom objects: whether their controllers say that they are ready. Most report by conditions; a table has those that do not.

use serde_json::Value;

use super::Progress;
use crate::compare::plain;

/// How the controllers of a kind report.
#[derive(Clone, Copy)]
enum Signal {
    /// By conditions: the first of these types that the object has is true.
    Condition(&'static [&'static str]),
    /// By a word at a pointer: those of a ready object, and those of one that failed.
    Word(&'static str, &'static [&'static str], &'static [&'static str]),
    /// By a truth value at a pointer.
    Truth(&'static str),
    /// Not at all, or of parts that come later: there is nothing to wait for.
    Nothing,
}

use Signal::{Condition, Nothing, Truth, Word};

/// The conditions that mean readiness in most kinds.
const USUAL: &[&str] = &["Ready", "Available"];

/// Kinds by group and name, from the API references of their projects: CloudNativePG 1.30, prometheus-operator 0.93, Strimzi 1.2, Rook 1.20,
/// cert-manager 1.21, Gateway API 1.6, KubeVirt 1.9, CDI 1.66, external-snapshotter 8.6, MetalLB 0.16, helm-controller 0.17. A `*` is each
/// kind of the group that is not named above it.
const TABLE: &[(&str, &str, Signal)] = &[
    // It reports a phase long before it has this condition.
    ("postgresql.cnpg.io", "Cluster", Condition(&["Ready"])),
    ("postgresql.cnpg.io", "Backup", Word("/status/phase", &["completed"], &["failed"])),
    ("postgresql.cnpg.io", "ScheduledBackup", Nothing),
    ("postgresql.cnpg.io", "ImageCatalog", Nothing),
    ("postgresql.cnpg.io", "ClusterImageCatalog", Nothing),
    ("postgresql.cnpg.io", "FailoverQuorum", Nothing),
    ("postgresql.cnpg.io", "Pooler", Nothing),
    ("postgresql.cnpg.io", "Database", Truth("/status/applied")),
    ("postgresql.cnpg.io", "Publication", Truth("/status/applied")),
    ("postgresql.cnpg.io", "Subscription", Truth("/status/applied")),
    ("monitoring.coreos.com", "Prometheus", Condition(&["Available"])),
    ("monitoring.coreos.com", "PrometheusAgent", Condition(&["Available"])),
    ("monitoring.coreos.com", "Alertmanager", Condition(&["Available"])),
    ("monitoring.coreos.com", "ThanosRuler", Condition(&["Available"])),
    // Configuration, which a Prometheus selects or not.
    ("monitoring.coreos.com", "*", Nothing),
    ("kafka.strimzi.io", "*", Condition(&["Ready"])),
    ("core.strimzi.io", "*", Nothing),
    ("ceph.rook.io", "CephObjectStoreUser", Word("/status/phase", &["Ready"], &["ReconcileFailed"])),
    ("ceph.rook.io", "*", Word("/status/phase", &["Ready", "Connected", "Created"], &["Failure"])),
    ("cert-manager.io", "*", Condition(&["Ready"])),
    ("gateway.networking.k8s.io", "Gateway", Condition(&["Programmed"])),
    ("gateway.networking.k8s.io", "GatewayClass", Condition(&["Accepted"])),
    ("gateway.networking.k8s.io", "*", Nothing),
    ("kubevirt.io", "VirtualMachine", Condition(&["Ready"])),
    (
        "cdi.kubevirt.io",
        "DataVolume",
        Word("/status/phase", &["Succeeded", "PendingPopulation"], &["Failed"]),
    ),
    ("snapshot.storage.k8s.io", "VolumeSnapshot", Truth("/status/readyToUse")),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent", Truth("/status/readyToUse")),
    ("snapshot.storage.k8s.io", "*", Nothing),
    ("metallb.io", "*", Nothing),
    ("longhorn.io", "*", Nothing),
    ("traefik.io", "*", Nothing),
    ("k3s.cattle.io", "*", Nothing),
    ("upgrade.cattle.io", "Plan", Nothing),
];

/// The progress of a custom object. One whose kind has a status and that has none is not ready: no controller has seen it.
pub(super) fn progress(object: &Value, has_status: bool) -> Progress {
    let signal = signal(object);
    if !has_status || matches!(signal, Nothing) {
        return Progress::Ready;
    }
    let status = object.get("status").and_then(Value::as_object).filter(|status| !status.is_empty());
    let Some(status) = status else {
        return Progress::Waits("no controller has reported its status yet".to_owned());
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    let generation = number(object.pointer("/metadata/generation")).unwrap_or_default();
    if number(status.get("observedGeneration")).is_some_and(|seen| seen < generation) {
        return Progress::Waits("its controller has not seen its newest form yet".to_owned());
    }
    match signal {
        Condition(types) => by_conditions(object, types, generation, types != USUAL),
        Word(pointer, ready, failed) => {
            let word = object.pointer(pointer).map(plain).unwrap_or_default();
            let told = ["/status/message", "/status/error"].iter().find_map(|at| object.pointer(at));
            let told = told.map(|told| format!(", {}", plain(told))).unwrap_or_default();
            match &*word {
                "" => Progress::Waits("its controller has not said how it is yet".to_owned()),
                word if ready.contains(&word) => Progress::Ready,
                word if failed.contains(&word) => Progress::Failed(format!("it is {word}{told}")),
                word => Progress::Waits(format!("it is {word}{told}")),
            }
        }
        Truth(pointer) => match object.pointer(pointer).and_then(Value::as_bool) {
            Some(true) => Progress::Ready,
            _ => {
                let told =
                    ["/status/message", "/status/error/message"].iter().find_map(|at| object.pointer(at));
                Progress::Waits(told.map_or_else(|| "its controller has not done it yet".to_owned(), plain))
            }
        },
        Nothing => Progress::Ready,
    }
}

/// The status by which controllers say that an object is ready; `None` if they say nothing.
#[cfg(feature = "sim")]
pub(crate) fn ready_status(object: &Value) -> Option<Value> {
    let generation = object.pointer("/metadata/generation").cloned().unwrap_or_default();
    let mut status = serde_json::Map::from_iter([("observedGeneration".to_owned(), generation)]);
    let last = |pointer: &str| pointer.rsplit('/').next().unwrap_or_default().to_owned();
    let (key, value) = match signal(object) {
        Condition(types) => {
            let condition = serde_json::json!({ "type": types.first()?, "status": "True", "reason": "Simulated", "message": "" });
            ("conditions".to_owned(), Value::Array(vec![condition]))
        }
        Word(pointer, ready, _) => (last(pointer), Value::from(*ready.first()?)),
        Truth(pointer) => (last(pointer), Value::Bool(true)),
        Nothing => return None,
    };
    status.insert(key, value);
    Some(Value::Object(status))
}

fn signal(object: &Value) -> Signal {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let of = |name: &str| TABLE.iter().find(|(of, kind, _)| *of == group && *kind == name);
    of(text("kind")).or_else(|| of("*")).map_or(Condition(USUAL), |(.., signal)| *signal)
}

/// By the first of these conditions that the object has. `Stalled` (kstatus) says that waiting is in vain; a kind that has neither of the usual
/// conditions tells no more than that its controller has seen it.
fn by_conditions(object: &Value, types: &[&str], generation: u64, is_needed: bool) -> Progress {
    let all = object.pointer("/status/conditions").and_then(Value::as_array);
    let all = || all.into_iter().flatten();
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let of = |kind: &str| all().find(|condition| text(condition, "type") == kind);
    let words = |condition: &Value| {
        let (reason, message) = (text(condition, "reason"), text(condition, "message"));
        let parts: Vec<String> = [reason, message].into_iter().filter(|part| !part.is_empty()).collect();
        match parts.is_empty() {
            true => format!("{} is {}", text(condition, "type"), text(condition, "status")),
            false => parts.join(": "),
        }
    };
    for stuck in ["Stalled", "Failed"] {
        if let Some(condition) = of(stuck).filter(|condition| text(condition, "status") == "True") {
            return Progress::Failed(words(condition));
        }
    }
    let Some(condition) = types.iter().find_map(|kind| of(kind)) else {
        return match is_needed {
            false if of("Reconciling").is_none_or(|one| text(one, "status") != "True") => Progress::Ready,
            _ => Progress::Waits("its controller has not said whether it is ready yet".to_owned()),
        };
    };
    let seen = condition.get("observedGeneration").and_then(Value::as_u64);
    if seen.is_some_and(|seen| seen < generation) {
        return Progress::Waits("its controller has not seen its newest form yet".to_owned());
    }
    match &*text(condition, "status") {
        "True" => Progress::Ready,
        _ => Progress::Waits(words(condition)),
    }
}

/// The progress of a `CustomResourceDefinition`: its names are accepted, and the server has established it.
pub(in super::super) fn definition(object: &Value) -> Progress {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let of = |kind: &str| {
        let mut all = conditions.into_iter().flatten();
        all.find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))
    };
    let is =
        |condition: &Value, status: &str| condition.get("status").and_then(Value::as_str) == Some(status);
    let words = |condition: &Value| condition.get("message").map(plain).unwrap_or_default();
    if let Some(refused) = of("NamesAccepted").filter(|condition| is(condition, "False")) {
        return Progress::Failed(format!("the server does not accept its names: {}", words(refused)));
    }
    match of("Established") {
        Some(condition) if is(condition, "True") => Progress::Ready,
        Some(condition) => Progress::Waits(words(condition)),
        None => Progress::Waits("no controller has seen it yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(api: &str, kind: &str, status: Value) -> String {
        let object =
            json!({ "apiVersion": api, "kind": kind, "metadata": { "generation": 2 }, "status": status });
        match progress(&object, true) {
            Progress::Ready => "ready".to_owned(),
            Progress::Waits(why) => why,
            Progress::Failed(why) => format!("failed: {why}"),
        }
    }

    fn condition(kind: &str, status: &str) -> Value {
        json!({ "conditions": [{ "type": kind, "status": status, "reason": "Why", "message": "so" }] })
    }

    #[test]
    fn an_unknown_kind_is_judged_by_its_conditions() {
        let of = |status| of("example.org/v1", "Widget", status);
        assert_eq!(of(json!(null)), "no controller has reported its status yet");
        assert_eq!(of(json!({})), "no controller has reported its status yet");
        assert_eq!(of(json!({ "observedGeneration": 1 })), "its controller has not seen its newest form yet");
        assert_eq!(of(json!({ "observedGeneration": 2 })), "ready");
        assert_eq!(of(condition("Ready", "True")), "ready");
        assert_eq!(of(condition("Available", "False")), "Why: so");
        assert_eq!(of(condition("Ready", "Unknown")), "Why: so");
        assert_eq!(of(condition("Stalled", "True")), "failed: Why: so");
        assert_eq!(of(condition("Progressing", "True")), "ready");
    }

    #[test]
    fn the_table_knows_kinds_that_report_in_another_way() {
        let ceph =
            |phase: &str| of("ceph.rook.io/v1", "CephCluster", json!({ "phase": phase, "message": "m" }));
        assert_eq!(ceph("Ready"), "ready");
        assert_eq!(ceph("Progressing"), "it is Progressing, m");
        assert_eq!(ceph("Failure"), "failed: it is Failure, m");
        assert_eq!(of("monitoring.coreos.com/v1", "PodMonitor", json!(null)), "ready");
        // It reports an image and a phase before it says whether it is ready.
        let postgres = |status| of("postgresql.cnpg.io/v1", "Cluster", status);
        assert_eq!(
            postgres(json!({ "phase": "Setting up primary" })),
            "its controller has not said whether it is ready yet"
        );
        assert_eq!(postgres(condition("Ready", "True")), "ready");
        let prometheus = |status| of("monitoring.coreos.com/v1", "Prometheus", status);
        assert_eq!(
            prometheus(condition("Reconciled", "True")),
            "its controller has not said whether it is ready yet"
        );
        assert_eq!(
            of("postgresql.cnpg.io/v1", "Database", json!({ "applied": false, "message": "no" })),
            "no"
        );
    }
}
