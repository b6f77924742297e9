//! The bridges that fmc makes on hosts: each over an interface of its own, with an address that a host can have.

pub(in crate::check) mod beside;

use std::net::IpAddr;

use super::super::view::{View, text};
use crate::finding::{Finding, Remedy, problems};
use crate::host::{BridgeAddress, Host};
use crate::sort;

/// Looks at the uplinks of all hosts.
pub(super) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    for host in &view.hosts {
        if host.manager.is_none() && !host.uplinks.is_empty() {
            let name = host.name.to_string();
            findings.push(
                UplinkProblem::NoManager { host: name }.at(format_args!("hosts.{}.uplinks", host.name)),
            );
        }
        interfaces(host, findings);
        addresses(host, findings);
    }
    beside::check(view, findings);
}

fn interfaces(host: &Host, findings: &mut Vec<Finding>) {
    let name = text(&host.name);
    let mut ports: Vec<(&str, &str)> =
        host.uplinks.iter().map(|uplink| (text(&uplink.interface), text(&uplink.bridge))).collect();
    sort::all(&mut ports);
    for same in ports.chunk_by(|a, b| a.0 == b.0) {
        if let [(interface, first), .., (_, last)] = same
            && first != last
        {
            let problem = UplinkProblem::Twice {
                interface: (*interface).to_owned(),
                first: (*first).to_owned(),
                last: (*last).to_owned(),
            };
            let at = format_args!("hosts.{name}.uplinks.{last}.interface");
            findings.push(problem.at(at).also(format_args!("hosts.{name}.uplinks.{first}.interface")));
        }
    }
    for (interface, bridge) in &ports {
        let is_bridge = ports.iter().any(|(_, other)| other == interface)
            || host.bridges.iter().any(|known| text(known) == *interface);
        if is_bridge {
            let problem = UplinkProblem::OfBridge { interface: (*interface).to_owned() };
            findings.push(problem.at(format_args!("hosts.{name}.uplinks.{bridge}.interface")));
        }
        if host.bridges.iter().any(|known| text(known) == *bridge) {
            let problem = UplinkProblem::There { bridge: (*bridge).to_owned(), host: name.to_owned() };
            let at = format_args!("hosts.{name}.uplinks.{bridge}");
            findings.push(problem.at(at).also(format_args!("hosts.{name}.bridges")));
        }
    }
}

fn addresses(host: &Host, findings: &mut Vec<Finding>) {
    for uplink in &host.uplinks {
        let Some(address) = uplink.address.ok() else { continue };
        let at = format!("hosts.{}.uplinks.{}", host.name, uplink.bridge);
        let BridgeAddress::Static(own) = address else {
            let said = [("gateway", uplink.gateway.is_some()), ("resolvers", !uplink.resolvers.is_empty())];
            for (field, _) in said.into_iter().filter(|(_, said)| *said) {
                let problem = UplinkProblem::NoAddress { field, address: address.to_string() };
                findings.push(problem.at(format_args!("{at}.{field}")));
            }
            continue;
        };
        let Some(gateway) = uplink.gateway.as_ref().and_then(|ip| ip.ok()).map(|ip| ip.get()) else {
            continue;
        };
        if !own.subnet().is_host(gateway) || gateway == own.ip() {
            let problem = UplinkProblem::Gateway { gateway, own: own.to_string() };
            findings.push(problem.at(format_args!("{at}.gateway")));
        }
    }
}

problems! {
    /// Problems with the uplinks of a host.
    pub enum UplinkProblem {
        NoManager { host: String } is NetworkIncomplete:
            "{host} does not say what configures its network, so its bridges cannot be made",
            "say it with {right}, or `network-manager`",
            right = Remedy::set("manager", "networkd");
        Twice { interface: String, first: String, last: String } is NetworkConflict:
            "{interface} is the interface of two bridges, {first} and {last}",
            "give {last} an interface of its own: an interface is a port of one bridge";
        OfBridge { interface: String } is NetworkConflict:
            "{interface} is a bridge of the host itself, and a bridge is no port of another one",
            "name the network card, as `ip link` on the host shows it";
        There { bridge: String, host: String } is NetworkConflict:
            "{host} has the bridge {bridge} already, and fmc is to make it too",
            "leave it out of `bridges` if fmc makes it, or out of `uplinks` if it is there already";
        NoAddress { field: &'static str, address: String } is NetworkConflict:
            "`{field}` has no effect beside `address: {address}`",
            "leave `{field}` out, or write an address of the host as 192.168.0.10/24";
        Gateway { gateway: IpAddr, own: String } is NetworkConflict:
            "the host with the address {own} does not reach the router {gateway}",
            "write another address of the same subnet";
    }
}
