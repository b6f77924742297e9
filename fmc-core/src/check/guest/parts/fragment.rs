//! Fragments of Butane and Ignition: what is wrong with one by itself, and what clashes with the guest and with other fragments.

mod disks;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ACCOUNTS, OWN, OWN_PREFIXES, ancestors, unit_at, unwritable};
use crate::finding::{At, Finding, problems};
use crate::guest::{Fragment, Parts, mount};
use crate::ignition::fragment::{self, Reading, What};
use crate::ignition::max_spec;
use crate::image::{Os, Provisioner};
use crate::path::AbsPath;

pub(crate) use disks::disks;

/// Looks at the fragments of one machine.
pub(super) fn check(parts: &Parts, os: Os, version: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
    if parts.ignition.is_empty() {
        return;
    }
    if os.provisioner() != Some(Provisioner::Ignition) {
        findings.push(FragmentProblem::System { os: os.label() }.at(at.key("ignition")));
        return;
    }
    let all: Vec<One<'_>> = parts
        .ignition
        .iter()
        .enumerate()
        .map(|(index, fragment)| One { index, fragment, reading: fragment::read(fragment), at: *at })
        .collect();
    for one in &all {
        for trouble in &one.reading.troubles {
            findings.push(problem(&trouble.what).at(one.said(&trouble.path)));
        }
        one.version(os, version, findings);
        one.risks(os, findings);
    }
    names(parts, &all, at, findings);
    paths(parts, &all, os, at, findings);
    settings(&all, findings);
    arguments(parts, &all, at, findings);
}

/// One fragment of a machine.
struct One<'a> {
    index: usize,
    fragment: &'a Fragment,
    reading: Reading,
    at: At<'a>,
}

impl One<'_> {
    /// The path of a part of the fragment, in its own words.
    fn said(&self, path: &str) -> String {
        let dot = if path.is_empty() { "" } else { "." };
        format!("{}.ignition[{}]{dot}{path}", self.at, self.index)
    }

    /// The path of a part of the config that it is read as.
    fn place(&self, judged: &str) -> String {
        self.said(&fragment::place(judged, self.fragment))
    }

    /// The entries of a list, each with its path in the config.
    fn list(&self, section: &str, list: &str) -> impl Iterator<Item = (String, &Value)> {
        let values = self.reading.config.get(section).and_then(|section| section.get(list));
        let values = values.and_then(Value::as_array).into_iter().flatten().enumerate();
        let start = format!("$.{section}.{list}");
        values.map(move |(index, value)| (format!("{start}.{index}"), value))
    }

    fn version(&self, os: Os, version: &str, findings: &mut Vec<Finding>) {
        let Some(most) = max_spec(os, version) else { return };
        let Some(needed) = self.reading.spec.filter(|needed| *needed > most) else { return };
        let (needed, most) = (needed.to_string(), most.to_string());
        let problem = FragmentProblem::Spec { needed, os: os.label(), version: version.to_owned(), most };
        findings.push(problem.at(self.said("")));
    }

    /// Finds parts that destroy data, that fetch a content which may change, or that show a secret.
    fn risks(&self, os: Os, findings: &mut Vec<Finding>) {
        for (list, name) in [("disks", "device"), ("filesystems", "device"), ("luks", "device")] {
            for (place, value) in self.list("storage", list) {
                let device = text(value, name);
                if is_root(device) {
                    continue;
                }
                for key in ["wipeTable", "wipeFilesystem", "wipeVolume"]
                    .into_iter()
                    .filter(|key| is_true(value, key))
                {
                    let problem = FragmentProblem::Wiped { device: device.to_owned() };
                    findings.push(problem.at(self.place(&format!("{place}.{key}"))));
                }
                let partitions = value.get("partitions").and_then(Value::as_array).into_iter().flatten();
                for (index, _) in
                    partitions.enumerate().filter(|(_, partition)| is_true(partition, "wipePartitionEntry"))
                {
                    let problem = FragmentProblem::Wiped { device: device.to_owned() };
                    let place = format!("{place}.partitions.{index}.wipePartitionEntry");
                    findings.push(problem.at(self.place(&place)));
                }
            }
        }
        for (place, array) in self.list("storage", "raid") {
            let name = text(array, "name").to_owned();
            findings.push(FragmentProblem::Array { name }.at(self.place(&place)));
        }
        for (place, volume) in self.list("storage", "luks") {
            let name = text(volume, "name").to_owned();
            if let Some(clevis) = volume.get("clevis").filter(|clevis| *clevis != &Value::Null) {
                let is_empty = clevis.as_object().is_some_and(serde_json::Map::is_empty);
                if os == Os::Flatcar && !is_empty {
                    findings.push(FragmentProblem::NoClevis.at(self.place(&format!("{place}.clevis"))));
                } else if !is_empty && !is_root(text(volume, "device")) {
                    findings
                        .push(FragmentProblem::Clevis { name }.at(self.place(&format!("{place}.clevis"))));
                }
            } else if volume.pointer("/keyFile/source").is_none() {
                findings.push(FragmentProblem::NoKey { name }.at(self.place(&place)));
            }
            let key = volume.pointer("/keyFile/source").and_then(Value::as_str).unwrap_or_default();
            if key.starts_with("data:") {
                let problem = FragmentProblem::Plain { what: "the key of a volume" };
                findings.push(problem.at(self.place(&format!("{place}.keyFile.source"))));
            }
        }
        for list in ["users", "groups"] {
            for (place, _) in
                self.list("passwd", list).filter(|(_, account)| !text(account, "passwordHash").is_empty())
            {
                let problem = FragmentProblem::Plain { what: "the hash of a password" };
                findings.push(problem.at(self.place(&format!("{place}.passwordHash"))));
            }
        }
        if self.reading.config.pointer("/ignition/config/replace/source").is_some() {
            findings.push(FragmentProblem::Replaced.at(self.place("$.ignition.config.replace")));
        }
        unverified("$", &self.reading.config, &mut |place| {
            findings.push(FragmentProblem::Unverified.at(self.place(place)));
        });
        for key in ["shouldExist", "shouldNotExist"] {
            let arguments = self.reading.config.get("kernelArguments").and_then(|all| all.get(key));
            for (index, argument) in arguments.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let argument = argument.as_str().unwrap_or_default();
                if argument.trim().is_empty() || argument.contains(char::is_whitespace) {
                    let problem = FragmentProblem::Argument { argument: argument.to_owned() };
                    findings.push(problem.at(self.place(&format!("$.kernelArguments.{key}.{index}"))));
                }
            }
        }
    }
}

/// The problem that a trouble of the reader is.
fn problem(what: &What) -> FragmentProblem {
    match what.clone() {
        What::NotAMap => FragmentProblem::NotAMap,
        What::Version { found } => FragmentProblem::Version { found },
        What::Unknown { key, since: Some(since), .. } => FragmentProblem::Since { key, since },
        What::Unknown { key, near: Some(near), .. } => FragmentProblem::Near { key, near },
        What::Unknown { key, .. } => FragmentProblem::Unknown { key },
        What::Expected { what } => FragmentProblem::Expected { what },
        What::Both { one, other } => FragmentProblem::Both { one, other },
        What::Local { path, .. } => FragmentProblem::Local { path },
        What::Untranslated { key, instead } => FragmentProblem::Untranslated { key, instead },
        What::Refused { message } => FragmentProblem::Refused { message },
        What::Warned { message } => FragmentProblem::Warned { message },
    }
}

/// Every content that is fetched without a hash, by its place.
fn unverified(place: &str, value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            let source = members.get("source").and_then(Value::as_str).unwrap_or_default();
            let hash = members.get("verification").and_then(|verification| verification.get("hash"));
            if !source.is_empty() && !source.starts_with("data:") && hash.is_none() {
                found(&format!("{place}.source"));
            }
            for (key, value) in members {
                unverified(&format!("{place}.{key}"), value, found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                unverified(&format!("{place}.{index}"), value, found);
            }
        }
        _ => {}
    }
}

/// Whether a device is a part of the root disk. A replacement makes that disk anew.
fn is_root(device: &str) -> bool {
    const ROOT: [&str; 6] = [
        "/dev/vda",
        "/dev/disk/by-id/coreos-boot-disk",
        "/dev/disk/by-partlabel/root",
        "/dev/disk/by-partlabel/ROOT",
        "/dev/disk/by-label/ROOT",
        "/dev/mapper/root",
    ];
    ROOT.contains(&device)
}

fn names(parts: &Parts, all: &[One<'_>], at: &At<'_>, findings: &mut Vec<Finding>) {
    let users = parts.users.iter().map(|user| (user.name.to_string(), format!("{at}.users.{}", user.name)));
    names_of("user", "passwd", "users", users.collect(), all, findings);
    let groups =
        parts.groups.iter().map(|group| (group.name.to_string(), format!("{at}.groups.{}", group.name)));
    names_of("group", "passwd", "groups", groups.collect(), all, findings);
    let units = parts.units.iter().map(|unit| (unit.name.to_string(), format!("{at}.units.{}", unit.name)));
    names_of("unit", "systemd", "units", units.collect(), all, findings);
}

fn names_of(
    what: &'static str,
    section: &str,
    list: &str,
    mut seen: BTreeMap<String, String>,
    all: &[One<'_>],
    findings: &mut Vec<Finding>,
) {
    for one in all {
        for (place, value) in one.list(section, list) {
            let (name, place) = (text(value, "name").to_owned(), one.place(&place));
            if let Some(other) = seen.insert(name.clone(), place.clone()) {
                findings.push(FragmentProblem::Twice { what, name }.at(place).also(other));
            }
        }
    }
}

fn paths(parts: &Parts, all: &[One<'_>], os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let ours = parts.files.iter().map(|file| ("files", &file.path));
    let ours = ours.chain(parts.directories.iter().map(|directory| ("directories", &directory.path)));
    let ours = ours.chain(parts.links.iter().map(|link| ("links", &link.path)));
    // Each path that is there, whether it is a leaf, and whether a fragment has it.
    let mut seen: BTreeMap<AbsPath, (&str, String, bool)> = ours
        .map(|(key, path)| {
            (mount::without_links(path, os).into_owned(), (key, format!("{at}.{key}.{path}"), false))
        })
        .collect();
    for one in all {
        for list in ["files", "directories", "links"] {
            for (place, value) in one.list("storage", list) {
                // The judge has told of a path that is not one.
                let Ok(path) = text(value, "path").parse::<AbsPath>() else { continue };
                let here = one.place(&format!("{place}.path"));
                let is_own = OWN.contains(&path.as_str())
                    || OWN_PREFIXES.iter().any(|prefix| path.as_str().starts_with(prefix));
                if is_own {
                    findings.push(FragmentProblem::OwnFile { path: path.clone() }.at(&here));
                }
                if ACCOUNTS.contains(&path.as_str()) {
                    findings.push(FragmentProblem::Accounts { path: path.clone() }.at(&here));
                }
                if let Some(unit) = unit_at(path.as_str(), &parts.units) {
                    let problem = FragmentProblem::OfUnit { path: path.clone(), unit: unit.to_owned() };
                    findings.push(problem.at(&here).also(format_args!("{at}.units.{unit}")));
                }
                if let Some((why, instead)) = unwritable(&path, os) {
                    findings.push(FragmentProblem::Unwritable { path: path.clone(), why, instead }.at(&here));
                }
                let real = mount::without_links(&path, os).into_owned();
                if let Some((_, other, _)) = seen.insert(real, (list, here.clone(), true)) {
                    findings.push(FragmentProblem::Path { path }.at(here).also(other));
                }
            }
        }
    }
    for (path, (_, here, of_fragment)) in &seen {
        for above in ancestors(path.as_str()) {
            let Some((above, (what, other, theirs))) =
                above.parse::<AbsPath>().ok().and_then(|above| seen.get_key_value(&above))
            else {
                continue;
            };
            let what = match *what {
                "files" => "file",
                "links" => "link",
                _ => continue,
            };
            if *of_fragment || *theirs {
                let problem = FragmentProblem::Below { path: path.clone(), what, above: above.clone() };
                findings.push(problem.at(here).also(other));
            }
        }
    }
}

/// Arguments of the kernel, each of which Ignition takes once.
fn arguments(parts: &Parts, all: &[One<'_>], at: &At<'_>, findings: &mut Vec<Finding>) {
    let own = &parts.kernel_arguments;
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (key, list) in [("should_exist", &own.should_exist), ("should_not_exist", &own.should_not_exist)] {
        for (index, argument) in list.iter().enumerate() {
            seen.insert(argument.to_string(), format!("{at}.kernel_arguments.{key}[{index}]"));
        }
    }
    for one in all {
        for key in ["shouldExist", "shouldNotExist"] {
            for (place, argument) in one.list("kernelArguments", key) {
                let (name, place) = (argument.as_str().unwrap_or_default().to_owned(), one.place(&place));
                match seen.get(&name) {
                    // Ignition itself tells of one that a fragment has twice.
                    Some(other) if !other.starts_with(&one.said("")) => {
                        let problem = FragmentProblem::Twice { what: "kernel argument", name };
                        findings.push(problem.at(place).also(other));
                    }
                    Some(_) => {}
                    None => drop(seen.insert(name, place)),
                }
            }
        }
    }
}

/// Settings that a config has once.
fn settings(all: &[One<'_>], findings: &mut Vec<Finding>) {
    for key in ["proxy", "timeouts"] {
        let mut having = all.iter().filter(|one| {
            one.reading.config.get("ignition").and_then(|ignition| ignition.get(key)).is_some()
        });
        let Some(first) = having.next() else { continue };
        for one in having {
            let place = format!("$.ignition.{key}");
            let problem = FragmentProblem::Twice { what: "setting", name: key.to_owned() };
            findings.push(problem.at(one.place(&place)).also(first.place(&place)));
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_true(value: &Value, key: &str) -> bool {
    value.get(key) == Some(&Value::Bool(true))
}

problems! {
    /// Problems with fragments of Butane and Ignition.
    pub enum FragmentProblem {
        NotAMap is FragmentInvalid:
            "the fragment is not a map of JSON or YAML",
            "write a config of Butane or Ignition, or read the text before it gets here";
        Version { found: String } is FragmentInvalid:
            "fmc does not read {found}",
            "use Butane's fcos 1.0.0 to 1.7.0 or flatcar 1.0.0 to 1.1.0, or Ignition's 3.0.0 to 3.6.0";
        Unknown { key: String } is FragmentInvalid:
            "the fragment's format has no key {key} here",
            "leave it out: Ignition would ignore it, and boot";
        Near { key: String, near: String } is FragmentInvalid:
            "the fragment's format has no key {key} here",
            "did you mean {near}? Ignition would ignore {key}, and boot";
        Since { key: String, since: String } is FragmentInvalid:
            "the key {key} came with {since}",
            "raise the fragment's version, or leave the key out";
        Expected { what: &'static str } is FragmentInvalid:
            "{what} is expected here",
            "write what the format asks for";
        Both { one: &'static str, other: &'static str } is FragmentInvalid:
            "`{one}` and `{other}` exclude each other",
            "keep one of them";
        Local { path: String } is FragmentInvalid:
            "the fragment reads the local file {path}, and a cloud reads no files of the computer that it is planned on",
            "put the content in line, or let `fmc import butane --files-dir` read it once";
        Untranslated { key: &'static str, instead: &'static str } is FragmentInvalid:
            "fmc does not translate `{key}`",
            "{instead}";
        Refused { message: String } is FragmentInvalid:
            "Ignition refuses it: {message}",
            "correct the fragment";
        Warned { message: String } is FragmentRisk:
            "Ignition warns: {message}",
            "correct the fragment: the machine would boot all the same";
        System { os: &'static str } is FragmentInvalid:
            "{os} reads a cloud-config and no Ignition",
            "let `fmc import butane` translate the fragment, or use Fedora CoreOS or Flatcar";
        Spec { needed: String, os: &'static str, version: String, most: String } is IgnitionVersion:
            "the fragment needs version {needed} of Ignition's specification; {os} {version} knows {most}",
            "leave out what came with the later version, or use a newer image";
        Twice { what: &'static str, name: String } is GuestClash:
            "the {what} {name} occurs twice",
            "keep one {what} of that name: Ignition takes none twice";
        Path { path: AbsPath } is GuestClash:
            "two entries have the path {path}",
            "keep one file, directory or link at a path";
        OwnFile { path: AbsPath } is GuestClash:
            "fmc writes {path} from the settings of the machine",
            "leave it out of the fragment, and set the machine's host name, addresses, time zone or administrators";
        Accounts { path: AbsPath } is GuestPath:
            "{path} replaces the accounts of the image, and those that fmc makes",
            "write users and groups instead";
        OfUnit { path: AbsPath, unit: String } is GuestClash:
            "{path} is the file of the unit {unit}, which fmc writes",
            "give the unit its contents, or leave the unit out";
        Unwritable { path: AbsPath, why: &'static str, instead: &'static str } is GuestPath:
            "{path} {why}",
            "{instead}";
        Below { path: AbsPath, what: &'static str, above: AbsPath } is GuestClash:
            "{path} is below the {what} {above}",
            "write it where the {what} leads, or make {above} a directory";
        Disk { disk: String } is GuestClash:
            "fmc makes a file system on the disk {disk}, and the fragment does too",
            "leave the mount and the file system of the disk out, or the disk out of the fragment";
        NoDisk { device: String } is ReferenceUnknown:
            "no disk of the machine is {device}",
            "name a disk of it by its serial: `/dev/disk/by-id/virtio-` and the disk's name";
        NearDisk { device: String, near: String } is ReferenceUnknown:
            "no disk of the machine is {device}",
            "did you mean {near}?";
        ByOrder { device: String } is FragmentRisk:
            "{device} is the disk that the kernel finds in that place, which may be one with data",
            "name the disk by its serial: `/dev/disk/by-id/virtio-` and the disk's name";
        Mount { disk: String, unit: String } is GuestClash:
            "fmc mounts the disk {disk} by {unit}, and the fragment has a unit of that name",
            "leave the mount of the disk out, or the unit out of the fragment";
        TooLarge { disk: String, size: String } is FragmentInvalid:
            "the partitions do not fit the disk {disk}, which has {size}",
            "make them smaller, leave the last one's size out, or give the disk more";
        Wiped { device: String } is FragmentRisk:
            "Ignition empties {device} at each first boot, and a data disk outlives its machine: its data is lost when the machine is replaced",
            "leave the wiping out: Ignition makes what is not there, and keeps what matches";
        Array { name: String } is FragmentRisk:
            "Ignition makes the array {name} anew at each first boot, also over disks that were kept when the machine was replaced",
            "accept it with a reason if nothing on the array has to outlive the machine";
        Clevis { name: String } is FragmentRisk:
            "Ignition does not open the volume {name} again once Clevis has bound it: a replaced machine stops at its first boot",
            "use a key file on a disk that outlives its machine, or accept it with a reason";
        NoClevis is FragmentInvalid:
            "Flatcar has no Clevis",
            "use a key file";
        NoKey { name: String } is FragmentInvalid:
            "nothing opens the volume {name}: a key that Ignition makes up opens no volume that was kept",
            "add a key file or Clevis";
        Plain { what: &'static str } is FragmentRisk:
            "{what} stands in the cloud as plain text",
            "say it as a secret of a user of the guest, or accept it with a reason";
        Replaced is FragmentInvalid:
            "another config would replace the whole one, with the addresses and users of the machine",
            "merge the other config instead";
        Unverified is FragmentRisk:
            "the first boot fetches this without a hash: another content would be taken silently",
            "add the hash of the content below `verification`";
        Argument { argument: String } is FragmentInvalid:
            "{argument:?} is not one kernel argument",
            "write each argument by itself, without spaces";
    }
}

#[cfg(test)]
mod tests;
