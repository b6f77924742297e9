//! The suite against a real server, where `FMC_IPA_URL`, `FMC_IPA_CA` (a file) and `FMC_IPA_PASSWORD` are set. `FMC_IPA_ADDRESS`
//! says where to connect, if DNS does not know the server.

use std::{env, fs};

use fmc_core::secret::SecretBytes;
use fmc_freeipa::client::Client;

use crate::suite;
use crate::support::run;

/// The client, and the domain of the server.
fn client() -> Option<(Client, String)> {
    let url = env::var("FMC_IPA_URL").ok()?;
    let (authority, password) = (env::var("FMC_IPA_CA").unwrap(), env::var("FMC_IPA_PASSWORD").unwrap());
    let host = url.trim_start_matches("https://").split('/').next().unwrap();
    let (fqdn, port) = host.split_once(':').map_or((host, 443), |(fqdn, port)| (fqdn, port.parse().unwrap()));
    let mut builder = Client::to(fqdn)
        .user("admin", SecretBytes::new(password.into_bytes()))
        .authority(fs::read(authority).unwrap())
        .port(port);
    if let Ok(address) = env::var("FMC_IPA_ADDRESS") {
        builder = builder.address(address.parse().unwrap());
    }
    let domain = fqdn.split_once('.').unwrap().1.to_owned();
    Some((builder.build().unwrap(), domain))
}

#[test]
fn a_real_server_passes_the_suite() {
    let Some((client, domain)) = client() else {
        eprintln!("skipped: FMC_IPA_URL is not set");
        return;
    };
    run(async {
        suite::preflight(&client, &domain).await;
        suite::zones(&client, "fmc-test-1.test").await;
        suite::records(&client, "fmc-test-2.test").await;
        suite::batch(&client, "fmc-test-3.test").await;
        suite::errors(&client, "fmc-test-4.test").await;
    });
}
