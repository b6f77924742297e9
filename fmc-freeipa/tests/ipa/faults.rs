//! What a client says of a server that fails, and what it repeats.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use fmc_core::secret::SecretBytes;
use fmc_freeipa::client::{Client, Code, Effect, IpaError, RecordChange, RejectionReason, ZoneSettings};
use fmc_freeipa::server::{IpaFault, IpaServer};
use futures_util::future::join_all;
use serde_json::{Map, json};

use crate::support::{FQDN, client, client_of, directory, run, server, settings};

fn change() -> RecordChange {
    RecordChange::new().set("A", ["10.0.0.1"])
}

#[test]
fn each_rejection_of_a_login_has_its_reason() {
    run(async {
        let server = server();
        for (user, password, reason, word) in [
            ("admin", "wrong", RejectionReason::InvalidPassword, "invalid-password"),
            ("admin@OTHER.TEST", "x", RejectionReason::Denied, "own realm"),
            ("old", "old", RejectionReason::PasswordExpired, "ipa passwd"),
            ("locked", "locked", RejectionReason::UserLocked, "ipa user-unlock"),
            ("gone", "gone", RejectionReason::PrincipalExpired, "krbprincipal-expired"),
            ("off", "off", RejectionReason::AccountDisabled, "ipa user-enable"),
            ("clock", "clock", RejectionReason::AuthenticationFailed, "clocks"),
        ] {
            let error = client_of(&server, user, password).ping().await.unwrap_err();
            let IpaError::Login(rejection) = &error else { unreachable!("{error:?}") };
            assert_eq!((&rejection.reason, rejection.user.as_str()), (&reason, user));
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.effect(), Effect::Nothing);
        }
        client_of(&server, "reader@LAB.TEST", "read").ping().await.unwrap();
    });
}

#[test]
fn a_session_that_ends_is_renewed_once() {
    run(async {
        let server = server();
        let client = Arc::new(client(&server));
        client.ping().await.unwrap();
        server.end_sessions();
        // All of these see that the session has ended, and one logs in.
        let before = server.requests();
        let ping = |client: Arc<Client>| tokio::spawn(async move { client.ping().await });
        for done in join_all((0..8).map(|_| ping(Arc::clone(&client)))).await {
            done.unwrap().unwrap();
        }
        assert!(server.requests() - before <= 8 + 8 + 1, "{} requests", server.requests() - before);

        // A change in an ended session did not run, so that it is sent again.
        server.fail([IpaFault::Session]);
        client.record_add("lab.test", "a", &change()).await.unwrap();
        server.fail([IpaFault::Session, IpaFault::Session]);
        let error = client.record_add("lab.test", "b", &change()).await.unwrap_err();
        assert_eq!(error, IpaError::NoSession);
        client.ping().await.unwrap();
    });
}

#[test]
fn reads_are_repeated_and_changes_are_not() {
    run(async {
        let server = server();
        let client = client(&server);
        client.ping().await.unwrap();
        server.fail([IpaFault::Unavailable, IpaFault::Cut, IpaFault::Unavailable]);
        assert_eq!(client.zones().await.unwrap().len(), 1);
        server.fail([IpaFault::Unavailable; 4]);
        assert_eq!(client.zones().await.unwrap_err(), IpaError::Unavailable { status: 503 });

        let before = server.requests();
        server.fail([IpaFault::Cut]);
        let error = client.record_add("lab.test", "a", &change()).await.unwrap_err();
        assert!(matches!(error, IpaError::Interrupted { .. }), "{error:?}");
        assert_eq!((error.effect(), server.requests() - before), (Effect::Unknown, 1));
        // It was done.
        assert!(client.record("lab.test", "a").await.unwrap().is_some());

        server.fail([IpaFault::Unavailable]);
        let error = client.zone_add("n.test", &ZoneSettings::default()).await.unwrap_err();
        assert_eq!((&error, error.effect()), (&IpaError::Unavailable { status: 503 }, Effect::Unknown));
        assert!(error.to_string().contains("ipactl status"), "{error}");
    });
}

#[test]
fn a_collision_is_tried_again() {
    run(async {
        let server = server();
        let client = client(&server);
        server.fail([IpaFault::Collision, IpaFault::Collision]);
        client.record_add("lab.test", "a", &change()).await.unwrap();
        server.fail([IpaFault::Collision; 4]);
        let error = client.record_add("lab.test", "b", &change()).await.unwrap_err();
        assert_eq!(error.code(), Some(Code::MidairCollision));
        // The untyped call leaves it to its caller.
        server.fail([IpaFault::Collision]);
        assert_eq!(
            client.call("ping", &[], Map::new()).await.unwrap_err().code(),
            Some(Code::MidairCollision)
        );
    });
}

#[test]
fn what_a_failed_change_may_have_done_is_told() {
    run(async {
        let server = server();
        let client = client(&server);
        server.fail([IpaFault::Part]);
        let error = client.record_add("lab.test", "a", &change()).await.unwrap_err();
        assert_eq!((error.code(), error.effect()), (Some(Code::NonFatalError), Effect::Part));
        assert!(client.record("lab.test", "a").await.unwrap().is_some());
        server.fail([IpaFault::Internal]);
        let error = client.record_add("lab.test", "b", &change()).await.unwrap_err();
        assert_eq!((error.code(), error.effect()), (Some(Code::InternalError), Effect::Unknown));
        assert!(error.to_string().contains("error_log"), "{error}");
    });
}

#[test]
fn a_page_of_html_is_not_parsed() {
    run(async {
        let server = server();
        let client = client(&server);
        server.fail([IpaFault::Html]);
        let error = client.ping().await.unwrap_err();
        assert_eq!(error, IpaError::NoJson { status: 200, kind: "text/html".to_owned() });
        assert!(error.to_string().contains("text/html"), "{error}");
    });
}

#[test]
fn a_slow_answer_is_given_up() {
    run(async {
        let server = server();
        let client = settings(&server).timeout(Duration::from_secs(1)).build().unwrap();
        client.ping().await.unwrap();
        server.fail([IpaFault::Slow]);
        let error = client.record_add("lab.test", "a", &change()).await.unwrap_err();
        assert_eq!(
            (&error, error.effect()),
            (&IpaError::Timeout { after: Duration::from_secs(1) }, Effect::Unknown)
        );
    });
}

#[test]
fn the_only_authority_is_the_given_one() {
    run(async {
        let (server, other) = (server(), server());
        let client = settings(&server).authority(other.authority()).build().unwrap();
        let error = client.ping().await.unwrap_err();
        assert!(matches!(error, IpaError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains("/etc/ipa/ca.crt"), "{error}");
    });
}

#[test]
fn a_name_that_is_not_the_servers_own_is_told() {
    run(async {
        let server = server();
        let client = Client::to("alias.lab.test")
            .user("admin", SecretBytes::new(b"x".to_vec()))
            .authority(server.authority())
            .address(IpAddr::V4(Ipv4Addr::LOCALHOST))
            .port(server.port());
        let error = client.build().unwrap().ping().await.unwrap_err();
        assert!(error.to_string().contains("own FQDN"), "{error}");
    });
}

#[test]
fn nothing_that_listens_is_told_with_its_port() {
    run(async {
        let server = server();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let error = settings(&server).port(port).build().unwrap().ping().await.unwrap_err();
        assert!(matches!(error, IpaError::Connect { .. }), "{error:?}");
        assert!(error.is_absent() && error.to_string().contains(&format!("{FQDN}:{port}")), "{error}");
    });
}

#[test]
fn a_user_without_rights_fails_the_preflight() {
    run(async {
        let server = server();
        let stranger = client_of(&server, "stranger", "none");
        assert!(stranger.zones().await.unwrap().is_empty());
        let error = stranger.preflight("lab.test").await.unwrap_err();
        assert!(matches!(error, IpaError::NoRights { .. }), "{error:?}");
        assert!(error.to_string().contains("DNS Administrators"), "{error}");
        let reader = client_of(&server, "reader", "read");
        reader.preflight("lab.test").await.unwrap();
        let error = reader.record_add("lab.test", "a", &change()).await.unwrap_err();
        assert_eq!(error.code(), Some(Code::AciError));
    });
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_right_ones() {
    let server = server();
    let password = || SecretBytes::new(b"hidden".to_vec());
    let built = |fqdn: &str| Client::to(fqdn).user("admin", password()).authority(server.authority()).build();
    for fqdn in [
        "",
        "ipa",
        "IPA.lab.test",
        "https://ipa.lab.test",
        "ipa.lab.test:443",
        "ipa.lab.test.",
        "10.0.0.1",
        "a..b",
    ] {
        let error = built(fqdn).unwrap_err();
        assert!(error.to_string().contains("FQDN"), "{fqdn}: {error}");
    }
    built(FQDN).unwrap();
    let error = Client::to(FQDN).user("admin", password()).build().unwrap_err();
    assert!(error.to_string().contains("/etc/ipa/ca.crt"), "{error}");
    let error =
        Client::to(FQDN).user("admin", password()).authority("-----BEGIN CERTIFICATE-----\nAA\n").build();
    assert!(matches!(error, Err(IpaError::Settings { .. })));
    let error = Client::to(FQDN).authority(server.authority()).build().unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
}

#[test]
fn a_password_is_in_no_text() {
    run(async {
        let server = server();
        let builder = settings(&server).user("admin", SecretBytes::new(b"hidden-word".to_vec()));
        let client = builder.clone().build().unwrap();
        let error = client.call("ping", &[json!(1)], Map::new()).await.unwrap_err();
        for text in [format!("{builder:?}"), format!("{client:?}"), format!("{error:?}"), error.to_string()] {
            assert!(!text.contains("hidden"), "{text}");
        }
    });
}

#[test]
fn the_other_name_of_the_certificate_is_refused() {
    run(async {
        let server = server();
        let client = Client::to("ipa-ca.lab.test")
            .user("admin", SecretBytes::new(b"x".to_vec()))
            .authority(server.authority())
            .address(IpAddr::V4(Ipv4Addr::LOCALHOST))
            .port(server.port());
        let error = client.build().unwrap().ping().await.unwrap_err();
        assert_eq!(error, IpaError::Referer { fqdn: "ipa-ca.lab.test".to_owned() });
    });
}

#[test]
fn a_redirection_is_told_and_not_followed() {
    run(async {
        let server = server();
        let client = client(&server);
        server.fail([IpaFault::Redirect]);
        let error = client.ping().await.unwrap_err();
        assert!(error.to_string().contains("https://other.lab.test/ipa/"), "{error}");
    });
}

#[test]
fn entries_that_the_server_leaves_out_are_an_error() {
    run(async {
        let server = IpaServer::start(directory().limit(1)).unwrap();
        let client = client(&server);
        assert_eq!(client.zones().await.unwrap().len(), 1);
        let error = client.records("lab.test").await.unwrap_err();
        assert_eq!(error, IpaError::Truncated { command: "dnsrecord_find".to_owned(), count: 1 });
    });
}

#[test]
fn a_zone_may_be_there_though_its_last_step_was_refused() {
    run(async {
        let server = server();
        let client = client_of(&server, "dns", "dns");
        let error = client.zone_add("n.test", &ZoneSettings::default()).await.unwrap_err();
        assert_eq!((error.code(), error.effect()), (Some(Code::AciError), Effect::Unknown));
        assert!(client.zone("n.test").await.unwrap().is_some());
        client.zone_add("0.0.10.in-addr.arpa", &ZoneSettings::default()).await.unwrap();
    });
}
