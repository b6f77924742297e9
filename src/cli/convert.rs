//! `convert`: the same cloud in another language.

use fmc_core::cloud::Cloud;

use super::DONE;
use super::args::Language;
use super::failure::Failure;
use super::io::Io;
use crate::file::{to_json, to_rust, to_toml, to_yaml};

pub(super) fn run(cloud: &Cloud, to: Language, io: &mut Io<'_>) -> Result<u8, Failure> {
    let text = match to {
        Language::Rust => to_rust(cloud),
        Language::Yaml => to_yaml(cloud),
        Language::Toml => to_toml(cloud),
        Language::Json => to_json(cloud),
    };
    io.out(text.map_err(Failure::to)?)?;
    Ok(DONE)
}
