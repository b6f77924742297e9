//! The names in a domain's document: the files, networks and ports that it uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::DomainRecord;
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
}

impl Names {
    /// From its document and, if it runs, from the document with which it was started. A volume that is named
    /// by its pool is resolved to its path.
    pub(super) fn of(record: &DomainRecord, folders: &BTreeMap<String, String>) -> Self {
        let mut names = Self::default();
        for xml in [Some(&record.xml), record.live_xml.as_ref()].into_iter().flatten() {
            if let Some(outline) = Outline::read(xml) {
                names.read(outline.root(), folders);
            }
        }
        names
    }

    fn read(&mut self, root: Node<'_>, folders: &BTreeMap<String, String>) {
        for device in root.at("devices").into_iter().flat_map(Node::children) {
            let source = device.at("source");
            match (device.name(), source) {
                ("disk", Some(source)) => {
                    self.file(source.attribute("file"));
                    if let (Some(pool), Some(volume)) = (source.attribute("pool"), source.attribute("volume"))
                        && let Some((folder, _)) = folders.iter().find(|(_, name)| *name == pool)
                    {
                        self.file(Some(&format!("{folder}/{volume}")));
                    }
                }
                ("interface", Some(source)) => {
                    let network = source.attribute("network").map(str::to_owned);
                    self.ports.extend(network.clone().zip(source.attribute("portid").map(str::to_owned)));
                    self.networks.extend(network);
                }
                ("serial", _) => {
                    let log = device.at("log").and_then(|log| log.attribute("file"));
                    self.console = self.console.take().or_else(|| log.map(str::to_owned));
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

    fn file(&mut self, path: Option<&str>) {
        if let Some(path) = path
            && !self.files.iter().any(|known| known == path)
        {
            self.files.push(path.to_owned());
        }
    }
}
