//! Where K3s itself comes from.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::draft::{Look, Setting, draft};
use crate::finding::At;
use crate::given::Given;
use crate::image::Arch;
use crate::path::HttpUrl;
use crate::rust::{Expr, Names, Unsaid};

draft! {
    /// A file by its address and what it must hash to.
    pub struct Download {
        /// Its address.
        #[needed]
        pub(crate) url: Given<HttpUrl>,
        /// Its hash.
        #[needed]
        pub(crate) digest: Given<Digest>,
    }

    /// A file by its address and what it must hash to.
    pub fn new(..);
    arguments;
}

impl Download {
    /// Its address.
    pub const fn url(&self) -> &Given<HttpUrl> {
        &self.url
    }

    /// Its hash.
    pub const fn digest(&self) -> &Given<Digest> {
        &self.digest
    }
}

/// One file for each architecture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ByArch {
    /// For machines with a 64-bit processor of the x86 family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x86_64: Option<Download>,
    /// For machines with a 64-bit ARM processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aarch64: Option<Download>,
}

impl ByArch {
    /// The file for an architecture.
    pub const fn of(&self, arch: Arch) -> Option<&Download> {
        match arch {
            Arch::X86_64 => self.x86_64.as_ref(),
            Arch::Aarch64 => self.aarch64.as_ref(),
        }
    }

    /// Each with its architecture.
    pub fn iter(&self) -> impl Iterator<Item = (Arch, &Download)> {
        [Arch::X86_64, Arch::Aarch64].into_iter().filter_map(|arch| Some((arch, self.of(arch)?)))
    }

    const fn set(&mut self, arch: Arch) -> &mut Option<Download> {
        match arch {
            Arch::X86_64 => &mut self.x86_64,
            Arch::Aarch64 => &mut self.aarch64,
        }
    }
}

draft! {
    /// The install files of K3s: the binary, and optionally its images and SELinux policy, each by URL and digest.
    ///
    /// ```
    /// use fmc_core::image::Arch;
    /// use fmc_core::k3s::Install;
    ///
    /// let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// let install = Install::binary("https://mirror.example/k3s", digest)
    ///     .binary_for(Arch::Aarch64, "https://mirror.example/k3s-arm64", digest)
    ///     .images("https://mirror.example/k3s-airgap-images-amd64.tar.zst", digest)
    ///     .selinux_policy("https://mirror.example/k3s-selinux.rpm", digest);
    /// # let _ = install;
    /// ```
    #[derive(Default)]
    pub struct Install {
        /// The binary; by default that of K3s's own release, checked by the sums that are published beside it.
        #[by_hand]
        pub(crate) binary: ByArch,
        /// A system extension for Flatcar, in place of the binary.
        #[by_hand]
        pub(crate) sysext: ByArch,
        /// An archive of the images that K3s runs; by default they are pulled from their registries.
        #[by_hand]
        pub(crate) images: ByArch,
        /// The package `k3s-selinux`, for Fedora CoreOS, Rocky Linux and AlmaLinux: an RPM for every architecture.
        #[by_hand]
        pub(crate) selinux_policy: Option<Download>,
    }

    /// The binary of K3s's own release, by the version of the cluster. It is checked by the sums that are published
    /// beside it. That does not pin it: an attacker who can change one can change the other.
    pub fn release(..);
    in "k3s::";
}

impl Install {
    /// The static binary, for x86-64.
    pub fn binary(url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        Self::default().binary_for(Arch::X86_64, url, digest)
    }

    /// A system extension for Flatcar, for x86-64: the image `k3s.raw` as Flatcar's bakery makes it.
    pub fn sysext(url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        Self::default().sysext_for(Arch::X86_64, url, digest)
    }

    /// The static binary for an architecture.
    #[must_use]
    pub fn binary_for(
        mut self,
        arch: Arch,
        url: impl Into<Given<HttpUrl>>,
        digest: impl Into<Given<Digest>>,
    ) -> Self {
        *self.binary.set(arch) = Some(Download::new(url, digest));
        self
    }

    /// The system extension for Flatcar on an architecture.
    #[must_use]
    pub fn sysext_for(
        mut self,
        arch: Arch,
        url: impl Into<Given<HttpUrl>>,
        digest: impl Into<Given<Digest>>,
    ) -> Self {
        *self.sysext.set(arch) = Some(Download::new(url, digest));
        self
    }

    /// An archive of the images that K3s runs, for x86-64, so that they are not pulled from a registry.
    #[must_use]
    pub fn images(self, url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        self.images_for(Arch::X86_64, url, digest)
    }

    /// An archive of the images that K3s runs, for an architecture.
    #[must_use]
    pub fn images_for(
        mut self,
        arch: Arch,
        url: impl Into<Given<HttpUrl>>,
        digest: impl Into<Given<Digest>>,
    ) -> Self {
        *self.images.set(arch) = Some(Download::new(url, digest));
        self
    }

    /// The package `k3s-selinux`. Without it the binary gets the label that the system's own policy has for container
    /// runtimes.
    #[must_use]
    pub fn selinux_policy(
        mut self,
        url: impl Into<Given<HttpUrl>>,
        digest: impl Into<Given<Digest>>,
    ) -> Self {
        self.selinux_policy = Some(Download::new(url, digest));
        self
    }

    /// Every file that a machine may fetch, with its place in a file of a cloud.
    pub fn downloads(&self) -> impl Iterator<Item = (&'static str, Option<Arch>, &Download)> {
        let by_arch = [("binary", &self.binary), ("sysext", &self.sysext), ("images", &self.images)];
        let by_arch = by_arch
            .into_iter()
            .flat_map(|(key, files)| files.iter().map(move |(arch, file)| (key, Some(arch), file)));
        by_arch.chain(self.selinux_policy.iter().map(|file| ("selinux_policy", None, file)))
    }
}

impl Setting for ByArch {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        for (arch, download) in self.iter() {
            download.look(&at.key(arch.as_str()), look);
        }
    }

    /// No setter takes them all.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("files by architecture by themselves".to_owned())
    }

    fn say(&self, setter: &str, install: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        for (arch, download) in self.iter() {
            let arguments = format!("{}, {}", arch.rust(names)?.line(), download.rust(names)?.line());
            install.call(&format!("{setter}_for"), arguments);
        }
        Ok(())
    }
}
