//! `images`: images that upstreams publish, and the cache for images from URLs.

mod resolve;
mod sums;
mod upstream;

use std::path::PathBuf;

use clap::Subcommand;

use super::args::Args;
use super::failure::Failure;
use super::io::Io;

/// The commands about images.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the newest image of an upstream, pinned, as Rust and as YAML
    Resolve(resolve::Request),
}

pub(super) fn run(command: &Command, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    match command {
        Command::Resolve(request) => resolve::run(request, args, io),
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
