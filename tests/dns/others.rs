//! What others have in a zone: names above ours, servers of the zone, and a server that is asked name by name.

use std::sync::Arc;

use fmc::cli::{DONE, PENDING};
use fmc::freeipa::rfc2136::Rfc2136;
use fmc::graph::{DeleteData, NoteKind};
use fmc::keys::{Keyring, RootKey};
use fmc::secret::{SecretRef, Secrets as _};
use fmc::{Plan, Providers};
use fmc_testkit::named::Software;
use fmc_testkit::tree::scratch;
use pollster::block_on;

use super::*;
use crate::server::{KeyBytes, World};

fn notices(plan: &Plan, kind: NoteKind) -> String {
    let notes = plan.notes.iter().filter(|note| note.kind == kind);
    notes.map(|note| format!("{}\n", note.text)).collect()
}

#[test]
fn a_name_below_one_of_others_that_leads_elsewhere_is_told_and_not_made() {
    for world in [World::new(), World::without_transfers(Software::Bind)] {
        world
            .named
            .nsupdate(
                "zone cefaslocalserver.com\nupdate add sub.cefaslocalserver.com 60 NS ns.example.org.\n\
                 update add old.cefaslocalserver.com 60 DNAME example.org.",
            )
            .unwrap();
        let zone = World::zone().records("www.sub", ["A 192.0.2.1"]).records("www.old", ["A 192.0.2.1"]);
        let cloud = seed(world.dns().zone(zone));
        let plan = world.plan(&cloud);
        let text = plan.to_string();
        for words in [
            "sub.cefaslocalserver.com, which fmc did not make, has NS records",
            "old.cefaslocalserver.com, which fmc did not make, has DNAME records",
        ] {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        let made = |name: &str| plan.steps.iter().any(|step| step.address.name().starts_with(name));
        assert!(!made("www.sub") && !made("www.old") && made("master1"), "{text}");
        assert!(world.run(&plan).converged().is_err());
        assert_eq!(world.named.dig("master1.cefaslocalserver.com", "A"), ["10.17.4.21"]);
    }
}

#[test]
fn other_servers_of_a_zone_than_those_of_the_cloud_are_told() {
    let world = World::new();
    let cloud = |zone: Zone| seed(world.dns().zone(zone));
    let same = World::zone().name_servers(["ns1.cefaslocalserver.com"]);
    assert_eq!(notices(&world.plan(&cloud(same)), NoteKind::Notice), "");
    let other = World::zone().name_servers(["ns1.cefaslocalserver.com", "ns.example.org"]);
    let said = notices(&world.plan(&cloud(other)), NoteKind::Notice);
    let words = "its NS records name ns1.cefaslocalserver.com, and the cloud says";
    assert!(said.contains(words) && said.contains("ns.example.org"), "{said}");
}

#[test]
fn the_state_of_a_name_of_others_is_not_that_of_ours() {
    let world = World::new();
    world
        .named
        .nsupdate("zone cefaslocalserver.com\nupdate add www.cefaslocalserver.com 60 A 192.0.2.1")
        .unwrap();
    let cloud = seed(world.dns().zone(World::zone().records("www", ["A 10.17.3.12"])));
    let checked = cloud.check().unwrap();
    let plan = world.plan(&cloud);
    let status = plan.status(&checked);
    let of = |name: &str| {
        let standing = status.objects.iter().find(|standing| standing.address.name().starts_with(name));
        standing.unwrap().state.clone()
    };
    assert!(of("www").starts_with("there, and left alone: fmc did not make it"), "{}", of("www"));
    assert_eq!(of("master1"), "not there");
}

#[test]
fn a_server_that_gives_no_answer_is_told_in_a_line_for_each_way() {
    let mut world = World::new();
    let cloud = seed(world.dns().zone(World::zone()));
    world.apply(&cloud);
    world.named.kill();
    let folder = scratch();
    let (code, said) = run(cloud, folder.path(), &["dns", "verify"]);
    assert_eq!(code, PENDING, "{said}");
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.contains("record sets at ns1 by tcp: failed to ask 127.0.0.1:"), "{said}");
}

#[test]
fn a_zone_that_is_not_transferred_is_kept_by_its_index() {
    let world = World::without_transfers(Software::Bind);
    let zone = || World::zone().records("www", ["CNAME helper"]).records("*.apps", ["A 10.17.3.12"]);
    let cloud = seed(world.dns().zone(zone()));
    world.apply(&cloud);
    // The wildcard answers for a name that nobody has made; and one by hand looks as the wildcard does.
    world
        .named
        .nsupdate("zone cefaslocalserver.com\nupdate add b.apps.cefaslocalserver.com 3600 A 10.17.3.12")
        .unwrap();
    let more = seed(
        world.dns().zone(zone().records("a.apps", ["A 10.17.3.12"]).records("b.apps", ["A 10.17.3.13"])),
    );
    let plan = world.plan(&more);
    let steps: Vec<&str> = plan.steps.iter().map(|step| step.address.name()).collect();
    assert_eq!(steps, ["a.apps.cefaslocalserver.com"], "{plan}");
    assert!(notices(&plan, NoteKind::Held).contains("fmc did not make it"), "{plan}");
    let more = seed(world.dns().zone(zone().records("a.apps", ["A 10.17.3.12"])));
    world.apply(&more);
    assert_eq!(world.named.dig("a.apps._fmc.cefaslocalserver.com", "TXT").len(), 1);

    // Changed by hand, taken out of the index, and gone with all that it had.
    let index = |name: &str| {
        let lines = (0..16).map(|number| format!("{number:x}._fmc-names.cefaslocalserver.com"));
        let of =
            |place: String| world.named.dig(&place, "TXT").into_iter().map(move |line| (place.clone(), line));
        lines.flat_map(of).find(|(_, line)| line.ends_with(&format!("\"{name}\"")))
    };
    let (place, line) = index("www").unwrap();
    world
        .named
        .nsupdate(&format!(
            "zone cefaslocalserver.com\nupdate delete {place} TXT {line}\nupdate delete master1.cefaslocalserver.com A\n\
             update add master1.cefaslocalserver.com 60 A 192.0.2.66\nupdate delete worker3.cefaslocalserver.com"
        ))
        .unwrap();
    let plan = world.plan(&more);
    let text = plan.to_string();
    for words in ["the index of the cloud's names lacks it", "192.0.2.66", "worker3"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    world.apply(&more);
    assert!(index("www").is_some());
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "A"), ["10.17.4.21"]);

    // What the cloud has no longer is known by the index alone.
    let less = seed(world.dns().zone(World::zone()));
    let plan = world.plan(&less).delete_data(DeleteData::All);
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    for gone in ["www", "*.apps", "a.apps", "www._fmc"] {
        assert_eq!(world.named.dig(&format!("{gone}.cefaslocalserver.com"), "ANY"), [""; 0], "{gone}");
    }
    assert_eq!(index("www"), None);
    assert_eq!(world.named.dig("b.apps.cefaslocalserver.com", "A"), ["10.17.3.12"]);
    assert!(world.plan(&less).is_empty());
}

#[test]
fn a_transfer_that_is_refused_says_how_to_do_without() {
    let mut world = World::without_transfers(Software::Bind);
    world.read_by = ReadBy::Transfer;
    let cloud = seed(world.dns().zone(World::zone()));
    let text = world.plan(&cloud).to_string();
    assert!(text.contains("REFUSED") && text.contains("read_by: queries"), "{text}");
    world.read_by = ReadBy::Queries;
    let cloud = seed(world.dns().zone(World::zone()).zone(Zone::new("example.org")));
    let text = world.plan(&cloud).to_string();
    assert!(text.contains("example.org"), "{text}");
    let plan = world.plan(&cloud);
    assert!(plan.steps.iter().all(|step| !step.address.name().ends_with("example.org")), "{text}");
    // The simulation keeps an index, too.
    let folder = scratch();
    let cloud = seed(world.dns().zone(World::zone()));
    for (arguments, ends) in [(&["apply", "--yes"][..], DONE), (&["plan", "--detailed-exitcode"], DONE)] {
        let arguments = [arguments, &["--connect", "sim:world"]].concat();
        let (code, said) = run(cloud.clone(), folder.path(), &arguments);
        assert_eq!(code, ends, "{said}");
    }
}

/// Whether a machine's SSH host key is known in DNS: the key's own program says what its record is.
#[test]
fn the_fingerprints_of_host_keys_follow_from_the_root_key() {
    let world = World::new();
    let mut cloud = seed(world.dns().zone(World::zone()));
    cloud.ssh_host_keys = true;
    let image = || Image::debian("12").path("/images/debian-12.qcow2").digest(Digest::sha256(b"debian"));
    for machine in cloud.machines.iter_mut() {
        machine.image = image();
    }
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let own = Arc::new(KeyBytes(world.named.secret().to_owned()));
    let keyring = Arc::new(Keyring::new(RootKey::sample(), &checked.secret_scope(), own));
    let with_key = Providers::new()
        .host(LOCAL, hypervisor())
        .with(Rfc2136::new())
        .secrets(Arc::<Keyring>::clone(&keyring));
    let plan = |providers: &Providers| block_on(providers.plan(&providers.compile(&checked))).unwrap();
    let names = |plan: &Plan| plan.steps.iter().filter(|step| step.address.provider() == "dns").count();
    // Without the root key the names are made, and with it their fingerprints are added.
    let first = plan(&world.providers);
    drop(block_on(first.apply(&world.providers, |_| ())));
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "SSHFP"), [""; 0]);
    let second = plan(&with_key);
    assert_eq!(names(&second), 12, "{second}");
    drop(block_on(second.apply(&with_key, |_| ())));
    assert_eq!(names(&plan(&with_key)), 0);
    let folder = scratch();
    let line = keyring.bytes(&SecretRef::ssh_host_key("master1", 1).ssh_public_key()).unwrap();
    let file = folder.path().join("host.pub");
    std::fs::write(&file, line.expose()).unwrap();
    let mut program = std::process::Command::new("ssh-keygen");
    let printed = program.args(["-r", "master1"]).arg("-f").arg(&file).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let wanted = printed.lines().find_map(|line| line.split_once("SSHFP 4 2 ")).unwrap().1.to_owned();
    let found = world.named.dig("master1.cefaslocalserver.com", "SSHFP");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].replace(' ', "").to_lowercase(), format!("42{wanted}"));
    // A plan without the root key leaves them, also where it changes another record of the name.
    assert_eq!(names(&plan(&world.providers)), 0);
    world
        .named
        .nsupdate("zone cefaslocalserver.com\nupdate add master1.cefaslocalserver.com 60 TXT \"by hand\"")
        .unwrap();
    let mended = plan(&world.providers);
    assert_eq!(names(&mended), 1, "{mended}");
    drop(block_on(mended.apply(&world.providers, |_| ())));
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "SSHFP"), found);
    // A fingerprint that another hand wrote is replaced.
    world
        .named
        .nsupdate(
            "zone cefaslocalserver.com\nupdate delete master1.cefaslocalserver.com SSHFP\nupdate add master1.cefaslocalserver.com 3600 \
             SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        )
        .unwrap();
    let mended = plan(&with_key);
    assert_eq!(names(&mended), 1, "{mended}");
    drop(block_on(mended.apply(&with_key, |_| ())));
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "SSHFP"), found);
}
