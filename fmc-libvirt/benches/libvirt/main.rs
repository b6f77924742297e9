//! The time that fmc adds to libvirt's own: fmc and the bare calls do each piece of work in turn.
//!
//! `cargo bench -p fmc-libvirt --features unpack,virt --bench libvirt` prints tables of all parts, or of the
//! parts named after `--`: many, few, lab, upload. It needs libvirt and QEMU, as the tests do, and starts a
//! daemon of its own. Times are wall time including the connection: the least and the median of five runs. A
//! relay between fmc and the daemon counts the calls. `cargo test` runs it in a short form: each part once,
//! on small clouds.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that cannot go on says why")]

mod bare;
mod clouds;
#[path = "../../../examples/flatcar_micro_cloud/cloud.rs"]
mod seed;
mod upload;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fmc::keys::{Keyring, RootKey};
use fmc_core::graph::{self, ApplyOptions, Choices, DeleteData, Plan, Provider as _, Wanted};
use fmc_core::machine::Power;
use fmc_core::name::{HostName, OwnerId};
use fmc_core::secret::{NoSecrets, SecretScope};
use fmc_libvirt::document::Document;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::virt::VirtLink;
use fmc_testkit::bench::is_short;
use fmc_testkit::libvirtd::Own;
use fmc_testkit::relay::Relay;

/// The extent of the measurements.
struct Extent {
    /// The number of timed runs of each piece of work. One more run counts its calls.
    runs: usize,
    /// The number of machines in the large cloud.
    machines: usize,
    /// The power states in which the small cloud is measured.
    powers: &'static [(Power, &'static str)],
    /// The size of an uploaded image, in MiB.
    image: usize,
}

const WHOLE: Extent = Extent {
    runs: 5,
    machines: 1_600,
    powers: &[(Power::Stopped, "defined"), (Power::Running, "running")],
    image: 512,
};

/// Only stopped machines in the small cloud, because the seed's lab has running ones already.
const SHORT: Extent = Extent { runs: 0, machines: 60, powers: &[(Power::Stopped, "defined")], image: 32 };

/// A part adds its rows.
type Part = fn(&mut Vec<Row>, &Extent);

fn main() {
    let extent = if is_short() { SHORT } else { WHOLE };
    let mut rows = Vec::new();
    let parts: [(&str, Part); 3] = [("many", many), ("few", few), ("lab", lab)];
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    for (name, part) in parts {
        if is_asked(name) {
            part(&mut rows, &extent);
        }
    }
    if is_asked("upload") {
        std::io::stdout().write_all(upload::table(&extent).as_bytes()).expect("the table is written");
    }
    if rows.is_empty() {
        return;
    }
    let table: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let head = "| work | bare calls | fmc | ratio of the least | calls: bare | calls: fmc |\n\
                | --- | ---: | ---: | ---: | ---: | ---: |\n";
    std::io::stdout().write_all([head, &table].concat().as_bytes()).expect("the table is written");
}

/// An empty plan over many domains: in this process, where a call costs almost nothing, and on a daemon.
fn many(rows: &mut Vec<Row>, extent: &Extent) {
    let machines = extent.machines;
    let wanted = clouds::for_the_test_driver(clouds::many(machines));
    let in_process = "test:///default";
    // The test driver keeps its objects as long as a connection is open.
    let _connected = VirtLink::connect(in_process).expect("the test driver answers");
    bare::create(in_process, &wanted).expect("the test driver takes the cloud");
    let work = format!("plan over {machines} domains, in-process");
    rows.push(Row::nothing_to_do(&work, in_process, None, &wanted, extent.runs.max(1)));

    let own = Own::start();
    let relay = Relay::start(&own.path().join("libvirt-sock"));
    let wanted = clouds::many(machines);
    bare::create(&own.uri(), &wanted).expect("libvirt takes the cloud");
    let work = format!("plan over {machines} domains, libvirtd");
    rows.push(Row::nothing_to_do(&work, &own.uri(), Some(&relay), &wanted, extent.runs));
}

/// Two networks, a base volume of 50 MiB, and twelve machines with a root volume on it.
fn few(rows: &mut Vec<Row>, extent: &Extent) {
    let own = Own::start();
    let relay = Relay::start(&own.path().join("libvirt-sock"));
    let image = own.path().join("base.img");
    std::fs::write(&image, clouds::noise(50 << 20)).expect("the image is written");
    for (power, what) in extent.powers {
        life(rows, what, &own, &relay, &clouds::few(&image, *power), extent.runs);
    }
}

/// The seed's cloud as a lab: twelve machines that run, on three networks.
fn lab(rows: &mut Vec<Row>, extent: &Extent) {
    let own = Own::start();
    let relay = Relay::start(&own.path().join("libvirt-sock"));
    life(rows, "the seed's lab", &own, &relay, &clouds::compiled(&seed::cloud().lab()), extent.runs);
}

/// Makes everything, reads it, and deletes it.
fn life(rows: &mut Vec<Row>, what: &str, own: &Own, relay: &Relay, wanted: &Wanted<Document>, runs: usize) {
    let nothing = Wanted::nothing(wanted.owner.clone());
    let uris = [own.uri(), relay.uri()];
    let mut create = Row::new(&format!("create, {what}"));
    let mut same = Row::new(&format!("nothing to do, {what}"));
    let mut destroy = Row::new(&format!("destroy, {what}"));
    // The last round counts the calls, because the relay takes time of its own.
    for round in 0..=runs {
        let uri = &uris[usize::from(round == runs)];
        let calls = (round == runs).then_some(relay);
        create.bare.run(calls, || bare::create(uri, wanted).expect("libvirt takes the cloud"));
        same.bare.run(calls, || bare::read(uri).map(drop).expect("libvirt answers"));
        destroy.bare.run(calls, || bare::destroy(uri, wanted).expect("libvirt gives the cloud up"));
        create.fmc.run(calls, || apply(uri, wanted, wanted));
        same.fmc.run(calls, || assert!(plan(uri, wanted, wanted).1.is_empty(), "a plan after an apply"));
        destroy.fmc.run(calls, || apply(uri, &nothing, wanted));
    }
    rows.extend([create, same, destroy]);
}

/// A plan on the cloud's hosts.
fn plan(
    uri: &str,
    wanted: &Wanted<Document>,
    cloud: &Wanted<Document>,
) -> (Libvirt<VirtLink>, Plan<Document>) {
    let hosts: BTreeSet<&str> = cloud.nodes.keys().filter_map(|address| address.place().name()).collect();
    let secrets =
        Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("bench")), Arc::new(NoSecrets));
    let provider = hosts.into_iter().fold(
        Libvirt::new().secrets(Arc::new(secrets)).images(Images::default().files(Files::anywhere(""))),
        |provider, host| {
            provider.host(
                host.parse::<HostName>().expect("a host's name"),
                VirtLink::connect(uri).expect("libvirt answers"),
            )
        },
    );
    let choices = Choices { delete_data: DeleteData::All, ..Choices::default() };
    let seen = pollster::block_on(provider.observe(wanted)).expect("libvirt answers");
    let plan = graph::plan(&provider, wanted, &seen, &choices);
    (provider, plan)
}

fn apply(uri: &str, wanted: &Wanted<Document>, cloud: &Wanted<Document>) {
    let (provider, plan) = plan(uri, wanted, cloud);
    let applied = graph::apply(&plan, &provider, ApplyOptions::default(), |_| ());
    let outcome = pollster::block_on(applied).expect("the plan can be done");
    assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
}

/// A piece of work, done by both.
struct Row {
    work: String,
    bare: Runs,
    fmc: Runs,
}

/// The times, and the number of calls.
#[derive(Default)]
struct Runs {
    times: Vec<Duration>,
    calls: Option<usize>,
}

impl Runs {
    /// Runs the work for its time, or for its calls.
    fn run(&mut self, calls: Option<&Relay>, work: impl FnOnce()) {
        let Some(relay) = calls else {
            let start = Instant::now();
            work();
            self.times.push(start.elapsed());
            return;
        };
        drop(relay.take_calls());
        work();
        self.calls = Some(relay.take_calls().len());
    }

    fn sorted(&self) -> Vec<f64> {
        let mut times: Vec<f64> = self.times.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

impl Row {
    fn new(work: &str) -> Self {
        Self { work: work.to_owned(), bare: Runs::default(), fmc: Runs::default() }
    }

    fn nothing_to_do(
        work: &str,
        uri: &str,
        relay: Option<&Relay>,
        wanted: &Wanted<Document>,
        runs: usize,
    ) -> Self {
        let mut row = Self::new(work);
        let mut round = |uri: &str, calls| {
            row.bare.run(calls, || bare::read(uri).map(drop).expect("libvirt answers"));
            row.fmc.run(calls, || {
                let (_, plan) = plan(uri, wanted, wanted);
                assert!(plan.is_empty(), "{:?}", plan.steps.first().map(|step| &step.changes));
            });
        };
        for _ in 0..runs {
            round(uri, None);
        }
        if let Some(relay) = relay {
            round(&relay.uri(), Some(relay));
        }
        row
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bare, fmc) = (self.bare.sorted(), self.fmc.sorted());
        let seconds = |times: &[f64]| match times {
            [] => "–".to_owned(),
            [least, ..] => format!("{least:.3}/{:.3} s", times[times.len() / 2]),
        };
        let ratio = fmc
            .first()
            .zip(bare.first())
            .map_or("–".to_owned(), |(fmc, bare)| format!("{:.2}", fmc / bare));
        let calls = |runs: &Runs| runs.calls.map_or_else(|| "–".to_owned(), |calls| calls.to_string());
        let Self { work, bare: bare_runs, fmc: fmc_runs } = self;
        write!(f, "| {work} | {} | {} | {ratio} ", seconds(&bare), seconds(&fmc))?;
        write!(f, "| {} | {} |", calls(bare_runs), calls(fmc_runs))
    }
}

/// The documents of the same cloud, changed for another driver.
fn changed(wanted: Wanted<Document>, change: impl Fn(&mut Document)) -> Wanted<Document> {
    let nodes = wanted.nodes.into_iter().map(|(address, mut node)| {
        change(Arc::make_mut(&mut node.document));
        (address, node)
    });
    Wanted { nodes: nodes.collect(), ..wanted }
}
