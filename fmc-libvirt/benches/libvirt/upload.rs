//! Uploads of an image: the speed of fmc, which also checks and unpacks, against `virsh vol-upload` with the
//! same file.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::graph::{self, ApplyOptions, Event, Wanted};
use fmc_core::host::Host;
use fmc_core::image::{Format, Image, Os};
use fmc_core::machine::{Machine, Power};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::documents::documents;
use fmc_testkit::image::pack;
use fmc_testkit::libvirtd::Own;

use crate::{Extent, clouds, plan};

/// An image of noise, one with mostly holes, and a packed one, each sent by `virsh` and by fmc in turn.
pub(crate) fn table(extent: &Extent) -> String {
    let length = extent.image << 20;
    let own = Own::start();
    let folder = own.path().join("theirs");
    std::fs::create_dir(&folder).expect("a folder for a pool");
    own.virsh(&["pool-create-as", "theirs", "dir", "--target", folder.to_str().expect("a path of ours")]);
    let noise = own.path().join("noise.img");
    std::fs::write(&noise, clouds::noise(length)).expect("the image is written");
    let sparse = own.path().join("sparse.img");
    let file = std::fs::File::create(&sparse).expect("the image is written");
    file.set_len(length as u64).expect("a file with a hole");
    // One eighth has content, as on a fresh disk.
    {
        use std::os::unix::fs::FileExt as _;
        let content = clouds::noise(length / 8);
        file.write_all_at(&content, 1 << 20).expect("the image is written");
    }
    let packed = pack(&sparse, &["zstd", "-3"]);

    let mut table = format!(
        "| upload of {} MiB | `virsh vol-upload` | the file's SHA-256 alone | fmc | rate of fmc to virsh's |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
        extent.image
    );
    let work = [
        ("noise", noise.as_path(), noise.as_path(), false),
        ("seven eighths holes, `--sparse`", &sparse, &sparse, true),
        ("the same, packed by zstd (virsh sends it unpacked, `--sparse`)", &sparse, &packed, true),
    ];
    for (what, theirs, ours, is_sparse) in work {
        let bytes = std::fs::read(ours).expect("the image is there");
        let (digest, mut hash) = (Digest::sha256(&bytes), Vec::new());
        let (mut virsh, mut fmc) = (Vec::new(), Vec::new());
        for _ in 0..extent.runs.max(1) {
            let start = Instant::now();
            assert_eq!(Digest::sha256(&bytes), digest);
            hash.push(start.elapsed());
            virsh.push(by_virsh(&own, theirs, length, is_sparse));
            fmc.push(by_fmc(&own, ours, extent.image, digest));
        }
        let [virsh, hash, fmc] = [virsh, hash, fmc].map(|mut times| {
            times.sort();
            times[0].as_secs_f64()
        });
        let rate = |seconds: f64| extent.image as f64 / seconds;
        writeln!(
            table,
            "| {what} | {virsh:.2} s ({:.0} MiB/s) | {hash:.2} s | {fmc:.2} s ({:.0} MiB/s) | {:.2} |",
            rate(virsh),
            rate(fmc),
            virsh / fmc
        )
        .expect("a line of a table");
    }
    table
}

fn by_virsh(own: &Own, file: &Path, length: usize, is_sparse: bool) -> Duration {
    own.virsh(&["vol-create-as", "theirs", "image", &length.to_string(), "--allocation", "0"]);
    let uri = own.uri();
    let start = Instant::now();
    let mut command = Command::new("virsh");
    command.args(["--quiet", "--connect", &uri, "vol-upload", "--pool", "theirs", "image"]).arg(file);
    if is_sparse {
        command.arg("--sparse");
    }
    assert!(command.status().expect("virsh runs").success());
    let took = start.elapsed();
    // The end of an upload starts a refresh of the pool, and a deletion is refused during it.
    while own.try_virsh(&["vol-delete", "--pool", "theirs", "image"]).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    took
}

/// A whole step: reading the header, hashing, the volume and its commit.
fn by_fmc(own: &Own, file: &Path, mib: usize, digest: Digest) -> Duration {
    let image = Image::new(Os::None, format!("{mib} MiB"))
        .file(file.to_str().expect("a path of ours"), digest)
        .format(Format::Raw);
    let machine = Machine::new("web", image).memory(32.mib()).root_disk(1.gib()).power(Power::Stopped);
    let cloud = Cloud::new("upload").host(Host::local().emulated()).machine(machine);
    let wanted = documents(&cloud.check().expect("the cloud is right"));
    let (mut start, mut took) = (Instant::now(), None);
    let (provider, plan) = plan(&own.uri(), &wanted, &wanted);
    let applied = graph::apply(&plan, &provider, ApplyOptions::default(), |event| match event {
        Event::Started { address, .. } if address.contains("/base.") => start = Instant::now(),
        Event::Done { address, .. } if address.contains("/base.") => took = Some(start.elapsed()),
        _ => {}
    });
    let outcome = pollster::block_on(applied).expect("the plan can be done");
    assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
    crate::apply(&own.uri(), &Wanted::nothing(wanted.owner.clone()), &wanted);
    took.expect("the image was sent")
}
