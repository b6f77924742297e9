//! The layers: which room may import which, and which crate may depend on which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::imports::Crate;
use crate::Failure;
use crate::workspace::{self, root};

/// The rooms of `fmc-core`, from the top down. A room imports the rooms below it; rooms of one line do not
/// import each other. A room is a file or a folder of `fmc-core/src`; a longer path is a room of its own
/// inside the shorter one.
///
/// Tests are exempt: they make a cloud and check it, whichever room they belong to.
const LAYERS: &[&[&str]] = &[
    // The whole: every rule over the draft, and the checked cloud that comes of a draft.
    &["check", "lab"],
    // The trait of a provider, which gets a checked cloud.
    &["provider"],
    // The table of the built-in roles.
    &["host_side", "roles"],
    // The trait by which the check asks the rooms of roles that span machines, and the types of their findings, for programs.
    &["balancer/room", "k3s/problem", "k3s/room", "mirror/room"],
    // The rules that the rooms of roles apply to a draft, and the roles that a draft states.
    &["balancer/rules", "check/room", "dns/rules", "k3s/parts", "k3s/rules", "people/rules"],
    &["k3s/resolve"],
    // The draft with its references looked up.
    &["check/view"],
    // Drafts that hold roles, and the boot configuration of a machine.
    &["boot", "cloud", "k3s/capacity", "k3s/role"],
    // They want to know who keeps the time, and which databases there are.
    &["helper", "ipa"],
    &[
        "balancer/role",
        "bastion",
        "bind",
        "chrony",
        "cloud_init",
        "firewall",
        "ignition",
        "machine",
        "mirror/role",
        "node_exporter",
        "postgresql",
        "wireguard",
    ],
    // The trait of a role, and the guest as a whole.
    &["boot/inside", "dns/derive", "people/derive", "role"],
    &["dns/server"],
    // The checked cloud.
    &["checked"],
    &["k3s/resolved"],
    &["checked/machine"],
    &["dns/resolved"],
    &["checked/network", "role/fact", "role/membership"],
    &["checked/host"],
    &["checked/index"],
    // The values of K3s and of the roles beside it.
    &["k3s"],
    &["balancer", "mirror"],
    &["program", "yaml"],
    // The nouns of a draft.
    &["disk", "dns", "flow", "guest", "host", "identity", "network", "people", "template"],
    &["addr", "image", "machine/power", "ready", "secret"],
    // The declaration of a draft's settings.
    &["draft"],
    // The planner does not know clouds; the world in memory does not know plans either.
    &["graph", "world"],
    // The findings about values, which speak of leaves.
    &["finding/value"],
    // The leaves, and the findings of a check.
    &["digest", "finding", "name", "named", "path", "ssh", "tz", "unit"],
    &["count", "field", "given", "nearest", "rust", "schema", "shell", "sort", "text"],
];

/// Rooms that only one other room may import: the room, and its importer.
const ONLY_BY: &[(&str, &str)] = &[
    // Only the check makes a checked cloud.
    ("checked/build", "check"),
];

/// The crates of the workspace, from the top down. A crate depends on crates below it; its tests may depend
/// on any.
const CRATES: &[&[&str]] = &[
    // For tests and people: no published crate depends on them.
    &["fmc-api", "fmc-compile-fail", "fmc-platform", "fmc-registry", "fmc-testkit"],
    &["xtask"],
    &["fmc"],
    &["fmc-freeipa", "fmc-k8s", "fmc-keys", "fmc-libvirt"],
    &["fmc-core"],
];

/// The imports and dependencies that break the tables.
pub(crate) fn violations() -> Result<Vec<String>, Failure> {
    let folder = root().join("fmc-core/src");
    let found = Crate::read(&folder.join("lib.rs"))?;
    let mut wrong = imports(LAYERS, &folder, &found);
    wrong.extend(strangers(ONLY_BY, &folder, &found));
    wrong.extend(dependencies(CRATES, &workspace::dependencies()?));
    Ok(wrong)
}

/// Prints the imports of a crate against the table of `fmc-core`: their number, the circles, and the imports
/// that go upwards.
pub(crate) fn show(folder: &Path) -> Result<(), Failure> {
    let found = Crate::read(&folder.join("lib.rs"))?;
    let all = found.imports();
    println!("{} files import each other in {} ways", found.files().len(), all.len());
    for circle in circles(&all) {
        let names: Vec<String> = circle.iter().map(|file| shown(folder, file)).collect();
        println!("a circle of {} files: {}", circle.len(), names.join(" "));
    }
    let upward = imports(LAYERS, folder, &found);
    println!("{} imports against the layers", upward.len());
    for line in upward {
        println!("  {line}");
    }
    Ok(())
}

fn imports(layers: &[&[&str]], folder: &Path, found: &Crate) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<&str> = layers.iter().copied().flatten().copied().collect();
    for file in found.files() {
        let name = shown(folder, file);
        match room(layers, &name) {
            Some((_, room)) => drop(unused.remove(room)),
            None if name == "lib.rs" => {}
            None => wrong.push(format!("{name}: in no layer: add its room to xtask/src/tidy/layers.rs")),
        }
    }
    wrong.extend(unused.into_iter().map(|room| format!("{room}: a room without a file: remove it")));
    for (from, to) in found.imports() {
        let (from, to) = (shown(folder, &from), shown(folder, &to));
        let Some(((above, one), (below, other))) = room(layers, &from).zip(room(layers, &to)) else {
            continue;
        };
        if one != other && above >= below {
            wrong.push(format!(
                "{from}: imports {to}, and {one} is not above {other}: move what both need below, or what needs both above"
            ));
        }
    }
    wrong
}

/// Imports of a room by another room than its permitted importer.
fn strangers(only_by: &[(&str, &str)], folder: &Path, found: &Crate) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, to) in found.imports() {
        let (from, to) = (shown(folder, &from), shown(folder, &to));
        for (room, user) in only_by {
            if is_in(&to, room) && !is_in(&from, room) && !is_in(&from, user) {
                wrong.push(format!("{from}: imports {to}, which is for {user} alone"));
            }
        }
    }
    wrong
}

/// The room of a file, and its layer.
fn room<'a>(layers: &[&[&'a str]], file: &str) -> Option<(usize, &'a str)> {
    let rooms =
        layers.iter().enumerate().flat_map(|(layer, rooms)| rooms.iter().map(move |room| (layer, *room)));
    rooms.filter(|(_, room)| is_in(file, room)).max_by_key(|(_, room)| room.len())
}

/// Whether a file is the room itself or is in its folder.
fn is_in(file: &str, room: &str) -> bool {
    let module = file.strip_suffix(".rs").unwrap_or(file);
    let module = module.strip_suffix("/mod").unwrap_or(module);
    module.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn dependencies(crates: &[&[&str]], found: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let layer = |name: &str| crates.iter().position(|layer| layer.contains(&name));
    let mut wrong = Vec::new();
    for (from, dependencies) in found {
        let Some(above) = layer(from) else {
            wrong.push(format!("{from}: in no layer: add the crate to xtask/src/tidy/layers.rs"));
            continue;
        };
        for to in dependencies {
            if layer(to).is_some_and(|below| below <= above) {
                wrong.push(format!("{from}: depends on {to}, which is not below it"));
            }
        }
    }
    wrong
}

fn shown(folder: &Path, file: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).display().to_string()
}

/// The sets of files that import each other in circles, the largest first.
fn circles(imports: &BTreeSet<(PathBuf, PathBuf)>) -> Vec<Vec<&PathBuf>> {
    let mut next: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    let mut back: BTreeMap<&PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for (from, to) in imports {
        next.entry(from).or_default().push(to);
        back.entry(to).or_default().push(from);
    }
    // The files in the order in which a walk leaves them. Walked backwards from the last, the files that can
    // be reached are a circle.
    let mut left = Vec::new();
    let mut seen = BTreeSet::new();
    for (from, _) in imports {
        walk(from, &next, &mut seen, &mut left);
    }
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for file in left.into_iter().rev() {
        let mut circle = Vec::new();
        walk(file, &back, &mut seen, &mut circle);
        if circle.len() > 1 {
            circle.sort();
            circles.push(circle);
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// Adds all files that can be reached from a file, the farthest first.
fn walk<'a>(
    from: &'a PathBuf,
    next: &BTreeMap<&'a PathBuf, Vec<&'a PathBuf>>,
    seen: &mut BTreeSet<&'a PathBuf>,
    left: &mut Vec<&'a PathBuf>,
) {
    if seen.insert(from) {
        for to in next.get(from).into_iter().flatten() {
            walk(to, next, seen, left);
        }
        left.push(from);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TWO: &[&[&str]] = &[&["check"], &["flow"]];

    /// Writes a crate of these files into a folder of its own and looks at it.
    fn with<T>(name: &str, files: &[(&str, &str)], look: impl FnOnce(&Path, &Crate) -> T) -> T {
        let folder = std::env::temp_dir().join(format!("fmc-layers-{}-{name}", std::process::id()));
        for (file, text) in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let seen = look(&folder, &Crate::read(&folder.join("lib.rs")).unwrap());
        fs::remove_dir_all(&folder).unwrap();
        seen
    }

    /// The violations of [`TWO`] in it, and the number of its circles.
    fn wrong_in(name: &str, files: &[(&str, &str)]) -> (Vec<String>, usize) {
        with(name, files, |folder, found| (imports(TWO, folder, found), circles(&found.imports()).len()))
    }

    const LIB: (&str, &str) = ("lib.rs", "mod check;\nmod flow;\n");

    #[test]
    fn an_import_downwards_is_right() {
        let check = ("check.rs", "use crate::flow::Flow;\nfn check(_: Flow) {}\n");
        assert_eq!(wrong_in("down", &[LIB, check, ("flow.rs", "pub struct Flow;\n")]), (Vec::new(), 0));
    }

    #[test]
    fn an_import_upwards_is_refused_however_it_is_written() {
        let check = ("check.rs", "pub mod deep;\npub fn check() {}\npub use deep::Deep as Renamed;\n");
        let deep = ("check/deep.rs", "pub struct Deep;\n");
        let ways = [
            "use crate::check::check;\n",
            "use crate::{check::{check as other, deep::*}};\n",
            "use super::check;\nfn flow() { check::check() }\n",
            "fn flow() { let _ = vec![crate::check::check()]; }\n",
            "use crate::check;\nimpl check::deep::Deep {}\n",
            "mod inner { use super::super::check::check; }\n",
            "fn flow(_: &[crate::check::Renamed]) {}\n",
        ];
        for (index, way) in ways.into_iter().enumerate() {
            let (wrong, _) = wrong_in(&format!("up{index}"), &[LIB, check, deep, ("flow.rs", way)]);
            assert!(!wrong.is_empty(), "{way}");
            assert!(wrong[0].starts_with("flow.rs: imports check"), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_import_is_not_refused() {
        let check = ("check.rs", "pub fn check() {}\n");
        let ways = [
            "//! See [`crate::check::check`].\n",
            "const TEXT: &str = \"use crate::check::check;\";\n",
            "#[cfg(test)]\nmod tests {\n    use crate::check::check;\n}\n",
            "#[cfg(test)]\nuse crate::check::{check};\npub struct Flow;\n",
            "use std::check::check;\n",
        ];
        for (index, way) in ways.into_iter().enumerate() {
            let (wrong, _) = wrong_in(&format!("none{index}"), &[LIB, check, ("flow.rs", way)]);
            assert_eq!(wrong, Vec::<String>::new(), "{way}");
        }
    }

    #[test]
    fn a_circle_is_found_and_refused() {
        let check = ("check.rs", "use crate::flow::flow;\npub fn check() { flow() }\n");
        let flow = ("flow.rs", "pub fn flow() { crate::check::check() }\n");
        let (wrong, circles) = wrong_in("circle", &[LIB, check, flow]);
        assert_eq!((wrong.len(), circles), (1, 1), "{wrong:?}");
    }

    #[test]
    fn what_is_for_one_room_alone_is_refused_to_others() {
        let files = [
            LIB,
            ("check.rs", "use crate::flow::build::Build;\n"),
            ("flow.rs", "pub mod build;\nuse build::Build;\n"),
        ];
        let files = files.into_iter().chain([("flow/build.rs", "pub struct Build;\n")]).collect::<Vec<_>>();
        let found =
            with("only", &files, |folder, found| strangers(&[("flow/build", "check")], folder, found));
        assert_eq!(found, ["flow.rs: imports flow/build.rs, which is for check alone"]);
    }

    #[test]
    fn a_room_without_a_layer_is_refused() {
        let lib = ("lib.rs", "mod check;\nmod flow;\nmod other;\n");
        let (wrong, _) = wrong_in("room", &[lib, ("check.rs", ""), ("flow.rs", ""), ("other.rs", "")]);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].starts_with("other.rs: in no layer"), "{wrong:?}");
    }

    #[test]
    fn a_crate_that_depends_upwards_is_refused() {
        let on = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let right = BTreeMap::from([("fmc".to_owned(), on(&["fmc-core", "serde"]))]);
        assert!(dependencies(CRATES, &right).is_empty());
        let wrong = BTreeMap::from([("fmc-core".to_owned(), on(&["fmc-keys"]))]);
        assert_eq!(dependencies(CRATES, &wrong), ["fmc-core: depends on fmc-keys, which is not below it"]);
    }
}
