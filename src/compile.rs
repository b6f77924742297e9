//! Compiling: from a checked cloud to artifacts, without an effect and without a way to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::graph;
use fmc_core::name::{CloudName, HostName, OwnerId, SecretName};
use fmc_core::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::template::Template;
use fmc_libvirt::document::{Content, Document, kind};
use fmc_libvirt::{documents, nft};

#[cfg(test)]
mod tests;

/// Compiles a checked cloud. It cannot fail, gives the same bytes each time, and a new machine changes only what names it.
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
    let rulesets =
        nft::rulesets(checked).map(|(host, text)| Ruleset { host: host.name.clone(), text: text.into() });
    Wanted(Arc::new(Inner {
        name: checked.name().clone(),
        owner: checked.owner().clone(),
        lab: checked.is_lab(),
        nothing: false,
        rulesets: rulesets.collect(),
        graph: documents::documents(checked),
    }))
}

/// What a cloud compiles to. A clone shares it.
#[derive(Clone, Debug)]
pub struct Wanted(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: CloudName,
    owner: OwnerId,
    lab: bool,
    nothing: bool,
    rulesets: Vec<Ruleset>,
    graph: graph::Wanted<Document>,
}

/// The nft table of a host.
#[derive(Clone, Debug)]
pub struct Ruleset {
    /// The host.
    pub host: HostName,
    /// The table, for `nft -f`; loading it twice changes nothing.
    pub text: Arc<str>,
}

impl Wanted {
    /// The cloud's name.
    pub fn name(&self) -> &CloudName {
        &self.0.name
    }

    /// Who owns its objects.
    pub fn owner(&self) -> &OwnerId {
        &self.0.owner
    }

    /// Whether it is the small copy of a cloud.
    pub fn is_lab(&self) -> bool {
        self.0.lab
    }

    /// The objects, with what each needs.
    pub fn graph(&self) -> &graph::Wanted<Document> {
        &self.0.graph
    }

    /// The nft tables of the hosts that need one. They are no steps of a plan: who administers a host loads its.
    pub fn rulesets(&self) -> &[Ruleset] {
        &self.0.rulesets
    }

    /// A fingerprint of all that is wanted, secrets as holes, by name and generation: two clouds that compile to the same
    /// have the same one.
    pub fn fingerprint(&self) -> graph::Fingerprint {
        let mut all = format!("{:?} {}\n", self.0.owner, self.0.lab);
        for (address, node) in &self.0.graph.nodes {
            all += &format!("{address} {}\n", node.document.fingerprint());
        }
        for Ruleset { host, text } in &self.0.rulesets {
            all += &format!("{host} {}\n", graph::Fingerprint::of(text.as_bytes()));
        }
        graph::Fingerprint::of(all.as_bytes())
    }

    /// Whether it is [nothing](Wanted::nothing).
    pub fn is_nothing(&self) -> bool {
        self.0.nothing
    }

    /// Nothing, of the same owner: what a destroyed cloud is.
    #[must_use]
    pub fn nothing(&self) -> Self {
        Self(Arc::new(Inner {
            name: self.0.name.clone(),
            owner: self.0.owner.clone(),
            lab: self.0.lab,
            nothing: true,
            rulesets: Vec::new(),
            graph: self.0.graph.emptied(),
        }))
    }

    /// The boot configurations of machines, by machine, in the order of their names.
    pub fn boots(&self) -> impl Iterator<Item = (&str, &Arc<Boot>)> {
        let boots: BTreeMap<&str, &Arc<Boot>> = self
            .0
            .graph
            .nodes
            .values()
            .filter_map(|node| match &*node.document {
                Document::Volume(volume) => match &volume.content {
                    Content::Boot(boot) => Some((node.part_of.as_deref()?.strip_prefix("machine/")?, boot)),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        boots.into_iter()
    }

    /// The secrets that rendering needs, by name and generation.
    pub fn secrets(&self) -> BTreeSet<(SecretName, u32)> {
        let secrets = self.boots().flat_map(|(_, boot)| boot.secrets());
        secrets.map(|secret| (secret.name.clone(), secret.generation)).collect()
    }

    /// Whether rendering needs a root key: some of its secrets are made from one.
    pub fn needs_root_key(&self) -> bool {
        self.boots().any(|(_, boot)| boot.secrets().any(SecretRef::needs_root_key))
    }

    /// Every file that `compile --out` writes, in the order of their paths.
    pub fn artifacts(&self) -> impl Iterator<Item = Artifact<'_>> {
        let mut all: Vec<Artifact<'_>> = self.0.graph.nodes.iter().filter_map(document).collect();
        all.extend(self.0.rulesets.iter().map(|ruleset| Artifact {
            path: format!("hosts/{}.nft", ruleset.host),
            kind: "nft",
            content: Body::Text(&ruleset.text),
        }));
        for (machine, boot) in self.boots() {
            all.extend(boot.files().into_iter().map(|(name, template)| Artifact {
                path: format!("guests/{machine}/{name}"),
                kind: "guest",
                content: Body::Template(template),
            }));
            if matches!(**boot, Boot::CloudInit { .. }) {
                let path = format!("guests/{machine}/seed.iso");
                all.push(Artifact { path, kind: "guest", content: Body::Image(boot) });
            }
        }
        all.sort_by(|one, other| one.path.cmp(&other.path));
        all.into_iter()
    }
}

/// A file of a compiled cloud.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    /// Its path below the output's folder, as `libvirt/local/domains/web.xml`.
    pub path: String,
    /// What it is: `domain`, `network`, `pool`, `volume`, `nft` or `guest`.
    pub kind: &'static str,
    content: Body<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    Text(&'a str),
    Template(&'a Template),
    Image(&'a Boot),
}

impl Artifact<'_> {
    /// Whether nobody else may read it: it is what is inside a machine.
    pub fn is_private(&self) -> bool {
        self.kind == "guest"
    }

    /// Whether a secret is in it once it is rendered.
    pub fn has_secrets(&self) -> bool {
        match self.content {
            Body::Text(_) => false,
            Body::Template(template) => template.has_holes(),
            Body::Image(boot) => boot.secrets().next().is_some(),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    ///
    /// A secret cannot be had, or does not fit its hole.
    pub fn render(&self, secrets: &dyn Secrets) -> Result<SecretBytes, SecretError> {
        match self.content {
            Body::Text(text) => Ok(SecretBytes::new(text.as_bytes().to_vec())),
            Body::Template(template) => template.render(secrets),
            Body::Image(boot) => boot.render_volume(secrets),
        }
    }

    /// What it hashes to without its secrets, which are covered by name and generation; `None` if it has none, and its
    /// bytes can be hashed as they are.
    pub fn template_digest(&self) -> Option<[u8; 32]> {
        match self.content {
            _ if !self.has_secrets() => None,
            Body::Text(_) => None,
            Body::Template(template) => Some(template.digest()),
            Body::Image(boot) => Some(boot.digest()),
        }
    }
}

fn document<'a>((address, node): (&'a graph::Address, &'a graph::Node<Document>)) -> Option<Artifact<'a>> {
    let (folder, kind) = match address.kind() {
        kind::DOMAIN => ("domains", "domain"),
        kind::NETWORK => ("networks", "network"),
        kind::POOL => ("pools", "pool"),
        // Its name is `POOL/NAME`.
        kind::VOLUME => ("volumes", "volume"),
        _ => return None,
    };
    let path = format!("{}/{folder}/{}.xml", address.place(), address.name());
    Some(Artifact { path, kind, content: Body::Text(node.document.xml()) })
}
