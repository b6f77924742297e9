//! SSH host keys that machines are given.

use std::sync::Arc;

use crate::guest::checked::{Contents, GuestFile, Owner};
use crate::guest::{HOST_KEY, HOST_KEY_PUBLIC, Parts};
use crate::machine::Machine;
use crate::secret::SecretRef;
use crate::unit::FileMode;

/// A guest with the SSH host key that the cloud gives its machine, unless the guest has its own.
pub(super) fn given(guest: Arc<Parts>, on: bool, draft: &Machine) -> Arc<Parts> {
    let is_wanted = on && draft.image.os.provisioner().is_some();
    if !is_wanted || guest.files.iter().any(|file| file.path.as_str() == HOST_KEY) {
        return guest;
    }
    let Some(name) = draft.first_name() else { return guest };
    let key = SecretRef::ssh_host_key(name, 1);
    let public = key.ssh_public_key();
    let mut parts = (*guest).clone();
    for (path, mode, secret) in [(HOST_KEY, 0o600, key), (HOST_KEY_PUBLIC, 0o644, public)] {
        if let Ok(path) = path.parse() {
            parts.files.push(Arc::new(GuestFile {
                path,
                contents: Contents::Secret(Arc::new(secret)),
                mode: FileMode::new(mode),
                owner: Owner::default(),
            }));
        }
    }
    parts.sort_files();
    Arc::new(parts)
}
