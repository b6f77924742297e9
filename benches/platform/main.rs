//! The speed of platforms: compiling in memory, and planning and applying against a real API server beside kubectl.
//!
//! `cargo bench --bench platform --features k8s,sim,yaml` prints a table of both parts, or of one that is named after `--`:
//! compile, server. `cargo test` runs it in a short form, on few objects. The aims are those of the README; only a whole run
//! on an idle machine judges them.
//!
//! *compile* is CPU time, the best of several runs. *server* is wall time in one run on one machine: `bare` is fmc's
//! own lists, sent at once by the same connection and read as JSON, in turn with plans; kubectl is the one of the server's
//! release, with its own limits of requests, and its times have the start of a process in them. Each apply begins on a
//! control plane of its own. The control planes have no nodes, and no workload of this bench has a pod: what a node does with
//! an object is the same for both.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says why")]

mod counted;
mod platforms;
mod server;

use std::io::Write as _;
use std::time::Duration;

use cpu_time::ProcessTime;
use fmc::k8s::provider::Kubernetes;
use fmc_core::checked::Checked;
use fmc_core::provider::Room as _;
use fmc_testkit::bench::is_short;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let mut text = String::new();
    if is_asked("compile") {
        text += "| platform | objects | check | compile | with its files | an object |\n| --- | ---: | ---: | ---: | ---: | ---: |\n";
        text += &compile("the seed's", &platforms::seed());
        text += &compile("a large one", &platforms::cloud(if is_short() { 100 } else { 10_000 }));
    }
    if is_asked("server") {
        text += "\n| work | objects | requests | time | beside |\n| --- | ---: | ---: | ---: | ---: |\n";
        text += &if is_short() { server::table(40, 1) } else { server::table(1_000, 15) };
    }
    std::io::stdout().write_all(text.as_bytes()).expect("the table is written");
}

/// The row of a cloud: from its draft to its documents, and to the texts of its files.
fn compile(name: &str, cloud: &fmc::Cloud) -> String {
    let runs = if is_short() { 1 } else { 20 };
    let (check, checked) = best(runs, || cloud.check().expect("the cloud is right"));
    let (compile, objects) = best(runs, || Kubernetes::new().documents(&checked).nodes.len());
    let (written, _) = best(runs, || files(&checked));
    let each = compile.as_secs_f64() * 1e6 / f64::from(u32::try_from(objects).expect("few"));
    format!("| {name} | {objects} | {} | {} | {} | {each:.1} µs |\n", ms(check), ms(compile), ms(written))
}

/// The sum of the lengths of all files that have no secret.
fn files(checked: &Checked) -> usize {
    let kubernetes = Kubernetes::new();
    let wanted = kubernetes.documents(checked);
    let each = wanted.nodes.iter().flat_map(|(at, node)| kubernetes.artifacts(at, &node.document, None));
    each.filter_map(|file| Some(file.plain()?.len())).sum()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
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
        let (time, again) = timed();
        (least, out) = (least.min(time), again);
    }
    (least, out)
}
