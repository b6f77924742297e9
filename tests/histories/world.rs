//! Two hosts, a cloud, and what happens to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fmc::graph::{
    Action, ApplyOptions, Choices, DeleteData, Event, Further, NoteKind, Outcome, Refused, Watch,
};
use fmc::libvirt::image::Images;
use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::{Fault, Sim, When};
use fmc::prelude::*;
use fmc::{Plan, Providers, Wanted};
use pollster::block_on;

use crate::cloud::{Model, network_name};
use crate::law::{Applied, Broken, Deed};
use crate::look::{At, COPY, Look, parts_of};
use crate::words::{Ask, Change, H, History, How, M, Step};

pub(crate) const POOL: &str = "fmc-first";
pub(crate) const FOLDER: &str = "/var/lib/libvirt/images/fmc-first";

/// After so many applies nothing is left but what waits for a person.
const APPLIES: usize = 5;

pub(crate) struct World {
    hosts: [(H, Sim); 2],
    model: Model,
    may_go: BTreeSet<At>,
    lost: BTreeSet<At>,
    /// How many texts guests have written.
    written: u64,
    /// How many clones and snapshots were made.
    copies: u64,
    /// What the last plans said.
    said: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let hosts = H::ALL.map(|host| (host, Sim::new()));
        for (_, sim) in &hosts {
            sim.plant_domain(
                "<domain type='qemu'><name>theirs</name><memory>1024</memory><devices/></domain>",
            )
            .unwrap();
            sim.plant_network("<network><name>default</name><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>").unwrap();
            sim.plant_pool(
                "<pool type='dir'><name>default</name><target><path>/srv/pool</path></target></pool>",
            )
            .unwrap();
            sim.plant_volume(
                "default",
                "<volume><name>debian-12.qcow2</name><capacity>1000</capacity></volume>",
            )
            .unwrap();
        }
        Self {
            hosts,
            model: Model::new(),
            may_go: BTreeSet::new(),
            lost: BTreeSet::new(),
            written: 0,
            copies: 0,
            said: String::new(),
        }
    }

    pub(crate) fn run(self, history: &History) -> Result<(), Broken> {
        self.run_with(history, |_| ())
    }

    pub(crate) fn run_with(mut self, history: &History, harm: impl Fn(&Sim)) -> Result<(), Broken> {
        for Step { change, apply } in history.0.iter().flatten() {
            self.change(*change);
            if let Some((ask, how)) = apply {
                self.apply_with(*ask, *how, &harm)?;
            }
        }
        self.settles()
    }

    fn sim(&self, host: H) -> &Sim {
        let [(_, east), (_, west)] = &self.hosts;
        match host {
            H::East => east,
            H::West => west,
        }
    }

    /// Where a machine of the cloud is, or was.
    fn home(&self, machine: M) -> Option<&Sim> {
        let has = |host: &H| self.sim(*host).domain(machine.name()).is_ok_and(|domain| domain.is_some());
        let there = self.model.host_of(machine).filter(has).or_else(|| H::ALL.into_iter().find(has));
        there.map(|host| self.sim(host))
    }

    /// Changes the cloud or the hosts. What cannot be done is nothing.
    pub(crate) fn change(&mut self, change: Change) {
        let mut changed = self.model.clone();
        changed.change(change);
        // A cloud that the check refuses is not applied.
        if changed.cloud().check().is_ok() {
            self.model = changed;
        }
        self.by_hand(change);
    }

    fn by_hand(&mut self, change: Change) {
        use Change::*;
        self.copies += u64::from(matches!(change, Clone(_) | Snapshot(_)));
        let of = |machine: M| self.home(machine).cloned();
        let name = |machine: M| machine.name();
        match change {
            Snapshot(machine) => {
                let before = format!("before{}", self.copies);
                drop(of(machine).map(|sim| sim.snapshot(name(machine), &before)));
            }
            Merge(machine) => drop(of(machine).map(|sim| sim.merge(name(machine)))),
            Clone(machine) => {
                let copy = format!("{}{COPY}{}", name(machine), self.copies);
                drop(of(machine).map(|sim| sim.copy_domain(name(machine), &copy)));
            }
            LoseRoot(machine) => {
                self.lose(machine, |path| parts_of(path).is_some_and(|(_, kind)| kind == "root"))
            }
            LoseDisk(machine, disk) => {
                let ends = format!(".disk.{}", disk.name());
                self.lose(machine, |path| path.ends_with(&ends));
            }
            StopPool(host) => drop(self.sim(host).stop_pool(POOL)),
            ForgetPool(host) => {
                drop(self.sim(host).stop_pool(POOL));
                drop(self.sim(host).forget_pool(POOL));
            }
            UndefinePool(host) => drop(self.sim(host).undefine_active_pool(POOL)),
            Unmount(host) => {
                let look = Look::at(&self.hosts);
                if self.sim(host).unmount(POOL).is_ok() {
                    let here = look.volumes.into_keys().filter(|at| at.0 == host && at.1.starts_with(FOLDER));
                    let guests = look.guests.values().flat_map(|guest| &guest.disks);
                    let named: BTreeSet<&String> = guests.map(|(path, _)| path).collect();
                    self.lost.extend(here.filter(|at| named.contains(&at.1)));
                }
            }
            Mount(host) => {
                drop(self.sim(host).mount(POOL));
                let there = Look::at(&self.hosts).volumes;
                self.lost.retain(|at| !there.contains_key(at));
            }
            Undefine(machine) => drop(of(machine).map(|sim| sim.undefine(name(machine)))),
            Save(machine) => drop(of(machine).map(|sim| {
                // A saved guest would go on as it was, paused.
                drop(sim.resume(name(machine)));
                sim.save(name(machine))
            })),
            Pause(machine) => drop(of(machine).map(|sim| sim.pause(name(machine), "user"))),
            Resume(machine) => drop(of(machine).map(|sim| sim.resume(name(machine)))),
            Kill(machine) => drop(of(machine).map(|sim| sim.destroy_domain(name(machine)))),
            StopNetwork(host) => {
                for other in [false, true] {
                    drop(self.sim(host).stop_network(network_name(host, other)));
                }
            }
            UndefineNetwork(host) => {
                for other in [false, true] {
                    drop(self.sim(host).undefine_active_network(network_name(host, other)));
                }
            }
            _ => {}
        }
    }

    /// Deletes disks of a machine.
    fn lose(&mut self, machine: M, is_meant: impl Fn(&str) -> bool) {
        for (host, sim) in &self.hosts {
            for (path, _) in sim.disks(machine.name()).into_iter().filter(|(path, _)| is_meant(path)) {
                let Some((_, volume)) = path.rsplit_once('/') else { continue };
                if path.starts_with(FOLDER) && sim.delete_volume(POOL, volume).is_ok() {
                    self.lost.insert((*host, path));
                }
            }
        }
    }

    fn wanted(&self) -> (Wanted, Providers) {
        let checked = self.model.cloud().check().unwrap_or_else(|report| panic!("{report}"));
        let none = Providers::new().secrets(Arc::new(fmc::sim::StandIns)).images(Images::stand_ins());
        let providers = self
            .hosts
            .iter()
            .fold(none, |providers, (host, sim)| providers.host(HostName::literal(host.name()), sim.clone()));
        (fmc::compile(&checked), providers)
    }

    pub(crate) fn apply(&mut self, ask: Ask, how: How) -> Result<(), Broken> {
        self.apply_with(ask, how, |_| ())
    }

    /// Applies, with what a broken provider does besides on the first host.
    pub(crate) fn apply_with(&mut self, ask: Ask, how: How, harm: impl Fn(&Sim)) -> Result<(), Broken> {
        let before = Look::at(&self.hosts);
        self.forget_what_nobody_names(&before);
        self.may_go(ask, &before);
        let (wanted, providers) = self.wanted();
        let wanted = if ask == Ask::Destroy { wanted.nothing() } else { wanted };
        let plan = match block_on(providers.plan_with(&wanted, choices(ask))) {
            Ok(plan) => plan,
            Err(error) => return Err(Broken { what: error.to_string(), plans: String::new() }),
        };
        self.disturb(how, &wanted);
        let mut follows = Follows::of(&plan);
        let ran = block_on(plan.apply_watched(&providers, ApplyOptions::default(), &mut follows));
        for (_, sim) in &self.hosts {
            sim.recover();
            // What waits for a call that never came is not done later.
            sim.meanwhile(u64::MAX, || {});
            if how != How::Whole {
                // A guest that was asked to shut down before a cut goes off.
                sim.wait(Duration::from_secs(3600));
            }
        }
        harm(self.sim(H::East));
        let after = Look::at(&self.hosts);
        let Follows { said, deeds } = follows;
        self.said = format!("{said}\n{}", outcome_words(&ran));
        let applied = Applied {
            model: &self.model,
            ask,
            how,
            before: &before,
            after: &after,
            said: &said,
            deeds: &deeds,
            is_refused: ran.is_err(),
            is_converged: ran.as_ref().is_ok_and(Outcome::is_converged),
            may_go: &self.may_go,
            lost: &self.lost,
        };
        let broken = |what: String| Broken {
            what,
            plans: format!("{ask:?} {how:?}\n{said}\n{}", outcome_words(&ran)),
        };
        applied.holds().map_err(broken)?;
        self.lost.retain(|at| !after.volumes.contains_key(at));
        // What a person gave up is gone, or is said again. A root that was given up, and that no guest has, goes when its pool is
        // there.
        if how == How::Whole && ran.is_ok() {
            let has = |at: &At| {
                let on_host = after.guests.iter().filter(|((host, _), _)| *host == at.0);
                on_host.flat_map(|(_, guest)| &guest.disks).any(|(path, _)| *path == at.1)
            };
            self.may_go.retain(|at| parts_of(&at.1).is_some_and(|(_, kind)| kind == "root") && !has(at));
        }
        if applied_whole(how, &ran) {
            let again = self.plan();
            let made_pool = applied_pool(&deeds);
            if !again.is_empty() && !made_pool && ask != Ask::Destroy {
                return Err(broken(format!("it is done, and there is more to do:\n{again}")));
            }
        }
        self.write();
        Ok(())
    }

    fn plan(&self) -> Plan {
        let (wanted, providers) = self.wanted();
        block_on(providers.plan(&wanted)).unwrap()
    }

    /// Whether the law lets a lost volume begin empty: its machine is gone, and with it the one that would miss it.
    fn forget_what_nobody_names(&mut self, look: &Look) {
        let names = |at: &At| {
            look.guests
                .iter()
                .any(|((host, _), guest)| *host == at.0 && guest.disks.iter().any(|(path, _)| *path == at.1))
        };
        self.lost.retain(names);
    }

    /// What a person gives up by what they ask for.
    fn may_go(&mut self, ask: Ask, look: &Look) {
        let (replaced, given_up) = match ask {
            Ask::Plain | Ask::Destroy => (None, None),
            Ask::Replace(machine) => (Some(machine), None),
            Ask::DeleteData(machine) => (None, Some(machine)),
            Ask::Anew(machine) => (Some(machine), Some(machine)),
        };
        for at in look.volumes.keys().chain(&self.lost) {
            let Some((first, kind)) = parts_of(&at.1) else { continue };
            let machine = self.model.called(first);
            let is_in_use = || {
                let is_wanted = machine.is_some_and(|machine| {
                    self.model.host_of(machine) == Some(at.0)
                        && self.model.disks_of(machine).iter().any(|disk| at.1.ends_with(disk.as_str()))
                });
                let is_there = look.volumes.contains_key(at);
                let is_attached = look
                    .guest(at.0, first)
                    .is_some_and(|guest| guest.disks.iter().any(|(path, _)| *path == at.1));
                is_wanted && is_there && is_attached
            };
            // Data goes by the name that its machine has, or has on its host, or had first.
            let on_host = look.guest(at.0, first).and_then(|guest| M::of(&guest.record.name));
            let is_given_up =
                given_up.is_some_and(|name| [machine, on_host, Some(first)].contains(&Some(name)));
            let goes = match kind {
                "root" => ask == Ask::Destroy || (replaced.is_some() && machine == replaced),
                "disk" => is_given_up && !is_in_use(),
                _ => false,
            };
            if goes {
                self.may_go.insert(at.clone());
            }
        }
    }

    fn disturb(&self, how: How, wanted: &Wanted) {
        let [(_, east), _] = &self.hosts;
        match how {
            How::Whole => {}
            How::Cut(nth) => east.on(When::any().nth(nth), Fault::Cut),
            How::CutAfter(nth) => east.on(When::any().nth(nth), Fault::CutAfter),
            How::Twice(nth) => {
                let (_, providers) = self.wanted();
                let wanted = wanted.clone();
                east.meanwhile(nth, move || {
                    if let Ok(plan) = block_on(providers.plan(&wanted)) {
                        // The other apply finds what this one leaves.
                        drop(block_on(plan.apply(&providers, |_| ())));
                    }
                });
            }
        }
    }

    /// Every guest that runs writes to its disks.
    fn write(&mut self) {
        for (_, sim) in &self.hosts {
            for domain in sim.domains().unwrap() {
                if domain.active && domain.suspended.is_none() {
                    self.written += 1;
                    sim.write(&domain.name, &format!("text {}", self.written)).unwrap();
                }
            }
        }
    }

    /// Applies until nothing is left but what waits for a person.
    pub(crate) fn settles(mut self) -> Result<(), Broken> {
        let waits = |kind: NoteKind| !kind.is_unmet() || kind.waits_for_person() || kind == NoteKind::Refused;
        let mut plan = self.plan();
        for _ in 0..APPLIES {
            self.apply(Ask::Plain, How::Whole)?;
            plan = self.plan();
            let is_settled = plan.refused().next().is_some()
                || (plan.all_steps().next().is_none() && plan.notes.iter().all(|note| waits(note.kind)));
            if is_settled {
                return Ok(());
            }
        }
        Err(Broken {
            what: format!("after {APPLIES} applies something is left"),
            plans: format!("{plan}\nafter\n{}", self.said),
        })
    }
}

/// Whether an apply made a pool: what lies in its folder is seen afterwards.
fn applied_pool(deeds: &[Deed]) -> bool {
    deeds.iter().any(|(_, object, action)| object.starts_with("pool/") && *action == Action::Create)
}

fn applied_whole(how: How, ran: &Result<Outcome, Refused>) -> bool {
    how == How::Whole && ran.as_ref().is_ok_and(Outcome::is_converged)
}

fn outcome_words(ran: &Result<Outcome, Refused>) -> String {
    match ran {
        Ok(outcome) if outcome.is_converged() => "done".to_owned(),
        Ok(outcome) => outcome.clone().converged().err().map(|error| error.to_string()).unwrap_or_default(),
        Err(refused) => refused.to_string(),
    }
}

fn choices(ask: Ask) -> Choices {
    let mut choices = Choices::default();
    if let Ask::Replace(machine) | Ask::Anew(machine) = ask {
        choices.replace.insert(machine.name().to_owned());
    }
    if let Ask::DeleteData(machine) | Ask::Anew(machine) = ask {
        choices.delete_data = DeleteData::Of([machine.name().to_owned()].into());
    }
    choices
}

/// Consents to every further plan, and remembers what was said.
struct Follows {
    said: String,
    deeds: Vec<Deed>,
}

impl Follows {
    fn of(plan: &Plan) -> Self {
        let mut follows = Self { said: plan.to_string(), deeds: Vec::new() };
        follows.deeds.extend(plan.all_steps().filter_map(|step| deed(&step.address, step.action)));
        follows
    }
}

fn deed(address: &fmc::graph::Address, action: Action) -> Option<Deed> {
    let host = H::ALL.into_iter().find(|host| address.place().name() == Some(host.name()))?;
    Some((host, format!("{}/{}", address.kind(), address.name()), action))
}

impl<T: ?Sized> Watch<T> for Follows {
    fn event(&mut self, _: Event) {}

    fn further(&mut self, further: &Further<'_, T>) -> bool {
        self.said = format!("{}\nthen\n{}", self.said, further.plan());
        self.deeds.extend(further.plan().all_steps().filter_map(|step| deed(&step.address, step.action)));
        true
    }
}
