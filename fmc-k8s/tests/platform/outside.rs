//! What workloads call outside of their cluster.

use fmc::flow::tcp;
use fmc::prelude::*;
use fmc_k8s::outside::OutsideCall;
use fmc_k8s::platform::{Namespace, Platform};
use serde_json::{Value, json};

use crate::check::one;
use crate::cloud::{World, cloud, db, web};

fn calling(calls: impl IntoIterator<Item = OutsideCall>) -> Platform {
    let shop = Namespace::new("shop").deployment(web(1)).deployment(db());
    Platform::on("single").namespace(calls.into_iter().fold(shop, Namespace::call_outside))
}

/// The cloud with a machine beside the cluster, whose firewall lets somebody in.
fn beside(from: Peer) -> Cloud {
    let store = Machine::new("store", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(1)
        .memory(1.gib())
        .root_disk(4.gib())
        .interface(Interface::on("lab").address("10.17.3.30"))
        .accept(tcp(5432), from);
    cloud().machine(store)
}

#[test]
fn a_call_opens_its_ports_to_where_it_goes_and_nothing_else() {
    let world = World::new();
    let calls = [
        OutsideCall::new("web", [587, 443]),
        OutsideCall::new("web", [5432]).machine("store"),
        OutsideCall::new("db", [9000]).subnet("203.0.113.0/24"),
    ];
    let wanted = world.compile(beside(Peer::role("k3s-server")).role(calling(calls)));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    assert!(world.plan_of(&wanted).is_empty());
    let egress = |name: &str| -> Value {
        world.cluster.object("network-policy", "shop", name).unwrap()["spec"]["egress"].clone()
    };
    let ports = |numbers: &[u16]| -> Vec<Value> {
        numbers.iter().map(|port| json!({ "port": port, "protocol": "TCP" })).collect()
    };
    let anywhere = json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.42.0.0/16", "10.43.0.0/16"] } });
    assert_eq!(
        egress("web-outside"),
        json!([
            { "to": [anywhere], "ports": ports(&[443, 587]) },
            { "to": [{ "ipBlock": { "cidr": "10.17.3.30/32" } }], "ports": ports(&[5432]) },
        ])
    );
    let rule = json!([{ "to": [{ "ipBlock": { "cidr": "203.0.113.0/24" } }], "ports": ports(&[9000]) }]);
    assert_eq!(egress("db-outside"), rule);
    // Without the cloud no address is known, and none is open.
    let alone = calling([OutsideCall::new("web", [5432]).machine("store")]);
    assert!(alone.manifests().iter().all(|one| one.name() != "web-outside"));
}

#[test]
fn a_machine_has_a_name_in_the_namespace_that_calls_it() {
    let world = World::new();
    let calls = || {
        [
            OutsideCall::new("web", [5432]).machine("store").name("postgresql"),
            OutsideCall::new("db", [9187]).machine("store").name("postgresql"),
        ]
    };
    let wanted = world.compile(beside(Peer::role("k3s-server")).role(calling(calls())));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    assert!(world.plan_of(&wanted).is_empty());
    let service = world.cluster.object("service", "shop", "postgresql").unwrap();
    assert_eq!((&service["spec"]["clusterIP"], &service["spec"]["selector"]), (&json!("None"), &Value::Null));
    let ports =
        |of: &Value| -> Vec<Value> { of.as_array().unwrap().iter().map(|one| one["port"].clone()).collect() };
    assert_eq!(ports(&service["spec"]["ports"]), [json!(5432), json!(9187)]);
    let slice = world.cluster.object("endpoint-slice", "shop", "postgresql-ipv4").unwrap();
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "postgresql");
    assert_eq!(slice["endpoints"][0]["addresses"], json!(["10.17.3.30"]));
    assert!(world.cluster.object("endpoint-slice", "shop", "postgresql-ipv6").is_none());

    let at = "namespaces[0].outside[0].name";
    one(calling([OutsideCall::new("web", [443]).name("api")]), "platform-value", at);
    one(calling([OutsideCall::new("web", [6443]).machine("node").name("1api")]), "platform-value", at);
    one(calling([OutsideCall::new("web", [6443]).machine("node").name("db")]), "platform-twice", at);
}

#[test]
fn each_mistake_of_a_call_is_found_where_it_stands() {
    let at = |path: &str| format!("namespaces[0].outside[0].{path}");
    one(calling([OutsideCall::new("wbe", [443])]), "platform-no-workload", &at("from"));
    one(calling([OutsideCall::new("web", [])]), "platform-value", &at("ports"));
    one(calling([OutsideCall::new("web", [443, 0])]), "platform-value", &at("ports[1]"));
    one(calling([OutsideCall::new("web", [443]).machine("nood")]), "platform-no-workload", &at("machine"));
    one(calling([OutsideCall::new("web", [443]).subnet("10.0.0.0/40")]), "address-invalid", &at("subnet"));
    let both = OutsideCall::new("web", [443]).machine("node").subnet("10.0.0.0/8");
    one(calling([both]), "platform-value", &at("subnet"));

    let told = |from: Peer| -> Vec<String> {
        let call = OutsideCall::new("web", [5432]).machine("store");
        let checked = beside(from).role(calling([call])).check().unwrap_or_else(|report| panic!("{report}"));
        let ours = checked.findings().iter().filter(|one| one.kind().to_string() == "platform-kept-out");
        ours.map(|one| format!("{}: {}; {}", one.at(), one.message(), one.help())).collect()
    };
    assert_eq!(told(Peer::role("k3s-server")), Vec::<String>::new());
    let closed = "the firewall of store does not let in every node at the port 5432";
    let path = "roles[0].platform.namespaces[0].outside[0].machine";
    let help = "let the nodes in by the role that listens there, or say at store: `accept: [{service: tcp 5432, from: {role: {kind: k3s-server}}}]`";
    assert_eq!(told(Peer::machine("store")), [format!("{path}: {closed}; {help}")]);
}

/// The cloud with a PostgreSQL on a machine beside the cluster.
fn with_postgresql(from: Peer) -> Cloud {
    let store = Machine::new("store", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(1)
        .memory(1.gib())
        .root_disk(4.gib())
        .interface(Interface::on("lab").address("10.17.3.30"));
    let main = Postgresql::new("main", 15, "store")
        .port(6432)
        .user(postgresql::DatabaseUser::new("shop"))
        .database(postgresql::Database::new("shop", "shop").from(from))
        .backup(postgresql::Backup::new());
    cloud().machine(store).role(main)
}

#[test]
fn a_postgresql_of_the_cloud_is_called_by_its_name() {
    let world = World::new();
    let calls = || [OutsideCall::to_postgresql("web", "main").name("postgresql")];
    let wanted = world.compile(with_postgresql(Peer::role("k3s-server")).role(calling(calls())));
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    let policy = world.cluster.object("network-policy", "shop", "web-outside").unwrap();
    let ports = [json!({ "port": 6432, "protocol": "TCP" })];
    assert_eq!(
        policy["spec"]["egress"],
        json!([{ "to": [{ "ipBlock": { "cidr": "10.17.3.30/32" } }], "ports": ports }])
    );
    assert!(world.cluster.object("service", "shop", "postgresql").is_some());

    // Databases that let in other machines alone, and a name that leads nowhere.
    let said = |cloud: Cloud| {
        let findings =
            cloud.check().map_or_else(Report::into_findings, |checked| checked.findings().to_vec());
        findings.iter().map(ToString::to_string).collect::<String>()
    };
    let kept_out = said(with_postgresql(Peer::machine("store")).role(calling(calls())));
    assert!(
        kept_out.contains("the firewall of store does not let in every node at the port 6432"),
        "{kept_out}"
    );
    let other = calling([OutsideCall::to_postgresql("web", "mian")]);
    let other = said(with_postgresql(Peer::role("k3s-server")).role(other));
    assert!(other.contains("the cloud has no PostgreSQL mian"), "{other}");
    let both = calling([OutsideCall::to_postgresql("web", "main").machine("store")]);
    let both = said(with_postgresql(Peer::role("k3s-server")).role(both));
    assert!(both.contains("it follows from the PostgreSQL that is called"), "{both}");
}
