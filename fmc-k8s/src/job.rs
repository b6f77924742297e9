//! Workloads that run to an end: once, or by the clock.

use fmc_core::given::Given;
use fmc_core::k3s::value::Schedule;
use fmc_core::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::container::Container;
use crate::kind;
use crate::name::{NeededObject, ObjectName};
use crate::workload::{Workload, one, patience};

/// Pods that run to an end, once. The finished job stays as the record that it ran: only a change of its pods, as another image, runs it
/// again.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::Container;
/// use fmc_k8s::job::Job;
/// use fmc_k8s::quantity::CpuExt as _;
///
/// let container = Container::new("migrate", "registry.example.org/shop/migrate:1.4.2", 100.millicores(), 128.mib());
/// let migrate = Job::new("migrate", container).backoff_limit(2).active_deadline(600);
/// # drop(migrate);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub(crate) name: Given<ObjectName>,
    pub(crate) containers: Vec<Container>,
    /// The number of pods that must succeed: 1 if not said.
    #[serde(default = "one")]
    pub(crate) completions: u16,
    /// The number of pods that run at once: 1 if not said.
    #[serde(default = "one")]
    pub(crate) parallelism: u16,
    /// How many times a pod that failed is tried again: 6 if not said.
    #[serde(default = "tries")]
    pub(crate) backoff_limit: u16,
    /// How long it may run, with all tries, in seconds: without end if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) active_deadline: Option<u32>,
    /// Whether a new pod follows one that failed, or its containers start again: `never` if not said, which keeps the logs of each try.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) restart_policy: RestartPolicy,
    /// The priority class of its pods: of `priority_classes` of the platform, or one that every cluster has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Given<ObjectName>>,
    /// The rights of its pods at the cluster's API. Without them the pods have no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    /// Objects that are ready before it is made or changed, by kind and name, as `stateful-set/db`, or as `cluster.postgresql.cnpg.io/data/db` in another namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) needs: Vec<Given<NeededObject>>,
    /// How long an apply waits until it has run to its end, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

/// Jobs that start by the clock.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::container::Container;
/// use fmc_k8s::job::CronJob;
/// use fmc_k8s::quantity::CpuExt as _;
///
/// let container = Container::new("backup", "registry.example.org/shop/backup:1.0", 100.millicores(), 128.mib());
/// let backup = CronJob::new("backup", "10 3 * * *", container).time_zone("Europe/Madrid").active_deadline(3600);
/// # drop(backup);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CronJob {
    pub(crate) name: Given<ObjectName>,
    /// The times at which a job starts: five fields as in a crontab, with days of the week from 0 (Sunday) to 6 or by name; or a word as `@daily`.
    pub(crate) schedule: Given<Schedule>,
    /// The time zone of the schedule: UTC if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<Given<TimeZone>>,
    pub(crate) containers: Vec<Container>,
    /// What becomes of a job whose time comes while the last one runs: `forbid` if not said, which leaves it out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) concurrency_policy: ConcurrencyPolicy,
    /// How late a job may start, in seconds, as after a time without the cluster: however late if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) starting_deadline: Option<u32>,
    /// How many finished jobs are kept that succeeded: 3 if not said.
    #[serde(default = "succeeded")]
    pub(crate) successful_jobs_history_limit: u16,
    /// How many finished jobs are kept that failed: 1 if not said.
    #[serde(default = "one")]
    pub(crate) failed_jobs_history_limit: u16,
    /// Whether no job starts for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) suspend: bool,
    /// The number of pods of a job that must succeed: 1 if not said.
    #[serde(default = "one")]
    pub(crate) completions: u16,
    /// The number of pods of a job that run at once: 1 if not said.
    #[serde(default = "one")]
    pub(crate) parallelism: u16,
    /// How many times a pod that failed is tried again: 6 if not said.
    #[serde(default = "tries")]
    pub(crate) backoff_limit: u16,
    /// How long a job may run, with all tries, in seconds: without end if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) active_deadline: Option<u32>,
    /// Whether a new pod follows one that failed, or its containers start again: `never` if not said, which keeps the logs of each try.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) restart_policy: RestartPolicy,
    /// The priority class of its pods: of `priority_classes` of the platform, or one that every cluster has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Given<ObjectName>>,
    /// The rights of its pods at the cluster's API. Without them the pods have no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Account>,
    /// Objects that are ready before it is made or changed, by kind and name, as `stateful-set/db`, or as `cluster.postgresql.cnpg.io/data/db` in another namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) needs: Vec<Given<NeededObject>>,
}

/// What follows when a container of a job fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestartPolicy {
    /// A new pod; the one that failed stays with its logs.
    #[default]
    Never,
    /// The container starts again in its pod, and the logs of earlier tries are lost.
    OnFailure,
}

/// What becomes of a job whose time comes while the last one of its schedule runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConcurrencyPolicy {
    /// Both run.
    Allow,
    /// The new one does not start.
    #[default]
    Forbid,
    /// The last one is ended, and the new one starts.
    Replace,
}

/// How jobs run, as a job and one by the clock say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) completions: u16,
    pub(crate) parallelism: u16,
    pub(crate) backoff_limit: u16,
    pub(crate) active_deadline: Option<u32>,
    pub(crate) restart_policy: RestartPolicy,
}

/// The tries after the first one (`SetDefaults_Job` of Kubernetes).
const fn tries() -> u16 {
    6
}

/// The finished jobs that are kept (`SetDefaults_CronJob` of Kubernetes).
const fn succeeded() -> u16 {
    3
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Job {
    /// One pod with one container.
    pub fn new(name: impl Into<Given<ObjectName>>, container: Container) -> Self {
        Self {
            name: name.into(),
            containers: vec![container],
            completions: one(),
            parallelism: one(),
            backoff_limit: tries(),
            active_deadline: None,
            restart_policy: RestartPolicy::default(),
            priority: None,
            account: None,
            needs: Vec::new(),
            ready_within: patience(),
        }
    }

    /// How long an apply waits until it has run to its end, in seconds; 0 for not at all.
    #[must_use]
    pub fn ready_within(self, seconds: u32) -> Self {
        Self { ready_within: seconds, ..self }
    }
}

impl CronJob {
    /// Jobs of one pod with one container, at the times of a schedule, as `10 3 * * *`, in UTC.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        schedule: impl Into<Given<Schedule>>,
        container: Container,
    ) -> Self {
        Self {
            name: name.into(),
            schedule: schedule.into(),
            time_zone: None,
            containers: vec![container],
            concurrency_policy: ConcurrencyPolicy::default(),
            starting_deadline: None,
            successful_jobs_history_limit: succeeded(),
            failed_jobs_history_limit: one(),
            suspend: false,
            completions: one(),
            parallelism: one(),
            backoff_limit: tries(),
            active_deadline: None,
            restart_policy: RestartPolicy::default(),
            priority: None,
            account: None,
            needs: Vec::new(),
        }
    }

    /// The time zone of the schedule, as `Europe/Madrid`.
    #[must_use]
    pub fn time_zone(self, zone: impl Into<Given<TimeZone>>) -> Self {
        Self { time_zone: Some(zone.into()), ..self }
    }

    /// What becomes of a job whose time comes while the last one runs.
    #[must_use]
    pub fn concurrency_policy(self, policy: ConcurrencyPolicy) -> Self {
        Self { concurrency_policy: policy, ..self }
    }

    /// How late a job may start, in seconds: at least 10.
    #[must_use]
    pub fn starting_deadline(self, seconds: u32) -> Self {
        Self { starting_deadline: Some(seconds), ..self }
    }

    /// How many finished jobs are kept that succeeded, and that failed.
    #[must_use]
    pub fn history_limits(self, successful: u16, failed: u16) -> Self {
        Self { successful_jobs_history_limit: successful, failed_jobs_history_limit: failed, ..self }
    }

    /// No job starts for now.
    #[must_use]
    pub fn suspend(self) -> Self {
        Self { suspend: true, ..self }
    }
}

/// Writes what a job and one by the clock have alike.
macro_rules! runs {
    ($($job:ident $kind:ident),+) => {
        $(
            impl $job {
                /// A further container in each pod.
                #[must_use]
                pub fn container(mut self, container: Container) -> Self {
                    self.containers.push(container);
                    self
                }

                /// The number of pods that must succeed.
                #[must_use]
                pub fn completions(self, completions: u16) -> Self {
                    Self { completions, ..self }
                }

                /// The number of pods that run at once.
                #[must_use]
                pub fn parallelism(self, parallelism: u16) -> Self {
                    Self { parallelism, ..self }
                }

                /// How many times a pod that failed is tried again.
                #[must_use]
                pub fn backoff_limit(self, tries: u16) -> Self {
                    Self { backoff_limit: tries, ..self }
                }

                /// How long it may run, with all tries, in seconds.
                #[must_use]
                pub fn active_deadline(self, seconds: u32) -> Self {
                    Self { active_deadline: Some(seconds), ..self }
                }

                /// What follows when a container fails.
                #[must_use]
                pub fn restart_policy(self, policy: RestartPolicy) -> Self {
                    Self { restart_policy: policy, ..self }
                }

                /// The priority class of its pods.
                #[must_use]
                pub fn priority(self, class: impl Into<Given<ObjectName>>) -> Self {
                    Self { priority: Some(class.into()), ..self }
                }

                /// The rights of its pods at the cluster's API.
                #[must_use]
                pub fn account(self, account: Account) -> Self {
                    Self { account: Some(account), ..self }
                }

                /// An object of its namespace that is ready before it is made or changed, by kind and name, as `stateful-set/db`.
                #[must_use]
                pub fn needs(mut self, object: impl Into<Given<NeededObject>>) -> Self {
                    self.needs.push(object.into());
                    self
                }

                pub(crate) fn runs(&self) -> Runs {
                    let Self { completions, parallelism, backoff_limit, active_deadline, restart_policy, .. } = *self;
                    Runs { completions, parallelism, backoff_limit, active_deadline, restart_policy }
                }
            }

            impl<'a> From<&'a $job> for Workload<'a> {
                fn from(of: &'a $job) -> Self {
                    Self {
                        name: &of.name,
                        kind: &kind::$kind,
                        replicas: of.parallelism.min(of.completions),
                        containers: &of.containers,
                        expose: &[],
                        claims: &[],
                        on_servers: false,
                        priority: of.priority.as_ref(),
                        account: of.account.as_ref(),
                        label: None,
                        needs: &of.needs,
                        is_service: false,
                    }
                }
            }
        )+
    };
}

runs!(Job JOB, CronJob CRON_JOB);
