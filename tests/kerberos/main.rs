//! The login at FreeIPA by a ticket of Kerberos, of MIT's KDC, against the strict server, and against the module of Apache by which
//! FreeIPA judges tickets.
//!
//! The library reads the environment of its process, so each test runs twice: it makes a realm, and runs itself in it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod apache;
mod login;
mod plan;

use std::env;
use std::process::Command;

use fmc::freeipa::client::{Client, IpaError, KerberosReason};
use fmc::freeipa::server::{IpaAccount, IpaDirectory, IpaFault, IpaServer};
use fmc_testkit::kdc::Kdc;

const FQDN: &str = "ipa.lab.test";

/// Runs a part of a test in a realm with a ticket cache and a keytab. `test` is the name of the test, and `prepare` makes the tickets.
fn run_in_realm<T>(test: &str, prepare: impl FnOnce(&mut Kdc, &mut Command) -> T, inside: impl FnOnce()) {
    const INSIDE: &str = "FMC_TEST_IN_REALM";
    if env::var_os(INSIDE).is_some() {
        inside();
        return;
    }
    let mut kdc = Kdc::start(FQDN);
    let mut again = Command::new(env::current_exe().unwrap());
    kdc.environment(&mut again);
    again.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    // What it starts ends after the test.
    let started = prepare(&mut kdc, &mut again);
    let output = again.output().unwrap();
    drop(started);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// A test's realm and what happens in it: the name of the test is that of the function around it.
macro_rules! in_realm {
    ($test:literal, $prepare:expr, $inside:expr) => {
        crate::run_in_realm(
            concat!(module_path!(), "::", $test).split_once("::").unwrap().1,
            $prepare,
            $inside,
        )
    };
}
use in_realm;

fn directory() -> IpaDirectory {
    IpaDirectory::new(FQDN, "lab.test").account("admin", IpaAccount::administrator("secret"))
}

fn server() -> IpaServer {
    IpaServer::start(directory()).unwrap()
}

/// A client of a server by another name, too.
fn client_to(fqdn: &str, server: &IpaServer) -> Client {
    Client::to(fqdn)
        .kerberos()
        .authority(server.authority())
        .address([127, 0, 0, 1].into())
        .port(server.port())
        .build()
        .unwrap()
}

/// Runs a future.
fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Why a client does not log in, with the whole message.
fn reason(client: &Client) -> (KerberosReason, String) {
    match run(client.preflight("lab.test")) {
        Err(IpaError::Kerberos(error)) => (error.reason, error.to_string()),
        other => panic!("{other:?}"),
    }
}
