//! Additions of a real libvirt to our documents are not drift; changes with virsh are.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::BTreeMap;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Change, Impact, Wanted};
use fmc_core::host::{CpuModel, Host};
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine, Power};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::{Document, kind};
use fmc_libvirt::documents::documents;
use fmc_libvirt::drift;
use fmc_libvirt::link::{DomainRecord, NetworkRecord, PoolRecord, VolumeFacts};
use fmc_libvirt::mark::{Mark, fingerprint};
use fmc_libvirt::network::updates;
use fmc_testkit::libvirtd::Own;

fn cloud(base: &str) -> Checked {
    let machine =
        |name: &str, image| Machine::new(name.to_owned(), image).memory(64.mib()).root_disk(64.mib());
    Cloud::new("drift")
        .hosts([
            Host::new("pc").emulated().machine_type("pc").base(base.to_owned()).bridge("br0"),
            Host::new("q35").emulated().cpu(CpuModel::Named("Westmere".to_owned())).base(base.to_owned()),
        ])
        .network(
            Network::nat("nat", "10.71.1.0/24").dhcp("10.71.1.100-10.71.1.199").domain("lab.test").host("pc"),
        )
        .network(Network::routed("routed", "10.71.2.0/24").ipv6("fd00:71:2::/64").mtu(1400).host("pc"))
        .network(Network::open("open", "10.71.3.0/24").autostart(false).host("pc"))
        .network(Network::isolated("quiet", "10.71.4.0/24").host("pc"))
        .network(Network::bridge("lan", "br0"))
        .machine(
            machine("web", Image::blank())
                .host("pc")
                .disk(Disk::new("data", 16.mib()).fully_allocated())
                .interface(Interface::on("nat").address("10.71.1.10"))
                .interface(Interface::on("routed").address("10.71.2.10").address("fd00:71:2::10"))
                .interface(Interface::on("lan")),
        )
        .machine(
            machine("node", Image::flatcar("4593.2.0"))
                .host("pc")
                .power(Power::Stopped)
                .interface(Interface::on("quiet").address("10.71.4.10")),
        )
        .machine(
            machine("seeded", Image::debian("12"))
                .host("pc")
                .autostart(false)
                .interface(Interface::on("quiet").address("10.71.4.11")),
        )
        .machine(machine("chipset", Image::debian("12")).host("q35").cpus(2))
        .accept("image-missing", "nobody boots here: the roots are blank")
        .check()
        .unwrap()
}

struct There {
    host: Own,
    wanted: Wanted<Document>,
}

impl There {
    fn set_up() -> Self {
        let host = Own::start();
        host.bridge("br0");
        let wanted = documents(&cloud(host.path().to_str().unwrap()));
        let there = Self { host, wanted };
        for of in [kind::POOL, kind::NETWORK, kind::VOLUME, kind::DOMAIN] {
            for document in there.of_kind(of).into_values() {
                there.make(document);
            }
        }
        there
    }

    /// The documents of a kind by name; both hosts have the same pool.
    fn of_kind(&self, kind: &str) -> BTreeMap<&str, &Document> {
        let of_kind = self.wanted.nodes.iter().filter(|(address, _)| address.kind() == kind);
        of_kind.map(|(address, node)| (address.name(), &*node.document)).collect()
    }

    fn make(&self, document: &Document) {
        let file = self.host.path().join("document.xml");
        std::fs::write(&file, document.xml()).unwrap();
        let file = file.to_str().unwrap();
        let virsh = |arguments: &[&str]| self.host.virsh(arguments);
        match document {
            Document::Pool(pool) => {
                virsh(&["pool-define", file]);
                virsh(&["pool-build", &pool.name]);
                virsh(&["pool-start", &pool.name]);
                virsh(&["pool-autostart", &pool.name]);
            }
            Document::Volume(volume) => drop(virsh(&["vol-create", &volume.pool, file])),
            Document::Network(network) => {
                virsh(&["net-define", file]);
                if network.autostart {
                    virsh(&["net-autostart", &network.name]);
                }
                virsh(&["net-start", &network.name]);
            }
            Document::Domain(domain) => {
                virsh(&["define", file, "--validate"]);
                if domain.autostart {
                    virsh(&["autostart", &domain.name]);
                }
                if domain.power == Power::Running && &*domain.name == "web" {
                    virsh(&["start", &domain.name]);
                }
            }
        }
    }

    fn says(&self, arguments: &[&str], line: &str, word: &str) -> bool {
        let said = self.host.virsh(arguments);
        said.lines().find(|said| said.starts_with(line)).unwrap().contains(word)
    }

    fn domain(&self, name: &str) -> (Vec<Change>, Vec<Change>) {
        let Some(Document::Domain(wanted)) = self.of_kind(kind::DOMAIN).remove(name) else {
            panic!("{name}")
        };
        let active = !self.says(&["dominfo", name], "State", "shut off");
        let seen = DomainRecord {
            name: name.to_owned(),
            xml: self.host.virsh(&["dumpxml", "--inactive", name]),
            live_xml: active.then(|| self.host.virsh(&["dumpxml", name])),
            active,
            suspended: None,
            snapshots: Vec::new(),
            persistent: true,
            autostart: self.says(&["dominfo", name], "Autostart", "enable"),
        };
        assert_eq!(Mark::read(&seen.xml), Mark::read(&wanted.xml));
        assert_eq!(
            fingerprint(&seen.xml, ""),
            fingerprint(&self.host.virsh(&["dumpxml", "--inactive", name]), "")
        );
        (drift::compare_domain(wanted, &seen), drift::pending_boot(wanted, &seen))
    }

    fn network(&self, name: &str) -> Vec<Change> {
        let Some(Document::Network(wanted)) = self.of_kind(kind::NETWORK).remove(name) else {
            panic!("{name}")
        };
        let active = self.says(&["net-info", name], "Active", "yes");
        let seen = NetworkRecord {
            name: name.to_owned(),
            xml: self.host.virsh(&["net-dumpxml", "--inactive", name]),
            live_xml: active.then(|| self.host.virsh(&["net-dumpxml", name])),
            active,
            persistent: true,
            autostart: self.says(&["net-info", name], "Autostart", "yes"),
        };
        assert_eq!(Mark::read(&seen.xml), Mark::read(&wanted.xml));
        drift::compare_network(wanted, &seen)
    }
}

fn lines(changes: Vec<Change>) -> Vec<String> {
    let words = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
    changes
        .into_iter()
        .map(|change| {
            format!("{}: {} -> {} ({})", change.path, words(change.from), words(change.to), change.impact)
        })
        .collect()
}

#[test]
fn what_libvirt_makes_of_it_is_as_wanted_until_somebody_changes_it() {
    let there = There::set_up();
    let virsh = |arguments: &[&str]| there.host.virsh(arguments);

    // Unchanged.
    for (name, document) in there.of_kind(kind::POOL) {
        let Document::Pool(wanted) = document else { panic!("{name}") };
        let seen = PoolRecord {
            name: name.to_owned(),
            xml: virsh(&["pool-dumpxml", name]),
            active: true,
            persistent: true,
            autostart: true,
        };
        assert_eq!(drift::compare_pool(wanted, &seen), []);
    }
    for (name, document) in there.of_kind(kind::VOLUME) {
        let Document::Volume(wanted) = document else { panic!("{name}") };
        let xml = virsh(&["vol-dumpxml", &wanted.name, &wanted.pool]);
        let tree = roxmltree::Document::parse(&xml).unwrap();
        let capacity = tree.descendants().find(|node| node.has_tag_name("capacity")).unwrap().text().unwrap();
        let seen = VolumeFacts {
            name: name.to_owned(),
            path: String::new(),
            capacity: capacity.parse().unwrap(),
            allocation: None,
            format: None,
            backing: None,
            changed: None,
        };
        assert_eq!(drift::compare_volume(wanted, &seen), [], "{name}");
    }
    for name in ["nat", "routed", "open", "quiet", "lan"] {
        assert_eq!(there.network(name), [], "{name}");
    }
    for name in ["web", "node"] {
        assert_eq!(there.domain(name), (vec![], vec![]), "{name}");
    }
    for name in ["seeded", "chipset"] {
        assert_eq!(lines(there.domain(name).0), ["power: stopped -> running (in place)"], "{name}");
    }

    // Changes by hand to a running domain, and to one that is off. Only one of them is a change of the running guest too.
    virsh(&["setmaxmem", "web", "96M", "--config"]);
    virsh(&["setmem", "web", "96M", "--config"]);
    virsh(&["desc", "web", "--config", "--title", "mine"]);
    virsh(&["autostart", "--disable", "web"]);
    virsh(&["attach-interface", "web", "network", "quiet", "--mac", "52:54:00:00:00:77", "--config"]);
    virsh(&["domif-setlink", "web", &mac(&there, "web", 0), "down", "--config"]);
    virsh(&["domif-setlink", "web", &mac(&there, "web", 0), "down"]);
    let (changes, pending) = there.domain("web");
    assert_eq!(
        lines(changes),
        [
            "memory: 96 MiB -> 64 MiB (in place)".to_owned(),
            format!("devices/interface[{}]/link: state=down -> nothing (restart)", mac(&there, "web", 0)),
            "devices/interface[52:54:00:00:00:77]: quiet -> nothing (in place)".to_owned(),
            "title: mine -> nothing (in place)".to_owned(),
            "autostart: off -> on (in place)".to_owned(),
        ]
    );
    assert_eq!(lines(pending), [""; 0]);
    virsh(&["setvcpus", "chipset", "1", "--config"]);
    assert!(lines(there.domain("chipset").0).contains(&"vcpu/@current: 1 -> nothing (in place)".to_owned()));
    virsh(&["attach-interface", "node", "network", "quiet", "--mac", "52:54:00:00:00:79", "--config"]);
    virsh(&["start", "node", "--paused"]);
    virsh(&["detach-interface", "node", "network", "--mac", "52:54:00:00:00:79", "--config"]);
    let (changes, pending) = there.domain("node");
    assert_eq!(lines(changes), ["power: running -> stopped (stop)"]);
    assert_eq!(lines(pending), ["devices/interface[52:54:00:00:00:79]: quiet -> nothing (at next boot)"]);

    // Changes by hand to networks.
    let hosts = |name: &str| virsh(&["net-dumpxml", name]);
    let Some(Document::Network(nat)) = there.of_kind(kind::NETWORK).remove("nat") else { panic!() };
    virsh(&[
        "net-update",
        "nat",
        "add-last",
        "ip-dhcp-host",
        "<host mac='52:54:00:00:00:78' ip='10.71.1.20' name='mine'/>",
        "--live",
        "--config",
    ]);
    virsh(&[
        "net-update",
        "nat",
        "delete",
        "ip-dhcp-host",
        &format!("<host mac='{}'/>", mac(&there, "web", 0)),
        "--live",
        "--config",
    ]);
    assert_eq!(
        lines(there.network("nat")),
        [
            format!("ip/dhcp/host[{}]: nothing -> 10.71.1.10 web (in place)", mac(&there, "web", 0)),
            "ip/dhcp/host[52:54:00:00:00:78]: 10.71.1.20 mine -> nothing (in place)".to_owned(),
        ]
    );
    for update in updates(&nat.xml, &hosts("nat")) {
        let command = format!("{:?}", update.edit).to_lowercase();
        virsh(&["net-update", "nat", &command, "ip-dhcp-host", &update.xml, "--live", "--config"]);
    }
    assert_eq!(lines(there.network("nat")), [""; 0]);
    virsh(&["net-destroy", "open"]);
    virsh(&["net-autostart", "--disable", "quiet"]);
    assert_eq!(lines(there.network("open")), ["active: inactive -> active (in place)"]);
    assert_eq!(lines(there.network("quiet")), ["autostart: off -> on (in place)"]);
    assert_eq!(there.network("routed").iter().map(|change| change.impact).max(), None::<Impact>);
}

fn mac(there: &There, name: &str, index: usize) -> String {
    let Some(Document::Domain(domain)) = there.of_kind(kind::DOMAIN).remove(name) else { panic!("{name}") };
    let tree = roxmltree::Document::parse(&domain.xml).unwrap();
    tree.descendants()
        .filter(|node| node.has_tag_name("mac"))
        .nth(index)
        .unwrap()
        .attribute("address")
        .unwrap()
        .to_owned()
}
