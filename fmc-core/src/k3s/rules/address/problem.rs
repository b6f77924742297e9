//! Problems with the networks of a cluster.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use crate::addr::Subnet;
use crate::count::counted;
use crate::finding::{NameList, Remedy, for_example, problems};

/// A network of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OwnNetwork {
    /// `pods` or `Services`.
    pub what: &'static str,
    /// Its addresses.
    pub subnet: Subnet,
    /// Whether it is K3s's default, because the cloud does not give one.
    pub is_default: bool,
}

impl fmt::Display for OwnNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, subnet, is_default } = self;
        let default = if *is_default { " (the default)" } else { "" };
        write!(f, "{subnet} of {what}{default}")
    }
}

/// A port, or the first and the last of several.
fn ports(first: u16, last: u16) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

problems! {
    /// Problems with the networks of a cluster.
    pub enum ClusterNetworkProblem {
        TwoOfFamily { what: &'static str, family: &'static str } is K3sSubnetFamily:
            "{what} have two networks of {family}",
            "keep one network of each family";
        OtherFamilies { pods: Vec<&'static str>, services: Vec<&'static str> } is K3sSubnetFamily
            with (of_pods = pods.join(", then "), of_services = services.join(", then ")):
            "pods have {of_pods}, but Services have {of_services}",
            "give both a network of each family that nodes have, in the same order";
        NoFamily { cluster: String, nodes: NameList, family: &'static str } is K3sSubnetFamily
            with (who = nodes.first_of("node"), have = nodes.verb("has", "have"), field = if *family == "IPv4" { "address" } else { "address6" }):
            "pods have {family}, but {who} of {cluster} {have} no address of it",
            "give the first interface of each node an address of {family} with `{field}`, on a network that has {family}, or leave the network of pods out";
        TooLarge { own: OwnNetwork, least: u8 } is K3sSubnetSize with (example = least.saturating_add(4)):
            "{own} is larger than an API server takes",
            "write a network of at least /{least}, for example /{example}";
        TooSmall { own: OwnNetwork, mask: u8 } is K3sSubnetSize with (example = mask.saturating_sub(8)):
            "{own} is smaller than the /{mask} that each node takes of it",
            "write a larger network, for example /{example}";
        TooManyNodes { own: OwnNetwork, mask: u8 } is K3sSubnetSize with (least = mask.saturating_sub(16)):
            "{own} has room for more than 65,536 nodes with a /{mask} each",
            "write a network of at least /{least}";
        NoRoom { own: OwnNetwork, mask: u8, room: usize, nodes: usize, prefix: u8 } is K3sSubnetSize with (some = counted(room, "node")):
            "{own} has room for {some} with a /{mask} each, but there are {nodes}",
            "write a /{prefix} or a larger one";
        NoTenth { own: OwnNetwork } is K3sClusterDns:
            "{own} has no tenth address, which the cluster's DNS takes",
            "write a larger network, or give the address, for example {dns}",
            dns = Remedy::set("cluster_dns", "10.43.0.10");
        SecondDns { address: IpAddr, family: &'static str } is K3sClusterDns:
            "{address} is a second address of {family} for DNS",
            "keep one address of each family";
        DnsFamily { address: IpAddr, family: &'static str } is K3sClusterDns:
            "{address} is of {family}, but Services have no network of it",
            "leave it out, or give Services a network of that family";
        DnsOutside { address: IpAddr, own: OwnNetwork, example: Option<IpAddr> } is K3sClusterDns
            with (subnet = own.subnet, example = for_example(*example)):
            "{address} is not in {own}",
            "write an address of {subnet}{example}";
        DnsIsApi { address: IpAddr, own: OwnNetwork, example: Option<IpAddr> } is K3sClusterDns
            with (subnet = own.subnet, example = for_example(*example)):
            "{address} is the address of the API inside the cluster",
            "write an address of {subnet}{example}";
        DnsReserved { address: IpAddr, own: OwnNetwork, example: Option<IpAddr> } is K3sClusterDns
            with (subnet = own.subnet, example = for_example(*example)):
            "a Service cannot have the address {address} in {subnet}",
            "write an address of {subnet}{example}";
        NodePorts { range: String, first: u16, last: u16, what: &'static str } is K3sNodePorts
            with (taken = ports(*first, *last)):
            "{range} includes {taken}, where {what} listens on every node",
            "write a range without it, for example 30000-32767";
        SameDomain { domain: String } is K3sClusterDomain:
            "{domain} is the domain of the machines too: pods could not look up a machine",
            "write a domain of the cluster's own, for example cluster.local";
        DomainAbove { domain: String, machines: String } is K3sClusterDomain:
            "the domain {machines} of the machines is below {domain}: pods could not look up a machine",
            "write a domain of the cluster's own, for example cluster.local";
        HostGateway { one: String, network: String, other: String, other_network: String } is K3sHostGateway:
            "{one} is on {network} and {other} on {other_network}: neither can route to the pods of the other",
            "use vxlan or wireguard-native, or put all nodes on one network";
        NoPodNetwork { cluster: String } is K3sNetworkMissing:
            "{cluster} has no network of pods: its nodes are not ready until one is installed",
            "accept it with the name of what is installed, for example Cilium, and see `explain k3s-network-missing` for what it needs; or leave `flannel` out";
        Overlap { own: OwnNetwork, other: OwnNetwork } is K3sSubnetOverlap with (what = other.what):
            "{other} overlaps {own}",
            "give {what} a network of their own";
        OverlapsNetwork { own: OwnNetwork, network: String, subnet: Subnet } is K3sSubnetOverlap with (what = own.what):
            "{own} overlaps {subnet} of the network {network}",
            "give {what} a network of their own: pods could not reach {network}";
        HasResolver { own: OwnNetwork, resolver: IpAddr } is K3sSubnetOverlap with (what = own.what):
            "the resolver {resolver} is in {own}",
            "give {what} a network of their own, or name another resolver";
    }
}
