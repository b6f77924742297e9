//! A simulation that begins empty while another cloud's, or this one's under another name, is beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fmc_core::checked::Checked;
use fmc_core::name::HostName;

use super::super::args::Args;
use super::super::io::Io;
use super::super::style::{Paint, STRONG};
use super::Target;

/// The ending of a simulation's file.
const ENDING: &str = ".sim.json";

/// The most files that the note names.
const NAMED_MOST: usize = 5;

/// Says that a simulation begins empty, if others are there: a new name of the cloud gives it another owner, and so another file.
pub(super) fn say(checked: &Checked, targets: &BTreeMap<HostName, Target>, args: &Args, io: &mut Io<'_>) {
    // Whoever names a file means it, and a lab is a world of its own.
    if !args.connect.is_empty() || args.lab {
        return;
    }
    let files = || {
        targets.iter().filter_map(|(host, target)| match target {
            Target::Sim(file) => Some((host, file.as_path())),
            Target::Libvirt(_) => None,
        })
    };
    let Some((host, new)) = files().find(|(_, file)| !io.folder.join(file).exists()) else { return };
    let further = args.further();
    let is_of_provider = |name: &str| {
        let stem = name.strip_suffix(ENDING).unwrap_or(name);
        further.iter().any(|provider| stem.rsplit_once('.').is_some_and(|(_, end)| end == provider.name()))
    };
    let is_used = |name: &str| files().any(|(_, file)| file == Path::new(name)) || is_of_provider(name);
    let others = others(&io.folder, is_used);
    let owner = checked.owner();
    let ours = others.iter().find(|other| {
        let stem = other.strip_suffix(ENDING).unwrap_or(other);
        stem.strip_prefix(owner.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    let Some(first) = ours.or(others.first()) else { return };
    let head = Paint("note", STRONG, io.colour_err);
    io.err(format_args!("{head}: the simulation {} is not there yet and begins empty\n", new.display()));
    if let Some(ours) = ours {
        // The name of the file follows from the number of hosts.
        io.err(format_args!(
            "  {ours} is here, from when the cloud had other hosts: `--connect {host}=sim:{ours}` takes it for the host {host}\n"
        ));
        return;
    }
    let mut named = others.iter().take(NAMED_MOST).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = others.len().checked_sub(NAMED_MOST).filter(|more| *more > 0) {
        named += &format!(" and {more} more");
    }
    let stem = first.strip_suffix(ENDING).unwrap_or(first);
    let was = stem.split('.').next().unwrap_or(stem);
    let keep = if args.file.is_some() { format!("owner: {was}") } else { format!(".owner(\"{was}\")") };
    io.err(format_args!(
        "  Others are here: {named}. The file is named after the cloud's owner, which is its name, `{owner}`, unless the cloud \
         says another: if its name is new, `{keep}` keeps the objects that it has.\n"
    ));
}

/// The simulations of a folder, except those that the cloud uses.
fn others(folder: &Path, is_used: impl Fn(&str) -> bool) -> Vec<String> {
    // The current folder may be an empty path.
    let entries = fs::read_dir(Path::new(".").join(folder)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ENDING) && !is_used(name)).collect();
    names.sort_unstable();
    names
}
