//! Merges the roles' parts with the user's guest: two claims of the same thing are a finding that names both.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use super::after;
use crate::finding::{At, Finding, problems};
use crate::guest::Parts;
use crate::role::{Assigned, Site};

/// The parts that a role adds to its machine's guest.
pub(super) struct Added<'a> {
    one: &'a Assigned,
    parts: Parts,
}

/// The parts that one machine's roles add to its guest; `None` if a leaf of them is wrong.
pub(super) fn added<'a>(
    ours: &'a [Assigned],
    site: &Site<'_>,
    all: &[Assigned],
    findings: &mut Vec<Finding>,
) -> Option<Vec<Added<'a>>> {
    let mut added = Vec::with_capacity(ours.len());
    for one in ours {
        let at = At::ROOT.key(&one.at);
        let mut parts = one.role.guest(site).parts(&at.key("guest"), findings)?;
        after::wait(&mut parts, one, site, all);
        added.push(Added { one, parts });
    }
    Some(added)
}

/// The guests that a machine may have been made with instead: each has another guest of one of its roles. They have no rules
/// of their own, because nothing is made from them.
pub(super) fn equal(added: &[Added<'_>], site: &Site<'_>, all: &[Assigned]) -> Vec<Parts> {
    let machine = site.machine();
    let each = added.iter().enumerate().flat_map(|(at, Added { one, .. })| {
        let guests = one.role.equal_guests(site).into_iter();
        guests.map(move |guest| (at, *one, guest))
    });
    let merged = each.filter_map(|(at, one, guest)| {
        let mut parts = guest.parts(&At::ROOT, &mut Vec::new())?;
        after::wait(&mut parts, one, site, all);
        let other = [Added { one, parts }];
        let before = added.get(..at)?;
        let behind = added.get(at.saturating_add(1)..)?;
        let mut claims = Claims::of(&machine.guest);
        let mut parts = Parts::clone(&machine.guest);
        for Added { one, parts: more } in before.iter().chain(&other).chain(behind) {
            let claimant = Claimant { role: one, machine: machine.name.as_str(), findings: &mut Vec::new() };
            claims.add(&mut parts, more, claimant);
        }
        Some(in_order(parts))
    });
    merged.collect()
}

/// A guest with the parts that roles add.
pub(super) struct Merged<'a> {
    /// All of it.
    pub(super) parts: Parts,
    claims: Claims<'a>,
}

impl Merged<'_> {
    /// The path of the role that adds a part, by the part's path below the guest or one in it.
    pub(super) fn origin(&self, path: &str) -> Option<&str> {
        let above = self.claims.by.iter().filter_map(|(name, claim)| {
            let rest = path.strip_prefix(claim.key)?.strip_prefix('.')?.strip_prefix(name.text)?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some((name.text.len(), claim.role))
        });
        // `/etc/a.conf` is not in `/etc/a`.
        let (_, role) = above.max_by_key(|(length, _)| *length)?;
        role.map(|role| role.at.as_str())
    }
}

/// Adds the parts of roles to the user's own, except those that are already claimed.
pub(super) fn merge<'a>(
    own: &'a Parts,
    added: &'a [Added<'a>],
    machine: &str,
    findings: &mut Vec<Finding>,
) -> Merged<'a> {
    let mut claims = Claims::of(own);
    let mut parts = own.clone();
    for Added { one, parts: more } in added {
        claims.add(&mut parts, more, Claimant { role: one, machine, findings });
    }
    Merged { parts: in_order(parts), claims }
}

fn in_order(mut parts: Parts) -> Parts {
    parts.sort();
    parts.packages.dedup();
    parts
}

/// A name that only one part of a guest may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    noun: Noun,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Noun {
    Path,
    User,
    Group,
    Unit,
}

impl Noun {
    fn of(self, text: &str) -> Name<'_> {
        Name { noun: self, text }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match self.noun {
            Noun::Path => "path",
            Noun::User => "user",
            Noun::Group => "group",
            Noun::Unit => "unit",
        };
        write!(f, "{noun} {}", self.text)
    }
}

/// The owner of a name.
#[derive(Clone, Copy)]
struct Claim<'a> {
    /// The role; `None` for the user's own guest.
    role: Option<&'a Assigned>,
    /// The list of the guest that the part is in, as `files`.
    key: &'static str,
}

/// The claims on a machine. It borrows the names, because a large cloud has a hundred thousand of them and
/// few findings.
#[derive(Default)]
struct Claims<'a> {
    by: BTreeMap<Name<'a>, Claim<'a>>,
}

/// The role whose parts are added.
struct Claimant<'a, 'f> {
    role: &'a Assigned,
    machine: &'f str,
    findings: &'f mut Vec<Finding>,
}

impl<'a> Claims<'a> {
    /// Those of the user's own guest.
    fn of(own: &'a Parts) -> Self {
        let mut claims = Self::default();
        for (name, key) in names(own) {
            claims.by.entry(name).or_insert(Claim { role: None, key });
        }
        claims
    }

    fn add(&mut self, all: &mut Parts, more: &'a Parts, mut by: Claimant<'a, '_>) {
        let Parts {
            files,
            directories,
            links,
            users,
            groups,
            units,
            packages,
            kernel_arguments,
            ignition,
            cloud_config,
        } = more;
        for file in files {
            self.take(&mut all.files, file, Noun::Path.of(file.path.as_str()), "files", &mut by);
        }
        for directory in directories {
            // Two roles that want the same directory do not clash.
            if !all.directories.contains(directory) {
                let name = Noun::Path.of(directory.path.as_str());
                self.take(&mut all.directories, directory, name, "directories", &mut by);
            }
        }
        for link in links {
            self.take(&mut all.links, link, Noun::Path.of(link.path.as_str()), "links", &mut by);
        }
        for user in users {
            self.take(&mut all.users, user, Noun::User.of(user.name.as_str()), "users", &mut by);
        }
        for group in groups {
            self.take(&mut all.groups, group, Noun::Group.of(group.name.as_str()), "groups", &mut by);
        }
        for unit in units {
            // Two roles that want a unit of the image in the same state, or wait for the same, do not clash either.
            let is_shared = unit.name.as_str().starts_with(after::PREFIX)
                || unit.contents.is_none() && unit.dropins.is_empty();
            if !(is_shared && all.units.contains(unit)) {
                self.take(&mut all.units, unit, Noun::Unit.of(unit.name.as_str()), "units", &mut by);
            }
        }
        all.packages.extend(packages.iter().cloned());
        let arguments = &mut all.kernel_arguments;
        // Two roles that want the same argument do not clash.
        for (own, more) in [
            (&mut arguments.should_exist, &kernel_arguments.should_exist),
            (&mut arguments.should_not_exist, &kernel_arguments.should_not_exist),
        ] {
            for argument in more {
                if !own.contains(argument) {
                    own.push(argument.clone());
                }
            }
        }
        all.ignition.extend(ignition.iter().cloned());
        all.cloud_config.extend(cloud_config.iter().cloned());
    }

    fn take<T: Clone>(
        &mut self,
        all: &mut Vec<T>,
        part: &T,
        name: Name<'a>,
        key: &'static str,
        by: &mut Claimant<'a, '_>,
    ) {
        match self.by.entry(name) {
            Entry::Vacant(free) => {
                free.insert(Claim { role: Some(by.role), key });
                all.push(part.clone());
            }
            Entry::Occupied(taken) => {
                let Claim { role: other, key: there } = *taken.get();
                let (kind, above) = match other {
                    Some(other) => (other.kind.to_string(), other.at.clone()),
                    None => ("the user's own guest".to_owned(), format!("machines.{}", by.machine)),
                };
                let problem = MergeProblem::Claimed {
                    role: by.role.kind.to_string(),
                    other: kind,
                    what: name.to_string(),
                    machine: by.machine.to_owned(),
                };
                let at = |above: &str, key: &str| format!("{above}.guest.{key}.{}", name.text);
                by.findings.push(problem.at(at(&by.role.at, key)).also(at(&above, there)));
            }
        }
    }
}

/// The names that parts claim, each with the list of the guest that its part is in.
fn names(parts: &Parts) -> impl Iterator<Item = (Name<'_>, &'static str)> {
    let files = parts.files.iter().map(|file| (Noun::Path.of(file.path.as_str()), "files"));
    let directories =
        parts.directories.iter().map(|directory| (Noun::Path.of(directory.path.as_str()), "directories"));
    let links = parts.links.iter().map(|link| (Noun::Path.of(link.path.as_str()), "links"));
    let users = parts.users.iter().map(|user| (Noun::User.of(user.name.as_str()), "users"));
    let groups = parts.groups.iter().map(|group| (Noun::Group.of(group.name.as_str()), "groups"));
    let units = parts.units.iter().map(|unit| (Noun::Unit.of(unit.name.as_str()), "units"));
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
