//! Checks units by `systemd-analyze verify`.

use std::path::Path;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{self, EntryKind, scratch};

/// The stock units of systemd, which dependencies refer to.
const STOCK: &str = "/usr/lib/systemd/system";

/// Verifies all units in a folder, with their drop-ins: `units/web.service`,
/// `units/web.service.d/10-limits.conf`.
///
/// They are read in a root of their own that holds only the stock units of this machine's systemd. So
/// `programs` must name every program that the units start and the guest's image contains:
/// `["/usr/bin/podman"]`.
///
/// # Errors
///
/// systemd's complaint about any of them, warnings included.
pub fn verify(units: &Path, programs: &[&str]) -> Result<(), Refused> {
    let root = scratch();
    tree::copy(Path::new(STOCK), &root.path().join(STOCK.trim_start_matches('/')));
    tree::copy(units, &root.path().join("etc/systemd/system"));
    for program in programs {
        tree::write_program(&root.path().join(program.trim_start_matches('/')), b"#!/bin/sh\n");
    }
    let names = unit_names(units);
    if names.is_empty() {
        return Err(Refused::new("systemd-analyze", "no unit was given"));
    }
    let mut analyze = command("systemd-analyze");
    analyze.args(["verify", "--man=no", "--recursive-errors=yes"]);
    let verdict = run(analyze.arg(format!("--root={}", root.path().display())).args(names));
    if verdict.stdout.trim().is_empty() { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

/// Unit files, and units with drop-ins only. Masked units are links and need no verification.
fn unit_names(units: &Path) -> Vec<String> {
    let mut names: Vec<String> = tree::read(units)
        .into_iter()
        .filter_map(|(path, entry)| {
            let name = path.trim_start_matches('/');
            match entry.kind {
                EntryKind::File(_) if !name.contains('/') => Some(name.to_owned()),
                EntryKind::Directory => name.strip_suffix(".d").map(str::to_owned),
                _ => None,
            }
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify_one(text: &str, programs: &[&str]) -> Result<(), Refused> {
        let units = scratch();
        tree::write(&units.path().join("web.service"), text.as_bytes());
        verify(units.path(), programs)
    }

    #[test]
    fn a_unit_whose_program_is_there_is_accepted() {
        let unit = "[Unit]\nAfter=network-online.target\nWants=network-online.target\n[Service]\nExecStart=/opt/web\n";
        verify_one(unit, &["/opt/web"]).unwrap();
        let refused = verify_one(unit, &[]).unwrap_err();
        assert!(refused.words().contains("/opt/web is not executable"), "{refused}");
    }

    #[test]
    fn a_key_that_is_only_warned_about_is_refused() {
        let refused =
            verify_one("[Service]\nExecStart=/opt/web\nRestrat=always\n", &["/opt/web"]).unwrap_err();
        assert!(refused.words().contains("Restrat"), "{refused}");
    }

    #[test]
    fn a_drop_in_is_read() {
        let units = scratch();
        tree::write(&units.path().join("web.service"), b"[Service]\nExecStart=/opt/web\n");
        tree::write(&units.path().join("web.service.d/10-limits.conf"), b"[Service]\nLimitNofile=1\n");
        verify(units.path(), &["/opt/web"]).unwrap_err();
    }
}
