//! Why pods do not get ready, in the words of the cluster: an image that cannot be pulled, a node that has no room.

use serde_json::Value;

use super::Progress;
use crate::compare::plain;
use crate::link::ApiLink;
use crate::provider::get;
use crate::provider::observe::list;

/// Reasons of a waiting container that mean no more than that it starts.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Reasons that no time mends (`kubelet`, `pkg/kubelet/images/types.go`).
const IN_VAIN: [&str; 2] = ["InvalidImageName", "ErrImageNeverPull"];

/// The most lines that are told of what a container wrote, the last ones.
const LINES: usize = 5;

/// The most characters of such a line.
const LONGEST_LINE: usize = 200;

/// The progress of a workload that waits, with what its pods say.
pub(super) async fn of_pods(link: &dyn ApiLink, workload: &Value, why: String) -> Progress {
    let pods = pods(link, workload).await;
    match pods.iter().find_map(cause) {
        Some((cause, true)) => Progress::Failed(cause),
        Some((cause, false)) => Progress::Waits(format!("{why}: {cause}")),
        None => Progress::Waits(why),
    }
}

/// The progress of a job that failed, with the end of what its last pod wrote. A pod of a job whose time was over is gone.
pub(super) async fn of_failed_job(link: &dyn ApiLink, job: &Value, why: String) -> Progress {
    let text = |of: &Value, pointer: &str| of.pointer(pointer).map(plain).unwrap_or_default();
    let mut failed = pods(link, job).await;
    failed.retain(|pod| text(pod, "/status/phase") == "Failed");
    failed.sort_by_key(|pod| text(pod, "/metadata/creationTimestamp"));
    let Some(pod) = failed.last() else { return Progress::Failed(why) };
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let ended = statuses.into_iter().flatten().find_map(|one| {
        let code = one.pointer("/state/terminated/exitCode").and_then(Value::as_i64)?;
        (code != 0).then(|| (text(one, "/name"), code))
    });
    let Some((container, code)) = ended else { return Progress::Failed(why) };
    let name = text(pod, "/metadata/name");
    let told = format!("{why}: container {container} of {name} ended with {code}");
    let path = format!(
        "/api/v1/namespaces/{}/pods/{name}/log?container={container}&tailLines={LINES}",
        text(job, "/metadata/namespace")
    );
    let said = match get(link, path).await {
        Ok(Some(Value::String(said))) => said,
        // One line that is JSON itself.
        Ok(Some(said)) => said.to_string(),
        Ok(None) | Err(_) => String::new(),
    };
    let lines: Vec<String> = said.lines().filter(|line| !line.trim().is_empty()).map(shown).collect();
    let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join(" | ");
    Progress::Failed(if last.is_empty() { told } else { format!("{told}: {last}") })
}

/// A line that a container wrote, without what moves a terminal's cursor.
fn shown(line: &str) -> String {
    let line: String = line.chars().filter(|one| !one.is_control()).take(LONGEST_LINE).collect();
    line.trim().to_owned()
}

/// The pods of a workload, by its selector.
async fn pods(link: &dyn ApiLink, workload: &Value) -> Vec<Value> {
    let text = |pointer: &str| workload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let labels = workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let labels: Vec<(&String, &Value)> = labels.into_iter().flatten().collect();
    if labels.is_empty() {
        return Vec::new();
    }
    let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
    let path = format!("/api/v1/namespaces/{}/pods", text("/metadata/namespace"));
    let mut pods = list(link, &path, Some(&selector.join(","))).await.unwrap_or_default();
    let is_of_it = |pod: &Value| {
        let own = pod.pointer("/metadata/labels");
        labels.iter().all(|(key, value)| own.and_then(|own| own.get(key.as_str())) == Some(*value))
    };
    pods.retain(is_of_it);
    pods
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
