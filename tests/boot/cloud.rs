//! The machines of these tests, and the state that each must show from inside.

use std::collections::BTreeMap;
use std::path::Path;

use fmc::prelude::*;
use fmc_testkit::guest::{self, Report, Style};

pub(crate) const HOSTS: [&str; 2] = ["one", "two"];

pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

/// A machine of the tests.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) style: Style,
    /// The last number of each of its addresses.
    pub(crate) number: u8,
    /// Its host, by index in [`HOSTS`].
    pub(crate) host: usize,
    /// The number of its data disks, from none to two.
    pub(crate) disks: usize,
}

/// A cloud of these machines on the first so many hosts.
pub(crate) fn cloud(hosts: usize, guests: &[Guest]) -> Cloud {
    let mut cloud = Cloud::new("boot").time_zone("Europe/Madrid");
    for (index, name) in HOSTS.iter().enumerate().take(hosts) {
        cloud = cloud
            .host(Host::new(*name).emulated().machine_type("pc"))
            .network(
                Network::nat(format!("lan{index}"), subnet(index, 3)).host(*name).domain("lan.example.com"),
            )
            .network(Network::isolated(format!("store{index}"), subnet(index, 4)).host(*name).mtu(1400))
            .network(
                Network::isolated(format!("back{index}"), subnet(index, 5))
                    .host(*name)
                    .dhcp(format!("10.{0}.5.100-10.{0}.5.199", 17 + index)),
            );
    }
    cloud.machines(guests.iter().map(Guest::machine))
}

fn subnet(host: usize, third: u8) -> String {
    format!("10.{}.{third}.0/24", 17 + host)
}

/// The image of a style. One kernel boots all of them.
pub(crate) fn image(style: Style) -> Image {
    let files = guest::files();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (os, version) = match style {
        Style::Flatcar => (Os::Flatcar, "4593.2.0"),
        Style::FedoraCoreos => (Os::FedoraCoreos, "44.20260802.3.1"),
        Style::Debian => (Os::Debian, "12"),
        // Version 9 needs a newer processor than the fastest emulated one.
        Style::EnterpriseLinux => (Os::Rocky, "8.10"),
    };
    let kernel = DirectKernel::new(text(&files.kernel()))
        .initrd(text(&files.initramfs(style)))
        .command_line(style.command_line());
    let image = Image::new(os, version).file(text(&files.image()), files.digest()).minimum(1500.mib());
    image.direct_kernel(kernel)
}

/// The data disks by serial, without the image that cloud-init reads.
pub(crate) fn data(report: &Report) -> BTreeMap<&str, &guest::Disk> {
    report
        .disks
        .iter()
        .map(|(serial, disk)| (&**serial, disk))
        .filter(|(serial, _)| serial.starts_with("data"))
        .collect()
}

/// A program that adds a line to a file at each boot.
fn note(path: &str) -> String {
    format!(
        "[Unit]\nRequiresMountsFor={path}\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/bin/sh -c 'cat /proc/sys/kernel/random/boot_id >>{path}'\n\n[Install]\nWantedBy=multi-user.target\n"
    )
}

impl Guest {
    pub(crate) const fn new(name: &'static str, style: Style, number: u8) -> Self {
        Self { name, style, number, host: 0, disks: 1 }
    }

    pub(crate) fn machine(&self) -> Machine {
        let host = self.host;
        let mut machine = Machine::new(self.name, image(self.style))
            .host(HOSTS[host])
            .memory(384.mib())
            .root_disk(2.gib())
            // Emulated beside other guests, a shutdown takes longer than the usual minute.
            .shutdown(Shutdown::never_force(300))
            .interface(Interface::on(format!("lan{host}")).address(self.address(3)))
            .interface(Interface::on(format!("store{host}")).address(self.address(4)))
            .interface(Interface::on(format!("back{host}")).reserved(self.address(5)))
            .user(User::admin("ops").key(KEY))
            .user(User::new("app").uid(1500))
            // A second first boot writes this file again and so removes the lines that the boots added.
            .file(GuestFile::text("/srv/app/boots", "first\n").mode(0o640).owner("app").group("app"))
            .unit(Unit::service("note").enabled().contents(note("/srv/app/boots")));
        for disk in (0..self.disks).map(|index| format!("data{index}")) {
            let path = format!("/var/srv/{disk}");
            machine = machine
                .disk(Disk::new(&*disk, 64.mib()).serial(format!("{disk}-serial")).mount(&*path))
                .unit(
                    Unit::service(&format!("keep-{disk}")).enabled().contents(note(&format!("{path}/boots"))),
                );
        }
        machine
    }

    pub(crate) fn address(&self, third: u8) -> String {
        format!("10.{}.{third}.{}", 17 + self.host, self.number)
    }

    /// Asserts that the report shows the machine as the cloud describes it. `boots` are the boots of its root
    /// disk, this one last; `kept` are those of its data disks.
    pub(crate) fn is_seen_in(&self, report: &Report, boots: &[&str], kept: &[&str]) {
        let name = self.name;
        assert!(report.failed.is_empty(), "{name}: {:#?}", report.failed);
        assert_eq!(report.state, "running", "{name}: {report:#?}");
        assert_eq!((&*report.hostname, &*report.static_hostname), (name, name));
        assert_eq!(report.time_zone, "Europe/Madrid", "{name}");
        let manager = self.style.has_network_manager();
        assert_eq!(
            report.network,
            [if manager { "NetworkManager.service" } else { "systemd-networkd.service" }]
        );
        self.has_its_network(report);

        let ops = report.users.get("ops").unwrap();
        assert_eq!(ops.keys, [KEY], "{name}");
        assert!(ops.groups.iter().any(|group| group == "sudo" || group == "wheel"), "{name}: {ops:?}");
        assert_eq!(report.users.get("app").unwrap().uid, 1500, "{name}");

        let lines = |boots: &[&str]| boots.iter().map(|boot| format!("{boot}\n")).collect::<String>();
        let file = report.files.get("/srv/app/boots").unwrap();
        assert_eq!((file.mode, &*file.owner, &*file.group), (0o640, "app", "app"), "{name}");
        assert_eq!(file.contents, Some(format!("first\n{}", lines(boots))), "{name}: who runs once a boot");
        assert_eq!(data(report).len(), self.disks, "{name}: {:?}", report.disks);
        for index in 0..self.disks {
            let path = format!("/var/srv/data{index}");
            let disk = report.disks.get(&format!("data{index}-serial")).unwrap();
            assert_eq!((disk.size, disk.fstype.as_deref()), (64 << 20, Some("ext4")), "{name}: {disk:?}");
            assert_eq!(disk.mountpoint.as_deref(), Some(&*path), "{name}: {disk:?}");
            let file = report.files.get(&format!("{path}/boots")).unwrap();
            assert_eq!(file.contents, Some(lines(kept)), "{name}: what is kept");
        }
    }

    fn has_its_network(&self, report: &Report) {
        for (index, (third, dynamic)) in [(3, false), (4, false), (5, true)].into_iter().enumerate() {
            let interface = report.interfaces.get(&self.mac(index)).unwrap();
            let found: Vec<_> =
                interface.addresses.iter().map(|one| (one.address.clone(), one.dynamic)).collect();
            assert_eq!(
                found,
                [(format!("{}/24", self.address(third)), dynamic)],
                "{}: {report:#?}",
                self.name
            );
            assert_eq!(interface.mtu, if third == 4 { 1400 } else { 1500 }, "{}", self.name);
        }
        let default: Vec<_> = report
            .routes
            .iter()
            .filter(|route| route.to == "default")
            .map(|route| route.via.clone())
            .collect();
        assert_eq!(default, [format!("10.{}.3.1", 17 + self.host)], "{}: {report:#?}", self.name);
    }

    /// The MAC that the cloud derives for an interface.
    fn mac(&self, index: usize) -> String {
        let checked = cloud(self.host + 1, &[*self]).check().unwrap();
        checked.machine(self.name).unwrap().interfaces[index].mac.to_string()
    }
}
