//! The interface by which the pods of a node reach those of others.
//!
//! flannel takes the one with the default route (docs.k3s.io, *Basic Network Options*), which on a node of several networks need
//! not be the one by which the cluster knows it.

use std::net::IpAddr;

use super::Node;
use super::config::addresses;
use super::files::script;
use crate::guest::Guest;
use crate::k3s::{Config, FlannelBackend, Key};

/// Where the script is.
pub(super) const PATH: &str = "/etc/rancher/k3s/flannel.sh";

/// The line that the script adds to the configuration.
const DROPIN: &str = "/etc/rancher/k3s/config.yaml.d/50-fmc-flannel.yaml";

pub(super) fn guest(node: &Node<'_>) -> Guest {
    match beside(node) {
        Some(address) => Guest::new().file(script(PATH, text(address))),
        None => Guest::new(),
    }
}

/// The address whose interface flannel is given; `None` if it finds the right one by itself, or the user sets one.
pub(super) fn beside(node: &Node<'_>) -> Option<IpAddr> {
    let said = node.cluster.said();
    let own = if node.is_server() { &said.server_config } else { &said.agent_config };
    let is_said =
        [&said.config, own].into_iter().any(|config: &Config| config.get(Key::FlannelIface).is_some());
    let is_there = node.cluster.flannel != FlannelBackend::None;
    let several = node.site.machine().interfaces.len() > 1;
    addresses(node).next().filter(|_| several && is_there && !is_said)
}

fn text(address: IpAddr) -> String {
    let folder = DROPIN.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!(
        "#!/bin/sh\n# Pods reach each other beside {address}, on an interface whose name the kernel chose.\n\
         set -eu\numask 077\n{}mkdir -p {folder}\necho \"flannel-iface: $name\" >{DROPIN}\n",
        crate::shell::interface_with(address)
    )
}
