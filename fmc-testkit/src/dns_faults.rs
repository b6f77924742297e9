//! A DNS server that gives its zone away wrongly: unsigned, cut, with another SOA, at another time.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::program::{command, python};
use crate::tree::{or_panic, scratch, write};

const SERVER: &str = include_str!("dns_faults.py");

/// The bytes of its key in base64: it takes any name for it.
pub const SECRET: &str = "b2YgYSB0ZXN0";

/// Every fault, with the words that an error about it has; without words the zone is right all the same.
pub const FAULTS: &[(&str, Option<&str>)] = &[
    ("unsigned-between", None),
    (
        "too-many-unsigned",
        Some("more than 99 messages of the transfer follow each other without a signature"),
    ),
    ("last-unsigned", Some("the last message of the transfer is not signed")),
    ("unsigned", Some("it is not signed")),
    ("forged", Some("its answer is not to be trusted")),
    ("other-soa", Some("begins and ends with different SOA records")),
    ("soa-of-another-zone", Some("the SOA record of another zone")),
    ("no-soa", Some("does not begin with the zone's SOA record")),
    ("empty", Some("begins with a message without records")),
    ("cut", Some("the transfer ends before its last SOA record")),
    ("notauth", Some("it answers NOTAUTH")),
    ("refused", Some("it answers REFUSED")),
    ("badtime", Some("its clock and ours differ by 1000 s")),
    ("no-dns", Some("closed the connection")),
    ("loop", Some("a record of the transfer cannot be read")),
];

/// Every fault of an update of a zone that is transferred rightly, with the words that the error about it has.
pub const UPDATE_FAULTS: &[(&str, &str)] = &[
    ("update-notauth", "it answers NOTAUTH"),
    ("update-badtime", "its clock and ours differ by 1000 s"),
    ("update-refused", "it answers REFUSED"),
    ("update-changed", "changed since the plan"),
    ("update-unsigned", "it is not signed"),
    ("update-forged", "its answer is not to be trusted"),
    ("update-cut", "closed the connection"),
];

/// A server with a fault. It ends with the value.
pub struct Faulty {
    port: u16,
    child: Child,
}

impl Faulty {
    /// Starts one with a fault of [`FAULTS`] or [`UPDATE_FAULTS`].
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(fault: &str) -> Self {
        let folder = scratch();
        let script = folder.path().join("dns_faults.py");
        write(&script, SERVER.as_bytes());
        let mut serve = command(&python());
        serve.arg(&script).args([fault, SECRET]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = or_panic(serve.spawn(), Path::new("python"));
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            or_panic(BufReader::new(out).read_line(&mut line), Path::new("python"));
        }
        let port = line.trim().parse().unwrap_or_default();
        assert_ne!(port, 0, "the server with the fault {fault} does not start");
        Self { port, child }
    }

    /// The port that it answers on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
