//! Machines that move to another host: the guest on the old one stays until the new one can take its place.

use fmc_core::cloud::Cloud;
use fmc_core::graph::{Action, Choices, DeleteData, NoteKind, Outcome, Plan, Wanted};
use fmc_core::host::Host;
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::{Fault, Sim, When};

use crate::lab::{Lab, db, delete_data, notes, rocky, wanted, web};

/// Two hosts, of which the second is beside the lab's own.
fn two() -> (Lab, Sim) {
    let (one, two) = (Sim::new(), Sim::new());
    two.identity("6a0b2a4e-6e7a-4f6c-9d5e-1f2f3a4b5c6d");
    let name = HostName::literal;
    let provider = Libvirt::new().host(name("a"), one.clone()).host(name("b"), two.clone());
    let provider = provider.images(Images::default().files(Files::anywhere("")));
    (Lab { sim: one, provider }, two)
}

fn on(host: &'static str, machine: Machine) -> Wanted<Document> {
    let network = Network::nat("lab", "10.17.3.0/24").host(host);
    let hosts = [Host::new("a"), Host::new("b")];
    wanted(&Cloud::new("first").hosts(hosts).network(network).machine(machine.host(host)))
}

/// The place of a step in the order of a plan.
fn place(plan: &Plan<Document>, action: Action, address: &str) -> usize {
    let is_it = |at: &String| at.starts_with(address);
    let place = plan.steps.iter().position(|step| step.action == action && is_it(&step.address.to_string()));
    place.unwrap_or_else(|| panic!("no {action} of {address}: {plan}"))
}

fn is_running(sim: &Sim, name: &str) -> bool {
    sim.domain(name).unwrap().is_some_and(|domain| domain.active)
}

fn ran(lab: &Lab, wanted: &Wanted<Document>, choices: &Choices) -> Outcome {
    lab.try_apply(wanted, choices).unwrap()
}

#[test]
fn a_moved_machine_stays_where_it_is_while_the_other_host_does_not_answer() {
    let (lab, two) = two();
    lab.apply(&on("a", web()));
    let moved = on("b", web());
    two.on(When::any().nth(1), Fault::Cut);
    let plan = lab.plan(&moved);
    let said = notes(&plan, NoteKind::Deferred).join("\n");
    assert!(said.contains("domain/web: it moves to the host b, which could not be read"), "{plan}\n{said}");
    let gone = |address: &str| plan.steps.iter().any(|step| step.address.to_string().contains(address));
    assert!(!gone("libvirt/a/domain") && !gone("libvirt/a/volume"), "{plan}");
    // Only the machine waits for it.
    for only in ["machine/web", "libvirt/a/domain/web"] {
        let choices = Choices { only: [only.to_owned()].into(), ..Choices::default() };
        let outcome = ran(&lab, &moved, &choices);
        assert!(!outcome.is_converged() && outcome.done.is_empty(), "{outcome:?}");
    }
    assert!(!ran(&lab, &moved, &Choices::default()).is_converged());
    assert!(is_running(&lab.sim, "web") && lab.volumes("web.root").len() == 1);
    two.recover();
    lab.apply(&moved);
    assert!(is_running(&two, "web") && lab.lists().is_empty(), "{:?}", lab.lists());
}

#[test]
fn a_moved_machine_goes_last_from_the_old_host_and_its_root_when_it_is_there() {
    let (lab, two) = two();
    lab.apply(&on("a", web()));
    let plan = lab.plan(&on("b", web()));
    let (gone, made) = (
        place(&plan, Action::Delete, "libvirt/a/domain/web"),
        place(&plan, Action::Create, "libvirt/b/domain/web"),
    );
    // Both have the same MACs and names, so they never run at once.
    assert!(gone < made && plan.steps[made].after.contains(&gone), "{plan}");
    for made in
        ["libvirt/b/network/lab", "libvirt/b/volume/fmc-first/web.root", "libvirt/b/volume/fmc-first/base"]
    {
        let before = place(&plan, Action::Create, made);
        assert!(plan.steps[gone].after.contains(&before) || made.contains("base"), "{made}: {plan}");
        assert!(before < gone, "{plan}");
    }
    let root = place(&plan, Action::Delete, "libvirt/a/volume/fmc-first/web.root");
    assert!(plan.steps[root].after.contains(&made), "{plan}");
    // A choice of any part of it has all of it.
    for only in ["machine/web", "libvirt/a/domain/web", "libvirt/b/domain/web"] {
        let choices = Choices { only: [only.to_owned()].into(), ..Choices::default() };
        let plan = lab.plan_with(&on("b", web()), &choices);
        assert!(
            place(&plan, Action::Delete, "libvirt/a/domain/web")
                < place(&plan, Action::Create, "libvirt/b/domain/web"),
            "{plan}"
        );
    }
    drop(two);
}

#[test]
fn a_move_that_fails_on_the_new_host_leaves_the_machine_or_its_root_on_the_old_one() {
    let moved = on("b", web());
    for call in ["define-network", "start-network", "create-pool", "upload", "define-domain", "start-domain"]
    {
        let (lab, two) = two();
        lab.apply(&on("a", web()));
        two.on(When::call(call).nth(1), Fault::Fail("no space left".to_owned()));
        let outcome = ran(&lab, &moved, &Choices::default());
        assert!(!outcome.failed.is_empty(), "{call}: {outcome:?}");
        // The guest ends on the old host before it starts on the new one; its root stays until it has.
        assert_eq!(is_running(&lab.sim, "web"), !call.ends_with("domain"), "{call}: {outcome:?}");
        assert_eq!(lab.volumes("web.root").len(), 1, "{call}: {outcome:?}");
        lab.apply(&moved);
        assert!(is_running(&two, "web") && lab.lists().is_empty(), "{call}: {:?}", lab.lists());
    }
    // It returns on its root, as it was, if the person takes the move back.
    let (lab, two) = two();
    lab.apply(&on("a", web()));
    let before = lab.volumes("web.root");
    two.on(When::call("define-domain").nth(1), Fault::Fail("no".to_owned()));
    assert!(!ran(&lab, &moved, &Choices::default()).is_converged());
    lab.apply(&on("a", web()));
    assert!(is_running(&lab.sim, "web") && two.domain("web").unwrap().is_none());
    assert_eq!(lab.volumes("web.root"), before);
    // A move that is cut between the two hosts keeps the root, also while the new one does not answer.
    two.on(When::call("define-domain").nth(1), Fault::Fail("no".to_owned()));
    assert!(!ran(&lab, &moved, &Choices::default()).is_converged());
    two.on(When::any().nth(1), Fault::Cut);
    assert!(!ran(&lab, &moved, &Choices::default()).is_converged());
    assert_eq!(lab.volumes("web.root"), before);
    two.recover();
    lab.apply(&moved);
    assert!(is_running(&two, "web") && lab.lists().is_empty(), "{:?}", lab.lists());
}

#[test]
fn a_move_that_needs_two_phases_deletes_in_the_second_one_and_announces_it() {
    let (lab, two) = two();
    lab.apply(&on("a", web()));
    // The pool of the other host is there, and is stopped.
    let both = |host: &'static str| {
        let network = |host: &'static str| Network::nat(format!("lab-{host}"), "10.17.3.0/24").host(host);
        let machine = |name: &'static str, host: &'static str, address: &'static str| {
            Machine::new(name, rocky())
                .host(host)
                .root_disk(4.gib())
                .interface(Interface::on(format!("lab-{host}")).address(address))
        };
        let machines = [machine("web", host, "10.17.3.10"), machine("else", "b", "10.17.3.11")];
        let hosts = [Host::new("a"), Host::new("b")];
        wanted(&Cloud::new("first").hosts(hosts).networks([network("a"), network("b")]).machines(machines))
    };
    lab.apply(&both("a"));
    two.stop_pool("fmc-first").unwrap();
    let plan = lab.plan(&both("b"));
    assert!(plan.steps.iter().all(|step| step.action != Action::Delete), "{plan}");
    let later: Vec<String> = plan.later.iter().map(|later| later.step.address.to_string()).collect();
    assert!(later.contains(&"libvirt/a/domain/web".to_owned()), "{plan}\n{later:?}");
    lab.apply(&both("b"));
    assert!(is_running(&two, "web") && lab.sim.domain("web").unwrap().is_none());
}

#[test]
fn a_machine_that_may_be_on_a_host_that_does_not_answer_is_said_before_it_is_made() {
    let (lab, _two) = two();
    lab.apply(&on("a", web()));
    lab.sim.on(When::any().nth(1), Fault::Cut);
    let plan = lab.plan(&on("b", web()));
    let said = notes(&plan, NoteKind::Beforehand).join("\n");
    assert!(
        said.contains("web would be made on other hosts") && said.contains("may still run there"),
        "{plan}"
    );
    // Without a machine that comes there is nothing to say.
    let (lab, two) = two();
    lab.apply(&on("a", web()));
    two.on(When::any().nth(1), Fault::Cut);
    assert_eq!(notes(&lab.plan(&on("a", web())), NoteKind::Beforehand), Vec::<String>::new());
}

#[test]
fn an_earlier_copy_on_the_new_host_is_not_called_empty_and_the_data_that_stays_is_not_deleted() {
    let (lab, two) = two();
    let leave = |delete: bool| Choices {
        leave_data: ["db".to_owned()].into(),
        delete_data: if delete { DeleteData::Of(["db".to_owned()].into()) } else { DeleteData::default() },
        ..Choices::default()
    };
    lab.apply(&on("a", db()));
    lab.apply_with(&on("b", db()), &leave(false));
    assert!(is_running(&two, "db"));
    let plan = lab.plan_with(&on("a", db()), &leave(false));
    let said = notes(&plan, NoteKind::Notice).join("\n");
    assert!(said.contains("on a it takes over an earlier copy") && !said.contains("begins empty"), "{said}");
    let plan = lab.plan_with(&on("a", db()), &leave(true));
    let refused = notes(&plan, NoteKind::Refused).join("\n");
    assert!(refused.contains("its data on b (data 50 GiB) would be deleted"), "{plan}");
    // What the refusal says works.
    lab.apply_with(&on("b", db()), &delete_data("db"));
    let volume = |sim: &Sim| sim.volume("fmc-first", "db.disk.data").is_ok_and(|volume| volume.is_some());
    assert!(volume(&two) && !volume(&lab.sim));
    lab.apply_with(&on("a", db()), &leave(false));
    assert!(is_running(&lab.sim, "db") && volume(&two));
}
