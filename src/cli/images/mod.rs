//! `images`: images that upstreams publish, the cache for images from URLs, and the digests of containers' images.

#[cfg(feature = "k8s")]
mod list;
#[cfg(feature = "k8s")]
mod lock;
#[cfg(feature = "k8s")]
mod pin;
mod resolve;
mod sums;
mod upstream;

use std::path::PathBuf;

use clap::Subcommand;
#[cfg(feature = "k8s")]
use fmc_core::cloud::Cloud;

use super::args::Args;
use super::failure::Failure;
use super::io::Io;

#[cfg(feature = "k8s")]
pub(super) use lock::locked;

/// The commands about images.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the newest image of an upstream, pinned, as Rust and as YAML
    Resolve(resolve::Request),
    /// Lists the images of the cloud's containers, and what states the digest of each; it asks no registry
    #[cfg(feature = "k8s")]
    List,
    /// Asks registries for the digests of containers' images, and writes them into the image lock beside the cloud's file
    #[cfg(feature = "k8s")]
    Pin(pin::Request),
}

impl Command {
    /// Whether it is about a cloud, which is then read first.
    pub(super) fn is_of_cloud(&self) -> bool {
        !matches!(self, Self::Resolve(_))
    }
}

/// Runs a command that needs no cloud.
pub(super) fn run(command: &Command, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    match command {
        Command::Resolve(request) => resolve::run(request, args, io),
        #[cfg(feature = "k8s")]
        Command::List | Command::Pin(_) => Ok(super::DONE),
    }
}

/// Runs a command for a cloud.
#[cfg(feature = "k8s")]
pub(super) fn run_of_cloud(
    command: &Command,
    cloud: &Cloud,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    match command {
        Command::Resolve(request) => resolve::run(request, args, io),
        Command::List => list::run(cloud, args, io),
        Command::Pin(request) => pin::run(request, cloud, args, io),
    }
}

/// The cache for images from URLs: `FMC_IMAGES`, or `fmc/images` in the user's cache (XDG Base Directory Specification:
/// `XDG_CACHE_HOME`, or `.cache` in the home folder).
pub(super) fn folder(io: &Io<'_>) -> Option<PathBuf> {
    let variable = |name: &str| (io.environment)(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = variable("FMC_IMAGES") {
        return Some(io.folder.join(own));
    }
    // The specification says that a relative path is ignored.
    let cache = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(cache.or_else(|| Some(variable("HOME")?.join(".cache")))?.join("fmc/images"))
}
