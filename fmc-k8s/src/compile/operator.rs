//! The objects of operators.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::kind::NAMESPACE;
use crate::manifest::{Manifest, OPERATOR};
use crate::operator::{Operator, Scopes, scope};
use crate::platform::Platform;

/// The scopes of the kinds that a platform's definitions add.
pub(crate) fn scopes(platform: &Platform) -> Scopes {
    let own = platform.objects.iter().filter_map(|object| scope(&object.0));
    let of_operators = platform.operators.iter().flat_map(|operator| operator.objects());
    own.chain(of_operators.filter_map(|object| scope(object.value))).collect()
}

/// The objects of a platform's operators. Of several that are one object there is the first.
pub(super) fn manifests(platform: &Platform) -> Vec<Manifest> {
    if platform.operators.is_empty() {
        return Vec::new();
    }
    let scopes = scopes(platform);
    let mut known: BTreeSet<String> = platform.namespaces.iter().map(|one| one.name.to_string()).collect();
    let mut all = Vec::new();
    for operator in &platform.operators {
        let objects = operator.objects();
        let placed = objects.iter().map(|object| {
            let mut placed = operator.placed(object.value, &scopes);
            platform.pin(&mut placed);
            placed
        });
        let manifests: Vec<Manifest> = placed.filter_map(|value| Manifest::of_value(value).ok()).collect();
        let namespaces = manifests.iter().filter(|one| *one.kind() == NAMESPACE).map(Manifest::name);
        known.extend(namespaces.map(str::to_owned));
        if let Some(namespace) = operator.namespace.as_ref().map(ToString::to_string)
            && known.insert(namespace.clone())
        {
            all.extend(self::namespace(operator, namespace));
        }
        let within = Some(u64::from(operator.ready_within)).filter(|seconds| *seconds > 0);
        all.extend(manifests.into_iter().map(|manifest| {
            let waits = manifest.kind().has_pods() || manifest.kind().is_custom();
            manifest.waits(within.filter(|_| waits))
        }));
    }
    all
}

/// A namespace that only the operator's setting names. Its pods satisfy the standard `restricted`; a project whose pods do not has a namespace in
/// its files.
fn namespace(operator: &Operator, name: String) -> Option<Manifest> {
    let mut labels = super::restricted();
    labels.insert(OPERATOR.to_owned(), operator.name.to_string());
    super::manifest(&core::Namespace {
        metadata: ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() },
        ..core::Namespace::default()
    })
}
