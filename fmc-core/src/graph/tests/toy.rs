//! A provider of things in memory, which detects every broken law while steps run.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::graph::*;

/// The document of a thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Doc {
    /// Changed while it runs.
    pub(super) live: u32,
    /// Changed by a restart.
    pub(super) frozen: u32,
    /// Changed by replacing the thing.
    pub(super) shape: u32,
    /// Kept when it is no longer wanted.
    pub(super) data: bool,
    pub(super) needs: Vec<Edge>,
}

/// A thing that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) doc: Doc,
    pub(super) ours: bool,
    pub(super) part_of: Option<Arc<str>>,
    /// How often it was started.
    starts: u32,
    /// The start of each thing that it was plugged into when it was last started itself.
    plugged: BTreeMap<Address, u32>,
}

/// A thing as it is read, and whether something that it is plugged into was started since.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) thing: Thing,
    unplugged: bool,
}

#[derive(Debug, Default)]
pub(super) struct World {
    things: BTreeMap<Address, Thing>,
    running: BTreeMap<Place, usize>,
    most: usize,
    broken: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Toy {
    pub(super) world: Mutex<World>,
    pub(super) lanes: usize,
    /// Things that cannot be made as wanted.
    pub(super) held: BTreeSet<Address>,
    /// How many deletions run at once, in lanes beside the other steps.
    pub(super) deletions: Option<usize>,
    /// Things that come up only when so many things exist.
    pub(super) slow: BTreeMap<Address, usize>,
    /// Things whose next step fails.
    pub(super) fails: BTreeSet<Address>,
    /// Things that cannot be read.
    pub(super) veiled: BTreeMap<Address, State<Object>>,
    /// Things that do not exist yet while another does not exist.
    pub(super) awaits: BTreeMap<Address, Address>,
    /// Whether such a thing may exist nevertheless.
    pub(super) hides: bool,
    pub(super) unknown: BTreeMap<Place, String>,
    /// How many comparisons were asked for.
    pub(super) compared: AtomicUsize,
}

impl Default for Toy {
    fn default() -> Self {
        Self {
            world: Mutex::default(),
            lanes: 3,
            held: BTreeSet::new(),
            deletions: None,
            slow: BTreeMap::new(),
            fails: BTreeSet::new(),
            veiled: BTreeMap::new(),
            awaits: BTreeMap::new(),
            hides: false,
            unknown: BTreeMap::new(),
            compared: AtomicUsize::new(0),
        }
    }
}

impl Toy {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// A toy with the same things in it.
    pub(super) fn copy(&self) -> Self {
        let toy = Self { lanes: self.lanes, ..Self::default() };
        toy.world().things = self.world().things.clone();
        toy
    }

    pub(super) fn put(&self, at: &Address, doc: Doc, ours: bool, part_of: Option<&str>) {
        let part_of = part_of.map(Arc::from);
        let thing = Thing { doc, ours, part_of, starts: 0, plugged: BTreeMap::new() };
        self.world().things.insert(at.clone(), thing);
    }

    /// The existing things, without their start counts.
    pub(super) fn docs(&self) -> BTreeMap<Address, (Doc, bool)> {
        self.world().things.iter().map(|(at, thing)| (at.clone(), (thing.doc.clone(), thing.ours))).collect()
    }

    pub(super) fn starts(&self, at: &Address) -> u32 {
        self.world().things[at].starts
    }

    /// The highest number of steps that ran at the same time at a place.
    pub(super) fn most(&self) -> usize {
        self.world().most
    }

    /// Laws that were broken while steps ran.
    pub(super) fn broken(&self) -> Vec<String> {
        self.world().broken.clone()
    }

    pub(super) fn plan(&self, wanted: &Wanted<Doc>) -> Plan<Doc> {
        self.plan_with(wanted, &Choices::default())
    }

    pub(super) fn plan_with(&self, wanted: &Wanted<Doc>, choices: &Choices) -> Plan<Doc> {
        plan(self, wanted, &block_on(self.observe(wanted)).unwrap(), choices)
    }

    pub(super) fn apply(&self, plan: &Plan<Doc>) -> Outcome {
        block_on(apply(plan, self, ApplyOptions::default(), |_| {})).unwrap()
    }

    fn write(&self, step: &Step<Doc>) -> Result<(), StepError> {
        if self.fails.contains(&step.address) {
            return Err(StepError::Call {
                call: format!("write {}", step.address.short()),
                cause: "no".to_owned(),
            });
        }
        let mut world = self.world();
        let World { things, broken, .. } = &mut *world;
        let mut must = |holds: bool, law: &str| {
            if !holds {
                broken.push(format!("{} {}: {law}", step.action, step.address));
            }
        };
        let old = things.get(&step.address).cloned();
        must(old.as_ref().map(fingerprint) == step.expects, "expects what is there");
        must(old.as_ref().is_none_or(|thing| thing.ours), "ours only");
        let Some(doc) = &step.document else {
            let needed =
                things.values().any(|thing| thing.doc.needs.iter().any(|edge| edge.to == step.address));
            must(!needed, "nothing needs what is deleted");
            things.remove(&step.address);
            return Ok(());
        };
        must(doc.needs.iter().all(|edge| things.contains_key(&edge.to)), "what is needed is there");
        let mut thing = Thing {
            doc: Doc::clone(doc),
            ours: true,
            part_of: step.part_of.clone(),
            starts: old.as_ref().map_or(0, |thing| thing.starts),
            plugged: old.map(|thing| thing.plugged).unwrap_or_default(),
        };
        if step.action != Action::Update {
            thing.starts += 1;
        }
        for edge in doc.needs.iter().filter(|edge| edge.carries == Carries::Attached) {
            let starts = things.get(&edge.to).map_or(0, |to| to.starts);
            match step.action {
                Action::Update => thing.plugged.entry(edge.to.clone()).or_insert(starts),
                _ => thing.plugged.entry(edge.to.clone()).insert_entry(starts).into_mut(),
            };
        }
        things.insert(step.address.clone(), thing);
        Ok(())
    }
}

fn fingerprint(thing: &Thing) -> Fingerprint {
    Fingerprint::of(format!("{:?}", thing.doc).as_bytes())
}

impl Model for Toy {
    type Document = Doc;
    type Object = Object;

    fn known_as(&self, place: &Place) -> String {
        format!("the host {}", place.name().unwrap_or_default())
    }

    fn settle<'a>(
        &self,
        wanted: &'a Wanted<Doc>,
        _seen: &Seen<Object>,
        choices: &Choices,
    ) -> Settled<'a, Doc> {
        let asked = |node: &Node<Doc>| {
            let machine = node.part_of.as_deref().and_then(|noun| noun.strip_prefix("machine/"));
            machine.is_some_and(|machine| choices.replace.contains(machine)) && !node.document.data
        };
        Settled {
            nodes: Cow::Borrowed(&wanted.nodes),
            anew: wanted
                .nodes
                .iter()
                .filter(|(_, node)| asked(node))
                .map(|(at, _)| (at.clone(), "asked for".to_owned()))
                .collect(),
            added: BTreeMap::new(),
            moved: BTreeMap::new(),
            renamed: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn fingerprint(&self, document: &Doc) -> Fingerprint {
        Fingerprint::of(format!("{document:?}").as_bytes())
    }

    fn summary(&self, _at: &Address, document: &Doc) -> String {
        if document.data { "data".to_owned() } else { String::new() }
    }

    fn compare(&self, at: &Address, document: &Doc, object: &Object) -> Verdict {
        self.compared.fetch_add(1, Ordering::SeqCst);
        let Object { thing, unplugged } = object;
        if self.held.contains(at) {
            return Verdict::Held("the server refuses it".to_owned());
        }
        if !thing.ours {
            return Verdict::Refused("it is not ours".to_owned());
        }
        let number = |path: &str, from: u32, to: u32, impact: Impact| {
            let (from, to) = (Some(from.to_string()), Some(to.to_string()));
            (from != to).then(|| Change { path: path.to_owned(), from, to, impact, reason: None })
        };
        let old = &thing.doc;
        let names = |doc: &Doc| {
            doc.needs.iter().map(|edge| edge.to.short().to_string()).collect::<Vec<_>>().join(" ")
        };
        let needs = (old.needs != document.needs).then(|| Change {
            path: "needs".to_owned(),
            from: Some(names(old)),
            to: Some(names(document)),
            impact: Impact::Restart,
            reason: None,
        });
        let plug = unplugged.then(|| Change {
            path: "plug".to_owned(),
            from: None,
            to: None,
            impact: Impact::Restart,
            reason: Some("out since it was started".to_owned()),
        });
        let changes: Vec<Change> = number("live", old.live, document.live, Impact::Live)
            .into_iter()
            .chain(number("frozen", old.frozen, document.frozen, Impact::Restart))
            .chain(number("shape", old.shape, document.shape, Impact::Replace))
            .chain(number("data", old.data.into(), document.data.into(), Impact::Live))
            .chain(needs)
            .chain(plug)
            .collect();
        if changes.is_empty() { Verdict::Same } else { Verdict::Differs(changes) }
    }

    fn suffers(&self, _at: &Address, _object: &Object, from: &Address, impact: Impact) -> Option<Change> {
        let reason = Some(format!("{} has {impact}", from.short()));
        Some(Change { path: "plug".to_owned(), from: None, to: None, impact: Impact::Restart, reason })
    }

    fn remove(
        &self,
        at: &Address,
        object: &Object,
        _: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        let machine = object.thing.part_of.as_deref().and_then(|noun| noun.strip_prefix("machine/"));
        match &object.thing {
            thing if !thing.ours => Removal::Ignore,
            thing
                if thing.doc.data && !machine.is_some_and(|machine| choices.delete_data.covers(machine)) =>
            {
                Removal::Keep("its data stays".to_owned())
            }
            _ if at.kind() == "cache" => Removal::Discard("unused".to_owned()),
            _ => Removal::Delete("not wanted any more".to_owned()),
        }
    }

    fn needs(&self, _at: &Address, object: &Object) -> Vec<Edge> {
        object.thing.doc.needs.clone()
    }

    fn part_of(&self, _at: &Address, object: &Object) -> Option<String> {
        object.thing.part_of.as_deref().map(str::to_owned)
    }

    fn notes(&self, _at: &Address, _document: &Doc, _object: &Object) -> Vec<Note> {
        Vec::new()
    }
}

impl Provider for Toy {
    async fn observe(&self, _wanted: &Wanted<Doc>) -> Result<Seen<Object>, ObserveError> {
        let world = self.world();
        let late = |thing: &Thing| {
            let now = |at: &Address| world.things.get(at).map(|thing| thing.starts);
            let attached = thing.doc.needs.iter().filter(|edge| edge.carries == Carries::Attached);
            attached.map(|edge| &edge.to).any(|to| thing.plugged.get(to).copied() != now(to))
        };
        let object = |thing: &Thing| {
            let object = Object { thing: thing.clone(), unplugged: thing.ours && late(thing) };
            State::present(object, fingerprint(thing))
        };
        let mut objects: BTreeMap<Address, State<Object>> = world
            .things
            .iter()
            .filter(|(at, _)| !self.unknown.contains_key(at.place()))
            .map(|(at, thing)| (at.clone(), object(thing)))
            .collect();
        objects.extend(self.veiled.clone());
        let awaiting = self.awaits.iter().filter(|(_, other)| !world.things.contains_key(*other));
        objects.extend(awaiting.map(|(at, other)| {
            let phase = format!("{} is built", other.short());
            (at.clone(), State::NotYet { phase, is_new: !self.hides })
        }));
        Ok(Seen { objects, unknown: self.unknown.clone() })
    }

    async fn act(&self, step: &Step<Doc>, acting: &(impl Acting + Clone + 'static)) -> Result<(), StepError> {
        let address = step.address.to_string();
        {
            let World { running, most, .. } = &mut *self.world();
            let running = running.entry(step.address.place().clone()).or_default();
            *running += 1;
            *most = (*most).max(*running);
        }
        // Names differ in how often the step yields, so that steps overtake each other.
        for rest in 0..step.address.name().bytes().map(usize::from).sum::<usize>() % 5 {
            acting.say(Event::Doing { address: address.clone(), what: format!("rest {rest}") });
            rest_once().await;
        }
        let written = if acting.cancelled() { Err(StepError::Cancelled) } else { self.write(step) };
        if let Some(running) = self.world().running.get_mut(step.address.place()) {
            *running -= 1;
        }
        written
    }

    fn lanes(&self, _: &Place) -> usize {
        self.lanes
    }

    fn waiting_lanes(&self, step: &Step<Doc>) -> Option<usize> {
        self.deletions.filter(|_| step.action == Action::Delete)
    }

    fn awaited(&self, step: &Step<Doc>) -> Option<Awaited> {
        self.slow.get(&step.address).map(|_| Awaited { signal: "a word".to_owned(), seconds: 9 })
    }

    async fn up(&self, step: &Step<Doc>, acting: &(impl Acting + Clone + 'static)) -> Result<u64, NotUp> {
        let until = self.slow.get(&step.address).copied().unwrap_or_default();
        while self.world().things.len() < until {
            if acting.cancelled() {
                return Err(NotUp::new(NotUpCause::Stopped));
            }
            rest_once().await;
        }
        Ok(7)
    }
}

/// Lets others go on.
pub(super) async fn rest_once() {
    let mut rested = false;
    poll_fn(|context| {
        if rested {
            return Poll::Ready(());
        }
        rested = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Polls a future some times and then drops it.
pub(super) fn drop_after<T>(polls: usize, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut context).is_ready() {
            return;
        }
    }
}

/// A plan below a headline, as a CLI shows it; an expected text may not be indented as a whole.
pub(super) fn shown(plan: &Plan<Doc>) -> String {
    format!("toy\n{plan}")
}

pub(super) fn at(kind: &'static str, name: &str) -> Address {
    on("local", kind, name)
}

pub(super) fn on(host: &str, kind: &'static str, name: &str) -> Address {
    Address::new(Place::new("toy", host), kind, name)
}

pub(super) fn edge(to: &Address, carries: Carries) -> Edge {
    Edge { to: to.clone(), carries }
}

pub(super) fn wanted(nodes: impl IntoIterator<Item = (Address, Doc, Option<&'static str>)>) -> Wanted<Doc> {
    let node = |doc: Doc, part_of: Option<&str>| Node {
        needs: doc.needs.clone(),
        document: Arc::new(doc),
        part_of: part_of.map(Arc::from),
    };
    Wanted {
        places: BTreeSet::new(),
        owner: Arc::from("toy"),
        gone: BTreeMap::new(),
        is_destroyed: false,
        replace: BTreeSet::new(),
        nodes: nodes.into_iter().map(|(at, doc, part_of)| (at, node(doc, part_of))).collect(),
    }
}
