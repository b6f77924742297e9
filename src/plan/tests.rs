//! The order of steps in a plan, for roles whose members start one after another.

use std::collections::BTreeMap;

use crate::prelude::*;
use crate::sim::Sim;

struct Ring(Vec<Given<MachineName>>);

struct Node;

impl CustomRole for Node {}

impl SpanningRole for Ring {
    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new().in_turn("machines", &self.0, Node)
    }
}

#[test]
fn machines_in_turn_are_started_in_the_order_of_their_list() {
    let names = ["c", "a", "b"];
    let machine = |name: &str| {
        let image = Image::debian("12").path("/images/debian-12.qcow2");
        Machine::new(Given::<MachineName>::text(name), image).root_disk(2.gib())
    };
    let ring = Ring(names.iter().map(|name| Given::text(name)).collect());
    let cloud = Cloud::new("first").host(Host::local()).machines(names.map(machine)).role(ring);
    let plan = Sim::new().plan(&cloud);
    let domains = plan.steps.iter().enumerate().filter(|(_, step)| step.address.kind() == "domain");
    let at: BTreeMap<&str, usize> = domains.map(|(at, step)| (step.address.name(), at)).collect();
    assert!(at["c"] < at["a"] && at["a"] < at["b"], "{plan}");
    assert!(plan.steps[at["a"]].after.contains(&at["c"]) && plan.steps[at["b"]].after.contains(&at["a"]));
}
