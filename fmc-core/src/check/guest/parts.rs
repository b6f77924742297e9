//! Mistakes inside one machine: clashes, references to nothing, paths that no first boot can write.

mod accounts;
pub(crate) mod cloud_config;
#[cfg(feature = "ignition")]
pub(crate) mod fragment;
mod people;
mod services;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::finding::{At, Finding, problems};
use crate::guest::checked::{Owner, Unit};
use crate::guest::{Parts, State, mount};
use crate::ignition::{self, own};
use crate::image::{Os, Provisioner};
use crate::path::AbsPath;
use crate::secret::SecretRef;

/// Every mistake inside one machine with this operating system of this version.
pub(crate) fn check(parts: &Parts, os: Os, version: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
    names(parts, at, findings);
    paths(parts, os, at, findings);
    owners(parts, os, at, findings);
    people::check(parts, os, at, findings);
    services::check(parts, os, at, findings);
    packages(parts, os, at, findings);
    secrets(parts, at, findings);
    ignition_version(parts, os, version, at, findings);
    kernel_arguments(parts, os, at, findings);
    cloud_config::check(parts, os, at, findings);
    #[cfg(feature = "ignition")]
    fragment::check(parts, os, version, at, findings);
}

fn names(parts: &Parts, at: &At<'_>, findings: &mut Vec<Finding>) {
    twice("user", "users", parts.users.iter().map(|user| user.name.as_str()), at, findings);
    twice("group", "groups", parts.groups.iter().map(|group| group.name.as_str()), at, findings);
    twice("unit", "units", parts.units.iter().map(|unit| unit.name.as_str()), at, findings);
    let all = at.key("units");
    for unit in &parts.units {
        let dropins = unit.dropins.iter().map(|dropin| dropin.name.as_str());
        twice("drop-in", "dropins", dropins, &all.name(&unit.name), findings);
    }
    let groups = at.key("groups");
    let users = at.key("users");
    for group in &parts.groups {
        if let Some(user) = parts.users.iter().find(|user| user.name.as_str() == group.name.as_str()) {
            let problem = PartProblem::OwnGroup { user: user.name.to_string() };
            findings.push(problem.at(groups.name(&group.name)).also(users.name(&user.name)));
        }
    }
    let mut ids = BTreeMap::new();
    for user in &parts.users {
        let Some(uid) = user.uid else { continue };
        if let Some(other) = ids.insert(uid, &user.name).filter(|other| **other != user.name) {
            let finding = PartProblem::Uid { uid }.at(users.name(&user.name).key("uid"));
            findings.push(finding.also(users.name(other).key("uid")));
        }
    }
    let mut ids = BTreeMap::new();
    for group in &parts.groups {
        let Some(gid) = group.gid else { continue };
        if let Some(other) = ids.insert(gid, &group.name).filter(|other| **other != group.name) {
            let finding = PartProblem::Gid { gid }.at(groups.name(&group.name).key("gid"));
            findings.push(finding.also(groups.name(other).key("gid")));
        }
    }
}

fn twice<'a>(
    what: &'static str,
    key: &str,
    names: impl Iterator<Item = &'a str>,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            let problem = PartProblem::Twice { what, name: name.to_owned() };
            findings.push(problem.at(at.key(key).name(&name)));
        }
    }
}

/// Files that fmc itself writes into every machine.
const OWN: &[&str] =
    &["/etc/hosts", "/etc/hostname", "/etc/localtime", "/etc/NetworkManager/conf.d/90-fmc-resolvers.conf"];
const OWN_PREFIXES: &[&str] = &[own::SUDOERS, own::KEYFILE, own::NETWORKD];

/// The accounts of a system, which the first boot adds to.
const ACCOUNTS: &[&str] = &["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"];

fn paths(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let files = parts.files.iter().map(|file| ("files", &file.path));
    let directories = parts.directories.iter().map(|directory| ("directories", &directory.path));
    let links = parts.links.iter().map(|link| ("links", &link.path));
    let mut seen: BTreeMap<Cow<'_, AbsPath>, (&str, &AbsPath)> = BTreeMap::new();
    let keys = keys(parts, os);
    for (key, path) in files.chain(directories).chain(links) {
        let here = || at.key(key);
        let real = mount::without_links(path, os);
        if let Some(user) = keys.get(&*real) {
            let problem = PartProblem::Keys { path: path.clone(), user: (*user).to_owned() };
            findings.push(problem.at(here().name(path)).also(at.key("users").name(user).key("keys")));
        }
        if let Some((other, same)) = seen.insert(real, (key, path)) {
            let finding = PartProblem::Path { path: path.clone() }.at(here().name(path));
            findings.push(finding.also(at.key(other).name(same)));
        }
        if ACCOUNTS.contains(&path.as_str()) {
            findings.push(PartProblem::Accounts { path: path.clone() }.at(here().name(path)));
        }
        if let Some(unit) = unit_at(path.as_str(), &parts.units) {
            let problem = PartProblem::OfUnit { path: path.clone(), unit: unit.to_owned() };
            findings.push(problem.at(here().name(path)).also(at.key("units").name(&unit)));
        }
        if OWN.contains(&path.as_str()) || OWN_PREFIXES.iter().any(|prefix| path.as_str().starts_with(prefix))
        {
            findings.push(PartProblem::OwnFile { path: path.clone() }.at(here().name(path)));
        }
        if let Some((why, help)) = unwritable(path, os) {
            let problem = PartProblem::Unwritable { path: path.clone(), why, instead: help };
            findings.push(problem.at(here().name(path)));
        }
    }
    below_links(parts, at, findings);
}

/// The files in which the first boot writes users' keys, with the user of each.
fn keys(parts: &Parts, os: Os) -> BTreeMap<AbsPath, &str> {
    let below = match os.provisioner() {
        Some(Provisioner::Ignition) => ".ssh/authorized_keys.d/ignition",
        _ => ".ssh/authorized_keys",
    };
    let users = parts.users.iter().filter(|user| !user.keys.is_empty());
    let file = |home: AbsPath| Some(mount::without_links(&home.join(below).ok()?, os).into_owned());
    users.filter_map(|user| Some((file(people::home_of(user)?)?, user.name.as_str()))).collect()
}

/// Paths below a declared link or file: Ignition refuses the first, nothing can write the second.
fn below_links(parts: &Parts, at: &At<'_>, findings: &mut Vec<Finding>) {
    let links = parts.links.iter().map(|link| (link.path.as_str(), ("links", "link")));
    let files = parts.files.iter().map(|file| (file.path.as_str(), ("files", "file")));
    let leaves: BTreeMap<&str, (&str, &'static str)> = links.chain(files).collect();
    if leaves.is_empty() {
        return;
    }
    let all = parts.files.iter().map(|file| ("files", &file.path));
    let all = all.chain(parts.directories.iter().map(|directory| ("directories", &directory.path)));
    // A folder above a path is above its neighbours too.
    let mut known = ("", None);
    for (key, path) in all.chain(parts.links.iter().map(|link| ("links", &link.path))) {
        let folder = path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder != known.0 {
            let above = ancestors(path.as_str()).find_map(|above| Some((above, *leaves.get(above)?)));
            known = (folder, above);
        }
        let (_, above) = known;
        if let Some((above, (other, what))) = above {
            let problem = PartProblem::Below { path: path.clone(), what, above: above.to_owned() };
            findings.push(problem.at(at.key(key).name(path)).also(at.key(other).name(&above)));
        }
    }
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(index, _)| path.get(..index)).filter(|above| !above.is_empty())
}

/// The unit for which a path is written: by itself, or by a drop-in.
fn unit_at<'a>(path: &str, units: &'a [Arc<Unit>]) -> Option<&'a str> {
    let written = path.strip_prefix("/etc/systemd/system/")?;
    let is_one = |unit: &&Arc<Unit>| {
        let Some(rest) = written.strip_prefix(unit.name.as_str()) else { return false };
        match rest.strip_prefix(".d/") {
            Some(dropin) => unit.dropins.iter().any(|other| other.name.as_str() == dropin),
            None => rest.is_empty() && (unit.contents.is_some() || unit.state == State::Masked),
        }
    };
    units.iter().find(is_one).map(|unit| unit.name.as_str())
}

/// Why a first boot cannot write a path, and what to do instead.
pub(crate) fn unwritable(path: &AbsPath, os: Os) -> Option<(&'static str, &'static str)> {
    let real = mount::without_links(path, os);
    let top = real.as_str().trim_start_matches('/').split('/').next().unwrap_or_default();
    if matches!(top, "proc" | "sys" | "dev" | "run" | "tmp") {
        return Some((
            "is gone after the first boot: the kernel or systemd creates it at each start",
            "use a path under /etc, /var, /opt or /srv, or a unit that writes it at every boot",
        ));
    }
    if os.provisioner() != Some(Provisioner::Ignition) {
        return None;
    }
    if top == "usr" {
        // Flatcar has no writable /usr/local; Fedora CoreOS links it to /var/usrlocal.
        let help = if os == Os::Flatcar { "use /etc, /opt or /var" } else { "use /etc, /opt or /usr/local" };
        return Some(("is in the part of the image that is read-only", help));
    }
    let known = ["boot", "etc", "home", "media", "mnt", "opt", "root", "srv", "var"];
    (os == Os::FedoraCoreos && !known.contains(&top)).then_some((
        "needs a new directory in the root of Fedora CoreOS, which is read-only",
        "use a path under /etc, /var, /opt or /srv",
    ))
}

fn owners(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    // A package may add accounts that fmc does not know; files are written after it. The firewall's package adds none.
    let may_bring = parts.packages.iter().any(|package| package.package() != "nftables");
    if may_bring && os.provisioner() == Some(Provisioner::CloudInit) {
        return;
    }
    let known = accounts::of(os);
    let mut users: BTreeSet<&str> = parts.users.iter().map(|user| user.name.as_str()).collect();
    for name in known.users() {
        users.insert(name);
    }
    let mut groups: BTreeSet<&str> = parts.groups.iter().map(|group| group.name.as_str()).collect();
    // A user has a group of its own name.
    groups.extend(parts.users.iter().map(|user| user.name.as_str()));
    for name in known.groups() {
        groups.insert(name);
    }
    let unknown = |what: &'static str, name: &str, at: At<'_>| {
        PartProblem::Unknown { what, name: name.to_owned() }.at(at)
    };
    let mut owner = |owner: &Owner, at: &At<'_>| {
        if let Some(user) = owner.user.as_ref().filter(|user| !users.contains(user.as_str())) {
            findings.push(unknown("user", user.as_str(), at.key("owner")));
        }
        if let Some(group) = owner.group.as_ref().filter(|group| !groups.contains(group.as_str())) {
            findings.push(unknown("group", group.as_str(), at.key("group")));
        }
    };
    for file in &parts.files {
        owner(&file.owner, &at.key("files").name(&file.path));
    }
    for directory in &parts.directories {
        owner(&directory.owner, &at.key("directories").name(&directory.path));
    }
    for user in &parts.users {
        for (index, group) in user.groups.iter().enumerate() {
            if !groups.contains(group.as_str()) {
                let at = at.key("users");
                let at = at.name(&user.name);
                findings.push(unknown("group", group.as_str(), at.key("groups").index(index)));
            }
        }
    }
}

fn packages(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    if os.provisioner() == Some(Provisioner::Ignition) && !parts.packages.is_empty() {
        findings.push(PartProblem::Packages { os: os.label() }.at(at.key("packages")));
    }
    let mut versions: BTreeMap<&str, &str> = BTreeMap::new();
    for name in &parts.packages {
        if let Some((why, help)) = unknown_package(name.package(), os) {
            let problem = PartProblem::Package { package: name.package().to_owned(), why, instead: help };
            findings.push(problem.at(at.key("packages")));
        }
        let Some(version) = name.version() else { continue };
        if let Some(other) = versions.insert(name.package(), version).filter(|other| *other != version) {
            let package = name.package().to_owned();
            let problem = PartProblem::Versions { package, one: other.to_owned(), other: version.to_owned() };
            findings.push(problem.at(at.key("packages")));
        }
    }
}

/// Why no package has a name, and what to write instead (Debian Policy §5.6.1; apt-get(8), `install`).
fn unknown_package(name: &str, os: Os) -> Option<(&'static str, String)> {
    if let Some(meant) = name.strip_suffix('-') {
        let why =
            if os == Os::Debian { "apt removes a package by that name" } else { "no package is called so" };
        return Some((why, format!("write {meant}")));
    }
    if os != Os::Debian {
        return None;
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some((
            "packages of Debian have names in lower case",
            format!("write {}", name.to_ascii_lowercase()),
        ));
    }
    // RPM writes a name, a version and a release with hyphens between; a version of Debian comes after an equals sign.
    let (stem, version) = name.rsplit_once('-')?;
    let is_version = |text: &str| {
        let numbers: Vec<&str> = text.split('.').collect();
        numbers.len() > 2 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
    };
    let (stem, version) = match stem.rsplit_once('-') {
        Some((stem, before)) if version.contains(".el") || version.contains(".fc") => (stem, before),
        _ if is_version(version) => (stem, version),
        _ => return None,
    };
    Some(("that is how RPM says a version", format!("write {stem}={version}")))
}

/// One name with two meanings: the same secret must have one source and one generation.
fn secrets(parts: &Parts, at: &At<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, &SecretRef> = BTreeMap::new();
    for secret in parts.secrets() {
        let other = seen.insert(secret.name.as_str(), secret);
        if other.is_some_and(|other| other != secret) {
            findings.push(PartProblem::Secret { secret: secret.name.to_string() }.at(at));
        }
    }
}

/// Arguments of the kernel: on systems that can set them, each said once.
fn kernel_arguments(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let arguments = &parts.kernel_arguments;
    if arguments.is_empty() {
        return;
    }
    let at = at.key("kernel_arguments");
    if os.provisioner() != Some(Provisioner::Ignition) {
        findings.push(PartProblem::NoArguments { os: os.label() }.at(at));
        return;
    }
    let lists =
        [("should_exist", &arguments.should_exist), ("should_not_exist", &arguments.should_not_exist)];
    let mut seen = BTreeSet::new();
    for (key, list) in lists {
        for (index, argument) in list.iter().enumerate() {
            if !seen.insert(argument) {
                let problem = PartProblem::Twice { what: "kernel argument", name: argument.to_string() };
                findings.push(problem.at(at.key(key).index(index)));
            }
        }
    }
}

/// Parts that need a newer Ignition than an image of this version has.
fn ignition_version(parts: &Parts, os: Os, version: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
    let needed = ignition::own_spec(parts);
    let Some(most) = ignition::max_spec(os, version).filter(|most| *most < needed) else { return };
    let (os, version) = (os.label(), version.to_owned());
    let problem = PartProblem::Ignition { needed: needed.to_string(), os, version, most: most.to_string() };
    findings.push(problem.at(at));
}

problems! {
    /// Problems with the parts of one guest.
    pub enum PartProblem {
        Twice { what: &'static str, name: String } is GuestClash:
            "the {what} {name} occurs twice",
            "keep one {what} of that name";
        OwnGroup { user: String } is GuestClash:
            "the user {user} already has a group of that name",
            "leave the group out, or give it another name";
        Uid { uid: u32 } is GuestClash:
            "{uid} is the id of two users",
            "give each user an id of its own, or leave it to the guest";
        Gid { gid: u32 } is GuestClash:
            "{gid} is the id of two groups",
            "give each group an id of its own, or leave it to the guest";
        UidOfImage { uid: u32, user: &'static str, os: &'static str } is GuestClash:
            "{uid} is the id of {user}, which {os} has",
            "write another id, 1000 or more for a person, or leave it to the guest";
        GidOfImage { gid: u32, group: &'static str, os: &'static str } is GuestClash:
            "{gid} is the id of the group {group}, which {os} has",
            "write another id, 1000 or more, or leave it to the guest";
        GroupOfImage { name: String, os: &'static str } is GuestClash:
            "{os} has a group {name}, so a user of that name gets no group of its own",
            "give the user another name, and put it into the group {name} if that is meant";
        Home { path: AbsPath, why: &'static str, usual: String } is GuestPath:
            "{path} {why}, and can be no home",
            "leave `home` out for {usual}, or use a path below /home, /srv or /var/lib";
        HomeTwice { path: AbsPath, one: String, other: String } is GuestPath:
            "{path} is the home of {one} and of {other}, and the keys in it can belong to one only",
            "give each user a home of its own";
        Shell { path: AbsPath, package: &'static str, os: &'static str } is GuestReference:
            "{path} is not in the image of {os}",
            "leave `shell` out for /bin/bash, or install the package {package} where the system takes packages";
        Package { package: String, why: &'static str, instead: String } is GuestReference:
            "{package} is not a package: {why}",
            "{instead}";
        Accounts { path: AbsPath } is GuestPath:
            "{path} replaces the accounts of the image, and those that fmc makes",
            "write the users and groups of the guest instead";
        Keys { path: AbsPath, user: String } is GuestClash:
            "{path} replaces the keys of {user}",
            "write all keys on the user, or leave the keys of the user out";
        Path { path: AbsPath } is GuestClash:
            "two entries have the path {path}",
            "keep one file, directory or link at a path";
        OfUnit { path: AbsPath, unit: String } is GuestClash:
            "{path} is the file of the unit {unit}, which fmc writes",
            "give the unit its contents, or leave the unit out";
        OwnFile { path: AbsPath } is GuestClash:
            "fmc writes {path} from the settings of the machine",
            "set the machine's host name, addresses, time zone or administrators instead";
        Unwritable { path: AbsPath, why: &'static str, instead: &'static str } is GuestPath:
            "{path} {why}",
            "{instead}";
        Below { path: AbsPath, what: &'static str, above: String } is GuestClash:
            "{path} is below the {what} {above}",
            "write it where the {what} leads, or make {above} a directory";
        Unknown { what: &'static str, name: String } is GuestReference:
            "the {what} {name} is neither in the guest nor in the image",
            "add the {what} to the guest, or name one that the image has";
        Line { line: String, name: String, section: &'static str } is GuestUnit:
            "systemd cannot read the line {line:?} of {name}",
            "write sections as [{section}] and settings as Key=value below one";
        NoInstall { unit: String } is GuestUnit:
            "{unit} is enabled, but has no [Install] section",
            "add [Install] with WantedBy=multi-user.target, or do not enable it";
        Masked { unit: String } is GuestUnit:
            "{unit} is masked, and has contents",
            "keep one of them";
        NoSection { unit: String, section: &'static str } is GuestUnit:
            "{unit} has no [{section}] section",
            "add the section that says what the unit does";
        NoInstance { unit: String, instance: String } is GuestUnit:
            "{unit} is a template, and is enabled without an instance",
            "enable an instance, for example {instance}, or write DefaultInstance= below [Install]";
        NoCommand { unit: String } is GuestUnit:
            "{unit} has no ExecStart=, so systemd refuses it",
            "write ExecStart= with the program's path below [Service]";
        Relative { unit: String, key: String, program: String } is GuestUnit:
            "{program} in {key}= of {unit} is not an absolute path",
            "write the whole path, as /usr/bin/true";
        MountName { unit: String, path: AbsPath, wanted: String } is GuestUnit:
            "{unit} mounts at {path}, which its name does not say",
            "call the unit {wanted}";
        MountLink { unit: String, path: AbsPath, real: AbsPath, wanted: String } is GuestUnit:
            "{unit} mounts at {path}, which leads through a link to {real}: systemd refuses that",
            "mount at {real} by {wanted}";
        NoArguments { os: &'static str } is GuestReference:
            "{os} takes no kernel arguments on its first boot",
            "use an image of Fedora CoreOS or Flatcar, or a command that changes the boot loader's settings";
        Packages { os: &'static str } is PackagesUnsupported:
            "{os} installs no packages on its first boot",
            "run the program in a container, or use an image with a package manager";
        Versions { package: String, one: String, other: String } is GuestClash:
            "two versions of the package {package} are wanted: {one} and {other}",
            "keep the version that the machine needs";
        Secret { secret: String } is GuestClash:
            "the secret {secret} is described in two ways",
            "describe it once, as a constant or a function, and use that";
        Ignition { needed: String, os: &'static str, version: String, most: String } is IgnitionVersion:
            "a setuid, setgid or sticky bit needs version {needed} of Ignition's specification; {os} {version} knows {most}",
            "use modes up to 0777, or a newer image";
    }
}

#[cfg(test)]
mod tests;
