//! The rules of a Ceph: its disks, their machines, and its memory.

use std::collections::BTreeSet;

use fmc_core::finding::NameList;
use fmc_core::k3s::capacity::is_whole;
use fmc_core::role::{RoleFindings, SpanSite};

use super::value::wrong;
use super::{UNPINNED, known_names, operated, optional};
use crate::ceph::{LEAST, MONITORS};
use crate::operated::ROOK;
use crate::platform::Platform;

/// The values by themselves.
pub(super) fn values(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let Some(ceph) = &platform.ceph else { return };
    findings.part("ceph", |findings| {
        findings.leaf("image", &ceph.image);
        findings.leaf("disk", &ceph.disk);
        findings.leaf("class", &ceph.class);
        optional("memory", ceph.memory.as_ref(), findings);
        optional("cpu", ceph.cpu.as_ref(), findings);
        if ceph.copies < 2 {
            let message = "a volume with one copy is lost with its disk";
            wrong("copies", findings, message, "say 2 or more, as 3");
        }
        if let Some(memory) =
            ceph.memory.as_ref().and_then(|memory| memory.ok()).filter(|some| **some < LEAST)
        {
            let message = format!("Rook gives no disk's program less than {LEAST}, and {memory} are said");
            wrong("memory", findings, message, format!("say {LEAST} or more"));
        }
    });
}

/// The disks in the cloud. All leaves are right.
pub(super) fn together(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    let Some(ceph) = &platform.ceph else { return };
    let cloud = site.cloud();
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    findings.part("ceph", |findings| {
        operated::operator(platform, ROOK, findings);
        if ceph.image.ok().is_some_and(|image| platform.is_unpinned(image)) {
            let help = "`images pin` asks its registry for the digest; or add it: TAG@sha256:…";
            findings.part("image", |findings| {
                findings.find(&UNPINNED, "the image of Ceph has a tag and no digest", help);
            });
        }
        let Some(cluster) = cluster else { return };
        let disks = ceph.disks(cluster, cloud);
        if disks.is_empty() {
            let machines = cluster.servers.iter().chain(&cluster.agents).filter_map(|at| cloud.at(*at));
            let known: BTreeSet<String> = machines
                .flat_map(|machine| &machine.disks)
                .filter(|disk| disk.filesystem.is_none() && disk.mount.is_none())
                .map(|disk| disk.name.to_string())
                .collect();
            let message = format!("no machine of {} has a data disk {}", platform.cluster, ceph.disk);
            let help = if known.is_empty() {
                format!("give three of them one: `disks: {{{}: {{size: 100 GiB}}}}`", ceph.disk)
            } else {
                known_names(known)
            };
            return wrong("disk", findings, message, help);
        }
        let taken = disks.iter().filter(|(_, disk)| disk.filesystem.is_some() || disk.mount.is_some());
        let taken: Vec<String> = taken.map(|(machine, _)| machine.name.to_string()).collect();
        if !taken.is_empty() {
            let message =
                format!("the disk {} of {} has a file system or a mount", ceph.disk, NameList::new(taken));
            let help = "Ceph takes a disk as it is: say neither `filesystem` nor `mount` of it";
            wrong("disk", findings, message, help);
        }
        let domains = usize::from(ceph.copies.max(MONITORS));
        if disks.len() < domains {
            let message = format!(
                "{domains} machines are needed for {} copies and {MONITORS} monitors, and {} have the disk {}",
                ceph.copies,
                disks.len(),
                ceph.disk
            );
            let help = format!("give more machines of {} such a disk", platform.cluster);
            wrong("disk", findings, message, help);
        }
    });
}
