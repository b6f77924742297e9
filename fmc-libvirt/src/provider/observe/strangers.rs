//! Volumes that a person made and whose names are those of ours all the same.
//!
//! A name is all that libvirt stores of a volume, and a person who copies one changes its name, or its pool: a name like
//! `db.disk.backup` or `db.root.0a1b2c3d` could be one that fmc gives. So a disk is ours only if something besides its own name
//! says so, and says it of the volume in its pool.
//!
//! # A copy with its record
//!
//! Who copies the files of a pool copies the records beside the disks too. While the original is there, or another copy, only the
//! disk counts that a machine has or the cloud wants. Once the copy is the only one of its name, it counts as kept data. Nothing
//! tells it from a disk that a person moved to another pool or restored from a backup, and both must be found again by what their
//! record says. The other choice, to take all of them for a person's, would hide data that a machine needs, and a new machine would
//! begin with an empty disk. Kept data is safe: each plan shows it with its pool, a machine that takes it over says so, and it
//! goes only by `--delete-data`, with a line of its own. A copy that is to be out of fmc's sight gets another name.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::Place;

use super::names::Names;
use super::read::HostRead;
use super::wants::Wants;
use crate::document::kind;
use crate::link::VolumeRecord;
use crate::mark::Mark;
use crate::provider::object::{Owner, is_blank, pool_has_records, volume_name};
use crate::provider::records;
use crate::provider::settle::twin;
use crate::volume::{FirstBoot, Ours, VolumeName, commit_name, own_pool};

impl HostRead {
    /// The purpose of a volume that is there; `None` if it is not ours.
    pub(super) fn name_of(&self, pool: &str, record: &VolumeRecord, owner: &str) -> Option<VolumeName> {
        volume_name(pool, &record.name, owner).filter(|_| !self.strangers.contains(&record.path))
    }

    /// Finds the data disks that nothing says to be fmc's, and the volumes that are taken for a person's: these disks as far as no
    /// machine is to have them, and what has a date at the end of its name, which no domain uses and no machine is to have.
    pub(super) fn look_for_strangers(&mut self, place: &Place, wants: &Wants) {
        self.unproven = self.without_proof(place, wants);
        let is_by_hand = |pool: &str, record: &VolumeRecord| {
            let Some(name) = volume_name(pool, &record.name, &wants.owner) else { return false };
            let commits = record.name.strip_suffix(".ok").filter(|_| name.is_commit);
            let is_doubtful = match &name.ours {
                Ours::Disk { .. } => self.unproven.contains(&record.path),
                ours => ours.ends_in_a_date() && !self.is_in_use(record.path.trim_end_matches(".ok")),
            };
            let at = format!("{pool}/{}", commits.unwrap_or(&record.name));
            is_doubtful && !wants.has(place, kind::VOLUME, &at)
        };
        let by_hand = self.everything().filter(|(pool, record)| is_by_hand(pool, record));
        let by_hand: Vec<String> = by_hand.map(|(_, record)| record.path.clone()).collect();
        self.strangers.extend(by_hand);
    }

    fn everything(&self) -> impl Iterator<Item = (&str, &VolumeRecord)> {
        self.volumes
            .iter()
            .flat_map(|(pool, volumes)| volumes.iter().map(move |record| (pool.as_str(), record)))
    }

    /// The data disks, by path, with no record beside them that no domain of ours has as a disk of its machine.
    ///
    /// A pool whose volumes are no files can have no record. There the name counts, with fmc's prefix, unless the data disk of that
    /// name is another volume. Who copies the files of a pool copies the records too: of several disks of one name only those count
    /// that a domain has or the cloud wants.
    fn without_proof(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let owner = wants.owner.as_str();
        let recorded = self.recorded(owner);
        let marks = self.names.iter().zip(&self.domain_marks).zip(&self.owners);
        let used = marks.filter(|(_, owner)| **owner == Owner::Us).flat_map(|((names, mark), _)| {
            let first = mark.as_ref().map(Mark::first).unwrap_or_default();
            names.disks.iter().map(move |(path, serial)| ((first, path.as_str()), serial.as_str()))
        });
        let used: BTreeMap<(&str, &str), &str> = used.collect();
        let disks = self.everything().filter_map(|(pool, record)| {
            match volume_name(pool, &record.name, owner).filter(|name| !name.is_commit)?.ours {
                Ours::Disk { machine, disk } => Some((pool, record, machine, disk)),
                _ => None,
            }
        });
        let disks: Vec<(&str, &VolumeRecord, String, String)> = disks.collect();
        let named: BTreeSet<(&str, &str)> =
            disks.iter().map(|(_, _, machine, disk)| (machine.as_str(), disk.as_str())).collect();
        // A serial that is the name of another disk shows that somebody put this one in its place.
        let is_used = |machine: &str, disk: &str, record: &VolumeRecord| {
            let serial = used.get(&(machine, record.path.as_str()));
            serial.is_some_and(|serial| *serial == disk || !named.contains(&(machine, serial)))
        };
        let (proven, others): (Vec<_>, Vec<_>) = disks.iter().partition(|(pool, record, machine, disk)| {
            is_used(machine, disk, record) || recorded.contains(&format!("{pool}/{}", record.name))
        });
        let mut known: BTreeMap<(&String, &String), Vec<&String>> = BTreeMap::new();
        for (_, record, machine, disk) in &proven {
            known.entry((machine, disk)).or_default().push(&record.name);
        }
        let others = others.iter().filter(|(pool, _, machine, disk)| {
            recorded.contains(*pool) || known.contains_key(&(machine, disk))
        });
        let copies = proven.iter().filter(|(pool, record, machine, disk)| {
            let namesakes =
                known.get(&(machine, disk)).into_iter().flatten().filter(|name| **name == &record.name);
            namesakes.count() > 1
                && !is_used(machine, disk, record)
                && !wants.has(place, kind::VOLUME, &format!("{pool}/{}", record.name))
        });
        others.chain(copies).map(|(_, record, ..)| record.path.clone()).collect()
    }

    /// Whether nothing but the name of a data disk, or of a record with content, says that it is fmc's.
    pub(super) fn is_doubtful(&self, pool: &str, record: &VolumeRecord, owner: &str) -> bool {
        let is_record = || {
            matches!(volume_name(pool, &record.name, owner).map(|name| name.ours), Some(Ours::OnDisk { .. }))
        };
        self.unproven.contains(&record.path) || (self.strangers.contains(&record.path) && is_record())
    }

    /// The roots with content that nothing says to be fmc's: no machine boots from them, nothing that is wanted has this name, and
    /// the boot configuration that a replacement makes before a root, and deletes after it, is not there.
    pub(super) fn roots_by_hand(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let own = own_pool(&wants.owner);
        let roots = self.ours(&wants.owner).filter(|(pool, ..)| *pool == own);
        let roots = roots.filter_map(|(pool, record, ours)| match ours {
            Ours::Root { machine, hash } => Some((pool, record, machine, hash)),
            _ => None,
        });
        let is_by_hand = |(pool, record, machine, hash): &(&str, &VolumeRecord, String, String)| {
            let is_known = |hash: &String| {
                let root = Ours::Root { machine: machine.clone(), hash: hash.clone() };
                wants.has(place, kind::VOLUME, &format!("{pool}/{root}"))
                    || self.has_boot(pool, machine, hash)
            };
            let details = self.details.get(&((*pool).to_owned(), record.name.clone()));
            !self.is_booted_from(&record.path)
                && ![hash, &twin(hash)].into_iter().any(is_known)
                && !details.is_none_or(|facts| is_blank(facts.allocation))
        };
        roots.filter(is_by_hand).map(|(_, record, ..)| record.path.clone()).collect()
    }

    /// Whether a root of this name had a boot configuration that is there, or needed none: a person does not make up such a name.
    pub(super) fn has_boot(&self, pool: &str, machine: &str, hash: &str) -> bool {
        let boot = Ours::Boot { machine: machine.to_owned(), hash: hash.to_owned() };
        self.has_volume(pool, &commit_name(&boot.to_string())) || FirstBoot::is_of_nothing(hash)
    }

    /// The files with names of serial consoles whose machines are not known: no domain, root or data disk of theirs is there.
    pub(super) fn consoles_by_hand(&self, place: &Place, wants: &Wants) -> BTreeSet<String> {
        let (mut known, mut consoles) = (BTreeSet::new(), Vec::new());
        for (_, record, ours) in self.ours(&wants.owner) {
            match ours {
                Ours::Console { machine, .. } => consoles.push((machine, record)),
                Ours::Root { machine, .. } | Ours::Boot { machine, .. } | Ours::Disk { machine, .. } => {
                    known.insert(machine);
                }
                _ => {}
            }
        }
        let is_known = |first: &String| {
            known.contains(first) || self.has_domain(first) || wants.renamed(place, first).is_some()
        };
        consoles.retain(|(machine, _)| !is_known(machine));
        consoles.into_iter().map(|(_, record)| record.path.clone()).collect()
    }

    /// The data disks with a record beside them, as `POOL/NAME`, and the pools that can have records.
    pub(super) fn recorded(&self, owner: &str) -> BTreeSet<String> {
        let pools = self.pools.iter().filter(|pool| pool_has_records(&pool.xml)).map(|pool| &pool.name);
        let of = |pool: &String| {
            let records = self.records(pool, owner).unwrap_or_default().into_keys();
            let records: Vec<String> = records.map(|disk| format!("{pool}/{disk}")).collect();
            records.into_iter().chain([pool.clone()])
        };
        pools.flat_map(of).collect()
    }

    /// The data disks of a domain that have no record, and whose record has the name of a person's file: the name of that, by
    /// `POOL/NAME`.
    pub(super) fn unrecordable(
        &self,
        mark: &Mark,
        names: &Names,
        recorded: &BTreeSet<String>,
        folders: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let blocked = names.disks.iter().filter_map(|(path, _)| {
            let (folder, name) = path.rsplit_once('/')?;
            let at = format!("{}/{name}", folders.get(folder).filter(|pool| recorded.contains(*pool))?);
            let (pool, _) = at.split_once('/')?;
            match volume_name(pool, name, &mark.owner)?.ours {
                Ours::Disk { machine, disk } if machine == mark.first() && !recorded.contains(&at) => {
                    let record = records::left_by(mark, name, &disk);
                    self.strangers.contains(&format!("{folder}/{record}")).then_some((at, record))
                }
                _ => None,
            }
        });
        blocked.collect()
    }

    /// Whether a domain of ours is there whose machine had this name first.
    pub(super) fn has_domain(&self, machine: &str) -> bool {
        let marks = self.domain_marks.iter().zip(&self.owners).filter(|(_, owner)| **owner == Owner::Us);
        marks.filter_map(|(mark, _)| mark.as_ref()).any(|mark| mark.first() == machine)
    }

    /// Whether a domain of ours boots from a volume, or another one uses it. One that a person attached to a machine is not its root.
    fn is_booted_from(&self, path: &str) -> bool {
        self.names.iter().zip(&self.owners).any(|(names, owner)| {
            let own = if *owner == Owner::Us { &names.roots } else { &names.files };
            own.iter().chain(&names.below).any(|file| file == path)
        })
    }

    fn is_in_use(&self, path: &str) -> bool {
        self.names.iter().any(|names| names.files.iter().chain(&names.below).any(|file| file == path))
    }

    /// The volumes that may be records of data disks by their names, and are not the only and wanted one of a disk that is there:
    /// whether they are empty has to be read.
    pub(super) fn doubtful_records(&self, place: &Place, wants: &Wants) -> BTreeSet<(String, String)> {
        let mut doubtful = BTreeSet::new();
        for pool in self.volumes.keys() {
            for (disk, records) in self.records(pool, &wants.owner).unwrap_or_default() {
                let is_right = |(name, _): &(String, _)| wants.has_record(place, &format!("{pool}/{name}"));
                if records.len() > 1 || !records.iter().all(is_right) || !self.has_volume(pool, &disk) {
                    doubtful.extend(records.into_iter().map(|(name, _)| (pool.clone(), name)));
                }
            }
        }
        doubtful
    }

    /// The volumes with names of records that have content.
    pub(super) fn with_content(&self, records: &BTreeSet<(String, String)>) -> BTreeSet<String> {
        let facts = records.iter().filter_map(|record| self.details.get(record));
        facts.filter(|facts| facts.capacity > 0).map(|facts| facts.path.clone()).collect()
    }
}
