//! Hypervisors of these tests' own, and the serial logs of what runs on them.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, sleep};
use std::time::{Duration, Instant};

use fmc::graph::Choices;
use fmc::prelude::*;
use fmc::{Plan, Providers, compile};
use fmc_libvirt::virt::VirtLink;
use fmc_testkit::guest::Report;
use fmc_testkit::libvirtd::Own;

/// What a boot may take: a minute on an idle machine, by software emulation.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) struct Lab {
    providers: Providers,
    hosts: BTreeMap<&'static str, Own>,
}

impl Lab {
    /// A hypervisor for each host, by its name in the cloud.
    pub(crate) fn start(names: &[&'static str]) -> Self {
        let hosts: BTreeMap<_, _> = names.iter().map(|name| (*name, Own::start())).collect();
        let providers = hosts.iter().fold(Providers::new(), |providers, (name, own)| {
            providers.host(name.parse().unwrap(), VirtLink::connect(&own.uri()).unwrap())
        });
        Self { providers, hosts }
    }

    /// Applies a cloud; every step is done.
    pub(crate) fn apply(&self, cloud: &Cloud) -> Plan {
        self.apply_with(cloud, Choices::default())
    }

    pub(crate) fn apply_with(&self, cloud: &Cloud, choices: Choices) -> Plan {
        let plan = self.plan(cloud, choices);
        let outcome = wait(plan.apply(&self.providers, |_| {})).unwrap();
        assert!(outcome.is_converged(), "{outcome:#?}");
        for machine in cloud.check().unwrap().machines {
            self.listen(machine.name.as_str());
        }
        plan
    }

    pub(crate) fn expect_nothing_to_do(&self, cloud: &Cloud) {
        let plan = self.plan(cloud, Choices::default());
        assert!(plan.is_empty(), "{plan:?}");
    }

    /// What a machine says at the end of its first, second … boot.
    pub(crate) fn boot(&self, machine: &str, number: usize) -> Report {
        let end = Instant::now() + PATIENCE;
        loop {
            let log = self.log(machine);
            let reports = Report::read_all(&log).unwrap_or_else(|wrong| panic!("{machine}: {wrong}"));
            if let Some(report) = reports.get(number - 1) {
                return report.clone();
            }
            assert!(
                Instant::now() < end,
                "{machine} says nothing after {PATIENCE:?}; its serial log ends so:\n{log}"
            );
            sleep(Duration::from_millis(500));
        }
    }

    /// The end of a machine's serial log.
    pub(crate) fn log(&self, machine: &str) -> String {
        let path = self.host_of(machine).path().join(format!("{machine}.log"));
        std::fs::read(path).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The network has leased this address.
    pub(crate) fn expect_lease(&self, host: &str, network: &str, address: &str) {
        let leases = self.hosts[host].virsh(&["net-dhcp-leases", network]);
        assert!(leases.contains(&format!(" {address}/24 ")), "{address} in:\n{leases}");
    }

    fn plan(&self, cloud: &Cloud, choices: Choices) -> Plan {
        let wanted = compile(&cloud.check().unwrap());
        wait(self.providers.plan_with(&wanted, choices)).unwrap()
    }

    fn host_of(&self, machine: &str) -> &Own {
        self.hosts.values().find(|own| own.try_virsh(&["domid", machine]).is_ok()).unwrap()
    }

    fn listen(&self, machine: &str) {
        let own = self.host_of(machine);
        let terminal = own.virsh(&["ttyconsole", machine]);
        let log = own.path().join(format!("{machine}.log"));
        own.inside(&format!("cat {} >>'{}' 2>/dev/null &", terminal.trim(), log.display())).unwrap();
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
