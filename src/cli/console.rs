//! `console`: a machine's serial console, live or recorded.
//!
//! The live console is `virsh console` of libvirt's client package: it puts the terminal into raw mode, ends at Ctrl-], and
//! restores the terminal in any case. A console of our own would need libvirt's event loop and stream callbacks, which the
//! `virt` crate does not offer safely.

use std::process::Command;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;

use super::args::Args;
use super::check;
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::ssh::machine;
use super::{DONE, FAILED};

/// How many lines of a recorded console are shown.
const LINES: usize = 200;

/// Shows a console: recorded with `log` and in a simulation, otherwise live.
pub(super) fn run(cloud: &Cloud, name: &str, log: bool, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let machine = machine(&checked, name)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let is_live = !log && !world.is_simulation();
    is_there(&checked, name, is_live, &world, args)?;
    let host = checked.at(machine.host).map(|host| &host.name);
    if !is_live {
        let lines = world.console(&checked, machine, LINES)?;
        if lines.is_empty() {
            io.err(format_args!("{name} wrote nothing to its serial console, or nothing is kept of it\n"));
        }
        for line in lines {
            io.out(format_args!("{line}\n"))?;
        }
        return Ok(DONE);
    }
    let uri = host.and_then(|host| world.uri(host)).unwrap_or_default();
    if io.input.is_none() {
        return Err(Failure::new("a live console needs a terminal")
            .help(format!("`{} console {name} --log` shows what was kept of it", args.program)));
    }
    let status = Command::new("virsh").args(arguments(uri, &checked.name_on_host(name))).status().map_err(
        |error| {
            Failure::new(format!("failed to run virsh: {error}"))
                .help("it is in the package libvirt-clients, or libvirt-client")
                .help(format!("`{} console {name} --log` shows what was kept of it", args.program))
        },
    )?;
    Ok(if status.success() { DONE } else { FAILED })
}

/// Fails if the machine is not there, or is off and its console should be live.
fn is_there(checked: &Checked, name: &str, is_live: bool, world: &World, args: &Args) -> Result<(), Failure> {
    let plan = pollster::block_on(world.providers.plan(&world.providers.compile(checked)));
    let plan = plan.map_err(Failure::to)?;
    let program = &args.program;
    match plan.status(checked).machines.get(name).map(|state| &**state) {
        Some("not there") => Err(Failure::new(format!("the machine {name} is not there")).help(format!(
            "`{program} apply` makes it; `{program} status` shows the machines that are there"
        ))),
        Some("off") if is_live => Err(Failure::new(format!(
            "the machine {name} is off: it has no live console"
        ))
        .help(format!("`{program} apply` starts it; `{program} console {name} --log` shows what was kept"))),
        _ => Ok(()),
    }
}

/// The arguments of `virsh`. They do not disconnect another console.
fn arguments<'a>(uri: &'a str, name: &'a str) -> [&'a str; 7] {
    ["--connect", uri, "--escape", "^]", "console", "--safe", name]
}
