//! Readers of YAML 1.1 and 1.2 both read the written files as they were meant.

use fmc_core::k3s::key::FlagType;
use fmc_core::k3s::kubelet::Dropin;
use fmc_core::k3s::registries::{Access, Mirror, Registries};
use fmc_core::k3s::{Component, Config, Key, Piece, key};
use fmc_core::secret::Secret;
use fmc_testkit::yaml;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A secret with every character that could end its quotes.
const SECRET: &str = r#"p"a\s's: #{word}%"#;

/// The text of a file, with its secrets filled in by the template's rules.
fn text(pieces: Vec<Piece>) -> String {
    let part = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Secret(_) | Piece::Component(_) => SECRET.replace('\\', "\\\\").replace('"', "\\\""),
    };
    pieces.into_iter().map(part).collect()
}

/// The value that both readers give.
fn read(pieces: Vec<Piece>) -> Value {
    let text = text(pieces);
    let old = yaml::read(&text).unwrap();
    let new: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(old, new, "{text}");
    new
}

#[test]
fn a_value_of_every_type_reads_back() {
    let secret = || Secret::environment("token", "TOKEN");
    let config = Config::new()
        .set(key::TOKEN, secret())
        .set(key::CLUSTER_CIDR, ["10.42.0.0/16", "fd00:42::/56"])
        .set(key::CLUSTER_DNS, ["10.43.0.10"])
        .set(key::DISABLE, [Component::Traefik])
        .set(key::WRITE_KUBECONFIG_MODE, "0640")
        .set(key::HTTPS_LISTEN_PORT, 6443)
        .set(key::ETCD_S3_TIMEOUT, "5m")
        .set(key::ETCD_SNAPSHOT_SCHEDULE_CRON, "0 */12 * * *")
        .set(key::SERVICE_NODE_PORT_RANGE, "30000-32767")
        .set(key::FLANNEL_IFACE, "no")
        .set(key::DEBUG, true)
        .set(key::SELINUX, false);
    let expected = json!({
        "token": SECRET,
        "cluster-cidr": ["10.42.0.0/16", "fd00:42::/56"],
        "cluster-dns": ["10.43.0.10"],
        "disable": ["traefik"],
        "write-kubeconfig-mode": "0640",
        "https-listen-port": 6443,
        "etcd-s3-timeout": "5m",
        "etcd-snapshot-schedule-cron": "0 */12 * * *",
        "service-node-port-range": "30000-32767",
        "flannel-iface": "no",
        "debug": true,
        "selinux": false,
    });
    assert_eq!(read(config.pieces()), expected);
}

#[test]
fn every_key_is_a_key_to_both_readers() {
    let mut file = serde_json::Map::new();
    for key in Key::ALL {
        let value = match serde_json::from_value::<Config>(json!({ key.as_str(): true })) {
            Ok(_) if !key.is_list() => json!(true),
            _ if key.is_list() => json!(["on", "0x1f", "~"]),
            _ => continue,
        };
        file.insert(key.to_string(), value);
    }
    assert!(file.len() > 110, "{}", file.len());
    let config: Config = serde_json::from_value(Value::Object(file)).unwrap();
    let back = read(config.pieces());
    for key in Key::ALL.iter().filter(|key| !key.is_secret()) {
        let expected = match key.flag_type() {
            _ if key.is_list() => json!(["on", "0x1f", "~"]),
            FlagType::Bool => json!(true),
            // A value of the wrong type is kept as given, for the check to report.
            _ => json!("true"),
        };
        assert_eq!(back[key.as_str()], expected, "{key}");
    }
}

#[test]
fn registries_read_back() {
    let registries = Registries::new()
        .mirror(Mirror::of("*").endpoint("https://mirror.example:5000"))
        .mirror(Mirror::of("docker.io").endpoint("http://10.17.3.11").rewrite("^library/(.*)$", "a: $1 # b"))
        .access(Access::to("10.17.3.11").password("off", Secret::file("p", "p")).insecure_skip_verify())
        .access(Access::to("mirror.example:5000").token(Secret::file("t", "t")).ca_file("/etc/ca.pem"));
    let expected = json!({
        "mirrors": {
            "*": { "endpoint": ["https://mirror.example:5000"] },
            "docker.io": {
                "endpoint": ["http://10.17.3.11"], "rewrite": { "^library/(.*)$": "a: $1 # b" }
            },
        },
        "configs": {
            "10.17.3.11": {
                "auth": { "username": "off", "password": SECRET }, "tls": { "insecure_skip_verify": true }
            },
            "mirror.example:5000": { "auth": { "token": SECRET }, "tls": { "ca_file": "/etc/ca.pem" } },
        },
    });
    assert_eq!(read(registries.pieces()), expected);
}

#[test]
fn drop_ins_of_the_kubelet_read_back() {
    let dropin = Dropin::new("50-own.conf")
        .max_pods(200)
        .eviction_hard([("memory.available", "200Mi"), ("nodefs.available", "10%")])
        .system_reserved([("cpu", "2"), ("memory", "1e")])
        .allowed_unsafe_sysctls(["net.core.*"])
        .feature_gates([("NodeSwap", false)]);
    let expected = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "maxPods": 200,
        "evictionHard": { "memory.available": "200Mi", "nodefs.available": "10%" },
        "systemReserved": { "cpu": "2", "memory": "1e" },
        "allowedUnsafeSysctls": ["net.core.*"],
        "featureGates": { "NodeSwap": false },
    });
    assert_eq!(read(dropin.pieces()), expected);
}

/// Text that one of the two versions reads as another type.
const TRAPS: [&str; 30] = [
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "true",
    "null",
    "~",
    "",
    "0640",
    "0o640",
    "0x1f",
    "1:20",
    "1_000",
    "1e3",
    ".inf",
    ".nan",
    "2026-01-01",
    "=",
    "<<",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "{a}",
    "[a]",
    "*a",
    "&a",
    "!a",
    "%a",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_text_reads_back(
        texts in prop::collection::vec(
            prop_oneof![prop::sample::select(&TRAPS[..]).prop_map(str::to_owned), "[ -~]{0,16}", "\\PC{0,8}", any::<String>()],
            1..200,
        ),
        line in "\\PC{0,24}",
    ) {
        let config = Config::new().set(key::AIRGAP_EXTRA_REGISTRY, &texts).set(key::PAUSE_IMAGE, &line);
        let back = read(config.pieces());
        prop_assert_eq!(&back["airgap-extra-registry"], &json!(texts));
        prop_assert_eq!(&back["pause-image"], &json!(line));
    }
}
