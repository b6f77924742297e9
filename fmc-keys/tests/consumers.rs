//! OpenSSL and OpenSSH judge the certificates and keys that are made from a root key.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fmc_core::finding::At;
use fmc_core::k3s::pki::{Ca, Credentials, Part, Pki};
use fmc_core::name::{OwnerId, SecretName};
use fmc_core::path::HttpUrl;
use fmc_core::secret::{
    Authority, Derivation, Generated, LeafCertificate, NoSecrets, Secret, SecretBytes, SecretError,
    SecretRef, SecretScope, SecretSource, Secrets,
};
use fmc_keys::{Keyring, Kubeconfig, KubeconfigError, RootKey, Validity, judge_own, known_hosts};
use fmc_testkit::pki;
use sha2::{Digest as _, Sha256};

/// 2026-01-01 00:00 UTC.
const NOW: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

fn scope() -> SecretScope {
    SecretScope::of(OwnerId::literal("shop"))
}

fn keyring() -> Keyring {
    Keyring::new(RootKey::sample(), &scope(), Arc::new(NoSecrets))
}

fn of(credentials: &Credentials) -> Pki {
    let mut findings = Vec::new();
    let pki = credentials.checked("prod", &At::ROOT, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    pki.unwrap()
}

fn text(keyring: &Keyring, secret: &SecretRef) -> String {
    String::from_utf8(keyring.bytes(secret).unwrap().expose().to_vec()).unwrap()
}

/// The certificates of a bundle, each as PEM.
fn certificates(bundle: &str) -> Vec<String> {
    bundle
        .split_inclusive("-----END CERTIFICATE-----\n")
        .map(str::to_owned)
        .filter(|part| part.contains("BEGIN"))
        .collect()
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64.decode(body).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user's own secrets, by name.
struct Own(BTreeMap<String, String>);

impl Secrets for Own {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        self.0
            .get(secret.name.as_str())
            .map(|text| SecretBytes::new(text.clone().into_bytes()))
            .ok_or_else(|| SecretError::unavailable(secret, "it is not there"))
    }
}

#[test]
fn openssl_finds_the_chain_of_every_authority() {
    let (keyring, pki) = (keyring(), of(&Credentials::new()));
    let mut serials = BTreeSet::new();
    for ca in Ca::ALL {
        let bundle = text(&keyring, &pki.authority(ca).certificates);
        let [own, root] = certificates(&bundle).try_into().unwrap();
        pki::verify(&root, &[], &own, "any", NOW).unwrap();
        pki::verify(&root, &[], &root, "any", NOW).unwrap();
        // Valid from 2024-01-01 to 2054-01-01. OpenSSL already counts the last second as expired, so it is
        // left out.
        for (at, is_valid) in
            [(1_704_067_199, false), (1_704_067_200, true), (2_650_838_399, true), (2_650_838_401, false)]
        {
            assert_eq!(pki::verify(&root, &[], &own, "any", at).is_ok(), is_valid, "{ca:?} at {at}");
        }
        let says = [
            (&own, format!("Issuer: CN = k3s-prod-{}-root@1", ca.name())),
            (&own, format!("Subject: CN = k3s-prod-{}@1", ca.name())),
            (&own, "CA:TRUE, pathlen:0".to_owned()),
            (&root, format!("Subject: CN = k3s-prod-{}-root@1", ca.name())),
            (&root, "CA:TRUE\n".to_owned()),
        ];
        for (certificate, words) in says {
            let text = pki::certificate_text(certificate).unwrap().replace("CN=", "CN = ");
            for words in [
                &*words,
                "Version: 3 (0x2)",
                "Signature Algorithm: ecdsa-with-SHA256",
                "ASN1 OID: prime256v1",
                "X509v3 Basic Constraints: critical",
                "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n",
                "X509v3 Subject Key Identifier",
                "X509v3 Authority Key Identifier",
                "Not Before: Jan  1 00:00:00 2024 GMT",
                "Not After : Jan  1 00:00:00 2054 GMT",
            ] {
                assert!(text.contains(words), "{words:?} is not in\n{text}");
            }
            let serial =
                text.split("Serial Number:").nth(1).unwrap().lines().nth(1).unwrap().trim().to_owned();
            assert_eq!(serial.split(':').count(), 16, "{serial}");
            serials.insert(serial);
        }
        let key = text(&keyring, &pki.authority(ca).key);
        assert_eq!(pki::ec_public(&key).unwrap(), pki::certificate_public(&own).unwrap());
        // The root of another authority is not trusted.
        let other = if ca == Ca::Client { Ca::EtcdServer } else { Ca::Client };
        let other = certificates(&text(&keyring, &pki.authority(other).certificates));
        pki::verify(&other[1], &[&other[0]], &own, "any", NOW).unwrap_err();
    }
    assert_eq!(serials.len(), 10);
    let service = text(&keyring, &pki.service_key);
    assert!(service.starts_with("-----BEGIN EC PRIVATE KEY-----"), "the only form that Kubernetes takes");
    pki::ec_public(&service).unwrap();
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_generation_others() {
    let all = |keyring: &Keyring, credentials: &Credentials| -> BTreeMap<String, String> {
        let pki = of(credentials);
        let others = [&pki.server_token, &pki.agent_token, &pki.server_join, &pki.agent_join, &pki.admin_key];
        let others = others.map(|secret| (secret.name.to_string(), text(keyring, secret)));
        let files = pki.files().into_iter().map(|file| (file.path, text(keyring, &file.contents)));
        files.chain(others).collect()
    };
    let first = all(&keyring(), &Credentials::new());
    assert_eq!(first, all(&keyring(), &Credentials::new()));
    let strange =
        all(&Keyring::new(RootKey::from_bytes([1; 32]), &scope(), Arc::new(NoSecrets)), &Credentials::new());
    assert!(first.iter().all(|(name, text)| strange[name] != *text));
    let distinct: BTreeSet<&String> = first.values().collect();
    assert_eq!(distinct.len(), first.len());
    // A token contains the hash of the root, so it stays when the authority below the root changes.
    let changed = |part| -> Vec<String> {
        let after = all(&keyring(), &Credentials::new().generation(part, 2));
        first.iter().filter(|(name, text)| after[*name] != **text).map(|(name, _)| name.clone()).collect()
    };
    let folder = fmc_core::k3s::pki::FOLDER;
    assert_eq!(
        changed(Part::ServerCa),
        [format!("{folder}/server-ca.crt"), format!("{folder}/server-ca.key")]
    );
    assert_eq!(changed(Part::ServerToken), ["k3s-prod-server-join", "k3s-prod-server-token"]);
    let roots = changed(Part::Roots);
    assert_eq!(roots.iter().filter(|name| name.ends_with(".crt")).count(), 5, "{roots:?}");
    assert!(roots.contains(&"k3s-prod-agent-join".to_owned()), "{roots:?}");
    assert_eq!(roots.len(), 7, "{roots:?}");
}

/// The exact bytes, so that no later version makes different ones from a key that is in use.
#[test]
fn the_bytes_are_for_ever() {
    let made = |derivation| {
        let scope = SecretScope::new(OwnerId::literal("shop"), derivation);
        let keyring = Keyring::new(RootKey::sample(), &scope, Arc::new(NoSecrets));
        let made = |what| text(&keyring, &SecretRef::generated(SecretName::literal("golden"), 1, what));
        let digest = |text: String| hex(&Sha256::digest(text)[..8]);
        let bundle = text(&keyring, &of(&Credentials::new()).authority(Ca::Server).certificates);
        [
            made(Generated::Password),
            made(Generated::Token),
            digest(made(Generated::PrivateKey)),
            digest(made(Generated::SshHostKey)),
            digest(bundle),
        ]
    };
    let first = [
        "jzmPpZR497oQLrP48Sx6p6qkEg68T1z3",
        "254f4daa09f136806349c6c79ca070c50a6575e8405001da481af89c69e162ba",
        "d03bf65a1323d8a1",
        "a264ffcd97173775",
        "726de68274fe25eb",
    ];
    assert_eq!(made(Derivation::V1), first);
    let second = [
        "lIJuBV2ZK18SvXJhz97hbaoG9OkhUotT",
        "a0413620b7ea65526f6b82179f28c1ea19cd96f8bbf96c9a581849de9d9630bc",
        "d8c385b834abf67e",
        "09c4292c8702c87b",
        "fe7c8e95a2fc6b3d",
    ];
    assert_eq!(made(Derivation::V2), second);
}

#[test]
fn a_join_token_has_the_hash_by_both_rules_of_k3s() {
    let (keyring, pki) = (keyring(), of(&Credentials::new()));
    let bundle = text(&keyring, &pki.authority(Ca::Server).certificates);
    let root = certificates(&bundle).pop().unwrap();
    let hash = hex(&Sha256::digest(der(&root)));
    let (server, agent) = (text(&keyring, &pki.server_token), text(&keyring, &pki.agent_token));
    assert!(server.len() == 64 && server.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(text(&keyring, &pki.server_join), format!("K10{hash}::server:{server}"));
    assert_eq!(text(&keyring, &pki.agent_join), format!("K10{hash}::node:{agent}"));

    // A file of one certificate is hashed by its bytes, including a comment before it.
    let own = |certificates: String| {
        let own = [("ca", certificates), ("ca-key", "x".to_owned()), ("token", "hunter2\n".to_owned())];
        let own = Own(own.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
        let keyring = Keyring::new(RootKey::sample(), &scope(), Arc::new(own));
        let credentials = Credentials::new().server_token(Secret::file("token", "x")).authority(
            Ca::Server,
            Secret::file("ca", "x"),
            Secret::file("ca-key", "x"),
        );
        keyring
            .bytes(&of(&credentials).server_join)
            .map(|bytes| String::from_utf8(bytes.expose().to_vec()).unwrap())
    };
    let alone = format!("# ours\n{root}");
    let hashed = |text: &str| format!("K10{}::server:hunter2", hex(&Sha256::digest(text)));
    assert_eq!(own(alone.clone()).unwrap(), hashed(&alone));
    // A bundle that leads to no root is hashed by its bytes, too.
    let others = certificates(&text(&keyring, &pki.authority(Ca::Client).certificates));
    let strangers = format!("{}{}", certificates(&bundle)[0], others[1]);
    assert_eq!(own(strangers.clone()).unwrap(), hashed(&strangers));
    // The root may be among other certificates.
    let mixed = format!("{}{}{root}{}", certificates(&bundle)[0], others[0], others[1]);
    assert_eq!(own(mixed).unwrap(), format!("K10{hash}::server:hunter2"));
    let refused = own("no PEM".to_owned()).unwrap_err().to_string();
    assert!(
        refused.contains("k3s-prod-server-join") && refused.contains("no certificate in PEM"),
        "{refused}"
    );
}

#[test]
fn openssh_takes_a_host_key_and_knows_the_host() {
    let keyring = keyring();
    let (web, db) = (SecretRef::ssh_host_key("web", 1), SecretRef::ssh_host_key("db", 1));
    let private = text(&keyring, &web);
    let public = text(&keyring, &web.ssh_public_key());
    assert_eq!(pki::ssh_public(&private).unwrap(), public);
    assert_eq!(pki::ssh_fingerprint(&private).unwrap(), pki::ssh_fingerprint(&public).unwrap());
    let said = pki::ssh_fingerprint(&public).unwrap();
    assert!(said.starts_with("256 SHA256:") && said.ends_with("ssh-host-web-key (ED25519)\n"), "{said}");
    public.parse::<fmc_core::ssh::SshKey>().unwrap();
    assert_ne!(private, text(&keyring, &SecretRef::ssh_host_key("web", 2)));

    let hosts = [(["web", "10.17.3.10"].as_slice(), &web), (["db", "10.17.3.11"].as_slice(), &db)];
    let known = known_hosts(&keyring, hosts).unwrap();
    let key = public.split(' ').nth(1).unwrap();
    for name in ["web", "10.17.3.10"] {
        assert!(pki::ssh_known(&known, name).unwrap().contains(key));
    }
    assert!(!pki::ssh_known(&known, "db").unwrap().contains(key));
    pki::ssh_known(&known, "mail").unwrap_err();
}

fn kubeconfig(
    keyring: &Keyring,
    pki: &Pki,
    server: &HttpUrl,
    validity: Validity,
) -> Result<SecretBytes, KubeconfigError> {
    Kubeconfig { cluster: "prod", server, secrets: &pki.admin(), validity }.render(keyring)
}

/// A key's value in a kubeconfig, decoded.
fn data(kubeconfig: &str, key: &str) -> String {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
    String::from_utf8(BASE64.decode(line.trim_start_matches(':').trim()).unwrap()).unwrap()
}

#[test]
fn a_kubeconfig_lets_the_administrator_in_for_as_long_as_it_says() {
    let (keyring, pki) = (keyring(), of(&Credentials::new()));
    let server: HttpUrl = "https://api.example.com:6443".parse().unwrap();
    let validity = Validity { not_before: NOW, not_after: NOW + DAY };
    let written = kubeconfig(&keyring, &pki, &server, validity).unwrap();
    let written = String::from_utf8(written.expose().to_vec()).unwrap();
    let read: serde_json::Value = serde_saphyr::from_str(&written).unwrap();
    assert_eq!(read["clusters"][0]["cluster"]["server"], "https://api.example.com:6443");
    assert_eq!(read["current-context"], "prod");
    assert_eq!(read["contexts"][0]["context"], serde_json::json!({"cluster": "prod", "user": "prod-admin"}));

    let authorities = data(&written, "certificate-authority-data");
    assert_eq!(authorities, text(&keyring, &pki.authority(Ca::Server).certificates));
    let client = data(&written, "client-certificate-data");
    let [own, root] =
        certificates(&text(&keyring, &pki.authority(Ca::Client).certificates)).try_into().unwrap();
    for (at, is_valid) in [(NOW - 1, false), (NOW, true), (NOW + DAY - 1, true), (NOW + DAY + 1, false)] {
        assert_eq!(pki::verify(&root, &[&own], &client, "sslclient", at).is_ok(), is_valid, "{at}");
    }
    pki::verify(&root, &[&own], &client, "sslserver", NOW).unwrap_err();
    let says = pki::certificate_text(&client).unwrap().replace("O=", "O = ").replace("CN=", "CN = ");
    for words in
        ["Subject: O = system:masters, CN = system:admin", "CA:FALSE", "TLS Web Client Authentication"]
    {
        assert!(says.contains(words), "{words} is not in\n{says}");
    }
    let key = data(&written, "client-key-data");
    assert_eq!(pki::ec_public(&key).unwrap(), pki::certificate_public(&client).unwrap());
    assert_eq!(kubeconfig(&keyring, &pki, &server, validity).unwrap().expose(), written.as_bytes());

    let plain: HttpUrl = "http://api.example.com:6443".parse().unwrap();
    let refused = kubeconfig(&keyring, &pki, &plain, validity).unwrap_err();
    assert!(matches!(refused, KubeconfigError::NotHttps(_)), "{refused}");
    for (not_before, not_after) in [(NOW, NOW), (NOW, NOW - 1), (i64::MIN, NOW), (-1, NOW), (NOW, i64::MAX)] {
        let refused = kubeconfig(&keyring, &pki, &server, Validity { not_before, not_after }).unwrap_err();
        assert!(matches!(refused, KubeconfigError::Validity(_)), "{refused}");
    }
    // The authority ends on 1 January 2054: no verifier takes a certificate of its after that.
    let validity = Validity { not_before: NOW, not_after: NOW + 40 * 365 * DAY };
    let refused = kubeconfig(&keyring, &pki, &server, validity).unwrap_err().to_string();
    assert!(refused.contains("the authority is valid until 2054-01-01"), "{refused}");
}

/// OpenSSL made this authority: its key, and its certificate with a name of several parts.
#[test]
fn a_client_authority_of_the_users_own_signs_the_kubeconfig() {
    let server: HttpUrl = "https://10.17.3.1:6443".parse().unwrap();
    let validity = Validity { not_before: NOW, not_after: NOW + DAY };
    let credentials = Credentials::new().authority(
        Ca::Client,
        Secret::file("client-ca", "x"),
        Secret::file("client-ca-key", "x"),
    );
    let pki = of(&credentials);
    let render = |certificate: &str, key: &str| {
        let own = [("client-ca", certificate), ("client-ca-key", key)];
        let own = own.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let keyring = Keyring::new(RootKey::sample(), &scope(), Arc::new(Own(own)));
        kubeconfig(&keyring, &pki, &server, validity)
    };
    let (certificate, key) =
        pki::own_authority("prime256v1", "/C=DE/O=Größe & Co/OU=Platform/CN=clients").unwrap();
    let written = render(&certificate, &key).unwrap();
    let client = data(std::str::from_utf8(written.expose()).unwrap(), "client-certificate-data");
    pki::verify(&certificate, &[], &client, "sslclient", NOW).unwrap();

    let (other, other_key) = pki::own_authority("prime256v1", "/CN=other").unwrap();
    let refused = render(&certificate, &other_key).unwrap_err().to_string();
    assert!(refused.contains("does not belong to the first certificate"), "{refused}");
    let refused = render("", &other_key).unwrap_err().to_string();
    assert!(refused.contains("no certificate in PEM"), "{refused}");
    let (_, curve) = pki::own_authority("secp384r1", "/CN=other").unwrap();
    let refused = render(&other, &curve).unwrap_err().to_string();
    assert!(refused.contains("client-ca-key") && refused.contains("P-256"), "{refused}");
    let (twice, twice_key) = pki::own_authority("prime256v1", "/OU=one/OU=two/CN=other").unwrap();
    let refused = render(&twice, &twice_key).unwrap_err().to_string();
    assert!(refused.contains("each kind of them once"), "{refused}");
}

#[test]
fn each_secret_is_derived_once_whoever_asks() {
    let (keyring, pki) = (keyring(), of(&Credentials::new()));
    let files = pki.files();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| files.iter().for_each(|file| drop(keyring.bytes(&file.contents).unwrap())));
        }
    });
    // One service key, and for each authority its key, its certificate, its root's key and certificate, and
    // the bundle.
    assert_eq!(keyring.made(), 1 + 5 * Ca::ALL.len());
    let [one, other] = [(); 2].map(|()| text(&keyring, &files[0].contents));
    assert_eq!(one, other);
    assert_eq!(keyring.made(), 1 + 5 * Ca::ALL.len());
}

#[test]
fn nothing_shows_a_secret_by_accident() {
    let root = RootKey::from_bytes([0xab; 32]);
    let shown = format!("{root:?}");
    let keyring = Keyring::new(root, &scope(), Arc::new(NoSecrets));
    let password = SecretRef::generated(SecretName::literal("admin"), 1, Generated::Password);
    let token = SecretRef::generated(SecretName::literal("token"), 1, Generated::Token);
    let planted =
        [text(&keyring, &password), text(&keyring, &token), "abab".to_owned(), "171, 171".to_owned()];
    let bytes = keyring.bytes(&password).unwrap();
    let own = SecretRef { source: SecretSource::File("x".to_owned()), ..password.clone() };
    let error = keyring.bytes(&own).unwrap_err();
    let shown = format!(
        "{shown} {keyring:?} {bytes:?} {password:?} {password} {} {error} {error:?}",
        password.source
    );
    for secret in planted {
        assert!(!shown.contains(&secret), "{shown}");
    }
    assert!(shown.contains("the root key") && shown.contains("is_sample: false"), "{shown}");
}

#[test]
fn openssl_takes_the_certificates_of_a_server_and_a_client_of_a_roles_own() {
    let keyring = keyring();
    let made = |what: Generated| text(&keyring, &SecretRef::generated(SecretName::literal("made"), 1, what));
    let root = |name: &str| made(Generated::Authority(Arc::new(Authority::named(name))));
    let authority = Authority::named("postgres-main");
    let server = authority.server("db1", ["db1.example.com", "10.17.3.10"]);
    let certificate = |leaf: &LeafCertificate| made(Generated::Certificate(Arc::new(leaf.clone())));
    for (leaf, purpose) in [(&server, "sslserver"), (&authority.client("shop"), "sslclient")] {
        let certificate = certificate(leaf);
        pki::verify(&root("postgres-main"), &[], &certificate, purpose, NOW).unwrap();
        assert!(text(&keyring, &leaf.key).starts_with("-----BEGIN EC PRIVATE KEY-----"), "a key in PEM");
    }
    let of_server = certificate(&server);
    assert_eq!(of_server, certificate(&server), "the same for ever");
    pki::verify(&root("postgres-main"), &[], &of_server, "sslclient", NOW).unwrap_err();
    pki::verify(&root("postgres-other"), &[], &of_server, "sslserver", NOW).unwrap_err();
}

#[test]
fn a_verifier_follows_from_the_password_and_the_root_key() {
    let keyring = keyring();
    let verifier = |name: &'static str, generation: u32| {
        let password = SecretRef::generated(SecretName::literal(name), generation, Generated::Password);
        let scram = Generated::Scram(Arc::new(password));
        text(&keyring, &SecretRef::generated(SecretName::literal("verifier"), 1, scram))
    };
    let one = verifier("shop", 1);
    assert!(one.starts_with("SCRAM-SHA-256$4096:"), "a verifier");
    assert_eq!(one, verifier("shop", 1));
    assert_ne!(one, verifier("shop", 2));
    assert_ne!(one, verifier("shop2", 1));
}

#[test]
fn authorities_of_the_users_own_are_judged() {
    let pki = of(&Credentials::new()
        .authority(Ca::EtcdPeer, Secret::file("peer", "peer.crt"), Secret::file("peer-key", "peer.key"))
        .service_key(Secret::file("service", "service.key")));
    let judged = |certificates: &str, key: &str, service: &str, now: i64| {
        let own = [("peer", certificates), ("peer-key", key), ("service", service)];
        let own = Own(own.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        judge_own(&pki, &own, now).map_err(|error| error.to_string())
    };
    let (ca, key) = pki::own_authority("prime256v1", "/CN=peers").unwrap();
    let (other, other_key) = pki::own_authority("prime256v1", "/CN=other").unwrap();
    let (rsa, rsa_key) = pki::own_authority("RSA", "/CN=peers").unwrap();
    let (_, other_rsa) = pki::own_authority("RSA", "/CN=other").unwrap();
    let (curve, curve_key) = pki::own_authority("secp384r1", "/CN=peers").unwrap();
    for (ca, key) in [(&ca, &key), (&rsa, &rsa_key), (&curve, &curve_key)] {
        judged(ca, key, &rsa_key, NOW).unwrap();
    }
    // Two tiers as they are made from a root key.
    let made = of(&Credentials::new());
    let two_tiers = text(&keyring(), &made.authority(Ca::EtcdPeer).certificates);
    let made_key = text(&keyring(), &made.authority(Ca::EtcdPeer).key);
    judged(&two_tiers, &made_key, &key, NOW).unwrap();
    let leaf = Authority::named("postgres").server("db", ["db.example.com"]);
    let leaf = SecretRef::generated(SecretName::literal("leaf"), 1, Generated::Certificate(Arc::new(leaf)));
    let leaf = text(&keyring(), &leaf);
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let swapped: String = certificates(&two_tiers).into_iter().rev().collect();
    for (certificates, key, service, now, words) in [
        ("", &*key, &*key, NOW, "use the secret peer: it holds no certificate in PEM"),
        (&key, &key, &key, NOW, "use the secret peer: it holds no certificate in PEM"),
        (
            &format!("{ca}{key}"),
            &key,
            &key,
            NOW,
            "use the secret peer: it holds a private key beside the certificates",
        ),
        (&leaf, &key, &key, NOW, "is no authority's (CA:TRUE is missing)"),
        (&ca, &key, &key, NOW + 20 * 366 * DAY, "ended on 2045-01-01: renew it"),
        (&ca, &key, &key, NOW - 366 * DAY, "is valid only from 2025-01-01"),
        (&format!("{ca}{other}"), &key, &key, NOW, "certificate 2 did not sign certificate 1"),
        (&swapped, &made_key, &key, NOW, "certificate 2 did not sign certificate 1"),
        (
            &ca,
            &other_key,
            &key,
            NOW,
            "use the secret peer-key: it is not the key of the first certificate of the secret peer",
        ),
        (&ca, &rsa_key, &key, NOW, "it is not the key of the first certificate"),
        (&rsa, &other_rsa, &key, NOW, "it is not the key of the first certificate"),
        (&rsa, &key, &key, NOW, "it is not the key of the first certificate"),
        (&ca, &ca, &key, NOW, "use the secret peer-key: it holds no private key in PEM"),
        (&ca, &encrypted, &key, NOW, "use the secret peer-key: it is encrypted with a password"),
        (&ca, &key, "hunter2", NOW, "use the secret service: it holds no private key in PEM"),
    ] {
        let said = judged(certificates, key, service, now).unwrap_err();
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
