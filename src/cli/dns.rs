//! `dns export --out DIR`: the zones of the cloud as files, one for each.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use fmc_core::cloud::Cloud;
use fmc_core::dns::zones_of;
use serde::Serialize;

use super::DONE;
use super::args::Args;
use super::check::{self, count};
use super::failure::Failure;
use super::io::Io;

/// The commands about the cloud's DNS.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Writes each zone of the cloud into a file of a folder, as DNS servers read it: DIR/ZONE.zone
    Export {
        /// The folder. It is made if there is none; files of other names in it stay
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// A zone that was written.
#[derive(Serialize)]
struct Written {
    zone: String,
    path: String,
    serial: u32,
    names: usize,
}

pub(super) fn run(command: &Command, cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Command::Export { out } = command;
    let checked = check::checked(cloud, args, io)?;
    if checked.dns().is_none() {
        return Err(Failure::new(format!("the cloud {} has no DNS of its own", checked.name()))
            .help("give it `dns`, with a server or with the name servers of its zones; `dns: {}` alone says which zones follow from it"));
    }
    let folder = io.folder.join(out);
    fs::create_dir_all(&folder).map_err(|error| failed("make the folder", out, &error))?;
    let mut all = Vec::new();
    for zone in zones_of(&checked) {
        let name = format!("{}.zone", zone.name.bare());
        fs::write(folder.join(&name), zone.file())
            .map_err(|error| failed("write", &out.join(&name), &error))?;
        all.push(Written {
            zone: zone.name.bare().to_owned(),
            path: out.join(&name).display().to_string(),
            serial: zone.serial(),
            names: zone.sets.len(),
        });
    }
    if args.json {
        io.json(&all)?;
    } else {
        let zones = count(all.len(), "zone");
        io.show(format_args!("{zones} of {} in {}\n", checked.name(), out.display()))?;
    }
    Ok(DONE)
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("failed to {what} {}: {error}", path.display()))
}
