//! The ports of a network, which the `virt` crate does not wrap.
#![expect(unsafe_code, reason = "virNetworkListAllPorts has no safe wrapper")]

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use virt::error::Error;
use virt::network::Network;
use virt::sys;

unsafe extern "C" {
    /// libvirt gives the list itself to be freed by the C library's own `free`.
    fn free(memory: *mut c_void);
}

/// The UUID of every port of a network.
pub(super) fn of_network(network: &Network) -> Result<BTreeSet<String>, Error> {
    let mut ports: *mut sys::virNetworkPortPtr = ptr::null_mut();
    // SAFETY: the network is alive for as long as it is borrowed; `ports` is written only when the call succeeds.
    let count = unsafe { sys::virNetworkListAllPorts(network.as_ptr(), &raw mut ports, 0) };
    let Ok(count) = usize::try_from(count) else { return Err(Error::last_error()) };
    let mut uuids = BTreeSet::new();
    for index in 0..count {
        let mut text: [c_char; sys::VIR_UUID_STRING_BUFLEN as usize] =
            [0; sys::VIR_UUID_STRING_BUFLEN as usize];
        // SAFETY: the call succeeded, so there are `count` ports; each is freed once, after its last use, and the buffer
        // has the length that libvirt writes, its NUL included.
        let known = unsafe {
            let port = *ports.add(index);
            let known = sys::virNetworkPortGetUUIDString(port, text.as_mut_ptr()) == 0;
            sys::virNetworkPortFree(port);
            known
        };
        if known {
            // SAFETY: libvirt ended the text with a NUL within the buffer.
            uuids.insert(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned());
        }
    }
    // SAFETY: the list came from libvirt, which allocates it by `malloc`, and is freed once.
    unsafe { free(ports.cast()) };
    Ok(uuids)
}
