//! The runtime's default seccomp filter, in the form that an OCI runtime reads.
//!
//! It is the file of Debian's containers-common, which Podman uses; containerd has its own, written after the same
//! list of Docker.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::tree::or_panic;

const FILE: &str = "/usr/share/containers/seccomp.json";

/// The architectures by the name that Rust has: as the conditions of the file have it, and as its table.
const ARCHITECTURES: [(&str, &str, &str); 2] =
    [("x86_64", "amd64", "SCMP_ARCH_X86_64"), ("aarch64", "arm64", "SCMP_ARCH_AARCH64")];

/// The filter for a container with these capabilities.
///
/// # Panics
///
/// When the file is not installed or this machine is of another architecture.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub(super) fn filter(capabilities: &BTreeSet<String>) -> Value {
    let path = Path::new(FILE);
    assert!(path.is_file(), "{FILE} is not installed: run `cargo xtask setup`");
    let text = or_panic(std::fs::read_to_string(path), path);
    let profile: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
    let here = ARCHITECTURES.iter().find(|(rust, ..)| *rust == std::env::consts::ARCH);
    let Some((_, arch, table)) = here else { panic!("no seccomp filter for {}", std::env::consts::ARCH) };
    of_profile(&profile, capabilities, arch, table)
}

fn of_profile(profile: &Value, capabilities: &BTreeSet<String>, arch: &str, table: &str) -> Value {
    let list = |of: Option<&Value>| of.and_then(Value::as_array).cloned().unwrap_or_default();
    let maps = list(profile.get("archMap"));
    let map = maps.iter().find(|map| map.get("architecture").is_some_and(|name| name == table));
    let mut architectures = vec![json!(table)];
    architectures.extend(list(map.and_then(|map| map.get("subArchitectures"))));
    let has = |name: &Value| name.as_str().is_some_and(|name| capabilities.contains(name));
    let holds = |rule: &&Value| {
        let of = |side: &str, what: &str| list(rule.pointer(&format!("/{side}/{what}")));
        let (caps, arches) = (of("includes", "caps"), of("includes", "arches"));
        caps.iter().all(has)
            && (arches.is_empty() || arches.contains(&json!(arch)))
            && !of("excludes", "caps").iter().any(has)
            && !of("excludes", "arches").contains(&json!(arch))
    };
    let rule = |rule: &Value| {
        let kept = ["names", "action", "args", "errnoRet"];
        let given =
            kept.iter().filter_map(|key| Some((*key, rule.get(*key).filter(|value| !value.is_null())?)));
        given.map(|(key, value)| (key.to_owned(), value.clone())).collect::<Value>()
    };
    let all = list(profile.get("syscalls"));
    let rules: Vec<Value> = all.iter().filter(holds).map(rule).collect();
    json!({
        "defaultAction": profile.get("defaultAction"),
        "defaultErrnoRet": profile.get("defaultErrnoRet"),
        "architectures": architectures,
        "syscalls": rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_holds_by_capabilities_and_architecture() {
        let profile = json!({ "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "archMap": [{ "architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"] }],
            "syscalls": [
                { "names": ["read"], "action": "SCMP_ACT_ALLOW", "args": null, "includes": {}, "excludes": {} },
                { "names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_SYS_ADMIN"] } },
                { "names": ["umount"], "action": "SCMP_ACT_ERRNO", "excludes": { "caps": ["CAP_SYS_ADMIN"] } },
                { "names": ["sync_file_range2"], "action": "SCMP_ACT_ALLOW", "includes": { "arches": ["ppc64le"] } },
            ] });
        let names = |capabilities: &BTreeSet<String>| {
            let filter = of_profile(&profile, capabilities, "amd64", "SCMP_ARCH_X86_64");
            assert_eq!(filter["architectures"], json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]));
            let rules = filter["syscalls"].as_array().unwrap().clone();
            assert_eq!(rules[0], json!({ "names": ["read"], "action": "SCMP_ACT_ALLOW" }));
            rules.iter().map(|rule| rule["names"][0].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&BTreeSet::new()), ["read", "umount"]);
        assert_eq!(names(&["CAP_SYS_ADMIN".to_owned()].into()), ["read", "mount"]);
    }
}
