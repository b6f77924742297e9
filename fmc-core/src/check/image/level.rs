//! Levels of the x86-64 instruction set, of systems and of processor models.
//!
//! The levels are those of the System V ABI's supplement for x86-64. The levels of QEMU's models are in QEMU's
//! documentation, *ABI compatibility levels for CPU models*; libvirt's names are the same. Enterprise Linux 9 is
//! compiled for level 2 and Enterprise Linux 10 for level 3 (Red Hat's release notes, *Architectures*).

use std::fmt;

use crate::host::{Acceleration, CpuModel, Host};
use crate::image::{Arch, Image};

/// A level of the instruction set; `V0` is a processor without 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    V0,
    V1,
    V2,
    V3,
}

impl Level {
    /// A model that has it, and that QEMU emulates.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::V0 | Self::V1 => "qemu64",
            Self::V2 => "Nehalem",
            Self::V3 => "Haswell-noTSX",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V0 => "32 bits",
            Self::V1 => "x86-64-v1",
            Self::V2 => "x86-64-v2",
            Self::V3 => "x86-64-v3",
        })
    }
}

/// The models by the beginning of their names; the first that fits. A model that is not listed is not checked.
const MODELS: &[(&str, Level)] = &[
    ("486", Level::V0),
    ("athlon", Level::V0),
    ("coreduo", Level::V0),
    ("kvm32", Level::V0),
    ("n270", Level::V0),
    ("pentium", Level::V0),
    ("qemu32", Level::V0),
    ("Conroe", Level::V1),
    ("Opteron_G1", Level::V1),
    ("Opteron_G2", Level::V1),
    ("Opteron_G3", Level::V1),
    ("Penryn", Level::V1),
    ("core2duo", Level::V1),
    ("cpu64-rhel", Level::V1),
    ("kvm64", Level::V1),
    ("phenom", Level::V1),
    ("qemu64", Level::V1),
    ("Denverton", Level::V2),
    ("IvyBridge", Level::V2),
    ("Nehalem", Level::V2),
    ("Opteron_G4", Level::V2),
    ("Opteron_G5", Level::V2),
    ("SandyBridge", Level::V2),
    ("Snowridge", Level::V2),
    ("Westmere", Level::V2),
    ("Broadwell", Level::V3),
    ("Cascadelake", Level::V3),
    ("Cooperlake", Level::V3),
    ("Dhyana", Level::V3),
    ("EPYC", Level::V3),
    ("GraniteRapids", Level::V3),
    ("Haswell", Level::V3),
    ("Icelake", Level::V3),
    ("KnightsMill", Level::V3),
    ("SapphireRapids", Level::V3),
    ("SierraForest", Level::V3),
    ("Skylake", Level::V3),
];

/// The level of a known model of x86.
pub(super) fn of(model: &str) -> Option<Level> {
    MODELS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, level)| *level)
}

/// The level that an image needs, the model that is too old, and its level.
pub(super) fn too_old<'a>(image: &Image, host: &'a Host) -> Option<(Level, &'a str, Level)> {
    let needs = needed(image)?;
    let (model, has) = match (&host.cpu, host.acceleration) {
        (CpuModel::Named(model), _) => (model.as_str(), of(model)?),
        // Without a model QEMU emulates its own default.
        (CpuModel::HostPassthrough, Acceleration::Emulated) => ("qemu64", Level::V1),
        // A plan reads the host's own processor on the host.
        (CpuModel::HostPassthrough | CpuModel::HostModel, _) => return None,
    };
    (has < needs).then_some((needs, model, has))
}

fn needed(image: &Image) -> Option<Level> {
    if image.architecture != Arch::X86_64 || !image.os.is_enterprise_linux() {
        return None;
    }
    match image.version.split('.').next()?.parse::<u32>().ok()? {
        0..=8 => None,
        9 => Some(Level::V2),
        _ => Some(Level::V3),
    }
}
