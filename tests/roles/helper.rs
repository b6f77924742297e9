//! A helper: tools, and credentials of named users.

use super::bastion::{EXAMPLE, found};
use super::*;

#[test]
fn the_page_has_the_lines_of_the_example() {
    is_on(EXAMPLE, include_str!("../../docs/helper.md"));
    let rust = "Helper::new().users([\"ops\", \"ana\"]).tool(helper::Tool::new(\"psql\"))";
    is_converted(EXAMPLE, rust);
}

#[test]
fn each_mistake_has_its_finding() {
    let role = "machines.helper.roles[0]";
    for (changes, wanted) in [
        (
            &[("users: [ops, ana]", "users: [ops, anna]")][..],
            format!("helper-no-user {role}.helper.users[1]"),
        ),
        (&[("users: [ops, ana]", "users: []")], format!("helper-no-user {role}")),
        (
            &[("users: [ops, ana]", "users: [ops, guest]")],
            format!("helper-no-passage {role}.helper.users[1]"),
        ),
        (
            &[(
                "              digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad   # as the project publishes it\n",
                "",
            )],
            format!("helper-no-digest {role}.helper.tools.kubectl"),
        ),
        (&[("psql: {}", "etcdctl: {}")], format!("helper-no-package {role}.helper.tools.etcdctl")),
        (&[("psql: {}", "k9s: {}")], format!("helper-no-package {role}.helper.tools.k9s")),
        (
            &[("psql: {}", "psql=15: {package: postgresql}")],
            format!("role-refused {role}.helper.tools.psql=15"),
        ),
        (
            &[("member: linux-amd64/helm", "member: ../helm")],
            format!("role-refused {role}.helper.tools.helm"),
        ),
        (&[("cluster: prod\n", "cluster: prd\n")], format!("helper-no-cluster {role}.helper.cluster")),
        (&[("          until: 2027-06-30\n", "")], format!("helper-no-cluster {role}")),
        (&[("until: 2027-06-30", "until: 2027-06-31")], format!("value-invalid {role}.helper.until")),
        (
            &[("shop: {postgresql: main}", "shop: {postgresql: mian}")],
            format!("helper-no-database {role}.helper.databases.shop"),
        ),
        (
            &[("shop: {postgresql: main}", "shp: {postgresql: main}")],
            format!("helper-no-database {role}.helper.databases.shp"),
        ),
        (&[("from: [{machine: helper}]", "from: [{machine: web}]")], format!("flow-refused {role}")),
    ] {
        let found = found(changes);
        assert!(found.contains(&wanted), "no {wanted} for {changes:?} in {found:?}");
    }
    for kind in ["no-user", "no-passage", "no-digest", "no-package", "no-cluster", "no-database"] {
        let (code, said) = run("", &format!("explain helper-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}

/// Credentials are in no file of a user who is not named, nor in one that others read.
#[test]
fn credentials_are_for_named_people_alone() {
    let cloud = from_yaml(EXAMPLE).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    let guest = &cloud.machine("helper").unwrap().guest;
    let in_homes: Vec<_> =
        guest.files.iter().filter(|file| file.path.as_str().starts_with("/home/")).collect();
    let paths: Vec<&str> = in_homes.iter().map(|file| file.path.as_str()).collect();
    let of = |user: &str| {
        let files = [
            ".kube/config",
            ".pg_service.conf",
            ".pgpass",
            ".postgresql/main.crt",
            ".ssh/config",
            ".ssh/fmc_known_hosts",
        ];
        files.map(|file| format!("/home/{user}/{file}"))
    };
    let mut wanted: Vec<String> = of("ana").into_iter().chain(of("ops")).collect();
    wanted.sort();
    assert_eq!(paths, wanted);
    assert!(in_homes.iter().all(|file| file.mode.bits() == 0o600));
    // Nothing of them is in what a person sees of the cloud.
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), EXAMPLE).unwrap();
    for command in ["check", "plan --connect sim:host.json", "compile --out out --without-secrets"] {
        let (_, said) = run_in(folder.path(), command);
        assert!(!said.contains("PRIVATE KEY") && !said.contains("client-key-data"), "{command}: {said}");
    }
}

/// cloud-init gets the same lines: a key at its end has no line break of its own there.
#[test]
fn ssh_finds_the_key_of_each_machine_in_what_cloud_init_writes() {
    let artifacts = fmc::testing::Artifacts::of(&from_yaml(EXAMPLE).unwrap());
    let data = fmc_testkit::yaml::read(artifacts.machine("helper").boot("user-data").text()).unwrap();
    let files = data["write_files"].as_array().unwrap();
    let text = |path: &str| {
        let file = files.iter().find(|file| file["path"] == path).unwrap();
        file["content"].as_str().unwrap().to_owned()
    };
    let keys = |path: &str| text(path).lines().filter(|line| line.contains(".shop ")).count();
    assert_eq!(keys("/home/ops/.ssh/fmc_known_hosts"), 4, "{}", text("/home/ops/.ssh/fmc_known_hosts"));
    assert_eq!(keys("/home/ana/.ssh/fmc_known_hosts"), 2);
}

/// A download that fails is tried for ever, and no machine waits for it without its firewall.
#[test]
fn the_firewall_is_there_before_anything_is_fetched() {
    let artifacts = fmc::testing::Artifacts::of(&from_yaml(EXAMPLE).unwrap());
    let data = fmc_testkit::yaml::read(artifacts.machine("helper").boot("user-data").text()).unwrap();
    let commands: Vec<String> = data["runcmd"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let first = |word: &str| commands.iter().position(|command| command.contains(word)).unwrap();
    assert!(first("fmc-firewall.service") < first("curl"), "{commands:#?}");
}

/// Ignition writes the files of a system that has it, for its users.
#[test]
fn ignition_gives_each_file_to_its_user() {
    let rocky =
        "  helper:\n    image: {os: rocky, version: \"9.4\", source: {path: /images/rocky-9.4.qcow2}}";
    let flatcar =
        "  helper:\n    image: {os: flatcar, version: 4593.2.0, source: {path: /images/flatcar.qcow2}}";
    assert!(EXAMPLE.contains(rocky));
    let text = EXAMPLE.replace(rocky, flatcar).replace("            psql: {}\n", "");
    let folder = fmc_testkit::tree::scratch();
    std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let key = fmc::keys::RootKey::from_bytes([7; 32]).to_text();
    std::fs::write(folder.path().join("root.key"), &**key).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path().join("root.key"), mode).unwrap();
    let (code, said) = run_in(folder.path(), "compile --out out --root-key root.key");
    assert_eq!(code, 0, "{said}");
    let ignition = std::fs::read_to_string(folder.path().join("out/guests/helper/config.ign")).unwrap();
    fmc_testkit::ignition::validate(&ignition).unwrap();
    let read: serde_json::Value = serde_json::from_str(&ignition).unwrap();
    let files = read.pointer("/storage/files").unwrap().as_array().unwrap();
    let mut seen = 0;
    for file in files {
        let path = file["path"].as_str().unwrap();
        let Some(user) = path.strip_prefix("/home/").and_then(|rest| rest.split('/').next()) else {
            continue;
        };
        assert_eq!(file["user"]["name"].as_str(), Some(user), "{path}");
        assert_eq!(file["mode"].as_u64(), Some(0o600), "{path}");
        seen += 1;
    }
    assert_eq!(seen, 12);
    let unpacks = read.pointer("/systemd/units").unwrap().as_array().unwrap();
    let helm = unpacks.iter().find(|unit| unit["name"] == "fmc-unpack-helm.service").unwrap();
    assert!(
        helm["contents"].as_str().unwrap().contains("/var/lib/fmc-programs/linux-amd64/helm /opt/bin/.helm")
    );
}
