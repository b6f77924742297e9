//! A real way in: sshd from compiled files behind compiled firewalls, in namespaces in which nothing else is reachable.

use std::sync::Arc;
use std::time::Duration;

use fmc::guest::checked::{Contents, TextPart};
use fmc::keys::{Keyring, RootKey};
use fmc::prelude::*;
use fmc::secret::{NoSecrets, Secrets as _};
use fmc_testkit::netns::{Daemon, Lab, Nic, Port};
use fmc_testkit::systemd;

use super::bastion::EXAMPLE;
use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// The example with the system that the test runs on, and a key of the test's own for all people.
fn cloud(public_key: &str) -> String {
    let text = EXAMPLE.replace("os: rocky, version: \"9.4\"", "os: debian, version: \"12\"");
    let lines = text.lines().map(|line| match line.split_once("keys: [") {
        Some((before, _)) => format!("{before}keys: [{public_key}]}}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// The example's machines that are run: a cluster of K3s has tests of its own.
const MACHINES: [&str; 4] = ["bastion", "db", "helper", "web"];

/// The example in namespaces.
pub(super) struct World {
    pub(super) text: String,
    pub(super) checked: Checked,
    pub(super) lab: Lab,
}

impl World {
    /// The machines with their users, files, firewalls and sshd, and a person behind a router that forwards to the bastion.
    pub(super) fn start() -> Self {
        let lab = Lab::start();
        lab.network("edge", "10.17.5.1/24");
        lab.network("core", "10.17.3.1/24");
        lab.network("home", "192.0.2.1/24");
        lab.host("person", &[Nic::new("home", "192.0.2.9/24")]);
        let folder = lab.path().display().to_string();
        lab.run(
            "person",
            &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "person", "-f", &format!("{folder}/id")],
        )
        .unwrap();
        let text = cloud(std::fs::read_to_string(lab.path().join("id.pub")).unwrap().trim());
        let checked = from_yaml(&text).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
        let forward = "table ip router {\n chain in {\n type nat hook prerouting priority -100\n ip daddr 8.8.4.4 tcp dport 2222 dnat to 10.17.5.2:22\n }\n}\n";
        lab.run_with(Lab::ROUTER, &["nft", "-f", "-"], forward).unwrap();
        let world = Self { text, checked, lab };
        MACHINES.into_iter().for_each(|name| world.host(name));
        world
    }

    fn host(&self, name: &str) {
        let (lab, machine) = (&self.lab, self.checked.machine(name).unwrap());
        let network = self.checked.at(machine.interfaces.first().unwrap().network).unwrap();
        lab.host(name, &[Nic::new(network.name.as_str(), format!("{}/24", machine.address().unwrap()))]);
        // Homes are below a folder of which each host has its own layer.
        for user in &machine.guest.users {
            let keys: String = user.keys.iter().map(|key| format!("{key}\n")).collect();
            let script = format!(
                "useradd -M -d /srv/{0} -s /bin/sh {0} && install -d -o {0} -m 700 /srv/{0} /srv/{0}/.ssh && \
                 printf %s '{keys}' >/srv/{0}/.ssh/authorized_keys && chown {0} /srv/{0}/.ssh/authorized_keys",
                user.name
            );
            lab.run(name, &["sh", "-c", &script]).unwrap();
        }
        for (path, text, mode, owner) in self.files(name) {
            lab.write(name, &path, &text, mode);
            if let Some(owner) = owner {
                // The directories that the provisioner gives to the user, too.
                lab.run(name, &["chown", "-R", &owner, &format!("/srv/{owner}")]).unwrap();
            }
            if path == "/etc/fmc/firewall.nft" {
                lab.load_rules(name, &text).unwrap();
            }
        }
        // A user whom the bastion's machine has, and the role does not name.
        lab.run(name, &["sh", "-c", "useradd -M -d /srv/ops -s /bin/sh eve && mkdir -p /run/sshd && rm -f /etc/ssh/ssh_host_[er][cs]*"]).unwrap();
    }

    /// The files of a machine: path, text, mode, and the user whose home it is in.
    pub(super) fn files(&self, name: &str) -> Vec<(String, String, u32, Option<String>)> {
        let machine = self.checked.machine(name).unwrap();
        let keyring =
            Keyring::new(RootKey::from_bytes([7; 32]), &self.checked.secret_scope(), Arc::new(NoSecrets));
        let secret = |of: &fmc::secret::SecretRef| {
            String::from_utf8(keyring.bytes(of).unwrap().expose().to_vec()).unwrap()
        };
        let text = |contents: &Contents| match contents {
            Contents::Text(text) => Some(text.to_string()),
            Contents::Secret(of) => Some(secret(of)),
            Contents::Parts(parts) => {
                let parts = parts.iter().map(|part| match part {
                    TextPart::Text(text) => text.to_string(),
                    TextPart::Secret(of) | TextPart::Quoted(of) => secret(of),
                    other => panic!("{other:?}"),
                });
                Some(parts.collect())
            }
            _ => None,
        };
        let files = machine.guest.files.iter().filter_map(|file| Some((file, text(&file.contents)?)));
        let here = |text: &str| text.replace("/home/", "/srv/");
        files
            .map(|(file, text)| {
                let owner = file.path.as_str().strip_prefix("/home/").and_then(|rest| rest.split('/').next());
                (here(file.path.as_str()), here(&text), file.mode.bits().into(), owner.map(str::to_owned))
            })
            .collect()
    }

    pub(super) fn sshd(&self, name: &str) -> Daemon<'_> {
        let mut sshd = self.lab.daemon(name, &["/usr/sbin/sshd", "-D", "-e"]);
        sshd.says("Server listening on", PATIENCE).unwrap();
        sshd
    }

    /// A script of the person's, who has the key in an agent.
    fn person(&self, script: &str) -> Result<String, fmc_testkit::Refused> {
        let folder = self.lab.path().display();
        let fmc = env!("CARGO_BIN_EXE_fmc");
        let whole = format!(
            "cd '{folder}' && fmc() {{ '{fmc}' -f cloud.yaml --root-key root.key --connect test:///default \"$@\"; }} && \
             eval $(ssh-agent) >/dev/null && ssh-add -q id && {{ {script} ; }} 2>&1; code=$?; ssh-agent -k >/dev/null; exit $code"
        );
        self.lab.run_for("person", PATIENCE, &["bash", "-c", &whole])
    }
}

#[test]
fn sshd_reads_each_rule() {
    let world = World::start();
    let asked = |user: &str| {
        let connection = format!("user={user},host=person,addr=192.0.2.9");
        let said =
            world.lab.run("bastion", &["sh", "-c", &format!("/usr/sbin/sshd -T -C {connection} 2>&1")]);
        said.unwrap()
    };
    let ops = asked("ops");
    for line in [
        "authenticationmethods publickey",
        "pubkeyauthentication yes",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "hostbasedauthentication no",
        "permitemptypasswords no",
        "permitrootlogin no",
        "permituserenvironment no",
        "permituserrc no",
        "maxauthtries 3",
        "logingracetime 30",
        "clientaliveinterval 60",
        "clientalivecountmax 3",
        "loglevel VERBOSE",
        "allowagentforwarding no",
        "allowstreamlocalforwarding no",
        "allowtcpforwarding local",
        "gatewayports no",
        "permitlisten none",
        "permittunnel no",
        "x11forwarding no",
        "allowusers ana",
        "allowusers ops",
        "port 22",
        "permitopen 10.17.3.22:22 10.17.3.23:22 10.17.3.24:22 10.17.3.21:22",
    ] {
        assert!(ops.lines().any(|said| said == line), "no {line:?} in:\n{ops}");
    }
    assert!(asked("ana").lines().any(|line| line == "permitopen 10.17.3.23:22 10.17.3.21:22"));
    assert!(asked("eve").lines().any(|line| line == "permitopen none"));
    // The other machines have no such file, and their own rules.
    let web = world.lab.run("web", &["sh", "-c", "/usr/sbin/sshd -T 2>&1"]).unwrap();
    assert!(web.lines().any(|line| line == "allowtcpforwarding yes"), "{web}");
}

#[test]
fn the_units_that_read_the_files_are_right() {
    let world = World::start();
    let bastion = world.checked.machine("bastion").unwrap();
    let unit = bastion.guest.units.iter().find(|unit| unit.name.as_str() == "fmc-bastion.service").unwrap();
    let folder = fmc_testkit::tree::scratch();
    let text = unit.contents.as_ref().unwrap().text().into_owned();
    fmc_testkit::tree::write(&folder.path().join("fmc-bastion.service"), text.as_bytes());
    let programs = ["/usr/bin/systemctl", "/usr/bin/journalctl", "/usr/bin/mkdir", "/usr/bin/touch"];
    systemd::verify(folder.path(), &programs).unwrap();
}

#[test]
fn people_come_by_the_bastion_alone_and_go_where_they_may() {
    let world = World::start();
    let bastion = world.sshd("bastion");
    let _web = world.sshd("web");
    let _db = world.sshd("db");
    for (address, port) in [("10.17.3.21", 22), ("10.17.3.22", 22), ("10.17.5.2", 80), ("8.8.4.4", 22)] {
        assert!(!world.lab.reaches("person", address, Port::tcp(port)), "{address}:{port}");
    }
    let folder = world.lab.path();
    std::fs::write(folder.join("cloud.yaml"), &world.text).unwrap();
    std::fs::write(folder.join("root.key"), format!("{}\n", *RootKey::from_bytes([7; 32]).to_text()))
        .unwrap();
    std::fs::set_permissions(folder.join("root.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();

    // By the command, which checks both host keys by the root key.
    assert_eq!(world.person("fmc ssh ops@db -- 'id -un; hostname'").unwrap(), "ops\ndb\n");
    assert_eq!(world.person("fmc ssh ana@web -- 'id -un; hostname'").unwrap(), "ana\nweb\n");
    assert_eq!(world.person("fmc ssh bastion -- hostname").unwrap(), "bastion\n");
    // By the configuration, whose hosts jump by themselves.
    world.person("fmc ssh-config >config").unwrap();
    assert_eq!(world.person("ssh -F config db hostname").unwrap(), "db\n");
    let refused = |script: &str| world.person(script).unwrap_err().words().to_owned();
    let prohibited = "administratively prohibited";
    // Another port, another machine, a machine that is not the user's.
    assert!(refused("ssh -F config -W 10.17.3.22:80 ops@bastion </dev/null").contains(prohibited));
    assert!(refused("ssh -F config -W 192.0.2.9:22 ops@bastion </dev/null").contains(prohibited));
    assert!(refused("ssh -F config -W 10.17.3.22:22 ana@bastion </dev/null").contains(prohibited));
    assert!(refused("ssh -F config -o ProxyJump=ana@bastion ops@db true").contains(prohibited));
    // No agent, no other direction, no other user, no password.
    assert_eq!(world.person("ssh -F config -A bastion 'echo \"[$SSH_AUTH_SOCK]\"'").unwrap(), "[]\n");
    assert!(
        refused("ssh -F config -o ExitOnForwardFailure=yes -R 9000:127.0.0.1:22 bastion true")
            .contains("remote port forwarding failed")
    );
    for user in ["eve", "root"] {
        assert!(
            refused(&format!("ssh -F config {user}@bastion true")).contains("Permission denied (publickey)"),
            "{user}"
        );
    }
    let password =
        "ssh -F config -o PubkeyAuthentication=no -o PreferredAuthentications=password bastion true";
    assert!(refused(password).contains("Permission denied (publickey)"));
    // Who came, and what was refused, is in the log.
    let log = bastion.log();
    for line in [
        "Accepted publickey for ops from 192.0.2.9",
        "User eve from 192.0.2.9 not allowed because not listed in AllowUsers",
        "to connect to host 10.17.3.22 port 80, but the request was denied",
    ] {
        assert!(log.contains(line), "no {line:?} in:\n{log}");
    }
    // A bastion with another key is not spoken to.
    drop(bastion);
    world.lab.run("bastion", &["sh", "-c", "rm /etc/ssh/ssh_host_ed25519_key && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"]).unwrap();
    let _other = world.sshd("bastion");
    assert!(refused("ssh -F config db hostname").contains("Host key verification failed"));
    assert!(refused("fmc ssh ops@db -- hostname").contains("Host key verification failed"));
}
