//! The actions of people and other programs on a hypervisor, for tests: pause a guest, save it, take a snapshot,
//! undefine an object that is in use, lose a pool's files.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fmc_core::digest::Digest;

use super::state::{Files, HostFile, State, Volume};
use super::trouble::Trouble;
use super::{Sim, xml};
use crate::link::CallError;

/// An action of another program between two calls.
#[derive(Clone, Default)]
pub(super) struct Meanwhile(Arc<Mutex<Option<(u64, Act)>>>);

type Act = Box<dyn FnOnce() + Send>;

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Sim {
    /// Runs something before the nth call from now on, counted from 1, as if another program did it while this one has
    /// not gone on. Each piece of an upload counts as a call.
    pub fn meanwhile(&self, nth: u64, act: impl FnOnce() + Send + 'static) {
        *self.meanwhile.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((nth, Box::new(act)));
    }

    /// Whether what should happen meanwhile has not happened.
    pub fn is_meanwhile_due(&self) -> bool {
        self.meanwhile.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Leaves the lease of an apply in a pool, which says who made it in this text.
    ///
    /// # Errors
    /// Whatever libvirt would refuse.
    pub fn plant_lease(&self, pool: &str, text: &str) -> Result<(), CallError> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.change(|state| {
            state.create_volume(pool, &crate::volume::upload_xml(crate::volume::LEASE, length))?;
            let file = state.file_of(pool, crate::volume::LEASE);
            state.write_text(pool, crate::volume::LEASE, file, text.as_bytes());
            Ok(())
        })
    }

    /// Counts a call, and does what waits for it. The lock is free then, because that calls this hypervisor too.
    pub(super) fn meanwhile_act(&self) {
        let mut waits = self.meanwhile.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((left, act)) = waits.take() else { return };
        if left > 1 {
            *waits = Some((left - 1, act));
            return;
        }
        drop(waits);
        act();
    }

    /// Puts an image at a path outside the pools, in the place of the one that is there: from then on its content is known,
    /// with the capacity of the disk in it. Without this call a file is what the cloud says that it is.
    pub fn put_image(&self, path: &str, content: &[u8], capacity: u64) {
        let mut world = self.lock();
        let contents = &mut world.state_mut().host.contents;
        let changed = contents.get(path).map_or(1, |file| file.changed + 1);
        let file = HostFile {
            length: u64::try_from(content.len()).unwrap_or(u64::MAX),
            capacity,
            changed,
            sha256: Digest::sha256(content).hex(),
            sha512: Digest::sha512(content).hex(),
            backing: None,
        };
        contents.insert(path.to_owned(), file);
    }

    /// Makes a file outside the pools an overlay over another file, as `qemu-img create -b` does.
    pub fn put_overlay(&self, path: &str, below: &str) {
        let file = HostFile { backing: Some(below.to_owned()), ..HostFile::default() };
        self.lock().state_mut().host.contents.insert(path.to_owned(), file);
    }

    /// Sets the time at which a volume was changed for the last time, in seconds since 1970. Without this call libvirt says
    /// none: the simulation has no clock.
    ///
    /// # Errors
    /// There is no such volume.
    pub fn put_time(&self, pool: &str, name: &str, seconds: u64) -> Result<(), CallError> {
        self.change(|state| {
            let volume = state.pools.get_mut(pool).and_then(|pool| pool.volumes.get_mut(name));
            let volume = volume
                .ok_or_else(|| Trouble::absent(format!("no storage vol with matching name '{name}'")))?;
            volume.changed = Some(seconds);
            Ok(())
        })
    }

    /// Pauses a running guest, as a person does (`user`) or QEMU when a disk is full (`I/O error`).
    ///
    /// # Errors
    /// The domain does not run.
    pub fn pause(&self, domain: &str, reason: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.running(domain)?.paused = Some(reason.to_owned());
            Ok(())
        })
    }

    /// Lets a paused guest go on.
    ///
    /// # Errors
    /// The domain does not run.
    pub fn resume(&self, domain: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.running(domain)?.paused = None;
            Ok(())
        })
    }

    /// Writes a running guest's memory to a file and stops it, as `virsh managedsave` does. Its next start goes on with
    /// that guest, whatever its definition says then.
    ///
    /// # Errors
    /// The domain does not run, or has no definition to go on with.
    pub fn save(&self, domain: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.running(domain)?;
            let Some(known) = state.domains.get_mut(domain) else { return Ok(()) };
            if known.transient {
                return Err(Trouble::failed(
                    "Requested operation is not valid: cannot do managed save for transient domain",
                ));
            }
            known.saved = known.live.take();
            let ports = known.saved.as_ref().map(|saved| saved.ports.clone()).unwrap_or_default();
            state.disconnect(&ports);
            Ok(())
        })
    }

    /// Takes a snapshot of a running guest's disks, as `virsh snapshot-create-as DOMAIN NAME --disk-only` does: from then
    /// on the guest writes to overlays, whose names end in the snapshot's.
    ///
    /// # Errors
    /// The domain does not run, or an overlay has the name of another file.
    pub fn snapshot(&self, domain: &str, name: &str) -> Result<(), CallError> {
        self.change(|state| {
            state.running(domain)?;
            let files = state.domains.get(domain).map(|domain| domain.files.clone()).unwrap_or_default();
            let mut overlays: BTreeMap<String, (String, Volume)> = BTreeMap::new();
            for file in files {
                let Some((folder, volume)) = file.rsplit_once('/') else { continue };
                // The boot configuration is a CD, which has no snapshot.
                let is_disk = volume.contains(".root.") || volume.contains(".disk.");
                let Some(below) = state.volume_at(&file).flatten().filter(|_| is_disk) else { continue };
                let first = volume.rsplit_once('.').map_or(volume, |(first, _)| first);
                let overlay = format!("{folder}/{first}.{name}");
                if let Some((other, _)) = overlays.get(&overlay) {
                    return Err(Trouble::failed(format!(
                        "unsupported configuration: cannot generate external snapshot name for disk '{file}': collision with disk '{other}'"
                    )));
                }
                if state.volume_at(&overlay).flatten().is_some() {
                    return Err(Trouble::failed(format!(
                        "unsupported configuration: external snapshot file for disk '{file}' already exists and is not a block device: {overlay}"
                    )));
                }
                let above = Volume {
                    backing: Some(file.clone()),
                    format: "qcow2".to_owned(),
                    used: true,
                    sent: None,
                    written: None,
                    changed: None,
                    snapshot: true,
                    ..below.clone()
                };
                overlays.insert(overlay, (file, above));
            }
            for (overlay, (file, above)) in overlays {
                state.add_file(&overlay, above);
                if let Some(domain) = state.domains.get_mut(domain) {
                    domain.now_names(&file, &overlay);
                }
            }
            Ok(())
        })
    }

    /// Takes a snapshot inside the disks of a domain, as `virsh snapshot-create-as DOMAIN NAME` does.
    ///
    /// # Errors
    /// No domain has this name.
    pub fn snapshot_inside(&self, domain: &str, name: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            state.domains.get_mut(domain).ok_or_else(absent)?.snapshots.push(name.to_owned());
            Ok(())
        })
    }

    /// Takes a volume from its pool's list until the next refresh, as a file that libvirt did not make as a volume: an overlay
    /// of a snapshot is one.
    ///
    /// # Errors
    /// No volume has this name.
    pub fn unlist_volume(&self, pool: &str, volume: &str) -> Result<(), CallError> {
        self.change(|state| {
            let known = state.pools.get_mut(pool).and_then(|pool| pool.volumes.get_mut(volume));
            let absent =
                || Trouble::absent(format!("no storage vol with matching name '{volume}' in pool '{pool}'"));
            known.ok_or_else(absent)?.unlisted = true;
            Ok(())
        })
    }

    /// Gives a file of a pool another name, as `mv` does, with the domains that have it as a disk. Volumes over it keep the
    /// old name.
    ///
    /// # Errors
    /// There is no such volume.
    pub fn rename_volume(&self, pool: &str, volume: &str, to: &str) -> Result<(), CallError> {
        self.change(|state| {
            let known = state.pools.get_mut(pool);
            let absent =
                || Trouble::absent(format!("no storage vol with matching name '{volume}' in pool '{pool}'"));
            let known = known.ok_or_else(absent)?;
            let file = known.volumes.remove(volume).ok_or_else(absent)?;
            known.volumes.insert(to.to_owned(), file);
            let (from, to) = (format!("{}/{volume}", known.path), format!("{}/{to}", known.path));
            for domain in state.domains.values_mut() {
                domain.now_names(&from, &to);
            }
            Ok(())
        })
    }

    /// Lets a domain go on with another file as its disk, in its definition and in the running guest: what the pivot of a
    /// block job does.
    ///
    /// # Errors
    /// There is no such domain.
    pub fn now_on(&self, domain: &str, file: &str, other: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            state.domains.get_mut(domain).ok_or_else(absent)?.now_names(file, other);
            Ok(())
        })
    }

    /// Removes a domain's definition. A running guest goes on, and its domain is gone once it stops.
    ///
    /// # Errors
    /// No domain has this name.
    pub fn undefine(&self, domain: &str) -> Result<(), CallError> {
        self.change(|state| {
            let known = state.domains.get_mut(domain);
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            known.ok_or_else(absent)?.transient = true;
            state.forget_transient();
            Ok(())
        })
    }

    /// Removes the definition of an active network, which goes on until it stops.
    ///
    /// # Errors
    /// No network has this name.
    pub fn undefine_active_network(&self, network: &str) -> Result<(), CallError> {
        self.change(|state| {
            let known = state.networks.get_mut(network);
            let absent =
                || Trouble::absent(format!("Network not found: no network with matching name '{network}'"));
            let known = known.ok_or_else(absent)?;
            (known.transient, known.autostart) = (true, false);
            Ok(())
        })
    }

    /// Removes the definition of an active pool, which goes on until it stops.
    ///
    /// # Errors
    /// No pool has this name.
    pub fn undefine_active_pool(&self, pool: &str) -> Result<(), CallError> {
        self.change(|state| {
            let known = state.pools.get_mut(pool);
            let absent = || Trouble::absent(format!("no storage pool with matching name '{pool}'"));
            let known = known.ok_or_else(absent)?;
            (known.transient, known.autostart) = (true, false);
            Ok(())
        })
    }

    /// Removes the definition of a pool that is not active; its files stay.
    ///
    /// # Errors
    /// No pool has this name.
    pub fn forget_pool(&self, pool: &str) -> Result<(), CallError> {
        self.change(|state| state.forget_pool(pool))
    }

    /// Empties a pool's folder, as it looks when its file system is not mounted. [`Sim::mount`] mounts it again.
    ///
    /// # Errors
    /// No pool has this name.
    pub fn unmount(&self, pool: &str) -> Result<(), CallError> {
        self.change(|state| {
            let State { pools, host, .. } = state;
            let absent = || Trouble::absent(format!("no storage pool with matching name '{pool}'"));
            let known = pools.get_mut(pool).ok_or_else(absent)?;
            let files = Files {
                volumes: std::mem::take(&mut known.volumes),
                consoles: std::mem::take(&mut known.consoles),
            };
            host.unmounted.entry(known.path.clone()).or_insert(files);
            Ok(())
        })
    }

    /// Changes a domain's definition by a text of it, as `virsh edit` does. A running guest keeps its own.
    ///
    /// # Errors
    /// No domain has this name, or libvirt would refuse the document.
    pub fn edit(&self, domain: &str, from: &str, to: &str) -> Result<(), CallError> {
        self.change(|state| {
            let absent =
                || Trouble::absent(format!("Domain not found: no domain with matching name '{domain}'"));
            let text = state.domains.get(domain).ok_or_else(absent)?.xml.replace(from, to);
            xml::parse(&text, "domain")?;
            state.define_domain(&text)
        })
    }
}
