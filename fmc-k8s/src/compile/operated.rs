//! The objects of workloads whose pods an operator makes, and the ways that these pods need.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::account::ApiServers;
use super::network::{labelled, policy};
use super::surroundings::Surroundings;
use super::{manifest, metadata, raw, secret, stateful};
use crate::kafka;
use crate::kind::{CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT};
use crate::manifest::{APP, Manifest};
use crate::operated::{KNOWN, Operated, OperatedService, OperatorNamespaces};
use crate::operator::OperatorObject;
use crate::platform::{Namespace, Platform};
use crate::postgres::{self, Postgres};
use crate::secret::{Form, Hole};

/// The namespaces of the operators that a platform's files bring. The pods of a known one have its label, in whatever file they are; those of
/// any other stand in the files with its definitions.
pub(crate) fn namespaces(platform: &Platform) -> OperatorNamespaces {
    let mut all = OperatorNamespaces::new();
    for operator in &platform.operators {
        let objects = operator.objects();
        let of = |deployment: &OperatorObject<'_>| {
            let said =
                Some(deployment.text("/metadata/namespace").to_owned()).filter(|text| !text.is_empty());
            said.or_else(|| operator.namespace.as_ref().map(ToString::to_string))
        };
        let deployments: Vec<&OperatorObject<'_>> =
            objects.iter().filter(|object| object.text("/kind") == DEPLOYMENT.name).collect();
        for known in KNOWN {
            let (key, value) = known.pods;
            let label = |one: &OperatorObject<'_>| {
                one.value.pointer("/spec/template/metadata/labels")?.get(key)?.as_str().map(str::to_owned)
            };
            let own = deployments.iter().find(|one| label(one).as_deref() == Some(value));
            all.extend(own.and_then(|one| Some((known.group.to_owned(), of(one)?))));
        }
        let Some(namespace) = deployments.first().and_then(|one| of(one)) else { continue };
        let groups = objects.iter().filter(|object| object.text("/kind") == CUSTOM_RESOURCE_DEFINITION.name);
        for group in groups.map(|object| object.text("/spec/group").to_owned()) {
            all.entry(group).or_insert_with(|| namespace.clone());
        }
    }
    all
}

/// The names of the policies of a namespace that are made here.
pub(super) fn policy_names(namespace: &Namespace) -> impl Iterator<Item = String> {
    namespace.operated().map(|(_, one)| policy_name(one))
}

fn policy_name(of: &Operated) -> String {
    format!("{}-operated", of.pods.name)
}

/// The objects of one: its secret, its way, the names of its pods if it is measured, and what its operator reads.
pub(super) fn objects(of: &Operated, namespace: &Namespace, surroundings: &Surroundings) -> Vec<Manifest> {
    let Surroundings { api, operators, between, .. } = surroundings;
    let name = namespace.name.to_string();
    let way = manifest(&way(of, &name, api, of.operator_namespace(operators)));
    let workload = of.workload();
    let names = workload.is_measured().then(|| manifest(&stateful::names(workload, &name))).flatten();
    let Some(container) = of.pods.containers.first() else { return Vec::new() };
    let mut all: Vec<Manifest> = way.into_iter().chain(names).collect();
    let values = match &of.service {
        OperatedService::Postgres(postgres) => {
            all.extend(owner(postgres, &name));
            vec![postgres.object(container, &name)]
        }
        OperatedService::Kafka(kafka) => {
            let calls = namespace.connections.iter().filter(|one| one.to == of.pods.name);
            let inside = calls.map(|one| networking::NetworkPolicyPeer {
                pod_selector: Some(labelled(APP, &one.from.to_string())),
                ..networking::NetworkPolicyPeer::default()
            });
            let others = between.callers(&name, &of.pods.name.to_string());
            let clients: Vec<networking::NetworkPolicyPeer> = inside.chain(others).collect();
            kafka.objects(container, &clients, &name)
        }
    };
    let within = Some(u64::from(of.pods.ready_within)).filter(|seconds| *seconds > 0);
    all.extend(values.into_iter().filter_map(raw::manifest).map(|manifest| manifest.waits(within)));
    all
}

/// The name and the password of a database's owner (*Bootstrap* of CloudNativePG).
fn owner(of: &Postgres, namespace: &str) -> Option<Manifest> {
    let secret = of.secret().reference()?;
    let mut metadata = metadata(&of.name, namespace);
    metadata.name = Some(of.owner_secret());
    metadata.annotations = Some([secret::generation_of(&secret)].into());
    let object = core::Secret {
        metadata,
        type_: Some("kubernetes.io/basic-auth".to_owned()),
        data: Some([("username".to_owned(), ByteString(of.database.clone().into_bytes()))].into()),
        ..core::Secret::default()
    };
    let hole = Hole { secret, form: Form::Line };
    manifest(&object).map(|manifest| manifest.with_holes(BTreeMap::from([("password".to_owned(), hole)])))
}

/// The way of its pods: to each other and to the API, and from their operator.
fn way(
    of: &Operated,
    namespace: &str,
    servers: &ApiServers,
    operator_namespace: &str,
) -> networking::NetworkPolicy {
    let (key, value) = &of.label;
    let pods = labelled(key, value);
    let own = || networking::NetworkPolicyPeer {
        pod_selector: Some(pods.clone()),
        ..networking::NetworkPolicyPeer::default()
    };
    let (label, its_name) = of.service.operator().pods;
    let operator = networking::NetworkPolicyPeer {
        namespace_selector: Some(labelled("kubernetes.io/metadata.name", operator_namespace)),
        pod_selector: Some(labelled(label, its_name)),
        ..networking::NetworkPolicyPeer::default()
    };
    let numbers: &[u16] = match of.service {
        OperatedService::Postgres(_) => &[postgres::PORT.1, postgres::STATUS.1],
        OperatedService::Kafka(_) => &kafka::INSIDE.map(|(_, number)| number),
    };
    let port = |number: &u16| super::scrape::port(IntOrString::Int((*number).into()));
    let ports = || Some(numbers.iter().map(port).collect());
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(pods.clone()),
        policy_types: Some(vec!["Egress".to_owned(), "Ingress".to_owned()]),
        egress: Some(
            [networking::NetworkPolicyEgressRule { to: Some(vec![own()]), ports: ports() }]
                .into_iter()
                .chain(servers.rule())
                .collect(),
        ),
        ingress: Some(vec![networking::NetworkPolicyIngressRule {
            from: Some(vec![own(), operator]),
            ports: ports(),
        }]),
    };
    policy(policy_name(of), namespace, spec)
}
