//! Pools and volumes.

use virt::error::{Error, ErrorNumber};
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use super::failure;
use super::session::Session;
use crate::link::{VolumeFacts, VolumeRecord};
use crate::xml::Outline;

/// Defines a pool, makes its folder if it is to be built (it may exist), starts it and marks it for autostart. A failure
/// leaves no definition behind.
pub(super) fn create_pool(session: &Session, xml: &str, build: bool) -> Result<(), Error> {
    let pool = session.connection.define_storage_pool_xml(xml, 0)?;
    let started = match if build { build_pool(&pool) } else { pool.create(0) } {
        // The pool is already ours and runs: only its document was updated.
        Err(error) if error.code().is(ErrorNumber::OperationInvalid) && pool.is_active()? => Ok(()),
        other => other,
    };
    if let Err(error) = started.and_then(|()| pool.set_autostart(true)) {
        if !pool.is_active().unwrap_or(true) {
            // The first error matters more.
            let _ = pool.undefine();
        }
        return Err(error);
    }
    session.pools.keep(pool.name()?, pool);
    Ok(())
}

/// Starts a pool and makes its folder, in one call if the driver supports it (the test driver refuses the
/// flag).
fn build_pool(pool: &StoragePool) -> Result<(), Error> {
    match pool.create(sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD) {
        Err(error) if error.code().is(ErrorNumber::InvalidArg) => {
            pool.build(0)?;
            pool.create(0)
        }
        other => other,
    }
}

/// Stops a pool, removes its folder and undefines it. libvirt removes only an empty folder; if it is not
/// empty, the pool is started again.
pub(super) fn delete_pool(session: &Session, name: &str) -> Result<(), Error> {
    session.on_pool(name, |pool| {
        failure::fine_if(pool.destroy(), || Ok(!pool.is_active()?))?;
        match pool.delete(0) {
            Err(error) if !error.message().contains("No such file or directory") => {
                // The first error matters more.
                let _ = pool.create(0);
                Err(error)
            }
            _ => pool.undefine(),
        }
    })?;
    session.pools.forget(name);
    Ok(())
}

/// One call: the name and the key, which is the path in a directory pool, come with the handle.
/// `virStorageVolGetPath` would be one call for each volume.
pub(super) fn volumes(session: &Session, pool: &str) -> Result<Vec<VolumeRecord>, Error> {
    let all = session.on_pool(pool, |pool| pool.list_all_volumes(0))?;
    all.into_iter()
        .map(|volume| {
            let record = VolumeRecord { name: volume.name()?, path: volume.key()? };
            session.keep_volume(pool, &record.name, volume);
            Ok(record)
        })
        .collect()
}

pub(super) fn create_volume(session: &Session, pool: &str, xml: &str) -> Result<(), Error> {
    let volume = session.on_pool(pool, |pool| StorageVol::create_xml(pool, xml, 0))?;
    session.keep_volume(pool, &volume.name()?, volume);
    Ok(())
}

/// The properties in a volume's document, as libvirt 9.0 writes it: sizes in bytes, the backing store by its
/// path.
pub(super) fn volume_facts(xml: &str) -> Option<VolumeFacts> {
    let outline = Outline::read(xml)?;
    let text = |path| outline.root().text_at(path);
    Some(VolumeFacts {
        name: text("name").unwrap_or_default().to_owned(),
        path: text("target/path").unwrap_or_default().to_owned(),
        capacity: text("capacity").and_then(|capacity| capacity.parse().ok()).unwrap_or(0),
        allocation: text("allocation").and_then(|allocation| allocation.parse().ok()),
        format: outline
            .root()
            .at("target/format")
            .and_then(|format| format.attribute("type"))
            .map(str::to_owned),
        backing: text("backingStore/path").map(str::to_owned),
        // Seconds and nanoseconds, with a dot between.
        changed: text("target/timestamps/mtime").and_then(|time| time.trim().split('.').next()?.parse().ok()),
    })
}
