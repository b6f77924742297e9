//! The people of a cloud, as files say them.

use super::*;

const EXAMPLE: &str = include_str!("../../examples/dns/people.yaml");

#[test]
fn the_example_is_whole() {
    let rust = "IpaUser::new(\"ana\", \"Ana\", \"Ruiz\")";
    is_whole(EXAMPLE, include_str!("../../docs/people.md"), rust);
}

#[test]
fn a_user_who_goes_is_disabled_and_deleted_by_name() {
    let folder = fmc_testkit::tree::scratch();
    let write = |text: &str| std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let run = |arguments: &str| run_in(folder.path(), &format!("{arguments} --connect sim:host.json"));
    write(EXAMPLE);
    let (code, said) = run("apply --yes");
    assert_eq!(code, 0, "{said}");
    for command in ["status", "drift", "plan --detailed-exitcode"] {
        let (code, said) = run(command);
        assert_eq!(code, 0, "{command}: {said}");
    }
    let without: Vec<&str> = EXAMPLE.split("    bob:\n").collect();
    let (before, after) = (without[0], without[1].split_once("  groups:\n    dbas").unwrap().1);
    write(&format!("{before}  groups:\n    dbas{after}"));
    let (_, said) = run("plan");
    assert!(said.contains("`--delete-data user/bob` deletes it"), "{said}");
    let (code, said) = run("apply --yes");
    assert!(code == 0 && said.contains("user bob"), "{said}");
    let (code, said) = run("plan --detailed-exitcode");
    assert!(code == 0 && said.contains("delete it by `--delete-data user/bob`"), "{said}");
    let (code, said) = run("apply --yes --delete-data user/bbo");
    assert!(code != 0 && said.contains("did you mean `user/bob`?"), "{said}");
    let (code, said) = run("apply --yes --delete-data user/bob");
    assert_eq!(code, 0, "{said}");
    let (code, said) = run("plan --detailed-exitcode");
    assert!(code == 0 && !said.contains("user/bob"), "{said}");
    let (code, said) = run("destroy --yes --delete-data ipa1");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn every_setting_is_described() {
    let (code, text) = run("", "schema");
    assert_eq!(code, 0, "{text}");
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    for value in ["People", "IpaUser", "IpaGroup", "HostGroup", "SudoRule", "HbacRule"] {
        let properties = schema.pointer(&format!("/$defs/{value}/properties")).unwrap().as_object().unwrap();
        for (name, setting) in properties {
            assert!(setting.get("description").is_some(), "{value}: {name}");
        }
    }
}

#[test]
fn mistakes_are_shown_at_their_lines_and_explained() {
    let line = 1 + EXAMPLE.lines().position(|line| line.contains("dbas: {")).unwrap();
    let (code, said) = run(&EXAMPLE.replace("databases, users: [ana]", "databases, users: [anna]"), "check");
    assert!(
        code == 1 && said.contains(&format!("cloud.yaml:{line}:")) && said.contains("did you mean ana?"),
        "{said}"
    );
    let (code, said) =
        run(&EXAMPLE.replace("databases: {machines: [db]}", "databases: {machines: [dbb]}"), "check");
    assert!(code == 1 && said.contains("there is no machine dbb"), "{said}");
    let (code, said) =
        run(&EXAMPLE.replace("clients: [db, web], forwarders", "clients: [web], forwarders"), "check");
    assert!(code == 1 && said.contains("error[people-not-enrolled]: db is not enrolled"), "{said}");
    let (code, said) = run(&EXAMPLE.replace("ssh_keys:", "ssh_key:"), "check");
    assert!(code != 0 && said.contains("did you mean `ssh_keys`?"), "{said}");
    for kind in ["server", "name-taken", "circle", "rule", "not-enrolled", "locked-out"] {
        let (code, said) = run("", &format!("explain people-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}
