//! Files and names that somebody else prepared.

use std::fs;
use std::os::unix::fs::symlink;

use fmc::prelude::*;

use crate::files;
use crate::stage::{Stage, cloud};

/// Nothing is written through a link to a file of the user's.
#[test]
fn a_link_is_not_written_through() {
    let stage = Stage::new();
    let at = |name: &str| stage.path().join(name);
    fs::write(at("precious"), "precious").unwrap();
    for link in ["world.json.new", "first.known_hosts"] {
        symlink(at("precious"), at(link)).unwrap();
    }
    stage.done(cloud(), "apply --connect sim:world.json");
    stage.done(with_host_key(), "ssh-config");
    assert!(!fs::symlink_metadata(at("first.known_hosts")).unwrap().is_symlink());
    assert!(fs::read_to_string(at("first.known_hosts")).unwrap().contains("ssh-ed25519"));

    fs::remove_file(at("world.json.lock")).unwrap();
    symlink(at("precious"), at("world.json.lock")).unwrap();
    let says = ["lock", "world.json.lock", "it is a symbolic link: remove it"];
    stage.fails(cloud(), "apply --connect sim:world.json", 1, &says);
    assert_eq!(fs::read_to_string(at("precious")).unwrap(), "precious");
}

fn with_host_key() -> Cloud {
    let host_key = GuestFile::text("/etc/ssh/ssh_host_ed25519_key.pub", format!("{KEY} root@deb\n"));
    let debian = Machine::new("deb", Image::debian("12").path("/images/debian-12.qcow2"))
        .root_disk(2.gib())
        .user(User::admin("ops").key(KEY))
        .interface(Interface::on("lab").address("10.17.3.12"));
    cloud().machine(debian.file(host_key))
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

/// A world that is not whole does not count as an empty one.
#[test]
fn a_world_without_a_section_or_of_another_version_is_refused() {
    let stage = Stage::new();
    let at = stage.path().join("world.json");
    for (text, says) in [("{}", "its section `domains` is missing"), ("{\"version\": 9}", "its version is 9")]
    {
        fs::write(&at, text).unwrap();
        for command in ["plan", "apply", "destroy"] {
            let ran = stage.run(cloud(), &format!("{command} --connect sim:world.json"));
            assert!(ran.code > 0 && ran.err.contains(says), "{command}: {ran:?}");
        }
        assert_eq!(fs::read_to_string(&at).unwrap(), text);
    }
}

/// A character that a terminal acts on.
fn acting(text: &str) -> Option<char> {
    text.chars().find(|it| {
        (it.is_control() && *it != '\n') || matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    })
}

const ESCAPES: &str = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\u{0}";

/// Names that libvirt gives, of files and domains of others.
#[test]
fn a_name_on_the_host_does_not_act_on_the_terminal() {
    let stage = Stage::new();
    stage.done(cloud(), "apply --connect sim:world.json");
    let at = stage.path().join("world.json");
    let mut world: serde_json::Value = serde_json::from_str(&fs::read_to_string(&at).unwrap()).unwrap();
    let volumes = &mut world["pools"]["fmc-first"]["volumes"];
    let any = volumes.as_object().unwrap().values().next().unwrap().clone();
    volumes[format!("a{ESCAPES}\nerror: forged")] = any;
    let name = format!("theirs{ESCAPES}");
    let db = world["domains"]["db"].clone();
    let mut theirs = db;
    let xml = theirs["xml"].as_str().unwrap().replace("<name>db</name>", "<name>theirs</name>");
    let (first, rest) = xml.split_once("<metadata>").unwrap();
    theirs["xml"] = format!("{first}{}", rest.split_once("</metadata>").unwrap().1).into();
    theirs["uuid"] = "11111111-2222-4333-8444-555555555555".into();
    theirs["live"] = serde_json::Value::Null;
    world["domains"][&name] = theirs;
    fs::write(&at, world.to_string()).unwrap();
    for command in ["plan", "status", "drift", "destroy", "plan --json"] {
        let arguments = format!("{command} --connect sim:world.json");
        let ran = stage.run(cloud(), &arguments);
        assert_eq!(acting(&ran.out), None, "{command}: {ran:?}");
        assert_eq!(acting(&ran.err), None, "{command}: {ran:?}");
        assert!(
            !ran.out.lines().chain(ran.err.lines()).any(|line| line.starts_with("error: forged")),
            "{ran:?}"
        );
    }
    let destroyed = stage.run(cloud(), "plan --connect sim:world.json");
    assert!(destroyed.out.contains("machine"), "{destroyed:?}");
}

/// Keys, reasons and paths of a cloud's file.
#[test]
fn a_cloud_file_does_not_act_on_the_terminal() {
    let quoted = "\"a\\e]0;owned\\a\\u202e\\u0000\"";
    for text in [
        format!("name: first\n{quoted}: 1\n"),
        format!("name: {quoted}\n"),
        format!(
            "name: first\nhosts: {{ local: {{}} }}\nmachines: {{ {quoted}: {{ image: {{ os: none }} }} }}\n"
        ),
        format!(
            "name: first\nhosts: {{ local: {{}} }}\naccept: [{{ kind: login-missing, reason: {quoted} }}]\nmachines: {{ web: {{ image: {{ os: rocky, version: {quoted}, path: {quoted} }} }} }}\n"
        ),
        "name: first\nhosts: { local: {} } # \u{1b}]0;owned\u{7}\u{202e}\nnetwork: 1\n".to_owned(),
    ] {
        let folder = files::folder(&[("cloud.yaml", &text)]);
        for arguments in [
            "check",
            "plan --connect sim:w.json",
            "apply --yes --connect sim:w.json",
            "check --set machines.web.\u{202e}=1",
        ] {
            let ran = files::fmc(folder.path(), arguments, "");
            for stream in [&ran.out, &ran.err] {
                assert_eq!(acting(stream), None, "{arguments} of {text:?}: {ran:?}");
            }
        }
    }
}

const SECRETS: &str = "name: first
hosts: { local: {} }
machines:
  web:
    image: { os: debian, version: '12', source: { path: /images/debian-12.qcow2 } }
    root_disk: 20 GiB
    guest:
      files:
        /etc/token: { contents: { secret: { name: token, source: SOURCE } } }
accept: [{ kind: login-missing, reason: a test }]
";

/// What a cloud's file reads on this computer is said, and the root key is never a secret of a guest.
#[test]
fn a_cloud_file_says_what_it_reads_and_gets_no_root_key() {
    let of = |source: &str| SECRETS.replace("SOURCE", source);
    let folder = files::folder(&[("cloud.yaml", &of("{ file: /etc/hostname }"))]);
    for command in ["check", "plan --connect sim:w.json"] {
        let ran = files::fmc(folder.path(), command, "");
        assert!(
            ran.out.contains("reads here, for guests and clusters: the file /etc/hostname"),
            "{command}: {ran:?}"
        );
    }
    fs::write(folder.path().join("cloud.yaml"), of("{ environment: FMC_ROOT_KEY }")).unwrap();
    for command in ["check", "plan --connect sim:w.json", "apply --yes --connect sim:w.json"] {
        let ran = files::fmc(folder.path(), command, "");
        assert!(ran.code > 0 && ran.err.contains("has the root key: no guest gets it"), "{command}: {ran:?}");
    }
    // The file of the key, by another name.
    assert_eq!(files::fmc(folder.path(), "root-key new --out root.key", "").code, 0);
    symlink(folder.path().join("root.key"), folder.path().join("harmless")).unwrap();
    fs::write(folder.path().join("cloud.yaml"), of("{ file: harmless }")).unwrap();
    for command in ["plan --connect sim:w.json --root-key root.key", "compile --out out --root-key root.key"]
    {
        let ran = files::fmc(folder.path(), command, "");
        assert!(ran.code > 0 && ran.err.contains("root key"), "{command}: {ran:?}");
    }
    // Its content tells too, without the option.
    let ran = files::fmc(folder.path(), "compile --out out", "");
    assert!(ran.code > 0 && ran.err.contains("it is a root key, which no guest gets"), "{ran:?}");
}
