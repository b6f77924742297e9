//! Running a plan: concurrency, events, and stops.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::toy::*;
use crate::graph::*;

fn independent(count: usize) -> Wanted<Doc> {
    wanted((0..count).map(|index| (at("volume", &format!("v{index}")), Doc::default(), None)))
}

#[test]
fn independent_steps_overlap_up_to_the_lanes_of_each_host() {
    for (lanes, parallelism, most) in
        [(3, None, 3), (3, Some(2), 2), (3, Some(8), 3), (1, None, 1), (0, Some(0), 1)]
    {
        let toy = Toy { lanes, ..Toy::default() };
        let plan = toy.plan(&independent(40));
        let options = ApplyOptions { parallelism, ..ApplyOptions::default() };
        let outcome = block_on(apply(&plan, &toy, options, |_| {})).unwrap();
        assert!(outcome.is_converged());
        assert_eq!((outcome.done.len(), toy.most()), (40, most));
    }
}

#[test]
fn steps_that_mostly_wait_have_lanes_of_their_own() {
    for (parallelism, most) in [(None, 5), (Some(2), 1)] {
        let toy = Toy { lanes: 1, deletions: Some(5), ..Toy::default() };
        assert!(toy.apply(&toy.plan(&independent(40))).is_converged());
        assert_eq!(toy.most(), 1);
        let plan = toy.plan(&independent(0));
        let options = ApplyOptions { parallelism, ..ApplyOptions::default() };
        let outcome = block_on(apply(&plan, &toy, options, |_| {})).unwrap();
        assert!(outcome.is_converged());
        assert_eq!((outcome.done.len(), toy.most()), (40, most));
    }
}

#[test]
fn what_is_waited_for_holds_no_other_step_up() {
    // One lane, and the first machine is up only when all exist: a wait in the lane would never end.
    let first = at("volume", "v0");
    let toy = Toy { lanes: 1, slow: [(first.clone(), 20)].into(), ..Toy::default() };
    let plan = toy.plan(&independent(20));
    let mut told = Vec::new();
    let outcome = block_on(apply(&plan, &toy, ApplyOptions::default(), |event| {
        if matches!(event, Event::Done { .. } | Event::Waiting { .. } | Event::Up { .. }) {
            told.push(event.to_string());
        }
    }))
    .unwrap();
    assert!(outcome.is_converged());
    assert_eq!(outcome.up, [(first, 7)]);
    let place = |end: &str| told.iter().position(|event| event.ends_with(end)).unwrap();
    assert_eq!(place("v0: waits up to 9 s for a word"), place("v0: create done") + 1);
    assert_eq!(place("v0: up after 7 s"), told.len() - 1);
}

#[test]
fn a_stop_ends_what_is_waited_for() {
    let first = at("volume", "v0");
    let toy = Toy { slow: [(first.clone(), usize::MAX)].into(), ..Toy::default() };
    let plan = toy.plan(&independent(3));
    let options = ApplyOptions::default();
    let stop = options.stop.clone();
    let mut done = 0;
    let outcome = block_on(apply(&plan, &toy, options, |event| {
        done += usize::from(matches!(event, Event::Done { .. }));
        if done == 3 {
            stop.stop();
        }
    }))
    .unwrap();
    assert_eq!(outcome.done.len(), 3);
    assert_eq!(outcome.not_up, [(first, NotUp::new(NotUpCause::Stopped))]);
    assert!(!outcome.is_converged());

    let toy = Toy { slow: [(at("volume", "v0"), usize::MAX)].into(), ..Toy::default() };
    let options = ApplyOptions { no_wait: true, ..ApplyOptions::default() };
    let outcome = block_on(apply(&toy.plan(&independent(3)), &toy, options, |_| {})).unwrap();
    assert!(outcome.is_converged() && outcome.up.is_empty(), "{outcome:?}");
}

#[test]
fn what_happens_to_an_address_is_told_in_order() {
    let toy = Toy::default();
    let plan = toy.plan(&independent(20));
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let on = |event: Event| {
        let (address, word) = match &event {
            Event::Started { address, .. } => (address, "started".to_owned()),
            Event::Doing { address, what } => (address, what.clone()),
            Event::Done { address, .. } => (address, "done".to_owned()),
            other => panic!("{other}"),
        };
        told.entry(address.clone()).or_default().push(word);
    };
    let _ = block_on(apply(&plan, &toy, ApplyOptions::default(), on)).unwrap();
    assert_eq!(told.len(), 20);
    for (address, words) in told {
        let rests = address.rsplit('/').next().unwrap().bytes().map(usize::from).sum::<usize>() % 5;
        let expected: Vec<String> = std::iter::once("started".to_owned())
            .chain((0..rests).map(|rest| format!("rest {rest}")))
            .chain(["done".to_owned()])
            .collect();
        assert_eq!(words, expected, "{address}");
    }
}

/// Steps that report from threads of their own, as a provider with blocking calls does.
struct Threads(Toy);

impl Model for Threads {
    type Document = Doc;
    type Object = Object;

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Doc>,
        seen: &Seen<Object>,
        choices: &Choices,
    ) -> Settled<'a, Doc> {
        self.0.settle(wanted, seen, choices)
    }
    fn fingerprint(&self, document: &Doc) -> Fingerprint {
        self.0.fingerprint(document)
    }
    fn compare(&self, at: &Address, document: &Doc, object: &Object) -> Verdict {
        self.0.compare(at, document, object)
    }
    fn suffers(&self, at: &Address, object: &Object, from: &Address, impact: Impact) -> Option<Change> {
        self.0.suffers(at, object, from, impact)
    }
    fn remove(
        &self,
        at: &Address,
        object: &Object,
        wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        self.0.remove(at, object, wanted, choices)
    }
    fn needs(&self, at: &Address, object: &Object) -> Vec<Edge> {
        self.0.needs(at, object)
    }
    fn part_of(&self, at: &Address, object: &Object) -> Option<String> {
        self.0.part_of(at, object)
    }
    fn notes(&self, at: &Address, document: &Doc, object: &Object) -> Vec<Note> {
        self.0.notes(at, document, object)
    }
}

impl Provider for Threads {
    async fn observe(&self, wanted: &Wanted<Doc>) -> Result<Seen<Object>, ObserveError> {
        self.0.observe(wanted).await
    }

    async fn act(&self, step: &Step<Doc>, acting: &(impl Acting + Clone + 'static)) -> Result<(), StepError> {
        let (acting, address) = (acting.clone(), step.address.to_string());
        let thread = std::thread::spawn(move || {
            for done in 0..50 {
                acting.say(Event::Progress { address: address.clone(), done, total: 50 });
            }
        });
        while !thread.is_finished() {
            rest_once().await;
        }
        thread.join().unwrap();
        Ok(())
    }

    fn lanes(&self, _: &Place) -> usize {
        8
    }
}

#[test]
fn no_event_of_a_thread_is_lost() {
    let threads = Threads(Toy::default());
    let plan = threads.0.plan(&independent(16));
    let mut progress: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    block_on(apply(&plan, &threads, ApplyOptions::default(), |event| match event {
        Event::Progress { address, done, .. } => progress.entry(address).or_default().push(done),
        Event::Done { address, .. } => assert_eq!(progress[&address].len(), 50),
        _ => {}
    }))
    .unwrap()
    .converged()
    .unwrap();
    assert_eq!(progress.len(), 16);
    assert!(progress.values().all(|done| done.iter().copied().eq(0..50)));
}

#[test]
fn a_stopped_apply_begins_nothing_and_tells_what_it_left() {
    let toy = Toy { lanes: 1, ..Toy::default() };
    let plan = toy.plan(&independent(5));
    let options = ApplyOptions::default();
    let stop = options.stop.clone();
    let mut events = Vec::new();
    let outcome = block_on(apply(&plan, &toy, options, |event| {
        if matches!(event, Event::Done { .. }) {
            stop.stop();
        }
        events.push(event.to_string());
    }))
    .unwrap();
    assert_eq!((outcome.done.len(), outcome.failed.len(), outcome.skipped.len()), (1, 0, 4));
    assert!(outcome.skipped.iter().all(|skipped| skipped.cause == "the apply was stopped"));
    assert_eq!(events.last().unwrap(), "toy/local/volume/v4: skipped, the apply was stopped");
    assert_eq!(toy.docs().len(), 1);
}

#[test]
fn a_running_step_comes_to_its_end_before_the_apply_does() {
    let toy = Toy { lanes: 2, ..Toy::default() };
    let plan = toy.plan(&independent(5));
    let options = ApplyOptions::default();
    let stop = options.stop.clone();
    let outcome = block_on(apply(&plan, &toy, options, |event| {
        if matches!(event, Event::Doing { .. }) {
            stop.finish();
        }
    }))
    .unwrap();
    assert!(stop.is_stopped());
    assert_eq!((outcome.done.len(), outcome.failed.len(), outcome.skipped.len()), (2, 0, 3));
    assert!(toy.apply(&toy.plan(&independent(5))).is_converged());
    // A flag that was set to finish can still be set to stop, and never goes back.
    stop.stop();
    stop.finish();
    assert!(stop.is_stopped());
}

#[test]
fn a_running_step_sees_the_stop() {
    let toy = Toy { lanes: 9, ..Toy::default() };
    let plan = toy.plan(&independent(5));
    let options = ApplyOptions::default();
    let stop = options.stop.clone();
    let outcome = block_on(apply(&plan, &toy, options, |event| {
        if matches!(event, Event::Doing { .. }) {
            stop.stop();
        }
    }))
    .unwrap();
    assert!(outcome.failed.iter().any(|(_, error)| *error == StepError::Cancelled));
    assert_eq!(outcome.done.len() + outcome.failed.len(), 5);
}

#[test]
fn a_failure_names_itself_to_what_it_stops() {
    let (network, domain) = (at("network", "kube"), at("domain", "web"));
    let needs = vec![edge(&network, Carries::Attached)];
    let nodes = [
        (network.clone(), Doc::default(), None),
        (domain, Doc { needs, ..Doc::default() }, None),
        (at("volume", "apart"), Doc::default(), None),
    ];
    let toy = Toy { fails: [network.clone()].into(), ..Toy::default() };
    let outcome = toy.apply(&toy.plan(&wanted(nodes)));
    assert_eq!(outcome.done, [at("volume", "apart")]);
    assert_eq!(outcome.failed[0].1.to_string(), "write network/kube: no");
    assert_eq!(outcome.skipped[0].cause, "it comes after toy/local/network/kube, which failed");
}

#[test]
fn a_step_that_the_plan_puts_after_itself_is_skipped() {
    let toy = Toy::default();
    let mut plan = toy.plan(&independent(2));
    plan.steps[1].after = vec![1];
    let outcome = toy.apply(&plan);
    assert_eq!((outcome.done.len(), outcome.skipped.len()), (1, 1));
}

#[test]
fn an_apply_may_move_between_threads() {
    let toy = Arc::new(Toy::default());
    let plan = toy.plan(&independent(4));
    let thread = std::thread::spawn(move || block_on(apply(&plan, &*toy, ApplyOptions::default(), |_| {})));
    assert!(thread.join().unwrap().unwrap().is_converged());
    fn send(_: &impl Send) {}
    let (toy, plan) = (Toy::default(), Toy::default().plan(&independent(1)));
    send(&apply(&plan, &toy, ApplyOptions::default(), |_| {}));
}
