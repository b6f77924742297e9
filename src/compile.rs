//! Compiling: from a checked cloud to artifacts, without side effects and without failure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::graph;
use fmc_core::host_side::{self, HostSide};
use fmc_core::name::{CloudName, OwnerId, SecretName};
use fmc_core::provider::{AnyDocument, AnyRoom, Artifact, ByHand, Rooms};
use fmc_core::secret::{RootKeyCheck, SecretRef, SecretScope};

use crate::providers;

#[cfg(test)]
mod tests;

/// Compiles a checked cloud. It cannot fail and gives the same bytes each time. A new machine changes only
/// the artifacts that name it.
///
/// ```
/// use fmc::prelude::*;
///
/// let cloud = Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank()).root_disk(2.gib()));
/// let wanted = fmc::compile(&cloud.check()?);
/// let paths: Vec<String> = wanted.artifacts().map(|artifact| artifact.path).collect();
/// assert!(paths.contains(&"libvirt/local/domains/web.xml".to_owned()));
/// # Ok::<(), Report>(())
/// ```
pub fn compile(checked: &Checked) -> Wanted {
    compile_with(checked, providers::built_in(), None)
}

/// Compiles a checked cloud for these providers.
pub(crate) fn compile_with(checked: &Checked, rooms: Vec<AnyRoom>, root_key: Option<RootKeyCheck>) -> Wanted {
    let all = rooms.iter().fold(Rooms::new(), Rooms::with_any);
    Wanted(Arc::new(Inner {
        name: checked.name().clone(),
        owner: checked.owner().clone(),
        secrets: checked.secret_scope(),
        says_derivation: checked.derivation().is_some(),
        root_key,
        lab: checked.is_lab(),
        destroyed: None,
        by_hand: all.by_hand(checked),
        host_sides: host_side::of(checked),
        graph: all.documents(checked),
        machines: checked.machines().iter().map(|machine| machine.name.to_string()).collect(),
        rooms,
    }))
}

/// The compiled form of a cloud. A clone shares it.
#[derive(Clone, Debug)]
pub struct Wanted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: CloudName,
    owner: OwnerId,
    secrets: SecretScope,
    says_derivation: bool,
    root_key: Option<RootKeyCheck>,
    lab: bool,
    /// The wanted objects before they became nothing.
    destroyed: Option<Wanted>,
    by_hand: Vec<ByHand>,
    host_sides: Vec<HostSide>,
    graph: graph::Wanted<AnyDocument>,
    /// The names of the cloud's machines, also if the cloud is destroyed.
    machines: BTreeSet<String>,
    /// The providers that it was compiled for. They compare its objects: a plan needs no connection.
    rooms: Vec<AnyRoom>,
}

impl Wanted {
    /// The cloud's name.
    pub fn name(&self) -> &CloudName {
        &self.0.name
    }

    /// The owner of its objects.
    pub fn owner(&self) -> &OwnerId {
        &self.0.owner
    }

    /// Whose secrets are made from the root key, and how.
    pub fn secret_scope(&self) -> &SecretScope {
        &self.0.secrets
    }

    /// Whether the cloud says by which derivation they are made.
    pub(crate) fn says_derivation(&self) -> bool {
        self.0.says_derivation
    }

    /// The check of the root key that is given now.
    pub(crate) fn root_key(&self) -> Option<&RootKeyCheck> {
        self.0.root_key.as_ref()
    }

    /// Whether it is a lab, the small copy of a cloud.
    pub fn is_lab(&self) -> bool {
        self.0.lab
    }

    /// The objects with their needs.
    pub fn graph(&self) -> &graph::Wanted<AnyDocument> {
        &self.0.graph
    }

    /// The providers that it was compiled for.
    pub fn rooms(&self) -> Rooms<'_> {
        self.0.rooms.iter().fold(Rooms::new(), Rooms::with_any)
    }

    /// The files that no step applies, as the nft tables of hosts: the administrator of a host loads its
    /// table.
    pub fn by_hand(&self) -> &[ByHand] {
        &self.0.by_hand
    }

    /// The files of the hosts themselves, which `host NAME install` takes there.
    pub fn host_sides(&self) -> &[HostSide] {
        &self.0.host_sides
    }

    /// A fingerprint of the compiled cloud; secrets count by name and generation. Two clouds with the same
    /// compiled form have the same fingerprint.
    pub fn fingerprint(&self) -> graph::Fingerprint {
        let mut all = format!("{:?} {}\n", self.0.owner, self.0.lab);
        let rooms = self.rooms();
        for (address, node) in &self.0.graph.nodes {
            all += &format!("{address} {}\n", rooms.fingerprint_of(address, node));
        }
        for ByHand { place, text, .. } in &self.0.by_hand {
            all += &format!("{place} {}\n", graph::Fingerprint::of(text.as_bytes()));
        }
        for side in &self.0.host_sides {
            for file in &side.files {
                let text = graph::Fingerprint::of(file.text.as_bytes());
                all += &format!("{}:{} {:o} {text}\n", side.host, file.path, file.mode);
            }
        }
        graph::Fingerprint::of(all.as_bytes())
    }

    /// Whether it is [`nothing`](Wanted::nothing).
    pub fn is_nothing(&self) -> bool {
        self.0.destroyed.is_some()
    }

    /// The wanted objects before they became [nothing](Wanted::nothing).
    pub(crate) fn destroyed(&self) -> Option<&Self> {
        self.0.destroyed.as_ref()
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.machines.iter().map(String::as_str)
    }

    /// An empty form with the same owner: that of a destroyed cloud.
    #[must_use]
    pub fn nothing(&self) -> Self {
        Self(Arc::new(Inner {
            name: self.0.name.clone(),
            owner: self.0.owner.clone(),
            secrets: self.0.secrets.clone(),
            says_derivation: self.0.says_derivation,
            root_key: self.0.root_key.clone(),
            lab: self.0.lab,
            destroyed: Some(self.clone()),
            by_hand: Vec::new(),
            host_sides: Vec::new(),
            rooms: self.0.rooms.clone(),
            graph: self.0.graph.emptied(),
            machines: self.0.machines.clone(),
        }))
    }

    /// The boot configurations of machines, sorted by machine.
    pub fn boots(&self) -> impl Iterator<Item = (&str, &Arc<Boot>)> {
        let rooms = self.rooms();
        let nodes = self.0.graph.nodes.iter();
        let boots: BTreeMap<&str, &Arc<Boot>> = nodes
            .filter_map(|(at, node)| {
                let boot = rooms.boot(at, node)?;
                Some((node.part_of.as_deref()?.strip_prefix("machine/")?, boot))
            })
            .collect();
        boots.into_iter()
    }

    /// The names and generations of the secrets that rendering needs.
    pub fn secrets(&self) -> BTreeSet<(SecretName, u32)> {
        self.secret_refs().into_iter().map(|secret| (secret.name.clone(), secret.generation)).collect()
    }

    /// Whether rendering needs a root key, because some of its secrets are made from it.
    pub fn needs_root_key(&self) -> bool {
        self.secret_refs().into_iter().any(SecretRef::needs_root_key)
    }

    /// The files and environment variables of this computer that an apply reads for secrets, with the secrets.
    #[cfg(feature = "cli")]
    pub(crate) fn reads(&self) -> BTreeSet<&SecretRef> {
        let refs = self.secret_refs().into_iter();
        refs.filter(|secret| !matches!(secret.source, fmc_core::secret::SecretSource::Generated(_))).collect()
    }

    fn secret_refs(&self) -> Vec<&SecretRef> {
        let rooms = self.rooms();
        self.0.graph.nodes.iter().flat_map(|(at, node)| rooms.secrets(at, node)).collect()
    }

    /// Every file of `compile --out`, sorted by path.
    pub fn artifacts(&self) -> impl Iterator<Item = Artifact<'_>> {
        let rooms = self.rooms();
        let nodes = self.0.graph.nodes.iter();
        let mut all: Vec<Artifact<'_>> = nodes.flat_map(|(at, node)| rooms.artifacts(at, node)).collect();
        all.extend(self.0.by_hand.iter().map(|file| Artifact::text(&file.path, file.kind, &file.text)));
        for side in &self.0.host_sides {
            let files = side.files.iter();
            all.extend(files.map(|file| {
                Artifact::text(format!("hosts/{}{}", side.host, file.path), "host-file", &file.text)
            }));
        }
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all.into_iter()
    }
}
