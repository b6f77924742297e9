//! What the program says of itself: the schema of a cloud's file, completions of a shell, the page of the manual.

use clap_complete::Shell;

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

/// `completions SHELL`: a script for the shell.
pub(super) fn completions(shell: Shell, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args.clap.clone(), &args.program, &mut script);
    io.out(String::from_utf8_lossy(&script))?;
    Ok(DONE)
}

/// `man`: the page of the manual, for `man -l -`.
pub(super) fn manual(args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let mut page = Vec::new();
    let written = |error: std::io::Error| Failure::new(format!("failed to write the page: {error}"));
    let command = args.clap.clone().bin_name(args.program.clone());
    let commands: Vec<clap::Command> =
        command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    clap_mangen::Man::new(command).title(args.program.clone()).render(&mut page).map_err(written)?;
    for command in commands {
        let title = format!("{} {}", args.program, command.get_name());
        let man = clap_mangen::Man::new(command.disable_help_flag(true));
        let mut section = Vec::new();
        man.render_description_section(&mut section).map_err(written)?;
        man.render_options_section(&mut section).map_err(written)?;
        page.extend_from_slice(format!(".SH \"{}\"\n", title.to_uppercase()).as_bytes());
        // Sections of a page of its own are headings within this one.
        page.extend_from_slice(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").as_bytes());
    }
    io.out(String::from_utf8_lossy(&page))?;
    Ok(DONE)
}
