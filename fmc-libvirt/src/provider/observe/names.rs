//! The names in a domain's document: the files, networks and ports that it uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::DomainRecord;
use crate::provider::guard::StrangeDisk;
use crate::provider::path;
use crate::volume::{Ours, VolumeName, own_pool};
use crate::xml::outline::{Node, Outline};

/// The names in a domain.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) files: Vec<String>,
    pub(super) networks: BTreeSet<String>,
    /// Each interface that was plugged in when the guest started: its network and its port there.
    pub(super) ports: Vec<(String, String)>,
    /// The file that records its serial console.
    pub(super) console: Option<String>,
    /// Disks that are no volumes of ours.
    pub(super) strange: Vec<StrangeDisk>,
    /// Disks whose names are those of volumes of ours, and which may be overlays all the same.
    pub(super) plain: Vec<StrangeDisk>,
    /// The files under its disks, as far as the running guest's document names them.
    pub(super) below: Vec<String>,
    /// A disk that a job copies.
    pub(super) copying: Option<String>,
    /// The files of the disk that it boots from, and the files under them.
    pub(super) roots: Vec<String>,
    /// The files of its disks with a serial, and the files under them, each with the serial: a person who attaches a disk gives it
    /// none.
    pub(super) disks: Vec<(String, String)>,
    /// The name for the guest's bus of the disk that it boots from.
    root_target: Option<String>,
}

impl Names {
    /// From its document and, if it runs, from the document with which it was started. A volume that is named
    /// by its pool is resolved to its path.
    pub(super) fn of(record: &DomainRecord, folders: &BTreeMap<String, String>, owner: &str) -> Self {
        let mut names = Self::default();
        for xml in [Some(&record.xml), record.live_xml.as_ref()].into_iter().flatten() {
            if let Some(outline) = Outline::read_without("metadata", xml) {
                names.read(outline.root(), folders, owner);
            }
        }
        names
    }

    fn read(&mut self, root: Node<'_>, folders: &BTreeMap<String, String>, owner: &str) {
        for device in root.at("devices").into_iter().flat_map(Node::children) {
            let source = device.at("source");
            match (device.name(), source) {
                ("disk", Some(source)) => {
                    self.file(source.attribute("file"));
                    if source.attribute("pool").is_some() {
                        self.file(path_of(source, folders).as_deref());
                    }
                    self.disk(device, source, folders, owner);
                }
                ("interface", Some(source)) => {
                    let network = source.attribute("network").map(str::to_owned);
                    self.ports.extend(network.clone().zip(source.attribute("portid").map(str::to_owned)));
                    self.networks.extend(network);
                }
                ("serial", _) => {
                    let log = device.at("log").and_then(|log| log.attribute("file"));
                    self.console = self.console.take().or_else(|| log.map(path::plain));
                }
                _ => {}
            }
        }
        for entry in root.children().filter(|child| child.name() == "sysinfo").flat_map(Node::children) {
            self.file(entry.attribute("file"));
        }
        for path in ["os/kernel", "os/initrd"] {
            self.file(root.at(path).and_then(Node::text));
        }
    }

    /// A disk that is no volume of ours, the files under it, and the job that copies it.
    fn disk(&mut self, device: Node<'_>, source: Node<'_>, folders: &BTreeMap<String, String>, owner: &str) {
        let target = device.at("target").and_then(|target| target.attribute("dev")).unwrap_or("?");
        if matches!(device.attribute("device"), None | Some("disk" | "lun")) {
            let of = |name| source.attribute(name);
            let place = of("file").or(of("volume")).or(of("dev")).or(of("name")).unwrap_or("?");
            let place = &*path::plain(place);
            let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
            let serial = device.at("serial").and_then(Node::text);
            // A name of our own pool is one of ours in that pool's folder only.
            let own = own_pool(owner);
            let is_elsewhere = !folder.is_empty()
                && folders.values().any(|pool| *pool == own)
                && folders.get(folder) != Some(&own);
            let plain = VolumeName::parse(name).filter(|_| !is_elsewhere);
            let ours = plain.or_else(|| VolumeName::parse_foreign(name, owner));
            let is_root = matches!(&ours, Some(VolumeName { ours: Ours::Root { .. }, .. }));
            let is_first = is_root && self.root_target.as_deref().is_none_or(|first| first == target);
            let own = path_of(source, folders).into_iter().chain(layers(device));
            if is_first {
                self.root_target = Some(target.to_owned());
                self.roots.extend(own);
            } else if let Some(serial) = serial {
                self.disks.extend(own.map(|path| (path, serial.to_owned())));
            }
            let in_doubt = match ours.map(|name| name.ours) {
                Some(Ours::Root { .. }) if is_first => None,
                Some(Ours::Disk { disk, .. }) => (serial != Some(disk.as_str())).then_some(true),
                _ => Some(false),
            };
            let all = if in_doubt.is_some() { &mut self.strange } else { &mut self.plain };
            let below = layers(device);
            match all.iter_mut().find(|disk| disk.target == target) {
                Some(disk) if disk.source == place => disk.below.extend(below),
                Some(_) => {}
                None => all.push(StrangeDisk {
                    target: target.to_owned(),
                    source: place.to_owned(),
                    serial: serial.map(str::to_owned),
                    in_doubt: in_doubt == Some(true),
                    below,
                    covers: false,
                    over: false,
                }),
            }
        }
        // Only the copy that a job makes has this attribute (`virDomainDiskDefFormatMirror`).
        if device.children().any(|child| child.attribute("job").is_some()) {
            self.copying = Some(target.to_owned());
        }
        self.below.extend(layers(device));
    }

    fn file(&mut self, path: Option<&str>) {
        if let Some(path) = path.map(path::plain)
            && !self.files.contains(&path)
        {
            self.files.push(path);
        }
    }
}

/// The path of a disk, also if its document names it by its pool.
fn path_of(source: Node<'_>, folders: &BTreeMap<String, String>) -> Option<String> {
    let file = || source.attribute("file").or(source.attribute("dev")).map(path::plain);
    let (Some(pool), Some(volume)) = (source.attribute("pool"), source.attribute("volume")) else {
        return file();
    };
    let (folder, _) = folders.iter().find(|(_, name)| *name == pool)?;
    Some(format!("{folder}/{volume}"))
}

/// The files under a disk, the topmost first: only the document of a running guest has them.
fn layers(disk: Node<'_>) -> Vec<String> {
    let mut files = Vec::new();
    let mut layer = disk.at("backingStore");
    while let Some(here) = layer {
        let file = here.at("source").and_then(|source| source.attribute("file"));
        files.extend(file.map(path::plain));
        layer = here.at("backingStore");
    }
    files
}
