//! A namespace with its services as the workloads that they are, as the rules, the budget and the compile see it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Namespace;
use crate::connection::Connection;
use crate::operated::Operated;
use crate::prometheus;
use crate::prometheus::config::Scrapes;
use crate::redis::Lowered;
use crate::stateful::Stateful;
use crate::workload::Workload;

/// The workloads and connections that follow from services. They stand behind those that a person wrote.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Services {
    deployments: Vec<String>,
    stateful_sets: Vec<String>,
    /// Those whose pods an operator makes, each with its path.
    pub(super) operated: Vec<(String, Operated)>,
    /// The number of connections that follow from services, the last ones.
    connections: usize,
}

impl Namespace {
    /// The namespace with its services as the workloads that they are. What a Prometheus asks is given, since it is of all namespaces
    /// and of the cloud.
    pub(crate) fn lowered(&self, scrapes: &Scrapes) -> Cow<'_, Self> {
        let redis = self.redis.iter().enumerate().map(|(at, one)| (format!("redis[{at}]"), one.lowered()));
        let prometheus = self.prometheus.iter().enumerate();
        let prometheus = prometheus
            .map(|(at, one)| (format!("prometheus[{at}]"), Lowered::Stateful(one.lowered(scrapes))));
        let alertmanager = self.alertmanager.iter().enumerate();
        let alertmanager = alertmanager.map(|(at, one)| (format!("alertmanager[{at}]"), one.lowered()));
        let states = self.kube_state_metrics.iter().enumerate();
        let states =
            states.map(|(at, one)| (format!("kube_state_metrics[{at}]"), Lowered::Deployment(one.lowered())));
        let jenkins = self.jenkins.iter().enumerate();
        let jenkins =
            jenkins.map(|(at, one)| (format!("jenkins[{at}]"), Lowered::Stateful(one.lowered(&self.name))));
        let grafana = self.grafana.iter().enumerate();
        let grafana = grafana.map(|(at, one)| (format!("grafana[{at}]"), one.lowered()));
        let mut lowered = Cow::Borrowed(self);
        for (path, service) in
            redis.chain(prometheus).chain(alertmanager).chain(states).chain(jenkins).chain(grafana)
        {
            let all = lowered.to_mut();
            match service {
                Lowered::Deployment(deployment) => {
                    all.deployments.push(deployment);
                    all.services.deployments.push(path);
                }
                Lowered::Stateful(set) => {
                    all.stateful_sets.push(set);
                    all.services.stateful_sets.push(path);
                }
            }
        }
        let postgres = self.postgres.iter().enumerate();
        let postgres = postgres.map(|(at, one)| (format!("postgres[{at}]"), one.lowered()));
        let kafka = self.kafka.iter().enumerate();
        let kafka = kafka.map(|(at, one)| (format!("kafka[{at}]"), one.lowered()));
        for operated in postgres.chain(kafka) {
            lowered.to_mut().services.operated.push(operated);
        }
        for follows in self.follow(&lowered) {
            let all = lowered.to_mut();
            if !all.connections.contains(&follows) {
                all.connections.push(follows);
                all.services.connections += 1;
            }
        }
        lowered
    }

    /// The connections that follow from its services. `lowered` has the workloads that these became.
    fn follow(&self, lowered: &Self) -> Vec<Connection> {
        let shown = self.grafana.iter().map(|grafana| Connection {
            from: grafana.name.clone(),
            to: grafana.prometheus.clone(),
            port: prometheus::PORT.0.into(),
        });
        let workloads = lowered.workloads();
        let told = self.alertmanager.iter().flat_map(|one| one.workloads().map(move |to| (one, to)));
        let told = told.filter_map(|(from, to)| {
            let (_, answers) = workloads.iter().find(|(_, one)| *one.name == to.name)?;
            let exposed = answers.expose.iter().find(|exposed| exposed.port == to.port)?;
            Some(Connection { from: from.name.clone(), to: to.name.clone(), port: exposed.to.clone() })
        });
        shown.chain(told).collect()
    }

    /// The same, where it does not matter what a Prometheus asks.
    pub(crate) fn with_services(&self) -> Cow<'_, Self> {
        self.lowered(&Scrapes::default())
    }

    /// The connections that a person wrote.
    pub(crate) fn own_connections(&self) -> &[Connection] {
        let own = self.connections.len().saturating_sub(self.services.connections);
        self.connections.get(..own).unwrap_or_default()
    }

    /// Its workloads of every kind, each with its path.
    pub(crate) fn workloads(&self) -> Vec<(String, Workload<'_>)> {
        let (all, services) = (&self.deployments, &self.services.deployments);
        let own = all.len().saturating_sub(services.len());
        let paths = (0..own).map(|index| format!("deployments[{index}]")).chain(services.iter().cloned());
        let deployments = paths.zip(all).map(|(path, one)| {
            let is_service = services.contains(&path);
            (path, Workload { is_service, ..one.into() })
        });
        let sets = self.own_sets().map(|(path, one)| {
            let is_service = self.services.stateful_sets.contains(&path);
            (path, Workload { is_service, ..one.into() })
        });
        let daemon_sets = self.daemon_sets.iter().enumerate();
        let daemon_sets = daemon_sets.map(|(at, one)| (format!("daemon_sets[{at}]"), one.into()));
        let jobs = self.jobs.iter().enumerate().map(|(at, one)| (format!("jobs[{at}]"), one.into()));
        let cron_jobs = self.cron_jobs.iter().enumerate();
        let cron_jobs = cron_jobs.map(|(at, one)| (format!("cron_jobs[{at}]"), one.into()));
        let operated = self.operated().map(|(path, one)| (path.to_owned(), one.workload()));
        deployments.chain(sets).chain(daemon_sets).chain(jobs).chain(cron_jobs).chain(operated).collect()
    }

    /// Its workloads by name; the first of several with one name, which is a finding.
    pub(crate) fn by_name(&self) -> BTreeMap<String, Workload<'_>> {
        self.workloads().into_iter().rev().map(|(_, one)| (one.name.to_string(), one)).collect()
    }

    /// Whether a set stands at the path of a service.
    pub(crate) fn is_service(&self, path: &str) -> bool {
        let operated = self.services.operated.iter().map(|(service, _)| service);
        self.services.stateful_sets.iter().chain(operated).any(|service| service == path)
    }

    /// Its workloads that keep data, each with its path.
    pub(crate) fn sets(&self) -> Vec<(String, &Stateful)> {
        let operated = self.operated().map(|(path, one)| (path.to_owned(), &one.pods));
        self.own_sets().chain(operated).collect()
    }

    /// The sets of these, which fmc makes itself.
    fn own_sets(&self) -> impl Iterator<Item = (String, &Stateful)> {
        let (all, services) = (&self.stateful_sets, &self.services.stateful_sets);
        let own = all.len().saturating_sub(services.len());
        let paths = (0..own).map(|index| format!("stateful_sets[{index}]")).chain(services.iter().cloned());
        paths.zip(all)
    }

    /// Its workloads whose pods an operator makes, each with its path.
    pub(crate) fn operated(&self) -> impl Iterator<Item = (&str, &Operated)> {
        self.services.operated.iter().map(|(path, one)| (path.as_str(), one))
    }
}
