//! Users and groups: ids and names that the image has already, homes that go or are not one user's, shells that are not there.

use std::collections::BTreeMap;

use super::accounts::{self, ids};
use super::{PartProblem, unwritable};
use crate::finding::{At, Finding};
use crate::guest::checked::User;
use crate::guest::{Parts, mount};
use crate::image::{Os, Provisioner};
use crate::path::AbsPath;

/// Looks at every user and group.
pub(super) fn check(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let (users, groups) = (at.key("users"), at.key("groups"));
    let image = accounts::of(os);
    for user in &parts.users {
        let here = users.name(&user.name);
        if let Some((uid, other)) = user.uid.and_then(|uid| Some((uid, ids::user(os, uid)?)))
            && other != user.name.as_str()
        {
            let problem = PartProblem::UidOfImage { uid, user: other, os: os.label() };
            findings.push(problem.at(here.key("uid")));
        }
        let is_named =
            |mut names: Box<dyn Iterator<Item = &'static str>>| names.any(|name| name == user.name.as_str());
        if is_named(Box::new(image.groups())) && !is_named(Box::new(image.users())) {
            findings.push(PartProblem::GroupOfImage { name: user.name.to_string(), os: os.label() }.at(here));
        }
        home(user, os, &here, findings);
        shell(user, parts, os, &here, findings);
    }
    for group in &parts.groups {
        if let Some((gid, other)) = group.gid.and_then(|gid| Some((gid, ids::group(os, gid)?)))
            && other != group.name.as_str()
        {
            let problem = PartProblem::GidOfImage { gid, group: other, os: os.label() };
            findings.push(problem.at(groups.name(&group.name).key("gid")));
        }
    }
    one_home(parts, os, &users, findings);
}

/// Whether somebody comes in by SSH, which reads the keys in the home.
fn has_keys(user: &User) -> bool {
    !user.keys.is_empty() && user.has_shell()
}

/// The home of a user: the one that is given, or the system's own.
pub(super) fn home_of(user: &User) -> Option<AbsPath> {
    match &user.home {
        Some(home) => Some(home.clone()),
        None if user.name.as_str() == "root" => "/root".parse().ok(),
        None => format!("/home/{}", user.name).parse().ok(),
    }
}

fn home(user: &User, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(home) = user.home.as_ref().filter(|_| user.name.as_str() != "root") else { return };
    let is_needed = has_keys(user) || os.provisioner() == Some(Provisioner::Ignition);
    let why = unwritable(home, os).map(|(why, _)| why).filter(|_| is_needed);
    let shared = (has_keys(user) && is_systems(home)).then_some("is a directory of the system");
    if let Some(why) = why.or(shared) {
        let usual = format!("/home/{}", user.name);
        findings.push(PartProblem::Home { path: home.clone(), why, usual }.at(at.key("home")));
    }
}

/// A directory that others use too, or that only root enters.
fn is_systems(home: &AbsPath) -> bool {
    let mut names = home.as_str().trim_start_matches('/').split('/');
    matches!(
        (names.next().unwrap_or_default(), names.next(), names.next()),
        ("" | "boot" | "etc" | "root", ..)
            | ("home" | "media" | "mnt" | "opt" | "srv" | "usr" | "var", None, _)
            | ("var", Some("cache" | "lib" | "log" | "mail" | "spool" | "tmp"), None)
    )
}

/// sshd refuses keys that belong to another user (`StrictModes`).
fn one_home(parts: &Parts, os: Os, users: &At<'_>, findings: &mut Vec<Finding>) {
    let mut homes: BTreeMap<AbsPath, &User> = BTreeMap::new();
    for user in parts.users.iter().filter(|user| has_keys(user)) {
        let Some(home) = home_of(user) else { continue };
        let real = mount::without_links(&home, os).into_owned();
        if let Some(other) = homes.insert(real, user).filter(|other| other.name != user.name) {
            let problem = PartProblem::HomeTwice {
                path: home,
                one: other.name.to_string(),
                other: user.name.to_string(),
            };
            let finding = problem.at(users.name(&user.name).key("home"));
            findings.push(finding.also(users.name(&other.name).key("home")));
        }
    }
}

/// Programs that are shells, with the package of each.
const SHELLS: [(&str, &str); 9] = [
    ("csh", "csh"),
    ("dash", "dash"),
    ("elvish", "elvish"),
    ("fish", "fish"),
    ("ksh", "ksh"),
    ("mksh", "mksh"),
    ("tcsh", "tcsh"),
    ("yash", "yash"),
    ("zsh", "zsh"),
];

fn shell(user: &User, parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(shell) = &user.shell else { return };
    let real = mount::without_links(shell, os);
    let Some(name) = ["/usr/bin/", "/usr/sbin/"].iter().find_map(|folder| real.as_str().strip_prefix(folder))
    else {
        return;
    };
    let files = parts.files.iter().map(|file| &file.path);
    let mut written = files.chain(parts.links.iter().map(|link| &link.path));
    let is_written = written.any(|path| *mount::without_links(path, os) == *real);
    let Some((_, package)) = SHELLS.iter().find(|(shell, _)| *shell == name) else { return };
    let has_package = os.provisioner() == Some(Provisioner::CloudInit)
        && parts.packages.iter().any(|other| other.package().contains(package));
    if is_written || has_package || (os == Os::Debian && name == "dash") {
        return;
    }
    let (path, os) = (shell.clone(), os.label());
    findings.push(PartProblem::Shell { path, package, os }.at(at.key("shell")));
}
