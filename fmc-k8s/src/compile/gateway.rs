//! The objects of gateways and their routes.
//!
//! What the API server would fill in is said: the list of rules is compared as a whole.

use serde_json::{Value, json};

use super::raw;
use crate::gateway::{CONTROLLER, ENTRANCES, GROUP, Gateway, Gateways, HttpRoute, Listener, READY_WITHIN};
use crate::ingress::{CLASS, Route};
use crate::kind::HELM_CHART_CONFIG;
use crate::manifest::Manifest;
use crate::platform::Platform;
use crate::traefik;

/// The label of every namespace with its name.
const NAMESPACE: &str = "kubernetes.io/metadata.name";

/// The class of K3s's Traefik, if the platform's settings tell it of gateways: K3s brings the kinds, and the platform the class. Without these
/// settings Traefik's chart has a class of its own.
pub(super) fn class(platform: &Platform) -> Option<Manifest> {
    platform.traefik.as_ref().filter(|traefik| traefik.gateways)?;
    let gateways = platform.namespaces.iter().flat_map(|namespace| &namespace.gateways);
    let within = gateways.filter(|one| one.is_of_traefik()).map(|one| one.ready_within).max();
    let within = within.unwrap_or(READY_WITHIN);
    let class = raw::manifest(json!({
        "apiVersion": api(),
        "kind": "GatewayClass",
        "metadata": { "name": CLASS },
        "spec": { "controllerName": CONTROLLER },
    }))?;
    // Traefik is told of gateways before it is asked to accept one.
    let settings = format!("{}/{}/{}", HELM_CHART_CONFIG.word, traefik::NAMESPACE, traefik::NAME);
    Some(class.waits(seconds(within)).brought().after(vec![settings]))
}

/// The object of a gateway. It lets in the namespaces whose routes name it.
pub(super) fn gateway(of: &Gateway, namespace: &str, gateways: &Gateways<'_>) -> Option<Manifest> {
    let users: Vec<&String> = gateways.users(namespace, of).collect();
    let allowed = match users.iter().all(|user| *user == namespace) {
        true => json!({ "from": "Same" }),
        false => {
            let only = json!({ "key": NAMESPACE, "operator": "In", "values": users });
            json!({ "from": "Selector", "selector": { "matchExpressions": [only] } })
        }
    };
    let listeners: Vec<Value> = of.listeners.iter().map(|one| listener(of, one, &allowed)).collect();
    let object = raw::manifest(json!({
        "apiVersion": api(),
        "kind": "Gateway",
        "metadata": { "name": of.name.to_string(), "namespace": namespace },
        "spec": { "gatewayClassName": of.class.to_string(), "listeners": listeners },
    }))?;
    let object = object.waits(seconds(of.ready_within));
    if !of.is_of_traefik() {
        return Some(object);
    }
    Some(object.brought().after(vec![format!("gatewayclass.{GROUP}/{CLASS}")]))
}

fn listener(gateway: &Gateway, of: &Listener, allowed: &Value) -> Value {
    let entrance = ENTRANCES.iter().find(|(port, _)| gateway.is_of_traefik() && *port == of.port);
    let mut object = json!({
        "name": of.name.to_string(),
        "port": entrance.map_or(of.port, |(_, at)| *at),
        "protocol": if of.tls.is_some() { "HTTPS" } else { "HTTP" },
        "allowedRoutes": { "namespaces": allowed },
    });
    if let Some(map) = object.as_object_mut() {
        map.extend(of.host.iter().map(|host| ("hostname".to_owned(), host.to_string().into())));
        map.extend(of.tls.iter().map(|_| {
            let secret = json!({ "group": "", "kind": "Secret", "name": gateway.certificate_name(of) });
            ("tls".to_owned(), json!({ "mode": "Terminate", "certificateRefs": [secret] }))
        }));
    }
    object
}

/// The object of a route of a namespace.
pub(super) fn route(of: &HttpRoute, namespace: &str, gateways: &Gateways<'_>) -> Option<Manifest> {
    let (within, name) = of.parent(namespace)?;
    let gateway = gateways.parent(of, namespace);
    let parent = |listener: Option<String>| {
        let mut parent = json!({ "group": GROUP, "kind": "Gateway", "name": name, "namespace": within });
        if let (Some(map), Some(listener)) = (parent.as_object_mut(), listener) {
            map.insert("sectionName".to_owned(), listener.into());
        }
        parent
    };
    let own = of.listener.as_ref().map(ToString::to_string);
    // By HTTPS a redirection to HTTPS would lead to itself.
    let plain = gateway.filter(|_| of.redirect_https && own.is_none());
    let plain = plain.into_iter().flat_map(|gateway| &gateway.listeners).filter(|one| one.tls.is_none());
    let mut parents: Vec<Value> = plain.map(|one| parent(Some(one.name.to_string()))).collect();
    if parents.is_empty() {
        parents.push(parent(own));
    }
    let rules: Vec<Value> = match of.redirect_https {
        true => vec![redirection()],
        false => of.routes.iter().map(rule).collect(),
    };
    let mut spec = json!({ "parentRefs": parents, "rules": rules });
    if let Some(map) = spec.as_object_mut().filter(|_| !of.hosts.is_empty()) {
        let hosts: Vec<String> = of.hosts.iter().map(ToString::to_string).collect();
        map.insert("hostnames".to_owned(), hosts.into());
    }
    let object = raw::manifest(json!({
        "apiVersion": api(),
        "kind": "HTTPRoute",
        "metadata": { "name": of.name.to_string(), "namespace": namespace },
        "spec": spec,
    }))?;
    let object = object.after(vec![format!("gateway.{GROUP}/{within}/{name}")]);
    let is_brought = gateway.is_some_and(Gateway::is_of_traefik);
    Some(if is_brought { object.brought() } else { object })
}

fn rule(of: &Route) -> Value {
    let to =
        json!({ "group": "", "kind": "Service", "name": of.to.to_string(), "port": of.port, "weight": 1 });
    json!({ "matches": [below(&of.path)], "backendRefs": [to] })
}

fn redirection() -> Value {
    let filter =
        json!({ "type": "RequestRedirect", "requestRedirect": { "scheme": "https", "statusCode": 301 } });
    json!({ "matches": [below("/")], "filters": [filter] })
}

fn below(path: &str) -> Value {
    json!({ "path": { "type": "PathPrefix", "value": path } })
}

fn api() -> String {
    format!("{GROUP}/v1")
}

fn seconds(within: u32) -> Option<u64> {
    Some(u64::from(within)).filter(|seconds| *seconds > 0)
}
