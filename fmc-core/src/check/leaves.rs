//! Every wrong leaf of the draft, at its path.
//!
//! Each struct is taken apart field by field, so that a field that is added is a compile error here until it is looked
//! at.

mod cluster;

use std::collections::BTreeMap;

use super::view::{View, text};
use crate::cloud::{Accept, Cloud};
use crate::disk::{Allocation, Disk};
use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::flow::Peer;
use crate::given::{Given, Leaf};
use crate::host::{CpuModel, Host, Pool, Topology};
use crate::image::{DirectKernel, Image, Source};
use crate::machine::{Interface, Machine, Opening, Root};
use crate::network::{Network, Reservation};
use crate::ready::{Ready, Signal};
use crate::unit::Size;

/// The granule of a disk.
const SECTOR: u64 = 512;

/// The granule of a machine's memory: libvirt counts in KiB, QEMU aligns what it gives out to MiB.
const MEMORY_UNIT: u64 = 1 << 20;

/// Looks at every leaf.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    Leaves { findings, view }.cloud(view.cloud);
}

struct Leaves<'f> {
    findings: &'f mut Vec<Finding>,
    view: &'f View<'f>,
}

impl Leaves<'_> {
    /// A name that refers to a host or network: one that is wrong where it is defined is told of there, and once.
    fn reference<T: Leaf + AsRef<str>>(
        &mut self,
        given: &Given<T>,
        known: &BTreeMap<&str, usize>,
        at: &At<'_>,
    ) {
        if given.ok().is_none() && !known.contains_key(text(given)) {
            self.one(given, at);
        }
    }

    fn one<T: Leaf>(&mut self, given: &Given<T>, at: &At<'_>) {
        leaf(given, at, self.findings);
    }

    fn maybe<T: Leaf>(&mut self, given: Option<&Given<T>>, at: &At<'_>) {
        if let Some(given) = given {
            self.one(given, at);
        }
    }

    fn each<T: Leaf>(&mut self, given: &[Given<T>], at: &At<'_>) {
        for (index, given) in given.iter().enumerate() {
            self.one(given, &at.index(index));
        }
    }

    fn wrong(&mut self, at: &At<'_>, problem: ValueProblem) {
        self.findings.push(problem.at(at));
    }

    /// Free text ends up in XML and in boot loaders, which have no place for control characters.
    fn text(&mut self, text: &str, what: &'static str, at: &At<'_>) {
        if text.chars().any(char::is_control) {
            self.wrong(at, ValueProblem::ControlCharacter { what });
        }
    }

    /// What is written in KiB or in sectors comes back rounded, and would look changed for ever.
    fn whole(&mut self, size: Option<&Given<Size>>, unit: u64, granule: &'static str, at: &At<'_>) {
        if let Some(size) = size.and_then(Given::ok).filter(|size| !size.as_bytes().is_multiple_of(unit)) {
            let rounded = Size::bytes(size.as_bytes().next_multiple_of(unit));
            self.wrong(at, ValueProblem::NotWhole { size: *size, granule, rounded });
        }
    }

    fn cloud(&mut self, cloud: &Cloud) {
        let Cloud {
            name,
            owner,
            lab: _,
            domain,
            time_zone,
            resolvers,
            public_addresses,
            prefixed: _,
            ssh_host_keys: _,
            ssh_from,
            hosts,
            networks,
            machines,
            clusters,
            accept,
        } = cloud;
        self.one(name, &At::ROOT.key("name"));
        self.maybe(owner.as_ref(), &At::ROOT.key("owner"));
        self.maybe(domain.as_ref(), &At::ROOT.key("domain"));
        self.maybe(time_zone.as_ref(), &At::ROOT.key("time_zone"));
        self.each(resolvers, &At::ROOT.key("resolvers"));
        self.each(public_addresses, &At::ROOT.key("public_addresses"));
        for (index, peer) in ssh_from.iter().flatten().enumerate() {
            self.peer(peer, &At::ROOT.key("ssh_from").index(index));
        }
        for host in hosts {
            self.host(host, &At::ROOT.key("hosts").name(&host.name));
        }
        for network in networks {
            self.network(network, &At::ROOT.key("networks").name(&network.name));
        }
        for machine in machines {
            self.machine(machine, &At::ROOT.key("machines").name(&machine.name));
        }
        for cluster in clusters {
            self.cluster(cluster, &At::ROOT.key("clusters").name(&cluster.name));
        }
        for (index, Accept { kind: _, reason }) in accept.iter().enumerate() {
            let list = At::ROOT.key("accept");
            let entry = list.index(index);
            let at = entry.key("reason");
            self.text(reason, "reason", &at);
            if reason.trim().is_empty() {
                self.wrong(&at, ValueProblem::NoReason);
            }
        }
    }

    fn peer(&mut self, peer: &Peer, at: &At<'_>) {
        match peer {
            Peer::Anywhere => {}
            Peer::Subnet(subnet) => self.one(subnet, &at.key("subnet")),
            Peer::Network(name) => self.reference(name, &self.view.network_index, &at.key("network")),
            Peer::Machine(name) => self.one(name, &at.key("machine")),
            Peer::SubnetOfRole(group) => self.one(&group.kind, &at.key("subnet-of-role").key("kind")),
            Peer::Role(group) => self.one(&group.kind, &at.key("role").key("kind")),
            Peer::Inside { interfaces, subnet } => {
                let inside = at.key("inside");
                self.each(interfaces, &inside.key("interfaces"));
                self.one(subnet, &inside.key("subnet"));
                self.findings.extend(peer.unwritable(at));
            }
        }
    }

    fn host(&mut self, host: &Host, at: &At<'_>) {
        let Host {
            name,
            uri,
            topology,
            memory,
            reserve,
            acceleration: _,
            machine_type,
            cpu,
            base,
            capacity,
            pools,
            bridges,
            console_log: _,
        } = host;
        self.one(name, at);
        self.maybe(uri.as_ref(), &at.key("uri"));
        self.maybe(memory.as_ref(), &at.key("memory"));
        self.maybe(reserve.as_ref(), &at.key("reserve"));
        self.maybe(machine_type.as_ref(), &at.key("machine_type"));
        self.maybe(base.as_ref(), &at.key("base"));
        self.maybe(capacity.as_ref(), &at.key("capacity"));
        self.each(bridges, &at.key("bridges"));
        if let Some(topology) = topology {
            self.topology(topology, &at.key("topology"));
        }
        if let CpuModel::Named(model) = cpu {
            self.cpu_model(model, &at.key("cpu"));
        }
        for Pool { name, path, capacity } in pools {
            let pools = at.key("pools");
            let at = pools.name(name);
            self.one(name, &at);
            self.one(path, &at.key("path"));
            self.maybe(capacity.as_ref(), &at.key("capacity"));
        }
    }

    fn topology(&mut self, topology: &Topology, at: &At<'_>) {
        let Topology { sockets, cores, threads } = *topology;
        if [sockets, cores, threads].contains(&0) {
            self.wrong(at, ValueProblem::NoThreads { topology: topology.to_string() });
        }
    }

    fn cpu_model(&mut self, model: &str, at: &At<'_>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if model.is_empty() || !model.chars().all(plain) {
            self.wrong(at, ValueProblem::CpuModel { model: model.to_owned() });
        }
    }

    fn network(&mut self, network: &Network, at: &At<'_>) {
        let Network {
            name,
            mode: _,
            host,
            bridge,
            subnet,
            gateway,
            dhcp,
            ipv6,
            gateway6,
            dhcp6,
            reservations,
            domain,
            mtu,
            resolvers,
            autostart: _,
        } = network;
        self.one(name, at);
        if let Some(host) = host {
            self.reference(host, &self.view.host_index, &at.key("host"));
        }
        self.maybe(bridge.as_ref(), &at.key("bridge"));
        self.maybe(subnet.as_ref(), &at.key("subnet"));
        self.maybe(gateway.as_ref(), &at.key("gateway"));
        self.maybe(dhcp.as_ref(), &at.key("dhcp"));
        self.maybe(ipv6.as_ref(), &at.key("ipv6"));
        self.maybe(gateway6.as_ref(), &at.key("gateway6"));
        self.maybe(dhcp6.as_ref(), &at.key("dhcp6"));
        self.maybe(domain.as_ref(), &at.key("domain"));
        self.maybe(mtu.as_ref(), &at.key("mtu"));
        self.each(resolvers, &at.key("resolvers"));
        for (index, Reservation { mac, address, hostname }) in reservations.iter().enumerate() {
            let list = at.key("reservations");
            let at = list.index(index);
            self.one(mac, &at.key("mac"));
            self.one(address, &at.key("address"));
            self.maybe(hostname.as_ref(), &at.key("hostname"));
        }
    }

    fn machine(&mut self, machine: &Machine, at: &At<'_>) {
        let Machine {
            name,
            image,
            host,
            cpus,
            memory,
            root_disk,
            disks,
            interfaces,
            hostname,
            fqdn,
            time_zone,
            resolvers,
            power: _,
            autostart: _,
            shutdown: _,
            ready,
            firewall: _,
            accept,
            // What is inside has rules of its own.
            guest: _,
            labels,
            taints,
            roles: _,
        } = machine;
        self.one(name, at);
        self.image(image, &at.key("image"));
        if let Some(host) = host {
            self.reference(host, &self.view.host_index, &at.key("host"));
        }
        self.maybe(cpus.as_ref(), &at.key("cpus"));
        self.maybe(memory.as_ref(), &at.key("memory"));
        self.whole(memory.as_ref(), MEMORY_UNIT, "MiB, in which memory is given out", &at.key("memory"));
        self.maybe(hostname.as_ref(), &at.key("hostname"));
        self.maybe(fqdn.as_ref(), &at.key("fqdn"));
        self.maybe(time_zone.as_ref(), &at.key("time_zone"));
        self.each(resolvers, &at.key("resolvers"));
        self.each(labels, &at.key("labels"));
        self.each(taints, &at.key("taints"));
        for (index, Opening { service, from }) in accept.iter().enumerate() {
            let list = at.key("accept");
            let at = list.index(index);
            self.one(service, &at.key("service"));
            self.peer(from, &at.key("from"));
        }
        if let Some(Ready { signal, within }) = ready {
            let at = at.key("ready");
            self.maybe(within.as_ref(), &at.key("within"));
            if let Signal::Tcp(port) = signal {
                self.one(port, &at.key("signal").key("tcp"));
            }
        }
        if let Some(Root { size, allocation }) = root_disk {
            // In a file a thin root disk is its size alone.
            let root = at.key("root_disk");
            let at = if *allocation == Allocation::Thin { root } else { root.key("size") };
            self.one(size, &at);
            self.whole(Some(size), SECTOR, "sectors of 512 B", &at);
        }
        for Disk { name, size, serial, pool, allocation: _, mount, filesystem: _ } in disks {
            let disks = at.key("disks");
            let at = disks.name(name);
            self.one(name, &at);
            self.one(size, &at.key("size"));
            self.whole(Some(size), SECTOR, "sectors of 512 B", &at.key("size"));
            self.maybe(serial.as_ref(), &at.key("serial"));
            self.maybe(pool.as_ref(), &at.key("pool"));
            self.maybe(mount.as_ref(), &at.key("mount"));
        }
        for (index, interface) in interfaces.iter().enumerate() {
            self.interface(interface, &at.key("interfaces").index(index));
        }
    }

    fn interface(&mut self, interface: &Interface, at: &At<'_>) {
        let Interface { network, address, address6, reserved, reserved6, mac, default_route: _ } = interface;
        self.reference(network, &self.view.network_index, &at.key("network"));
        self.maybe(address.as_ref(), &at.key("address"));
        self.maybe(address6.as_ref(), &at.key("address6"));
        self.maybe(reserved.as_ref(), &at.key("reserved"));
        self.maybe(reserved6.as_ref(), &at.key("reserved6"));
        self.maybe(mac.as_ref(), &at.key("mac"));
    }

    fn image(&mut self, image: &Image, at: &At<'_>) {
        let Image {
            os: _,
            version,
            architecture: _,
            source,
            digest,
            unpacked_digest,
            format: _,
            minimum,
            kernel,
        } = image;
        self.text(version, "version", &at.key("version"));
        self.maybe(digest.as_ref(), &at.key("digest"));
        self.maybe(unpacked_digest.as_ref(), &at.key("unpacked_digest"));
        self.maybe(minimum.as_ref(), &at.key("minimum"));
        let of_source = at.key("source");
        match source {
            Source::Path(path) => self.one(path, &of_source.key("path")),
            Source::File { path, digest } => {
                let at = of_source.key("file");
                self.one(path, &at.key("path"));
                self.one(digest, &at.key("digest"));
            }
            Source::Url { url, digest } => {
                let at = of_source.key("url");
                self.one(url, &at.key("url"));
                self.one(digest, &at.key("digest"));
            }
            Source::Volume { pool, name } => {
                let at = of_source.key("volume");
                self.one(pool, &at.key("pool"));
                self.one(name, &at.key("name"));
            }
            Source::Blank => {}
        }
        if let Some(DirectKernel { kernel, initrd, command_line }) = kernel {
            let at = at.key("kernel");
            self.one(kernel, &at.key("kernel"));
            self.maybe(initrd.as_ref(), &at.key("initrd"));
            self.text(command_line, "command line", &at.key("command_line"));
        }
    }
}
