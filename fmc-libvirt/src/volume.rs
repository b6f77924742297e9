//! Volumes: the meaning of their names, and their documents.
//!
//! libvirt stores no metadata of a volume and cannot rename one. So the volume's name says what it is, and a
//! second volume `NAME.ok` commits an upload. It is empty, but that of a boot configuration with secrets from the root key says in
//! a few bytes which key that was.
//!
//! # Names of roots
//!
//! A replacement of an up-to-date machine would compute the name of the root that is in use. It takes the
//! twin of that name (the complement of each hexadecimal digit) instead, because a used root must never boot
//! as a new one.

mod first_boot;
mod on_disk;

use std::fmt;

use fmc_core::checked::{Image, Source};
use fmc_core::digest::Digest;
use fmc_core::disk::Allocation;
use fmc_core::image::Format;
use fmc_core::unit::Size;
use sha2::{Digest as _, Sha256};

pub use self::first_boot::FirstBoot;
pub use self::on_disk::{MountedOn, OnDisk};
use crate::document::VolumeDocument;
use crate::link::FileFacts;
use crate::xml::{Element, Writer};

/// The suffix of a volume that marks another one as completely uploaded.
pub(crate) const COMMITTED: &str = ".ok";

/// The name of the volume by which an apply shows that it works: see `provider/act/lease.rs`.
pub(crate) const LEASE: &str = "lease";

const OWN_POOL: &str = "fmc-";

/// The name of a cloud's own pool.
pub fn own_pool(owner: &str) -> String {
    format!("{OWN_POOL}{owner}")
}

/// Whether a pool is a cloud's own.
pub(crate) fn is_own_pool(pool: &str, owner: &str) -> bool {
    pool.strip_prefix(OWN_POOL) == Some(owner)
}

/// The prefix of a cloud's volume names in a pool that is not its own.
pub fn foreign_prefix(owner: &str) -> String {
    format!("fmc.{owner}.")
}

/// The purpose of a volume of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ours {
    /// An image, `base.DIGEST`, shared by its machines.
    Base {
        /// The first 12 hexadecimal digits of the image's digest.
        digest: String,
    },
    /// A root disk, `MACHINE.root.HASH`.
    Root {
        /// The machine's name.
        machine: String,
        /// The digest of its first boot: see [`FirstBoot`].
        hash: String,
    },
    /// A boot configuration, `MACHINE.boot.HASH`.
    Boot {
        /// The machine's name.
        machine: String,
        /// See [`Ours::Root`].
        hash: String,
    },
    /// A data disk, `MACHINE.disk.DISK`.
    Disk {
        /// The machine's name.
        machine: String,
        /// The disk's name.
        disk: String,
    },
    /// The record of a data disk's contents, `MACHINE.disk.DISK.RECORD`: an empty volume beside it.
    OnDisk {
        /// The machine's name.
        machine: String,
        /// The disk's name.
        disk: String,
        /// The record: see [`OnDisk`].
        record: String,
    },
    /// The record of a machine's serial console, `MACHINE.console`. `virtlogd` writes it; a full file is
    /// renamed to `MACHINE.console.0`, and so on.
    Console {
        /// The machine's name.
        machine: String,
        /// The number of a full file; `None` for the current one.
        full: Option<u8>,
    },
    /// The record that an image on the host was checked, `image.PATH.FILE.DIGEST`: an empty volume. Roots were made from the
    /// file while it was this one.
    Image(Seal),
    /// The lease of the apply that changes this cloud now, `lease`.
    Lease,
}

/// The parts in the name of the record of an image on the host, each the first 12 hexadecimal digits of a hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Seal {
    /// Over the path.
    pub path: String,
    /// Over the length of the file and the time of its last change.
    pub file: String,
    /// Over the digest that the cloud says; zeros if it says none.
    pub digest: String,
}

impl Seal {
    /// Whether it is of a file at this path.
    pub(crate) fn is_of(&self, path: &str) -> bool {
        self.path == short_hash(&[path])
    }

    /// Of a file as it is now.
    pub(crate) fn of(path: &str, digest: Option<&Digest>, facts: &FileFacts) -> Self {
        Self {
            path: short_hash(&[path]),
            file: short_hash(&[&facts.length.to_string(), &facts.changed]),
            digest: digest.map_or_else(|| "0".repeat(12), |digest| short_hash(&[&digest.to_string()])),
        }
    }
}

/// The first 12 hexadecimal digits of a hash over texts.
pub(crate) fn short_hash(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
        hash.update([0]);
    }
    hex(&hash.finalize(), 6)
}

/// The name of a volume of ours.
///
/// ```
/// use fmc_libvirt::volume::{Ours, VolumeName};
///
/// let name = VolumeName::parse("web.boot.4d3f9a01.ok").unwrap();
/// assert_eq!(name.ours, Ours::Boot { machine: "web".into(), hash: "4d3f9a01".into() });
/// assert!(name.is_commit);
/// assert_eq!(name.to_string(), "web.boot.4d3f9a01.ok");
/// assert_eq!(VolumeName::parse("debian-12.qcow2"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct VolumeName {
    /// The volume's purpose.
    pub ours: Ours,
    /// Whether it is the empty volume that marks the other as complete.
    pub is_commit: bool,
}

impl VolumeName {
    /// Reads a name in the cloud's own pool; `None` if it is foreign.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(ours) = Ours::parse(name) {
            return Some(Self { ours, is_commit: false });
        }
        let ours = Ours::parse(name.strip_suffix(COMMITTED)?)?;
        // One call makes the other kinds complete.
        matches!(ours, Ours::Base { .. } | Ours::Boot { .. }).then_some(Self { ours, is_commit: true })
    }

    /// Reads a name in another pool; `None` if it is foreign. Only data disks are there, with their records.
    pub fn parse_foreign(name: &str, owner: &str) -> Option<Self> {
        let name = name.strip_prefix("fmc.")?.strip_prefix(owner)?.strip_prefix('.')?;
        Self::parse(name).filter(|name| matches!(name.ours, Ours::Disk { .. } | Ours::OnDisk { .. }))
    }
}

impl Ours {
    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(4, '.');
        // A plan reads the name of each volume several times.
        let parts: [&str; 4] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let count = 1 + name.bytes().filter(|byte| *byte == b'.').take(3).count();
        match *parts.get(..count)? {
            [LEASE] => Some(Self::Lease),
            ["image", path, file, digest] if [path, file, digest].iter().all(|part| is_hex(part, 12)) => {
                let [path, file, digest] = [path, file, digest].map(str::to_owned);
                Some(Self::Image(Seal { path, file, digest }))
            }
            ["base", digest] if is_hex(digest, 12) => Some(Self::Base { digest: digest.to_owned() }),
            [machine, "root", hash] if is_label(machine) && is_hex(hash, 8) => {
                Some(Self::Root { machine: machine.to_owned(), hash: hash.to_owned() })
            }
            [machine, "boot", hash] if is_label(machine) && is_hex(hash, 8) => {
                Some(Self::Boot { machine: machine.to_owned(), hash: hash.to_owned() })
            }
            [machine, "disk", disk] if is_label(machine) && is_label(disk) => {
                Some(Self::Disk { machine: machine.to_owned(), disk: disk.to_owned() })
            }
            [machine, "disk", disk, record]
                if is_label(machine) && is_label(disk) && on_disk::is_record(record) =>
            {
                let [machine, disk, record] = [machine, disk, record].map(str::to_owned);
                Some(Self::OnDisk { machine, disk, record })
            }
            [machine, "console"] if is_label(machine) => {
                Some(Self::Console { machine: machine.to_owned(), full: None })
            }
            [machine, "console", full] if is_label(machine) && is_count(full) => {
                Some(Self::Console { machine: machine.to_owned(), full: Some(full.parse().ok()?) })
            }
            _ => None,
        }
    }

    /// Whether its digest reads like a date: a person who copies a volume may put one there.
    pub(crate) fn ends_in_a_date(&self) -> bool {
        match self {
            Self::Root { hash, .. } | Self::Boot { hash, .. } => is_date(hash),
            Self::Base { digest } => {
                digest.split_at_checked(8).is_some_and(|(date, time)| is_date(date) && is_digits(time))
            }
            _ => false,
        }
    }

    /// The machine of the volume; a base, the record of an image and a lease have none.
    pub fn machine(&self) -> Option<&str> {
        match self {
            Self::Base { .. } | Self::Image(_) | Self::Lease => None,
            Self::Root { machine, .. }
            | Self::Boot { machine, .. }
            | Self::Disk { machine, .. }
            | Self::OnDisk { machine, .. }
            | Self::Console { machine, .. } => Some(machine),
        }
    }
}

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base { digest } => write!(f, "base.{digest}"),
            Self::Root { machine, hash } => write!(f, "{machine}.root.{hash}"),
            Self::Boot { machine, hash } => write!(f, "{machine}.boot.{hash}"),
            Self::Disk { machine, disk } => write!(f, "{machine}.disk.{disk}"),
            Self::OnDisk { machine, disk, record } => write!(f, "{machine}.disk.{disk}.{record}"),
            Self::Image(Seal { path, file, digest }) => write!(f, "image.{path}.{file}.{digest}"),
            Self::Lease => f.write_str(LEASE),
            Self::Console { machine, full: None } => write!(f, "{machine}.console"),
            Self::Console { machine, full: Some(full) } => write!(f, "{machine}.console.{full}"),
        }
    }
}

impl fmt::Display for VolumeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.ours, if self.is_commit { COMMITTED } else { "" })
    }
}

/// The name of the volume that marks an uploaded one as complete.
pub fn commit_name(volume: &str) -> String {
    format!("{volume}{COMMITTED}")
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether 8 characters are a date, as `date +%Y%m%d` or `date +%d%m%Y` writes it.
fn is_date(text: &str) -> bool {
    let is_one = |[year, month, day]: [&str; 3]| {
        is_digits(text)
            && year.starts_with("20")
            && ("01"..="12").contains(&month)
            && ("01"..="31").contains(&day)
    };
    let parts = |year, month, day| {
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        [part(year), part(month), part(day)]
    };
    text.len() == 8 && (is_one(parts(0..4, 4..6, 6..8)) || is_one(parts(4..8, 2..4, 0..2)))
}

/// A number as `virtlogd` writes it: without leading zeros.
fn is_count(text: &str) -> bool {
    text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The rule of machines' and disks' names; here it matters that they contain no dot.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-'))
}

/// The first `count` bytes of a digest as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], count: usize) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let nibbles = bytes.iter().take(count).flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble))).collect()
}

/// The base of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backing<'a> {
    pub(crate) path: &'a str,
    pub(crate) format: Format,
}

/// The format of a root: a layer is qcow2, a blank root is raw. It depends only on inputs of the hash in the
/// volume's name, so a volume is always read in the format in which it was made.
pub(crate) fn root_format(image: &Image) -> Format {
    if image.source == Source::Blank { Format::Raw } else { Format::Qcow2 }
}

/// The format of data disks, also of thin ones: a raw file takes space only where it is written, and one
/// format for both keeps a disk readable when its allocation is changed.
pub(crate) const DISK_FORMAT: Format = Format::Raw;

/// A volume that one call makes complete. libvirt allocates all space at once only for a raw one.
pub(crate) fn blank_xml(
    name: &str,
    size: Size,
    allocation: Allocation,
    format: Format,
    backing: Option<Backing<'_>>,
) -> String {
    Writer::document("volume", |w| {
        w.leaf("name", name);
        bytes(w, "capacity", size.as_bytes());
        bytes(w, "allocation", if allocation == Allocation::Full { size.as_bytes() } else { 0 });
        w.el("target", |w| w.el("format", |w| w.attr("type", format.as_str())));
        if let Some(backing) = backing {
            w.el("backingStore", |w| {
                w.leaf("path", backing.path);
                w.el("format", |w| w.attr("type", backing.format.as_str()));
            });
        }
    })
}

/// The document of a volume for an upload of this length. It is raw whatever the content is, because in
/// another format it would not start empty. Only QEMU may read it: a boot configuration contains secrets.
pub fn upload_xml(name: &str, length: u64) -> String {
    Writer::document("volume", |w| {
        w.leaf("name", name);
        bytes(w, "capacity", length);
        bytes(w, "allocation", 0);
        w.el("target", |w| {
            w.el("format", |w| w.attr("type", Format::Raw.as_str()));
            w.el("permissions", |w| w.leaf("mode", "0600"));
        });
    })
}

impl VolumeDocument {
    /// The same volume under another name.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        let mut xml = self.xml.clone();
        if let Some(mut document) = Element::read(&xml)
            && let Some(own) = document.at("name")
        {
            own.set_text(name);
            xml = document.write().into();
        }
        Self { xml, name: name.into(), ..self.clone() }
    }
}

/// The document of the empty volume that marks `volume` as complete.
pub fn commit_xml(volume: &str) -> String {
    upload_xml(&commit_name(volume), 0)
}

fn bytes(w: &mut Writer, name: &str, count: u64) {
    w.el(name, |w| {
        w.attr("unit", "bytes");
        w.text(count);
    });
}

#[cfg(test)]
mod tests {
    use fmc_testkit::libvirt_schema::{Kind, validate_all};
    use proptest::prelude::*;

    use super::*;

    fn ours() -> impl Strategy<Value = Ours> {
        let label = || {
            prop_oneof!["[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", Just("base".to_owned()), Just("ok".to_owned())]
        };
        prop_oneof![
            "[0-9a-f]{12}".prop_map(|digest| Ours::Base { digest }),
            (label(), "[0-9a-f]{8}").prop_map(|(machine, hash)| Ours::Root { machine, hash }),
            (label(), "[0-9a-f]{8}").prop_map(|(machine, hash)| Ours::Boot { machine, hash }),
            (label(), label()).prop_map(|(machine, disk)| Ours::Disk { machine, disk }),
            (label(), label(), "v[4-9]\\.[a-z0-9]{1,4}\\.[a-z_%0-9-]{1,9}|v3\\.(ext4|none)\\.(_[a-z]{1,9}|none)\\.[12]\\.1-[0-9a-f]{16}|v1\\.(ext4|none)\\.(_[a-z]{1,9}|none|-[0-9a-f]{12})|v2\\.(ext4|none)\\.(_[a-z]{1,9}|none)\\.[12]")
                .prop_map(|(machine, disk, record)| Ours::OnDisk { machine, disk, record }),
            (label(), any::<Option<u8>>()).prop_map(|(machine, full)| Ours::Console { machine, full }),
            ("[0-9a-f]{12}", "[0-9a-f]{12}", "[0-9a-f]{12}")
                .prop_map(|(path, file, digest)| Ours::Image(Seal { path, file, digest })),
            Just(Ours::Lease),
        ]
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(ours in ours()) {
            let name = ours.to_string();
            prop_assert_eq!(VolumeName::parse(&name), Some(VolumeName { ours: ours.clone(), is_commit: false }));
            let uploaded = matches!(ours, Ours::Base { .. } | Ours::Boot { .. });
            let commit = VolumeName::parse(&commit_name(&name));
            // A record of a later version may end in `.ok`, so that this is another record.
            if matches!(ours, Ours::OnDisk { .. }) {
                prop_assert!(commit.is_none_or(|name| !name.is_commit));
            } else {
                prop_assert_eq!(commit, uploaded.then_some(VolumeName { ours, is_commit: true }));
            }
        }

        #[test]
        fn what_is_read_is_written_back(name in "[a-z0-9.]{1,30}|[a-z]{1,3}\\.(root|boot|disk)\\.[0-9a-f]{7,9}(\\.ok)?|[a-z]{1,3}\\.console(\\.[0-9]{1,4})?") {
            if let Some(read) = VolumeName::parse(&name) {
                prop_assert_eq!(read.to_string(), name);
            }
        }
    }

    #[test]
    fn another_name_is_foreign() {
        for name in [
            "",
            "web",
            "debian-12.qcow2",
            "base.12",
            "web.root.4d3f9a0",
            "web.root.4D3F9A01",
            "a.b.root.4d3f9a01",
            "web.root.4d3f9a01.ok",
            "web.disk.data.ok",
            "lease.ok",
            "web.disk.data.old",
            "web.root.data.v1.ext4._srv",
            ".disk.data",
            "web.disk.",
            "web.console.ok",
            "web.console.00",
            "web.console.256",
            "web.console.",
            "web.console.0.1",
        ] {
            assert_eq!(VolumeName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn in_another_pool_names_have_the_owner() {
        let name = format!("{}web.disk.data", foreign_prefix("first"));
        let disk = Ours::Disk { machine: "web".into(), disk: "data".into() };
        assert_eq!(VolumeName::parse_foreign(&name, "first").map(|name| name.ours), Some(disk));
        assert_eq!(VolumeName::parse_foreign(&name, "fir"), None);
        assert_eq!(VolumeName::parse_foreign("web.disk.data", "first"), None);
        assert_eq!(VolumeName::parse_foreign("fmc.first.web.root.4d3f9a01", "first"), None);
    }

    #[test]
    fn libvirts_schema_accepts_them() {
        let size = Size::gib(2);
        let backing = Backing { path: "/srv/a & b.qcow2", format: Format::Qcow2 };
        let documents = [
            ("root", blank_xml("web.root.4d3f9a01", size, Allocation::Thin, Format::Qcow2, Some(backing))),
            ("disk", blank_xml("web.disk.data", size, Allocation::Full, DISK_FORMAT, None)),
            ("boot", upload_xml("web.boot.4d3f9a01", 4711)),
            ("commit", commit_xml("web.boot.4d3f9a01")),
        ];
        validate_all(Kind::Volume, documents.iter().map(|(name, xml)| (*name, xml.as_str()))).unwrap();
    }
}
