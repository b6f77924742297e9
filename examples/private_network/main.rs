//! A role of a program's own that spans machines: `cargo run --example private_network -- -f examples/private_network/cloud.yaml check`,
//! and its tests by `cargo test --example private_network`.

mod role;

use fmc::cli::Program;
use fmc::prelude::*;

use role::PrivateNetwork;

fn main() -> ExitCode {
    Program::of_file().spanning_role::<PrivateNetwork>().main()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use fmc::cli::Io;
    use fmc::file::{RoleKinds, Source, Syntax, to_rust, to_yaml};
    use fmc::testing::{Sim, assert_empty};

    use super::*;

    const FILE: &str = include_str!("cloud.yaml");

    fn read(text: &str) -> Result<Cloud, String> {
        let roles = RoleKinds::built_in().with_spanning::<PrivateNetwork>();
        let source = Source::new(text.as_bytes(), Syntax::Yaml).unwrap().roles(&roles);
        source.cloud().map_err(|error| error.to_string())
    }

    fn without_a_network() -> String {
        FILE.split("roles:").next().unwrap().to_owned()
    }

    /// The program's exit code and output for a file.
    fn run(text: &str, arguments: &str) -> (u8, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
        run_in(folder.path(), arguments)
    }

    fn run_in(folder: &Path, arguments: &str) -> (u8, String) {
        // A command that reads no cloud takes no file.
        let file: &[&str] = if arguments == "schema" || arguments.starts_with("explain") {
            &[]
        } else {
            &["-f", "cloud.yaml"]
        };
        let all = ["program"].iter().chain(file).copied().chain(arguments.split_whitespace());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io { folder: folder.to_owned(), ..Io::new(&mut out, &mut err) };
        let program = Program::of_file().spanning_role::<PrivateNetwork>();
        let code = program.run(all.map(OsString::from), &mut io);
        out.append(&mut err);
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_member_knows_the_others_and_has_the_same_key() {
        let checked = read(FILE).unwrap().check().unwrap();
        let mut keys = Vec::new();
        for (name, others) in [("berlin", ["lyon", "turin"]), ("lyon", ["berlin", "turin"])] {
            let machine = checked.machine(name).unwrap();
            let file =
                machine.guest.files.iter().find(|file| file.path.as_str() == "/etc/swanctl/conf.d/main.conf");
            let text = format!("{:?}", file.unwrap().contents);
            for other in others {
                let address = checked.machine(other).unwrap().address().unwrap();
                assert!(text.contains(&format!("remote_addrs = {address}")), "{name}: {text}");
            }
            assert!(!text.contains(&format!("main-{name} ")), "{text}");
            keys.extend(
                machine.guest.secrets().filter(|secret| secret.name.as_str().contains("main")).cloned(),
            );
            assert!(checked.flows().into(name).from(MachineName::literal("turin")).allows(udp(4500)));
        }
        assert_eq!((keys.len(), keys.first()), (2, keys.last()));
        assert_eq!(keys.first().unwrap().name.as_str(), "private-network-main-key");
    }

    #[test]
    fn a_plan_makes_it_and_says_what_must_be_done_before_a_member_leaves() {
        let world = Sim::new();
        world.apply(&read(FILE).unwrap());
        assert_empty(&world.plan(&read(FILE).unwrap()));
        let mut fewer = read(&FILE.replace(", turin]", "]")).unwrap();
        fewer.machines =
            fewer.machines.into_iter().filter(|machine| machine.name.to_string() != "turin").collect();
        let plan = world.plan(&fewer);
        assert!(plan.to_string().contains("raise `generation` of main"), "{plan}");
    }

    #[test]
    fn its_own_rule_and_those_of_every_role_see_its_members() {
        let found = |text: &str| read(text).unwrap().check().unwrap_err().to_string();
        let alone = found(&FILE.replace("[berlin, lyon, turin]", "[berlin]"));
        assert!(alone.contains("error[private-network-alone]: main has fewer than two members"), "{alone}");
        assert!(alone.contains("at roles[0]\n"), "{alone}");
        let unknown = found(&FILE.replace("turin]", "torino]"));
        assert!(
            unknown.contains("there is no machine torino\n  at roles[0].private-network.members[2]"),
            "{unknown}"
        );
        let twice = found(&FILE.replace("turin]", "lyon]"));
        assert!(twice.contains("role-clash") && twice.contains("members[2]"), "{twice}");
        let wrong = found(&FILE.replace("turin]", "Turin!]"));
        assert!(
            wrong.contains("name-invalid") && wrong.contains("roles[0].private-network.members[2]"),
            "{wrong}"
        );
    }

    #[test]
    fn the_commands_know_it() {
        let (code, said) = run(FILE, "check");
        assert_eq!(code, 0, "{said}");
        // A wrong value is shown at its line.
        let (code, said) = run(&FILE.replace("turin]", "torino]"), "check");
        assert!(code == 1 && said.contains("cloud.yaml:20:") && said.contains("torino"), "{code} {said}");
        let (code, said) = run(&FILE.replace("members:", "membres:"), "check");
        assert!(
            code != 0 && said.contains("did you mean `members`?") && said.contains("cloud.yaml:20:"),
            "{said}"
        );
        let (code, said) = run(&FILE.replace("private-network:", "private-netwrk:"), "check");
        assert!(code != 0 && said.contains("private-network"), "{said}");
        // A role that spans machines is none of one machine.
        let misplaced = format!("{}    roles: [private-network]\n", without_a_network());
        let (code, said) = run(&misplaced, "check");
        assert!(code != 0 && said.contains("below `roles` of the cloud"), "{said}");

        let (code, said) = run(FILE, "graph --flows --as mermaid");
        assert!(code == 0 && said.contains("4500"), "{said}");
        let (code, said) = run(FILE, "--set roles[0].private-network.members=[berlin] check");
        assert!(code == 1 && said.contains("private-network-alone"), "{said}");
        let (code, said) = run(FILE, "--set roles[0].private-network.generation=2 convert yaml");
        assert!(code == 0 && said.contains("generation: 2"), "{said}");
        let (code, said) = run(FILE, "explain private-network-alone");
        assert!(code == 0 && said.contains("fewer than two members"), "{said}");
        let (code, said) = run(FILE, "--lab check");
        assert_eq!(code, 0, "{said}");
    }

    #[test]
    fn the_commands_apply_it_and_say_what_a_member_that_leaves_must_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloud.yaml");
        std::fs::write(&file, FILE).unwrap();
        let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json");
        assert_eq!(code, 0, "{said}");
        let (_, turin) = FILE.split_once("  turin:").unwrap();
        let (turin, _) = turin.split_once("roles:").unwrap();
        let fewer = FILE.replace(&format!("  turin:{turin}"), "").replace(", turin]", "]");
        std::fs::write(&file, fewer).unwrap();
        let (code, said) = run_in(folder.path(), "plan --connect sim:host.json");
        assert!(code == 0 && said.contains("- machine turin"), "{said}");
        assert!(said.contains("raise `generation` of main"), "{said}");
    }

    #[test]
    fn the_schema_knows_its_settings() {
        let (code, text) = run(FILE, "schema");
        assert_eq!(code, 0, "{text}");
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        // The kinds of the built-in spanning roles depend on the features.
        let kinds = schema.pointer("/$defs/Spanning/anyOf").unwrap().as_array().unwrap();
        let settings = kinds.iter().find_map(|kind| kind.pointer("/properties/private-network/properties"));
        let known: Vec<&String> = settings.unwrap().as_object().unwrap().keys().collect();
        assert_eq!(known, ["generation", "members", "name"]);
    }

    #[test]
    fn it_is_converted_both_ways() {
        let cloud = read(FILE).unwrap();
        assert_eq!(read(&to_yaml(&cloud).unwrap()).unwrap(), cloud);
        let rust = to_rust(&cloud).unwrap();
        assert!(rust.contains(".role(Spanning::from_json::<PrivateNetwork>("), "{rust}");
        let code = Cloud::new("offices").role(PrivateNetwork {
            name: "main".to_owned(),
            members: ["berlin", "lyon", "turin"].map(Given::from).to_vec(),
            generation: 1,
        });
        assert!(to_yaml(&code).unwrap_err().to_string().contains("`FileSpanningRole`"));
    }
}
