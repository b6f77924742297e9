use super::*;
use crate::name::SecretName;
use crate::secret::SecretSource;
use crate::template::{Encoding, Template};

fn pki(credentials: &Credentials) -> Pki {
    let mut findings = Vec::new();
    let pki = credentials.checked("prod", &At::ROOT, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    pki.unwrap()
}

fn found(credentials: &Credentials) -> Vec<String> {
    let mut findings = Vec::new();
    assert!(credentials.checked("prod", &At::ROOT, &mut findings).is_none());
    findings
        .iter()
        .map(|finding| format!("{} {}: {}", finding.kind(), finding.at(), finding.message()))
        .collect()
}

/// The part of a secret that a plan sees.
fn digest(secret: &SecretRef) -> [u8; 32] {
    let mut template = Template::default();
    template.hole(secret.clone(), Encoding::Raw);
    template.digest()
}

#[test]
fn k3s_finds_its_authorities_where_it_looks_for_them() {
    let pki = pki(&Credentials::new());
    let files = pki.files();
    let shown: Vec<String> =
        files.iter().map(|file| format!("{} {:o} {}", file.path, file.mode, file.contents)).collect();
    assert_eq!(
        shown.iter().map(|line| line.trim_start_matches(FOLDER)).collect::<Vec<_>>(),
        [
            "/client-ca.crt 644 secret k3s-prod-client-ca-bundle generation 1",
            "/client-ca.key 600 secret k3s-prod-client-ca-key generation 1",
            "/etcd/peer-ca.crt 644 secret k3s-prod-etcd-peer-ca-bundle generation 1",
            "/etcd/peer-ca.key 600 secret k3s-prod-etcd-peer-ca-key generation 1",
            "/etcd/server-ca.crt 644 secret k3s-prod-etcd-server-ca-bundle generation 1",
            "/etcd/server-ca.key 600 secret k3s-prod-etcd-server-ca-key generation 1",
            "/request-header-ca.crt 644 secret k3s-prod-request-header-ca-bundle generation 1",
            "/request-header-ca.key 600 secret k3s-prod-request-header-ca-key generation 1",
            "/server-ca.crt 644 secret k3s-prod-server-ca-bundle generation 1",
            "/server-ca.key 600 secret k3s-prod-server-ca-key generation 1",
            "/service.key 600 secret k3s-prod-service-key generation 1",
        ]
    );
    assert!(!shown.iter().any(|line| line.contains("root-key")), "a root's key is on no machine");
}

#[test]
fn each_authority_has_a_root_of_its_own() {
    let pki = pki(&Credentials::new());
    let mut roots = Vec::new();
    for ca in Ca::ALL {
        let SecretSource::Generated(Generated::Bundle(parts)) = &pki.authority(ca).certificates.source else {
            panic!("{ca:?} is no bundle")
        };
        let [
            SecretSource::Generated(Generated::Authority(own)),
            SecretSource::Generated(Generated::Authority(root)),
        ] = [&parts[0].source, &parts[1].source]
        else {
            panic!("{ca:?} has other parts")
        };
        assert_eq!(own.issuer.as_ref(), Some(root));
        assert_eq!((own.common_name.as_str(), &root.issuer), (&*format!("k3s-prod-{}@1", ca.name()), &None));
        assert_eq!(own.key, pki.authority(ca).key);
        roots.push(root.key.clone());
    }
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), Ca::ALL.len());
}

#[test]
fn a_generation_changes_what_it_is_part_of_and_nothing_else() {
    let first = pki(&Credentials::new());
    let all = |pki: &Pki| -> BTreeMap<String, [u8; 32]> {
        let files = pki.files().into_iter().map(|file| (file.path.replace(FOLDER, ""), file.contents));
        let others = [
            ("server token", &pki.server_token),
            ("agent token", &pki.agent_token),
            ("server join", &pki.server_join),
            ("agent join", &pki.agent_join),
            ("admin", &pki.admin_key),
        ];
        let others = others.into_iter().map(|(name, secret)| (name.to_owned(), secret.clone()));
        files.chain(others).map(|(name, secret)| (name, digest(&secret))).collect()
    };
    let changed = |credentials: &Credentials| -> Vec<String> {
        let (before, after) = (all(&first), all(&pki(credentials)));
        before.into_iter().filter(|(name, digest)| after[name] != *digest).map(|(name, _)| name).collect()
    };
    let rotated = |part| changed(&Credentials::new().generation(part, 2));
    assert_eq!(rotated(Part::ServerToken), ["server join", "server token"]);
    assert_eq!(rotated(Part::AgentToken), ["agent join", "agent token"]);
    assert_eq!(rotated(Part::ServiceKey), ["/service.key"]);
    assert_eq!(rotated(Part::Admin), ["admin"]);
    assert_eq!(rotated(Part::ClientCa), ["/client-ca.crt", "/client-ca.key"]);
    assert_eq!(rotated(Part::EtcdPeerCa), ["/etcd/peer-ca.crt", "/etcd/peer-ca.key"]);
    // The token contains the hash of the root, which stays the same; writing the token again is the price of a simple
    // rule.
    assert_eq!(rotated(Part::ServerCa), ["/server-ca.crt", "/server-ca.key", "agent join", "server join"]);
    assert_eq!(
        rotated(Part::Roots),
        [
            "/client-ca.crt",
            "/etcd/peer-ca.crt",
            "/etcd/server-ca.crt",
            "/request-header-ca.crt",
            "/server-ca.crt",
            "agent join",
            "server join"
        ]
    );
    let one = Credentials::new().generation(Part::Roots, 2).generation(Part::ServerCa, 1);
    let other = Credentials::new().generation(Part::Roots, 1).generation(Part::ServerCa, 2);
    let certificates = |credentials| pki(credentials).authority(Ca::Server).certificates.clone();
    assert_ne!(digest(&certificates(&one)), digest(&certificates(&other)), "the same sum of generations");
}

#[test]
fn each_secret_can_be_the_users_own() {
    let own = |name: &'static str| Secret::file(name, name);
    let credentials =
        Credentials::new().server_token(own("token")).agent_token(own("agents")).service_key(own("service"));
    let credentials = Ca::ALL.into_iter().fold(credentials, |credentials, ca| {
        let name = |what| format!("own-{}-{what}", ca.name());
        credentials.authority(ca, Secret::file(name("crt"), "x"), Secret::file(name("key"), "x"))
    });
    let text = serde_json::to_string(&credentials).unwrap();
    assert_eq!(serde_json::from_str::<Credentials>(&text).unwrap(), credentials);
    let (pki, made) = (pki(&credentials), pki(&Credentials::new()));
    assert!(pki.files().iter().all(|file| !file.contents.needs_root_key()));
    assert!(!pki.server_join.needs_root_key() && !pki.agent_join.needs_root_key());
    assert!(pki.admin_key.needs_root_key());
    assert_ne!(digest(&pki.server_join), digest(&made.server_join));
}

#[test]
fn what_is_wrong_is_found_where_it_is() {
    let bad = || Secret::file("No_Name", "x");
    let credentials = Credentials::new()
        .server_token(bad())
        .authority(Ca::EtcdPeer, Secret::file("fine", ""), bad())
        .generation(Part::EtcdPeerCa, 2)
        .generation(Part::ServerToken, 2);
    let found = found(&credentials);
    for at in [
        "generations.server-token: ",
        "generations.etcd-peer-ca: ",
        "server_token.name: ",
        "authorities.etcd-peer.certificates.source.file: ",
        "authorities.etcd-peer.key.name: ",
    ] {
        assert!(found.iter().any(|line| line.contains(at)), "{at} is not among {found:?}");
    }
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn a_long_name_of_a_cluster_has_secrets_too() {
    let mut findings = Vec::new();
    let long = Credentials::new().checked(&"c".repeat(63), &At::ROOT, &mut findings).unwrap();
    for file in long.files() {
        assert!(file.contents.name.as_str().len() <= SecretName::MAX);
    }
    let SecretSource::Generated(Generated::Bundle(parts)) =
        &long.authority(Ca::RequestHeader).certificates.source
    else {
        panic!("no bundle")
    };
    for part in parts.iter() {
        let SecretSource::Generated(Generated::Authority(authority)) = &part.source else {
            panic!("no authority")
        };
        assert!(authority.common_name.len() <= 64, "{}", authority.common_name);
    }
}
