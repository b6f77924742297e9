//! `dns export --out DIR`: the zones of the cloud as files, one for each. `dns verify`: what their servers answer.

#[cfg(feature = "dns")]
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::dns::zones_of;
use serde::Serialize;

use super::DONE;
#[cfg(feature = "dns")]
use super::PENDING;
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
    /// Asks the servers for every record, by UDP and by TCP, and shows what differs; ends with 2 if anything does
    #[cfg(feature = "dns")]
    Verify,
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
    let checked = check::checked(cloud, args, io)?;
    if checked.dns().is_none() {
        return Err(Failure::new(format!("the cloud {} has no DNS of its own", checked.name()))
            .help("give it `dns`, with a server or with the name servers of its zones; `dns: {}` alone says which zones follow from it"));
    }
    match command {
        Command::Export { out } => export(&checked, out, args, io),
        #[cfg(feature = "dns")]
        Command::Verify => verify(&checked, args, io),
    }
}

/// Asks the servers, also those of a simulated cloud: what they answer to everyone.
#[cfg(feature = "dns")]
fn verify(checked: &Checked, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let verified = crate::providers::verify_dns(checked);
    if args.json {
        io.json(&verified)?;
    } else {
        let mut unanswered: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
        for wrong in verified.wrong.iter().filter(|wrong| wrong.unanswered) {
            *unanswered.entry((&wrong.server, wrong.by, wrong.found.join(", "))).or_default() += 1;
        }
        for ((server, by, cause), number) in unanswered {
            let sets = count(number, "record set");
            io.show(format_args!("{sets} at {server} by {by}: {cause}\n"))?;
        }
        for wrong in verified.wrong.iter().filter(|wrong| !wrong.unanswered) {
            let (name, kind, by, server) = (&wrong.name, &wrong.kind, wrong.by, &wrong.server);
            let (found, wanted) = (wrong.found.join(", "), wrong.wanted.join(", "));
            io.show(format_args!("{name} {kind} at {server} by {by}: {found}; wanted: {wanted}\n"))?;
        }
        for zone in &verified.unasked {
            io.show(format_args!("{zone} is not asked for: no server of the cloud has it\n"))?;
        }
        if !verified.wrong.is_empty() {
            io.show("This asked the servers at their addresses; a simulation has none.\n")?;
        }
        let asked = count(verified.asked, "record set");
        let wrong = count(verified.wrong.len(), "difference");
        io.show(format_args!("{asked} of {} asked for by UDP and TCP: {wrong}\n", checked.name()))?;
    }
    Ok(if verified.wrong.is_empty() { DONE } else { PENDING })
}

fn export(checked: &Checked, out: &Path, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let folder = io.folder.join(out);
    fs::create_dir_all(&folder).map_err(|error| failed("make the folder", out, &error))?;
    let mut all = Vec::new();
    for zone in zones_of(checked) {
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
