//! Merges the roles' parts with the user's guest: two claims of the same thing are a finding that names both.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::after;
use crate::finding::{At, Finding, problems};
use crate::guest::Parts;
use crate::guest::checked::{Directory, Group, GuestFile, Symlink, Unit, User};
use crate::role::{Assigned, Site};

/// A guest with the parts that roles add.
pub(super) struct Merged {
    /// All of it.
    pub(super) parts: Parts,
    /// The origin of each part that a role adds, by its path below the guest, as `files./etc/motd`.
    origins: BTreeMap<String, String>,
}

impl Merged {
    /// The path of the role that adds a part, by the part's path below the guest or one in it.
    pub(super) fn origin(&self, path: &str) -> Option<&str> {
        let (part, role) =
            self.origins.range::<str, _>((Bound::Unbounded, Bound::Included(path))).next_back()?;
        let rest = path.strip_prefix(part.as_str())?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some(role.as_str())
    }
}

/// The claims on a machine.
struct Claims<'a> {
    machine: &'a str,
    /// The owner of each claim: the role's kind and path.
    by: BTreeMap<String, (String, String)>,
    origins: BTreeMap<String, String>,
    findings: &'a mut Vec<Finding>,
}

/// Merges the parts of one machine's roles into its own guest; `None` if a leaf of it is wrong.
pub(super) fn merge(
    own: &Parts,
    ours: &[Assigned],
    site: &Site<'_>,
    all: &[Assigned],
    findings: &mut Vec<Finding>,
) -> Option<Merged> {
    let mut added = Vec::with_capacity(ours.len());
    for one in ours {
        let at = At::ROOT.key(&one.at);
        let mut parts = one.role.guest(site).parts(&at.key("guest"), findings)?;
        after::wait(&mut parts, one, site, all);
        added.push((one, parts));
    }
    let machine = site.machine().name.as_str();
    let mut claims = Claims { machine, by: BTreeMap::new(), origins: BTreeMap::new(), findings };
    let mut parts = own.clone();
    let guest = format!("machines.{machine}.guest");
    claims.note(own, "the user's own guest", &guest);
    for (one, more) in added {
        claims.add(&mut parts, more, one.kind.as_str(), &one.at);
    }
    parts.sort();
    parts.packages.dedup();
    Some(Merged { parts, origins: claims.origins })
}

impl Claims<'_> {
    /// The claims of the user's own guest.
    fn note(&mut self, parts: &Parts, who: &str, at: &str) {
        for (what, part) in names(parts) {
            self.by.entry(what).or_insert_with(|| (who.to_owned(), format!("{at}.{part}")));
        }
    }

    /// Adds a role's parts, but those that another one claims.
    fn add(&mut self, all: &mut Parts, more: Parts, kind: &str, at: &str) {
        let Parts { files, directories, links, users, groups, units, packages } = more;
        for file in files {
            let key = format!("files.{}", file.path);
            self.take(
                &mut all.files,
                file,
                |file: &Arc<GuestFile>| format!("path {}", file.path),
                &key,
                kind,
                at,
            );
        }
        for directory in directories {
            // Two that want the same directory are of one mind.
            if all.directories.contains(&directory) {
                continue;
            }
            let key = format!("directories.{}", directory.path);
            let what = |directory: &Directory| format!("path {}", directory.path);
            self.take(&mut all.directories, directory, what, &key, kind, at);
        }
        for link in links {
            let key = format!("links.{}", link.path);
            self.take(&mut all.links, link, |link: &Symlink| format!("path {}", link.path), &key, kind, at);
        }
        for user in users {
            let key = format!("users.{}", user.name);
            self.take(&mut all.users, user, |user: &Arc<User>| format!("user {}", user.name), &key, kind, at);
        }
        for group in groups {
            let key = format!("groups.{}", group.name);
            self.take(
                &mut all.groups,
                group,
                |group: &Group| format!("group {}", group.name),
                &key,
                kind,
                at,
            );
        }
        for unit in units {
            // Two roles that want a unit of the image in the same state, or wait for the same, do not clash either.
            let is_shared = unit.name.as_str().starts_with(after::PREFIX);
            if (is_shared || unit.contents.is_none() && unit.dropins.is_empty()) && all.units.contains(&unit)
            {
                continue;
            }
            let key = format!("units.{}", unit.name);
            self.take(&mut all.units, unit, |unit: &Arc<Unit>| format!("unit {}", unit.name), &key, kind, at);
        }
        all.packages.extend(packages);
    }

    fn take<T>(
        &mut self,
        all: &mut Vec<T>,
        part: T,
        what: impl Fn(&T) -> String,
        key: &str,
        kind: &str,
        at: &str,
    ) {
        let what = what(&part);
        let place = format!("{at}.guest.{key}");
        match self.by.get(&what) {
            Some((other, there)) => {
                let (role, other, machine) = (kind.to_owned(), other.clone(), self.machine.to_owned());
                let problem = MergeProblem::Claimed { role, other, what, machine };
                self.findings.push(problem.at(place).also(there));
            }
            None => {
                self.by.insert(what, (kind.to_owned(), place));
                self.origins.insert(key.to_owned(), at.to_owned());
                all.push(part);
            }
        }
    }
}

/// The claims of parts, each with its path below the guest.
fn names(parts: &Parts) -> impl Iterator<Item = (String, String)> {
    let path = |key: &str, path: &dyn std::fmt::Display| (format!("path {path}"), format!("{key}.{path}"));
    let files = parts.files.iter().map(move |file| path("files", &file.path));
    let directories = parts.directories.iter().map(move |directory| path("directories", &directory.path));
    let links = parts.links.iter().map(move |link| path("links", &link.path));
    let users =
        parts.users.iter().map(|user| (format!("user {}", user.name), format!("users.{}", user.name)));
    let groups =
        parts.groups.iter().map(|group| (format!("group {}", group.name), format!("groups.{}", group.name)));
    let units =
        parts.units.iter().map(|unit| (format!("unit {}", unit.name), format!("units.{}", unit.name)));
    files.chain(directories).chain(links).chain(users).chain(groups).chain(units)
}

problems! {
    /// Clashes of several roles in one guest.
    pub enum MergeProblem {
        Claimed { role: String, other: String, what: String, machine: String } is RoleClash:
            "{role} and {other} both claim the {what} of {machine}",
            "leave it to one of them";
    }
}
