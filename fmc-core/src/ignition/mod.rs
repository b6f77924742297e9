//! Ignition: Fedora CoreOS and Flatcar read this config on their first boot.

#[cfg(feature = "ignition")]
mod config;
#[cfg(feature = "ignition")]
pub(crate) mod fragment;
#[cfg(feature = "ignition")]
mod import;
#[cfg(feature = "ignition")]
mod keyfile;
#[cfg(feature = "ignition")]
mod marks;
#[cfg(feature = "ignition")]
mod merge;
#[cfg(feature = "ignition")]
mod networkd;
mod spec;
#[cfg(feature = "ignition")]
mod validate;

use crate::image::Os;

#[cfg(feature = "ignition")]
pub(crate) use config::compile;
#[cfg(feature = "ignition")]
pub use fragment::{LocalFiles, LocalNode, NoFiles};
#[cfg(feature = "ignition")]
pub use import::{Imported, NotImported, import};
pub(crate) use spec::own_spec;
pub use spec::{Spec, max_spec, needed_spec};
#[cfg(feature = "ignition")]
pub use validate::{Judgement, Remark, validate};

/// The key under which a system's Ignition reads its config from QEMU's `fw_cfg`; `None` for a system without
/// Ignition.
///
/// Flatcar's engine reads Fedora CoreOS's key too, in no set order: never set both.
pub fn fw_cfg_key(os: Os) -> Option<&'static str> {
    match os {
        Os::FedoraCoreos => Some("opt/com.coreos/config"),
        Os::Flatcar => Some("opt/org.flatcar-linux/config"),
        Os::Rocky | Os::Almalinux | Os::Debian | Os::None => None,
    }
}

/// The path prefixes of fmc's own files; a user's file must not begin with them.
pub(crate) mod own {
    pub(crate) const SUDOERS: &str = "/etc/sudoers.d/fmc-";
    pub(crate) const KEYFILE: &str = "/etc/NetworkManager/system-connections/fmc-";
    pub(crate) const NETWORKD: &str = "/etc/systemd/network/10-fmc-";
}
