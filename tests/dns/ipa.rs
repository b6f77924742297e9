//! A FreeIPA server of the same plan, over TLS: the strict one of `fmc-freeipa`.

mod broken;
mod hosts;
mod kept;
mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fmc::dns::zones_of;
use fmc::freeipa::client::{Client, IpaError};
use fmc::freeipa::ipa::Ipa;
use fmc::freeipa::server::{IpaAccount, IpaDirectory, IpaServer, Rights};
use fmc::graph::Outcome;
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc::{Plan, Providers};
use pollster::block_on;

use super::*;

const FQDN: &str = "ipa.cefaslocalserver.com";

/// The password and the authority.
struct Login {
    password: &'static str,
    authority: String,
}

impl Secrets for Login {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let text = if secret.name.as_str() == "ipa-ca" { &self.authority } else { self.password };
        Ok(SecretBytes::new(text.as_bytes().to_vec()))
    }
}

struct World {
    server: IpaServer,
    user: &'static str,
    providers: Providers,
}

fn directory() -> IpaDirectory {
    IpaDirectory::new(FQDN, "cefaslocalserver.com")
        .account("admin", IpaAccount::administrator("secret"))
        .account("dns", IpaAccount::new("dns", Rights::WriteDns))
        .account("reader", IpaAccount::new("read", Rights::Read))
        .account("stranger", IpaAccount::new("none", Rights::Nothing))
        .account("old", IpaAccount::administrator("old").rejected("password-expired"))
}

impl World {
    fn new() -> Self {
        Self::of(directory())
    }

    fn of(directory: IpaDirectory) -> Self {
        let server = IpaServer::start(directory).unwrap();
        let providers = Self::providers(server.authority(), "secret\n");
        Self { server, user: "admin", providers }
    }

    /// The same server, as another user.
    fn by_user(self, user: &'static str, password: &'static str) -> Self {
        let providers = Self::providers(self.server.authority(), password);
        Self { user, providers, ..self }
    }

    fn providers(authority: &str, password: &'static str) -> Providers {
        let login = Login { password, authority: authority.to_owned() };
        let sim = hypervisor();
        sim.put_image("/images/root.qcow2", b"", 2 << 30);
        Providers::new().host(LOCAL, sim).with(Ipa::new()).secrets(Arc::new(login))
    }

    fn dns(&self) -> Dns {
        Dns::new().server(self.dns_server())
    }

    fn dns_server(&self) -> DnsServer {
        let login = IpaLogin::new(self.user, Secret::environment("ipa-password", "IPA_PASSWORD"))
            .ca(Secret::environment("ipa-ca", "IPA_CA"))
            .port(u32::from(self.server.port()));
        DnsServer::at("ipa", "127.0.0.1").fqdn(FQDN).ipa(login)
    }

    /// The cloud's zone with the address of its server, as the installation of FreeIPA wrote it.
    fn zone() -> Zone {
        Zone::new("cefaslocalserver.com").records("ipa", ["A 192.0.2.10"])
    }

    fn plan(&self, cloud: &Cloud) -> Plan {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        block_on(self.providers.plan(&self.providers.compile(&checked))).unwrap()
    }

    fn run(&self, plan: &Plan) -> Outcome {
        block_on(plan.apply(&self.providers, |_| ())).unwrap()
    }

    fn apply(&self, cloud: &Cloud) {
        let plan = self.plan(cloud);
        self.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
        let again = self.plan(cloud);
        assert!(again.is_empty(), "{again}");
    }

    fn client(&self) -> Client {
        Client::to(FQDN)
            .user("admin", SecretBytes::new(b"secret".to_vec()))
            .authority(self.server.authority())
            .address([127, 0, 0, 1].into())
            .port(self.server.port())
            .build()
            .unwrap()
    }

    /// Does something with the server by hand.
    fn by_hand<T>(&self, work: impl AsyncFnOnce(Client) -> Result<T, IpaError>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work(self.client())).unwrap()
    }

    /// The names of a zone with their values, as the server has them.
    fn zone_of(&self, zone: &str) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
        let records = self.by_hand(async |client| client.records(&format!("{zone}.")).await);
        records.iter().map(|record| (record.name(), record.values())).collect()
    }

    /// The values of a name and type.
    fn values(&self, zone: &str, name: &str, kind: &str) -> Vec<String> {
        let zone = self.zone_of(zone);
        let values = zone.get(name).and_then(|values| values.get(kind));
        values.into_iter().flatten().cloned().collect()
    }

    /// The server has every record of the cloud.
    fn has_every_record_of(&self, cloud: &Cloud) {
        for zone in zones_of(&cloud.check().unwrap()) {
            let held = self.zone_of(zone.name.bare());
            for (owner, sets) in &zone.sets {
                for set in sets.values() {
                    let kind = set.data.first().unwrap().type_name();
                    let wanted: BTreeSet<String> = set
                        .data
                        .iter()
                        .map(|data| data.to_string().split_once(' ').unwrap().1.to_owned())
                        .collect();
                    let relative = owner.relative_to(&zone.name);
                    let found = held.get(relative).and_then(|values| values.get(kind));
                    assert_eq!(found, Some(&wanted), "{owner} {kind}");
                }
            }
        }
    }
}

/// The zone of the seed with every type that FreeIPA has.
fn every_ipa_type(zone: Zone) -> Zone {
    zone.records("www", ["60 CNAME loadbalancer1"])
        .records("@", ["MX 10 helper", "TXT v=spf1 -all"])
        .records("_sip._tcp", ["SRV 0 100 5060 freeipa1", "SRV 10 100 5060 helper"])
        .records(
            "_443._tcp.www2",
            ["TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"],
        )
        .records("www2", ["A 10.17.3.80", "A 10.17.3.81", "AAAA fd00::80"])
        .records("*.apps", ["A 10.17.3.12"])
        .records("old", ["DNAME new.example.org."])
        .records("_http._tcp", ["URI 10 1 \"https://www.example.org/\""])
        .records("sip", ["NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.org!\" ."])
        .records("gate", ["SSHFP 4 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"])
        .records("long", [format!("TXT \"{}\"", "0123456789".repeat(40)).as_str()])
}
