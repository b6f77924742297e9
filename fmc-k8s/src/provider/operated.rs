//! The objects that belong together of a database, a Kafka, a Ceph or a gateway: what must be there first, and what goes with what.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::Address;
use serde_json::Value;

use super::mentions::closed;
use super::{beside, data};
use crate::gateway::CONTROLLER;
use crate::kind::{HELM_CHART_CONFIG, NETWORK_POLICY, SECRET};
use crate::manifest::{Manifest, namespace_of};
use crate::object::ApiObject;
use crate::operated::{CNPG, KnownOperator, ROOK, STRIMZI};
use crate::traefik;

pub(super) const POSTGRES: &str = "cluster.postgresql.cnpg.io";
pub(super) const KAFKA: &str = "kafka.kafka.strimzi.io";
pub(super) const BROKERS: &str = "kafkanodepool.kafka.strimzi.io";
pub(super) const CEPH: &str = "cephcluster.ceph.rook.io";

const HTTP_ROUTE: &str = "httproute.gateway.networking.k8s.io";
const GATEWAY: &str = "gateway.gateway.networking.k8s.io";
const GATEWAY_CLASS: &str = "gatewayclass.gateway.networking.k8s.io";

/// The object that another one is a part of: the Kafka of a topic, of a user or of brokers, the Ceph of a pool.
fn whole(at: &Address, content: &Value) -> Option<Address> {
    let (namespace, _) = at.name().split_once('/')?;
    let beside = |word: &'static str, name: &str| at.beside(word, format!("{namespace}/{name}"));
    match at.kind() {
        KAFKA | CEPH => None,
        _ if is_of(at, STRIMZI) => {
            let labels = content.pointer("/metadata/labels")?;
            Some(beside(KAFKA, labels.get(STRIMZI.label)?.as_str()?))
        }
        _ if is_of(at, CNPG) => Some(beside(POSTGRES, content.pointer("/spec/cluster/name")?.as_str()?)),
        _ => None,
    }
}

/// The object with which the data of this one goes.
pub(super) fn goes_with(at: &Address, object: &ApiObject) -> Option<Address> {
    whole(at, object.value())
}

/// Whether an object leads calls to others: a gateway, its class, and the settings of the Traefik that takes its calls.
fn is_way(at: &Address) -> bool {
    [GATEWAY, GATEWAY_CLASS, HELM_CHART_CONFIG.word].contains(&at.kind())
}

/// What leads to a route or a gateway: its gateways, its class, and Traefik. They go after it, so that whoever takes the calls learns of it.
fn below(at: &Address, content: &Value) -> Vec<Address> {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    match at.kind() {
        HTTP_ROUTE => {
            let own = namespace_of(at).unwrap_or_default();
            let parents = content.pointer("/spec/parentRefs").and_then(Value::as_array).into_iter().flatten();
            let named = parents.filter_map(|parent| {
                let namespace = text(parent, "namespace").unwrap_or_else(|| own.to_owned());
                Some(at.beside(GATEWAY, format!("{namespace}/{}", text(parent, "name")?)))
            });
            named.collect()
        }
        GATEWAY => {
            let class = content.get("spec").and_then(|spec| text(spec, "gatewayClassName"));
            class.map(|class| at.beside(GATEWAY_CLASS, class)).into_iter().collect()
        }
        GATEWAY_CLASS
            if content.pointer("/spec/controllerName").and_then(Value::as_str) == Some(CONTROLLER) =>
        {
            vec![at.beside(HELM_CHART_CONFIG.word, format!("{}/{}", traefik::NAMESPACE, traefik::NAME))]
        }
        _ => Vec::new(),
    }
}

/// Topics go before their Kafka, whose operator of topics lets them go, and the pools of a Ceph before it.
pub(super) fn stand(there: &mut BTreeMap<Address, ApiObject>) {
    let cephs: Vec<Address> = there.keys().filter(|at| at.kind() == CEPH).cloned().collect();
    let known: Vec<Address> =
        there.keys().filter(|at| [KAFKA, POSTGRES].contains(&at.kind())).cloned().collect();
    let ways: BTreeSet<Address> = there.keys().filter(|at| is_way(at)).cloned().collect();
    for (at, object) in there.iter_mut() {
        let below = below(at, object.value()).into_iter().filter(|one| ways.contains(one));
        object.stands_on.extend(below);
        // Strimzi takes brokers away with their Kafka, and refuses to do so before it.
        let whole = whole(at, object.value()).filter(|whole| at.kind() != BROKERS && known.contains(whole));
        object.stands_on.extend(whole);
        object.stands_on.extend(cephs.iter().filter(|ceph| is_in(at, ceph)).cloned());
    }
}

/// What holds data goes before what serves it: its policies, its names and its secret.
pub(super) fn stand_on_servants(
    is_going: impl Fn(&Address, &ApiObject) -> bool,
    there: &mut BTreeMap<Address, ApiObject>,
) {
    let going = there.iter().filter(|(at, object)| data::is_data_kind(at.kind()) && is_going(at, object));
    let servants: Vec<(Address, Vec<Address>)> = going
        .filter_map(|(at, _)| {
            let (namespace, name) = at.name().split_once('/')?;
            let beside = there.iter().filter(|(other, _)| namespace_of(other) == Some(namespace));
            let all = beside.filter(|(other, object)| *other != at && beside::serves(other, object, name));
            Some((at.clone(), all.map(|(other, _)| other.clone()).collect()))
        })
        .collect();
    for (at, servants) in servants {
        if let Some(object) = there.get_mut(&at) {
            object.stands_on.extend(servants);
        }
    }
}

/// Whether an object is one of a Ceph's, whose namespace it has.
fn is_in(at: &Address, ceph: &Address) -> bool {
    let namespace = |at: &Address| at.name().split_once('/').map(|(namespace, _)| namespace.to_owned());
    at != ceph && is_of(at, ROOK) && namespace(at) == namespace(ceph)
}

/// The objects that a wanted one needs first if the cloud has them. `custom` are those of custom kinds.
pub(super) fn first(manifest: &Manifest, at: &Address, custom: &BTreeMap<Address, Manifest>) -> Vec<Address> {
    let Some((namespace, name)) = at.name().split_once('/') else { return Vec::new() };
    let beside = |word: &'static str, name: &str| at.beside(word, format!("{namespace}/{name}"));
    let content = manifest.content();
    // No pod without its policies.
    let policies = || {
        closed(at, namespace).into_iter().chain([beside(NETWORK_POLICY.word, &format!("{name}-operated"))])
    };
    match at.kind() {
        POSTGRES => {
            let secrets = ["/spec/bootstrap/initdb/secret/name", "/spec/superuserSecret/name"];
            let secrets = secrets.iter().filter_map(|pointer| content.pointer(pointer)?.as_str());
            policies().chain(secrets.map(|name| beside(SECRET.word, name))).collect()
        }
        KAFKA => {
            let brokers = custom.iter().filter(|(other, _)| other.kind() == BROKERS);
            let brokers = brokers.filter(|(other, of)| whole(other, of.content()).as_ref() == Some(at));
            policies().chain(brokers.map(|(other, _)| other.clone())).collect()
        }
        BROKERS => policies().collect(),
        _ if is_of(at, ROOK) => {
            custom.keys().filter(|ceph| ceph.kind() == CEPH && is_in(at, ceph)).cloned().collect()
        }
        _ => whole(at, content).into_iter().collect(),
    }
}

/// Whether an object is of a kind of an operator.
fn is_of(at: &Address, operator: KnownOperator) -> bool {
    at.kind().split_once('.').is_some_and(|(_, group)| group == operator.group)
}
