//! The cost of keys: everything that is derived from a root key. A compile never waits for it.
//!
//! `cargo bench --bench keys` prints a table; times are CPU time of the process and the best of several runs.
//! "Again" is the time of a keyring that has derived them already. `cargo test` runs it in a short form: one
//! run each.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says why")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ProcessTime;
use fmc::finding::At;
use fmc::k3s::pki::{Credentials, Pki};
use fmc::keys::{Keyring, RootKey};
use fmc::name::OwnerId;
use fmc::prelude::*;
use fmc::secret::{NoSecrets, SecretRef, SecretScope, Secrets as _};
use fmc_testkit::bench::is_short;

const RUNS: usize = 20;

fn main() {
    let all = |what: &Generated, count: u32| -> Vec<SecretRef> {
        let name = SecretName::literal("bench");
        (0..count).map(|generation| SecretRef::generated(name.clone(), generation, what.clone())).collect()
    };
    let pki: Pki =
        Credentials::new().checked("prod", &At::ROOT, &mut Vec::new()).expect("nothing said is right");
    let files = pki.files().into_iter().map(|file| file.contents);
    let tokens = [&pki.server_join, &pki.agent_join, &pki.server_token, &pki.agent_token];
    let cluster: Vec<SecretRef> = files.chain(tokens.map(Clone::clone)).collect();

    let mut table = "| what | once | again |\n| --- | ---: | ---: |\n".to_owned();
    for (name, secrets) in [
        ("a K3s cluster: 10 authorities, tokens, keys", cluster),
        ("100 passwords", all(&Generated::Password, 100)),
        ("100 P-256 keys", all(&Generated::PrivateKey, 100)),
        ("100 SSH host keys", all(&Generated::SshHostKey, 100)),
    ] {
        let runs = (0..if is_short() { 1 } else { RUNS }).map(|_| {
            let keyring = Keyring::new(
                RootKey::sample(),
                &SecretScope::of(OwnerId::literal("bench")),
                Arc::new(NoSecrets),
            );
            (time(&keyring, &secrets), time(&keyring, &secrets))
        });
        let (once, again): (Vec<Duration>, Vec<Duration>) = runs.unzip();
        let best = |times: Vec<Duration>| times.into_iter().min().unwrap_or_default().as_secs_f64() * 1e3;
        table += &format!("| {name} | {:.2} ms | {:.2} ms |\n", best(once), best(again));
    }
    std::io::stdout().write_all(table.as_bytes()).expect("the table is written");
}

fn time(keyring: &Keyring, secrets: &[SecretRef]) -> Duration {
    let started = ProcessTime::now();
    for secret in secrets {
        keyring.bytes(secret).expect("the sample key makes everything");
    }
    started.elapsed()
}
