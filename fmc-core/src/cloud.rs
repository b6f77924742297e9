//! The draft: a cloud as its author wrote it. Making one never fails; [`Cloud::check`] finds its mistakes.

use std::collections::BTreeMap;

use crate::addr::Ip;
use crate::dns::Dns;
use crate::draft::{Setting, draft};
use crate::finding::{At, Finding, OwnKind, ValueProblem};
use crate::flow::Peer;
use crate::given::Given;
use crate::host::Host;
use crate::k3s;
use crate::machine::Machine;
use crate::name::{CloudName, DomainName, MachineName, OwnerId};
use crate::named::Named;
use crate::network::Network;
use crate::people::People;
use crate::role::{Role, Spanning};
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::SecretSettings;
use crate::tz::TimeZone;

draft! {
    /// A finding that the cloud accepts, by kind, and why.
    #[derive(Eq)]
    pub struct Accept {
        /// The kind of finding, as `pool-thin`.
        #[needed]
        pub kind: String,
        /// The reason, which is shown with the finding.
        #[needed]
        #[rule(is_given)]
        pub reason: String,
    }

    arguments;
}

fn is_given(reason: &str, at: &At<'_>, findings: &mut Vec<Finding>) {
    if reason.trim().is_empty() {
        findings.push(ValueProblem::NoReason.at(at));
    }
}

draft! {
    /// A cloud: hosts, networks and machines as one value.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::host::Host;
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::{Interface, Machine};
    /// use fmc_core::network::Network;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let cloud = Cloud::new("first")
    ///     .host(Host::local())
    ///     .network(Network::nat("lab", "10.17.3.0/24"))
    ///     .machine(
    ///         Machine::new("web", Image::blank())
    ///             .memory(2.gib())
    ///             .root_disk(20.gib())
    ///             .interface(Interface::on("lab").address("10.17.3.10")),
    ///     );
    /// let checked = cloud.check()?;
    /// assert_eq!(checked.machines().len(), 1);
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub struct Cloud {
        /// Its name.
        #[needed]
        pub name: Given<CloudName>,
        /// The owner of its objects; the cloud's name by default. It keeps apart two people's clouds of one name on one
        /// host.
        pub owner: Option<Given<OwnerId>>,
        /// Whether its domains and networks are called `OWNER-NAME` on their hosts, so that several clouds on one host
        /// may use the same names. They have their plain names by default; a lab's are always `OWNER-NAME`.
        #[by_hand]
        pub prefixed: bool,
        /// Whether it is the small copy that `--lab` makes.
        #[by_hand]
        pub lab: bool,
        /// The DNS domain of its machines.
        pub domain: Option<Given<DomainName>>,
        /// The time zone of its machines.
        pub time_zone: Option<Given<TimeZone>>,
        /// The resolvers of its machines, in order.
        #[list]
        pub resolvers: Vec<Given<Ip>>,
        /// Addresses by which the Internet reaches the cloud; they must be public ones.
        #[each(public_address)]
        pub public_addresses: Vec<Given<Ip>>,
        /// Whether machines get SSH host keys that are made from the root key; they make their own by default. With
        /// them, `ssh` and `ssh-config` know every machine before it boots, and a replaced machine keeps its key. A
        /// machine whose guest has its own `/etc/ssh/ssh_host_ed25519_key` keeps that one.
        pub ssh_host_keys: bool,
        /// How secrets are made from the root key.
        pub secrets: SecretSettings,
        /// The peers from which the machines' firewalls accept SSH: `anywhere`, `{network: lan}`, `{machine: bastion}`,
        /// `{subnet: 10.17.3.0/24}`. By default anywhere, or the bastion alone where the cloud has one. Without a bastion, or where
        /// this is stated, a machine's firewall also accepts its hypervisor's address on the machine's networks; the address on a
        /// host bridge is not known, and has to be listed.
        #[list]
        pub ssh_from: Option<Vec<Peer>>,
        /// Hypervisors, by name.
        #[each(host, map_hosts)]
        pub hosts: Named<Host>,
        /// Networks, by name.
        #[each(network, map_networks)]
        pub networks: Named<Network>,
        /// Machines, by name.
        #[each(machine)]
        pub machines: Named<Machine>,
        /// K3s clusters, by name.
        #[each(cluster, map_clusters)]
        pub clusters: Named<k3s::Cluster>,
        /// The DNS of the cloud: its zones, and the servers that have them. Without it names are known by the networks alone.
        pub dns: Option<Dns>,
        /// The people of the cloud in a FreeIPA server: users, groups, and rules who may log in where and become whom.
        pub people: Option<People>,
        /// Roles that span machines, each by its kind, or as a map of its kind to its settings.
        #[by_hand(role)]
        pub roles: Vec<Spanning>,
        /// Kinds of findings that the cloud accepts, each with the reason.
        #[by_hand]
        pub accept: Vec<Accept>,
    }

    /// An empty cloud.
    pub fn new(..);
    said Cloud::said;
}

impl Cloud {
    /// Whether its domains and networks are called `OWNER-NAME` on their hosts. libvirt's names are global on a host,
    /// so dev and staging of one cloud need this to share one. In plans and commands a machine keeps its plain name.
    ///
    /// An existing object is not renamed: a plan refuses it, and says what to do.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::host::Host;
    /// use fmc_core::network::Network;
    ///
    /// let cloud = |name| Cloud::new(name).prefixed(true).host(Host::local()).network(Network::nat("lab", "10.17.3.0/24"));
    /// assert_eq!(cloud("staging").check()?.name_on_host("lab"), "staging-lab");
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    #[must_use]
    pub fn prefixed(mut self, on: bool) -> Self {
        self.prefixed = on;
        self
    }

    /// Hypervisors.
    #[must_use]
    pub fn hosts(mut self, hosts: impl IntoIterator<Item = Host>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    /// Networks.
    #[must_use]
    pub fn networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Machines.
    #[must_use]
    pub fn machines(mut self, machines: impl IntoIterator<Item = Machine>) -> Self {
        self.machines.extend(machines);
        self
    }

    /// The same cloud with each of its machines changed.
    ///
    /// A draft is read by its fields, which are named as in a file, and changed by them or by the functions that map:
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::Machine;
    /// use fmc_core::network::Network;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let cloud = Cloud::new("first")
    ///     .network(Network::nat("lab", "10.17.3.0/24"))
    ///     .machines(["web", "db"].map(|name| Machine::new(name, Image::blank()).memory(2.gib())));
    /// let small = cloud
    ///     .map_machines(|machine| match machine.memory.as_ref().and_then(|memory| memory.ok()) {
    ///         Some(memory) if *memory > 1.gib() => machine.memory(1.gib()),
    ///         _ => machine,
    ///     })
    ///     .map_networks(|network| network.mtu(1400));
    /// let names: Vec<String> = small.machines.iter().map(|machine| machine.name.to_string()).collect();
    /// assert_eq!(names, ["web", "db"]);
    /// assert_eq!(small.machines.get("db").unwrap().memory, Some(1.gib().into()));
    /// assert_eq!(small.networks.get("lab").unwrap().mtu, Some(1400.into()));
    /// ```
    #[must_use]
    pub fn map_machines(mut self, change: impl FnMut(Machine) -> Machine) -> Self {
        self.machines = self.machines.map(change);
        self
    }

    /// K3s clusters.
    #[must_use]
    pub fn clusters(mut self, clusters: impl IntoIterator<Item = k3s::Cluster>) -> Self {
        self.clusters.extend(clusters);
        self
    }

    /// A role that spans machines of the cloud: any [`SpanningRole`](crate::role::SpanningRole). A file can hold it if
    /// it is a [`FileSpanningRole`](crate::role::FileSpanningRole) that the program knows.
    #[must_use]
    pub fn role(mut self, role: impl Into<Spanning>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The same cloud with each of its spanning roles changed, by its place among them.
    #[must_use]
    pub fn map_spanning_roles(mut self, mut change: impl FnMut(usize, Spanning) -> Spanning) -> Self {
        let roles = std::mem::take(&mut self.roles).into_iter().enumerate();
        self.roles = roles.map(|(index, role)| change(index, role)).collect();
        self
    }

    /// The kinds of findings that the user's own roles add.
    pub fn own_finding_kinds(&self) -> impl Iterator<Item = &'static OwnKind> {
        let of_machines = self.own_roles().flat_map(|(_, role)| role.as_custom().finding_kinds());
        of_machines.chain(self.roles.iter().flat_map(|role| role.as_spanning().finding_kinds()))
    }

    /// Accepts the findings of a kind, for a reason that is listed with them.
    #[must_use]
    pub fn accept(mut self, kind: impl Into<String>, reason: impl Into<String>) -> Self {
        self.accept.push(Accept { kind: kind.into(), reason: reason.into() });
        self
    }

    /// The roles of the user's own, each with its machine's name.
    pub fn own_roles(&self) -> impl Iterator<Item = (&Given<MachineName>, &Role)> {
        self.machines.iter().flat_map(|machine| machine.roles.iter().map(|role| (&machine.name, role)))
    }

    /// The cloud with each role changed, by its machine's name and its place among the machine's roles.
    #[must_use]
    pub fn map_roles(mut self, mut change: impl FnMut(&str, usize, Role) -> Role) -> Self {
        for machine in self.machines.iter_mut().filter(|machine| !machine.roles.is_empty()) {
            let name = machine.name.to_string();
            let roles = std::mem::take(&mut machine.roles).into_iter().enumerate();
            machine.roles = roles.map(|(index, role)| change(&name, index, role)).collect();
        }
        self
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        if self.lab {
            return Err("a lab's copy, which is made by `Cloud::lab`, from the cloud itself".to_owned());
        }
        let mut on = Expr::of("Cloud::new", vec![self.name.rust(names)?]);
        self.say_settings(&mut on, &["lab"], names)?;
        Ok(on)
    }

    /// The Rust expression that makes the cloud, indented by four columns. The map has the program's constants by the
    /// name of their network.
    ///
    /// # Errors
    ///
    /// Names the part of the cloud that no setter can express.
    pub fn to_rust(&self, constants: &BTreeMap<String, String>) -> Result<String, String> {
        self.rust(constants).map(|cloud| cloud.print(4))
    }

    /// The JSON Schema (draft 2020-12) of a cloud's file. With it an editor completes and checks a file as it is
    /// written.
    ///
    /// It describes each value by itself; rules about the whole cloud are in [`Cloud::check`].
    #[cfg(feature = "schema")]
    pub fn schema() -> serde_json::Value {
        let mut schema = crate::schema::of::<Self>();
        schema.insert("title".to_owned(), "A cloud of fmc".into());
        let link = schemars::json_schema!({ "type": "string", "description": "The address of this schema, for an editor." });
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.insert("$schema".to_owned(), link.to_value());
        }
        schema.to_value()
    }
}
