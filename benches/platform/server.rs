//! fmc and kubectl at work on a real API server.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use fmc::Providers;
use fmc::k8s::provider::Kubernetes;
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::*;
use fmc_core::checked::Checked;
use fmc_core::provider::Room as _;
use fmc_testkit::kube::ControlPlane;
use pollster::block_on;

use crate::counted::Counted;
use crate::platforms::{CLUSTER, cloud, machine};

/// A control plane with the machines of the cloud, and a connection to it.
struct World {
    plane: ControlPlane,
    link: Counted,
    providers: Providers,
}

impl World {
    fn start() -> Self {
        let plane = ControlPlane::start();
        let link = Counted::new(&plane.kubeconfig());
        let providers = Providers::new()
            .host(HostName::literal("local"), Hypervisor::new())
            .secrets(Arc::new(fmc::sim::StandIns))
            .images(Images::stand_ins())
            .with(Kubernetes::new().cluster(CLUSTER, link.clone()));
        let world = Self { plane, link, providers };
        world.apply(&world.plan(&machine().check().expect("the cloud is right")));
        world.link.seen();
        world
    }

    fn plan(&self, checked: &Checked) -> fmc::Plan {
        self.plan_of(&self.providers.compile(checked))
    }

    fn plan_of(&self, wanted: &fmc::Wanted) -> fmc::Plan {
        block_on(self.providers.plan(wanted)).expect("the server answers")
    }

    fn apply(&self, plan: &fmc::Plan) {
        let outcome = block_on(plan.apply(&self.providers, |_| ())).expect("the plan can be done");
        assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
    }

    fn kubectl(&self, words: &[&str], file: &str) -> String {
        self.plane.kubectl(&[words, &["--filename", file]].concat()).expect("kubectl succeeds")
    }
}

/// The rows of all work on so many objects, most of it so many times.
pub(crate) fn table(objects: usize, runs: usize) -> String {
    let checked = cloud(objects).check().expect("the generated cloud is right");
    let (texts, count) = manifests(&checked);
    let file = tempfile::NamedTempFile::new().expect("there is room for a file");
    std::fs::write(file.path(), texts).expect("there is room for a file");
    let file = file.path().to_str().expect("a path of letters");
    let mut text = String::new();
    let mut row = |work: &str, requests: usize, time: Duration, beside: &str| {
        let time = time.as_secs_f64() * 1e3;
        writeln!(text, "| {work} | {count} | {requests} | {time:.0} ms | {beside} |").expect("a text");
    };

    // Their control planes do not run at the same time.
    let by_kubectl = {
        let other = World::start();
        timed(|| other.kubectl(&["apply", "--server-side"], file)).0
    };
    let world = World::start();
    let plan = world.plan(&checked);
    assert_eq!(plan.steps.len(), count, "{plan}");
    world.link.seen();
    let before = ProcessTime::now();
    let by_fmc = timed(|| world.apply(&plan)).0;
    let own = before.elapsed();
    row(
        "apply, all new",
        world.link.seen().all(),
        by_fmc,
        &format!(
            "{:.2} × kubectl; {:.0} ms on a processor of its own, the rest is the server's",
            ratio(by_fmc, by_kubectl),
            own.as_secs_f64() * 1e3
        ),
    );

    // The first one shows what is asked.
    assert!(world.plan(&checked).is_empty(), "a plan after an apply");
    let seen = world.link.seen();
    let kinds: BTreeSet<&str> = seen.read.iter().map(|path| path.split('?').next().unwrap_or(path)).collect();
    assert_eq!(
        (seen.all(), seen.read.len()),
        (kinds.len(), kinds.len()),
        "one list a kind and nothing else: {:?}",
        seen.read
    );
    let (mut bare, mut planned) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (time, found) = timed(|| world.link.read(&seen.read));
        assert!(found >= count, "{found} objects of {count}");
        bare.push(time);
        // Compiled again each time, so that nothing of an earlier plan helps; the first table has its time.
        let wanted = world.providers.compile(&checked);
        let (time, plan) = timed(|| world.plan_of(&wanted));
        assert!(plan.is_empty(), "nothing has changed");
        planned.push(time);
    }
    let (bare, planned) = (median(bare), median(planned));
    let diff = timed(|| world.kubectl(&["diff", "--server-side"], file)).0;
    row("bare lists", seen.read.len(), bare, "");
    let beside = format!(
        "{:.2} × bare lists, {:.0} × faster than kubectl diff",
        ratio(planned, bare),
        ratio(diff, planned)
    );
    row("plan, nothing to do", seen.all(), planned, &beside);
    row("kubectl diff --server-side", 0, diff, "");
    row("kubectl apply --server-side, all new", 0, by_kubectl, "");
    text
}

/// The manifests as fmc writes them, without its marks, in an order in which they can be applied, and their number.
fn manifests(checked: &Checked) -> (String, usize) {
    let kubernetes = Kubernetes::new();
    let wanted = kubernetes.documents(checked);
    let files = wanted.nodes.iter().flat_map(|(at, node)| kubernetes.artifacts(at, &node.document, None));
    let mut texts: Vec<(bool, String)> = files
        .filter(|file| file.kind != "kustomization")
        .map(|file| (file.kind != "namespace", file.plain().expect("there are no secrets").to_owned()))
        .collect();
    texts.sort_unstable_by_key(|(is_within, _)| *is_within);
    let count = texts.len();
    let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
    (texts.join("\n---\n"), count)
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let out = run();
    (started.elapsed(), out)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
