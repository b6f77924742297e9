//! The picture of the seed's cloud, checked by the programs that read it.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../examples/flatcar_micro_cloud/cloud.rs"]
mod seed;

use expect_test::expect_file;
use fmc::picture::Picture;
use fmc_testkit::graph;

fn picture() -> Picture {
    Picture::of(&seed::cloud().check().unwrap())
}

#[test]
fn the_svg_in_the_docs_is_the_one_that_is_drawn() {
    expect_file!["../docs/flatcar-micro-cloud.svg"].assert_eq(&picture().svg());
}

#[test]
fn an_xml_parser_reads_the_svg() {
    graph::xml(&picture().svg()).unwrap();
}

#[test]
fn graphviz_draws_the_dot() {
    let drawn = graph::dot(&picture().dot()).unwrap();
    let checked = seed::cloud().check().unwrap();
    for machine in checked.machines() {
        assert!(drawn.contains(&format!(">{}<", machine.name)), "{} is missing", machine.name);
    }
}
