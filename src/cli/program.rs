//! A program with fmc's commands, for a cloud of its own or from a file, and with flags of its own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::ArgMatches;
use clap::builder::Resettable;
use fmc_core::cloud::Cloud;
use fmc_core::finding::Kind;
use fmc_core::provider::{AnyRoom, Room};
use fmc_core::role::{FileRole, FileSpanningRole};
use terminal_size::{Width, terminal_size_of};

use super::args::{self, Args, Command, Commands, Said, Template};
use super::failure::Failure;
use super::io::{Interrupt, Io};
use super::plan::Towards;
use super::{
    DONE, INTERRUPTED, about, apply, check, cloud_file, compile, console, convert, dns, drift, explain,
    graph, host, images, import, init, kubeconfig, plan, root_key, saved, ssh, status, vpn,
};
use crate::file::{RoleKinds, Syntax};

/// fmc's commands for a cloud, with a program's additions.
///
/// The program's own flags appear beside fmc's in the help, with the same completion, colours, bars and Ctrl-C:
///
/// ```no_run
/// use fmc::cli::Program;
/// use fmc::prelude::*;
///
/// #[derive(clap::Args)]
/// struct Flags {
///     /// How many machines serve
///     #[arg(long, default_value_t = 2)]
///     webs: u8,
/// }
///
/// fn main() -> ExitCode {
///     let cloud = Cloud::new("shop").host(Host::local());
///     Program::new(cloud)
///         .flags(|cloud, flags: Flags| {
///             (1..=flags.webs).fold(cloud, |cloud, number| {
///                 cloud.machine(Machine::new(format!("web{number}"), Image::blank()))
///             })
///         })
///         .main()
/// }
/// ```
///
/// A program with commands of its own includes fmc's as [`Commands`].
#[must_use]
pub struct Program {
    source: Source,
    command: clap::Command,
    flags: Vec<Flags>,
    roles: RoleKinds,
    providers: Vec<AnyRoom>,
}

/// The source of the cloud.
enum Source {
    Program(Box<Cloud>),
    File,
}

/// Reads the program's own flags and changes the cloud accordingly.
type Flags = Box<dyn FnOnce(&ArgMatches) -> Result<Change, clap::Error>>;
type Change = Box<dyn FnOnce(Cloud) -> Cloud>;

impl Program {
    /// The commands for this cloud.
    pub fn new(cloud: Cloud) -> Self {
        Self {
            source: Source::Program(Box::new(cloud)),
            command: args::of_program(),
            flags: Vec::new(),
            roles: RoleKinds::built_in(),
            providers: Vec::new(),
        }
    }

    /// The commands for the cloud of the file that the arguments name: the program `fmc`.
    pub fn of_file() -> Self {
        Self {
            source: Source::File,
            command: args::of_file(),
            flags: Vec::new(),
            roles: RoleKinds::built_in(),
            providers: Vec::new(),
        }
    }

    /// Adds the program's own flags; `change` applies them to the cloud before anything else does. An optional flag may
    /// also stand after the command. A flag must not have the name of one of fmc's.
    pub fn flags<F: clap::Args + 'static>(
        mut self,
        change: impl FnOnce(Cloud, F) -> Cloud + 'static,
    ) -> Self {
        let known: Vec<clap::Id> = self.command.get_arguments().map(|known| known.get_id().clone()).collect();
        // The description of the flags must not replace that of the program.
        let (about, long_about) = (self.command.get_about().cloned(), self.command.get_long_about().cloned());
        self.command = F::augment_args(self.command).mut_args(|flag| {
            let is_fmcs = known.contains(flag.get_id());
            // clap knows no required flag that may stand anywhere.
            if is_fmcs || flag.is_positional() || flag.is_required_set() { flag } else { flag.global(true) }
        });
        self.command = self.command.about(Resettable::from(about)).long_about(Resettable::from(long_about));
        self.flags.push(Box::new(|matches| {
            let flags = F::from_arg_matches(matches)?;
            Ok(Box::new(|cloud| change(cloud, flags)))
        }));
        self
    }

    /// Adds a role that a file of the program can say, and `--set`, `schema`, `convert` and `explain` know.
    ///
    /// ```no_run
    /// use fmc::cli::Program;
    /// use fmc::prelude::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// #[derive(schemars::JsonSchema)]
    /// #[serde(deny_unknown_fields)]
    /// struct Postgres {
    ///     version: u8,
    /// }
    ///
    /// impl CustomRole for Postgres {}
    ///
    /// impl FileRole for Postgres {
    ///     const KIND: &'static str = "postgres";
    /// }
    ///
    /// fn main() -> ExitCode {
    ///     Program::of_file().role::<Postgres>().main()
    /// }
    /// ```
    pub fn role<R: FileRole>(self) -> Self {
        Self { roles: self.roles.with::<R>(), ..self }
    }

    /// Adds a role that spans machines, which a file of the program says below `roles` of the cloud; `--set`, `schema`, `convert` and
    /// `explain` know it too.
    pub fn spanning_role<R: FileSpanningRole>(self) -> Self {
        Self { roles: self.roles.with_spanning::<R>(), ..self }
    }

    /// Adds a provider of the program's own: its objects are part of every plan, apply and destroy, of `status`, `drift`,
    /// `compile --out` and `graph`. Where every host is simulated, its [simulation](Room::simulation) stands in for it.
    pub fn provider(mut self, provider: impl Room) -> Self {
        self.providers.push(AnyRoom::new(provider));
        self
    }

    /// All commands and options, as clap knows them.
    #[must_use]
    pub fn command(&self) -> &clap::Command {
        &self.command
    }

    /// Runs the command that the process's arguments name, on its streams.
    #[must_use]
    pub fn main(self) -> ExitCode {
        of_process(|io| self.run(std::env::args_os(), io))
    }

    /// Runs the command that the arguments name, the first of which is the program's own name, and gives its exit code.
    #[must_use]
    pub fn run(self, arguments: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
        let Self { source, command, flags, roles, providers } = self;
        let read = || {
            let (matches, program) = args::read(command.clone(), arguments)?;
            let changes: Result<Vec<Change>, clap::Error> =
                flags.into_iter().map(|read| read(&matches)).collect();
            Ok((args::commands(&matches, source.is_file(), program, command)?, changes?))
        };
        match read() {
            Ok((mut commands, changes)) => {
                commands.args.providers = providers;
                ended(of(source, &roles, changes, commands, io), io)
            }
            Err(error) => Said::of(error, source.is_file()).say(io),
        }
    }

    /// Runs a command of fmc that is a part of a program's own command, on the process's streams.
    #[must_use]
    pub fn main_of(self, commands: Commands) -> ExitCode {
        of_process(|io| self.run_of(commands, io))
    }

    /// Runs a command of fmc that is a part of a program's own command, and gives its exit code.
    #[must_use]
    pub fn run_of(self, mut commands: Commands, io: &mut Io<'_>) -> u8 {
        commands.args.providers = self.providers;
        ended(of(self.source, &self.roles, Vec::new(), commands, io), io)
    }
}

impl Source {
    fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, command: _, flags, roles, providers } = self;
        f.debug_struct("Program")
            .field("of_file", &source.is_file())
            .field("flags", &flags.len())
            .field("roles", roles)
            .field("providers", providers)
            .finish_non_exhaustive()
    }
}

/// Runs a command on the process's streams.
fn of_process(run: impl FnOnce(&mut Io<'_>) -> u8) -> ExitCode {
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (mut out, mut err) = (stdout().lock(), stderr());
    let mut input = stdin().is_terminal().then(|| stdin().lock());
    let mut io = Io {
        colour_out: colour && out.is_terminal(),
        colour_err: colour && err.is_terminal(),
        draw_out: out.is_terminal(),
        draw_err: err.is_terminal(),
        width_out: columns(stdout()),
        width_err: columns(stderr()),
        bars: err.is_terminal(),
        folder: PathBuf::new(),
        environment: Arc::new(|name: &str| std::env::var_os(name)),
        interrupt: &stop_by_ctrl_c,
        out: &mut out,
        input: input.as_mut().map(|input| input as &mut dyn std::io::BufRead),
        err: &mut err,
    };
    ExitCode::from(run(&mut io))
}

/// The width of a terminal in columns; `None` if the stream is not a terminal or its width is unknown.
fn columns(stream: impl AsFd) -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(stream)?;
    Some(columns.into()).filter(|columns| *columns > 0)
}

fn ended(result: Result<u8, Failure>, io: &mut Io<'_>) -> u8 {
    match result {
        Ok(code) => code,
        Err(failure) => failure.say(io),
    }
}

/// Runs a command.
fn of(
    source: Source,
    roles: &RoleKinds,
    changes: Vec<Change>,
    commands: Commands,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let Commands { mut args, file, format } = commands;
    args.cloud_options = cloud_options(file.as_deref(), format);
    if let Some(colour) = args.color.forced() {
        (io.colour_out, io.colour_err) = (colour, colour);
    }
    match &args.command {
        Command::Explain { kind } => {
            return explain::run(kind.as_deref(), &own_kinds(&source, roles), &args, io);
        }
        Command::Init { path, template } if source.is_file() => {
            return init::run(path, template.unwrap_or(Template::Single), roles, &args.program, io);
        }
        Command::Schema => return about::schema(roles, io),
        Command::Completions { shell } => {
            let cloud = match source {
                Source::Program(cloud) => {
                    Some(changes.into_iter().fold(*cloud, |cloud, change| change(cloud)))
                }
                Source::File => cloud_file::quietly(file.as_deref(), format, roles, io),
            };
            return about::completions(*shell, cloud.as_ref(), &args, io);
        }
        Command::Man => return about::manual(&args, io),
        Command::RootKey { command } => return root_key::run(command, &args, io),
        Command::Import { command } => return import::run(command, io),
        _ => {}
    }
    if let Command::Images { command } = &args.command
        && !command.is_of_cloud()
    {
        return images::run(command, &args, io);
    }
    let mut saved = None;
    if let Command::Apply { file: Some(file), .. } = &args.command.clone() {
        saved = Some(saved::read(file, matches!(source, Source::File), &mut args, io)?);
    }
    let cloud = match source {
        Source::Program(cloud) => *cloud,
        Source::File => cloud_file::read(file.as_deref(), format, roles, &mut args, io)?,
    };
    let args = &args;
    let cloud = roles.recognise(changes.into_iter().fold(cloud, |cloud, change| change(cloud)));
    let cloud = if args.lab { cloud.lab() } else { cloud };
    let cloud = if args.set.is_empty() { cloud } else { crate::set::set_with(&cloud, &args.set, roles)? };
    #[cfg(feature = "k8s")]
    let cloud = images::locked(operators(cloud, args, io), args, io)?;
    match &args.command {
        #[cfg(feature = "k8s")]
        Command::Images { command } => images::run_of_cloud(command, &cloud, args, io),
        Command::Dns { command } => dns::run(command, &cloud, args, io),
        Command::Init { path, template } => init::of_program(&cloud, path, *template, &args.program, io),
        Command::Check => check::run(&cloud, args, io),
        Command::Compile { out } => compile::run(&cloud, out, args, io),
        Command::Plan { detailed_exitcode, out, destroy } => {
            let towards = if *destroy { Towards::Nothing } else { Towards::Cloud };
            plan::run(&cloud, towards, *detailed_exitcode, out.as_deref(), args, io)
        }
        Command::Apply { .. } => apply::run(&cloud, Towards::Cloud, saved.as_ref(), args, io),
        Command::Destroy => apply::run(&cloud, Towards::Nothing, None, args, io),
        Command::Status => status::run(&cloud, args, io),
        Command::Graph { form, flows } => graph::run(&cloud, *form, *flows, args, io),
        Command::Drift => drift::run(&cloud, args, io),
        Command::Ssh { to, command } => ssh::run(&cloud, to, command, args, io),
        Command::SshConfig => ssh::config(&cloud, args, io),
        Command::Console { machine, log } => console::run(&cloud, machine, *log, args, io),
        Command::Host { name, command } => host::run(&cloud, name, command.as_ref(), args, io),
        Command::Convert { to } => convert::run(&cloud, *to, io),
        Command::Kubeconfig { cluster, out, hours } => {
            let checked = check::checked(&cloud, args, io)?;
            kubeconfig::of(&checked, cluster.as_deref(), out.as_deref(), *hours, args, io)
        }
        Command::Vpn { person, tunnel, qr, out } => {
            let checked = check::checked(&cloud, args, io)?;
            let form = match out {
                Some(out) => vpn::Form::File(out),
                None if *qr => vpn::Form::Qr,
                None => vpn::Form::Text,
            };
            vpn::of(&checked, person, tunnel.as_deref(), form, args, io)
        }
        #[cfg(not(feature = "k8s"))]
        Command::Images { .. } => Ok(DONE),
        // These commands need no cloud and ran before it was read.
        Command::Explain { .. }
        | Command::RootKey { .. }
        | Command::Import { .. }
        | Command::Schema
        | Command::Completions { .. }
        | Command::Man => Ok(DONE),
    }
}

/// The cloud with the files of its operators, which are below the folder of its file or wherever it says.
#[cfg(feature = "k8s")]
fn operators(cloud: Cloud, args: &Args, io: &Io<'_>) -> Cloud {
    let files = crate::files::Files::anywhere(args.folder(io));
    let read = |path: &str| files.text(path.as_ref()).map_err(|error| error.to_string());
    fmc_k8s::platform::Platform::read_files_in(cloud, read)
}

/// The options that name the cloud's file.
fn cloud_options(file: Option<&Path>, format: Option<Syntax>) -> Vec<String> {
    let file = file.iter().flat_map(|file| ["-f".to_owned(), file.display().to_string()]);
    let format = format.iter().flat_map(|format| ["--format".to_owned(), format.name().to_owned()]);
    file.chain(format).collect()
}

/// All kinds of findings: the built-in ones, and those of the program's roles.
fn own_kinds(source: &Source, roles: &RoleKinds) -> Vec<Kind> {
    let mut own: BTreeSet<Kind> = roles.findings().map(Kind::Own).collect();
    if let Source::Program(cloud) = source {
        own.extend(cloud.own_finding_kinds().map(Kind::Own));
    }
    Kind::ALL.iter().copied().chain(own).collect()
}

/// The first Ctrl-C lets the running steps finish; the second one ends the process.
fn stop_by_ctrl_c(interrupt: Interrupt) {
    // If no handler can be set, Ctrl-C ends the process, and the next plan continues from there.
    let _ = ctrlc::set_handler(move || {
        if interrupt.stop.is_stopped() {
            interrupt.save_last();
            std::process::exit(i32::from(INTERRUPTED));
        }
        interrupt.stop.finish();
        // A closed stream must not prevent a second Ctrl-C, so a failure to write is ignored.
        let say =
            || writeln!(stderr(), "\nThe steps that run come to their end. Ctrl-C again stops at once.");
        drop(std::thread::spawn(say));
    });
}
