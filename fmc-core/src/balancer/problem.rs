//! Problems with balancers.

use std::net::IpAddr;

use serde::Serialize;

use crate::addr::{IpRange, Subnet};
use crate::finding::{NameList, Remedy, problems};

/// The holder of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Whose {
    /// A machine, by its name.
    Machine(String),
    /// The network's gateway.
    Gateway,
    /// A device for which the network reserves it.
    Reservation,
    /// Any machine, from the range of DHCP.
    Dhcp(IpRange),
}

/// The present use of an address.
fn already(whose: &Whose, network: &str) -> String {
    match whose {
        Whose::Machine(machine) => format!("the address of {machine}"),
        Whose::Gateway => format!("the gateway of {network}"),
        Whose::Reservation => format!("reserved on {network}"),
        Whose::Dhcp(range) => format!("in {range}, which DHCP on {network} hands out to anyone"),
    }
}

/// A number of a virtual router.
fn number(free: Option<u8>) -> Remedy {
    Remedy::set("virtual_router", free.map_or_else(|| "…".to_owned(), |free| free.to_string()))
}

/// The nodes that answer HTTP.
fn ingress() -> Remedy {
    Remedy::either("ingress: [worker1]", ".ingress([\"worker1\"])")
}

problems! {
    /// Problems with balancers.
    pub enum BalancerProblem {
        NoMachine is BalancerMembers:
            "the balancer has no machine",
            "name one machine, or two that share an address";
        TooMany { count: usize, most: usize } is BalancerMembers:
            "the balancer is on {count} machines",
            "name {most} at most; 2 are enough to lose one";
        Twice { machine: String } is BalancerMembers:
            "the balancer names {machine} twice",
            "name each machine once";
        NoAddress is BalancerAddressMissing:
            "the machines of the balancer share no address: clients of one of them lose it when that machine is gone",
            "give them a free address of a network that all of them are on, for example {address}",
            address = Remedy::set("virtual_address", "10.17.5.10");
        Outside { address: IpAddr, machines: NameList, network: String, subnet: Subnet } is BalancerAddressOutside
            with (common = machines.verb("", "common ")):
            "no {common}subnet of {machines} contains {address}",
            "write a free address of {network} ({subnet})";
        NothingInCommon { address: IpAddr, machines: NameList } is BalancerAddressOutside
            with (common = machines.verb("", "common ")):
            "no {common}subnet of {machines} contains {address}",
            "put {machines} on one network, and write a free address of it";
        NoOwnAddress { machine: String, network: String } is BalancerAddressOutside:
            "{machine} has no fixed address of its own on {network}, by which the other machines of the balancer find it",
            "give its interface on {network} a static or reserved address, for example {address}",
            address = Remedy::set("address", "10.17.5.11");
        Taken { address: IpAddr, whose: Whose, network: String, subnet: Subnet } is BalancerAddressTaken
            with (already = already(whose, network)):
            "{address} is already {already}",
            "write a free address of {network} ({subnet})";
        Shared { address: IpAddr } is BalancerAddressTaken:
            "{address} is already the shared address of another balancer",
            "give each balancer an address of its own";
        SameRouter { router: String, network: String, free: Option<u8> } is BalancerRouterDuplicate:
            "two balancers have the virtual router id {router} on {network}",
            "give one of them a number that is free there, for example {number}",
            number = number(*free);
        Unpublished { machine: String, cluster: String, record: String, resolvers: NameList } is K3sIngressUnpublished:
            "{machine} finds the nodes of {cluster} by {record}, but asks {resolvers}, where the cloud cannot publish the name",
            "publish at {resolvers} an A or AAAA record of {record} for each node, or name the nodes, as {ingress}",
            ingress = ingress();
        Unasked { machine: String, cluster: String, record: String, resolvers: NameList, gateway: IpAddr } is K3sIngressUnpublished:
            "{machine} finds the nodes of {cluster} by {record}, but asks {resolvers}, where the cloud cannot publish the name",
            "let {machine} ask its network's forwarder, which knows the name: {forwarder}; or publish at {resolvers} an A or AAAA record of {record} for each node; or name the nodes, as {ingress}",
            forwarder = Remedy::set("resolvers", format_args!("[{gateway}]")),
            ingress = ingress();
        OldHaproxy { os: &'static str, version: String } is RoleRefused:
            "{os} {version} has HAProxy 1.8, which is too old for the balancer's configuration",
            "use an image of version 9 or later, or Traefik";
    }
}
