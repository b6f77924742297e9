//! Hosts are made for the machines that enrol themselves, and then left to them.

use fmc::cli::DONE;
use fmc::freeipa::server::IpaFault;
use fmc::graph::{DeleteData, NoteKind};
use fmc_testkit::tree::scratch;
use serde_json::{Map, Value, json};

use super::*;

const WEB: &str = "web.cefaslocalserver.com";

/// The password of each user, the authority, and a password of its own for each secret of the root key.
struct Passwords {
    login: &'static str,
    authority: String,
}

impl Secrets for Passwords {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let text = match secret.name.as_str() {
            "ipa-ca" => self.authority.clone(),
            "ipa-password" => self.login.to_owned(),
            name => format!("of-{name}"),
        };
        Ok(SecretBytes::new(text.into_bytes()))
    }
}

/// The one-time password of web.
const ONCE: &str = "of-freeipa-otp-web";

fn providers(server: &IpaServer, login: &'static str) -> Providers {
    let sim = hypervisor();
    sim.put_image("/images/root.qcow2", b"", 2 << 30);
    let passwords = Passwords { login, authority: server.authority().to_owned() };
    Providers::new().host(LOCAL, sim).with(Ipa::new()).secrets(Arc::new(passwords))
}

fn world_of(directory: IpaDirectory) -> World {
    let server = IpaServer::start(directory.address([10, 17, 3, 11].into())).unwrap();
    let providers = providers(&server, "secret");
    World { server, user: "admin", providers }
}

fn world() -> World {
    world_of(directory())
}

/// A server with its FreeIPA, and two machines, of which some enrol themselves.
fn cloud(world: &World, clients: &[&str]) -> Cloud {
    cloud_of(world, &["web", "db"], clients)
}

fn cloud_of(world: &World, machines: &[&str], clients: &[&str]) -> Cloud {
    let machine = |name: &str, address: &str| {
        let image = Image::rocky("9.4").path("/images/root.qcow2").digest(Digest::sha256(b""));
        Machine::new(name, image)
            .memory(4.gib())
            .root_disk(20.gib())
            .interface(Interface::on("kube").address(address))
    };
    Cloud::new("lab")
        .domain("cefaslocalserver.com")
        .host(Host::local().bridge("br0"))
        .network(Network::routed("kube", "10.17.3.0/24").resolvers(["10.17.3.11"]))
        .machine(machine("ipa", "10.17.3.11").resolvers(["9.9.9.9"]))
        .machines(
            [("web", "10.17.3.21"), ("db", "10.17.3.22")]
                .into_iter()
                .filter(|(name, _)| machines.contains(name))
                .map(|(name, address)| machine(name, address)),
        )
        .role(FreeIpa::on("ipa").clients(clients.iter().copied()).forwarders(["9.9.9.9"]))
        .dns(Dns::new().server(world.dns_server()))
}

/// Runs a command for a host as its administrator.
fn by_hand(world: &World, command: &str, options: Value) {
    let options: Map<String, Value> = options.as_object().unwrap().clone();
    world.by_hand(async |client| client.call(command, &[json!(WEB)], options).await);
}

/// The classes of web, whether it is enrolled, and whether it has a password.
fn web(world: &World) -> (Vec<String>, Option<bool>, Option<bool>) {
    let shown = world.by_hand(async |client| client.call("host_show", &[json!(WEB)], Map::new()).await);
    let entry = shown.entry();
    (entry.texts("userclass"), entry.flag("has_keytab"), entry.flag("has_password"))
}

fn notes(plan: &Plan, kind: NoteKind) -> Vec<&str> {
    plan.notes.iter().filter(|note| note.kind == kind).map(|note| note.text.as_str()).collect()
}

#[test]
fn a_host_is_made_and_its_machine_enrols_itself_by_its_password() {
    let world = world();
    let cloud = cloud(&world, &["web", "db"]);
    let plan = world.plan(&cloud);
    let said = format!("{plan}\n{plan:?}\n{}", serde_json::to_string(&*plan).unwrap());
    assert!(said.contains(&format!("host {WEB}")), "{plan}");
    assert!(!said.contains("of-freeipa"), "{plan}");
    world.apply(&cloud);
    assert_eq!(web(&world), (vec!["fmc/lab".to_owned()], Some(false), Some(true)));
    assert!(!world.server.enrol(WEB, "of-freeipa-otp-db"));
    assert!(world.server.enrol(WEB, ONCE));
    assert!(world.plan(&cloud).is_empty());
    assert_eq!(web(&world), (vec!["fmc/lab".to_owned()], Some(true), Some(false)));
}

#[test]
fn a_host_comes_after_the_zone_that_it_is_in() {
    let world = world();
    let sub = Zone::new("web.cefaslocalserver.com").records("@", ["TXT x"]);
    let dns = Dns::new().server(world.dns_server()).zone(sub);
    let plan = world.plan(&cloud(&world, &["web"]).dns(dns));
    let zone = plan.steps.iter().position(|step| step.address.kind() == "zone" && step.address.name() == WEB);
    let host = plan.steps.iter().find(|step| step.address.kind() == "host").unwrap();
    assert!(host.after.contains(&zone.unwrap()), "{plan}");
}

#[test]
fn a_machine_that_is_made_new_is_told_of_the_keytab_of_the_earlier_one() {
    let world = world();
    let cloud = cloud(&world, &["web"]);
    world.apply(&cloud);
    assert!(world.server.enrol(WEB, ONCE));
    assert_eq!(notes(&world.plan(&cloud), NoteKind::Notice), [""; 0]);
    // The machines are lost, and FreeIPA is not.
    let World { server, user, .. } = world;
    let world = World { providers: providers(&server, "secret"), server, user };
    let plan = world.plan(&cloud);
    let told = notes(&plan, NoteKind::Notice);
    assert!(told.iter().any(|text| text.contains(&format!("ipa host-disable {WEB}"))), "{plan}");
    assert!(plan.steps.iter().all(|step| step.address.kind() != "host"), "{plan}");
    by_hand(&world, "host_disable", json!({}));
    assert_eq!(notes(&world.plan(&cloud), NoteKind::Notice), [""; 0]);
    world.apply(&cloud);
    assert!(world.server.enrol(WEB, ONCE));
}

#[test]
fn a_host_that_others_deleted_is_made_again_although_the_server_fails() {
    let world = world();
    let cloud = cloud(&world, &["web"]);
    world.apply(&cloud);
    for (fault, is_done) in [
        (IpaFault::Nothing, true),
        (IpaFault::Part, true),
        (IpaFault::Cut, true),
        (IpaFault::Internal, false),
    ] {
        by_hand(&world, "host_del", json!({}));
        let plan = world.plan(&cloud);
        assert_eq!(plan.steps.len(), 1, "{plan}");
        // The host is read, and the change fails.
        world.server.fail([IpaFault::Nothing, fault]);
        match world.run(&plan).converged() {
            Ok(_) => assert!(is_done, "{fault:?}"),
            Err(left) => {
                let left = left.to_string();
                assert!(
                    !is_done && left.contains(&format!("make the host {WEB} at ipa")),
                    "{fault:?}: {left}"
                );
                assert!(!left.contains("of-freeipa"), "{left}");
            }
        }
        world.apply(&cloud);
        assert_eq!(web(&world).2, Some(true));
    }
    // Somebody makes it between the plan and the apply.
    by_hand(&world, "host_del", json!({}));
    let plan = world.plan(&cloud);
    by_hand(&world, "host_add", json!({"force": true}));
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("changed since the plan was made"), "{left}");
}

#[test]
fn a_host_is_deleted_by_its_name_alone() {
    let world = world();
    world.apply(&cloud(&world, &["web"]));
    assert!(world.server.enrol(WEB, ONCE));
    let none = cloud_of(&world, &["db"], &[]);
    let kept = |plan: &Plan| {
        let is_kept = notes(plan, NoteKind::Kept).iter().any(|text| text.contains("would lose its keytab"));
        assert!(is_kept && plan.steps.iter().all(|step| step.address.kind() != "host"), "{plan}");
    };
    kept(&world.plan(&none));
    kept(&world.plan(&none).delete_data(DeleteData::All));
    let plan = world.plan(&none).delete_data(DeleteData::Of([WEB.to_owned()].into()));
    assert!(plan.steps.iter().any(|step| step.address.kind() == "host"), "{plan}");
    assert!(!plan.to_string().contains("unwanted data disk"), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert_eq!(notes(&world.plan(&none), NoteKind::Kept), [""; 0]);
    let found = world.by_hand(async |client| client.call("host_find", &[], Map::new()).await);
    assert_eq!(found.count(), 1);
}

#[test]
fn a_host_of_others_is_not_taken() {
    for (classes, words) in [
        (json!([]), "its password is not known"),
        (json!(["servers", "fmc/other"]), "it belongs to the cloud other"),
    ] {
        let world = world();
        by_hand(&world, "host_add", json!({"force": true, "userpassword": "theirs", "userclass": classes}));
        let plan = world.plan(&cloud(&world, &["web"]));
        assert!(notes(&plan, NoteKind::Held).iter().any(|text| text.contains(words)), "{plan}");
        assert!(world.run(&plan).converged().is_err());
        assert!(world.server.enrol(WEB, "theirs"));
        // One that is enrolled serves, unless it is another cloud's.
        let plan = world.plan(&cloud(&world, &["web"]));
        assert_eq!(plan.is_empty(), classes == json!([]), "{plan}");
        let is_told = notes(&plan, NoteKind::Notice).iter().any(|text| text.contains("fmc did not make it"));
        assert_eq!(is_told, classes == json!([]), "{plan}");
    }
}

#[test]
fn hosts_that_cannot_be_read_whole_are_not_made() {
    let world = world_of(directory().limit(40));
    let add = |number: usize| {
        let name = format!("n{number}.cefaslocalserver.com");
        let options = Map::from_iter([("force".to_owned(), json!(true))]);
        fmc::freeipa::client::IpaCall::new("host_add", vec![json!(name)], options)
    };
    let calls: Vec<_> = (0..45).map(add).collect();
    world.by_hand(async |client| client.batch(&calls).await);
    let plan = world.plan(&cloud(&world, &["web"]));
    assert!(plan.to_string().contains("leaves entries out"), "{plan}");
    assert!(plan.steps.iter().all(|step| step.address.kind() != "host"), "{plan}");
}

#[test]
fn hosts_are_made_in_the_first_apply_of_their_server() {
    let folder = scratch();
    let login = IpaLogin::new("admin", Secret::environment("ipa-password", "IPA_PASSWORD"))
        .ca(Secret::environment("ipa-ca", "IPA_CA"));
    let world = world();
    let clients = |clients: &[&str]| {
        let server = DnsServer::on("ipa", "ipa").ipa(login.clone());
        cloud(&world, clients).dns(Dns::new().server(server))
    };
    let run = |cloud, arguments: &[&str]| run(cloud, folder.path(), arguments);
    let (code, said) = run(clients(&["web"]), &["root-key", "new"]);
    assert_eq!(code, DONE, "{said}");
    let (_, said) = run(clients(&["web"]), &["plan"]);
    assert!(said.contains(&format!("host {WEB}")), "{said}");
    for arguments in [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"], &["status"], &["drift"]] {
        let (code, said) = run(clients(&["web"]), arguments);
        assert_eq!(code, DONE, "{arguments:?}: {said}");
    }
    let (code, said) = run(clients(&["web"]), &["destroy", "--yes", "--delete-data", "ipa"]);
    assert!(code == DONE && !said.contains("needs it, and stays"), "{said}");
    let (_, said) = run(clients(&["web"]), &["status"]);
    assert!(!said.contains("running"), "{said}");
}

#[test]
fn a_user_without_the_right_to_hosts_is_told_the_role() {
    let World { server, .. } = world();
    let world = World { providers: providers(&server, "dns"), server, user: "dns" };
    let plan = world.plan(&cloud(&world, &["web"]));
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(
        left.contains(&format!("make the host {WEB} at ipa")) && left.contains("IT Specialist"),
        "{left}"
    );
}
