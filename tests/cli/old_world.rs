//! A world that a version of fmc made which recorded nothing of what machines were made with, and no version of the world's
//! form: commit b050f20 wrote `golden/old-world.json` from the cloud beside it.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Today's program in a folder with the old world.
struct Old(TempDir);

impl Old {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("cloud.yaml"), include_str!("golden/old-world.yaml")).unwrap();
        fs::write(folder.path().join("world.json"), include_str!("golden/old-world.json")).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let ran = Command::new(env!("CARGO_BIN_EXE_fmc"))
            .args(["--connect", "sim:world.json"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("FMC_ROOT_KEY")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(matches!(ran.status.code(), Some(0 | 2)), "{text}");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn world(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.0.path().join("world.json")).unwrap()).unwrap()
    }
}

/// The running guests by their ids, which change with each start, and the volumes.
fn lasting(world: &Value) -> Vec<String> {
    let domains = world["domains"].as_object().unwrap();
    let guests = domains.iter().map(|(name, domain)| format!("{name} {}", domain["live"]["id"]));
    let volumes = world["pools"]["fmc-first"]["volumes"].as_object().unwrap();
    guests
        .chain(
            volumes.iter().map(|(name, volume)| format!("{name} {} {}", volume["capacity"], volume["sent"])),
        )
        .collect()
}

fn born(world: &Value, machine: &str) -> bool {
    world["domains"][machine]["xml"].as_str().unwrap().contains("<fmc:born version='1'")
}

/// The data of a machine that an earlier version removed: nothing is left of the machine but its disk, and no record.
#[test]
fn old_data_of_a_machine_that_is_gone_is_shown_as_unknown() {
    let old = Old::new();
    let mut world = old.world();
    world["domains"].as_object_mut().unwrap().remove("bare").unwrap();
    let volumes = world["pools"]["fmc-first"]["volumes"].as_object_mut().unwrap();
    volumes.retain(|name, _| !name.starts_with("bare.") || name.contains(".disk."));
    let disk = volumes.keys().find(|name| name.starts_with("bare.disk.")).unwrap().clone();
    fs::write(old.0.path().join("world.json"), world.to_string()).unwrap();
    let cloud = include_str!("golden/old-world.yaml");
    let (machines, clusters) =
        (cloud.split("  bare:").next().unwrap(), cloud.split("clusters:").nth(1).unwrap());
    fs::write(old.0.path().join("cloud.yaml"), format!("{machines}clusters:{clusters}")).unwrap();
    for command in [&["status"][..], &["plan", "--json"], &["destroy", "--yes", "--delete-data", "all"]] {
        let said = old.run(command);
        assert!(said.contains("of unknown data: nothing shows that fmc made it"), "{command:?}: {said}");
        assert!(said.contains(&format!("virsh vol-create-as fmc-first {disk}.v1.none.none 0")), "{said}");
        assert!(old.world().to_string().contains(&disk));
    }
}

#[test]
fn an_old_world_is_planned_and_nothing_of_it_restarts() {
    let old = Old::new();
    let before = old.world();
    assert!(before["version"].is_null() && !before.to_string().contains("fmc:born"));

    let plan = old.run(&["plan"]);
    assert!(plan.contains("~ machine bare update mark/born what the machine was made with added"), "{plan}");
    // The form of boot configurations has changed since. What these two were made with is not known, and not made up.
    for machine in ["m1", "web"] {
        let words = format!("! machine {machine} outdated boots with an older boot configuration");
        assert!(plan.contains(&words), "{plan}");
    }
    assert!(plan.contains("1 to update, 0 to delete · 2 outdated"), "{plan}");

    old.run(&["apply", "--yes"]);
    let after = old.world();
    assert_eq!(lasting(&after), lasting(&before));
    assert_eq!(["bare", "m1", "web"].map(|machine| born(&after, machine)), [true, false, false]);
    assert_eq!(after["version"], 1);
    let plan = old.run(&["plan"]);
    assert!(plan.contains("1 machine no change") && !plan.contains("to update"), "{plan}");

    // Once they are made anew, it is known, and there is nothing left.
    old.run(&["apply", "--yes", "--replace", "m1", "--replace", "web"]);
    let renewed = old.world();
    assert_eq!(["bare", "m1", "web"].map(|machine| born(&renewed, machine)), [true; 3]);
    let disks = |world: &Value| {
        let kept = lasting(world).into_iter().filter(|line| line.contains(".disk."));
        kept.partition::<Vec<_>, _>(|line| ![".v1.", ".v2."].iter().any(|version| line.contains(version)))
    };
    let ((kept, records), (had, none)) = (disks(&renewed), disks(&before));
    assert_eq!((kept, none), (had, Vec::new()));
    // Beside each disk that the new guests mount it is said what is on it.
    assert!(!records.is_empty() && records.iter().all(|line| line.contains(".ext4._")), "{records:?}");
    let plan = old.run(&["plan"]);
    assert!(plan.contains("nothing to do") || plan.contains("3 machines no change"), "{plan}");
}
