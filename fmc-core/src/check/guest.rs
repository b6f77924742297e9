//! What is inside the machines: its own rules, asked for each machine, and what only all of them together show.

pub(crate) mod parts;

use std::collections::BTreeMap;

use super::roles;
use super::say::first_of;
use super::view::{View, text};
use crate::finding::{At, Finding, Kind};
use crate::guest::Guest;
use crate::image::Image;
use crate::machine::Machine;
use crate::secret::SecretRef;

/// Looks inside every machine.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let nothing = Guest::default();
    // Machines of one loop have equal guests one after another: what was right in one is right in the next.
    let mut last: Option<(&Machine, Known)> = None;
    let mut locked: Option<(&str, usize)> = None;
    let mut secrets: BTreeMap<SecretRef, &str> = BTreeMap::new();
    for placed in &view.machines {
        let draft = placed.draft;
        let (name, os) = (text(&draft.name), draft.image.os);
        if os.provisioner().is_none() && draft.guest != nothing {
            findings.push(Finding::new(
                Kind::GuestUnused,
                format_args!("machines.{name}.guest"),
                format!("{name} has {}, and nothing configures it", os.label()),
                "say which system the image is, for example `Image::debian(\"12\")`, or leave the guest out",
            ));
        }
        if os.provisioner().is_none() && draft.firewall == Some(true) {
            findings.push(Finding::new(
                Kind::GuestUnused,
                format_args!("machines.{name}.firewall"),
                format!("{name} has {}, and nothing configures it", os.label()),
                "say which system the image is, for example `Image::debian(\"12\")`, or leave the firewall out",
            ));
        }
        if draft.firewall == Some(false) && !draft.accept.is_empty() {
            findings.push(
                Finding::new(
                    Kind::FirewallOff,
                    format_args!("machines.{name}.firewall"),
                    format!("{name} says whom it lets in, and without a firewall everybody is let in"),
                    "leave `firewall` out, or leave `accept` out where something else guards the machine",
                )
                .also(format_args!("machines.{name}.accept")),
            );
        }
        if !last.as_ref().is_some_and(|(other, known)| known.is_right && is_alike(view, other, draft)) {
            let before = findings.len();
            let machines = At::ROOT.key("machines");
            let machine = machines.name(&draft.name);
            // With what roles add it is judged later, as one.
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
        // Nobody needs to log in where nothing boots.
        if !known.has_login && os.provisioner().is_some() && !view.cloud.lab {
            let (first, count) = locked.get_or_insert((name, 0));
            *first = name.min(first);
            *count += 1;
        }
    }
    described_twice(&secrets, findings);
    if let Some((first, count)) = locked {
        findings.push(Finding::new(
            Kind::LoginMissing,
            format_args!("machines.{first}.guest.users"),
            format!("nobody can log in to {}", first_of(first, count, "machine")),
            "add a user with a key, for example `.user(User::admin(\"ops\").key(…))`",
        ));
    }
}

fn is_alike(view: &View<'_>, one: &Machine, other: &Machine) -> bool {
    one.image.os == other.image.os
        && one.image.version == other.image.version
        && one.guest == other.guest
        && roles::has_role(view, one) == roles::has_role(view, other)
}

/// What is known of a guest whose parts are right.
struct Known {
    is_right: bool,
    has_login: bool,
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
    Some(Known { is_right: false, has_login: parts.has_login(), secrets: parts.secrets().cloned().collect() })
}

/// One name is one secret in the whole cloud. Within one machine the guest's own rule says so.
fn described_twice(secrets: &BTreeMap<SecretRef, &str>, findings: &mut Vec<Finding>) {
    let all: Vec<_> = secrets.iter().collect();
    for same in all.chunk_by(|a, b| a.0.name == b.0.name) {
        let Some((_, first)) = same.iter().min_by_key(|(_, machine)| **machine) else { continue };
        for (secret, machine) in same.iter().filter(|(_, machine)| *machine != *first) {
            findings.push(
                Finding::new(
                    Kind::GuestClash,
                    format_args!("machines.{machine}.guest"),
                    format!("the secret {} is described in two ways", secret.name),
                    "describe it once, as a constant or a function, and use that",
                )
                .also(format_args!("machines.{first}.guest")),
            );
        }
    }
}
