//! The secrets of a namespace: an object for each, without its bytes.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::name::SecretName;
use fmc_core::secret::{Secret, SecretRef};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::container::{Container, MountSource};
use crate::gateway::Gateway;
use crate::ingress::{IngressHost, Tls};
use crate::manifest::Manifest;
use crate::platform::Namespace;
use crate::secret::{Form, GENERATIONS, Hole};

/// The keys of a secret with a certificate (*TLS Secrets* of Kubernetes).
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// A secret with the forms in which containers get it.
type Used = BTreeMap<SecretName, (SecretRef, BTreeSet<Form>)>;

fn used<'a>(containers: impl IntoIterator<Item = &'a Container>) -> Used {
    let mut used = Used::new();
    let mut add = |secret: &Secret, form| {
        if let Some(secret) = secret.reference() {
            used.entry(secret.name.clone()).or_insert_with(|| (secret, BTreeSet::new())).1.insert(form);
        }
    };
    for container in containers {
        for variable in &container.secret_environment {
            add(&variable.secret, Form::Line);
        }
        for mount in &container.mounts {
            if let MountSource::Secrets(files) = &mount.from {
                files.values().for_each(|secret| add(secret, Form::Bytes));
            }
        }
    }
    used
}

/// The objects of a namespace's secrets.
pub(super) fn manifests(namespace: &Namespace) -> Vec<Manifest> {
    let workloads = namespace.workloads();
    let used = used(workloads.iter().flat_map(|(_, workload)| workload.containers));
    let manifest = |(secret, forms): (SecretRef, BTreeSet<Form>)| {
        let object = core::Secret {
            metadata: ObjectMeta {
                name: Some(secret.name.to_string()),
                namespace: Some(namespace.name.to_string()),
                annotations: Some([generation_of(&secret)].into()),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            ..core::Secret::default()
        };
        let hole = |form: Form| (form.key().to_owned(), Hole { secret: secret.clone(), form });
        let holes = forms.into_iter().map(hole).collect();
        super::manifest(&object).map(|manifest| manifest.with_holes(holes))
    };
    used.into_values().filter_map(manifest).collect()
}

/// The object with the certificate of an ingress, if it has one.
pub(super) fn of_ingress(of: &IngressHost, namespace: &str) -> Option<Manifest> {
    certificate(of.tls.as_ref()?, of.certificate_name(), namespace)
}

/// The objects with the certificates of the listeners of a gateway.
pub(super) fn of_gateway(of: &Gateway, namespace: &str) -> Vec<Manifest> {
    let all = of.listeners.iter().filter_map(|one| Some((one, one.tls.as_ref()?)));
    all.filter_map(|(one, tls)| certificate(tls, of.certificate_name(one), namespace)).collect()
}

fn certificate(tls: &Tls, name: String, namespace: &str) -> Option<Manifest> {
    let parts = [(CERTIFICATE, tls.certificate.reference()?), (KEY, tls.key.reference()?)];
    let generations = parts.each_ref().map(|(_, secret)| generation(secret)).join(" ");
    let object = core::Secret {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace.to_owned()),
            annotations: Some([(GENERATIONS.to_owned(), generations)].into()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        ..core::Secret::default()
    };
    let hole = |(key, secret): (&str, SecretRef)| (key.to_owned(), Hole { secret, form: Form::Bytes });
    super::manifest(&object).map(|manifest| manifest.with_holes(parts.map(hole).into()))
}

/// The annotation of an object with a secret.
pub(super) fn generation_of(secret: &SecretRef) -> (String, String) {
    (GENERATIONS.to_owned(), generation(secret))
}

fn generation(secret: &SecretRef) -> String {
    format!("{}/{}", secret.name, secret.generation)
}

/// The generations of the secrets of containers, which start again with others; none if they have no secret.
pub(super) fn generations(containers: &[Container]) -> Option<String> {
    let used = used(containers);
    let each: Vec<String> = used.values().map(|(secret, _)| generation(secret)).collect();
    (!each.is_empty()).then(|| each.join(" "))
}

/// A variable whose value is a secret.
pub(super) fn variable(name: &str, secret: &Secret) -> core::EnvVar {
    let from = secret.reference().map(|secret| core::EnvVarSource {
        secret_key_ref: Some(core::SecretKeySelector {
            name: secret.name.to_string(),
            key: Form::Line.key().to_owned(),
            ..core::SecretKeySelector::default()
        }),
        ..core::EnvVarSource::default()
    });
    core::EnvVar { name: name.to_owned(), value_from: from, ..core::EnvVar::default() }
}

/// The volume of secrets as files.
pub(super) fn volume(files: &BTreeMap<String, Secret>) -> core::ProjectedVolumeSource {
    let sources = files.iter().filter_map(|(path, secret)| {
        let item = core::KeyToPath {
            key: Form::Bytes.key().to_owned(),
            path: path.clone(),
            ..core::KeyToPath::default()
        };
        Some(core::VolumeProjection {
            secret: Some(core::SecretProjection {
                name: secret.reference()?.name.to_string(),
                items: Some(vec![item]),
                ..core::SecretProjection::default()
            }),
            ..core::VolumeProjection::default()
        })
    });
    core::ProjectedVolumeSource { sources: Some(sources.collect()), ..core::ProjectedVolumeSource::default() }
}
