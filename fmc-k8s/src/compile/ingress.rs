//! The object of a host that people outside call.

use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::ingress::{CLASS, IngressHost, Route};

/// The port at which Traefik takes the host: with a certificate HTTPS alone (*Routing Configuration* of Traefik).
const ENTRANCE: &str = "traefik.ingress.kubernetes.io/router.entrypoints";

pub(super) fn object(of: &IngressHost, namespace: &str) -> networking::Ingress {
    let host = of.host.to_string();
    let entrance = if of.tls.is_some() { "websecure" } else { "web" };
    let tls = of.tls.as_ref().map(|_| networking::IngressTLS {
        hosts: Some(vec![host.clone()]),
        secret_name: Some(of.certificate_name()),
    });
    networking::Ingress {
        metadata: ObjectMeta {
            name: Some(host.clone()),
            namespace: Some(namespace.to_owned()),
            annotations: Some([(ENTRANCE.to_owned(), entrance.to_owned())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(networking::IngressSpec {
            ingress_class_name: Some(CLASS.to_owned()),
            rules: Some(vec![networking::IngressRule {
                host: Some(host),
                http: Some(networking::HTTPIngressRuleValue { paths: of.routes.iter().map(path).collect() }),
            }]),
            tls: tls.map(|tls| vec![tls]),
            ..networking::IngressSpec::default()
        }),
        ..networking::Ingress::default()
    }
}

fn path(of: &Route) -> networking::HTTPIngressPath {
    networking::HTTPIngressPath {
        backend: networking::IngressBackend {
            service: Some(networking::IngressServiceBackend {
                name: of.to.to_string(),
                port: Some(networking::ServiceBackendPort {
                    number: Some(of.port.into()),
                    ..networking::ServiceBackendPort::default()
                }),
            }),
            ..networking::IngressBackend::default()
        },
        path: Some(of.path.clone()),
        path_type: "Prefix".to_owned(),
    }
}
