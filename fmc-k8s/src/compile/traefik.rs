//! The objects of the settings of K3s's Traefik: the values of its chart, and the names of its pods for whoever measures it.

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value, json};

use super::{manifest, raw};
use crate::manifest::{APP, Manifest};
use crate::platform::Platform;
use crate::traefik::{METRICS, NAME, NAMESPACE, Traefik};

/// The objects of a platform's Traefik.
pub(super) fn manifests(platform: &Platform) -> Vec<Manifest> {
    let Some(traefik) = &platform.traefik else { return Vec::new() };
    let is_asked = platform.namespaces.iter().any(|namespace| !namespace.prometheus.is_empty());
    [raw::manifest(config(traefik)), is_asked.then(|| manifest(&pods())).flatten()]
        .into_iter()
        .flatten()
        .collect()
}

fn config(of: &Traefik) -> Value {
    let mut values = Map::new();
    let arguments = of.all_arguments();
    if !arguments.is_empty() {
        values.insert("additionalArguments".to_owned(), arguments.into());
    }
    if let Some(replicas) = of.replicas {
        values.insert("deployment".to_owned(), json!({ "replicas": replicas }));
    }
    if of.gateways {
        values.insert("providers".to_owned(), json!({ "kubernetesGateway": { "enabled": true } }));
        // The platform has gateways and their class of its own.
        values.insert("gateway".to_owned(), json!({ "enabled": false }));
        values.insert("gatewayClass".to_owned(), json!({ "enabled": false }));
    }
    // The chart takes its values as a text of YAML.
    let text = serde_saphyr::to_string(&values).unwrap_or_default();
    json!({
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": { "name": NAME, "namespace": NAMESPACE },
        "spec": { "valuesContent": text },
    })
}

/// A service without an address of its own, by which the addresses of its pods are asked.
fn pods() -> core::Service {
    let port = core::ServicePort {
        name: Some(METRICS.0.to_owned()),
        port: METRICS.1.into(),
        protocol: Some("TCP".to_owned()),
        ..core::ServicePort::default()
    };
    core::Service {
        metadata: ObjectMeta {
            name: Some(pods_name()),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(core::ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some([(APP.to_owned(), NAME.to_owned())].into()),
            ports: Some(vec![port]),
            ..core::ServiceSpec::default()
        }),
        ..core::Service::default()
    }
}

/// The name of the service of its pods.
pub(crate) fn pods_name() -> String {
    format!("{NAME}-pods")
}
