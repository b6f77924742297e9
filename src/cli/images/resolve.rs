//! `images resolve`: the newest image of an upstream, pinned, as a line of Rust and as YAML.
//!
//! The output has a version, a permanent URL and a digest. Run it again for a newer image. Digests come from the upstream
//! over TLS; signatures are not checked.

use clap::ValueEnum;
use fmc_core::digest::Digest;
use fmc_core::image::{Arch, Format, Image, Os};
use fmc_core::path::HttpUrl;

use super::super::DONE;
use super::super::args::Args;
use super::super::failure::Failure;
use super::super::io::Io;
use super::{sums, upstream};
use crate::json::Versioned;
use crate::providers;

/// The greatest length of a list or of metadata, which have some hundred KiB.
const MOST: u64 = 8 << 20;

/// An upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum System {
    FedoraCoreos,
    Flatcar,
    Rocky,
    Almalinux,
    Debian,
}

/// The request.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct Request {
    /// The operating system
    #[arg(value_enum)]
    system: System,
    /// The release of Rocky Linux, AlmaLinux or Debian, as 9 or 12
    release: Option<String>,
    /// The stream of Fedora CoreOS, or the channel of Flatcar
    #[arg(long, visible_alias = "channel", default_value = "stable")]
    stream: String,
    /// The architecture: `x86_64` or aarch64
    #[arg(long, default_value = "x86_64", value_parser = arch)]
    arch: Arch,
    /// A mirror, in place of the upstream's own server
    #[arg(long, value_name = "BASE")]
    url: Option<String>,
}

fn arch(text: &str) -> Result<Arch, String> {
    match text {
        "x86_64" => Ok(Arch::X86_64),
        "aarch64" => Ok(Arch::Aarch64),
        other => Err(format!("{other} is neither x86_64 nor aarch64")),
    }
}

/// The output with `--json`: the image as it is written in a cloud's file.
#[derive(serde::Serialize)]
struct Printed {
    image: Image,
}

/// A pinned image.
struct Found {
    os: Os,
    version: String,
    arch: Arch,
    url: HttpUrl,
    digest: Digest,
    unpacked: Option<Digest>,
}

pub(super) fn run(request: &Request, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    if request.release.is_none() && !matches!(request.system, System::FedoraCoreos | System::Flatcar) {
        return Err(Failure::usage("which release?").help(match request.system {
            System::Debian => {
                let known = DEBIANS.map(|(number, name)| format!("{number} ({name})")).join(", ");
                format!("name it, as `images resolve debian 12`: {known}")
            }
            System::Almalinux => "name it, as `images resolve almalinux 9`".to_owned(),
            _ => "name it, as `images resolve rocky 9`".to_owned(),
        }));
    }
    let found = find(request)?;
    if args.json {
        io.json(&Versioned::new(&Printed { image: found.image() }))?;
    } else {
        io.out(found.text()?)?;
    }
    Ok(DONE)
}

fn find(request: &Request) -> Result<Found, Failure> {
    // Both become part of a URL.
    for part in [request.release.as_ref(), Some(&request.stream)].into_iter().flatten() {
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) || part.is_empty() {
            return Err(Failure::usage(format!("{part:?} is not the name of a release or a stream")));
        }
    }
    let release = request.release.as_deref().unwrap_or_default();
    match request.system {
        System::FedoraCoreos => core_os(request),
        System::Flatcar => flatcar(request),
        System::Rocky => {
            let major = release.split('.').next().unwrap_or(release);
            let (base, arch) = (request.base("https://dl.rockylinux.org/pub/rocky"), request.arch.as_str());
            let folder = format!("{base}/{release}/images/{arch}");
            let begins = format!("Rocky-{major}-GenericCloud-Base-");
            listed(request, Os::Rocky, &folder, "CHECKSUM", &begins, &format!(".{arch}.qcow2"))
        }
        System::Almalinux => {
            let major = release.split('.').next().unwrap_or(release);
            let (base, arch) = (request.base("https://repo.almalinux.org/almalinux"), request.arch.as_str());
            let folder = format!("{base}/{release}/cloud/{arch}/images");
            let begins = format!("AlmaLinux-{major}-GenericCloud-");
            listed(request, Os::Almalinux, &folder, "CHECKSUM", &begins, &format!(".{arch}.qcow2"))
        }
        System::Debian => debian(request, release),
    }
}

fn core_os(request: &Request) -> Result<Found, Failure> {
    let base = request.base("https://builds.coreos.fedoraproject.org");
    let (asked, text) = get(&format!("{base}/streams/{}.json", request.stream))?;
    let found = upstream::core_os(&text, request.arch).map_err(|error| malformed(&asked, &error))?;
    Ok(Found {
        os: Os::FedoraCoreos,
        version: found.version,
        arch: request.arch,
        url: url(&found.location)?,
        digest: digest(&asked, &format!("sha256:{}", found.sha256))?,
        unpacked: match found.unpacked_sha256 {
            Some(hex) => Some(digest(&asked, &format!("sha256:{hex}"))?),
            None => None,
        },
    })
}

fn flatcar(request: &Request) -> Result<Found, Failure> {
    let board = format!("{}-usr", request.arch.debian());
    let own = format!("https://{}.release.flatcar-linux.net", request.stream);
    let base = request.base(&own);
    let (asked, text) = get(&format!("{base}/{board}/current/version.txt"))?;
    let version = upstream::flatcar(&text).map_err(|error| malformed(&asked, &error))?;
    // Only a PC boots with a BIOS.
    let name = match request.arch {
        Arch::X86_64 => "flatcar_production_qemu_image.img.bz2",
        _ => "flatcar_production_qemu_uefi_image.img.bz2",
    };
    let location = format!("{base}/{board}/{version}/{name}");
    let (asked, text) = get(&format!("{location}.DIGESTS"))?;
    let sum = sums::read(&text).into_iter().find(|sum| sum.name == name);
    let sum = sum.ok_or_else(|| lacks(&asked, name))?;
    let (os, arch) = (Os::Flatcar, request.arch);
    Ok(Found { os, version, arch, url: url(&location)?, digest: sum.digest, unpacked: None })
}

/// Debian's releases by the names of their folders.
const DEBIANS: [(&str, &str); 3] = [("11", "bullseye"), ("12", "bookworm"), ("13", "trixie")];

fn debian(request: &Request, release: &str) -> Result<Found, Failure> {
    let Some((_, name)) = DEBIANS.iter().find(|(number, name)| [*number, *name].contains(&release)) else {
        let known = DEBIANS.map(|(number, _)| number).join(", ");
        return Err(Failure::usage(format!("{release} is not a known release of Debian; known: {known}")));
    };
    let number = DEBIANS.iter().find(|(_, other)| other == name).map_or(release, |(number, _)| number);
    let base = request.base("https://cloud.debian.org/images/cloud");
    let (asked, page) = get(&format!("{base}/{name}/"))?;
    let serial = upstream::debian_serial(&page).map_err(|error| malformed(&asked, &error))?;
    let arch = request.arch.debian();
    let file = format!("debian-{number}-genericcloud-{arch}-{serial}.qcow2");
    let (asked, text) = get(&format!("{base}/{name}/{serial}/SHA512SUMS"))?;
    let sum = sums::read(&text).into_iter().find(|sum| sum.name == file);
    let sum = sum.ok_or_else(|| lacks(&asked, &file))?;
    Ok(Found {
        os: Os::Debian,
        version: number.to_owned(),
        arch: request.arch,
        url: url(&format!("{base}/{name}/{serial}/{file}"))?,
        digest: sum.digest,
        unpacked: None,
    })
}

/// The newest image of a list of checksums.
fn listed(
    request: &Request,
    os: Os,
    folder: &str,
    list: &str,
    begins: &str,
    ends: &str,
) -> Result<Found, Failure> {
    let (asked, text) = get(&format!("{folder}/{list}"))?;
    let all = sums::read(&text);
    let (version, sum) =
        sums::newest(&all, begins, ends).ok_or_else(|| lacks(&asked, &format!("{begins}…{ends}")))?;
    // The day of the build follows the version.
    let version = version.split('-').next().unwrap_or(version).to_owned();
    let url = url(&format!("{folder}/{}", sum.name))?;
    Ok(Found { os, version, arch: request.arch, url, digest: sum.digest, unpacked: None })
}

impl Request {
    fn base(&self, own: &str) -> String {
        self.url.as_deref().unwrap_or(own).trim_end_matches('/').to_owned()
    }
}

fn get(address: &str) -> Result<(HttpUrl, String), Failure> {
    let url = url(address)?;
    let text = providers::fetch(&url, MOST).map_err(|error| Failure::to(format!("ask {url}: {error}")))?;
    Ok((url, text))
}

fn url(text: &str) -> Result<HttpUrl, Failure> {
    text.parse().map_err(|error| Failure::to(format!("read the address {text:?}: {error}")))
}

fn digest(asked: &HttpUrl, text: &str) -> Result<Digest, Failure> {
    text.parse().map_err(|error| Failure::to(format!("use what {asked} says: {error}")))
}

fn malformed(asked: &HttpUrl, error: &upstream::Malformed) -> Failure {
    Failure::to(format!("use what {asked} says: {error}"))
}

fn lacks(asked: &HttpUrl, name: &str) -> Failure {
    Failure::to(format!("use what {asked} says: it has no SHA-256 or SHA-512 of {name}"))
}

impl Found {
    fn image(&self) -> Image {
        let image = Image::new(self.os, self.version.as_str())
            .architecture(self.arch)
            .format(Format::Qcow2)
            .url(self.url.clone(), self.digest);
        match self.unpacked {
            Some(digest) => image.unpacked_digest(digest),
            None => image,
        }
    }

    fn text(&self) -> Result<String, Failure> {
        let constructor = match self.os {
            Os::FedoraCoreos => "fedora_coreos",
            Os::Flatcar => "flatcar",
            Os::Rocky => "rocky",
            Os::Almalinux => "almalinux",
            Os::Debian => "debian",
            other => {
                return Err(Failure::to(format!("write an image of {} as Rust", other.label())));
            }
        };
        let Self { version, url, digest, .. } = self;
        let mut rust = format!("Image::{constructor}({version:?})");
        if self.arch != Arch::default() {
            rust.push_str(&format!(".architecture(Arch::{:?})", self.arch));
        }
        rust.push_str(&format!("\n    .url({:?}, {:?})", url.as_str(), digest.to_string()));
        if let Some(unpacked) = self.unpacked {
            rust.push_str(&format!("\n    .unpacked_digest({:?})", unpacked.to_string()));
        }
        let yaml = serde_saphyr::to_string(&self.image())
            .map_err(|error| Failure::to(format!("write YAML: {error}")))?;
        let yaml: String = yaml.lines().map(|line| format!("  {line}\n")).collect();
        Ok(format!("{rust}\n\nimage:\n{yaml}"))
    }
}
