//! Fetching an image: once, into a folder, where it stands under its digest when it is whole and right.
//!
//! Bytes that came are kept in `DIGEST.part` when the connection ends, and the next fetch goes on behind them. Two fetches
//! of one image wait for each other at `DIGEST.lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use fmc_core::digest::Digest;
use fmc_core::path::HttpUrl;
use fmc_core::unit::Size;
use ureq::config::AutoHeaderValue;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt as _};

use super::cache::Patience;
use super::hash::Hash;
use super::header::{harmless, is_html};

/// A mirror sends to another, which sends to its network's nearest server. More is a loop.
const REDIRECTS: u32 = 10;

/// No image is so small; what a server says instead of one is.
const SMALLEST: u64 = 512;

/// Of a server that does not say how much it sends, so much is taken.
const LARGEST: u64 = 64 << 30;

/// What stays free on the file system that images are fetched to.
const RESERVE: u64 = 64 << 20;

/// How often is asked whether another fetch is done.
const AGAIN: Duration = Duration::from_millis(200);

/// Why an image was not fetched; fragments that follow its URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The folder cannot be used.
    #[error("{} cannot be written: {cause}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The server cannot be reached, or speaks something else.
    #[error("the server cannot be asked: {0}")]
    Connect(String),
    /// It does not begin its answer, or go on with it.
    #[error("nothing came for {seconds} s ({done} came before): apply again, it goes on from there")]
    Stalled {
        /// How long was waited.
        seconds: u64,
        /// What came before.
        done: Size,
    },
    /// It answers with something else than a file.
    #[error("{who} answers {status}: correct the URL, or take another mirror")]
    Status {
        /// The server.
        who: String,
        /// Its answer.
        status: StatusCode,
    },
    /// It sends from one place to the next.
    #[error("it is redirected more than {REDIRECTS} times: correct the URL, or take another mirror")]
    Redirects,
    /// It sends to where anyone on the way can read and change what comes.
    #[error("it is redirected from https to http: take another mirror, or say http where that is meant")]
    Insecure,
    /// It sends a page for people.
    #[error("{who} answers with a page of HTML ({content_type}; it begins with {begins}): correct the URL")]
    Html {
        /// The server.
        who: String,
        /// What it calls it.
        content_type: String,
        /// Its first bytes, harmless.
        begins: String,
    },
    /// It sends next to nothing.
    #[error(
        "{who} answers with {length} bytes ({content_type}; they begin with {begins}), which are no image"
    )]
    Small {
        /// The server.
        who: String,
        /// How many bytes.
        length: u64,
        /// What it calls them.
        content_type: String,
        /// The first of them, harmless.
        begins: String,
    },
    /// It ends too early.
    #[error("the connection ended after {done}{}: apply again, it goes on from there ({cause})", of(*.total))]
    Cut {
        /// What came.
        done: Size,
        /// What was to come.
        total: Option<Size>,
        /// Why.
        cause: String,
    },
    /// There is no room for it.
    #[error("it has {} and {} has {has} left: make room, or give another folder", .needs.map_or_else(|| "no length".to_owned(), |size| size.to_string()), .folder.display())]
    Room {
        /// The folder.
        folder: PathBuf,
        /// How much it needs.
        needs: Option<Size>,
        /// How much there is.
        has: Size,
    },
    /// It is not what was promised.
    #[error("what came is {found}, not {expected}{note}: correct the digest, or take another mirror")]
    Digest {
        /// What it hashes to.
        found: Box<Digest>,
        /// What was promised.
        expected: Box<Digest>,
        /// What else was strange.
        note: String,
    },
    /// It was asked to stop.
    #[error("stopped")]
    Cancelled,
}

fn of(total: Option<Size>) -> String {
    total.map(|total| format!(" of {total}")).unwrap_or_default()
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchStep {
    /// Another one fetches it.
    Waits,
    /// So many bytes came, of so many.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// Bytes in all, where the server says that.
        total: Option<u64>,
    },
}

/// Fetches an image unless it is there; its path. `on` is told how far it is, and stops it by `false`.
///
/// # Errors
///
/// It could not be fetched; what came of it is kept if it may be the beginning of the right file.
pub fn fetch(
    folder: &Path,
    url: &HttpUrl,
    digest: &Digest,
    patience: Patience,
    on: &mut dyn FnMut(FetchStep) -> bool,
) -> Result<PathBuf, FetchError> {
    let path = path_of(folder, digest);
    if path.is_file() {
        return Ok(path);
    }
    fs::create_dir_all(folder).map_err(|cause| FetchError::Disk { path: folder.to_owned(), cause })?;
    let _lock = lock(&path.with_extension("lock"), on)?;
    // Whoever held the lock may have fetched it.
    if path.is_file() {
        return Ok(path);
    }
    let part = path.with_extension("part");
    let mut fetch = Fetch { folder, url, digest, patience, part: &part, on };
    match fetch.run() {
        Ok(()) => {
            fs::rename(&part, &path).map_err(|cause| FetchError::Disk { path: path.clone(), cause })?;
            Ok(path)
        }
        Err(error) => {
            let goes_on = matches!(
                error,
                FetchError::Cut { .. }
                    | FetchError::Stalled { .. }
                    | FetchError::Connect(_)
                    | FetchError::Status { .. }
                    | FetchError::Cancelled
            );
            if !goes_on {
                // It is no beginning of the right file, or the disk is full of it.
                drop(fs::remove_file(&part));
            }
            Err(error)
        }
    }
}

/// Where an image is kept.
pub(crate) fn path_of(folder: &Path, digest: &Digest) -> PathBuf {
    folder.join(format!("{}-{}", digest.algorithm(), digest.hex()))
}

fn lock(path: &Path, on: &mut dyn FnMut(FetchStep) -> bool) -> Result<File, FetchError> {
    let disk = |cause| FetchError::Disk { path: path.to_owned(), cause };
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(disk)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(cause)) => return Err(disk(cause)),
            Err(TryLockError::WouldBlock) => {
                if !on(FetchStep::Waits) {
                    return Err(FetchError::Cancelled);
                }
                thread::sleep(AGAIN);
            }
        }
    }
}

struct Fetch<'a> {
    folder: &'a Path,
    url: &'a HttpUrl,
    digest: &'a Digest,
    patience: Patience,
    part: &'a Path,
    on: &'a mut dyn FnMut(FetchStep) -> bool,
}

/// What has come, and its hash.
struct Part {
    file: File,
    length: u64,
    hash: Hash,
}

impl Fetch<'_> {
    fn run(&mut self) -> Result<(), FetchError> {
        let mut part = self.part()?;
        let resumed = part.length > 0;
        if resumed && part.hash.clone().finish() == *self.digest {
            return Ok(());
        }
        let fetched = self.bytes(&mut part);
        match fetched {
            // What was kept is not of this file, or this server has none of the rest: once more, from its beginning.
            Err(FetchError::Digest { .. }) if resumed => {}
            Err(FetchError::Status { status, .. })
                if resumed && status == StatusCode::RANGE_NOT_SATISFIABLE => {}
            fetched => return fetched,
        }
        self.empty(&mut part)?;
        self.bytes(&mut part)
    }

    fn disk(&self, cause: io::Error) -> FetchError {
        FetchError::Disk { path: self.part.to_owned(), cause }
    }

    /// What came before.
    fn part(&self) -> Result<Part, FetchError> {
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(self.part);
        let mut file = opened.map_err(|cause| self.disk(cause))?;
        let (mut hash, mut length) = (Hash::like(self.digest), 0);
        let mut piece = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut piece).map_err(|cause| self.disk(cause))?;
            if count == 0 {
                return Ok(Part { file, length, hash });
            }
            hash.update(piece.get(..count).unwrap_or_default());
            length += count as u64;
        }
    }

    fn empty(&self, part: &mut Part) -> Result<(), FetchError> {
        part.hash = Hash::like(self.digest);
        part.length = 0;
        let emptied = part.file.set_len(0).and_then(|()| part.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|cause| self.disk(cause))
    }

    /// Asks for what is missing, and takes it.
    fn bytes(&mut self, part: &mut Part) -> Result<(), FetchError> {
        let response = self.ask(part.length)?;
        let who = response.get_uri().host().unwrap_or(self.url.host()).to_owned();
        let said =
            |name| response.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let content_type = harmless_text(said(header::CONTENT_TYPE).unwrap_or("no content type"));
        let encoding = said(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
        let note =
            encoding.map(|it| format!(" (the server packed it: {})", harmless_text(it))).unwrap_or_default();
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT
            && said(header::CONTENT_RANGE)
                .is_some_and(|range| range.starts_with(&format!("bytes {}-", part.length)));
        if !goes_on {
            self.empty(part)?;
        }
        let rest = response.body().content_length();
        let total = rest.map(|rest| rest + part.length);
        let room = self.room(rest)?;
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; 256 << 10];
        let start = part.length;
        loop {
            if !(self.on)(FetchStep::Bytes { done: part.length, total }) {
                return Err(FetchError::Cancelled);
            }
            let count = match body.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.cut(part.length, total, &error)),
            };
            let bytes = piece.get(..count).unwrap_or_default();
            if part.length == 0 && (content_type.starts_with("text/html") || is_html(bytes)) {
                return Err(FetchError::Html { who, content_type, begins: harmless(bytes) });
            }
            if part.length - start + count as u64 > room {
                let folder = self.folder.to_owned();
                return Err(FetchError::Room {
                    folder,
                    needs: total.map(Size::bytes),
                    has: Size::bytes(room),
                });
            }
            part.file.write_all(bytes).map_err(|cause| self.disk(cause))?;
            part.hash.update(bytes);
            part.length += count as u64;
        }
        if part.length < SMALLEST {
            let begins = harmless(piece.get(..usize::try_from(part.length).unwrap_or(0)).unwrap_or_default());
            return Err(FetchError::Small { who, length: part.length, content_type, begins });
        }
        let found = part.hash.clone().finish();
        if found != *self.digest {
            let expected = Box::new(*self.digest);
            return Err(FetchError::Digest { found: found.into(), expected, note });
        }
        part.file.sync_all().map_err(|cause| self.disk(cause))
    }

    fn cut(&self, done: u64, total: Option<u64>, error: &io::Error) -> FetchError {
        let done = Size::bytes(done);
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        if error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_))) {
            return FetchError::Stalled { seconds: self.patience.stall.as_secs(), done };
        }
        FetchError::Cut { done, total: total.map(Size::bytes), cause: error.to_string() }
    }

    fn ask(&self, from: u64) -> Result<Response<Body>, FetchError> {
        ask(self.url, from, self.patience)
    }

    /// How many bytes may come; an error if the rest of the file has no room.
    fn room(&self, rest: Option<u64>) -> Result<u64, FetchError> {
        let about = rustix::fs::statvfs(self.folder).map_err(|error| self.disk(error.into()))?;
        let free = about.f_bavail.saturating_mul(about.f_frsize).saturating_sub(RESERVE);
        match rest {
            Some(rest) if rest > free => {
                let folder = self.folder.to_owned();
                Err(FetchError::Room { folder, needs: Some(Size::bytes(rest)), has: Size::bytes(free) })
            }
            Some(rest) => Ok(rest),
            None => Ok(free.min(LARGEST)),
        }
    }
}

/// A short text, as a list of checksums.
///
/// # Errors
///
/// It cannot be had, is longer than `most` bytes, or is no text.
pub fn text(url: &HttpUrl, patience: Patience, most: u64) -> Result<String, FetchError> {
    let response = ask(url, 0, patience)?;
    let body = response.into_body().into_with_config().limit(most).read_to_string();
    body.map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => FetchError::Connect(format!(
            "its answer is longer than {}, and not what was asked for",
            Size::bytes(most)
        )),
        ureq::Error::Timeout(_) => {
            FetchError::Stalled { seconds: patience.stall.as_secs(), done: Size::bytes(0) }
        }
        error => FetchError::Connect(error.to_string()),
    })
}

/// Asks for a file from a byte on.
fn ask(url: &HttpUrl, from: u64, patience: Patience) -> Result<Response<Body>, FetchError> {
    let config = Agent::config_builder()
        // Whoever says https means all of the way.
        .https_only(url.is_https())
        .max_redirects(REDIRECTS)
        .http_status_as_error(false)
        // The digest is of the file as it lies there.
        .accept_encoding(AutoHeaderValue::Provided("identity".to_owned().into()))
        .user_agent(concat!("fmc/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .build();
    let mut request = Agent::new_with_config(config).get(url.as_str());
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    let response = request.call().map_err(|error| match error {
        ureq::Error::TooManyRedirects => FetchError::Redirects,
        ureq::Error::RequireHttpsOnly(_) => FetchError::Insecure,
        ureq::Error::Timeout(ureq::Timeout::RecvResponse | ureq::Timeout::PerRead) => {
            FetchError::Stalled { seconds: patience.stall.as_secs(), done: Size::bytes(from) }
        }
        error => FetchError::Connect(error.to_string()),
    })?;
    let status = response.status();
    if matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Ok(response);
    }
    let who = response.get_uri().host().unwrap_or(url.host()).to_owned();
    Err(FetchError::Status { who, status })
}

/// A short text of a server's, so that a terminal shows it and does not obey it.
fn harmless_text(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_default).collect()
}
