//! The inside of a machine of a checked cloud, with its secrets: a start of K3s must find it, and a host in a
//! namespace gets it.

use std::collections::{BTreeMap, BTreeSet};

use fmc::guest::checked::{Contents, TextPart, Unit};
use fmc::prelude::*;
use fmc::secret::{SecretRef, Secrets};
use fmc_testkit::k3s::{Entry, Start};
use fmc_testkit::yaml;
use serde_json::Value;

/// The folders of K3s's configuration and data.
const FOLDERS: [&str; 2] = ["/etc/rancher/", "/var/lib/rancher/"];

/// The compiled files and units of a machine.
pub(crate) struct Inside {
    /// Mode and text of each file by path, without downloads.
    pub(crate) files: BTreeMap<String, (u32, String)>,
    /// The mode of each folder, by path.
    pub(crate) folders: BTreeMap<String, u32>,
    units: Vec<Unit>,
}

impl Inside {
    pub(crate) fn of(cloud: &Checked, machine: &str, secrets: &dyn Secrets) -> Self {
        let guest = &cloud.machine(machine).unwrap().guest;
        let bytes =
            |secret: &SecretRef| String::from_utf8(secrets.bytes(secret).unwrap().expose().to_vec()).unwrap();
        let text = |contents: &Contents| match contents {
            Contents::Text(text) => Some(text.to_string()),
            Contents::Secret(secret) => Some(bytes(secret)),
            Contents::Parts(parts) => Some(
                parts
                    .iter()
                    .map(|part| match part {
                        TextPart::Text(text) => text.to_string(),
                        TextPart::Secret(secret) => bytes(secret),
                        TextPart::Quoted(secret) => {
                            let quoted = serde_json::to_string(&bytes(secret)).unwrap();
                            quoted[1..quoted.len() - 1].to_owned()
                        }
                        TextPart::Component(secret) => {
                            let text = bytes(secret);
                            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                            text.bytes()
                                .map(|byte| match byte {
                                    byte if is_plain(byte) => char::from(byte).to_string(),
                                    byte => format!("%{byte:02X}"),
                                })
                                .collect()
                        }
                    })
                    .collect(),
            ),
            Contents::Remote { .. } => None,
        };
        let files = guest.files.iter().filter_map(|file| {
            Some((file.path.to_string(), (u32::from(file.mode.bits()), text(&file.contents)?)))
        });
        let folders = guest.directories.iter();
        Self {
            files: files.collect(),
            folders: folders.map(|one| (one.path.to_string(), u32::from(one.mode.bits()))).collect(),
            units: guest.units.iter().map(|unit| (**unit).clone()).collect(),
        }
    }

    /// The values of a unit's lines with a key, such as `ExecStart`.
    pub(crate) fn lines(&self, unit: &str, key: &str) -> Vec<String> {
        let unit = self.units.iter().find(|one| one.name.as_str() == unit).unwrap();
        let contents = unit.contents.as_ref().unwrap().text();
        let lines = contents.lines();
        lines.filter_map(|line| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned())).collect()
    }

    /// Asserts that a first start of K3s read the compiled configuration: its command line, its settings and
    /// every file, and nothing else.
    pub(crate) fn is_what_started(&self, unit: &str, start: &Start) {
        self.is_in(unit, start);
        let is_file = |entry: &&Entry| entry.contents.is_some() || entry.target.is_some();
        let found = start.files.iter().filter(|(_, entry)| is_file(entry)).map(|(path, _)| path.as_str());
        assert_eq!(found.collect::<BTreeSet<_>>(), self.of_k3s());
    }

    /// Asserts that a start of K3s read the compiled configuration, beside K3s's own data.
    pub(crate) fn is_in(&self, unit: &str, start: &Start) {
        let commands = self.lines(unit, "ExecStart");
        assert_eq!(commands.len(), 1, "{unit} runs one program");
        let command = &commands[0];
        let mut words = command.split_whitespace().skip(1);
        assert_eq!(words.next(), Some(&*start.role), "{command}");
        assert_eq!(start.arguments, words.collect::<Vec<_>>());
        assert_eq!(self.lines(unit, "Environment"), [""; 0]);
        assert_eq!(start.environment, BTreeMap::new(), "an unset variable is absent");

        let config = yaml::read(&self.files["/etc/rancher/k3s/config.yaml"].1).unwrap();
        let written: BTreeMap<_, _> =
            config.as_object().unwrap().iter().map(|(key, value)| (key.clone(), texts(value))).collect();
        let read: BTreeMap<_, _> =
            start.settings.iter().map(|(key, value)| (key.clone(), texts(value))).collect();
        assert_eq!(read, written);

        for path in self.of_k3s() {
            let ((mode, text), entry) = (&self.files[path], &start.files[path]);
            assert_eq!((entry.mode, entry.uid, entry.gid), (*mode, 0, 0), "{path}");
            assert_eq!(entry.contents.as_ref(), Some(text), "{path}");
        }
        for (path, mode) in self.folders.iter().filter(|(path, _)| is_k3s(path)) {
            let entry = &start.files[path];
            assert_eq!((entry.mode, entry.uid, entry.gid), (*mode, 0, 0), "{path}");
        }
    }

    /// The files in K3s's folders.
    fn of_k3s(&self) -> BTreeSet<&str> {
        self.files.keys().map(String::as_str).filter(|path| is_k3s(path)).collect()
    }
}

fn is_k3s(path: &str) -> bool {
    FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// A setting as the texts that K3s reads, whether it is a list, a flag or a number.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
