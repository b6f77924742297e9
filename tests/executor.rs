//! An apply among other tasks of an async runtime: it may move between threads, does not block them, and ends
//! when it is dropped.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fmc::graph::Event;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;
use fmc::{Providers, Wanted};
use futures_util::future::{Either, select};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const LOCAL: HostName = HostName::literal("local");
const PATIENCE: Duration = Duration::from_secs(60);

fn wanted() -> Wanted {
    let machine =
        |number: u8| Machine::new(format!("m{number}"), Image::blank()).memory(1.gib()).root_disk(2.gib());
    let cloud = Cloud::new("first").host(Host::local()).machines((0..6).map(machine));
    fmc::compile(&cloud.check().unwrap())
}

#[test]
fn an_apply_is_spawned_on_a_runtime_of_several_threads() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for link in [Sim::new(), Sim::new().blocking()] {
        let providers = Providers::new().host(LOCAL, link);
        let task = runtime.spawn(async move {
            let plan = providers.plan(&wanted()).await.unwrap();
            let outcome = plan.apply(&providers, |_| ()).await.unwrap();
            let again = providers.plan(&wanted()).await.unwrap();
            (outcome, again)
        });
        let (outcome, again) = runtime.block_on(async { timeout(PATIENCE, task).await.unwrap().unwrap() });
        assert!(outcome.is_converged() && again.is_empty(), "{outcome:?}\n{again}");
    }
}

#[test]
fn a_timeout_ends_an_apply_between_two_steps_of_the_simulation() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let providers = Providers::new().host(LOCAL, Sim::new());
        let plan = providers.plan(&wanted()).await.unwrap();
        let mut done = 0;
        let apply = plan.apply(&providers, |event| {
            if matches!(event, Event::Done { .. }) {
                done += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        assert!(timeout(Duration::from_millis(30), apply).await.is_err());
        assert!((1..plan.steps.len()).contains(&done), "{done} of {} steps", plan.steps.len());

        let rest = providers.plan(&wanted()).await.unwrap();
        assert!(!rest.is_empty() && rest.steps.len() < plan.steps.len(), "{rest}");
        rest.apply(&providers, |_| ()).await.unwrap().converged().unwrap();
        assert!(providers.plan(&wanted()).await.unwrap().is_empty());
    });
}

#[test]
fn an_apply_that_is_dropped_begins_no_further_step() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let providers = Providers::new().host(LOCAL, Sim::new());
        let plan = providers.plan(&wanted()).await.unwrap();
        let (sender, receiver) = oneshot::channel();
        let (mut sender, mut begun) = (Some(sender), 0);
        let apply = plan.apply(&providers, |event| match event {
            Event::Started { .. } => begun += 1,
            // The receiver exists until the apply is dropped.
            Event::Done { .. } => sender.take().into_iter().for_each(|sender| sender.send(()).unwrap()),
            _ => {}
        });
        {
            let apply = pin!(apply);
            let first = select(receiver, apply).await;
            assert!(matches!(first, Either::Left(_)), "the apply ended by itself");
        }
        assert!(begun < plan.steps.len(), "{begun} of {} steps", plan.steps.len());
        let rest = providers.plan(&wanted()).await.unwrap();
        rest.apply(&providers, |_| ()).await.unwrap().converged().unwrap();
    });
}

#[test]
fn another_task_goes_on_while_calls_block() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let checked = Cloud::new("first")
            .host(Host::local())
            .machine(Machine::new("web", Image::blank()).root_disk(2.gib()))
            .check()
            .unwrap();
        let wanted = fmc::compile(&checked);
        let providers = Providers::new().host(LOCAL, Sim::new().slow(Duration::from_millis(20)));
        let ticks = Arc::new(AtomicUsize::new(0));
        let ticking = Arc::clone(&ticks);
        // It ends with the runtime.
        tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(1)).await;
                ticking.fetch_add(1, Ordering::SeqCst);
            }
        });
        let mut last = 0;
        let mut went_on = |what: &str| {
            let now = ticks.load(Ordering::SeqCst);
            assert!(now >= last + 3, "the other task stood still during {what}");
            last = now;
        };
        let plan = providers.plan(&wanted).await.unwrap();
        went_on("observe");
        let notes = providers.preflight(&checked).await;
        went_on("preflight");
        let outcome = plan.with_notes(notes).apply(&providers, |_| ()).await.unwrap();
        went_on("apply");
        assert!(outcome.is_converged(), "{outcome:?}");
    });
}
