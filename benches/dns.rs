//! DNS on a real `named`, beside the programs that people use: a zone of 50,000 records read by fmc and by `dig`, a thousand names
//! made by fmc and by one `nsupdate` for each record; and the time that a plan of a thousand machines takes without its servers.
//!
//! `cargo bench --bench dns --features dns,sim` measures; `cargo test` runs it in a short form.

#![expect(clippy::expect_used, clippy::panic, reason = "a bench that cannot go on says why")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use fmc::dns::{Dns, DnsServer, TsigKey, Zone};
use fmc::freeipa::rfc2136::Rfc2136;
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim;
use fmc::prelude::*;
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc::{Plan, Providers};
use fmc_core::provider::Room as _;
use fmc_testkit::bench::is_short;
use fmc_testkit::named::{KEY, Named};
use pollster::block_on;

const ZONE: &str = "lab.example";

fn main() {
    let (records, names, machines, runs) =
        if is_short() { (300, 30, 40, 1) } else { (50_000, 1_000, 1_000, 5) };
    let mut text = "| work | records | time | beside |\n| --- | ---: | ---: | ---: |\n".to_owned();
    read(records, runs, &mut text);
    update(names, &mut text);
    plan(machines, runs * 4, &mut text);
    std::io::stdout().write_all(text.as_bytes()).expect("the table is written");
}

/// The key of a server.
struct KeyBytes(String);

impl Secrets for KeyBytes {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(self.0.clone().into_bytes()))
    }
}

/// A cloud of no machine, with a zone on a server of this computer.
struct World {
    named: Named,
    providers: Providers,
}

impl World {
    /// The zone has so many records of others.
    fn start(others: usize) -> Self {
        let mut zone = format!(
            "$TTL 3600\n@ IN SOA ns1.{ZONE}. hostmaster.{ZONE}. 1 3600 900 1209600 300\n@ IN NS ns1\nns1 IN A 127.0.0.1\n"
        );
        for number in 0..others {
            let [.., high, low, last] = u32::try_from(number).expect("few").to_be_bytes();
            writeln!(zone, "other{number} IN A 10.{high}.{low}.{last}").expect("a text");
        }
        let named = Named::start(&[(ZONE, zone)]);
        let secrets = Arc::new(KeyBytes(named.secret().to_owned()));
        let local = HostName::literal("local");
        let providers = Providers::new().host(local, Sim::new()).with(Rfc2136::new()).secrets(secrets);
        Self { named, providers }
    }

    fn plan(&self, zone: Zone) -> Plan {
        let key = TsigKey::new(KEY, Secret::environment("dns-key", "DNS_KEY"));
        let server = DnsServer::at("ns1", "127.0.0.1").port(u32::from(self.named.port()));
        let server = server.fqdn(format!("ns1.{ZONE}")).key(key);
        let zone = zone.records("ns1", ["A 127.0.0.1"]);
        let cloud = Cloud::new("first").domain(ZONE).dns(Dns::new().server(server).zone(zone));
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        block_on(self.providers.plan(&self.providers.compile(&checked))).expect("the server answers")
    }
}

/// A plan that reads a zone of others, beside a transfer to a file.
fn read(records: usize, runs: usize, text: &mut String) {
    let world = World::start(records);
    let (mut by_fmc, mut by_dig) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (time, lines) = timed(|| world.named.transfer(ZONE));
        assert!(lines > records, "{lines} lines");
        by_dig.push(time);
        let (time, plan) = timed(|| world.plan(Zone::new(ZONE)));
        assert!(plan.to_string().contains("ns1"), "{plan}");
        by_fmc.push(time);
    }
    let (by_fmc, by_dig) = (median(by_fmc), median(by_dig));
    row(
        text,
        "a plan that reads a zone",
        records,
        by_fmc,
        &format!("{:.2} × `dig axfr`", ratio(by_fmc, by_dig)),
    );
    row(text, "`dig axfr`", records, by_dig, "");
}

/// An apply of new names, beside one `nsupdate` for each.
fn update(names: usize, text: &mut String) {
    let world = World::start(0);
    let zone = (0..names)
        .fold(Zone::new(ZONE), |zone, number| zone.records(format!("host{number}"), ["A 192.0.2.1"]));
    let plan = world.plan(zone.clone());
    let (by_fmc, outcome) = timed(|| block_on(plan.apply(&world.providers, |_| ())));
    let outcome = outcome.expect("the plan can be done");
    assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
    assert!(world.plan(zone).is_empty(), "a plan after an apply");
    let (by_nsupdate, ()) = timed(|| {
        for number in 0..names {
            let line = format!("update add other{number}.{ZONE} 3600 A 192.0.2.1");
            world.named.nsupdate(&line).expect("the server takes it");
        }
    });
    let faster = ratio(by_nsupdate, by_fmc);
    row(
        text,
        "an apply of new names, each with its mark",
        names,
        by_fmc,
        &format!("{faster:.1} × faster than nsupdate"),
    );
    row(text, "`nsupdate`, once for each", names, by_nsupdate, "");
}

/// The CPU time of a plan of so many machines on twelve networks with nothing to do, with DNS and without it.
fn plan(machines: usize, runs: usize, text: &mut String) {
    const NETWORKS: usize = 11;
    let key = TsigKey::new(KEY, Secret::environment("dns-key", "DNS_KEY"));
    let server = DnsServer::at("ns1", "192.0.2.53").fqdn("ns.example.org").port(5353_u32).key(key);
    let cloud = Cloud::new("first").domain(ZONE).host(Host::local());
    let cloud = (0..NETWORKS).fold(cloud, |cloud, number| {
        cloud.network(Network::routed(format!("net{number}"), format!("10.1.{number}.0/24")))
    });
    let each = (0..machines).map(|number| {
        let (network, host) = (number % NETWORKS, number / NETWORKS + 10);
        Machine::new(format!("m{number}"), Image::blank())
            .memory(1.mib())
            .root_disk(1.mib())
            .interface(Interface::on(format!("net{network}")).address(format!("10.1.{network}.{host}")))
    });
    let cloud = cloud.machines(each);
    let time = |cloud: Cloud| {
        let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
        let servers =
            Rfc2136::new().simulation(None).expect("an empty state is right").expect("it has a simulation");
        let world = Providers::new().host(HostName::literal("local"), Sim::new()).with(servers);
        let world = world.images(Images::stand_ins());
        let wanted = world.compile(&checked);
        let first = block_on(world.plan(&wanted)).expect("the servers answer");
        let outcome = block_on(first.apply(&world, |_| ())).expect("the plan can be done");
        assert!(outcome.is_converged(), "{:?}", outcome.failed.first());
        let times = (0..runs).map(|_| {
            let began = ProcessTime::now();
            let plan = block_on(world.plan(&wanted)).expect("the servers answer");
            let time = began.elapsed();
            assert!(plan.is_empty(), "{plan}");
            time
        });
        (median(times.collect()), first.steps.len())
    };
    let (without, few) = time(cloud.clone());
    let (with, all) = time(cloud.dns(Dns::new().server(server)));
    let names = with.saturating_sub(without);
    row(
        text,
        &format!("the names of {machines} machines in a plan, nothing to do, CPU"),
        all - few,
        names,
        "",
    );
}

fn row(text: &mut String, work: &str, records: usize, time: Duration, beside: &str) {
    let time = time.as_secs_f64() * 1e3;
    writeln!(text, "| {work} | {records} | {time:.1} ms | {beside} |").expect("a text");
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let out = run();
    (started.elapsed(), out)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
