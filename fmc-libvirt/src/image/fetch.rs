//! Downloading an image: once, into a folder. It is stored under its digest when it is complete and correct.
//!
//! When the connection ends early, the received bytes are kept in `DIGEST.part`, and the next download
//! continues after them. Two downloads of one image wait for each other at `DIGEST.lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

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

/// A mirror redirects to another one, which redirects to its nearest server. More redirects are a loop.
const REDIRECTS: u32 = 10;

/// Every image is larger; a shorter answer is an error message of the server.
const SMALLEST: u64 = 512;

/// The limit for a server that does not state a length.
const LARGEST: u64 = 64 << 30;

/// The space that stays free on the download folder's file system.
const RESERVE: u64 = 64 << 20;

/// The fewest bytes in a second, on average over the time after which a silent server is given up. A slower server would
/// take days, and one that sends a byte now and then would never end.
const SLOWEST: u64 = 4 << 10;

/// The pause between two looks whether another download is done.
const AGAIN: Duration = Duration::from_millis(200);

/// Why a download failed; fragments that follow its URL.
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
    /// The server cannot be reached, or does not speak HTTP.
    #[error("the server cannot be reached: {0}")]
    Connect(String),
    /// The answer does not begin, or stops.
    #[error("no data for {seconds} s (after {done}): apply again to continue from there")]
    Stalled {
        /// The timeout, in seconds.
        seconds: u64,
        /// The bytes received before.
        done: Size,
    },
    /// The answer comes too slowly.
    #[error(
        "only {came} came in {seconds} s (after {done}): apply again to continue from there, or use another mirror"
    )]
    Slow {
        /// The bytes received in this time.
        came: Size,
        /// The time, in seconds.
        seconds: u64,
        /// The bytes received in all.
        done: Size,
    },
    /// The answer is not a file.
    #[error("{who} answers {status} {reason}: correct the URL, or use another mirror")]
    Status {
        /// The server.
        who: String,
        /// The status of its answer (RFC 9110), as 404.
        status: u16,
        /// The status in words, as `Not Found`.
        reason: &'static str,
    },
    /// The server redirects too often.
    #[error("it is redirected more than {REDIRECTS} times: correct the URL, or use another mirror")]
    Redirects,
    /// A redirect leads to a connection that anyone on the way can read and change.
    #[error(
        "it is redirected from https to http: use another mirror, or write the URL with http if that is intended"
    )]
    Insecure,
    /// The answer is a web page.
    #[error("{who} answers with an HTML page ({content_type}; it begins with {begins}): correct the URL")]
    Html {
        /// The server.
        who: String,
        /// The stated content type.
        content_type: String,
        /// The first bytes, harmless to show.
        begins: String,
    },
    /// The answer is too short.
    #[error(
        "{who} answers with {length} bytes ({content_type}; they begin with {begins}), which is not an image"
    )]
    Small {
        /// The server.
        who: String,
        /// The length in bytes.
        length: u64,
        /// The stated content type.
        content_type: String,
        /// The first bytes, harmless to show.
        begins: String,
    },
    /// The connection ends too early.
    #[error("the connection ended after {done}{}: apply again to continue from there ({cause})", of(*.total))]
    Cut {
        /// The received bytes.
        done: Size,
        /// The expected bytes.
        total: Option<Size>,
        /// Why.
        cause: String,
    },
    /// The disk has too little space.
    #[error("it has {} and {} has {has} left: make room, or give another folder", .needs.map_or_else(|| "no length".to_owned(), |size| size.to_string()), .folder.display())]
    Room {
        /// The folder.
        folder: PathBuf,
        /// The needed space.
        needs: Option<Size>,
        /// The free space.
        has: Size,
    },
    /// The content is not the required one.
    #[error(
        "the downloaded file is {found}, not {expected}{note}: correct the digest, or use another mirror"
    )]
    Digest {
        /// The actual digest.
        found: Box<Digest>,
        /// The required digest.
        expected: Box<Digest>,
        /// Other irregularities.
        note: String,
    },
    /// The download was asked to stop.
    #[error("stopped")]
    Cancelled,
}

fn of(total: Option<Size>) -> String {
    total.map(|total| format!(" of {total}")).unwrap_or_default()
}

/// The progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchStep {
    /// Another download of the same image is under way.
    Waits,
    /// The number of received bytes, and the total.
    Bytes {
        /// Bytes so far.
        done: u64,
        /// The total, if the server states it.
        total: Option<u64>,
    },
}

/// Downloads an image unless it exists, and returns its path. `on` receives the progress, and stops the
/// download by returning `false`.
///
/// # Errors
///
/// The download failed. Received bytes are kept if they may be the beginning of the right file.
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
    // The holder of the lock may have downloaded it.
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
                    | FetchError::Slow { .. }
                    | FetchError::Connect(_)
                    | FetchError::Status { .. }
                    | FetchError::Cancelled
            );
            if !goes_on {
                // It is not the beginning of the right file, or it fills the disk.
                drop(fs::remove_file(&part));
            }
            Err(error)
        }
    }
}

/// The path of a downloaded image.
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

/// The received bytes and their hash.
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
            // The kept bytes belong to another file, or the server cannot continue them: once more, from the
            // beginning.
            Err(FetchError::Digest { .. }) if resumed => {}
            Err(FetchError::Status { status, .. })
                if resumed && status == StatusCode::RANGE_NOT_SATISFIABLE.as_u16() => {}
            fetched => return fetched,
        }
        self.empty(&mut part)?;
        self.bytes(&mut part)
    }

    fn disk(&self, cause: io::Error) -> FetchError {
        FetchError::Disk { path: self.part.to_owned(), cause }
    }

    /// The bytes kept from an earlier download.
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

    /// Requests the missing bytes and stores them.
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
        let (mut since, mut then) = (Instant::now(), part.length);
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
            let time = since.elapsed();
            if time >= self.patience.stall {
                let came = part.length - then;
                let is_whole = total == Some(part.length);
                if !is_whole && came < SLOWEST.saturating_mul(time.as_secs().max(1)) {
                    let [came, done] = [came, part.length].map(Size::bytes);
                    return Err(FetchError::Slow { came, seconds: time.as_secs(), done });
                }
                (since, then) = (Instant::now(), part.length);
            }
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
        ask(self.url, from, self.patience, None)
    }

    /// How many bytes may come; an error if there is too little space for the rest of the file.
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

/// Downloads a short text, as a list of checksums.
///
/// # Errors
///
/// It is not available, longer than `most` bytes, or not text.
pub fn text(url: &HttpUrl, patience: Patience, most: u64) -> Result<String, FetchError> {
    let response = ask(url, 0, patience, Some(patience.stall))?;
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

/// Requests a file from a byte on. `within` limits the time of the whole content.
fn ask(
    url: &HttpUrl,
    from: u64,
    patience: Patience,
    within: Option<Duration>,
) -> Result<Response<Body>, FetchError> {
    let config = Agent::config_builder()
        // An https URL must not lead to http.
        .https_only(url.is_https())
        .max_redirects(REDIRECTS)
        .http_status_as_error(false)
        // The digest is that of the file as published.
        .accept_encoding(AutoHeaderValue::Provided("identity".to_owned().into()))
        .user_agent(concat!("fmc/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .timeout_recv_body(within)
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
    let reason = status.canonical_reason().unwrap_or("<unknown status code>");
    Err(FetchError::Status { who, status: status.as_u16(), reason })
}

/// A short text of a server, escaped so that a terminal shows it instead of obeying it.
fn harmless_text(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_default).collect()
}
