//! The single binary with etcd, API server, controller manager, scheduler and kubectl.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The binary. A missing one is built, as [`xtask::kube::prepare`] says; `cargo xtask test` begins that early.
///
/// # Panics
///
/// When the build fails, with Go's output.
#[must_use]
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| xtask::kube::prepare().unwrap_or_else(|failure| panic!("{failure}")))
}
