//! Files with secrets and downloaded files, as Ignition's engine and cloud-init's commands leave them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use fmc_core::boot::Boot;
use fmc_core::digest::Digest;
use fmc_core::guest::{Guest, GuestFile, TextPart};
use fmc_core::image::Os;
use fmc_core::machine::Interface;
use fmc_core::secret::{Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_testkit::http::{Reply, Server};
use fmc_testkit::{cloud_init, ignition, tree};

use crate::guests;

/// A text that encodings tend to break, without a line break at its end.
const SECRET: &str = "it's 100% \"se\\cret\":\n\tü&=+#";

struct Tricky;

impl Secrets for Tricky {
    fn bytes(&self, _: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(SECRET.as_bytes().to_vec()))
    }
}

fn boot(os: Os, guest: Guest) -> Boot {
    guests::boot(os, vec![Interface::on("lab").address("10.17.3.10")], guest)
}

fn rendered(boot: &Boot, name: &str) -> String {
    let files = boot.files();
    let (_, template) = files.iter().find(|(file, _)| *file == name).unwrap();
    String::from_utf8(template.render(&Tricky).unwrap().expose().to_vec()).unwrap()
}

fn parts() -> Guest {
    let secret = || Secret::environment("dsn", "DSN");
    let parts = [
        TextPart::from("plain: 'a' \\ % \"b\"\nraw: "),
        secret().into(),
        "\nquoted: \"".into(),
        TextPart::Quoted(secret()),
        "\"\n".into(),
    ];
    Guest::new().file(GuestFile::parts("/etc/app.yaml", parts))
}

fn whole() -> String {
    let quoted = serde_json::to_string(SECRET).unwrap();
    format!("plain: 'a' \\ % \"b\"\nraw: {SECRET}\nquoted: {quoted}\n")
}

#[test]
fn ignition_writes_a_text_with_secrets_in_it() {
    let config = rendered(&boot(Os::FedoraCoreos, parts()), "config.ign");
    ignition::validate(&config).unwrap();
    let root = tree::scratch();
    let written = ignition::apply(&config, root.path()).unwrap();
    let file = &written["/etc/app.yaml"];
    assert_eq!((file.text(), file.mode), (Some(whole().as_str()), 0o600));
}

#[test]
fn cloud_init_reads_a_text_with_secrets_in_it() {
    let user_data = rendered(&boot(Os::Debian, parts()), "user-data");
    cloud_init::schema(&user_data).unwrap();
    let read: serde_json::Value = serde_saphyr::from_str(&user_data).unwrap();
    let files = read["write_files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == "/etc/app.yaml").unwrap();
    assert_eq!((file["content"].as_str(), &file["permissions"]), (Some(whole().as_str()), &"0600".into()));
}

#[test]
fn no_secret_shows_in_a_text() {
    for (_, os) in guests::SYSTEMS {
        let boot = boot(os, parts());
        assert_eq!(boot.secrets().count(), 2);
        let shown: String =
            boot.files().iter().map(|(_, template)| format!("{template} {template:?}")).collect();
        assert!(shown.contains("secret dsn generation 1") && !shown.contains('ü'), "{shown}");
    }
}

/// cloud-init's command that downloads the file.
fn fetch(user_data: &str) -> Vec<String> {
    let read: serde_json::Value = serde_saphyr::from_str(user_data).unwrap();
    let commands = read["runcmd"].as_array().unwrap();
    let command = commands.iter().find(|command| command.to_string().contains("curl")).unwrap();
    command.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

#[test]
fn ignition_fetches_a_file_that_hashes_to_what_it_must() {
    let server = Server::start(|_| Reply::file(b"#!/bin/sh\n"));
    let file = |content: &[u8]| {
        let guest = Guest::new().file(
            GuestFile::remote("/usr/local/bin/k3s", server.url("/k3s"), Digest::sha256(content)).mode(0o755),
        );
        rendered(&boot(Os::FedoraCoreos, guest), "config.ign")
    };
    let root = tree::scratch();
    ignition::validate(&file(b"#!/bin/sh\n")).unwrap();
    let written = ignition::apply(&file(b"#!/bin/sh\n"), root.path()).unwrap();
    let file_there = &written["/usr/local/bin/k3s"];
    assert_eq!((file_there.text(), file_there.mode), (Some("#!/bin/sh\n"), 0o755));
    let root = tree::scratch();
    ignition::apply(&file(b"another"), root.path()).unwrap_err();
}

#[test]
fn cloud_init_fetches_a_file_until_it_hashes_to_what_it_must() {
    let (tries, folder) = (AtomicUsize::new(0), tree::scratch());
    let server = Server::start(move |_| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status("503 Service Unavailable", b""),
        1 => Reply::file(b"half"),
        _ => Reply::file(b"#!/bin/sh\n"),
    });
    let path = folder.path().join("bin/k3s");
    let remote = |digest| GuestFile::remote("/opt/bin/k3s", server.url("/k3s"), digest).mode(0o755);
    for digest in [Digest::sha256(b"#!/bin/sh\n"), Digest::sha512(b"#!/bin/sh\n")] {
        let user_data = rendered(&boot(Os::Debian, Guest::new().file(remote(digest))), "user-data");
        cloud_init::schema(&user_data).unwrap();
        let marker = folder.path().join("marker").display().to_string();
        cloud_init::run_command(&["touch".to_owned(), marker]).unwrap();
        let before = tree::read(folder.path());
        let (user, group) = (before["/marker"].uid, before["/marker"].gid);
        let words: Vec<String> = fetch(&user_data)
            .into_iter()
            // The test uses another place and owner, and shorter pauses.
            .map(|word| word.replace("/opt/bin/k3s", path.to_str().unwrap()).replace("sleep 5", "sleep 0.1"))
            .map(|word| if word == "root:root" { format!("{user}:{group}") } else { word })
            .collect();
        cloud_init::run_command(&words).unwrap();
        let after = tree::read(folder.path());
        assert_eq!((after["/bin/k3s"].text(), after["/bin/k3s"].mode), (Some("#!/bin/sh\n"), 0o755));
        let left = after.keys().filter(|path| path.starts_with("/bin/")).count();
        assert_eq!(left, 1, "no half file is left: {:?}", after.keys());
    }
}

#[test]
fn a_package_with_a_version_is_written_as_cloud_init_reads_it() {
    let guest =
        || Guest::new().package("nginx=1.22.1-9").package("chrony").package("nginx").package("jq=1.6");
    for os in [Os::Debian, Os::Rocky] {
        let user_data = guests::rendered(&boot(os, guest()), "user-data");
        cloud_init::schema(&user_data).unwrap();
        let wanted = "packages:\n- chrony\n- [jq, \"1.6\"]\n- [nginx, \"1.22.1-9\"]\n";
        assert!(user_data.contains(wanted), "{user_data}");
    }
}
