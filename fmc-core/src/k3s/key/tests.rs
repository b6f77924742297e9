use std::collections::BTreeSet;

use super::*;

#[test]
fn names_and_constants_agree() {
    for key in Key::ALL {
        assert_eq!(Key::named(key.as_str()), Some(*key));
        assert!(key.doc().ends_with('.') && !key.doc().contains('\n'), "{key}: {}", key.doc());
        // The variant's name equals the key's.
        let words = key.as_str().split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        assert_eq!(format!("{key:?}"), words.collect::<String>());
    }
    assert_eq!(WRITE_KUBECONFIG_MODE.key().as_str(), "write-kubeconfig-mode");
}

#[test]
fn what_must_be_equal_on_all_servers() {
    let critical: BTreeSet<_> =
        Key::ALL.iter().filter(|key| key.is_critical()).map(|key| key.as_str()).collect();
    let expected = [
        "agent-token",
        "cluster-cidr",
        "cluster-dns",
        "cluster-domain",
        "disable",
        "disable-cloud-controller",
        "disable-helm-controller",
        "disable-network-policy",
        "egress-selector-mode",
        "embedded-registry",
        "flannel-backend",
        "flannel-external-ip",
        "flannel-ipv6-masq",
        "secrets-encryption",
        "secrets-encryption-provider",
        "service-cidr",
        "supervisor-metrics",
    ];
    assert_eq!(critical, BTreeSet::from(expected));
}

#[test]
fn secrets_are_never_text() {
    let secret: Vec<_> = Key::ALL.iter().filter(|key| key.is_secret()).map(|key| key.as_str()).collect();
    let expected = [
        "token",
        "agent-token",
        "vpn-auth",
        "datastore-endpoint",
        "etcd-s3-secret-key",
        "etcd-s3-session-token",
    ];
    assert_eq!(secret, expected);
}

#[test]
fn what_the_cluster_decides_says_what_to_write_instead() {
    for key in [SERVER.key(), TOKEN.key(), NODE_NAME.key(), NODE_IP.key(), CLUSTER_CIDR.key()] {
        assert!(key.owner().is_some_and(|owner| !owner.is_empty()), "{key}");
    }
    assert_eq!(DEBUG.key().owner(), None);
    assert_eq!(HELM_JOB_IMAGE.key().instead(), Some(Key::HelmControllerArg));
}

#[test]
fn a_mistyped_name_is_told_what_is_near() {
    let read = |name: &str| serde_json::from_value::<Key>(name.into());
    let skipped = "is not known to K3s, which would skip it";
    let cases = [
        ("write-kubeconfg-mode", "did you mean `write-kubeconfig-mode`?"),
        ("write_kubeconfig_mode", "did you mean `write-kubeconfig-mode`?"),
        ("kubelet-arg+", "write `kubelet-arg` with all its values: fmc writes one file"),
        ("zzz", "docs.k3s.io lists the keys under CLI Tools, k3s server and k3s agent"),
    ];
    for (name, hint) in cases {
        assert_eq!(read(name).unwrap_err().to_string(), format!("the key `{name}` {skipped}: {hint}"));
    }
    assert_eq!(read("debug").unwrap(), Key::Debug);
}
