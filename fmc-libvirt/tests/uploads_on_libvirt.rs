//! Uploads of images to a real libvirtd: the content that arrives, its space there, and the memory that it
//! takes here.
#![cfg(all(feature = "virt", feature = "unpack"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

#[expect(dead_code, reason = "the other tests on a libvirtd ask for more")]
mod host;

use std::fs::File;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cap::Cap;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::graph::{ApplyOptions, Choices, Event, Provider as _, StopFlag, apply, plan};
use fmc_core::host::Host;
use fmc_core::image::{Format, Image, Os};
use fmc_core::machine::{Machine, Power};
use fmc_core::unit::SizeExt as _;
use fmc_testkit::image::{pack, qcow2};
use host::{Hypervisor, wait, wanted};

#[global_allocator]
static MEMORY: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

const MIB: usize = 1 << 20;

/// The most memory that an upload of any image may take.
const MOST: usize = 16 * MIB;

fn cloud(file: &Path, digest: Digest, format: Format) -> Cloud {
    let image = Image::new(Os::None, "1").file(file.to_str().unwrap(), digest).format(format);
    let machine = Machine::new("web", image).memory(32.mib()).root_disk(3.gib()).power(Power::Stopped);
    Cloud::new("uploads").host(Host::local().emulated()).machine(machine)
}

/// Applies, and gives the peak of additional memory, by the program's allocator.
fn peak(hypervisor: &Hypervisor, cloud: &Cloud) -> usize {
    let wanted = wanted(cloud);
    let seen = wait(hypervisor.provider.observe(&wanted)).unwrap();
    let plan = plan(&hypervisor.provider, &wanted, &seen, &Choices::default());
    let (before, most) = (MEMORY.allocated(), AtomicUsize::new(0));
    let outcome = wait(apply(&plan, &hypervisor.provider, ApplyOptions::default(), |event| {
        if matches!(event, Event::Progress { .. }) {
            most.fetch_max(MEMORY.allocated().saturating_sub(before), Ordering::Relaxed);
        }
    }))
    .unwrap();
    assert!(outcome.is_converged(), "{outcome:#?}");
    most.into_inner()
}

/// The only base image of the cloud, on the hypervisor.
fn base(hypervisor: &Hypervisor) -> PathBuf {
    let names = hypervisor.volumes("fmc-uploads");
    let name = names.iter().find(|name| name.starts_with("base.") && !name.ends_with(".ok")).unwrap();
    let path = hypervisor.own.virsh(&["vol-path", "--pool", "fmc-uploads", name]);
    PathBuf::from(path.trim())
}

/// A file with 8 MiB that are not zero, in several places.
fn sparse(folder: &Path, length: usize) -> PathBuf {
    let path = folder.join("sparse.img");
    let file = File::create(&path).unwrap();
    file.set_len(length as u64).unwrap();
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = vec![0; 4 * MIB];
    for word in noise.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    for at in [0, length / 2] {
        file.write_all_at(&noise, at as u64 + 4096).unwrap();
    }
    path
}

fn digest(path: &Path) -> Digest {
    use sha2::Digest as _;

    let mut hash = sha2::Sha256::new();
    let mut file = File::open(path).unwrap();
    let mut piece = vec![0; MIB];
    loop {
        let count = std::io::Read::read(&mut file, &mut piece).unwrap();
        if count == 0 {
            return Digest::Sha256(hash.finalize().into());
        }
        hash.update(piece.get(..count).unwrap());
    }
}

/// The length of a file on the hypervisor and its space there, after a comparison of its content with ours.
fn same_as(hypervisor: &Hypervisor, path: &Path, ours: &Path) -> (u64, u64) {
    let (path, ours) = (path.display(), ours.display());
    let said = hypervisor.own.inside(&format!("cmp {path} {ours} && stat --format='%s %b' {path}")).unwrap();
    let mut numbers = said.split_whitespace().map(|word| word.parse::<u64>().unwrap());
    let (length, blocks) = (numbers.next().unwrap(), numbers.next().unwrap());
    (length, blocks * 512)
}

/// The allocator counts for the whole process, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn an_image_arrives_with_its_holes_and_takes_little_memory_on_its_way() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let hypervisor = Hypervisor::named("local");
    // Packed images are smaller, because packing takes most of the time.
    let packers: [(&[&str], usize); 5] = [
        (&[], 1024 * MIB),
        (&["zstd", "-19"], 48 * MIB),
        (&["gzip", "-1"], 48 * MIB),
        (&["bzip2", "-9"], 48 * MIB),
        (&["xz", "-5"], 48 * MIB),
    ];
    for (packer, size) in packers {
        let plain = sparse(hypervisor.own.path(), size);
        let taken = std::fs::metadata(&plain).unwrap().blocks() * 512;
        let file = pack(&plain, packer);
        let cloud = cloud(&file, digest(&file), Format::Raw);
        let memory = peak(&hypervisor, &cloud);
        assert!(memory <= MOST, "{packer:?}: {memory}");
        let (length, blocks) = same_as(&hypervisor, &base(&hypervisor), &plain);
        assert_eq!(length, size as u64, "{packer:?}");
        assert!(blocks <= taken + MIB as u64, "{packer:?}: {blocks} where {taken} are taken here");
        hypervisor.expect_nothing_to_do(&cloud);
        hypervisor.destroy("uploads", &Choices::default());
    }
}

#[test]
fn an_upload_that_was_stopped_is_made_as_a_whole_by_the_next_apply() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let hypervisor = Hypervisor::named("local");
    let path = hypervisor.own.path().join("image.qcow2");
    let image = qcow2("1G", &(0_u32..2_000_000).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    std::fs::write(&path, &image).unwrap();
    let packed = pack(&path, &["xz", "-0"]);
    let cloud = cloud(&packed, digest(&packed), Format::Qcow2);
    let wanted = wanted(&cloud);
    let seen = wait(hypervisor.provider.observe(&wanted)).unwrap();
    let first = plan(&hypervisor.provider, &wanted, &seen, &Choices::default());
    let stop = StopFlag::default();
    let options = ApplyOptions { stop: stop.clone(), ..ApplyOptions::default() };
    let outcome = wait(apply(&first, &hypervisor.provider, options, |event| {
        if matches!(event, Event::Progress { .. }) {
            stop.stop();
        }
    }))
    .unwrap();
    assert!(!outcome.is_converged());
    assert!(hypervisor.volumes("fmc-uploads").iter().all(|name| !name.ends_with(".ok")));
    hypervisor.converge(&cloud, &Choices::default());
    same_as(&hypervisor, &base(&hypervisor), &path);
}
