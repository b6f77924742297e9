//! Which of fmc's flags each command uses. A flag may stand before or after the command. A command refuses a flag that it
//! does not use, and its help does not show it, so that no flag is silently without effect.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// The flags that only some commands use, by clap's names. A program's own commands and flags are not restricted.
const FLAGS: &[&str] = &[
    "lab",
    "set",
    "connect",
    "replace",
    "delete_data",
    "leave_data",
    "force_conflicts",
    "delete_all",
    "only",
    "root_key",
    "yes",
    "parallelism",
    "json",
    "cloud",
    "format",
];

/// The commands and the flags of each. A command below another one, as `images resolve`, has a row if it differs from that.
const USED: &[(&str, &[&str])] = &[
    // Of no use to it, and one line of a script may have it for `plan` and `apply` too.
    ("check", &["lab", "set", "root_key", "json", "cloud", "format"]),
    ("compile", &["lab", "set", "root_key", "json", "cloud", "format"]),
    (
        "plan",
        &[
            "lab",
            "set",
            "connect",
            "replace",
            "delete_data",
            "leave_data",
            "force_conflicts",
            "only",
            "root_key",
            "json",
            "cloud",
            "format",
        ],
    ),
    ("apply", FLAGS),
    (
        "destroy",
        &[
            "lab",
            "set",
            "connect",
            "delete_data",
            "only",
            "root_key",
            "yes",
            "parallelism",
            "json",
            "cloud",
            "format",
        ],
    ),
    // The root key opens the API of a cluster that the cloud makes.
    ("status", &["lab", "set", "connect", "root_key", "json", "cloud", "format"]),
    ("drift", &["lab", "set", "connect", "root_key", "json", "cloud", "format"]),
    ("ssh", &["lab", "set", "connect", "root_key", "cloud", "format"]),
    ("ssh-config", &["lab", "set", "connect", "root_key", "cloud", "format"]),
    ("console", &["lab", "set", "connect", "cloud", "format"]),
    ("host", &["lab", "set", "cloud", "format"]),
    ("host install", &["lab", "set", "connect", "yes", "cloud", "format"]),
    ("graph", &["lab", "set", "cloud", "format"]),
    ("kubeconfig", &["lab", "set", "root_key", "cloud", "format"]),
    ("vpn", &["lab", "set", "root_key", "cloud", "format"]),
    ("convert", &["lab", "set", "cloud", "format"]),
    ("completions", &["cloud", "format"]),
    ("dns", &["lab", "set", "json", "cloud", "format"]),
    ("images", &["lab", "set", "json", "cloud", "format"]),
    ("images resolve", &["json"]),
    ("images pin", &["json", "cloud", "format"]),
    ("explain", &["json"]),
    ("import", &[]),
    ("root-key", &[]),
    ("init", &[]),
    ("schema", &[]),
    ("man", &[]),
];

/// If more commands than this use a flag, they are not all listed.
const FEW: usize = 6;

fn used_by(command: &str) -> Option<&'static [&'static str]> {
    USED.iter().find(|(name, _)| *name == command).map(|(_, used)| *used)
}

/// Hides each flag in the commands that do not use it.
pub(super) fn restricted(command: Command) -> Command {
    let flags: Vec<Arg> = command
        .get_arguments()
        .filter(|flag| FLAGS.contains(&flag.get_id().as_str()))
        .map(|flag| flag.clone().hide(true))
        .collect();
    command.mut_subcommands(|below| {
        let name = below.get_name().to_owned();
        hidden(below, &name, &flags).mut_subcommands(|one| {
            let whole = format!("{name} {}", one.get_name());
            hidden(one, &whole, &flags)
        })
    })
}

fn hidden(command: Command, name: &str, flags: &[Arg]) -> Command {
    match used_by(name) {
        Some(used) => {
            let unused = flags.iter().filter(|flag| !used.contains(&flag.get_id().as_str()));
            // clap passes a global flag down unless the command has a flag of that name.
            command.args(unused.cloned())
        }
        None => command,
    }
}

/// Refuses a flag that the command does not use.
pub(super) fn check(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((command, below)) = matches.subcommand() else { return Ok(()) };
    let whole = below.subcommand().map(|(name, _)| format!("{command} {name}"));
    let whole = whole.as_deref().filter(|whole| used_by(whole).is_some()).unwrap_or(command);
    let Some(used) = used_by(whole) else { return Ok(()) };
    let mut unused = FLAGS.iter().filter(|flag| !used.contains(*flag));
    match unused.find(|flag| is_given(matches, flag) || is_given(below, flag)) {
        Some(flag) => Err(unused_error(whole, flag)),
        None => Ok(()),
    }
}

fn is_given(matches: &ArgMatches, flag: &str) -> bool {
    let below = matches.subcommand().is_some_and(|(_, below)| is_given(below, flag));
    let is_known = matches.ids().any(|id| id.as_str() == flag);
    below || (is_known && matches.value_source(flag) == Some(ValueSource::CommandLine))
}

fn unused_error(command: &str, flag: &str) -> clap::Error {
    let users: Vec<&str> =
        USED.iter().filter(|(_, used)| used.contains(&flag)).map(|(name, _)| *name).collect();
    let users = match users.as_slice() {
        [all @ .., last] if (1..FEW).contains(&all.len()) => format!("{} and {last} do", all.join(", ")),
        [only] => format!("{only} does"),
        _ => "its help shows the flags that it uses".to_owned(),
    };
    let option = if flag == "cloud" { "file".to_owned() } else { flag.replace('_', "-") };
    let message = format!("`{command}` does not use --{option}: {users}\n");
    clap::Error::raw(ErrorKind::ArgumentConflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{of_file, of_program};

    #[test]
    fn each_command_and_each_flag_is_in_the_table() {
        let known: Vec<String> =
            of_file().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert_eq!(known.len(), USED.iter().filter(|(name, _)| !name.contains(' ')).count());
        for command in known {
            assert!(used_by(&command).is_some(), "{command}");
        }
        let of_all = ["color"];
        for flag in of_file().get_arguments().filter(|flag| flag.is_global_set()) {
            let name = flag.get_id().as_str();
            assert!(FLAGS.contains(&name) || of_all.contains(&name), "{name}");
        }
        for (command, used) in USED {
            for flag in *used {
                assert!(FLAGS.contains(flag), "{command}: {flag}");
            }
        }
    }

    #[test]
    fn help_shows_what_a_command_uses() {
        let help = |name: &str| {
            let mut command = of_program();
            command.build();
            command
                .find_subcommand_mut(name)
                .map(|command| command.render_help().to_string())
                .unwrap_or_default()
        };
        assert!(help("apply").contains("--replace") && help("apply").contains("--yes"));
        assert!(help("check").contains("--lab") && !help("check").contains("--only"));
        assert!(!help("schema").contains("--set") && help("schema").contains("--color"));
    }
}
