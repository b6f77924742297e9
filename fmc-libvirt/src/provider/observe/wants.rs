//! The wanted objects, as far as they decide what is read and how it is called.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::{Address, Place, Wanted};

use crate::document::{Document, HostImage, VolumeDocument, kind};
use crate::mark::Mark;

/// The inputs that decide how much has to be read.
pub(super) struct Wants {
    pub(super) owner: String,
    pub(super) addresses: BTreeSet<Address>,
    /// The machines that a person wants to be made anew.
    replace: BTreeSet<String>,
    /// The records beside the wanted data disks, as `POOL/NAME`.
    records: BTreeSet<(Place, String)>,
    /// The images that lie on hosts, with the roots that are made of them.
    pub(super) images: BTreeMap<(Place, HostImage), BTreeSet<Address>>,
    /// The hosts of the cloud.
    pub(super) hosts: BTreeSet<String>,
    /// The domains and networks that have another name on their host: by host, kind and that name.
    pub(super) called: BTreeMap<(Place, &'static str, String), String>,
    /// The names of the machines, by host and by the names that they had first.
    pub(super) machines: BTreeMap<Place, BTreeMap<String, String>>,
    /// The same for all hosts, with the machines of a cloud that is destroyed.
    names: BTreeMap<String, String>,
    /// The names of machines that had another one first.
    later: BTreeSet<String>,
}

impl Wants {
    pub(super) fn of(wanted: &Wanted<Document>) -> Self {
        let called = wanted.nodes.iter().filter_map(|(address, node)| {
            let (name, on_host) = match &*node.document {
                Document::Domain(domain) => (&domain.name, &domain.on_host),
                Document::Network(network) => (&network.name, &network.on_host),
                Document::Pool(_) | Document::Volume(_) => return None,
            };
            let key = (address.place().clone(), address.kind(), on_host.to_string());
            (name != on_host).then(|| (key, name.to_string()))
        });
        let mut hosts = BTreeSet::new();
        for place in wanted.nodes.keys().map(Address::place).chain(&wanted.places) {
            if let Some(host) = place.name().filter(|host| !hosts.contains(*host)) {
                hosts.insert(host.to_owned());
            }
        }
        let mut images: BTreeMap<(Place, HostImage), BTreeSet<Address>> = BTreeMap::new();
        let mut machines: BTreeMap<Place, BTreeMap<String, String>> = BTreeMap::new();
        let mut records = BTreeSet::new();
        for (address, node) in &wanted.nodes {
            if let Document::Volume(volume) = &*node.document
                && let Some(on) = volume.data.as_ref().and_then(|data| data.on.as_ref())
            {
                let record = format!("{}.{}", address.name(), on.text(&volume.name));
                records.insert((address.place().clone(), record));
            }
            match &*node.document {
                Document::Domain(domain) => {
                    let here = machines.entry(address.place().clone()).or_default();
                    here.insert(domain.first.to_string(), domain.name.to_string());
                }
                Document::Volume(VolumeDocument { over: Some(image), .. }) => {
                    let roots = images.entry((address.place().clone(), HostImage::clone(image))).or_default();
                    roots.insert(address.clone());
                }
                _ => {}
            }
        }
        let domains = wanted.gone.values().chain(wanted.nodes.values());
        let names = domains.filter_map(|node| match &*node.document {
            Document::Domain(domain) => Some((domain.first.to_string(), domain.name.to_string())),
            _ => None,
        });
        let names: BTreeMap<String, String> = names.collect();
        let later = names.iter().filter(|(first, name)| first != name).map(|(_, name)| name.clone());
        Self {
            later: later.collect(),
            names,
            machines,
            hosts,
            records,
            images,
            owner: wanted.owner.to_string(),
            called: called.collect(),
            addresses: wanted.nodes.keys().cloned().collect(),
            replace: wanted.replace.clone(),
        }
    }

    /// The wanted volumes of a host: one contiguous range of the addresses.
    pub(super) fn volumes<'a>(&'a self, place: &'a Place) -> impl Iterator<Item = &'a Address> {
        let first = Address::new(place.clone(), kind::VOLUME, "");
        let is_one = move |address: &&Address| address.place() == place && address.kind() == kind::VOLUME;
        self.addresses.range(first..).take_while(is_one)
    }

    /// The cloud's name of an existing domain or network that is ours or has a name of ours.
    pub(super) fn known_as<'a>(
        &'a self,
        place: &Place,
        kind: &'static str,
        on_host: &'a str,
        mark: Option<&'a Mark>,
    ) -> Option<&'a str> {
        if let Some(mark) = mark.filter(|mark| mark.owner == self.owner) {
            return Some(mark.name_of(on_host).unwrap_or(on_host));
        }
        if let Some(name) = self.called.get(&(place.clone(), kind, on_host.to_owned())) {
            return Some(name);
        }
        // If ours have other names on the host, the plain names are free for others.
        (self.called.is_empty() && self.has(place, kind, on_host)).then_some(on_host)
    }

    /// The name of the wanted machine that had this name first.
    pub(super) fn renamed(&self, place: &Place, first: &str) -> Option<&str> {
        self.machines.get(place)?.get(first).map(String::as_str)
    }

    /// Today's name of the machine that had this name first, on any host; the marks of a destroyed cloud count too. A machine that
    /// no mark names keeps its first name, unless another machine has that name today.
    pub(super) fn called_now<'a>(&'a self, first: &'a str) -> Option<&'a str> {
        let known = self.names.get(first).map(String::as_str);
        known.or_else(|| self.is_free(first).then_some(first))
    }

    /// Whether a person wants the machine to be made anew that had this name first.
    pub(super) fn is_replaced(&self, place: &Place, first: &str) -> bool {
        self.renamed(place, first).is_some_and(|name| self.replace.contains(name))
    }

    /// Whether no other machine has the name that a machine had first.
    pub(super) fn is_free(&self, first: &str) -> bool {
        !self.later.contains(first)
    }

    /// Whether a volume is the record beside a wanted data disk.
    pub(super) fn has_record(&self, place: &Place, record: &str) -> bool {
        self.records.contains(&(place.clone(), record.to_owned()))
    }

    pub(super) fn has(&self, place: &Place, kind: &'static str, name: &str) -> bool {
        self.addresses.contains(&Address::new(place.clone(), kind, name))
    }
}
