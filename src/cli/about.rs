//! The program's descriptions of itself: the schema of a cloud's file, completions for a shell, the manual page.

use clap::builder::{PossibleValuesParser, Resettable};
use clap::{Arg, Command, Id};
use clap_complete::Shell;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use crate::file::RoleKinds;

/// `schema`: the JSON Schema of a cloud's file.
pub(super) fn schema(roles: &RoleKinds, io: &mut Io<'_>) -> Result<u8, Failure> {
    io.json(&roles.schema())?;
    Ok(DONE)
}

/// `completions SHELL`: a script for the shell. It knows the names of the cloud's machines and networks.
pub(super) fn completions(
    shell: Shell,
    cloud: Option<&Cloud>,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let mut script = Vec::new();
    let mut command = visible(&args.clap, &[]);
    if let Some(checked) = cloud.and_then(|cloud| cloud.check().ok()) {
        command = with_names(command, &checked);
    }
    clap_complete::generate(shell, &mut command, &args.program, &mut script);
    io.out(String::from_utf8_lossy(&script))?;
    Ok(DONE)
}

/// The command without hidden options: clap's scripts would complete them too.
fn visible(command: &Command, from_above: &[Arg]) -> Command {
    let hidden: Vec<&Id> = command.get_arguments().filter(|one| one.is_hide_set()).map(Arg::get_id).collect();
    let own: Vec<Arg> = command.get_arguments().filter(|one| !one.is_hide_set()).cloned().collect();
    let is_own = |id: &Id| own.iter().any(|one| one.get_id() == id);
    let handed = from_above.iter().filter(|one| !hidden.contains(&one.get_id()) && !is_own(one.get_id()));
    let all: Vec<Arg> = own.iter().chain(handed).cloned().collect();
    let down: Vec<Arg> = all.iter().filter(|one| one.is_global_set()).cloned().collect();
    let mut shown = Command::new(command.get_name().to_owned())
        .about(Resettable::from(command.get_about().cloned()))
        .hide(command.is_hide_set())
        .args(all.into_iter().map(|one| one.global(false)));
    if let Some(version) = command.get_version() {
        shown = shown.version(version.to_owned());
    }
    shown.subcommands(command.get_subcommands().map(|below| visible(below, &down)))
}

/// Completes the machine names of a cloud wherever an option or argument takes one.
fn with_names(command: Command, checked: &Checked) -> Command {
    let machines = || checked.machines().iter().map(|machine| machine.name.to_string());
    let networks = checked.networks().iter().map(|network| format!("network/{}", network.name));
    let nouns: Vec<String> = machines().map(|name| format!("machine/{name}")).chain(networks).collect();
    let with_all: Vec<String> = machines().chain(["all".to_owned()]).collect();
    let machines: Vec<String> = machines().collect();
    named(
        command,
        &[
            ("replace", &machines),
            ("delete_data", &with_all),
            ("leave_data", &machines),
            ("only", &nouns),
            ("to", &machines),
            ("machine", &machines),
        ],
    )
}

/// Gives these values to the arguments with these ids, in subcommands too.
fn named(command: Command, values: &[(&str, &[String])]) -> Command {
    let command = command.mut_args(|argument| {
        let known = values.iter().find(|(id, _)| argument.get_id() == *id);
        // `convert` chooses its language by an argument of the same id.
        match known.filter(|_| argument.get_possible_values().is_empty()) {
            Some((_, names)) => argument.value_parser(PossibleValuesParser::new(names.iter().cloned())),
            None => argument,
        }
    });
    command.mut_subcommands(|command| named(command, values))
}

/// `man`: the page of the manual, for `man -l -`.
pub(super) fn manual(args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let mut page = Vec::new();
    let written = |error: std::io::Error| Failure::new(format!("failed to write the page: {error}"));
    let command = args.clap.clone().bin_name(args.program.clone());
    let commands: Vec<Command> =
        command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    clap_mangen::Man::new(command).title(args.program.clone()).render(&mut page).map_err(written)?;
    for command in commands {
        let title = format!("{} {}", args.program, command.get_name());
        let man = clap_mangen::Man::new(command.disable_help_flag(true));
        let mut section = Vec::new();
        man.render_description_section(&mut section).map_err(written)?;
        man.render_options_section(&mut section).map_err(written)?;
        page.extend_from_slice(format!(".SH \"{}\"\n", title.to_uppercase()).as_bytes());
        // Each subcommand's page becomes a section of this page.
        page.extend_from_slice(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").as_bytes());
    }
    io.out(String::from_utf8_lossy(&page))?;
    Ok(DONE)
}
