//! The data that guests wrote, for tests: a text stands for the content of a disk.

use std::collections::BTreeMap;

use super::state::{Files, State, Volume};
use super::trouble::Trouble;
use super::{Sim, domain, xml};
use crate::link::CallError;

impl Sim {
    /// Lets a running guest write this text to each of its disks, in place of what was there.
    ///
    /// # Errors
    /// The domain does not run.
    pub fn write(&self, domain: &str, text: &str) -> Result<(), CallError> {
        self.change(|state| {
            let live = state.running(domain)?.xml.clone();
            for path in disks_of(&live)? {
                if let Some(volume) = state.volume_at_mut(&path) {
                    volume.written = Some(text.to_owned());
                    volume.used = true;
                }
            }
            Ok(())
        })
    }

    /// The disks of a domain, in the order of its definition or of its running guest, each with what was last written to
    /// it or to the volumes that it lies over.
    pub fn disks(&self, domain: &str) -> Vec<(String, Option<String>)> {
        let world = self.lock();
        let state = world.state();
        let Some(domain) = state.domains.get(domain) else { return Vec::new() };
        let text = domain.live.as_ref().map_or(&domain.xml, |live| &live.xml);
        let paths = disks_of(text).unwrap_or_default();
        paths.into_iter().map(|path| (path.clone(), state.content_of(path))).collect()
    }

    /// The text in each volume, by its path, also in the folders of undefined pools; those of file systems that are
    /// not mounted are not seen.
    pub fn contents(&self) -> BTreeMap<String, Option<String>> {
        let world = self.lock();
        let State { pools, host, .. } = world.state();
        let pools = pools.values().map(|pool| (&pool.path, &pool.volumes));
        let folders = host.folders.iter().map(|(path, files)| (path, &files.volumes));
        let written = |(name, volume): (&String, &Volume)| (name.clone(), volume.written.clone());
        pools
            .chain(folders)
            .flat_map(|(folder, volumes)| {
                volumes.iter().map(written).map(move |(name, text)| (format!("{folder}/{name}"), text))
            })
            .collect()
    }

    /// Mounts a pool's file system again after [`Sim::unmount`]: what was made below it meanwhile is hidden.
    ///
    /// # Errors
    /// No pool has this name.
    pub fn mount(&self, pool: &str) -> Result<(), CallError> {
        self.change(|state| {
            let State { pools, host, .. } = state;
            let absent = || Trouble::absent(format!("no storage pool with matching name '{pool}'"));
            let known = pools.get_mut(pool).ok_or_else(absent)?;
            if let Some(Files { volumes, consoles }) = host.unmounted.remove(&known.path) {
                (known.volumes, known.consoles) = (volumes, consoles);
            }
            Ok(())
        })
    }

    /// Merges the overlays of a domain's snapshots into the volumes below them, as `virsh blockcommit --active --pivot`
    /// does, or `qemu-img commit` and an edit while it is off.
    ///
    /// # Errors
    /// No domain has this name, or its guest is saved: its memory names the overlays.
    pub fn merge(&self, domain: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            let known = state.domains.get(domain).ok_or_else(absent)?;
            if known.saved.is_some() {
                return Err(Trouble::failed("Requested operation is not valid: domain is not running"));
            }
            for overlay in known.files.clone() {
                let is_overlay = |volume: &Volume| volume.snapshot;
                let Some(above) = state.volume_at(&overlay).flatten().filter(|it| is_overlay(it)).cloned()
                else {
                    continue;
                };
                let Some(below) = above.backing else { continue };
                if let Some(volume) = state.volume_at_mut(&below) {
                    volume.written = above.written.or(volume.written.take());
                    volume.capacity = above.capacity;
                }
                state.remove_file(&overlay);
                let Some(domain) = state.domains.get_mut(domain) else { continue };
                domain.now_names(&overlay, &below);
            }
            Ok(())
        })
    }

    /// Copies a domain that is off, with its disks, as `virt-clone` does: the copy has another name and UUID, and the mark of
    /// the original.
    ///
    /// # Errors
    /// No domain has this name, or it runs.
    pub fn copy_domain(&self, domain: &str, copy: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            let original = state.domains.get(domain).ok_or_else(absent)?;
            if original.live.is_some() {
                return Err(Trouble::failed("Domain with devices to clone must be paused or shutoff."));
            }
            let mut text = original
                .xml
                .replacen(&format!("<name>{domain}</name>"), &format!("<name>{copy}</name>"), 1)
                .replacen(&original.uuid.to_string(), &domain::uuid_by_name(copy).to_string(), 1);
            for path in disks_of(&original.xml.clone())? {
                let Some((folder, name)) = path.rsplit_once('/') else { continue };
                // It keeps what looks like the ending of a file's name.
                let of_copy = match name.rsplit_once('.').filter(|(_, ending)| ending.len() <= 7) {
                    Some((first, ending)) => format!("{first}-clone.{ending}"),
                    None => format!("{name}-clone"),
                };
                let of_copy = format!("{folder}/{of_copy}");
                text = text.replace(&path, &of_copy);
                if let Some(volume) = state.volume_at(&path).flatten().cloned() {
                    state.add_file(&of_copy, volume);
                }
            }
            state.define_domain(&text)
        })
    }
}

impl State {
    fn remove_file(&mut self, path: &str) {
        let Some((folder, name)) = path.rsplit_once('/') else { return };
        if let Some(volumes) = self.volumes_in(folder) {
            volumes.remove(name);
        }
    }

    pub(super) fn add_file(&mut self, path: &str, volume: Volume) {
        let Some((folder, name)) = path.rsplit_once('/') else { return };
        if let Some(volumes) = self.volumes_in(folder) {
            volumes.insert(name.to_owned(), volume);
        }
    }

    /// The content that a guest reads from a file: that of the uppermost layer with something written.
    fn content_of(&self, mut path: String) -> Option<String> {
        loop {
            let volume = self.volume_at(&path)??;
            if volume.written.is_some() {
                return volume.written.clone();
            }
            path = volume.backing.clone()?;
        }
    }
}

fn disks_of(text: &str) -> Result<Vec<String>, Trouble> {
    let document = xml::parse(text, "domain")?;
    Ok(domain::written_disks(document.root_element()).map(str::to_owned).collect())
}
