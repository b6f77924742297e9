//! A real `named` of the same plan: made, found as wanted, mended, pruned, and converged after it was killed.

use std::sync::Arc;

use fmc::cli::{DONE, PENDING};
use fmc::dns::zones_of;
use fmc::freeipa::rfc2136::{Rfc2136, verify};
use fmc::graph::{DeleteData, Event, NoteKind, Outcome};
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc::{Plan, Providers};
use fmc_testkit::named::{KEY, Named, Software};
use fmc_testkit::tree::scratch;
use pollster::block_on;

use super::*;

/// The key of the server.
pub(crate) struct KeyBytes(pub(crate) String);

impl Secrets for KeyBytes {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(self.0.clone().into_bytes()))
    }
}

pub(crate) struct World {
    pub(crate) named: Named,
    pub(crate) providers: Providers,
    pub(crate) read_by: ReadBy,
}

const ZONES: [&str; 4] =
    ["cefaslocalserver.com", "3.17.10.in-addr.arpa", "4.17.10.in-addr.arpa", "0.168.192.in-addr.arpa"];

/// The zones as an administrator makes them: empty, with their server.
fn empty() -> Vec<(&'static str, String)> {
    let zone = |name: &'static str| {
        let soa = "$TTL 3600\n@ IN SOA ns1.cefaslocalserver.com. hostmaster.cefaslocalserver.com. 1 3600 900 1209600 300\n";
        let glue = if name == "cefaslocalserver.com" { "ns1 IN A 127.0.0.1\n" } else { "" };
        (name, format!("{soa}@ IN NS ns1.cefaslocalserver.com.\n{glue}"))
    };
    ZONES.map(zone).to_vec()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Software::Bind)
    }

    fn of(software: Software) -> Self {
        let named = Named::start_as(software, &empty());
        let providers = Self::providers(&named);
        Self { named, providers, read_by: ReadBy::Transfer }
    }

    /// A server that gives no transfers.
    pub(crate) fn without_transfers(software: Software) -> Self {
        let named = Named::start_without_transfers(software, &empty());
        let providers = Self::providers(&named);
        Self { named, providers, read_by: ReadBy::Queries }
    }

    fn providers(named: &Named) -> Providers {
        let sim = hypervisor();
        let secrets = Arc::new(KeyBytes(named.secret().to_owned()));
        Providers::new().host(LOCAL, sim).with(Rfc2136::new()).secrets(secrets)
    }

    pub(crate) fn dns(&self) -> Dns {
        let key = TsigKey::new(KEY, Secret::environment("dns-key", "DNS_KEY"));
        let server = DnsServer::at("ns1", "127.0.0.1")
            .port(u32::from(self.named.port()))
            .fqdn("ns1.cefaslocalserver.com")
            .key(key)
            .read_by(self.read_by);
        Dns::new().server(server)
    }

    /// The cloud's zone with the address of its server, as the administrator wrote it.
    pub(crate) fn zone() -> Zone {
        Zone::new("cefaslocalserver.com").records("ns1", ["A 127.0.0.1"])
    }

    pub(crate) fn plan(&self, cloud: &Cloud) -> Plan {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        block_on(self.providers.plan(&self.providers.compile(&checked))).unwrap()
    }

    pub(crate) fn run(&self, plan: &Plan) -> Outcome {
        block_on(plan.apply(&self.providers, |_| ())).unwrap()
    }

    pub(crate) fn apply(&self, cloud: &Cloud) {
        let plan = self.plan(cloud);
        self.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}\n{}", self.named.log()));
        let again = self.plan(cloud);
        assert!(again.is_empty(), "{again}");
    }

    /// Asks the server for every record of the cloud.
    fn has_every_record_of(&self, cloud: &Cloud) {
        for zone in zones_of(&cloud.check().unwrap()) {
            for (owner, sets) in &zone.sets {
                for set in sets.values() {
                    let kind = set.data.first().unwrap().type_name();
                    let mut wanted: Vec<String> =
                        set.data.iter().map(|data| plain(&data.to_string())).collect();
                    wanted.sort();
                    let found: Vec<String> = self
                        .named
                        .dig(owner.as_str(), kind)
                        .iter()
                        .map(|line| plain(&format!("{kind} {line}")))
                        .collect();
                    assert_eq!(found, wanted, "{owner} {kind}");
                }
            }
        }
    }
}

/// A record without the spaces and the case of its hash.
fn plain(text: &str) -> String {
    let is_hash = text.starts_with("TLSA") || text.starts_with("SSHFP");
    if is_hash { text.to_lowercase().replace(' ', "") } else { text.to_owned() }
}

/// The same zones are made, found as wanted, changed by others, mended, and given back at a server.
fn keeps_zones(world: &World) {
    let cloud = seed(world.dns().zone(every_type(World::zone())));
    world.apply(&cloud);
    world.has_every_record_of(&cloud);
    world
        .named
        .nsupdate(
            "zone cefaslocalserver.com\nupdate delete www.cefaslocalserver.com\nupdate add www.cefaslocalserver.com 60 A 192.0.2.1\n\
             update add printer.cefaslocalserver.com 60 A 192.168.0.9",
        )
        .unwrap();
    let wrong = verify(&cloud.check().unwrap()).wrong;
    let wrong: Vec<(&str, &str)> = wrong.iter().map(|one| (one.name.as_str(), one.by)).collect();
    assert_eq!(wrong, [("www.cefaslocalserver.com", "udp"), ("www.cefaslocalserver.com", "tcp")]);
    world.apply(&cloud);
    world.has_every_record_of(&cloud);
    let verified = verify(&cloud.check().unwrap());
    assert!(verified.wrong.is_empty() && verified.unasked.is_empty() && verified.asked > 30, "{verified:?}");
    let less = seed(world.dns().zone(World::zone().records("www", ["A 10.17.3.12"])));
    let plan = world.plan(&less).delete_data(DeleteData::All);
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}\n{}", world.named.log()));
    world.has_every_record_of(&less);
    for gone in ["_ldap._tcp", "*.apps", "gate", "gate._fmc"] {
        assert_eq!(world.named.dig(&format!("{gone}.cefaslocalserver.com"), "ANY"), [""; 0], "{gone}");
    }
    assert_eq!(world.named.dig("printer.cefaslocalserver.com", "A"), ["192.168.0.9"]);

    // A destroyed cloud leaves its server what it cannot be without, the address of its own name, and nothing else.
    let none = world.providers.compile(&less.check().unwrap()).nothing();
    let plan = block_on(world.providers.plan(&none)).unwrap().delete_data(DeleteData::All);
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}\n{}", world.named.log()));
    assert_eq!(world.named.dig("ns1.cefaslocalserver.com", "A"), ["127.0.0.1"]);
    for gone in ["master1", "www", "ns1._fmc"] {
        assert_eq!(world.named.dig(&format!("{gone}.cefaslocalserver.com"), "ANY"), [""; 0], "{gone}");
    }
    let again = block_on(world.providers.plan(&none)).unwrap();
    assert!(again.is_empty(), "{again}");
}

#[test]
fn bind_keeps_zones() {
    keeps_zones(&World::of(Software::Bind));
}

#[test]
fn bind_keeps_zones_that_it_does_not_transfer() {
    keeps_zones(&World::without_transfers(Software::Bind));
}

#[test]
fn knot_keeps_zones() {
    keeps_zones(&World::of(Software::Knot));
}

#[test]
fn knot_keeps_zones_that_it_does_not_transfer() {
    keeps_zones(&World::without_transfers(Software::Knot));
}

#[test]
fn powerdns_keeps_zones() {
    keeps_zones(&World::of(Software::PowerDns));
}

#[test]
fn powerdns_keeps_zones_that_it_does_not_transfer() {
    keeps_zones(&World::without_transfers(Software::PowerDns));
}

#[test]
fn what_others_change_is_mended_and_what_others_have_is_left_alone() {
    let world = World::new();
    let cloud = seed(world.dns().zone(every_type(World::zone())));
    world.apply(&cloud);
    world
        .named
        .nsupdate(
            "zone cefaslocalserver.com\nupdate delete master1.cefaslocalserver.com A\nupdate add master1.cefaslocalserver.com 60 A \
             192.0.2.66\nupdate delete www.cefaslocalserver.com\nupdate add www.cefaslocalserver.com 60 A 192.0.2.1\n\
             update add master2.cefaslocalserver.com 60 TXT \"by hand\"\n\
             update delete worker3.cefaslocalserver.com\nupdate delete worker3._fmc.cefaslocalserver.com\nupdate add printer.cefaslocalserver.com 60 A 192.168.0.9",
        )
        .unwrap();
    let folder = scratch();
    let (code, said) = run(cloud.clone(), folder.path(), &["dns", "verify"]);
    assert_eq!(code, PENDING, "{said}");
    assert!(
        said.contains("master1.cefaslocalserver.com A at ns1 by tcp: A 192.0.2.66; wanted: A 10.17.4.21\n"),
        "{said}"
    );
    let plan = world.plan(&cloud);
    let text = plan.to_string();
    for line in ["192.0.2.66", "www.cefaslocalserver.com", "by hand"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    assert_eq!(plan.drift().drift.len(), 3, "{:?}", plan.drift());
    // A name that is gone with its mark: others of ours show that it was there.
    let unclear = plan.drift().unclear;
    assert!(
        matches!(unclear.as_slice(), [gone] if gone.address.name() == "worker3.cefaslocalserver.com"),
        "{unclear:?}"
    );
    let notes = plan.notes.iter().filter(|note| note.kind == NoteKind::Notice);
    let notes: Vec<&str> = notes.map(|note| note.text.as_str()).collect();
    assert!(notes.iter().any(|text| text.contains("printer.cefaslocalserver.com")), "{notes:?}");
    world.apply(&cloud);
    world.has_every_record_of(&cloud);
    assert_eq!(world.named.dig("printer.cefaslocalserver.com", "A"), ["192.168.0.9"]);
    let (code, said) = run(cloud, folder.path(), &["dns", "verify"]);
    assert!(code == DONE && said.contains("asked for by UDP and TCP: 0 differences"), "{said}");
}

#[test]
fn a_strangers_name_is_not_taken() {
    let world = World::new();
    world
        .named
        .nsupdate("zone cefaslocalserver.com\nupdate add www.cefaslocalserver.com 60 A 192.0.2.1")
        .unwrap();
    let cloud = seed(world.dns().zone(every_type(World::zone())));
    let plan = world.plan(&cloud);
    let held = plan.notes.iter().filter(|note| note.kind == NoteKind::Held);
    let held: Vec<&str> = held.map(|note| note.text.as_str()).collect();
    assert!(
        matches!(&held[..], [text] if text.contains("fmc did not make it") && text.contains("192.0.2.1")),
        "{held:?}"
    );
    assert!(world.run(&plan).converged().is_err());
    assert_eq!(world.named.dig("www.cefaslocalserver.com", "A"), ["192.0.2.1"]);
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "A"), ["10.17.4.21"]);
}

#[test]
fn what_is_no_longer_wanted_goes_and_much_of_it_asks() {
    let world = World::new();
    let zone = World::zone();
    let with = |count: usize| {
        let names = (0..count).map(|number| format!("extra{number}"));
        let zone = names.fold(zone.clone(), |zone, name| zone.records(name, ["CNAME helper"]));
        seed(world.dns().zone(zone))
    };
    world.apply(&with(20));
    world.apply(&with(17));
    assert_eq!(world.named.dig("extra18.cefaslocalserver.com", "CNAME"), [""; 0]);
    let plan = world.plan(&with(0));
    assert!(plan.steps.is_empty(), "{plan}");
    assert!(plan.to_string().contains("17 of the cloud's 30 names in cefaslocalserver.com"), "{plan}");
    let zone = std::iter::once("cefaslocalserver.com".to_owned()).collect();
    let plan = plan.delete_data(DeleteData::Of(zone));
    world.run(&plan).converged().unwrap_or_else(|left| panic!("{left}\n{plan}"));
    assert_eq!(world.named.dig("extra3.cefaslocalserver.com", "CNAME"), [""; 0]);
    assert_eq!(world.named.dig("extra3._fmc.cefaslocalserver.com", "TXT"), [""; 0]);
    assert_eq!(world.named.dig("master1.cefaslocalserver.com", "A"), ["10.17.4.21"]);
}

#[test]
fn a_server_that_is_killed_in_the_middle_is_converged_by_the_next_apply() {
    let mut world = World::new();
    let cloud = seed(world.dns().zone(every_type(World::zone())));
    let plan = world.plan(&cloud);
    let mut done = 0;
    let named = &mut world.named;
    let providers = &world.providers;
    let outcome = block_on(plan.apply(providers, |event| {
        if matches!(&event, Event::Done { address, .. } if address.starts_with("dns/")) {
            done += 1;
            if done == 12 {
                named.kill();
            }
        }
    }));
    assert!(outcome.unwrap().converged().is_err());
    world.named.restart();
    world.apply(&cloud);
    world.has_every_record_of(&cloud);
}

#[test]
fn a_refused_transfer_is_an_error_and_not_an_empty_zone() {
    let world = World::new();
    let cloud = seed(world.dns().zone(World::zone()));
    world.apply(&cloud);
    let wrong = Providers::new()
        .host(LOCAL, hypervisor())
        .with(Rfc2136::new())
        .secrets(Arc::new(KeyBytes("d3Jvbmc=".to_owned())));
    let plan = block_on(wrong.plan(&wrong.compile(&cloud.check().unwrap()))).unwrap();
    let text = plan.to_string();
    assert!(text.contains("BADSIG"), "{text}");
    assert!(plan.steps.iter().all(|step| step.address.provider() != "dns"), "{text}");
    assert!(!plan.is_empty());
    let unknown = seed(world.dns().zone(World::zone()).zone(Zone::new("example.org")));
    let text = world.plan(&unknown).to_string();
    assert!(text.contains("NOTAUTH"), "{text}");
}
