//! The rules that fmc brings.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Serialize)]
struct Groups {
    groups: [Group; 2],
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    alert: &'static str,
    expr: &'static str,
    #[serde(rename = "for")]
    lasts: &'static str,
    labels: BTreeMap<&'static str, &'static str>,
    annotations: BTreeMap<&'static str, &'static str>,
}

fn rule(
    alert: &'static str,
    severity: &'static str,
    lasts: &'static str,
    expr: &'static str,
    summary: &'static str,
) -> Rule {
    let (labels, annotations) = ([("severity", severity)].into(), [("summary", summary)].into());
    Rule { alert, expr, lasts, labels, annotations }
}

/// The rules for machines, by the names of node exporter 1.x and Alertmanager 0.x, and those for what runs in the cluster.
pub(super) fn standard() -> String {
    let groups =
        [Group { name: "fmc", rules: of_machines() }, Group { name: "fmc-cluster", rules: of_the_cluster() }];
    serde_saphyr::to_string(&Groups { groups }).unwrap_or_default()
}

fn of_machines() -> Vec<Rule> {
    vec![
        rule(
            "DoesNotAnswer",
            "critical",
            "5m",
            "up == 0",
            "{{ $labels.job }} {{ $labels.instance }} has not answered for five minutes",
        ),
        rule(
            "DiskAlmostFull",
            "warning",
            "15m",
            "node_filesystem_avail_bytes{fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660\"} / node_filesystem_size_bytes < 0.1 \
             and node_filesystem_readonly == 0",
            "{{ $labels.mountpoint }} of {{ $labels.machine }} has less than a tenth left",
        ),
        rule(
            "LittleMemory",
            "warning",
            "15m",
            "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.05",
            "{{ $labels.machine }} has less than a twentieth of its memory left",
        ),
        rule(
            "ClockNotInStep",
            "warning",
            "15m",
            "node_timex_sync_status == 0 and abs(node_timex_offset_seconds) > 0.1",
            "nothing sets the clock of {{ $labels.machine }}, which is off",
        ),
        // One receiver does not hear of it. The others do.
        rule(
            "NotificationFails",
            "warning",
            "5m",
            "increase(alertmanager_notifications_failed_total[15m]) > 0",
            "{{ $labels.namespace }}/{{ $labels.workload }} could not tell a receiver by {{ $labels.integration }}",
        ),
    ]
}

/// By the names of kubelets, and of kube-state-metrics 2.x where a platform has one. Without measurements a rule says nothing.
fn of_the_cluster() -> Vec<Rule> {
    vec![
        rule(
            "VolumeAlmostFull",
            "warning",
            "15m",
            "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.1",
            "the volume {{ $labels.persistentvolumeclaim }} of {{ $labels.namespace }} has less than a tenth left",
        ),
        rule(
            "NodeNotReady",
            "critical",
            "5m",
            "kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 0",
            "the node {{ $labels.node }} has not been ready for five minutes",
        ),
        rule(
            "PodsNotReady",
            "warning",
            "15m",
            "kube_deployment_status_replicas_unavailable > 0",
            "{{ $labels.deployment }} of {{ $labels.namespace }} has pods that are not ready",
        ),
        rule(
            "PodsOfSetNotReady",
            "warning",
            "15m",
            "kube_statefulset_replicas - kube_statefulset_status_replicas_ready > 0",
            "{{ $labels.statefulset }} of {{ $labels.namespace }} has pods that are not ready",
        ),
        rule(
            "StartsAgainAndAgain",
            "warning",
            "5m",
            "increase(kube_pod_container_status_restarts_total[15m]) > 3",
            "{{ $labels.container }} of {{ $labels.namespace }}/{{ $labels.pod }} starts again and again",
        ),
        rule(
            "PodWaits",
            "warning",
            "15m",
            "kube_pod_status_phase{phase=\"Pending\"} == 1",
            "{{ $labels.namespace }}/{{ $labels.pod }} has waited for fifteen minutes to be placed or to start",
        ),
    ]
}
