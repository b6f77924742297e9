//! What people and other programs do to machines beside fmc, on a real libvirtd: snapshots, clones, saved and paused
//! guests, removed definitions, pools that are not there. Nothing that a guest wrote is lost.
use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Choices, DeleteData, NoteKind, Provider as _};
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine, Shutdown};
use fmc_core::network::Network;
use fmc_core::unit::{Size, SizeExt as _};

use fmc_libvirt::provider::drifted::drift;

use crate::host::{Hypervisor, wait, wanted};

const POOL: &str = "fmc-shop";

/// A machine with a root and a data disk on one network.
fn shop(memory: Size, image: Image) -> Cloud {
    Cloud::new("shop")
        .host(Host::local().emulated())
        .network(Network::nat("lan", "10.75.1.0/24"))
        .machine(
            Machine::new("db", image)
                .memory(memory)
                .root_disk(4.mib())
                .disk(Disk::new("data", 4.mib()))
                .shutdown(Shutdown::force_now())
                .interface(Interface::on("lan").address("10.75.1.10")),
        )
        .accept("image-missing", "nothing boots")
}

fn usual() -> Cloud {
    shop(32.mib(), Image::blank())
}

fn bigger() -> Cloud {
    shop(48.mib(), Image::blank())
}

/// Does what an error says about a start that libvirtd does not let go of.
pub(crate) fn follow_the_error_of_a_start(hypervisor: &Hypervisor, at: &str, error: &str) {
    assert!(error.contains("state change lock"), "{at}: {error}");
    let command = |begin: &str| error.split('`').find(|words| words.starts_with(begin)).unwrap();
    // It ends with 1 if there is no such QEMU.
    let ends = format!("{} || test $? -eq 1 && echo none", command("pkill -f guest="));
    if hypervisor.own.inside(&ends).unwrap().trim() == "none" {
        hypervisor.own.inside(command("rm ")).unwrap();
        hypervisor.own.kill();
        hypervisor.own.restart_daemon();
    }
}

/// A plan without a step, whose note about the machine has these words.
fn held(hypervisor: &Hypervisor, cloud: &Cloud, choices: &Choices, kind: NoteKind, words: &[&str]) {
    let plan = hypervisor.plan(&wanted(cloud), choices);
    assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
    let is_said = |text: &str| words.iter().all(|word| text.contains(word));
    assert!(plan.notes.iter().any(|note| note.kind == kind && is_said(&note.text)), "{plan}");
}

fn left(hypervisor: &Hypervisor, words: &[&str]) {
    for cloud in [usual(), bigger()] {
        held(hypervisor, &cloud, &Choices::default(), NoteKind::Left, words);
    }
}

fn by_name(replace: bool) -> Choices {
    let names = ["db".to_owned()];
    if replace {
        Choices { replace: names.into(), ..Choices::default() }
    } else {
        Choices { delete_data: DeleteData::Of(names.into()), ..Choices::default() }
    }
}

#[test]
fn a_machine_with_an_external_snapshot_waits_until_it_is_merged() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    let virsh = |arguments: &[&str]| hypervisor.own.virsh(arguments);
    virsh(&["snapshot-create-as", "db", "before-upgrade", "--disk-only", "--atomic"]);
    left(&hypervisor, &["before-upgrade", "virsh blockcommit db vda"]);
    // Each overlay lies over the disk that it was made from.
    let wanted_now = wanted(&usual());
    let seen = wait(hypervisor.provider.observe(&wanted_now)).unwrap();
    let drift = drift(&wanted_now, &seen).drift;
    assert_eq!(drift.len(), 2, "{drift:?}");
    for (drifted, kind) in drift.iter().zip(["disk", "root"]) {
        let there = drifted.changes[0].from.clone().unwrap_or_default();
        assert!(drifted.address.name().contains(&format!("db.{kind}.")), "{drift:?}");
        assert!(there.ends_with(&format!("/db.{kind}.before-upgrade")), "{drift:?}");
    }
    held(&hypervisor, &usual(), &by_name(true), NoteKind::Refused, &["before-upgrade"]);
    // Without the machine its disks stay, whatever is given up, because the overlays lie over them.
    let nothing = fmc_core::graph::Wanted::nothing("shop");
    let plan = hypervisor.plan(&nothing, &by_name(false));
    let deleted: Vec<String> = plan.steps.iter().map(|step| step.address.name().to_owned()).collect();
    assert!(deleted.iter().all(|name| !name.starts_with("fmc-shop/db.")), "{plan}");
    // The commands that the plan prints, one after another, until none is left.
    for disk in ["vda", "vdb"] {
        let printed = merge_command(&hypervisor, &usual());
        assert!(printed.contains(&format!("db {disk} ")), "{printed}");
        virsh(&printed.split_whitespace().skip(1).collect::<Vec<_>>());
    }
    let names = hypervisor.own.virsh(&["domblklist", "db"]);
    assert!(names.contains(".root.") && names.contains("db.disk.data"), "{names}");
    hypervisor.converge(&bigger(), &Choices::default());
}

/// The `virsh blockcommit` that a plan gives to a person.
fn merge_command(hypervisor: &Hypervisor, cloud: &Cloud) -> String {
    let plan = hypervisor.plan(&wanted(cloud), &Choices::default());
    let texts = plan.notes.iter().flat_map(|note| note.text.split('`').map(str::to_owned));
    texts.into_iter().find(|text| text.starts_with("virsh blockcommit")).unwrap()
}

/// Without `--shallow` libvirt would merge the whole chain into the base image, which other machines lie over.
#[test]
fn the_merge_command_of_a_plan_leaves_the_base_image_alone() {
    let hypervisor = Hypervisor::named("local");
    let cloud = shop(32.mib(), hypervisor.image(&[7; 1 << 20]));
    hypervisor.converge(&cloud, &Choices::default());
    let root = || hypervisor.own.virsh(&["domblklist", "db"]);
    let before = root();
    hypervisor.own.virsh(&["snapshot-create-as", "db", "before-upgrade", "--disk-only", "--atomic"]);
    for _ in 0..2 {
        let printed = merge_command(&hypervisor, &cloud);
        hypervisor.own.virsh(&printed.split_whitespace().skip(1).collect::<Vec<_>>());
    }
    assert_eq!(root(), before);
}

/// libvirt calls the overlay of a data disk as fmc calls its disks, and does not list it; that of a root is elsewhere.
#[test]
fn what_lies_over_a_disk_keeps_the_disk_and_its_machine() {
    let hypervisor = Hypervisor::named("local");
    let with = usual();
    let mut without = usual();
    for machine in without.machines.iter_mut() {
        machine.disks = [].into_iter().collect();
    }
    hypervisor.converge(&with, &Choices::default());
    hypervisor.own.inside("mkdir /var/lib/libvirt/snaps").unwrap();
    let ids = hypervisor.ids();
    let snapshots = [
        ("vdb", ["vda,snapshot=no", "vdb,snapshot=external"]),
        ("vda", ["vda,file=/var/lib/libvirt/snaps/db.snap", "vdb,snapshot=no"]),
    ];
    for (disk, [first, second]) in snapshots {
        let take = ["snapshot-create-as", "db", "nightly", "--disk-only", "--no-metadata"];
        hypervisor.own.virsh(&[&take[..], &["--diskspec", first, "--diskspec", second]].concat());
        let lies_over = hypervisor.own.virsh(&["domblklist", "db"]);
        let nothing = fmc_core::graph::Wanted::nothing("shop");
        for wanted in [wanted(&without), wanted(&with), nothing] {
            for choices in [
                Choices::default(),
                by_name(false),
                Choices { delete_data: DeleteData::All, ..Choices::default() },
            ] {
                let plan = hypervisor.plan(&wanted, &choices);
                let is_of_db = |name: &str| name.starts_with("fmc-shop/db.") || name == "db";
                assert!(!plan.steps.iter().any(|step| is_of_db(step.address.name())), "{plan}");
                let command = format!("virsh blockcommit db {disk} --active --shallow --pivot --wait");
                assert!(
                    plan.notes.iter().any(|note| note.kind == NoteKind::Left && note.text.contains(&command)),
                    "{plan}"
                );
                let options = fmc_core::graph::ApplyOptions::default();
                drop(wait(fmc_core::graph::apply(&plan, &hypervisor.provider, options, |_| {})));
            }
        }
        assert_eq!(hypervisor.own.virsh(&["domblklist", "db"]), lies_over);
        assert_eq!(hypervisor.ids(), ids);
        let printed = merge_command(&hypervisor, &with);
        hypervisor.own.virsh(&printed.split_whitespace().skip(1).collect::<Vec<_>>());
        hypervisor.expect_nothing_to_do(&with);
    }
    // The file of the overlay is left of the merge, and still says that it lies over the disk.
    hypervisor.own.virsh(&["vol-delete", "db.disk.nightly", POOL]);
    hypervisor.apply(&without, &by_name(false));
    assert!(hypervisor.volumes(POOL).iter().all(|name| name != "db.disk.data"));
    hypervisor.destroy("shop", &Choices::default());
}

/// Those that are inside the disks, with the guest's memory.
#[test]
fn internal_snapshots_are_known_and_go_with_words() {
    let hypervisor = Hypervisor::named("local");
    let image = hypervisor.image(&[7; 1 << 20]);
    // A disk of a blank image is raw, and has no room for a snapshot.
    let of = |memory| {
        let mut cloud = shop(memory, image.clone());
        cloud.machines.iter_mut().for_each(|machine| machine.disks = [].into_iter().collect());
        cloud
    };
    let (usual, bigger) = (|| of(32.mib()), || of(48.mib()));
    hypervisor.converge(&usual(), &Choices::default());
    let virsh = |arguments: &[&str]| hypervisor.own.virsh(arguments);
    virsh(&["snapshot-create-as", "db", "monday"]);
    let said = |cloud: &fmc_core::graph::Wanted<_>, choices: &Choices| {
        hypervisor.plan(cloud, choices).to_string().contains("monday")
    };
    assert!(said(&wanted(&usual()), &Choices::default()), "a plan that changes nothing names it");
    assert!(said(&fmc_core::graph::Wanted::nothing("shop"), &Choices::default()));
    assert!(said(&wanted(&usual()), &by_name(true)));
    hypervisor.converge(&bigger(), &Choices::default());
    assert!(virsh(&["snapshot-list", "db", "--name"]).contains("monday"));
    hypervisor.apply(&bigger(), &by_name(true));
    hypervisor.expect_nothing_to_do(&bigger());
    assert!(!virsh(&["snapshot-list", "db", "--name"]).contains("monday"));
    virsh(&["snapshot-create-as", "db", "tuesday"]);
    hypervisor.destroy("shop", &by_name(false));
}

#[test]
fn a_paused_machine_waits_until_somebody_resumes_it() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    hypervisor.own.virsh(&["suspend", "db"]);
    left(&hypervisor, &["paused (user)", "virsh resume db"]);
    hypervisor.own.virsh(&["resume", "db"]);
    hypervisor.expect_nothing_to_do(&usual());
}

#[test]
fn a_saved_machine_goes_on_only_as_it_was() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    hypervisor.own.virsh(&["managedsave", "db"]);
    held(&hypervisor, &bigger(), &Choices::default(), NoteKind::Left, &["saved", "virsh start db"]);
    held(&hypervisor, &usual(), &by_name(true), NoteKind::Refused, &["saved"]);
    hypervisor.converge(&usual(), &Choices::default());
    assert!(!hypervisor.own.virsh(&["list", "--all", "--with-managed-save", "--name"]).contains("db"));
    hypervisor.converge(&bigger(), &Choices::default());
}

#[test]
fn removed_definitions_come_back_without_a_restart() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    let ids = hypervisor.ids();
    hypervisor.own.virsh(&["undefine", "db"]);
    hypervisor.own.virsh(&["net-undefine", "lan"]);
    hypervisor.converge(&usual(), &Choices::default());
    assert_eq!(hypervisor.ids(), ids);
    assert!(hypervisor.own.virsh(&["list", "--persistent", "--name"]).contains("db"));
    assert!(hypervisor.own.virsh(&["net-list", "--persistent", "--name"]).contains("lan"));
    // Once more, and the machine is off before anybody looks: it returns on its root.
    let root = hypervisor.own.virsh(&["domblklist", "db"]);
    hypervisor.own.virsh(&["undefine", "db"]);
    hypervisor.own.virsh(&["destroy", "db"]);
    hypervisor.converge(&usual(), &Choices::default());
    assert_eq!(hypervisor.own.virsh(&["domblklist", "db"]), root);
}

/// After one apply each guest is on its network, whatever was taken from it. The tests' libvirtd counts as one elsewhere, so that
/// a deleted bridge is missed beside that of another network.
#[test]
fn a_network_that_lost_its_definition_or_its_bridge_gets_its_guests_back() {
    let hypervisor = Hypervisor::named("local");
    let other = hypervisor.own.path().join("other.xml");
    std::fs::write(&other, "<network><name>other</name><bridge name='br-other'/></network>").unwrap();
    hypervisor.own.virsh(&["net-define", other.to_str().unwrap()]);
    hypervisor.own.virsh(&["net-start", "other"]);
    hypervisor.converge(&usual(), &Choices::default());
    let network = hypervisor.own.virsh(&["net-dumpxml", "lan"]);
    let bridge = network.split("<bridge name='").nth(1).unwrap().split('\'').next().unwrap();
    let is_plugged_in = || {
        let wires = hypervisor.own.inside(&format!("ls /sys/class/net/{bridge}/brif")).unwrap();
        assert!(wires.contains("vnet"), "{wires}");
    };
    is_plugged_in();
    hypervisor.own.virsh(&["net-destroy", "lan"]);
    hypervisor.own.virsh(&["net-undefine", "lan"]);
    hypervisor.converge(&usual(), &Choices::default());
    is_plugged_in();
    hypervisor.own.inside(&format!("ip link delete {bridge}")).unwrap();
    hypervisor.converge(&usual(), &Choices::default());
    is_plugged_in();
    hypervisor.own.virsh(&["net-destroy", "lan"]);
    hypervisor.own.virsh(&["net-start", "lan"]);
    hypervisor.own.inside(&format!("ip link delete {bridge}")).unwrap();
    hypervisor.converge(&usual(), &Choices::default());
    is_plugged_in();
}

#[test]
fn a_clone_is_a_strangers() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    // What virt-clone does: the document with another name, UUID, MAC and disks.
    let xml = hypervisor.own.virsh(&["dumpxml", "db", "--inactive"]);
    let uuid = xml.split("<uuid>").nth(1).unwrap().split("</uuid>").next().unwrap();
    let mac = xml.split("<mac address='").nth(1).unwrap().split('\'').next().unwrap();
    let copy = xml
        .replace("<name>db</name>", "<name>db-clone</name>")
        .replace(uuid, "0b5e1c9e-7c3d-4b9e-9a52-6d6c3f7a1e11")
        .replace(mac, "52:54:00:0a:0b:0c");
    let file = hypervisor.own.path().join("clone.xml");
    std::fs::write(&file, copy).unwrap();
    hypervisor.own.virsh(&["define", file.to_str().unwrap()]);
    hypervisor.expect_nothing_to_do(&usual());
    let plan = hypervisor.plan(&fmc_core::graph::Wanted::nothing("shop"), &Choices::default());
    assert!(plan.steps.iter().all(|step| step.address.name() != "db-clone"), "{plan}");
}

#[test]
fn disks_that_are_not_there_are_asked_for() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    hypervisor.own.virsh(&["destroy", "db"]);
    hypervisor.own.virsh(&["vol-delete", "db.disk.data", POOL]);
    held(&hypervisor, &usual(), &Choices::default(), NoteKind::Refused, &["db.disk.data", "mounted"]);
    hypervisor.apply(&usual(), &by_name(false));
    hypervisor.expect_nothing_to_do(&usual());
    // A pool whose folder is gone is not made anew.
    hypervisor.own.virsh(&["destroy", "db"]);
    hypervisor.own.virsh(&["pool-destroy", POOL]);
    let folder = "/var/lib/libvirt/images/fmc-shop";
    hypervisor.own.inside(&format!("mv {folder} /var/lib/libvirt/images/away")).unwrap();
    let wanted = wanted(&usual());
    let plan = hypervisor.plan(&wanted, &Choices::default());
    let options = fmc_core::graph::ApplyOptions::default();
    let done = fmc_core::graph::apply(&plan, &hypervisor.provider, options, |_| {});
    let outcome = wait(done).unwrap();
    assert!(!outcome.is_converged(), "{outcome:?}");
    assert!(format!("{outcome:?}").contains("mount the pool's file system"), "{outcome:?}");
    hypervisor.own.inside(&format!("mv /var/lib/libvirt/images/away {folder}")).unwrap();
    // The first apply starts the pool, the next one the machine.
    let plan = hypervisor.plan(&wanted, &Choices::default());
    let options = fmc_core::graph::ApplyOptions::default();
    let outcome = wait(fmc_core::graph::apply(&plan, &hypervisor.provider, options, |_| {})).unwrap();
    assert!(outcome.failed.is_empty(), "{outcome:?}");
    hypervisor.converge(&usual(), &Choices::default());
}

#[test]
fn a_machine_with_a_better_name_keeps_its_guest() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    let kept = |name: &str| {
        let xml = hypervisor.own.virsh(&["dumpxml", name, "--inactive"]);
        let is_kept = |line: &&str| ["<uuid>", "<mac ", "<source file="].iter().any(|it| line.contains(it));
        xml.lines().filter(is_kept).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let before = kept("db");
    let better = |name: &'static str| {
        let mut cloud = usual();
        for machine in cloud.machines.iter_mut() {
            *machine = machine.clone().formerly("db");
            machine.name = name.into();
        }
        cloud
    };
    let plan = hypervisor.converge(&better("store"), &Choices::default());
    assert!(plan.to_string().contains("name db -> store (renamed"), "{plan}");
    assert_eq!(kept("store"), before);
    let names = |arguments: &[&str]| {
        hypervisor.own.virsh(arguments).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&["list", "--name"]), ["store"]);
    assert_eq!(names(&["list", "--all", "--autostart", "--name"]), ["store"]);
    // Its files go with it, by its new name.
    hypervisor.converge(&better("archive"), &Choices::default());
    assert_eq!(kept("archive"), before);
    hypervisor.destroy("shop", &Choices { delete_data: DeleteData::All, ..Choices::default() });
    assert!(
        names(&["list", "--all", "--name"]).is_empty() && names(&["pool-list", "--all", "--name"]).is_empty()
    );
}

/// libvirt writes its file about a guest once before it knows the QEMU's process. One that is killed in this moment waits for ever
/// for a start that nobody makes.
#[test]
fn a_start_that_libvirtd_never_made_is_forgotten_as_the_error_says() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.converge(&usual(), &Choices::default());
    hypervisor.own.kill();
    let file = "/run/libvirt/qemu/db.xml";
    hypervisor.own.inside("pkill -KILL -f guest=db,").unwrap();
    let begun = "s/<domstatus .*/<domstatus state=\"paused\" reason=\"starting up\" pid=\"0\">\
        <job type=\"none\" async=\"start\"\\/>/";
    hypervisor.own.inside(&format!("sed -i '{begun}' {file}; grep -c 'async=\"start\"' {file}")).unwrap();
    hypervisor.own.restart_daemon();

    let cut = hypervisor.try_apply(&usual(), &Choices::default(), |_| ());
    let [(at, error)] = cut.failed.as_slice() else { panic!("{cut:?}") };
    follow_the_error_of_a_start(&hypervisor, &at.to_string(), &error.to_string());
    hypervisor.converge(&usual(), &Choices::default());
    assert_eq!(hypervisor.running(), ["db"]);
}
