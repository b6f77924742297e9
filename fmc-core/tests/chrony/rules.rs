//! What the machines of each system read, and what is refused.

use fmc_core::checked::Checked;
use fmc_core::chrony::Chrony;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::finding::Finding;
use fmc_core::flow::udp;
use fmc_core::given::Given;
use fmc_core::guest::checked::{Contents, TextPart};
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::MachineName;
use fmc_core::network::Network;
use fmc_core::role::Spanning;
use fmc_core::unit::SizeExt as _;

fn machine(name: &str, os: Os, network: &str, address: &str) -> Machine {
    let image = Image::new(os, "12").path("/images/root.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image).root_disk(20.gib()).interface(Interface::on(network).address(address))
}

fn cloud(chrony: Chrony) -> Cloud {
    Cloud::new("first")
        .domain("lab.example")
        .host(Host::local())
        .network(Network::routed("core", "10.17.3.0/24"))
        .network(Network::routed("edge", "10.17.5.0/24"))
        .machines([
            machine("ntp1", Os::Rocky, "core", "10.17.3.11"),
            machine("ntp2", Os::Debian, "core", "10.17.3.12"),
            machine("flat", Os::Flatcar, "core", "10.17.3.21"),
            machine("fcos", Os::FedoraCoreos, "edge", "10.17.5.21"),
            machine("deb", Os::Debian, "edge", "10.17.5.22"),
        ])
        .role(chrony)
}

fn one() -> Chrony {
    Chrony::new().servers(["ntp1"]).clients(["ntp2", "flat", "fcos", "deb"]).pools(["2.rocky.pool.ntp.org"])
}

/// The findings about time.
fn found(cloud: &Cloud) -> Vec<String> {
    let all: Vec<Finding> = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.findings().to_vec(),
    };
    let time = all.iter().filter(|finding| finding.kind().as_str().starts_with("chrony"));
    time.map(|finding| format!("{} {}: {}", finding.kind(), finding.at(), finding.message())).collect()
}

fn text(checked: &Checked, machine: &str, path: &str) -> String {
    let guest = &checked.machine(machine).unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path);
    match &file.unwrap_or_else(|| panic!("{machine}: {path}")).contents {
        Contents::Text(text) => text.to_string(),
        Contents::Parts(parts) => {
            parts.iter().map(|part| if let TextPart::Text(text) = part { &**text } else { "?" }).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_system_reads_its_own_file() {
    let checked = cloud(one()).check().unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(
        text(&checked, "ntp1", "/etc/chrony.conf"),
        "# The time of this cloud, written by fmc.\npool 2.rocky.pool.ntp.org iburst\nallow 10.17.3.0/24\nallow 10.17.5.0/24\n\
         driftfile /var/lib/chrony/drift\nmakestep 1 3\nrtcsync\n"
    );
    assert_eq!(
        text(&checked, "fcos", "/etc/chrony.conf"),
        "# The time of this cloud, written by fmc.\nserver 10.17.3.11 iburst\ndriftfile /var/lib/chrony/drift\nmakestep 1 3\nrtcsync\n"
    );
    for machine in ["flat", "deb", "ntp2"] {
        let said = text(&checked, machine, "/etc/systemd/timesyncd.conf.d/90-fmc.conf");
        assert!(said.contains("[Time]\nNTP=\nNTP=10.17.3.11\nFallbackNTP=\n"), "{machine}: {said}");
    }
    // What cloud-init writes comes after the start of the image's program.
    let has_restart = |machine: &str| {
        let units = &checked.machine(machine).unwrap().guest.units;
        units.iter().any(|unit| unit.name.as_str() == "fmc-time-sources.service")
    };
    assert_eq!(["ntp1", "deb", "flat", "fcos"].map(has_restart), [true, true, false, false]);
    for client in ["flat", "fcos", "deb"] {
        let name = Given::<MachineName>::from(client);
        assert!(checked.flows().into("ntp1").from(name.ok().unwrap().clone()).allows(udp(123)), "{client}");
    }
    assert_eq!(found(&cloud(one())), [""; 0]);
}

#[test]
fn an_authenticated_cloud_has_one_key() {
    let checked = cloud(one().authenticated(true).generation(2)).check().unwrap();
    assert_eq!(text(&checked, "ntp1", "/etc/chrony.keys"), "1 SHA256 HEX:?\n");
    assert_eq!(text(&checked, "deb", "/etc/chrony/chrony.keys"), "1 SHA256 HEX:?\n");
    let said = text(&checked, "deb", "/etc/chrony/chrony.conf");
    assert!(said.contains("server 10.17.3.11 iburst key 1\nkeyfile /etc/chrony/chrony.keys\n"), "{said}");
    assert!(!text(&checked, "ntp1", "/etc/chrony.conf").contains("key 1"));
    let keys = |machine: &str| {
        let machine = checked.machine(machine).unwrap();
        machine.guest.secrets().map(|secret| (secret.name.to_string(), secret.generation)).collect::<Vec<_>>()
    };
    assert_eq!(keys("deb"), [("chrony-key".to_owned(), 2)]);
    assert_eq!(keys("deb"), keys("ntp1"));
    let warned = found(&cloud(one().authenticated(true)));
    assert_eq!(
        warned,
        ["chrony-no-keys roles[0]: systemd-timesyncd knows no keys, so these clients believe anyone: flat"]
    );
}

#[test]
fn sources_are_one_or_more_than_two() {
    let with = |chrony: Chrony| found(&cloud(chrony));
    let all = one();
    let without = all.clone().pools([""; 0]);
    assert!(with(without.clone())[0].starts_with("chrony-no-source roles[0]"));
    assert_eq!(with(without.clone().local_stratum(10)), [""; 0]);
    assert_eq!(with(without.clone().upstreams(["192.0.2.1"])), [""; 0]);
    assert_eq!(with(without.clone().upstreams(["192.0.2.1", "192.0.2.2", "ntp.example.org"])), [""; 0]);
    let two = with(without.clone().upstreams(["192.0.2.1", "192.0.2.2"]));
    assert!(two.len() == 1 && two[0].contains("chrony-two-sources"), "{two:?}");
    assert_eq!(with(all.clone().upstreams(["192.0.2.1", "192.0.2.2"])), [""; 0]);
    let servers =
        with(all.clone().servers(["ntp1", "ntp2"]).clients(["flat", "fcos", "deb"]).local_stratum(10));
    assert_eq!(servers.len(), 2, "{servers:?}");
    assert!(servers[0].contains("chrony-several-clocks") && servers[1].contains("chrony-two-sources"));
    assert!(with(all.servers([""; 0]))[0].contains("chrony-no-server"));
}

#[test]
fn time_does_not_go_in_a_circle() {
    let without = one().pools([""; 0]);
    let own = found(&cloud(without.clone().upstreams(["10.17.3.11"])));
    assert!(own[0].ends_with("ntp1 takes its time from itself"), "{own:?}");
    let client = found(&cloud(without.clone().upstreams(["ntp2.lab.example"])));
    assert!(
        client[0].ends_with("the time of ntp1 comes back to it: ntp1 asks ntp2, which asks ntp1"),
        "{client:?}"
    );
    let both = found(&cloud(one().clients(["ntp1", "ntp2", "flat", "fcos", "deb"])));
    assert!(both.iter().any(|one| one.contains("ntp1 takes its time from itself")), "{both:?}");
}

#[test]
fn a_client_that_no_server_can_allow_is_refused() {
    let image = Image::new(Os::Debian, "12").path("/images/root.qcow2").digest(Digest::sha256(b""));
    let lan = Machine::new("lan1", image).root_disk(20.gib()).interface(Interface::on("lan"));
    let cloud = cloud(one().clients(["ntp2", "flat", "fcos", "deb", "lan1"]))
        .network(Network::bridge("lan", "br0"))
        .machine(lan);
    let found = found(&cloud);
    assert!(
        found.iter().any(|one| one.starts_with("chrony-not-allowed roles[0].chrony.clients[4]")),
        "{found:?}"
    );
}

#[test]
fn a_machine_without_the_clouds_time_is_told_of() {
    let left = found(&cloud(one().clients(["flat", "fcos"])));
    assert_eq!(
        left,
        ["chrony-left-out roles[0]: these machines keep the time servers of their images: deb, ntp2"]
    );
}

#[test]
fn wrong_values_are_findings() {
    let report = cloud(one().upstreams(["127.127.1.0", "a_b"]).local_stratum(16)).check().unwrap_err();
    let at = |finding: &Finding| finding.at().starts_with("roles[0]").then(|| finding.at().to_owned());
    let found: Vec<String> = report.findings().iter().filter_map(at).collect();
    let places = ["local_stratum", "upstreams[0]", "upstreams[1]"];
    assert_eq!(found, places.map(|place| format!("roles[0].chrony.{place}")));
    assert!(report.to_string().contains("not a source of its own time"), "{report}");
    let flat = cloud(one().servers(["flat"]).clients(["ntp1", "ntp2", "fcos", "deb"])).check().unwrap_err();
    assert!(flat.to_string().contains("Flatcar"), "{flat}");
    let nowhere = cloud(one().networks(["nowhere"])).check().unwrap_err();
    assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
}

#[test]
fn it_is_said_in_rust() {
    let said = Spanning::said(one().local_stratum(10).authenticated(true));
    assert_eq!(
        said.to_rust(),
        Some(
            "Spanning::said(Chrony::new().servers([\"ntp1\"]).clients([\"ntp2\", \"flat\", \"fcos\", \"deb\"])\
             .pools([\"2.rocky.pool.ntp.org\"]).local_stratum(10).authenticated(true))"
        )
    );
}
