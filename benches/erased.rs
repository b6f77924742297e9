//! The cost of a list of providers: the same plan through libvirt's own types, and through `Rooms`, which
//! forgets them.
//!
//! `cargo bench --bench erased` prints both times for each machine and their ratio, of one run. Times are CPU
//! time of the process and the best of several runs. `cargo test` runs it in a short form.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says why")]

mod common;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ProcessTime;
use fmc::sim::StandIns;
use fmc_core::checked::Checked;
use fmc_core::graph::{self, ApplyOptions, Choices, Model, Provider};
use fmc_core::provider::{Room as _, Rooms};
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;
use fmc_testkit::bench::is_short;

fn main() {
    let (machines, runs) = if is_short() { (20, 1) } else { (1_000, 30) };
    let checked = common::cloud(machines).check().expect("the generated cloud is right");
    let libvirt = applied(&checked);
    let rooms = Rooms::new().with(&libvirt);
    let changed = common::cloud_with_one_change(machines).check().expect("a change of memory is right");
    let typed_wanted = libvirt.documents(&changed);
    let erased_wanted = rooms.documents(&changed);
    let mut least = [Duration::MAX; 2];
    // In turn, so that both see the same machine.
    for _ in 0..runs {
        let typed = timed(|| plan(&libvirt, &typed_wanted));
        let erased = timed(|| plan(&rooms, &erased_wanted));
        least = [least[0].min(typed), least[1].min(erased)];
    }
    let [typed, erased] =
        least.map(|time| time.as_secs_f64() * 1e6 / f64::from(u32::try_from(machines).expect("few")));
    let ratio = erased / typed;
    writeln!(
        std::io::stdout(),
        "a plan of one change among {machines} machines, each: typed {typed:.1} µs, through a list of providers {erased:.1} µs: {ratio:.2} times"
    )
    .expect("the line is written");
}

/// The CPU time of a plan with one step.
fn timed(mut plan: impl FnMut() -> usize) -> Duration {
    let start = ProcessTime::now();
    let steps = plan();
    let time = start.elapsed();
    assert_eq!(steps, 1, "one machine has changed");
    time
}

fn plan<P: Provider>(provider: &P, wanted: &graph::Wanted<<P as Model>::Document>) -> usize {
    let seen = pollster::block_on(provider.observe(wanted)).expect("the simulation answers");
    graph::plan(provider, wanted, &seen, &Choices::default()).steps.len()
}

/// Simulated hypervisors with the cloud applied.
fn applied(checked: &Checked) -> Libvirt<Sim> {
    let none = Libvirt::new().secrets(Arc::new(StandIns));
    let libvirt =
        checked.hosts().iter().fold(none, |libvirt, host| libvirt.host(host.name.clone(), Sim::new()));
    let wanted = libvirt.documents(checked);
    let seen = pollster::block_on(libvirt.observe(&wanted)).expect("the simulation answers");
    let plan = graph::plan(&libvirt, &wanted, &seen, &Choices::default());
    let outcome = pollster::block_on(graph::apply(&plan, &libvirt, ApplyOptions::default(), |_| ()));
    assert!(outcome.expect("the plan can be done").is_converged(), "everything is made");
    libvirt
}
