//! What is inside the machines: its own rules, asked for each machine, and whether anything configures it.

use super::kind::Kind;
use super::say::first_of;
use super::view::{View, text};
use crate::finding::{At, Finding};
use crate::guest::{self, Guest};
use crate::image::Image;

/// Looks inside every machine.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let nothing = Guest::default();
    // Machines of one loop have equal guests one after another: what was right in one is right in the next.
    let mut right: Option<(&Guest, &Image, bool)> = None;
    let mut locked: Option<(&str, usize)> = None;
    for placed in &view.machines {
        let draft = placed.draft;
        let (guest, image, os) = (&draft.guest, &draft.image, draft.image.os);
        if os.provisioner().is_none() && *guest != nothing {
            findings.push(Finding::new(
                Kind::GuestUnused,
                format_args!("machines.{}.guest", draft.name),
                format!("{} has {}, and nothing configures it", draft.name, os.label()),
                "say which system the image is, for example `Image::debian(\"12\")`, or leave the guest out",
            ));
        }
        let has_login = match right {
            Some((known, of, has_login))
                if of.os == os && of.version == image.version && *known == *guest =>
            {
                Some(has_login)
            }
            _ => {
                let before = findings.len();
                let machines = At::ROOT.key("machines");
                let machine = machines.name(&draft.name);
                let has_login = inside(guest, image, &machine.key("guest"), findings);
                right =
                    has_login.filter(|_| findings.len() == before).map(|has_login| (guest, image, has_login));
                has_login
            }
        };
        // Nobody needs to log in where nothing boots.
        if has_login == Some(false) && os.provisioner().is_some() && !view.cloud.lab {
            let (first, count) = locked.get_or_insert((text(&draft.name), 0));
            *first = text(&draft.name).min(first);
            *count += 1;
        }
    }
    if let Some((first, count)) = locked {
        findings.push(Finding::new(
            Kind::LoginMissing,
            format_args!("machines.{first}.guest.users"),
            format!("nobody can log in to {}", first_of(first, count, "machine")),
            "add a user with a key, for example `.user(User::admin(\"ops\").key(…))`",
        ));
    }
}

/// Whether somebody can log in; `None` where a part is wrong.
fn inside(guest: &Guest, image: &Image, at: &At<'_>, findings: &mut Vec<Finding>) -> Option<bool> {
    let parts = guest.parts(at, findings)?;
    if image.os.provisioner().is_some() {
        guest::check::check(&parts, image.os, &image.version, at, findings);
    }
    Some(parts.has_login())
}
