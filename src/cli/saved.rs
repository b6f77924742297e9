//! `plan --out FILE` and `apply FILE`: a plan in a file of mode 0600, which is either complete or unchanged.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use fmc_core::graph::DeleteData;

use super::args::Args;
use super::connect::World;
use super::failure::Failure;
use super::io::Io;
use crate::file::Syntax;
use crate::plan::Plan;
use crate::saved::{Saved, SavedError, SavedHost};

/// The greatest length of a file that is read: a plan of 100,000 machines takes a tenth of it.
const LONGEST: u64 = 1 << 30;

/// Writes a plan into a new file, or replaces a plan in a file.
pub(super) fn write(
    plan: &Plan,
    world: &World,
    path: &Path,
    args: &Args,
    io: &Io<'_>,
) -> Result<(), Failure> {
    let saved = Saved::of(plan).set(args.set.iter().map(ToString::to_string));
    let saved = world.on.iter().fold(saved, |saved, (host, uri)| saved.on(host.as_str(), uri));
    let at = io.folder.join(path);
    match text(&at).map(|text| text.parse::<Saved>()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(Ok(_) | Err(SavedError::Version { .. } | SavedError::Altered)) => {}
        Ok(Err(_)) => {
            return Err(Failure::new(format!(
                "failed to write the plan: {} holds something else",
                path.display()
            ))
            .help("name a new file, or one that `plan --out` wrote"));
        }
        Err(error) => return Err(failed("write", path, &error)),
    }
    replace(&at, saved.to_json().as_bytes()).map_err(|error| failed("write", path, &error))
}

/// Reads a plan, and restores the arguments that it was made with.
pub(super) fn read(path: &Path, of_file: bool, args: &mut Args, io: &Io<'_>) -> Result<Saved, Failure> {
    if of_file && Syntax::of(path).is_some_and(|format| format != Syntax::Json) {
        let path = path.display();
        return Err(Failure::usage(format!(
            "`apply FILE` runs a plan that `plan --out FILE` wrote, and {path} is named like a cloud"
        ))
        .help(format!("the cloud's file is named by an option: `{} -f {path} apply`", args.program)));
    }
    let text = text(&io.folder.join(path)).map_err(|error| failed("read", path, &error))?;
    let saved: Saved = text.parse().map_err(|error: SavedError| {
        let path = path.display();
        Failure::to(error).help(format!("it is {path}; a cloud is applied by `-f {path} apply`"))
    })?;
    let chosen = [
        ("--lab", args.lab),
        ("--replace", !args.replace.is_empty()),
        ("--delete-data", !args.delete_data.is_empty()),
        ("--leave-data", !args.leave_data.is_empty()),
        ("--force-conflicts", !args.force_conflicts.is_empty()),
        ("--only", !args.only.is_empty()),
    ];
    if let Some((option, _)) = chosen.iter().find(|(_, chosen)| *chosen) {
        return Err(Failure::usage(format!(
            "{option} chooses what is planned, and the plan of the file is made"
        ))
        .help(format!("leave it out, or plan again: `plan {option} --out FILE`")));
    }
    let set: Vec<String> = args.set.iter().map(ToString::to_string).collect();
    if set != saved.set_paths() {
        let paths: Vec<String> = saved.set_paths().iter().map(|path| format!("--set {path}=…")).collect();
        let again = if paths.is_empty() { "no --set".to_owned() } else { paths.join(" ") };
        return Err(Failure::usage("the plan was made with other values set in the cloud")
            .help(format!("give them again in this order, because a saved plan stores no values: {again}")));
    }
    let choices = saved.choices();
    args.lab = saved.is_lab();
    args.replace = choices.replace.into_iter().collect();
    args.leave_data = choices.leave_data.into_iter().collect();
    args.force_conflicts = choices.force_conflicts.into_iter().collect();
    args.only = choices.only.into_iter().collect();
    args.delete_data = match choices.delete_data {
        DeleteData::None => Vec::new(),
        DeleteData::Of(machines) => machines.into_iter().collect(),
        DeleteData::All => vec!["all".to_owned()],
    };
    if args.connect.is_empty() {
        let where_each = saved.hosts().iter().map(|SavedHost { host, uri }| format!("{host}={uri}"));
        args.connect = where_each.collect();
    }
    Ok(saved)
}

/// The command that applies a plan of a file, for a shell: with the options of this command that the file does not keep.
pub(super) fn apply_again(out: &Path, world: &World, args: &Args) -> String {
    let mut words = vec!["apply".to_owned(), out.display().to_string()];
    words.extend(args.cloud_options.iter().cloned());
    for set in &args.set {
        words.extend(["--set".to_owned(), set.argument().to_owned()]);
    }
    // The file keeps where each host is. Where further providers are simulated follows from that of the only host, or from the option.
    if !args.further().is_empty() && world.has_several_hosts() {
        words.extend(args.connect.iter().flat_map(|uri| ["--connect".to_owned(), uri.clone()]));
    }
    if let Some(key) = &args.root_key {
        words.extend(["--root-key".to_owned(), key.display().to_string()]);
    }
    // A program's name may be several words of its own command.
    let quoted = words.iter().map(|word| shlex::try_quote(word).unwrap_or_else(|_| word.into()));
    quoted.fold(args.program.clone(), |command, word| command + " " + &word)
}

/// Refuses the plan of a file unless it equals the new plan for the same hosts.
pub(super) fn compare(saved: &Saved, plan: &Plan, world: &World) -> Result<(), Failure> {
    let place = |hosts: &mut dyn Iterator<Item = (&str, &str)>| {
        hosts.map(|(host, uri)| format!("{host} on {uri}")).collect::<Vec<_>>().join(", ")
    };
    let theirs = place(&mut saved.hosts().iter().map(|host| (&*host.host, &*host.uri)));
    let ours = place(&mut world.on.iter().map(|(host, uri)| (host.as_str(), uri.as_str())));
    if theirs != ours {
        return Err(Failure::to(SavedError::Another { theirs, ours }).help("nothing was done"));
    }
    saved.is_still(plan).map_err(|error| Failure::to(error).help("nothing was done"))
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is too long for a plan"));
    }
    // Text that is not UTF-8 is refused as a plan below.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file that only its owner can read beside its place, and moves it there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_as(path, bytes, 0o600)
}

/// The same for a file with these permissions, as far as the user's mask leaves them.
pub(super) fn replace_as(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path);
    let written = made(&new, mode).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    });
    if written.is_err() {
        // Remove the incomplete file.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has permissions"))]
fn made(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.new-{}", std::process::id()))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("failed to {what} {}: {error}", path.display()))
}
