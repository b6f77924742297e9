//! `host NAME`: the files of a cloud on a host itself, and their installation.
//!
//! An installation may cut the host off: a bridge takes over the address of its interface. So a job on the host undoes all of it
//! after a while, and only a new connection, made after the change, ends that job.

mod remote;
mod side;

use std::thread;
use std::time::{Duration, Instant};

use clap::Subcommand;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::host_side::{self, HostSide};
use fmc_core::nearest::nearest;

use self::remote::Remote;
use self::side::Change;
use super::args::Args;
use super::check;
use super::connect;
use super::failure::Failure;
use super::io::Io;
use super::style::{BAD, CHANGE, GOOD, Paint, STRONG};
use super::{DONE, PENDING};

/// What to do with the files of a host.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Installs them: shows what changes there, asks, and undoes it unless the host answers afterwards
    Install {
        /// Only shows what differs; ends with 2 if something does
        #[arg(long, conflicts_with = "undo")]
        check: bool,
        /// Undoes an installation that was neither confirmed nor undone, as after a restart of the host in the middle of it
        #[arg(long)]
        undo: bool,
        /// After how many seconds the host undoes the installation unless a new connection answers
        #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(10..=3600))]
        undo_after: u32,
    },
}

/// How long to wait between two looks at a host that changes.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(
    cloud: &Cloud,
    name: &str,
    command: Option<&Command>,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let side = side_of(&checked, name)?;
    let Some(Command::Install { check, undo, undo_after }) = command else { return show(&side, io) };
    let uri = connect::uri_of(&checked, &side.host, args)?.ok_or_else(|| {
        Failure::usage(format!("{name} is simulated, and a simulation has no network of its own"))
            .help("say where the hosts are: --connect hosts")
    })?;
    let remote = Remote::of(&uri, &checked, &side, *undo_after)?;
    if *undo {
        remote.undo()?;
        io.show(format_args!("{name}: undone\n"))?;
        return Ok(DONE);
    }
    let seen = remote.look()?;
    seen.may_install(&side)?;
    let changes = side::changes(&side, &seen)?;
    let is_active = seen.is_active(&side);
    if changes.is_empty() && is_active {
        io.show(format_args!("{name} is as the cloud says: nothing to install\n"))?;
        return Ok(DONE);
    }
    io.tell(shown(&side, &changes, io))?;
    if *check {
        return Ok(PENDING);
    }
    super::apply::agreed("install", &format!("{name} ({uri})"), args, io)?;
    install(&remote, &side, &changes, *undo_after, io)
}

fn side_of(checked: &Checked, name: &str) -> Result<HostSide, Failure> {
    let host = checked.hosts().iter().find(|host| host.name == *name).ok_or_else(|| {
        let failure = Failure::usage(format!("the cloud has no host `{name}`"));
        match nearest(name, checked.hosts().iter().map(|host| host.name.as_str())) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("`check` shows its hosts"),
        }
    })?;
    Ok(host_side::of_host(checked, host))
}

fn show(side: &HostSide, io: &mut Io<'_>) -> Result<u8, Failure> {
    if side.files.is_empty() {
        io.show(format_args!(
            "{} needs no files: it has no routed network, and fmc makes none of its bridges\n",
            side.host
        ))?;
        return Ok(DONE);
    }
    for (index, file) in side.files.iter().enumerate() {
        let space = if index == 0 { "" } else { "\n" };
        io.out(format_args!("{space}==> {} ({:04o})\n{}", file.path, file.mode, file.text))?;
    }
    Ok(DONE)
}

/// What an installation would change, for people.
fn shown(side: &HostSide, changes: &[Change], io: &Io<'_>) -> String {
    let colour = io.colour_out;
    let mut text = format!("{}\n", Paint(format!("On {}:", side.host), STRONG, colour));
    for change in changes {
        let (sign, style, what) = match (&change.old, &change.new) {
            (None, _) => ("+", GOOD, "new"),
            (Some(_), Some(_)) => ("~", CHANGE, "changed"),
            (Some(_), None) => ("-", BAD, "removed"),
        };
        text += &format!("  {} {}  {what}\n", Paint(sign, style, colour), change.path);
        for line in change.diff() {
            let style = if line.starts_with('+') { GOOD } else { BAD };
            text += &format!("      {}\n", Paint(line, style, colour));
        }
    }
    for taken in &side.taken {
        text += &format!(
            "  {} becomes a port of {}, which takes its place: its IPv4 address is `{}`\n",
            taken.interface, taken.bridge, taken.address
        );
    }
    if changes.is_empty() {
        text += "  the files are there, and are loaded again\n";
    }
    text
}

fn install(
    remote: &Remote<'_>,
    side: &HostSide,
    changes: &[Change],
    undo_after: u32,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    remote.begin(changes)?;
    let host = &side.host;
    io.err(format_args!(
        "{host} changes, and undoes it after {undo_after} s unless a new connection answers\n"
    ));
    let begins = Instant::now();
    let most = Duration::from_secs(u64::from(undo_after));
    let mut last = "no new connection was made".to_owned();
    while begins.elapsed() < most {
        thread::sleep(PAUSE);
        match remote.confirm() {
            Ok(said) if said == "confirmed" => {
                io.show(format_args!("{host} is installed: a new connection answers\n"))?;
                return Ok(DONE);
            }
            Ok(said) if said == "undone" => break,
            Ok(said) => match said.strip_prefix("failed ") {
                Some(why) => {
                    remote.undo()?;
                    return Err(Failure::new(format!("{host}: {why}: it was undone")));
                }
                None => last = said.strip_prefix("wait ").unwrap_or(&said).to_owned(),
            },
            Err(why) => last = why,
        }
    }
    Err(Failure::new(format!(
        "{host} did not answer in {undo_after} s as it should: it undoes the change itself; last: {last}"
    ))
    .help("`host NAME install --check` shows what is there now"))
}
