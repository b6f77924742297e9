//! The link to a real libvirt, over the `virt` crate (feature `virt`: needs the C library).
//!
//! Calls decide how long a plan takes, so there are few: one list for each kind, and one document for each
//! object, four at a time. Names, keys and whether a domain runs come with the list. An object that was read,
//! defined or created keeps its handle, so that the next call on it needs no look-up.
//!
//! Every call has a deadline. It runs on a thread of its own. A call that does not answer is abandoned
//! together with its connection, and the next call opens a new one.

mod call;
mod download;
mod failure;
mod hostfile;
mod raw;
mod read;
mod session;
mod stops;
mod storage;
mod surroundings;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Duration;

use fmc_core::digest::Digest;
use virt::sys;

use self::call::{Call, Kind};
use self::session::Client;
use self::stops::Stops;
use crate::link::{
    AddressRecord, AddressSource, CallError, DomainRecord, Edit, FileFacts, HostFacts, LeaseRecord, Link,
    NetworkRecord, NetworksHere, Pieces, PoolRecord, Section, Surroundings, VolumeFacts, VolumeRecord,
};

/// The timeouts of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Opening a connection, and calls that read.
    pub read: Duration,
    /// Calls that define, create, resize, stop or delete.
    pub change: Duration,
    /// Starting a domain, a network or a pool.
    pub start: Duration,
    /// One chunk of an upload (1 MiB). The end of an upload uses `change`.
    pub chunk: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(30),
            change: Duration::from_secs(90),
            start: Duration::from_secs(180),
            chunk: Duration::from_secs(60),
        }
    }
}

/// The link over the `virt` crate.
///
/// ```
/// use fmc_libvirt::link::Link as _;
/// use fmc_libvirt::virt::VirtLink;
///
/// // libvirt's own simulation lives in the client library: no daemon, no root.
/// let link = VirtLink::connect("test:///default")?;
/// assert_eq!(link.domains()?.len(), 1);
/// # Ok::<(), fmc_libvirt::link::CallError>(())
/// ```
#[derive(Debug)]
pub struct VirtLink {
    client: Client,
    stops: Stops,
    facts: OnceLock<HostFacts>,
}

impl VirtLink {
    /// Opens a connection, for example to `qemu:///system` or `qemu+ssh://root@host/system`.
    ///
    /// # Errors
    ///
    /// When libvirt does not answer or refuses this user; the error says what to do.
    pub fn connect(uri: &str) -> Result<Self, CallError> {
        Self::connect_with(uri, Deadlines::default())
    }

    /// Opens a connection with other deadlines.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_with(uri: &str, deadlines: Deadlines) -> Result<Self, CallError> {
        let (client, stops) = (Client::new(uri, deadlines), Stops::new(uri, deadlines));
        let link = Self { client, stops, facts: OnceLock::new() };
        link.client.session()?;
        Ok(link)
    }

    fn deadlines(&self) -> Deadlines {
        self.client.deadlines()
    }

    /// A call that reads an object.
    fn reading(&self, kind: Kind, name: &str) -> Call {
        Call::read(format!("read {kind} {name}"), kind, self.deadlines().read)
    }

    /// The cheapest read.
    fn asking_whether_it_runs(&self, name: &str) -> Call {
        Call::read(format!("ask whether domain {name} runs"), Kind::Domain, self.deadlines().read)
    }

    /// A call that changes an object.
    fn changing(&self, verb: &str, kind: Kind, name: &str) -> Call {
        Call::change(format!("{verb} {kind} {name}"), kind, self.deadlines().change)
    }

    /// A call that starts an object.
    fn starting(&self, kind: Kind, name: &str) -> Call {
        Call::change(format!("start {kind} {name}"), kind, self.deadlines().start)
    }
}

impl VirtLink {
    /// Whether its host is this computer. A socket of one's own may lead to another one.
    fn is_here(&self) -> bool {
        self.is_local() && !self.uri().contains("socket=") && !self.client.is_test()
    }
}

impl Link for VirtLink {
    fn uri(&self) -> &str {
        self.client.uri()
    }

    fn facts(&self) -> Result<HostFacts, CallError> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts.clone());
        }
        let call = Call::read("read the host's capabilities".to_owned(), Kind::Host, self.deadlines().read);
        let words = call.words.clone();
        let xml = self.client.call(call, |session| session.connection.capabilities())?;
        let facts = read::host_facts(&xml).ok_or_else(|| failure::unreadable(&words))?;
        Ok(self.facts.get_or_init(|| facts).clone())
    }

    fn interfaces(&self) -> Result<Option<Vec<String>>, CallError> {
        let call = Call::read("list the host's interfaces".to_owned(), Kind::Host, self.deadlines().read);
        let names = self.client.call(call, |session| {
            session.connection.list_all_interfaces(0)?.iter().map(|interface| interface.name()).collect()
        });
        match names {
            Ok(names) => Ok(Some(names)),
            Err(error) if failure::is_unsupported(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn domains(&self) -> Result<Vec<DomainRecord>, CallError> {
        read::domains(&self.client)
    }

    fn domain(&self, name: &str) -> Result<Option<DomainRecord>, CallError> {
        let (call, name) = (self.reading(Kind::Domain, name), name.to_owned());
        failure::none_if_absent(self.client.call(call, move |session| read::domain(session, &name)))
    }

    fn define_domain(&self, xml: &str) -> Result<(), CallError> {
        let (call, xml) = (self.changing("define", Kind::Domain, &read::name_in(xml)), xml.to_owned());
        self.client.call(call, move |session| {
            let domain = session.connection.define_domain_xml_flags(&xml, sys::VIR_DOMAIN_DEFINE_VALIDATE)?;
            session.domains.keep(domain.name()?, domain);
            Ok(())
        })
    }

    fn start_domain(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.starting(Kind::Domain, name), name.to_owned());
        self.client.call(call, move |session| session.on_domain(&name, |domain| domain.create()))
    }

    fn shutdown_domain(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("shut down", Kind::Domain, name), name.to_owned());
        self.client.call(call, move |session| session.on_domain(&name, |domain| domain.shutdown()))
    }

    fn domain_is_active(&self, name: &str) -> Result<bool, CallError> {
        let (call, name) = (self.asking_whether_it_runs(name), name.to_owned());
        self.client.call(call, move |session| session.on_domain(&name, |domain| domain.is_active()))
    }

    fn destroy_domain(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("force off", Kind::Domain, name), name.to_owned());
        self.stops.call(&self.client, call, move |session| {
            session.on_domain(&name, |domain| failure::fine_if(domain.destroy(), || Ok(!domain.is_active()?)))
        })
    }

    fn undefine_domain(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("undefine", Kind::Domain, name), name.to_owned());
        let mut flags = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;
        // The test driver does not support NVRAM, and refuses the flag.
        if !self.client.is_test() {
            flags |= sys::VIR_DOMAIN_UNDEFINE_NVRAM;
        }
        self.client.call(call, move |session| {
            session.on_domain(&name, |domain| domain.undefine_flags(flags))?;
            session.domains.forget(&name);
            Ok(())
        })
    }

    fn forget_snapshots(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("forget the snapshots of", Kind::Domain, name), name.to_owned());
        self.client.call(call, move |session| {
            session.on_domain(&name, |domain| {
                for snapshot in domain.list_all_snapshots(0)? {
                    snapshot.delete(sys::VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)?;
                }
                Ok(())
            })
        })
    }

    fn rename_domain(&self, name: &str, to: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("rename", Kind::Domain, name), name.to_owned());
        let to = to.to_owned();
        self.client.call(call, move |session| {
            session.on_domain(&name, |domain| domain.rename(&to, 0))?;
            session.domains.forget(&name);
            Ok(())
        })
    }

    fn set_domain_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        let (call, name) = (self.changing("set autostart of", Kind::Domain, name), name.to_owned());
        self.client.call(call, move |session| session.on_domain(&name, |domain| domain.set_autostart(on)))
    }

    fn resize_block(&self, domain: &str, path: &str, bytes: u64) -> Result<(), CallError> {
        let (call, name, path) =
            (self.changing("grow a disk of", Kind::Domain, domain), domain.to_owned(), path.to_owned());
        self.client.call(call, move |session| {
            session.on_domain(&name, |domain| {
                domain.block_resize(&path, bytes, sys::VIR_DOMAIN_BLOCK_RESIZE_BYTES)
            })
        })
    }

    fn guest_addresses(
        &self,
        domain: &str,
        source: AddressSource,
    ) -> Result<Option<Vec<AddressRecord>>, CallError> {
        let what = match source {
            AddressSource::Arp => "the neighbours' addresses of",
            AddressSource::Agent => "the agent of",
        };
        let words = format!("ask {what} domain {domain}");
        let call = Call::read(words, Kind::Domain, self.deadlines().read);
        let name = domain.to_owned();
        self.client.call(call, move |session| {
            session.on_domain(&name, |domain| match raw::guest_addresses(domain, source) {
                Err(error) if failure::is_silent_agent(&error) => Ok(None),
                answer => answer.map(Some),
            })
        })
    }

    fn networks(&self) -> Result<Vec<NetworkRecord>, CallError> {
        read::networks(&self.client)
    }

    fn network_ports(&self, name: &str) -> Result<Option<BTreeSet<String>>, CallError> {
        let (call, name) = (self.reading(Kind::Network, name), name.to_owned());
        match self.client.call(call, move |session| session.on_network(&name, raw::network_ports)) {
            Err(error) if failure::is_unsupported(&error) => Ok(None),
            answer => answer.map(Some),
        }
    }

    fn leases(&self, network: &str) -> Result<Vec<LeaseRecord>, CallError> {
        let call =
            Call::read(format!("read the leases of network {network}"), Kind::Network, self.deadlines().read);
        let name = network.to_owned();
        match self.client.call(call, move |session| session.on_network(&name, raw::leases)) {
            Err(error) if failure::is_unsupported(&error) => Ok(Vec::new()),
            answer => answer,
        }
    }

    fn network(&self, name: &str) -> Result<Option<NetworkRecord>, CallError> {
        let (call, name) = (self.reading(Kind::Network, name), name.to_owned());
        let test = self.client.is_test();
        failure::none_if_absent(self.client.call(call, move |session| read::network(session, &name, test)))
    }

    fn define_network(&self, xml: &str) -> Result<(), CallError> {
        let (call, xml) = (self.changing("define", Kind::Network, &read::name_in(xml)), xml.to_owned());
        self.client.call(call, move |session| {
            let network = session.connection.define_network_xml(&xml)?;
            session.networks.keep(network.name()?, network);
            Ok(())
        })
    }

    fn start_network(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.starting(Kind::Network, name), name.to_owned());
        self.client.call(call, move |session| session.on_network(&name, |network| network.create()))
    }

    fn stop_network(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("stop", Kind::Network, name), name.to_owned());
        self.client.call(call, move |session| {
            session.on_network(&name, |network| {
                failure::fine_if(network.destroy(), || Ok(!network.is_active()?))
            })
        })
    }

    fn undefine_network(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("undefine", Kind::Network, name), name.to_owned());
        self.client.call(call, move |session| {
            session.on_network(&name, |network| network.undefine())?;
            session.networks.forget(&name);
            Ok(())
        })
    }

    fn set_network_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        let (call, name) = (self.changing("set autostart of", Kind::Network, name), name.to_owned());
        self.client.call(call, move |session| session.on_network(&name, |network| network.set_autostart(on)))
    }

    fn update_network(
        &self,
        name: &str,
        section: Section,
        edit: Edit,
        xml: &str,
        active: bool,
    ) -> Result<(), CallError> {
        let command = match edit {
            Edit::Add => sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
            Edit::Delete => sys::VIR_NETWORK_UPDATE_COMMAND_DELETE,
        };
        let verb = match (edit, section) {
            (Edit::Add, Section::DhcpHost) => "add a DHCP host to",
            (Edit::Delete, Section::DhcpHost) => "take a DHCP host from",
            (Edit::Add, Section::DnsHost) => "add a DNS host to",
            (Edit::Delete, Section::DnsHost) => "take a DNS host from",
        };
        let (call, name, xml) = (self.changing(verb, Kind::Network, name), name.to_owned(), xml.to_owned());
        let live = if active { sys::VIR_NETWORK_UPDATE_AFFECT_LIVE } else { 0 };
        let flags = sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG | live;
        self.client.call(call, move |session| {
            session.on_network(&name, |network| {
                let (section, index) = match section {
                    Section::DhcpHost => {
                        (sys::VIR_NETWORK_SECTION_IP_DHCP_HOST, read::subnet_of_host(network, &xml)?)
                    }
                    Section::DnsHost => (sys::VIR_NETWORK_SECTION_DNS_HOST, -1),
                };
                network.update(command, section, index, &xml, flags)
            })
        })
    }

    fn pools(&self) -> Result<Vec<PoolRecord>, CallError> {
        read::pools(&self.client)
    }

    fn pool(&self, name: &str) -> Result<Option<PoolRecord>, CallError> {
        let (call, name) = (self.reading(Kind::Pool, name), name.to_owned());
        failure::none_if_absent(self.client.call(call, move |session| read::pool(session, &name)))
    }

    fn create_pool(&self, xml: &str, build: bool) -> Result<(), CallError> {
        let (call, xml) = (self.changing("create", Kind::Pool, &read::name_in(xml)), xml.to_owned());
        self.client.call(call, move |session| storage::create_pool(session, &xml, build))
    }

    fn start_pool(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.starting(Kind::Pool, name), name.to_owned());
        self.client.call(call, move |session| session.on_pool(&name, |pool| pool.create(0)))
    }

    fn set_pool_autostart(&self, name: &str, on: bool) -> Result<(), CallError> {
        let (call, name) = (self.changing("set autostart of", Kind::Pool, name), name.to_owned());
        self.client.call(call, move |session| session.on_pool(&name, |pool| pool.set_autostart(on)))
    }

    fn delete_pool(&self, name: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("delete", Kind::Pool, name), name.to_owned());
        self.client.call(call, move |session| storage::delete_pool(session, &name))
    }

    fn volumes(&self, pool: &str) -> Result<Vec<VolumeRecord>, CallError> {
        let call = Call::read(format!("list the volumes of pool {pool}"), Kind::Pool, self.deadlines().read);
        let pool = pool.to_owned();
        self.client.call(call, move |session| storage::volumes(session, &pool))
    }

    fn volume(&self, pool: &str, name: &str) -> Result<Option<VolumeFacts>, CallError> {
        let call = self.reading(Kind::Volume, &format!("{pool}/{name}"));
        let words = call.words.clone();
        let (pool, name) = (pool.to_owned(), name.to_owned());
        let xml = self
            .client
            .call(call, move |session| session.on_volume(&pool, &name, |volume| volume.xml_desc(0)));
        failure::none_if_absent(xml)?
            .map(|xml| storage::volume_facts(&xml).ok_or_else(|| failure::unreadable(&words)))
            .transpose()
    }

    fn disk_capacities(&self) -> Result<BTreeMap<String, u64>, CallError> {
        let call =
            Call::read("read the capacities of all disks".to_owned(), Kind::Host, self.deadlines().read);
        match self.client.call(call, |session| raw::disk_capacities(&session.connection)) {
            Err(error) if failure::is_unsupported(&error) => Ok(BTreeMap::new()),
            answer => answer,
        }
    }

    fn create_volume(&self, pool: &str, xml: &str) -> Result<(), CallError> {
        let name = read::name_in(xml);
        let call = self.changing("create", Kind::Volume, &format!("{pool}/{name}"));
        let (pool, xml) = (pool.to_owned(), xml.to_owned());
        self.client.call(call, move |session| storage::create_volume(session, &pool, &xml))
    }

    fn upload(
        &self,
        pool: &str,
        name: &str,
        bytes: &mut dyn Pieces,
        length: Option<u64>,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(), CallError> {
        upload::upload(&self.client, pool, name, bytes, length, each)
    }

    fn refresh_pool(&self, pool: &str) -> Result<(), CallError> {
        let (call, name) = (self.changing("read anew", Kind::Pool, pool), pool.to_owned());
        self.client.call(call, move |session| session.on_pool(&name, |pool| pool.refresh(0)))
    }

    fn volume_tail(&self, pool: &str, name: &str, bytes: u64) -> Result<Option<Vec<u8>>, CallError> {
        let call = self.reading(Kind::Volume, &format!("{pool}/{name}"));
        let (pool, name) = (pool.to_owned(), name.to_owned());
        failure::none_if_absent(
            self.client.call(call, move |session| download::tail(session, &pool, &name, bytes)),
        )
    }

    fn resize_volume(&self, pool: &str, name: &str, bytes: u64) -> Result<(), CallError> {
        let call = self.changing("grow", Kind::Volume, &format!("{pool}/{name}"));
        let (pool, name) = (pool.to_owned(), name.to_owned());
        self.client
            .call(call, move |session| session.on_volume(&pool, &name, |volume| volume.resize(bytes, 0)))
    }

    fn file(&self, path: &str) -> Result<Option<FileFacts>, CallError> {
        hostfile::facts(&self.client, path)
    }

    fn file_digest(&self, path: &str, like: &Digest) -> Result<Option<Digest>, CallError> {
        hostfile::digest(&self.client, path, like)
    }

    fn surroundings(&self) -> Option<Surroundings> {
        self.is_here().then(surroundings::here)
    }

    fn networks_here(&self) -> Option<NetworksHere> {
        self.is_here().then(surroundings::networks).flatten()
    }

    fn is_local(&self) -> bool {
        self.uri().split_once("://").is_some_and(|(_, rest)| rest.starts_with('/'))
    }

    fn delete_volume(&self, pool: &str, name: &str) -> Result<(), CallError> {
        let call = self.changing("delete", Kind::Volume, &format!("{pool}/{name}"));
        let (pool, name) = (pool.to_owned(), name.to_owned());
        let gone = self.client.call(call, move |session| {
            session.on_volume(&pool, &name, |volume| volume.delete(0))?;
            session.forget_volume(&pool, &name);
            Ok(())
        });
        failure::none_if_absent(gone).map(|_| ())
    }
}
