//! People of the cloud: users, groups, groups of hosts, and the rules about sudo and access.

mod drift;
mod faults;
mod random;

use fmc::freeipa::client::IpaCall;
use fmc::graph::{DeleteData, NoteKind};
use serde_json::{Map, Value, json};

use super::*;

pub(super) const ANA: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ana@lab";

/// A cloud with a web server and a database, whose hosts FreeIPA knows, and these people.
pub(super) fn cloud(world: &World, people: People) -> Cloud {
    let machine = |name: &str, address: &str| {
        Machine::new(name, Image::debian("12").path("/images/root.qcow2").digest(Digest::sha256(b"")))
            .memory(2.gib())
            .root_disk(10.gib())
            .role(NodeExporter::new())
            .interface(Interface::on("kube").address(address))
    };
    Cloud::new("lab")
        .domain("cefaslocalserver.com")
        .host(Host::local())
        .network(Network::nat("kube", "10.17.3.0/24"))
        .machines([machine("web", "10.17.3.21"), machine("db", "10.17.3.22")])
        .dns(world.dns().zone(World::zone()))
        .people(people)
}

pub(super) const HOSTS: [&str; 2] = ["web.cefaslocalserver.com", "db.cefaslocalserver.com"];

/// A server that knows the machines.
pub(super) fn world() -> World {
    let world = World::new();
    for host in HOSTS {
        call(&world, "host_add", host, json!({"force": true}));
    }
    world
}

/// Everything that people can be.
pub(super) fn everybody() -> People {
    People::new()
        .user(IpaUser::new("ana", "Ana", "Ruiz").ssh_keys([ANA]).shell("/bin/bash").mail(["ana@lab.example"]))
        .user(IpaUser::new("bob", "Bob", "Ng").groups(["dbas"]))
        .user(IpaUser::new("eve", "Eve", "Old").disabled())
        .group(IpaGroup::new("dbas").description("They run the databases").users(["ana"]))
        .group(IpaGroup::new("operators").non_posix().users(["admin"]).groups(["dbas", "editors"]))
        .host_group(HostGroup::new("databases").machines(["db"]))
        .host_group(HostGroup::new("all").roles(["node-exporter"]).host_groups(["databases", "ipaservers"]))
        .sudo_rule(
            SudoRule::new("restart")
                .groups(["dbas"])
                .host_groups(["databases"])
                .commands(["/usr/bin/systemctl restart postgresql", "/usr/bin/less"])
                .run_as(["postgres", "bob"])
                .run_as_groups(["dbas"])
                .options(["!authenticate"]),
        )
        .sudo_rule(SudoRule::new("root").users(["admin"]).everywhere().every_command().as_anyone())
        .hbac_rule(
            HbacRule::new("ssh")
                .users(["bob"])
                .groups(["operators"])
                .machines(["web"])
                .services(["sshd", "cockpit"]),
        )
        .hbac_rule(HbacRule::new("later").everyone().everywhere().every_service().disabled())
}

/// Runs a command for an entry as the administrator.
pub(super) fn call(world: &World, command: &str, name: &str, options: Value) {
    let options: Map<String, Value> = options.as_object().unwrap().clone();
    world.by_hand(async |client| client.call(command, &[json!(name)], options).await);
}

/// An entry as the server has it.
pub(super) fn shown(world: &World, object: &str, name: &str) -> fmc::freeipa::client::IpaEntry {
    let all = Map::from_iter([("all".to_owned(), json!(true))]);
    world.by_hand(async |client| client.call(&format!("{object}_show"), &[json!(name)], all).await).entry()
}

pub(super) fn is_there(world: &World, object: &str, name: &str) -> bool {
    let show = [IpaCall::new(format!("{object}_show"), vec![json!(name)], Map::new())];
    world.by_hand(async |client| client.batch(&show).await).iter().all(Result::is_ok)
}

pub(super) fn notes(plan: &Plan, kind: NoteKind) -> Vec<&str> {
    plan.notes.iter().filter(|note| note.kind == kind).map(|note| note.text.as_str()).collect()
}

/// The steps of a plan about people.
pub(super) fn steps(plan: &Plan) -> Vec<String> {
    let ipa = plan.steps.iter().filter(|step| step.address.provider() == "ipa");
    ipa.map(|step| step.address.short().to_string()).collect()
}

#[test]
fn people_are_made_as_the_cloud_says() {
    let world = world();
    world.apply(&cloud(&world, everybody()));
    let ana = shown(&world, "user", "ana");
    assert_eq!(ana.texts("userclass"), ["fmc/lab"]);
    assert_eq!(ana.texts("ipasshpubkey"), [ANA]);
    assert_eq!(
        (ana.text("cn").unwrap(), ana.text("loginshell").unwrap()),
        ("Ana Ruiz".into(), "/bin/bash".into())
    );
    assert_eq!(ana.texts("mail"), ["ana@lab.example"]);
    assert_eq!(ana.flag("nsaccountlock"), Some(false));
    assert_eq!(shown(&world, "user", "eve").flag("nsaccountlock"), Some(true));
    // What the cloud says nothing of is FreeIPA's.
    assert_eq!(shown(&world, "user", "bob").texts("mail"), ["bob@cefaslocalserver.com"]);
    let dbas = shown(&world, "group", "dbas");
    assert_eq!(dbas.text("description").unwrap(), "They run the databases (fmc/lab)");
    assert_eq!(dbas.texts("member_user"), ["ana", "bob"]);
    assert!(dbas.text("gidnumber").is_some());
    let operators = shown(&world, "group", "operators");
    assert_eq!(operators.texts("member_group"), ["dbas", "editors"]);
    assert!(operators.text("gidnumber").is_none());
    assert_eq!(shown(&world, "hostgroup", "all").texts("member_host"), {
        let mut hosts = HOSTS;
        hosts.sort_unstable();
        hosts
    });
    let restart = shown(&world, "sudorule", "restart");
    assert_eq!(
        restart.texts("memberallowcmd_sudocmd"),
        ["/usr/bin/less", "/usr/bin/systemctl restart postgresql"]
    );
    assert_eq!(restart.texts("ipasudorunas_user"), ["bob"]);
    assert_eq!(restart.texts("ipasudorunasextuser"), ["postgres"]);
    assert_eq!(restart.texts("ipasudorunasgroup_group"), ["dbas"]);
    assert_eq!(restart.texts("ipasudoopt"), ["!authenticate"]);
    let root = shown(&world, "sudorule", "root");
    for category in ["hostcategory", "cmdcategory", "ipasudorunasusercategory", "ipasudorunasgroupcategory"] {
        assert_eq!(root.texts(category), ["all"]);
    }
    let ssh = shown(&world, "hbacrule", "ssh");
    assert_eq!(ssh.texts("memberservice_hbacsvc"), ["cockpit", "sshd"]);
    assert_eq!(ssh.texts("memberhost_host"), [HOSTS[0]]);
    assert_eq!(ssh.flag("ipaenabledflag"), Some(true));
    assert_eq!(shown(&world, "hbacrule", "later").flag("ipaenabledflag"), Some(false));
}

#[test]
fn a_plan_says_what_becomes_of_people() {
    let world = world();
    let plan = world.plan(&cloud(&world, everybody()));
    let text = plan.to_string();
    for words in
        ["user ana", "Ana Ruiz", "group dbas", "hosts db.cefaslocalserver.com", "everywhere; every command"]
    {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    // Groups come after their members, and rules after all that they name.
    let place = |name: &str| steps(&plan).iter().position(|step| step == name).unwrap();
    for (first, then) in [
        ("user/ana", "group/dbas"),
        ("group/dbas", "group/operators"),
        ("host-group/databases", "host-group/all"),
        ("group/operators", "hbac-rule/ssh"),
        ("host-group/databases", "sudo-rule/restart"),
    ] {
        assert!(place(first) < place(then), "{first} {then}: {text}");
    }
}

#[test]
fn a_member_that_leaves_and_one_that_comes_are_named() {
    let world = world();
    world.apply(&cloud(&world, everybody()));
    let changed = everybody().map_of(|people| {
        people.groups = [
            IpaGroup::new("dbas").description("They run the databases").users(["ana"]),
            IpaGroup::new("operators").non_posix().users(["bob"]).groups(["dbas"]),
        ]
        .into_iter()
        .collect();
        people.users.iter_mut().for_each(|user| user.groups.clear());
    });
    let plan = world.plan(&cloud(&world, changed.clone()));
    let text = plan.to_string();
    for words in ["users bob removed", "users admin removed", "users bob added", "groups editors removed"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert_eq!(steps(&plan), ["group/dbas", "group/operators"]);
    world.apply(&cloud(&world, changed));
}

/// A change of people in place, for tests.
trait Map_ {
    fn map_of(self, change: impl FnOnce(&mut People)) -> Self;
}

impl Map_ for People {
    fn map_of(mut self, change: impl FnOnce(&mut People)) -> Self {
        change(&mut self);
        self
    }
}

#[test]
fn a_rule_for_all_becomes_one_for_some_and_back() {
    let world = world();
    let rule = || HbacRule::new("ssh").services(["sshd"]);
    let user = || People::new().user(IpaUser::new("ana", "Ana", "Ruiz"));
    for rule in [
        rule().everyone().everywhere(),
        rule().users(["ana"]).machines(["web"]),
        rule().everyone().everywhere(),
        HbacRule::new("ssh").everyone().everywhere().every_service().disabled(),
        rule().users(["ana"]).everywhere(),
    ] {
        world.apply(&cloud(&world, user().hbac_rule(rule)));
    }
    let rule = || SudoRule::new("less").users(["ana"]).everywhere();
    for rule in [
        rule().commands(["/usr/bin/less"]).run_as(["root"]).options(["!authenticate", "timestamp_timeout=1"]),
        rule().every_command().as_anyone(),
        rule().commands(["/usr/bin/tail"]).options(["!authenticate"]),
    ] {
        world.apply(&cloud(&world, user().sudo_rule(rule)));
    }
    // The command that no rule names any more gives no rights, and stays.
    assert!(is_there(&world, "sudocmd", "/usr/bin/less"));
}

#[test]
fn allow_all_is_told_and_disabled_only_when_the_cloud_says_so() {
    let world = world();
    let rules = || {
        People::new()
            .user(IpaUser::new("ana", "Ana", "Ruiz"))
            .hbac_rule(HbacRule::new("ssh").users(["ana"]).everywhere().services(["sshd"]))
    };
    world.apply(&cloud(&world, rules()));
    let told =
        |plan: &Plan| notes(plan, NoteKind::Notice).iter().any(|text| text.contains("without_allow_all"));
    assert!(told(&world.plan(&cloud(&world, rules()))));
    assert_eq!(shown(&world, "hbacrule", "allow_all").flag("ipaenabledflag"), Some(true));
    let closed = cloud(&world, rules().without_allow_all());
    let plan = world.plan(&closed);
    assert_eq!(steps(&plan), ["hbac-rule/allow_all"], "{plan}");
    assert!(!told(&plan));
    world.apply(&closed);
    assert_eq!(shown(&world, "hbacrule", "allow_all").flag("ipaenabledflag"), Some(false));
    // It is left so when the cloud says nothing any more, and may be deleted.
    assert!(world.plan(&cloud(&world, rules())).is_empty());
    call(&world, "hbacrule_enable", "allow_all", json!({}));
    assert_eq!(steps(&world.plan(&closed)), ["hbac-rule/allow_all"]);
    call(&world, "hbacrule_del", "allow_all", json!({}));
    assert!(world.plan(&closed).is_empty());
    // In one apply, the rules come before the one that let everybody in goes.
    let world = self::world();
    let plan = world.plan(&cloud(&world, rules().without_allow_all()));
    let at =
        |name: &str| plan.steps.iter().position(|step| step.address.short().to_string() == name).unwrap();
    assert!(plan.steps[at("hbac-rule/allow_all")].after.contains(&at("hbac-rule/ssh")), "{plan}");
}

#[test]
fn a_user_who_goes_is_disabled_and_deleted_by_name_alone() {
    let world = world();
    let ana = || IpaUser::new("ana", "Ana", "Ruiz");
    let both = People::new()
        .user(ana())
        .user(IpaUser::new("bob", "Bob", "Ng"))
        .group(IpaGroup::new("dbas").users(["ana", "bob"]));
    world.apply(&cloud(&world, both));
    let one = || cloud(&world, People::new().user(ana()).group(IpaGroup::new("dbas").users(["ana"])));
    let plan = world.plan(&one());
    let text = plan.to_string();
    assert!(
        text.contains(
            "state enabled -> disabled (no longer in the cloud; `--delete-data user/bob` deletes it)"
        ),
        "{text}"
    );
    world.apply(&one());
    assert_eq!(shown(&world, "user", "bob").flag("nsaccountlock"), Some(true));
    assert_eq!(shown(&world, "group", "dbas").texts("member_user"), ["ana"]);
    for choice in [DeleteData::None, DeleteData::All, DeleteData::Of(["bob".to_owned()].into())] {
        let plan = world.plan(&one()).delete_data(choice);
        assert!(steps(&plan).is_empty(), "{plan}");
        assert!(
            notes(&plan, NoteKind::Kept).iter().any(|text| text.contains("--delete-data user/bob")),
            "{plan}"
        );
    }
    let plan = world.plan(&one()).delete_data(DeleteData::Of(["user/bob".to_owned()].into()));
    assert_eq!(steps(&plan), ["user/bob"], "{plan}");
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert!(!is_there(&world, "user", "bob"));
    assert!(world.plan(&one()).is_empty());

    // One who comes back is the same user.
    let none = || cloud(&world, People::new().group(IpaGroup::new("dbas")));
    world.apply(&none());
    assert_eq!(shown(&world, "user", "ana").flag("nsaccountlock"), Some(true));
    world.apply(&one());
    assert_eq!(shown(&world, "user", "ana").flag("nsaccountlock"), Some(false));
    // In one go, they leave their groups by themselves.
    let plan = world.plan(&none()).delete_data(DeleteData::Of(["user/ana".to_owned()].into()));
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert!(world.plan(&none()).is_empty());
}

#[test]
fn groups_and_rules_go_with_the_cloud_and_numbers_stay() {
    let world = world();
    world.apply(&cloud(&world, everybody()));
    let none = || cloud(&world, People::new());
    let plan = world.plan(&none());
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|text| text.contains("--delete-data group/dbas")), "{plan}");
    world.apply(&none());
    for (object, name) in
        [("group", "operators"), ("hostgroup", "all"), ("sudorule", "root"), ("hbacrule", "ssh")]
    {
        assert!(!is_there(&world, object, name), "{name}");
    }
    assert!(is_there(&world, "group", "dbas"));
    assert!(is_there(&world, "hbacrule", "allow_all"));
    let plan = world.plan(&none()).delete_data(DeleteData::Of(["group/dbas".to_owned()].into()));
    world.run(&plan).converged().unwrap();
    assert!(!is_there(&world, "group", "dbas"));
    // Without people nothing of them is read.
    let mut without = cloud(&world, People::new());
    without.people = None;
    assert!(world.plan(&without).is_empty());
}

#[test]
fn a_thousand_users_take_few_requests() {
    let world = world();
    let users = (0..1000)
        .map(|number| IpaUser::new(format!("user{number}"), "One", format!("Of {number}")).groups(["all"]));
    let people = || users.clone().fold(People::new().group(IpaGroup::new("all")), People::user);
    let cloud = cloud(&world, people());
    let before = world.server.requests();
    let plan = world.plan(&cloud);
    // The zones with their names, and one search for each kind of people.
    assert!(world.server.requests() - before <= 15, "{}", world.server.requests() - before);
    let before = world.server.requests();
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}"));
    let count = world.server.requests() - before;
    assert!(count <= 60, "{count} requests");
    assert!(world.plan(&cloud).is_empty());
    assert_eq!(shown(&world, "group", "all").texts("member_user").len(), 1000);
}
