//! Spanning roles: the order in which their members start, and how often a user's code is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cloud::Cloud;
use crate::finding::Severity;
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::guest::{Guest, Unit};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::name::MachineName;
use crate::network::Network;
use crate::role::{CustomRole, RoleFindings, Site, SpanMembers, SpanningRole};
use crate::unit::SizeExt;

struct Ring {
    machines: Vec<Given<MachineName>>,
    is_in_turn: bool,
    asked: Arc<AtomicUsize>,
}

struct Node;

impl CustomRole for Node {
    fn guest(&self, _: &Site<'_>) -> Guest {
        Guest::new().unit(Unit::service("node").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().accept(tcp(7000), Peer::Anywhere)
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(7000))
    }
}

impl SpanningRole for Ring {
    fn members(&self) -> SpanMembers<'_> {
        let members = SpanMembers::new();
        if self.is_in_turn {
            members.in_turn("machines", &self.machines, Node)
        } else {
            members.list("machines", &self.machines, Node)
        }
    }

    fn settings(&self, findings: &mut RoleFindings<'_>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.machines.len() < 2 {
            findings.refuse("a ring of one", "name a second machine");
        }
    }
}

fn cloud(machines: &[&'static str], is_in_turn: bool, asked: &Arc<AtomicUsize>) -> Cloud {
    let machine = |(index, name): (usize, &&'static str)| {
        let image = Image::debian("12").path("/images/debian-12.qcow2");
        let address = format!("10.17.3.{}", index + 10);
        Machine::new(*name, image).root_disk(2.gib()).interface(Interface::on("lab").address(address))
    };
    let names = machines.iter().map(|name| Given::text(name)).collect();
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machines(machines.iter().enumerate().map(machine))
        .role(Ring { machines: names, is_in_turn, asked: Arc::clone(asked) })
}

#[test]
fn the_machines_of_a_list_in_turn_start_one_after_another() {
    // The order is that of the list, not that of the names.
    let checked = cloud(&["c", "a", "b"], true, &Arc::default()).check().unwrap();
    let before = |name: &str| -> Vec<&str> {
        let after = &checked.machine(name).unwrap().after;
        after.iter().map(|&at| checked.at(at).unwrap().name.as_str()).collect()
    };
    assert_eq!([before("c"), before("a"), before("b")], [vec![], vec!["c"], vec!["a"]]);
    // The service inside waits until the machine before it answers.
    let units = &checked.machine("a").unwrap().guest.units;
    let wait = units.iter().find(|unit| unit.name.as_str().starts_with("fmc-after-")).unwrap();
    assert!(wait.contents.clone().unwrap().text().contains("/dev/tcp/10.17.3.10/7000"));
    let first = &checked.machine("c").unwrap().guest.units;
    assert!(!first.iter().any(|unit| unit.name.as_str().starts_with("fmc-after-")));

    let at_once = cloud(&["c", "a", "b"], false, &Arc::default()).check().unwrap();
    assert!(at_once.machines().iter().all(|machine| machine.after.is_empty()));
}

#[test]
fn the_settings_of_a_spanning_role_are_asked_once() {
    let asked = Arc::default();
    cloud(&["a", "b"], false, &asked).check().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_spanning_role_with_wrong_settings_is_one_finding_and_gives_no_role() {
    let asked = Arc::default();
    let report = cloud(&["a"], false, &asked).check().unwrap_err();
    let errors = report.findings().iter().filter(|finding| finding.severity() == Severity::Error);
    let found: Vec<(&str, String)> =
        errors.map(|finding| (finding.at(), finding.message().to_string())).collect();
    assert_eq!(found, [("roles[0]", "a ring of one".to_owned())], "{report}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
