//! What the README shows is what there is.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::Arc;

include!("../examples/first_cloud.rs");

const README: &str = include_str!("../README.md");

/// The blocks of the README in a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    let parts: Vec<&str> = README.split(fence.as_str()).skip(1).collect();
    parts.into_iter().map(|part| part.split_once("```").unwrap().0)
}

/// What a command of the first cloud writes to stdout and stderr.
fn said(command: &[&str]) -> (String, String) {
    let folder = fmc_testkit::tree::scratch();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = fmc::cli::Io {
        out: &mut out,
        err: &mut err,
        input: None,
        colour_out: false,
        colour_err: false,
        bars: false,
        folder: folder.path().to_owned(),
        environment: Arc::new(|_: &str| None),
        interrupt: &|_| {},
    };
    let arguments = std::iter::once(&"first_cloud").chain(command).map(Into::into);
    fmc::cli::run(cloud(), arguments, &mut io);
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn its_cloud_is_the_first_example() {
    let example = include_str!("../examples/first_cloud.rs");
    let code = blocks("rust").next().unwrap();
    assert!(example.ends_with(code), "the README's cloud differs from examples/first_cloud.rs");
}

#[test]
fn its_plan_is_the_one_that_is_printed() {
    let (plan, _) = said(&["plan"]);
    assert!(blocks("text").any(|block| block == plan), "the README lacks this plan:\n{plan}");
}

#[test]
fn its_finding_is_the_one_that_is_printed() {
    let (finding, _) = said(&["check", "--set", "machines.web.interfaces[0].address=10.17.4.10"]);
    let first = finding.split("\n\n").next().unwrap();
    assert!(
        blocks("text").any(|block| block.trim_end() == first),
        "the README lacks this finding:\n{finding}"
    );
}
