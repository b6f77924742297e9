//! The judge of tickets that FreeIPA has: Apache's `mod_auth_gssapi`, with FreeIPA's settings.

use fmc_testkit::mod_auth_gssapi::Apache;
use serde_json::Map;

use super::*;

/// How the test tells itself where Apache is.
const PORT: &str = "FMC_TEST_APACHE_PORT";
const AUTHORITY: &str = "FMC_TEST_APACHE_AUTHORITY";

/// A client of Apache.
fn client_to_apache() -> Client {
    Client::to(FQDN)
        .kerberos()
        .authority(env::var(AUTHORITY).unwrap())
        .address([127, 0, 0, 1].into())
        .port(env::var(PORT).unwrap().parse().unwrap())
        .build()
        .unwrap()
}

#[test]
fn mod_auth_gssapi_takes_the_ticket_and_proves_itself() {
    in_realm!(
        "mod_auth_gssapi_takes_the_ticket_and_proves_itself",
        |kdc, again| {
            kdc.kinit();
            let apache = Apache::start(kdc, FQDN);
            again.env(PORT, apache.port().to_string()).env(AUTHORITY, apache.authority());
            apache
        },
        || run(async {
            let client = client_to_apache();
            for _ in 0..2 {
                let answer = client.call("ping", &[], Map::new()).await.unwrap();
                assert_eq!(answer.summary(), "admin@LAB.TEST");
            }
        })
    );
}
