//! Done means done: through `fmc::Plan`, on the simulation, an apply goes on to the end or names what is
//! left.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use expect_test::expect;
use fmc::graph::{
    About, Action, ApplyOptions, Choices, DeleteData, Event, Further, Outcome, StopFlag, Watch,
};
use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::{Fault, Sim, When};
use fmc::prelude::*;
use fmc::{Plan, Providers, Wanted};
use pollster::block_on;
use proptest::prelude::*;

const LOCAL: HostName = HostName::literal("local");
const POOL: &str = "fmc-first";

fn machine(name: String, disk: bool) -> Machine {
    let machine = Machine::new(name, Image::blank()).memory(1.gib()).root_disk(2.gib());
    if disk { machine.disk(Disk::new("data", 5.gib())) } else { machine }
}

fn workers(number: usize) -> Cloud {
    let all = (1..=number).map(|number| machine(format!("worker{number}"), number == 1));
    Cloud::new("first").host(Host::local()).machines(all)
}

fn wanted(cloud: &Cloud) -> Wanted {
    fmc::compile(&cloud.check().unwrap_or_else(|report| panic!("{report}")))
}

struct World {
    sim: Sim,
    providers: Providers,
}

impl World {
    fn new() -> Self {
        let sim = Sim::new();
        Self { providers: Providers::new().host(LOCAL, sim.clone()), sim }
    }

    fn plan(&self, wanted: &Wanted) -> Plan {
        block_on(self.providers.plan(wanted)).unwrap()
    }

    fn run(&self, plan: &Plan) -> Outcome {
        block_on(plan.apply(&self.providers, |_| ())).unwrap()
    }

    /// Plans and applies, and asserts that everything is as wanted.
    fn apply(&self, wanted: &Wanted) {
        self.run(&self.plan(wanted)).converged().unwrap();
        let again = self.plan(wanted);
        assert!(again.is_empty(), "{again}");
    }

    /// Applies until the connection is cut, and connects again.
    fn cut_apply(&self, wanted: &Wanted) {
        if let Ok(plan) = block_on(self.providers.plan(wanted)) {
            // The next plan shows the result of this apply.
            drop(block_on(plan.apply(&self.providers, |_| ())));
        }
        self.sim.recover();
    }

    fn running(&self) -> usize {
        self.sim.domains().unwrap().iter().filter(|domain| domain.active).count()
    }
}

#[test]
fn a_machine_whose_pool_has_to_be_started_first_is_started_in_the_same_apply() {
    let world = World::new();
    let wanted = wanted(&workers(3));
    world.apply(&wanted);
    world.sim.destroy_domain("worker3").unwrap();
    world.sim.stop_pool(POOL).unwrap();
    let plan = world.plan(&wanted);
    expect![[r#"
        first
          ~ pool fmc-first    update   active inactive -> active
          ~ machine worker3   update   power stopped -> running; once the pool fmc-first is started
          ! 3 machines        deferred not known before the pool fmc-first is started
          2 to update, 0 to delete · 3 deferred
    "#]]
    .assert_eq(&format!("first\n{plan}"));
    assert_eq!(plan.step("machine/worker3").unwrap().action(), Some(Action::Update));
    let outcome = world.run(&plan);
    assert!(outcome.is_converged(), "{outcome:?}");
    assert_eq!((outcome.done.len(), world.running()), (2, 3));
    assert!(world.plan(&wanted).is_empty());
}

fn data(name: &str) -> DeleteData {
    DeleteData::Of([name.to_owned()].into())
}

/// Consents to every further plan, and records it.
#[derive(Default)]
struct Consents(Vec<String>);

impl<D: ?Sized> Watch<D> for Consents {
    fn event(&mut self, _: Event) {}

    fn further(&mut self, further: &Further<'_, D>) -> bool {
        self.0.extend(further.unannounced().map(|step| step.address.short().to_string()));
        true
    }
}

#[test]
fn a_disk_that_is_found_missing_is_not_made_without_consent() {
    let world = World::new();
    let wanted = wanted(&workers(3));
    world.apply(&wanted);
    world.sim.destroy_domain("worker1").unwrap();
    world.sim.delete_volume(POOL, "worker1.disk.data").unwrap();
    for (given_up, action) in [(false, None), (true, Some(Action::Update))] {
        world.sim.stop_pool(POOL).unwrap();
        let plan = world.plan(&wanted);
        let plan = if given_up { plan.delete_data(data("worker1")) } else { plan };
        let outcome = world.run(&plan);
        assert!(!outcome.is_converged() && outcome.done.len() == 1, "{outcome:?}");
        let left: Vec<_> = outcome.left.iter().map(|left| (&left.about, left.action)).collect();
        assert_eq!(left, [(&About::machine("worker1"), action)]);
    }
    assert!(world.sim.volumes(POOL).unwrap().iter().all(|volume| volume.name != "worker1.disk.data"));

    world.sim.stop_pool(POOL).unwrap();
    let plan = world.plan(&wanted).delete_data(data("worker1"));
    let mut consents = Consents::default();
    let outcome = block_on(plan.apply_watched(&world.providers, ApplyOptions::default(), &mut consents));
    outcome.unwrap().converged().unwrap();
    assert_eq!(consents.0, ["volume/fmc-first/worker1.disk.data"]);
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn an_apply_that_is_stopped_between_two_phases_is_not_converged() {
    let world = World::new();
    let wanted = wanted(&workers(2));
    world.apply(&wanted);
    world.sim.destroy_domain("worker2").unwrap();
    world.sim.stop_pool(POOL).unwrap();
    let stop = StopFlag::default();
    let options = ApplyOptions { stop: stop.clone(), ..ApplyOptions::default() };
    let plan = world.plan(&wanted);
    let outcome = block_on(plan.apply_with(&world.providers, options, |event| {
        if matches!(event, Event::Done { .. }) {
            stop.finish();
        }
    }));
    let outcome = outcome.unwrap();
    assert!(
        !outcome.is_converged() && outcome.left.iter().any(|left| left.about == About::machine("worker2"))
    );
    world.apply(&wanted);
}

#[test]
fn a_world_that_cannot_be_read_again_leaves_what_was_announced() {
    let world = World::new();
    let wanted = wanted(&workers(2));
    world.apply(&wanted);
    world.sim.destroy_domain("worker2").unwrap();
    world.sim.stop_pool(POOL).unwrap();
    let plan = world.plan(&wanted);
    world.sim.on(When::call("start-pool"), Fault::CutAfter);
    assert!(!world.run(&plan).is_converged());
    world.sim.recover();
    world.sim.stop_pool(POOL).unwrap();
    let plan = world.plan(&wanted);
    world.sim.on(When::call("domains").nth(1), Fault::Fail("out of memory".to_owned()));
    let error = world.run(&plan).converged().unwrap_err().to_string();
    assert!(error.contains("machine/worker2: the hosts could not be read again"), "{error}");
    assert!(error.contains("out of memory"), "{error}");
    world.apply(&wanted);
}

#[test]
fn a_failed_apply_names_the_step_and_the_cause() {
    let world = World::new();
    world.sim.on(When::call("define-domain").of("worker2"), Fault::Fail("no such machine type".to_owned()));
    let outcome = world.run(&world.plan(&wanted(&workers(2))));
    assert_eq!(
        outcome.converged().unwrap_err().to_string(),
        "apply the plan: libvirt/local/domain/worker2: define domain worker2: no such machine type"
    );
}

/// Two hosts, the second of them cut off.
fn with_a_cut_host() -> (Cloud, Providers, Sim) {
    let hosts = ["a", "b"].map(|host| Host::new(host).uri(format!("qemu+ssh://{host}/system")));
    let on_b = (0..12).map(|number| machine(format!("m{number}"), true).host("b"));
    let web = machine("web".to_owned(), false).host("a");
    let cloud = Cloud::new("first").hosts(hosts).machine(web).machines(on_b);
    let (one, other) = (Sim::new(), Sim::new());
    other.on(When::any(), Fault::Cut);
    let name = |name: &'static str| HostName::literal(name);
    let providers = Providers::new().host(name("a"), one).host(name("b"), other.clone());
    (cloud, providers, other)
}

#[test]
fn a_cut_host_gives_no_empty_plan_and_no_converged_outcome() {
    let (cloud, providers, other) = with_a_cut_host();
    let wanted = wanted(&cloud);
    let plan = block_on(providers.plan(&wanted)).unwrap();
    expect![[r#"
        first
          + pool fmc-first on a  create   /var/lib/libvirt/images/fmc-first
          + machine web          create   1 vCPU, 1 GiB, root 2 GiB
          ! 12 machines, 1 pool  deferred the host b does not answer: the connection to the hypervisor was lost
          ! host b               beforehand it could not be read, and web would be made on other hosts: if one of them was on this host, it may still run there with the same name and addresses, and its data stays there; wait until the host answers, or make sure that none of them was on it
          2 to create, 0 to delete · 13 deferred
    "#]]
    .assert_eq(&format!("first\n{plan}"));
    let outcome = block_on(plan.apply(&providers, |_| ())).unwrap();
    assert!(outcome.failed.is_empty() && !outcome.is_converged(), "{outcome:?}");
    assert_eq!(outcome.left.len(), 13);
    let error = outcome.converged().unwrap_err().to_string();
    assert!(
        error.ends_with("and 10 more: the host b does not answer: the connection to the hypervisor was lost"),
        "{error}"
    );

    let again = block_on(providers.plan(&wanted)).unwrap();
    assert!(again.steps.is_empty() && !again.is_empty());
    assert_eq!(again.counts().to_string(), "13 deferred");
    let nothing = block_on(providers.plan(&wanted.nothing())).unwrap();
    assert!(!block_on(nothing.apply(&providers, |_| ())).unwrap().is_converged());

    other.recover();
    let plan = block_on(providers.plan(&wanted)).unwrap();
    block_on(plan.apply(&providers, |_| ())).unwrap().converged().unwrap();
    assert!(block_on(providers.plan(&wanted)).unwrap().is_empty());
}

#[test]
fn a_host_without_a_connection_is_never_an_empty_plan() {
    let no_connection = |plan: &Plan| {
        assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
        assert!(plan.to_string().contains("the host local does not answer: it has no connection"), "{plan}");
        assert!(!block_on(plan.apply(&Providers::new(), |_| ())).unwrap().is_converged());
    };
    let full = wanted(&workers(2));
    no_connection(&block_on(Providers::new().plan(&full)).unwrap());
    no_connection(&block_on(Providers::new().plan(&full.nothing())).unwrap());
    // The host may have objects of the last apply to delete.
    no_connection(&block_on(Providers::new().plan(&wanted(&workers(0)))).unwrap());
    // A cloud without hosts has no objects.
    assert!(block_on(Providers::new().plan(&wanted(&Cloud::new("first")))).unwrap().is_empty());
}

#[test]
fn a_name_that_nothing_has_is_refused_or_an_error() {
    let world = World::new();
    let wanted = wanted(&workers(2));
    world.apply(&wanted);
    let refused = |plan: Plan, words: &str| {
        assert!(!plan.is_empty() && plan.counts().refused == 1, "{plan}");
        assert!(plan.refused().next().unwrap().text.contains(words), "{plan}");
        let error = block_on(plan.apply(&world.providers, |_| ())).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    refused(world.plan(&wanted).replace("worke1"), "worke1");
    refused(world.plan(&wanted).only("machine/worke1"), "did you mean machine/worker1?");
    refused(world.plan(&wanted).delete_data(data("worke1")), "did you mean worker1?");
    refused(world.plan(&wanted.nothing()).delete_data(data("worke1")), "did you mean worker1?");

    let plan = world.plan(&wanted);
    let error = plan.step("machine/worke1").unwrap_err();
    assert_eq!(error.to_string(), "find machine/worke1 in the plan: did you mean machine/worker1?");
    assert!(plan.keeps("volume/worker1.disk.dat").is_err());
    assert_eq!(plan.step("machine/worker1").unwrap().impact(), Impact::None);
    assert_eq!(plan.keeps("volume/worker1.disk.data"), Ok(true));

    // A machine of the cloud may have no data, but a machine that left the cloud may have left some.
    assert!(world.plan(&wanted).delete_data(data("worker2")).is_empty());
    let gone = self::wanted(&workers(0));
    world.run(&world.plan(&gone)).converged().unwrap();
    let plan = world.plan(&gone).delete_data(data("worker1"));
    world.run(&plan).converged().unwrap();
    let nothing = world.plan(&wanted.nothing());
    world.run(&nothing).converged().unwrap();
    assert!(world.plan(&wanted.nothing()).delete_data(data("worker1")).is_empty());
}

#[test]
fn what_was_chosen_is_done_without_a_host_that_does_not_matter_to_it() {
    let (cloud, providers, _) = with_a_cut_host();
    let only = Choices { only: ["machine/web".to_owned()].into(), ..Choices::default() };
    let plan = block_on(providers.plan_with(&wanted(&cloud), only)).unwrap();
    assert!(block_on(plan.apply(&providers, |_| ())).unwrap().is_converged(), "{plan}");
}

/// The file of a console is listed only after a refresh: a deletion that was cut must not leave it behind.
#[test]
fn a_deletion_that_is_cut_at_any_call_leaves_nothing_behind() {
    let hosted = Cloud::new("first").host(Host::local());
    let before =
        wanted(&hosted.clone().machine(machine("m0".into(), false)).machine(machine("m4".into(), true)));
    let after = wanted(&hosted);
    for nth in 1..60 {
        for fault in [Fault::Cut, Fault::CutAfter] {
            let world = World::new();
            world.apply(&before);
            world.sim.destroy_domain("m4").unwrap();
            world.sim.on(When::any().nth(nth), fault);
            world.cut_apply(&after);
            finish(&world, &after).unwrap_or_else(|wrong| panic!("cut at call {nth}: {wrong}"));
        }
    }
}

/// Small clouds: some of six machines, each with or without a data disk, and of two sizes.
fn clouds() -> impl Strategy<Value = Cloud> {
    prop::collection::btree_map(0_u8..6, (any::<bool>(), 1_u32..3), 0..4).prop_map(|machines| {
        let machines = machines
            .into_iter()
            .map(|(number, (disk, memory))| machine(format!("m{number}"), disk).memory(memory.gib()));
        Cloud::new("first").host(Host::local()).machines(machines)
    })
}

/// Changes by hand: stopped machines, and a stopped pool.
fn mischief() -> impl Strategy<Value = (Vec<bool>, bool)> {
    (prop::collection::vec(any::<bool>(), 6), any::<bool>())
}

fn do_mischief(world: &World, (stopped, pool): &(Vec<bool>, bool)) {
    for (number, _) in stopped.iter().enumerate().filter(|(_, stopped)| **stopped) {
        let name = format!("m{number}");
        if world.sim.domain(&name).unwrap().is_some_and(|domain| domain.active) {
            world.sim.destroy_domain(&name).unwrap();
        }
    }
    if *pool && world.sim.pool(POOL).unwrap().is_some() {
        world.sim.stop_pool(POOL).unwrap();
    }
}

/// Applies with consent to further plans, and asserts that everything is as wanted.
fn finish(world: &World, wanted: &Wanted) -> Result<(), TestCaseError> {
    let plan = world.plan(wanted);
    let mut consents = Consents::default();
    let run = plan.apply_watched(&world.providers, ApplyOptions::default(), &mut consents);
    let outcome = block_on(run).unwrap();
    prop_assert!(outcome.is_converged(), "{outcome:?}\n{plan}");
    let again = world.plan(wanted);
    prop_assert!(again.is_empty(), "{again}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// After one apply everything is as wanted, from any state and after any stop by hand.
    #[test]
    fn an_apply_converges(before in clouds(), by_hand in mischief(), after in clouds()) {
        let (before, after) = (wanted(&before), wanted(&after));
        let world = World::new();
        world.apply(&before);
        do_mischief(&world, &by_hand);
        finish(&world, &after)?;
    }

    /// A converged apply leaves an empty plan; any other leaves a plan that is not empty.
    #[test]
    fn converged_and_empty_mean_the_same(before in clouds(), by_hand in mischief(), after in clouds()) {
        let (before, after) = (wanted(&before), wanted(&after));
        let world = World::new();
        world.apply(&before);
        do_mischief(&world, &by_hand);
        let outcome = world.run(&world.plan(&after));
        prop_assert_eq!(outcome.is_converged(), world.plan(&after).is_empty(), "{:?}", outcome);
    }

    /// An apply that is cut off at any call converges when it is planned and applied again.
    #[test]
    fn an_apply_that_is_cut_at_any_call_converges(
        before in clouds(),
        by_hand in mischief(),
        after in clouds(),
        nth in 1_u64..60,
        late in any::<bool>(),
    ) {
        let (before, after) = (wanted(&before), wanted(&after));
        let world = World::new();
        world.apply(&before);
        do_mischief(&world, &by_hand);
        world.sim.on(When::any().nth(nth), if late { Fault::CutAfter } else { Fault::Cut });
        world.cut_apply(&after);
        finish(&world, &after)?;
    }

    /// An apply that is dropped after any event converges when it is planned and applied again.
    #[test]
    fn an_apply_that_is_dropped_anywhere_converges(
        before in clouds(),
        by_hand in mischief(),
        after in clouds(),
        polls in 0_usize..20,
    ) {
        let (before, after) = (wanted(&before), wanted(&after));
        let world = World::new();
        world.apply(&before);
        do_mischief(&world, &by_hand);
        let plan = world.plan(&after);
        {
            let mut apply = std::pin::pin!(plan.apply(&world.providers, |_| ()));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = (0..polls).any(|_| apply.as_mut().poll(&mut context).is_ready());
        }
        finish(&world, &after)?;
    }
}
