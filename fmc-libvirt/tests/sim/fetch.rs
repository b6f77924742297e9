//! Images by URL, from a server that misbehaves as the test asks.
#![cfg(feature = "fetch")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fmc_core::digest::Digest;
use fmc_core::graph::{Choices, Event, Wanted};
use fmc_core::image::Image;
use fmc_core::machine::Machine;
use fmc_core::name::HostName;
use fmc_core::path::HttpUrl;
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::image::Images;
use fmc_libvirt::image::cache::Patience;
use fmc_libvirt::image::fetch::{FetchError, FetchStep, fetch};
use fmc_libvirt::provider::Libvirt;
use fmc_libvirt::sim::Sim;
use fmc_testkit::http::{Reply, Request, Server};
use fmc_testkit::image::qcow2;
use tempfile::TempDir;

use crate::lab::{Lab, cloud, lan, wanted};

/// Long enough for a busy machine, and short enough for a test.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(20), stall: Duration::from_secs(2) };

fn bytes() -> Vec<u8> {
    qcow2("1G", &(0_u32..100_000).flat_map(u32::to_le_bytes).collect::<Vec<_>>())
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn fetch(&self, server: &Server, digest: &Digest) -> Result<Vec<u8>, FetchError> {
        self.fetch_from(&server.url("/image"), digest, &mut |_| true)
    }

    fn fetch_from(
        &self,
        url: &str,
        digest: &Digest,
        on: &mut dyn FnMut(FetchStep) -> bool,
    ) -> Result<Vec<u8>, FetchError> {
        let url: HttpUrl = url.parse().unwrap();
        fetch(self.0.path(), &url, digest, PATIENCE, on).map(|path| std::fs::read(path).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }
}

fn name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm(), digest.hex())
}

fn error(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, Vec<String>) {
    let (folder, server) = (Folder::new(), Server::start(reply));
    let error = folder.fetch(&server, &Digest::sha256(b"x")).unwrap_err();
    (error.to_string(), folder.names())
}

#[test]
fn it_comes_once_and_stays() {
    let bytes = bytes();
    let digest = Digest::sha512(&bytes);
    let served = bytes.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/image" => Reply::redirect("/mirror/image?key=1"),
        _ => Reply::file(&served),
    });
    let folder = Folder::new();
    let mut steps = Vec::new();
    let mut on = |step| {
        steps.push(step);
        true
    };
    assert!(folder.fetch_from(&server.url("/image"), &digest, &mut on).unwrap() == bytes);
    let total = Some(bytes.len() as u64);
    assert_eq!(steps.first(), Some(&FetchStep::Bytes { done: 0, total }));
    assert_eq!(steps.last(), Some(&FetchStep::Bytes { done: bytes.len() as u64, total }));
    assert_eq!(folder.names(), [name(&digest)]);
    assert!(folder.fetch(&server, &digest).unwrap() == bytes);
    assert_eq!(server.requests().len(), 2, "a redirect and a file, once");
}

#[test]
fn what_is_cut_goes_on_where_it_was() {
    let bytes = bytes();
    let digest = Digest::sha256(&bytes);
    let (served, asked) = (bytes.clone(), AtomicUsize::new(0));
    let server = Server::start(move |request| {
        let reply = Reply::part(&served, request.from);
        if asked.fetch_add(1, Ordering::SeqCst) < 2 { reply.cut_after(100_000) } else { reply }
    });
    let folder = Folder::new();
    for done in ["97.65625 KiB", "195.3125 KiB"] {
        let error = folder.fetch(&server, &digest).unwrap_err().to_string();
        assert!(error.contains("the connection ended after"), "{done}: {error}");
        assert_eq!(folder.names(), [format!("{}.part", name(&digest))]);
    }
    assert!(folder.fetch(&server, &digest).unwrap() == bytes);
    let from: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert_eq!(from, [None, Some(100_000), Some(200_000)]);
    assert_eq!(folder.names(), [name(&digest)]);
}

#[test]
fn a_part_of_another_file_or_a_server_without_ranges_begins_anew() {
    let bytes = bytes();
    let digest = Digest::sha256(&bytes);
    for (ranges, kept, asked) in [
        // The server ignores the range and sends everything.
        (false, bytes[..1000].to_vec(), vec![Some(1000)]),
        // The kept part is of another file.
        (true, vec![1; 1000], vec![Some(1000), None]),
        // The kept part is longer than the file.
        (true, vec![1; bytes.len() + 1], vec![Some(bytes.len() + 1), None]),
        // The kept part is the whole file.
        (true, bytes.clone(), vec![]),
    ] {
        let served = bytes.clone();
        let server = Server::start(move |request| Reply::part(&served, request.from.filter(|_| ranges)));
        let folder = Folder::new();
        std::fs::write(folder.0.path().join(format!("{}.part", name(&digest))), kept).unwrap();
        assert!(folder.fetch(&server, &digest).unwrap() == bytes);
        assert_eq!(server.requests().iter().map(|request| request.from).collect::<Vec<_>>(), asked);
        assert_eq!(folder.names(), [name(&digest)]);
    }
}

#[test]
fn what_is_no_image_is_refused_with_what_came() {
    let (said, left) = error(|_| Reply::redirect("/image"));
    assert!(said.contains("redirected more than 10 times") && left.len() < 2, "{said}");

    let (said, _) = error(|_| Reply::status("404 Not Found", b"<html>no</html>"));
    assert!(said.contains("127.0.0.1 answers 404 Not Found: correct the URL"), "{said}");

    let page = b"<!DOCTYPE html>\x1b[2J<title>Sign in</title>";
    for reply in
        [Reply::status("200 OK", page).header("Content-Type", "text/html; charset=utf-8"), Reply::file(page)]
    {
        let (said, left) = error(move |_| reply.clone());
        assert!(said.contains("an HTML page") && said.contains(r"<!DOCTYPE html>\x1b[2J"), "{said}");
        assert!(left.is_empty());
    }

    let (said, left) = error(|_| Reply::file(b"version https://git-lfs"));
    assert!(said.contains("23 bytes (application/octet-stream; they begin with \"version https"), "{said}");
    assert!(left.is_empty());

    let (said, left) = error(|_| Reply::file(&[7; 5000]));
    let (found, expected) = (Digest::sha256(&[7; 5000]), Digest::sha256(b"x"));
    assert_eq!(
        said,
        format!("the downloaded file is {found}, not {expected}: correct the digest, or use another mirror")
    );
    assert!(left.is_empty());

    let (said, _) = error(|_| Reply::file(&[7; 5000]).header("Content-Encoding", "gzip"));
    assert!(said.contains("(the server packed it: gzip)"), "{said}");
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    for bytes in [0, 3000] {
        let (said, left) = error(move |_| Reply::file(&[7; 5000]).stall_after(bytes));
        assert!(said.contains("no data for 2 s"), "{said}");
        assert_eq!(left.len(), 1, "the downloaded file is kept");
    }
    let url = "http://127.0.0.1:1/image";
    let said = Folder::new().fetch_from(url, &Digest::sha256(b"x"), &mut |_| true).unwrap_err().to_string();
    assert!(said.contains("the server cannot be reached"), "{said}");
}

/// A byte comes before the silence is too long, for ever.
#[test]
fn a_server_that_trickles_is_given_up() {
    let pause = Duration::from_millis(100);
    let (said, left) = error(move |_| Reply::file(&[7; 5000]).trickle(pause));
    assert!(said.contains("came in 2 s (after") && said.contains("or use another mirror"), "{said}");
    assert_eq!(left.len(), 1, "the downloaded file is kept");
    let server = Server::start(move |_| Reply::file(&[b'a'; 5000]).trickle(pause));
    let url: HttpUrl = server.url("/SHA256SUMS").parse().unwrap();
    let said = fmc_libvirt::image::fetch::text(&url, PATIENCE, 1 << 20).unwrap_err().to_string();
    assert!(said.contains("2 s"), "{said}");
}

#[test]
fn what_has_no_room_is_not_begun() {
    let (said, left) = error(|_| Reply::file(&[7; 5000]).header("Content-Length", (1_u64 << 60).to_string()));
    assert!(said.contains("EiB") || said.contains("GiB") || said.contains("TiB"), "{said}");
    assert!(said.contains("make room, or give another folder"), "{said}");
    assert!(left.is_empty());
}

#[test]
fn a_stop_is_heard_between_two_pieces() {
    let bytes = bytes();
    let (digest, served) = (Digest::sha256(&bytes), bytes.clone());
    let server = Server::start(move |request| Reply::part(&served, request.from));
    let folder = Folder::new();
    let mut on = |step| matches!(step, FetchStep::Bytes { done: 0, .. });
    let error = folder.fetch_from(&server.url("/image"), &digest, &mut on).unwrap_err();
    assert!(matches!(error, FetchError::Cancelled), "{error}");
    assert!(folder.fetch(&server, &digest).unwrap() == bytes);
}

#[test]
fn two_at_once_fetch_once() {
    let bytes = bytes();
    let digest = Digest::sha256(&bytes);
    let served = bytes.clone();
    let server = Server::start(move |request| Reply::part(&served, request.from));
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(folder.fetch(&server, &digest).unwrap() == bytes));
        }
    });
    assert_eq!(server.requests().len(), 1);
}

fn by_url(url: &str, digest: Digest) -> Wanted<Document> {
    let image = Image::rocky("9.4").url(url, digest);
    wanted(&cloud([lan()], [Machine::new("web", image).memory(1.gib()).root_disk(9.gib())]))
}

fn lab(images: Images) -> Lab {
    let sim = Sim::new();
    let provider = Libvirt::new().host(HostName::literal("local"), sim.clone()).images(images);
    Lab { sim, provider }
}

fn kept(folder: &Path, digest: &Digest) -> std::path::PathBuf {
    folder.join(name(digest))
}

#[test]
fn an_apply_fetches_and_sends() {
    let bytes = bytes();
    let (digest, served) = (Digest::sha256(&bytes), bytes.clone());
    let server = Server::start(move |request| Reply::part(&served, request.from));
    let all = by_url(&server.url("/image"), digest);
    let folder = Folder::new();
    let lab = lab(Images::folder(folder.0.path()).patience(PATIENCE));
    let plan = lab.plan(&all);
    assert!(plan.to_string().contains(&format!("fetched from {}", server.url("/image"))), "{plan}");
    let mut said = Vec::new();
    lab.run(plan, &all, &Choices::default(), |event| match event {
        Event::Doing { what, .. } => said.push(what),
        Event::Progress { address, done, total } if address.contains("base.") => {
            assert!(done <= total && total == bytes.len() as u64);
        }
        _ => {}
    })
    .unwrap()
    .converged()
    .unwrap();
    assert_eq!(said, [format!("fetches {}", server.url("/image")), "sends its image".to_owned()]);
    assert!(lab.plan(&all).is_empty());
    assert!(std::fs::read(kept(folder.0.path(), &digest)).unwrap() == bytes);
}

#[test]
fn what_is_kept_and_was_changed_is_found_and_fetched_again() {
    let bytes = bytes();
    let (digest, served) = (Digest::sha256(&bytes), bytes.clone());
    let server = Server::start(move |request| Reply::part(&served, request.from));
    let all = by_url(&server.url("/image"), digest);
    let folder = Folder::new();
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(kept(folder.0.path(), &digest), changed).unwrap();
    let lab = lab(Images::folder(folder.0.path()).patience(PATIENCE));
    let outcome = lab.try_apply(&all, &Choices::default()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("it is deleted, and the next apply downloads it again"), "{error}");
    lab.apply(&all);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_simulation_fetches_nothing_and_nowhere_is_said() {
    let all = by_url("https://mirror.invalid/image.qcow2", Digest::sha256(b"x"));
    lab(Images::stand_ins()).apply(&all);
    let outcome = lab(Images::default()).try_apply(&all, &Choices::default()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("there is no folder for downloads"), "{error}");
}
