//! A program's own roles in its files: `cargo run --example postgres -- -f examples/postgres/cloud.yaml
//! check`, and its tests with `cargo test --example postgres`.

mod role;

use fmc::cli::Program;
use fmc::prelude::*;

use role::{Postgres, Shop};

fn main() -> ExitCode {
    Program::of_file().role::<Postgres>().role::<Shop>().main()
}

#[cfg(test)]
mod tests {
    use fmc::file::{RoleKinds, Source, Syntax, to_rust, to_yaml};
    use fmc::testing::{Sim, assert_empty};

    use super::*;

    const FILE: &str = include_str!("cloud.yaml");

    fn roles() -> RoleKinds {
        RoleKinds::built_in().with::<Postgres>().with::<Shop>()
    }

    fn read(text: &str) -> Cloud {
        Source::new(text.as_bytes(), Syntax::Yaml).unwrap().roles(&roles()).cloud().unwrap()
    }

    #[test]
    fn a_file_with_it_is_checked_and_who_calls_follows_from_the_roles() {
        let checked = read(FILE).check().unwrap();
        assert!(checked.flows().into("db").from(MachineName::literal("app")).allows(tcp(5432)));
        let db = checked.machine("db").unwrap();
        assert_eq!(db.disks.iter().map(|disk| disk.name.as_str()).collect::<Vec<_>>(), ["postgres"]);
        assert!(checked.findings().iter().any(|finding| finding.accepted().is_some()));
    }

    #[test]
    fn its_files_hold_a_verifier_and_never_the_password() {
        let checked = read(FILE).check().unwrap();
        let secrets = |machine: &str| -> Vec<String> {
            checked.machine(machine).unwrap().guest.secrets().map(|secret| secret.name.to_string()).collect()
        };
        assert!(secrets("db").contains(&"scram-postgres-shop-verifier".to_owned()), "{:?}", secrets("db"));
        assert!(!secrets("db").contains(&"postgres-shop".to_owned()));
        assert!(secrets("app").contains(&"postgres-shop".to_owned()));
    }

    #[test]
    fn the_database_is_planned_before_who_waits_for_it() {
        let world = Sim::new();
        let plan = world.plan(&read(FILE));
        let place = |name: &str| {
            plan.steps.iter().position(|step| step.address.kind() == "domain" && step.address.name() == name)
        };
        assert!(place("db").unwrap() < place("app").unwrap(), "{plan}");
        world.apply(&read(FILE));
        assert_empty(&world.plan(&read(FILE)));
        let gone = world.plan(&read("name: shop\nhosts: {local: {}}\n"));
        assert!(gone.to_string().contains("pg_dump shop"), "{gone}");
    }

    #[test]
    fn it_is_converted_both_ways() {
        let cloud = read(FILE);
        assert_eq!(read(&to_yaml(&cloud).unwrap()), cloud);
        let rust = to_rust(&cloud).unwrap();
        assert!(rust.contains(".role(Role::from_json::<Postgres>("), "{rust}");
        let said =
            Role::from_json::<Postgres>(r#"{"database": "shop", "from": [{"role": {"kind": "shop"}}]}"#);
        assert!(cloud.own_roles().any(|(_, role)| *role == said));
    }
}
