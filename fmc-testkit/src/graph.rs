//! Checks pictures with Graphviz and an XML parser.

use crate::Refused;
use crate::program::{command, run_with_input};

/// The SVG that Graphviz draws of a graph; a warning is a refusal.
///
/// # Errors
///
/// The complaint of `dot`.
pub fn dot(graph: &str) -> Result<String, Refused> {
    run_with_input(command("dot").arg("-Tsvg"), graph).silent_success()
}

/// Reads an XML document.
///
/// # Errors
///
/// The complaint of `xmllint`.
pub fn xml(document: &str) -> Result<(), Refused> {
    run_with_input(command("xmllint").args(["--noout", "-"]), document).silent_success().map(drop)
}

/// The title of an SVG, as an XML parser reads it.
///
/// # Errors
///
/// The complaint of `xmllint`.
pub fn title(svg: &str) -> Result<String, Refused> {
    let title = ["--xpath", "string(/*/*[local-name()='title'])", "-"];
    let read = run_with_input(command("xmllint").args(title), svg).silent_success()?;
    Ok(read.strip_suffix('\n').map_or(read.clone(), str::to_owned))
}
