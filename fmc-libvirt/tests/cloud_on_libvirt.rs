//! Clouds on a real libvirtd, through the provider: applied, planned again, changed, cut short, destroyed.
#![cfg(feature = "virt")]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

mod clouds;
mod host;
mod names;
mod states;

use std::path::Path;

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::disk::Disk;
use fmc_core::graph::{
    Action, ApplyOptions, Choices, DeleteData, Event, Impact, NoteKind, Outcome, Provider as _, apply, plan,
};
use fmc_core::host::Host;
use fmc_core::image::{Format, Image};
use fmc_core::machine::{Interface, Machine, Power, Shutdown};
use fmc_core::name::HostName;
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;

use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::virt::VirtLink;
use fmc_testkit::relay::Relay;
use host::{Hypervisor, wait, wanted};

const MIB: usize = 1 << 20;

/// The pool of the lab, in the namespace of the hypervisor.
const POOL: &str = "/var/lib/libvirt/images/fmc-small-lab";

fn choices() -> Choices {
    Choices::default()
}

#[test]
fn a_network_that_was_started_again_takes_its_guests_along() {
    let hypervisor = Hypervisor::named("local");
    let cloud = clouds::small().lab();
    hypervisor.converge(&cloud, &choices());
    // The state after an apply that was cut between the network and its guests.
    hypervisor.own.virsh(&["net-destroy", "small-lab-lan"]);
    hypervisor.own.virsh(&["net-start", "small-lab-lan"]);
    let plan = hypervisor.converge(&cloud, &choices());
    assert!(!plan.steps.is_empty());
    assert!(plan.steps.iter().all(|step| step.action == Action::Restart), "{plan:?}");
}

#[test]
fn a_cloud_lies_beside_its_lab_and_dev_beside_staging() {
    let hypervisor = Hypervisor::named("local");
    let cloud = |name: &str, subnet: &str| {
        Cloud::new(name)
            .host(Host::local().emulated())
            .network(Network::nat("lan", format!("{subnet}.0/24")))
            .machine(
                Machine::new("web", Image::blank())
                    .memory(32.mib())
                    .root_disk(1.mib())
                    .shutdown(Shutdown::force_now())
                    .interface(Interface::on("lan").address(format!("{subnet}.10"))),
            )
            .accept("image-missing", "nothing boots")
    };
    let clouds = [
        cloud("shop", "10.74.1"),
        cloud("shop", "10.74.1").lab(),
        cloud("dev", "10.74.2").prefixed(true),
        cloud("staging", "10.74.3").prefixed(true),
    ];
    for cloud in &clouds {
        hypervisor.converge(cloud, &choices());
    }
    assert_eq!(hypervisor.running(), ["dev-web", "shop-lab-web", "staging-web", "web"]);
    let networks = hypervisor.own.virsh(&["net-list", "--name"]);
    let networks: Vec<&str> = networks.split_whitespace().collect();
    assert_eq!(networks, ["dev-lan", "lan", "shop-lab-lan", "staging-lan"]);
    for cloud in &clouds {
        hypervisor.expect_nothing_to_do(cloud);
    }
    hypervisor.destroy("shop-lab", &choices());
    hypervisor.destroy("dev", &choices());
    assert_eq!(hypervisor.running(), ["staging-web", "web"]);
    for cloud in [&clouds[0], &clouds[3]] {
        hypervisor.expect_nothing_to_do(cloud);
    }
}

/// What a person made beside the disks of a machine stays, and the commands of the hints do what they say.
#[test]
fn copies_beside_the_disks_of_a_machine_stay_until_somebody_says_whose_they_are() {
    let hypervisor = Hypervisor::named("local");
    let (pool, folder) = ("fmc-shop", "/var/lib/libvirt/images/fmc-shop");
    let cloud = |disks: &[&'static str]| {
        let machine = Machine::new("db", Image::blank())
            .memory(32.mib())
            .root_disk(4.mib())
            .shutdown(Shutdown::force_now());
        let machine = disks.iter().fold(machine, |machine, disk| machine.disk(Disk::new(*disk, 4.mib())));
        let host = Host::local().emulated();
        Cloud::new("shop").host(host).machine(machine).accept("image-missing", "nothing boots")
    };
    let data = |names: DeleteData| Choices { delete_data: names, ..Choices::default() };
    hypervisor.converge(&cloud(&["data"]), &choices());
    let copies = ["db.disk.backup", "db.root.0a1b2c3d", "db-before-crash.console"];
    for copy in copies {
        hypervisor.own.virsh(&["vol-create-as", pool, copy, "4M", "--format", "raw"]);
        hypervisor.write_data(&format!("{folder}/{copy}"));
    }
    hypervisor.expect_nothing_to_do(&cloud(&["data"]));
    let plan = hypervisor.plan(&wanted(&cloud(&["data", "backup"])), &choices());
    let refused: Vec<&str> = plan.refused().map(|note| note.text.as_str()).collect();
    let record = "virsh vol-create-as fmc-shop db.disk.backup.v1.none.none 0 --format raw";
    assert!(matches!(refused.as_slice(), [text] if text.contains(record)), "{refused:?}");
    hypervisor.destroy("shop", &data(DeleteData::All));
    assert!(copies.iter().all(|copy| hypervisor.volumes(pool).contains(&(*copy).to_owned())));
    // The record, and the root of the machine, as the hints say.
    let said = hypervisor.plan(&wanted(&cloud(&["data", "backup"])), &choices());
    let said: Vec<&str> = said.refused().map(|note| note.text.as_str()).collect();
    let clone =
        said.iter().find_map(|text| text.split("`virsh vol-clone ").nth(1)?.split('`').next()).unwrap();
    let clone: Vec<&str> = std::iter::once("vol-clone").chain(clone.split(' ')).collect();
    hypervisor.own.virsh(&clone);
    let record: Vec<&str> = record.split(' ').skip(1).collect();
    hypervisor.own.virsh(&record);
    hypervisor.converge(&cloud(&["backup"]), &choices());
    hypervisor.destroy("shop", &data(DeleteData::All));
    assert_eq!(
        hypervisor.volumes(pool).into_iter().filter(|name| name.starts_with("db")).collect::<Vec<_>>(),
        ["db-before-crash.console", "db.root.0a1b2c3d"]
    );
}

#[test]
fn a_cloud_grows_changes_and_goes() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.plant_foreign_objects();
    let before = hypervisor.lists();
    let foreign = hypervisor.foreign_documents();

    hypervisor.converge(&clouds::small().lab(), &choices());
    assert_eq!(hypervisor.running(), ["small-lab-blank", "small-lab-flatcar", "small-lab-rocky"]);
    let wires = hypervisor.wires();
    let disk = format!("{POOL}/blank.disk.data");
    hypervisor.write_data(&disk);
    let data = hypervisor.data(&disk);

    // One more machine: the others keep running on their links.
    let plan = hypervisor.converge(&clouds::grown().lab(), &choices());
    assert!(plan.impact() <= Impact::Live, "{plan:?}");
    assert_eq!(
        hypervisor.running(),
        ["small-lab-another", "small-lab-blank", "small-lab-flatcar", "small-lab-rocky"]
    );
    let grown = hypervisor.wires();
    assert!(wires.iter().all(|wire| grown.contains(wire)), "{wires:?} in {grown:?}");
    assert_eq!(grown.len(), wires.len() + 1);

    // A change of memory restarts one machine, and no other.
    let bigger = |memory| {
        let machine = Machine::new("more", Image::blank()).memory(memory).shutdown(Shutdown::force_now());
        clouds::grown().lab().machine(machine)
    };
    hypervisor.converge(&bigger(64.mib()), &choices());
    let ids = hypervisor.ids();
    let plan = hypervisor.converge(&bigger(96.mib()), &choices());
    let steps: Vec<_> =
        plan.steps.iter().map(|step| (step.address.short().to_string(), step.action)).collect();
    assert_eq!(steps, [("domain/more".to_owned(), Action::Restart)]);
    let changed: Vec<_> = hypervisor.ids().into_iter().filter(|id| !ids.contains(id)).collect();
    assert!(matches!(changed.as_slice(), [(name, _)] if name == "small-lab-more"), "{changed:?}");
    assert!(hypervisor.own.virsh(&["dominfo", "small-lab-more"]).contains("98304 KiB"));

    // A replaced machine keeps its data: the bytes and the inode.
    let replace = Choices { replace: ["blank".to_owned()].into(), ..choices() };
    let ids = hypervisor.ids();
    let plan = hypervisor.apply(&bigger(96.mib()), &replace);
    assert_eq!(plan.impact(), Impact::Replace);
    hypervisor.expect_nothing_to_do(&bigger(96.mib()));
    let changed: Vec<_> = hypervisor.ids().into_iter().filter(|id| !ids.contains(id)).collect();
    assert!(matches!(changed.as_slice(), [(name, _)] if name == "small-lab-blank"), "{changed:?}");
    assert_eq!(hypervisor.data(&disk), data);

    // The machine goes, its data stays, and kept data alone makes no plan.
    let plan = hypervisor.destroy("small-lab", &choices());
    assert!(plan.notes.iter().any(|note| note.kind == NoteKind::Kept), "{:?}", plan.notes);
    assert_eq!(hypervisor.volumes("fmc-small-lab"), ["blank.disk.data", "blank.disk.data.v1.none.none"]);
    assert_eq!(hypervisor.data(&disk), data);
    assert_eq!(hypervisor.running(), [] as [&str; 0]);

    // Kept data is attached again when its machine returns.
    hypervisor.converge(&clouds::small().lab(), &choices());
    assert_eq!(hypervisor.data(&disk), data);

    hypervisor.destroy("small-lab", &Choices { delete_data: DeleteData::All, ..choices() });
    assert_eq!(hypervisor.lists(), before, "as if nothing had been");
    assert_eq!(hypervisor.foreign_documents(), foreign);
    hypervisor.own.inside(&format!("test ! -e {POOL}")).unwrap();
}

#[test]
fn libvirtd_killed_in_the_middle_of_an_apply() {
    let hypervisor = Hypervisor::named("local");
    let cloud = clouds::grown().lab();
    // After the first step, in the middle, and when the last machine begins.
    for (steps, machines) in [(1, 0), (6, 0), (0, 4)] {
        let (mut done, mut begun, mut networks, mut killed) = (0, 0, 0, false);
        let outcome = hypervisor.try_apply(&cloud, &choices(), |event| {
            match event {
                Event::Started { address, .. } => {
                    networks += usize::from(address.contains("/network/"));
                    begun += usize::from(address.contains("/domain/"));
                }
                Event::Done { address, .. } => {
                    done += 1;
                    networks -= usize::from(address.contains("/network/"));
                }
                _ => {}
            }
            // A network that was just starting has a test of its own.
            if done >= steps && begun >= machines && networks == 0 && !killed {
                killed = true;
                hypervisor.own.kill();
            }
        });
        assert!(!outcome.is_converged(), "cut after {steps} steps, {machines} machines: {outcome:?}");
        hypervisor.own.restart_daemon();
        // A libvirtd that waits for the QEMU of a cut start does not let go of the guest: the error has the command.
        // Each apply names those that it came to: a person follows its command, at most once for each machine.
        for _ in 0..4 {
            let again = hypervisor.try_apply(&cloud, &choices(), |_| ());
            if again.is_converged() {
                break;
            }
            for (at, error) in again.failed {
                states::follow_the_error_of_a_start(&hypervisor, &at.to_string(), &error.to_string());
            }
        }
        hypervisor.converge(&cloud, &choices());
        assert_eq!(
            hypervisor.running(),
            ["small-lab-another", "small-lab-blank", "small-lab-flatcar", "small-lab-rocky"]
        );
        hypervisor.destroy("small-lab", &Choices { delete_data: DeleteData::All, ..choices() });
    }
}

/// The only moment from which libvirt itself does not recover: it has made a bridge, but not recorded it. The
/// error says how to clear it.
#[test]
fn libvirtd_killed_while_it_starts_a_network() {
    let hypervisor = Hypervisor::named("local");
    let cloud = clouds::small().lab();
    let bridge = cloud.check().unwrap().network("lan").unwrap().bridge.clone();
    hypervisor.own.bridge(bridge.as_str());
    let outcome = hypervisor.try_apply(&cloud, &choices(), |_| {});
    let errors: Vec<_> = outcome.failed.iter().map(|(_, error)| error.to_string()).collect();
    let clears = format!("ip link delete {bridge}; pkill -f dnsmasq/small-lab-lan.conf");
    assert!(matches!(errors.as_slice(), [error] if error.contains(&clears)), "{errors:?}");
    // A bridge made by hand has no dnsmasq, so the second command fails.
    hypervisor.own.inside(&clears).unwrap_err();
    hypervisor.converge(&cloud, &choices());
}

#[test]
fn libvirtd_killed_in_the_middle_of_an_upload() {
    let hypervisor = Hypervisor::named("local");
    let content: Vec<u8> = (0..24 * MIB).map(|index| (index * 31 % 251) as u8).collect();
    let cloud = cloud_of_an_image(&hypervisor, &content, 2);
    // The network exists already, because a kill during its start has a test of its own.
    hypervisor.converge(&hypervisor.cloud("upload").network(upload_network()), &choices());
    let mut killed = false;
    let outcome = hypervisor.try_apply(&cloud, &choices(), |event| {
        if !killed && matches!(event, Event::Progress { done, .. } if *done >= 8 << 20) {
            killed = true;
            hypervisor.own.kill();
        }
    });
    assert!(killed && !outcome.is_converged(), "{outcome:?}");
    hypervisor.own.restart_daemon();
    hypervisor.converge(&cloud, &choices());
    let names = hypervisor.volumes("fmc-upload");
    let base = names.iter().find(|name| name.starts_with("base.") && !name.ends_with(".ok")).unwrap();
    let sent = std::fs::read(hypervisor.own.path().join("fmc-upload").join(base)).unwrap();
    assert!(sent == content, "the base image is whole");
    assert_eq!(hypervisor.running(), ["web0", "web1"]);
}

/// Puts an image at a path of the host.
fn put_image(path: &Path, content: &[u8]) -> Digest {
    let bytes = fmc_testkit::image::qcow2("64M", content);
    std::fs::write(path, &bytes).unwrap();
    Digest::sha256(&bytes)
}

/// A cloud of a machine over an image on the host.
fn cloud_over(hypervisor: &Hypervisor, path: &Path, digest: Digest) -> Cloud {
    let image = Image::blank().format(Format::Qcow2).path(path.to_str().unwrap()).digest(digest);
    hypervisor.cloud("upload").network(upload_network()).machine(machine(0, image))
}

/// The file is in no pool: libvirt shows it through one that is there for a moment.
#[test]
fn an_image_on_the_host_that_is_replaced_under_its_machine() {
    let hypervisor = Hypervisor::named("local");
    let path = hypervisor.own.path().join("on-the-host.qcow2");
    let put = |content: &[u8]| put_image(&path, content);
    let cloud = |digest| cloud_over(&hypervisor, &path, digest);
    let refusals = |cloud: &Cloud, choices: &Choices| -> String {
        let plan = hypervisor.plan(&wanted(cloud), choices);
        let notes = plan.notes.iter().filter(|note| note.kind == NoteKind::Refused);
        notes.map(|note| format!("{}: {}\n", note.about, note.text)).collect()
    };
    let replace = Choices { replace: ["web0".to_owned()].into(), ..choices() };
    let is_not_it = "is not the image that the digest says";

    let old = put(b"old");
    let other = Digest::sha256(b"another one");
    assert!(refusals(&cloud(other), &choices()).contains(is_not_it));
    hypervisor.converge(&cloud(old), &choices());
    assert_eq!(hypervisor.own.virsh(&["pool-list", "--all", "--name"]).trim(), "fmc-upload");

    let new = put(b"new");
    let said = refusals(&cloud(old), &choices());
    assert!(said.contains("web0") && said.contains(is_not_it) && said.contains("overlay"), "{said}");
    assert!(refusals(&cloud(old), &replace).contains(is_not_it));
    let seen = wait(hypervisor.provider.observe(&wanted(&cloud(old)))).unwrap();
    let drift = fmc_libvirt::provider::drifted::drift(&wanted(&cloud(old)), &seen).drift;
    assert!(format!("{drift:?}").contains(is_not_it), "{drift:?}");
    hypervisor.apply(&cloud(new), &replace);
    hypervisor.expect_nothing_to_do(&cloud(new));

    std::fs::remove_file(&path).unwrap();
    let away = refusals(&cloud(old), &replace);
    assert!(away.contains("a promise that nobody can keep"), "{away}");
    put(b"new");
    hypervisor.destroy("upload", &choices());
    assert_eq!(hypervisor.own.virsh(&["pool-list", "--all", "--name"]).trim(), "");
}

/// The same in a pool that a person made, whose list libvirt remembers.
#[test]
fn an_image_in_a_pool_of_the_host_that_comes_changes_and_goes() {
    let hypervisor = Hypervisor::named("local");
    let folder = hypervisor.own.path().join("images");
    std::fs::create_dir(&folder).unwrap();
    let target = folder.to_str().unwrap();
    hypervisor.own.virsh(&["pool-create-as", "images", "dir", "--target", target]);
    // It comes after the pool was started.
    let path = folder.join("debian.qcow2");
    let put = |content: &[u8]| put_image(&path, content);
    let cloud = |digest| cloud_over(&hypervisor, &path, digest);
    let refused = |cloud: &Cloud| hypervisor.plan(&wanted(cloud), &choices()).refused().count();
    let old = put(b"old");
    hypervisor.converge(&cloud(old), &choices());
    // Touched only.
    put(b"old");
    hypervisor.expect_nothing_to_do(&cloud(old));
    put(b"new");
    assert_eq!(refused(&cloud(old)), 1);
    put(b"old");
    assert_eq!(refused(&cloud(old)), 0);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(refused(&cloud(old)), 1);
    put(b"old");
    hypervisor.expect_nothing_to_do(&cloud(old));
    // An outdated machine whose root lies over another image is no matter of this one.
    let other = folder.join("another.qcow2");
    let image = || Image::blank().format(Format::Qcow2).path(other.to_str().unwrap());
    let put_other =
        |content: &[u8]| std::fs::write(&other, fmc_testkit::image::qcow2("64M", content)).unwrap();
    put_other(b"one");
    hypervisor.converge(&cloud(old).machine(machine(1, image())), &choices());
    put_other(b"two");
    let both = hypervisor.cloud("upload").network(upload_network());
    let both = both.machines([machine(0, image()), machine(1, image())]);
    let plan = hypervisor.plan(&wanted(&both), &choices());
    let accused: Vec<String> = plan.refused().map(|note| note.about.to_string()).collect();
    assert_eq!(accused, ["machine/web1"]);
    hypervisor.destroy("upload", &choices());
    assert_eq!(hypervisor.own.virsh(&["pool-list", "--all", "--name"]).trim(), "images");
}

/// Only the header of its file says what lies under the disk of a domain that is off.
#[test]
fn what_lies_under_a_foreign_machine_that_is_off_stays() {
    let hypervisor = Hypervisor::named("local");
    let cloud = cloud_of_an_image(&hypervisor, &vec![7; MIB], 1);
    hypervisor.converge(&cloud, &choices());
    let names = hypervisor.volumes("fmc-upload");
    let root = names.iter().find(|name| name.starts_with("web0.root.")).unwrap();
    let folder = hypervisor.own.path().join("fmc-upload");
    let theirs = hypervisor.own.path().join("elsewhere");
    std::fs::create_dir(&theirs).unwrap();
    let disk = theirs.join("theirs.qcow2");
    let (below, above) = (folder.join(root), disk.to_str().unwrap().to_owned());
    let make = format!("qemu-img create -q -f qcow2 -F qcow2 -b {} {above}", below.display());
    hypervisor.own.inside(&make).unwrap();
    let xml = format!(
        "<domain type='qemu'><name>theirs</name><memory unit='MiB'>32</memory><os><type>hvm</type></os><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{above}'/>\
         <target dev='vda' bus='virtio'/></disk></devices></domain>"
    );
    let file = hypervisor.own.path().join("theirs.xml");
    std::fs::write(&file, xml).unwrap();
    hypervisor.own.virsh(&["define", file.to_str().unwrap()]);
    hypervisor.destroy("upload", &Choices { delete_data: DeleteData::All, ..choices() });
    let left = hypervisor.volumes("fmc-upload");
    assert!(left.contains(root) && left.iter().any(|name| name.starts_with("base.")), "{left:?}");
}

/// Machines on one base image from a local file; the first two run.
fn cloud_of_an_image(hypervisor: &Hypervisor, content: &[u8], machines: u8) -> Cloud {
    let image = hypervisor.image(content);
    let machines = (0..machines).map(|index| {
        let power = if index < 2 { Power::Running } else { Power::Stopped };
        machine(index, image.clone()).power(power)
    });
    hypervisor.cloud("upload").network(upload_network()).machines(machines)
}

fn upload_network() -> Network {
    Network::isolated("lan", "10.74.1.0/24")
}

fn machine(index: u8, image: Image) -> Machine {
    Machine::new(format!("web{index}"), image)
        .memory(64.mib())
        .root_disk(1.gib())
        .shutdown(Shutdown::force_now())
        .interface(Interface::on("lan").address(format!("10.74.1.{}", 10 + index)))
}

/// The same work as in the measurements of peers: two networks with reservations, and twelve machines on a
/// base image.
#[test]
fn the_calls_of_a_plan_that_changes_nothing() {
    let hypervisor = Hypervisor::named("local");
    let cloud = cloud_of_an_image(&hypervisor, &vec![7; MIB], 12);
    let cloud = cloud.network(Network::isolated("dmz", "10.74.2.0/24"));
    hypervisor.converge(&cloud, &choices());
    let running = hypervisor.running().len();
    let calls = hypervisor.calls_of_a_plan(&cloud);
    assert!(calls.len() <= 36 + running, "{} calls: {calls:?}", calls.len());
}

/// A person reads the error of `apply`: it names the call, the object, and the remedy.
#[test]
fn a_libvirt_that_does_not_answer_is_said_before_anything_is_done() {
    let hypervisor = Hypervisor::named("local");
    hypervisor.own.kill();
    let error = hypervisor.observe_error(&clouds::small().lab());
    assert!(error.contains("libvirtd"), "{error}");
    hypervisor.own.restart_daemon();
    hypervisor.converge(&clouds::small().lab(), &choices());
}

impl Hypervisor {
    /// A cloud with its pool in a place that the test can read too.
    fn cloud(&self, name: &str) -> Cloud {
        let host = Host::local().emulated().machine_type("pc").base(self.own.path().to_str().unwrap());
        Cloud::new(name).host(host)
    }

    /// An image without an operating system, from a local file.
    fn image(&self, content: &[u8]) -> Image {
        let file = self.own.path().join("image.raw");
        std::fs::write(&file, content).unwrap();
        Image::blank().format(Format::Raw).file(file.to_str().unwrap(), Digest::sha256(content))
    }

    /// Applies as far as possible.
    fn try_apply(&self, cloud: &Cloud, choices: &Choices, mut on: impl FnMut(&Event)) -> Outcome {
        let plan = self.plan(&wanted(cloud), choices);
        wait(apply(&plan, &self.provider, ApplyOptions::default(), |event| on(&event))).unwrap()
    }

    fn observe_error(&self, cloud: &Cloud) -> String {
        wait(self.provider.observe(&wanted(cloud))).unwrap_err().to_string()
    }

    /// The calls of one plan on a connection of its own, including those that open it.
    fn calls_of_a_plan(&self, cloud: &Cloud) -> Vec<u32> {
        let relay = Relay::start(&self.own.path().join("libvirt-sock"));
        let link = VirtLink::connect(&relay.uri()).unwrap();
        let provider = Libvirt::new()
            .host(HostName::literal("local"), link)
            .images(Images::default().files(Files::anywhere("")));
        let wanted = wanted(cloud);
        let seen = wait(provider.observe(&wanted)).unwrap();
        assert!(plan(&provider, &wanted, &seen, &Choices::default()).is_empty());
        relay.take_calls()
    }
}
