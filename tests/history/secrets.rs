//! Groups 20 and 21: secrets in repositories, and versions that change from one day to the next.

use fmc::prelude::*;
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};

use crate::{caught, seed, unreadable};

/// Only the guest's own files may contain this.
const PLANTED: &str =
    "$6$salt$correct.horse.battery.staple..........................................................";

/// Gives the planted secret for every name.
struct Planted;

impl Secrets for Planted {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(PLANTED.as_bytes().to_vec()))
    }
}

/// Every template had one password hash, and five inventories had the password of sudo.
#[test]
fn h20_a_file_cannot_hold_a_secret() {
    let user = |hash: &str| {
        format!(
            "name: first\nmachines: {{web: {{image: {{os: debian, version: '12'}}, guest: {{users: {{ops: {{password_hash: {hash}}}}}}}}}}}\n"
        )
    };
    unreadable(&user(&format!("'{PLANTED}'")), "password_hash");
    fmc::file::from_yaml(&user("{name: ops, source: {environment: OPS_HASH}}")).unwrap();
}

/// A secret is filled in when its file is written; nothing else that is printed or kept contains it.
#[test]
fn h20_a_secret_is_in_its_own_guest_alone() {
    let hash = "{ops: {admin: true, password_hash: {name: ops, source: {environment: OPS_HASH}}}}";
    let cloud = seed(&[&format!("machines.helper.guest.users={hash}")]);
    let checked = cloud.check().unwrap();
    let wanted = fmc::compile(&checked);
    let plan = fmc::testing::Sim::new().plan(&cloud);
    for shown in [format!("{cloud:?}"), format!("{checked:?}"), format!("{wanted:?}"), plan.to_string()] {
        assert!(!shown.contains(PLANTED));
    }
    let mut holders = Vec::new();
    for artifact in wanted.artifacts() {
        let bytes = artifact.render(&Planted).unwrap();
        assert!(!format!("{artifact:?} {bytes:?}").contains(PLANTED), "{}", artifact.path);
        if String::from_utf8_lossy(bytes.expose()).contains(PLANTED) {
            assert!(artifact.is_private(), "everybody may read {}", artifact.path);
            holders.push(artifact.path.clone());
        }
    }
    assert_eq!(holders, ["guests/helper/seed.iso", "guests/helper/user-data"]);
}

/// `Rocky-9-GenericCloud-Base.latest.x86_64.qcow2`, and `latest` of four other downloads.
#[test]
fn h21_an_image_that_is_another_one_tomorrow_is_found() {
    let image = Image::rocky("latest")
        .path("/images/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2")
        .digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let helper = Machine::new("helper", image)
        .root_disk(30.gib())
        .interface(Interface::on("core").address("10.17.3.14"))
        .user(User::admin("ops").key(include_str!("../../examples/ops.pub")));
    caught(
        &Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("core", "10.17.3.0/24"))
            .machine(helper),
        Kind::ImageUnpinned,
        "machines.helper.image.version",
        "write the version of the image",
    );
}

/// A version is only a name; the digest fixes the bytes.
#[test]
fn h21_an_image_without_a_digest_is_found_unless_a_reason_is_given() {
    let settings = ["accept=[]"];
    let found = crate::found(&seed(&settings));
    let places: Vec<&str> = found.iter().map(|finding| finding.at()).collect();
    assert_eq!(places, ["machines.bastion.image.digest", "machines.bootstrap.image.digest"]);
    for finding in found {
        assert_eq!(finding.kind(), Kind::ImageUnpinned);
        assert!(finding.help().contains(".digest(\"sha256:…\")"), "{finding}");
    }
}

/// The passwords of databases stood in playbooks and in `pg_hba.conf` beside `trust`.
#[test]
fn h20_a_database_has_verifiers_of_passwords_alone() {
    let main = "{name: main, version: 16, primary: postgresql1, users: {shop: {}}, databases: {shop: {owner: shop, from: [{machine: helper}]}}, backup: {}}";
    let cloud = seed(&[&format!("roles=[{{postgresql: {main}}}]")]);
    let checked = cloud.check().unwrap();
    let secrets: Vec<String> = checked
        .machine("postgresql1")
        .unwrap()
        .guest
        .secrets()
        .map(|secret| secret.name.to_string())
        .collect();
    assert!(secrets.iter().any(|name| name.contains("scram")), "{secrets:?}");
    assert!(!secrets.iter().any(|name| name == "postgresql-main-user-shop"), "{secrets:?}");
    let artifacts = fmc::testing::Artifacts::of(&cloud);
    let data = artifacts.machine("postgresql1").boot("user-data");
    data.assert_contains("scram-sha-256").assert_lacks(" trust").assert_lacks("0.0.0.0/0");
}

/// A private key of WireGuard stood in a repository. Here one is a name that each holder's own guest fills in, and nobody else's.
#[test]
fn h20_a_private_key_of_a_tunnel_is_in_its_own_guest_alone() {
    let tunnel = "{name: ops, subnets: [10.8.0.0/24], gateway: bastion, machines: {helper: {}}, people: {ana: {reach: [{machine: postgresql1}]}}, endpoint: vpn.example.com}";
    let cloud = seed(&[&format!("roles=[{{wireguard: {tunnel}}}]")]);
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let private = |machine: &str| -> Vec<String> {
        let secrets = checked.machine(machine).unwrap().guest.secrets();
        let keys = secrets
            .filter(|secret| secret.source == fmc::secret::SecretSource::Generated(Generated::WireguardKey));
        keys.map(|secret| secret.name.to_string()).collect()
    };
    let (bastion, helper) = (private("bastion"), private("helper"));
    assert!(bastion.len() == 1 && helper.len() == 1 && bastion != helper, "{bastion:?} {helper:?}");
    assert!(private("postgresql1").is_empty());
    let wanted = fmc::compile(&checked);
    for artifact in wanted.artifacts() {
        let bytes = artifact.render(&Planted).unwrap();
        let holds = String::from_utf8_lossy(bytes.expose()).contains(PLANTED);
        let is_of_member =
            ["guests/bastion/", "guests/helper/"].iter().any(|own| artifact.path.starts_with(own));
        assert!(!holds || (is_of_member && artifact.is_private()), "{}", artifact.path);
    }
}
