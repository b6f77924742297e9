//! Situations in which the tools that people use today fail, and fmc's behaviour in each. "There" is
//! Terraform's libvirt provider unless another tool is named.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

#[path = "sim/lab.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod lab;

use std::sync::Arc;

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::graph::{Choices, Event, Impact, NoteKind};
use fmc_core::guest::User;
use fmc_core::host::Host;
use fmc_core::image::{Format, Image};
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::HostName;
use fmc_core::network::{Network, Reservation};
use fmc_core::secret::{Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::documents::documents;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::{Fault, Sim, When};
use fmc_libvirt::volume::upload_xml;

use lab::{Lab, blank, cloud, db, lan, notes, nothing, now, rocky, small, wanted, web};

/// The kinds of a cloud's errors.
fn refused(cloud: &Cloud) -> Vec<&'static str> {
    let report = cloud.check().expect_err("a cloud that is wrong");
    report
        .findings()
        .iter()
        .filter(|finding| finding.refuses())
        .map(|finding| finding.kind().as_str())
        .collect()
}

fn made() -> Lab {
    let lab = Lab::new();
    lab.apply(&small());
    lab
}

/// There: "updated in-place", then shut down, forced off, undefined, and "inconsistent result after apply".
#[test]
fn memory_of_a_running_domain_changed() {
    let lab = made();
    let more = wanted(&cloud([lan()], [web().memory(4.gib()), db()]));
    let plan = lab.plan(&more);
    let group = plan.step("machine/web").unwrap();
    assert_eq!(group.impact(), Impact::Restart);
    assert!(group.details().iter().any(|why| why.contains("2 GiB -> 4 GiB")), "{plan}");
    lab.sim.forget_calls();
    lab.apply(&more);
    assert_eq!(
        (lab.calls("shutdown-domain"), lab.calls("undefine-domain"), lab.calls("destroy-domain")),
        (1, 0, 0)
    );
}

/// There: an in-place difference. Every apply changes nothing and fails.
#[test]
fn a_dhcp_host_renamed() {
    let named = |name: &'static str| {
        let reservation = Reservation::new("52:54:00:00:00:01", "10.17.3.5").hostname(name);
        wanted(&cloud([lan().reservation(reservation)], [web()]))
    };
    let lab = Lab::new();
    lab.apply(&named("printer"));
    assert_eq!(lab.plan(&named("plotter")).impact(), Impact::Live);
    lab.apply(&named("plotter"));
    let network = lab.sim.network("lab").unwrap().unwrap();
    assert!(network.live_xml.unwrap().contains("plotter") && !network.xml.contains("printer"));
}

/// There: planned as in-place, then "Update Not Supported". The difference stays for ever.
#[test]
fn root_volume_grown() {
    let lab = made();
    let larger = wanted(&cloud([lan()], [web().root_disk(40.gib()), db()]));
    assert_eq!(lab.plan(&larger).impact(), Impact::Live);
    lab.apply(&larger);
    let root = lab.volumes("web.root.").remove(0);
    assert_eq!(lab.sim.volume("fmc-first", &root).unwrap().unwrap().capacity, 40 << 30);
}

/// The path of a change, and the change by hand.
type Edit = (&'static str, fn(&Sim));

/// There: "No changes".
#[test]
fn someone_changed_memory_vcpus_power_state_autostart_or_stopped_a_network_by_hand() {
    let edits: [Edit; 5] = [
        ("memory", |sim| {
            let xml = sim.domain("web").unwrap().unwrap().xml;
            sim.define_domain(&xml.replace("2097152", "1048576")).unwrap();
        }),
        ("vcpu", |sim| {
            let xml = sim.domain("web").unwrap().unwrap().xml;
            sim.define_domain(&xml.replace(">2</vcpu>", ">3</vcpu>")).unwrap();
        }),
        ("power", |sim| sim.destroy_domain("web").unwrap()),
        ("autostart", |sim| sim.set_domain_autostart("web", false).unwrap()),
        ("active", |sim| sim.stop_network("lab").unwrap()),
    ];
    for (path, edit) in edits {
        let lab = made();
        edit(&lab.sim);
        let plan = lab.plan(&small());
        let paths = plan.steps.iter().flat_map(|step| &step.changes).map(|change| change.path.as_str());
        assert!(paths.clone().any(|found| found == path), "{path}: {plan}");
        lab.apply(&small());
    }
}

/// There: not shown.
#[test]
fn someone_added_an_interface_a_description_or_grew_a_volume() {
    let lab = made();
    let xml = lab.sim.domain("web").unwrap().unwrap().xml;
    let more = "<interface type='network'><mac address='52:54:00:aa:bb:cc'/><source network='lab'/></interface></devices>";
    let edited =
        xml.replace("</devices>", more).replace("<memory ", "<description>by hand</description><memory ");
    lab.sim.define_domain(&edited).unwrap();
    let root = lab.volumes("db.root.").remove(0);
    lab.sim.resize_volume("fmc-first", &root, 60 << 30).unwrap();
    let plan = lab.plan(&small());
    let paths: Vec<&str> =
        plan.steps.iter().flat_map(|step| &step.changes).map(|it| it.path.as_str()).collect();
    assert!(paths.iter().any(|path| path.contains("interface")), "{paths:?}");
    assert!(paths.contains(&"description"), "{paths:?}");
    assert!(notes(&plan, NoteKind::Left).iter().any(|note| note.contains("60 GiB")), "{plan}");
    lab.apply(&small());
    assert!(!lab.sim.domain("web").unwrap().unwrap().xml.contains("52:54:00:aa:bb:cc"));
}

/// There: the next apply fails with "already exists", and never converges.
#[test]
fn kill_9_in_the_middle_of_an_apply() {
    let lab = Lab::new();
    lab.sim.on(When::call("define-domain"), Fault::CutAfter);
    lab.cut_apply(&small(), &Choices::default());
    lab.apply(&small());
}

/// There: the same. fmc has no state file.
#[test]
fn state_file_lost() {
    let lab = made();
    let somewhere_else = Lab::on(lab.sim.clone());
    assert!(somewhere_else.plan(&small()).is_empty());
    somewhere_else.apply(&nothing());
}

/// There: one of them fails half-way with "already exists".
#[test]
fn two_applies_from_two_folders() {
    let one = Lab::new();
    let other = Lab::on(one.sim.clone());
    let late = other.plan(&small());
    one.apply(&small());
    let outcome = other.run(late, &small(), &Choices::default(), |_| {}).unwrap();
    assert!(
        outcome
            .failed
            .iter()
            .all(|(_, error)| error.to_string().contains("changed since the plan was made: plan again"))
    );
    assert!(other.plan(&small()).is_empty());
}

/// There: `firmware = "efi"` gives an inconsistent result, and the next plan replaces the tainted machine.
/// libvirt adds the firmware that it found.
#[test]
fn firmware_efi() {
    let image =
        Image::debian("12").path("/srv/debian-12-arm64.qcow2").architecture(fmc_core::image::Arch::Aarch64);
    let arm = Machine::new("arm", image)
        .memory(1.gib())
        .root_disk(8.gib())
        .interface(Interface::on("lab").address("10.17.3.30"));
    let host = Host::local().emulated().machine_type("virt");
    let wanted = wanted(&Cloud::new("first").host(host).network(lan()).machine(arm));
    let lab = Lab::new();
    lab.apply(&wanted);
    let xml = lab.sim.domain("arm").unwrap().unwrap().xml;
    assert!(xml.contains("firmware='efi'"), "{xml}");
    let filled = "<firmware><feature enabled='no' name='secure-boot'/></firmware>\
                  <loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.fd</loader>\
                  <nvram template='/usr/share/AAVMF/AAVMF_VARS.fd'>/var/lib/libvirt/qemu/nvram/arm_VARS.fd</nvram></os>";
    lab.sim.define_domain(&xml.replace("</os>", filled)).unwrap();
    let plan = lab.plan(&wanted);
    assert!(plan.is_empty(), "{plan}");
}

/// There: the next plan replaces seed volumes. Here a volume's name is derived from its content.
#[test]
fn the_clients_temporary_folder_emptied() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"an image").unwrap();
    let image = Image::rocky("9.4")
        .file(file.path().to_str().unwrap(), Digest::sha256(b"an image"))
        .format(Format::Raw);
    let wanted = wanted(&cloud([lan()], [Machine::new("web", image).memory(1.gib()).root_disk(10.gib())]));
    let lab = Lab::new();
    lab.apply(&wanted);
    drop(file);
    assert!(lab.plan(&wanted).is_empty());
}

/// There: the plan accepts all of these, and the apply most of them.
#[test]
fn what_cannot_work_is_refused_before_any_plan() {
    let reserve = |mac: &'static str, address: &'static str, name: &'static str| {
        Reservation::new(mac, address).hostname(name)
    };
    let (a, b) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
    let on = |network: Network| cloud([network], [web()]);
    let two = |one, other| on(lan().reservation(one).reservation(other));
    let cases = [
        (
            "an underscore in a host name",
            on(lan().reservation(reserve(a, "10.17.3.5", "my_printer"))),
            "name-invalid",
        ),
        (
            "two reservations with one address",
            two(reserve(a, "10.17.3.5", "x"), reserve(b, "10.17.3.5", "y")),
            "address-duplicate",
        ),
        ("with one MAC", two(reserve(a, "10.17.3.5", "x"), reserve(a, "10.17.3.6", "y")), "mac-duplicate"),
        (
            "with one name",
            two(reserve(a, "10.17.3.5", "x"), reserve(b, "10.17.3.6", "x")),
            "hostname-duplicate",
        ),
        (
            "a reservation outside the subnet",
            on(lan().reservation(reserve(a, "10.18.3.5", "x"))),
            "address-outside",
        ),
        (
            "overlapping subnets",
            cloud([lan(), Network::nat("other", "10.17.0.0/16")], [web()]),
            "subnet-overlap",
        ),
        (
            "two domains with one MAC",
            cloud(
                [lan()],
                [web().interface(Interface::on("lab").mac(a)), db().interface(Interface::on("lab").mac(a))],
            ),
            "mac-duplicate",
        ),
        (
            "a missing network",
            cloud([lan()], [web().interface(Interface::on("nowhere"))]),
            "reference-unknown",
        ),
        (
            "100 TiB of memory",
            Cloud::new("first")
                .host(Host::local().memory(64.gib()))
                .network(lan())
                .machine(web().memory(100.tib())),
            "memory-overcommit",
        ),
    ];
    for (what, cloud, kind) in cases {
        let kinds = refused(&cloud);
        assert!(kinds.contains(&kind), "{what}: {kinds:?}");
    }
}

/// There: libvirt finds them in the middle of the apply.
#[test]
fn what_libvirt_finds_late_is_found_early() {
    let wrong = cloud([lan()], [web().interface(Interface::on("lab").address("10.17.3.999"))]);
    assert!(refused(&wrong).contains(&"address-invalid"));
    let long = cloud([lan().bridge_name("a-bridge-of-19-char")], [web()]);
    assert!(refused(&long).contains(&"name-invalid"));

    let sim = Sim::new();
    let theirs =
        "<network><name>theirs</name><bridge name='br-mine'/><ip address='10.99.0.1' prefix='24'/></network>";
    sim.plant_network(theirs).unwrap();
    sim.plant_network(
        &theirs.replace("theirs", "lab").replace("br-mine", "virbr7").replace("10.99", "10.98"),
    )
    .unwrap();
    let lab = Lab::on(sim);
    let checked = cloud([lan().bridge_name("br-mine")], [web()]).check().unwrap();
    let plan = lab.plan(&documents(&checked));
    let found = notes(&plan, NoteKind::Refused);
    assert!(found.iter().any(|note| note.contains("network lab already")), "a network in use: {found:?}");
    let found = now(lab.provider.preflight(&checked));
    let says =
        |words: &str| found.iter().any(|note| note.kind == NoteKind::Refused && note.text.contains(words));
    assert!(says("theirs") && says("br-mine"), "a bridge in use: {found:?}");
}

struct OneSecret;

const PASSWORD: &[u8] =
    b"$6$planted$secret.of.the.test....................................................................";

impl Secrets for OneSecret {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(PASSWORD.to_vec()))
    }
}

/// There: plain text in a world-readable state file and in a world-readable ISO.
#[test]
fn a_cloud_init_password() {
    let with = |secrets: Arc<dyn Secrets + Send + Sync>| {
        let sim = Sim::new();
        let provider = Libvirt::new()
            .images(Images::default().files(Files::anywhere("")))
            .host(HostName::literal("local"), sim.clone())
            .secrets(secrets);
        Lab { sim, provider }
    };
    let lab = with(Arc::new(OneSecret));
    let user = User::admin("ops").password_hash(Secret::file("ops-password", "/nowhere/at/all"));
    let wanted = wanted(&cloud([lan()], [web().user(user)]));
    let plan = lab.plan(&wanted);
    let mut said = format!("{plan} {plan:?} {:?} {}", wanted, serde_json::to_string(&plan).unwrap());
    let outcome = lab
        .run(plan, &wanted, &Choices::default(), |event| said.push_str(&format!("{event} {event:?}")))
        .unwrap();
    assert!(outcome.is_converged(), "{outcome:?}");
    said.push_str(&lab.sim.to_json().unwrap());
    let planted = std::str::from_utf8(PASSWORD).unwrap();
    assert!(!said.contains(planted));
    assert!(
        !said.contains(&Digest::sha256(PASSWORD).hex()) && !said.contains(&Digest::sha512(PASSWORD).hex())
    );
    assert!(upload_xml("web.boot.00000000", 1).contains("<mode>0600</mode>"), "only QEMU reads the volume");

    // Without the secret, the error names it, and no volume is left behind.
    let without = with(Arc::new(fmc_core::secret::NoSecrets));
    let outcome = without.try_apply(&wanted, &Choices::default()).unwrap();
    assert!(
        outcome.failed.iter().any(|(_, error)| error.to_string().contains("ops-password")),
        "{outcome:?}"
    );
    assert!(without.volumes("web.boot.").is_empty());
}

/// There: no progress.
#[test]
fn upload_progress() {
    let lab = Lab::new();
    let mut pieces = 0;
    let plan =
        lab.plan(&wanted(&cloud([lan()], [Machine::new("web", rocky()).memory(1.gib()).root_disk(9.gib())])));
    lab.run(plan, &small(), &Choices::default(), |event| {
        pieces += usize::from(matches!(event, Event::Progress { .. }));
    })
    .unwrap()
    .converged()
    .unwrap();
    assert!(pieces >= 3, "{pieces}");
}

/// kcli: a second create "skips" a changed memory; it shows no difference and no drift.
#[test]
fn a_second_create_with_another_memory() {
    let lab = Lab::new();
    let of = |size: u32| wanted(&cloud([lan()], [blank("one").memory(size.gib())]));
    lab.apply(&of(1));
    assert!(!lab.plan(&of(2)).is_empty());
    lab.apply(&of(2));
}
