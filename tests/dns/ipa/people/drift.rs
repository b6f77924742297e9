//! Other hands: what they change of ours is mended, and what is theirs stays.

use super::*;

#[test]
fn what_another_hand_changed_is_mended() {
    let world = world();
    let cloud = cloud(&world, everybody());
    world.apply(&cloud);
    let user = json!({"givenname": "Mal", "sn": "Ory", "loginshell": "/bin/false"});
    for (command, name, options, words) in [
        ("user_mod", "ana", user, "first name Mal -> Ana"),
        ("user_mod", "ana", json!({"ipasshpubkey": [ANA, OTHER]}), "SSH keys ssh-ed25519 …"),
        ("user_mod", "ana", json!({"ipasshpubkey": []}), "ana@lab added"),
        ("user_mod", "ana", json!({"mail": ["x@y.example"]}), "mail x@y.example removed"),
        ("user_disable", "ana", json!({}), "state disabled -> enabled"),
        ("user_enable", "eve", json!({}), "state enabled -> disabled"),
        ("group_add_member", "dbas", json!({"user": ["eve"]}), "users eve removed"),
        ("group_remove_member", "dbas", json!({"user": ["ana"]}), "users ana added"),
        ("group_add_member_manager", "dbas", json!({"user": ["eve"]}), "managers eve removed"),
        (
            "hostgroup_add_member",
            "databases",
            json!({"host": [HOSTS[0]]}),
            "hosts web.cefaslocalserver.com removed",
        ),
        (
            "sudorule_add_option",
            "restart",
            json!({"ipasudoopt": ["!env_reset"]}),
            "options !env_reset removed",
        ),
        (
            "sudorule_add_user",
            "restart",
            json!({"user": ["mallory"]}),
            "users that FreeIPA does not have mallory removed",
        ),
        (
            "sudorule_add_host",
            "restart",
            json!({"host": ["x.example"]}),
            "hosts that FreeIPA does not have x.example removed",
        ),
        ("sudorule_add_runasuser", "restart", json!({"user": ["root"]}), "run as root removed"),
        ("sudorule_disable", "restart", json!({}), "state disabled -> enabled"),
        ("hbacrule_add_user", "ssh", json!({"user": ["eve"]}), "users eve removed"),
        ("hbacrule_remove_service", "ssh", json!({"hbacsvc": ["sshd"]}), "services sshd added"),
        ("hbacrule_enable", "later", json!({}), "state enabled -> disabled"),
    ] {
        call(&world, command, name, options);
        let plan = world.plan(&cloud);
        let text = plan.to_string();
        assert_eq!(steps(&plan).len(), 1, "{command}: {text}");
        assert!(text.contains(words), "{command}: {words}:\n{text}");
        world.apply(&cloud);
    }
}

const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO0Uu3bXbJpEkYpMCZ9DoHaCgQbKIxQMQ4hKEVnK1Zsd eve@lab";

#[test]
fn what_another_hand_deleted_is_made_again() {
    let world = world();
    let cloud = cloud(&world, everybody());
    world.apply(&cloud);
    for (object, name) in [
        ("user", "ana"),
        ("group", "dbas"),
        ("hostgroup", "databases"),
        ("sudorule", "restart"),
        ("hbacrule", "ssh"),
    ] {
        call(&world, &format!("{object}_del"), name, json!({}));
        world.apply(&cloud);
        assert!(is_there(&world, object, name), "{name}");
    }
    // A preserved user comes back as the same one.
    call(&world, "user_del", "bob", json!({"preserve": true}));
    let plan = world.plan(&cloud);
    assert!(plan.to_string().contains("preserved yes -> no"), "{plan}");
    world.apply(&cloud);
    assert_eq!(shown(&world, "group", "dbas").texts("member_user"), ["ana", "bob"]);
}

#[test]
fn entries_of_others_are_left_alone() {
    let world = world();
    call(&world, "user_add", "sam", json!({"givenname": "Sam", "sn": "Own", "userclass": ["people"]}));
    call(&world, "group_add", "theirs", json!({"description": "of others"}));
    call(&world, "group_add_member", "theirs", json!({"user": ["sam"]}));
    call(&world, "hostgroup_add", "their-hosts", json!({"description": "x (fmc/other)"}));
    call(&world, "sudorule_add", "their-sudo", json!({"usercategory": "all"}));
    call(&world, "hbacrule_add", "their-access", json!({}));
    let all = [
        ("user", "sam"),
        ("group", "theirs"),
        ("hostgroup", "their-hosts"),
        ("sudorule", "their-sudo"),
        ("hbacrule", "their-access"),
        ("group", "admins"),
        ("user", "admin"),
        ("hostgroup", "ipaservers"),
        ("hbacrule", "allow_systemd-user"),
    ];
    let before: Vec<_> = all.iter().map(|(object, name)| shown(&world, object, name)).collect();
    world.apply(&cloud(&world, everybody()));
    world.apply(&cloud(&world, People::new()));
    let after: Vec<_> = all.iter().map(|(object, name)| shown(&world, object, name)).collect();
    assert_eq!(after, before);

    // A name of others is not taken.
    for (people, words) in [
        (
            People::new().user(IpaUser::new("sam", "Sam", "Own")),
            "ipa user-mod sam --addattr=userclass=fmc/lab",
        ),
        (People::new().group(IpaGroup::new("theirs")), "ipa group-mod theirs --desc=fmc/lab"),
        (
            People::new().host_group(HostGroup::new("their-hosts").machines(["db"])),
            "it belongs to the cloud other",
        ),
    ] {
        let plan = world.plan(&cloud(&world, people));
        assert!(notes(&plan, NoteKind::Held).iter().any(|text| text.contains(words)), "{words}: {plan}");
        assert!(steps(&plan).is_empty(), "{plan}");
        assert!(world.run(&plan).converged().is_err());
    }
    assert_eq!(all.iter().map(|(object, name)| shown(&world, object, name)).collect::<Vec<_>>(), before);
    // A person gives it to the cloud, and the user's own classes stay.
    call(&world, "user_mod", "sam", json!({"userclass": ["people", "fmc/lab"]}));
    world.apply(&cloud(&world, People::new().user(IpaUser::new("sam", "Samuel", "Own"))));
    let sam = shown(&world, "user", "sam");
    assert_eq!(
        (sam.text("cn").unwrap(), sam.texts("userclass")),
        ("Samuel Own".into(), vec!["people".into(), "fmc/lab".into()])
    );
}

#[test]
fn what_others_have_is_named_and_never_changed() {
    let world = world();
    call(&world, "user_add", "sam", json!({"givenname": "Sam", "sn": "Own"}));
    call(&world, "group_add", "staff", json!({}));
    let others = || {
        People::new()
            .others(PeopleOfOthers::new().users(["sam"]).groups(["staff", "ghosts"]))
            .group(IpaGroup::new("dbas").users(["sam"]).groups(["staff"]))
    };
    let before = (shown(&world, "user", "sam"), shown(&world, "group", "staff"));
    world.apply(&cloud(&world, others()));
    assert_eq!(shown(&world, "group", "dbas").texts("member_group"), ["staff"]);
    assert_eq!((shown(&world, "user", "sam"), shown(&world, "group", "staff")), before);
    // One that nobody has is told when it is named.
    let rule = HbacRule::new("ssh").groups(["ghosts"]).everywhere().services(["sshd"]);
    let plan = world.plan(&cloud(&world, others().hbac_rule(rule)));
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("groups ghosts added"), "{left}");
}

#[test]
fn a_cloud_that_is_destroyed_leaves_its_users_and_names_them() {
    let world = world();
    let cloud = cloud(&world, everybody());
    world.apply(&cloud);
    let none = world.providers.compile(&cloud.check().unwrap()).nothing();
    let plan = block_on(world.providers.plan(&none)).unwrap();
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|text| text.contains("--delete-data user/ana")), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert!(!is_there(&world, "hbacrule", "ssh") && !is_there(&world, "hostgroup", "databases"));
    assert_eq!(shown(&world, "user", "ana").flag("nsaccountlock"), Some(false));
    assert!(is_there(&world, "group", "dbas") && is_there(&world, "hbacrule", "allow_all"));
}

#[test]
fn a_group_gets_a_number_and_never_loses_it() {
    let world = world();
    let group = |group: IpaGroup| cloud(&world, People::new().group(group));
    world.apply(&group(IpaGroup::new("dbas").non_posix()));
    world.apply(&group(IpaGroup::new("dbas")));
    assert!(shown(&world, "group", "dbas").text("gidnumber").is_some());
    let plan = world.plan(&group(IpaGroup::new("dbas").non_posix()));
    assert!(notes(&plan, NoteKind::Held).iter().any(|text| text.contains("ipa group-del dbas")), "{plan}");
}
