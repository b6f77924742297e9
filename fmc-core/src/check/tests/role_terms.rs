//! Features of the role trait: disks, order, other roles' values, own kinds of findings, the role in a lab.

use std::sync::Arc;

use super::findings;
use crate::checked::Checked;
use crate::cloud::Cloud;
use crate::disk::Disk;
use crate::finding::{Kind, OwnKind, Severity};
use crate::flow::{Flows, Peer, Service, tcp};
use crate::given::Given;
use crate::guest::checked::Contents;
use crate::guest::{Guest, GuestFile, Unit, User};
use crate::host::Host;
use crate::image::Image;
use crate::machine::{Interface, Machine};
use crate::name::{MachineName, NetworkName, RoleName};
use crate::network::Network;
use crate::path::AbsPath;
use crate::role::{After, CustomRole, Leaving, Role, RoleFindings, Site};
use crate::unit::SizeExt;

const LAB: NetworkName = NetworkName::literal("lab");
const NO_BACKUP: OwnKind = OwnKind::warning("database-no-backup", "Nothing copies the database elsewhere.");
const TOO_OLD: OwnKind = OwnKind::error("database-too-old", "Nobody mends this release.").never_accepted();

#[derive(Clone)]
struct Database {
    port: u16,
    size: u32,
    instance: Option<&'static str>,
}

impl Database {
    const MAIN: Self = Self { port: 5432, size: 20, instance: Some("main") };
}

impl CustomRole for Database {
    fn instance(&self) -> Option<&str> {
        self.instance
    }

    fn guest(&self, _: &Site<'_>) -> Guest {
        Guest::new().unit(Unit::service("database").enabled())
    }

    fn flows(&self, _: &Site<'_>) -> Flows {
        Flows::new().accept(tcp(self.port), Peer::Anywhere)
    }

    fn disks(&self) -> Vec<Disk> {
        vec![Disk::new("data", self.size.gib()).mount("/srv/database")]
    }

    fn answers(&self) -> Option<Service> {
        Some(tcp(self.port))
    }

    fn state(&self) -> Option<AbsPath> {
        Some(AbsPath::literal("/srv/database/17"))
    }

    fn leaving(&self, site: &Site<'_>) -> Leaving {
        Leaving::new().removed(format!("dump {}", site.machine().name))
    }

    fn check(&self, _: &Site<'_>, findings: &mut RoleFindings<'_>) {
        findings.find(&NO_BACKUP, "nothing copies the database elsewhere", "name a machine for its backups");
        if self.port == 1 {
            findings.find(&TOO_OLD, "too old", "take a newer one");
        }
    }

    fn finding_kinds(&self) -> &'static [OwnKind] {
        &[NO_BACKUP, TOO_OLD]
    }

    fn lab(&self) -> Option<Role> {
        Some(Self { size: 1, ..self.clone() }.into())
    }
}

/// Calls the database.
struct Service_(&'static str);

impl CustomRole for Service_ {
    fn kind(&self) -> Given<RoleName> {
        self.0.into()
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let known: String = site
            .roles::<Database>()
            .filter_map(|(machine, database)| Some(format!("{}:{}\n", machine.address()?, database.port)))
            .collect();
        let of_main = site.with_role_of("database", "main").count();
        Guest::new()
            .file(GuestFile::text("/etc/service.conf", format!("{known}main {of_main}\n")))
            .unit(
                Unit::service("service").enabled().contents(
                    "[Service]\nExecStart=/usr/bin/service\n[Install]\nWantedBy=multi-user.target\n",
                ),
            )
            .unit(
                Unit::timer("service")
                    .enabled()
                    .contents("[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n"),
            )
    }

    fn after(&self, _: &Site<'_>) -> After {
        After::new().role("database").role("nothing-has-it")
    }
}

fn machine(name: impl Into<Given<MachineName>>, address: &str) -> Machine {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    let image =
        Image::debian("12").path("/images/debian-12.qcow2").digest(crate::digest::Digest::sha256(b""));
    Machine::new(name, image)
        .root_disk(2.gib())
        .interface(Interface::on(LAB).address(address))
        .user(User::admin("ops").key(KEY))
}

fn cloud(machines: impl IntoIterator<Item = Machine>) -> Cloud {
    Cloud::new("first").host(Host::local()).network(Network::nat(LAB, "10.17.3.0/24")).machines(machines)
}

fn both() -> Cloud {
    let other = Database { port: 5433, size: 20, instance: Some("other") };
    cloud([
        machine("db1", "10.17.3.10").role(Database::MAIN),
        machine("db2", "10.17.3.11").role(other),
        machine("app", "10.17.3.12").role(Service_("service")),
    ])
}

fn text(checked: &Checked, machine: &str, path: &str) -> String {
    let guest = &checked.machine(machine).unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path).unwrap();
    let Contents::Text(text) = &file.contents else { panic!("{file:?}") };
    text.to_string()
}

#[test]
fn a_role_reads_the_values_of_roles_on_other_machines() {
    let checked = both().check().unwrap();
    assert_eq!(text(&checked, "app", "/etc/service.conf"), "10.17.3.10:5432\n10.17.3.11:5433\nmain 1\n");
}

#[test]
fn a_disk_of_a_role_is_one_of_its_machines() {
    let checked = both().check().unwrap();
    let disk = &checked.machine("db1").unwrap().disks[0];
    assert_eq!((disk.name.as_str(), disk.size), ("data", 20.gib()));
    assert_eq!(disk.mount.as_ref().map(AbsPath::as_str), Some("/srv/database"));
    let word = checked.machine("db1").unwrap().memberships[0].to_string();
    assert_eq!(word, "database/main/disk?removed=dump%20db1");
}

#[test]
fn a_disk_that_the_machine_says_takes_the_place_of_a_roles() {
    let db = machine("db", "10.17.3.10").role(Database::MAIN).disk(Disk::new("data", 50.gib()));
    let checked = cloud([db]).check().unwrap();
    let machine = checked.machine("db").unwrap();
    assert_eq!((machine.disks.len(), machine.disks[0].size), (1, 50.gib()));
    assert!(!machine.memberships[0].keeps_state(), "it is mounted nowhere");
}

#[test]
fn what_is_wrong_with_a_disk_of_a_role_is_told_at_the_role() {
    let db = machine("db", "10.17.3.10")
        .role(Database::MAIN)
        .disk(Disk::new("own", 1.gib()).mount("/srv/database"));
    let all = findings(&cloud([db]));
    let clash = all.iter().find(|finding| finding.kind() == Kind::GuestClash).unwrap();
    let mut all: Vec<&str> = clash.also_at().iter().map(String::as_str).chain([clash.at()]).collect();
    all.sort_unstable();
    assert_eq!(all, ["machines.db.disks.own.mount", "machines.db.roles[0].disks.data.mount"]);
}

#[test]
fn a_service_waits_until_one_it_needs_answers() {
    let checked = both().check().unwrap();
    let app = checked.machine("app").unwrap();
    let before: Vec<&str> = app.after.iter().map(|&at| checked.at(at).unwrap().name.as_str()).collect();
    assert_eq!(before, ["db1", "db2"]);
    let unit = |name: &str| app.guest.units.iter().find(|unit| unit.name.as_str() == name);
    let wait = unit("fmc-after-database.service").unwrap().contents.clone().unwrap();
    let wait = wait.text();
    assert!(wait.contains("/dev/tcp/10.17.3.10/5432") && wait.contains(" || "), "{wait}");
    let dropin = &unit("service.service").unwrap().dropins[0];
    assert_eq!(
        dropin.contents.text(),
        "[Unit]\nWants=fmc-after-database.service\nAfter=fmc-after-database.service\n"
    );
    assert!(unit("service.timer").unwrap().dropins.is_empty());
    assert!(unit("fmc-after-nothing-has-it.service").is_none());
}

#[test]
fn two_roles_that_wait_for_the_same_share_its_unit() {
    let mut app = machine("app", "10.17.3.12").role(Service_("service"));
    struct Second;
    impl CustomRole for Second {
        fn guest(&self, _: &Site<'_>) -> Guest {
            Guest::new().unit(Unit::service("second").enabled())
        }
        fn after(&self, _: &Site<'_>) -> After {
            After::new().role("database").machine("db", tcp(22))
        }
    }
    app = app.role(Second);
    let checked = cloud([machine("db", "10.17.3.10").role(Database::MAIN), app]).check().unwrap();
    let units = checked.machine("app").unwrap().guest.units.iter().map(|unit| unit.name.to_string());
    let waits: Vec<String> = units.filter(|name| name.starts_with("fmc-after-")).collect();
    assert_eq!(waits, ["fmc-after-database.service", "fmc-after-db-22.service"]);
}

#[test]
fn machines_that_start_after_each_other_are_refused() {
    struct Next(&'static str, &'static str);
    impl CustomRole for Next {
        fn kind(&self) -> Given<RoleName> {
            self.0.into()
        }
        fn after(&self, _: &Site<'_>) -> After {
            After::new().role(self.1)
        }
    }
    let on = |name: &'static str, role| machine(name, &format!("10.17.3.{}", 10 + name.len())).role(role);
    let circle =
        [on("a", Next("one", "two")), on("bb", Next("two", "three")), on("ccc", Next("three", "one"))];
    let all = findings(&cloud(circle));
    let order = all.iter().find(|finding| finding.kind() == Kind::RoleOrder).unwrap();
    assert_eq!(
        order.message(),
        "no machine can start first: a starts after bb, bb starts after ccc, ccc starts after a"
    );
    assert_eq!(order.also_at(), ["machines.bb.roles[0]", "machines.ccc.roles[0]"]);
    let line =
        [on("a", Next("one", "two")), on("bb", Next("two", "three")), on("ccc", Next("three", "four"))];
    assert!(findings(&cloud(line)).iter().all(|finding| finding.kind() != Kind::RoleOrder));
}

#[test]
fn a_machine_that_is_waited_for_must_be_there() {
    struct Wants;
    impl CustomRole for Wants {
        fn after(&self, _: &Site<'_>) -> After {
            After::new().machine("db_1", tcp(1)).machine("dab", tcp(1))
        }
    }
    let all = findings(&cloud([machine("db", "10.17.3.10"), machine("app", "10.17.3.11").role(Wants)]));
    let wrong: Vec<_> = all
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .map(|finding| (finding.kind(), finding.at()))
        .collect();
    assert_eq!(
        wrong,
        [
            (Kind::NameInvalid, "machines.app.roles[0].after[0]"),
            (Kind::ReferenceUnknown, "machines.app.roles[0].after[1]")
        ]
    );
}

#[test]
fn a_kind_of_a_roles_own_is_accepted_by_its_name() {
    let db = || cloud([machine("db", "10.17.3.10").role(Database::MAIN)]);
    let told = |cloud: &Cloud| {
        let all = cloud.check().unwrap().findings().to_vec();
        all.into_iter().find(|finding| finding.kind() == Kind::Own(&NO_BACKUP)).unwrap()
    };
    let finding = told(&db());
    assert_eq!((finding.kind().as_str(), finding.severity()), ("database-no-backup", Severity::Warning));
    assert_eq!(finding.at(), "machines.db.roles[0]");
    assert_eq!(finding.kind().page(), NO_BACKUP.page());
    let accepted = told(&db().accept("database-no-backup", "it is a cache"));
    assert_eq!(accepted.accepted(), Some("it is a cache"));
    let typo = findings(&db().accept("database-no-backups", "it is a cache"));
    assert!(typo.iter().any(|finding| finding.help() == "write database-no-backup"), "{typo:?}");
    let old = Database { port: 1, ..Database::MAIN };
    let never = findings(&cloud([machine("db", "10.17.3.10").role(old)]).accept("database-too-old", "no"));
    assert!(never.iter().any(|finding| finding.kind() == Kind::AcceptUnknown), "{never:?}");
}

#[test]
fn a_role_has_a_form_of_its_own_in_a_lab() {
    let checked = cloud([machine("db", "10.17.3.10").role(Database::MAIN)]).lab().check().unwrap();
    assert_eq!(checked.machine("db").unwrap().disks[0].size, 1.gib());
}

#[test]
fn a_role_behind_a_pointer_is_a_role() {
    let boxed: Box<dyn CustomRole> = Box::new(Database::MAIN);
    let shared: Arc<dyn CustomRole> = Arc::new(Database { port: 1234, ..Database::MAIN });
    let checked =
        cloud([machine("db1", "10.17.3.10").role(boxed), machine("db2", "10.17.3.11").role(shared)]);
    let checked = checked.check().unwrap();
    assert_eq!(checked.roles().len(), 3 - 1, "one kind, one instance");
}
