//! Why pods do not get ready, in the words of the cluster: an image that cannot be pulled, a node that has no room.

use serde_json::Value;

use super::Progress;
use crate::compare::plain;
use crate::link::ApiLink;
use crate::provider::observe::list;

/// Reasons of a waiting container that mean no more than that it starts.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Reasons that no time mends (`kubelet`, `pkg/kubelet/images/types.go`).
const IN_VAIN: [&str; 2] = ["InvalidImageName", "ErrImageNeverPull"];

/// The progress of a workload that waits, with what its pods say.
pub(super) async fn of_pods(link: &dyn ApiLink, workload: &Value, why: String) -> Progress {
    let text = |pointer: &str| workload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let labels: Vec<(&String, &Value)> = labels.into_iter().flatten().collect();
    if labels.is_empty() {
        return Progress::Waits(why);
    }
    let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
    let path = format!("/api/v1/namespaces/{}/pods", text("/metadata/namespace"));
    let pods = list(link, &path, Some(&selector.join(","))).await.unwrap_or_default();
    let is_of_it = |pod: &&Value| {
        let own = pod.pointer("/metadata/labels");
        labels.iter().all(|(key, value)| own.and_then(|own| own.get(key.as_str())) == Some(*value))
    };
    let mut told = pods.iter().filter(is_of_it).filter_map(cause);
    match told.next() {
        Some((cause, true)) => Progress::Failed(cause),
        Some((cause, false)) => Progress::Waits(format!("{why}: {cause}")),
        None => Progress::Waits(why),
    }
}

/// Why a pod is not ready, and whether no time mends it.
fn cause(pod: &Value) -> Option<(String, bool)> {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = pod.pointer("/metadata/name").map(plain).unwrap_or_default();
    let of =
        |key: &str| pod.pointer(&format!("/status/{key}")).and_then(Value::as_array).into_iter().flatten();
    for container in of("initContainerStatuses").chain(of("containerStatuses")) {
        let Some(waiting) = container.pointer("/state/waiting") else { continue };
        let (reason, message) = (text(waiting, "reason"), text(waiting, "message"));
        if reason.is_empty() || STARTING.contains(&&*reason) {
            continue;
        }
        let message = if message.is_empty() { String::new() } else { format!(": {message}") };
        let told = format!("container {} of {name}: {reason}{message}", text(container, "name"));
        return Some((told, IN_VAIN.contains(&&*reason)));
    }
    let mut scheduled = of("conditions").filter(|condition| text(condition, "type") == "PodScheduled");
    let unscheduled = scheduled.find(|condition| text(condition, "reason") == "Unschedulable")?;
    Some((format!("{name}: {}", text(unscheduled, "message")), false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_cause_of_a_pod_is_told() {
        let pod = |status: Value| cause(&json!({ "metadata": { "name": "web-0" }, "status": status }));
        let waiting = |reason: &str| {
            let state = json!({ "waiting": { "reason": reason, "message": "so" } });
            pod(json!({ "containerStatuses": [{ "name": "web", "state": state }] }))
        };
        assert_eq!(waiting("ContainerCreating"), None);
        assert_eq!(
            waiting("ImagePullBackOff"),
            Some(("container web of web-0: ImagePullBackOff: so".to_owned(), false))
        );
        assert_eq!(waiting("InvalidImageName").map(|(_, is_in_vain)| is_in_vain), Some(true));
        let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node" });
        assert_eq!(pod(json!({ "conditions": [condition] })), Some(("web-0: no node".to_owned(), false)));
        assert_eq!(pod(json!({ "phase": "Running" })), None);
    }
}
