//! A custom role, equal to the built-in ones: `cargo run --example custom_role -- check`, and its unit tests
//! with `cargo test --example custom_role`.

use fmc::prelude::*;

const LAB: NetworkName = NetworkName::literal("lab");
const WATCH: MachineName = MachineName::literal("watch");

/// Asks other machines over HTTP and tells Prometheus whether they answer.
struct BlackboxExporter;

impl CustomRole for BlackboxExporter {
    fn guest(&self, _: &Site<'_>) -> Guest {
        Guest::new()
            .package("prometheus-blackbox-exporter")
            .unit(Unit::service("prometheus-blackbox-exporter").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().accept(tcp(9115), Peer::role("prometheus"))
    }
}

/// Scrapes every machine that has an exporter.
struct Prometheus;

impl CustomRole for Prometheus {
    fn guest(&self, site: &Site<'_>) -> Guest {
        let targets = site.with_role("blackbox-exporter").filter_map(|machine| machine.address());
        let targets: String = targets.map(|address| format!("      - {address}:9115\n")).collect();
        let config =
            format!("scrape_configs:\n- job_name: exporters\n  static_configs:\n  - targets:\n{targets}");
        Guest::new()
            .package("prometheus")
            .file(GuestFile::text("/etc/prometheus/prometheus.yml", config))
            .unit(Unit::service("prometheus").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().reach(tcp(9115), Peer::role("blackbox-exporter")).accept(tcp(9090), Peer::network(LAB))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().memory(1.gib()).address()
    }

    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        if site.machine().disks.is_empty() {
            findings.warn(
                "what was measured is on the root disk, which a replacement makes anew",
                "add a data disk, mounted at /var/lib/prometheus",
            );
        }
    }
}

fn machine(name: impl Into<Given<MachineName>>, address: Ipv4Addr) -> Machine {
    Machine::new(name, Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2"))
        .memory(1.gib())
        .root_disk(10.gib())
        .interface(Interface::on(LAB).address(address))
        .user(User::admin("ops").key(include_str!("ops.pub")))
}

fn cloud() -> Cloud {
    let web = |n: u8| machine(format!("web{n}"), Ipv4Addr::new(10, 17, 3, 10 + n)).role(BlackboxExporter);
    let data = Disk::new("data", 50.gib()).filesystem(Filesystem::Ext4).mount("/var/lib/prometheus");
    Cloud::new("watched")
        .host(Host::local())
        .network(Network::nat(LAB, "10.17.3.0/24"))
        .machines((1..=3).map(web))
        .machine(machine(WATCH, Ipv4Addr::new(10, 17, 3, 20)).disk(data).role(Prometheus))
        .accept("image-unpinned", "the image lies on the host; nobody kept its checksum")
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmc::testing::{Sim, assert_empty};

    #[test]
    fn only_prometheus_asks_the_exporters() {
        let checked = cloud().check().unwrap();
        assert!(checked.flows().into("web1").from(WATCH).allows(tcp(9115)));
        assert!(!checked.flows().into("web1").from(MachineName::literal("web2")).allows(tcp(9115)));
        assert_eq!(checked.flows().into(WATCH).from(LAB).ports(), [22, 9090]);
    }

    #[test]
    fn a_setting_keeps_the_roles() {
        let cloud = fmc::set::set(&cloud(), &["machines.*.memory=2GiB".parse().unwrap()]).unwrap();
        let checked = cloud.check().unwrap();
        let guest = &checked.machine("watch").unwrap().guest;
        assert!(guest.files.iter().any(|file| file.path.as_str() == "/etc/prometheus/prometheus.yml"));
    }

    #[test]
    fn it_is_planned_and_applied_like_any_other() {
        let world = Sim::new();
        world.apply(&cloud());
        assert_empty(&world.plan(&cloud()));
    }

    #[test]
    fn a_file_does_not_lose_them_in_silence() {
        let refused = fmc::file::to_yaml(&cloud()).unwrap_err().to_string();
        assert!(refused.contains("web1 has the role blackbox-exporter, which is code"), "{refused}");
    }
}
