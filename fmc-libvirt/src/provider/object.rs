//! The existing objects, and their owners.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Edge, Fingerprint};
use fmc_core::identity;
use fmc_core::secret::RootKeyCheck;

use super::guard::StrangeDisk;
pub use super::promise::{ImageBytes, ImageObject};
use crate::document::{DomainDocument, kind as kinds};
use crate::link::{DomainRecord, NetworkRecord, PoolRecord, Suspended, VolumeFacts};
use crate::mark::{self, Mark};
use crate::volume::{OnDisk, Ours, VolumeName};
use crate::xml::Element;
use crate::xml::outline::{Node, Outline};

/// A libvirt object as it was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Object {
    /// A storage pool.
    Pool(PoolObject),
    /// A volume.
    Volume(VolumeObject),
    /// A network.
    Network(NetworkObject),
    /// A domain.
    Domain(DomainObject),
    /// An image that lies on the host; it is only looked at.
    Image(ImageObject),
}

impl Object {
    /// The needs of the object.
    pub(super) fn needs(&self) -> &[Edge] {
        match self {
            Self::Pool(_) | Self::Network(_) | Self::Image(_) => &[],
            Self::Volume(volume) => &volume.needs,
            Self::Domain(domain) => &domain.needs,
        }
    }
}

/// The owner of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// This cloud's.
    Us,
    /// Another cloud's, by its owner id.
    Other(String),
    /// This cloud's, but of another host of it, which is the same hypervisor: its name in the cloud.
    Elsewhere(String),
    /// A person's: it carries the mark of another object of this cloud's, of which it is a copy (`virt-clone`).
    Copied,
    /// Unknown: there is no mark.
    Unmarked,
}

impl Owner {
    /// Determined from the mark of an object, which counts only on the object that it names: by its name, and by its
    /// UUID.
    pub(super) fn of(mark: Option<&Mark>, owner: &str, kind: &str, on_host: &str, xml: &str) -> Self {
        match mark {
            Some(mark) if mark.owner == owner => {
                let name = mark.name_of(on_host);
                let uuid = Outline::place(xml, &["uuid"]).and_then(|place| xml.get(place));
                let has_uuid = |name| {
                    let own = identity::uuid(owner, kind, name).to_string();
                    uuid.map(|uuid| uuid.contains(&own))
                };
                let is_own = match kind {
                    // A machine may be renamed, and then has the UUID of its first name.
                    kinds::DOMAIN => has_uuid(mark.first()).unwrap_or(name.is_some()),
                    _ => name.is_some_and(|name| has_uuid(name).unwrap_or(true)),
                };
                if is_own { Self::Us } else { Self::Copied }
            }
            Some(mark) => Self::Other(mark.owner.clone()),
            None => Self::Unmarked,
        }
    }
}

/// A domain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DomainObject {
    /// The domain as it was read.
    pub record: DomainRecord,
    /// The fmc mark, of any owner.
    pub mark: Option<Mark>,
    /// The owner.
    pub owner: Owner,
    /// The files in its definition and in the running guest: disks, boot configuration, kernel. The files of
    /// the definition come first.
    pub files: Vec<String>,
    /// The files under its disks, as far as the running guest's document names them.
    pub below: Vec<String>,
    /// Networks that were stopped while it ran, so that it lost them, whether they are there again or not.
    pub unplugged: Vec<String>,
    /// Its disks that are no volumes of ours: overlays over them, and what was attached by hand.
    pub strange: Vec<StrangeDisk>,
    /// A disk that a job of libvirt's copies.
    pub copying: Option<String>,
    /// The name that it is to have, while another domain has it.
    pub awaits: Option<String>,
    /// Its data disks whose records cannot be written, by address within the host (`POOL/VOLUME`): the file in the way of each.
    pub unrecordable: BTreeMap<String, String>,
    pub(super) needs: Vec<Edge>,
}

impl DomainObject {
    /// The name that its machine had first.
    pub(super) fn first(&self) -> &str {
        self.mark.as_ref().map_or(&self.record.name, |mark| mark.first())
    }

    /// The names of the snapshots inside the files of its disks; empty if it has none.
    pub(crate) fn snapshots(&self) -> String {
        let inside = self.record.snapshots.iter().filter(|snapshot| snapshot.internal);
        // A name that somebody else gave must not look like two lines.
        let names = inside.map(|snapshot| snapshot.name.replace(char::is_control, "?"));
        names.collect::<Vec<_>>().join(", ")
    }

    /// Whether it is the domain of a wanted machine, and not of another one that has its name.
    pub(super) fn is_machine(&self, wanted: &DomainDocument) -> bool {
        self.first() == &*wanted.first
    }
}

/// A network.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkObject {
    /// The network as it was read.
    pub record: NetworkRecord,
    /// The owner.
    pub owner: Owner,
    /// Whether a running guest is plugged into it.
    pub plugged: bool,
    /// Whether its dnsmasq runs, as far as this computer shows it.
    pub is_served: bool,
    /// Whether its bridge is there, as far as libvirt lists the interfaces of its host.
    pub has_bridge: bool,
}

/// A storage pool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolObject {
    /// The pool as it was read.
    pub record: PoolRecord,
    /// The owner: the cloud's own pool has its UUID.
    pub owner: Owner,
    /// Names in it that are not ours.
    pub strangers: Arc<[String]>,
    /// The apply that has the lease of the cloud, in words: it works now, or it was killed.
    pub applied_by: Option<String>,
}

/// A volume of ours.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VolumeObject {
    /// The pool.
    pub pool: String,
    /// Its name in the pool.
    pub name: String,
    /// Its purpose, by its name.
    pub ours: Ours,
    /// The machine that it belongs to, by the name that it has now; `None` also if the machine is gone and another one has
    /// its name.
    pub machine: Option<String>,
    /// The name that the machine had first, if it is another one that no machine has now.
    pub former: Option<String>,
    /// The machine that uses it, if the cloud has another machine by that name: it has forgotten what that one was called first.
    pub forgotten: Option<String>,
    /// Its path.
    pub path: String,
    /// Its capacity in bytes, if it is a disk.
    pub capacity: Option<u64>,
    /// Whether nothing but its name says that it is fmc's: a data disk without a record that no machine has, or a file with content
    /// and the name of a record. It is never deleted or used.
    pub doubtful: bool,
    /// The storage that its pool has on the network, where other hosts may have it too.
    pub(super) storage: Option<String>,
    /// The host of the machine whose disk it is, if that is another one with the same storage.
    pub elsewhere: Option<String>,
    /// Whether it is complete: made by one call, or uploaded and committed.
    pub whole: bool,
    /// Whether only the commit of a volume is left.
    pub only_commit: bool,
    /// The apply that has the lease of the cloud and may still send it, if it is not complete.
    pub applied_by: Option<String>,
    /// The bytes that it takes in its pool; read only if no domain uses it.
    pub allocation: Option<u64>,
    /// Its format, as `qcow2`; read only if no domain uses it.
    pub format: Option<String>,
    /// The volume that it is an overlay over, if it is one: fmc makes none over a disk.
    pub over: Option<String>,
    /// A disk that lies over it, as far as its machine's domain shows it.
    pub under: Option<String>,
    /// The root that its machine's domain names, if that file is missing and this volume is another root of the machine.
    pub missing: Option<String>,
    /// Volumes that have it as backing store, as `POOL/NAME`; read only if a decision depends on it.
    pub used_by: Vec<String>,
    /// Domains that use it, ours and others.
    pub named_by: Vec<Naming>,
    /// The records beside it, if it is a data disk; `None` if its pool can have none.
    pub records: Option<Vec<DiskRecord>>,
    /// The check of the root key from which the secrets of a boot configuration were made; read only if its machine has no domain.
    pub root_key: Option<RootKeyCheck>,
    /// When it was written for the last time, in seconds since 1970; read only if no domain uses it.
    pub written: Option<u64>,
    pub(super) needs: Vec<Edge>,
}

/// A record beside a data disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskRecord {
    /// Its content; `None` if a later version of fmc wrote it.
    pub on: Option<OnDisk>,
    /// Since when, in seconds since 1970; read only if no domain uses the disk.
    pub since: Option<u64>,
}

/// A domain that uses a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Naming {
    /// The domain.
    pub domain: String,
    /// Whether it is ours.
    pub ours: bool,
}

impl VolumeObject {
    /// Whether only the commit of an upload is missing: objects of ours use the volume, and each is made after the
    /// volume had arrived.
    pub(super) fn lacks_its_commit(&self) -> bool {
        let is_own_root = |user: &String| {
            let name = user.strip_prefix(&self.pool).and_then(|name| name.strip_prefix('/'));
            name.and_then(VolumeName::parse).is_some_and(|name| matches!(name.ours, Ours::Root { .. }))
        };
        let is_used = !self.named_by.is_empty() || !self.used_by.is_empty();
        let is_uncommitted = !self.whole && !self.only_commit;
        is_uncommitted
            && is_used
            && self.named_by.iter().all(|naming| naming.ours)
            && self.used_by.iter().all(is_own_root)
    }

    /// Whether a disk that fmc did not make lies over it, and no domain uses the volume itself.
    pub(super) fn is_covered(&self) -> bool {
        self.under.is_some() || (is_disk(&self.ours) && !self.used_by.is_empty() && self.named_by.is_empty())
    }

    /// The properties for a comparison of capacities.
    pub(super) fn facts(&self) -> VolumeFacts {
        VolumeFacts {
            name: self.name.clone(),
            path: self.path.clone(),
            capacity: self.capacity.unwrap_or(0),
            allocation: None,
            format: None,
            backing: None,
            changed: None,
        }
    }
}

/// Whether a volume gets its content by an upload, which a second volume commits.
pub(super) fn is_uploaded(ours: &Ours) -> bool {
    matches!(ours, Ours::Base { .. } | Ours::Boot { .. })
}

/// A disk that takes less than this in its pool was never written to: an empty qcow2 file takes 200 KiB, a new file system
/// more than that.
const BLANK: u64 = 1 << 20;

/// Whether nothing was ever written to a disk that takes so many bytes.
pub(super) fn is_blank(allocation: Option<u64>) -> bool {
    allocation.is_some_and(|bytes| bytes < BLANK)
}

/// Whether a volume is a guest's disk: it has a capacity, and may be a layer on another volume.
pub(super) fn is_disk(ours: &Ours) -> bool {
    matches!(ours, Ours::Root { .. } | Ours::Disk { .. })
}

/// Reads a volume's name, in the cloud's own pool or in another.
pub(super) fn volume_name(pool: &str, name: &str, owner: &str) -> Option<VolumeName> {
    if crate::volume::is_own_pool(pool, owner) {
        VolumeName::parse(name)
    } else {
        VolumeName::parse_foreign(name, owner)
    }
}

/// The fingerprint of a domain as it was read.
pub(super) fn domain_fingerprint(record: &DomainRecord) -> Fingerprint {
    let mut state = switches(record.active, record.autostart);
    if !record.persistent {
        state.push_str(" transient");
    }
    match &record.suspended {
        Some(Suspended::Paused(_)) => state.push_str(" paused"),
        Some(Suspended::Saved) => state.push_str(" saved"),
        None => {}
    }
    for snapshot in &record.snapshots {
        state.push_str(" snapshot ");
        state.push_str(&snapshot.name);
    }
    mark::fingerprint(&record.xml, &state)
}

/// The fingerprint of a network as it was read. The number of plugged-in guests is not part of it.
pub(super) fn network_fingerprint(record: &NetworkRecord) -> Fingerprint {
    let counted = Element::read(&record.xml).map(|mut network| {
        network.remove_attribute("connections");
        network.write()
    });
    mark::fingerprint(counted.as_deref().unwrap_or(&record.xml), &switches(record.active, record.autostart))
}

/// The fingerprint of a pool as it was read. Its free space is not part of it.
pub(super) fn pool_fingerprint(record: &PoolRecord) -> Fingerprint {
    let (uuid, path) = pool_identity(&record.xml);
    let switches = switches(record.active, record.autostart);
    Fingerprint::of(format!("{} {uuid:?} {path:?} {switches}", record.name).as_bytes())
}

/// The fingerprint of a volume as it was read.
pub(super) fn volume_fingerprint(path: &str, capacity: Option<u64>, whole: bool) -> Fingerprint {
    Fingerprint::of(format!("{path} {capacity:?} {whole}").as_bytes())
}

/// The UUID and the folder in a pool's document.
pub(super) fn pool_identity(xml: &str) -> (Option<String>, Option<String>) {
    let Some(outline) = Outline::read(xml) else { return (None, None) };
    let text = |path| outline.root().at(path).and_then(Node::text).map(str::trim);
    let path = text("target/path").map(|path| path.trim_end_matches('/').to_owned());
    (text("uuid").map(str::to_owned), path)
}

/// Whether a pool's volumes are files, so that a record can be beside one.
pub(super) fn pool_has_records(xml: &str) -> bool {
    let outline = Outline::read(xml);
    let kind = outline.as_ref().and_then(|outline| outline.root().attribute("type"));
    matches!(kind, Some("dir" | "fs" | "netfs"))
}

/// The free space of a pool in bytes, by its document.
pub(super) fn pool_room(xml: &str) -> Option<u64> {
    let outline = Outline::read(xml)?;
    let available = outline.root().at("available")?;
    (available.attribute("unit").is_none_or(|unit| unit == "bytes")).then_some(())?;
    available.text()?.trim().parse().ok()
}

fn switches(active: bool, autostart: bool) -> String {
    format!("active={active} autostart={autostart}")
}
