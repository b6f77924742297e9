//! Zones are made, found as wanted, mended, pruned and given back.

use fmc::cli::{DONE, PENDING};
use fmc::freeipa::client::{RecordChange, ZoneSettings};
use fmc::graph::{DeleteData, NoteKind};
use fmc_testkit::tree::scratch;
use proptest::prelude::*;

use super::*;

const ZONE: &str = "cefaslocalserver.com.";

#[test]
fn zones_are_made_and_found_as_wanted() {
    let world = World::new();
    let cloud = seed(every_zone(&world));
    let before = world.server.requests();
    let plan = world.plan(&cloud);
    // A login, the zones, and the one zone that is there.
    assert_eq!(world.server.requests() - before, 3);
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    world.has_every_record_of(&cloud);
    let again = world.plan(&cloud);
    assert!(again.is_empty(), "{again}");
    let notes: Vec<&str> = again.notes.iter().map(|note| note.text.as_str()).collect();
    assert!(notes.iter().any(|text| text.contains("_kerberos.other.example")), "{notes:?}");
    // FreeIPA's own records are as it made them.
    assert_eq!(world.values("cefaslocalserver.com", "@", "NS"), [format!("{FQDN}.")]);
    let marks = world.by_hand(async |client| client.record(ZONE, "ipa").await).unwrap().marks();
    assert_eq!(marks, [""; 0]);
}

fn every_zone(world: &World) -> Dns {
    let other = Zone::new("other.example").records("www", ["CNAME www.cefaslocalserver.com."]);
    world.dns().zone(every_ipa_type(World::zone())).zone(other)
}

#[test]
fn a_batch_has_fifty_names() {
    let world = World::new();
    let names = (0..200).map(|number| format!("n{number}"));
    let zone = names.fold(World::zone(), |zone, name| zone.records(name, ["A 192.0.2.1"]));
    let cloud = Cloud::new("many").dns(world.dns().zone(zone));
    let plan = world.plan(&cloud);
    let before = world.server.requests();
    world.run(&plan).converged().unwrap();
    // The zone is read once more, and then four batches of 50.
    assert_eq!(world.server.requests() - before, 5);
    assert!(world.plan(&cloud).is_empty());
}

#[test]
fn what_others_change_is_mended_and_what_others_have_is_left_alone() {
    let world = World::new();
    let cloud = seed(every_zone(&world));
    world.apply(&cloud);
    world.by_hand(async |client| {
        let set = |kind, value: &str| RecordChange::new().set(kind, [value]);
        client.record_mod(ZONE, "master1", &set("A", "192.0.2.66")).await?;
        client.record_del(ZONE, "www").await?;
        client.record_add(ZONE, "master2", &set("TXT", "\"by hand\"")).await?;
        client.record_mod(ZONE, "master3", &RecordChange::new().ttl(60)).await?;
        client.record_mod(ZONE, "www2", &set("AAAA", "FD00:0::80")).await?;
        // A host brings the hashes of its keys when it enrols.
        client.record_add(ZONE, "worker1", &set("SSHFP", "4 2 00ff")).await?;
        client.record_add(ZONE, "printer", &set("A", "192.168.0.9")).await
    });
    let plan = world.plan(&cloud);
    let text = plan.to_string();
    for line in ["192.0.2.66", "www.cefaslocalserver.com", "by hand", "A.ttl"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    assert_eq!(plan.steps.len(), 4, "{text}");
    assert_eq!(plan.drift().drift.len(), 3, "{:?}", plan.drift());
    assert!(plan.drift().unclear.iter().any(|gone| gone.address.name() == "www.cefaslocalserver.com"));
    let notes = plan.notes.iter().filter(|note| note.kind == NoteKind::Notice);
    assert!(notes.clone().any(|note| note.text.contains("printer.cefaslocalserver.com")), "{text}");
    world.apply(&cloud);
    assert_eq!(world.values("cefaslocalserver.com", "master1", "A"), ["10.17.4.21"]);
    assert_eq!(world.values("cefaslocalserver.com", "printer", "A"), ["192.168.0.9"]);
    assert_eq!(world.values("cefaslocalserver.com", "worker1", "SSHFP"), ["4 2 00ff"]);
}

#[test]
fn a_strangers_name_is_not_taken_and_one_as_wanted_is() {
    let world = World::new();
    world.by_hand(async |client| {
        let set = |ttl, address: &str| RecordChange::new().set("A", [address]).ttl(ttl);
        client.record_add(ZONE, "www", &set(60, "192.0.2.1")).await?;
        client.record_add(ZONE, "helper", &set(3600, "10.17.3.14")).await?;
        client.record_add(ZONE, "_ldap._tcp", &RecordChange::new().set("SRV", ["0 100 389 ipa"])).await
    });
    let zone = every_ipa_type(World::zone()).records("_ldap._tcp", ["SRV 0 100 389 helper"]);
    let cloud = seed(world.dns().zone(zone));
    let plan = world.plan(&cloud);
    let held: Vec<&str> =
        plan.notes.iter().filter(|note| note.kind == NoteKind::Held).map(|note| note.text.as_str()).collect();
    assert!(
        matches!(&held[..], [own, strange] if own.contains("for its own use") && strange.contains("fmc did not make it")),
        "{held:?}"
    );
    assert!(world.run(&plan).converged().is_err());
    assert_eq!(world.values("cefaslocalserver.com", "www", "A"), ["192.0.2.1"]);
    assert_eq!(world.values("cefaslocalserver.com", "_ldap._tcp", "SRV"), ["0 100 389 ipa"]);
    let marks = world.by_hand(async |client| client.record(ZONE, "helper").await).unwrap().marks();
    assert!(marks.contains(&"fmc/seed".to_owned()), "{marks:?}");
    // Another cloud does not take it.
    let other = Cloud::new("other").dns(world.dns().zone(World::zone().records("helper", ["A 10.17.3.14"])));
    let text = world.plan(&other).to_string();
    assert!(text.contains("it belongs to the cloud seed"), "{text}");
}

#[test]
fn what_is_no_longer_wanted_goes_and_much_of_it_asks() {
    let world = World::new();
    let with = |count: usize| {
        let names = (0..count).map(|number| format!("extra{number}"));
        let zone = names.fold(World::zone(), |zone, name| zone.records(name, ["CNAME helper"]));
        seed(world.dns().zone(zone.records("@", ["MX 10 helper"])))
    };
    world.apply(&with(20));
    world.apply(&with(17));
    assert_eq!(world.values("cefaslocalserver.com", "extra18", "CNAME"), [""; 0]);
    let plan = world.plan(&with(0));
    assert!(plan.steps.is_empty(), "{plan}");
    assert!(plan.to_string().contains("17 of the cloud's 30 names in cefaslocalserver.com"), "{plan}");
    let zone = std::iter::once("cefaslocalserver.com".to_owned()).collect();
    let plan = plan.delete_data(DeleteData::Of(zone));
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert_eq!(world.values("cefaslocalserver.com", "extra3", "CNAME"), [""; 0]);
    assert_eq!(world.values("cefaslocalserver.com", "master1", "A"), ["10.17.4.21"]);
}

#[test]
fn a_zone_of_ours_goes_with_its_names_unless_others_have_names_in_it() {
    let world = World::new();
    let other = |name| Zone::new(name).records("@", ["TXT ours"]).records("www", ["A 192.0.2.1"]);
    let both = seed(world.dns().zone(World::zone()).zone(other("one.example")).zone(other("two.example")));
    world.apply(&both);
    world.by_hand(async |client| {
        client.record_add("two.example.", "printer", &RecordChange::new().set("A", ["192.0.2.9"])).await
    });
    let none = seed(world.dns().zone(World::zone()));
    let plan = world.plan(&none);
    assert!(plan.to_string().contains("it has names that fmc did not make: printer.two.example"), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    let zones = world.by_hand(async |client| client.zones().await);
    let zones: Vec<String> = zones.iter().map(fmc::freeipa::client::IpaZone::name).collect();
    assert!(zones.contains(&"two.example.".to_owned()) && !zones.contains(&"one.example.".to_owned()));
    assert_eq!(world.values("two.example", "www", "A"), [""; 0]);
    assert_eq!(world.values("two.example", "@", "TXT"), [""; 0]);
    assert!(world.plan(&none).is_empty());
}

#[test]
fn a_zone_that_is_there_is_used_and_not_ours() {
    let world = World::new();
    world.by_hand(async |client| client.zone_add("one.example.", &ZoneSettings::default()).await);
    let zone = Zone::new("one.example").records("www", ["A 192.0.2.1"]);
    world.apply(&seed(world.dns().zone(World::zone()).zone(zone)));
    world.apply(&seed(world.dns().zone(World::zone())));
    let zones = world.by_hand(async |client| client.zones().await);
    assert!(zones.iter().any(|zone| zone.name() == "one.example."));
}

#[test]
fn forwarding_is_kept_where_the_cloud_says_so() {
    let world = World::new();
    let cloud = |server: DnsServer, zones: &[ForwardZone]| {
        let dns = Dns::new().server(server).zone(World::zone());
        Cloud::new("first").dns(zones.iter().cloned().fold(dns, Dns::forward_zone))
    };
    let corp = ForwardZone::new("corp.example").forwarders(["192.0.2.54", "192.0.2.53"]);
    let first = cloud(world.dns_server().forwarders(["192.0.2.1"]), std::slice::from_ref(&corp));
    let plan = world.plan(&first);
    let text = plan.to_string();
    assert!(text.contains("config dns") && text.contains("forward-zone corp.example"), "{text}");
    world.apply(&first);
    // Others turn the order around, which means nothing, and then change a forwarder.
    let change = |forwarders: &[&str]| {
        let options = serde_json::json!({"idnsforwarders": forwarders}).as_object().unwrap().clone();
        world.by_hand(async |client| {
            client.call("dnsforwardzone_mod", &["corp.example.".into()], options).await
        })
    };
    change(&["192.0.2.53", "192.0.2.54"]);
    assert!(world.plan(&first).is_empty());
    change(&["192.0.2.99 port 5353"]);
    let text = world.plan(&first).to_string();
    assert!(text.contains("192.0.2.99 port 5353"), "{text}");
    world.apply(&first);
    let other = corp.policy(ForwardPolicy::First);
    world.apply(&cloud(
        world.dns_server().forwarders(["192.0.2.2"]).forward_policy(ForwardPolicy::First),
        &[other],
    ));
    // What the cloud no longer says stays.
    world.apply(&cloud(world.dns_server(), &[]));
    let zones =
        world.by_hand(async |client| client.call("dnsforwardzone_find", &[], Default::default()).await);
    assert_eq!(zones.count(), 1);
    // A zone cannot be made where one is forwarded.
    let clash = Cloud::new("first").dns(world.dns().zone(World::zone()).zone(Zone::new("corp.example")));
    let left = world.run(&world.plan(&clash)).converged().unwrap_err().to_string();
    assert!(left.contains("make the zone corp.example at ipa") && left.contains("forward zone"), "{left}");
}

#[test]
fn a_name_without_a_time_to_live_has_the_one_of_its_zone() {
    let world = World::new();
    let cloud = Cloud::new("first").dns(world.dns().zone(World::zone().records("www", ["A 192.0.2.1"])));
    world.apply(&cloud);
    world.by_hand(async |client| {
        let settings = ZoneSettings { default_ttl: Some(600), ..ZoneSettings::default() };
        client.zone_mod(ZONE, &settings).await?;
        client.record_mod(ZONE, "www", &RecordChange::new().no_ttl()).await
    });
    let text = world.plan(&cloud).to_string();
    assert!(text.contains("600"), "{text}");
    world.apply(&cloud);
}

#[test]
fn a_server_elsewhere_keeps_what_is_not_ours_when_the_cloud_is_destroyed() {
    let world = World::new();
    let cloud = seed(every_zone(&world));
    world.apply(&cloud);
    let checked = cloud.check().unwrap();
    let none = world.providers.compile(&checked).nothing();
    let plan = block_on(world.providers.plan(&none)).unwrap();
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    let zones = world.by_hand(async |client| client.zones().await);
    let zones: Vec<String> = zones.iter().map(fmc::freeipa::client::IpaZone::name).collect();
    assert_eq!(zones, [ZONE]);
    let left: Vec<String> = world.zone_of("cefaslocalserver.com").into_keys().collect();
    assert_eq!(left, ["@", "ipa"]);
    assert_eq!(world.zone_of("cefaslocalserver.com")["@"].keys().collect::<Vec<_>>(), ["NS"]);
}

#[test]
fn a_server_on_a_machine_is_waited_for_and_its_authority_comes_with_it() {
    // Nothing listens where the machine will be, and its authority is not there yet.
    let login = IpaLogin::new("admin", Secret::environment("ipa-password", "IPA_PASSWORD"))
        .ca(Secret::file("ca-of-tomorrow", "ca-of-tomorrow.crt"))
        .port(1);
    let ipa = Machine::new("ipa", Image::blank())
        .root_disk(2.gib())
        .interface(Interface::on("six").address("fd00:0:0:10::5"));
    let cloud = Cloud::new("seed")
        .domain("cefaslocalserver.com")
        .host(Host::local())
        .network(Network::routed("six", "10.17.6.0/24").ipv6("fd00:0:0:10::/64"))
        .machine(ipa)
        .dns(Dns::new().server(DnsServer::on("ipa", "ipa").ipa(login).forwarders(["192.0.2.1"])));
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let providers = Providers::new().host(LOCAL, hypervisor()).with(Ipa::new());
    let plan = block_on(providers.plan(&providers.compile(&checked))).unwrap();
    let text = plan.to_string();
    assert!(text.contains("zone cefaslocalserver.com") && text.contains("config dns"), "{text}");
    assert!(plan.steps.iter().all(|step| step.address.kind() != "name"), "{text}");
    let left = block_on(plan.apply(&providers, |_| ())).unwrap().converged().unwrap_err().to_string();
    assert!(left.contains("ipa-password"), "{left}");
}

#[test]
fn the_commands_keep_a_simulated_server() {
    let folder = scratch();
    let login = || {
        IpaLogin::new("admin", Secret::environment("ipa-password", "IPA_PASSWORD"))
            .ca(Secret::environment("ipa-ca", "IPA_CA"))
    };
    let corp = || ForwardZone::new("corp.example").forwarders(["192.0.2.53"]);
    let server = || DnsServer::on("ipa", "freeipa1").ipa(login()).forwarders(["192.0.2.1"]);
    let cloud = || seed(Dns::new().server(server()).forward_zone(corp()));
    let run = |cloud, arguments: &[&str]| run(cloud, folder.path(), arguments);
    let (code, said) = run(cloud(), &["plan", "--detailed-exitcode"]);
    assert_eq!(code, PENDING, "{said}");
    for arguments in [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"], &["status"], &["drift"]] {
        let (code, said) = run(cloud(), arguments);
        assert_eq!(code, DONE, "{arguments:?}: {said}");
    }
    let dns = Dns::new().server(server()).forward_zone(corp());
    let more = seed(dns.zone(Zone::new("cefaslocalserver.com").records("www", ["CNAME helper"])));
    let (_, said) = run(more.clone(), &["plan"]);
    assert!(said.contains("name www.cefaslocalserver.com") && said.contains("1 to create"), "{said}");
    assert_eq!(run(more, &["apply", "--yes"]).0, DONE);
    let (code, said) = run(cloud(), &["apply", "--yes"]);
    assert!(code == DONE && said.contains("www.cefaslocalserver.com"), "{said}");
    let (code, said) = run(cloud(), &["destroy", "--yes"]);
    assert!(code == DONE && !said.contains("needs it, and stays"), "{said}");
}

/// What somebody does behind our back, with a name and a number.
#[derive(Clone, Debug)]
enum Drift {
    Value(usize, u8),
    Gone(usize),
    More(usize, u8),
    Ttl(usize, u32),
}

fn drifts() -> impl Strategy<Value = Vec<Drift>> {
    let name = 0..6_usize;
    let drift = prop_oneof![
        (name.clone(), any::<u8>()).prop_map(|(name, last)| Drift::Value(name, last)),
        name.clone().prop_map(Drift::Gone),
        (name.clone(), any::<u8>()).prop_map(|(name, last)| Drift::More(name, last)),
        (name, 0..100_000_u32).prop_map(|(name, ttl)| Drift::Ttl(name, ttl)),
    ];
    prop::collection::vec(drift, 0..6)
}

/// Records of six names; one that is an alias has nothing else.
fn records() -> impl Strategy<Value = Vec<Vec<String>>> {
    let address = (0..200_u8).prop_map(|last| format!("A 192.0.2.{last}"));
    let text = "[a-z \"]{0,300}".prop_map(|text| format!("TXT \"{}\"", text.replace('"', "\\\"")));
    let alias = Just(vec!["CNAME host.example.org.".to_owned()]);
    let plain = prop::collection::btree_set(prop_oneof![address, text], 0..4)
        .prop_map(|all| all.into_iter().collect());
    prop::collection::vec(prop_oneof![1 => alias, 4 => plain], 6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_zones_converge_after_random_drift(all in prop::collection::vec((records(), drifts()), 1..3)) {
        let world = World::new();
        for (records, drifts) in all {
            let names = records.iter().enumerate().filter(|(_, records)| !records.is_empty());
            let zone = names.fold(Zone::new("lab.example"), |zone, (name, records)| {
                zone.records(format!("n{name}"), records.iter().map(String::as_str))
            });
            let cloud = Cloud::new("first").dns(world.dns().zone(World::zone()).zone(zone));
            let apply = || {
                let plan = world.plan(&cloud).delete_data(DeleteData::All);
                world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
                let again = world.plan(&cloud);
                assert!(again.is_empty(), "{again}");
            };
            apply();
            let held = world.zone_of("lab.example");
            for drift in drifts {
                world.by_hand(async |client| {
                    let at = |name: usize| format!("n{name}");
                    let is_ours = |name: usize| held.contains_key(&at(name));
                    let address = |last: u8| RecordChange::new().set("A", [format!("192.0.2.{last}")]);
                    // What FreeIPA refuses, as an address beside an alias, is no drift.
                    match drift {
                        Drift::Value(name, last) => drop(client.record_mod("lab.example.", &at(name), &address(last)).await),
                        Drift::Gone(name) => drop(client.record_del("lab.example.", &at(name)).await),
                        Drift::More(name, last) if is_ours(name) => drop(client.record_add("lab.example.", &at(name), &address(last)).await),
                        Drift::More(..) => {}
                        Drift::Ttl(name, ttl) => drop(client.record_mod("lab.example.", &at(name), &RecordChange::new().ttl(ttl)).await),
                    }
                    Ok(())
                });
            }
            // A name that is gone and made again by another has no mark of ours.
            let marks = world.by_hand(async |client| client.records("lab.example.").await);
            let is_marked = marks.iter().filter(|record| record.name().starts_with('n')).all(|record| !record.marks().is_empty());
            prop_assume!(is_marked);
            apply();
        }
    }
}
