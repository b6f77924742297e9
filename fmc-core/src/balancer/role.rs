//! The role of a machine that a balancer is on.

use std::net::IpAddr;
use std::sync::Arc;

use super::keepalived::Member;
use super::problem::BalancerProblem;
use super::{API, Balancer, Entry, Nodes, Setup, Software, Target, haproxy, keepalived, traefik};
use crate::checked::{Checked, CheckedGroup, Forward, Idx, Machine, Network};
use crate::dns::servers_of;
use crate::finding::NameList;
use crate::flow::{Flows, Peer, Service, tcp, vrrp};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::k3s::{Cluster, Endpoint};
use crate::name::{Fqdn, MachineName, RoleName};
use crate::program::{Program, lasting};
use crate::role::{CustomRole, Names, Needs, RoleFindings, Site, SpanMembers, SpanningRole};
use crate::unit::FileMode;

/// The role's kind.
pub const KIND: RoleName = RoleName::literal("balancer");

/// The roles that it stands before.
const SERVER: RoleName = RoleName::literal("k3s-server");
const AGENT: RoleName = RoleName::literal("k3s-agent");

/// A machine that the balancer of a cluster is on.
#[derive(Clone, Debug)]
pub struct BalancerRole {
    cluster: Arc<str>,
    balancer: Arc<Balancer>,
    nodes: Arc<[MachineName]>,
}

impl BalancerRole {
    /// The role for a cluster. The nodes take HTTP and HTTPS. If none is named they are the cluster's agents, or the
    /// servers of a cluster without agents.
    pub fn new(
        cluster: impl Into<Arc<str>>,
        balancer: impl Into<Arc<Balancer>>,
        nodes: impl IntoIterator<Item = MachineName>,
    ) -> Self {
        Self { cluster: cluster.into(), balancer: balancer.into(), nodes: nodes.into_iter().collect() }
    }

    /// The configuration of its software on a machine.
    pub fn setup(&self, site: &Site<'_>) -> Setup {
        let has = |is_v4: bool| {
            site.networks().any(|network| if is_v4 { network.ipv4.is_some() } else { network.ipv6.is_some() })
        };
        let (ipv4, ipv6) = (has(true), has(false));
        Setup {
            cluster: self.cluster.to_string(),
            // A host bridge without a subnet in the cloud usually has IPv4.
            ipv4: ipv4 || !ipv6,
            ipv6,
            servers: self
                .members(site.cloud(), &SERVER)
                .filter_map(|machine| target(machine, site.machine()))
                .collect(),
            ingress: self.ingress(site),
        }
    }

    fn ingress(&self, site: &Site<'_>) -> Option<Entry> {
        let ingress = &self.balancer.ingress;
        let ((http, https), (node_http, node_https)) = (ingress.ports()?, ingress.node_ports()?);
        ingress.on.then(|| Entry {
            http: (http, node_http),
            https: (https, node_https),
            nodes: self.nodes(site),
        })
    }

    /// The nodes that take HTTP and HTTPS: the named ones, by their addresses. If none is named their number can grow,
    /// so they are read from [a name](Self::name) if there is one and a resolver to ask.
    fn nodes(&self, site: &Site<'_>) -> Nodes {
        let cloud = site.cloud();
        if let Some((name, resolvers)) = self.name(site).zip(self.resolvers(site)) {
            return Nodes::Resolved { name: name.to_string(), resolvers };
        }
        let nodes: Vec<&Machine> = if self.nodes.is_empty() {
            self.members(cloud, self.takers(cloud)).collect()
        } else {
            self.nodes.iter().filter_map(|name| cloud.machine(name.as_str())).collect()
        };
        Nodes::Listed(nodes.into_iter().filter_map(|machine| target(machine, site.machine())).collect())
    }

    /// The resolvers that the software asks for the name: the networks' own forwarders, which know it, or the ones that
    /// publish it instead.
    fn resolvers(&self, site: &Site<'_>) -> Option<Vec<IpAddr>> {
        let all = &site.machine().resolvers;
        let own: Vec<IpAddr> = site.forwarders().map(|(_, address)| address).collect();
        // Traefik asks the resolvers of its machine, and a resolver that does not know the name denies it.
        let denies = matches!(self.balancer.software, Software::Traefik { .. })
            && all.iter().any(|resolver| !own.contains(resolver));
        let asked = match own.as_slice() {
            [] => all.clone(),
            _ if denies => Vec::new(),
            _ => own,
        };
        Some(asked).filter(|asked| !asked.is_empty())
    }

    /// The DNS name of the nodes' addresses, in the domain of the machine; `None` if the nodes are named, or without a
    /// domain.
    fn name(&self, site: &Site<'_>) -> Option<Fqdn> {
        let domain = domain(site.machine()).filter(|_| self.balancer.ingress.on && self.nodes.is_empty())?;
        Given::<Fqdn>::text(&format!("ingress.{}.{domain}", self.cluster)).ok().cloned()
    }

    /// A finding if no resolver of the cloud answers for the name by which this machine finds the nodes; at the first
    /// such machine.
    fn unpublished(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        let asks_others = |site: &Site<'_>| {
            self.name(site).is_some()
                && !site.machine().resolvers.is_empty()
                && site.forwarders().next().is_none()
                && !self.own_dns_has_it(site)
        };
        let mut machines = self.members(site.cloud(), &KIND);
        let first = machines.find(|machine| asks_others(&site.of(machine)));
        let name = &site.machine().name;
        let Some(record) = self.name(site).filter(|_| first.is_some_and(|first| first.name == *name)) else {
            return;
        };
        let resolvers = NameList::new(site.machine().resolvers.iter().map(ToString::to_string));
        let mut own = site.networks().filter(|network| network.forward != Forward::Bridge);
        let gateway = own.find_map(|network| network.ipv4.as_ref().or(network.ipv6.as_ref())?.gateway);
        let (machine, cluster) = (name.to_string(), self.cluster.to_string());
        let record = record.to_string();
        findings.about(match gateway {
            Some(gateway) => BalancerProblem::Unasked { machine, cluster, record, resolvers, gateway },
            None => BalancerProblem::Unpublished { machine, cluster, record, resolvers },
        });
    }

    /// Whether the machine asks a server of the cloud's own DNS, which has the name in one of its zones.
    fn own_dns_has_it(&self, site: &Site<'_>) -> bool {
        let Some((dns, name)) = site.cloud().dns().zip(self.name(site)) else { return false };
        let servers = servers_of(site.cloud());
        dns.serves(&name) && servers.iter().any(|server| site.machine().resolvers.contains(&server.address))
    }

    /// The role whose machines take HTTP and HTTPS if none is named.
    fn takers(&self, cloud: &Checked) -> &'static RoleName {
        const { &[AGENT, SERVER] }
            .iter()
            .find(|kind| self.members(cloud, kind).next().is_some())
            .unwrap_or(const { &AGENT })
    }

    /// The machines of a role in this cluster.
    fn members<'c>(
        &self,
        cloud: &'c Checked,
        kind: &RoleName,
    ) -> impl Iterator<Item = &'c Machine> + use<'c> {
        let group = CheckedGroup { kind: kind.clone(), instance: Some(Arc::clone(&self.cluster)) };
        let members = cloud.roles().get(&group).map(|members| members.machines.as_slice());
        members.unwrap_or_default().iter().filter_map(move |&at| cloud.at(at))
    }

    /// The machine as a member of a shared address; `None` without one, or if the machine is not a member.
    pub fn member(&self, site: &Site<'_>) -> Option<Member> {
        let shared = self.balancer.shared()?;
        let name = &site.machine().name;
        let names: Vec<&MachineName> = self.balancer.machines.iter().filter_map(Given::ok).collect();
        let (network, prefix) = home(site.cloud(), site.machine(), shared)?;
        let others = names.iter().filter(|other| **other != name);
        let others = others.filter_map(|other| site.cloud().machine(other.as_str()));
        Some(Member {
            cluster: self.cluster.to_string(),
            name: name.to_string(),
            place: names.iter().position(|other| *other == name)?,
            count: names.len(),
            address: address_on(site.machine(), network, shared)?,
            peers: others.filter_map(|other| address_on(other, network, shared)).collect(),
            shared: (shared, prefix),
            router: self.balancer.router()?,
            preempt: self.balancer.preempt,
        })
    }

    fn program(&self, os: Os) -> Option<Program> {
        match &self.balancer.software {
            Software::HaProxy => None,
            Software::Traefik { url, digest } => {
                Some(Program::new("traefik", url.clone(), digest.clone(), os))
            }
        }
    }
}

/// The balancer of a cluster as a role that spans machines.
pub(crate) struct Spread {
    cluster: String,
    balancer: Balancer,
    /// The nodes that take HTTP and HTTPS, where they are named.
    nodes: Vec<MachineName>,
}

impl Spread {
    /// The role of a cluster, if it has one.
    pub(crate) fn of(cluster: &Cluster) -> Option<Self> {
        let Endpoint::Balancer(balancer) = &cluster.endpoint else { return None };
        let named = if cluster.ingress.is_empty() { &balancer.ingress.nodes } else { &cluster.ingress };
        let nodes = named.iter().filter_map(|name| name.ok().cloned()).collect();
        Some(Self { cluster: cluster.name.to_string(), balancer: Balancer::clone(balancer), nodes })
    }
}

impl SpanningRole for Spread {
    fn kind(&self) -> Given<RoleName> {
        Given::value(KIND)
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    fn members(&self) -> SpanMembers<'_> {
        let role =
            BalancerRole::new(self.cluster.as_str(), self.balancer.clone(), self.nodes.iter().cloned());
        SpanMembers::new().list("machines", self.balancer.machines(), role).told_above()
    }

    fn is_resolved(&self, cloud: &Checked) -> bool {
        cloud.cluster(&self.cluster).is_some()
    }
}

/// The network of a machine's that a shared address is on, by index, and the prefix length of its subnet.
pub(crate) fn home(cloud: &Checked, machine: &Machine, shared: IpAddr) -> Option<(Idx<Network>, u8)> {
    machine.interfaces.iter().find_map(|interface| {
        let network = cloud.at(interface.network)?;
        let family = if shared.is_ipv4() { &network.ipv4 } else { &network.ipv6 };
        let subnet = family.as_ref()?.subnet;
        subnet.is_host(shared).then_some((interface.network, subnet.prefix_len()))
    })
}

/// A machine's own address on a network, of the family of another one.
pub(crate) fn address_on(machine: &Machine, network: Idx<Network>, like: IpAddr) -> Option<IpAddr> {
    let interfaces = machine.interfaces.iter().filter(|interface| interface.network == network);
    let families = interfaces.map(|interface| if like.is_ipv4() { interface.ipv4 } else { interface.ipv6 });
    families.flatten().find_map(|addressing| addressing.address())
}

/// The address by which another machine reaches one: on a common network if there is one.
fn target(machine: &Machine, from: &Machine) -> Option<Target> {
    let address = machine.address_towards(from)?;
    Some(Target { name: machine.name.to_string(), address })
}

/// The domain of a machine: its name in DNS without the first label.
fn domain(machine: &Machine) -> Option<&str> {
    machine.fqdn.as_ref()?.as_str().split_once('.').map(|(_, domain)| domain)
}

/// The policy of an Enterprise Linux allows only web servers' ports, and lets keepalived's scripts connect to few
/// ports.
fn booleans(is_haproxy: bool, is_shared: bool) -> Unit {
    let names = [(is_haproxy, "haproxy_connect_any"), (is_shared, "keepalived_connect_any")];
    let needed = names.iter().filter(|(needed, _)| *needed);
    let unit = UnitSection::new("Unit")
        .set("Description", "Let the load balancer reach its ports")
        .set("ConditionSecurity", "selinux")
        .set("Before", "haproxy.service keepalived.service");
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set_each("ExecStart", needed.map(|(_, name)| format!("/usr/sbin/setsebool -P {name} on")));
    let install = UnitSection::new("Install").set("WantedBy", "multi-user.target");
    Unit::service(SELINUX).enabled().contents(UnitFile::new().section(unit).section(service).section(install))
}

/// The unit that sets booleans of `SELinux`.
const SELINUX: &str = "fmc-balancer-selinux";

/// A drop-in for a unit of the distribution: it keeps the unit running, and orders it after its needs.
fn lasting_after(is_enterprise_linux: bool, before: Option<&'static str>) -> UnitFile {
    let file = if is_enterprise_linux {
        let after = UnitSection::new("Unit").set("After", format!("{SELINUX}.service"));
        UnitFile::new().section(after)
    } else {
        UnitFile::new()
    };
    let file = lasting().sections().iter().cloned().fold(file, UnitFile::section);
    file.with_last(|section| section.set_each("ExecStartPre", before))
}

impl CustomRole for BalancerRole {
    fn kind(&self) -> Given<RoleName> {
        KIND.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let setup = self.setup(site);
        let is_enterprise_linux = site.os().is_enterprise_linux();
        let lasting = |before| lasting_after(is_enterprise_linux, before);
        let program = self.program(site.os());
        let mut guest = match &program {
            None => Guest::new()
                .package("haproxy")
                .file(GuestFile::text(haproxy::PATH, haproxy::configuration(&setup)))
                .unit(Unit::service("haproxy").enabled().dropin("50-fmc.conf", lasting(None))),
            Some(program) => program
                .guest()
                .file(GuestFile::text(traefik::STATIC, traefik::static_configuration(&setup)))
                .file(GuestFile::text(traefik::DYNAMIC, traefik::dynamic_configuration(&setup)))
                .unit(Unit::service("traefik").enabled().contents(traefik::unit(program))),
        };
        let member = self.member(site);
        if let Some(member) = &member {
            let script = |path, text| GuestFile::text(path, text).mode(FileMode::new(0o755));
            guest = guest
                .package("keepalived")
                .file(GuestFile::text(keepalived::PATH, keepalived::configuration(member)))
                .file(script(keepalived::FIND, keepalived::find(member)))
                .file(script(keepalived::ASK, keepalived::ask()))
                .unit(
                    Unit::service("keepalived")
                        .enabled()
                        .dropin("50-fmc.conf", lasting(Some(keepalived::FIND))),
                );
        }
        if is_enterprise_linux && (program.is_none() || member.is_some()) {
            guest = guest.unit(booleans(program.is_none(), member.is_some()));
        }
        guest
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let cloud = site.cloud();
        let of = |kind: &RoleName| Peer::subnet_of_role(kind.clone()).of(&self.cluster);
        let mut flows = Flows::new().accept(tcp(API), of(&AGENT)).accept(tcp(API), of(&SERVER));
        // People and programs on the balancer's own networks.
        for network in site.networks() {
            flows = flows.accept(tcp(API), Peer::network(network.name.clone()));
        }
        flows = flows.reach(tcp(API), Peer::role(SERVER).of(&self.cluster));
        if let (true, Some((http, https)), Some(there)) =
            (self.balancer.ingress.on, self.balancer.ingress.ports(), self.balancer.ingress.node_ports())
        {
            flows = flows.accept(tcp(http), Peer::Anywhere).accept(tcp(https), Peer::Anywhere);
            let ports: [Service; 2] = [tcp(there.0), tcp(there.1)];
            for port in ports {
                flows = if self.nodes.is_empty() {
                    flows.reach(port, of(self.takers(cloud)))
                } else {
                    self.nodes
                        .iter()
                        .fold(flows, |flows, node| flows.reach(port, Peer::machine(node.clone())))
                };
            }
        }
        if self.balancer.virtual_address.is_some() && self.balancer.machines.len() > 1 {
            let members = || Peer::role(KIND).of(&self.cluster);
            flows = flows.accept(vrrp(), members()).reach(vrrp(), members());
        }
        flows
    }

    fn names(&self, site: &Site<'_>) -> Names {
        let Some(name) = self.name(site) else { return Names::new() };
        self.members(site.cloud(), self.takers(site.cloud()))
            .filter_map(|node| target(node, site.machine()))
            .take(haproxy::SLOTS)
            .fold(Names::new(), |names, node| names.name(name.clone(), node.address))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        const PACKAGED: &[Os] = &[Os::Rocky, Os::Almalinux, Os::Debian];
        let needs = Needs::new().address();
        // Traefik is one static program; keepalived and HAProxy are the distributions' packages.
        let is_packaged =
            self.balancer.software == Software::HaProxy || self.balancer.virtual_address.is_some();
        if is_packaged { needs.systems(PACKAGED) } else { needs }
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        self.unpublished(site, findings);
        let machine = site.machine();
        let is_old = site.os().is_enterprise_linux()
            && machine
                .image
                .version
                .split('.')
                .next()
                .and_then(|major| major.parse::<u32>().ok())
                .is_some_and(|major| major < 9);
        if is_old && self.balancer.software == Software::HaProxy {
            let (os, version) = (site.os().label(), machine.image.version.to_string());
            findings.about(BalancerProblem::OldHaproxy { os, version });
        }
    }
}
