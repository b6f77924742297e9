//! The ways into registries: logins, tokens, TLS, and registries that misbehave.

use std::fs;
use std::sync::{Arc, OnceLock};

use fmc_testkit::http::{Reply, Server};
use fmc_testkit::openssl::Authority;
use fmc_testkit::registry::{Entrance, Registry, auth_file, token};

use super::{lock, run, run_with, with, zeros};

#[test]
fn a_login_is_read_from_the_usual_files_and_never_shown() {
    let mut registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    let digest = registry.digest("shop/web:1");
    registry.restart(Entrance::Password("ops", "hush-hush"), None);
    let name = registry.name();
    let right = auth_file(&name, "ops", "hush-hush");
    let image = [format!("{name}/shop/web:1")];
    let folder = with(&image);
    let ran = run(folder.path(), "images pin");
    assert!(
        ran.code == 1 && ran.err.contains(&format!("needs a login: run `skopeo login {name}`")),
        "{ran:?}"
    );
    assert!(
        ran.out.contains("cloud.images.lock is not written")
            && !folder.path().join("cloud.images.lock").exists(),
        "{ran:?}"
    );

    for (file, variable) in [
        ("run/containers/auth.json", Some(("XDG_RUNTIME_DIR", "run"))),
        (".config/containers/auth.json", None),
        (".docker/config.json", None),
        ("docker/config.json", Some(("DOCKER_CONFIG", "docker"))),
        ("own.json", Some(("REGISTRY_AUTH_FILE", "own.json"))),
    ] {
        let folder = with(&image);
        fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
        fs::write(folder.path().join(file), &right).unwrap();
        let variables = Vec::from_iter(variable);
        let ran = run_with(folder.path(), "images pin", &variables);
        assert!(ran.code == 0 && lock(folder.path()).contains(&digest), "{file}: {ran:?}");
    }

    let secret = "cGFzc3dvcmQ";
    for (text, words) in [
        (auth_file(&name, "ops", "hash-hash"), "refuses the login of own.json"),
        (right.replace("\"auth\"", "\"auht\""), "needs a login"),
        (format!("{{\"auths\": {{\"{name}\": \"{secret}\"}}}}"), "line 1, column"),
        (
            format!("{{\"credHelpers\": {{\"{name}\": \"pass\"}}}}"),
            "docker-credential-pass, which fmc does not run",
        ),
        (format!("{{\"auths\": {{\"{name}\": {{\"identitytoken\": \"{secret}\"}}}}}}"), "an identity token"),
    ] {
        fs::write(folder.path().join("own.json"), &text).unwrap();
        let ran = run_with(
            folder.path(),
            "images pin",
            &[("REGISTRY_AUTH_FILE", "own.json"), ("RUST_LOG", "trace")],
        );
        assert!(ran.code == 1 && ran.err.contains(words), "{words}: {ran:?}");
        let shown = format!("{}{}", ran.out, ran.err);
        for hidden in ["hash-hash", "hush-hush", secret, text.rsplit('"').nth(1).unwrap()] {
            assert!(hidden == "pass" || !shown.contains(hidden), "{hidden}: {shown}");
        }
    }
    let missing = run_with(folder.path(), "images pin", &[("REGISTRY_AUTH_FILE", "none.json")]);
    assert!(missing.code == 1 && missing.err.contains("REGISTRY_AUTH_FILE names it"), "{missing:?}");
}

#[test]
fn a_token_is_asked_for_where_the_registry_says() {
    let mut registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    registry.push("closed/web:1", "one", &["amd64"]);
    let digest = registry.digest("shop/web:1");
    let authority = Authority::new("tokens");
    let signer = authority.client("tokens", "test");
    let login = auth_file("x", "ops", "hush-hush");
    let basic = format!("Basic {}", login.rsplit('"').nth(1).unwrap());
    let tokens = Server::start(move |request| {
        // A wrong login is refused; nobody's gives a token for what is public.
        match &request.authorization {
            Some(said) if *said != basic => Reply::status("401 Unauthorized", b"{}"),
            said => {
                let closed = request.path.contains("closed");
                let of = if closed && said.is_some() { "closed/web" } else { "shop/web" };
                Reply::status("200 OK", token(&signer, of).as_bytes())
            }
        }
    });
    registry.restart(Entrance::Token(&tokens.url("/token"), &authority.own().certificate), None);
    let name = registry.name();
    let folder = with(&[format!("{name}/shop/web:1"), format!("{name}/closed/web:1")]);
    let ran = run(folder.path(), "images pin");
    assert!(ran.code == 1 && ran.err.contains("gives closed/web to nobody without a login"), "{ran:?}");
    let realm = tokens.url("").replace("http://", "");
    assert!(ran.err.contains(&format!("asking {name}\nasking {realm}\n")), "{ran:?}");
    assert!(lock(folder.path()).contains(&digest));
    let asked: Vec<String> = tokens.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(
        asked,
        [
            "/token?scope=repository%3Aclosed%2Fweb%3Apull&service=fmc%2Dtest",
            "/token?scope=repository%3Ashop%2Fweb%3Apull&service=fmc%2Dtest"
        ]
    );

    fs::write(folder.path().join("own.json"), auth_file(&name, "ops", "hash-hash")).unwrap();
    let own = [("REGISTRY_AUTH_FILE", "own.json")];
    let ran = run_with(folder.path(), "images pin", &own);
    assert!(ran.code == 1 && ran.err.contains("refuses the login of own.json"), "{ran:?}");
    fs::write(folder.path().join("own.json"), auth_file(&name, "ops", "hush-hush")).unwrap();
    let ran = run_with(folder.path(), "images pin", &own);
    assert!(ran.code == 0 && lock(folder.path()).matches(&digest).count() == 2, "{ran:?}");
}

#[test]
fn other_machines_are_asked_over_tls_unless_a_person_says_otherwise() {
    let mut registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    let digest = registry.digest("shop/web:1");
    // Any address of this machine, which does not belong to the loopback interface.
    let host = format!("0.0.0.0:{}", registry.port());
    let folder = with(&[format!("{host}/shop/web:1")]);
    let ran = run(folder.path(), "images pin");
    assert!(ran.code == 1 && ran.err.contains(&format!("{host} cannot be reached")), "{ran:?}");
    let ran = run(folder.path(), &format!("images pin --insecure-registry {host}"));
    assert!(ran.code == 0 && lock(folder.path()).contains(&digest), "{ran:?}");

    let authority = Authority::new("a company");
    registry.restart(Entrance::Open, Some(&authority.server("registry", &["IP:0.0.0.0"])));
    let ran = run(folder.path(), "images pin --update all");
    assert!(ran.code == 1 && ran.err.contains("cannot be reached"), "{ran:?}");
    let certificate = authority.own().certificate;
    let known = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    let ran = run_with(folder.path(), "images pin --update all", &known);
    assert!(ran.code == 0 && ran.out.contains(&format!("= {host}/shop/web:1 {digest}")), "{ran:?}");
}

#[test]
fn a_registry_that_misbehaves_is_refused() {
    use fmc::digest::Digest;

    let (manifest, bytes) = ("application/vnd.oci.image.manifest.v1+json", b"{}".as_slice());
    let good = Digest::sha256(bytes).to_string();
    let port = Arc::new(OnceLock::<String>::new());
    let known = Arc::clone(&port);
    let reply = move |path: &str| {
        let tag = path.rsplit('/').next().unwrap().to_owned();
        let answer = |kind: &str| Reply::status("200 OK", bytes).header("Content-Type", kind);
        match tag.as_str() {
            // No header: the content is read.
            "bare" => answer(manifest),
            "page" => answer("text/html; charset=utf-8").header("Docker-Content-Digest", zeros()),
            "long" => answer(manifest).header("Docker-Content-Digest", format!("sha512:{}", "0".repeat(128))),
            "busy" => Reply::status("429 Too Many Requests", b""),
            "plot" => Reply::status("401 Unauthorized", b"")
                .header("WWW-Authenticate", "Bearer realm=\"http://tokens.example.org/t\",service=\"x\""),
            // Another server than the one that has the login.
            "moved" => Reply::redirect(
                "http://0.0.0.0:PORT/v2/a/b/manifests/plot".replace("PORT", port.get().unwrap()),
            ),
            "odd" => Reply::status("401 Unauthorized", b"").header("WWW-Authenticate", "Negotiate"),
            _ => Reply::status("500 Internal Server Error", b""),
        }
    };
    let server = Server::start(move |request| reply(&request.path));
    let name = server.url("").replace("http://", "");
    known.set(name.rsplit(':').next().unwrap().to_owned()).unwrap();
    let tags = ["bare", "busy", "long", "moved", "odd", "page", "plot", "x"];
    let folder = with(&tags.map(|tag| format!("{name}/a/b:{tag}")));
    let ran = run(folder.path(), "images pin");
    assert_eq!(
        ran.out,
        format!("+ {name}/a/b:bare {good}\ncloud.images.lock is written: 1 image\n"),
        "{ran:?}"
    );
    for words in [
        "b:busy: ".to_owned() + &format!("{name} answers 429 Too Many Requests: sign in, or try again later"),
        "b:long: the registry states the digest \"sha512:".to_owned(),
        "b:moved: ".to_owned() + &format!("0.0.0.0:{} answers 401 Unauthorized", known.get().unwrap()),
        "b:odd: the registry asks for \"Negotiate\"".to_owned(),
        "b:page: the answer is \"text/html\", which is not the manifest of an image".to_owned(),
        "b:plot: the registry names \"http://tokens.example.org/t\" for tokens, which is not an https URL"
            .to_owned(),
        "b:x: ".to_owned() + &format!("{name} answers 500 Internal Server Error"),
    ] {
        assert!(ran.err.contains(&words), "{words}: {}", ran.err);
    }
    assert!(ran.err.contains("asking 0.0.0.0:"), "who it was redirected to: {}", ran.err);
}
