//! The names of machines inside of a cluster: a service without pods for each, and the addresses behind it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fmc_core::given::Given;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::outside::Outside;
use super::{manifest, metadata};
use crate::manifest::Manifest;
use crate::name::ObjectName;
use crate::outside::OutsideCall;
use crate::platform::Namespace;

/// A machine with a name in a namespace.
struct Named<'a> {
    name: &'a Given<ObjectName>,
    addresses: &'a [IpAddr],
    ports: BTreeSet<u16>,
}

/// The objects of the machines that have a name in a namespace. Without the cloud no address is known, and there are none.
pub(super) fn objects(namespace: &Namespace, outside: &Outside) -> Vec<Manifest> {
    let mut all: BTreeMap<String, Named<'_>> = BTreeMap::new();
    let calls: Vec<Cow<'_, OutsideCall>> = namespace.outside.iter().map(|call| outside.whole(call)).collect();
    for call in &calls {
        let (Some(name), Some(machine)) = (&call.name, &call.machine) else { continue };
        let Some(addresses) = outside.machines.get(&machine.to_string()).filter(|some| !some.is_empty())
        else {
            continue;
        };
        let named = all.entry(name.to_string());
        let named = named.or_insert_with(|| Named { name, addresses, ports: BTreeSet::new() });
        named.ports.extend(&call.ports);
    }
    let of = namespace.name.to_string();
    let slices =
        |one: &Named<'_>| [one.slice(&of, "IPv4", IpAddr::is_ipv4), one.slice(&of, "IPv6", IpAddr::is_ipv6)];
    all.values().flat_map(|one| [one.service(&of)].into_iter().chain(slices(one))).flatten().collect()
}

fn port_name(port: u16) -> Option<String> {
    Some(format!("port-{port}"))
}

impl Named<'_> {
    fn service(&self, namespace: &str) -> Option<Manifest> {
        let ports = self.ports.iter().map(|port| core::ServicePort {
            name: port_name(*port),
            port: (*port).into(),
            protocol: Some("TCP".to_owned()),
            target_port: Some(IntOrString::Int((*port).into())),
            ..core::ServicePort::default()
        });
        manifest(&core::Service {
            metadata: metadata(self.name, namespace),
            spec: Some(core::ServiceSpec {
                // Its name is the machine's own addresses, which policies and firewalls see.
                cluster_ip: Some("None".to_owned()),
                ports: Some(ports.collect()),
                ..core::ServiceSpec::default()
            }),
            ..core::Service::default()
        })
    }

    /// The addresses of a family, if there are some.
    fn slice(&self, namespace: &str, family: &str, is_right: fn(&IpAddr) -> bool) -> Option<Manifest> {
        let addresses = self.addresses.iter().filter(|address| is_right(address));
        let endpoints: Vec<discovery::Endpoint> = addresses
            .map(|address| discovery::Endpoint {
                addresses: vec![address.to_string()],
                conditions: Some(discovery::EndpointConditions {
                    ready: Some(true),
                    ..discovery::EndpointConditions::default()
                }),
                ..discovery::Endpoint::default()
            })
            .collect();
        let ports = self.ports.iter().map(|port| discovery::EndpointPort {
            name: port_name(*port),
            port: Some((*port).into()),
            protocol: Some("TCP".to_owned()),
            ..discovery::EndpointPort::default()
        });
        let slice = discovery::EndpointSlice {
            metadata: ObjectMeta {
                name: Some(format!("{}-{}", self.name, family.to_ascii_lowercase())),
                labels: Some([("kubernetes.io/service-name".to_owned(), self.name.to_string())].into()),
                ..metadata(self.name, namespace)
            },
            address_type: family.to_owned(),
            ports: Some(ports.collect()),
            endpoints: Some(endpoints),
        };
        slice.endpoints.as_ref().is_some_and(|some| !some.is_empty()).then(|| manifest(&slice)).flatten()
    }
}
