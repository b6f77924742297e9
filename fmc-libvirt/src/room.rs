//! libvirt's parts beside its steps: files, drift, status, its part of the picture, its preflight.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use fmc_core::boot::{Boot, Born, BornSecrets};
use fmc_core::checked::{Checked, Idx, Machine, Network};
use fmc_core::graph::{Address, Note, Seen, Wanted};
use fmc_core::provider::{Artifact, ByHand, Drawn, Drift, MachinePart, NoValue, Room, Status};
use fmc_core::role::Membership;
use fmc_core::secret::{Derivation, RootKeyCheck};
use fmc_core::unit::Size;

use crate::document::{self, Content, Document, PROVIDER, kind};
use crate::documents::documents;
use crate::drift;
use crate::link::{Link, Suspended};
use crate::mark::Mark;
use crate::provider::object::{DomainObject, Object, Owner};
use crate::provider::{Libvirt, drifted, records};
use crate::volume::{Ours, own_pool};
use crate::{address, console, nft};

/// The mark of a domain of ours.
fn mark_of(object: &Object) -> Option<&Mark> {
    match object {
        Object::Domain(domain) if domain.owner == Owner::Us => domain.mark.as_ref(),
        Object::Domain(_) | Object::Pool(_) | Object::Volume(_) | Object::Network(_) | Object::Image(_) => {
            None
        }
    }
}

/// Hosts are simulated one by one, with a [`Sim`](crate::sim::Sim) as their link: there is no simulation of
/// all of libvirt.
impl<L: Link> Room for Libvirt<L> {
    const NAME: &'static str = PROVIDER;

    fn documents(&self, checked: &Checked) -> Wanted<Document> {
        documents(checked)
    }

    fn artifacts<'a>(
        &self,
        at: &'a Address,
        document: &'a Document,
        part_of: Option<&'a str>,
    ) -> Vec<Artifact<'a>> {
        let (folder, kind) = match document {
            Document::Domain(_) => ("domains", "domain"),
            Document::Network(_) => ("networks", "network"),
            Document::Pool(_) => ("pools", "pool"),
            // The name of a volume is `POOL/NAME`.
            Document::Volume(_) => ("volumes", "volume"),
        };
        let path = format!("{}/{folder}/{}.xml", at.place(), at.name());
        let mut all = vec![Artifact::text(path, kind, document.xml())];
        let machine = part_of.and_then(|noun| noun.strip_prefix("machine/"));
        if let Some((boot, machine)) = self.boot(document).zip(machine) {
            let path = |name: &str| format!("guests/{machine}/{name}");
            let files = boot.files().into_iter();
            all.extend(files.map(|(name, template)| Artifact::template(path(name), "guest", template)));
            if matches!(**boot, Boot::CloudInit { .. }) {
                all.push(Artifact::boot_volume(path("seed.iso"), "guest", boot));
            }
        }
        all
    }

    fn by_hand(&self, checked: &Checked) -> Vec<ByHand> {
        let table = |(host, text): (&fmc_core::checked::Host, String)| ByHand {
            place: host.name.as_str().into(),
            path: format!("hosts/{}.nft", host.name),
            kind: "nft",
            text: text.into(),
            why: format!("The routed networks of {} leave it by its nft table", host.name),
            loads: "nft -f",
        };
        nft::rulesets(checked).map(table).collect()
    }

    fn boot<'a>(&self, document: &'a Document) -> Option<&'a Arc<Boot>> {
        match document {
            Document::Volume(volume) => match &volume.content {
                Content::Boot(boot) => Some(boot),
                Content::Empty | Content::Image(_) => None,
            },
            Document::Pool(_) | Document::Network(_) | Document::Domain(_) => None,
        }
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[(kind::NETWORK, "network"), (kind::POOL, "pool"), (kind::DOMAIN, "machine")]
    }

    fn is_lab(&self, object: &Object) -> Option<bool> {
        let mark = mark_of(object)?;
        let is_known = mark.born.as_ref().is_some_and(|born| born.secrets != BornSecrets::Unknown);
        (mark.lab || is_known).then_some(mark.lab)
    }

    fn derivation(&self, object: &Object) -> Option<Derivation> {
        match mark_of(object)?.born.as_ref().map(|born| born.secrets).unwrap_or_default() {
            BornSecrets::Unknown => Some(Derivation::V1),
            BornSecrets::Derived(derivation) => Some(derivation),
            _ => None,
        }
    }

    fn root_key_check(&self, object: &Object) -> Option<RootKeyCheck> {
        mark_of(object)?.root_key.clone()
    }

    fn kept_derivation(&self, object: &Object) -> Option<Derivation> {
        let Object::Volume(volume) = object else { return None };
        // Of several records one is the rest of a change: the earlier derivation is the one that a state may need.
        records::said(volume).filter_map(|on| on.derivation).min()
    }

    fn kept_root_key_check(&self, object: &Object) -> Option<RootKeyCheck> {
        let Object::Volume(volume) = object else { return None };
        let of_disk = || records::said(volume).filter_map(|on| on.root_key.as_ref()).min().cloned();
        volume.root_key.clone().or_else(of_disk)
    }

    fn former<'a>(&self, object: &'a Object) -> Option<&'a str> {
        match object {
            Object::Volume(volume) if matches!(volume.ours, Ours::Disk { .. }) => volume.former.as_deref(),
            _ => None,
        }
    }

    fn memberships<'a>(&self, object: &'a Object) -> &'a [Membership] {
        mark_of(object).map(|mark| &*mark.memberships).unwrap_or_default()
    }

    fn born<'a>(&self, object: &'a Object) -> Option<&'a Born> {
        mark_of(object)?.born.as_deref()
    }

    fn makes<'a>(&self, document: &'a Document) -> Option<&'a Born> {
        match document {
            Document::Domain(domain) => domain.born.as_deref(),
            Document::Pool(_) | Document::Volume(_) | Document::Network(_) => None,
        }
    }

    fn machine_part<'a>(&self, document: &'a Document) -> Option<MachinePart<'a>> {
        let Document::Volume(volume) = document else { return None };
        let plain = &volume.name;
        if let Some((_, disk)) = plain.split_once(".disk.") {
            return Some(MachinePart::Disk(disk));
        }
        plain.contains(".root.").then_some(MachinePart::Root)
    }

    fn drift(&self, wanted: &Wanted<Document>, seen: &Seen<Object>) -> Drift {
        drifted::drift(wanted, seen)
    }

    fn status(&self, checked: &Checked, _: &Wanted<Document>, seen: &Seen<Object>) -> Status {
        let mut status = Status::default();
        for machine in checked.machines() {
            let Some(host) = checked.at(machine.host) else { continue };
            let at = Address::new(document::place(&host.name), kind::DOMAIN, machine.name.as_str());
            status.machines.insert(machine.name.to_string(), state(seen, &at));
        }
        for (at, object) in seen.present() {
            if matches!(object, Object::Domain(domain) if domain.owner == Owner::Us) {
                status.machines.entry(at.name().to_owned()).or_insert_with(|| state(seen, at));
            }
            let Object::Volume(volume) = object else { continue };
            if volume.elsewhere.is_some() {
                continue;
            }
            let Some(machine) =
                volume.machine.as_deref().filter(|_| matches!(volume.ours, Ours::Disk { .. }))
            else {
                continue;
            };
            if !seen.objects.contains_key(&at.beside(kind::DOMAIN, machine)) {
                let size =
                    volume.capacity.map(|bytes| format!("{} of ", Size::bytes(bytes))).unwrap_or_default();
                let known = records::kept(volume);
                let what = match volume.doubtful {
                    true => records::unproven(volume),
                    false => format!("{size}data{known}; {machine} is not there"),
                };
                status.kept.insert(at.to_string(), what);
            }
        }
        status
    }

    fn value(&self, document: &str, path: &str) -> Result<String, NoValue> {
        drift::value(document, path)
    }

    fn addresses(&self, checked: &Checked, machine: &Machine) -> Vec<(IpAddr, Idx<Network>)> {
        let mut found = address::known(checked, machine);
        if let (true, Some(link)) = (found.is_empty(), self.link_of(checked, machine)) {
            // A machine that is not there yet has no address; a host that does not answer was told of before.
            found = address::learnt(link, checked, machine).unwrap_or_default();
        }
        found.into_iter().map(|found| (found.address, found.network)).collect()
    }

    fn console(
        &self,
        checked: &Checked,
        machine: &Machine,
        lines: usize,
    ) -> Result<Option<Vec<String>>, String> {
        let Some(link) = self.link_of(checked, machine) else { return Ok(None) };
        let volume = Ours::Console { machine: machine.first_name.to_string(), full: None }.to_string();
        let kept = console::tail(link, &own_pool(checked.owner().as_str()), &volume, lines);
        kept.map(Some).map_err(|error| error.to_string())
    }

    fn drawn(&self, checked: &Checked) -> Vec<Drawn> {
        let own = own_pool(checked.owner().as_str());
        let stores = checked.hosts().iter().flat_map(|host| {
            let store = |name: String, path: String| Drawn::Store { host: host.name.to_string(), name, path };
            let folder = format!("{}/{own}", host.base.to_string().trim_end_matches('/'));
            let others =
                host.pools.iter().map(move |pool| store(pool.name.to_string(), pool.path.to_string()));
            std::iter::once(store(own.clone(), folder)).chain(others).collect::<Vec<_>>()
        });
        stores.collect()
    }

    async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        Self::preflight(self, checked).await
    }
}

/// The state of a machine.
fn state(seen: &Seen<Object>, at: &Address) -> Cow<'static, str> {
    let state = match seen.object(at) {
        Some(Object::Domain(domain)) if domain.owner == Owner::Us && !domain.snapshots().is_empty() => {
            return format!("{}, snapshots: {}", stands(domain), domain.snapshots()).into();
        }
        Some(Object::Domain(domain)) => return stands(domain),
        Some(_) => "unknown",
        None if seen.objects.contains_key(at) || seen.unknown_at(at.place()).is_some() => "unknown",
        None => "not there",
    };
    state.into()
}

fn stands(domain: &DomainObject) -> Cow<'static, str> {
    let state = match (&domain.owner, &domain.record.suspended) {
        (Owner::Us, Some(Suspended::Paused(why))) => return format!("paused ({why})").into(),
        (Owner::Us, Some(Suspended::Saved)) => "saved",
        (Owner::Us, None) if domain.record.active => "running",
        (Owner::Us, None) => "off",
        (Owner::Other(_) | Owner::Elsewhere(_) | Owner::Copied | Owner::Unmarked, _) => "not ours",
    };
    state.into()
}
