//! FreeIPA on machines, as files say it.

use super::*;

const EXAMPLE: &str = include_str!("../../examples/freeipa/cloud.yaml");

#[test]
fn the_example_is_whole() {
    let rust = "Spanning::said(FreeIpa::on(\"ipa1\").replicas([\"ipa2\"])";
    is_whole(EXAMPLE, include_str!("../../docs/freeipa.md"), rust);
}

#[test]
fn every_setting_is_described() {
    is_described(
        "freeipa",
        &["clients", "forwarders", "generation", "keep_backups", "replicas", "server", "without_validation"],
    );
}

#[test]
fn mistakes_are_shown_and_explained() {
    let (code, said) = run(&EXAMPLE.replace("server: ipa1", "server: ipa3"), "check");
    assert!(code == 1 && said.contains("there is no machine ipa3") && said.contains("cloud.yaml:"), "{said}");
    let (code, said) =
        run(&EXAMPLE.replace("      forwarders: [9.9.9.9]", "      forwarders: [10.17.3.11]"), "check");
    assert!(code == 1 && said.contains("error[freeipa-asks-itself]"), "{said}");
    let (code, said) = run(&EXAMPLE.replace("replicas:", "replica:"), "check");
    assert!(code != 0 && said.contains("did you mean `replicas`?"), "{said}");
    let (code, said) = run(&EXAMPLE.replace("forwarders: [9.9.9.9]", "keep_backups: 0"), "check");
    assert!(code == 1 && said.contains("`keep_backups` is 0"), "{said}");
    for kind in ["no-name", "asks-itself", "cannot-enrol", "memory", "resolver", "time", "two", "zone"] {
        let (code, said) = run("", &format!("explain freeipa-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}
