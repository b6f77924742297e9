//! A provider of names in a registry that a machine of the same plan runs: it has no host, and does not exist
//! before the machine answers.

#![expect(clippy::unwrap_used, reason = "a lock of a test is not poisoned")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use fmc::checked::Checked;
use fmc::graph::{
    Acting, Action, Address, Carries, Change, Choices, Edge, Fingerprint, Impact, Model, Node, ObserveError,
    Place, Provider, Removal, Seen, State, Step, StepError, Verdict, Wanted,
};
use fmc::libvirt::document::{kind, place};
use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::Sim as Hypervisor;
use fmc::prelude::{Cloud, Host, Image, Machine, SizeExt as _};
use fmc::provider::{Artifact, Drawn, Drift, DriftKind, Drifted, Moved, Room, SimulationError};

/// The registry's machine, and a machine that is published in it.
pub fn cloud() -> Cloud {
    let machine = |name: &str| Machine::new(name, Image::blank()).memory(1.gib()).root_disk(2.gib());
    Cloud::new("first").host(Host::local()).machine(machine("ns")).machine(machine("db"))
}

/// A wanted name: `db` is published as `db.lab`.
#[derive(Debug)]
pub struct Record {
    /// The machine that the name leads to.
    target: String,
    text: String,
    machine: Option<Address>,
}

/// A name in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The machine that the name leads to.
    target: String,
    /// The fingerprint of its record.
    mark: String,
}

#[derive(Debug, Default)]
struct World {
    entries: BTreeMap<String, Entry>,
    /// The reason why the registry does not answer.
    dead: Option<String>,
    /// The number of times that it was observed. In a simulation of its own, its machine answers the second
    /// time.
    looks: u32,
}

/// The registry. A clone is another handle.
#[derive(Clone, Debug)]
pub struct Names {
    /// Each name, with its machine, and whether it needs the machine.
    wanted: Vec<(&'static str, &'static str, bool)>,
    /// The hypervisor of the machine `ns`, which holds the registry.
    hypervisor: Option<Hypervisor>,
    has_simulation: bool,
    world: Arc<Mutex<World>>,
}

impl Names {
    const fn place() -> Place {
        Place::all_of("names")
    }

    /// Names that a cloud wants in an empty registry: each with its machine, and whether it needs the machine.
    pub fn new(wanted: &[(&'static str, &'static str, bool)]) -> Self {
        Self { wanted: wanted.to_vec(), hypervisor: None, has_simulation: true, world: Arc::default() }
    }

    /// The same registry, which answers once the machine `ns` runs on this hypervisor.
    #[must_use]
    pub fn held_on(self, hypervisor: Hypervisor) -> Self {
        Self { hypervisor: Some(hypervisor), ..self }
    }

    /// The same registry, as a provider that has no simulation.
    #[must_use]
    pub fn without_simulation(self) -> Self {
        Self { has_simulation: false, ..self }
    }

    /// It does not answer any more, for this reason; with none it answers again.
    pub fn dies(&self, why: Option<&str>) {
        self.world().dead = why.map(str::to_owned);
    }

    /// The names in it, each with its machine.
    pub fn entries(&self) -> Vec<(String, String)> {
        let world = self.world();
        world.entries.iter().map(|(name, entry)| (name.clone(), entry.target.clone())).collect()
    }

    /// Changes a name as a person would by hand.
    pub fn change(&self, name: &str, target: &str) {
        self.world().entries.get_mut(name).unwrap().target = target.to_owned();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn answers(&self, world: &World) -> bool {
        match &self.hypervisor {
            Some(hypervisor) => hypervisor.domain("ns").ok().flatten().is_some_and(|domain| domain.active),
            None => world.looks > 1 || !world.entries.is_empty(),
        }
    }
}

fn seen_as(entry: &Entry) -> Fingerprint {
    Fingerprint::of(entry.target.as_bytes())
}

impl Model for Names {
    type Document = Record;
    type Object = Entry;

    fn fingerprint(&self, document: &Record) -> Fingerprint {
        Fingerprint::of(document.text.as_bytes())
    }

    fn summary(&self, _: &Address, document: &Record) -> String {
        format!("for {}", document.target)
    }

    fn compare(&self, _: &Address, document: &Record, object: &Entry) -> Verdict {
        if document.target == object.target {
            return Verdict::Same;
        }
        Verdict::Differs(vec![Change {
            path: "target".to_owned(),
            from: Some(object.target.clone()),
            to: Some(document.target.clone()),
            impact: Impact::Live,
            reason: None,
        }])
    }

    fn remove(&self, _: &Address, _: &Entry, _: &dyn Fn(&Address) -> bool, _: &Choices) -> Removal {
        Removal::Delete("no longer wanted".to_owned())
    }

    /// A name is deleted before the machine that holds the registry.
    fn needs(&self, _: &Address, _: &Entry) -> Vec<Edge> {
        let host = fmc::name::HostName::literal("local");
        vec![Edge { to: Address::new(place(&host), kind::DOMAIN, "ns"), carries: Carries::Exists }]
    }
}

impl Provider for Names {
    async fn observe(&self, wanted: &Wanted<Record>) -> Result<Seen<Entry>, ObserveError> {
        let mut world = self.world();
        if let Some(cause) = &world.dead {
            return Err(ObserveError::Unreachable { what: "names".to_owned(), cause: cause.clone() });
        }
        world.looks += 1;
        let mut seen = Seen::default();
        for (name, entry) in &world.entries {
            let at = Address::new(Self::place(), "name", name.as_str());
            seen.objects.insert(at, State::present(entry.clone(), seen_as(entry)));
        }
        if !self.answers(&world) {
            for (at, _) in wanted.nodes.iter().filter(|(_, node)| node.document.machine.is_some()) {
                let phase = "the machine ns answers".to_owned();
                seen.objects.insert(at.clone(), State::NotYet { phase, is_new: true });
            }
        }
        Ok(seen)
    }

    async fn act(
        &self,
        step: &Step<Record>,
        acting: &(impl Acting + Clone + 'static),
    ) -> Result<(), StepError> {
        if acting.cancelled() {
            return Err(StepError::Cancelled);
        }
        let mut world = self.world();
        let name = step.address.name();
        if world.entries.get(name).map(seen_as) != step.expects {
            return Err(StepError::Changed { what: step.address.to_string() });
        }
        match (&step.document, step.action) {
            (Some(record), _) => {
                let mark = self.fingerprint(record).to_string();
                world.entries.insert(name.to_owned(), Entry { target: record.target.clone(), mark });
            }
            (None, Action::Delete) => drop(world.entries.remove(name)),
            (None, _) => unreachable!("a step without a document deletes"),
        }
        Ok(())
    }

    fn lanes(&self, _: &Place) -> usize {
        2
    }
}

impl Room for Names {
    const NAME: &'static str = "names";

    fn documents(&self, checked: &Checked) -> Wanted<Record> {
        let mut wanted = Wanted::nothing(checked.owner().as_str());
        for (name, machine, needs) in &self.wanted {
            let Some(host) = checked.machine(machine).and_then(|machine| checked.at(machine.host)) else {
                continue;
            };
            let machine_at = needs.then(|| Address::new(place(&host.name), kind::DOMAIN, *machine));
            let holder = needs.then(|| Address::new(place(&host.name), kind::DOMAIN, "ns"));
            let edge = |to: Address| Edge { to, carries: Carries::Exists };
            let document = Arc::new(Record {
                target: (*machine).to_owned(),
                text: format!("{name} {machine}\n"),
                machine: machine_at.clone(),
            });
            let needs = machine_at.into_iter().chain(holder).map(edge).collect();
            let at = Address::new(Self::place(), "name", *name);
            wanted.nodes.insert(at, Node { document, needs, part_of: None });
        }
        wanted
    }

    fn artifacts<'a>(&self, at: &'a Address, document: &'a Record, _: Option<&'a str>) -> Vec<Artifact<'a>> {
        vec![Artifact::text(format!("names/{}.txt", at.name()), "name", &document.text)]
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "name")]
    }

    fn drift(&self, wanted: &Wanted<Record>, seen: &Seen<Entry>) -> Drift {
        let mut found = Drift::unknown_of(seen);
        for (at, node) in &wanted.nodes {
            let Some(entry) = seen.object(at) else { continue };
            if let Verdict::Differs(changes) = self.compare(at, &node.document, entry) {
                let is_known = entry.mark == self.fingerprint(&node.document).to_string();
                let list = if is_known { &mut found.drift } else { &mut found.unclear };
                list.push(Drifted {
                    address: at.clone(),
                    part_of: None,
                    kind: DriftKind::Changed,
                    changes: changes.into_iter().map(Moved::from).collect(),
                });
            }
        }
        found
    }

    fn drawn(&self, _: &Checked) -> Vec<Drawn> {
        let label = |(name, machine, _): &(&str, &str, bool)| Drawn::Label {
            machine: (*machine).to_owned(),
            text: format!("published as {name}"),
        };
        self.wanted.iter().map(label).collect()
    }

    fn simulation(&self, state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        if !self.has_simulation {
            return Ok(None);
        }
        let simulated = Self::new(&self.wanted);
        for line in state.unwrap_or_default().lines() {
            let [name, target, mark] = line.split(' ').collect::<Vec<_>>()[..] else {
                return Err(SimulationError { provider: Self::NAME, cause: format!("what is {line:?}?") });
            };
            let entry = Entry { target: target.to_owned(), mark: mark.to_owned() };
            simulated.world().entries.insert(name.to_owned(), entry);
        }
        Ok(Some(simulated))
    }

    fn simulated(&self) -> Option<String> {
        let world = self.world();
        let lines = world.entries.iter();
        Some(lines.map(|(name, Entry { target, mark })| format!("{name} {target} {mark}\n")).collect())
    }
}
