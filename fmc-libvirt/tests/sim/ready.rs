//! Waiting until machines are up: the signals, the outcomes, and the text of a failure.

use fmc_core::cloud::Cloud;
use fmc_core::graph::{ApplyOptions, Choices, Event, NotUp, NotUpCause, Outcome, StopFlag, apply};
use fmc_core::machine::{Interface, Machine, Power};
use fmc_core::network::Network;
use fmc_core::ready::Ready;
use fmc_core::unit::SecondsExt as _;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, When};

use crate::lab::{Lab, cloud, lan, now, replace, wanted, web};

/// A machine that gets its address by DHCP.
fn node(name: &str, ready: Ready) -> Machine {
    Machine::new(name.to_owned(), crate::lab::rocky())
        .root_disk(fmc_core::unit::Size::gib(20))
        .interface(Interface::on("lab"))
        .ready(ready)
}

fn one(ready: Ready) -> Cloud {
    cloud([lan()], [node("node", ready)])
}

/// Applies, and gives the outcome with the events about waiting.
fn told(lab: &Lab, cloud: &Cloud, options: ApplyOptions) -> (Outcome, Vec<String>) {
    let plan = lab.plan(&wanted(cloud));
    let mut told = Vec::new();
    let outcome = now(apply(&plan, &lab.provider, options, |event| {
        if matches!(event, Event::Waiting { .. } | Event::Up { .. } | Event::NotUp { .. }) {
            told.push(event.to_string());
        }
    }));
    (outcome.unwrap(), told)
}

fn not_up(outcome: &Outcome) -> &NotUp {
    let [(address, not_up)] = outcome.not_up.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(address.short().to_string(), "domain/node");
    assert!(!outcome.is_converged() && outcome.failed.is_empty() && outcome.skipped.is_empty());
    not_up
}

#[test]
fn each_signal_says_that_a_machine_is_up() {
    for (ready, words) in [
        (Ready::lease(), "a DHCP lease"),
        (Ready::arp(), "an entry in the host's neighbour table"),
        (Ready::agent(), "an answer of its guest agent"),
        (Ready::tcp(22), "an answer at TCP port 22"),
    ] {
        let lab = Lab::new();
        lab.sim.boots_in("node", 40);
        let (outcome, told) = told(&lab, &one(ready.within(60.seconds())), ApplyOptions::default());
        assert!(outcome.is_converged(), "{words}: {outcome:?}");
        let [(address, seconds)] = outcome.up.as_slice() else { panic!("{outcome:?}") };
        assert_eq!((address.short().to_string().as_str(), *seconds / 2), ("domain/node", 20));
        assert_eq!(told[0], format!("libvirt/local/domain/node: waits up to 60 s for {words}"));
        assert_eq!(told[1], format!("libvirt/local/domain/node: up after {seconds} s"));
        assert_eq!(told.len(), 2);
    }
}

#[test]
fn one_that_never_answers_shows_the_end_of_its_console_within_its_deadline() {
    for ready in [Ready::lease(), Ready::arp(), Ready::agent(), Ready::tcp(22)] {
        let lab = Lab::new();
        lab.sim.never_boots("node");
        let cloud = one(ready.within(90.seconds()));
        let many: String =
            (0..50).map(|line| format!("[ {line}.0] \u{1b}[31mpanic\u{1b}[0m {line}\r\n")).collect();
        lab.sim.says("node", &many);

        let before = lab.sim.now();
        let (outcome, told) = told(&lab, &cloud, ApplyOptions::default());
        let took = (lab.sim.now() - before).as_secs();
        assert!((90..100).contains(&took), "{took}");
        let not_up = not_up(&outcome);
        assert!(matches!(not_up.cause, NotUpCause::Deadline { seconds: 90, error: None, .. }), "{not_up:?}");
        assert_eq!(not_up.console.len(), 20);
        assert_eq!((&*not_up.console[0], &*not_up.console[19]), ("[ 30.0] panic 30", "[ 49.0] panic 49"));
        assert!(not_up.help[0].starts_with("check whether"), "{:?}", not_up.help);
        assert!(told[1].contains("did not come within 90 s"), "{told:?}");
        assert!(lab.plan(&wanted(&cloud)).is_empty(), "waiting is no state");
    }
}

#[test]
fn nobody_waits_for_what_names_no_signal_or_is_not_started() {
    let lab = Lab::new();
    lab.sim.never_boots("web");
    lab.sim.never_boots("node");
    let stopped = node("node", Ready::lease()).power(Power::Stopped);
    let (outcome, told) = told(&lab, &cloud([lan()], [web(), stopped]), ApplyOptions::default());
    assert!(outcome.is_converged() && outcome.up.is_empty() && told.is_empty(), "{told:?}");
}

#[test]
fn nobody_waits_who_does_not_want_to() {
    let lab = Lab::new();
    lab.sim.never_boots("node");
    let options = ApplyOptions { no_wait: true, ..ApplyOptions::default() };
    let (outcome, told) = told(&lab, &one(Ready::lease()), options);
    assert!(outcome.is_converged() && told.is_empty(), "{outcome:?}");
}

#[test]
fn a_lab_waits_for_none() {
    let lab = Lab::new();
    let cloud = one(Ready::lease()).lab();
    let (outcome, told) = told(&lab, &cloud, ApplyOptions::default());
    assert!(outcome.is_converged() && told.is_empty(), "{outcome:?}");
}

#[test]
fn a_stop_ends_it_at_once_and_says_who_was_not_seen_up() {
    let lab = Lab::new();
    lab.sim.never_boots("node");
    let stop = StopFlag::default();
    let plan = lab.plan(&wanted(&one(Ready::lease())));
    let options = ApplyOptions { stop: stop.clone(), ..ApplyOptions::default() };
    let outcome = now(apply(&plan, &lab.provider, options, |event| {
        if matches!(event, Event::Waiting { .. }) {
            stop.stop();
        }
    }));
    let outcome = outcome.unwrap();
    assert_eq!(not_up(&outcome).cause, NotUpCause::Stopped);
    assert_eq!(outcome.done.len(), plan.steps.len(), "every step was done before");
    assert!(lab.sim.now().is_zero(), "no time passed");
}

#[test]
fn a_lease_from_before_its_start_does_not_count() {
    let lab = Lab::new();
    let cloud = one(Ready::lease().within(30.seconds()));
    lab.apply(&wanted(&cloud));
    let (mac, lease) = {
        let lease = lab.sim.leases("lab").unwrap().remove(0);
        (lease.mac.clone(), lease)
    };
    assert!(!mac.is_empty() && lease.expires > 0);
    // The machine is replaced, and its network still lists the lease of the old one.
    lab.sim.keeps_lease("lab", lease);
    lab.sim.never_boots("node");
    let plan = lab.plan_with(&wanted(&cloud), &replace("node"));
    let outcome = now(apply(&plan, &lab.provider, ApplyOptions::default(), |_| {})).unwrap();
    assert!(matches!(not_up(&outcome).cause, NotUpCause::Deadline { .. }));

    lab.sim.boots_in("node", 3);
    let plan = lab.plan_with(&wanted(&cloud), &replace("node"));
    let outcome = now(apply(&plan, &lab.provider, ApplyOptions::default(), |_| {})).unwrap();
    assert_eq!(outcome.up.len(), 1, "{outcome:?}");
}

#[test]
fn an_error_on_the_way_is_no_end() {
    let lab = Lab::new();
    lab.sim.boots_in("node", 10);
    for nth in 1..4 {
        lab.sim.on(When::call("guest-addresses").nth(nth), Fault::Fail("busy".to_owned()));
    }
    let (outcome, _) = told(&lab, &one(Ready::agent()), ApplyOptions::default());
    assert_eq!(outcome.up.len(), 1, "{outcome:?}");
}

#[test]
fn one_that_goes_off_is_told_of_at_once() {
    let lab = Lab::new();
    lab.sim.never_boots("node");
    lab.sim.goes_off_after("node", 5);
    let (outcome, _) = told(&lab, &one(Ready::tcp(22)), ApplyOptions::default());
    assert!(matches!(not_up(&outcome).cause, NotUpCause::Off { seconds: 4..=6 }), "{outcome:?}");
}

#[test]
fn a_port_is_asked_at_the_address_that_is_said() {
    let lab = Lab::new();
    lab.sim.closes_port(443);
    let fixed = |port: u32| {
        let network = Network::nat("lab", "10.17.3.0/24");
        let machine = Machine::new("node", crate::lab::rocky())
            .root_disk(fmc_core::unit::Size::gib(20))
            .interface(Interface::on("lab").address("10.17.3.10"))
            .ready(Ready::tcp(port).within(10.seconds()));
        cloud([network], [machine])
    };
    let (outcome, _) = told(&lab, &fixed(443), ApplyOptions::default());
    let not_up = not_up(&outcome);
    assert!(not_up.help[0].contains("10.17.3.10"), "{not_up:?}");
    let plan = lab.plan_with(&wanted(&fixed(22)), &replace("node"));
    lab.sim.forget_calls();
    let outcome = now(apply(&plan, &lab.provider, ApplyOptions::default(), |_| {})).unwrap();
    assert_eq!(outcome.up.len(), 1, "{outcome:?}");
    let asked = lab.sim.calls().into_iter().find(|call| call.name == "connects").unwrap();
    assert_eq!(asked.object, "10.17.3.10:22");
    assert!(lab.plan_with(&wanted(&fixed(22)), &Choices::default()).is_empty());
}
