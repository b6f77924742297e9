//! The objects of workloads that run to an end.

use fmc_core::tz::TimeZone;
use k8s_openapi::api::batch::v1 as batch;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{metadata, pod, pods, starts_with};
use crate::job::{ConcurrencyPolicy, CronJob, Job, RestartPolicy, Runs};
use crate::workload::Workload;

/// The job. It has no time after which the cluster deletes it: a finished one is the record that it ran.
pub(super) fn job(of: &Job, namespace: &str) -> batch::Job {
    batch::Job {
        metadata: metadata(&of.name, namespace),
        spec: Some(spec(&of.into(), of.runs())),
        ..batch::Job::default()
    }
}

/// The jobs of a schedule.
pub(super) fn cron_job(of: &CronJob, namespace: &str) -> batch::CronJob {
    let zone = of.time_zone.as_ref().and_then(|zone| zone.ok().copied()).unwrap_or(TimeZone::UTC);
    let policy = match of.concurrency_policy {
        ConcurrencyPolicy::Allow => "Allow",
        ConcurrencyPolicy::Forbid => "Forbid",
        ConcurrencyPolicy::Replace => "Replace",
    };
    batch::CronJob {
        metadata: metadata(&of.name, namespace),
        spec: batch::CronJobSpec {
            schedule: of.schedule.to_string(),
            time_zone: Some(zone.to_string()),
            concurrency_policy: Some(policy.to_owned()),
            starting_deadline_seconds: of.starting_deadline.map(Into::into),
            successful_jobs_history_limit: Some(of.successful_jobs_history_limit.into()),
            failed_jobs_history_limit: Some(of.failed_jobs_history_limit.into()),
            suspend: Some(of.suspend),
            job_template: batch::JobTemplateSpec { metadata: None, spec: Some(spec(&of.into(), of.runs())) },
        },
        ..batch::CronJob::default()
    }
}

fn spec(workload: &Workload<'_>, runs: Runs) -> batch::JobSpec {
    let restarts = match runs.restart_policy {
        RestartPolicy::Never => "Never",
        RestartPolicy::OnFailure => "OnFailure",
    };
    batch::JobSpec {
        completions: Some(runs.completions.into()),
        parallelism: Some(runs.parallelism.into()),
        backoff_limit: Some(runs.backoff_limit.into()),
        active_deadline_seconds: runs.active_deadline.map(Into::into),
        template: core::PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(pods(workload.name)),
                annotations: starts_with(workload.containers),
                ..ObjectMeta::default()
            }),
            spec: Some(core::PodSpec { restart_policy: Some(restarts.to_owned()), ..pod::spec(workload) }),
        },
        ..batch::JobSpec::default()
    }
}
