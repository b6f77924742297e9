//! Mounts: the paths of data disks inside a guest, and systemd's names for them.
//!
//! # How a disk is made
//!
//! The first boot makes the file system and finds the disk by its serial number, before files are written and packages
//! installed, so that they land on it. Ignition's own `filesystems` does that: it keeps a file system of the wanted
//! kind, refuses to boot on another one, and treats a partition table as blank. For cloud-init it is a `bootcmd` with
//! `systemd-makefs`, which leaves an existing file system alone; cloud-init's `fs_setup` would format a disk whose
//! label or kind differs. There is no `nofail`: a machine whose disk is missing stops at its next boot instead of
//! running without its data.
//!
//! On Fedora CoreOS a path follows the links of its root (`/srv` is `/var/srv`), because systemd mounts nothing below a
//! link.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::image::Os;
use crate::path::AbsPath;

/// Links in the root of Fedora CoreOS, and where they lead (Fedora CoreOS, *Storage*). systemd mounts nothing below a link
/// (systemd.mount(5), `Where=`).
const FEDORA_COREOS_LINKS: [(&str, &str); 6] = [
    ("/home", "/var/home"),
    ("/mnt", "/var/mnt"),
    ("/opt", "/var/opt"),
    ("/root", "/var/roothome"),
    ("/srv", "/var/srv"),
    ("/usr/local", "/var/usrlocal"),
];

/// Links in the root of every system that fmc knows (file-hierarchy(7); Debian, *UsrMerge*; hier(7)).
const LINKS: [(&str, &str); 6] = [
    ("/bin", "/usr/bin"),
    ("/sbin", "/usr/sbin"),
    ("/lib", "/usr/lib"),
    ("/lib64", "/usr/lib64"),
    ("/var/run", "/run"),
    ("/var/lock", "/run/lock"),
];

/// The path as it is without the links that an image has.
pub(crate) fn without_links(path: &AbsPath, os: Os) -> Cow<'_, AbsPath> {
    let own: &[(&str, &str)] = if os == Os::FedoraCoreos { &FEDORA_COREOS_LINKS } else { &[] };
    let links: &[(&str, &str)] = if os == Os::None { &[] } else { &LINKS };
    for (link, target) in own.iter().chain(links) {
        let rest = path.as_str().strip_prefix(link).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(real) = rest.and_then(|rest| format!("{target}{rest}").parse().ok()) {
            return Cow::Owned(real);
        }
    }
    Cow::Borrowed(path)
}

/// A path as a part of a unit's name (systemd.unit(5), *String escaping for inclusion in unit names*).
pub(crate) fn escaped(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for (index, byte) in path.trim_matches('/').bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if index > 0 => name.push('.'),
            b'_' | b':' => name.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => name.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(name, "\\x{byte:02x}")),
        }
    }
    name
}

/// The name of the unit that mounts at a path.
#[cfg(any(test, feature = "ignition"))]
pub(crate) fn unit_name(path: &AbsPath) -> String {
    format!("{}.mount", stem(path))
}

/// The name of a unit that is about a path, without its suffix.
pub(crate) fn stem(path: &AbsPath) -> String {
    let stem = escaped(path.as_str());
    if stem.is_empty() { "-".to_owned() } else { stem }
}

/// The path at which a unit mounts, by its name; `None` of another unit.
pub(crate) fn path_of(unit: &str) -> Option<AbsPath> {
    let name = unit.strip_suffix(".mount").or_else(|| unit.strip_suffix(".automount"))?;
    if name == "-" {
        return "/".parse().ok();
    }
    let mut path = vec![b'/'];
    let mut bytes = name.as_bytes();
    while let [byte, rest @ ..] = bytes {
        (bytes, path) = match (byte, rest) {
            (b'\\', [b'x', high, low, rest @ ..]) => {
                let digits = [*high, *low];
                let byte = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
                path.push(byte);
                (rest, path)
            }
            (byte, rest) => {
                path.push(if *byte == b'-' { b'/' } else { *byte });
                (rest, path)
            }
        };
    }
    String::from_utf8(path).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_systemd_escape() {
        let cases = [
            ("/srv/data", "srv-data.mount"),
            ("/var/lib/my-app_1.d", "var-lib-my\\x2dapp_1.d.mount"),
            ("/.hidden/@a+b:c", "\\x2ehidden-\\x40a\\x2bb:c.mount"),
        ];
        for (path, name) in cases {
            let path: AbsPath = path.parse().unwrap();
            assert_eq!(unit_name(&path), name);
            assert_eq!(path_of(name), Some(path));
        }
        assert_eq!(path_of("-.mount"), "/".parse().ok());
        for name in ["srv-data.service", "srv-\\xzz.mount", "srv--data.mount"] {
            assert_eq!(path_of(name), None, "{name}");
        }
    }

    #[test]
    fn links_of_every_system_are_followed() {
        for (path, real) in
            [("/bin/x", "/usr/bin/x"), ("/lib64", "/usr/lib64"), ("/libx", "/libx"), ("/var/run/a", "/run/a")]
        {
            let path: AbsPath = path.parse().unwrap();
            for os in [Os::FedoraCoreos, Os::Flatcar, Os::Debian, Os::Rocky] {
                assert_eq!(without_links(&path, os).as_str(), real);
            }
        }
    }

    #[test]
    fn links_of_fedora_coreos_are_followed() {
        let cases =
            [("/srv/data", "/var/srv/data"), ("/srv", "/var/srv"), ("/srvx", "/srvx"), ("/var/a", "/var/a")];
        for (path, real) in cases {
            let path: AbsPath = path.parse().unwrap();
            assert_eq!(without_links(&path, Os::FedoraCoreos).as_str(), real);
            assert_eq!(*without_links(&path, Os::Flatcar), path);
        }
    }
}
