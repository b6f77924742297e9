//! Butane's `boot_device` of Fedora CoreOS: its root on two disks, or encrypted.

use serde_json::{Map, Value, json};

use super::sugar::{add, change};
use super::{Reader, What, number, switch, text};
use crate::finding::At;
use crate::ignition::validate::shape::{CONFIG, Field, Shape};

/// The types of the partitions that the image has (coreos-assembler, *create_disk.sh*).
const BIOS: &str = "21686148-6449-6E6F-744E-656564454649";
const PREP: &str = "9E1A2D38-C612-4316-AA26-8B49521E5A8B";
const RESERVED: &str = "8DA63339-0007-60C0-C436-083AC8230908";
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";

impl Reader<'_> {
    /// Adds the disks, arrays, volumes and file systems that Butane makes of `boot_device`.
    pub(super) fn boot_device(&mut self, value: &Value, config: &mut Map<String, Value>, at: &At<'_>) {
        let Some(members) = value.as_object() else {
            self.trouble(at, What::Expected { what: "a map" });
            return;
        };
        for key in members.keys().filter(|key| !["layout", "luks", "mirror"].contains(&key.as_str())) {
            self.trouble(&at.name(key), What::Unknown { key: key.clone(), near: None, since: None });
        }
        let devices = value.pointer("/mirror/devices").and_then(Value::as_array);
        let devices: Vec<String> = devices.into_iter().flatten().filter_map(text).collect();
        let mirror = at.key("mirror");
        if devices.len() == 1 {
            self.trouble(&mirror.key("devices"), What::Expected { what: "at least two devices" });
            return;
        }
        let layout = members.get("layout").and_then(text).unwrap_or_else(|| "x86_64".to_owned());
        let second = match layout.as_str() {
            "x86_64" | "aarch64" => Some(json!({"label": "esp", "sizeMiB": 127, "typeGuid": ESP})),
            "ppc64le" => None,
            _ => {
                self.trouble(&at.key("layout"), What::Expected { what: "x86_64, aarch64 or ppc64le" });
                return;
            }
        };
        let clevis = self.clevis(members.get("luks"), &at.key("luks"));
        let is_mirror = !devices.is_empty();
        if !is_mirror && clevis.is_none() {
            return;
        }
        let mut made = Map::new();
        if is_mirror {
            mirrored(&devices, &layout, second.as_ref(), &mut made);
        }
        let mut root = if is_mirror { "/dev/md/md-root" } else { "/dev/disk/by-partlabel/root" };
        if let Some(clevis) = clevis {
            let discard = value.pointer("/luks/discard").and_then(switch);
            let mut volume = json!({"name": "root", "label": "luks-root", "device": root, "clevis": clevis, "wipeVolume": true});
            if let (Some(discard), Some(volume)) = (discard, volume.as_object_mut()) {
                volume.insert("discard".to_owned(), discard.into());
            }
            add(&mut made, "storage", "luks", [volume]);
            root = "/dev/mapper/root";
        }
        let filesystem = json!({"device": root, "format": "xfs", "label": "root", "wipeFilesystem": true});
        add(&mut made, "storage", "filesystems", [filesystem]);
        for (list, key) in
            [("disks", "device"), ("raid", "name"), ("luks", "name"), ("filesystems", "device")]
        {
            let ours = change(&mut made, "storage", list, std::mem::take);
            if !ours.is_empty() {
                change(config, "storage", list, |said| merge(said, ours, key));
            }
        }
    }

    /// The settings of Clevis for the encrypted root; `None` without any.
    fn clevis(&mut self, luks: Option<&Value>, at: &At<'_>) -> Option<Value> {
        let luks = luks?.as_object()?;
        let mut clevis = Map::new();
        for (key, value) in luks {
            let at = at.name(key);
            match key.as_str() {
                "tang" => {
                    if let Some(fields) = tang()
                        && let Some(list) = self.value(value, fields, &at)
                    {
                        clevis.insert("tang".to_owned(), list);
                    }
                }
                "tpm2" => drop(switch(value).map(|value| clevis.insert("tpm2".to_owned(), value.into()))),
                "threshold" => {
                    drop(number(value).map(|value| clevis.insert("threshold".to_owned(), value.into())));
                }
                "discard" => {}
                _ => self.trouble(&at, What::Unknown { key: key.clone(), near: None, since: None }),
            }
        }
        let opens = clevis.get("tpm2") == Some(&Value::Bool(true)) || clevis.contains_key("tang");
        opens.then_some(Value::Object(clevis))
    }
}

/// The shape of `storage.luks.clevis.tang`.
fn tang() -> Option<Shape> {
    let below =
        |fields: &'static [Field], name: &str| match fields.iter().find(|field| field.name == name)?.shape {
            Shape::Object(fields) | Shape::Objects(fields, _) => Some(fields),
            _ => None,
        };
    let clevis = below(below(below(CONFIG, "storage")?, "luks")?, "clevis")?;
    Some(clevis.iter().find(|field| field.name == "tang")?.shape)
}

fn mirrored(devices: &[String], layout: &str, second: Option<&Value>, made: &mut Map<String, Value>) {
    let labelled = |value: &Value, index: usize| {
        let mut value = value.clone();
        if let Some(label) = value.get("label").and_then(Value::as_str) {
            value = {
                let label = format!("{label}-{index}");
                let mut members = value.as_object().cloned().unwrap_or_default();
                members.insert("label".to_owned(), label.into());
                Value::Object(members)
            };
        }
        value
    };
    let reserved = json!({"label": "reserved", "sizeMiB": 1, "typeGuid": RESERVED});
    let first = match layout {
        "x86_64" => json!({"label": "bios", "sizeMiB": 1, "typeGuid": BIOS}),
        "ppc64le" => json!({"label": "prep", "sizeMiB": 4, "typeGuid": PREP}),
        _ => reserved.clone(),
    };
    for (index, device) in (1..).zip(devices) {
        let partitions: Vec<Value> = [
            &first,
            second.unwrap_or(&reserved),
            &json!({"label": "boot", "sizeMiB": 384}),
            &json!({"label": "root"}),
        ]
        .into_iter()
        .map(|partition| labelled(partition, index))
        .collect();
        let disk = json!({"device": device, "wipeTable": true, "partitions": partitions});
        add(made, "storage", "disks", [disk]);
        if second.is_some() {
            let device = format!("/dev/disk/by-partlabel/esp-{index}");
            let label = format!("esp-{index}");
            let filesystem =
                json!({"device": device, "format": "vfat", "label": label, "wipeFilesystem": true});
            add(made, "storage", "filesystems", [filesystem]);
        }
    }
    let parts = |of: &str| -> Vec<String> {
        (1..=devices.len()).map(|index| format!("/dev/disk/by-partlabel/{of}-{index}")).collect()
    };
    // With its superblock at the end, BIOS GRUB need not understand the array.
    let boot =
        json!({"name": "md-boot", "level": "raid1", "devices": parts("boot"), "options": ["--metadata=1.0"]});
    let root = json!({"name": "md-root", "level": "raid1", "devices": parts("root")});
    add(made, "storage", "raid", [boot, root]);
    let filesystem =
        json!({"device": "/dev/md/md-boot", "format": "ext4", "label": "boot", "wipeFilesystem": true});
    add(made, "storage", "filesystems", [filesystem]);
}

/// Puts what is made before what is said. Of two with the same key the members that are said count.
fn merge(said: &mut Vec<Value>, made: Vec<Value>, key: &str) {
    let mut rest = std::mem::take(said);
    for mut value in made {
        let same = rest.iter().position(|other| other.get(key) == value.get(key));
        if let Some(other) = same.map(|at| rest.remove(at))
            && let (Some(members), Value::Object(other)) = (value.as_object_mut(), other)
        {
            for (name, theirs) in other {
                match (members.get_mut(&name), theirs) {
                    (Some(Value::Array(ours)), Value::Array(mut theirs)) if name == "partitions" => {
                        let made = std::mem::take(ours);
                        merge(&mut theirs, made, "label");
                        *ours = theirs;
                    }
                    (_, theirs) => drop(members.insert(name, theirs)),
                }
            }
        }
        said.push(value);
    }
    said.extend(rest);
}
