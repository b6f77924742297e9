//! Steps of pools and volumes.

use std::sync::Arc;

use fmc_core::graph::{Acting, Action, StepError};

use super::Job;
use crate::document::{Content, PoolDocument, VolumeDocument};
use crate::link::{CallErrorKind, Link};
use crate::mark::{self, Mark};
use crate::provider::model::COMMIT;
use crate::provider::object::{is_disk, is_uploaded, pool_fingerprint, volume_fingerprint};
use crate::provider::path;
use crate::provider::pools::Beside;
use crate::provider::records::RECORD;
use crate::volume::{Ours, VolumeName, commit_name, commit_xml};

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    pub(super) fn pool(&self, wanted: &PoolDocument) -> Result<(), StepError> {
        let name = &*wanted.name;
        let seen = self.made(self.link.pool(name))?;
        self.expect(seen.as_ref().map(pool_fingerprint))?;
        if seen.as_ref().is_some_and(|seen| !seen.persistent) {
            // It is active: only its definition is made again.
            return self.made(self.link.create_pool(&wanted.xml, false));
        }
        let Some(seen) = seen else {
            return self.made(self.link.create_pool(&wanted.xml, wanted.build)).map_err(folder_missing);
        };
        if !seen.active {
            self.made(self.link.start_pool(name)).map_err(folder_missing)?;
        }
        if !seen.autostart {
            self.made(self.link.set_pool_autostart(name, true))?;
        }
        Ok(())
    }

    /// Deletes an empty pool, with the rests of what was in it.
    pub(super) fn delete_pool(&self, name: &str) -> Result<(), StepError> {
        let seen = self.made(self.link.pool(name))?;
        self.expect(seen.as_ref().map(pool_fingerprint))?;
        match seen {
            Some(seen) => {
                if seen.active {
                    self.delete_consoles(name)?;
                    self.delete_seals(name)?;
                }
                self.patiently(|| self.link.delete_pool(name)).map_err(|error| match error {
                    // libvirt lists no file whose name has control characters, so that no plan knows of it.
                    StepError::Call { call, cause } if cause.contains("not empty") => StepError::Call {
                        call,
                        cause: format!(
                            "{cause}; libvirt does not list files whose names have control characters: `ls -lb FOLDER` on the \
                             hypervisor shows them; move or delete them there, and do this again"
                        ),
                    },
                    error => error,
                })
            }
            None => Ok(()),
        }
    }

    /// The files of serial consoles, by machine. libvirt lists such a file only after a refresh of the pool.
    pub(super) fn consoles(&self, pool: &str) -> Result<Arc<Beside>, StepError> {
        self.pools.consoles(self.address.place(), pool, || {
            self.patiently(|| self.link.refresh_pool(pool))?;
            self.listed_consoles(pool)
        })
    }

    fn listed_consoles(&self, pool: &str) -> Result<Beside, StepError> {
        let mut consoles = Beside::new();
        for record in self.made(self.link.volumes(pool))? {
            if let Some(Ours::Console { machine, .. }) = VolumeName::parse(&record.name).map(|name| name.ours)
            {
                consoles.entry(machine).or_default().push(record.name);
            }
        }
        Ok(consoles)
    }

    /// Deletes the files of the serial consoles of machines that this apply has removed: the pool's folder can be deleted only
    /// after its files. A file of another name is a person's.
    fn delete_consoles(&self, pool: &str) -> Result<(), StepError> {
        self.consoles(pool)?;
        let removed = self.pools.removed(self.address.place(), pool);
        let consoles = self.listed_consoles(pool)?;
        let of_removed = consoles.iter().filter(|(machine, _)| removed.contains(*machine));
        of_removed.into_iter().try_for_each(|(_, files)| self.delete_volumes(pool, files))
    }

    pub(super) fn delete_volumes(&self, pool: &str, names: &[String]) -> Result<(), StepError> {
        names.iter().try_for_each(|name| self.patiently(|| self.link.delete_volume(pool, name)))
    }

    pub(super) fn volume(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        match self.action {
            Action::Create => self.create_volume(wanted),
            Action::Replace => {
                let (pool, name) = (&*wanted.pool, &*wanted.name);
                self.expect_volume(pool, name)?;
                self.refuse_if_used(pool, name)?;
                self.drop_volume(pool, name)?;
                self.create_volume(wanted)?;
                self.guest.as_deref().map_or(Ok(()), |machine| self.note_size(machine, wanted))
            }
            _ if self.changes.iter().any(|change| change.path == COMMIT) => self.commit(wanted),
            _ => {
                if self.changes.iter().any(|change| change.path != RECORD) {
                    self.grow(wanted)?;
                }
                self.record(wanted)
            }
        }
    }

    /// Commits a volume that had arrived before its commit was lost.
    fn commit(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        self.expect_volume(&wanted.pool, &wanted.name)?;
        self.unless_taken_over()?;
        self.patiently(|| self.link.create_volume(&wanted.pool, &commit_xml(&wanted.name)))
    }

    fn create_volume(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        match &wanted.content {
            Content::Empty => {
                if let Some(image) = &wanted.over {
                    self.keep_promise(&wanted.pool, image)?;
                }
                // The records of an earlier disk of the name are not about this one.
                if wanted.data.is_some() {
                    self.forget_records(&wanted.pool, &wanted.name, None)?;
                    self.record(wanted)?;
                }
                self.make_volume(&wanted.pool, &wanted.name, &wanted.xml)
            }
            _ => self.upload(wanted),
        }
    }

    /// Makes a volume; if its name was taken meanwhile, it changed since the plan.
    pub(super) fn make_volume(&self, pool: &str, name: &str, xml: &str) -> Result<(), StepError> {
        let made = self.patiently(|| self.link.create_volume(pool, xml));
        match made {
            Err(StepError::Call { .. }) if matches!(self.link.volume(pool, name), Ok(Some(_))) => {
                Err(self.changed())
            }
            made => made,
        }
    }

    fn grow(&self, wanted: &VolumeDocument) -> Result<(), StepError> {
        let (pool, name) = (&*wanted.pool, &*wanted.name);
        let path = self.expect_volume(pool, name)?.unwrap_or_default();
        if let Some(machine) = self.guest.as_deref() {
            match self.link.domain_is_active(machine) {
                Ok(true) => {
                    self.made(self.link.resize_block(machine, &path, wanted.capacity))?;
                    return self.note_size(machine, wanted);
                }
                Err(error) if error.kind != CallErrorKind::Absent => return self.made(Err(error)),
                _ => {}
            }
        }
        self.patiently(|| self.link.resize_volume(pool, name, wanted.capacity))?;
        self.guest.as_deref().map_or(Ok(()), |machine| self.note_size(machine, wanted))
    }

    /// Writes into the mark of a machine's domain how large its data disk is now: a disk that is smaller later has lost bytes.
    fn note_size(&self, machine: &str, wanted: &VolumeDocument) -> Result<(), StepError> {
        let Some(Ours::Disk { disk, .. }) = self.ours(&wanted.name) else { return Ok(()) };
        // Without a definition it has no place for it, and a stranger's is left alone.
        let domain = self.made(self.link.domain(machine))?.filter(|domain| domain.persistent);
        let Some(domain) = domain else { return Ok(()) };
        let Some(mark) = Mark::read(&domain.xml).filter(|mark| self.owner.as_deref() == Some(&*mark.owner))
        else {
            return Ok(());
        };
        let mut sizes = mark.sizes;
        if sizes.insert(disk, wanted.capacity) == Some(wanted.capacity) {
            return Ok(());
        }
        let xml = mark::with_sizes(&domain.xml, &sizes);
        self.patiently(|| self.link.define_domain(&xml))
    }

    pub(super) fn delete_volume(&self, address: &str) -> Result<(), StepError> {
        let Some((pool, name)) = address.split_once('/') else { return Err(self.changed()) };
        match self.ours(name) {
            // No plan depends on a console file, and it may be listed only since then.
            Some(Ours::Console { .. }) => {}
            // Nor does one on the rest of a disk.
            Some(Ours::OnDisk { .. }) if self.made(self.link.volume(pool, name))?.is_none() => {}
            Some(Ours::OnDisk { .. }) if self.is_empty(pool, name)? => {}
            Some(Ours::OnDisk { .. }) => return Err(self.changed()),
            _ => {
                self.expect_volume(pool, name)?;
            }
        }
        self.refuse_if_used(pool, name)?;
        self.drop_volume(pool, name)?;
        if let Some(Ours::Root { machine, .. }) = self.ours(name) {
            self.pools.note_removed(self.address.place(), pool, &machine);
        }
        Ok(())
    }

    /// Deletes a volume, its commit first: without the commit it is only the rest of an upload.
    pub(super) fn drop_volume(&self, pool: &str, name: &str) -> Result<(), StepError> {
        if self.ours(name).as_ref().is_some_and(is_uploaded) {
            let commit = commit_name(name);
            self.patiently(|| self.link.delete_volume(pool, &commit))?;
        }
        self.patiently(|| self.link.delete_volume(pool, name))?;
        // Last: a data disk without its record would be nobody's.
        if matches!(self.ours(name), Some(Ours::Disk { .. })) {
            self.forget_records(pool, name, None)?;
        }
        Ok(())
    }

    /// Reads a volume again, and returns its path if it exists.
    fn expect_volume(&self, pool: &str, name: &str) -> Result<Option<String>, StepError> {
        let uploaded = self.ours(name).as_ref().is_some_and(is_uploaded);
        let facts = self.made(self.link.volume(pool, name))?;
        let commit = if uploaded { self.made(self.link.volume(pool, &commit_name(name)))? } else { None };
        let found = match (&facts, &commit) {
            (Some(facts), _) => {
                let capacity = (!uploaded).then_some(facts.capacity);
                Some(volume_fingerprint(&facts.path, capacity, !uploaded || commit.is_some()))
            }
            (None, Some(commit)) => Some(volume_fingerprint(&commit.path, None, false)),
            (None, None) => None,
        };
        self.expect(found)?;
        Ok(facts.map(|facts| facts.path))
    }

    /// A volume may have got a user since the plan, or have one in a pool that the plan did not read, and libvirt would delete
    /// it nevertheless.
    fn refuse_if_used(&self, pool: &str, name: &str) -> Result<(), StepError> {
        let ours = self.ours(name);
        if !matches!(ours, Some(Ours::Base { .. } | Ours::Root { .. } | Ours::Disk { .. })) {
            return Ok(());
        }
        let Some(below) = self.made(self.link.volume(pool, name))? else { return Ok(()) };
        let below = path::plain(&below.path);
        let over = match ours {
            // Roots are made from it all the time.
            Some(Ours::Base { .. }) => Arc::new(self.overlays()?),
            _ => self.pools.overlays(self.address.place(), pool, || self.overlays())?,
        };
        for user in over.get(&below).into_iter().flatten() {
            // It may be gone since it was read.
            let (at, volume) = user.split_once('/').unwrap_or_default();
            let facts = self.made(self.link.volume(at, volume))?;
            if facts.and_then(|facts| facts.backing).is_some_and(|path| path::plain(&path) == below) {
                return Err(StepError::Call {
                    call: format!("delete volume {name}"),
                    cause: format!("{user} has it as backing store: plan again"),
                });
            }
        }
        Ok(())
    }

    /// The volumes of all active pools that lie over others, by the path of what is right below.
    fn overlays(&self) -> Result<Beside, StepError> {
        let mut over = Beside::new();
        for record in self.made(self.link.pools())?.into_iter().filter(|record| record.active) {
            for volume in self.made(self.link.volumes(&record.name))? {
                if VolumeName::parse(&volume.name).is_some_and(|name| !is_disk(&name.ours)) {
                    continue;
                }
                let facts = self.made(self.link.volume(&record.name, &volume.name))?;
                if let Some(backing) = facts.and_then(|facts| facts.backing) {
                    let user = format!("{}/{}", record.name, volume.name);
                    over.entry(path::plain(&backing)).or_default().push(user);
                }
            }
        }
        Ok(over)
    }

    /// The purpose of a volume by its name; the name of a data disk in another pool has a prefix.
    pub(super) fn ours(&self, name: &str) -> Option<Ours> {
        let plain =
            name.strip_prefix("fmc.").and_then(|rest| rest.split_once('.')).map_or(name, |(_, name)| name);
        VolumeName::parse(name).or_else(|| VolumeName::parse(plain)).map(|name| name.ours)
    }
}

/// A known pool is started and never built: an empty folder in the place of a file system that is not mounted would hide
/// everything in it.
fn folder_missing(error: StepError) -> StepError {
    match error {
        StepError::Call { call, cause } if cause.contains("No such file or directory") => {
            let cause =
                format!("{cause}: mount the pool's file system, or make the folder if it is really gone");
            StepError::Call { call, cause }
        }
        error => error,
    }
}
