//! The commands as a person meets them: their output, where it goes, and their exit codes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot be set up fails"
)]

mod beginning;
mod beside;
mod birth;
mod cluster;
mod compile;
mod derivation;
mod drift;
mod files;
mod guide;
mod honest;
mod hostile;
mod images;
mod input;
mod json;
mod killed;
mod kubeconfig;
mod life;
mod moves;
mod old_world;
mod only;
mod phases;
#[cfg(feature = "k8s")]
mod pinned;
#[cfg(feature = "k8s")]
mod platform;
mod process;
mod program;
mod rename;
mod returning;
mod root_key;
mod saved;
mod secrets;
mod ssh;
mod stage;
mod told;
mod wait;
mod words;
mod yaml;
