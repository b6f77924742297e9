//! FreeIPA on machines: no registry has its server, so that its installers are stand-ins that write down how they were called. The scripts
//! and units around them are judged and run.

#![cfg(feature = "ignition")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::time::Duration;

use fmc_core::checked::Checked;
use fmc_core::chrony::Chrony;
use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::dns::{Dns, DnsServer, IpaLogin, TsigKey};
use fmc_core::finding::Finding;
use fmc_core::flow::{tcp, udp};
use fmc_core::given::Given;
use fmc_core::guest::checked::{Contents, TextPart};
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::ipa::FreeIpa;
use fmc_core::machine::{Interface, Machine};
use fmc_core::name::MachineName;
use fmc_core::network::Network;
use fmc_core::role::Spanning;
use fmc_core::secret::Secret;
use fmc_core::unit::SizeExt as _;
use fmc_testkit::netns::{Lab, Nic};
use fmc_testkit::{ipa_client, shell, systemd};

fn machine(name: &str, os: Os, address: &str) -> Machine {
    let version = if os == Os::Debian { "12" } else { "9.4" };
    let image = Image::new(os, version).path("/images/root.qcow2").digest(Digest::sha256(b""));
    Machine::new(name, image)
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address(address))
}

fn server(name: &str, address: &str) -> Machine {
    machine(name, Os::Rocky, address).resolvers(["9.9.9.9"])
}

fn freeipa() -> FreeIpa {
    FreeIpa::on("ipa1").replicas(["ipa2"]).clients(["web", "db"]).forwarders(["9.9.9.9"])
}

fn cloud(freeipa: FreeIpa) -> Cloud {
    Cloud::new("first")
        .domain("lab.example")
        .host(Host::local())
        .network(Network::routed("lab", "10.17.3.0/24").resolvers(["10.17.3.11", "10.17.3.12"]))
        .machines([
            server("ipa1", "10.17.3.11"),
            server("ipa2", "10.17.3.12"),
            machine("web", Os::Debian, "10.17.3.21"),
            machine("db", Os::Rocky, "10.17.3.22"),
            machine("flat", Os::Flatcar, "10.17.3.23"),
        ])
        .role(freeipa)
}

fn checked(freeipa: FreeIpa) -> Checked {
    cloud(freeipa).check().unwrap_or_else(|report| panic!("{report}"))
}

/// The findings about FreeIPA but that of the clocks, which these clouds leave to their images.
fn found(cloud: &Cloud) -> Vec<String> {
    all_found(cloud).into_iter().filter(|finding| !finding.starts_with("freeipa-time")).collect()
}

/// The findings about FreeIPA.
fn all_found(cloud: &Cloud) -> Vec<String> {
    let all: Vec<Finding> = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.findings().to_vec(),
    };
    let own = all.iter().filter(|finding| finding.kind().as_str().starts_with("freeipa"));
    own.map(|finding| format!("{} {}: {}", finding.kind(), finding.at(), finding.message())).collect()
}

/// A file of a machine, with a word in place of each secret.
fn text(checked: &Checked, machine: &str, path: &str) -> String {
    let guest = &checked.machine(machine).unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path);
    match &file.unwrap_or_else(|| panic!("{machine}: {path}")).contents {
        Contents::Text(text) => text.to_string(),
        Contents::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                TextPart::Text(text) => text.to_string(),
                TextPart::Secret(secret) => format!("bytes-of-{}", secret.name),
                other => panic!("{other:?}"),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// A machine's own files in a host, with stand-ins that write down their arguments. The word in `/var/lib/fail-NAME` is their exit code.
fn host(lab: &Lab, checked: &Checked, machine: &str) {
    lab.host(machine, &[]);
    for file in &checked.machine(machine).unwrap().guest.files {
        let path = file.path.as_str();
        if path.contains("fmc") && !path.ends_with("firewall.nft") {
            lab.write(machine, path, &text(checked, machine, path), file.mode.bits().into());
        }
    }
    for (name, then) in [
        (
            "ipa-server-install",
            "case \"$*\" in *--uninstall*) rm /etc/ipa/default.conf;; *) mkdir -p /etc/ipa; : >/etc/ipa/default.conf;; esac",
        ),
        ("ipa-replica-install", "mkdir -p /etc/ipa; : >/etc/ipa/default.conf"),
        (
            "ipa-client-install",
            "case \"$*\" in *--uninstall*) rm /etc/ipa/default.conf;; *) mkdir -p /etc/ipa; : >/etc/ipa/default.conf;; esac",
        ),
        ("ipa-restore", ":"),
        ("ipa-backup", "mkdir -p /var/lib/ipa/backup/ipa-full-$(date +%s%N)"),
        ("ipactl", "exit 1"),
        ("install", ":"),
        ("systemctl", ":"),
    ] {
        let script = format!(
            "#!/bin/sh\necho \"{name} $*\" >>/var/lib/calls\n{then}\n[ ! -e /var/lib/fail-{name} ] || exit 1\n"
        );
        let folder = if ["install", "systemctl"].contains(&name) { "/usr/bin" } else { "/usr/sbin" };
        lab.write(machine, &format!("{folder}/{name}"), &script, 0o755);
    }
}

/// The calls of the stand-ins so far, without questions.
fn calls(lab: &Lab, host: &str) -> Vec<String> {
    let said = lab.run(host, &["sh", "-c", "cat /var/lib/calls 2>/dev/null; rm -f /var/lib/calls"]).unwrap();
    said.lines().filter(|line| !line.starts_with("ipactl")).map(str::to_owned).collect()
}

const OPTIONS: &str = "--realm=LAB.EXAMPLE --domain=lab.example --hostname=";

#[test]
fn a_server_is_installed_once_taken_back_and_restored() {
    let checked = checked(freeipa());
    let lab = Lab::start();
    host(&lab, &checked, "ipa1");
    let run = || lab.run_for("ipa1", Duration::from_secs(60), &["/usr/local/sbin/fmc-freeipa"]);
    lab.write("ipa1", "/var/lib/fail-ipa-server-install", "", 0o644);
    assert!(run().is_err());
    let first = calls(&lab, "ipa1");
    assert_eq!(
        first,
        [format!(
            "ipa-server-install --unattended --ds-password=bytes-of-freeipa-directory --admin-password=bytes-of-freeipa-admin \
             {OPTIONS}ipa1.lab.example --ip-address=10.17.3.11 --setup-dns --no-ntp --no-reverse --mkhomedir --forward-policy=only \
             --forwarder=9.9.9.9"
        )]
    );
    // The failed run left its configuration.
    lab.run("ipa1", &["rm", "/var/lib/fail-ipa-server-install"]).unwrap();
    run().unwrap();
    let second = calls(&lab, "ipa1");
    assert_eq!(
        second[0],
        "ipa-server-install --uninstall --unattended --ignore-topology-disconnect --ignore-last-of-role"
    );
    assert_eq!(second[1], first[0]);
    assert_eq!(
        second[2..],
        [
            "install -m 0640 -g named /etc/fmc/freeipa/named.acl /etc/named/ipa-ext.conf",
            "install -m 0640 -g named /etc/fmc/freeipa/named.options /etc/named/ipa-options-ext.conf",
            "systemctl restart named.service",
        ]
    );
    run().unwrap();
    assert_eq!(calls(&lab, "ipa1"), [""; 0]);

    // Eight nights, and seven backups.
    for _ in 0..8 {
        lab.run("ipa1", &["/usr/local/sbin/fmc-freeipa-backup"]).unwrap();
    }
    let kept = lab.run("ipa1", &["ls", "/var/lib/ipa/backup"]).unwrap();
    assert_eq!(kept.lines().count(), 7, "{kept}");
    assert_eq!(calls(&lab, "ipa1").len(), 8);

    // The disk with the backups comes to a new machine.
    lab.run("ipa1", &["rm", "-r", "/var/lib/fmc", "/etc/ipa"]).unwrap();
    run().unwrap();
    let newest = kept.lines().last().unwrap();
    let restored = calls(&lab, "ipa1");
    assert_eq!(
        restored[0],
        format!(
            "ipa-restore --unattended --password=bytes-of-freeipa-directory /var/lib/ipa/backup/{newest}"
        )
    );
    assert!(restored.iter().all(|call| !call.starts_with("ipa-server-install")), "{restored:?}");
}

#[test]
fn a_server_that_runs_is_never_taken_back() {
    let checked = checked(freeipa());
    let lab = Lab::start();
    host(&lab, &checked, "ipa1");
    lab.write("ipa1", "/usr/sbin/ipactl", "#!/bin/sh\nexit 0\n", 0o755);
    lab.write("ipa1", "/etc/ipa/default.conf", "", 0o644);
    lab.run("ipa1", &["/usr/local/sbin/fmc-freeipa"]).unwrap();
    assert!(calls(&lab, "ipa1").iter().all(|call| !call.starts_with("ipa-")));
}

#[test]
fn a_replica_and_clients_are_installed_by_their_passwords() {
    let checked = checked(freeipa());
    let lab = Lab::start();
    for name in ["ipa2", "web", "db"] {
        host(&lab, &checked, name);
    }
    lab.run("ipa2", &["/usr/local/sbin/fmc-freeipa"]).unwrap();
    assert_eq!(
        calls(&lab, "ipa2")[0],
        format!(
            "ipa-replica-install --unattended --setup-ca --server=ipa1.lab.example --principal=admin \
             --admin-password=bytes-of-freeipa-admin {OPTIONS}ipa2.lab.example --ip-address=10.17.3.12 --setup-dns --no-ntp --no-reverse \
             --mkhomedir --forward-policy=only --forwarder=9.9.9.9"
        )
    );
    for name in ["web", "db"] {
        let run = || lab.run(name, &["/usr/local/sbin/fmc-freeipa-client"]);
        lab.write(name, "/var/lib/fail-ipa-client-install", "", 0o644);
        assert!(run().is_err());
        let call = format!(
            "ipa-client-install --unattended --mkhomedir --no-ntp --no-dns-sshfp --domain=lab.example --realm=LAB.EXAMPLE \
             --server=ipa1.lab.example --server=ipa2.lab.example --hostname={name}.lab.example --password=bytes-of-freeipa-otp-{name}"
        );
        assert_eq!(calls(&lab, name), [&*call]);
        lab.run(name, &["rm", "/var/lib/fail-ipa-client-install"]).unwrap();
        run().unwrap();
        assert_eq!(calls(&lab, name), ["ipa-client-install --uninstall --unattended", &call]);
        run().unwrap();
        assert_eq!(calls(&lab, name), [""; 0]);
    }
}

/// Debian's own program takes the compiled command, and stops where it asks the server.
#[test]
fn the_program_of_debian_takes_the_command() {
    let checked = checked(freeipa());
    let lab = Lab::start();
    lab.network("lab", "10.17.3.1/24");
    lab.host("web", &[Nic::new("lab", "10.17.3.21/24")]);
    ipa_client::install(&lab, "web");
    for path in ["/usr/local/sbin/fmc-freeipa-client", "/etc/fmc/freeipa/once"] {
        lab.write("web", path, &text(&checked, "web", path), 0o700);
    }
    let names = "127.0.0.1 localhost\n10.17.3.21 web.lab.example web\n10.17.3.11 ipa1.lab.example\n10.17.3.12 ipa2.lab.example\n";
    lab.write("web", "/etc/hosts", names, 0o644);
    let run =
        || lab.run_for("web", Duration::from_secs(120), &["/usr/local/sbin/fmc-freeipa-client"]).unwrap_err();
    let refused = run();
    for server in ["ipa1", "ipa2"] {
        let said = format!("Skip {server}.lab.example: LDAP server is not responding");
        assert!(refused.words().contains(&said), "{refused}");
    }
    assert!(!lab.run("web", &["sh", "-c", "ls /var/lib/fmc 2>&1; true"]).unwrap().contains("installed"));
    // A word that it does not know is not passed over.
    let script = text(&checked, "web", "/usr/local/sbin/fmc-freeipa-client").replace("--no-ntp", "--no-npt");
    lab.write("web", "/usr/local/sbin/fmc-freeipa-client", &script, 0o700);
    assert!(run().words().contains("no such option: --no-npt"));
}

#[test]
fn scripts_and_units_are_right() {
    let checked = checked(freeipa());
    let folder = tempfile::tempdir().unwrap();
    let mut programs = Vec::new();
    for name in ["ipa1", "ipa2", "web"] {
        let guest = &checked.machine(name).unwrap().guest;
        let place = folder.path().join(name);
        for file in guest.files.iter().filter(|file| file.path.as_str().starts_with("/usr/local/sbin/fmc")) {
            let script = text(&checked, name, file.path.as_str());
            shell::lint(&script).unwrap_or_else(|refused| panic!("{refused}\n{script}"));
            programs.push(file.path.to_string());
        }
        for unit in guest.units.iter().filter(|unit| unit.name.as_str().starts_with("fmc-freeipa")) {
            let contents = unit.contents.as_ref().unwrap().text().into_owned();
            fmc_testkit::tree::write(&place.join(unit.name.as_str()), contents.as_bytes());
        }
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        systemd::verify(&place, &programs).unwrap();
    }
    programs.sort();
    programs.dedup();
    assert_eq!(
        programs,
        [
            "/usr/local/sbin/fmc-freeipa",
            "/usr/local/sbin/fmc-freeipa-backup",
            "/usr/local/sbin/fmc-freeipa-client"
        ]
    );
}

#[test]
fn its_dns_answers_the_cloud_and_its_firewall_lets_it_in() {
    let checked = checked(freeipa());
    assert_eq!(
        text(&checked, "ipa1", "/etc/fmc/freeipa/named.acl"),
        "acl cloud {\n\t127.0.0.0/8;\n\t::1;\n\t10.17.3.0/24;\n};\n"
    );
    let options = text(&checked, "ipa1", "/etc/fmc/freeipa/named.options");
    assert!(options.contains("allow-recursion { cloud; };\n"), "{options}");
    let web = Given::<MachineName>::from("web").ok().unwrap().clone();
    for service in [53, 80, 88, 389, 443, 464, 636].map(tcp).into_iter().chain([53, 88, 464].map(udp)) {
        assert!(checked.flows().into("ipa1").from(web.clone()).allows(service), "{service}");
    }
    let disks = &checked.machine("ipa1").unwrap().disks;
    assert!(
        disks.iter().any(|disk| disk.mount.as_ref().is_some_and(|at| at.as_str() == "/var/lib/ipa/backup"))
    );
    assert!(checked.machine("ipa2").unwrap().disks.is_empty());
    // Each machine has its own password, and no other machine's.
    let secrets = |name: &str| -> Vec<String> {
        checked.machine(name).unwrap().guest.secrets().map(|secret| secret.name.to_string()).collect()
    };
    assert_eq!(secrets("web"), ["freeipa-otp-web"]);
    assert_eq!(secrets("ipa1"), ["freeipa-admin", "freeipa-directory"]);
    let after: Vec<&str> = checked
        .machine("ipa2")
        .unwrap()
        .after
        .iter()
        .map(|at| checked.at(*at).unwrap().name.as_str())
        .collect();
    assert_eq!(after, ["ipa1"]);
}

/// Debian's `freeipa-client` conflicts with `systemd-timesyncd`.
#[test]
fn an_enrolled_debian_takes_its_time_by_chrony() {
    let chrony = Chrony::new().servers(["ipa1"]).clients(["web", "other"]).local_stratum(10);
    let other = machine("other", Os::Debian, "10.17.3.24");
    let checked =
        cloud(freeipa()).machine(other).role(chrony).check().unwrap_or_else(|report| panic!("{report}"));
    let files = |name: &str| -> Vec<String> {
        let files = checked.machine(name).unwrap().guest.files.iter().map(|file| file.path.to_string());
        files.filter(|path| path.contains("chrony") || path.contains("timesyncd")).collect()
    };
    assert_eq!(files("web"), ["/etc/chrony/chrony.conf"]);
    assert_eq!(files("other"), ["/etc/systemd/timesyncd.conf.d/90-fmc.conf"]);
}

#[test]
fn mistakes_are_findings() {
    assert_eq!(found(&cloud(freeipa())), [""; 0]);
    let flat = found(&cloud(freeipa().clients(["web", "flat"])));
    assert_eq!(
        flat,
        [
            "freeipa-cannot-enrol roles[0].freeipa.clients[1]: flat runs Flatcar, which has no program that enrols it"
        ]
    );
    let own = found(&cloud(freeipa().forwarders(["10.17.3.12"])));
    assert!(own.len() == 1 && own[0].contains("freeipa-asks-itself"), "{own:?}");
    let with = |name: &str, change: &dyn Fn(Machine) -> Machine| {
        let mut cloud = cloud(freeipa());
        for machine in cloud.machines.iter_mut().filter(|machine| machine.name.to_string() == name) {
            *machine = change(machine.clone());
        }
        found(&cloud)
    };
    let itself = with("ipa1", &|machine| machine.resolvers(["10.17.3.11"]));
    assert!(itself.len() == 1 && itself[0].contains("ipa1 asks itself for names (10.17.3.11)"), "{itself:?}");
    let small = with("ipa2", &|machine| machine.memory(2.gib()));
    assert_eq!(
        small,
        ["freeipa-memory roles[0].freeipa.replicas[0]: ipa2 has 2 GiB, and FreeIPA wants 4 GiB"]
    );
    let old = with("ipa2", &|mut machine| {
        machine.image.version = "8.9".into();
        machine
    });
    assert_eq!(
        old,
        [
            "freeipa-version roles[0].freeipa.replicas[0]: ipa2 runs Rocky Linux 8.9, and FreeIPA is installed on release 9"
        ]
    );
    let other = with("db", &|machine| machine.resolvers(["9.9.9.9"]));
    assert!(
        other.len() == 1 && other[0].starts_with("freeipa-resolver roles[0].freeipa.clients[1]"),
        "{other:?}"
    );
    let abroad = with("ipa2", &|machine| machine.fqdn("ipa2.other.example"));
    assert!(
        abroad.len() == 1 && abroad[0].starts_with("freeipa-no-name roles[0].freeipa.replicas[0]"),
        "{abroad:?}"
    );
    let mut nameless = cloud(freeipa());
    nameless.domain = None;
    assert!(found(&nameless).iter().any(|one| one.contains("freeipa-no-name")), "{:?}", found(&nameless));
    let clocks = all_found(&cloud(freeipa()));
    let words =
        "freeipa-time roles[0]: nothing in the cloud keeps the clocks of db, ipa1, ipa2 and web together";
    assert!(clocks.len() == 1 && clocks[0].starts_with(words), "{clocks:?}");
    let kept = cloud(freeipa())
        .role(Chrony::new().servers(["ipa1"]).clients(["ipa2", "db"]).pools(["pool.ntp.org"]));
    assert_eq!(all_found(&kept), [""; 0]);
    let two = found(&cloud(FreeIpa::on("ipa1")).role(FreeIpa::on("ipa2")));
    assert!(two.len() == 1 && two[0].starts_with("freeipa-two roles[0]"), "{two:?}");
    let key = || TsigKey::new("fmc-key", Secret::environment("dns-key", "DNS_KEY"));
    let in_another = Dns::new().server(DnsServer::on("ns1", "web").key(key()));
    let zone = found(&cloud(freeipa()).dns(in_another));
    assert!(zone.len() == 1 && zone[0].contains("the cloud keeps lab.example in the server ns1"), "{zone:?}");
    let login = IpaLogin::new("admin", Secret::environment("ipa-password", "IPA"))
        .ca(Secret::environment("ipa-ca", "IPA_CA"));
    let behind_a_tunnel =
        Dns::new().server(DnsServer::at("ipa1", "127.0.0.1").fqdn("ipa1.lab.example").ipa(login));
    assert_eq!(found(&cloud(freeipa()).dns(behind_a_tunnel)), [""; 0]);
    let debian = cloud(FreeIpa::on("web")).check().unwrap_err();
    assert!(debian.to_string().contains("Debian"), "{debian}");
}

#[test]
fn it_is_said_in_rust() {
    let rust = "Spanning::said(FreeIpa::on(\"ipa1\").replicas([\"ipa2\"]).clients([\"web\", \"db\"]).forwarders([\"9.9.9.9\"]))";
    assert_eq!(Spanning::said(freeipa()).to_rust(), Some(rust));
}
