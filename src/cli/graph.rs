//! `graph --as mermaid|dot|svg`: the cloud as a picture.

use clap::ValueEnum;
use fmc_core::cloud::Cloud;

use super::DONE;
use super::args::Args;
use super::check;
use super::failure::Failure;
use super::io::Io;
use crate::picture::Picture;

/// The form of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For Markdown
    Mermaid,
    /// For Graphviz
    Dot,
    /// For a browser
    Svg,
}

pub(super) fn run(
    cloud: &Cloud,
    form: Form,
    flows: bool,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let picture = Picture::of(&checked).with_providers(&args.offline(), &checked);
    let picture = if flows { picture.with_flows(&checked) } else { picture };
    io.out(match form {
        Form::Mermaid => picture.mermaid(),
        Form::Dot => picture.dot(),
        Form::Svg => picture.svg(),
    })?;
    Ok(DONE)
}
