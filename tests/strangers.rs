//! A program that plans clouds of other people: it reads this machine's files for them only where it allows
//! that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]
#![cfg(all(unix, feature = "sim", feature = "yaml"))]

use std::path::Path;
use std::sync::Arc;

use fmc::Providers;
use fmc::file::{Source, Syntax};
use fmc::files::Files;
use fmc::graph::Event;
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim;
use fmc::secrets::Local;

const CLOSED: &str = "root:x:0:0:hunter2:/root:/bin/sh\n";

/// The folder `open` with links into the folder `closed` beside it.
fn stage() -> tempfile::TempDir {
    let stage = tempfile::tempdir().unwrap();
    for folder in ["open", "closed"] {
        std::fs::create_dir(stage.path().join(folder)).unwrap();
    }
    std::fs::write(stage.path().join("closed/passwd"), CLOSED).unwrap();
    std::os::unix::fs::symlink("../closed/passwd", stage.path().join("open/link")).unwrap();
    std::os::unix::fs::symlink("../closed", stage.path().join("open/folder")).unwrap();
    stage
}

fn image(path: &str) -> String {
    let digest = "0".repeat(64);
    format!(
        "name: first\nhosts: {{local: {{}}}}\nmachines:\n  web:\n    image:\n      os: none\n      source: {{file: {{path: {path:?}, \
         digest: \"sha256:{digest}\"}}}}\n    root_disk: 2 GiB\n"
    )
}

fn secret(path: &str) -> String {
    format!(
        "name: first\nhosts: {{local: {{}}}}\nmachines:\n  web:\n    image: {{os: debian, version: \"12\", source: \
         {{path: /images/debian-12.qcow2}}}}\n    root_disk: 2 GiB\n    guest:\n      files:\n        /etc/token: {{contents: \
         {{secret: {{name: token, source: {{file: {path:?}}}}}}}}}\n"
    )
}

/// Everything that the program tells: notes before the apply, events, and the outcome.
fn told(text: &str, folder: &Path, providers: Providers) -> String {
    let source = Source::new(text.as_bytes(), Syntax::Yaml).unwrap().below(folder);
    let checked = source.cloud().unwrap().check().unwrap();
    pollster::block_on(async {
        let plan = providers.plan(&fmc::compile(&checked)).await.unwrap();
        let notes = providers.preflight(&checked).await;
        let mut told: String = notes.iter().map(|note| format!("{}: {}\n", note.about, note.text)).collect();
        let outcome = plan.apply(&providers, |event: Event| told += &format!("{event}\n")).await;
        told + &format!("{outcome:?}")
    })
}

fn providers() -> Providers {
    Providers::new().host("local".parse().unwrap(), Sim::new())
}

fn is_refused(told: &str, at: &str) {
    assert!(!told.contains("hunter2") && !told.contains("root:x"), "{at}: {told}");
    let digest = fmc::digest::Digest::sha256(CLOSED.as_bytes()).to_string();
    assert!(!told.contains(&digest), "{at}: {told}");
}

#[test]
fn no_image_is_read_unless_the_program_allows_it() {
    let stage = stage();
    let path = stage.path().join("closed/passwd");
    let told = told(&image(path.to_str().unwrap()), stage.path(), providers());
    is_refused(&told, "by default");
    assert!(told.contains("no folder is given for local files: see `Images::files`"), "{told}");
}

#[test]
fn an_image_is_read_below_the_folder_only() {
    let stage = stage();
    let open = stage.path().join("open");
    let allowed = || providers().images(Images::default().files(Files::below(&open)));
    let absolute = stage.path().join("closed/passwd");
    let out = [
        absolute.to_str().unwrap(),
        "../closed/passwd",
        "link",
        "folder/passwd",
        "/etc/passwd",
        "/etc/there-is-no-such-file",
    ];
    for path in out {
        let told = told(&image(path), &open, allowed());
        is_refused(&told, path);
        let words = "it is outside the folder for local files: see `Images::files`";
        assert!(told.contains(words), "{path}: {told}");
    }
    // The content of the folder is checked, but its bytes are not shown either.
    std::fs::write(open.join("image"), CLOSED).unwrap();
    let told = told(&image("image"), &open, allowed());
    assert!(told.contains("it has no qcow2 header") && !told.contains("hunter2"), "{told}");
}

#[test]
fn a_secret_is_read_below_the_folder_only() {
    let stage = stage();
    let open = stage.path().join("open");
    for path in ["../closed/passwd", "link", "/etc/passwd", "/etc/there-is-no-such-file"] {
        let told = told(&secret(path), &open, providers().secrets(Arc::new(Local::below(&open))));
        is_refused(&told, path);
        assert!(told.contains("it is outside the folder for local files"), "{path}: {told}");
    }
    std::fs::write(open.join("token"), "fine").unwrap();
    let told = told(&secret("token"), &open, providers().secrets(Arc::new(Local::below(&open))));
    let is_made = told.lines().any(|line| line.contains("web.boot.") && line.ends_with("create done"));
    assert!(is_made && !told.contains("fine"), "{told}");
}
