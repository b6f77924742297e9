//! Fragments of Ignition and cloud-config, and the import of Butane.

use super::*;

const EXAMPLE: &str = include_str!("../../examples/ignition/cloud.yaml");

const BUTANE: &str = "\
variant: fcos
version: 1.5.0
passwd:
  users: [{name: core, ssh_authorized_keys_local: [key.pub]}]
storage:
  files:
    - {path: /etc/app.conf, mode: 0640, contents: {inline: hello}}
    - {path: /etc/local, contents: {local: tree/local}}
  trees: [{local: tree, path: /opt/tree}]
  raid: [{name: a, level: raid1, devices: [/dev/vdb, /dev/vdc]}]
kernel_arguments: {should_exist: [quiet]}
";

#[test]
fn the_example_is_whole() {
    is_whole(EXAMPLE, include_str!("../../docs/ignition.md"), "Fragment::json(");
}

#[test]
fn ignition_takes_the_example_in_silence() {
    let artifacts = fmc::testing::Artifacts::of(&from_yaml(EXAMPLE).unwrap());
    let config = artifacts.machine("app").boot("config.ign").text().to_owned();
    fmc_testkit::ignition::validate(&config).unwrap();
    let root = fmc_testkit::tree::scratch();
    let tree = fmc_testkit::ignition::apply(&config, root.path()).unwrap();
    assert_eq!(
        (tree["/etc/app/app.conf"].text(), tree["/etc/app/app.conf"].mode),
        (Some("listen: 8080\n"), 0o640)
    );
    assert!(tree["/etc/systemd/system/var-cache-app.mount"].text().unwrap().contains("Options=noatime\n"));
    let user_data = artifacts.machine("db").boot("user-data").text().to_owned();
    fmc_testkit::cloud_init::schema(&user_data).unwrap();
}

#[test]
fn mistakes_are_shown_at_their_lines_and_no_secret_is() {
    let line = |text: &str| 1 + EXAMPLE.lines().position(|line| line.contains(text)).unwrap();
    let (code, said) = run(&EXAMPLE.replace("kernel_arguments:", "kernel_argument:"), "check");
    assert!(code == 1 && said.contains(&format!("cloud.yaml:{}:", line("kernel_arguments:"))), "{said}");
    assert!(
        said.contains("error[fragment-invalid]") && said.contains("did you mean kernel_arguments?"),
        "{said}"
    );
    let (code, said) = run(&EXAMPLE.replace("path: /etc/app/app.conf", "path: /etc/motd"), "check");
    assert!(code == 1 && said.contains("error[guest-clash]: two entries have the path /etc/motd"), "{said}");
    let secret = EXAMPLE.replace(
        "- {name: zincati.service, mask: true}",
        "- {name: zincati.service, mask: true}\n          passwd: {users: [{name: core, passwordHash: $y$planted}]}",
    );
    let (code, said) = run(&secret, "check");
    assert!(code == 1 && said.contains("error[fragment-risk]") && !said.contains("planted"), "{said}");
    for kind in ["fragment-invalid", "fragment-risk"] {
        let (code, said) = run("", &format!("explain {kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}

#[test]
fn butane_is_imported_and_what_is_left_is_listed() {
    let folder = fmc_testkit::tree::scratch();
    let write = |path: &str, text: &str| fmc_testkit::tree::write(&folder.path().join(path), text.as_bytes());
    write("config.bu", BUTANE);
    write(
        "files/key.pub",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM\n",
    );
    write("files/tree/local", "local\n");
    write("outside", "outside\n");

    let (code, said) = run_in(folder.path(), "import butane config.bu");
    assert_eq!(code, 2, "{said}");
    let left = [
        "passwd.users[0].ssh_authorized_keys_local[0]",
        "storage.files[1].contents.local",
        "storage.trees[0].local",
    ];
    for place in left {
        assert!(said.contains(&format!("not imported: {place}: ")), "{said}");
    }

    let (code, said) = run_in(folder.path(), "import butane config.bu --files-dir files");
    assert_eq!(code, 0, "{said}");
    let machine = format!(
        "name: first\nmachines:\n  web:\n    image: {{os: fedora-coreos, version: '44.20260802.3.1'}}\n{}",
        said.lines().map(|line| format!("    {line}\n")).collect::<String>()
    );
    let guest = from_yaml(&machine).unwrap().machines.iter().next().unwrap().guest.clone();
    let wanted = Guest::new()
        .file(GuestFile::text("/etc/app.conf", "hello").mode(0o640))
        .file(GuestFile::text("/etc/local", "local\n"))
        .file(GuestFile::text("/opt/tree/local", "local\n").mode(0o644))
        .user(
            User::new("core")
                .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM"),
        )
        .kernel_arguments(KernelArguments::new().should_exist("quiet"))
        .ignition(Fragment::json(
            r#"{"ignition": {"version": "3.3.0"}, "storage": {"raid": [
                {"name": "a", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdc"]}]}}"#,
        ));
    assert_eq!(guest, wanted);

    let (code, said) = run_in(folder.path(), "import butane config.bu --files-dir files --as rust");
    assert!(
        code == 0 && said.contains("GuestFile::text(\"/etc/app.conf\", \"hello\").mode(\"0640\")"),
        "{said}"
    );

    for path in ["../outside", "/etc/passwd", "tree/none"] {
        write("config.bu", &BUTANE.replace("tree/local", path));
        let (code, said) = run_in(folder.path(), "import butane config.bu --files-dir files");
        assert!(
            code == 2 && said.contains("not imported: storage.files[1].contents.local: "),
            "{path}: {said}"
        );
        assert!(!said.contains("root:") && !said.contains("outside\\n"), "{path}: {said}");
        write("config.bu", &BUTANE.replace("local: tree,", &format!("local: {path},")));
        let (code, said) = run_in(folder.path(), "import butane config.bu --files-dir files");
        assert!(code == 2 && said.contains("not imported: storage.trees[0].local: "), "{path}: {said}");
    }
    write("config.bu", "a: [");
    let (code, said) = run_in(folder.path(), "import butane config.bu");
    assert!(code == 1 && said.contains("failed to read config.bu"), "{said}");
}

/// A new guest would not open the disk: the machine stays, and nothing says that it is as wanted.
#[test]
fn a_disk_keeps_the_key_that_it_was_made_with() {
    let cloud = |disk: &str| {
        format!(
            "name: first\nhosts: {{local: {{}}}}\nmachines:\n  app:\n    image: {{os: flatcar, version: 4230.2.3, source: {{path: /i}}}}\n    \
             root_disk: 20 GiB\n    disks: {{data: {{size: 5 GiB, mount: /var/lib/app{disk}}}}}\n"
        )
    };
    let key = |generation: u32| {
        cloud(&format!(
            ", luks_key: {{name: app-data, source: {{generated: password}}, generation: {generation}}}"
        ))
    };
    let folder = fmc_testkit::tree::scratch();
    let apply = |text: &str, more: &str| {
        std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
        run_in(folder.path(), &format!("apply --yes --connect sim:host.json {more}"))
    };
    let root = fmc::keys::RootKey::from_bytes([7; 32]).to_text();
    std::fs::write(folder.path().join("root.key"), &**root).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.path().join("root.key"), mode).unwrap();
    let (code, said) = apply(&key(1), "--root-key root.key");
    assert_eq!(code, 0, "{said}");
    for (text, told) in
        [(key(2), "and the cloud wants it encrypted by"), (cloud(""), "and the cloud wants it not encrypted")]
    {
        let (code, said) = apply(&text, "--root-key root.key --replace app");
        assert!(
            code != 0 && said.contains("is encrypted by the key") && said.contains(told),
            "{code}: {said}"
        );
    }
    let (code, said) = apply(&key(1), "--root-key root.key --replace app");
    assert_eq!(code, 0, "{said}");
}
