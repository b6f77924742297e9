//! The commands, for any program that has a cloud.
//!
//! ```no_run
//! use fmc::prelude::*;
//!
//! fn main() -> ExitCode {
//!     fmc::cli::main(Cloud::new("first").host(Host::local()))
//! }
//! ```
//!
//! | command | does |
//! | --- | --- |
//! | `check` | shows all findings and how much of each host the cloud uses |
//! | `compile --out DIR` | writes every artifact into a folder |
//! | `plan` | shows what an apply would do; it only reads |
//! | `plan --out FILE` | writes it into a file too; `plan --destroy` plans what `destroy` would do |
//! | `apply` | shows the plan, asks, and runs it |
//! | `apply FILE` | runs a plan that `plan --out` wrote, but not if a new plan would differ |
//! | `--only ADDRESS` | limits `plan`, `apply` and `destroy` to a part, with the objects that it needs or that need it |
//! | `apply --no-wait` | the same, without waiting for machines to be up |
//! | `destroy` | removes the cloud's objects; data disks stay and are listed |
//! | `status` | shows the state of the machines, and kept objects; ends with 0 only if everything is as the cloud says |
//! | `drift` | shows manual changes since the last apply, which `plan` would undo |
//! | `ssh [USER@]NAME [-- COMMAND…]` | a shell on a machine, or a command, by OpenSSH |
//! | `ssh-config` | prints an OpenSSH configuration for the machines |
//! | `console NAME` | a machine's serial console, Ctrl-] closes it; `--log` shows its last recorded lines |
//! | `host NAME` | shows the files that the cloud needs on a host itself: bridges, VLANs, the nft table |
//! | `host NAME install` | shows what they change there, asks, and installs them; undoes it unless the host answers afterwards |
//! | `images resolve SYSTEM` | prints an upstream's newest image, pinned, as Rust and as YAML |
//! | `dns export` | writes each zone of the cloud into a file of a folder, as DNS servers read it |
//! | `dns verify` | asks the servers of the zones for every record, by UDP and by TCP, and shows what differs (feature `dns`) |
//! | `images list` | lists the images of containers, and what states the digest of each (feature `k8s`) |
//! | `images pin` | asks registries for digests, and writes them into the image lock beside the cloud's file (feature `k8s`) |
//! | `import butane FILE` | prints a config of Butane or Ignition as a guest; ends with 2 if a part could not be said, and lists it |
//! | `root-key new` | prints a new root key, from which a cloud's secrets are made; `--out FILE` writes it to a file that only you can read |
//! | `graph --as mermaid\|dot\|svg` | draws the cloud |
//! | `convert LANGUAGE` | shows the same cloud as `rust`, `yaml`, `toml` or `json` |
//! | `explain [KIND]` | shows the page of a kind of finding; alone it lists the kinds |
//! | `init [FILE]` | writes a first cloud into a new file, `cloud.yaml` |
//! | `schema` | writes the JSON Schema of a cloud's file |
//! | `completions SHELL` | writes the script with which a shell completes commands and options |
//! | `man` | writes the manual page, for `man -l -` |
//!
//! # The program `fmc`
//!
//! It has the same commands for a cloud in a file ([`crate::file`]): `fmc -f cloud.yaml plan`, or `-f -` with `--format`;
//! without `-f` it takes the file `cloud.yaml` (or `.yml`, `.toml`, `.json`) of the current folder. Relative paths of
//! secrets and of image files start from the file's folder. Findings point at the line and column of the file, with `--json` as `file`,
//! `line` and `column`.
//!
//! # Exit codes
//!
//! | code | means |
//! | --- | --- |
//! | 0 | done: after `apply`, and of `status`, everything is as the cloud says; of `drift`, nobody changed anything |
//! | 1 | failed, refused or put off, a machine that is waited for is not up, or the cloud has findings of severity error |
//! | 2 | something waits for a person: changes are pending (`plan --detailed-exitcode`, `status`), somebody changed something or may have (`drift`), or `apply` leaves a machine outdated or a difference alone |
//! | 64 | wrong usage |
//! | 130 | a second Ctrl-C stopped it at once |
//!
//! `plan` without `--detailed-exitcode` ends with 0 also when there is something to do, as Terraform's does, and with 1 when an
//! apply would refuse it. With `--only`, what was not chosen does not count.
//!
//! # Interrupts
//!
//! During `apply` and `destroy`, one Ctrl-C (SIGINT, and likewise SIGTERM and SIGHUP) lets the running steps finish and
//! prints the remaining work; a second one ends the process at once. In both cases the next plan shows the rest and its apply does it.
//!
//! # Where
//!
//! Without `--connect`, hypervisors are simulated in a file of the current folder, `OWNER.sim.json`. The output tells
//! that it is a simulation. A libvirt URI needs the feature `virt`.
//!
//! Images that are given by URL are fetched once into the folder that `FMC_IMAGES` names, or `fmc/images` in the user's
//! cache (`XDG_CACHE_HOME`, or `~/.cache`). A simulation fetches none.
//!
//! The digests of container images are read from the lock beside the cloud's file, `cloud.images.lock` beside `cloud.yaml`. Only
//! `images pin` asks registries, with the logins of `REGISTRY_AUTH_FILE`, or those that Skopeo, Podman and Docker keep.
//!
//! # Secrets
//!
//! Generated secrets (`Secret::password`, all secrets of a cluster) are derived from a root key: `--root-key FILE`, a file that
//! only you may read, or `FMC_ROOT_KEY`, its text; not both. `check`, `plan` and a simulation need none. `compile --out` without
//! one uses the public sample key, with a warning on standard error and in its index. `apply` to real hosts refuses to run
//! without one, except for a `--lab`.
//!
//! # JSON
//!
//! With `--json`, a command writes its result in a documented form: see [`json`]. `apply` and `destroy` write one object per
//! line for each event as it happens. A command whose result is a file or a script (`convert`, `graph`, `kubeconfig`, `vpn`,
//! `ssh-config`, `completions`, `man`, `init`) or a session (`ssh`, `console`) has no `--json`. Errors remain text on
//! standard error.
//!
//! # Colours
//!
//! Streams that are terminals have colours, unless `NO_COLOR` is set; `--color always` and `--color never` override that.
//!
//! Results go to standard output, which has only JSON with `--json`. Findings that refuse a command, errors and progress go
//! to standard error.

mod about;
mod apply;
mod args;
mod check;
mod cloud_file;
mod compile;
mod connect;
mod console;
mod convert;
mod dns;
mod draw;
mod drift;
mod explain;
mod failure;
mod flags;
mod graph;
mod host;
mod images;
mod import;
mod init;
mod io;
mod kubeconfig;
mod markdown;
#[doc = include_str!("../../docs/json.md")]
pub mod json {}
mod plain;
mod plan;
mod program;
mod progress;
mod root_key;
mod saved;
mod ssh;
mod status;
mod style;
mod table;
mod transfer;
mod vpn;
mod wrap;

use std::ffi::OsString;
use std::process::ExitCode;

use fmc_core::cloud::Cloud;

pub use args::Commands;
pub use io::{Interrupt, Io};
pub use program::Program;

/// Done.
pub const DONE: u8 = 0;
/// Failed, or findings of severity error.
pub const FAILED: u8 = 1;
/// Changes are pending.
pub const PENDING: u8 = 2;
/// Stopped at once by a second Ctrl-C: 128 and the number of the signal.
pub const INTERRUPTED: u8 = 130;
/// Wrong usage: `EX_USAGE` of sysexits.h.
pub const USAGE: u8 = 64;

/// The exit codes, as `--help` and the manual show them.
const EXIT_CODES: &str = "\
Exit codes:
    0  done: after `apply`, and of `status`, everything is as the cloud says;
       of `drift`, nobody changed anything
    1  failed, refused or put off, a machine is not up, or the cloud has errors
    2  something waits for a person: changes are pending (`plan --detailed-exitcode`,
       `status`), somebody changed something or may have (`drift`), or `apply` leaves
       a machine outdated or a difference alone
   64  wrong usage
  130  a second Ctrl-C stopped it at once";

/// Runs the command that the program's arguments name: [`Program::main`] of [`Program::new`].
pub fn main(cloud: Cloud) -> ExitCode {
    Program::new(cloud).main()
}

/// Runs the command that the program's arguments name, for the cloud of the file that they name: the program `fmc`, which is
/// [`Program::main`] of [`Program::of_file`].
pub fn main_of_file() -> ExitCode {
    Program::of_file().main()
}

/// Runs the command that the arguments name, the first of which is the program's own name, and gives its exit code:
/// [`Program::run`] of [`Program::new`].
pub fn run(cloud: Cloud, arguments: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    Program::new(cloud).run(arguments, io)
}

/// Runs the command that the arguments name, the first of which is the program's own name, for the cloud of the file that
/// they name, and gives its exit code: [`Program::run`] of [`Program::of_file`].
pub fn run_of_file(arguments: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    Program::of_file().run(arguments, io)
}
