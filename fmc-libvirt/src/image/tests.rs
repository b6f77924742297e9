//! Headers as `qemu-img` writes them, headers that must not be trusted, and files of all packers.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use fmc_core::digest::Digest;
use fmc_core::image::Format;
use fmc_core::unit::Size;
use fmc_testkit::image::{pack, qcow2, qemu_img};
use proptest::prelude::*;
use tempfile::TempDir;

use super::ImageError;
use super::content::ImageFile;
use super::header::{HEAD, Header, HeaderError, Stated};
use crate::files::Files;
use crate::link::Pieces as _;

fn stated(format: Format) -> Stated {
    Stated { format, minimum: None, root: Some(("web".to_owned(), Size::gib(20))) }
}

/// The image that `qemu-img` makes with these arguments, and its header.
fn made(arguments: &[&str]) -> (Vec<u8>, Result<Header, HeaderError>) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("below"), qcow2("1G", b"boot")).unwrap();
    qemu_img(folder.path(), arguments).unwrap();
    let bytes = std::fs::read(folder.path().join("image")).unwrap();
    let header = read(&bytes);
    (bytes, header)
}

fn read(bytes: &[u8]) -> Result<Header, HeaderError> {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    Header::read(head, Some(bytes.len() as u64), Format::Qcow2)
}

fn walked(bytes: &[u8]) -> Result<(), HeaderError> {
    read(bytes)?.walk(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn with(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.splice(at..at + value.len(), value.iter().copied());
    bytes
}

#[test]
fn what_qemu_img_makes_is_read() {
    for options in [
        "compat=0.10",
        "compat=1.1",
        "compat=1.1,cluster_size=512",
        "compat=1.1,cluster_size=2M",
        "compat=1.1,extended_l2=on,cluster_size=128k",
        "compat=1.1,compression_type=zstd,lazy_refcounts=on",
    ] {
        let (bytes, header) = made(&["create", "-q", "-f", "qcow2", "-o", options, "image", "5G"]);
        let header = header.unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!((header.format, header.virtual_size), (Format::Qcow2, Some(5 << 30)), "{options}");
        assert_eq!(walked(&bytes), Ok(()), "{options}");
    }
    // An image with content, with and without compression.
    for extra in [["-q", "-q"], ["-c", "-q"]] {
        let folder = TempDir::new().unwrap();
        std::fs::write(
            folder.path().join("raw"),
            (0_u32..300_000).flat_map(u32::to_le_bytes).collect::<Vec<_>>(),
        )
        .unwrap();
        let [first, second] = extra;
        qemu_img(folder.path(), &["convert", first, second, "-f", "raw", "-O", "qcow2", "raw", "image"])
            .unwrap();
        assert_eq!(walked(&std::fs::read(folder.path().join("image")).unwrap()), Ok(()));
    }
}

#[test]
fn what_would_read_another_file_or_needs_a_key_is_refused() {
    let backed = ["create", "-q", "-f", "qcow2", "-b", "below", "-F", "qcow2", "image"];
    let Err(HeaderError::Backing { name: Some(name) }) = made(&backed).1 else { panic!("a backing file") };
    assert_eq!(name, "\"below\"");
    let data = ["create", "-q", "-f", "qcow2", "-o", "data_file=elsewhere", "image", "1G"];
    assert_eq!(made(&data).1, Err(HeaderError::DataFile));
    // For LUKS, qemu-img measures its own speed, which fails where CPU time is counted in ticks; so the
    // method is written as a number.
    let secret = "secret,id=key,data=secret";
    let options = "encrypt.format=aes,encrypt.key-secret=key";
    let encrypted = ["create", "-q", "--object", secret, "-f", "qcow2", "-o", options, "image", "1G"];
    let (bytes, header) = made(&encrypted);
    assert_eq!(header, Err(HeaderError::Encrypted));
    let luks = with(&bytes, 32, &2_u32.to_be_bytes());
    assert_eq!(read(&luks), Err(HeaderError::Encrypted));
}

#[test]
fn a_name_in_a_header_is_shown_and_not_obeyed() {
    let image = qcow2("1G", b"boot");
    let name = b"/etc/shadow\x1b[2J";
    let lie =
        with(&with(&image, 8, &600_u64.to_be_bytes()), 16, &u32::try_from(name.len()).unwrap().to_be_bytes());
    let error = read(&with(&lie, 600, name)).unwrap_err().to_string();
    assert!(
        error.contains(r#"names a backing file, "/etc/shadow\x1b[2J", which a guest would read"#),
        "{error}"
    );
    // A backing file name behind the first bytes counts, too.
    let far = with(&image, 8, &u64::MAX.to_be_bytes());
    assert_eq!(read(&far), Err(HeaderError::Backing { name: None }));
}

#[test]
fn a_lying_header_is_refused_with_what_it_says() {
    let image = qcow2("1G", b"boot");
    let cases: [(usize, &[u8], &str); 14] = [
        (4, &[0, 0, 0, 1], "qcow2 version 1"),
        (4, &[0, 0, 0, 9], "qcow2 version 9"),
        (20, &[0, 0, 0, 63], "the size of its clusters is 63, but it must be from 9 to 21"),
        (24, &u64::MAX.to_be_bytes(), "its virtual size is 18446744073709551615"),
        (24, &[0; 8], "its virtual size is 0"),
        (36, &[0; 4], "the length of its first table is 0"),
        (36, &[0xff; 4], "the length of its first table is 4294967295"),
        (40, &(1_u64 << 40).to_be_bytes(), "the end of its first table is at 1099511631872"),
        (40, &[0xff; 8], "the place of its first table is 18446744073709551615"),
        (48, &(1_u64 << 40).to_be_bytes(), "the end of its reference counts is at 10995116"),
        (
            60,
            &70_000_u32.to_be_bytes(),
            "the number of its snapshots is 70000, but QEMU accepts at most 65536",
        ),
        (60, &1_u32.to_be_bytes(), "the place of its snapshots is 0"),
        (72, &(1_u64 << 1).to_be_bytes(), "marks it as corrupt"),
        (72, &(1_u64 << 63).to_be_bytes(), "incompatible bits 0x8000000000000000"),
    ];
    for (at, value, words) in cases {
        let error = read(&with(&image, at, value)).unwrap_err().to_string();
        assert!(error.contains(words), "{at} {words}: {error}");
    }
    let error = read(&image[..80]).unwrap_err().to_string();
    assert!(error.contains("the file was cut") && error.contains("ends at 80"), "{error}");
}

#[test]
fn tables_that_lead_behind_the_end_are_found() {
    let image = qcow2("1G", &vec![7; 1 << 20]);
    assert_eq!(walked(&image), Ok(()));
    // The clusters of the content come after the tables.
    let error = walked(&image[..image.len() / 2]).unwrap_err();
    assert!(matches!(error, HeaderError::Beyond { .. }), "{error}");
    let l1 = usize::try_from(u64::from_be_bytes(image[40..48].try_into().unwrap())).unwrap();
    let error = walked(&with(&image, l1, &(0x8000_0000_0000_0000_u64 | 1 << 40).to_be_bytes())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "its header is wrong, or the file was cut: a table of its clusters is at {}, but the image ends at {}",
            1_u64 << 40,
            image.len()
        )
    );
}

#[test]
fn other_formats_are_called_by_their_names() {
    let cases: [(&[&str], &str); 5] = [
        (&["create", "-q", "-f", "vmdk", "image", "1G"], "a disk of VMware (VMDK)"),
        (&["create", "-q", "-f", "vdi", "image", "1G"], "a disk of VirtualBox (VDI)"),
        (&["create", "-q", "-f", "vhdx", "image", "1G"], "a disk of Hyper-V (VHDX)"),
        (&["create", "-q", "-f", "vpc", "image", "1G"], "a disk of Hyper-V (VHD)"),
        (&["create", "-q", "-f", "raw", "image", "64k"], "it has no qcow2 header: get the right file"),
    ];
    for (arguments, words) in cases {
        let error = made(arguments).1.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let mut iso = vec![0; 0x9000];
    iso[0x8001..0x8006].copy_from_slice(b"CD001");
    assert!(read(&iso).unwrap_err().to_string().contains("an ISO 9660 image"));
    assert!(Header::read(&iso, None, Format::Raw).is_ok(), "a hybrid image is a disk");
    for (page, words) in [
        (b"\n<!DOCTYPE html><title>".as_slice(), "an HTML page"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\xfd7zXZ\0", "packed by xz, twice"),
        (b"", "it is empty"),
    ] {
        for format in [Format::Qcow2, Format::Raw] {
            let error = Header::read(page, None, format).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
    let error = Header::read(&qcow2("1G", b""), None, Format::Raw).unwrap_err();
    assert_eq!(error, HeaderError::IsQcow2);
}

#[test]
fn an_image_must_fit_what_is_said_of_it() {
    let header = read(&qcow2("30G", b"")).unwrap();
    let error = header.fits(&stated(Format::Qcow2)).unwrap_err();
    let words =
        "its virtual size is 30 GiB, but the root disk of web has 20 GiB: make the disk at least 30 GiB";
    assert_eq!(error.to_string(), words);
    let minimum = Stated { minimum: Some(Size::gib(10)), root: None, ..stated(Format::Qcow2) };
    let error = header.fits(&minimum).unwrap_err().to_string();
    assert!(error.contains("is 30 GiB, but its declared minimum is only 10 GiB"), "{error}");
    assert_eq!(header.fits(&Stated { minimum: Some(Size::gib(30)), ..minimum }), Ok(()));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, at in 0_usize..112, length: u64) {
        let image = with(&[b"QFI\xfb\0\0\0\x03".as_slice(), &[0; 256]].concat(), 8 + at, &bytes[..bytes.len().min(100)]);
        for head in [bytes, image] {
            if let Ok(header) = Header::read(&head, Some(length), Format::Qcow2) {
                // A table may point outside the file: a failed read is also an acceptable error.
                drop(header.walk(&mut Cursor::new(&head), length));
            }
        }
    }
}

/// Content that packs well and whose length is not a multiple of any block size.
fn content() -> Vec<u8> {
    let mut image = qcow2("1G", &(0_u32..40_000).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    image.extend([9; 77]);
    image
}

fn in_file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// Reads a file like an upload.
fn unpacked(path: &Path, digest: Digest, inner: Option<Digest>) -> Result<Vec<u8>, ImageError> {
    let stated = stated(Format::Qcow2);
    let file = ImageFile::open(&Files::anywhere(""), path, &stated)?;
    let mut content = file.content(stated, digest, inner)?;
    let mut bytes = Vec::new();
    loop {
        match content.next() {
            Ok(Some(piece)) => piece.for_each(|some| bytes.extend_from_slice(some)),
            Ok(None) => return content.finish().map(|()| bytes),
            Err(error) => return Err(content.failure().unwrap_or(ImageError::Read(error))),
        }
    }
}

const PACKERS: [&[&str]; 7] = [
    &["gzip", "-9"],
    &["xz", "-6"],
    &["xz", "-9", "-T2", "--block-size=65536"],
    &["bzip2", "-9"],
    &["zstd", "-3"],
    &["zstd", "-19", "--no-check"],
    &["xz", "--check=sha256"],
];

#[test]
fn a_packed_file_comes_out_as_it_went_in() {
    let content = content();
    let inner = Digest::sha512(&content);
    for packer in PACKERS {
        let (_folder, path) = in_file(&content);
        let packed = pack(&path, packer);
        let digest = Digest::sha256(&std::fs::read(&packed).unwrap());
        let file = ImageFile::open(&Files::anywhere(""), &packed, &stated(Format::Qcow2)).unwrap();
        let known = (*packer.first().unwrap() == "xz").then_some(content.len() as u64);
        assert_eq!((file.length, file.header.virtual_size), (known, Some(1 << 30)), "{packer:?}");
        assert!(unpacked(&packed, digest, Some(inner)).unwrap() == content, "{packer:?}");
        assert!(unpacked(&packed, digest, None).unwrap() == content, "{packer:?}");
    }
}

#[test]
fn several_streams_one_behind_another_are_one() {
    let content = content();
    let (one, two) = content.split_at(100_000);
    for packer in PACKERS {
        let packed = [one, two].map(|part| std::fs::read(pack(&in_file(part).1, packer)).unwrap());
        let (_folder, path) = in_file(&packed.concat());
        let digest = Digest::sha256(&packed.concat());
        assert!(unpacked(&path, digest, None).unwrap() == content, "{packer:?}");
    }
}

#[test]
fn a_packed_file_that_was_cut_is_said_to_be() {
    let content = content();
    for packer in PACKERS {
        let (_folder, path) = in_file(&content);
        let packed = std::fs::read(pack(&path, packer)).unwrap();
        let digest = Digest::sha256(&packed);
        for length in [packed.len() - 1, packed.len() / 2, 20, 7] {
            let (_folder, path) = in_file(&packed[..length]);
            let error = unpacked(&path, digest, None).unwrap_err();
            assert!(
                matches!(
                    error,
                    ImageError::Unpack { .. } | ImageError::Digest { .. } | ImageError::Header(_)
                ),
                "{packer:?} {length}: {error}"
            );
        }
    }
}

#[test]
fn either_digest_is_checked() {
    let content = content();
    let (_folder, path) = in_file(&content);
    let packed = pack(&path, &["zstd"]);
    let [right, inner, wrong] =
        [&std::fs::read(&packed).unwrap(), &content, b"other".as_slice()].map(Digest::sha256);
    let error = unpacked(&packed, wrong, Some(inner)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("its content is {right}, not {wrong}: get the right file, or correct the digest")
    );
    let error = unpacked(&packed, right, Some(wrong)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("its content, unpacked, is {inner}, not {wrong}")), "{error}");
    // A file that is not packed has the same digest both ways.
    assert!(unpacked(&path, inner, Some(inner)).is_ok());
}

#[test]
fn what_unpacks_to_more_than_it_may_is_stopped() {
    // A qcow2 image of 1 MiB cannot have forty more MiB.
    let mut bomb = qcow2("1M", b"boot");
    bomb.resize(40 << 20, 0);
    for packer in [["gzip", "-1"], ["zstd", "-1"], ["xz", "-0"], ["bzip2", "-1"]] {
        let (_folder, path) = in_file(&bomb);
        let packed = pack(&path, &packer);
        let digest = Digest::sha256(&std::fs::read(&packed).unwrap());
        let error = unpacked(&packed, digest, None).unwrap_err();
        assert!(matches!(error, ImageError::Bomb { .. }), "{packer:?}: {error}");
    }
}

#[test]
fn what_asks_for_more_memory_than_it_may_is_refused_before_it_gets_it() {
    let (_folder, path) = in_file(&content());
    for packer in [["zstd", "--ultra", "--long=27"].as_slice(), &["xz", "--lzma2=dict=128MiB"]] {
        let packed = pack(&path, packer);
        // A file that is smaller than the window needs none, unless its packer did not know that.
        let mut bytes = std::fs::read(&packed).unwrap();
        if packer.first() == Some(&"zstd") {
            let rest = bytes.split_off(4);
            // Not a single segment, no content size, a window of 128 MiB, and then the first block.
            let skip = 1 + if rest[0] >> 6 == 0 { 1 } else { 1 << (rest[0] >> 6) };
            bytes.extend([0, 17 << 3]);
            bytes.extend(&rest[skip..]);
        }
        let (_folder, path) = in_file(&bytes);
        let error = unpacked(&path, Digest::sha256(&bytes), None).unwrap_err().to_string();
        assert!(error.contains("cannot be unpacked") && error.contains("unpack it by hand"), "{error}");
    }
    let packed = pack(&path, &["xz", "-9"]);
    let digest = Digest::sha256(&std::fs::read(&packed).unwrap());
    assert!(unpacked(&packed, digest, None).is_ok(), "as Fedora CoreOS is packed");
}
