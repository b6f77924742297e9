//! The cloud's own pool on a host: a folder, recognised by the pool's UUID.

use fmc_core::identity;
use uuid::Uuid;

use crate::document::kind;
use crate::xml::Writer;

/// The UUID that identifies a cloud's own pool.
pub fn uuid(owner: &str, name: &str) -> Uuid {
    identity::uuid(owner, kind::POOL, name)
}

/// A directory pool.
pub(crate) fn xml(name: &str, uuid: &Uuid, path: &str) -> String {
    Writer::document("pool", |w| {
        w.attr("type", "dir");
        w.leaf("name", name);
        w.leaf("uuid", uuid);
        w.el("target", |w| w.leaf("path", path));
    })
}
