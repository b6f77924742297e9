//! The rules of gateways and of the routes that name them.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::k3s::Component;
use fmc_core::k3s::resolved::Cluster;
use fmc_core::role::{RoleFindings, SpanSite};
use serde_json::Value;

use super::ingress::{exposed, route as path};
use super::value::wrong;
use super::{EMPTY, NO_GATEWAY, NO_INGRESS, NO_OPERATOR, PORT_SHARED, TWICE, known_names, optional, secret};
use crate::compile::operator::scopes;
use crate::gateway::{ENTRANCES, GROUP, Gateway, Gateways, HttpRoute, Listener};
use crate::kind::HELM_CHART_CONFIG;
use crate::platform::{Namespace, Platform};
use crate::traefik::{NAME, NAMESPACE};

/// The most listeners of a gateway, hosts of a route and rules of a route (the definitions of the Gateway API).
const MOST_LISTENERS: usize = 64;
const MOST_HOSTS: usize = 16;
const MOST_RULES: usize = 16;

/// The leaves of the gateways and routes of a namespace.
pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, gateway) in namespace.gateways.iter().enumerate() {
        findings.part(&format!("gateways[{index}]"), |findings| {
            findings.leaf("name", &gateway.name);
            findings.leaf("class", &gateway.class);
            optional("pods_in", gateway.pods_in.as_ref(), findings);
            for (index, listener) in gateway.listeners.iter().enumerate() {
                findings.part(&format!("listeners[{index}]"), |findings| {
                    findings.leaf("name", &listener.name);
                    optional("host", listener.host.as_ref(), findings);
                    if let Some(tls) = &listener.tls {
                        findings.secret("tls.certificate", &tls.certificate);
                        findings.secret("tls.key", &tls.key);
                    }
                });
            }
        });
    }
    for (index, route) in namespace.http_routes.iter().enumerate() {
        findings.part(&format!("http_routes[{index}]"), |findings| {
            findings.leaf("name", &route.name);
            findings.leaf("gateway", &route.gateway);
            optional("listener", route.listener.as_ref(), findings);
            for (index, host) in route.hosts.iter().enumerate() {
                findings.leaf(&format!("hosts[{index}]"), host);
            }
            for (index, one) in route.routes.iter().enumerate() {
                findings.leaf(&format!("routes[{index}].to"), &one.to);
            }
        });
    }
}

/// The values by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, gateway) in namespace.gateways.iter().enumerate() {
        findings.part(&format!("gateways[{index}]"), |findings| of_gateway(gateway, findings));
    }
    for (index, route) in namespace.http_routes.iter().enumerate() {
        findings.part(&format!("http_routes[{index}]"), |findings| of_route(route, findings));
    }
}

fn of_gateway(gateway: &Gateway, findings: &mut RoleFindings<'_>) {
    match gateway.listeners.len() {
        0 => {
            let help = "say where it takes calls: `listeners: [{name: http, port: 80}]`";
            findings.find(&EMPTY, format!("the gateway {} takes no calls", gateway.name), help);
        }
        1..=MOST_LISTENERS => {}
        more => {
            let message = format!("it has {more} listeners, and a gateway has at most {MOST_LISTENERS}");
            wrong("listeners", findings, message, "write a second gateway");
        }
    }
    match (gateway.is_of_traefik(), &gateway.pods_in) {
        (true, Some(_)) => {
            let message = "the pods of K3s's Traefik are in kube-system";
            wrong("pods_in", findings, message, "leave it out");
        }
        (false, None) => {
            let message = format!("nothing says which pods take the calls of the class {}", gateway.class);
            let help =
                "say their namespace, which the network policies let in: `pods_in: envoy-gateway-system`";
            wrong("class", findings, message, help);
        }
        _ => {}
    }
    for (index, listener) in gateway.listeners.iter().enumerate() {
        findings.part(&format!("listeners[{index}]"), |findings| of_listener(gateway, listener, findings));
    }
}

fn of_listener(gateway: &Gateway, listener: &Listener, findings: &mut RoleFindings<'_>) {
    let is_known = ENTRANCES.iter().any(|(port, _)| *port == listener.port);
    if listener.port == 0 {
        return wrong("port", findings, "0 is no port", "write the port that people call, as 80");
    }
    if !gateway.is_of_traefik() {
        return;
    }
    match (listener.port, &listener.tls) {
        _ if !is_known => {
            let message = format!("K3s's Traefik takes no calls at {}", listener.port);
            wrong("port", findings, message, "write 80 for HTTP, or 443 with `tls`");
        }
        (80, Some(_)) => {
            wrong("port", findings, "K3s's Traefik speaks HTTP at 80, and `tls` is HTTPS", "write 443");
        }
        (443, None) => {
            let message = "K3s's Traefik speaks HTTPS at 443, and the listener has no certificate";
            wrong("port", findings, message, "give it `tls`, or write 80");
        }
        _ => {}
    }
}

fn of_route(route: &HttpRoute, findings: &mut RoleFindings<'_>) {
    match (route.routes.is_empty(), route.redirect_https) {
        (true, false) => {
            let help =
                "say which workload answers: `routes: [{to: web, port: 80}]`, or `redirect_https: true`";
            findings.find(&EMPTY, format!("nothing answers for {}", route.name), help);
        }
        (false, true) => {
            let message = "each call is answered with another address, and reaches no workload";
            let help =
                "leave it out, or write the workloads in a route of their own, for the listener with `tls`";
            wrong("redirect_https", findings, message, help);
        }
        _ => {}
    }
    for (key, count, most) in
        [("hosts", route.hosts.len(), MOST_HOSTS), ("routes", route.routes.len(), MOST_RULES)]
    {
        if count > most {
            let message = format!("there are {count}, and an HTTPRoute has at most {most}");
            wrong(key, findings, message, "write the others in a second route");
        }
    }
    for (index, one) in route.routes.iter().enumerate() {
        let at = format!("routes[{index}].path");
        findings.part(&at, |findings| path(one, findings));
        if !one
            .path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@%".contains(&byte))
            && one.path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte))
        {
            let help = "write each other character as `%` and two hexadecimal digits";
            wrong(&at, findings, "an HTTPRoute takes letters, digits and -._~!$&'()*+,;=:@ in a path", help);
        }
    }
}

/// The gateways and routes of a namespace against its workloads, its platform and its cluster. All leaves are right.
pub(super) fn together(
    namespace: &Namespace,
    (platform, gateways): (&Platform, &Gateways<'_>),
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    super::twice("gateways", "gateway", namespace.gateways.iter().map(|one| one.name.to_string()), findings);
    super::twice(
        "http_routes",
        "route",
        namespace.http_routes.iter().map(|one| one.name.to_string()),
        findings,
    );
    for (index, gateway) in namespace.gateways.iter().enumerate() {
        findings.part(&format!("gateways[{index}]"), |findings| {
            listeners(gateway, findings);
            taken(gateway, platform, site, findings);
        });
    }
    let workloads = if namespace.http_routes.is_empty() { BTreeMap::new() } else { namespace.by_name() };
    for (index, route) in namespace.http_routes.iter().enumerate() {
        findings.part(&format!("http_routes[{index}]"), |findings| {
            parent(route, namespace, gateways, findings);
            for (index, one) in route.routes.iter().enumerate() {
                findings.part(&format!("routes[{index}]"), |findings| {
                    exposed(("to", &one.to), one.port, namespace, &workloads, findings);
                });
            }
        });
    }
}

/// The listeners of a gateway have names of their own, one protocol a port, and no host twice at a port.
fn listeners(gateway: &Gateway, findings: &mut RoleFindings<'_>) {
    let all = || gateway.listeners.iter().enumerate();
    super::twice("listeners", "listener", all().map(|(_, one)| one.name.to_string()), findings);
    let (mut protocols, mut hosts) = (BTreeMap::new(), BTreeSet::new());
    for (index, one) in all() {
        let is_https = one.tls.is_some();
        if *protocols.entry(one.port).or_insert(is_https) != is_https {
            let message = format!("the port {} has a listener with `tls` and one without", one.port);
            wrong(&format!("listeners[{index}].port"), findings, message, "give one of them another port");
        } else if !hosts.insert((one.port, one.host.as_ref().map(ToString::to_string))) {
            findings.part(&format!("listeners[{index}]"), |findings| {
                let message = format!("another listener takes {} too", calls(one));
                findings.find(&TWICE, message, "leave one of them out, or give it another host");
            });
        }
        for (key, of) in one.tls.iter().flat_map(|tls| [("certificate", &tls.certificate), ("key", &tls.key)])
        {
            if let Some(of) = of.reference() {
                secret::of_no_cluster(&of, &format!("listeners[{index}].tls.{key}"), findings);
            }
        }
    }
}

fn calls(of: &Listener) -> String {
    match &of.host {
        Some(host) => format!("the calls of {host} at the port {}", of.port),
        None => format!("the calls of every host at the port {}", of.port),
    }
}

/// The minor release of Kubernetes from which on K3s brings the kinds of gateways with its Traefik.
const BRINGS_KINDS: u16 = 34;

/// Whether files of the platform bring the kinds of gateways.
fn has_kinds(platform: &Platform) -> bool {
    scopes(platform).contains_key(&(GROUP.to_owned(), "Gateway".to_owned()))
}

/// A program takes the calls of a gateway, and it alone has the port.
fn taken(gateway: &Gateway, platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let Some(cluster) = site.cloud().cluster(&platform.cluster.to_string()) else { return };
    let has_traefik = cluster.has(Component::Traefik);
    if gateway.is_of_traefik() {
        if !has_traefik {
            let message = format!(
                "the cluster {} goes without Traefik, and nothing else takes calls",
                platform.cluster
            );
            let help = "leave `traefik` out of its `disable`, or name another `class`";
            findings.find(&NO_INGRESS, message, help);
        } else if cluster.version.minor() < BRINGS_KINDS && !has_kinds(platform) {
            let message = format!(
                "K3s {} does not bring the kinds of gateways, which 1.{BRINGS_KINDS} and later do",
                cluster.version
            );
            let help =
                "raise the `version` of the cluster, or name the files of the Gateway API below `operators`";
            findings.find(&NO_OPERATOR, message, help);
        } else if !is_on(platform, cluster) {
            let message = "K3s's Traefik takes no calls of gateways unless it is told to";
            findings.find(&NO_INGRESS, message, "say `traefik: {gateways: true}` in the platform");
        }
        return;
    }
    if !has_traefik && !has_kinds(platform) {
        let message = format!("nothing of the platform brings the kind Gateway of {GROUP}");
        let help =
            "name the files of its project below `operators`, or accept this if something else installs it";
        findings.find(&NO_OPERATOR, message, help);
    }
    if !has_traefik || !cluster.has(Component::Servicelb) {
        return;
    }
    let ports = gateway.listeners.iter().enumerate();
    for (index, one) in ports.filter(|(_, one)| ENTRANCES.iter().any(|(port, _)| *port == one.port)) {
        findings.part(&format!("listeners[{index}].port"), |findings| {
            let message = format!("K3s's Traefik has the port {} of each node already", one.port);
            let help = "disable `traefik` of the cluster, or `servicelb` where another program gives each service addresses of its own; or \
                        take another port";
            findings.find(&PORT_SHARED, message, help);
        });
    }
}

/// Whether K3s's Traefik takes the calls of gateways, by its settings or by an object.
fn is_on(platform: &Platform, cluster: &Cluster) -> bool {
    let is_told = |kind: Option<&Value>, metadata: Option<&Value>, spec: Option<&Value>| {
        let named = |key: &str| metadata.and_then(|metadata| metadata.get(key)?.as_str());
        kind.and_then(Value::as_str) == Some(HELM_CHART_CONFIG.name)
            && (named("name"), named("namespace")) == (Some(NAME), Some(NAMESPACE))
            && spec.is_some_and(|spec| spec.to_string().contains("kubernetesGateway"))
    };
    let by_settings = platform.traefik.as_ref().is_some_and(|traefik| traefik.gateways);
    let mut objects = platform.objects.iter().map(|one| &one.0);
    by_settings
        || objects.any(|one| is_told(one.get("kind"), one.get("metadata"), one.get("spec")))
        || cluster.auto_deployed().any(|one| is_told(one.get("kind"), one.get("metadata"), one.get("spec")))
}

/// The gateway of a route is there, with its listener, and takes its hosts.
fn parent(
    route: &HttpRoute,
    namespace: &Namespace,
    gateways: &Gateways<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let own = namespace.name.to_string();
    let Some(gateway) = gateways.parent(route, &own) else {
        let known = gateways.all.keys().map(|(within, name)| match *within == own {
            true => name.clone(),
            false => format!("{within}/{name}"),
        });
        let message = format!("the platform has no gateway {}", route.gateway);
        return findings.part("gateway", |findings| {
            findings.find(&NO_GATEWAY, message, known_names(known));
        });
    };
    let named = |one: &&Listener| route.listener.as_ref().is_none_or(|name| *name == one.name);
    let listeners: Vec<&Listener> = gateway.listeners.iter().filter(named).collect();
    if let (Some(name), true) = (&route.listener, listeners.is_empty()) {
        let message = format!("the gateway {} has no listener {name}", route.gateway);
        let help = known_names(gateway.listeners.iter().map(|one| &one.name));
        return findings.part("listener", |findings| findings.find(&NO_GATEWAY, message, help));
    }
    for (index, host) in route.hosts.iter().enumerate() {
        let host = host.to_string();
        let is_taken = |one: &&Listener| one.host.as_ref().is_none_or(|of| meet(&of.to_string(), &host));
        if !listeners.iter().any(is_taken) {
            findings.part(&format!("hosts[{index}]"), |findings| {
                let message = format!("no listener of the gateway {} takes calls of {host}", route.gateway);
                let help = known_names(listeners.iter().filter_map(|one| one.host.as_ref()));
                findings.find(&NO_GATEWAY, message, help);
            });
        }
    }
}

/// Whether two hosts, or all below their domains, have one in common.
fn meet(one: &str, other: &str) -> bool {
    let below = |pattern: &str, host: &str| {
        let domain = pattern.strip_prefix('*');
        domain.is_some_and(|domain| host.trim_start_matches('*').ends_with(domain))
    };
    one == other || below(one, other) || below(other, one)
}

/// The listeners of a gateway by which the calls of a host come to a route. By HTTPS a redirection to HTTPS would lead to itself.
fn listeners_of<'g>(
    route: &'g HttpRoute,
    gateway: &'g Gateway,
    host: Option<&'g str>,
) -> impl Iterator<Item = &'g Listener> {
    gateway.listeners.iter().filter(move |one| {
        let is_named = match &route.listener {
            Some(name) => *name == one.name,
            None => !(route.redirect_https && one.tls.is_some()),
        };
        let takes = |host: &str| one.host.as_ref().is_none_or(|of| meet(&of.to_string(), host));
        is_named && host.is_none_or(takes)
    })
}

/// A host and a path belong to one route of a gateway, a host to one of Traefik's gateways and ingresses, and a port to one gateway.
pub(super) fn owners(platform: &Platform, gateways: &Gateways<'_>, findings: &mut RoleFindings<'_>) {
    if gateways.all.is_empty() {
        return;
    }
    let ingresses = platform.namespaces.iter().enumerate().flat_map(|(at, namespace)| {
        let each = namespace.ingresses.iter().enumerate();
        each.map(move |(index, one)| (one.host.to_string(), format!("namespaces[{at}].ingresses[{index}]")))
    });
    let ingresses: BTreeMap<String, String> = ingresses.collect();
    // By gateway, listener, host and path.
    let mut seen: BTreeMap<[Option<String>; 4], String> = BTreeMap::new();
    for (at, namespace) in platform.namespaces.iter().enumerate() {
        let own = namespace.name.to_string();
        for (index, route) in namespace.http_routes.iter().enumerate() {
            let here = format!("namespaces[{at}].http_routes[{index}]");
            let Some(gateway) = gateways.parent(route, &own) else { continue };
            let hosts: Vec<Option<String>> = match route.hosts.is_empty() {
                true => vec![None],
                false => route.hosts.iter().map(|host| Some(host.to_string())).collect(),
            };
            for (number, host) in hosts.iter().enumerate() {
                let ingress = host.as_ref().and_then(|host| ingresses.get(host));
                if let Some(ingress) = ingress.filter(|_| gateway.is_of_traefik()) {
                    findings.part(&format!("{here}.hosts[{number}]"), |findings| {
                        let message = format!("{ingress} is an ingress of this host too");
                        findings.find(&TWICE, message, "leave one of them out, or take another host");
                    });
                    continue;
                }
                let paths = route.routes.iter().map(|one| one.path.trim_end_matches('/').to_owned());
                let whole = route.redirect_https.then(String::new);
                for (rule, path) in paths.chain(whole).enumerate() {
                    let parent = route.parent(&own).map(|(within, name)| format!("{within}/{name}"));
                    let rule = match route.redirect_https {
                        true => format!("{here}.redirect_https"),
                        false => format!("{here}.routes[{rule}].path"),
                    };
                    let calls = listeners_of(route, gateway, host.as_deref());
                    let calls = calls.map(|one| {
                        [parent.clone(), Some(one.name.to_string()), host.clone(), Some(path.clone())]
                    });
                    let calls: Vec<[Option<String>; 4]> = calls.collect();
                    if let Some(first) = calls.iter().find_map(|calls| seen.get(calls)) {
                        let message = format!("{first} answers for the same calls");
                        findings.part(&rule, |findings| {
                            findings.find(
                                &TWICE,
                                message,
                                "leave one of them out, or take another host or path",
                            );
                        });
                    } else {
                        seen.extend(calls.into_iter().map(|calls| (calls, rule.clone())));
                    }
                }
            }
        }
    }
    shared(platform, findings);
}

/// Two gateways of Traefik share its ports: their hosts tell them apart.
fn shared(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let mut seen: BTreeMap<(u16, Option<String>), (String, String)> = BTreeMap::new();
    for (at, namespace) in platform.namespaces.iter().enumerate() {
        for (index, gateway) in namespace.gateways.iter().enumerate().filter(|(_, one)| one.is_of_traefik()) {
            let path = format!("namespaces[{at}].gateways[{index}]");
            for (number, one) in gateway.listeners.iter().enumerate() {
                let key = (one.port, one.host.as_ref().map(ToString::to_string));
                let name = format!("{}/{}", namespace.name, gateway.name);
                match seen.get(&key).filter(|(first, _)| *first != path) {
                    Some((_, other)) => findings.part(&format!("{path}.listeners[{number}]"), |findings| {
                        let message = format!("the gateway {other} takes {} too, by the same Traefik", calls(one));
                        let help = "let the routes of both name one gateway, as edge/public, or give each listener hosts of its own";
                        findings.find(&PORT_SHARED, message, help);
                    }),
                    None => drop(seen.entry(key).or_insert((path.clone(), name))),
                }
            }
        }
    }
}
