use super::*;
use crate::given::Leaf as _;
use crate::given::tests::{reads_back, refused_or_reads_back};

fn findings(registries: &Registries) -> Vec<String> {
    let mut findings = Vec::new();
    registries.check(&At::ROOT.key("registries"), &mut findings);
    findings.iter().map(|finding| format!("{}: {}", finding.at(), finding.message())).collect()
}

fn text(registries: &Registries) -> String {
    let part = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Secret(_) | Piece::Component(_) => "SECRET".to_owned(),
    };
    registries.pieces().into_iter().map(part).collect()
}

fn example() -> Registries {
    Registries::new()
        .mirror(Mirror::of("docker.io").endpoint("http://10.17.3.11:5000").rewrite("^library/(.*)", "hub/$1"))
        .mirror(Mirror::of("*").endpoint("https://mirror.example").endpoint("https://other.example/v2"))
        .access(Access::to("mirror.example").token(Secret::environment("mirror", "MIRROR")))
        .access(
            Access::to("10.17.3.11:5000")
                .password("puller: \"a\"", Secret::file("password", "p"))
                .certificate("/c", "/k"),
        )
        .access(Access::to("other.example").insecure_skip_verify())
}

#[test]
fn the_file_is_k3ss() {
    assert_eq!(findings(&example()), <[&str; 0]>::default());
    assert!(example().has_secrets());
    let expected = "mirrors:
  \"*\":
    endpoint:
    - \"https://mirror.example\"
    - \"https://other.example/v2\"
  docker.io:
    endpoint:
    - \"http://10.17.3.11:5000\"
    rewrite:
      \"^library/(.*)\": \"hub/$1\"
configs:
  \"10.17.3.11:5000\":
    auth:
      username: \"puller: \\\"a\\\"\"
      password: \"SECRET\"
    tls:
      cert_file: /c
      key_file: /k
  mirror.example:
    auth:
      token: \"SECRET\"
  other.example:
    tls:
      insecure_skip_verify: true
";
    assert_eq!(text(&example()), expected);
    assert_eq!(text(&Registries::new()), "");
}

#[test]
fn a_file_of_a_cloud_says_the_same() {
    let file = serde_json::to_string(&example()).unwrap();
    assert!(file.contains(r#""10.17.3.11:5000":{"auth":{"user":{"name":"puller: \"a\"","#), "{file}");
    assert_eq!(serde_json::from_str::<Registries>(&file).unwrap(), example());
}

#[test]
fn what_is_wrong_is_a_finding() {
    let registries = Registries::new()
        .mirror(Mirror::of("docker.io"))
        .mirror(Mirror::of("https://quay.example/").endpoint("mirror.example:5000").rewrite("", "a"))
        .access(Access::to("a.example").ca_file("ca.pem").insecure_skip_verify())
        .access(Access { cert_file: Some("/c".into()), ..Access::to("b.example") })
        .access(Access::to("c.example").password("", Secret::file("P", "p")));
    assert_eq!(
        findings(&registries),
        [
            "registries.mirrors.docker.io: the mirror of docker.io has no endpoint",
            "registries.mirrors.https://quay.example/: \"https://quay.example/\" is not a valid registry",
            "registries.mirrors.https://quay.example/.endpoints[0]: \"mirror.example:5000\" is not a valid web address",
            "registries.mirrors.https://quay.example/.rewrites.: the rewrite of \"\" is empty or has a control character in it",
            "registries.access.a.example.ca_file: \"ca.pem\" is not a valid absolute path",
            "registries.access.a.example.insecure_skip_verify: `insecure_skip_verify` disables `ca_file` \
             of a.example: any certificate is taken",
            "registries.access.b.example: the certificate for b.example has no `key_file`",
            "registries.access.c.example.auth.user.name: the text is empty",
            "registries.access.c.example.auth.user.password.name: \"P\" is not a valid secret name",
        ]
    );
}

#[test]
fn rewrites_are_gos() {
    let of = |pattern: &str, replacement: &str| {
        let mirror = Mirror::of("docker.io").endpoint("https://mirror.example").rewrite(pattern, replacement);
        findings(&Registries::new().mirror(mirror))
    };
    assert_eq!(of("^library/(.*)$", "hub/$1"), [""; 0]);
    let at = "registries.mirrors.docker.io.rewrites";
    assert_eq!(
        of("^(?!library/)(.*)", "hub/$1"),
        [format!(
            "{at}.^(?!library/)(.*): \"^(?!library/)(.*)\" is not a regular expression of Go's, and K3s would end with it: \
             it looks ahead or behind, which RE2 cannot"
        )]
    );
    assert_eq!(
        of("^library/(.*)", "hub/$1x"),
        [format!(
            "{at}.^library/(.*): the replacement \"hub/$1x\" names the group $1x, but \"^library/(.*)\" has only $1: it would \
             be empty"
        )]
    );
    assert_eq!(of("^library/(.*)", "hub/${1}x"), [""; 0]);
}

#[test]
fn a_mirror_that_is_the_registry_itself_has_no_effect() {
    let mirror = |registry: &str, endpoints: &[&str]| {
        let mirror = endpoints.iter().fold(Mirror::of(registry), |mirror, url| mirror.endpoint(*url));
        mirror.without_effect().collect::<Vec<_>>()
    };
    let urls = ["https://registry-1.docker.io/v2", "https://mirror.example", "https://docker.io/"];
    assert_eq!(mirror("docker.io", &urls), [0, 2]);
    assert_eq!(mirror("quay.example", &["https://quay.example", "http://quay.example"]), [0]);
    assert_eq!(
        mirror("quay.example", &["https://quay.example:5000", "https://quay.example/a/v2"]),
        [0_usize; 0]
    );
    assert_eq!(mirror("*", &["https://docker.io"]), [0_usize; 0]);
}

#[test]
fn registries_by_name() {
    for text in ["*", "docker.io", "registry.example:5000", "10.0.0.1", "[fd00::1]:5000", "localhost:5000"] {
        reads_back(&RegistryName::parse(text).unwrap());
    }
    let cases = [
        ("https://quay.example:5000/v2", "without a scheme: write, for example, quay.example:5000"),
        ("quay.example/library", "has no path: write, for example, quay.example"),
        ("*.example", "or * for every registry"),
        ("", "or * for every registry"),
        ("user:pass@quay.example", "or * for every registry"),
    ];
    for (text, why) in cases {
        let error = RegistryName::parse(text).unwrap_err();
        assert!(error.why().contains(why), "{text:?}: {}", error.why());
    }
    for text in ["https://user:pass@quay.example", "user:pass@quay.example", "user:pass@quay.example/a"] {
        let error = RegistryName::parse(text).unwrap_err();
        assert!(!error.why().contains("pass") && !error.shown(text).contains("pass"));
    }
    refused_or_reads_back::<RegistryName>("a\u{85}b");
}
