//! Data disks that roles bring along: they are put into the draft before any rule looks at it, so that every rule about disks is
//! one about theirs too.

use std::collections::BTreeMap;

use super::view::text;
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::named::Keyed as _;

/// A cloud with the disks of its roles.
pub(super) struct Added {
    pub(super) cloud: Cloud,
    /// The path of the role that brings a disk, by the disk's path.
    from: BTreeMap<String, String>,
}

/// The cloud with the disks of its roles; `None` where no role brings one.
pub(super) fn added(cloud: &Cloud) -> Option<Added> {
    let brings = |role: &crate::role::Role| !role.as_custom().disks().is_empty();
    if !cloud.machines.iter().any(|machine| machine.roles.iter().any(brings)) {
        return None;
    }
    let mut cloud = cloud.clone();
    let is_lab = cloud.lab;
    let mut from = BTreeMap::new();
    for machine in cloud.machines.iter_mut() {
        // A disk that the machine says itself takes the place of a role's of the same name.
        let own: Vec<String> = machine.disks.iter().map(|disk| text(disk.name()).to_owned()).collect();
        for (index, role) in machine.roles.iter().enumerate() {
            for mut disk in role.as_custom().disks() {
                let name = text(disk.name()).to_owned();
                if own.contains(&name) {
                    continue;
                }
                if is_lab {
                    disk.make_small();
                }
                let machine_name = &machine.name;
                from.entry(format!("machines.{machine_name}.disks.{name}"))
                    .or_insert_with(|| format!("machines.{machine_name}.roles[{index}]"));
                machine.disks.push(disk);
            }
        }
    }
    Some(Added { cloud, from })
}

impl Added {
    /// A finding about a disk of a role is placed at the role, because the user wrote the role.
    pub(super) fn move_findings(&self, findings: &mut [Finding]) {
        for finding in findings {
            for at in finding.paths_mut() {
                let mut disks = self.from.iter();
                let moved = disks.find_map(|(disk, role)| {
                    let rest = at.strip_prefix(disk.as_str())?;
                    let (is_disk, name) =
                        (rest.is_empty() || rest.starts_with('.'), disk.rsplit('.').next()?);
                    is_disk.then(|| format!("{role}.disks.{name}{rest}"))
                });
                if let Some(moved) = moved {
                    *at = moved;
                }
            }
        }
    }
}
