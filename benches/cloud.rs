//! The cost of a cloud before anything is touched: the check, the compile and the plan of ten to a hundred
//! thousand machines, against the simulation.
//!
//! `cargo bench --bench cloud` prints a table; `-- --full` adds the last row. Times are CPU time of the
//! process and the best of several runs, so that a busy neighbour hardly changes them. `cargo test` runs it
//! in a short form: the first two rows.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says why")]

mod common;

use std::alloc::System;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cap::Cap;
use cpu_time::ProcessTime;
use fmc::prelude::*;
use fmc_core::graph::{self, ApplyOptions, Choices, Plan, Provider as _, Wanted};
use fmc_core::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc_libvirt::document::{Content, Document};
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;
use fmc_libvirt::{documents, nft};
use fmc_testkit::bench::is_short;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const USUAL: [usize; 4] = [10, 100, 1_000, 10_000];
const SHORT: [usize; 2] = [10, 100];
const FULL: usize = 100_000;

fn main() {
    let full = std::env::args().any(|argument| argument == "--full");
    let usual = if is_short() { &SHORT[..] } else { &USUAL };
    let mut table = String::from(HEAD);
    let rows: Vec<Row> = usual.iter().copied().chain(full.then_some(FULL)).map(Row::measure).collect();
    for row in &rows {
        writeln!(table, "{row}").expect("a string takes everything");
    }
    let thousand = rows.iter().find(|row| row.machines == 1_000);
    if let (Some(thousand), Some(last)) = (thousand, rows.last()) {
        let ratio = last.together() / thousand.together();
        writeln!(table, "\nA machine of {} costs {ratio:.2} times one of 1,000.", last.machines)
            .expect("a string takes everything");
    }
    std::io::stdout().write_all(table.as_bytes()).expect("the table is written");
}

const HEAD: &str = "\
| machines | check | compile | plan: no change | plan: one change | together | memory |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

/// The cost of a cloud of one size, for each of its machines: microseconds and bytes.
struct Row {
    machines: usize,
    check: f64,
    compile: f64,
    /// Reading the hypervisors and planning, with nothing to do.
    same: f64,
    /// The same after a change of one machine.
    changed: f64,
    /// The memory of a compiled cloud, without the draft and the artifacts' own bytes.
    memory: f64,
}

impl Row {
    fn measure(machines: usize) -> Self {
        let cloud = common::cloud(machines);
        let runs = if is_short() { 1 } else { (30_000 / machines).clamp(3, 300) };
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count(machines);
        let before = MEMORY.allocated();
        let (check, checked) = best(runs, || cloud.check().expect("the generated cloud is right"));
        let (compile, compiled) = best(runs, || Compiled::of(&checked));
        let held = MEMORY.allocated() - before - compiled.bytes();

        let world = World::with(&checked, &compiled);
        let (same, plan) = best(runs, || world.plan(&compiled));
        assert!(plan.is_empty(), "a plan after an apply");
        drop(plan);
        let changed = common::cloud_with_one_change(machines).check().expect("a change of memory is right");
        let changed = Compiled::of(&changed);
        let (changed, plan) = best(runs, || world.plan(&changed));
        assert_eq!(plan.steps.len(), 1, "a plan of one change");
        Self {
            machines,
            check: each(check),
            compile: each(compile),
            same: each(same),
            changed: each(changed),
            memory: count(held) / count(machines),
        }
    }

    /// All work from a cloud with one change to its plan.
    fn together(&self) -> f64 {
        self.check + self.compile + self.changed
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machines, check, compile, same, changed, memory } = self;
        let (together, memory) = (self.together(), memory / 1024.0);
        write!(f, "| {machines} | {check:.1} µs | {compile:.1} µs | {same:.1} µs | {changed:.1} µs ")?;
        write!(f, "| {together:.1} µs | {memory:.1} KiB |")
    }
}

/// A simulated hypervisor for each host of a cloud, with the cloud applied.
struct World(Libvirt<Sim>);

impl World {
    fn with(checked: &Checked, compiled: &Compiled) -> Self {
        let provider =
            checked.hosts().iter().fold(Libvirt::new().secrets(Arc::new(Nothing)), |provider, host| {
                provider.host(host.name.clone(), Sim::new())
            });
        let world = Self(provider);
        let plan = world.plan(compiled);
        let applied = graph::apply(&plan, &world.0, ApplyOptions::default(), |_| ());
        let outcome = pollster::block_on(applied).expect("the plan can be done");
        assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
        world
    }

    fn plan(&self, compiled: &Compiled) -> Plan<Document> {
        let seen = pollster::block_on(self.0.observe(&compiled.wanted)).expect("the simulation answers");
        graph::plan(&self.0, &compiled.wanted, &seen, &Choices::default())
    }
}

/// The shortest CPU time of several runs, and the last run's result.
fn best<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut timed = || {
        let start = ProcessTime::now();
        let out = run();
        (start.elapsed(), out)
    };
    let (mut least, mut out) = timed();
    for _ in 1..runs {
        drop(out);
        let (time, again) = timed();
        (least, out) = (least.min(time), again);
    }
    (least, out)
}

/// A compiled cloud.
struct Compiled {
    wanted: Wanted<Document>,
    rulesets: Vec<String>,
}

impl Compiled {
    fn of(checked: &Checked) -> Self {
        let rulesets = nft::rulesets(checked).map(|(_, text)| text).collect();
        Self { rulesets, wanted: documents::documents(checked) }
    }

    /// The bytes of its artifacts.
    fn bytes(&self) -> usize {
        let documents =
            self.wanted.nodes.values().map(|node| node.document.xml().len() + boot(&node.document));
        documents.sum::<usize>() + self.rulesets.iter().map(String::len).sum::<usize>()
    }
}

/// The size of a boot configuration in bytes.
fn boot(document: &Document) -> usize {
    let Document::Volume(volume) = document else { return 0 };
    let Content::Boot(boot) = &volume.content else { return 0 };
    let length = |template: &fmc_core::template::Template| {
        template.render(&Nothing).expect("no secret is text of one line").expose().len()
    };
    boot.files().into_iter().map(|(_, template)| length(template)).sum()
}

/// Secrets without bytes, because keys have a bench of their own (`cargo bench --bench keys`).
struct Nothing;

impl Secrets for Nothing {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(Vec::new()))
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("less than four billion"))
}
