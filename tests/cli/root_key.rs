//! The root key: made, given, refused, and used to derive secrets.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use fmc::file;
use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretRef, SecretScope, Secrets as _};

use crate::stage::{Stage, cloud as without};

fn cloud() -> Cloud {
    of_generation(1)
}

fn of_generation(generation: u32) -> Cloud {
    let web = Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
        .root_disk(3.gib())
        .file(GuestFile::secret("/etc/admin", Secret::password("admin").generation(generation)))
        .file(GuestFile::secret("/etc/token", Secret::generated("token", Generated::Token).generation(2)));
    Cloud::new("first").host(Host::local()).machine(web).accept("login-missing", "a test")
}

/// The password that is derived from a key.
fn password(key: RootKey) -> String {
    let secret = SecretRef::generated(SecretName::literal("admin"), 1, Generated::Password);
    let bytes = Keyring::new(key, &SecretScope::of(OwnerId::literal("first")), Arc::new(NoSecrets))
        .bytes(&secret)
        .unwrap();
    String::from_utf8(bytes.expose().to_vec()).unwrap()
}

fn own() -> RootKey {
    RootKey::from_bytes([9; 32])
}

/// Whether a compiled folder contains a password, as it is or in base64. A written password is there in one
/// of the two forms.
fn has(out: &Path, password: &str) -> bool {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(password);
    let text = fs::read_to_string(out.join("guests/web/user-data")).unwrap();
    text.contains(password) || text.contains(&encoded)
}

#[test]
fn without_a_key_the_sample_serves_and_both_places_say_so() {
    let stage = Stage::new();
    let ran = stage.run(cloud(), "compile --out out");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.err.matches("warning: Secrets in this folder are made from the public sample key").count(),
        1
    );
    assert!(ran.err.contains("--root-key FILE") && ran.err.contains("FMC_ROOT_KEY"), "{ran:?}");
    let out = stage.path().join("out");
    assert!(has(&out, &password(RootKey::sample())));
    let index = fs::read_to_string(out.join("index.json")).unwrap();
    assert!(index.contains("\"root_key\": \"sample\"") && index.contains("\"derivation\": 2"), "{index}");

    // Commands on a cloud without derived secrets do not mention keys, and a wrong key does not stop them.
    let mut stage = Stage::new();
    stage.environment.insert("FMC_ROOT_KEY".to_owned(), "nonsense".to_owned());
    let ran = stage.run(without(), "compile --out out");
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    let index = fs::read_to_string(stage.path().join("out/index.json")).unwrap();
    assert!(!index.contains("root_key"), "{index}");
}

#[test]
fn a_key_is_taken_from_a_file_or_from_the_environment() {
    let mut stage = Stage::new();
    let text = own().to_text();
    fs::write(stage.path().join("root.key"), format!("{}\n", text.as_str())).unwrap();
    let mode =
        |mode| fs::set_permissions(stage.path().join("root.key"), PermissionsExt::from_mode(mode)).unwrap();
    for open in [0o644, 0o640, 0o604, 0o620] {
        mode(open);
        let words = ["is open to others", &format!("{open:04o}"), "chmod 600 root.key"];
        stage.fails(cloud(), "compile --out file --root-key root.key", 1, &words);
    }
    for closed in [0o600, 0o400] {
        mode(closed);
        let ran = stage.run(cloud(), "compile --out file --root-key root.key");
        assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    }
    stage.environment.insert("FMC_ROOT_KEY".to_owned(), text.to_string());
    let ran = stage.run(cloud(), "compile --out variable");
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    for out in ["file", "variable"] {
        let out = stage.path().join(out);
        assert!(has(&out, &password(own())) && !has(&out, &password(RootKey::sample())));
        let index = fs::read_to_string(out.join("index.json")).unwrap();
        assert!(index.contains("\"root_key\": \"given\""), "{index}");
    }
    let both = ["given twice", "--root-key root.key", "FMC_ROOT_KEY", "leave one of them out"];
    stage.fails(cloud(), "compile --out out --root-key root.key", 64, &both);
}

#[test]
fn a_wrong_key_is_refused_with_what_is_right_and_nothing_of_it() {
    let text = own().to_text();
    let cases = [
        ("hunter2".to_owned(), "does not begin with `fmc-root-key-`"),
        (text[..60].to_owned(), "a part is missing"),
        (text.replace("0909", "0908"), "its checksum does not fit"),
        (text.replace("0909", "09o9"), "is not a hexadecimal digit"),
        (String::new(), "it is empty"),
    ];
    for (text, words) in cases {
        let mut stage = Stage::new();
        stage.environment.insert("FMC_ROOT_KEY".to_owned(), text.clone());
        for command in ["compile --out out", "plan", "apply"] {
            stage.fails(cloud(), command, 1, &[words, "FMC_ROOT_KEY", "root-key new"]);
        }
        let ran = stage.run(cloud(), "compile --out out");
        assert!(!ran.err.contains("hunter2") && !ran.err.contains("0909"), "{ran:?}");
        assert!(!stage.path().join("out").exists());
    }
    let stage = Stage::new();
    stage.fails(cloud(), "compile --out out --root-key none.key", 1, &["none.key", "No such file"]);
    fs::write(stage.path().join("big.key"), vec![b'x'; 5000]).unwrap();
    fs::set_permissions(stage.path().join("big.key"), PermissionsExt::from_mode(0o600)).unwrap();
    stage.fails(cloud(), "compile --out out --root-key big.key", 1, &["more than 4 KiB"]);
}

#[test]
fn a_new_key_is_another_each_time_and_never_overwrites_one() {
    let stage = Stage::new();
    let new = || stage.done(without(), "root-key new");
    let keys: BTreeSet<String> = (0..4).map(|_| new()).collect();
    assert_eq!(keys.len(), 4);
    for key in &keys {
        assert!(key.ends_with('\n') && key.lines().count() == 1);
        assert!(!key.parse::<RootKey>().unwrap().is_sample());
    }
    let said = stage.done(without(), "root-key new --out root.key");
    assert!(said.contains("root.key has a new root key") && !said.contains("fmc-root-key-"), "{said}");
    let path = stage.path().join("root.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(&path).unwrap();
    key.parse::<RootKey>().unwrap();
    stage.fails(without(), "root-key new --out root.key", 1, &["already exists", "never overwritten"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
    stage.done(cloud(), "compile --out out --root-key root.key");
    assert!(has(&stage.path().join("out"), &password(key.parse().unwrap())));
}

#[test]
fn what_only_looks_or_is_simulated_needs_no_key() {
    let stage = Stage::new();
    let secrets = [password(RootKey::sample()), password(own())];
    for command in ["check", "plan", "plan --json", "apply", "status", "drift", "destroy", "graph"] {
        let ran = stage.run(cloud(), command);
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        assert!(!ran.err.contains("sample key"), "{command}: {ran:?}");
        assert!(secrets.iter().all(|secret| !ran.out.contains(secret) && !ran.err.contains(secret)));
    }
}

#[test]
fn another_generation_is_a_change_that_a_plan_sees() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    assert!(!stage.done(cloud(), "plan").contains("outdated"));
    let rotated = stage.done(of_generation(2), "plan");
    assert!(rotated.contains("outdated"), "{rotated}");
}

#[test]
fn a_file_says_it_too_and_it_is_converted() {
    let stage = Stage::new();
    let yaml = stage.done(cloud(), "convert yaml");
    assert!(yaml.contains("generated: password") && yaml.contains("generated: token"), "{yaml}");
    let toml = stage.done(cloud(), "convert toml");
    for read in [file::from_yaml(&yaml).unwrap(), file::from_toml(&toml).unwrap()] {
        assert_eq!(stage.done(read, "convert json"), stage.done(cloud(), "convert json"));
    }
    let rust = stage.done(cloud(), "convert rust");
    assert!(rust.contains("Secret::password(\"admin\")"), "{rust}");
    assert!(rust.contains("Secret::generated(\"token\", Generated::Token).generation(2)"), "{rust}");
}

/// Its domain is gone, which said from which root key the secrets of a machine are. Its boot configuration says it too.
#[test]
fn a_machine_that_returns_on_its_root_has_the_secrets_of_its_own_key() {
    let stage = Stage::new();
    for (name, byte) in [("root.key", 9), ("other.key", 8)] {
        let key = stage.path().join(name);
        fs::write(&key, RootKey::from_bytes([byte; 32]).to_text().as_str()).unwrap();
        fs::set_permissions(key, PermissionsExt::from_mode(0o600)).unwrap();
    }
    let world = stage.path().join("first.sim.json");
    let change = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut there = serde_json::from_str(&fs::read_to_string(&world).unwrap()).unwrap();
        change(&mut there);
        fs::write(&world, there.to_string()).unwrap();
    };
    let undefine = || {
        change(&|there| drop(there["domains"].as_object_mut().unwrap().remove("web").unwrap()));
    };
    let plan = |key: &str| {
        let plan = stage.done(cloud(), &format!("plan --root-key {key}"));
        plan.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let other = "this root key is not the one that the secrets of web were made from";
    stage.done(cloud(), "apply --root-key root.key");
    let text = fs::read_to_string(&world).unwrap();
    assert!(!text.contains(RootKey::from_bytes([9; 32]).to_text().as_str()), "{text}");
    undefine();
    let said = plan("root.key");
    assert!(said.contains("which is there") && !said.contains("root key"), "{said}");
    assert!(plan("other.key").contains(other), "{}", plan("other.key"));
    // Whichever key an apply has that defines it again: its mark has the one of its secrets.
    stage.done(cloud(), "apply --root-key other.key");
    assert!(plan("other.key").contains(other), "{}", plan("other.key"));
    assert!(plan("root.key").contains("nothing to do"), "{}", plan("root.key"));

    // An earlier version did not write it down.
    undefine();
    change(&|there| {
        let volumes = there["pools"]["fmc-first"]["volumes"].as_object_mut().unwrap();
        let (_, commit) =
            volumes.iter_mut().find(|(name, _)| name.contains(".boot.") && name.ends_with(".ok")).unwrap();
        assert!(commit.as_object_mut().unwrap().remove("text").is_some());
        commit["capacity"] = 0.into();
    });
    let unknown = "machine web notice returns on its root with the secrets that it was made with";
    for key in ["root.key", "other.key"] {
        let said = plan(key);
        assert!(said.contains(unknown) && !said.contains(other), "{said}");
        // As it is printed: the plan has aligned columns, and a text has no run of spaces.
        let printed = stage.done(cloud(), &format!("plan --root-key {key}"));
        let text = "and it is gone, so whether this key fits them is not known. --replace web makes it";
        assert!(printed.contains(text), "{printed}");
    }
    stage.done(cloud(), "apply --root-key other.key");
    assert!(plan("other.key").contains("nothing to do"));
}

/// A plan in a file says from which key its secrets are made, without saying anything of the key.
#[test]
fn a_plan_in_a_file_runs_with_its_own_root_key_alone() {
    let stage = Stage::new();
    for (name, byte) in [("root.key", 9), ("other.key", 8)] {
        let text = RootKey::from_bytes([byte; 32]).to_text();
        let path = stage.path().join(name);
        fs::write(&path, text.as_str()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    stage.done(cloud(), "plan --out p.json --root-key root.key");
    stage.fails(
        cloud(),
        "apply p.json --root-key other.key",
        1,
        &["made with another root key", "nothing was done"],
    );
    stage.done(cloud(), "apply p.json --root-key root.key");
}
