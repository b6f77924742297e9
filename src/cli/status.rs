//! `status`: the state of the machines, and the objects that are kept.
//!
//! With `--json` it writes a `status-object` of [`json`](super::json). It ends with 1 when something could not be read.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::{Addressing, Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::graph::{About, NoteKind};
use fmc_core::provider::{self, Status};

use super::args::Args;
use super::check;
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::plan::{self, Towards};
use super::style::{BAD, Paint, STRONG};
use super::table::Table;
use super::{DONE, FAILED};
use crate::json::{KeptView, MachineStatus, ObjectStatus, StatusObject, Versioned};
use crate::plan::Plan;

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let plan = plan::decide(&checked, &world, args, Towards::Cloud)?;
    let status = plan.status(&checked);
    let machines: Vec<MachineStatus> =
        checked.machines().iter().map(|machine| standing(&checked, machine, &plan, &status)).collect();
    let kept = kept(&plan, &status);
    if args.json {
        io.json(&Versioned::new(StatusObject {
            cloud: checked.name().to_string(),
            owner: checked.owner().to_string(),
            hosts: plan::hosts(&world),
            simulation: world.is_simulation(),
            machines,
            objects: status.objects.iter().map(ObjectStatus::from).collect(),
            kept,
            unknown: plan.deferred().map(|note| (note.about.to_string(), note.text.clone())).collect(),
        }))?;
        return Ok(ending(&plan, io));
    }
    let title = format!("{} on {}", checked.name(), plan::place(&world));
    io.out(format_args!("{}\n", Paint(title, STRONG, io.colour_out)))?;
    let several = checked.hosts().len() > 1;
    let mut table = Table::new(["machine", "state", "address", if several { "host" } else { "" }, ""]);
    for MachineStatus { name, host, state, addresses, outdated, pending } in &machines {
        let mut remarks = Vec::new();
        remarks.extend((!outdated.is_empty()).then(|| format!("outdated: {}", outdated.join("; "))));
        remarks.extend((!pending.is_empty()).then(|| format!("pending boot: {}", pending.join("; "))));
        let host = if several { host.clone() } else { String::new() };
        table.row([name.clone(), state.clone(), addresses.join(" "), host, remarks.join(" · ")]);
    }
    if !table.is_empty() {
        io.tell(&table)?;
    }
    for provider::Standing { address, state } in &status.objects {
        io.tell(format_args!("  {}: {state}\n", address.short()))?;
    }
    for KeptView { what, why } in &kept {
        io.tell(format_args!("  kept: {what} ({why})\n"))?;
    }
    let is_as_wanted = plan.is_empty() && machines.iter().all(|machine| machine.pending.is_empty());
    let pending = if is_as_wanted { "as wanted".to_owned() } else { plan.counts().to_string() };
    io.tell(format_args!("  {pending}\n"))?;
    Ok(ending(&plan, io))
}

/// Prints what could not be read. The state of such a machine is unknown, so the command has failed.
fn ending(plan: &Plan, io: &mut Io<'_>) -> u8 {
    let causes: BTreeSet<&str> = plan.deferred().map(|note| note.text.as_str()).collect();
    for cause in &causes {
        io.err(format_args!("{}: {cause}\n", Paint("error", BAD, io.colour_err)));
    }
    if causes.is_empty() { DONE } else { FAILED }
}

/// Our objects that stay although no machine uses them: unwanted ones that are not deleted, and the data of machines that
/// do not exist.
fn kept(plan: &Plan, status: &Status) -> Vec<KeptView> {
    let said = plan.notes.iter().filter(|note| note.kind == NoteKind::Kept);
    let mut kept: BTreeMap<String, String> =
        said.map(|note| (note.about.to_string(), note.text.clone())).collect();
    for (what, why) in &status.kept {
        kept.entry(what.clone()).or_insert_with(|| why.clone());
    }
    kept.into_iter().map(|(what, why)| KeptView { what, why }).collect()
}

fn standing(checked: &Checked, machine: &Machine, plan: &Plan, status: &Status) -> MachineStatus {
    let host = checked.at(machine.host);
    let about = About::machine(machine.name.as_str());
    let notes = |kind: NoteKind| -> Vec<String> {
        let of_it = plan.notes.iter().filter(|note| note.kind == kind && note.about == about);
        of_it.map(|note| note.text.clone()).collect()
    };
    let known = machine.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
    MachineStatus {
        name: machine.name.to_string(),
        host: host.map(|host| host.name.to_string()).unwrap_or_default(),
        state: status.machines.get(machine.name.as_str()).copied().unwrap_or("unknown").to_owned(),
        addresses: known
            .flatten()
            .map(|addressing| match addressing {
                Addressing::Static(address) | Addressing::Reserved(address) => address.to_string(),
                Addressing::Dynamic => "dynamic".to_owned(),
            })
            .collect(),
        outdated: notes(NoteKind::Outdated),
        pending: notes(NoteKind::PendingBoot),
    }
}
