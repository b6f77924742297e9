use super::*;
use crate::k3s::word::Component;
use crate::k3s::{Label, key};

fn findings(config: &Config) -> Vec<String> {
    let mut findings = Vec::new();
    config.check(&At::ROOT.key("config"), &mut findings);
    findings
        .iter()
        .map(|finding| format!("{}: {}; {}", finding.at(), finding.message(), finding.help()))
        .collect()
}

fn text(config: &Config) -> String {
    let part = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Secret(secret) | Piece::Component(secret) => format!("<{secret:?}>"),
    };
    config.pieces().into_iter().map(part).collect()
}

#[test]
fn values_are_typed_and_the_order_is_the_tables() {
    let config = Config::new()
        .set(key::DEBUG, true)
        .set(key::WRITE_KUBECONFIG_MODE, 0o640)
        .set(key::DISABLE, [Component::Traefik, Component::Servicelb])
        .set(key::NODE_LABEL, ["example.com/disk=ssd"])
        .set(key::HTTPS_LISTEN_PORT, 6443)
        .set(key::V, 2)
        .set(key::ETCD_S3_TIMEOUT, "5m")
        .set(key::KUBELET_ARG, Vec::<String>::new());
    assert_eq!(findings(&config), <[&str; 0]>::default());
    assert_eq!(
        text(&config),
        "node-label:\n- \"example.com/disk=ssd\"\nhttps-listen-port: 6443\ndisable:\n- traefik\n- servicelb\n\
         etcd-s3-timeout: \"5m\"\nwrite-kubeconfig-mode: \"0640\"\ndebug: true\nv: 2\n"
    );
}

#[test]
fn every_wrong_value_is_a_finding_at_its_key() {
    let config = Config::new()
        .set(key::DISABLE, ["treafik"])
        .set(key::DATA_DIR, "var/lib")
        .set(key::HTTPS_LISTEN_PORT, 0)
        .set(key::NODE_LABEL, ["a=b", "c"])
        .set(key::TOKEN, Secret::file("Token", "token"));
    assert_eq!(
        findings(&config),
        [
            "config.token.name: \"Token\" is not a valid secret name; 'T' (character 1) is not allowed: it has \
             lower-case letters, digits and '-', beginning and ending with a letter or digit; try token",
            "config.data-dir: \"var/lib\" is not a valid absolute path; it does not begin with '/': write /var/lib",
            "config.node-label[1]: \"c\" is not a valid node label; it has no `=`: write example.com/disk=ssd",
            "config.https-listen-port: \"0\" is not a valid port; it must be a whole number from 1 to 65535; for example \
             6443",
            "config.disable[0]: \"treafik\" is not a valid packaged component; it is coredns, servicelb, traefik, \
             local-storage, metrics-server or runtimes: did you mean traefik?",
        ]
    );
}

#[test]
fn a_duration_of_zero_is_refused_as_k3s_does() {
    let config = Config::new().set(key::ETCD_S3_TIMEOUT, "0s");
    assert_eq!(
        findings(&config),
        ["config.etcd-s3-timeout: K3s refuses to start when etcd-s3-timeout is zero; write, for example, 5m"]
    );
}

#[test]
fn lists_are_added_to_and_the_rest_is_replaced() {
    let one = Config::new().set(key::KUBELET_ARG, ["a=1"]).set(key::DEBUG, true);
    let other = Config::new().set(key::KUBELET_ARG, ["b=2", "a=1"]).set(key::DEBUG, false);
    let both = one.clone().with(other);
    assert_eq!(text(&both), "kubelet-arg:\n- \"a=1\"\n- \"b=2\"\ndebug: false\n");
    assert_eq!(both, one.add(key::KUBELET_ARG, ["b=2"]).set(key::DEBUG, false));
}

#[test]
fn agents_get_what_they_take() {
    let config =
        Config::new().set(key::CLUSTER_INIT, true).set(key::SELINUX, true).set(key::ETCD_ARG, ["a=b"]);
    assert_eq!(text(&config.for_agents()), "selinux: true\n");
}

#[test]
fn a_secret_is_a_hole_in_quotes() {
    let secret = Secret::environment("token", "TOKEN");
    let config = Config::new().set(key::TOKEN, secret.clone()).set(key::DEBUG, true);
    assert!(config.has_secrets() && !Config::new().set(key::DEBUG, true).has_secrets());
    let expected = [
        Piece::Text("token: \"".to_owned()),
        Piece::Secret(secret),
        Piece::Text("\"\ndebug: true\n".to_owned()),
    ];
    assert_eq!(config.pieces(), expected);
}

#[test]
fn a_file_says_the_same() {
    let file = serde_json::json!({
        "write-kubeconfig-mode": "0640",
        "kubelet-arg": ["max-pods=200"],
        "node-label": "a=b",
        "https-listen-port": 6443,
        "debug": true,
        "token": { "name": "token", "source": { "environment": "TOKEN" } },
    });
    let config: Config = serde_json::from_value(file).unwrap();
    let expected = Config::new()
        .set(key::WRITE_KUBECONFIG_MODE, "0640")
        .set(key::KUBELET_ARG, ["max-pods=200"])
        .set(key::NODE_LABEL, [Label::parse("a=b").unwrap()])
        .set(key::HTTPS_LISTEN_PORT, 6443)
        .set(key::DEBUG, true)
        .set(key::TOKEN, Secret::environment("token", "TOKEN"));
    assert_eq!(config, expected);
    let again: Config = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn wrong_leaves_of_a_file_are_kept_for_check_and_read_back() {
    let file = serde_json::json!({
        "https-listen-port": "six", "etcd-snapshot-retention": -1, "v": true, "node-ip": ["10.0.0.300"],
    });
    let config: Config = serde_json::from_value(file.clone()).unwrap();
    assert_eq!(findings(&config).len(), 4, "{:?}", findings(&config));
    let again: Config = serde_json::from_value(serde_json::to_value(&config).unwrap()).unwrap();
    assert_eq!(again, config);
}

#[test]
fn a_file_is_refused_by_its_key() {
    let refused = |text: &str| serde_json::from_str::<Config>(text).unwrap_err().to_string();
    assert!(refused(r#"{"write-kubeconfg-mode": "0640"}"#).starts_with(
        "the key `write-kubeconfg-mode` is not known to K3s, which would skip it: did you mean \
             `write-kubeconfig-mode`?"
    ));
    assert!(refused(r#"{"debug": true, "debug": true}"#).starts_with("the key `debug` occurs twice"));
    assert!(refused(r#"{"debug": "yes"}"#).contains("expected a boolean"));
    assert!(refused(r#"{"node-ip": {}}"#).contains("expected a list of texts"));
    assert!(refused(r#"{"token": {"name": "a"}}"#).contains("missing field `source`"));
}

#[cfg(feature = "schema")]
#[test]
fn the_schema_has_every_key_and_no_other() {
    let schema = schemars::SchemaGenerator::default().into_root_schema_for::<Config>().to_value();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), Key::ALL.len());
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(properties["https-listen-port"]["maximum"], 65535);
    assert_eq!(properties["disable"]["items"]["enum"][2], "traefik");
    assert_eq!(properties["debug"]["type"], "boolean");
    assert!(properties["token"]["$ref"].is_string(), "{}", properties["token"]);
}
