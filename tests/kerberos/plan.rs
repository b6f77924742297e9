//! The provider: a plan of the zones of a FreeIPA server, by the ticket of the person.

use std::sync::Arc;

use fmc::dns::{Dns, DnsServer, IpaLogin, Zone};
use fmc::freeipa::ipa::Ipa;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc::{Plan, Providers};
use pollster::block_on;

use super::*;

/// The authority, which is public. Any other secret is a mistake.
struct Authority(String);

impl Secrets for Authority {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        assert_eq!(secret.name.as_str(), "ipa-ca");
        Ok(SecretBytes::new(self.0.as_bytes().to_vec()))
    }
}

fn cloud(server: &IpaServer) -> Cloud {
    let login =
        IpaLogin::kerberos().ca(Secret::environment("ipa-ca", "IPA_CA")).port(u32::from(server.port()));
    let dns = Dns::new()
        .server(DnsServer::at("ipa", "127.0.0.1").fqdn(FQDN).ipa(login))
        .zone(Zone::new("lab.test").records("ipa", ["A 192.0.2.10"]).records("www", ["A 192.0.2.80"]));
    Cloud::new("first").domain("lab.test").host(Host::new("local")).dns(dns)
}

fn providers(server: &IpaServer) -> Providers {
    let authority = Authority(server.authority().to_owned());
    let local = HostName::literal("local");
    Providers::new().host(local, Sim::new()).with(Ipa::new()).secrets(Arc::new(authority))
}

fn plan(providers: &Providers, cloud: &Cloud) -> Plan {
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    block_on(providers.plan(&providers.compile(&checked))).unwrap()
}

#[test]
fn a_plan_is_made_and_applied_by_a_ticket() {
    in_realm!("a_plan_is_made_and_applied_by_a_ticket", |kdc, _| kdc.kinit(), || {
        let server = server();
        let (cloud, providers) = (cloud(&server), providers(&server));
        let first = plan(&providers, &cloud);
        assert!(first.to_string().contains("www.lab.test"), "{first}");
        server.end_sessions();
        let outcome = block_on(first.apply(&providers, |_| ())).unwrap();
        outcome.converged().unwrap_or_else(|left| panic!("{left}"));
        assert!(plan(&providers, &cloud).is_empty());
        let zone = run(client_to(FQDN, &server).records("lab.test.")).unwrap();
        let www = zone.iter().find(|record| record.name() == "www").unwrap();
        assert!(format!("{:?}", www.values()).contains("192.0.2.80"));
    });
}

#[test]
fn a_plan_without_a_ticket_says_what_to_do() {
    in_realm!("a_plan_without_a_ticket_says_what_to_do", |_, _| (), || {
        let server = server();
        let text = plan(&providers(&server), &cloud(&server)).to_string();
        assert!(
            text.contains(
                "log in by a Kerberos ticket for HTTP@ipa.lab.test: there is no ticket: run `kinit"
            ),
            "{text}"
        );
    });
}
