//! The rules of the settings of K3s's Traefik.

use fmc_core::finding::NameList;
use fmc_core::k3s::Component;
use fmc_core::role::{RoleFindings, SpanSite};

use super::value::wrong;
use super::{NO_INGRESS, NO_TLS, TRUSTS_ALL};
use crate::gateway::Gateway;
use crate::ingress::IngressHost;
use crate::platform::Platform;
use crate::traefik::{NAME, NAMESPACE};

/// The values by themselves.
pub(super) fn values(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let Some(traefik) = &platform.traefik else { return };
    findings.part("traefik", |findings| {
        if traefik.replicas == Some(0) {
            wrong("replicas", findings, "no pod would take calls", "say how many, as 2");
        }
        for (index, proxy) in traefik.trusted_proxies.iter().enumerate() {
            findings.leaf(&format!("trusted_proxies[{index}]"), proxy);
            if proxy.ok().is_some_and(|subnet| subnet.prefix_len() == 0) {
                findings.part(&format!("trusted_proxies[{index}]"), |findings| {
                    let message =
                        format!("{proxy} is everyone: each caller could say that it is another one");
                    findings.find(&TRUSTS_ALL, message, "name the address of the proxy, or its subnet");
                });
            }
        }
        for (index, argument) in traefik.arguments.iter().enumerate() {
            let is_one = argument.strip_prefix("--").is_some_and(|rest| !rest.is_empty())
                && !argument.chars().any(char::is_control);
            if !is_one {
                let message = format!("{argument:?} is not an argument of Traefik");
                wrong(&format!("arguments[{index}]"), findings, message, "write it as --log.level=DEBUG");
            }
        }
    });
}

/// Its cluster has one. All leaves are right.
pub(super) fn together(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    if platform.traefik.is_none() {
        return;
    }
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    findings.part("traefik", |findings| {
        if cluster.is_some_and(|cluster| !cluster.has(Component::Traefik)) {
            let message = format!("the cluster {} goes without Traefik", platform.cluster);
            findings.find(
                &NO_INGRESS,
                message,
                "leave `traefik` out of its `disable`, or these settings out",
            );
        }
        redirected(platform, findings);
        let other = platform.objects.iter().any(|object| {
            let text = |pointer: &str| object.0.pointer(pointer).and_then(serde_json::Value::as_str);
            text("/kind") == Some("HelmChartConfig")
                && text("/metadata/name") == Some(NAME)
                && text("/metadata/namespace") == Some(NAMESPACE)
        });
        if other {
            let message = "an object of the platform says its settings too, and one of them would be lost";
            findings.find(
                &super::TWICE,
                message,
                "say all of them in one place: `arguments` takes any of its program",
            );
        }
    });
}

/// A caller who is led to HTTPS meets the certificate of the host, or one of Traefik's own that no program trusts.
fn redirected(platform: &Platform, findings: &mut RoleFindings<'_>) {
    if !platform.traefik.as_ref().is_some_and(|traefik| traefik.redirect_https) {
        return;
    }
    let plain = |ingress: &&IngressHost| ingress.tls.is_none();
    let hosts = platform.namespaces.iter().flat_map(|namespace| &namespace.ingresses).filter(plain);
    let gateways = platform.namespaces.iter().flat_map(|namespace| {
        let plain = |one: &&Gateway| one.is_of_traefik() && one.listeners.iter().all(|one| one.tls.is_none());
        let plain = namespace.gateways.iter().filter(plain);
        plain.map(move |one| format!("the gateway {}/{}", namespace.name, one.name))
    });
    let hosts: Vec<String> = hosts.map(|ingress| ingress.host.to_string()).chain(gateways).collect();
    if hosts.is_empty() {
        return;
    }
    findings.part("redirect_https", |findings| {
        let message =
            format!("callers of {} are led to HTTPS, and no certificate is there", NameList::new(hosts));
        findings.find(&NO_TLS, message, "give each of them `tls`, or leave `redirect_https` out");
    });
}
