//! A machine with BIND, as files say it.

use super::*;

pub(crate) const EXAMPLE: &str = include_str!("../../examples/bind/cloud.yaml");

#[test]
fn the_example_is_whole() {
    let page = include_str!("../../docs/bind.md");
    is_on(EXAMPLE, page);
    is_converted(EXAMPLE, "Role::said(BindServer::new().forwarders([\"9.9.9.9\", \"149.112.112.112\"]))");
}

#[test]
fn mistakes_are_shown_and_explained() {
    let (code, said) = run(&EXAMPLE.replace("    resolvers: [9.9.9.9]", "    #"), "check");
    assert!(code == 1 && said.contains("error[bind-asks-itself]"), "{said}");
    let (code, said) = run(&EXAMPLE.replace("forwarders:", "forwarder:"), "check");
    assert!(code != 0 && said.contains("did you mean `forwarders`?"), "{said}");
    for kind in ["no-zones", "no-key", "asks-itself", "port"] {
        let (code, said) = run("", &format!("explain bind-{kind}"));
        assert!(code == 0 && said.contains("How to mend it"), "{kind}: {said}");
    }
}
