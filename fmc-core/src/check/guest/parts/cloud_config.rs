//! Parts of a cloud-config: what fmc writes itself, and what clashes with the guest.

mod keys;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ACCOUNTS, OWN, OWN_PREFIXES, unwritable};
use crate::finding::{At, Finding, problems};
use crate::guest::{Parts, mount};
use crate::image::{Os, Provisioner};
use crate::nearest::nearest;
use crate::path::AbsPath;

/// Keys that fmc writes from the settings of the machine.
const OURS: &[&str] = &[
    "fqdn",
    "hostname",
    "manage_etc_hosts",
    "network",
    "prefer_fqdn_over_hostname",
    "preserve_hostname",
    "ssh_deletekeys",
    "ssh_keys",
    "ssh_pwauth",
    "timezone",
];

/// Keys whose modules empty disks.
const DISKS: &[&str] = &["disk_setup", "fs_setup"];

/// Keys that hold passwords.
const PASSWORDS: &[&str] = &["chpasswd", "hashed_passwd", "passwd", "password", "plain_text_passwd"];

/// Looks at the parts of one machine.
pub(super) fn check(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let all = at.key("cloud_config");
    if !parts.cloud_config.is_empty() && os.provisioner() == Some(Provisioner::Ignition) {
        findings.push(CloudConfigProblem::System { os: os.label() }.at(all));
        return;
    }
    let mut keys: BTreeMap<&str, String> = BTreeMap::new();
    let mut paths: BTreeMap<AbsPath, String> = ours(parts, os, at);
    let mut users: BTreeMap<&str, String> =
        parts.users.iter().map(|user| (user.name.as_str(), format!("{at}.users.{}", user.name))).collect();
    for (index, part) in parts.cloud_config.iter().enumerate() {
        let here = all.index(index);
        let Some(members) = part.value().as_object() else {
            findings.push(CloudConfigProblem::NotAMap.at(here));
            continue;
        };
        known(members, keys::TOP, OURS, &here, findings);
        for (key, value) in members {
            let here = here.name(key);
            if OURS.contains(&key.as_str()) {
                findings.push(CloudConfigProblem::Ours { key: key.clone() }.at(here));
                continue;
            }
            if DISKS.contains(&key.as_str()) {
                findings.push(CloudConfigProblem::Disks { key: key.clone() }.at(here));
            }
            if PASSWORDS.contains(&key.as_str()) {
                findings.push(CloudConfigProblem::Plain.at(here));
            }
            if crate::cloud_init::LISTS.contains(&key.as_str()) {
                let Some(values) = value.as_array() else {
                    findings.push(CloudConfigProblem::NotAList { key: key.clone() }.at(here));
                    continue;
                };
                for (index, value) in values.iter().enumerate() {
                    let here = here.index(index);
                    match key.as_str() {
                        "write_files" => file(value, os, &mut paths, &here, findings),
                        "users" => user(value, &mut users, &here, findings),
                        _ => {}
                    }
                }
            } else if let Some(other) = keys.insert(key, here.to_string()) {
                let problem = CloudConfigProblem::Twice { what: "key", name: key.clone() };
                findings.push(problem.at(here).also(other));
            }
        }
    }
}

/// Keys that cloud-init does not know: it passes over them, and the machine lacks what they say.
fn known(
    members: &Map<String, Value>,
    read: &[&'static str],
    ours: &[&str],
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let unknown = members.keys().filter(|key| !read.contains(&key.as_str()) && !ours.contains(&key.as_str()));
    for key in unknown {
        let key = key.clone();
        let problem = match nearest(&key, read.iter().copied()) {
            Some(near) => CloudConfigProblem::Mistyped { key: key.clone(), near },
            None => CloudConfigProblem::Unknown { key: key.clone() },
        };
        findings.push(problem.at(at.name(&key)));
    }
}

fn ours(parts: &Parts, os: Os, at: &At<'_>) -> BTreeMap<AbsPath, String> {
    let all = parts.files.iter().map(|file| ("files", &file.path));
    let all = all.chain(parts.directories.iter().map(|directory| ("directories", &directory.path)));
    let all = all.chain(parts.links.iter().map(|link| ("links", &link.path)));
    all.map(|(key, path)| (mount::without_links(path, os).into_owned(), format!("{at}.{key}.{path}")))
        .collect()
}

fn file(
    value: &Value,
    os: Os,
    paths: &mut BTreeMap<AbsPath, String>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    if let Some(members) = value.as_object() {
        known(members, keys::FILE, &[], at, findings);
    }
    let at_path = at.key("path");
    let path = value.get("path").and_then(Value::as_str).and_then(|path| path.parse::<AbsPath>().ok());
    let Some(path) = path else {
        findings.push(CloudConfigProblem::NoPath.at(at_path));
        return;
    };
    if value.get("permissions").is_some_and(Value::is_number) {
        findings.push(CloudConfigProblem::Permissions.at(at.key("permissions")));
    }
    let is_fetched = value.pointer("/source/uri").is_some();
    if is_fetched {
        findings.push(CloudConfigProblem::Unverified { path: path.clone() }.at(at.key("source")));
    }
    if OWN.contains(&path.as_str()) || OWN_PREFIXES.iter().any(|prefix| path.as_str().starts_with(prefix)) {
        findings.push(CloudConfigProblem::OwnFile { path: path.clone() }.at(at_path));
    }
    if ACCOUNTS.contains(&path.as_str()) {
        findings.push(CloudConfigProblem::Accounts { path: path.clone() }.at(at_path));
    }
    if let Some((why, instead)) = unwritable(&path, os) {
        findings.push(CloudConfigProblem::Unwritable { path: path.clone(), why, instead }.at(at_path));
    }
    let is_appended = value.get("append") == Some(&Value::Bool(true));
    let real = mount::without_links(&path, os).into_owned();
    if !is_appended && let Some(other) = paths.insert(real, at_path.to_string()) {
        findings.push(CloudConfigProblem::Path { path }.at(at_path).also(other));
    }
}

fn user<'v>(
    value: &'v Value,
    users: &mut BTreeMap<&'v str, String>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    if let Some(members) = value.as_object() {
        known(members, keys::USER, &[], at, findings);
    }
    for key in PASSWORDS.iter().filter(|key| value.get(**key).is_some()) {
        findings.push(CloudConfigProblem::Plain.at(at.key(key)));
    }
    let name = value.as_str().or_else(|| value.get("name").and_then(Value::as_str));
    let Some(name) = name else { return };
    if let Some(other) = users.insert(name, at.to_string()) {
        let problem = CloudConfigProblem::Twice { what: "user", name: name.to_owned() };
        findings.push(problem.at(at).also(other));
    }
}

problems! {
    /// Problems with parts of a cloud-config.
    pub enum CloudConfigProblem {
        NotAMap is FragmentInvalid:
            "the part of a cloud-config is not a map of JSON or YAML",
            "write keys as cloud-init has them, without the first line of a file";
        System { os: &'static str } is FragmentInvalid:
            "{os} reads Ignition and no cloud-config",
            "write it as Butane, or use an image that has cloud-init";
        NotAList { key: String } is FragmentInvalid:
            "`{key}` is a list, whose entries come after those of fmc",
            "write a list";
        NoPath is FragmentInvalid:
            "the file has no absolute path",
            "write the whole path of the file";
        Permissions is FragmentInvalid:
            "a mode without quotes is a number, and not the one that it looks like",
            "put the mode in quotes";
        Ours { key: String } is GuestClash:
            "fmc writes `{key}` from the settings of the machine",
            "leave it out, and set the machine's host name, addresses, time zone or host keys";
        Twice { what: &'static str, name: String } is GuestClash:
            "the {what} {name} occurs twice",
            "keep one {what} of that name";
        Path { path: AbsPath } is GuestClash:
            "two entries have the path {path}",
            "keep one file, directory or link at a path, or append to the file";
        OwnFile { path: AbsPath } is GuestClash:
            "fmc writes {path} from the settings of the machine",
            "set the machine's host name, addresses, time zone or administrators instead";
        Accounts { path: AbsPath } is GuestPath:
            "{path} replaces the accounts of the image, and those that fmc makes",
            "write users and groups instead";
        Unwritable { path: AbsPath, why: &'static str, instead: &'static str } is GuestPath:
            "{path} {why}",
            "{instead}";
        Mistyped { key: String, near: &'static str } is FragmentRisk:
            "cloud-init knows no `{key}` here, and passes over it",
            "did you mean {near}? If the image's cloud-init is a newer one that knows it, accept it with a reason";
        Unknown { key: String } is FragmentRisk:
            "cloud-init knows no `{key}` here, and passes over it",
            "leave it out, or accept it with a reason if the image's cloud-init is a newer one that knows it";
        Disks { key: String } is FragmentRisk:
            "`{key}` empties disks whose label or kind differs, and a data disk outlives its machine",
            "give the machine's disk a mount instead, or accept it with a reason";
        Plain is FragmentRisk:
            "a password stands in the cloud as plain text",
            "say it as a secret of a user of the guest, or accept it with a reason";
        Unverified { path: AbsPath } is FragmentRisk:
            "the first boot fetches {path} without a hash: another content would be taken silently",
            "write a file of the guest with an address and a digest";
    }
}
