//! Objects whose deletion is that of data: a definition takes along all objects of its kind, and some custom objects take along their volumes.

use fmc_core::count::counted;
use fmc_core::graph::{Address, Removal};

use crate::kind;
use crate::object::ApiObject;

/// The objects that a line names at most.
const NAMED: usize = 8;

/// Kinds whose controllers delete data with an object, by their words in an address: databases, queues, disks and what serves them.
const KINDS: &[&str] = &[
    "cluster.postgresql.cnpg.io",
    "database.postgresql.cnpg.io",
    "kafka.kafka.strimzi.io",
    "kafkanodepool.kafka.strimzi.io",
    "kafkatopic.kafka.strimzi.io",
    "cephcluster.ceph.rook.io",
    "cephblockpool.ceph.rook.io",
    "cephfilesystem.ceph.rook.io",
    "cephobjectstore.ceph.rook.io",
    "volume.longhorn.io",
    "virtualmachine.kubevirt.io",
    "datavolume.cdi.kubevirt.io",
    "volumesnapshot.snapshot.storage.k8s.io",
    "prometheus.monitoring.coreos.com",
    "persistent-volume",
];

/// The reason of the deletion of an object with data.
pub(super) const WITH_ITS_DATA: &str = "no longer wanted, and its data with it";

/// Whether an object holds data, or is a definition.
pub(super) fn is_data(at: &Address) -> bool {
    at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word || is_data_kind(at.kind())
}

/// Whether objects of a kind hold data, by its word in an address.
pub(super) fn is_data_kind(word: &str) -> bool {
    KINDS.contains(&word)
}

/// What becomes of an object that holds data, or of a definition. `is_asked` says whether a person named it, by `named`.
pub(super) fn removal(at: &Address, object: &ApiObject, is_asked: bool, named: &str) -> Removal {
    if at.kind() == kind::CUSTOM_RESOURCE_DEFINITION.word {
        return match (object.foreign.is_empty(), is_asked) {
            (true, _) => Removal::Delete(NO_OBJECTS.to_owned()),
            (false, true) => Removal::Delete(format!("no longer wanted: {}", takes_along(&object.foreign))),
            (false, false) => Removal::Keep(format!(
                "{}: `--delete-data {named}` deletes all of them",
                takes_along(&object.foreign)
            )),
        };
    }
    match is_asked {
        true => Removal::Delete(WITH_ITS_DATA.to_owned()),
        false => Removal::Keep(format!("its data goes with it: `--delete-data {named}` deletes both")),
    }
}

/// The reason of the deletion of a definition that has no object of another hand.
pub(super) const NO_OBJECTS: &str = "no longer wanted, and no object of its kind is another's";

/// The words about the objects of other hands that go with a definition.
pub(super) fn takes_along(names: &[String]) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{} of its kind go with it ({first}{more})", counted(names.len(), "object"))
}
