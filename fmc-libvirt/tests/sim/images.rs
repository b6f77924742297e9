//! Uploads of images: unpacked, checked against their headers and digests, sent once to each host.

use std::path::{Path, PathBuf};

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::disk::Disk;
use fmc_core::graph::{ApplyOptions, Choices, Event, Provider as _, Wanted, apply, plan};
use fmc_core::host::Host;
use fmc_core::image::{Format, Image};
use fmc_core::machine::Machine;
use fmc_core::name::HostName;
use fmc_core::unit::{Size, SizeExt as _};
use fmc_libvirt::document::Document;
use fmc_libvirt::files::Files;
use fmc_libvirt::image::Images;
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;
use fmc_testkit::image::{pack, qcow2};
use tempfile::TempDir;

use crate::lab::{Lab, cloud, lan, now, wanted};

/// A folder with an image.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new(bytes: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("system.img");
        std::fs::write(&path, bytes).unwrap();
        Self { _folder: folder, path }
    }

    fn packed(bytes: &[u8], packer: &[&str]) -> Self {
        let file = Self::new(bytes);
        let path = pack(&file.path, packer);
        Self { path, ..file }
    }

    fn image(&self) -> Image {
        Image::rocky("9.4").file(self.path.to_str().unwrap(), digest(&self.path))
    }
}

fn digest(path: &Path) -> Digest {
    Digest::sha256(&std::fs::read(path).unwrap())
}

/// More than one piece of an upload, and not a multiple of it.
fn bytes() -> Vec<u8> {
    qcow2("1G", &(0_u32..50_000).flat_map(u32::to_le_bytes).collect::<Vec<_>>())
}

fn web(image: Image) -> Machine {
    Machine::new("web", image).memory(1.gib()).root_disk(9.gib())
}

fn web_of(name: &'static str, image: Image) -> Machine {
    Machine::new(name, image).memory(1.gib()).root_disk(5.gib())
}

fn of(image: Image) -> Wanted<Document> {
    wanted(&cloud([lan()], [web(image)]))
}

/// The bytes of the only base image on a hypervisor: the simulation keeps their number and hash.
fn base(sim: &Sim) -> (u64, String) {
    let json: serde_json::Value = serde_json::from_str(&sim.to_json().unwrap()).unwrap();
    let volumes = json["pools"]["fmc-first"]["volumes"].as_object().unwrap();
    let (_, volume) =
        volumes.iter().find(|(name, _)| name.starts_with("base.") && !name.ends_with(".ok")).unwrap();
    (volume["sent"][0].as_u64().unwrap(), volume["sent"][1].as_str().unwrap().to_owned())
}

/// The number of uploads of an image.
fn uploads(sim: &Sim) -> usize {
    sim.calls().iter().filter(|call| call.name == "upload" && call.object.starts_with("base.")).count()
}

fn refused(image: Image) -> String {
    let lab = Lab::new();
    let outcome = lab.try_apply(&of(image), &Choices::default()).unwrap();
    assert_eq!(uploads(&lab.sim), 0, "nothing was sent");
    assert!(lab.volumes("base.").is_empty() && lab.volumes("web.root.").is_empty(), "nothing half-written");
    outcome.failed.first().map(|(_, error)| error.to_string()).unwrap()
}

#[test]
fn a_packed_image_arrives_unpacked_whatever_packs_it() {
    let bytes = bytes();
    let sent = (bytes.len() as u64, Digest::sha256(&bytes).hex());
    for packer in [["gzip", "-6"], ["xz", "-6"], ["bzip2", "-9"], ["zstd", "-19"]] {
        let file = File::packed(&bytes, &packer);
        let lab = Lab::new();
        let all = of(file.image().unpacked_digest(Digest::sha512(&bytes)));
        let (mut last, total) = (0, std::fs::metadata(&file.path).unwrap().len());
        lab.run(lab.plan(&all), &all, &Choices::default(), |event| {
            // Progress counts the bytes of the packed file, because the unpacked size is not known
            // beforehand.
            if let Event::Progress { address, done, total: told } = event
                && address.contains("base.")
            {
                assert_eq!(told, total);
                assert!(done > last);
                last = done;
            }
        })
        .unwrap()
        .converged()
        .unwrap();
        assert_eq!(last, total, "{packer:?}");
        assert_eq!(base(&lab.sim), sent, "{packer:?}");
        assert!(lab.plan(&all).is_empty());
    }
}

#[test]
fn a_wrong_digest_of_either_kind_leaves_nothing_behind() {
    let bytes = bytes();
    let file = File::packed(&bytes, &["xz", "-0"]);
    let path = file.path.to_str().unwrap();
    let wrong = Digest::sha256(b"something else");
    for (image, words) in [
        (
            Image::rocky("9.4").file(path, wrong),
            format!("its content is {}, not {wrong}", digest(&file.path)),
        ),
        (
            // This is the digest of the unpacked content. Upstreams publish the digest of the file, so it is
            // compared with that.
            Image::rocky("9.4").file(path, Digest::sha256(&bytes)),
            format!("its content is {}, not {}", digest(&file.path), Digest::sha256(&bytes)),
        ),
        (
            file.image().unpacked_digest(wrong),
            format!("its content, unpacked, is {}, not {wrong}", Digest::sha256(&bytes)),
        ),
    ] {
        let lab = Lab::new();
        let outcome = lab.try_apply(&of(image), &Choices::default()).unwrap();
        let (_, error) = outcome.failed.first().unwrap();
        assert!(error.to_string().contains(&words), "{error}");
        assert!(lab.volumes("base.").is_empty() && lab.volumes("web.root.").is_empty());
        lab.apply(&of(file.image()));
    }
}

#[test]
fn what_is_no_image_of_its_machine_is_refused_before_a_byte_is_sent() {
    let html = File::new(b"<!DOCTYPE html><html><body>Not found</body></html>");
    let error = refused(html.image());
    assert!(error.contains("system.img: it is an HTML page"), "{error}");

    let large = File::new(&qcow2("10G", b"boot"));
    let error = refused(large.image());
    let words =
        "its virtual size is 10 GiB, but the root disk of web has 9 GiB: make the disk at least 10 GiB";
    assert!(error.contains(words), "{error}");
    let error = refused(File::packed(&qcow2("10G", b"boot"), &["zstd"]).image());
    assert!(error.contains("system.img.zst: ") && error.contains(words), "{error}");
    let error = refused(File::new(&bytes()).image().minimum(512.mib()));
    assert!(error.contains("its virtual size is 1 GiB, but its declared minimum is only 512 MiB"), "{error}");

    let error = refused(File::new(&bytes()).image().format(Format::Raw));
    assert!(error.contains("its header is qcow2, but it is declared raw"), "{error}");
    let raw = File::new(&[0x55; 4096]);
    assert!(refused(raw.image()).contains("it has no qcow2 header: get the right file"));
    Lab::new().apply(&of(raw.image().format(Format::Raw)));

    let error = refused(File::new(&bytes()[..100]).image());
    assert!(error.contains("its header is wrong, or the file was cut"), "{error}");
    let cut = File::packed(&bytes(), &["xz"]);
    let whole = std::fs::read(&cut.path).unwrap();
    std::fs::write(&cut.path, &whole[..whole.len() - 9]).unwrap();
    let error = refused(cut.image());
    assert!(error.contains("packed by xz and cannot be unpacked"), "{error}");
}

#[test]
fn a_plan_says_it_before_anything_is_made() {
    let large = File::new(&qcow2("10G", b"boot"));
    let of = |image: Image| cloud([lan()], [web(image.clone()), web_of("second", image)]).check().unwrap();
    let told = |checked: &fmc_core::checked::Checked, lab: &Lab| {
        lab.plan(&fmc_libvirt::documents::documents(checked));
        now(lab.provider.preflight(checked))
            .into_iter()
            .map(|note| (note.about.to_string(), note.text))
            .collect::<Vec<_>>()
    };
    let checked = of(large.image());
    let lab = Lab::new();
    let (about, text) = told(&checked, &lab).pop().unwrap();
    assert_eq!(about, format!("image/{}", large.path.display()));
    assert!(text.contains("its virtual size is 10 GiB, but the root disk of second has 5 GiB"), "{text}");
    // An image that the host has is not read again, and a file that does not exist yet is waited for.
    let right = File::new(&qcow2("1G", b"boot"));
    let checked = of(right.image());
    assert_eq!(told(&checked, &lab), []);
    lab.apply(&fmc_libvirt::documents::documents(&checked));
    std::fs::write(&right.path, "gone").unwrap();
    assert_eq!(told(&checked, &lab), []);
    std::fs::remove_file(&right.path).unwrap();
    assert_eq!(told(&checked, &Lab::new()), []);
}

#[test]
fn an_image_that_was_cut_where_only_its_digest_tells_is_found() {
    let noise = File::new(&[7; 200_000]);
    let image = noise.image().format(Format::Raw);
    std::fs::write(&noise.path, [7; 150_000]).unwrap();
    let lab = Lab::new();
    let outcome = lab.try_apply(&of(image), &Choices::default()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("get the right file, or correct the digest"), "{error}");
    assert!(lab.volumes("base.").is_empty());
}

#[test]
fn a_packed_image_that_fills_the_disk_leaves_nothing_behind() {
    // The packed file fits into the room; the unpacked size is not known beforehand.
    let file = File::packed(&bytes(), &["gzip"]);
    let packed = std::fs::metadata(&file.path).unwrap().len();
    let lab = Lab::new();
    lab.sim.room("/var/lib/libvirt/images/fmc-first", packed + 1);
    let outcome = lab.try_apply(&of(file.image()), &Choices::default()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(lab.volumes("base.").is_empty());
}

#[test]
fn the_smallest_root_decides_and_a_new_machine_changes_no_document() {
    let file = File::new(&qcow2("10G", b"boot"));
    let machine = |name: &str, size: Size| {
        Machine::new(name.to_owned(), file.image())
            .memory(1.gib())
            .root_disk(size)
            .disk(Disk::new("data", 1.gib()))
    };
    let error = |machines: Vec<Machine>| {
        let lab = Lab::new();
        let outcome = lab.try_apply(&wanted(&cloud([lan()], machines)), &Choices::default()).unwrap();
        outcome.failed.first().map(|(_, error)| error.to_string())
    };
    assert_eq!(error(vec![machine("a", 20.gib()), machine("b", 10.gib())]), None);
    for order in [["a", "b"], ["b", "a"]] {
        let [large, small] = order;
        let error = error(vec![machine(large, 20.gib()), machine(small, 9.gib())]).unwrap();
        assert!(error.contains(&format!("the root disk of {small} has 9 GiB")), "{error}");
    }
}

/// Each host reads the file on its own: the second read comes from the page cache, and a slow host does not
/// delay the others.
#[test]
fn several_hosts_get_an_image_once_each_at_the_same_time() {
    let bytes = bytes();
    let file = File::packed(&bytes, &["zstd"]);
    let machine = |name: String, host: &'static str| {
        Machine::new(name, file.image()).memory(1.gib()).root_disk(9.gib()).host(host)
    };
    let hosts = ["one", "two"];
    let sims = hosts.map(|_| Sim::new().blocking());
    let machines = (0..6).flat_map(|at| hosts.map(|host| machine(format!("{host}{at}"), host)));
    let cloud = Cloud::new("first")
        .hosts(hosts.map(|host| Host::new(host).uri(format!("qemu+ssh://{host}/system"))))
        .machines(machines);
    let provider = hosts.iter().zip(&sims).fold(
        Libvirt::new().images(Images::default().files(Files::anywhere(""))),
        |provider, (host, sim)| provider.host(host.parse::<HostName>().unwrap(), sim.clone()),
    );
    let wanted = wanted(&cloud);
    let seen = pollster::block_on(provider.observe(&wanted)).unwrap();
    let plan = plan(&provider, &wanted, &seen, &Choices::default());
    let applied = apply(&plan, &provider, ApplyOptions::default(), |_| ());
    let outcome = pollster::block_on(applied).unwrap();
    assert!(outcome.is_converged(), "{outcome:?}");
    for sim in &sims {
        assert_eq!(base(sim), (bytes.len() as u64, Digest::sha256(&bytes).hex()));
        let uploads =
            sim.calls().into_iter().filter(|call| call.name == "upload" && call.object.starts_with("base."));
        assert_eq!(uploads.count(), 1);
    }
}

#[test]
fn an_upload_that_is_cut_anywhere_is_made_again_as_a_whole() {
    use fmc_libvirt::sim::{Fault, When};

    let bytes = bytes();
    for packer in [&["xz"], &["zstd"]] {
        let file = File::packed(&bytes, packer);
        for at in [1, 70_000, 140_000] {
            let lab = Lab::new();
            lab.sim.on(When::call("upload"), Fault::CutAt(at));
            lab.cut_apply(&of(file.image()), &Choices::default());
            assert!(lab.volumes("base.").iter().all(|name| !name.ends_with(".ok")));
            lab.apply(&of(file.image()));
            assert_eq!(base(&lab.sim), (bytes.len() as u64, Digest::sha256(&bytes).hex()));
        }
    }
}
