//! The boot configurations of servers and agents, checked by Ignition, cloud-init and systemd.

use std::collections::BTreeMap;

use expect_test::expect_file;
use fmc_core::boot::Boot;
use fmc_core::guest::checked::Contents;
use fmc_core::image::Os;
use fmc_core::k3s::{Addon, Cluster, Config, FlannelBackend, kubelet::Dropin};
use fmc_core::k3s::{Component, Datastore, EncryptionProvider, Install, S3, Snapshots, Updates, key};
use fmc_core::mirror::{self, Mirror};
use fmc_core::name::MachineName;
use fmc_core::secret::Secret;
use fmc_testkit::tree::EntryKind;
use fmc_testkit::{cloud_init, ignition, shell, systemd, tree};
use serde_json::json;

use crate::cluster::{self, DIGEST, SYSTEMS};

/// The first of the seed's servers, one that joins, and an agent.
const NODES: [(&str, &str); 3] = [("initial", "master1"), ("joining", "master2"), ("agent", "worker1")];

/// A cluster with every setting except a database.
fn everything() -> Cluster {
    let mirror = "https://mirror.example/k3s";
    cluster::seed()
        .initial("master2")
        .pods("10.60.0.0/16")
        .pods("fd00:60::/56")
        .services("10.61.0.0/16")
        .services("fd00:61::/112")
        .cluster_dns("10.61.0.10")
        .cluster_domain("prod.internal")
        .flannel(FlannelBackend::WireguardNative)
        .secrets_encryption(EncryptionProvider::Secretbox)
        .disable(Component::Traefik)
        .disable(Component::Servicelb)
        .snapshots(
            Snapshots::every("0 */6 * * *").keep(10).compressed().s3(S3::bucket("etcd")
                .endpoint("s3.example")
                .region("eu-south-2")
                .keys("etcd", Secret::environment("s3-secret", "S3_SECRET"))
                .ca(Secret::file("s3-ca", "pki/s3.pem"))),
        )
        .cis(true)
        .kubelet(Dropin::new("50-density.conf").max_pods(200))
        .sysctl("fs.inotify.max_user_instances", "8192")
        .module("rbd")
        .config(Config::new().set(key::KUBELET_ARG, ["serialize-image-pulls=false"]))
        .server_config(Config::new().set(key::KUBE_APISERVER_ARG, ["max-requests-inflight=800"]))
        .agent_config(Config::new().set(key::DEBUG, true))
        .install(
            Install::binary(mirror, DIGEST)
                .images("https://mirror.example/k3s-airgap-images-amd64.tar.zst", DIGEST)
                .selinux_policy("https://mirror.example/k3s-selinux.rpm", DIGEST),
        )
        .updates(Updates::off())
}

fn all() -> [(&'static str, Cluster); 2] {
    [("seed", cluster::seed()), ("everything", everything())]
}

#[test]
fn they_read_as_a_person_would_review_them() {
    for (system, os) in SYSTEMS.into_iter().filter(|(_, os)| !matches!(os, Os::Almalinux)) {
        let cloud = cluster::cloud(os, cluster::seed());
        for (node, machine) in NODES {
            let boot = Boot::of(&cloud, cloud.machine(machine).unwrap()).unwrap();
            let mut files = boot.files();
            files.retain(|(name, _)| matches!(*name, "config.ign" | "user-data"));
            let (name, text) = files.pop().unwrap();
            expect_file![format!("golden/{system}.{node}.{name}")].assert_eq(&text.to_string());
        }
    }
}

/// Everything that a reviewer would look for, on one page for each node.
#[test]
fn a_cluster_that_says_everything_reads_as_a_person_would_review_it() {
    for (system, os) in [("fedora-coreos", Os::FedoraCoreos), ("flatcar", Os::Flatcar), ("rocky", Os::Rocky)]
    {
        let cloud = cluster::cloud(os, everything());
        for machine in ["master1", "master2", "worker1"] {
            let guest = &cloud.machine(machine).unwrap().guest;
            let mut page = String::new();
            for directory in &guest.directories {
                page += &format!("=== {} {}\n", directory.path, directory.mode);
            }
            for file in &guest.files {
                let text = cluster::text(&cloud, machine, file.path.as_str());
                page += &format!("=== {} {}\n{}\n", file.path, file.mode, text.trim_end());
            }
            for unit in &guest.units {
                let contents = unit.contents.as_ref().map(|contents| contents.text()).unwrap_or_default();
                page += &format!("=== {} {:?}\n{}\n", unit.name, unit.state, contents.trim_end());
            }
            page += &format!("=== packages {:?}\n", guest.packages);
            expect_file![format!("golden/everything.{system}.{machine}.txt")].assert_eq(&page);
        }
    }
}

/// Arguments of a kubelet that has a configuration are deprecated; before 1.32 K3s reads no drop-in.
#[test]
fn a_hardened_kubelet_is_configured_by_a_file_where_it_reads_one() {
    const DROPIN: &str = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/10-fmc-cis.conf";
    for (version, reads) in [("v1.31.9+k3s1", false), ("v1.32.0+k3s1", true), ("v1.36.3+k3s1", true)] {
        let cloud = cluster::cloud(Os::Debian, cluster::seed_of(version).cis(true));
        for (_, machine) in NODES {
            let config = cluster::text(&cloud, machine, Config::PATH);
            let guest = &cloud.machine(machine).unwrap().guest;
            let dropin = guest.files.iter().any(|file| file.path.as_str() == DROPIN);
            assert_eq!(dropin, reads, "{version} {machine}");
            for (argument, setting) in [
                ("pod-max-pids=4096", "podPidsLimit: 4096"),
                ("streaming-connection-idle-timeout=5m", "streamingConnectionIdleTimeout: \"5m\""),
            ] {
                assert_eq!(config.contains(argument), !reads, "{version} {machine}");
                assert!(
                    !reads || cluster::text(&cloud, machine, DROPIN).contains(setting),
                    "{version} {machine}"
                );
            }
            assert!(config.contains("protect-kernel-defaults: true"), "{version} {machine}");
        }
    }
}

#[test]
fn ignition_accepts_them_and_writes_what_the_roles_said() {
    for os in [Os::FedoraCoreos, Os::Flatcar] {
        for (which, cluster) in all() {
            let cloud = cluster::cloud(os, cluster);
            for (_, machine) in NODES {
                let config = cluster::rendered(&cloud, machine);
                ignition::validate(&config).unwrap_or_else(|refused| panic!("{which} {machine}: {refused}"));
                // Downloads have a test of their own.
                let mut written: serde_json::Value = serde_json::from_str(&config).unwrap();
                let files = written["storage"]["files"].as_array_mut().unwrap();
                files.retain(|file| !file["contents"]["source"].as_str().unwrap().starts_with("http"));
                let root = tree::scratch();
                let tree = ignition::apply(&written.to_string(), root.path()).unwrap();
                let guest = &cloud.machine(machine).unwrap().guest;
                let mut looked = 0;
                for file in
                    guest.files.iter().filter(|file| !matches!(file.contents, Contents::Remote { .. }))
                {
                    let path = file.path.as_str();
                    let entry = tree.get(path).unwrap_or_else(|| panic!("{machine} has no {path}"));
                    assert_eq!(entry.mode, u32::from(file.mode.bits()), "{path}");
                    assert_eq!(entry.text().unwrap(), cluster::text(&cloud, machine, path), "{path}");
                    looked += 1;
                }
                assert!(looked > 3, "{machine} has {looked} files");
                for directory in &guest.directories {
                    let entry = &tree[directory.path.as_str()];
                    assert_eq!(
                        (&entry.kind, entry.mode),
                        (&EntryKind::Directory, 0o700),
                        "{}",
                        directory.path
                    );
                }
                judge_units(&root.path().join("etc/systemd/system"), os, which == "everything");
            }
        }
    }
}

#[test]
fn cloud_init_accepts_them_and_systemd_their_units() {
    for os in [Os::Rocky, Os::Almalinux, Os::Debian] {
        for (which, cluster) in all() {
            let cloud = cluster::cloud(os, cluster);
            for (_, machine) in NODES {
                let user_data = cluster::rendered(&cloud, machine);
                cloud_init::schema(&user_data)
                    .unwrap_or_else(|refused| panic!("{which} {machine}: {refused}"));
                let read: serde_json::Value = serde_saphyr::from_str(&user_data).unwrap();
                let folder = tree::scratch();
                for file in read["write_files"].as_array().unwrap() {
                    let path = file["path"].as_str().unwrap();
                    if let Some(unit) = path.strip_prefix("/etc/systemd/system/") {
                        tree::write(&folder.path().join(unit), file["content"].as_str().unwrap().as_bytes());
                    }
                }
                judge_units(folder.path(), os, which == "everything");
            }
        }
    }
}

/// Checks units in a root that has the programs and units of their operating systems.
fn judge_units(units: &std::path::Path, os: Os, has_policy: bool) {
    let waits = "[Unit]\nDescription=Waits\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/usr/bin/true\n";
    for name in ["chrony-wait.service", "systemd-time-wait-sync.service"] {
        tree::write(&units.join(name), waits.as_bytes());
    }
    let k3s = if os == Os::Flatcar { "/opt/bin/k3s" } else { "/usr/local/bin/k3s" };
    let mut programs = vec![k3s, "/bin/sh", "/sbin/modprobe", "/usr/bin/true", "/usr/sbin/nft"];
    programs.extend(["/usr/lib/systemd/systemd-sysctl", "/usr/bin/systemctl"]);
    if has_policy {
        programs.push("/usr/bin/rpm");
    }
    systemd::verify(units, &programs).unwrap();
}

#[test]
fn each_script_is_one_that_a_shell_reads() {
    for (system, os) in SYSTEMS {
        for (_, cluster) in all() {
            let cloud = cluster::cloud(os, cluster);
            for machine in ["master1", "master2", "master3", "worker1"] {
                let guest = &cloud.machine(machine).unwrap().guest;
                let scripts = guest.files.iter().filter(|file| file.path.as_str().ends_with(".sh"));
                for file in scripts {
                    let text = cluster::text(&cloud, machine, file.path.as_str());
                    shell::syntax(&text)
                        .unwrap_or_else(|refused| panic!("{system} {machine}: {refused}\n{text}"));
                }
            }
        }
    }
}

#[test]
fn the_first_server_begins_and_the_others_join_by_the_endpoint() {
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed());
    let names = [
        "10.17.4.10",
        "10.17.4.21",
        "10.17.4.22",
        "10.17.4.23",
        "192.168.0.30",
        "fd00:17:4::10",
        "fd00:17:4::21",
        "fd00:17:4::22",
        "fd00:17:4::23",
        "loadbalancer1",
        "loadbalancer1.example.com",
        "master1",
        "master1.example.com",
        "master2",
        "master2.example.com",
        "master3",
        "master3.example.com",
    ];
    let shared = |name: &str, address: &str| {
        json!({
            "agent-token": "secret-k3s-prod-agent-token-1",
            "node-ip": [address],
            "node-name": name,
            "tls-san": names,
        })
    };
    let with = |mut config: serde_json::Value, more: serde_json::Value| {
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    assert_eq!(
        cluster::config(&cloud, "master1"),
        with(
            shared("master1", "10.17.4.21"),
            json!({"cluster-init": true, "token": "secret-k3s-prod-server-token-1"})
        )
    );
    for (name, address) in [("master2", "10.17.4.22"), ("master3", "10.17.4.23")] {
        assert_eq!(
            cluster::config(&cloud, name),
            with(
                shared(name, address),
                json!({"server": "https://10.17.4.10:6443", "token": "secret-k3s-prod-server-join-1"})
            )
        );
    }
    assert_eq!(
        cluster::config(&cloud, "worker1"),
        json!({
            "node-ip": ["10.17.4.24"],
            "node-label": ["example.com/disk=ssd"],
            "node-name": "worker1",
            "node-taint": ["example.com/only=db:NoSchedule"],
            "server": "https://10.17.4.10:6443",
            "token": "secret-k3s-prod-agent-join-1",
        })
    );
}

#[test]
fn both_families_have_the_addresses_of_a_node() {
    let cloud = cluster::cloud(Os::Flatcar, everything());
    let config = cluster::config(&cloud, "master1");
    assert_eq!(config["node-ip"], json!(["10.17.4.21", "fd00:17:4::21"]));
    assert_eq!(config["flannel-ipv6-masq"], json!(true));
    assert_eq!(config["cluster-cidr"], json!(["10.60.0.0/16", "fd00:60::/56"]));
}

#[test]
fn what_must_be_equal_on_all_servers_is() {
    let cloud = cluster::cloud(Os::Flatcar, everything());
    let configs = ["master1", "master2", "master3"].map(|name| cluster::config(&cloud, name));
    let critical: Vec<&str> =
        key::Key::ALL.iter().filter(|key| key.is_critical()).map(|key| key.as_str()).collect();
    let mut said = 0;
    for key in critical {
        let of: Vec<_> = configs.iter().map(|config| config.get(key)).collect();
        assert!(of.windows(2).all(|pair| pair[0] == pair[1]), "{key}: {of:?}");
        said += usize::from(of[0].is_some());
    }
    assert!(said >= 8, "{said}");
}

#[test]
fn a_single_server_is_small_and_a_database_needs_no_etcd() {
    let one = Cluster::new("prod", "v1.36.3+k3s1").servers(["master1"]);
    let cloud = cluster::cloud(Os::Flatcar, one.clone());
    let config = cluster::config(&cloud, "master1");
    assert!(config.get("cluster-init").is_none() && config.get("server").is_none(), "{config}");
    assert_eq!(cloud.cluster("prod").unwrap().endpoint.url(), "https://10.17.4.21:6443");

    let cloud = cluster::cloud(Os::Flatcar, one.snapshots(Snapshots::every("@daily")));
    assert_eq!(cluster::config(&cloud, "master1")["cluster-init"], json!(true));

    let secret = |name: &str| Secret::environment(name.to_owned(), "DSN");
    let datastore =
        Datastore::endpoint(secret("dsn")).ca(secret("db-ca")).certificate(secret("db"), secret("db-key"));
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed().datastore(datastore));
    for name in ["master1", "master2"] {
        let config = cluster::config(&cloud, name);
        assert!(config.get("cluster-init").is_none() && config.get("server").is_none(), "{config}");
        assert_eq!(config["datastore-endpoint"], json!("secret-dsn-1"));
        assert_eq!(config["datastore-cafile"], json!("/etc/rancher/k3s/datastore-ca.pem"));
        assert_eq!(config["token"], json!("secret-k3s-prod-server-token-1"));
        assert_eq!(cluster::text(&cloud, name, "/etc/rancher/k3s/datastore.key"), "secret-db-key-1");
    }
    assert!(
        cloud
            .flows()
            .into("master1")
            .from(MachineName::literal("master2"))
            .ports()
            .iter()
            .all(|port| *port != 2379)
    );
}

#[test]
fn no_secret_is_in_a_file_that_others_can_read() {
    for (system, os) in SYSTEMS {
        let cloud = cluster::cloud(os, everything());
        for machine in cloud.machines() {
            for file in &machine.guest.files {
                let public = file.path.as_str().ends_with(".crt");
                if !public && file.contents.secrets().next().is_some() {
                    assert_eq!(file.mode.bits(), 0o600, "{system} {}", file.path);
                }
            }
        }
    }
}

#[test]
fn no_two_servers_restart_for_an_update_on_one_day() {
    for os in [Os::FedoraCoreos, Os::Flatcar] {
        let path = match os {
            Os::Flatcar => "/etc/flatcar/update.conf",
            _ => "/etc/zincati/config.d/55-updates-strategy.toml",
        };
        let cloud = cluster::cloud(os, cluster::seed());
        let windows: BTreeMap<String, &str> =
            ["master1", "master2", "master3"].map(|name| (cluster::text(&cloud, name, path), name)).into();
        assert_eq!(windows.len(), 3, "{windows:?}");
    }
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed().updates(Updates::off()));
    let text = cluster::text(&cloud, "master1", "/etc/flatcar/update.conf");
    assert_eq!(text, "SERVER=disabled\nREBOOT_STRATEGY=off\n");
}

#[test]
fn selinux_is_never_turned_off_and_k3s_gets_its_label() {
    for (system, os) in SYSTEMS {
        let enforcing = matches!(os, Os::FedoraCoreos | Os::Rocky | Os::Almalinux);
        for (_, cluster) in all() {
            let cloud = cluster::cloud(os, cluster);
            assert!(!cluster::rendered(&cloud, "master1").contains("SELINUX="), "{system}");
            let selinux = cluster::config(&cloud, "worker1").get("selinux").cloned();
            assert_eq!(selinux, enforcing.then_some(json!(true)), "{system}");
        }
        if enforcing {
            let without = cluster::cloud(os, cluster::seed());
            let script = cluster::text(&without, "master1", "/etc/rancher/k3s/install.sh");
            assert!(script.contains("chcon -t container_runtime_exec_t /usr/local/bin/k3s\n"), "{script}");
            let with = cluster::cloud(os, everything());
            let script = cluster::text(&with, "master1", "/etc/rancher/k3s/install.sh");
            assert!(script.contains("k3s-selinux.rpm") && script.contains("restorecon"), "{script}");
        }
    }
}

#[test]
fn a_mirror_on_the_bootstrap_machine_has_what_the_others_fetch() {
    let cloud = cluster::cloud(Os::Flatcar, everything().agents(["worker1"]).bootstrap("worker2"));
    let text = cluster::text(&cloud, "master1", "/opt/bin/k3s");
    assert_eq!(text, format!("http://10.17.4.25:8080/{}/k3s {DIGEST}", DIGEST.replace(':', "-")));
    let helm = "https://mirror.example/helm.tar.gz";
    let more = Mirror::on("worker2").file(helm, DIGEST).server("https://mirror.example/caddy", DIGEST);
    let cloud = cluster::cloud(Os::Flatcar, everything().agents(["worker1"]).bootstrap(more));
    let there = format!("{}/{}/helm.tar.gz", mirror::ROOT, DIGEST.replace(':', "-"));
    assert_eq!(cluster::text(&cloud, "worker2", &there), format!("{helm} {DIGEST}"));
    let caddy = cluster::text(&cloud, "worker2", "/opt/bin/caddy");
    assert_eq!(caddy, format!("https://mirror.example/caddy {DIGEST}"));
}

#[test]
fn flatcar_takes_a_system_extension() {
    let install = Install::sysext("https://mirror.example/k3s-x86-64.raw", DIGEST);
    let cloud = cluster::cloud(Os::Flatcar, cluster::seed().install(install));
    let text = cluster::text(&cloud, "worker1", "/etc/extensions/k3s.raw");
    assert!(text.starts_with("https://mirror.example/k3s-x86-64.raw "), "{text}");
    let unit = cluster::unit(&cloud, "worker1", "k3s-agent.service");
    assert!(unit.contains("ExecStart=/usr/local/bin/k3s agent\n"), "{unit}");
    assert!(!unit.contains("k3s-install"), "{unit}");
}

#[test]
fn one_more_agent_changes_no_other_machine() {
    let documents = |cluster: Cluster| {
        let cloud = cluster::cloud(Os::Flatcar, cluster);
        ["loadbalancer1", "master1", "master2", "master3", "worker1"]
            .map(|name| cluster::rendered(&cloud, name))
    };
    assert!(documents(cluster::seed()) == documents(cluster::seed().agents(["worker1"])));
}

/// K3s does not carry a server's manifests to the others, and two servers that have them would each apply theirs.
#[test]
fn manifests_that_k3s_applies_are_on_the_server_that_begins_the_cluster() {
    let object =
        |name: &str| format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#);
    let own = Addon::new("own").manifest(&object("a")).manifest(&object("b"));
    let cloud = cluster::cloud(Os::Debian, cluster::seed().auto_deploy(own));
    const PATH: &str = "/var/lib/rancher/k3s/server/manifests/own.yaml";
    let with: Vec<&str> = cloud
        .machines()
        .iter()
        .filter(|machine| machine.guest.files.iter().any(|file| file.path.as_str() == PATH))
        .map(|machine| machine.name.as_str())
        .collect();
    assert_eq!(with, ["master1"]);
    let text = cluster::text(&cloud, "master1", PATH);
    let names: Vec<serde_json::Value> = serde_saphyr::from_multiple(&text).unwrap();
    let names: Vec<&str> = names.iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);
}
