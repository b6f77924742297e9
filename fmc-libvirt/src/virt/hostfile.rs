//! Files on the hypervisor by their paths.
//!
//! libvirt reads files as volumes of a pool. A file whose folder is in no active pool is read through a pool that exists
//! for the moment of the call: it is transient, is of the folder as it is, and goes without a trace of it.

use std::path::Path;
use std::time::Duration;

use fmc_core::digest::Digest;
use virt::error::{Error, ErrorNumber};
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use super::call::{Call, Kind};
use super::download::part;
use super::failure;
use super::session::{Client, Session};
use crate::image::Hash;
use crate::link::{CallError, FileFacts};
use crate::volume;
use crate::xml::{Outline, Writer};

/// How often a folder is tried that another process looks into.
const LOOKS: u32 = 4;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// The bytes of a file that one call reads, so that each has a deadline of its own.
const PART: u64 = 16 << 20;

pub(super) fn facts(client: &Client, path: &str) -> Result<Option<FileFacts>, CallError> {
    let call = reading(client, path);
    let words = call.words.clone();
    let path = path.to_owned();
    let xml = client.call(call, move |session| on_file(session, &path, |volume| volume.xml_desc(0)));
    let xml = failure::none_if_absent(xml)?.flatten();
    xml.map(|xml| read(&xml).ok_or_else(|| failure::unreadable(&words))).transpose()
}

pub(super) fn digest(client: &Client, path: &str, like: &Digest) -> Result<Option<Digest>, CallError> {
    let Some(facts) = facts(client, path)? else { return Ok(None) };
    let mut hash = Hash::like(like);
    let mut from = 0;
    while from < facts.length {
        let (length, own) = (PART.min(facts.length - from), path.to_owned());
        let work =
            move |session: &Session| on_file(session, &own, |volume| part(session, volume, from, length));
        let Some(bytes) = client.call(reading(client, path), work)? else { return Ok(None) };
        hash.update(&bytes);
        from += length;
    }
    Ok(Some(hash.finish()))
}

fn reading(client: &Client, path: &str) -> Call {
    Call::read(format!("read the file {path}"), Kind::Volume, client.deadlines().change)
}

fn on_file<T>(
    session: &Session,
    path: &str,
    work: impl Fn(&StorageVol) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let look_up = || match session.connection.lookup_storage_vol_by_path(path) {
        Err(error) if error.code().is(ErrorNumber::NoStorageVolume) => Ok(None),
        found => found.map(Some),
    };
    let worked = |volume: Option<StorageVol>| volume.as_ref().map(&work).transpose();
    if let Some(volume) = look_up()? {
        return work(&volume).map(Some);
    }
    let Some((folder, _)) = path.rsplit_once('/') else { return Ok(None) };
    // A pool of devices would open all of them.
    if folder.is_empty() || ["/dev", "/proc", "/sys"].iter().any(|root| Path::new(folder).starts_with(root)) {
        return Ok(None);
    }
    for _ in 0..LOOKS {
        // A file that came after its pool was started is not in its list yet.
        if let Some(pool) = pool_of(session, folder)? {
            // Another process's pool may have gone since, and a person's may be at work.
            if pool.refresh(0).is_ok() {
                return worked(look_up()?);
            }
        }
        // libvirt refuses it for a folder that is not there, that it may not read, or whose pool is not active; and while
        // another process looks into the folder.
        if let Ok(pool) = session.connection.create_storage_pool_xml(&momentary(path, folder), 0) {
            let answer = look_up().and_then(worked);
            // Of no matter if somebody else has stopped it.
            let _ = pool.destroy();
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(None)
}

fn pool_of(session: &Session, folder: &str) -> Result<Option<StoragePool>, Error> {
    for pool in session.connection.list_all_storage_pools(sys::VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)? {
        let xml = pool.xml_desc(0)?;
        let outline = Outline::read(&xml);
        let path = outline.as_ref().and_then(|outline| outline.root().text_at("target/path"));
        if path.is_some_and(|path| path.trim_end_matches('/') == folder) {
            return Ok(Some(pool));
        }
    }
    Ok(None)
}

/// The pool of a folder for one look at a file in it. Two looks at once have pools of different names only if their
/// files differ, and otherwise libvirt refuses the second.
fn momentary(path: &str, folder: &str) -> String {
    Writer::document("pool", |w| {
        w.attr("type", "dir");
        w.leaf("name", format!("fmc-look-{}", volume::short_hash(&[path])));
        w.el("target", |w| w.leaf("path", folder));
    })
}

/// The properties in a volume's document, as libvirt 9.0 writes it.
fn read(xml: &str) -> Option<FileFacts> {
    let outline = Outline::read(xml)?;
    let text = |path| outline.root().text_at(path);
    let number = |path| text(path).and_then(|number| number.trim().parse().ok());
    let capacity = number("capacity").unwrap_or(0);
    Some(FileFacts {
        length: number("physical").unwrap_or(capacity),
        changed: text("target/timestamps/mtime").unwrap_or_default().trim().to_owned(),
        capacity,
        backing: text("backingStore/path").map(str::to_owned),
    })
}
