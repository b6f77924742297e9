//! The contents of a data disk, which a record beside it in its pool names: an empty volume, `DISK.v1.FILESYSTEM.MOUNT`,
//! or `DISK.v2.FILESYSTEM.MOUNT.DERIVATION` if its guest has secrets from the root key, or `DISK.v3.FILESYSTEM.MOUNT.DERIVATION.CHECK`
//! if it is known from which one.
//!
//! The name is the record. A list of the pool's volumes has it without another call, one call makes it, and a person reads it:
//! the pool and the disk's own name say whose the disk is. The record says since when by the time at which the hypervisor
//! made it. A record of a later version is ours, and what it says is not known.

use std::fmt::{self, Write as _};

use fmc_core::secret::{Derivation, RootKeyCheck};

use super::short_hash;

/// The version of a record without a derivation.
const PLAIN: &str = "v1";

/// The version of a record with one: the same, and the number of the derivation at the end.
const DERIVED: &str = "v2";

/// The version of a record that tells the root key from another one as well, at the end.
const KEYED: &str = "v3";

/// In the place of a file system or a mount point that a disk does not have.
const NONE: &str = "none";

/// The longest name of a file on Linux.
const LONGEST: usize = 255;

/// The contents of a data disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OnDisk {
    /// The file system that its guest made on it; `None` if fmc had none made.
    pub filesystem: Option<String>,
    /// Where its guest mounts it.
    pub mount: Option<MountedOn>,
    /// The derivation of its guest's secrets: a state on the disk may be opened by them alone. `None` if the
    /// guest has none, or if it is not known.
    pub derivation: Option<Derivation>,
    /// The check value of the root key that those secrets were made from, if it is known.
    pub root_key: Option<RootKeyCheck>,
}

/// A mount point, as a record says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MountedOn {
    /// The path.
    Path(String),
    /// The first 12 hexadecimal digits of a hash over the path, which is too long for the name of a file.
    Hash(String),
}

impl OnDisk {
    /// A file system and a mount point.
    pub fn new(filesystem: Option<&str>, mount: Option<&str>) -> Self {
        Self {
            filesystem: filesystem.map(str::to_owned),
            mount: mount.map(|path| MountedOn::Path(path.to_owned())),
            derivation: None,
            root_key: None,
        }
    }

    /// With the derivation of its guest's secrets.
    pub fn derivation(self, derivation: Option<Derivation>) -> Self {
        Self { derivation, ..self }
    }

    /// With the check value of the root key. A record without a derivation has none.
    pub fn root_key(self, root_key: Option<RootKeyCheck>) -> Self {
        Self { root_key: root_key.filter(|_| self.derivation.is_some()), ..self }
    }

    /// The record of a disk that stays: a guest without secrets leaves the state of an earlier one, and so its secrets, as they are.
    pub(crate) fn going_on(self, seen: &[&Self]) -> Self {
        if self.derivation.is_some() {
            return self;
        }
        let derivation = seen.iter().filter_map(|on| on.derivation).min();
        self.derivation(derivation).root_key(seen.iter().filter_map(|on| on.root_key.as_ref()).min().cloned())
    }

    /// The end of the record's name, after the name of the disk's volume and a dot.
    pub(crate) fn text(&self, volume: &str) -> String {
        let filesystem = self.filesystem.as_deref().unwrap_or(NONE);
        let (version, end) = match (self.derivation, &self.root_key) {
            (None, _) => (PLAIN, String::new()),
            (Some(derivation), None) => (DERIVED, format!(".{derivation}")),
            (Some(derivation), Some(check)) => (KEYED, format!(".{derivation}.{check}")),
        };
        let start = format!("{version}.{filesystem}.");
        let mount = match &self.mount {
            None => NONE.to_owned(),
            Some(MountedOn::Hash(hash)) => format!("-{hash}"),
            Some(MountedOn::Path(path)) => {
                let written = written(path);
                let is_short = volume.len() + 1 + start.len() + written.len() + end.len() <= LONGEST;
                if is_short { written } else { format!("-{}", short_hash(&[path])) }
            }
        };
        start + &mount + &end
    }

    /// Reads the end of a record's name; `None` if it is of another version.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('.')?;
        let (filesystem, mount) = rest.split_once('.')?;
        let (mount, root_key) = match version {
            PLAIN | DERIVED => (mount, None),
            KEYED => {
                let (mount, check) = mount.rsplit_once('.')?;
                (mount, Some(RootKeyCheck::recorded(check)?))
            }
            _ => return None,
        };
        let (mount, derivation) = match version {
            PLAIN => (mount, None),
            _ => {
                let (mount, number) = mount.rsplit_once('.')?;
                (mount, Some(Derivation::try_from(number.parse::<u8>().ok()?).ok()?))
            }
        };
        let mount = match mount.strip_prefix('-') {
            Some(hash) => Some(MountedOn::Hash(hash.to_owned())),
            None if mount == NONE => None,
            None => Some(MountedOn::Path(read_path(mount)?)),
        };
        Some(Self {
            filesystem: (filesystem != NONE).then(|| filesystem.to_owned()),
            mount,
            derivation,
            root_key,
        })
    }

    /// In words: `ext4 on /srv/data`. The derivation is for fmc, and is not told.
    pub(crate) fn words(&self) -> String {
        let filesystem = self.filesystem.as_deref().unwrap_or("no file system of fmc's");
        match &self.mount {
            Some(mount) => format!("{filesystem} {mount}"),
            None => filesystem.to_owned(),
        }
    }
}

impl fmt::Display for MountedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "on {path}"),
            Self::Hash(_) => f.write_str("on a long path"),
        }
    }
}

/// Whether the end of a volume's name is that of a record, of any version.
pub(super) fn is_record(text: &str) -> bool {
    let Some((version, rest)) = text.strip_prefix('v').and_then(|text| text.split_once('.')) else {
        return false;
    };
    let is_number = !version.starts_with('0') && version.bytes().all(|byte| byte.is_ascii_digit());
    let is_written = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte);
    let is_form = is_number && !version.is_empty() && !rest.is_empty() && rest.bytes().all(is_written);
    // A name in a form of this version has contents that it reads. A name of another form is a person's.
    let is_known = [PLAIN, DERIVED, KEYED].iter().any(|known| known.strip_prefix('v') == Some(version));
    is_form && (!is_known || OnDisk::read(text).is_some())
}

/// A path for the name of a file: `/` is `_`, and what is neither a letter nor a digit nor `-` is `%` and its code.
fn written(path: &str) -> String {
    path.bytes().fold(String::new(), |mut name, byte| {
        match byte {
            b'/' => name.push('_'),
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => write!(name, "%{byte:02x}").unwrap_or_default(),
        }
        name
    })
}

fn read_path(name: &str) -> Option<String> {
    let mut path = Vec::new();
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        path.push(match byte {
            b'_' => b'/',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => byte,
            _ => return None,
        });
    }
    // A path with control characters would be a mistake, and must not look like two lines.
    String::from_utf8(path).ok().filter(|path| path.starts_with('/') && !path.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(
            filesystem in proptest::option::of("ext4|xfs"),
            mount in proptest::option::of("(/[a-zA-Z0-9é ._%-]{1,40}){1,9}"),
            derivation in proptest::sample::select(vec![None, Some(Derivation::V1), Some(Derivation::V2)]),
            check in proptest::option::of(proptest::array::uniform8(0_u8..)),
        ) {
            let on = OnDisk::new(filesystem.as_deref(), mount.as_deref())
                .derivation(derivation)
                .root_key(check.map(RootKeyCheck::of));
            let text = on.text("db.disk.data");
            prop_assert!(is_record(&text), "{text}");
            prop_assert!("db.disk.data.".len() + text.len() <= LONGEST);
            let read = OnDisk::read(&text).unwrap();
            prop_assert_eq!(&read.filesystem, &on.filesystem);
            prop_assert_eq!(read.text("db.disk.data"), text);
            if !matches!(read.mount, Some(MountedOn::Hash(_))) {
                prop_assert_eq!(read, on);
            }
        }

        #[test]
        fn any_name_is_read_without_a_panic(text in ".{0,40}|v1\\.[a-z0-9]{1,4}\\.[_%a-f0-9-]{0,20}") {
            let read = OnDisk::read(&text);
            prop_assert!(read.is_none_or(|on| !on.words().chars().any(char::is_control)));
        }
    }

    #[test]
    fn a_record_is_for_people_too() {
        let on = OnDisk::new(Some("ext4"), Some("/srv/data"));
        assert_eq!(on.text("db.disk.data"), "v1.ext4._srv_data");
        assert_eq!(on.words(), "ext4 on /srv/data");
        assert_eq!(on.derivation(Some(Derivation::V2)).text("db.disk.data"), "v2.ext4._srv_data.2");
        assert_eq!(OnDisk::default().text("db.disk.data"), "v1.none.none");
        let long = OnDisk::new(Some("xfs"), Some(&"/a".repeat(150)));
        assert_eq!(OnDisk::read(&long.text("db.disk.data")).unwrap().words(), "xfs on a long path");
    }

    #[test]
    fn a_later_record_is_ours_and_not_known() {
        assert!(is_record("v4.zfs._srv.later") && OnDisk::read("v4.zfs._srv.later").is_none());
        for other in [
            "old",
            "v1.bak",
            "v1.a.b",
            "v1.ext4.2025",
            "v1.ext4._srv.bak",
            "v2.before-upgrade",
            "v2.ext4._srv",
            "v2.ext4._srv.9",
            "v.ext4",
            "v1",
            "v1.",
            "v01.a",
            "vx.a",
            "v1.a b",
            "v1.é",
            "nightly.v1",
        ] {
            assert!(!is_record(other), "{other}");
        }
    }
}
