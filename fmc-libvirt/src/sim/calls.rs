//! The simulation as a [`Link`]: each call is recorded, then it fails by its fault or is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use fmc_core::digest::Digest;
use sha2::Digest as _;

use super::trouble::Trouble;
use super::{Fault, Sim, hex, lost, said, xml};
use crate::link::{
    AddressRecord, AddressSource, CallError, CallErrorKind, DomainRecord, Edit, FileFacts, HostFacts,
    LeaseRecord, Link, NetworkRecord, NetworksHere, Pieces, PoolRecord, Section, Surroundings, VolumeFacts,
    VolumeRecord,
};
use crate::volume::{COMMITTED, LEASE};

/// How many bytes an upload sends at once.
const CHUNK: usize = 64 << 10;

/// The names of the calls, for faults and the log of calls.
pub const CALLS: &[&str] = &[
    "facts",
    "interfaces",
    "domains",
    "domain",
    "define-domain",
    "start-domain",
    "shutdown-domain",
    "domain-is-active",
    "destroy-domain",
    "undefine-domain",
    "rename-domain",
    "forget-snapshots",
    "set-domain-autostart",
    "resize-block",
    "guest-addresses",
    "connects",
    "networks",
    "network",
    "define-network",
    "start-network",
    "stop-network",
    "undefine-network",
    "set-network-autostart",
    "update-network",
    "pools",
    "pool",
    "create-pool",
    "start-pool",
    "set-pool-autostart",
    "delete-pool",
    "volumes",
    "volume",
    "network-ports",
    "leases",
    "refresh-pool",
    "disk-capacities",
    "create-volume",
    "upload",
    "volume-tail",
    "resize-volume",
    "delete-volume",
    "file",
    "file-digest",
];

impl Link for Sim {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn facts(&self) -> Result<HostFacts, CallError> {
        self.call("facts", "", |state| Ok(state.host.facts()))
    }

    fn interfaces(&self) -> Result<Option<Vec<String>>, CallError> {
        self.call("interfaces", "", |state| Ok(state.interfaces()))
    }

    fn surroundings(&self) -> Option<Surroundings> {
        let world = self.lock();
        let host = &world.state().host;
        (!host.elsewhere).then(|| host.surroundings())
    }

    fn networks_here(&self) -> Option<NetworksHere> {
        self.lock().state().networks_here()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn is_instant(&self) -> bool {
        !self.blocks
    }

    fn wait(&self, time: Duration) {
        self.lock().state_mut().wait(time);
    }

    fn now(&self) -> Duration {
        Sim::now(self)
    }

    fn connects(&self, to: SocketAddr, within: Duration) -> bool {
        let mut world = self.lock();
        let answers =
            world.begin("connects", &to.to_string()).is_none() && world.state().connects(to.ip(), to.port());
        if !answers {
            world.state_mut().wait(within);
        }
        answers
    }

    fn guest_addresses(
        &self,
        domain: &str,
        source: AddressSource,
    ) -> Result<Option<Vec<AddressRecord>>, CallError> {
        self.call("guest-addresses", domain, |state| state.guest_addresses(domain, source))
    }

    fn leases(&self, network: &str) -> Result<Vec<LeaseRecord>, CallError> {
        self.call("leases", network, |state| state.leases(network))
    }

    fn domains(&self) -> Result<Vec<DomainRecord>, CallError> {
        self.call("domains", "", |state| {
            Ok(state.domains.keys().filter_map(|name| state.domain_record(name)).collect())
        })
    }

    fn domain(&self, name: &str) -> Result<Option<DomainRecord>, CallError> {
        self.call("domain", name, |state| Ok(state.domain_record(name)))
    }

    fn define_domain(&self, xml: &str) -> Result<(), CallError> {
        self.call("define-domain", &named(xml), |state| state.define_domain(xml))
    }

    fn start_domain(&self, name: &str) -> Result<(), CallError> {
        self.call("start-domain", name, |state| state.start_domain(name))
    }

    fn shutdown_domain(&self, name: &str) -> Result<(), CallError> {
        self.call("shutdown-domain", name, |state| state.shutdown_domain(name))
    }

    fn domain_is_active(&self, name: &str) -> Result<bool, CallError> {
        self.call("domain-is-active", name, |state| state.domain_is_active(name))
    }

    fn destroy_domain(&self, name: &str) -> Result<(), CallError> {
        self.call("destroy-domain", name, |state| state.destroy_domain(name))
    }

    fn undefine_domain(&self, name: &str) -> Result<(), CallError> {
        self.call("undefine-domain", name, |state| state.undefine_domain(name))
    }

    fn forget_snapshots(&self, name: &str) -> Result<(), CallError> {
        self.call("forget-snapshots", name, |state| state.forget_snapshots(name))
    }

    fn rename_domain(&self, name: &str, to: &str) -> Result<(), CallError> {
        self.call("rename-domain", name, |state| state.rename_domain(name, to))
    }

    fn set_domain_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        self.call("set-domain-autostart", name, |state| state.set_domain_autostart(name, on))
    }

    fn resize_block(&self, domain: &str, path: &str, bytes: u64) -> Result<(), CallError> {
        self.call("resize-block", path, |state| state.resize_block(domain, path, bytes))
    }

    fn networks(&self) -> Result<Vec<NetworkRecord>, CallError> {
        self.call("networks", "", |state| {
            Ok(state.networks.keys().filter_map(|name| state.network_record(name)).collect())
        })
    }

    fn network(&self, name: &str) -> Result<Option<NetworkRecord>, CallError> {
        self.call("network", name, |state| Ok(state.network_record(name)))
    }

    fn define_network(&self, xml: &str) -> Result<(), CallError> {
        self.call("define-network", &named(xml), |state| state.define_network(xml))
    }

    fn start_network(&self, name: &str) -> Result<(), CallError> {
        self.call("start-network", name, |state| state.start_network(name))
    }

    fn stop_network(&self, name: &str) -> Result<(), CallError> {
        self.call("stop-network", name, |state| state.stop_network(name))
    }

    fn undefine_network(&self, name: &str) -> Result<(), CallError> {
        self.call("undefine-network", name, |state| state.undefine_network(name))
    }

    fn set_network_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        self.call("set-network-autostart", name, |state| state.set_network_autostart(name, on))
    }

    fn update_network(
        &self,
        name: &str,
        section: Section,
        edit: Edit,
        xml: &str,
        active: bool,
    ) -> Result<(), CallError> {
        self.call("update-network", name, |state| state.update_network(name, section, edit, xml, active))
    }

    fn pools(&self) -> Result<Vec<PoolRecord>, CallError> {
        self.call("pools", "", |state| {
            Ok(state.pools.keys().filter_map(|name| state.pool_record(name)).collect())
        })
    }

    fn pool(&self, name: &str) -> Result<Option<PoolRecord>, CallError> {
        self.call("pool", name, |state| Ok(state.pool_record(name)))
    }

    fn create_pool(&self, xml: &str, build: bool) -> Result<(), CallError> {
        self.call("create-pool", &named(xml), |state| state.create_pool(xml, build))
    }

    fn start_pool(&self, name: &str) -> Result<(), CallError> {
        self.call("start-pool", name, |state| state.start_pool(name))
    }

    fn set_pool_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        self.call("set-pool-autostart", name, |state| state.set_pool_autostart(name, on))
    }

    fn delete_pool(&self, name: &str) -> Result<(), CallError> {
        self.call("delete-pool", name, |state| state.delete_pool(name))
    }

    fn volumes(&self, pool: &str) -> Result<Vec<VolumeRecord>, CallError> {
        self.call("volumes", pool, |state| state.volumes(pool))
    }

    fn volume(&self, pool: &str, name: &str) -> Result<Option<VolumeFacts>, CallError> {
        self.call("volume", name, |state| state.volume(pool, name))
    }

    fn network_ports(&self, name: &str) -> Result<Option<BTreeSet<String>>, CallError> {
        self.call("network-ports", name, |state| state.network_ports(name).map(Some))
    }

    fn disk_capacities(&self) -> Result<BTreeMap<String, u64>, CallError> {
        self.call("disk-capacities", "", |state| Ok(state.disk_capacities()))
    }

    fn create_volume(&self, pool: &str, xml: &str) -> Result<(), CallError> {
        self.call("create-volume", &named(xml), |state| state.create_volume(pool, xml))
    }

    fn upload(
        &self,
        pool: &str,
        name: &str,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CallError> {
        let failed = |trouble: Trouble| trouble.during(said("upload", name));
        self.meanwhile_act();
        let fault = self.lock().begin("upload", name);
        let limit = match fault {
            None | Some(Fault::CutAfter) => u64::MAX,
            Some(Fault::CutAt(bytes)) => bytes,
            Some(Fault::Cut) => return Err(failed(lost())),
            Some(Fault::Fail(words)) => return Err(failed(Trouble::failed(words))),
            Some(Fault::Hang) => {
                return Err(failed(Trouble::of(
                    CallErrorKind::Deadline { seconds: 30 },
                    "no answer in time",
                )));
            }
        };
        let mut hash = sha2::Sha256::new();
        let mut sent = 0_u64;
        let file = self.lock().state().file_of(pool, name);
        while length.is_none_or(|length| sent < length) {
            let piece = bytes.next().map_err(|cause| failed(Trouble::failed(cause.to_string())))?;
            let Some(piece) = piece else {
                let Some(length) = length else { break };
                let words = format!("the source ended after {sent} of {length} bytes");
                return Err(failed(Trouble::failed(words)));
            };
            piece.try_for_each(|bytes| {
                bytes.chunks(CHUNK).try_for_each(|some| {
                    hash.update(some);
                    sent += some.len() as u64;
                    let digest = hex(&hash);
                    self.meanwhile_act();
                    self.lock().state_mut().receive(pool, name, file, sent, digest).map_err(failed)?;
                    if name == LEASE || name.ends_with(COMMITTED) {
                        self.lock().state_mut().write_text(pool, name, file, some);
                    }
                    if sent >= limit {
                        return Err(failed(lost()));
                    }
                    if !each(sent) {
                        return Err(failed(Trouble::of(CallErrorKind::Cancelled, "asked to stop")));
                    }
                    Ok(())
                })
            })?;
        }
        if fault == Some(Fault::CutAfter) { Err(failed(lost())) } else { Ok(()) }
    }

    fn refresh_pool(&self, pool: &str) -> Result<(), CallError> {
        self.call("refresh-pool", pool, |state| state.refresh_pool(pool))
    }

    fn volume_tail(&self, pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, CallError> {
        self.call("volume-tail", name, |state| state.volume_tail(pool, name, bytes))
    }

    fn resize_volume(&self, pool: &str, name: &str, bytes: u64) -> Result<(), CallError> {
        self.call("resize-volume", name, |state| state.resize_volume(pool, name, bytes))
    }

    fn file(&self, path: &str) -> Result<Option<FileFacts>, CallError> {
        self.call("file", path, |state| Ok(state.file(path)))
    }

    fn file_digest(&self, path: &str, like: &Digest) -> Result<Option<Digest>, CallError> {
        self.call("file-digest", path, |state| Ok(state.file_digest(path, like)))
    }

    fn delete_volume(&self, pool: &str, name: &str) -> Result<(), CallError> {
        self.call("delete-volume", name, |state| state.delete_volume(pool, name))
    }
}

/// The name in a document, for the log of calls; empty if it has none.
fn named(text: &str) -> String {
    roxmltree::Document::parse(text)
        .ok()
        .and_then(|document| xml::text(document.root_element(), &["name"]).map(str::to_owned))
        .unwrap_or_default()
}
