//! The rules that fmc brings.

use std::collections::BTreeMap;

use serde::Serialize;

#[derive(Serialize)]
struct Groups {
    groups: [Group; 1],
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

/// What every cloud wants to know, by the names of node exporter 1.x.
pub(super) fn standard() -> String {
    let rules = vec![
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
    ];
    serde_saphyr::to_string(&Groups { groups: [Group { name: "fmc", rules }] }).unwrap_or_default()
}
