//! Hypervisors of these tests' own, and the serial logs of their guests.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, sleep};
use std::time::{Duration, Instant};

use fmc::files::Files;
use fmc::graph::Choices;
use fmc::libvirt::image::Images;
use fmc::prelude::*;
use fmc::secret::Secrets;
use fmc::{Plan, Providers, compile};
use fmc_libvirt::link::Link as _;
use fmc_libvirt::virt::VirtLink;
use fmc_testkit::guest::Report;
use fmc_testkit::libvirtd::Own;

use crate::cloud::{Guest, HOSTS};

/// The pool of the cloud, which also holds the serial logs.
const POOL: &str = "fmc-boot";

/// The time limit of a boot. It takes a minute on an idle machine, by software emulation.
const PATIENCE: Duration = Duration::from_secs(900);

/// Guests of several tests at once would slow each other down beyond every deadline.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) struct Lab {
    providers: Providers,
    hosts: BTreeMap<&'static str, Hypervisor>,
    _turn: MutexGuard<'static, ()>,
}

struct Hypervisor {
    own: Own,
    link: VirtLink,
}

impl Lab {
    /// A hypervisor for each host, by its name in the cloud, once no other test has one.
    pub(crate) fn start(names: &[&'static str]) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let start = |name: &&'static str| {
            let own = Own::start();
            let link = VirtLink::connect(&own.uri()).unwrap();
            (*name, Hypervisor { own, link })
        };
        let hosts: BTreeMap<_, _> = names.iter().map(start).collect();
        let providers = hosts.iter().fold(
            Providers::new().images(Images::default().files(Files::anywhere(""))),
            |providers, (name, host)| {
                providers.host(name.parse().unwrap(), VirtLink::connect(&host.own.uri()).unwrap())
            },
        );
        Self { providers, hosts, _turn: turn }
    }

    /// Sets the secrets, for clouds that have some.
    pub(crate) fn secrets(mut self, secrets: Arc<dyn Secrets + Send + Sync>) -> Self {
        self.providers = self.providers.secrets(secrets);
        self
    }

    /// The hypervisor of a host.
    pub(crate) fn own(&self, host: &str) -> &Own {
        &self.hosts[host].own
    }

    /// Applies a cloud and asserts that every step is done.
    pub(crate) fn apply(&self, cloud: &Cloud) -> Plan {
        self.apply_with(cloud, Choices::default())
    }

    pub(crate) fn apply_with(&self, cloud: &Cloud, choices: Choices) -> Plan {
        let plan = self.plan(cloud, choices);
        let outcome = wait(plan.apply(&self.providers, |_| {})).unwrap();
        assert!(outcome.is_converged(), "{outcome:#?}");
        plan
    }

    pub(crate) fn expect_nothing_to_do(&self, cloud: &Cloud) {
        let plan = self.plan(cloud, Choices::default());
        assert!(plan.is_empty(), "{plan:?}");
    }

    /// The report of a machine's first, second … boot.
    pub(crate) fn boot(&self, machine: &str, number: usize) -> Report {
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.log(machine);
            let reports = Report::read_all(&log).unwrap();
            if let Some(report) = reports.get(number - 1) {
                return report.clone();
            }
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(60)..].join("\n");
            assert!(
                Instant::now() < end,
                "{machine} says nothing after {PATIENCE:?}; its serial log ends so:\n{tail}"
            );
            sleep(Duration::from_millis(500));
        }
    }

    /// The end of a machine's serial log; empty before there is one.
    pub(crate) fn log(&self, machine: &str) -> String {
        let tail = self.hosts.values().find_map(|host| {
            host.link.refresh_pool(POOL).ok()?;
            host.link.volume_tail(POOL, &format!("{machine}.console"), 1 << 20).ok().flatten()
        });
        String::from_utf8_lossy(&tail.unwrap_or_default()).into_owned()
    }

    /// Asserts that the network leased a machine the address that is reserved for it.
    pub(crate) fn expect_lease(&self, guest: &Guest) {
        let network = format!("back{}", guest.host);
        let leases = self.hosts[HOSTS[guest.host]].own.virsh(&["net-dhcp-leases", &network]);
        assert!(leases.contains(&format!(" {}/24 ", guest.address(5))), "{}: {leases}", guest.name);
    }

    /// The running domains of a host.
    #[cfg(feature = "full")]
    pub(crate) fn domains(&self, host: &str) -> Vec<String> {
        let listed = self.hosts[host].own.virsh(&["list", "--name"]);
        listed.split_whitespace().map(str::to_owned).collect()
    }

    fn plan(&self, cloud: &Cloud, choices: Choices) -> Plan {
        let wanted = compile(&cloud.check().unwrap());
        wait(self.providers.plan_with(&wanted, choices)).unwrap()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
