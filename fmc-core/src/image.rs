//! Images: what a root disk is made from, and which operating system is in it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::draft::{Look, Setting, choice, draft};
use crate::finding::At;
use crate::given::Given;
use crate::name::{PoolName, VolumeName};
use crate::path::{AbsPath, HttpUrl};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Size;

/// The operating system in an image: it decides between Ignition and cloud-init.
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

/// The program that reads a machine's configuration on its first boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provisioner {
    /// Ignition, by QEMU's `fw_cfg`.
    Ignition,
    /// cloud-init's `NoCloud` data source, by an ISO image labelled `cidata`.
    CloudInit,
}

impl Os {
    /// The program that reads this system's configuration; `None` for [`Os::None`].
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

/// The source of an image.
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
        /// The hash of the file as published, packed or not.
        digest: Given<Digest>,
    },
    /// A download, which the machine that applies fetches once and uploads as a file.
    Url {
        /// Its address.
        url: Given<HttpUrl>,
        /// The hash of the file as published, packed or not.
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

draft! {
    /// A kernel that QEMU boots itself, without a boot loader in the image.
    pub struct DirectKernel {
        /// The path of the kernel on the hypervisor.
        #[needed]
        pub kernel: Given<AbsPath>,
        /// The path of its initial file system.
        pub initrd: Option<Given<AbsPath>>,
        /// The kernel's command line.
        pub command_line: String,
    }

    /// A kernel by its path on the hypervisor.
    pub fn new(..);
}

draft! {
    /// An image: an operating system, its version, and where its bytes are.
    ///
    /// ```
    /// use fmc_core::image::Image;
    /// use fmc_core::unit::SizeExt;
    ///
    /// let image = Image::rocky("9.4").path("/var/lib/libvirt/images/Rocky-9-GenericCloud-Base-9.4.qcow2").minimum(10.gib());
    /// # let _ = image;
    /// ```
    pub struct Image {
        /// The operating system: it decides between Ignition and cloud-init.
        #[needed]
        pub os: Os,
        /// Its version, as `12`.
        #[by_hand]
        pub version: String,
        /// The processor that it is made for; `x86_64` by default.
        pub architecture: Arch,
        /// The source of its bytes; an empty disk by default.
        #[by_hand]
        pub source: Source,
        /// The hash of an image given by path or volume. It pins the image: another digest is another image.
        /// The file is read once on the hypervisor, before the first machine is made of it, and must have it.
        pub digest: Option<Given<Digest>>,
        /// The hash of a packed image, given by file or download, after unpacking: Fedora CoreOS publishes it as
        /// `uncompressed-sha256`. It is checked in addition to the digest of the file.
        pub unpacked_digest: Option<Given<Digest>>,
        /// The format of the file, once it is unpacked; `qcow2` by default. The file's header must agree.
        pub format: Format,
        /// The smallest root disk that it fits on: its virtual size.
        pub minimum: Option<Given<Size>>,
        /// A kernel that QEMU boots itself, in place of the image's boot loader.
        #[setter(direct_kernel)]
        pub kernel: Option<DirectKernel>,
    }

    /// An image of a system, of any version.
    fn of(..);
    said Image::said;
}

impl Image {
    /// An image of any operating system, blank until it gets a source.
    pub fn new(os: Os, version: impl Into<String>) -> Self {
        Self { version: version.into(), ..Self::of(os) }
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

    /// The image is a file beside the program that applies, with the hash of the file as published. A packed one (gzip,
    /// xz, bzip2, Zstandard) is unpacked on its way to the hypervisor.
    #[must_use]
    pub fn file(mut self, path: impl Into<Given<AbsPath>>, digest: impl Into<Given<Digest>>) -> Self {
        self.source = Source::File { path: path.into(), digest: digest.into() };
        self
    }

    /// The image is a download, with the hash of the file as published. The machine that applies fetches it once, and
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

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let constructor = match self.os {
            Os::FedoraCoreos => "Image::fedora_coreos",
            Os::Flatcar => "Image::flatcar",
            Os::Rocky => "Image::rocky",
            Os::Almalinux => "Image::almalinux",
            Os::Debian => "Image::debian",
            Os::None if self.version.is_empty() => "Image::blank",
            Os::None => "Image::new",
        };
        let arguments = match self.os {
            Os::None if self.version.is_empty() => Vec::new(),
            Os::None => vec![self.os.rust(names)?, self.version.rust(names)?],
            _ => vec![self.version.rust(names)?],
        };
        let mut on = Expr::of(constructor, arguments);
        self.say_settings(&mut on, &["version"], names)?;
        Ok(on)
    }
}

choice!(Os, Arch, Format);

impl Setting for Source {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        match self {
            Self::Path(path) => path.look(&at.key("path"), look),
            Self::File { path, digest } => {
                let at = at.key("file");
                path.look(&at.key("path"), look);
                digest.look(&at.key("digest"), look);
            }
            Self::Url { url, digest } => {
                let at = at.key("url");
                url.look(&at.key("url"), look);
                digest.look(&at.key("digest"), look);
            }
            Self::Volume { pool, name } => {
                let at = at.key("volume");
                pool.look(&at.key("pool"), look);
                name.look(&at.key("name"), look);
            }
            Self::Blank => {}
        }
    }

    /// The arguments of its setter.
    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let (first, second) = match self {
            Self::Path(path) => return path.rust(names),
            Self::File { path, digest } => (path.rust(names)?, digest.rust(names)?),
            Self::Url { url, digest } => (url.rust(names)?, digest.rust(names)?),
            Self::Volume { pool, name } => (pool.rust(names)?, name.rust(names)?),
            Self::Blank => return Ok(Expr::leaf("")),
        };
        Ok(Expr::leaf(format!("{}, {}", first.line(), second.line())))
    }

    fn say(&self, _: &str, image: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        let setter = match self {
            Self::Path(_) => "path",
            Self::File { .. } => "file",
            Self::Url { .. } => "url",
            Self::Volume { .. } => "volume",
            Self::Blank => return Ok(()),
        };
        image.nest(setter, self.rust(names)?);
        Ok(())
    }
}
