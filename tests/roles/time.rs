//! The time of a cloud.

use super::*;

const EXAMPLE: &str = include_str!("../../examples/time/cloud.yaml");

#[test]
fn the_example_is_whole() {
    let rust = "Spanning::said(Chrony::new().servers([\"ntp1\"])";
    is_whole(EXAMPLE, include_str!("../../docs/time.md"), rust);
}

#[test]
fn every_setting_is_described() {
    is_described(
        "chrony",
        &[
            "authenticated",
            "clients",
            "generation",
            "local_stratum",
            "networks",
            "pools",
            "servers",
            "upstreams",
        ],
    );
}

#[test]
fn mistakes_are_shown_at_their_lines_and_explained() {
    let line = 1 + EXAMPLE.lines().position(|line| line.contains("clients: [")).unwrap();
    let (code, said) = run(&EXAMPLE.replace("node2, web]", "node2, wb]"), "check");
    assert!(
        code == 1 && said.contains(&format!("cloud.yaml:{line}:")) && said.contains("did you mean web?"),
        "{said}"
    );
    let (code, said) =
        run(&EXAMPLE.replace("pools: [2.rocky.pool.ntp.org]", "upstreams: [10.17.3.11]"), "check");
    assert!(code == 1 && said.contains("error[chrony-circle]: ntp1 takes its time from itself"), "{said}");
    let (code, said) = run(&EXAMPLE.replace("pools:", "pool:"), "check");
    assert!(code != 0 && said.contains("did you mean `pools`?"), "{said}");
    let (code, said) = run(&EXAMPLE.replace(", web]", "]"), "check");
    assert!(code == 0 && said.contains("chrony-left-out"), "{said}");
    let kinds = [
        "circle",
        "two-sources",
        "no-source",
        "several-clocks",
        "not-allowed",
        "no-server",
        "left-out",
        "no-keys",
    ];
    for kind in kinds {
        let (code, said) = run("", &format!("explain chrony-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}
