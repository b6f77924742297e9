//! Assertions on a compiled cloud.

use std::sync::Arc;

use fmc_core::checked::{Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::graph::Address;
use fmc_core::nearest::nearest;
use fmc_core::provider::NoValue;

use super::finding::passes;
use super::say::{Failed, list, or_panic};
use crate::compile::{Wanted, compile};

mod guest;

pub use guest::{FileArtifact, UnitArtifact, UserArtifact};

/// A compiled cloud, to look at and to test.
///
/// ```
/// use fmc::prelude::*;
/// use fmc::testing::Artifacts;
///
/// const WEB: MachineName = MachineName::literal("web");
///
/// let web = Machine::new(WEB, Image::debian("12").path("/images/debian-12.qcow2"))
///     .memory(2.gib())
///     .root_disk(10.gib())
///     .user(User::admin("ops").password_hash(Secret::environment("ops", "OPS_HASH")))
///     .file(GuestFile::text("/etc/motd", "Be kind.\n").mode(0o644));
/// let artifacts = Artifacts::of(&Cloud::new("first").host(Host::local()).machine(web));
///
/// let web = artifacts.machine(WEB);
/// web.file("/etc/motd").assert_text("Be kind.\n").assert_mode(0o644).assert_owner("root");
/// web.user("ops").assert_admin();
/// web.domain().assert("memory", "2 GiB").assert("devices/disk[vda]/target/@bus", "virtio");
/// web.boot("user-data").assert_contains("hostname: web");
/// ```
#[derive(Clone, Debug)]
pub struct Artifacts {
    checked: Arc<Checked>,
    wanted: Wanted,
}

impl Artifacts {
    /// Checks a cloud and compiles it.
    ///
    /// # Panics
    ///
    /// If the check refuses the cloud: with its report.
    #[track_caller]
    pub fn of(cloud: &Cloud) -> Self {
        let checked = or_panic(passes(cloud));
        let wanted = compile(&checked);
        Self { checked: Arc::new(checked), wanted }
    }

    /// The checked cloud.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The compiled form.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// A machine with its compiled artifacts.
    ///
    /// # Panics
    ///
    /// If there is no such machine.
    #[track_caller]
    pub fn machine(&self, name: impl AsRef<str>) -> MachineArtifacts<'_> {
        or_panic(self.find_machine(name.as_ref()))
    }

    pub(super) fn find_machine(&self, name: &str) -> Result<MachineArtifacts<'_>, Failed> {
        let machine = named(self.checked.machines(), "machine", name, |machine| machine.name.as_str())?;
        Ok(MachineArtifacts { artifacts: self, machine })
    }

    /// The XML of a network.
    ///
    /// # Panics
    ///
    /// If there is no such network.
    #[track_caller]
    pub fn network(&self, name: impl AsRef<str>) -> Document<'_> {
        or_panic(self.find_document("network", name.as_ref()))
    }

    pub(super) fn find_document(&self, kind: &'static str, name: &str) -> Result<Document<'_>, Failed> {
        let rooms = self.wanted.rooms();
        let nodes = self.wanted.graph().nodes.iter().filter(|(at, _)| at.kind() == kind);
        let documents: Vec<(&Address, &str)> = nodes
            .flat_map(|(at, node)| rooms.artifacts(at, node).into_iter().map(move |artifact| (at, artifact)))
            .filter(|(_, artifact)| artifact.kind == kind)
            .filter_map(|(at, artifact)| Some((at, artifact.plain()?)))
            .collect();
        let (at, xml) = named(&documents, kind, name, |(at, _)| at.name())?;
        Ok(Document { at, xml, wanted: &self.wanted })
    }
}

/// The compiled artifacts of a machine.
///
/// Files, users and units are those that the cloud gives, independent of how the operating system is
/// configured. Derived settings, as the network's configuration, are in [`boot`](Self::boot).
#[derive(Clone, Copy, Debug)]
pub struct MachineArtifacts<'a> {
    artifacts: &'a Artifacts,
    machine: &'a Machine,
}

impl<'a> MachineArtifacts<'a> {
    /// The machine as it was checked.
    pub fn checked(self) -> &'a Machine {
        self.machine
    }

    /// The XML of its domain.
    ///
    /// # Panics
    ///
    /// Never: each machine has a domain.
    #[track_caller]
    pub fn domain(self) -> Document<'a> {
        or_panic(self.artifacts.find_document("domain", self.machine.name.as_str()))
    }

    /// A file of the cloud in the machine, by its path.
    ///
    /// # Panics
    ///
    /// If there is no such file: with the existing files.
    #[track_caller]
    pub fn file(self, path: impl AsRef<str>) -> FileArtifact<'a> {
        or_panic(self.find_file(path.as_ref()))
    }

    pub(super) fn find_file(self, path: &str) -> Result<FileArtifact<'a>, Failed> {
        let files = &self.machine.guest.files;
        let file =
            named(files, &format!("file in machine {}", self.machine.name), path, |file| file.path.as_str())?;
        Ok(FileArtifact { file })
    }

    /// A user of the cloud in the machine.
    ///
    /// # Panics
    ///
    /// If there is no such user: with the existing users.
    #[track_caller]
    pub fn user(self, name: impl AsRef<str>) -> UserArtifact<'a> {
        let what = format!("user in machine {}", self.machine.name);
        let user = named(&self.machine.guest.users, &what, name.as_ref(), |user| user.name.as_str());
        UserArtifact { user: or_panic(user).as_ref() }
    }

    /// A systemd unit of the cloud in the machine, by its whole name: `app.service`.
    ///
    /// # Panics
    ///
    /// If there is no such unit: with the existing units.
    #[track_caller]
    pub fn unit(self, name: impl AsRef<str>) -> UnitArtifact<'a> {
        let what = format!("unit in machine {}", self.machine.name);
        let unit = named(&self.machine.guest.units, &what, name.as_ref(), |unit| unit.name.as_str());
        UnitArtifact { unit: or_panic(unit).as_ref() }
    }

    /// A document of the machine's first boot: `config.ign`, or `user-data`, `meta-data` and
    /// `network-config`. It shows secrets by name and generation.
    ///
    /// # Panics
    ///
    /// If there is no such document: with the existing ones.
    #[track_caller]
    pub fn boot(self, name: &str) -> BootDocument {
        or_panic(self.find_boot(name))
    }

    pub(super) fn find_boot(self, name: &str) -> Result<BootDocument, Failed> {
        let machine = self.machine.name.as_str();
        let boots = self.artifacts.wanted.boots();
        let files: Vec<(&str, String)> = boots
            .filter(|(own, _)| *own == machine)
            .flat_map(|(_, boot)| boot.files())
            .map(|(name, template)| (name, template.to_string()))
            .collect();
        let what = format!("boot document of machine {machine}");
        let (name, text) = named(&files, &what, name, |(name, _)| name)?;
        Ok(BootDocument { what: format!("{name} of machine {machine}"), text: text.clone() })
    }
}

/// A document of a machine's first boot.
#[derive(Clone, Debug)]
pub struct BootDocument {
    what: String,
    text: String,
}

impl BootDocument {
    /// The text of the document. It shows secrets by name and generation.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The document contains this text.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    pub fn assert_contains(&self, words: &str) -> &Self {
        or_panic(contains(&self.what, &self.text, words));
        self
    }

    /// The document does not contain this text.
    ///
    /// # Panics
    ///
    /// If it does: with the line.
    #[track_caller]
    pub fn assert_lacks(&self, words: &str) -> &Self {
        or_panic(self.lacks(words));
        self
    }

    pub(super) fn lacks(&self, words: &str) -> Result<(), Failed> {
        match self.text.lines().position(|line| line.contains(words)) {
            Some(number) => {
                let line = self.text.lines().nth(number).unwrap_or_default();
                let there = format!("line {}: {}", number + 1, line.trim());
                Err(Failed::new(format!("{} holds `{words}`", self.what), there, "a document without it"))
            }
            None => Ok(()),
        }
    }

    /// In an Ignition config, the value at a JSON pointer (RFC 6901), as `/storage/files/0/mode`; a string
    /// has no quotes.
    ///
    /// # Panics
    ///
    /// If the value differs or is missing: with how far the pointer leads, and the existing value.
    #[track_caller]
    pub fn assert_value(&self, pointer: &str, value: &str) -> &Self {
        or_panic(self.has_value(pointer, value));
        self
    }

    pub(super) fn has_value(&self, pointer: &str, value: &str) -> Result<(), Failed> {
        let what = &self.what;
        let json: serde_json::Value = serde_json::from_str(&self.text).map_err(|_| {
            Failed::new(format!("{what} is not JSON"), "a document for cloud-init", "an Ignition config")
        })?;
        let mut node = &json;
        let mut upto = String::new();
        for step in pointer.split('/').skip(1) {
            let key = step.replace("~1", "/").replace("~0", "~");
            let next = match node {
                serde_json::Value::Object(map) => map.get(&key),
                serde_json::Value::Array(items) => key.parse().ok().and_then(|at: usize| items.get(at)),
                _ => None,
            };
            let Some(next) = next else {
                let there = match node {
                    serde_json::Value::Object(map) => format!("`{upto}` has {}", list(map.keys())),
                    serde_json::Value::Array(items) => format!("`{upto}` has {} items", items.len()),
                    other => format!("`{upto}` is {}", plain(other)),
                };
                return Err(Failed::new(format!("{what} has no {pointer}"), there, value));
            };
            node = next;
            upto = format!("{upto}/{step}");
        }
        same(&format!("{pointer} of {what}"), plain(node), value.to_owned())
    }
}

/// A value as JSON; a string without its quotes.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A libvirt document.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    at: &'a Address,
    xml: &'a str,
    wanted: &'a Wanted,
}

impl<'a> Document<'a> {
    /// The XML.
    pub fn xml(&self) -> &'a str {
        self.xml
    }

    /// The value at a path, in the notation of plans: `memory`, `devices/disk[vda]/target/@bus`.
    ///
    /// # Panics
    ///
    /// If the value differs or is missing: with how far the path leads, and the existing value.
    #[track_caller]
    pub fn assert(&self, path: &str, value: &str) -> &Self {
        or_panic(self.has(path, value));
        self
    }

    pub(super) fn has(&self, path: &str, value: &str) -> Result<(), Failed> {
        match self.value(path) {
            Ok(there) => same(&format!("{path} of {}", self.what()), there.as_str(), value),
            Err(missing) => {
                let within = if missing.upto.is_empty() { "it" } else { missing.upto.as_str() };
                let what = format!("{} has no {path}", self.what());
                Err(Failed::new(what, format!("{within} has {}", list(&missing.has)), value))
            }
        }
    }

    fn value(&self, path: &str) -> Result<String, NoValue> {
        self.wanted.rooms().value(self.at, self.xml, path)
    }

    fn what(&self) -> String {
        format!("{} {}", self.at.kind(), self.at.name())
    }

    /// There is no value at a path.
    ///
    /// # Panics
    ///
    /// If there is one: with the value.
    #[track_caller]
    pub fn assert_lacks(&self, path: &str) -> &Self {
        if let Ok(there) = self.value(path) {
            let what = format!("{} has {path}", self.what());
            or_panic::<()>(Err(Failed::new(what, there, "a document without it")));
        }
        self
    }
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, there: T, right: T) -> Result<(), Failed> {
    if there == right {
        return Ok(());
    }
    Err(Failed::new(format!("{what} differs"), there.to_string(), right.to_string()))
}

fn contains(what: &str, text: &str, words: &str) -> Result<(), Failed> {
    if text.contains(words) {
        return Ok(());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let wanted = words.trim();
    let near = nearest(wanted, lines).or_else(|| {
        let first = wanted.split([' ', ':', '=']).next().filter(|word| word.len() > 2)?;
        text.lines().find(|line| line.contains(first)).map(str::trim)
    });
    let there = near.map_or_else(|| text.to_owned(), |line| format!("the nearest line is `{line}`"));
    Err(Failed::new(format!("{what} does not hold this text"), there, words))
}

fn named<'a, T>(all: &'a [T], what: &str, name: &str, name_of: impl Fn(&T) -> &str) -> Result<&'a T, Failed> {
    if let Some(found) = all.iter().find(|one| name_of(one) == name) {
        return Ok(found);
    }
    let right = match nearest(name, all.iter().map(&name_of)) {
        Some(near) => format!("did you mean {near}?"),
        None => "one of the existing names".to_owned(),
    };
    Err(Failed::new(format!("there is no {what} named {name}"), list(all.iter().map(&name_of)), right))
}
