//! The rules of what comes in from outside, and of what nobody reaches.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::given::Given;
use fmc_core::k3s::Component;
use fmc_core::role::{RoleFindings, SpanSite};

use super::{CLOSED, EMPTY, NO_INGRESS, NO_NAME, NO_PORT, NO_WORKLOAD, TWICE, VALUE, known_names, secret};
use crate::ingress::{IngressHost, Route};
use crate::jenkins::AGENT_PORT;
use crate::kind::STATEFUL_SET;
use crate::name::{ObjectName, PortName};
use crate::platform::{Namespace, Platform};
use crate::workload::Workload;

/// The longest host whose certificate has a name (*Object Names and IDs* of Kubernetes).
const LONGEST: usize = 253 - "tls.".len();

pub(super) fn leaves(ingress: &IngressHost, findings: &mut RoleFindings<'_>) {
    findings.leaf("host", &ingress.host);
    for (index, route) in ingress.routes.iter().enumerate() {
        findings.leaf(&format!("routes[{index}].to"), &route.to);
    }
    if let Some(tls) = &ingress.tls {
        findings.secret("tls.certificate", &tls.certificate);
        findings.secret("tls.key", &tls.key);
    }
}

pub(super) fn values(ingress: &IngressHost, findings: &mut RoleFindings<'_>) {
    if ingress.routes.is_empty() {
        let help = "say which workload answers: `routes: [{to: web, port: 80}]`";
        findings.find(&EMPTY, format!("nothing answers for {}", ingress.host), help);
    }
    if ingress.tls.is_some() && ingress.host.ok().is_some_and(|host| host.as_str().len() > LONGEST) {
        findings.part("host", |findings| {
            let message =
                format!("it has more than {LONGEST} characters, too many for the name of its certificate");
            findings.find(&VALUE, message, "call it by a shorter name");
        });
    }
    if ingress.host.to_string().parse::<std::net::IpAddr>().is_ok() {
        findings.part("host", |findings| {
            let help = "name the host, as shop.example.org";
            findings.find(&VALUE, "an ingress is for a name, and this is an address", help);
        });
    }
    for (index, route) in ingress.routes.iter().enumerate() {
        findings.part(&format!("routes[{index}].path"), |findings| self::route(route, findings));
    }
}

/// A path is as a call has it, without what stands for something else (`validatePathType` of Kubernetes).
pub(super) fn route(route: &Route, findings: &mut RoleFindings<'_>) {
    let path = &route.path;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
    let segments = ["//", "/./", "/../", "%2f", "%2F"];
    let is_other =
        segments.iter().any(|one| path.contains(one)) || path.ends_with("/..") || path.ends_with("/.");
    if !path.starts_with('/') || !is_plain || is_other {
        let help = "begin it with '/', and write what a call has there, as /api";
        findings.find(&VALUE, "it is not the path of a call", help);
    }
}

/// The ingresses of a namespace against its workloads and its cluster.
pub(super) fn together(
    namespace: &Namespace,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let workloads = namespace.by_name();
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    let has_traefik = cluster.is_none_or(|cluster| cluster.has(Component::Traefik));
    for (index, ingress) in namespace.ingresses.iter().enumerate() {
        findings.part(&format!("ingresses[{index}]"), |findings| {
            if !has_traefik {
                let message = format!(
                    "the cluster {} goes without Traefik, and nothing else takes calls",
                    platform.cluster
                );
                findings.find(&NO_INGRESS, message, "leave `traefik` out of its `disable`");
            }
            let tls =
                ingress.tls.iter().flat_map(|tls| [("certificate", &tls.certificate), ("key", &tls.key)]);
            for (key, of) in tls {
                if let Some(of) = of.reference() {
                    secret::of_no_cluster(&of, &format!("tls.{key}"), findings);
                }
            }
            for (index, route) in ingress.routes.iter().enumerate() {
                findings.part(&format!("routes[{index}]"), |findings| {
                    answers(route, namespace, &workloads, findings)
                });
            }
            let mut paths = BTreeSet::new();
            for (index, route) in ingress.routes.iter().enumerate() {
                let path = match route.path.trim_end_matches('/') {
                    "" => "/",
                    path => path,
                };
                if !paths.insert(path) {
                    findings.part(&format!("routes[{index}].path"), |findings| {
                        findings.find(
                            &TWICE,
                            format!("two workloads answer for {path}"),
                            "leave one of them out",
                        );
                    });
                }
            }
        });
    }
}

/// Whether a route leads to something.
fn answers(
    route: &Route,
    namespace: &Namespace,
    workloads: &BTreeMap<String, Workload<'_>>,
    findings: &mut RoleFindings<'_>,
) {
    exposed(("to", &route.to), route.port, namespace, workloads, findings);
}

/// Whether a workload, which the value at a key names, is there and exposes the port that stands beside it.
pub(super) fn exposed(
    (key, name): (&str, &Given<ObjectName>),
    port: u16,
    namespace: &Namespace,
    workloads: &BTreeMap<String, Workload<'_>>,
    findings: &mut RoleFindings<'_>,
) {
    let Some(workload) = workloads.get(&name.to_string()) else {
        let message = format!("{} has no workload {name}", namespace.name);
        let help = known_names(workloads.keys());
        return findings.part(key, |findings| findings.find(&NO_WORKLOAD, message, help));
    };
    if workload.ends() {
        let message = format!("{name} is a job: it ends, and exposes no port");
        let help = "name a workload that serves, as a deployment or a stateful set";
        return findings.part(key, |findings| findings.find(&NO_PORT, message, help));
    }
    if workload.expose.iter().all(|exposed| exposed.port != port) {
        let help = match workload.expose {
            [] => format!("let it expose one: `expose: [{{port: {port}, to: http}}]`"),
            exposed => known_names(exposed.iter().map(|one| one.port)),
        };
        let message = format!("{name} does not expose the port {port}");
        findings.part("port", |findings| findings.find(&NO_PORT, message, help));
    }
}

/// A host belongs to one ingress: two objects would each decide a part of it.
pub(super) fn hosts(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (namespace, of) in platform.namespaces.iter().enumerate() {
        for (index, ingress) in of.ingresses.iter().enumerate() {
            let path = format!("namespaces[{namespace}].ingresses[{index}]");
            let host = ingress.host.to_string();
            if let Some(first) = seen.get(&host) {
                let message = format!("{first} is an ingress of {host} too");
                let help = if first.starts_with(&format!("namespaces[{namespace}].")) {
                    format!("write the routes of both in {first}, or take another host")
                } else {
                    "take another host: an ingress leads to workloads of its own namespace".to_owned()
                };
                findings.part(&format!("{path}.host"), |findings| findings.find(&TWICE, message, help));
            } else {
                seen.insert(host, path);
            }
        }
    }
}

/// A warning for each exposed port that nobody may call. Each Prometheus of the platform calls every Alertmanager.
pub(super) fn closed(namespace: &Namespace, platform: &Platform, findings: &mut RoleFindings<'_>) {
    let sends = platform.namespaces.iter().any(|one| !one.prometheus.is_empty());
    let routes = namespace.ingresses.iter().flat_map(|one| &one.routes);
    let routes = routes.chain(namespace.http_routes.iter().flat_map(|one| &one.routes));
    let by_number: BTreeSet<(String, u16)> = routes.map(|one| (one.to.to_string(), one.port)).collect();
    let inside = namespace.connections.iter().map(|one| (one.to.to_string(), one.port.to_string()));
    let own = namespace.name.to_string();
    let others = platform.connections.iter().filter_map(|one| {
        let to = one.to.ok().filter(|to| to.namespace() == own)?;
        Some((to.name().to_owned(), one.port.to_string()))
    });
    let by_name: BTreeSet<(String, String)> = inside.chain(others).collect();
    for (path, workload) in namespace.workloads() {
        let builds = workload.is_service && namespace.jenkins.iter().any(|one| one.name == *workload.name);
        if sends && workload.is_service && namespace.alertmanager.iter().any(|one| one.name == *workload.name)
        {
            continue;
        }
        let name = workload.name.to_string();
        for (index, exposed) in workload.expose.iter().enumerate() {
            let (number, to) = ((name.clone(), exposed.port), (name.clone(), exposed.to.to_string()));
            let is_for_agents = builds && exposed.port == AGENT_PORT.1;
            if is_for_agents || by_number.contains(&number) || by_name.contains(&to) {
                continue;
            }
            let at = if workload.is_service { path.clone() } else { format!("{path}.expose[{index}]") };
            findings.part(&at, |findings| {
                let who = if builds { "nothing but its agents" } else { "nothing" };
                let message = format!("{name} exposes the port {}, and {who} may call it", exposed.port);
                let help = format!(
                    "let a workload call it: `connections: [{{from: NAME, to: {name}, port: {}}}]`, or people outside: `ingresses`",
                    exposed.to
                );
                findings.find(&CLOSED, message, help);
            });
        }
    }
}

/// A workload that others may call has a name by which they find it.
pub(super) fn named(from: &str, port: &Given<PortName>, to: Workload<'_>, findings: &mut RoleFindings<'_>) {
    // Each pod of a set has a name, whatever the set exposes.
    if *to.kind == STATEFUL_SET || to.expose.iter().any(|exposed| exposed.to == *port) {
        return;
    }
    let message = format!("{from} may call {} at {port}, and finds no name for it", to.name);
    let help = match to.ends() {
        true => "call a workload that serves, as a deployment or a stateful set: a job has no name to call"
            .to_owned(),
        false => format!("let {} expose the port: `expose: [{{port: 80, to: {port}}}]`", to.name),
    };
    findings.find(&NO_NAME, message, help);
}
