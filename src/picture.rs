//! A cloud as a picture: networks, machines with their addresses, disks and hosts, as Mermaid, Graphviz or SVG.
//!
//! A picture is a pure function of the checked cloud: the same cloud gives the same bytes.
//!
//! ```
//! use fmc::picture::Picture;
//! use fmc::prelude::*;
//!
//! let web = Machine::new("web", Image::blank()).interface(Interface::on("lab").address("10.17.3.10"));
//! let cloud = Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(web);
//! let picture = Picture::of(&cloud.check()?);
//! assert!(picture.mermaid().starts_with("flowchart LR\n"));
//! assert!(picture.dot().contains("10.17.3.10"));
//! assert!(picture.svg().starts_with("<svg "));
//! # Ok::<(), Report>(())
//! ```

mod dot;
mod flows;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;

use fmc_core::checked::{Addressing, Checked, Disk, Forward, Host, Idx, Interface, Machine, Network};
use fmc_core::image::Os;
use fmc_core::provider::{Drawn, Rooms};

use crate::providers::{Providers, built_in};

/// The drawn parts of a cloud. References are indices into the lists that the check sorted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    title: String,
    hosts: Vec<Place>,
    networks: Vec<Bus>,
    machines: Vec<Node>,
    /// The ends of the drawn flows; empty unless flows are drawn.
    ends: Vec<flows::End>,
    arrows: Vec<flows::Arrow>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    name: String,
    uri: String,
    /// The cloud's own pool, and others that its machines use: the name and the folder.
    pools: Vec<(String, String)>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bus {
    name: String,
    /// The kind of network, as `nat`.
    forward: &'static str,
    subnets: Vec<String>,
    bridge: String,
    hosts: Vec<usize>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    name: String,
    host: usize,
    /// Its processors, memory and root disk.
    size: String,
    /// The operating system, as `debian 12`; empty for a blank disk.
    os: String,
    /// Its roles, as `k3s-server of prod`.
    roles: Vec<String>,
    /// Its data disks: the name and size, and the pool as an index into its host's pools.
    disks: Vec<(String, usize)>,
    plugs: Vec<Plug>,
}

/// An interface of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plug {
    network: usize,
    /// Its addresses, or the way in which it gets them.
    addresses: Vec<String>,
    /// Whether the machine's default route uses it.
    is_default: bool,
}

impl Picture {
    /// The picture of a cloud.
    pub fn of(checked: &Checked) -> Self {
        let rooms = built_in();
        let rooms = rooms.iter().fold(Rooms::new(), Rooms::with_any);
        let hosts: Vec<Place> =
            checked.hosts().iter().map(|host| place(host, &rooms.drawn(checked))).collect();
        let mut machines: Vec<Node> =
            checked.machines().iter().map(|machine| node(machine, &hosts)).collect();
        for (group, members) in checked.roles() {
            // A machine with a role of an instance is in the group of the role's kind, too.
            let has_instance = |at: &Idx<Machine>| {
                let mut same = checked.roles().iter().filter(|(other, _)| other.kind == group.kind);
                same.any(|(other, members)| {
                    other.instance.is_some() && members.machines.binary_search(at).is_ok()
                })
            };
            for at in &members.machines {
                if let Some(machine) = machines.get_mut(at.position())
                    && (group.instance.is_some() || !has_instance(at))
                {
                    machine.roles.push(group.to_string());
                }
            }
        }
        Self {
            ends: Vec::new(),
            arrows: Vec::new(),
            title: checked.name().to_string(),
            networks: checked.networks().iter().map(bus).collect(),
            machines,
            hosts,
        }
    }

    /// Adds the flows between the roles of the cloud: an arrow from each role to each other role that it
    /// reaches, with all services. Flows that every machine has (SSH, DNS, time) are left out.
    #[must_use]
    pub fn with_flows(mut self, checked: &Checked) -> Self {
        (self.ends, self.arrows) = flows::of(checked);
        self
    }

    /// Adds the labels of these providers, for example the names of machines in a registry: each is a line at
    /// its machine.
    #[must_use]
    pub fn with_providers(mut self, providers: &Providers, checked: &Checked) -> Self {
        for drawn in providers.rooms().drawn(checked) {
            let Drawn::Label { machine, text } = drawn else { continue };
            let named = self.machines.iter_mut().filter(|node| node.name == machine);
            named.for_each(|node| node.roles.push(text.clone()));
        }
        self
    }

    /// The picture for Mermaid. Hosting sites draw it within Markdown.
    pub fn mermaid(&self) -> String {
        mermaid::write(self)
    }

    /// The picture for Graphviz's `dot`.
    pub fn dot(&self) -> String {
        dot::write(self)
    }

    /// The picture as SVG, laid out here: networks are bars, machines are boxes, in a panel for each host.
    pub fn svg(&self) -> String {
        svg::write(self)
    }

    /// The machines of a host, with their indices.
    fn on(&self, host: usize) -> impl Iterator<Item = (usize, &Node)> {
        self.machines.iter().enumerate().filter(move |(_, machine)| machine.host == host)
    }
}

impl Plug {
    /// The text at its line.
    fn label(&self) -> String {
        let mut words = self.addresses.clone();
        words.extend(self.is_default.then(|| "default route".to_owned()));
        words.join(", ")
    }
}

fn place(host: &Host, drawn: &[Drawn]) -> Place {
    let pools = drawn.iter().filter_map(|drawn| match drawn {
        Drawn::Store { host: on, name, path } if host.name == *on.as_str() => {
            Some((name.clone(), path.clone()))
        }
        _ => None,
    });
    Place { name: host.name.to_string(), uri: host.uri.to_string(), pools: pools.collect() }
}

fn bus(network: &Network) -> Bus {
    Bus {
        name: network.name.to_string(),
        forward: match network.forward {
            Forward::Nat => "nat",
            Forward::Routed => "routed",
            Forward::Open => "open",
            Forward::Isolated => "isolated",
            Forward::Bridge => "host bridge",
        },
        subnets: [&network.ipv4, &network.ipv6]
            .into_iter()
            .flatten()
            .map(|family| family.subnet.to_string())
            .collect(),
        bridge: network.bridge.to_string(),
        hosts: network.hosts.iter().map(|host| host.position()).collect(),
    }
}

fn node(machine: &Machine, hosts: &[Place]) -> Node {
    let cpus = machine.cpus.get();
    let root = machine.root.map(|root| format!(" · root {}", root.size)).unwrap_or_default();
    let pool_of = |disk: &Disk| {
        let pools = hosts.get(machine.host.position()).map_or(&[][..], |host| &host.pools);
        let named = disk.pool.as_ref().and_then(|name| {
            // The first pool is the cloud's own.
            pools.iter().skip(1).position(|(pool, _)| pool == name.as_str()).map(|at| at + 1)
        });
        named.unwrap_or(0)
    };
    let image = &machine.image;
    Node {
        name: machine.name.to_string(),
        host: machine.host.position(),
        size: format!("{cpus} vCPU · {}{root}", machine.memory),
        os: if image.os == Os::None {
            String::new()
        } else {
            format!("{} {}", image.os.label(), image.version)
        },
        roles: Vec::new(),
        disks: machine
            .disks
            .iter()
            .map(|disk| (format!("{} {}", disk.name, disk.size), pool_of(disk)))
            .collect(),
        plugs: machine.interfaces.iter().map(plug).collect(),
    }
}

fn plug(interface: &Interface) -> Plug {
    let addresses = [(interface.ipv4, "DHCP"), (interface.ipv6, "DHCPv6")];
    let said = addresses.into_iter().filter_map(|(addressing, dynamic)| {
        Some(match addressing? {
            Addressing::Static(address) => address.to_string(),
            Addressing::Reserved(address) => format!("{address} by {dynamic}"),
            Addressing::Dynamic => dynamic.to_owned(),
        })
    });
    Plug {
        network: interface.network.position(),
        addresses: said.collect(),
        is_default: interface.default_route,
    }
}
