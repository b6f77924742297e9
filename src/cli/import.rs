//! `import butane FILE`: what somebody has already, as a guest.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use fmc_core::guest::Guest;
use fmc_core::ignition::{self, LocalFiles, LocalNode, NoFiles};
use serde::Serialize;

use super::args::Language;
use super::failure::Failure;
use super::io::Io;
use super::style::{Paint, WARN};
use super::{DONE, PENDING};
use crate::file::{Syntax, fragment};
use crate::files::Files;

/// The commands that import.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Prints a config of Butane or Ignition as the guest of a machine. What the guest cannot say is listed, and ends it with 2
    Butane {
        /// The config: of Butane in YAML, or of Ignition in JSON; `-` for standard input
        file: PathBuf,
        /// The language of the guest
        #[arg(long = "as", value_enum, value_name = "LANGUAGE", default_value = "yaml")]
        to: Language,
        /// The folder that the config's local files and trees are in. Without it none is read
        #[arg(long, value_name = "DIR")]
        files_dir: Option<PathBuf>,
    },
}

/// A guest below its key, as it stands in a machine of a file.
#[derive(Serialize)]
struct Below<'g> {
    guest: &'g Guest,
}

pub(super) fn run(command: &Command, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Command::Butane { file, to, files_dir } = command;
    let text = read(file, io)?;
    let syntax = if file.extension().is_some_and(|end| end == "ign" || end == "json") {
        Syntax::Json
    } else {
        Syntax::Yaml
    };
    let config = fragment(&text, syntax)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", file.display())))?;
    let imported = match files_dir {
        Some(folder) => ignition::import(&config, &Folder::new(io.folder.join(folder))),
        None => ignition::import(&config, &NoFiles),
    };
    io.out(said(&imported.guest, *to)?)?;
    for left in &imported.left {
        io.err(format_args!("{}: {left}\n", Paint("not imported", WARN, io.colour_err)));
    }
    Ok(if imported.left.is_empty() { DONE } else { PENDING })
}

/// The most bytes of a config, and of a file that it takes in.
const MOST_BYTES: u64 = 16 << 20;

fn read(file: &Path, io: &Io<'_>) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("failed to read {}: {error}", file.display()));
    if file.as_os_str() != "-" {
        return Files::anywhere(&io.folder).text(file).map_err(failed);
    }
    let mut text = String::new();
    std::io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(failed(std::io::Error::other("it has more than 16 MiB")));
    }
    Ok(text)
}

fn said(guest: &Guest, to: Language) -> Result<String, Failure> {
    let below = Below { guest };
    Ok(match to {
        Language::Rust => {
            let guest =
                guest.to_rust().map_err(|unsaid| Failure::new(format!("Rust has no setter for {unsaid}")))?;
            format!("use fmc::prelude::*;\n\nfn guest() -> Guest {{\n    {guest}\n}}\n")
        }
        Language::Yaml => serde_saphyr::to_string(&below).map_err(|error| Failure::to(error.to_string()))?,
        Language::Toml => toml::to_string_pretty(&below).map_err(|error| Failure::to(error.to_string()))?,
        Language::Json => {
            serde_json::to_string_pretty(&below).map_err(|error| Failure::to(error.to_string()))? + "\n"
        }
    })
}

/// The files of a folder that a person named. No path leads out of it.
struct Folder {
    folder: PathBuf,
    files: Files,
}

/// The most files of a tree, and how deep it may be.
const MOST: usize = 10_000;
const DEEPEST: usize = 32;

impl Folder {
    fn new(folder: PathBuf) -> Self {
        Self { files: Files::below(&folder), folder }
    }

    /// Adds the files below a folder, by their paths below the tree.
    fn walk(
        &self,
        below: &Path,
        path: &str,
        depth: usize,
        nodes: &mut Vec<(String, LocalNode)>,
    ) -> Result<(), String> {
        let said = |error: std::io::Error| format!("is not read: {error}");
        if depth > DEEPEST {
            return Err(format!("is not read: it is more than {DEEPEST} folders deep"));
        }
        let mut entries: Vec<_> =
            fs::read_dir(self.folder.join(below)).map_err(said)?.collect::<Result<_, _>>().map_err(said)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                return Err("is not read: the name of a file in it is not text".to_owned());
            };
            let (here, path) = (below.join(&name), format!("{path}{name}"));
            // A link is not followed here, so that the tree stays below its folder.
            let kind = entry.file_type().map_err(said)?;
            if kind.is_dir() {
                self.walk(&here, &format!("{path}/"), depth + 1, nodes)?;
                continue;
            }
            let node = if kind.is_symlink() {
                let target = fs::read_link(entry.path()).map_err(said)?;
                LocalNode::Link(target.to_str().unwrap_or_default().to_owned())
            } else {
                let (content, is_program) = self.content(&here).map_err(said)?;
                LocalNode::File { content, is_program }
            };
            nodes.push((path, node));
            if nodes.len() > MOST {
                return Err(format!("is not read: it has more than {MOST} files"));
            }
        }
        Ok(())
    }

    fn content(&self, path: &Path) -> std::io::Result<(Vec<u8>, bool)> {
        let file = self.files.open(path)?;
        let is_program = is_program(&file.metadata()?);
        let mut content = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MOST_BYTES {
            return Err(std::io::Error::other("it has more than 16 MiB"));
        }
        Ok((content, is_program))
    }
}

#[cfg(unix)]
fn is_program(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_program(_: &fs::Metadata) -> bool {
    false
}

impl LocalFiles for Folder {
    fn file(&self, path: &str) -> Result<Vec<u8>, String> {
        let read = self.content(path.as_ref());
        read.map(|(content, _)| content).map_err(|error| format!("is not read: {error}"))
    }

    fn tree(&self, path: &str) -> Result<Vec<(String, LocalNode)>, String> {
        let said = |error: std::io::Error| format!("is not read: {error}");
        let folder = self.folder.canonicalize().map_err(said)?;
        let real = folder.join(path).canonicalize().map_err(said)?;
        let Ok(below) = real.strip_prefix(&folder) else {
            return Err("is not read: it is outside the folder for local files".to_owned());
        };
        let mut nodes = Vec::new();
        self.walk(below, "", 0, &mut nodes)?;
        Ok(nodes)
    }
}
