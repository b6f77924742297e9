//! The bounds of a namespace, and priority classes.

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::unit::Size;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::scheduling::v1 as scheduling;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::manifest;
use crate::manifest::Manifest;
use crate::platform::Namespace;
use crate::quantity::{Cpu, bytes};
use crate::quota::{ContainerResources, LIMITS, Limits, PriorityClass, QUOTA, Quota};

type Quantities = BTreeMap<String, Quantity>;

pub(super) fn objects(namespace: &Namespace) -> impl Iterator<Item = Option<Manifest>> + '_ {
    let metadata = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(namespace.name.to_string()),
        ..ObjectMeta::default()
    };
    let quota = namespace.quota.iter().map(move |one| {
        manifest(&core::ResourceQuota {
            metadata: metadata(QUOTA),
            spec: Some(core::ResourceQuotaSpec {
                hard: Some(hard(one)),
                ..core::ResourceQuotaSpec::default()
            }),
            ..core::ResourceQuota::default()
        })
    });
    let limits = namespace.limits.iter().map(move |one| {
        manifest(&core::LimitRange {
            metadata: metadata(LIMITS),
            spec: Some(core::LimitRangeSpec { limits: vec![range(one)] }),
        })
    });
    quota.chain(limits)
}

fn hard(of: &Quota) -> Quantities {
    let pods = of.pods.map(|pods| ("pods".to_owned(), Quantity(pods.to_string())));
    let all = pods.into_iter().chain(cpu("requests.cpu", of.cpu.as_ref()));
    let all = all.chain(size("requests.memory", of.memory.as_ref()));
    all.chain(size("requests.storage", of.storage.as_ref())).collect()
}

fn range(of: &Limits) -> core::LimitRangeItem {
    let resources = |one: &Option<ContainerResources>| {
        let one = one.as_ref()?;
        Some(cpu("cpu", one.cpu.as_ref()).into_iter().chain(size("memory", one.memory.as_ref())).collect())
    };
    core::LimitRangeItem {
        type_: "Container".to_owned(),
        min: resources(&of.min),
        max: resources(&of.max),
        default: resources(&of.default),
        default_request: resources(&of.default_request),
        ..core::LimitRangeItem::default()
    }
}

fn cpu(key: &str, given: Option<&Given<Cpu>>) -> Option<(String, Quantity)> {
    Some((key.to_owned(), Quantity(given?.ok()?.to_string())))
}

fn size(key: &str, given: Option<&Given<Size>>) -> Option<(String, Quantity)> {
    Some((key.to_owned(), Quantity(bytes(*given?.ok()?))))
}

pub(super) fn class(of: &PriorityClass) -> scheduling::PriorityClass {
    scheduling::PriorityClass {
        metadata: ObjectMeta { name: Some(of.name.to_string()), ..ObjectMeta::default() },
        value: Some(of.value),
        preemption_policy: Some(if of.never_preempts { "Never" } else { "PreemptLowerPriority" }.to_owned()),
        ..scheduling::PriorityClass::default()
    }
}
