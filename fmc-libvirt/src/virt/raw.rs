//! The calls that the `virt` crate does not wrap: the only unsafe code of the workspace.
//!
//! The crate exposes a domain's statistics as a bare pointer that it never frees, and does not support a
//! network's ports and the holes of a stream.
#![expect(
    unsafe_code,
    reason = "virConnectGetAllDomainStats, virNetworkListAllPorts, virStreamSendHole and virNetworkGetDHCPLeases have no safe \
              wrapper, and that of virDomainInterfaceAddresses leaks"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::Error;
use virt::network::Network;
use virt::stream::Stream;
use virt::sys;

use crate::link::{AddressRecord, AddressSource, LeaseRecord};

unsafe extern "C" {
    /// libvirt requires that the list of ports is freed with the C library's `free`.
    fn free(memory: *mut c_void);
}

/// Sends a hole of `length` zeros: nothing is sent over the wire, and nothing is written.
pub(super) fn send_hole(stream: &Stream, length: u64) -> Result<(), Error> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    // SAFETY: the stream is alive for as long as it is borrowed, and the call keeps no reference to it.
    let sent = unsafe { sys::virStreamSendHole(stream.as_ptr(), length, 0) };
    if sent < 0 { Err(Error::last_error()) } else { Ok(()) }
}

/// The capacity in bytes of every disk of every domain, by the path of its file.
///
/// libvirt 9.0 opens the images of domains that are off to read their headers. It skips a domain whose job
/// lock is taken instead of waiting for it (`VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT`).
pub(super) fn disk_capacities(connection: &Connect) -> Result<BTreeMap<String, u64>, Error> {
    let mut records: *mut sys::virDomainStatsRecordPtr = ptr::null_mut();
    // SAFETY: the connection is alive for as long as it is borrowed; `records` is written only when the call succeeds.
    let count = unsafe {
        sys::virConnectGetAllDomainStats(
            connection.as_ptr(),
            sys::VIR_DOMAIN_STATS_BLOCK,
            &raw mut records,
            sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
        )
    };
    let Ok(count) = usize::try_from(count) else { return Err(Error::last_error()) };
    let list = RecordList(records);
    let mut capacities = BTreeMap::new();
    for index in 0..count {
        // SAFETY: the call succeeded, so `records` has `count` pointers to records, which live until `list` is dropped.
        let params = unsafe { parameters(&**list.0.add(index)) };
        add_capacities(&mut capacities, &params);
    }
    Ok(capacities)
}

/// The UUID of every port of a network.
pub(super) fn network_ports(network: &Network) -> Result<BTreeSet<String>, Error> {
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

/// The DHCP leases of a network.
pub(super) fn leases(network: &Network) -> Result<Vec<LeaseRecord>, Error> {
    let mut leases: *mut sys::virNetworkDHCPLeasePtr = ptr::null_mut();
    // SAFETY: the network is alive for as long as it is borrowed, a null MAC means all of them, and `leases`
    // is written only when the call succeeds.
    let count = unsafe { sys::virNetworkGetDHCPLeases(network.as_ptr(), ptr::null(), &raw mut leases, 0) };
    let Ok(count) = usize::try_from(count) else { return Err(Error::last_error()) };
    let mut records = Vec::new();
    for index in 0..count {
        // SAFETY: the call succeeded, so there are `count` leases, whose texts are null or end with a NUL; each is freed
        // once, after its last use.
        let (mac, address, expires) = unsafe {
            let lease = *leases.add(index);
            let read = (text((*lease).mac), text((*lease).ipaddr), (*lease).expirytime);
            sys::virNetworkDHCPLeaseFree(lease);
            read
        };
        if let Ok(address) = address.parse() {
            let expires = u64::try_from(expires).unwrap_or(0);
            records.push(LeaseRecord { mac: mac.to_lowercase(), address, expires });
        }
    }
    // SAFETY: the list came from libvirt, which allocates it by `malloc`, and is freed once.
    unsafe { free(leases.cast()) };
    Ok(records)
}

/// The addresses of a running guest.
pub(super) fn guest_addresses(domain: &Domain, source: AddressSource) -> Result<Vec<AddressRecord>, Error> {
    let source = match source {
        AddressSource::Arp => sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
        AddressSource::Agent => sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
    };
    let mut interfaces: *mut sys::virDomainInterfacePtr = ptr::null_mut();
    // SAFETY: the domain is alive for as long as it is borrowed; `interfaces` is written only when the call succeeds.
    let count = unsafe { sys::virDomainInterfaceAddresses(domain.as_ptr(), &raw mut interfaces, source, 0) };
    let Ok(count) = usize::try_from(count) else { return Err(Error::last_error()) };
    let mut records = Vec::new();
    for index in 0..count {
        // SAFETY: the call succeeded, so there are `count` interfaces, each with `naddrs` addresses, whose texts are null
        // or end with a NUL; each is freed once, after its last use.
        let (mac, addresses) = unsafe {
            let interface = *interfaces.add(index);
            let addresses: Vec<String> = (0..usize::try_from((*interface).naddrs).unwrap_or(0))
                .map(|at| text((*(*interface).addrs.add(at)).addr))
                .collect();
            let mac = text((*interface).hwaddr).to_lowercase();
            sys::virDomainInterfaceFree(interface);
            (mac, addresses)
        };
        let addresses = addresses.iter().filter_map(|address| address.parse().ok());
        records.extend(addresses.map(|address| AddressRecord { mac: mac.clone(), address }));
    }
    // SAFETY: the list came from libvirt, which allocates it by `malloc`, and is freed once.
    unsafe { free(interfaces.cast()) };
    Ok(records)
}

/// The value of a parameter, for the types that matter here.
enum Value {
    Text(String),
    Number(u64),
}

/// Frees the list, and with it its records, their parameters and their domains.
struct RecordList(*mut sys::virDomainStatsRecordPtr);

impl Drop for RecordList {
    fn drop(&mut self) {
        // SAFETY: the list came from `virConnectGetAllDomainStats` and is freed once.
        unsafe { sys::virDomainStatsRecordListFree(self.0) };
    }
}

/// # Safety
///
/// The record must be one that `virConnectGetAllDomainStats` returned, and not freed yet.
unsafe fn parameters(record: &sys::virDomainStatsRecord) -> BTreeMap<String, Value> {
    let mut parameters = BTreeMap::new();
    for index in 0..usize::try_from(record.nparams).unwrap_or(0) {
        // SAFETY: `params` has `nparams` entries.
        let parameter = unsafe { &*record.params.add(index) };
        // SAFETY: libvirt ends names with a NUL within the field (VIR_TYPED_PARAM_FIELD_LENGTH).
        let name = unsafe { text(parameter.field.as_ptr()) };
        let kind = u32::try_from(parameter.type_).unwrap_or(0);
        let value = if kind == sys::VIR_TYPED_PARAM_STRING {
            // SAFETY: the type says that the union holds a string, which lives as long as its record.
            Value::Text(unsafe { text(parameter.value.s) })
        } else if kind == sys::VIR_TYPED_PARAM_ULLONG {
            // SAFETY: the type says that the union holds a 64-bit number.
            Value::Number(unsafe { parameter.value.ul })
        } else {
            continue;
        };
        parameters.insert(name, value);
    }
    parameters
}

/// # Safety
///
/// The pointer must be null or that of a string that ends with a NUL.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller says that it is a string.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// `block.N.path` and `block.N.capacity` belong together.
fn add_capacities(capacities: &mut BTreeMap<String, u64>, parameters: &BTreeMap<String, Value>) {
    for (name, value) in parameters {
        let (Some(disk), Value::Text(path)) = (name.strip_suffix(".path"), value) else { continue };
        if let Some(Value::Number(capacity)) = parameters.get(&format!("{disk}.capacity")) {
            capacities.insert(path.clone(), *capacity);
        }
    }
}
