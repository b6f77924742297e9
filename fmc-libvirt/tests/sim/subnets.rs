//! A network whose subnet changes under its guests.

use fmc_core::graph::{Choices, NoteKind, Wanted};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, cloud, notes, rocky, wanted};

fn machine(name: &'static str, interface: Interface) -> Machine {
    Machine::new(name, rocky()).memory(2.gib()).root_disk(20.gib()).interface(interface)
}

/// Two machines with addresses of their own, one with a reservation, and one with any address.
fn of(third: u8, network: Network) -> Wanted<Document> {
    let own = |last: u8| Interface::on("lab").address(format!("10.17.{third}.{last}"));
    let machines = [
        machine("db", own(10)),
        machine("web", own(11)),
        machine("kept", Interface::on("lab").reserved(format!("10.17.{third}.12"))),
        machine("any", Interface::on("lab")),
    ];
    wanted(&cloud([network.dhcp(format!("10.17.{third}.100-10.17.{third}.199"))], machines))
}

fn lab(third: u8) -> Network {
    Network::nat("lab", format!("10.17.{third}.0/24"))
}

#[test]
fn another_subnet_is_refused_while_guests_have_addresses_of_their_own() {
    let lab_ = Lab::new();
    lab_.apply(&of(3, lab(3)));
    let before = lab_.sim.to_json().unwrap();
    let moved = of(4, lab(4));
    let plan = lab_.plan(&moved);
    let refused = notes(&plan, NoteKind::Refused);
    assert_eq!(refused.len(), 1, "{plan}");
    for words in ["network/lab", "10.17.3.1/24 → 10.17.4.1/24", "db, web", "--replace db --replace web"] {
        assert!(refused[0].contains(words), "{words:?} in {refused:?}");
    }
    let notices = notes(&plan, NoteKind::Notice);
    assert!(
        notices.iter().any(|note| note.contains("any, kept must ask for an address again")),
        "{notices:?}"
    );
    assert!(lab_.try_apply(&moved, &Choices::default()).is_err());
    assert_eq!(lab_.sim.to_json().unwrap(), before);

    let one = Choices { replace: ["db".to_owned()].into(), ..Choices::default() };
    let refused = notes(&lab_.plan_with(&moved, &one), NoteKind::Refused);
    assert!(refused[0].contains("own: web would"), "{refused:?}");
    let both = Choices { replace: ["db".to_owned(), "web".to_owned()].into(), ..Choices::default() };
    lab_.apply_with(&moved, &both);
    assert!(lab_.sim.network("lab").unwrap().unwrap().xml.contains("10.17.4.1"));
    assert!(lab_.plan(&moved).steps.is_empty(), "{}", lab_.plan(&moved));
}

#[test]
fn another_gateway_and_another_prefix_are_too() {
    for changed in [lab(3).gateway("10.17.3.254"), Network::nat("lab", "10.17.3.0/25")] {
        let lab_ = Lab::new();
        let range = |network: Network| network.dhcp("10.17.3.64-10.17.3.99");
        let machines = || [machine("db", Interface::on("lab").address("10.17.3.10"))];
        lab_.apply(&wanted(&cloud([range(lab(3))], machines())));
        let plan = lab_.plan(&wanted(&cloud([range(changed)], machines())));
        let refused = notes(&plan, NoteKind::Refused);
        assert!(refused.len() == 1 && refused[0].contains("--replace db"), "{plan}");
    }
}

#[test]
fn a_network_that_restarts_for_another_reason_is_not() {
    let lab_ = Lab::new();
    lab_.apply(&of(3, lab(3)));
    let plan = lab_.plan(&of(3, lab(3).domain("lab.example.com")));
    assert!(notes(&plan, NoteKind::Refused).is_empty(), "{plan}");
}

/// `a` is called `b` now, and what was called so is `c`: each guest follows its network, whose subnet stays.
#[test]
fn a_chain_of_names_changes_no_subnet_of_a_guest() {
    let network = |name: &'static str, third: u8| {
        Network::nat(name, format!("10.17.{third}.0/24")).dhcp(format!("10.17.{third}.100-10.17.{third}.199"))
    };
    let fixed = |name, network: &'static str, third: u8| {
        machine(name, Interface::on(network).address(format!("10.17.{third}.10")))
    };
    let lab_ = Lab::new();
    let asks = machine("asks", Interface::on("a"));
    lab_.apply(&wanted(&cloud(
        [network("a", 1), network("b", 2)],
        [fixed("one", "a", 1), fixed("two", "b", 2), asks],
    )));
    let chain = || [network("b", 1).formerly("a"), network("c", 2).formerly("b")];
    let asks = machine("asks", Interface::on("b"));
    let chained = wanted(&cloud(chain(), [fixed("one", "b", 1), fixed("two", "c", 2), asks]));
    let plan = lab_.plan(&chained);
    assert_eq!(notes(&plan, NoteKind::Refused), Vec::<String>::new(), "{plan}");
    assert_eq!(notes(&plan, NoteKind::Notice), Vec::<String>::new(), "{plan}");
    lab_.apply(&chained);
    // The guest `two` stays on the name `b`, which the network `a` gets: it loses its address.
    let lab_ = Lab::new();
    lab_.apply(&wanted(&cloud(
        [network("a", 1), network("b", 2)],
        [fixed("one", "a", 1), fixed("two", "b", 2)],
    )));
    let moved = wanted(&cloud(
        chain(),
        [fixed("one", "b", 1), machine("two", Interface::on("b").address("10.17.1.11"))],
    ));
    let refused = notes(&lab_.plan(&moved), NoteKind::Refused);
    assert!(refused.len() == 1 && refused[0].contains("own: two would"), "{refused:?}");
}
