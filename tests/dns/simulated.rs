//! A simulated world has a DNS: machines and names are one plan.

use fmc::freeipa::rfc2136::Rfc2136;
use fmc::provider::Room as _;
use fmc::{Plan, Providers};
use pollster::block_on;

use super::*;

fn cloud() -> Cloud {
    let key = TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    seed(Dns::new().server(DnsServer::on("freeipa", "freeipa1").key(key)))
}

fn plan(providers: &Providers, cloud: &Cloud) -> Plan {
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    block_on(providers.plan(&providers.compile(&checked))).unwrap()
}

#[test]
fn machines_and_names_are_one_plan() {
    let dns = Rfc2136::new().simulation(None).unwrap().unwrap();
    let providers = Providers::new().host(LOCAL, hypervisor()).with(dns);
    let first = plan(&providers, &cloud());
    let outcome = block_on(first.apply(&providers, |_| ())).unwrap();
    outcome.converged().unwrap_or_else(|left| panic!("{left}\n{first}"));
    let again = plan(&providers, &cloud());
    assert!(again.is_empty(), "{again}");
    let less = cloud().map_machines(|machine| machine);
    assert!(plan(&providers, &less).is_empty());
}
