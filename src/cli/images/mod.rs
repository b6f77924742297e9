//! Images: where those are kept that are given by URL.

use std::path::PathBuf;

use fmc_libvirt::image::Images;

use super::io::Io;

/// Where images are kept that are given by URL: `FMC_IMAGES`, or `fmc/images` in the user's cache
/// (XDG Base Directory Specification: `XDG_CACHE_HOME`, or `.cache` in the home folder).
pub(super) fn kept(io: &Io<'_>) -> Images {
    folder(io).map_or_else(Images::default, Images::folder)
}

fn folder(io: &Io<'_>) -> Option<PathBuf> {
    let variable = |name: &str| (io.environment)(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = variable("FMC_IMAGES") {
        return Some(io.folder.join(own));
    }
    // The specification has a relative path ignored.
    let cache = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(cache.or_else(|| Some(variable("HOME")?.join(".cache")))?.join("fmc/images"))
}
