//! Data disks of roles. They are put into the draft before any rule reads it, so that every rule about disks covers
//! them too.

use std::collections::BTreeMap;

use super::view::text;
use crate::cloud::Cloud;
use crate::finding::Finding;
use crate::named::Keyed as _;
use crate::role::{Role, Stated};

/// A cloud with the disks of its roles.
pub(super) struct Added {
    pub(super) cloud: Cloud,
    /// The path of the role that adds a disk, by the disk's path.
    from: BTreeMap<String, String>,
}

/// The roles that add disks to a machine, each with its path.
type Bringing = Vec<(String, Role)>;

/// The cloud with the disks of its roles; `None` if no role adds one.
pub(super) fn added(cloud: &Cloud, spans: &[Stated<'_>]) -> Option<Added> {
    let mut by_machine: BTreeMap<String, Bringing> = BTreeMap::new();
    let brings = |role: &Role| !role.as_custom().disks().is_empty();
    for machine in &cloud.machines {
        for (index, role) in machine.roles.iter().enumerate().filter(|(_, role)| brings(role)) {
            let at = format!("machines.{}.roles[{index}]", machine.name);
            by_machine.entry(text(&machine.name).to_owned()).or_default().push((at, role.clone()));
        }
    }
    for stated in spans {
        for list in stated.role().members().lists() {
            let Some(role) = list.role.as_ref().filter(|role| brings(role)) else { continue };
            for (index, name) in list.names.iter().enumerate() {
                let at = list.role_at(&stated.settings_at, index);
                by_machine.entry(text(name).to_owned()).or_default().push((at, role.clone()));
            }
        }
    }
    if by_machine.is_empty() {
        return None;
    }
    let mut cloud = cloud.clone();
    let is_lab = cloud.lab;
    let mut from = BTreeMap::new();
    for machine in cloud.machines.iter_mut() {
        let Some(roles) = by_machine.get(text(&machine.name)) else { continue };
        // A disk of the machine itself replaces a role's disk of the same name.
        let own: Vec<String> = machine.disks.iter().map(|disk| text(disk.name()).to_owned()).collect();
        for (at, role) in roles {
            for mut disk in role.as_custom().disks() {
                let name = text(disk.name()).to_owned();
                if own.contains(&name) {
                    continue;
                }
                if is_lab {
                    disk.make_small();
                }
                from.entry(format!("machines.{}.disks.{name}", machine.name)).or_insert_with(|| at.clone());
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
