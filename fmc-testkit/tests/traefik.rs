//! Traefik's file provider checks a configuration.

use fmc_testkit::traefik::check;

const GOOD: &str = "tcp:\n  routers:\n    api: {entryPoints: [api], rule: 'HostSNI(`*`)', service: api}\n\
                    \x20 services:\n    api:\n      loadBalancer:\n        servers: [{address: '10.17.3.11:6443'}]\n";

#[test]
fn a_configuration_is_accepted_and_an_unknown_field_is_not() {
    check(GOOD).unwrap();
    let refused = check(&GOOD.replace("servers:", "srevers:")).unwrap_err();
    assert!(refused.words().contains("field not found, node: srevers"), "{refused}");
    let refused = check(&GOOD.replace("tcp:", "tpc:")).unwrap_err();
    assert!(refused.words().contains("unknown section: tpc"), "{refused}");
    check("tcp: [").unwrap_err();
}
