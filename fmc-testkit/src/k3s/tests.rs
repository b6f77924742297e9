use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::*;
use crate::netns::Nic;
use crate::openssl::Authority;
use crate::program::run;
use crate::tree::{scratch, write};

const CONFIG: &str = "/etc/rancher/k3s/config.yaml";

/// Starts the stand-in once below a folder, with files by path. Every start here ends, because each is
/// refused, at the latest when it listens.
fn refusal(role: &str, arguments: &[&str], files: &[(&str, &str)]) -> Start {
    let root = scratch();
    for (path, text) in files {
        write(&root.path().join(path.trim_start_matches('/')), text.as_bytes());
    }
    // A port that cannot be bound: a start that is not refused earlier ends here.
    let mut standin = Command::new(python());
    standin.args(["-c", STANDIN, role]).args(arguments).env("K3S_STANDIN_ROOT", root.path());
    if role == "server" {
        standin.arg("--bind-address=192.0.2.1");
    }
    let verdict = run(standin.env_remove("NOTIFY_SOCKET"));
    let said = verdict.stderr.clone();
    verdict.success().unwrap_err();
    let report = std::fs::read_to_string(root.path().join("opt/k3s-report.jsonl")).unwrap();
    assert_eq!(mode(&root.path().join("opt/k3s-report.jsonl")), 0o600, "it has secrets");
    let mut starts = Start::read_all(&report).unwrap();
    assert_eq!(starts.len(), 1);
    let mut start = starts.remove(0);
    // The messages on standard error are tested together with the report.
    start.environment.insert("said".to_owned(), said);
    start
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_merged_as_k3s_merges_them() {
    let start = refusal(
        "server",
        &["--node-label=by=argument"],
        &[
            (
                CONFIG,
                "token: one\ncluster-init: true\ntls-san: [a]\nnode-label: [x=1]\ndisable: traefik\nnode-nmae: web\n",
            ),
            ("/etc/rancher/k3s/config.yaml.d/20-last.yaml", "token: last\ntls-san+: [c]\n"),
            (
                "/etc/rancher/k3s/config.yaml.d/10-more.yaml",
                "token: more\ntls-san+: [b]\ndisable: [servicelb]\n",
            ),
            ("/etc/rancher/k3s/config.yaml.d/README", "token: never\n"),
        ],
    );
    let setting = |key: &str| start.settings[key].to_string();
    assert_eq!(setting("token"), r#""last""#);
    assert_eq!(setting("tls-san"), r#"["a","b","c"]"#);
    assert_eq!(setting("disable"), r#"["servicelb"]"#);
    assert_eq!(setting("node-label"), r#"["by=argument"]"#);
    assert_eq!(setting("cluster-init"), "true");
    assert!(!start.settings.contains_key("node-nmae"));
    assert!(start.environment["said"].contains("Unknown flag --node-nmae found in config.yaml, skipping"));
    assert_eq!(start.files[CONFIG].mode, mode_of_new_files());
    assert!(start.refused.unwrap().contains("annot assign requested address"), "only the address was wrong");
}

fn mode_of_new_files() -> u32 {
    let folder = scratch();
    write(&folder.path().join("file"), b"");
    mode(&folder.path().join("file"))
}

#[test]
fn what_k3s_refuses_is_refused() {
    let hash = "0".repeat(64);
    for (role, config, words) in [
        ("agent", "server: https://a:6443\n".to_owned(), "--token is required"),
        ("agent", "token: secret\n".to_owned(), "--server is required"),
        ("agent", "token: secret\nserver: http://a:6443\n".to_owned(), "only https:// URLs are supported"),
        ("agent", "token: K10abc::server:secret\nserver: https://a:6443\n".to_owned(), "CA hash length"),
        ("agent", format!("token: K10{hash}::server\nserver: https://a:6443\n"), "invalid token format"),
        ("server", "server: https://a:6443\n".to_owned(), "--token is required to join"),
        ("server", "token: abcdef.0123456789abcdef\n".to_owned(), "cannot be used as a server token"),
        (
            "server",
            "cluster-reset: true\nserver: https://a:6443\n".to_owned(),
            "cannot be used with --server",
        ),
        ("server", "cluster-reset-restore-path: /a\n".to_owned(), "--cluster-reset required"),
        ("server", "disable-etcd: true\n".to_owned(), "--server is required with --disable-etcd"),
        (
            "server",
            "datastore-endpoint: postgres://a\ndisable-etcd: true\nserver: https://a:6443\n".to_owned(),
            "with --datastore-endpoint",
        ),
        ("server", "egress-selector-mode: none\n".to_owned(), "invalid egress-selector-mode"),
        (
            "server",
            "secrets-encryption-provider: rot13\n".to_owned(),
            "unsupported secrets-encryption-provider",
        ),
        ("server", "cluster-cidr: 10.42.0.0/33\n".to_owned(), "invalid CIDR address"),
        ("server", "cluster-dns: ten\n".to_owned(), "invalid CIDR address"),
        ("server", "service-node-port-range: all\n".to_owned(), "invalid port range"),
        ("server", "https-listen-port: many\n".to_owned(), "invalid value"),
        ("server", "cluster-init: maybe\n".to_owned(), "invalid boolean value"),
    ] {
        let start = refusal(role, &[], &[(CONFIG, &config)]);
        assert!(start.refused.as_deref().unwrap_or_default().contains(words), "{config}: {start:?}");
    }
    let start = refusal("server", &["--no-such-flag"], &[]);
    assert!(start.refused.unwrap().contains("flag provided but not defined"));
}

/// Starts it with a configuration; the test waits for its messages.
fn start<'lab>(lab: &'lab Lab, host: &str, config: &str) -> Daemon<'lab> {
    lab.write(host, CONFIG, config, 0o600);
    start_standin(lab, host, &[if host.starts_with('a') { "agent" } else { "server" }])
}

const UP: &str = "k3s is up and running";
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_joiner_judges_the_authority_by_its_token() {
    let lab = Lab::start();
    lab.network("cluster", "10.17.3.1/24");
    for (host, last) in [("s1", 11), ("s2", 12), ("a1", 31), ("a2", 32)] {
        lab.host(host, &[Nic::new("cluster", format!("10.17.3.{last}/24"))]);
    }
    // An authority that existed before the first start.
    let made = Authority::new("server-ca");
    let authority = made.own();
    let tls = "/var/lib/rancher/k3s/server/tls";
    lab.write("s1", &format!("{tls}/server-ca.crt"), &authority.certificate_text(), 0o644);
    lab.write("s1", &format!("{tls}/server-ca.key"), &authority.key_text(), 0o600);
    let mut first =
        start(&lab, "s1", "cluster-init: true\ntoken: secret\nagent-token: lesser\ntls-san: [10.17.3.11]\n");
    first.says(UP, PATIENCE).unwrap();
    let started = starts(&lab, "s1").remove(0);
    let hash = started.ca_hash.unwrap();
    assert_eq!(started.node.as_deref(), Some("s1"));
    assert!(started.surroundings.has_default_route);
    assert_eq!(started.surroundings.addresses, ["10.17.3.11"]);
    assert_eq!(started.files[&format!("{tls}/server-ca.key")].mode, 0o600);
    assert_eq!(
        lab.run("s1", &["sha256sum", &format!("{tls}/server-ca.crt")]).unwrap().split(' ').next().unwrap(),
        hash
    );

    let ready = crate::tls::get(&lab, "a1", "https://10.17.3.11:6443/readyz", &authority.certificate, None);
    assert_eq!(ready.unwrap(), "ok");
    let join = |host: &str, token: &str| {
        start(&lab, host, &format!("server: https://10.17.3.11:6443\ntoken: {token}\n"))
    };
    let mut second = join("s2", &format!("K10{hash}::server:secret"));
    second.says(UP, PATIENCE).unwrap();
    let mut agent = join("a1", &format!("K10{hash}::node:lesser"));
    agent.says(UP, PATIENCE).unwrap();
    assert_eq!(starts(&lab, "a1").remove(0).joined.as_deref(), Some("s1"));
    assert!(first.log().contains("server s2 joined") && first.log().contains("agent a1 joined"));

    let other = "f".repeat(64);
    for (token, words) in [
        (format!("K10{other}::node:lesser"), "token CA hash does not match"),
        (format!("K10{hash}::node:wrong"), "401 Unauthorized"),
    ] {
        let mut refused = join("a2", &token);
        refused.says(words, PATIENCE).unwrap();
    }
    lab.write("a2", "/etc/rancher/k3s/config.yaml.d/name.yaml", "node-name: a1\n", 0o600);
    join("a2", "lesser").says("duplicate node name found", PATIENCE).unwrap();
    assert_eq!(starts(&lab, "a2").len(), 3, "one for each start");
    // An agent's token does not let a server join.
    lab.host("s3", &[Nic::new("cluster", "10.17.3.13/24")]);
    join("s3", "lesser").says("401 Unauthorized", PATIENCE).unwrap();

    // A member ignores the endpoint.
    drop(second);
    lab.write("s2", CONFIG, "server: https://192.0.2.1:6443\ntoken: secret\n", 0o600);
    start_standin(&lab, "s2", &["server"]).says(UP, PATIENCE).unwrap();
    assert!(starts(&lab, "s2").pop().unwrap().was_member);
}

#[test]
fn a_real_one_is_named_or_its_absence_explained() {
    match binary() {
        Ok(path) => assert!(path.is_file()),
        Err(why) => assert!(why.contains("FMC_K3S"), "{why}"),
    }
}
