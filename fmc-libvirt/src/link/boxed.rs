//! Links of different kinds together: one provider with real and simulated hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use fmc_core::digest::Digest;

use super::{
    AddressRecord, AddressSource, CallError, DomainRecord, Edit, FileFacts, HostFacts, LeaseRecord, Link,
    NetworkRecord, NetworksHere, Pieces, PoolRecord, Section, Surroundings, VolumeFacts, VolumeRecord,
};

/// A link of any kind.
///
/// It is a type of its own because the compiler cannot prove that a future over a `Box<dyn Link>` is `Send`:
/// it loses the `'static`, and then no longer finds the implementation of [`Link`].
pub struct AnyLink(Box<dyn Link>);

impl AnyLink {
    /// Wraps a link.
    pub fn new(link: impl Link) -> Self {
        Self(Box::new(link))
    }
}

impl From<Box<dyn Link>> for AnyLink {
    fn from(link: Box<dyn Link>) -> Self {
        Self(link)
    }
}

impl fmt::Debug for AnyLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyLink").field(&self.0.uri()).finish()
    }
}

macro_rules! forward {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)+) => {
        impl Link for AnyLink {
            $(
                fn $name(&self, $($argument: $type),*) $(-> $result)? {
                    self.0.$name($($argument),*)
                }
            )+
        }
    };
}

forward! {
    fn uri() -> &str;
    fn facts() -> Result<HostFacts, CallError>;
    fn interfaces() -> Result<Option<Vec<String>>, CallError>;
    fn is_instant() -> bool;
    fn is_local() -> bool;
    fn surroundings() -> Option<Surroundings>;
    fn networks_here() -> Option<NetworksHere>;
    fn wait(time: Duration);
    fn now() -> Duration;
    fn connects(to: SocketAddr, within: Duration) -> bool;
    fn domains() -> Result<Vec<DomainRecord>, CallError>;
    fn domain(name: &str) -> Result<Option<DomainRecord>, CallError>;
    fn define_domain(xml: &str) -> Result<(), CallError>;
    fn start_domain(name: &str) -> Result<(), CallError>;
    fn shutdown_domain(name: &str) -> Result<(), CallError>;
    fn domain_is_active(name: &str) -> Result<bool, CallError>;
    fn destroy_domain(name: &str) -> Result<(), CallError>;
    fn undefine_domain(name: &str) -> Result<(), CallError>;
    fn rename_domain(name: &str, to: &str) -> Result<(), CallError>;
    fn forget_snapshots(name: &str) -> Result<(), CallError>;
    fn set_domain_autostart(name: &str, on: bool) -> Result<(), CallError>;
    fn resize_block(domain: &str, path: &str, bytes: u64) -> Result<(), CallError>;
    fn guest_addresses(
        domain: &str,
        source: AddressSource
    ) -> Result<Option<Vec<AddressRecord>>, CallError>;
    fn networks() -> Result<Vec<NetworkRecord>, CallError>;
    fn network_ports(name: &str) -> Result<Option<BTreeSet<String>>, CallError>;
    fn leases(network: &str) -> Result<Vec<LeaseRecord>, CallError>;
    fn network(name: &str) -> Result<Option<NetworkRecord>, CallError>;
    fn define_network(xml: &str) -> Result<(), CallError>;
    fn start_network(name: &str) -> Result<(), CallError>;
    fn stop_network(name: &str) -> Result<(), CallError>;
    fn undefine_network(name: &str) -> Result<(), CallError>;
    fn set_network_autostart(name: &str, on: bool) -> Result<(), CallError>;
    fn update_network(name: &str, section: Section, edit: Edit, xml: &str, active: bool) -> Result<(), CallError>;
    fn pools() -> Result<Vec<PoolRecord>, CallError>;
    fn pool(name: &str) -> Result<Option<PoolRecord>, CallError>;
    fn create_pool(xml: &str, build: bool) -> Result<(), CallError>;
    fn start_pool(name: &str) -> Result<(), CallError>;
    fn set_pool_autostart(name: &str, on: bool) -> Result<(), CallError>;
    fn delete_pool(name: &str) -> Result<(), CallError>;
    fn volumes(pool: &str) -> Result<Vec<VolumeRecord>, CallError>;
    fn volume(pool: &str, name: &str) -> Result<Option<VolumeFacts>, CallError>;
    fn disk_capacities() -> Result<BTreeMap<String, u64>, CallError>;
    fn create_volume(pool: &str, xml: &str) -> Result<(), CallError>;
    fn upload(
        pool: &str,
        name: &str,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool
    ) -> Result<(), CallError>;
    fn refresh_pool(pool: &str) -> Result<(), CallError>;
    fn volume_tail(pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, CallError>;
    fn resize_volume(pool: &str, name: &str, bytes: u64) -> Result<(), CallError>;
    fn file(path: &str) -> Result<Option<FileFacts>, CallError>;
    fn file_digest(path: &str, like: &Digest) -> Result<Option<Digest>, CallError>;
    fn delete_volume(pool: &str, name: &str) -> Result<(), CallError>;
}
