//! Pools and volumes of the simulated hypervisor.

use std::collections::BTreeMap;

use fmc_core::digest::Digest;

use super::domain::uuid_of;
use super::state::{Files, Pool, State, Volume};
use super::trouble::Trouble;
use super::xml;
use crate::link::{FileFacts, PoolRecord, VolumeFacts, VolumeRecord};
use crate::volume::LEASE;

/// The bytes that a disk takes at least once a guest has used it.
const USED: u64 = 16 << 20;

/// The approximate size of an empty qcow2 file.
const QCOW2_HEADER: u64 = 200 << 10;

impl State {
    pub(super) fn pool_record(&self, name: &str) -> Option<PoolRecord> {
        let pool = self.pools.get(name)?;
        let taken = taken(pool);
        let capacity = self.host.room.get(&pool.path).copied().unwrap_or(1 << 50);
        let free = capacity.saturating_sub(taken);
        let sizes = format!(
            "  <capacity unit='bytes'>{capacity}</capacity>\n  <allocation unit='bytes'>{taken}</allocation>\n  <available unit='bytes'>{free}</available>\n"
        );
        let at = pool.xml.rfind("</pool>").unwrap_or(pool.xml.len());
        Some(PoolRecord {
            name: name.to_owned(),
            xml: xml::insert(&pool.xml, at, &sizes),
            active: pool.active,
            autostart: pool.autostart,
            persistent: !pool.transient,
        })
    }

    pub(super) fn create_pool(&mut self, text: &str, build: bool) -> Result<(), Trouble> {
        let document = xml::parse(text, "pool")?;
        let root = document.root_element();
        let name = xml::required(root, &["name"])?;
        let uuid = uuid_of(root, name)?;
        let path = xml::required(root, &["target", "path"])?.trim_end_matches('/').to_owned();
        for (other, there) in &self.pools {
            if other == name && there.uuid != uuid {
                let there = there.uuid;
                return Err(Trouble::failed(format!(
                    "operation failed: pool '{name}' already exists with uuid {there}"
                )));
            }
            if other != name && there.uuid == uuid {
                return Err(Trouble::failed(format!(
                    "operation failed: pool '{other}' is already defined with uuid {uuid}"
                )));
            }
            if other != name && there.path == path {
                return Err(Trouble::failed(format!(
                    "operation failed: Storage source conflict with pool: '{other}'"
                )));
            }
        }
        if !build {
            self.has_folder(&path)?;
        }
        let Files { volumes, consoles } = self.host.folders.remove(&path).unwrap_or_default();
        let fresh = Pool {
            uuid,
            xml: String::new(),
            path,
            active: true,
            autostart: true,
            transient: false,
            volumes,
            consoles,
        };
        let pool = self.pools.entry(name.to_owned()).or_insert(fresh);
        text.clone_into(&mut pool.xml);
        (pool.active, pool.autostart, pool.transient) = (true, true, false);
        Ok(())
    }

    fn has_folder(&self, path: &str) -> Result<(), Trouble> {
        if self.host.missing.contains(path) {
            return Err(Trouble::failed(format!(
                "cannot open directory '{path}': No such file or directory"
            )));
        }
        Ok(())
    }

    /// A guest starts with a volume as its disk, and may write to it.
    pub(super) fn use_volume(&mut self, path: &str) {
        if let Some(volume) = self.volume_at_mut(path) {
            volume.used = true;
        }
    }

    pub(super) fn start_pool(&mut self, name: &str) -> Result<(), Trouble> {
        let pool = self.known_pool(name)?;
        if pool.active {
            return Err(Trouble::failed(format!(
                "Requested operation is not valid: storage pool '{name}' is already active"
            )));
        }
        let path = pool.path.clone();
        self.has_folder(&path)?;
        self.known_pool(name)?.active = true;
        Ok(())
    }

    pub(super) fn set_pool_autostart(&mut self, name: &str, on: bool) -> Result<(), Trouble> {
        self.known_pool(name)?.autostart = on;
        Ok(())
    }

    /// The pool is not defined any more; its files stay.
    pub(super) fn forget_pool(&mut self, name: &str) -> Result<(), Trouble> {
        let absent = || Trouble::absent(format!("no storage pool with matching name '{name}'"));
        let Pool { path, volumes, consoles, .. } = self.pools.remove(name).ok_or_else(absent)?;
        self.host.folders.insert(path, Files { volumes, consoles });
        Ok(())
    }

    pub(super) fn delete_pool(&mut self, name: &str) -> Result<(), Trouble> {
        let pool = self.known_pool(name)?;
        if !pool.volumes.is_empty() || !pool.consoles.is_empty() {
            let path = &pool.path;
            return Err(Trouble::failed(format!("failed to remove pool '{path}': Directory not empty")));
        }
        self.pools.remove(name);
        Ok(())
    }

    pub(super) fn volumes(&self, pool: &str) -> Result<Vec<VolumeRecord>, Trouble> {
        let pool = self.active_pool(pool)?;
        Ok(pool
            .volumes
            .iter()
            .filter(|(_, volume)| !volume.unlisted)
            .map(|(name, _)| name)
            .chain(pool.consoles.iter().filter(|(_, console)| console.listed).map(|(name, _)| name))
            .map(|name| VolumeRecord { name: name.clone(), path: format!("{}/{name}", pool.path) })
            .collect())
    }

    pub(super) fn volume(&self, pool: &str, name: &str) -> Result<Option<VolumeFacts>, Trouble> {
        let pool = self.active_pool(pool)?;
        if let Some(console) = pool.consoles.get(name).filter(|console| console.listed) {
            return Ok(Some(VolumeFacts {
                name: name.to_owned(),
                path: format!("{}/{name}", pool.path),
                capacity: u64::try_from(console.text.len()).unwrap_or(u64::MAX),
                allocation: None,
                format: None,
                backing: None,
                changed: None,
            }));
        }
        Ok(pool.volumes.get(name).filter(|volume| !volume.unlisted).map(|volume| VolumeFacts {
            name: name.to_owned(),
            path: format!("{}/{name}", pool.path),
            capacity: volume.capacity,
            // A guest makes a file system at least.
            allocation: Some(if volume.used { volume.takes.max(USED) } else { volume.takes }),
            format: Some(volume.format.clone()),
            backing: volume.backing.clone(),
            changed: volume.changed,
        }))
    }

    /// A file in a pool or outside.
    pub(super) fn file(&self, path: &str) -> Option<FileFacts> {
        match self.volume_at(path) {
            Some(volume) => volume.map(|volume| FileFacts {
                length: volume.takes,
                changed: volume.sent.as_ref().map(|(_, digest)| digest.clone()).unwrap_or_default(),
                capacity: volume.capacity,
                backing: volume.backing.clone(),
            }),
            None if self.host.missing.contains(path) => None,
            None => {
                let known = self.host.contents.get(path);
                Some(FileFacts {
                    length: known.map_or(0, |file| file.length),
                    changed: known.map_or(0, |file| file.changed).to_string(),
                    capacity: known.map_or(0, |file| file.capacity),
                    backing: known.and_then(|file| file.backing.clone()),
                })
            }
        }
    }

    /// The digest of a file, which is the one that the cloud says unless its content is known.
    pub(super) fn file_digest(&self, path: &str, like: &Digest) -> Option<Digest> {
        self.file(path)?;
        let known = self.host.contents.get(path).map(|file| match like {
            Digest::Sha256(_) => format!("sha256:{}", file.sha256),
            Digest::Sha512(_) => format!("sha512:{}", file.sha512),
        });
        let sent = self
            .volume_at(path)
            .flatten()
            .and_then(|volume| Some(format!("sha256:{}", volume.sent.as_ref()?.1)));
        let known = known.or(sent.filter(|_| matches!(like, Digest::Sha256(_))));
        known.map_or(Some(*like), |known| known.parse().ok())
    }

    pub(super) fn disk_capacities(&self) -> BTreeMap<String, u64> {
        self.domains
            .values()
            .flat_map(|domain| &domain.files)
            .filter_map(|path| Some((path.clone(), self.volume_at(path)??.capacity)))
            .collect()
    }

    pub(super) fn create_volume(&mut self, pool: &str, text: &str) -> Result<(), Trouble> {
        let document = xml::parse(text, "volume")?;
        let root = document.root_element();
        let name = xml::required(root, &["name"])?;
        let there = self.active_pool(pool)?;
        if there.volumes.contains_key(name) {
            return Err(Trouble::failed(format!("storage volume '{name}' exists already")));
        }
        let capacity = xml::child(root, "capacity").and_then(xml::bytes).unwrap_or(0);
        let format = xml::at(root, &["target", "format"])
            .and_then(|format| format.attribute("type"))
            .unwrap_or("raw")
            .to_owned();
        let backing = xml::text(root, &["backingStore", "path"]).map(str::to_owned);
        if let Some(under) = &backing
            && !self.has_file(under)
        {
            return Err(Trouble::failed(format!(
                "cannot stat backing store '{under}': No such file or directory"
            )));
        }
        let at_once = xml::child(root, "allocation").and_then(xml::bytes).unwrap_or(capacity);
        let takes = if format == "qcow2" { at_once.min(capacity).max(QCOW2_HEADER) } else { at_once };
        let takes =
            if format == "qcow2" && xml::child(root, "allocation").is_none() { QCOW2_HEADER } else { takes };
        let path = format!("{}/{name}", there.path);
        self.reserve(pool, takes).map_err(|free| {
            Trouble::failed(format!(
                "cannot allocate {takes} bytes in file '{path}': No space left on device ({free} bytes are free)"
            ))
        })?;
        self.files += 1;
        let file = self.files;
        if let Some(pool) = self.pools.get_mut(pool) {
            pool.volumes.insert(
                name.to_owned(),
                Volume {
                    capacity,
                    takes,
                    format,
                    backing,
                    used: false,
                    sent: None,
                    text: None,
                    written: None,
                    snapshot: false,
                    unlisted: false,
                    changed: None,
                    file,
                },
            );
        }
        Ok(())
    }

    /// The file of a volume, for an upload.
    pub(super) fn file_of(&self, pool: &str, name: &str) -> Option<u64> {
        Some(self.pools.get(pool)?.volumes.get(name)?.file)
    }

    /// Stores the text of a lease.
    pub(super) fn write_text(&mut self, pool: &str, name: &str, file: Option<u64>, bytes: &[u8]) {
        let volume = self.pools.get_mut(pool).and_then(|pool| pool.volumes.get_mut(name));
        if let Some(volume) = volume.filter(|volume| Some(volume.file) == file) {
            volume.text = Some(String::from_utf8_lossy(bytes).into_owned());
        }
    }

    /// Receives bytes for a volume; `digest` covers all bytes sent so far.
    pub(super) fn receive(
        &mut self,
        pool: &str,
        name: &str,
        file: Option<u64>,
        sent: u64,
        digest: String,
    ) -> Result<(), Trouble> {
        if file.is_some() && self.file_of(pool, name) != file {
            return Ok(());
        }
        let there = self.active_pool(pool)?;
        let volume = there.volumes.get(name).ok_or_else(|| no_volume(name))?;
        let more = sent.saturating_sub(volume.takes);
        let path = format!("{}/{name}", there.path);
        self.reserve(pool, more)
            .map_err(|_| Trouble::failed(format!("cannot write to '{path}': No space left on device")))?;
        if let Some(volume) = self.pools.get_mut(pool).and_then(|pool| pool.volumes.get_mut(name)) {
            volume.takes = volume.takes.max(sent);
            volume.capacity = volume.capacity.max(sent);
            volume.sent = Some((sent, digest));
        }
        Ok(())
    }

    pub(super) fn resize_volume(&mut self, pool: &str, name: &str, bytes: u64) -> Result<(), Trouble> {
        let path = format!("{}/{name}", self.active_pool(pool)?.path);
        let with_snapshots = self.domains.values().filter(|domain| !domain.snapshots.is_empty());
        let has_snapshots =
            with_snapshots.into_iter().any(|domain| domain.xml.contains(&format!("'{path}'")));
        let volume = self
            .pools
            .get_mut(pool)
            .and_then(|pool| pool.volumes.get_mut(name))
            .ok_or_else(|| no_volume(name))?;
        if bytes > volume.capacity && volume.format == "qcow2" && has_snapshots {
            return Err(Trouble::failed(
                "internal error: unable to execute QEMU command 'block_resize': Can't resize a v2 image which has snapshots",
            ));
        }
        if bytes < volume.capacity {
            return Err(Trouble::failed(
                "invalid argument: Can't shrink capacity below current capacity unless shrink flag explicitly specified",
            ));
        }
        volume.capacity = bytes;
        Ok(())
    }

    pub(super) fn delete_volume(&mut self, pool: &str, name: &str) -> Result<(), Trouble> {
        self.active_pool(pool)?;
        if let Some(pool) = self.pools.get_mut(pool) {
            pool.volumes.remove(name);
            pool.consoles.retain(|file, console| file != name || !console.listed);
        }
        Ok(())
    }

    /// Refreshes a pool: from then on its list includes the existing console files and overlays.
    pub(super) fn refresh_pool(&mut self, pool: &str) -> Result<(), Trouble> {
        self.active_pool(pool)?;
        if let Some(pool) = self.pools.get_mut(pool) {
            pool.consoles.values_mut().for_each(|console| console.listed = true);
            pool.volumes.values_mut().for_each(|volume| volume.unlisted = false);
        }
        Ok(())
    }

    /// The last bytes of a guest's console, or a lease; the bytes of other volumes are not stored.
    pub(super) fn volume_tail(&self, pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, Trouble> {
        let Some(facts) = self.volume(pool, name)? else { return Ok(None) };
        let pool = self.pools.get(pool);
        if let Some(lease) = pool.and_then(|pool| pool.volumes.get(name)?.text.as_ref()) {
            let mut text = lease.clone().into_bytes();
            // It grows by holes, which are read as zeros.
            text.resize(usize::try_from(facts.capacity).unwrap_or(0), 0);
            return Ok(Some(text));
        }
        let text = pool.and_then(|pool| Some(&pool.consoles.get(name)?.text));
        let text = text.map(String::as_bytes).unwrap_or_default();
        let from = usize::try_from(facts.capacity.saturating_sub(bytes)).unwrap_or(text.len());
        Ok(Some(text.get(from..).unwrap_or_default().to_vec()))
    }

    /// Writes to a guest's serial console, whose file is in a pool's folder.
    pub(super) fn write_console(&mut self, path: &str, text: &str) {
        let Some((folder, name)) = path.rsplit_once('/') else { return };
        if let Some(pool) = self.pools.values_mut().find(|pool| pool.path == folder) {
            pool.consoles.entry(name.to_owned()).or_default().text.push_str(text);
        }
    }

    /// Whether a pool's folder has space for so many more bytes; the error is the free space.
    fn reserve(&self, pool: &str, bytes: u64) -> Result<(), u64> {
        let Some(pool) = self.pools.get(pool) else { return Ok(()) };
        let Some(room) = self.host.room.get(&pool.path) else { return Ok(()) };
        let free = room.saturating_sub(taken(pool));
        if bytes > free { Err(free) } else { Ok(()) }
    }

    fn known_pool(&mut self, name: &str) -> Result<&mut Pool, Trouble> {
        self.pools.get_mut(name).ok_or_else(|| no_pool(name))
    }

    fn active_pool(&self, name: &str) -> Result<&Pool, Trouble> {
        let pool = self.pools.get(name).ok_or_else(|| no_pool(name))?;
        if pool.active {
            Ok(pool)
        } else {
            Err(Trouble::failed(format!(
                "Requested operation is not valid: storage pool '{name}' is not active"
            )))
        }
    }
}

fn taken(pool: &Pool) -> u64 {
    // A lease comes and goes, and takes a few bytes.
    let lasting = pool.volumes.iter().filter(|(name, _)| *name != LEASE);
    lasting.fold(0, |all, (_, volume)| u64::saturating_add(all, volume.takes))
}

fn no_pool(name: &str) -> Trouble {
    Trouble::absent(format!("Storage pool not found: no storage pool with matching name '{name}'"))
}

fn no_volume(name: &str) -> Trouble {
    Trouble::absent(format!("Storage volume not found: no storage vol with matching name '{name}'"))
}
