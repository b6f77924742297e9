//! A server whose answers are wrong: each fault has its own words, and no fault is an empty zone.

use std::sync::Arc;

use fmc::freeipa::rfc2136::Rfc2136;
use fmc::{Plan, Providers};
use fmc_testkit::dns_faults::{FAULTS, Faulty, SECRET, UPDATE_FAULTS};
use pollster::block_on;

use super::*;
use crate::server::KeyBytes;

/// A server with a fault, the providers that know its key, and the plan of one name in its zone.
fn planned(fault: &str) -> (Faulty, Providers, Plan) {
    let server = Faulty::start(fault);
    let key = TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    let ns = DnsServer::at("ns", "127.0.0.1").port(u32::from(server.port())).fqdn("ns.example.org").key(key);
    let zone = Zone::new("lab.example").records("www", ["A 192.0.2.80"]);
    let cloud = Cloud::new("first").dns(Dns::new().server(ns).zone(zone));
    let providers = Providers::new().with(Rfc2136::new()).secrets(Arc::new(KeyBytes(SECRET.to_owned())));
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let plan = block_on(providers.plan(&providers.compile(&checked))).unwrap();
    (server, providers, plan)
}

#[test]
fn each_fault_has_its_words_and_none_is_an_empty_zone() {
    for (fault, words) in FAULTS {
        let (_server, _, plan) = planned(fault);
        let text = plan.to_string();
        match words {
            Some(words) => {
                assert!(text.contains(words), "{fault}:\n{text}");
                assert!(plan.steps.is_empty() && !plan.is_empty(), "{fault}:\n{text}");
            }
            None => assert_eq!(plan.steps.len(), 1, "{fault}:\n{text}"),
        }
    }
}

#[test]
fn each_fault_of_an_update_has_its_words_and_none_is_done() {
    for (fault, words) in UPDATE_FAULTS {
        let (_server, providers, plan) = planned(fault);
        assert_eq!(plan.steps.len(), 1, "{fault}:\n{plan}");
        let outcome = block_on(plan.apply(&providers, |_| ())).unwrap();
        assert!(outcome.done.is_empty(), "{fault}");
        let left = outcome.converged().unwrap_err().to_string();
        assert!(left.contains(words), "{fault}:\n{left}");
    }
}
