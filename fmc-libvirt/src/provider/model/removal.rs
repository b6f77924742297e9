//! The removal of objects that are not wanted any more.

use fmc_core::graph::{Address, Choices, Removal};

use super::size;
use crate::document::kind;
use crate::link::Suspended;
use crate::provider::object::{DomainObject, Object, Owner, PoolObject, VolumeObject, is_blank};
use crate::provider::{guard, records};
use crate::volume::{Ours, VolumeName};

pub(in crate::provider) fn remove(
    at: &Address,
    object: &Object,
    is_wanted: &dyn Fn(&Address) -> bool,
    choices: &Choices,
) -> Removal {
    match object {
        Object::Domain(domain) if domain.owner == Owner::Us => remove_domain(domain),
        Object::Network(network) if network.owner == Owner::Us => {
            Removal::Delete("no longer wanted".to_owned())
        }
        Object::Pool(pool) if pool.owner == Owner::Us => remove_pool(pool),
        Object::Volume(volume) => remove_volume(at, volume, is_wanted, choices),
        _ => Removal::Ignore,
    }
}

/// A removal loses the data that the guest has not written to its disks yet, and its data disks stay.
fn remove_domain(domain: &DomainObject) -> Removal {
    if let Some(text) = guard::kept(domain) {
        return Removal::Leave(text);
    }
    if let Some((disk, file)) = domain.unrecordable.first_key_value() {
        let (pool, _) = disk.split_once('/').unwrap_or_default();
        return Removal::Leave(format!(
            "it is not removed, because its data disk {disk} has no record: {}",
            records::in_the_way(pool, file)
        ));
    }
    if let Some(name) = &domain.awaits {
        return Removal::Keep(format!("it is to be called {name}, and another domain has this name"));
    }
    let why = match &domain.record.suspended {
        None => "no longer wanted".to_owned(),
        Some(Suspended::Saved) => {
            "no longer wanted; what its saved memory has not written to its disks goes too".to_owned()
        }
        Some(Suspended::Paused(why)) => {
            format!(
                "no longer wanted; it is paused ({why}), and what its memory has not written to its disks goes too"
            )
        }
    };
    let snapshots = domain.snapshots();
    let with =
        if snapshots.is_empty() { String::new() } else { format!("; its snapshots go too: {snapshots}") };
    let strange = domain.strange.iter().filter(|disk| !disk.in_doubt);
    // A name that somebody else gave must not look like two lines.
    let stay = strange.map(|disk| {
        format!("; its disk {} stays: {}", disk.target, disk.source.replace(char::is_control, "?"))
    });
    Removal::Delete(why + &with + &stay.collect::<String>())
}

fn remove_pool(pool: &PoolObject) -> Removal {
    if !pool.record.active {
        let name = &pool.record.name;
        return Removal::Keep(format!(
            "not active, so its content is unknown: start it with `virsh pool-start {name}`"
        ));
    }
    match pool.strangers.split_first() {
        None => Removal::Delete("no longer wanted".to_owned()),
        Some((first, rest)) => {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            Removal::Keep(format!("holds {first}{more}, not ours"))
        }
    }
}

fn remove_volume(
    at: &Address,
    volume: &VolumeObject,
    is_wanted: &dyn Fn(&Address) -> bool,
    choices: &Choices,
) -> Removal {
    // It is planned where its machine is.
    if volume.elsewhere.is_some() || (volume.doubtful && !matches!(volume.ours, Ours::Disk { .. })) {
        return Removal::Ignore;
    }
    if let Some(naming) = volume.named_by.iter().find(|naming| !naming.ours) {
        return Removal::Keep(format!("the domain {}, not ours, uses it", naming.domain));
    }
    if let Some(below) = &volume.over {
        return Removal::Keep(format!("an overlay over {below}, which fmc did not make: merge it first"));
    }
    if let Some(disk) = &volume.under {
        return Removal::Keep(format!(
            "{disk}, which fmc did not make, may be an overlay over it: merge it first"
        ));
    }
    if let Some(user) = volume.used_by.first().filter(|_| !matches!(volume.ours, Ours::Base { .. })) {
        return Removal::Keep(format!("{user} has it as backing store"));
    }
    if volume.doubtful {
        return Removal::Keep(records::unproven(volume));
    }
    if let (Ours::Disk { .. }, Some(name)) = (&volume.ours, &volume.forgotten) {
        let size = volume.capacity.map(size).unwrap_or_default();
        return Removal::Keep(format!(
            "{size} of data: the machine {name} uses it, which the cloud takes for another one"
        ));
    }
    let machine = volume.machine.as_deref().unwrap_or_default();
    match &volume.ours {
        Ours::Disk { .. }
            if [Some(machine), volume.former.as_deref()]
                .into_iter()
                .flatten()
                .any(|name| choices.delete_data.covers(name)) =>
        {
            let size = volume.capacity.map(size).unwrap_or_default();
            Removal::Delete(format!("{size} of data, released by --delete-data"))
        }
        Ours::Disk { machine: first, .. } => {
            let size = volume.capacity.map(size).unwrap_or_default();
            Removal::Keep(if volume.machine.is_some() {
                // Once its machine is gone, the volume's own name is all that says whose it was.
                let later = match &volume.former {
                    Some(former) if !is_wanted(&at.beside(kind::DOMAIN, machine)) => {
                        format!(", and --delete-data {former} once {machine} is gone")
                    }
                    _ => String::new(),
                };
                let known = records::kept(volume);
                format!("{size} of data{known}; --delete-data {machine} deletes it{later}")
            } else {
                let known = records::about(volume, "").map(|about| format!(" ({about})")).unwrap_or_default();
                format!(
                    "{size} of data{known}, which today's machine {first} does not have: another machine of this name had it, or a \
                     person copied it. No machine takes it over, and only --delete-data all deletes it"
                )
            })
        }
        Ours::OnDisk { .. } => Removal::Discard("its data disk is gone".to_owned()),
        Ours::Root { .. } => {
            let domain = at.beside(kind::DOMAIN, machine);
            match &volume.missing {
                // The same reason as the machine's, because a plan says it only once.
                _ if !is_wanted(&domain) => Removal::Delete("no longer wanted".to_owned()),
                Some(root) if !choices.replace.contains(machine) => Removal::Keep(format!(
                    "an earlier root of the machine, whose own one, {root}, is missing; --replace {machine} deletes it"
                )),
                // The line of its machine says that it is replaced.
                _ if volume.named_by.iter().any(|naming| naming.ours) || is_blank(volume.allocation) => {
                    Removal::Discard("the machine has another root".to_owned())
                }
                _ => {
                    let size = volume.capacity.map(size).unwrap_or_default();
                    Removal::Delete(format!(
                        "{size} of an earlier root, which the machine does not boot from"
                    ))
                }
            }
        }
        Ours::Console { .. } => {
            let domain = at.beside(kind::DOMAIN, machine);
            if is_wanted(&domain) {
                Removal::Ignore
            } else {
                Removal::Discard("no machine writes to it".to_owned())
            }
        }
        // Nothing but its name says that fmc sent it, so it has a line whatever else happens to its machine.
        Ours::Boot { .. } if !volume.whole && !volume.only_commit => {
            Removal::Delete("the rest of an upload that was cut: no machine boots with it".to_owned())
        }
        Ours::Boot { .. } => Removal::Discard("no machine boots with it".to_owned()),
        Ours::Lease | Ours::Image(_) => Removal::Ignore,
        Ours::Base { .. } => {
            let stays = |user: &&String| !goes(at, user, &volume.pool, is_wanted);
            match volume.used_by.iter().find(stays) {
                Some(user) => Removal::Keep(format!("{user} has it as backing store")),
                None => Removal::Discard("no root is made from it".to_owned()),
            }
        }
    }
}

/// Whether the user of a base image is an unwanted root of ours.
fn goes(base: &Address, user: &str, pool: &str, is_wanted: &dyn Fn(&Address) -> bool) -> bool {
    let is_root = user
        .strip_prefix(pool)
        .and_then(|name| name.strip_prefix('/'))
        .and_then(VolumeName::parse)
        .is_some_and(|name| matches!(name.ours, Ours::Root { .. }));
    let address = base.beside(kind::VOLUME, user);
    is_root && !is_wanted(&address)
}
