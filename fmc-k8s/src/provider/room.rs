//! The provider's part of a cloud: what follows from its platforms.

use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::graph::{Address, Carries, Edge, Node, Place, Seen, Wanted};
#[cfg(feature = "sim")]
use fmc_core::provider::SimulationError;
use fmc_core::provider::{Artifact, Drift, Room, Status};
#[cfg(feature = "client")]
use fmc_core::secret::Kubeconfigs;
use fmc_core::secret::{SecretRef, Secrets};

#[cfg(feature = "client")]
use super::entered::Entered;
use super::order::Order;
use super::{API, Document, Kubernetes, NAME, ceph, drift, ready};
use crate::manifest::Manifest;
use crate::object::{ApiObject, Unwanted};
use crate::platform::Platform;

/// The seconds that an apply waits for the API of a cluster whose servers were just made.
const API_WITHIN: u64 = 900;

impl Room for Kubernetes {
    const NAME: &'static str = NAME;

    fn documents(&self, checked: &Checked) -> Wanted<Document> {
        let owner = checked.owner().as_str();
        let mut wanted = Wanted::nothing(owner);
        // A cluster without a platform may have one's objects still.
        let clusters = checked.clusters().iter().map(|cluster| Place::new(NAME, cluster.name.as_str()));
        wanted.places.extend(clusters);
        for platform in checked.spanning_roles::<Platform>() {
            let cluster = platform.cluster.to_string();
            let api = Address::new(Place::new(NAME, cluster.as_str()), API, cluster.as_str());
            let manifests = platform.manifests_in(checked);
            let document = Arc::new(Document::Api {
                within: API_WITHIN,
                access: checked.access(&cluster).map(Box::new),
                kustomization: kustomization(&manifests),
                hosts: ceph::hosts(checked),
                machines: ceph::known(checked),
            });
            let api_node = Node { document, needs: servers(checked, &cluster), part_of: None };
            wanted.nodes.insert(api.clone(), api_node);
            let order = Order::of(&manifests, &cluster);
            for manifest in manifests {
                let at = manifest.address(&cluster);
                let (mut needs, awaited) = order.needs(&manifest, &at, &api);
                needs.extend(ceph::needs(&at, manifest.content(), checked));
                let along = order.along(&manifest, &at);
                let document = Arc::new(Document::awaiting(manifest, owner, awaited).with_along(along));
                wanted.nodes.insert(at, Node { document, needs, part_of: None });
            }
        }
        wanted
    }

    fn artifacts<'a>(
        &self,
        at: &'a Address,
        document: &'a Document,
        _: Option<&'a str>,
    ) -> Vec<Artifact<'a>> {
        let cluster = at.place().name().unwrap_or_default();
        let path = |file: &str| format!("kubernetes/{cluster}/{file}");
        vec![match document {
            Document::Api { kustomization, .. } => {
                Artifact::text(path("kustomization.yaml"), "kustomization", kustomization)
            }
            Document::Object(wanted) => {
                let path = path(&file(at));
                match wanted.template() {
                    Some(template) => Artifact::template(path, at.kind(), template),
                    None => Artifact::text(path, at.kind(), wanted.yaml()),
                }
            }
        }]
    }

    fn secrets<'a>(&self, document: &'a Document) -> Vec<&'a SecretRef> {
        let manifest = document.wanted().map(|wanted| &wanted.manifest);
        manifest.into_iter().flat_map(|one| one.holes().values()).map(|hole| &hole.secret).collect()
    }

    fn with_secrets(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<Self> {
        Some(Self { secrets: Some(secrets), ..self.clone() })
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[("deployment", "deployment")]
    }

    #[cfg(feature = "client")]
    fn with_kubeconfigs(&self, kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Option<Self> {
        Some(Self { entered: Entered::by(kubeconfigs), ..self.clone() })
    }

    #[cfg(feature = "sim")]
    fn simulation(&self, state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        Self::in_memory(state).map(Some)
    }

    #[cfg(feature = "sim")]
    fn simulated(&self) -> Option<String> {
        self.kept()
    }

    fn former<'a>(&self, object: &'a ApiObject) -> Option<&'a str> {
        match &object.unwanted {
            Unwanted::Left { named, .. }
            | Unwanted::Claimed(named)
            | Unwanted::Unused { named, .. }
            | Unwanted::Data { named, .. } => Some(named),
            Unwanted::Beside { named } => named.first().map(AsRef::as_ref),
            Unwanted::Pruned
            | Unwanted::Used
            | Unwanted::Destroyed(_)
            | Unwanted::Named { .. }
            | Unwanted::Copied => None,
        }
    }

    /// A deployment tells how many of its pods are ready.
    fn status(&self, _: &Checked, wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> Status {
        let mut status = Status::of_objects(wanted, seen);
        for standing in &mut status.objects {
            let at = &standing.address;
            let document = wanted.nodes.get(at).and_then(|node| node.document.wanted());
            let why = document.zip(seen.object(at)).and_then(|(document, object)| {
                let is_ours = object.owner() == Some(&*wanted.owner);
                if is_ours { ready::not_yet(&document.manifest, object) } else { None }
            });
            if let Some(why) = why {
                let why = document.map(|document| ready::not_ready(&document.manifest, &why)).unwrap_or(why);
                standing.state = format!("there, {why}");
            }
        }
        status
    }

    fn drift(&self, wanted: &Wanted<Document>, seen: &Seen<ApiObject>) -> Drift {
        drift::drift(wanted, seen)
    }
}

/// The file of an object below the folder of its cluster.
fn file(at: &Address) -> String {
    format!("{}.{}.yaml", at.name(), at.kind())
}

/// The file that names those of all objects, so that `kubectl apply -k` and `kubectl kustomize` take the folder of a cluster as it is.
fn kustomization(manifests: &[Manifest]) -> String {
    let mut files: Vec<String> = manifests.iter().map(|manifest| file(&manifest.address(""))).collect();
    files.sort();
    // A name of a cluster-wide role has a colon, which YAML takes for a key unless it is quoted.
    let resources: String = files.iter().map(|file| format!("  - '{file}'\n")).collect();
    format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{resources}")
}

/// The API answers once the machines of its servers are there.
fn servers(checked: &Checked, cluster: &str) -> Vec<Edge> {
    let servers = checked.cluster(cluster).into_iter().flat_map(|cluster| &cluster.servers);
    let machines = servers.filter_map(|server| checked.at(*server));
    machines
        .filter_map(|machine| {
            let host = checked.at(machine.host)?;
            let to = ceph::machine(host.name.as_str(), machine.name.as_str());
            Some(Edge { to, carries: Carries::Exists })
        })
        .collect()
}
