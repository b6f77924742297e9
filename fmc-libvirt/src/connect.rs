//! A host's hypervisor by its URI.

use crate::link::{CallError, Link};

/// Why a hypervisor could not be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// libvirt does not answer, or refuses.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The program is built without libvirt.
    #[error("connect to {uri}: this program is built without the feature `virt` of fmc")]
    WithoutLibvirt {
        /// The URI.
        uri: String,
    },
}

/// Connects to a libvirt by its URI, as `qemu:///system`.
///
/// # Errors
///
/// It does not answer, or this crate is built without the feature `virt`.
#[cfg(feature = "virt")]
pub fn connect(uri: &str) -> Result<Box<dyn Link>, ConnectError> {
    Ok(Box::new(crate::virt::VirtLink::connect(uri)?))
}

/// Connects to a libvirt by its URI, as `qemu:///system`.
///
/// # Errors
///
/// It does not answer, or this crate is built without the feature `virt`.
#[cfg(not(feature = "virt"))]
pub fn connect(uri: &str) -> Result<Box<dyn Link>, ConnectError> {
    Err(ConnectError::WithoutLibvirt { uri: uri.to_owned() })
}
