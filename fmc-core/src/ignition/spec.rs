//! Versions of Ignition's specification: the version that a guest needs, and those that a system's engine
//! supports.

use std::fmt;

use crate::guest::Parts;
use crate::image::Os;
use crate::unit::FileMode;

/// A version of Ignition's specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Spec {
    /// 3.3.0, of Ignition 2.14 (May 2022): every image in use supports it.
    V3_3,
    /// 3.4.0, of Ignition 2.15 (February 2023).
    V3_4,
    /// 3.5.0, of Ignition 2.20 (October 2024).
    V3_5,
    /// 3.6.0, of Ignition 2.26 (February 2026): the setuid, setgid and sticky bits have an effect.
    V3_6,
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_3 => "3.3.0",
            Self::V3_4 => "3.4.0",
            Self::V3_5 => "3.5.0",
            Self::V3_6 => "3.6.0",
        })
    }
}

/// The lowest version that supports a machine's settings.
pub fn needed_spec(guest: &Parts) -> Spec {
    fragments(guest).fold(own_spec(guest), Spec::max)
}

/// The lowest version that supports a machine's settings without its fragments.
pub(crate) fn own_spec(guest: &Parts) -> Spec {
    let modes = guest.files.iter().map(|file| file.mode);
    let mut modes = modes.chain(guest.directories.iter().map(|directory| directory.mode));
    if modes.any(is_special) { Spec::V3_6 } else { Spec::V3_3 }
}

/// The versions that the fragments of a machine need.
#[cfg(feature = "ignition")]
fn fragments(guest: &Parts) -> impl Iterator<Item = Spec> {
    guest.ignition.iter().filter_map(|fragment| super::fragment::read(fragment).spec)
}

/// Without Ignition nothing reads them.
#[cfg(not(feature = "ignition"))]
fn fragments(_: &Parts) -> impl Iterator<Item = Spec> {
    std::iter::empty()
}

/// Whether a mode has a bit that needs 3.6.0.
pub(crate) fn is_special(mode: FileMode) -> bool {
    mode.bits() & 0o7000 != 0
}

/// The highest version that an image's engine supports; `None` if the image's version does not tell.
///
/// Fedora CoreOS has a date in its version (`40.20240906.3.0`); an engine counts as part of it from a month
/// after the engine's release. Flatcar's engine is known by channel: 4081 (LTS) has Ignition 2.19, 4593
/// (Stable) has 2.24, 4799 has 2.26.
pub fn max_spec(os: Os, version: &str) -> Option<Spec> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match os {
        Os::FedoraCoreos => Some(match parts.nth(1)?? {
            20_260_317.. => Spec::V3_6,
            20_241_122.. => Spec::V3_5,
            20_230_321.. => Spec::V3_4,
            _ => Spec::V3_3,
        }),
        Os::Flatcar => Some(match parts.next()?? {
            4799.. => Spec::V3_6,
            4593.. => Spec::V3_5,
            4081.. => Spec::V3_4,
            _ => Spec::V3_3,
        }),
        Os::Rocky | Os::Almalinux | Os::Debian | Os::None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_image_knows() {
        let cases = [
            (Os::FedoraCoreos, "44.20260802.3.1", Some(Spec::V3_6)),
            (Os::FedoraCoreos, "40.20240906.3.0", Some(Spec::V3_4)),
            (Os::FedoraCoreos, "stable", None),
            (Os::Flatcar, "4081.3.2", Some(Spec::V3_4)),
            (Os::Flatcar, "4593.2.0", Some(Spec::V3_5)),
            (Os::Flatcar, "", None),
            (Os::Rocky, "9.4", None),
        ];
        for (os, version, spec) in cases {
            assert_eq!(max_spec(os, version), spec, "{os:?} {version}");
        }
    }
}
