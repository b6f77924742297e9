//! Roles in files: by kind, with settings, of the program's own too.

use fmc_core::flow::tcp;
use serde::{Deserialize, Serialize};

use crate::file::{FileError, RoleKinds, Source, Syntax, to_json, to_rust, to_toml, to_yaml};
use crate::prelude::*;

/// A database of the program's own.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Postgres {
    /// The major version.
    version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
}

impl CustomRole for Postgres {
    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().accept(tcp(5000 + u16::from(self.version)), Peer::Anywhere)
    }
}

impl FileRole for Postgres {
    const KIND: &'static str = "postgres";

    fn to_rust(&self) -> String {
        format!("Postgres::new({})", self.version)
    }
}

/// One without settings.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Bastion;

impl CustomRole for Bastion {}

impl FileRole for Bastion {
    const KIND: &'static str = "bastion";
}

fn known() -> RoleKinds {
    RoleKinds::built_in().with::<Postgres>().with::<Bastion>()
}

fn read(text: &str, syntax: Syntax, roles: &RoleKinds) -> Result<Cloud, String> {
    Source::new(text.as_bytes(), syntax).unwrap().roles(roles).cloud().map_err(|error| match error {
        FileError::Read(mistakes) => mistakes.to_string(),
        other => other.to_string(),
    })
}

const YAML: &str = "\
name: first
hosts: {local: {}}
networks: {lab: {mode: nat, subnet: 10.17.3.0/24}}
machines:
  db:
    image: {os: debian, version: '12', source: {path: /images/debian-12.qcow2}}
    root_disk: 10 GiB
    interfaces: [{network: lab, address: 10.17.3.10}]
    roles:
      - node-exporter
      - postgres: {version: 17}
      - bastion
";

fn ports(cloud: &Cloud) -> Vec<u16> {
    cloud.check().unwrap().flows().into("db").ports()
}

#[test]
fn a_file_says_roles_by_kind() {
    let cloud = read(YAML, Syntax::Yaml, &known()).unwrap();
    assert_eq!(ports(&cloud), [5017]);
    for (text, syntax) in [
        (to_yaml(&cloud).unwrap(), Syntax::Yaml),
        (to_toml(&cloud).unwrap(), Syntax::Toml),
        (to_json(&cloud).unwrap(), Syntax::Json),
    ] {
        assert_eq!(read(&text, syntax, &known()).as_ref(), Ok(&cloud), "{text}");
    }
}

#[test]
fn code_of_a_known_type_is_written() {
    let code = || {
        Cloud::new("first").machine(
            Machine::new("db", Image::blank())
                .role(Postgres { version: 17, password: None })
                .role(NodeExporter::new().from(Peer::machine("watch"))),
        )
    };
    let refused = to_yaml(&code()).unwrap_err().to_string();
    assert!(refused.contains("db has the role postgres, which is code"), "{refused}");
    let text = to_yaml(&known().recognise(code())).unwrap();
    let read = read(&text, Syntax::Yaml, &known()).unwrap();
    assert_eq!(read, known().recognise(code()), "{text}");
    let rust = to_rust(&read).unwrap();
    assert!(rust.contains(".role(Postgres::new(17))"), "{rust}");
    assert!(rust.contains(".role(Role::said(NodeExporter::new().from("), "{rust}");
}

#[test]
fn what_is_wrong_with_a_role_is_told_at_its_line() {
    let wrong = |from: &str, to: &str| read(&YAML.replace(from, to), Syntax::Yaml, &known()).unwrap_err();
    let told = wrong("- postgres:", "- postgre:");
    assert_eq!(
        told,
        "line 11, column 9: machines.db.roles[1]: the role `postgre` is not known here; did you mean `postgres`?"
    );
    let told = wrong("{version: 17}", "{version: 17, pasword: x}");
    assert!(
        told.starts_with("line 11, column 33: machines.db.roles[1].postgres: the key `pasword`"),
        "{told}"
    );
    assert!(told.ends_with("did you mean `password`?"), "{told}");
    let told = wrong("{version: 17}", "{version: no}");
    assert!(told.starts_with("line 11, column 29: machines.db.roles[1].postgres.version: "), "{told}");
    let told = wrong("- postgres: {version: 17}", "- postgres");
    assert_eq!(told, "line 11, column 9: machines.db.roles[1].postgres: `version` is missing");
    let told = wrong("- node-exporter", "- node-exporter:");
    assert!(
        told.starts_with("line 10, column 9: machines.db.roles[0].node-exporter: there is no value here"),
        "{told}"
    );
    let told = wrong("- node-exporter", "- node-exporter: {port: }");
    assert!(told.contains("machines.db.roles[0].node-exporter.port: there is no value here"), "{told}");
    let told = wrong("- bastion", "- {bastion: , node-exporter: }");
    assert!(told.starts_with("line 12, column 9: machines.db.roles[2]: one key is expected"), "{told}");
}

#[test]
fn without_the_programs_own_roles_the_nearest_known_one_is_named() {
    let only = YAML
        .replace("- node-exporter", "- node-exportr")
        .replace("      - postgres: {version: 17}\n      - bastion\n", "");
    let told = read(&only, Syntax::Yaml, &RoleKinds::built_in()).unwrap_err();
    assert_eq!(
        told,
        "line 10, column 9: machines.db.roles[0]: the role `node-exportr` is not known here; did you mean `node-exporter`?"
    );
}

#[test]
fn a_wrong_leaf_of_a_role_is_found_at_its_place() {
    let text = YAML.replace("- node-exporter", "- node-exporter: {port: 0}");
    let source = Source::new(text.as_bytes(), Syntax::Yaml).unwrap().roles(&known());
    let report = source.cloud().unwrap().check().unwrap_err();
    let finding = report.findings().iter().find(|finding| finding.refuses()).unwrap();
    assert_eq!(finding.at(), "machines.db.roles[0].node-exporter.port");
    assert_eq!(source.lines().place(source.places().place(finding.at()).start), (10, 31));
}

#[test]
fn a_setting_changes_a_role_and_keeps_code() {
    struct Code;
    impl CustomRole for Code {
        fn flows(&self, _: &Site<'_>) -> Flows {
            Flows::new().accept(tcp(7000), Peer::Anywhere)
        }
    }
    let cloud = read(YAML, Syntax::Yaml, &known()).unwrap();
    let set = |path: &str| {
        crate::set::set_with(&cloud, &[path.parse().unwrap()], &known()).map_err(|error| error.to_string())
    };
    assert_eq!(ports(&set("machines.db.roles[1].postgres.version=16").unwrap()), [5016]);
    let wrong = set("machines.db.roles[1].postgres.versoin=16").unwrap_err();
    assert!(wrong.contains("did you mean `version`?"), "{wrong}");
    let wrong = set("machines.db.roles[2]=bastiom").unwrap_err();
    assert!(wrong.contains("did you mean `bastion`?"), "{wrong}");

    let image = Image::debian("12").path("/images/debian-12.qcow2");
    let lan = Network::nat("lab", "10.17.3.0/24");
    let db =
        Machine::new("db", image).root_disk(10.gib()).interface(Interface::on("lab").address("10.17.3.10"));
    let cloud =
        Cloud::new("first").host(Host::local()).network(lan).machine(db.role(Code).role(NodeExporter::new()));
    let changed = crate::set::set(&cloud, &["machines.db.cpus=2".parse().unwrap()]).unwrap();
    assert_eq!(ports(&changed), [7000]);
}

#[test]
fn the_schema_knows_the_roles_and_their_settings() {
    let schema = known().schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = |yaml: &str| serde_saphyr::from_str::<serde_json::Value>(yaml).unwrap();
    assert!(validator.is_valid(&json(YAML)), "{:?}", validator.iter_errors(&json(YAML)).next());
    let secret = "{version: 17, password: {name: db, source: {environment: DB}}}";
    assert!(validator.is_valid(&json(&YAML.replace("{version: 17}", secret))));
    for (from, to) in [
        ("- postgres:", "- postgre:"),
        ("- bastion", "- bastiom"),
        ("{version: 17}", "{version: 17, pasword: x}"),
        ("{version: 17}", "{version: 17, password: x}"),
    ] {
        assert!(!validator.is_valid(&json(&YAML.replace(from, to))), "{to}");
    }
    let text = schema.to_string();
    assert!(text.contains("The major version") && text.contains("#/$defs/postgres."), "{text}");
}
