//! The client by itself: one login, sessions, and each way in which a login fails.

use std::fs;

use super::*;

#[test]
fn a_ticket_logs_in_and_again_when_the_session_ends() {
    in_realm!("a_ticket_logs_in_and_again_when_the_session_ends", |kdc, _| kdc.kinit(), || {
        let server = server();
        let client = client_to(FQDN, &server);
        run(async {
            client.preflight("lab.test").await.unwrap();
            let before = server.requests();
            client.zones().await.unwrap();
            assert_eq!(server.requests() - before, 1, "the session is kept");
            server.end_sessions();
            client.zones().await.unwrap();
            assert_eq!(server.requests() - before, 4, "401, a login, and the command");
            client.logout().await.unwrap();
            client.zones().await.unwrap();
        });
        assert_eq!(
            format!("{client:?}"),
            r#"Client { server: "ipa.lab.test", user: "the owner of the Kerberos ticket", .. }"#
        );
    });
}

#[test]
fn a_keytab_logs_in_without_a_person() {
    in_realm!(
        "a_keytab_logs_in_without_a_person",
        |kdc, again| {
            again.env("KRB5_CLIENT_KTNAME", format!("FILE:{}", kdc.user_keytab().display()));
        },
        || run(client_to(FQDN, &server()).preflight("lab.test")).map(|_| ()).unwrap()
    );
}

#[test]
fn without_a_ticket_it_is_said() {
    in_realm!("without_a_ticket_it_is_said", |_, _| (), || {
        let server = server();
        let (reason, text) = reason(&client_to(FQDN, &server));
        assert_eq!(reason, KerberosReason::NoTicket, "{text}");
        assert!(text.contains("run `kinit USER@REALM`"), "{text}");
        assert_eq!(server.requests(), 0, "nothing is sent");
    });
}

#[test]
fn a_ticket_that_has_expired_is_told() {
    in_realm!(
        "a_ticket_that_has_expired_is_told",
        |kdc, _| {
            kdc.kinit();
            kdc.set_clock_ahead(30 * 24 * 3600);
        },
        || assert_eq!(reason(&client_to(FQDN, &server())).0, KerberosReason::Expired)
    );
}

#[test]
fn clocks_that_differ_are_told() {
    in_realm!(
        "clocks_that_differ_are_told",
        |kdc, _| {
            kdc.kinit();
            kdc.set_clock_ahead(3600);
        },
        || assert_eq!(reason(&client_to(FQDN, &server())).0, KerberosReason::ClockSkew)
    );
}

#[test]
fn a_server_that_the_realm_does_not_know_is_told() {
    in_realm!("a_server_that_the_realm_does_not_know_is_told", |kdc, _| kdc.kinit(), || {
        let server = server();
        for fqdn in ["other.lab.test", "ipa.other.test"] {
            let (reason, text) = reason(&client_to(fqdn, &server));
            assert_eq!(reason, KerberosReason::UnknownServer, "{text}");
            assert!(text.starts_with(&format!("log in by a Kerberos ticket for HTTP@{fqdn}: ")), "{text}");
        }
    });
}

#[test]
fn a_kdc_that_does_not_answer_is_told() {
    in_realm!(
        "a_kdc_that_does_not_answer_is_told",
        |kdc, _| {
            kdc.kinit();
            kdc.stop();
        },
        || assert_eq!(reason(&client_to(FQDN, &server())).0, KerberosReason::NoKdc)
    );
}

/// MIT's library 1.20 ends the process at most of these.
#[test]
fn damaged_caches_are_told_and_end_no_program() {
    for length in [0, 2, 12, 24, 40] {
        in_realm!(
            "damaged_caches_are_told_and_end_no_program",
            |kdc, _| {
                kdc.kinit();
                let whole = fs::read(kdc.cache()).unwrap();
                fs::write(kdc.cache(), whole.get(..length).unwrap()).unwrap();
            },
            || assert_eq!(reason(&client_to(FQDN, &server())).0, KerberosReason::BrokenCache)
        );
    }
}

#[test]
fn a_server_without_the_key_refuses_the_ticket() {
    in_realm!(
        "a_server_without_the_key_refuses_the_ticket",
        |kdc, again| {
            kdc.kinit();
            again.env("KRB5_KTNAME", format!("FILE:{}", kdc.user_keytab().display()));
        },
        || assert_eq!(reason(&client_to(FQDN, &server())).0, KerberosReason::Refused)
    );
}

#[test]
fn a_user_who_is_unknown_to_freeipa_is_denied() {
    in_realm!("a_user_who_is_unknown_to_freeipa_is_denied", |kdc, _| kdc.kinit(), || {
        let server = IpaServer::start(IpaDirectory::new(FQDN, "lab.test")).unwrap();
        let error = run(client_to(FQDN, &server).preflight("lab.test")).unwrap_err();
        assert!(matches!(error, IpaError::Login(_)), "{error:?}");
    });
}

#[test]
fn a_server_that_does_not_prove_itself_gets_no_command() {
    in_realm!("a_server_that_does_not_prove_itself_gets_no_command", |kdc, _| kdc.kinit(), || {
        let server = server();
        server.fail([IpaFault::Unproven]);
        let client = client_to(FQDN, &server);
        let (reason, text) = reason(&client);
        assert_eq!(reason, KerberosReason::Unproven, "{text}");
        assert_eq!(server.requests(), 1, "the login alone");
        run(client.preflight("lab.test")).map(|_| ()).unwrap();
    });
}
