//! The header of a disk image: its format, its virtual size, and whether the image is self-contained.
//!
//! The layout is described in QEMU's `docs/interop/qcow2.rst`. The header is not trusted: every offset is
//! checked against the length of the file before it is followed.

use std::io::{self, Read, Seek, SeekFrom};

use fmc_core::image::Format;
use fmc_core::unit::Size;

/// How many first bytes identify an image: enough for a qcow2 header with its extensions and the name of a
/// backing file, and for the mark of an ISO 9660 image at 32 KiB.
pub const HEAD: usize = 64 << 10;

/// The largest accepted virtual size: 64 TiB is the most that QEMU's default clusters can address.
const LARGEST: u64 = 64 << 40;

/// QEMU refuses larger first-level tables.
const LARGEST_L1: u64 = 32 << 20;

/// QEMU refuses more snapshots, and a longer table of them.
const MOST_SNAPSHOTS: u32 = 65536;

/// The limit for reading second-level tables: enough for 1 TiB with the default clusters.
const LARGEST_WALK: u64 = 128 << 20;

/// Why an image is refused; fragments that follow the name of its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// There are no bytes.
    #[error("it is empty")]
    Empty,
    /// It is another kind of file.
    #[error("it is {what}, but guests need qcow2 or raw: {help}")]
    Other {
        /// The kind of file.
        what: &'static str,
        /// The advice to a person.
        help: &'static str,
    },
    /// It is qcow2 although it is declared raw.
    #[error("its header is qcow2, but it is declared raw: declare the format qcow2, or leave the format out")]
    IsQcow2,
    /// It is declared qcow2 but is not. Its bytes are not shown: it may be any file.
    #[error(
        "it has no qcow2 header: get the right file, or declare the format raw if its bytes are the disk itself"
    )]
    NotQcow2,
    /// An unknown version of qcow2.
    #[error(
        "its header has qcow2 version {0}, but only 2 and 3 are supported: convert it with `qemu-img convert -O qcow2`"
    )]
    Version(u32),
    /// It is a layer on another file.
    #[error(
        "its header names a backing file{}, which a guest would read on the hypervisor: convert it with `qemu-img convert -O qcow2`",
        .name.as_ref().map(|name| format!(", {name}")).unwrap_or_default()
    )]
    Backing {
        /// The backing file's name, harmless to show.
        name: Option<String>,
    },
    /// Its bytes are in another file.
    #[error(
        "its header names an external data file, which a guest would read on the hypervisor: convert it with `qemu-img convert -O qcow2`"
    )]
    DataFile,
    /// It is encrypted.
    #[error("it is encrypted, and a guest has no key for it: decrypt it with `qemu-img convert -O qcow2`")]
    Encrypted,
    /// It is marked as corrupt.
    #[error("its header marks it as corrupt: repair it with `qemu-img check -r all`, or get it again")]
    Corrupt,
    /// Features of an unknown version.
    #[error(
        "its header requires unknown features of qcow2 (incompatible bits {0:#x}): convert it with `qemu-img convert -O qcow2`"
    )]
    Features(u64),
    /// A field has an impossible value.
    #[error("its header is wrong: {field} is {found}, but {right}")]
    Field {
        /// The field.
        field: &'static str,
        /// The value.
        found: u64,
        /// The allowed values.
        right: String,
    },
    /// An offset points behind the end of the image.
    #[error("its header is wrong, or the file was cut: {what} is at {at}, but the image ends at {length}")]
    Beyond {
        /// The part.
        what: &'static str,
        /// Its offset, or its end.
        at: u64,
        /// The end of the image.
        length: u64,
    },
    /// It is larger than its declared minimum.
    #[error("its virtual size is {found}, but its declared minimum is only {stated}: correct the minimum")]
    Minimum {
        /// Its virtual size.
        found: Size,
        /// The declared minimum.
        stated: Size,
    },
    /// It does not fit on a root disk.
    #[error(
        "its virtual size is {found}, but the root disk of {machine} has {root}: make the disk at least {found}"
    )]
    Root {
        /// Its virtual size.
        found: Size,
        /// The machine with the smallest root disk.
        machine: String,
        /// The size of that disk.
        root: Size,
    },
}

/// An image's properties by its header.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Its format.
    pub format: Format,
    /// The size in bytes of the disk that a guest sees; `None` for a raw image whose length is not known yet.
    pub virtual_size: Option<u64>,
    qcow2: Option<Qcow2>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Qcow2 {
    cluster_bits: u32,
    l1_offset: u64,
    l1_size: u64,
    extended: bool,
}

/// The statements about an image, and the disk that it must fit on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stated {
    /// Its format.
    pub format: Format,
    /// The smallest disk that it is declared to fit on.
    pub minimum: Option<Size>,
    /// The smallest root disk of its machines, with the machine.
    pub root: Option<(String, Size)>,
}

impl Header {
    /// Reads a header from an image's first bytes: [`HEAD`] of them, or all. `length` is the length of the
    /// unpacked image, if it is known.
    ///
    /// # Errors
    ///
    /// It is not of the declared format, needs another file or a key, or has impossible values.
    pub fn read(head: &[u8], length: Option<u64>, stated: Format) -> Result<Self, HeaderError> {
        if head.is_empty() || length == Some(0) {
            return Err(HeaderError::Empty);
        }
        if head.starts_with(b"QFI\xfb") {
            return if stated == Format::Qcow2 { qcow2(head, length) } else { Err(HeaderError::IsQcow2) };
        }
        if let Some((what, help)) = other(head, stated) {
            return Err(HeaderError::Other { what, help });
        }
        match stated {
            Format::Raw => Ok(Self { format: Format::Raw, virtual_size: length, qcow2: None }),
            Format::Qcow2 => Err(HeaderError::NotQcow2),
        }
    }

    /// Checks the image against its statements and disks.
    ///
    /// # Errors
    ///
    /// It is larger than the declared minimum, or than the smallest root disk.
    pub fn fits(&self, stated: &Stated) -> Result<(), HeaderError> {
        let Some(found) = self.virtual_size.map(Size::bytes) else { return Ok(()) };
        if let Some(stated) = stated.minimum.filter(|stated| *stated < found) {
            return Err(HeaderError::Minimum { found, stated });
        }
        if let Some((machine, root)) = stated.root.as_ref().filter(|(_, root)| *root < found) {
            return Err(HeaderError::Root { found, machine: machine.clone(), root: *root });
        }
        Ok(())
    }

    /// The greatest length of such an image; longer content is refused while it is unpacked. For a raw image
    /// it is the virtual size. A qcow2 image has tables in addition, which with the smallest clusters take a
    /// thirty-second of that size.
    pub fn most(&self, stated: &Stated) -> u64 {
        match self.virtual_size.or(stated.root.as_ref().map(|(_, root)| root.as_bytes())) {
            Some(size) if self.format == Format::Qcow2 => {
                size.saturating_add(size / 16).saturating_add(32 << 20)
            }
            Some(size) => size,
            None => LARGEST,
        }
    }

    /// Follows the tables of a qcow2 image: every offset must be inside the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or an offset is behind its end.
    pub fn walk(&self, file: &mut (impl Read + Seek), length: u64) -> io::Result<Result<(), HeaderError>> {
        let Some(qcow2) = &self.qcow2 else { return Ok(Ok(())) };
        let cluster = 1_u64 << qcow2.cluster_bits;
        let mut left = LARGEST_WALK;
        let mut tables = Vec::new();
        let mut at = qcow2.l1_offset;
        let end = at + qcow2.l1_size * 8;
        let mut piece = vec![0; HEAD];
        while at < end {
            for entry in entries(file, at, (end - at).min(HEAD as u64), &mut piece)? {
                let table = entry & OFFSET;
                if table >= length {
                    return Ok(Err(HeaderError::Beyond {
                        what: "a table of its clusters",
                        at: table,
                        length,
                    }));
                }
                // Skips zeros: a fully sparse image of many TiB has as many of them as another image has
                // tables.
                if table != 0 && (tables.len() as u64) < LARGEST_WALK / cluster.max(512) {
                    tables.push(table);
                }
            }
            at += HEAD as u64;
        }
        for table in tables {
            let mut at = table;
            while at < (table + cluster).min(length) && left > 0 {
                let size = (table + cluster - at).min(length - at).min(HEAD as u64);
                for entry in cluster_entries(qcow2, entries(file, at, size, &mut piece)?) {
                    let start = entry_offset(entry, qcow2.cluster_bits);
                    if start >= length {
                        return Ok(Err(HeaderError::Beyond { what: "a cluster", at: start, length }));
                    }
                }
                at += size;
                left = left.saturating_sub(size);
            }
        }
        Ok(Ok(()))
    }
}

/// The offset bits of a table entry.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// The bit that marks a cluster as compressed.
const COMPRESSED: u64 = 1 << 62;

fn entry_offset(entry: u64, cluster_bits: u32) -> u64 {
    if entry & COMPRESSED == 0 { entry & OFFSET } else { entry & ((1 << (70 - cluster_bits)) - 1) }
}

/// Every second word of an extended entry is a bitmap of its subclusters.
fn cluster_entries(qcow2: &Qcow2, words: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    words.step_by(if qcow2.extended { 2 } else { 1 })
}

fn entries<'a>(
    file: &mut (impl Read + Seek),
    at: u64,
    size: u64,
    piece: &'a mut [u8],
) -> io::Result<impl Iterator<Item = u64> + 'a> {
    let size = usize::try_from(size).unwrap_or(HEAD).min(piece.len());
    let words = piece.get_mut(..size).unwrap_or_default();
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(words)?;
    Ok(words.chunks_exact(8).filter_map(|word| Some(u64::from_be_bytes(*word.first_chunk()?))))
}

fn qcow2(head: &[u8], length: Option<u64>) -> Result<Header, HeaderError> {
    let cut = || HeaderError::Beyond {
        what: "the end of its header",
        at: 104,
        length: length.unwrap_or(head.len() as u64),
    };
    let u32 = |at| word::<4>(head, at).map(u32::from_be_bytes).ok_or_else(cut);
    let u64 = |at| word::<8>(head, at).map(u64::from_be_bytes).ok_or_else(cut);
    let version = u32(4)?;
    if !matches!(version, 2 | 3) {
        return Err(HeaderError::Version(version));
    }
    let incompatible = if version == 3 { u64(72)? } else { 0 };
    if u64(8)? != 0 {
        let start = usize::try_from(u64(8)?).unwrap_or(usize::MAX);
        let size = usize::try_from(u32(16)?.min(1023)).unwrap_or_default();
        let name = start.checked_add(size).and_then(|end| head.get(start..end));
        return Err(HeaderError::Backing { name: name.map(harmless) });
    }
    if u32(32)? != 0 {
        return Err(HeaderError::Encrypted);
    }
    features(incompatible)?;
    let cluster_bits = u32(20)?;
    if !(9..=21).contains(&cluster_bits) {
        let right = "it must be from 9 to 21".to_owned();
        return Err(HeaderError::Field {
            field: "the size of its clusters",
            found: cluster_bits.into(),
            right,
        });
    }
    let size = u64(24)?;
    if size == 0 || size > LARGEST {
        let right = format!("it must be more than 0 and at most {}", Size::bytes(LARGEST));
        return Err(HeaderError::Field { field: "its virtual size", found: size, right });
    }
    let cluster = 1_u64 << cluster_bits;
    let extended = incompatible & EXTENDED != 0;
    let per_table = cluster / if extended { 16 } else { 8 };
    let (l1_size, l1_offset) = (u64::from(u32(36)?), u64(40)?);
    let needed = size.div_ceil(cluster).div_ceil(per_table);
    if l1_size < needed || l1_size * 8 > LARGEST_L1 {
        let right = format!("its virtual size needs {needed}, and QEMU accepts at most {}", LARGEST_L1 / 8);
        return Err(HeaderError::Field { field: "the length of its first table", found: l1_size, right });
    }
    let (counts, count_clusters) = (u64(48)?, u64::from(u32(56)?));
    for (field, found) in
        [("the place of its first table", l1_offset), ("the place of its reference counts", counts)]
    {
        if found == 0 || found % cluster != 0 || found > LARGEST * 2 {
            let right = format!("it must be a multiple of its cluster size, {cluster} bytes");
            return Err(HeaderError::Field { field, found, right });
        }
    }
    let (snapshots, snapshots_at) = (u32(60)?, u64(64)?);
    if snapshots > MOST_SNAPSHOTS {
        return Err(HeaderError::Field {
            field: "the number of its snapshots",
            found: snapshots.into(),
            right: format!("QEMU accepts at most {MOST_SNAPSHOTS}"),
        });
    }
    if snapshots > 0 && (snapshots_at == 0 || snapshots_at % cluster != 0 || snapshots_at > LARGEST * 2) {
        return Err(HeaderError::Field {
            field: "the place of its snapshots",
            found: snapshots_at,
            right: format!("it must be a multiple of its cluster size, {cluster} bytes"),
        });
    }
    // An entry has 40 bytes at least.
    let snapshots_end = if snapshots == 0 { 0 } else { snapshots_at + u64::from(snapshots) * 40 };
    let parts = [
        ("the end of its snapshots", snapshots_end),
        ("the end of its first table", l1_offset + l1_size * 8),
        ("the end of its reference counts", counts + count_clusters * cluster),
    ];
    for (what, at) in parts {
        if let Some(length) = length.filter(|length| *length < at) {
            return Err(HeaderError::Beyond { what, at, length });
        }
    }
    let qcow2 = Qcow2 { cluster_bits, l1_offset, l1_size, extended };
    Ok(Header { format: Format::Qcow2, virtual_size: Some(size), qcow2: Some(qcow2) })
}

/// The incompatible features. QEMU repairs dirty reference counts itself, and reads compressed clusters and
/// extended entries.
const CORRUPT: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
const EXTENDED: u64 = 1 << 4;
const KNOWN: u64 = 0b1_1111;

fn features(incompatible: u64) -> Result<(), HeaderError> {
    if incompatible & DATA_FILE != 0 {
        return Err(HeaderError::DataFile);
    }
    if incompatible & CORRUPT != 0 {
        return Err(HeaderError::Corrupt);
    }
    if incompatible & !KNOWN != 0 {
        return Err(HeaderError::Features(incompatible & !KNOWN));
    }
    Ok(())
}

const CONVERT: &str = "convert it with `qemu-img convert -O qcow2`";
const UNPACK: &str = "unpack it, and give the disk in it";

/// Signatures of other files: the bytes, their offset, the kind of file, and what to do.
const OTHERS: [(&[u8], usize, &str, &str); 15] = [
    (b"KDMV", 0, "a disk of VMware (VMDK)", CONVERT),
    (b"COWD", 0, "a disk of VMware (VMDK)", CONVERT),
    (b"# Disk DescriptorFile", 0, "the description of a disk of VMware (VMDK)", CONVERT),
    (b"\x7f\x10\xda\xbe", 0x40, "a disk of VirtualBox (VDI)", CONVERT),
    (b"vhdxfile", 0, "a disk of Hyper-V (VHDX)", CONVERT),
    (b"conectix", 0, "a disk of Hyper-V (VHD)", CONVERT),
    (b"QED\0", 0, "a disk of QEMU's old format QED", CONVERT),
    (b"LUKS\xba\xbe", 0, "encrypted with LUKS", "decrypt it first"),
    (b"PK\x03\x04", 0, "a ZIP archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive", UNPACK),
    (b"ustar", 257, "a tar archive, as an OVA is", UNPACK),
    (b"\xfd7zXZ\0", 0, "packed by xz, twice", UNPACK),
    (b"\x1f\x8b\x08", 0, "packed by gzip, twice", UNPACK),
    (b"BZh", 0, "packed by bzip2, twice", UNPACK),
    (b"\x28\xb5\x2f\xfd", 0, "packed by Zstandard, twice", UNPACK),
];

/// The kind of a file that is neither qcow2 nor raw. A mirror may send an HTML page instead of a file.
fn other(head: &[u8], stated: Format) -> Option<(&'static str, &'static str)> {
    if is_html(head) {
        return Some(("an HTML page", "a server sent it instead of the image: get the right file"));
    }
    // An installer's hybrid image is also a valid raw disk.
    if stated == Format::Qcow2 && head.get(0x8001..).is_some_and(|rest| rest.starts_with(b"CD001")) {
        return Some(("an ISO 9660 image", "give the disk image of the system, not its installer"));
    }
    let known =
        OTHERS.iter().find(|(mark, at, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    known.map(|(_, _, what, help)| (*what, *help))
}

/// Whether bytes begin an HTML page.
pub fn is_html(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let begins = |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins(b"<!doctype html") || begins(b"<html") || begins(b"<head")
}

/// The first bytes of an unknown file, escaped so that a terminal shows them instead of obeying them.
pub fn harmless(bytes: &[u8]) -> String {
    let text: String = bytes.iter().take(40).flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
    format!("\"{text}\"")
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
