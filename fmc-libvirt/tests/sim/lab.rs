//! A provider over a hypervisor in memory, and clouds for it.

use std::io::Write as _;
use std::sync::OnceLock;

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::disk::Disk;
use fmc_core::graph::{
    ApplyOptions, Choices, DeleteData, Event, Further, NoteKind, Outcome, Plan, Provider as _, Refused,
    Wanted, Watch, apply_phases, plan,
};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::documents::documents;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;
use fmc_libvirt::volume::{Ours, VolumeName};

pub(crate) struct Lab {
    pub(crate) sim: Sim,
    pub(crate) provider: Libvirt<Sim>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::on(Sim::new())
    }

    /// A lab whose guests have run.
    pub(crate) fn used() -> Self {
        let lab = Self::new();
        lab.apply(&small());
        lab
    }

    pub(crate) fn on(sim: Sim) -> Self {
        let provider = Libvirt::new()
            .host(HostName::literal("local"), sim.clone())
            .images(Images::default().files(Files::anywhere("")));
        Self { sim, provider }
    }

    /// A copy of the present state, in a world of its own.
    pub(crate) fn copy(&self) -> Self {
        Self::on(Sim::from_json("sim:", &self.sim.to_json().unwrap()).unwrap())
    }

    pub(crate) fn plan(&self, wanted: &Wanted<Document>) -> Plan<Document> {
        self.plan_with(wanted, &Choices::default())
    }

    pub(crate) fn plan_with(&self, wanted: &Wanted<Document>, choices: &Choices) -> Plan<Document> {
        let seen = now(self.provider.observe(&wanted.replacing(&choices.replace))).unwrap();
        plan(&self.provider, wanted, &seen, choices)
    }

    /// Plans and applies.
    pub(crate) fn try_apply(&self, wanted: &Wanted<Document>, choices: &Choices) -> Result<Outcome, Refused> {
        let plan = self.plan_with(wanted, choices);
        self.run(plan, wanted, choices, |_| {})
    }

    pub(crate) fn run(
        &self,
        plan: Plan<Document>,
        wanted: &Wanted<Document>,
        choices: &Choices,
        on: impl FnMut(Event),
    ) -> Result<Outcome, Refused> {
        let options = ApplyOptions::default();
        let decide = |seen, choices: &Choices| fmc_core::graph::plan(&self.provider, wanted, &seen, choices);
        let mut watch = Consents(on);
        now(apply_phases(&plan, &self.provider, wanted, choices.clone(), options, decide, &mut watch))
            .map(|phases| phases.outcome)
    }

    /// Plans and applies, and asserts that everything was done and the next plan has nothing to do: what waits for a person, as
    /// an outdated machine does, may be left.
    pub(crate) fn apply(&self, wanted: &Wanted<Document>) {
        self.apply_with(wanted, &Choices::default());
        let again = self.plan(wanted);
        let is_done = again.steps.is_empty()
            && again.notes.iter().all(|note| !note.kind.is_unmet() || note.kind.waits_for_person());
        assert!(is_done, "a second plan has nothing to do: {again}");
    }

    pub(crate) fn apply_with(&self, wanted: &Wanted<Document>, choices: &Choices) {
        let outcome = self.try_apply(wanted, choices).unwrap();
        assert!(outcome.is_converged() || outcome.waits_for_person(), "{outcome:?}");
    }

    /// Plans and applies until the connection is cut, and connects again.
    pub(crate) fn cut_apply(&self, wanted: &Wanted<Document>, choices: &Choices) {
        if let Ok(seen) = now(self.provider.observe(&wanted.replacing(&choices.replace))) {
            let plan = plan(&self.provider, wanted, &seen, choices);
            // The next plan shows the result of this apply.
            drop(self.run(plan, wanted, choices, |_| {}));
        }
        self.sim.recover();
    }

    /// The names of all objects.
    pub(crate) fn lists(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        names.extend(self.sim.domains().unwrap().into_iter().map(|it| format!("domain {}", it.name)));
        names.extend(self.sim.networks().unwrap().into_iter().map(|it| format!("network {}", it.name)));
        for pool in self.sim.pools().unwrap() {
            names.push(format!("pool {}", pool.name));
            let volumes = self.sim.volumes(&pool.name).unwrap_or_default();
            names.extend(volumes.into_iter().map(|it| format!("volume {}/{}", pool.name, it.name)));
        }
        names
    }

    /// The volumes of the cloud's own pool whose names begin so, without the records beside data disks.
    pub(crate) fn volumes(&self, start: &str) -> Vec<String> {
        let all = self.sim.volumes("fmc-first").unwrap();
        let names = all.into_iter().map(|it| it.name).filter(|name| name.starts_with(start));
        names.filter(|name| !is_record(name)).collect()
    }

    /// The records beside data disks in the cloud's own pool.
    pub(crate) fn records(&self) -> Vec<String> {
        let all = self.sim.volumes("fmc-first").unwrap();
        all.into_iter().map(|it| it.name).filter(|name| is_record(name)).collect()
    }

    /// The number of calls of this name since they were last forgotten, without those for the apply's lease.
    pub(crate) fn calls(&self, name: &str) -> usize {
        self.sim.calls().iter().filter(|call| call.name == name && call.object != "lease").count()
    }
}

fn is_record(name: &str) -> bool {
    matches!(VolumeName::parse(name).map(|name| name.ours), Some(Ours::OnDisk { .. }))
}

/// Consents to every further plan.
struct Consents<F>(F);

impl<F: FnMut(Event)> Watch<Document> for Consents<F> {
    fn event(&mut self, event: Event) {
        (self.0)(event);
    }

    fn further(&mut self, _: &Further<'_, Document>) -> bool {
        true
    }
}

/// The result of a future.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}

pub(crate) fn replace(name: &str) -> Choices {
    Choices { replace: [name.to_owned()].into(), ..Choices::default() }
}

pub(crate) fn delete_data(name: &str) -> Choices {
    Choices { delete_data: DeleteData::Of([name.to_owned()].into()), ..Choices::default() }
}

pub(crate) fn delete_all_data() -> Choices {
    Choices { delete_data: DeleteData::All, ..Choices::default() }
}

/// A file of 150 KiB, three pieces of an upload, and its digest.
pub(crate) fn image_file() -> (&'static str, Digest) {
    static FILE: OnceLock<(tempfile::NamedTempFile, Digest)> = OnceLock::new();
    let (file, digest) = FILE.get_or_init(|| {
        let mut content = fmc_testkit::image::qcow2("1G", b"");
        content.extend((0_u8..=250).cycle().take((150 << 10) - content.len()));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&content).unwrap();
        (file, Digest::sha256(&content))
    });
    (file.path().to_str().unwrap(), *digest)
}

pub(crate) fn rocky() -> Image {
    let (path, digest) = image_file();
    Image::rocky("9.4").file(path, digest)
}

pub(crate) fn lan() -> Network {
    Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199")
}

/// A machine with an uploaded image and a boot configuration.
pub(crate) fn web() -> Machine {
    Machine::new("web", rocky())
        .cpus(2)
        .memory(2.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address("10.17.3.10"))
}

/// A machine with a data disk.
pub(crate) fn db() -> Machine {
    Machine::new("db", rocky())
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("data", 50.gib()))
        .interface(Interface::on("lab").address("10.17.3.11"))
}

/// A machine with blank disks and an empty guest.
pub(crate) fn blank(name: &str) -> Machine {
    Machine::new(name.to_owned(), Image::blank())
        .memory(1.gib())
        .root_disk(4.gib())
        .interface(Interface::on("lab").reserved("10.17.3.20"))
}

pub(crate) fn cloud(
    networks: impl IntoIterator<Item = Network>,
    machines: impl IntoIterator<Item = Machine>,
) -> Cloud {
    Cloud::new("first").host(Host::local()).networks(networks).machines(machines)
}

pub(crate) fn wanted(cloud: &Cloud) -> Wanted<Document> {
    documents(&cloud.check().unwrap_or_else(|report| panic!("{report}")))
}

/// Two machines on one network, one with data.
pub(crate) fn small() -> Wanted<Document> {
    wanted(&cloud([lan()], [web(), db()]))
}

pub(crate) fn nothing() -> Wanted<Document> {
    Wanted::nothing("first")
}

/// The texts of a plan's notes of a kind.
pub(crate) fn notes(plan: &Plan<Document>, kind: NoteKind) -> Vec<String> {
    plan.notes
        .iter()
        .filter(|note| note.kind == kind)
        .map(|note| format!("{}: {}", note.about, note.text))
        .collect()
}
