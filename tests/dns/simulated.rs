//! A simulated world has a DNS: machines and names are one plan.

use fmc::cli::{DONE, PENDING};
use fmc::freeipa::rfc2136::Rfc2136;
use fmc::graph::DeleteData;
use fmc::provider::Room as _;
use fmc::{Plan, Providers};
use fmc_testkit::tree::scratch;
use pollster::block_on;
use proptest::prelude::*;

use super::*;

fn server(machine: Option<&str>) -> DnsServer {
    let key = TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    match machine {
        Some(machine) => DnsServer::on("ns", machine).key(key),
        None => DnsServer::at("ns", "192.0.2.53").fqdn("ns.example.org").key(key),
    }
}

fn cloud() -> Cloud {
    seed(Dns::new().server(server(Some("freeipa1"))))
}

fn plan(providers: &Providers, cloud: &Cloud) -> Plan {
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    block_on(providers.plan(&providers.compile(&checked))).unwrap()
}

fn apply(providers: &Providers, cloud: &Cloud) {
    let first = plan(providers, cloud).delete_data(DeleteData::All);
    let outcome = block_on(first.apply(providers, |_| ())).unwrap();
    outcome.converged().unwrap_or_else(|left| panic!("{left}\n{first}"));
    let again = plan(providers, cloud);
    assert!(again.is_empty(), "{again}");
}

fn simulated() -> Providers {
    let dns = Rfc2136::new().simulation(None).unwrap().unwrap();
    Providers::new().host(LOCAL, hypervisor()).with(dns)
}

#[test]
fn machines_and_names_are_one_plan() {
    let providers = simulated();
    let cloud = cloud();
    let first = plan(&providers, &cloud);
    assert!(
        first.steps.iter().any(|step| step.address.to_string() == "dns/ns/zone/cefaslocalserver.com"),
        "{first}"
    );
    apply(&providers, &cloud);
}

#[test]
fn the_commands_keep_a_simulated_server() {
    let folder = scratch();
    let run = |cloud, arguments: &[&str]| run(cloud, folder.path(), arguments);
    for arguments in [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"], &["status"], &["drift"]] {
        let (code, said) = run(cloud(), arguments);
        assert_eq!(code, DONE, "{arguments:?}: {said}");
    }
    let key = TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    let dns = Dns::new().server(DnsServer::on("ns", "freeipa1").key(key));
    let more = seed(dns.zone(Zone::new("cefaslocalserver.com").records("www", ["CNAME helper"])));
    let (_, said) = run(more.clone(), &["plan"]);
    assert!(said.contains("name www.cefaslocalserver.com") && said.contains("1 to create"), "{said}");
    assert_eq!(run(more, &["apply", "--yes"]).0, DONE);
    let (code, said) = run(cloud(), &["apply", "--yes"]);
    assert!(code == DONE && said.contains("www.cefaslocalserver.com"), "{said}");
    // The server's machine goes with all that it has.
    let (code, said) = run(cloud(), &["destroy", "--yes"]);
    assert!(code == DONE && !said.contains("needs it, and stays"), "{said}");
    let (_, said) = run(cloud(), &["status"]);
    assert!(!said.contains("running"), "{said}");
}

/// A name that waits for a person's word is not done because a plan is limited to it.
#[test]
fn a_plan_of_one_name_waits_for_the_word_too() {
    let folder = scratch();
    let cloud = |names: usize| {
        let zone = (0..names)
            .fold(Zone::new("lab.example"), |zone, name| zone.records(format!("n{name}"), ["A 192.0.2.1"]));
        Cloud::new("first").host(Host::local()).dns(Dns::new().server(server(None)).zone(zone))
    };
    assert_eq!(run(cloud(9), folder.path(), &["apply", "--yes"]).0, DONE);
    let one = ["apply", "--yes", "--only", "name/n5.lab.example"];
    let (code, said) = run(cloud(1), folder.path(), &one);
    assert!(code == PENDING && said.contains("--delete-data lab.example"), "{code}: {said}");
    let agreed = [&one[..], &["--delete-data", "lab.example"]].concat();
    let (code, said) = run(cloud(1), folder.path(), &agreed);
    assert_eq!(code, DONE, "{said}");
    let (_, said) = run(cloud(1), folder.path(), &["plan"]);
    assert!(!said.contains("name n5.lab.example") && said.contains("n6"), "{said}");
}

/// Records of six names; one that is an alias has nothing else.
fn records() -> impl Strategy<Value = Vec<(usize, Vec<String>)>> {
    let address = (0..200_u8).prop_map(|last| format!("A 192.0.2.{last}"));
    let text = "[a-z \"]{0,300}".prop_map(|text| format!("TXT \"{}\"", text.replace('"', "\\\"")));
    let alias = Just(vec!["CNAME host.example.org.".to_owned()]);
    let plain = prop::collection::btree_set(prop_oneof![address, text], 0..4)
        .prop_map(|all| all.into_iter().collect());
    let name = prop_oneof![1 => alias, 4 => plain];
    prop::collection::vec(name, 6).prop_map(|all: Vec<Vec<String>>| all.into_iter().enumerate().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_zone_follows_another(all in prop::collection::vec(records(), 1..4)) {
        let providers = simulated();
        for records in all {
            let names = records.iter().filter(|(_, records)| !records.is_empty());
            let zone = names.fold(Zone::new("lab.example"), |zone, (name, records)| {
                zone.records(format!("n{name}"), records.iter().map(String::as_str))
            });
            let dns = Dns::new().server(server(None)).zone(zone);
            apply(&providers, &Cloud::new("first").host(Host::local()).dns(dns));
        }
    }
}
