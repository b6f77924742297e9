//! A folder in which commands run, and the clouds of these tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use fmc::cli::{Io, run};
use fmc::prelude::*;
use tempfile::TempDir;

/// A folder, an environment, and the answers to questions.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) answer: Option<&'static str>,
    /// Whether an apply is interrupted at the first opportunity.
    pub(crate) impatient: bool,
}

/// The exit code of a command, and its output.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: BTreeMap::new(), answer: None, impatient: false }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command. Arguments are separated by spaces; those with a space are in quotes.
    pub(crate) fn run(&self, cloud: Cloud, arguments: &str) -> Ran {
        let quoted = arguments.split('\'').enumerate();
        let arguments = quoted.flat_map(|(at, part)| -> Vec<&str> {
            if at % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
        });
        let arguments: Vec<OsString> = ["program"].into_iter().chain(arguments).map(OsString::from).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = self.answer.map(str::as_bytes);
        let environment = self.environment.clone();
        let mut io = Io {
            input: input.as_mut().map(|input| input as &mut dyn BufRead),
            folder: self.path().to_owned(),
            environment: Arc::new(move |name: &str| environment.get(name).map(OsString::from)),
            interrupt: &|interrupt| {
                if self.impatient {
                    interrupt.stop.stop();
                }
            },
            ..Io::new(&mut out, &mut err)
        };
        let code = run(cloud, arguments, &mut io);
        Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    /// Runs a command that must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn done(&self, cloud: Cloud, arguments: &str) -> String {
        let ran = self.run(cloud, arguments);
        assert_eq!(ran.code, 0, "{arguments}: {ran:?}");
        ran.out
    }

    /// Runs a command that must end with this code and without an error, and gives its standard output.
    #[track_caller]
    pub(crate) fn ends(&self, cloud: Cloud, arguments: &str, code: u8) -> String {
        let ran = self.run(cloud, arguments);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{arguments}: {ran:?}");
        ran.out
    }

    /// Runs a command that must fail with this code and these words in its error.
    #[track_caller]
    pub(crate) fn fails(&self, cloud: Cloud, arguments: &str, code: u8, says: &[&str]) {
        let ran = self.run(cloud, arguments);
        assert_eq!(ran.code, code, "{arguments}: {ran:?}");
        for words in says {
            assert!(ran.err.contains(words), "{arguments} does not say {words:?}: {ran:?}");
        }
        assert!(!ran.err.contains(": failed to failed"), "{ran:?}");
    }
}

/// A network and two machines, one of them with data.
pub(crate) fn cloud() -> Cloud {
    Cloud::new("first")
        .host(Host::local().memory(16.gib()).topology(1, 4, 2))
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(machine("web", "10.17.3.10"))
        .machine(machine("db", "10.17.3.11").disk(Disk::new("data", 5.gib())))
}

pub(crate) fn machine(name: &str, address: &str) -> Machine {
    Machine::new(name, Image::blank())
        .memory(1.gib())
        .root_disk(2.gib())
        .interface(Interface::on("lab").address(address))
}

/// A cloud that the check refuses: one address is outside of its network.
pub(crate) fn refused() -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(machine("web", "10.17.4.10"))
}
