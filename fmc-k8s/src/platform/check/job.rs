//! The rules of workloads that run to an end.

use fmc_core::role::RoleFindings;

use super::optional;
use super::value::{MOST_REPLICAS, wrong};
use crate::job::Runs;
use crate::platform::Namespace;
use crate::workload::Workload;

/// The longest name of jobs by the clock: the time of each job follows it (`ValidateCronJobCreate` of Kubernetes).
const LONGEST_NAME: usize = 52;

/// The shortest time after which a late job does not start: their controller looks every ten seconds (*CronJob limitations*).
const SHORTEST_LATE: u32 = 10;

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, of) in namespace.cron_jobs.iter().enumerate() {
        findings.part(&format!("cron_jobs[{index}]"), |findings| {
            findings.leaf("schedule", &of.schedule);
            optional("time_zone", of.time_zone.as_ref(), findings);
        });
    }
}

/// The jobs by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, of) in namespace.jobs.iter().enumerate() {
        findings.part(&format!("jobs[{index}]"), |findings| runs(of.into(), of.runs(), findings));
    }
    for (index, of) in namespace.cron_jobs.iter().enumerate() {
        findings.part(&format!("cron_jobs[{index}]"), |findings| {
            runs(of.into(), of.runs(), findings);
            let name = of.name.ok().map(ToString::to_string).unwrap_or_default();
            if name.len() > LONGEST_NAME {
                let message =
                    format!("{name} has {} characters, and its jobs have more in theirs", name.len());
                wrong("name", findings, message, format!("name it in at most {LONGEST_NAME}"));
            }
            if of.starting_deadline.is_some_and(|seconds| seconds < SHORTEST_LATE) {
                let message =
                    format!("a job may never start: they are looked for every {SHORTEST_LATE} seconds");
                wrong("starting_deadline", findings, message, format!("say at least {SHORTEST_LATE}"));
            }
        });
    }
}

fn runs(workload: Workload<'_>, runs: Runs, findings: &mut RoleFindings<'_>) {
    for (key, number) in [("completions", runs.completions), ("parallelism", runs.parallelism)] {
        if number == 0 {
            wrong(key, findings, "it would never run", "say at least 1");
        } else if number > MOST_REPLICAS {
            let message = format!("{number} pods are more than a cluster takes");
            wrong(key, findings, message, format!("say at most {MOST_REPLICAS}"));
        }
    }
    if runs.active_deadline == Some(0) {
        wrong("active_deadline", findings, "it would be ended before it runs", "say at least 1 second");
    }
    for (index, container) in workload.containers.iter().enumerate() {
        if container.metrics.is_some() {
            let message = format!("{} ends, and no Prometheus asks it then", workload.name);
            let help = "leave it out, and let the program send its measurements";
            wrong(&format!("containers[{index}].metrics"), findings, message, help);
        }
    }
}
