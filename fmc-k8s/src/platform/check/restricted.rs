//! What the standard `restricted` asks of pods beyond `baseline` (*Pod Security Standards* of Kubernetes, of pods of Linux).

use serde_json::Value;

/// The kinds of volumes that it admits, by the keys of a volume.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// The capability that a container may add.
const ADDED: &str = "NET_BIND_SERVICE";

/// The fields that a pod lacks or has wrong, as they would be right: `containers[web].securityContext.allowPrivilegeEscalation: false`.
pub(super) fn lacks(pod: &Value) -> Vec<String> {
    let mut all = Vec::new();
    if pod.pointer("/os/name").and_then(Value::as_str) == Some("windows") {
        return all;
    }
    for volume in list(pod, "volumes") {
        let kinds = volume.as_object().into_iter().flatten().map(|(key, _)| key).filter(|key| *key != "name");
        for kind in kinds.filter(|kind| !VOLUMES.contains(&kind.as_str())) {
            all.push(format!("no volume of {kind}"));
        }
    }
    let whole = pod.get("securityContext");
    if number(whole, "runAsUser") == Some(0) {
        all.push("securityContext.runAsUser other than 0".to_owned());
    }
    for key in ["initContainers", "containers"] {
        for container in list(pod, key) {
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let lacks = of_container(container.get("securityContext"), whole);
            all.extend(lacks.into_iter().map(|lack| format!("{key}[{name}].securityContext.{lack}")));
        }
    }
    all
}

fn of_container(own: Option<&Value>, whole: Option<&Value>) -> Vec<String> {
    let mut all = Vec::new();
    if truth(own, "allowPrivilegeEscalation") != Some(false) {
        all.push("allowPrivilegeEscalation: false".to_owned());
    }
    let capabilities = own.and_then(|own| own.get("capabilities"));
    let of = |key: &str| capabilities.map(|of| list(of, key)).unwrap_or_default();
    if !of("drop").iter().any(|one| one.as_str() == Some("ALL")) {
        all.push("capabilities.drop: [ALL]".to_owned());
    }
    if of("add").iter().any(|one| one.as_str() != Some(ADDED)) {
        all.push(format!("capabilities.add without more than {ADDED}"));
    }
    if truth(own, "runAsNonRoot").or(truth(whole, "runAsNonRoot")) != Some(true) {
        all.push("runAsNonRoot: true".to_owned());
    }
    if number(own, "runAsUser") == Some(0) {
        all.push("runAsUser other than 0".to_owned());
    }
    let profile = |of: Option<&'_ Value>| {
        of.and_then(|of| of.pointer("/seccompProfile/type")).and_then(Value::as_str).map(str::to_owned)
    };
    if !profile(own)
        .or(profile(whole))
        .is_some_and(|one| ["RuntimeDefault", "Localhost"].contains(&one.as_str()))
    {
        all.push("seccompProfile: {type: RuntimeDefault}".to_owned());
    }
    all
}

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn truth(of: Option<&Value>, key: &str) -> Option<bool> {
    of?.get(key)?.as_bool()
}

fn number(of: Option<&Value>, key: &str) -> Option<i64> {
    of?.get(key)?.as_i64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_is_asked_for_where_the_pod_or_the_container_may_say_it() {
        let right = json!({
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "volumes": [{ "name": "a", "emptyDir": {} }],
            "containers": [{ "name": "web", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"], "add": ["NET_BIND_SERVICE"] } } }],
        });
        assert_eq!(lacks(&right), [""; 0]);
        let with = |pointer: &str, value: Value| {
            let mut pod = right.clone();
            *pod.pointer_mut(pointer).unwrap() = value;
            lacks(&pod)
        };
        let of = |what: &str| [format!("containers[web].securityContext.{what}")];
        let own = "/containers/0/securityContext";
        assert_eq!(
            with(&format!("{own}/allowPrivilegeEscalation"), json!(null)),
            of("allowPrivilegeEscalation: false")
        );
        assert_eq!(
            with(&format!("{own}/capabilities/drop"), json!(["NET_RAW"])),
            of("capabilities.drop: [ALL]")
        );
        assert_eq!(
            with(&format!("{own}/capabilities/add"), json!(["SYS_TIME"])),
            of("capabilities.add without more than NET_BIND_SERVICE")
        );
        assert_eq!(with("/securityContext/runAsNonRoot", json!(false)), of("runAsNonRoot: true"));
        assert_eq!(
            with("/securityContext/seccompProfile/type", json!("Unconfined")),
            of("seccompProfile: {type: RuntimeDefault}")
        );
        assert_eq!(with("/volumes/0", json!({ "name": "a", "nfs": {} })), ["no volume of nfs"]);
        assert_eq!(
            with(
                "/securityContext",
                json!({ "runAsNonRoot": true, "runAsUser": 0, "seccompProfile": { "type": "Localhost" } })
            ),
            ["securityContext.runAsUser other than 0"]
        );
        // A container overrides its pod.
        let mut root = right.clone();
        root["containers"][0]["securityContext"]["runAsNonRoot"] = json!(false);
        assert_eq!(lacks(&root), of("runAsNonRoot: true"));
        let mut windows = with("/containers/0/securityContext", json!({}));
        assert_eq!(windows.len(), 2);
        let mut pod = right.clone();
        pod["containers"][0]["securityContext"] = json!({});
        pod["os"] = json!({ "name": "windows" });
        windows = lacks(&pod);
        assert_eq!(windows, [""; 0]);
    }
}
