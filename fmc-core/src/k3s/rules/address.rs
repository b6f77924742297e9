//! The networks of a cluster: of pods, of Services, and those that its nodes are on.

use std::net::IpAddr;

use super::view::Cluster;
use super::{configs, family_name, on_servers};
use crate::addr::Subnet;
use crate::check::view::{Plugged, View, text};
use crate::finding::{At, Finding, NameList};
use crate::given::{Given, Leaf as _};
use crate::k3s::value::PortRange;
use crate::k3s::{FlannelBackend, Key, Value};
use crate::machine::Interface;

pub(super) mod overlap;
pub(in crate::k3s) mod problem;

use problem::{ClusterNetworkProblem, OwnNetwork};

/// K3s's defaults (docs.k3s.io, *Basic Network Options*).
const PODS: &str = "10.42.0.0/16";
const SERVICES: &str = "10.43.0.0/16";

/// The ports of a node that Kubernetes and K3s listen on, and SSH's (docs.k3s.io, *Requirements/Networking*).
const PORTS: [(u16, u16, &str); 14] = [
    (22, 22, "SSH"),
    (2379, 2382, "etcd"),
    (5001, 5001, "the embedded registry"),
    (6443, 6443, "the API"),
    (6444, 6444, "the API's own balancer on a node"),
    (8472, 8472, "VXLAN"),
    (10_010, 10_010, "containerd"),
    (10_248, 10_248, "the kubelet"),
    (10_249, 10_249, "kube-proxy"),
    (10_250, 10_250, "the kubelet"),
    (10_256, 10_256, "kube-proxy"),
    (10_257, 10_257, "the controller manager"),
    (10_258, 10_259, "the scheduler"),
    (51_820, 51_821, "WireGuard"),
];

/// A network of a cluster, if it is right.
struct Own {
    what: &'static str,
    field: &'static str,
    /// Its place in the list; `None` for K3s's default.
    index: Option<usize>,
    subnet: Subnet,
}

impl Own {
    fn path(&self, at: &At<'_>) -> String {
        let at = at.key(self.field);
        self.index.map_or_else(|| at.to_string(), |index| at.index(index).to_string())
    }

    /// The network as the value of a problem.
    fn network(&self) -> OwnNetwork {
        OwnNetwork { what: self.what, subnet: self.subnet, is_default: self.index.is_none() }
    }
}

fn pods(cluster: &Cluster<'_>) -> Vec<Own> {
    owns("pods", "pods", &cluster.draft.pods, PODS)
}

fn services(cluster: &Cluster<'_>) -> Vec<Own> {
    owns("Services", "services", &cluster.draft.services, SERVICES)
}

fn owns(what: &'static str, field: &'static str, given: &[Given<Subnet>], default: &'static str) -> Vec<Own> {
    if given.is_empty() {
        let subnet = Subnet::parse(default).ok();
        return subnet.map(|subnet| Own { what, field, index: None, subnet }).into_iter().collect();
    }
    let right = given.iter().enumerate().filter_map(|(index, given)| Some((index, *given.ok()?)));
    right.map(|(index, subnet)| Own { what, field, index: Some(index), subnet }).collect()
}

/// Pods and Services have one network of each of the same families, in the same order, and the nodes have addresses of
/// them.
pub(super) fn family(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let draft = cluster.draft;
    if draft.pods.iter().chain(&draft.services).any(|given| given.ok().is_none()) {
        return;
    }
    let (pods, services) = (pods(cluster), services(cluster));
    let before = findings.len();
    for owns in [&pods, &services] {
        for family in [true, false] {
            for one in owns.iter().filter(|own| own.subnet.is_ipv4() == family).skip(1) {
                let (what, family) = (one.what, family_name(family));
                findings.push(ClusterNetworkProblem::TwoOfFamily { what, family }.at(one.path(at)));
            }
        }
    }
    if findings.len() > before {
        return;
    }
    let families = |owns: &[Own]| owns.iter().map(|own| own.subnet.is_ipv4()).collect::<Vec<_>>();
    if families(&pods) != families(&services) {
        let list =
            |owns: &[Own]| owns.iter().map(|own| family_name(own.subnet.is_ipv4())).collect::<Vec<_>>();
        let field = if draft.services.is_empty() { "pods" } else { "services" };
        let problem = ClusterNetworkProblem::OtherFamilies { pods: list(&pods), services: list(&services) };
        findings.push(problem.at(at.key(field)));
        return;
    }
    for pod in &pods {
        let v4 = pod.subnet.is_ipv4();
        let without = cluster.members().filter(|&at| !has_family(view, at, v4));
        let nodes = NameList::new(without.map(|at| view.machine_name(at)));
        if !nodes.is_empty() {
            let interfaces = format!("machines.{}.interfaces", nodes.first());
            let (cluster, family) = (cluster.draft.name.to_string(), family_name(v4));
            let problem = ClusterNetworkProblem::NoFamily { cluster, nodes, family };
            findings.push(problem.at(pod.path(at)).also(interfaces));
        }
    }
}

/// Whether a node has an address of a family, as far as is known. K3s is given the fixed addresses of the first interface
/// that has one (see `role::config`); a node without fixed addresses takes what its networks give it.
fn has_family(view: &View<'_>, machine: usize, v4: bool) -> bool {
    let links = || view.machine(machine).into_iter().flat_map(|placed| &placed.links);
    // A wrong address is a finding of its own.
    let fixed = |link: &Plugged<'_>, v4: bool| {
        let Interface { address, address6, reserved, reserved6, .. } = link.draft;
        let [fixed, reserved] = if v4 { [address, reserved] } else { [address6, reserved6] };
        fixed.is_some() || reserved.is_some()
    };
    if let Some(known) = links().find(|link| fixed(link, true) || fixed(link, false)) {
        return fixed(known, v4);
    }
    let mut nets = links().map(|link| link.network.and_then(|at| view.network(at)));
    nets.any(|net| {
        net.is_none_or(|net| {
            let unknown = net.ipv4.is_none() && net.ipv6.is_none();
            unknown || (if v4 { &net.ipv4 } else { &net.ipv6 }).is_some()
        })
    })
}

/// Networks that are too large for Kubernetes, or too small for the nodes.
pub(super) fn size(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let mut found = |own: &Own, problem: ClusterNetworkProblem| findings.push(problem.at(own.path(at)));
    for own in services(cluster) {
        // kube-apiserver keeps a bit for each address.
        let least = if own.subnet.is_ipv4() { 12 } else { 108 };
        if own.subnet.prefix_len() < least {
            found(&own, ClusterNetworkProblem::TooLarge { own: own.network(), least });
        }
    }
    let nodes = cluster.draft.servers.len() + cluster.draft.agents.len();
    for own in pods(cluster) {
        let Some(mask) = node_mask(cluster, own.subnet.is_ipv4()) else { continue };
        let prefix = own.subnet.prefix_len();
        let Some(bits) = mask.checked_sub(prefix) else {
            found(&own, ClusterNetworkProblem::TooSmall { own: own.network(), mask });
            continue;
        };
        let room = 1_usize.checked_shl(u32::from(bits)).unwrap_or(usize::MAX);
        if bits > 16 {
            found(&own, ClusterNetworkProblem::TooManyNodes { own: own.network(), mask });
        } else if nodes > room {
            let need = u8::try_from(nodes.next_power_of_two().trailing_zeros()).unwrap_or(16);
            let problem = ClusterNetworkProblem::NoRoom {
                own: own.network(),
                mask,
                room,
                nodes,
                prefix: mask.saturating_sub(need),
            };
            found(&own, problem);
        }
    }
}

/// The prefix of a node's part of the network of pods: kube-controller-manager's default, or the one in its arguments.
fn node_mask(cluster: &Cluster<'_>, v4: bool) -> Option<u8> {
    let default = if v4 { 24 } else { 64 };
    let family = if v4 { "node-cidr-mask-size-ipv4" } else { "node-cidr-mask-size-ipv6" };
    for (_, config) in configs(cluster).into_iter().take(2).rev() {
        let Some(Value::List(arguments)) = config.get(Key::KubeControllerManagerArg) else { continue };
        for argument in arguments.iter().rev() {
            let Some((flag, value)) = argument.split_once('=') else { continue };
            if flag == family || flag == "node-cidr-mask-size" {
                return value.parse().ok().filter(|mask| *mask <= if v4 { 32 } else { 128 });
            }
        }
    }
    Some(default)
}

/// The address of the cluster's DNS is one of a Service, and not that of the API.
pub(super) fn dns(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let services = services(cluster);
    let list = at.key("cluster_dns");
    let given = &cluster.draft.cluster_dns;
    if given.is_empty() {
        for own in services.iter().filter(|own| own.subnet.nth(10).is_none_or(|ip| !is_service(own, ip))) {
            findings.push(ClusterNetworkProblem::NoTenth { own: own.network() }.at(own.path(at)));
        }
        return;
    }
    let right = given.iter().enumerate().filter_map(|(index, given)| Some((index, given.ok()?.get())));
    let mut families = Vec::new();
    for (index, address) in right {
        let here = list.index(index);
        let family = family_name(address.is_ipv4());
        let mut found = |problem: ClusterNetworkProblem| findings.push(problem.at(here));
        if families.contains(&address.is_ipv4()) {
            found(ClusterNetworkProblem::SecondDns { address, family });
            continue;
        }
        families.push(address.is_ipv4());
        let Some(own) = services.iter().find(|own| own.subnet.is_ipv4() == address.is_ipv4()) else {
            // Where a network is wrong, nothing is known of it.
            if services.len() == cluster.draft.services.len().max(1) {
                found(ClusterNetworkProblem::DnsFamily { address, family });
            }
            continue;
        };
        let example = own.subnet.nth(10).filter(|ip| is_service(own, *ip));
        let own_network = own.network();
        if !own.subnet.contains(address) {
            found(ClusterNetworkProblem::DnsOutside { address, own: own_network, example });
        } else if own.subnet.nth(1) == Some(address) {
            found(ClusterNetworkProblem::DnsIsApi { address, own: own_network, example });
        } else if !is_service(own, address) {
            found(ClusterNetworkProblem::DnsReserved { address, own: own_network, example });
        }
    }
}

fn is_service(own: &Own, address: IpAddr) -> bool {
    own.subnet.is_host(address) && own.subnet.nth(1) != Some(address)
}

/// Ports that Services open on nodes are not those that the nodes use.
pub(super) fn node_ports(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some((field, Value::Text(said))) = on_servers(cluster, Key::ServiceNodePortRange) else { return };
    let Ok(range) = PortRange::parse(said) else { return };
    let used = PORTS.iter().find(|(first, last, _)| range.first() <= *last && *first <= range.last());
    if let Some(&(first, last, what)) = used {
        let problem = ClusterNetworkProblem::NodePorts { range: range.to_string(), first, last, what };
        findings.push(problem.at(at.key(field).key(Key::ServiceNodePortRange.as_str())));
    }
}

/// The cluster's DNS must not be asked for names of machines, which it does not know.
pub(super) fn domain(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(inside) = cluster.draft.cluster_domain.as_ref().and_then(Given::ok) else { return };
    let Some(outside) = view.cloud.domain.as_ref().and_then(Given::ok) else { return };
    let rest = outside.as_str().strip_suffix(inside.as_str());
    if rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.')) {
        let (domain, machines) = (inside.to_string(), outside.to_string());
        let problem = if outside == inside {
            ClusterNetworkProblem::SameDomain { domain }
        } else {
            ClusterNetworkProblem::DomainAbove { domain, machines }
        };
        findings.push(problem.at(at.key("cluster_domain")).also("domain"));
    }
}

/// Routes by way of nodes need all nodes in one network.
pub(super) fn host_gateway(view: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cluster.draft.flannel.as_ref().and_then(Given::ok) != Some(&FlannelBackend::HostGw) {
        return;
    }
    let first_network =
        |member: usize| view.machine(member)?.links.first()?.network.and_then(|at| view.network(at));
    let mut members = cluster.members().filter_map(|member| Some((member, first_network(member)?)));
    let Some((first, home)) = members.next() else { return };
    let away = members.find(|(member, _)| {
        let links = view.machine(*member).into_iter().flat_map(|placed| &placed.links);
        let mut networks = links.filter_map(|link| view.network(link.network?));
        !networks.any(|net| std::ptr::eq(net, home))
    });
    if let Some((member, net)) = away {
        let (one, other) = (view.machine_name(first).to_owned(), view.machine_name(member).to_owned());
        let interfaces = format!("machines.{other}.interfaces");
        let (network, other_network) = (text(&home.draft.name).to_owned(), text(&net.draft.name).to_owned());
        let problem = ClusterNetworkProblem::HostGateway { one, network, other, other_network };
        findings.push(problem.at(at.key("flannel")).also(interfaces));
    }
}

/// Without flannel no pod can be reached until a network is installed.
pub(super) fn no_network(_: &View<'_>, cluster: &Cluster<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cluster.draft.flannel.as_ref().and_then(Given::ok) == Some(&FlannelBackend::None) {
        let cluster = cluster.draft.name.to_string();
        findings.push(ClusterNetworkProblem::NoPodNetwork { cluster }.at(at.key("flannel")));
    }
}
