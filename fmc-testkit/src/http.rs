//! A web server of a test's own, which misbehaves as the test asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The parts of a request that a test decides by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The path, with a query if it has one.
    pub path: String,
    /// The first byte of the requested range, from a `Range` header.
    pub from: Option<usize>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sent: usize,
    stalls: bool,
    trickles: Option<Duration>,
}

/// A server on a port of this machine, for the time of a test.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Reply {
    /// A file.
    #[must_use]
    pub fn file(body: &[u8]) -> Self {
        Self::status("200 OK", body).header("Content-Type", "application/octet-stream")
    }

    /// The rest of a file from a byte on, or all of it.
    #[must_use]
    pub fn part(body: &[u8], from: Option<usize>) -> Self {
        let Some(from) = from else { return Self::file(body) };
        let Some(rest) = body.get(from..).filter(|rest| !rest.is_empty()) else {
            return Self::status("416 Range Not Satisfiable", b"");
        };
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        Self::status("206 Partial Content", rest).header("Content-Range", range)
    }

    /// Any answer with a body.
    #[must_use]
    pub fn status(status: &str, body: &[u8]) -> Self {
        Self {
            status: status.to_owned(),
            headers: Vec::new(),
            body: body.to_vec(),
            sent: body.len(),
            stalls: false,
            trickles: None,
        }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::status("302 Found", b"").header("Location", to)
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sends only so many bytes of the body before it closes the connection.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.sent = bytes.min(self.body.len());
        self
    }

    /// Sends only so many bytes of the body, then nothing until the client gives up.
    #[must_use]
    pub fn stall_after(mut self, bytes: usize) -> Self {
        self.stalls = true;
        self.cut_after(bytes)
    }

    /// Sends the body byte by byte, with this pause between two of them.
    #[must_use]
    pub fn trickle(mut self, pause: Duration) -> Self {
        self.trickles = Some(pause);
        self
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let is_told = self.headers.iter().any(|(name, _)| name == "Content-Length");
        let length = if is_told { String::new() } else { format!("Content-Length: {}\r\n", self.body.len()) };
        let head = format!("HTTP/1.1 {}\r\n{headers}{length}Connection: close\r\n\r\n", self.status);
        stream.write_all(head.as_bytes())?;
        let body = self.body.get(..self.sent).unwrap_or_default();
        match self.trickles {
            None => stream.write_all(body)?,
            Some(pause) => body.chunks(1).try_for_each(|byte| {
                thread::sleep(pause);
                stream.write_all(byte)
            })?,
        }
        stream.flush()?;
        if self.stalls {
            // It ends when the client closes the connection.
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}

impl Server {
    /// Starts a server that answers in this way. It answers each connection once, on a thread of its own.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    #[expect(clippy::expect_used, reason = "what the test stands on")]
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let address = listener.local_addr().expect("the port it listens on");
        let (requests, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read(&stream) else { return };
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                    // Some tests are about clients that disconnect, so an error here is not a failure.
                    let _ = answer(&request).send(&mut stream);
                });
            }
        });
        Self { address, requests }
    }

    /// The address of a path on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let value = |name: &str| {
        let of = |line: &String| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        headers.iter().rev().find_map(of)
    };
    let from = value("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    Some(Request { path, from, authorization: value("authorization") })
}
