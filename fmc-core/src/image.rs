//! Images: what a root disk is made from, and which operating system is in it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::field::is_default;
use crate::given::Given;
use crate::name::{PoolName, VolumeName};
use crate::path::{AbsPath, HttpUrl};
use crate::unit::Size;

/// The operating system in an image: it decides what the machine is configured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Os {
    /// Fedora CoreOS: Ignition, `NetworkManager` keyfiles.
    FedoraCoreos,
    /// Flatcar Container Linux: Ignition, systemd-networkd.
    Flatcar,
    /// Rocky Linux: cloud-init.
    Rocky,
    /// `AlmaLinux`: cloud-init.
    Almalinux,
    /// Debian: cloud-init.
    Debian,
    /// No operating system: a blank disk, or a kernel that needs no configuration.
    None,
}

/// What reads a machine's configuration on its first boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provisioner {
    /// Ignition, by QEMU's `fw_cfg`.
    Ignition,
    /// cloud-init's `NoCloud` data source, by an ISO image labelled `cidata`.
    CloudInit,
}

impl Os {
    /// What reads this system's configuration; `None` for [`Os::None`].
    pub fn provisioner(self) -> Option<Provisioner> {
        match self {
            Self::FedoraCoreos | Self::Flatcar => Some(Provisioner::Ignition),
            Self::Rocky | Self::Almalinux | Self::Debian => Some(Provisioner::CloudInit),
            Self::None => None,
        }
    }

    /// Whether it is a rebuild of Red Hat Enterprise Linux.
    pub fn is_enterprise_linux(self) -> bool {
        matches!(self, Self::Rocky | Self::Almalinux)
    }

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::FedoraCoreos => "Fedora CoreOS",
            Self::Flatcar => "Flatcar",
            Self::Rocky => "Rocky Linux",
            Self::Almalinux => "AlmaLinux",
            Self::Debian => "Debian",
            Self::None => "no operating system",
        }
    }
}

/// A processor architecture, by QEMU's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Arch {
    /// 64-bit x86.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit Arm.
    #[serde(rename = "aarch64")]
    Aarch64,
}

impl Arch {
    /// The name that Debian, Flatcar and Go use.
    pub const fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The name that libvirt and QEMU use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

/// The format of an image or a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// QEMU's copy-on-write format.
    #[default]
    Qcow2,
    /// Bytes as they are.
    Raw,
}

impl Format {
    /// The name that libvirt uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
        }
    }
}

/// Where an image comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Source {
    /// A file that is on the hypervisor already. It is used where it is, and never deleted.
    Path(Given<AbsPath>),
    /// A file beside the program that applies; it is uploaded once per host. One that is packed (gzip, xz, bzip2,
    /// Zstandard) is unpacked on its way.
    File {
        /// Its path on the machine that applies.
        path: Given<AbsPath>,
        /// What the file must hash to as it lies there, packed or not: what distributions publish.
        digest: Given<Digest>,
    },
    /// A download, which the machine that applies fetches once and uploads as a file.
    Url {
        /// Its address.
        url: Given<HttpUrl>,
        /// What it must hash to as it is fetched, packed or not: what distributions publish.
        digest: Given<Digest>,
    },
    /// A volume that is on the hypervisor already. It is used where it is, and never deleted.
    Volume {
        /// The pool it is in; the host must list it.
        pool: Given<PoolName>,
        /// Its name.
        name: Given<VolumeName>,
    },
    /// Nothing: an empty disk.
    #[default]
    Blank,
}

/// A kernel that QEMU boots itself, without a boot loader in the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DirectKernel {
    /// The path of the kernel on the hypervisor.
    pub kernel: Given<AbsPath>,
    /// The path of its initial file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<Given<AbsPath>>,
    /// The kernel's command line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command_line: String,
}

impl DirectKernel {
    /// A kernel by its path on the hypervisor.
    pub fn new(kernel: impl Into<Given<AbsPath>>) -> Self {
        Self { kernel: kernel.into(), initrd: None, command_line: String::new() }
    }

    /// The initial RAM disk, by its path on the hypervisor.
    #[must_use]
    pub fn initrd(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.initrd = Some(path.into());
        self
    }

    /// The kernel's command line.
    #[must_use]
    pub fn command_line(mut self, text: impl Into<String>) -> Self {
        self.command_line = text.into();
        self
    }
}

/// An image: an operating system, its version, and where its bytes are.
///
/// ```
/// use fmc_core::image::Image;
/// use fmc_core::unit::SizeExt;
///
/// let image = Image::rocky("9.4").path("/var/lib/libvirt/images/Rocky-9-GenericCloud-Base-9.4.qcow2").minimum(10.gib());
/// # let _ = image;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Image {
    /// The operating system: it decides what the machine is configured by.
    pub os: Os,
    /// Its version, as `12`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The processor that it is made for; `x86_64` if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub architecture: Arch,
    /// Where its bytes are; an empty disk if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub source: Source,
    /// What a file on the hypervisor must hash to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Given<Digest>>,
    /// What it must hash to unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpacked_digest: Option<Given<Digest>>,
    /// Its format; `qcow2` if not said.
    #[serde(default, skip_serializing_if = "is_default")]
    pub format: Format,
    /// The smallest root disk that it fits on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Given<Size>>,
    /// A kernel that QEMU boots itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<DirectKernel>,
}

impl Image {
    /// An image of any operating system, blank until it gets a source.
    pub fn new(os: Os, version: impl Into<String>) -> Self {
        Self {
            os,
            version: version.into(),
            architecture: Arch::default(),
            source: Source::Blank,
            digest: None,
            unpacked_digest: None,
            format: Format::default(),
            minimum: None,
            kernel: None,
        }
    }

    /// Fedora CoreOS of a version, as `40.20240906.3.0`.
    pub fn fedora_coreos(version: impl Into<String>) -> Self {
        Self::new(Os::FedoraCoreos, version)
    }

    /// Flatcar Container Linux of a version, as `4593.2.0`.
    pub fn flatcar(version: impl Into<String>) -> Self {
        Self::new(Os::Flatcar, version)
    }

    /// Rocky Linux of a version, as `9.4`.
    pub fn rocky(version: impl Into<String>) -> Self {
        Self::new(Os::Rocky, version)
    }

    /// `AlmaLinux` of a version, as `9.4`.
    pub fn almalinux(version: impl Into<String>) -> Self {
        Self::new(Os::Almalinux, version)
    }

    /// Debian of a version, as `12`.
    pub fn debian(version: impl Into<String>) -> Self {
        Self::new(Os::Debian, version)
    }

    /// No image: the machine's root disk is empty and nothing is configured inside it.
    pub fn blank() -> Self {
        Self::new(Os::None, "")
    }

    /// The image is a file on the hypervisor, used where it is.
    #[must_use]
    pub fn path(mut self, path: impl Into<Given<AbsPath>>) -> Self {
        self.source = Source::Path(path.into());
        self
    }

    /// The image is a file beside the program that applies, with what it must hash to as it lies there. A packed one
    /// (gzip, xz, bzip2, Zstandard) is unpacked on its way to the hypervisor.
    #[must_use]
    pub fn file(mut self, path: impl Into<Given<AbsPath>>, digest: impl Into<Given<Digest>>) -> Self {
        self.source = Source::File { path: path.into(), digest: digest.into() };
        self
    }

    /// The image is a download, with what it must hash to as it is fetched. The machine that applies fetches it once, and
    /// sends it as a file.
    #[must_use]
    pub fn url(mut self, url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        self.source = Source::Url { url: url.into(), digest: digest.into() };
        self
    }

    /// The image is a volume on the hypervisor, used where it is.
    #[must_use]
    pub fn volume(mut self, pool: impl Into<Given<PoolName>>, name: impl Into<Given<VolumeName>>) -> Self {
        self.source = Source::Volume { pool: pool.into(), name: name.into() };
        self
    }

    /// What an image given by path or volume is known to hash to. It pins the image: another digest is another image.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<Given<Digest>>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// What a packed image, given by file or download, hashes to once it is unpacked: Fedora CoreOS publishes it as
    /// `uncompressed-sha256`. It is checked beside the digest of the file.
    #[must_use]
    pub fn unpacked_digest(mut self, digest: impl Into<Given<Digest>>) -> Self {
        self.unpacked_digest = Some(digest.into());
        self
    }

    /// The format of the file, once it is unpacked; qcow2 if not said. The file's header must agree.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The architecture; `x86_64` if not said.
    #[must_use]
    pub fn architecture(mut self, architecture: Arch) -> Self {
        self.architecture = architecture;
        self
    }

    /// The smallest root disk that the image fits on: its virtual size.
    #[must_use]
    pub fn minimum(mut self, size: impl Into<Given<Size>>) -> Self {
        self.minimum = Some(size.into());
        self
    }

    /// Boot this kernel directly instead of the image's boot loader.
    #[must_use]
    pub fn direct_kernel(mut self, kernel: DirectKernel) -> Self {
        self.kernel = Some(kernel);
        self
    }
}
