//! From a platform to manifests: pure, sorted, the same bytes each time.

mod account;
mod autoscale;
mod between;
mod ceph;
pub(crate) mod daemon;
mod gateway;
mod ingress;
mod jenkins;
mod job;
mod machine_name;
mod network;
pub(crate) mod operated;
pub(crate) mod operator;
mod outside;
mod overlay;
mod pod;
mod quota;
pub(crate) mod raw;
mod scrape;
mod secret;
mod stateful;
mod surroundings;
pub(crate) mod traefik;

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::given::Given;
use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::policy::v1 as policy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::config_map::CONFIGS;
use crate::container::{Container, MountSource};
use crate::manifest::{APP, Manifest};
use crate::name::{NeededObject, ObjectName};
use crate::platform::{Namespace, Platform};
use crate::secret::GENERATIONS;
use crate::workload::{Deployment, Workload};
use surroundings::Surroundings;

impl Platform {
    /// Its manifests, in the order in which a person reads them, without the machines of a cloud: a Prometheus then asks the workloads
    /// alone.
    pub fn manifests(&self) -> Vec<Manifest> {
        self.with(&Surroundings::of(self, None), None)
    }

    /// Its manifests in a cloud, in the order in which a person reads them.
    pub fn manifests_in(&self, cloud: &Checked) -> Vec<Manifest> {
        self.with(&Surroundings::of(self, Some(cloud)), Some(cloud))
    }

    fn with(&self, surroundings: &Surroundings<'_>, cloud: Option<&Checked>) -> Vec<Manifest> {
        let lowered = self.namespaces.iter().map(|one| self.pinned(one.lowered(&surroundings.scrapes)));
        let namespaces = lowered.flat_map(|one| namespace(&one, surroundings));
        let operators = operator::manifests(self);
        let objects = self.objects.iter().filter_map(|object| raw::manifest(object.0.clone()));
        let classes = self.priority_classes.iter().filter_map(|class| manifest(&quota::class(class)));
        let ceph = ceph::manifests(self, cloud, &surroundings.operators);
        let traefik = traefik::manifests(self);
        overlay::apply(
            &self.overlays,
            classes
                .chain(namespaces)
                .chain(operators)
                .chain(ceph)
                .chain(traefik)
                .chain(gateway::class(self))
                .chain(objects)
                .collect(),
        )
    }
}

fn namespace(namespace: &Namespace, surroundings: &Surroundings<'_>) -> Vec<Manifest> {
    let name = namespace.name.to_string();
    let mut all = vec![manifest(&core::Namespace {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some(admitted(namespace)),
            ..ObjectMeta::default()
        },
        ..core::Namespace::default()
    })];
    all.extend(network::policies(namespace, &surroundings.gateways).iter().map(manifest));
    all.extend(surroundings.between.policies(&name).iter().map(manifest));
    all.extend(scrape::policies(namespace, &surroundings.scrapes, &surroundings.asking).iter().map(manifest));
    all.extend(jenkins::policies(namespace).iter().map(manifest));
    all.extend(outside::policies(namespace, &surroundings.outside).iter().map(manifest));
    all.extend(machine_name::objects(namespace, &surroundings.outside).into_iter().map(Some));
    all.extend(quota::objects(namespace));
    all.extend(configs(namespace).iter().map(manifest));
    all.extend(secret::manifests(namespace).into_iter().map(Some));
    all.extend(namespace.ingresses.iter().filter_map(|one| secret::of_ingress(one, &name)).map(Some));
    all.extend(namespace.gateways.iter().flat_map(|one| secret::of_gateway(one, &name)).map(Some));
    for deployment in &namespace.deployments {
        let mut main = manifest(&of_deployment(deployment, &name));
        if let Some(main) = &mut main {
            main.ready_within = Some(deployment.ready_within.into()).filter(|seconds| *seconds > 0);
            main.needs = needs(&deployment.needs, &name);
        }
        let workload = Workload::from(deployment);
        all.extend(account::objects(workload, &name, &surroundings.api).into_iter().map(Some));
        all.push(main);
        all.extend(workload.is_measured().then(|| manifest(&stateful::names(workload, &name))));
        all.extend(around(workload, deployment.is_autoscaled(), &name));
        all.extend(
            deployment.autoscale.as_ref().map(|scale| manifest(&autoscale::object(deployment, scale, &name))),
        );
    }
    for set in &namespace.stateful_sets {
        let mut main = manifest(&stateful::set(set, &name));
        if let Some(main) = &mut main {
            main.ready_within = Some(set.ready_within.into()).filter(|seconds| *seconds > 0);
            main.needs = needs(&set.needs, &name);
        }
        all.extend(account::objects(set.into(), &name, &surroundings.api).into_iter().map(Some));
        all.extend([main, manifest(&stateful::names(set.into(), &name))]);
        all.extend(around(set.into(), false, &name));
    }
    for set in &namespace.daemon_sets {
        let workload = Workload::from(set);
        let mut main = manifest(&daemon::set(set, &name));
        if let Some(main) = &mut main {
            main.ready_within = Some(set.ready_within.into()).filter(|seconds| *seconds > 0);
            main.needs = needs(&set.needs, &name);
        }
        all.extend(account::objects(workload, &name, &surroundings.api).into_iter().map(Some));
        all.push(main);
        all.extend(workload.is_measured().then(|| manifest(&stateful::names(workload, &name))));
        all.extend((!set.expose.is_empty()).then(|| manifest(&service(workload, &name))));
    }
    for one in &namespace.jobs {
        let mut main = manifest(&job::job(one, &name));
        if let Some(main) = &mut main {
            main.ready_within = Some(one.ready_within.into()).filter(|seconds| *seconds > 0);
            main.needs = needs(&one.needs, &name);
        }
        all.extend(account::objects(one.into(), &name, &surroundings.api).into_iter().map(Some));
        all.push(main);
    }
    for one in &namespace.cron_jobs {
        let mut main = manifest(&job::cron_job(one, &name));
        if let Some(main) = &mut main {
            main.needs = needs(&one.needs, &name);
        }
        all.extend(account::objects(one.into(), &name, &surroundings.api).into_iter().map(Some));
        all.push(main);
    }
    all.extend(
        namespace
            .operated()
            .flat_map(|(_, one)| operated::objects(one, namespace, surroundings).into_iter().map(Some)),
    );
    all.extend(namespace.ingresses.iter().map(|one| manifest(&ingress::object(one, &name))));
    let gateways = &surroundings.gateways;
    all.extend(namespace.gateways.iter().map(|one| gateway::gateway(one, &name, gateways)));
    all.extend(namespace.http_routes.iter().map(|one| gateway::route(one, &name, gateways)));
    all.extend(namespace.objects.iter().map(|object| raw::manifest(object.within(&name))));
    all.into_iter().flatten().collect()
}

/// The objects that a workload needs, by their names in plans.
fn needs(needed: &[Given<NeededObject>], namespace: &str) -> Vec<String> {
    let needed = needed.iter().filter_map(Given::ok);
    needed.map(|one| one.within(namespace)).collect()
}

/// The names of the policies of a namespace that follow from its services, measurements and accounts.
pub(crate) fn policy_names(namespace: &Namespace) -> Vec<String> {
    let names = scrape::names(namespace).into_iter().chain(account::policy_names(namespace));
    let names = names.chain(outside::names(namespace)).chain(jenkins::names(namespace));
    names.chain(operated::policy_names(namespace)).collect()
}

/// The disruption budget and the service of a workload, where it needs them.
fn around(workload: Workload<'_>, is_autoscaled: bool, namespace: &str) -> [Option<Manifest>; 2] {
    [
        (workload.replicas > 1 || is_autoscaled).then(|| manifest(&budget(workload, namespace))).flatten(),
        (!workload.expose.is_empty()).then(|| manifest(&service(workload, namespace))).flatten(),
    ]
}

/// The manifest of an object of a kind that the table has, with a name and a namespace.
fn manifest(object: &impl serde::Serialize) -> Option<Manifest> {
    Manifest::of(object).ok()
}

/// The standard `restricted`, enforced, and said to whoever breaks it (*Pod Security Admission*).
fn restricted() -> BTreeMap<String, String> {
    ["enforce", "warn", "audit"]
        .map(|mode| (format!("pod-security.kubernetes.io/{mode}"), "restricted".to_owned()))
        .into()
}

/// The standard of a namespace's pods: only `privileged` lets pods have folders of their node.
fn admitted(namespace: &Namespace) -> BTreeMap<String, String> {
    let mut labels = restricted();
    let workloads = namespace.workloads();
    let mounts = workloads.iter().flat_map(|(_, one)| one.containers).flat_map(|one| &one.mounts);
    if mounts.into_iter().any(|mount| matches!(mount.from, MountSource::HostPath(_))) {
        for mode in ["enforce", "warn"] {
            labels.insert(format!("pod-security.kubernetes.io/{mode}"), "privileged".to_owned());
        }
    }
    labels
}

fn metadata(name: &Given<ObjectName>, namespace: &str) -> ObjectMeta {
    let name = name.to_string();
    ObjectMeta {
        labels: Some([(APP.to_owned(), name.clone())].into()),
        name: Some(name),
        namespace: Some(namespace.to_owned()),
        ..ObjectMeta::default()
    }
}

/// The annotations of pods that start again when a secret or a text of theirs changes.
fn starts_with(containers: &[Container]) -> Option<BTreeMap<String, String>> {
    let mounts = containers.iter().flat_map(|container| &container.mounts);
    let configs: BTreeSet<String> = mounts
        .filter_map(|mount| match &mount.from {
            MountSource::Config(config) => Some(config.version()),
            MountSource::Scratch(_)
            | MountSource::Secrets(_)
            | MountSource::Claim(_)
            | MountSource::HostPath(_) => None,
        })
        .collect();
    let configs = Vec::from_iter(configs);
    let configs = (!configs.is_empty()).then(|| (CONFIGS.to_owned(), configs.join(" ")));
    let generations = secret::generations(containers).map(|all| (GENERATIONS.to_owned(), all));
    let all: BTreeMap<String, String> = configs.into_iter().chain(generations).collect();
    (!all.is_empty()).then_some(all)
}

/// The labels of a workload's pods.
fn pods(name: &Given<ObjectName>) -> BTreeMap<String, String> {
    [(APP.to_owned(), name.to_string())].into()
}

fn selector(name: &Given<ObjectName>) -> LabelSelector {
    LabelSelector { match_labels: Some(pods(name)), ..LabelSelector::default() }
}

impl Workload<'_> {
    /// The labels by which its pods are known.
    fn labels(&self) -> BTreeMap<String, String> {
        match self.label {
            Some((key, value)) => [(key.to_owned(), value.to_owned())].into(),
            None => pods(self.name),
        }
    }

    /// The selector of its pods.
    fn selector(&self) -> LabelSelector {
        LabelSelector { match_labels: Some(self.labels()), ..LabelSelector::default() }
    }
}

/// The texts that containers mount, each name once.
fn configs(namespace: &Namespace) -> Vec<core::ConfigMap> {
    let workloads = namespace.workloads();
    let containers = workloads.iter().flat_map(|(_, workload)| workload.containers);
    let mounts = containers.flat_map(|container| &container.mounts);
    let configs: BTreeMap<String, core::ConfigMap> = mounts
        .filter_map(|mount| match &mount.from {
            MountSource::Config(config) => Some(config),
            MountSource::Scratch(_)
            | MountSource::Secrets(_)
            | MountSource::Claim(_)
            | MountSource::HostPath(_) => None,
        })
        .map(|config| {
            let map = core::ConfigMap {
                metadata: metadata(&config.name, &namespace.name.to_string()),
                data: Some(config.files.clone()),
                ..core::ConfigMap::default()
            };
            (config.name.to_string(), map)
        })
        .collect();
    configs.into_values().collect()
}

fn of_deployment(deployment: &Deployment, namespace: &str) -> apps::Deployment {
    apps::Deployment {
        metadata: metadata(&deployment.name, namespace),
        spec: Some(apps::DeploymentSpec {
            replicas: (!deployment.is_autoscaled()).then(|| deployment.replicas.into()),
            selector: selector(&deployment.name),
            template: core::PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(pods(&deployment.name)),
                    annotations: starts_with(&deployment.containers),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod::spec(&deployment.into())),
            },
            ..apps::DeploymentSpec::default()
        }),
        ..apps::Deployment::default()
    }
}

/// An eviction takes one pod at a time.
fn budget(workload: Workload<'_>, namespace: &str) -> policy::PodDisruptionBudget {
    policy::PodDisruptionBudget {
        metadata: metadata(workload.name, namespace),
        spec: Some(policy::PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector(workload.name)),
            ..policy::PodDisruptionBudgetSpec::default()
        }),
        ..policy::PodDisruptionBudget::default()
    }
}

fn service(workload: Workload<'_>, namespace: &str) -> core::Service {
    let mut taken = BTreeSet::new();
    let ports = workload.expose.iter().map(|exposed| core::ServicePort {
        // Two ports of a name that lead to one port of a container have two names.
        name: Some(match exposed.to.to_string() {
            name if taken.insert(name.clone()) => name,
            name => {
                let name = format!("{name}-{}", exposed.port);
                taken.insert(name.clone());
                name
            }
        }),
        port: exposed.port.into(),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(exposed.to.to_string())),
        ..core::ServicePort::default()
    });
    core::Service {
        metadata: metadata(workload.name, namespace),
        spec: Some(core::ServiceSpec {
            selector: Some(pods(workload.name)),
            ports: Some(ports.collect()),
            // Said, so that nobody else can publish it on the nodes.
            type_: Some("ClusterIP".to_owned()),
            ..core::ServiceSpec::default()
        }),
        ..core::Service::default()
    }
}
