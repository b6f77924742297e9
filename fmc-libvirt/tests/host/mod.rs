//! A hypervisor of the tests' own with a provider on it, and questions about both.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use fmc_core::cloud::Cloud;
use fmc_core::graph::{ApplyOptions, Choices, Plan, Provider as _, Wanted, apply, plan};
use fmc_core::name::HostName;
use fmc_libvirt::document::Document;
use fmc_libvirt::documents::documents;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::virt::VirtLink;
use fmc_testkit::libvirtd::Own;

const NETWORK: &str =
    "<network><name>theirs</name><bridge name='br-theirs'/><ip address='10.99.0.1' prefix='24'/></network>";
const DOMAIN: &str = "<domain type='qemu'><name>theirs</name><memory unit='MiB'>32</memory><os><type>hvm</type></os>\
                      <devices><interface type='network'><source network='theirs'/></interface></devices></domain>";

pub(crate) struct Hypervisor {
    pub(crate) provider: Libvirt<VirtLink>,
    pub(crate) own: Own,
}

/// The objects on it, by name.
#[derive(Debug, PartialEq)]
pub(crate) struct Lists {
    domains: Vec<String>,
    networks: Vec<String>,
    pools: BTreeMap<String, Vec<String>>,
}

impl Hypervisor {
    /// A hypervisor for a cloud that gives its host this name.
    pub(crate) fn named(name: &str) -> Self {
        let own = Own::start();
        let link = VirtLink::connect(&own.uri()).unwrap();
        let name: HostName = name.parse().unwrap();
        Self {
            provider: Libvirt::new().host(name, link).images(Images::default().files(Files::anywhere(""))),
            own,
        }
    }

    pub(crate) fn plan(&self, wanted: &Wanted<Document>, choices: &Choices) -> Plan<Document> {
        let seen = wait(self.provider.observe(wanted)).unwrap();
        plan(&self.provider, wanted, &seen, choices)
    }

    /// Plans and applies, and asserts that every step is done.
    pub(crate) fn apply(&self, cloud: &Cloud, choices: &Choices) -> Plan<Document> {
        self.apply_wanted(&wanted(cloud), choices)
    }

    /// Applies, and asserts that the next plan is empty.
    pub(crate) fn converge(&self, cloud: &Cloud, choices: &Choices) -> Plan<Document> {
        let plan = self.apply(cloud, choices);
        self.expect_nothing_to_do(cloud);
        plan
    }

    pub(crate) fn expect_nothing_to_do(&self, cloud: &Cloud) {
        let again = self.plan(&wanted(cloud), &Choices::default());
        let steps: Vec<_> = again.steps.iter().map(|step| (&step.address, &step.changes)).collect();
        assert!(again.is_empty(), "planned again: {steps:#?}\n{}", self.own.log());
    }

    /// Destroys a cloud, and asserts that the next plan is empty.
    pub(crate) fn destroy(&self, owner: &str, choices: &Choices) -> Plan<Document> {
        let nothing = Wanted::nothing(owner);
        let plan = self.apply_wanted(&nothing, choices);
        let again = self.plan(&nothing, choices);
        assert!(again.is_empty(), "planned again: {:#?}", again.steps);
        plan
    }

    fn apply_wanted(&self, wanted: &Wanted<Document>, choices: &Choices) -> Plan<Document> {
        let plan = self.plan(wanted, choices);
        let outcome = wait(apply(&plan, &self.provider, ApplyOptions::default(), |_| {})).unwrap();
        assert!(outcome.is_converged(), "{outcome:#?}\n{}", self.own.log());
        plan
    }

    /// Adds foreign objects: a running domain, a network, and a pool with a volume.
    pub(crate) fn plant_foreign_objects(&self) {
        self.define("net-define", NETWORK);
        self.own.virsh(&["net-start", "theirs"]);
        self.define("define", DOMAIN);
        self.own.virsh(&["start", "theirs"]);
        self.own.virsh(&["pool-define-as", "theirs", "dir", "--target", "/var/lib/libvirt/theirs"]);
        self.own.virsh(&["pool-build", "theirs"]);
        self.own.virsh(&["pool-start", "theirs"]);
        self.own.virsh(&["vol-create-as", "theirs", "precious", "1M"]);
    }

    fn define(&self, command: &str, xml: &str) {
        let file = self.own.path().join("foreign.xml");
        std::fs::write(&file, xml).unwrap();
        self.own.virsh(&[command, file.to_str().unwrap()]);
    }

    /// The documents of the foreign objects, with the id of the running guest.
    pub(crate) fn foreign_documents(&self) -> Vec<String> {
        [["dumpxml", "theirs"].as_slice(), &["net-dumpxml", "theirs"], &["vol-dumpxml", "precious", "theirs"]]
            .map(|arguments| self.own.virsh(arguments))
            .into()
    }

    pub(crate) fn lists(&self) -> Lists {
        let pools = self.names(&["pool-list", "--all", "--name"]);
        Lists {
            domains: self.names(&["list", "--all", "--name"]),
            networks: self.names(&["net-list", "--all", "--name"]),
            pools: pools.into_iter().map(|pool| (pool.clone(), self.volumes(&pool))).collect(),
        }
    }

    /// The volumes of a pool, in order.
    pub(crate) fn volumes(&self, pool: &str) -> Vec<String> {
        let listed = self.own.virsh(&["vol-list", pool]);
        let mut names: Vec<_> =
            listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// The running machines of the tests, in order.
    pub(crate) fn running(&self) -> Vec<String> {
        let mut names = self.names(&["list", "--name"]);
        names.retain(|name| name != "theirs");
        names.sort();
        names
    }

    /// Each running guest with its id, which changes at each start.
    pub(crate) fn ids(&self) -> Vec<(String, String)> {
        let names = self.running();
        names
            .into_iter()
            .map(|name| (name.clone(), self.own.virsh(&["domid", &name]).trim().to_owned()))
            .collect()
    }

    /// Each running guest with its id and its network device on the host.
    pub(crate) fn wires(&self) -> Vec<(String, String, String)> {
        self.ids()
            .into_iter()
            .map(|(name, id)| {
                let wire = self.own.virsh(&["domiflist", &name]);
                (name, id, wire.trim().to_owned())
            })
            .collect()
    }

    /// Writes data into a data disk that must not be lost.
    pub(crate) fn write_data(&self, path: &str) {
        self.own.inside(&format!("printf precious | dd of={path} conv=notrunc status=none")).unwrap();
    }

    /// A data disk's inode, size, and a hash of its beginning: hashing the whole empty disk would take too
    /// long.
    pub(crate) fn data(&self, path: &str) -> String {
        self.own
            .inside(&format!("stat --format='%i %s' {path} && head --bytes 1048576 {path} | sha256sum"))
            .unwrap()
    }

    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let listed = self.own.virsh(arguments);
        listed.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

pub(crate) fn wanted(cloud: &Cloud) -> Wanted<Document> {
    documents(&cloud.check().unwrap())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
