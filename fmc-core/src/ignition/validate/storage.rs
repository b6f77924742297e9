//! The rules of disks, and of what lies on them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::rules::{Judge, is_true, name, number, object, objects, said, text, texts};
use super::{Path, url};

type Object = Map<String, Value>;

/// Judges what a config says of disks.
pub(super) fn judge(judge: &mut Judge<'_>, storage: &Object, at: &Path<'_>) {
    judge.nodes(storage, at);
    judge.links(storage, at);
    let each = |list: &'static str| objects(storage, list).enumerate();
    for (index, disk) in each("disks") {
        judge.disk(disk, &at.key("disks").index(index));
    }
    let disks: BTreeMap<&str, &Object> =
        objects(storage, "disks").map(|disk| (text(disk, "device").unwrap_or_default(), disk)).collect();
    for (index, filesystem) in each("filesystems") {
        let list = at.key("filesystems");
        let at = list.index(index);
        judge.filesystem(filesystem, &at);
        let disk = disks.get(text(filesystem, "device").unwrap_or_default());
        let Some(disk) = disk else { continue };
        if objects(disk, "partitions").next().is_some() {
            judge.judgement.warn(&at.key("device"), "filesystem overwrites partitioned device");
        } else if !is_true(filesystem, "wipeFilesystem") && is_true(disk, "wipeTable") {
            judge.judgement.warn(
                &at.key("device"),
                "device matches disk with wipeTable enabled; filesystem will be wiped",
            );
        }
    }
    for (index, luks) in each("luks") {
        judge.luks(luks, &at.key("luks").index(index));
    }
    for (index, raid) in each("raid") {
        judge.raid(raid, &at.key("raid").index(index));
    }
}

impl Judge<'_> {
    /// Files, directories and links: each by itself, and those that go through a link.
    fn nodes(&mut self, storage: &Object, at: &Path<'_>) {
        const THROUGH: [(&str, &str); 3] = [
            ("directories", "directory path includes link in config"),
            ("files", "file path includes link in config"),
            ("links", "link path includes link in config"),
        ];
        let links: BTreeSet<&str> =
            objects(storage, "links").map(|link| text(link, "path").unwrap_or_default()).collect();
        for (list, through) in THROUGH {
            let at = at.key(list);
            for (index, node) in objects(storage, list).enumerate() {
                let at = at.index(index);
                let path = text(node, "path").unwrap_or_default();
                self.judgement.add(&at.key("path"), path_problem(path));
                let above = path.char_indices().filter(|(_, letter)| *letter == '/').map(|(at, _)| at);
                for _ in above.filter_map(|end| path.get(..end)).filter(|above| links.contains(above)) {
                    self.judgement.error(&at, through);
                }
                for owner in ["user", "group"] {
                    let both = object(node, owner)
                        .filter(|owner| number(owner, "id").is_some() && said(owner, "name").is_some());
                    self.judgement.add(&at.key(owner), both.map(|_| "cannot set both id and name"));
                }
                if list != "links" {
                    self.mode(number(node, "mode"), &at.key("mode"));
                }
                if list == "files" {
                    self.contents(node, &at);
                }
            }
        }
    }

    fn mode(&mut self, mode: Option<i64>, at: &Path<'_>) {
        let Some(mode) = mode else { return };
        if !(0..=0o7777).contains(&mode) {
            self.judgement.error(at, "illegal file mode");
        }
        if self.minor < 6 && mode & 0o7000 != 0 {
            self.judgement.warn(
                at,
                "setuid/setgid/sticky bits are not supported or functional in spec versions older than 3.6.0",
            );
        }
    }

    fn contents(&mut self, file: &Object, at: &Path<'_>) {
        let contents = object(file, "contents");
        let has_source = contents.is_some_and(|contents| text(contents, "source").is_some());
        if is_true(file, "overwrite") && !has_source {
            self.judgement.error(&at.key("overwrite"), "overwrite must be false if source is unspecified");
        }
        if let Some(contents) = contents {
            self.resource(contents, &at.key("contents"));
        }
        let append = at.key("append");
        for (index, part) in objects(file, "append").enumerate() {
            self.resource(part, &append.index(index));
        }
    }

    fn links(&mut self, storage: &Object, at: &Path<'_>) {
        let directories: Vec<&str> =
            objects(storage, "directories").map(|one| text(one, "path").unwrap_or_default()).collect();
        let list = at.key("links");
        for (index, link) in objects(storage, "links").enumerate() {
            let at = list.index(index);
            let target = text(link, "target").unwrap_or_default();
            if target.is_empty() && self.minor >= 3 {
                self.judgement.error(&at.key("target"), "link target is required");
                continue;
            }
            if !is_true(link, "hard") {
                continue;
            }
            let cleaned = clean(target);
            let target = if cleaned.starts_with('/') {
                cleaned
            } else {
                clean(&format!("{}/{target}", text(link, "path").unwrap_or_default()))
            };
            for _ in directories.iter().filter(|directory| **directory == target) {
                self.judgement.error(&at, "hard link target is a directory");
            }
            for owner in ["user", "group"] {
                let at = at.key(owner);
                for key in ["id", "name"] {
                    if object(link, owner).is_some_and(|owner| owner.contains_key(key)) {
                        self.judgement.warn(&at.key(key), "user/group ignored for hard link");
                    }
                }
            }
        }
    }

    fn disk(&mut self, disk: &Object, at: &Path<'_>) {
        let all = at.key("partitions");
        let partitions: Vec<&Object> = objects(disk, "partitions").collect();
        for (index, partition) in partitions.iter().enumerate() {
            self.partition(partition, &all.index(index));
        }
        let device = text(disk, "device").unwrap_or_default();
        if device.is_empty() {
            self.judgement.error(&at.key("device"), "disk device is required");
            return;
        }
        self.judgement.add(&at.key("device"), path_problem(device));
        let mut numbers = BTreeSet::new();
        let numbered = |partition: &Object| number(partition, "number").filter(|number| *number != 0);
        let twice =
            partitions.iter().position(|one| numbered(one).is_some_and(|number| !numbers.insert(number)));
        if let Some(index) = twice {
            self.judgement.error(&all.index(index), "partition numbers collide");
        }
        if let Some(index) = overlap(&partitions) {
            self.judgement.error(&all.index(index), "partitions overlap");
        }
        let is_gone = |partition: &&Object| partition.get("shouldExist") == Some(&Value::Bool(false));
        if partitions.iter().any(is_gone) && partitions.iter().any(|one| numbered(one).is_none()) {
            self.judgement.error(
                &all,
                "shouldExist is false for a partition and other partition(s) has start or size 0",
            );
        }
        let mut labels = BTreeSet::new();
        let twice =
            partitions.iter().position(|one| text(one, "label").is_some_and(|label| !labels.insert(label)));
        if let Some(index) = twice {
            self.judgement.error(&all.index(index), "cannot use the same partition label twice");
        }
    }

    fn partition(&mut self, partition: &Object, at: &Path<'_>) {
        let label = text(partition, "label");
        let has_others = label.is_some()
            || said(partition, "typeGuid").is_some()
            || said(partition, "guid").is_some()
            || partition.contains_key("startMiB")
            || partition.contains_key("sizeMiB");
        if partition.get("shouldExist") == Some(&Value::Bool(false)) && has_others {
            self.judgement.error(at, "shouldExist specified false with other options also specified");
        }
        if number(partition, "number").unwrap_or_default() == 0 && label.is_none() {
            self.judgement.error(at, "a partition number >= 1 or a label must be specified");
        }
        let wrong = label.and_then(|label| match label {
            _ if label.len() > 36 => Some("partition labels may not exceed 36 characters"),
            _ if label.contains(':') => Some("partition label will be truncated to text before the colon"),
            _ => None,
        });
        self.judgement.add(&at.key("label"), wrong);
        for key in ["guid", "typeGuid"] {
            let is_right = said(partition, key).is_none_or(is_guid);
            self.judgement.add(
                &at.key(key),
                (!is_right).then_some("doesn't match the form \"01234567-89AB-CDEF-EDCB-A98765432101\""),
            );
        }
    }

    fn filesystem(&mut self, filesystem: &Object, at: &Path<'_>) {
        self.judgement.add(&at.key("path"), said(filesystem, "path").and_then(path_problem));
        self.judgement.add(&at.key("device"), path_problem(text(filesystem, "device").unwrap_or_default()));
        let (format, label) = (said(filesystem, "format"), said(filesystem, "label"));
        let has_others = ["path", "label", "uuid"].iter().any(|key| said(filesystem, key).is_some())
            || is_true(filesystem, "wipeFilesystem")
            || ["mountOptions", "options"].iter().any(|key| texts(filesystem, key).next().is_some());
        let wrong = match format {
            None if has_others => Some(
                "format cannot be empty when path, label, uuid, wipeFilesystem, options, or mountOptions is specified",
            ),
            None | Some("ext4" | "btrfs" | "xfs" | "swap" | "vfat") => None,
            Some("none") if self.minor >= 3 => None,
            Some(_) => Some("invalid filesystem format"),
        };
        self.judgement.add(&at.key("format"), wrong);
        let Some(label) = label else { return };
        const MOST: [(&str, usize, &str); 5] = [
            ("ext4", 16, "filesystem labels cannot be longer than 16 characters when using ext4"),
            ("btrfs", 256, "filesystem labels cannot be longer than 256 characters when using btrfs"),
            ("xfs", 12, "filesystem labels cannot be longer than 12 characters when using xfs"),
            ("swap", 15, "filesystem labels cannot be longer than 15 characters when using swap"),
            ("vfat", 11, "filesystem labels cannot be longer than 11 characters when using vfat"),
        ];
        let wrong = match format {
            None => Some("filesystem must specify format if label is specified"),
            Some(format) => MOST
                .iter()
                .find(|(known, most, _)| *known == format && label.len() > *most)
                .map(|(_, _, message)| *message),
        };
        self.judgement.add(&at.key("label"), wrong);
    }

    fn luks(&mut self, luks: &Object, at: &Path<'_>) {
        if name(luks).contains('/') {
            self.judgement.error(&at.key("name"), "device names cannot contain slashes");
        }
        if text(luks, "label").is_some_and(|label| label.len() > 47) {
            self.judgement.error(&at.key("label"), "luks device labels cannot be longer than 47 characters");
        }
        let device = said(luks, "device").map_or(Some("disk device is required"), path_problem);
        self.judgement.add(&at.key("device"), device);
        let clevis = object(luks, "clevis");
        let custom = clevis.and_then(|clevis| object(clevis, "custom"));
        let has_others = clevis.is_some_and(|clevis| {
            objects(clevis, "tang").next().is_some()
                || is_true(clevis, "tpm2")
                || number(clevis, "threshold").is_some_and(|threshold| threshold != 0)
        });
        let pin = custom.and_then(|custom| said(custom, "pin"));
        let is_custom = if self.minor == 2 { custom.is_some() } else { pin.is_some() };
        if is_custom && has_others {
            self.judgement
                .error(&at.key("clevis"), "cannot use custom clevis config with tpm2, tang, or threshold");
        }
        let key_file = object(luks, "keyFile");
        let source = key_file.and_then(|key_file| said(key_file, "source"));
        if source.is_some_and(|source| url::source(source, self.minor).is_some()) {
            self.judgement.error(&at.key("keys"), "invalid key-file source");
        }
        if object(luks, "cex").is_some_and(|cex| is_true(cex, "enabled")) {
            if pin.is_some() || has_others {
                self.judgement.error(&at.key("cex"), "cannot use cex with clevis");
            }
            if source.is_some() {
                self.judgement.error(&at.key("cex"), "cannot use key file with cex");
            }
        }
        if let Some(key_file) = key_file {
            self.resource(key_file, &at.key("keyFile"));
        }
        if let Some(clevis) = clevis {
            self.clevis(clevis, &at.key("clevis"));
        }
    }

    fn clevis(&mut self, clevis: &Object, at: &Path<'_>) {
        if let Some(custom) = object(clevis, "custom") {
            let at = at.key("custom");
            let (pin, config) = (said(custom, "pin"), said(custom, "config"));
            let is_said =
                pin.is_some() || config.is_some() || (self.minor > 2 && is_true(custom, "needsNetwork"));
            let is_known = matches!(pin, Some("tpm2" | "tang" | "sss"));
            let wrong = match pin {
                None if self.minor > 2 => Some("missing required custom clevis pin"),
                _ if self.minor < 6 && !is_known => Some("unsupported clevis pin"),
                _ => None,
            };
            if is_said {
                self.judgement.add(&at.key("pin"), wrong);
                let missing = config.is_none().then_some("missing required custom clevis config");
                self.judgement.add(&at.key("config"), missing);
            }
        }
        let all = at.key("tang");
        for (index, tang) in objects(clevis, "tang").enumerate() {
            let at = all.index(index);
            self.judgement.add(&at.key("url"), url::tang(text(tang, "url").unwrap_or_default()));
            if said(tang, "thumbprint").is_none() {
                self.judgement.error(&at.key("thumbprint"), "thumbprint is required");
            }
            let advertisement = said(tang, "advertisement");
            if advertisement.is_some_and(|text| serde_json::from_str::<Value>(text).is_err()) {
                self.judgement.error(&at.key("advertisement"), "advertisement is not valid JSON");
            }
        }
    }

    fn raid(&mut self, raid: &Object, at: &Path<'_>) {
        let wrong = match text(raid, "level").unwrap_or_default() {
            "" if self.minor >= 3 => Some("raid level is required"),
            "linear" | "raid0" | "0" | "stripe" => number(raid, "spares")
                .filter(|spares| *spares != 0)
                .map(|_| "spares unsupported for linear and raid0 arrays"),
            "raid1" | "1" | "mirror" | "raid4" | "4" | "raid5" | "5" | "raid6" | "6" | "raid10" | "10" => {
                None
            }
            _ => Some("unrecognized raid level"),
        };
        self.judgement.add(&at.key("level"), wrong);
        let devices = at.key("devices");
        if texts(raid, "devices").next().is_none() {
            self.judgement.error(&devices, "raid devices required");
        }
        for (index, device) in texts(raid, "devices").enumerate() {
            self.judgement.add(&devices.index(index), path_problem(device));
        }
    }
}

/// The first partition with a start and a size in which another one lies.
fn overlap(partitions: &[&Object]) -> Option<usize> {
    let placed: Vec<(usize, i64, i64)> = partitions
        .iter()
        .enumerate()
        .filter_map(|(index, partition)| {
            let (start, size) = (number(partition, "startMiB")?, number(partition, "sizeMiB")?);
            // A size of 0 is what is left of the disk.
            let end = if size == 0 { start } else { start.saturating_add(size).saturating_sub(1) };
            (start != 0).then_some((index, start, end))
        })
        .collect();
    placed.iter().find_map(|(own, start, end)| {
        let others = placed.iter().filter(|(index, ..)| index != own);
        let mut others = others.filter(|(_, other_start, other_end)| {
            let within = |value: &i64| value >= other_start && value <= other_end;
            within(start) || within(end) || (start < other_start && end > other_end)
        });
        others.next().map(|(index, ..)| *index)
    })
}

/// Whether a text is a GUID, as `01234567-89AB-CDEF-EDCB-A98765432101`.
fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Why a path is not one that Ignition takes.
fn path_problem(path: &str) -> Option<&'static str> {
    match path {
        "" => Some("path not specified"),
        _ if !path.starts_with('/') => Some("path not absolute"),
        _ if clean(path) != path => Some("path is not fully simplified"),
        _ => None,
    }
}

/// A path without `.`, `..` and slashes that say nothing, as Go's `path.Clean` makes it.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}
