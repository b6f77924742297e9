//! Rules for guests: those of each machine's own guest, and those over all machines together.

pub(crate) mod parts;

use std::collections::BTreeMap;

use super::roles;
use super::view::{View, text};
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::guest::Guest;
use crate::image::Image;
use crate::machine::Machine;
use crate::secret::SecretRef;
use parts::PartProblem;

/// Looks inside every machine.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let nothing = Guest::default();
    // Machines of one loop have equal guests one after another, so a right one need not be checked again.
    let mut last: Option<(&Machine, Known)> = None;
    let mut locked: Vec<(&str, Option<String>)> = Vec::new();
    let mut secrets: BTreeMap<SecretRef, &str> = BTreeMap::new();
    for placed in &view.machines {
        let draft = placed.draft;
        let (name, os) = (text(&draft.name), draft.image.os);
        if os.provisioner().is_none() && draft.guest != nothing {
            let problem = GuestProblem::UnusedGuest { os: os.label() };
            findings.push(problem.at(format_args!("machines.{name}.guest")));
        }
        if os.provisioner().is_none() && draft.firewall == Some(true) {
            let problem = GuestProblem::UnusedFirewall { os: os.label() };
            findings.push(problem.at(format_args!("machines.{name}.firewall")));
        }
        if draft.firewall == Some(false) && !draft.accept.is_empty() {
            let finding = GuestProblem::FirewallOff.at(format_args!("machines.{name}.firewall"));
            findings.push(finding.also(format_args!("machines.{name}.accept")));
        }
        if !last.as_ref().is_some_and(|(other, known)| known.is_right && is_alike(view, other, draft)) {
            let before = findings.len();
            let machines = At::ROOT.key("machines");
            let machine = machines.name(&draft.name);
            // A guest with parts of roles is checked later, as a whole.
            let alone = !roles::has_role(view, draft);
            let known = inside(&draft.guest, &draft.image, alone, &machine.key("guest"), findings);
            last = known.map(|known| (draft, Known { is_right: findings.len() == before, ..known }));
        }
        let Some((_, known)) = &last else { continue };
        for secret in &known.secrets {
            match secrets.get_mut(secret) {
                Some(first) => *first = name.min(first),
                None => drop(secrets.insert(secret.clone(), name)),
            }
        }
        let keys = draft.disks.iter().filter_map(|disk| disk.luks_key.as_ref());
        for secret in keys.filter_map(|key| key.checked(&At::ROOT, &mut Vec::new())) {
            secrets.entry(secret).and_modify(|first| *first = name.min(first)).or_insert(name);
        }
        // A machine that boots nothing needs no login.
        if !known.has_login && os.provisioner().is_some() && !view.cloud.lab {
            locked.push((name, known.without_key.clone()));
        }
    }
    described_twice(&secrets, findings);
    locked.sort_unstable();
    let machines = NameList::new(locked.iter().map(|(machine, _)| *machine));
    if let Some((first, user)) = locked.first() {
        let at = format!("machines.{first}.guest.users");
        findings.push(match user.clone() {
            Some(user) => GuestProblem::NoKey { machines, user: user.clone() }.at(format!("{at}.{user}")),
            None => GuestProblem::NoLogin { machines }.at(at),
        });
    }
}

fn is_alike(view: &View<'_>, one: &Machine, other: &Machine) -> bool {
    one.image.os == other.image.os
        && one.image.version == other.image.version
        && one.guest == other.guest
        && roles::has_role(view, one) == roles::has_role(view, other)
}

/// Facts about a guest whose parts are right.
struct Known {
    is_right: bool,
    has_login: bool,
    /// A user with a shell and neither a key nor a password, an administrator if there is one.
    without_key: Option<String>,
    secrets: Vec<SecretRef>,
}

/// Looks inside one machine; `None` where a part is wrong.
fn inside(
    guest: &Guest,
    image: &Image,
    alone: bool,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Known> {
    let parts = guest.parts(at, findings)?;
    if alone && image.os.provisioner().is_some() {
        parts::check(&parts, image.os, &image.version, at, findings);
    }
    let locked_out = parts
        .users
        .iter()
        .filter(|user| user.has_shell() && user.keys.is_empty() && user.password_hash.is_none());
    let without_key = locked_out.max_by_key(|user| user.admin);
    Some(Known {
        is_right: false,
        has_login: parts.has_login(),
        without_key: without_key.map(|user| user.name.to_string()),
        secrets: parts.secrets().cloned().collect(),
    })
}

/// One name is one secret in the whole cloud. Within one machine the guest's own rule checks it.
fn described_twice(secrets: &BTreeMap<SecretRef, &str>, findings: &mut Vec<Finding>) {
    let all: Vec<_> = secrets.iter().collect();
    for same in all.chunk_by(|a, b| a.0.name == b.0.name) {
        let Some((_, first)) = same.iter().min_by_key(|(_, machine)| **machine) else { continue };
        for (secret, machine) in same.iter().filter(|(_, machine)| *machine != *first) {
            let problem = PartProblem::Secret { secret: secret.name.to_string() };
            let finding = problem.at(format_args!("machines.{machine}.guest"));
            findings.push(finding.also(format_args!("machines.{first}.guest")));
        }
    }
}

problems! {
    /// Problems inside machines, as a whole.
    pub enum GuestProblem {
        UnusedGuest { os: &'static str } is GuestUnused:
            "the machine has {os}, so nothing configures it",
            "name the system of the image, for example {system}, or leave the guest out",
            system = roles::system();
        UnusedFirewall { os: &'static str } is GuestUnused:
            "the machine has {os}, so nothing configures it",
            "name the system of the image, for example {system}, or leave the firewall out",
            system = roles::system();
        UnusedDisks { os: &'static str } is GuestUnused:
            "the machine has {os}, so nothing makes file systems on its disks",
            "name the system of the image, for example {system}, or leave the disks blank",
            system = roles::system();
        FirewallOff is FirewallOff:
            "the machine accepts only some peers, but has no firewall to keep the others out",
            "leave `firewall` out, or leave `accept` out if something else guards the machine";
        NoKey { machines: NameList, user: String } is LoginMissing:
            "no user can log in to {machines}: {user} has neither a key nor a password",
            "give {user} the line of your .pub file, as {key}",
            key = Remedy::either("keys: [\"ssh-ed25519 …\"]", ".key(\"ssh-ed25519 …\")");
        NoLogin { machines: NameList } is LoginMissing:
            "no user can log in to {machines}",
            "add a user with a key, for example {user}",
            user = Remedy::either("users: {ops: {admin: true, keys: [ssh-ed25519 …]}}", ".user(User::admin(\"ops\").key(…))");
    }
}
