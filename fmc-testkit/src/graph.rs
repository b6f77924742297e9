//! Pictures: Graphviz and an XML parser.

use crate::Refused;
use crate::program::{command, run_with_input};

/// What Graphviz draws of a graph, as SVG; a warning is a refusal.
///
/// # Errors
///
/// What `dot` says against it.
pub fn dot(graph: &str) -> Result<String, Refused> {
    run_with_input(command("dot").arg("-Tsvg"), graph).silent_success()
}

/// Reads an XML document.
///
/// # Errors
///
/// What `xmllint` says against it.
pub fn xml(document: &str) -> Result<(), Refused> {
    run_with_input(command("xmllint").args(["--noout", "-"]), document).silent_success().map(drop)
}
