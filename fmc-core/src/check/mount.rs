//! Mounted data disks: at a path where a disk can be, and that nothing else uses.

use std::collections::BTreeMap;

use super::guest::GuestProblem;
use super::guest::parts::unwritable;
use super::view::View;
use crate::disk::{Disk, Filesystem};
use crate::finding::{At, Finding, problems};
use crate::guest::{Parts, mount};
use crate::image::{Os, Provisioner};
use crate::machine::Machine;
use crate::named::Keyed as _;
use crate::path::AbsPath;

/// Looks at the data disks of every machine.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for placed in &view.machines {
        let machine = placed.draft;
        fstab(machine, findings);
        #[cfg(feature = "ignition")]
        super::guest::parts::fragment::disks(
            &machine.guest,
            &machine.disks,
            machine.image.os,
            &At::ROOT.key("machines").name(&machine.name),
            findings,
        );
        if machine.disks.iter().all(|disk| disk.formatted().is_none()) {
            continue;
        }
        let (os, machines) = (machine.image.os, At::ROOT.key("machines"));
        let at = machines.name(&machine.name);
        if os.provisioner().is_none() {
            findings.push(GuestProblem::UnusedDisks { os: os.label() }.at(at.key("disks")));
            continue;
        }
        tools(machine, &at, findings);
        paths(machine, &at, findings);
    }
}

/// cloud-init's first boot adds the disks' lines before it writes files.
fn fstab(machine: &Machine, findings: &mut Vec<Finding>) {
    if machine.image.os.provisioner() != Some(Provisioner::CloudInit) {
        return;
    }
    let mut files = machine.guest.files.iter().filter_map(|file| file.name().ok());
    let Some(path) = files.find(|path| path.as_str() == FSTAB) else { return };
    let (name, path) = (&machine.name, path.clone());
    let at = format!("machines.{name}.guest.files.{FSTAB}");
    findings.push(match machine.disks.iter().find(|disk| disk.formatted().is_some()) {
        Some(disk) => {
            MountProblem::Fstab { path }.at(at).also(format_args!("machines.{name}.disks.{}", disk.name()))
        }
        None => MountProblem::Root { path }.at(at),
    });
}

fn tools(machine: &Machine, at: &At<'_>, findings: &mut Vec<Finding>) {
    let os = machine.image.os;
    if os.provisioner() != Some(Provisioner::Ignition) {
        for disk in machine.disks.iter().filter(|disk| disk.luks_key.is_some()) {
            let at = at.key("disks");
            findings.push(MountProblem::NoLuks { os: os.label() }.at(at.name(disk.name()).key("luks_key")));
        }
    }
    if machine.image.os != Os::Debian {
        return;
    }
    for disk in machine.disks.iter().filter(|disk| disk.formatted() == Some(Filesystem::Xfs)) {
        findings.push(MountProblem::NoXfs.at(at.key("disks").name(disk.name()).key("filesystem")));
    }
}

/// Where the disks' lines are, on systems that cloud-init configures.
const FSTAB: &str = "/etc/fstab";

fn paths(machine: &Machine, at: &At<'_>, findings: &mut Vec<Finding>) {
    let os = machine.image.os;
    // Mistakes inside are another rule's.
    let parts = machine.guest.parts(&At::ROOT, &mut Vec::new()).unwrap_or_default();
    let disks = at.key("disks");
    let mut seen: BTreeMap<AbsPath, &Disk> = BTreeMap::new();
    for disk in &machine.disks {
        let Some(path) = disk.mount.as_ref().and_then(|path| path.ok()) else { continue };
        let here = disks.name(disk.name());
        let here = here.key("mount");
        if let Some((why, help)) = impossible(path, os) {
            let problem = MountProblem::Path { path: path.clone(), why, instead: help };
            findings.push(problem.at(here));
            continue;
        }
        let real = mount::without_links(path, os).into_owned();
        if let Some((other, what)) = taken(&parts, &real, os) {
            let problem = MountProblem::Taken { what, path: path.clone() };
            findings.push(problem.at(here).also(format_args!("{}.guest.{other}", at)));
        }
        if let Some(other) = seen.insert(real, disk) {
            let also = disks.name(other.name());
            findings.push(MountProblem::Twice { path: path.clone() }.at(here).also(also.key("mount")));
        }
    }
}

/// The part of the guest at the mount point or above it: its path in the guest, and its kind.
fn taken(parts: &Parts, mount_point: &AbsPath, os: Os) -> Option<(String, &'static str)> {
    let is_above = |path: &AbsPath| mount_point.is_within(&mount::without_links(path, os));
    let file = parts.files.iter().find(|file| is_above(&file.path));
    let link = parts.links.iter().find(|link| is_above(&link.path));
    let unit = parts.units.iter().find(|unit| {
        let path = mount::path_of(unit.name.as_str());
        path.is_some_and(|path| *mount::without_links(&path, os) == *mount_point)
    });
    file.map(|file| (format!("files.{}", file.path), "a file"))
        .or_else(|| link.map(|link| (format!("links.{}", link.path), "a link")))
        .or_else(|| unit.map(|unit| (format!("units.{}", unit.name), "a unit that mounts")))
}

/// Why no disk can be mounted at a path, and what to do instead.
fn impossible(path: &AbsPath, os: Os) -> Option<(&'static str, &'static str)> {
    const HELP: &str = "use a path below /srv, /opt or /var/lib";
    let text = path.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@".contains(&byte);
    if !text.bytes().all(is_plain) {
        return Some((
            "has characters that fstab and unit names escape",
            "use letters, digits and '.', '_', '-', '+', ':', '@'",
        ));
    }
    let top = text.trim_start_matches('/').split('/').next().unwrap_or_default();
    if matches!(top, "" | "bin" | "boot" | "etc" | "lib" | "lib64" | "sbin" | "usr")
        && !text.starts_with("/usr/local/")
    {
        return Some(("contains what the system needs to start", HELP));
    }
    let is_hiding = matches!(text, "/var" | "/var/lib" | "/root");
    if is_hiding && os.provisioner() == Some(Provisioner::CloudInit) {
        return Some(("has files of the image, which an empty disk would hide", HELP));
    }
    unwritable(path, os)
}

problems! {
    /// Problems with mounts of data disks.
    pub enum MountProblem {
        NoXfs is GuestReference:
            "Debian's images have no mkfs.xfs, and packages are installed after the disks are made",
            "use ext4";
        NoLuks { os: &'static str } is GuestReference:
            "{os} encrypts no disk on its first boot",
            "use an image of Fedora CoreOS or Flatcar, or encrypt the disk by hand and leave it unmounted here";
        Path { path: AbsPath, why: &'static str, instead: &'static str } is GuestPath:
            "{path} {why}",
            "{instead}";
        Fstab { path: AbsPath } is GuestClash:
            "a file replaces {path}, in which fmc writes the data disks",
            "leave the file out, and let a mount unit mount what else there is";
        Root { path: AbsPath } is GuestPath:
            "{path} replaces the image's own, which mounts its root",
            "let a mount unit mount what else there is, or accept it with a reason if the root's line is in the file";
        Taken { what: &'static str, path: AbsPath } is GuestClash:
            "a disk and {what} are at {path}",
            "mount the disk elsewhere, or write below where it is mounted";
        Twice { path: AbsPath } is GuestClash:
            "two disks are mounted at {path}",
            "mount each disk at a path of its own";
    }
}
