//! A planted secret appears in the guest's own files and nowhere else, neither itself nor a hash of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use fmc::prelude::*;
use sha2::{Digest as _, Sha256, Sha512};

use crate::stage::Stage;

const PLANTED: [&str; 2] = [
    "correct-horse-battery-staple",
    "$6$salt$tr0ub4dor.and.three...................................................................",
];

fn cloud() -> Cloud {
    let token = || Secret::file("token", "token.txt").generation(3);
    let password = || Secret::environment("password", "OPS_PASSWORD");
    let machine = |name: &str, image: Image| {
        Machine::new(name, image)
            .root_disk(3.gib())
            .user(User::admin("ops").password_hash(password()))
            .file(GuestFile::secret("/etc/token", token()))
    };
    Cloud::new("first")
        .host(Host::local())
        .machine(machine("web", Image::debian("12").path("/images/debian-12.qcow2")))
        .machine(machine("core", Image::flatcar("4593.2.0").path("/images/flatcar.qcow2")))
        .accept("login-missing", "a test")
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    fs::write(stage.path().join("token.txt"), PLANTED[0]).unwrap();
    stage.environment.insert("OPS_PASSWORD".to_owned(), PLANTED[1].to_owned());
    stage
}

/// The forms of a secret, and the data that would reveal it.
fn traces() -> Vec<Vec<u8>> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    PLANTED
        .iter()
        .flat_map(|secret| {
            let (short, long) = (Sha256::digest(secret), Sha512::digest(secret));
            [
                (*secret).to_owned(),
                STANDARD.encode(secret),
                STANDARD_NO_PAD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
                hex(secret.as_bytes()),
                hex(&short),
                hex(&short[..16]),
                hex(&long),
                STANDARD.encode(short),
            ]
        })
        .map(String::into_bytes)
        .collect()
}

fn holds(bytes: &[u8]) -> bool {
    traces().iter().any(|trace| bytes.windows(trace.len()).any(|window| window == trace))
}

/// Searches every file but the secret's own. Counts the files that contain a secret, which must all be the
/// guest's own.
fn search(folder: &Path, found: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, found);
        } else if path.file_name().is_none_or(|name| name != "token.txt") && holds(&fs::read(&path).unwrap())
        {
            assert!(path.to_string_lossy().contains("/guests/"), "{} holds a secret", path.display());
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                path.display()
            );
            *found += 1;
        }
    }
}

#[test]
fn a_planted_secret_is_in_the_guests_files_only() {
    let stage = stage();
    for command in [
        "check",
        "check --json",
        "plan",
        "plan --json",
        "plan --out plan.json",
        "compile --out out",
        "compile --out out --json",
        "apply",
        "apply --json --replace web",
        "status --json",
        "plan --set machines.web.memory=2GiB",
        "destroy --delete-data all",
    ] {
        let ran = stage.run(cloud(), command);
        assert_eq!(ran.code, 0, "{command}: {ran:?}");
        assert!(
            !holds(ran.out.as_bytes()) && !holds(ran.err.as_bytes()),
            "{command} tells a secret: {ran:?}"
        );
    }
    let mut found = 0;
    search(stage.path(), &mut found);
    // The test has a meaning only if the secrets are where they belong: config.ign, user-data and seed.iso.
    assert_eq!(found, 3);
    let index = fs::read_to_string(stage.path().join("out/index.json")).unwrap();
    assert!(index.contains("\"name\": \"token\"") && index.contains("\"generation\": 3"), "{index}");
    assert_eq!(index.matches("\"template\": true").count(), 3, "{index}");
}

#[test]
fn the_index_does_not_depend_on_the_bytes_of_secrets() {
    let (one, mut other) = (stage(), stage());
    fs::write(other.path().join("token.txt"), "another token").unwrap();
    other.environment.insert(
        "OPS_PASSWORD".to_owned(),
        "$6$salt$another..............................................................................."
            .to_owned(),
    );
    let index = |stage: &Stage| stage.done(cloud(), "compile --out out --json");
    assert_eq!(index(&one), index(&other));
}

#[test]
fn a_secret_that_is_not_there_is_named_and_nothing_is_written() {
    let mut stage = stage();
    stage.environment.remove("OPS_PASSWORD");
    stage.fails(cloud(), "compile --out out", 1, &["secret password", "OPS_PASSWORD", "it is not set"]);
    stage.environment.insert("OPS_PASSWORD".to_owned(), String::new());
    stage.fails(cloud(), "compile --out out", 1, &["it is empty"]);
    stage.environment.insert("OPS_PASSWORD".to_owned(), PLANTED[1].to_owned());
    fs::remove_file(stage.path().join("token.txt")).unwrap();
    stage.fails(cloud(), "compile --out out", 1, &["secret token", "the file token.txt", "No such file"]);
    let left: Vec<_> = fs::read_dir(stage.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // Only `compile --out` and an apply to a real host need the bytes.
    for command in ["check", "plan", "apply", "status"] {
        stage.done(cloud(), command);
    }
}
