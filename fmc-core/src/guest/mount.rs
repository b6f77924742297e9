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

/// The path as it is without the links that an image has.
pub(crate) fn without_links(path: &AbsPath, os: Os) -> Cow<'_, AbsPath> {
    if os == Os::FedoraCoreos {
        for (link, target) in FEDORA_COREOS_LINKS {
            let rest =
                path.as_str().strip_prefix(link).filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(real) = rest.and_then(|rest| format!("{target}{rest}").parse().ok()) {
                return Cow::Owned(real);
            }
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
pub(crate) fn unit_name(path: &AbsPath) -> String {
    format!("{}.mount", escaped(path.as_str()))
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
            assert_eq!(unit_name(&path.parse().unwrap()), name);
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
