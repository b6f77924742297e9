//! The machines of these tests, and what must be seen inside them.

use fmc::prelude::*;
use fmc_testkit::guest::{self, Report, Style};

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

/// Notes each boot below a file that a first boot writes: whoever runs twice writes it anew.
const NOTE: &str = "[Unit]\nRequiresMountsFor=/srv\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
                    ExecStart=/bin/sh -c 'cat /proc/sys/kernel/random/boot_id >>/srv/app/boots'\n\n\
                    [Install]\nWantedBy=multi-user.target\n";

/// A cloud with three networks on each of these hosts.
pub(crate) fn on(hosts: &[Host]) -> Cloud {
    hosts
        .iter()
        .cloned()
        .fold(Cloud::new("boot").time_zone("Europe/Madrid"), |cloud, host| {
            cloud.host(host.emulated().machine_type("pc"))
        })
        .network(Network::nat("lan", "10.17.3.0/24").domain("lan.example.com"))
        .network(Network::isolated("store", "10.17.4.0/24").mtu(1400))
        .network(Network::isolated("back", "10.17.5.0/24").dhcp("10.17.5.100-10.17.5.199"))
}

/// A machine of a style, which ends each of its addresses in this number.
pub(crate) fn machine(name: &str, style: Style, number: u8) -> Machine {
    let files = guest::files();
    let text = |path: std::path::PathBuf| path.to_str().map(str::to_owned).unwrap_or_default();
    let (os, version) = match style {
        Style::Flatcar => (Os::Flatcar, "4593.2.0"),
        Style::FedoraCoreos => (Os::FedoraCoreos, "44.20260802.3.1"),
        Style::Debian => (Os::Debian, "12"),
        Style::EnterpriseLinux => (Os::Rocky, "9.4"),
    };
    let kernel = DirectKernel::new(text(files.kernel()))
        .initrd(text(files.initramfs(style)))
        .command_line(style.command_line());
    let image = Image::new(os, version).file(text(files.image()), files.digest()).minimum(1500.mib());
    Machine::new(name, image.direct_kernel(kernel))
        .memory(384.mib())
        .root_disk(2.gib())
        .interface(Interface::on("lan").address(format!("10.17.3.{number}")))
        .interface(Interface::on("store").address(format!("10.17.4.{number}")))
        .interface(Interface::on("back").reserved(format!("10.17.5.{number}")))
        .user(User::admin("ops").key(KEY))
        .user(User::new("app").uid(1500))
        .file(File::text("/srv/app/boots", "first\n").mode(0o640).owner("app").group("app"))
        .unit(Unit::service("note").enabled().contents(NOTE))
}

/// A data disk that is mounted at `/var/srv/data`.
pub(crate) fn data() -> Disk {
    Disk::new("data", 64.mib()).serial("data-1").mount("/var/srv/data")
}

/// What must be seen inside a [`machine`].
pub(crate) struct Expected<'a> {
    pub(crate) name: &'a str,
    pub(crate) style: Style,
    pub(crate) number: u8,
}

impl Expected<'_> {
    pub(crate) fn is_seen_in(&self, report: &Report, log: &str) {
        let number = self.number;
        assert!(report.failed.is_empty(), "{:#?}\n{log}", report.failed);
        assert_eq!(report.state, "running", "{log}");
        assert_eq!((&*report.hostname, &*report.static_hostname), (self.name, self.name));
        assert_eq!(report.time_zone, "Europe/Madrid");
        let manager = if self.style.has_network_manager() {
            "NetworkManager.service"
        } else {
            "systemd-networkd.service"
        };
        assert_eq!(report.network, [manager]);

        let addresses = |network: &str| {
            let interface = report.interfaces.get(&self.mac(network)).map(|interface| &interface.addresses);
            let one =
                interface.filter(|addresses| addresses.len() == 1).and_then(|addresses| addresses.first());
            one.map(|one| (one.address.clone(), one.dynamic))
        };
        assert_eq!(addresses("lan"), Some((format!("10.17.3.{number}/24"), false)), "{report:#?}");
        assert_eq!(addresses("store"), Some((format!("10.17.4.{number}/24"), false)), "{report:#?}");
        assert_eq!(addresses("back"), Some((format!("10.17.5.{number}/24"), true)), "{report:#?}");
        let gateways: Vec<_> = report.routes.iter().map(|route| (&*route.to, &*route.via)).collect();
        assert_eq!(gateways, [("default", "10.17.3.1")], "{report:#?}");
        assert_eq!(report.interfaces.get(&self.mac("store")).map(|interface| interface.mtu), Some(1400));

        let ops = report.users.get("ops").unwrap();
        assert_eq!(ops.keys, [KEY]);
        assert!(ops.groups.iter().any(|group| group == "sudo" || group == "wheel"), "{ops:?}");
        assert_eq!(report.users.get("app").unwrap().uid, 1500);
        let boots = report.files.get("/srv/app/boots").unwrap();
        assert_eq!((boots.mode, &*boots.owner, &*boots.group), (0o640, "app", "app"));
        assert_eq!(boots.contents, Some(format!("first\n{}\n", report.boot_id)), "the unit ran once");
        let data = report.disks.get("data-1").unwrap();
        assert_eq!(data.size, 64 << 20);
        assert_eq!(data.fstype.as_deref(), Some("ext4"), "{data:?}");
        assert_eq!(data.mountpoint.as_deref(), Some("/var/srv/data"), "{data:?}");
    }

    /// The MAC that the cloud derives for its interface on a network.
    fn mac(&self, network: &str) -> String {
        let cloud = on(&[Host::local()]).machine(machine(self.name, self.style, self.number));
        let checked = cloud.check().unwrap();
        let machine = checked.machine(self.name).unwrap();
        let interface = machine
            .interfaces
            .iter()
            .find(|interface| checked.networks.get(interface.network).unwrap().name.as_str() == network);
        interface.unwrap().mac.to_string()
    }
}
