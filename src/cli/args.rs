//! The arguments of every command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args as _, CommandFactory as _, FromArgMatches, Parser, Subcommand, ValueEnum};

use fmc_core::checked::Checked;
use fmc_core::provider::AnyRoom;

use super::cloud_file::CloudFile;
use super::flags;
use super::graph;
use super::io::Io;
use super::{DONE, EXIT_CODES, USAGE};
use crate::compile::Wanted;
use crate::file::Syntax;
use crate::providers::{Providers, of_commands};
use crate::set::{SetError, Setting};

/// Checks, compiles, plans and applies the cloud of this program.
#[derive(Clone, Debug, Parser)]
#[command(name = "fmc", version, arg_required_else_help = true, subcommand_required = true)]
pub(super) struct Args {
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,

    /// The small copy of the cloud for a laptop or CI: emulated, tiny, with an owner of its own
    #[arg(long, global = true)]
    pub(super) lab: bool,

    /// Changes a value of the cloud by its path, after --lab; may be repeated. `*` stands for every name, as in
    /// 'machines.*.memory=256MiB'
    #[arg(long, global = true, value_name = "PATH=VALUE", value_parser = setting)]
    pub(super) set: Vec<Setting>,

    /// Where the hypervisors are: sim:FILE, a simulation in a file (the default, with a file named after the owner in the
    /// current folder); a libvirt URI, as qemu:///system, for the only host; HOST=URI for one of several; `hosts` for
    /// each host's own URI
    #[arg(long, global = true, value_name = "URI")]
    pub(super) connect: Vec<String>,

    /// Replaces a machine, or all that are `outdated`; their data disks stay; may be repeated
    #[arg(long, global = true, value_name = "MACHINE|outdated")]
    pub(super) replace: Vec<String>,

    /// Deletes the unwanted data disks of a machine, or of `all`, or the data that an object of a cluster left, as `stateful-set/shop/db`;
    /// agrees to a change of more than a third of a DNS zone; may be repeated
    #[arg(long, global = true, value_name = "MACHINE|OBJECT|ZONE|all")]
    pub(super) delete_data: Vec<String>,

    /// Lets a machine move to another host without its data disks, which stay where they are; may be repeated
    #[arg(long, global = true, value_name = "MACHINE")]
    pub(super) leave_data: Vec<String>,

    /// Takes the fields of an object in a cluster, as deployment/shop/web, from the programs that decide them now; may be repeated
    #[arg(long, global = true, value_name = "OBJECT")]
    pub(super) force_conflicts: Vec<String>,

    /// Consents to an apply that deletes every machine of this owner, because the cloud wants none of those that are there
    #[arg(long, global = true, value_name = "OWNER")]
    pub(super) delete_all: Option<String>,

    /// Plans, applies or destroys only this, such as machine/web or network/lab, and what it needs; may be repeated
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) only: Vec<String>,

    /// The file with the root key that secrets are made from (see `root-key new`); the variable FMC_ROOT_KEY can hold its text
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) root_key: Option<PathBuf>,

    /// Consents to the plan
    #[arg(long, global = true)]
    pub(super) yes: bool,

    /// How many steps may run at once on a host
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) parallelism: Option<u16>,

    /// Writes JSON
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// When to use colours: by default on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Colour,

    /// The program's name.
    #[arg(skip)]
    pub(super) program: String,

    /// The whole command that parsed these arguments.
    #[arg(skip)]
    pub(super) clap: clap::Command,

    /// The options of `-f` and `--format` as they were given, for a command to copy.
    #[arg(skip)]
    pub(super) cloud_options: Vec<String>,

    /// The file that the cloud was read from, if any.
    #[arg(skip)]
    pub(super) file: Option<CloudFile>,

    /// The program's own providers.
    #[arg(skip)]
    pub(super) providers: Vec<AnyRoom>,
}

/// fmc's commands and options, as part of a program's own command: flattened into its options, or below a command of its own.
///
/// ```no_run
/// use clap::{CommandFactory as _, Parser as _};
/// use fmc::cli::{Commands, Program};
/// use fmc::prelude::*;
///
/// #[derive(clap::Parser)]
/// enum Tool {
///     /// Checks, plans and applies the machines
///     #[command(name = "infra")]
///     Infra(Commands),
///     /// Says how many there are
///     Count,
/// }
///
/// fn main() -> ExitCode {
///     let cloud = Cloud::new("shop").host(Host::local());
///     match Tool::parse() {
///         Tool::Infra(commands) => {
///             Program::new(cloud).main_of(commands.called("tool infra").within(Tool::command()))
///         }
///         Tool::Count => ExitCode::SUCCESS,
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Commands {
    pub(super) args: Box<Args>,
    pub(super) file: Option<PathBuf>,
    pub(super) format: Option<Syntax>,
}

/// The options of the program `fmc` that name the cloud's file.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The cloud: a file in YAML, TOML or JSON, or `-` for standard input, with --format. By default the file cloud.yaml, cloud.yml,
    /// cloud.toml or cloud.json that exists
    #[arg(long = "file", short = 'f', global = true, value_name = "FILE", help_heading = "The cloud")]
    cloud: Option<PathBuf>,

    /// The format of the file, whatever its name: yaml, toml or json
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "The cloud")]
    format: Option<Syntax>,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl Colour {
    /// Whether to use colours in any stream; `None` lets each stream decide.
    pub(super) fn forced(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Shows all findings, and how much of each host the cloud uses
    Check,
    /// Writes every artifact into a folder
    Compile {
        /// The folder: a new one, an empty one, or one that `compile` wrote
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Shows what an apply would do; it only reads
    Plan {
        /// Ends with 2 if there is something to do
        #[arg(long)]
        detailed_exitcode: bool,
        /// Writes the plan into a file, for `apply FILE`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Plans what `destroy` would do
        #[arg(long)]
        destroy: bool,
    },
    /// Applies the cloud: shows the plan, asks, and runs it
    Apply {
        /// A plan that `plan --out` wrote: it runs without a question, but not if anything has changed since
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Ends after the steps, without waiting for machines to be up
        #[arg(long)]
        no_wait: bool,
    },
    /// Removes the cloud's objects; data disks stay and are listed
    Destroy,
    /// Shows the machines as they are; ends with 2 if something is not as the cloud says
    Status,
    /// Shows manual changes since the last apply; ends with 2 if there are any, or may be
    Drift,
    /// Opens a shell on a machine with OpenSSH, or runs a command there
    Ssh {
        /// The machine, such as web or ops@web; the default user is the first one with a key
        #[arg(value_name = "[USER@]MACHINE")]
        to: String,
        /// The command to run there
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Prints an OpenSSH configuration for the machines
    SshConfig,
    /// Opens a machine's serial console; Ctrl-] closes it
    Console {
        /// The machine
        machine: String,
        /// Shows the last recorded lines instead
        #[arg(long)]
        log: bool,
    },
    /// Shows the files that the cloud needs on a host itself: bridges, VLANs, the nft table of routed networks
    Host {
        /// The host
        name: String,
        /// What to do with them
        #[command(subcommand)]
        command: Option<super::host::Command>,
    },
    /// Draws the cloud: its networks, machines, roles, addresses, disks and hosts
    Graph {
        /// The form of the picture
        #[arg(long = "as", value_name = "FORM", default_value = "mermaid")]
        form: graph::Form,
        /// Also draws the flows between roles: an arrow for each pair, with its services
        #[arg(long)]
        flows: bool,
    },
    /// Writes the zones of the cloud's DNS
    Dns {
        /// What about them
        #[command(subcommand)]
        command: super::dns::Command,
    },
    /// Finds images, and pins those of containers
    Images {
        /// What about them
        #[command(subcommand)]
        command: super::images::Command,
    },
    /// Reads what somebody has already
    Import {
        /// What
        #[command(subcommand)]
        command: super::import::Command,
    },
    /// Makes the root key that a cloud's secrets are made from
    RootKey {
        /// What about it
        #[command(subcommand)]
        command: super::root_key::Command,
    },
    /// Writes the kubeconfig of a cluster's administrator; it is computed from the root key, so the cluster need not exist yet
    Kubeconfig {
        /// The cluster; by default the only one
        cluster: Option<String>,
        /// Writes it into a new file that only you can read, instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How many hours its certificate is valid; a cluster cannot revoke it earlier
        #[arg(long, value_name = "N", default_value_t = super::kubeconfig::HOURS,
              value_parser = clap::value_parser!(u32).range(1..=87_600))]
        hours: u32,
    },
    /// Writes the configuration of a person's device for a tunnel, as wg-quick and the apps of WireGuard read it
    Vpn {
        /// The person, by the name that they have in the tunnel
        person: String,
        /// The tunnel; by default the only one that has the person
        #[arg(long, value_name = "NAME")]
        tunnel: Option<String>,
        /// Draws it as a QR code for the camera of a phone, instead
        #[arg(long, conflicts_with = "out")]
        qr: bool,
        /// Writes it into a new file that only you can read, instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Converts the cloud to Rust or to a file
    Convert {
        /// The language
        #[arg(value_enum, value_name = "LANGUAGE")]
        to: Language,
    },
    /// Writes a first cloud into a new file, with comments that explain the settings
    Init {
        /// The file: .yaml, .toml or .json. An existing file is not overwritten
        #[arg(value_name = "FILE", default_value = "cloud.yaml")]
        path: PathBuf,
        /// What to begin with: by default a single machine
        #[arg(long, value_enum)]
        template: Option<Template>,
    },
    /// Writes the JSON Schema of a cloud's file, with which an editor completes and checks it
    Schema,
    /// Writes the script with which a shell completes commands and options
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Writes the manual page, for `man -l -`
    Man,
    /// Shows the page of a kind of finding or the words of a plan, or lists the kinds
    Explain {
        /// The kind, such as address-duplicate, or `plan`; by default all kinds are listed
        kind: Option<String>,
    },
}

impl Args {
    /// Compiles a checked cloud for all providers of the program.
    pub(super) fn compile(&self, checked: &Checked) -> Wanted {
        self.offline().compile(checked)
    }

    /// The providers of the program, without a connection to a host.
    pub(super) fn offline(&self) -> Providers {
        self.further().into_iter().fold(Providers::new(), Providers::with_any)
    }

    /// The further providers: those that every command has, and the program's own, which replace others of their names.
    pub(super) fn further(&self) -> Vec<AnyRoom> {
        let is_own = |provider: &AnyRoom| self.providers.iter().any(|own| own.name() == provider.name());
        let mut all = of_commands();
        all.retain(|provider| !is_own(provider));
        all.extend(self.providers.iter().cloned());
        all
    }

    /// Whether an apply does not wait for machines.
    pub(super) fn no_wait(&self) -> bool {
        matches!(self.command, Command::Apply { no_wait: true, .. })
    }
}

/// A language for a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// One machine on one network
    Single,
    /// Machines on a network that reaches the world, and one on a network that does not
    Lab,
    /// A K3s cluster of three servers behind a balancer, and two agents
    K3s,
    /// A whole micro cloud: cluster, balancer, FreeIPA with the cloud's DNS, time, database, bastion
    Seed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// A Rust program.
    Rust,
    /// YAML 1.2.
    Yaml,
    /// TOML 1.0.
    Toml,
    /// JSON.
    Json,
}

/// A message of clap instead of arguments: help, a version or an error.
#[derive(Debug)]
pub(super) struct Said(clap::Error);

impl Args {
    /// The arguments of a program that has its cloud, for tests.
    #[cfg(test)]
    pub(super) fn of(arguments: impl IntoIterator<Item: Into<OsString>>) -> Result<Self, clap::Error> {
        let (matches, program) = read(of_program(), arguments.into_iter().map(Into::into))?;
        Ok(*commands(&matches, false, program, of_program())?.args)
    }

    /// The folder that the cloud's relative paths start from.
    pub(super) fn folder(&self, io: &Io<'_>) -> PathBuf {
        self.file.as_ref().map_or_else(|| io.folder.clone(), |file| file.folder().to_owned())
    }
}

impl Commands {
    /// The name of the commands in messages; `fmc` by default.
    #[must_use]
    pub fn called(mut self, program: impl Into<String>) -> Self {
        self.args.program = program.into();
        self
    }

    /// The whole command that these commands are a part of: `completions` and `man` then describe all of it.
    #[must_use]
    pub fn within(mut self, command: clap::Command) -> Self {
        self.args.clap = command;
        self
    }
}

impl FromArgMatches for Commands {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        flags::check(matches)?;
        let args = Args { program: "fmc".to_owned(), clap: of_program(), ..Args::from_arg_matches(matches)? };
        Ok(Self { args: Box::new(args), file: None, format: None })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Commands {
    fn augment_args(command: clap::Command) -> clap::Command {
        without_file(flags::restricted(Args::augment_args(command)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The commands of a program that has its cloud.
pub(super) fn of_program() -> clap::Command {
    without_file(flags::restricted(Args::command())).after_help(EXIT_CODES)
}

/// The commands of the program `fmc`.
pub(super) fn of_file() -> clap::Command {
    let about = "Checks, compiles, plans and applies the cloud of a file";
    let command = FileArgs::augment_args(Args::command()).about(about).long_about(about).after_help(format!(
        "A first cloud: `fmc init`, then `fmc check`, `fmc plan` and `fmc apply`.\n\n{EXIT_CODES}"
    ));
    flags::restricted(command)
}

/// Reads arguments, the first of which is the program's name.
pub(super) fn read(
    command: clap::Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(ArgMatches, String), clap::Error> {
    let mut arguments = arguments.into_iter().peekable();
    let program = arguments
        .peek()
        .map(std::path::Path::new)
        .and_then(std::path::Path::file_name)
        .map_or_else(|| "fmc".to_owned(), |name| name.to_string_lossy().into_owned());
    let matches = command.bin_name(program.clone()).try_get_matches_from(arguments)?;
    Ok((matches, program))
}

/// fmc's commands from the matches of a program's whole command.
pub(super) fn commands(
    matches: &ArgMatches,
    is_of_file: bool,
    program: String,
    clap: clap::Command,
) -> Result<Commands, clap::Error> {
    let commands = Commands::from_arg_matches(matches)?;
    let args = Box::new(Args { program, clap, ..*commands.args });
    let commands = Commands { args, file: None, format: None };
    if !is_of_file {
        return Ok(commands);
    }
    let FileArgs { cloud, format } = FileArgs::from_arg_matches(matches)?;
    Ok(Commands { file: cloud, format, ..commands })
}

/// Explains `-f` if a file is named without it.
fn with_file(mut said: clap::Error) -> clap::Error {
    let extensions = [".yaml", ".yml", ".toml", ".json"];
    if said.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(file)) = said.get(ContextKind::InvalidArg)
        && extensions.iter().any(|extension| file.ends_with(extension))
    {
        let tip = format!("the cloud's file is named by an option: -f {file}").into();
        said.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    said
}

/// A program with a cloud of its own takes no file of one.
fn without_file(command: clap::Command) -> clap::Command {
    command.mut_subcommand("init", |init| init.hide(true))
}

impl Said {
    pub(super) fn of(error: clap::Error, is_of_file: bool) -> Self {
        Self(if is_of_file { with_file(error) } else { error })
    }

    /// Prints it, and returns the exit code.
    pub(super) fn say(&self, io: &mut Io<'_>) -> u8 {
        let text = self.0.render();
        match self.0.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let shown = if io.colour_out { text.ansi().to_string() } else { text.to_string() };
                match io.tell(shown) {
                    Ok(()) => DONE,
                    Err(failure) => failure.say(io),
                }
            }
            _ => {
                io.err(if io.colour_err { text.ansi().to_string() } else { text.to_string() });
                USAGE
            }
        }
    }
}

fn setting(text: &str) -> Result<Setting, SetError> {
    text.parse()
}
