//! An error says what is wrong and where, and leaves existing objects unchanged.

use fmc_core::digest::Digest;
use fmc_core::graph::{Choices, Event, NoteKind, ObserveError, Place, Provider as _};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::{Fault, Sim, When};

use crate::lab::{
    Lab, blank, cloud, db, delete_all_data, image_file, lan, notes, nothing, now, small, wanted, web,
};

fn first_error(lab: &Lab, wanted: &fmc_core::graph::Wanted<fmc_libvirt::document::Document>) -> String {
    let outcome = lab.try_apply(wanted, &Choices::default()).unwrap();
    outcome.failed.first().map(|(_, error)| error.to_string()).unwrap()
}

#[test]
fn a_name_that_somebody_else_has_is_refused() {
    let sim = Sim::new();
    sim.plant_domain("<domain type='qemu'><name>web</name><memory>1024</memory><devices/></domain>").unwrap();
    let lab = Lab::on(sim);
    let before = lab.sim.to_json().unwrap();
    let refused = notes(&lab.plan(&small()), NoteKind::Refused);
    assert!(
        refused.iter().any(|note| note.contains("domain web already") && note.contains("not fmc's")),
        "{refused:?}"
    );
    assert!(lab.try_apply(&small(), &Choices::default()).is_err());
    assert_eq!(lab.sim.to_json().unwrap(), before, "nothing was done");
    lab.apply(&nothing());
    assert!(lab.sim.domain("web").unwrap().is_some());
}

#[test]
fn another_clouds_network_is_refused_by_its_owner() {
    let lab = Lab::new();
    lab.apply(&small());
    let second =
        fmc_core::cloud::Cloud::new("second").host(Host::local()).network(lan()).machine(blank("other"));
    let refused = notes(&lab.plan(&wanted(&second)), NoteKind::Refused);
    assert!(
        refused.iter().any(|note| note.contains("network lab") && note.contains("owner: first")),
        "{refused:?}"
    );
}

#[test]
fn a_wrong_checksum_leaves_nothing_behind() {
    let (path, right) = image_file();
    let wrong = Digest::sha256(b"something else");
    let image = |digest| {
        wanted(&cloud(
            [lan()],
            [fmc_core::machine::Machine::new("web", Image::rocky("9.4").file(path, digest))
                .memory(1.gib())
                .root_disk(9.gib())],
        ))
    };
    let lab = Lab::new();
    let error = first_error(&lab, &image(wrong));
    assert!(error.contains(&right.to_string()) && error.contains(&wrong.to_string()), "{error}");
    assert!(lab.volumes("base.").is_empty() && lab.volumes("web.root.").is_empty());
    lab.apply(&image(right));
}

#[test]
fn a_missing_image_is_found_before_anything_of_it_is_made() {
    let image = Image::rocky("9.4").file("/nowhere/rocky.qcow2", Digest::sha256(b"x"));
    let machine = fmc_core::machine::Machine::new("web", image).memory(1.gib()).root_disk(9.gib());
    let lab = Lab::new();
    let error = first_error(&lab, &wanted(&cloud([lan()], [machine])));
    assert!(error.contains("/nowhere/rocky.qcow2"), "{error}");
    assert!(lab.volumes("base.").is_empty());
}

#[test]
fn a_backing_file_that_is_not_there_is_named() {
    let image = Image::debian("12").path("/srv/images/debian-12.qcow2");
    let machine = fmc_core::machine::Machine::new("web", image).memory(1.gib()).root_disk(9.gib());
    let lab = Lab::new();
    lab.sim.missing("/srv/images/debian-12.qcow2");
    let error = first_error(&lab, &wanted(&cloud([lan()], [machine])));
    assert!(error.contains("/srv/images/debian-12.qcow2"), "{error}");
}

#[test]
fn a_full_disk_stops_what_needs_it_and_the_rest_goes_on() {
    let lab = Lab::new();
    lab.sim.room("/var/lib/libvirt/images/fmc-first", 100 << 10);
    let error = first_error(&lab, &small());
    let words = "it needs at least 150 KiB, but the pool fmc-first has 100 KiB free: free 50 KiB on the";
    assert!(error.contains(words), "{error}");
    assert_eq!(lab.calls("refresh-pool"), 1, "what libvirt knows of it may be old");
    assert!(lab.volumes("base.").is_empty(), "nothing half-written");
    assert!(lab.sim.network("lab").unwrap().unwrap().active, "the network needs no disk");
    lab.sim.room("/var/lib/libvirt/images/fmc-first", 1 << 40);
    lab.apply(&small());
}

#[test]
fn a_hypervisor_that_does_not_answer_is_no_empty_one() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.on(When::call("domains"), Fault::Cut);
    let error = now(lab.provider.observe(&small())).unwrap_err();
    assert!(matches!(error, ObserveError::Unreachable { .. }), "{error}");

    let other = Sim::new();
    let both = Libvirt::new()
        .images(Images::default().files(Files::anywhere("")))
        .host(HostName::literal("local"), lab.sim.clone())
        .host(HostName::literal("b"), other);
    let seen = now(both.observe(&small())).unwrap();
    assert!(seen.unknown.contains_key(&Place::new("libvirt", "local")), "{seen:?}");
}

#[test]
fn a_call_that_hangs_is_named_with_its_deadline() {
    let lab = Lab::new();
    lab.sim.on(When::call("start-network"), Fault::Hang);
    let error = first_error(&lab, &small());
    assert!(error.contains("start network lab") && error.contains("no answer within"), "{error}");
}

#[test]
fn what_changed_between_plan_and_apply_is_left_alone() {
    let lab = Lab::new();
    lab.apply(&small());
    let more = wanted(&cloud([lan()], [web().memory(3.gib()), db()]));
    let plan = lab.plan(&more);
    let xml = lab.sim.domain("web").unwrap().unwrap().xml;
    lab.sim.define_domain(&xml.replace("2097152", "1048576")).unwrap();
    let outcome = lab.run(plan, &more, &Choices::default(), |_| {}).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("domain/web changed since the plan"), "{error}");
    assert!(lab.sim.domain("web").unwrap().unwrap().xml.contains("1048576"));
    lab.apply(&more);
}

#[test]
fn a_domain_that_appears_between_plan_and_apply_is_not_taken_over() {
    let lab = Lab::new();
    let plan = lab.plan(&small());
    lab.sim
        .plant_domain("<domain type='qemu'><name>web</name><memory>1024</memory><devices/></domain>")
        .unwrap();
    let outcome = lab.run(plan, &small(), &Choices::default(), |_| {}).unwrap();
    assert!(
        outcome
            .failed
            .iter()
            .any(|(at, error)| at.name() == "web" && error.to_string().contains("changed since"))
    );
}

#[test]
fn two_applies_at_once_end_in_one_cloud() {
    let lab = Lab::new();
    let (one, other) = (lab.plan(&small()), lab.plan(&small()));
    lab.run(one, &small(), &Choices::default(), |_| {}).unwrap().converged().unwrap();
    let outcome = lab.run(other, &small(), &Choices::default(), |_| {}).unwrap();
    assert!(!outcome.failed.is_empty());
    assert!(
        outcome.failed.iter().all(|(_, error)| error.to_string().contains("changed since")),
        "{outcome:?}"
    );
    lab.apply(&small());
}

#[test]
fn a_bridge_or_subnet_in_use_is_said_with_what_has_it() {
    let sim = Sim::new();
    let theirs =
        "<network><name>default</name><bridge name='virbr0'/><ip address='10.17.3.1' prefix='24'/></network>";
    sim.plant_network(theirs).unwrap();
    let lab = Lab::on(sim);
    let checked = cloud([lan()], [web()]).check().unwrap();
    let wanted = fmc_libvirt::documents::documents(&checked);
    lab.plan(&wanted);
    let found = now(lab.provider.preflight(&checked));
    let texts: Vec<String> = found.iter().map(|note| format!("{}: {}", note.about, note.text)).collect();
    assert!(texts.iter().any(|text| text.contains("default") && text.contains("10.17.3.0/24")), "{texts:?}");
    assert!(first_error(&lab, &wanted).contains("already in use by interface virbr0"));
}

#[test]
fn preflight_compares_the_host_with_what_is_said_of_it() {
    let sim = Sim::new();
    sim.hardware(8 << 20, 4, ["qemu"]);
    sim.bridges(["br0"]);
    let lab = Lab::on(sim);
    let host = Host::local().memory(64.gib()).topology(1, 8, 2);
    let checked = fmc_core::cloud::Cloud::new("first")
        .host(host.bridge("br1"))
        .network(Network::bridge("lan", "br1").subnet("192.168.0.0/24"))
        .machine(
            fmc_core::machine::Machine::new("web", Image::blank())
                .memory(1.gib())
                .root_disk(4.gib())
                .interface(fmc_core::machine::Interface::on("lan").address("192.168.0.20")),
        )
        .check()
        .unwrap_or_else(|report| panic!("{report}"));
    let wanted = fmc_libvirt::documents::documents(&checked);
    lab.plan(&wanted);
    let texts: Vec<String> = now(lab.provider.preflight(&checked))
        .iter()
        .map(|note| format!("{}: {}", note.about, note.text))
        .collect();
    for words in ["type kvm", "64 GiB", "16 threads", "bridge br1"] {
        assert!(texts.iter().any(|text| text.contains(words)), "{words}: {texts:?}");
    }
}

#[test]
fn an_upload_tells_how_far_it_is() {
    let lab = Lab::new();
    let plan = lab.plan(&small());
    let mut last = 0;
    lab.run(plan, &small(), &Choices::default(), |event| {
        if let Event::Progress { address, done, total } = event
            && address.contains("base.")
        {
            assert_eq!(total, 150 << 10);
            assert!(done > last);
            last = done;
        }
    })
    .unwrap()
    .converged()
    .unwrap();
    assert_eq!(last, 150 << 10);
}

/// libvirt lists no file whose name has control characters, so that only the deletion of the folder meets it.
#[test]
fn a_pool_that_is_not_empty_though_nothing_is_listed_says_where_to_look() {
    let lab = Lab::new();
    lab.apply(&small());
    let words = "failed to remove pool '/var/lib/libvirt/images/fmc-first': Directory not empty";
    lab.sim.on(When::call("delete-pool"), Fault::Fail(words.to_owned()));
    let outcome = lab.try_apply(&nothing(), &delete_all_data()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("`ls -lb FOLDER`"), "{error}");
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.lists(), Vec::<String>::new());
}
