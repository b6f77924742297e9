//! How secrets are made from the root key: from their names alone once, and from the owner too since then.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fmc::Plan;
use fmc::keys::RootKey;
use fmc::prelude::*;
use fmc::sim::Sim;

use crate::birth::{cluster, refused, same};
use crate::cluster::{on_roots, with_disks};
use crate::stage::Stage;

/// A cloud of a machine with a host key from the root key.
fn shop(owner: &'static str, names: &[&'static str]) -> Cloud {
    let machine = |name: &&'static str| {
        Machine::new(*name, Image::debian("12").path("/images/debian-12.qcow2")).root_disk(3.gib())
    };
    Cloud::new(owner)
        .ssh_host_keys(true)
        .host(Host::local())
        .machines(names.iter().map(machine))
        .accept("login-missing", "a test")
}

fn by(cloud: Cloud, derivation: Derivation) -> Cloud {
    cloud.secrets(SecretSettings::new().derivation(derivation))
}

fn stage() -> Stage {
    let stage = Stage::new();
    for (name, byte) in [("root.key", 9), ("other.key", 8)] {
        let key = stage.path().join(name);
        fs::write(&key, RootKey::from_bytes([byte; 32]).to_text().as_str()).unwrap();
        fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    }
    stage
}

/// A world in which an earlier version applied a cloud: its marks do not say how secrets were made.
fn earlier(cloud: Cloud) -> Stage {
    earlier_of(cloud, "shop")
}

fn earlier_of(cloud: Cloud, owner: &str) -> Stage {
    let stage = stage();
    stage.done(by(cloud, Derivation::V1), "apply");
    let world = stage.path().join(format!("{owner}.sim.json"));
    let text = fs::read_to_string(&world).unwrap();
    assert!(text.contains(" secrets='1'"), "{text}");
    let text = text.replace(" secrets='1'", "");
    // The records beside disks did not say it either.
    fs::write(world, text.replace(".v2.ext4._var_lib_rancher_k3s.1", ".v1.ext4._var_lib_rancher_k3s"))
        .unwrap();
    stage
}

/// The authority in a kubeconfig.
fn authority(stage: &Stage, cloud: Cloud, arguments: &str) -> String {
    let text = stage.done(cloud, &format!("kubeconfig --root-key root.key {arguments}"));
    text.lines().find(|line| line.contains("certificate-authority-data")).unwrap().to_owned()
}

/// The host key of a machine, as `ssh-config` stores it.
fn host_key(stage: &Stage, cloud: Cloud, machine: &str) -> String {
    stage.done(cloud, "ssh-config --root-key root.key");
    let text = fs::read_to_string(stage.path().join("shop.known_hosts")).unwrap();
    text.lines().find(|line| line.contains(machine)).unwrap().to_owned()
}

#[test]
fn two_clouds_with_one_root_key_have_nothing_in_common() {
    let stage = stage();
    let of = |cloud: Cloud| authority(&stage, cloud, "");
    let (first, other) = (cluster(&["m1"], same), cluster(&["m1"], same).owner("other"));
    let all = [of(first), of(other), authority(&stage, cluster(&["m1"], same), "--lab")];
    assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "{all:?}");

    // The first derivation did not ask for the owner.
    let first = |owner: &'static str| of(by(cluster(&["m1"], same).owner(owner), Derivation::V1));
    assert_eq!(first("first"), first("other"));
    assert_ne!(first("first"), all[0]);
}

#[test]
fn a_running_cloud_keeps_the_secrets_that_it_has() {
    let stage = earlier(shop("shop", &["web"]));
    let ran = stage.run(shop("shop", &["web"]), "plan --detailed-exitcode");
    assert!(ran.code == 0 && !ran.out.contains("outdated"), "{ran:?}");
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("were made without its owner (derivation 1), and stay so"), "{words}");
    assert!(words.contains("Write `secrets: {derivation: 1}`"), "{words}");

    // A new machine gets its secrets in the same way, and so does `ssh-config`.
    stage.done(shop("shop", &["web", "db"]), "apply");
    let world = fs::read_to_string(stage.path().join("shop.sim.json")).unwrap();
    assert!(world.matches(" secrets='1'").count() >= 1 && !world.contains(" secrets='2'"), "{world}");
    let first = || by(shop("shop", &["web", "db"]), Derivation::V1);
    assert_eq!(host_key(&stage, shop("shop", &["web", "db"]), "db"), host_key(&stage, first(), "db"));
    assert!(stage.done(first(), "plan").contains("nothing to do"));
}

#[test]
fn another_derivation_is_said_with_what_it_costs() {
    let stage = earlier(shop("shop", &["web", "db"]));
    let second = || by(shop("shop", &["web", "db"]), Derivation::V2);
    let plan = stage.done(second(), "plan");
    let words = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("outdated secrets by derivation 1 → 2"), "{words}");
    assert!(words.contains("each machine gets its new ones when it is replaced"), "{words}");
    assert!(words.contains("are replaced in one apply"), "{words}");

    stage.done(second(), "apply --replace web --replace db");
    let plan = stage.done(second(), "plan");
    assert!(plan.contains("nothing to do") && !plan.contains("derivation"), "{plan}");
    // What is there says it from now on.
    let plan = stage.done(shop("shop", &["web", "db"]), "plan");
    assert!(plan.contains("nothing to do") && !plan.contains("derivation"), "{plan}");
}

#[test]
fn a_cluster_changes_its_secrets_as_a_whole_and_not_over_its_state() {
    let three = || cluster(&["m1", "m2", "m3"], same);
    let stage = stage();
    stage.done(by(three(), Derivation::V1), "apply");
    let second = || by(three(), Derivation::V2);
    assert!(stage.done(second(), "plan").contains("secrets by derivation 1 → 2"));
    let words = [
        "m2 would get secrets by derivation 2; m1, m3 stay with those by derivation 1, and they share secrets",
        "To keep what is there, write `secrets: {derivation: 1}` in the cloud",
        ANEW,
    ];
    refused(&stage, second(), "plan --replace m2", "m2", &words);
    let words = [
        "m1, m2, m3 would get secrets by derivation 2, and keep a state that was made with those by derivation 1",
        ANEW,
    ];
    refused(&stage, second(), "plan --replace m1 --replace m2 --replace m3", "m1", &words);

    let more = |derivation| by(cluster(&["m1", "m2", "m3", "m4", "m5"], same), derivation);
    let words = ["m4, m5 would get secrets by derivation 2; m1, m2, m3 stay with those by derivation 1"];
    refused(&stage, more(Derivation::V2), "plan", "m4", &words);
    assert!(!stage.run(more(Derivation::V1), "plan").out.contains("derivation"));
    // Following the advice works.
    follow(&stage, &second, ANEW);

    // Nor does it go back.
    let new = crate::derivation::stage();
    new.done(three(), "apply");
    let words = ["m2 would get secrets by derivation 1; m1, m3 stay with those by derivation 2"];
    refused(&new, by(three(), Derivation::V1), "plan --replace m2", "m2", &words);
}

const ANEW: &str = "begin anew without the state of these machines: `destroy --only machine/m1 --only machine/m2 --only \
                    machine/m3 --delete-data m1 --delete-data m2 --delete-data m3`, then `apply`";

/// Runs the commands of an advice, one after another: nothing is left to do.
fn follow(stage: &Stage, cloud: &dyn Fn() -> Cloud, advice: &str) {
    for command in advice.split('`').skip(1).step_by(2) {
        stage.done(cloud(), &format!("{command} --yes"));
    }
    let plan = stage.done(cloud(), "plan");
    assert!(plan.contains("nothing to do"), "{plan}");
}

#[test]
fn servers_and_agents_of_a_cluster_share_secrets() {
    let made =
        |agents: &[&'static str], derivation| by(with_disks(&["m1"], agents, &["m1"], same), derivation);
    let stage = stage();
    stage.done(made(&[], Derivation::V1), "apply");
    let second = || made(&["w1"], Derivation::V2);
    let anew = "`destroy --only machine/m1 --delete-data m1`, then `apply`";
    let words = [
        "w1 would get secrets by derivation 2; m1 stays with those by derivation 1, and they share secrets",
        "write `secrets: {derivation: 1}`",
        anew,
    ];
    refused(&stage, second(), "plan", "w1", &words);
    let other = crate::derivation::stage();
    other.done(made(&[], Derivation::V1), "apply");
    let ran = other.run(made(&["w1"], Derivation::V1), "apply");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    follow(&stage, &second, anew);
}

/// Replacing them one after another, as a majority of servers otherwise is, would divide them.
#[test]
fn servers_that_keep_nothing_are_not_told_to_change_one_after_another() {
    let stage = stage();
    stage.done(by(on_roots(same), Derivation::V1), "apply");
    let second = || by(on_roots(same), Derivation::V2);
    let anew = "`destroy --only machine/m1 --only machine/m2 --only machine/m3`, then `apply`";
    let words =
        ["m1, m2, m3 would get secrets by derivation 2 instead of 1, and lose their state all at once", anew];
    let all = "plan --replace m1 --replace m2 --replace m3";
    refused(&stage, second(), all, "m1", &words);
    let plan = stage.run(second(), all).out;
    assert!(!plan.contains("one after another"), "{plan}");
    follow(&stage, &second, anew);
}

/// The state is in a database that fmc does not make, and only the token that it was made with opens it.
#[test]
fn a_server_with_its_state_in_a_database_keeps_its_secrets() {
    let database = |derivation| {
        let cluster = cluster(&["m1"], |cluster| {
            cluster.datastore(k3s::Datastore::endpoint(Secret::environment("dsn", "DSN")))
        });
        by(cluster, derivation)
    };
    let stage = stage();
    stage.done(database(Derivation::V1), "apply");
    let second = || database(Derivation::V2);
    let anew =
        "`destroy --only machine/m1 --delete-data m1`, empty the database of the cluster prod, then `apply`";
    let words = [
        "! machine m1 refused to replace it: ",
        "asked for by --replace: secrets by derivation 1 → 2",
        "m1 would get secrets by derivation 2, and those by derivation 1 alone open the database of the cluster prod",
        "To keep what is there, write `secrets: {derivation: 1}` in the cloud",
        anew,
    ];
    refused(&stage, second(), "plan --replace m1", "m1", &words);
    assert_eq!(stage.run(second(), "apply --yes --replace m1").code, 1);
    stage.done(database(Derivation::V1), "apply --replace m1");
    follow(&stage, &second, anew);
}

/// Another root key gives other secrets, although nothing else of the cloud differs.
#[test]
fn another_root_key_is_said_and_divides_no_machines_that_share_secrets() {
    let stage = stage();
    let cloud = || with_password(Derivation::V2);
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    stage.done(cloud(), "apply --root-key root.key");
    let world = fs::read_to_string(stage.path().join("shop.sim.json")).unwrap();
    assert_eq!(world.matches(" root-key='1-").count(), 4, "of two machines that run: {world}");
    for key in ["", " --root-key root.key"] {
        let plan = stage.done(cloud(), &format!("plan{key}"));
        assert!(plan.contains("nothing to do") && !plan.contains("root key"), "{plan}");
    }
    let plan = line(&stage.done(cloud(), "plan --root-key other.key"));
    assert!(plan.contains("is not the one that the secrets of db, web were made from"), "{plan}");
    assert_eq!(plan.matches("root key is not the one").count(), 1, "{plan}");
    let advice = "replace all of them at once: `apply --replace db --replace web`";
    let words = [
        "web would get secrets of this root key, and share some with db, made from another root key",
        advice,
    ];
    refused(&stage, cloud(), "plan --root-key other.key --replace web", "web", &words);
    // The mark keeps what it says through other changes, and until the machine is made anew.
    let larger = || cloud().map_machines(|machine| machine.memory(3.gib()));
    stage.done(larger(), "apply --root-key other.key");
    assert!(line(&stage.done(larger(), "plan --root-key other.key")).contains("is not the one"));
    assert!(stage.done(larger(), "plan --root-key root.key").contains("nothing to do"));
    stage.done(larger(), "apply --root-key other.key --replace db --replace web");
    let plan = stage.done(larger(), "plan --root-key other.key");
    assert!(plan.contains("nothing to do") && !plan.contains("root key"), "{plan}");
    assert!(line(&stage.done(larger(), "plan --root-key root.key")).contains("is not the one"));
}

/// A cluster's state opens with its own token alone.
#[test]
fn a_state_is_not_taken_over_with_another_root_key() {
    let stage = stage();
    let one = || cluster(&["m1"], same);
    stage.done(one(), "apply --root-key root.key");
    let anew = "begin anew without their state: `destroy --only machine/m1 --delete-data m1`, then `apply`";
    let words = ["m1 would get secrets of this root key, and a state that others open", anew];
    refused(&stage, one(), "plan --root-key other.key --replace m1", "m1", &words);
    assert_eq!(stage.run(one(), "apply --yes --root-key other.key --replace m1").code, 1);
    stage.done(one(), "destroy --only machine/m1 --delete-data m1");
    stage.done(one(), "apply --root-key other.key");
    assert!(stage.done(one(), "plan --root-key other.key").contains("nothing to do"));
}

/// Without its machine, the record beside the disk still tells the key.
#[test]
fn a_state_that_returns_is_not_opened_with_another_root_key() {
    let stage = stage();
    let one = || cluster(&["m1"], same);
    stage.done(one(), "apply --root-key root.key");
    stage.done(one(), "destroy");
    let words = ["m1 would get secrets of this root key, and a state that others open"];
    refused(&stage, one(), "plan --root-key other.key", "m1", &words);
    assert_eq!(stage.run(one(), "apply --yes --root-key other.key").code, 1);
    // The advice is one that works.
    stage.done(one(), "destroy --only machine/m1 --delete-data m1");
    stage.done(one(), "apply --root-key other.key");
    stage.done(one(), "destroy --delete-data m1");
    stage.done(one(), "apply --root-key root.key");
    stage.done(one(), "destroy");
    // The key of before opens it, and a disk without a state of a role's asks for none.
    stage.done(one(), "apply --root-key root.key");
    assert!(stage.done(one(), "plan --root-key root.key").contains("nothing to do"));
    let plain =
        || with_password(Derivation::V2).map_machines(|machine| machine.disk(Disk::new("data", 1.gib())));
    let stage = self::stage();
    stage.done(plain(), "apply --root-key root.key");
    stage.done(plain(), "destroy");
    let plan = stage.done(plain(), "plan --root-key other.key");
    assert!(!plan.contains("root key"), "{plan}");
}

/// The disk has the state of the cluster, although its machine is something else for a while.
#[test]
fn a_state_that_nobody_opens_for_a_while_keeps_its_key() {
    let stage = stage();
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10"));
    let plain = || {
        Cloud::new("shop")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24"))
            .machine(node.clone())
    };
    let with = || plain().cluster(k3s::Cluster::new("prod", "v1.36.3+k3s1").servers(["node"]));
    stage.done(with(), "apply --root-key root.key");
    let plan = stage.done(plain(), "plan --replace node");
    assert!(!plan.contains("record"), "{plan}");
    stage.done(plain(), "apply --replace node");
    let words = ["node would get secrets of this root key, and a state that others open"];
    refused(&stage, with(), "plan --root-key other.key --replace node", "node", &words);
    stage.done(with(), "apply --root-key root.key --replace node");
    assert!(stage.done(with(), "plan --root-key root.key").contains("nothing to do"));
}

/// Two machines that know one password.
fn with_password(derivation: Derivation) -> Cloud {
    let file = || GuestFile::secret("/etc/password", Secret::password("shop-password"));
    by(shop("shop", &["db", "web"]).map_machines(|machine| machine.file(file())), derivation)
}

#[test]
fn machines_with_one_secret_change_it_together() {
    let stage = stage();
    stage.done(with_password(Derivation::V1), "apply");
    let second = || with_password(Derivation::V2);
    let advice = "replace all of them at once: `apply --replace db --replace web`";
    let words = ["web would get secrets by derivation 2; db stays with those by derivation 1", advice];
    refused(&stage, second(), "plan --replace web", "web", &words);
    follow(&stage, &second, advice);
}

#[test]
fn a_state_that_returns_goes_on_with_the_secrets_that_it_was_made_with() {
    let three = || cluster(&["m1", "m2", "m3"], same);
    for derivation in [Derivation::V1, Derivation::V2] {
        let stage = stage();
        stage.done(by(three(), derivation), "apply");
        stage.done(three(), "destroy");
        let plan = stage.done(three(), "plan");
        assert!(plan.contains("takes over the data disk"), "{plan}");
        assert_eq!(
            plan.contains("made without its owner (derivation 1), and stay so"),
            derivation == Derivation::V1
        );
        let other = if derivation == Derivation::V1 { Derivation::V2 } else { Derivation::V1 };
        let advice = "`apply --delete-data m1 --delete-data m2 --delete-data m3`";
        let words = [
            &*format!(
                "m1, m2, m3 would get secrets by derivation {other}, and keep a state that was made with those"
            ),
            &*format!("write `secrets: {{derivation: {derivation}}}`"),
            advice,
        ];
        let second = || by(three(), other);
        refused(&stage, second(), "plan", "m1", &words);
        stage.done(three(), "apply");
        assert!(stage.done(three(), "plan").contains("nothing to do"));
        stage.done(three(), "destroy");
        follow(&stage, &second, advice);
    }
}

/// Somebody copied a disk, or its record: what is there was made by both derivations, and no derivation keeps all of it.
#[test]
fn states_of_both_derivations_begin_anew() {
    let three = |derivation| by(cluster(&["m1", "m2", "m3"], same), derivation);
    let record = |stage: &Stage| {
        let world = stage.path().join("first.sim.json");
        let text = fs::read_to_string(&world).unwrap();
        let start = "m2.disk.k3s.v2.ext4._var_lib_rancher_k3s";
        assert!(text.contains(start), "{text}");
        fs::write(world, text.replace(&format!("{start}.2"), &format!("{start}.1"))).unwrap();
    };
    let data = "--delete-data m1 --delete-data m2 --delete-data m3";
    let anew =
        format!("`destroy --only machine/m1 --only machine/m2 --only machine/m3 {data}`, then `apply`");
    for (gone, about, advice) in
        [("destroy", "m1", format!("`apply {data}`")), ("destroy --only machine/m2", "m2", anew)]
    {
        let stage = stage();
        stage.done(three(Derivation::V2), "apply");
        stage.done(three(Derivation::V2), gone);
        record(&stage);
        let second = || three(Derivation::V2);
        let words = ["was made by derivation 1 and by derivation 2, and cannot be kept together", &*advice];
        refused(&stage, second(), "plan", about, &words);
        follow(&stage, &second, &advice);
    }
}

#[test]
fn a_state_that_returns_from_an_earlier_version_does_not_say_how_its_secrets_were_made() {
    let three = || cluster(&["m1", "m2", "m3"], same);
    let stage = earlier_of(three(), "first");
    stage.done(three(), "destroy");
    let words = [
        "m1, m2, m3 would take over the state on a data disk, and fmc cannot see by which derivation",
        "Write `secrets: {derivation: 1}` in the cloud if it said so when they were made",
        "or if they were made by a version of fmc that did not know derivations",
        "`apply --delete-data m1 --delete-data m2 --delete-data m3` begins with empty disks",
    ];
    refused(&stage, three(), "plan", "m1", &words);
    assert_eq!(stage.run(three(), "apply --yes").code, 1);
    let plan = stage.done(by(three(), Derivation::V1), "plan");
    assert!(plan.contains("takes over the data disk"), "{plan}");
    stage.done(three(), "apply --delete-data m1 --delete-data m2 --delete-data m3");
    assert!(stage.done(three(), "plan").contains("nothing to do"));
}

#[test]
fn a_cloud_with_machines_of_both_says_which_the_next_ones_get() {
    let stage = earlier(shop("shop", &["db", "web"]));
    let ran = stage.run(by(shop("shop", &["db", "web"]), Derivation::V2), "apply --replace web");
    assert_eq!(ran.code, 2, "{ran:?}");
    // What ssh knows of each is what it was made with.
    let one = |derivation| by(shop("shop", &["db", "web"]), derivation);
    for machine in ["db", "web"] {
        let keys =
            [Derivation::V1, Derivation::V2].map(|derivation| host_key(&stage, one(derivation), machine));
        assert_eq!(keys[0], keys[1], "{machine}");
    }
    let ran = stage.run(shop("shop", &["db", "web"]), "plan");
    let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "the secrets of its machines were made by derivation 1 (db) and by derivation 2 (web), and the cloud does not say";
    assert!(ran.code == 1 && words.contains(said), "{words}");
    let said = "its secrets are made by derivation 2, and those of db by derivation 1: each machine gets its new ones";
    let plan = stage.done(one(Derivation::V2), "plan").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains(said), "{plan}");
    stage.done(shop("shop", &["db", "web"]), "destroy");
}

#[test]
fn the_way_back_is_said_too() {
    let stage = stage();
    stage.done(shop("shop", &["web"]), "apply");
    let plan = stage.done(by(shop("shop", &["web"]), Derivation::V1), "plan");
    let words = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("made by derivation 1, and those of its machines by derivation 2"), "{words}");
    assert!(words.contains("secrets by derivation 2 → 1"), "{words}");
}

/// A command that does not ask the hosts says what it takes.
#[test]
fn a_kubeconfig_says_which_derivation_it_takes() {
    let stage = stage();
    let run = |cloud: Cloud| stage.run(cloud, "kubeconfig --root-key root.key");
    let open = run(cluster(&["m1"], same));
    assert!(open.code == 0 && open.err.contains("made by derivation 2, as for new machines"), "{open:?}");
    assert_eq!(run(by(cluster(&["m1"], same), Derivation::V2)).err, "");
}

#[test]
fn a_new_cloud_and_one_without_such_secrets_need_to_say_nothing() {
    let stage = stage();
    stage.done(shop("shop", &["web"]), "apply");
    let world = fs::read_to_string(stage.path().join("shop.sim.json")).unwrap();
    assert!(world.contains(" secrets='2'"), "{world}");
    assert!(!stage.done(shop("shop", &["web", "db"]), "plan").contains("derivation"));

    let plain = earlier(shop("shop", &["web"]));
    let plan = plain.done(shop("shop", &["web"]).ssh_host_keys(false), "plan");
    assert!(!plan.contains("derivation"), "{plan}");
}

/// A program of the user's own says it: a library does not choose.
#[test]
fn a_plan_of_the_library_asks_which() {
    let world = Sim::new();
    world.apply(&by(shop("shop", &["web"]), Derivation::V1));
    let plan: Plan = world.plan(&shop("shop", &["web"]));
    let refused: Vec<String> = plan.refused().map(|note| format!("{} {}", note.about, note.text)).collect();
    let words = "cloud/shop the secrets of its machines were made without its owner (derivation 1)";
    assert!(matches!(refused.as_slice(), [one] if one.starts_with(words)), "{refused:?}");
    assert_eq!(plan.derivation_there(), Some(Derivation::V1));
    let said = world.plan(&by(shop("shop", &["web"]), Derivation::V1));
    assert!(said.is_empty() && said.refused().next().is_none(), "{said}");
}
