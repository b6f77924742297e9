//! Data disks on storage of the network that several hosts have: each host lists the same file, and one machine has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Address, State};

use super::wants::Wants;
use crate::provider::object::{Object, VolumeObject, is_disk};
use crate::xml::Outline;
use crate::xml::outline::Node;

/// The storage of a pool, if its document says that it is on the network.
pub(super) fn storage(pool: &str) -> Option<String> {
    let outline = Outline::read(pool)?;
    let root = outline.root();
    let kind =
        root.attribute("type").filter(|kind| matches!(*kind, "netfs" | "gluster" | "rbd" | "iscsi"))?;
    let of = |path, name| root.at(path).and_then(|node: Node<'_>| node.attribute(name)).unwrap_or_default();
    let name = root.at("source/name").and_then(Node::text).unwrap_or_default();
    let (host, folder, device) =
        (of("source/host", "name"), of("source/dir", "path"), of("source/device", "path"));
    Some(format!("{kind} {host} {folder} {device} {name}"))
}

/// Notes on each unwanted disk that it is the disk of a machine on another host.
pub(super) fn note(objects: &mut [(Address, State<Object>)], wants: &Wants) {
    let mut users: BTreeMap<(String, String), Address> = BTreeMap::new();
    for (at, volume) in objects.iter().filter_map(|(at, state)| Some((at, disk(state)?))) {
        let is_used = volume.named_by.iter().any(|naming| naming.ours) || wants.addresses.contains(at);
        if let Some(storage) = volume.storage.clone().filter(|_| is_used) {
            users.insert((storage, volume.name.clone()), at.clone());
        }
    }
    if users.is_empty() {
        return;
    }
    for (at, state) in objects {
        let Some(volume) = disk(state).filter(|volume| volume.named_by.is_empty()) else { continue };
        let Some(storage) = volume.storage.clone().filter(|_| !wants.addresses.contains(at)) else {
            continue;
        };
        let user = users.get(&(storage, volume.name.clone())).filter(|user| user.place() != at.place());
        let host = user.and_then(|user| user.place().name()).map(str::to_owned);
        if let (Some(host), State::Present { object, .. }) = (host, state)
            && let Object::Volume(volume) = Arc::make_mut(object)
        {
            volume.elsewhere = Some(host);
        }
    }
}

fn disk(state: &State<Object>) -> Option<&VolumeObject> {
    match state {
        State::Present { object, .. } => match &**object {
            Object::Volume(volume) if is_disk(&volume.ours) => Some(volume),
            _ => None,
        },
        _ => None,
    }
}
