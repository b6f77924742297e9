//! `status`: the state of the machines, and the objects that are kept.
//!
//! It answers whether all is as the cloud says. It exits with 0 if it is: every machine runs that should, or is off
//! as it should be. It exits with 1 if something could not be read or is refused, and with 2 if an apply or a person
//! has something to do: a machine is off or not there, an object differs, a machine is outdated. A value that takes
//! effect at the next boot does not count, as it does not for `apply`. Of a cloud that is refused it shows the machines that
//! carry the owner's mark, and exits with 1. With `--json` it writes a `status-object` of
//! [`json`](super::json).

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::{Addressing, Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::graph::{About, NoteKind, Place, State};
use fmc_core::provider::{Standing, Status};

use super::args::Args;
use super::check::{self, count};
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::plan::{self, Towards};
use super::root_key;
use super::style::{BAD, Paint, STRONG};
use super::table::Table;
use super::{DONE, FAILED, PENDING};
use crate::json::{KeptView, MachineStatus, ObjectStatus, StatusObject, Versioned};
use crate::plan::Plan;

/// The most objects that a line names; it counts the others.
const NAMED: usize = 3;

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let (checked, is_refused) = check::checked_or_hosts(cloud, args, io)?.by_marks("status", io);
    root_key::validate(args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let (checked, plan) = plan::decide(checked, &world, args, Towards::Cloud)?;
    let status = plan.status(&checked);
    let mut machines: Vec<MachineStatus> =
        checked.machines().iter().map(|machine| standing(&checked, machine, &plan, &status)).collect();
    if is_refused {
        machines.extend(by_marks(&plan, &status));
    }
    // Of a cloud that cannot be read nobody knows what it has no longer.
    let kept = if is_refused { Vec::new() } else { kept(&plan, &status) };
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
        return Ok(if is_refused { FAILED } else { ending(&plan, io) });
    }
    let title = format!("{} on {}", checked.name(), plan::place(&world));
    io.show(format_args!("{}\n", Paint(title, STRONG, io.colour_out)))?;
    let several = checked.hosts().len() > 1;
    let mut table = Table::new(["machine", "state", "address", if several { "host" } else { "" }, ""]);
    for MachineStatus { name, host, state, addresses, outdated, pending, left } in &machines {
        let mut remarks = Vec::new();
        remarks.extend((!outdated.is_empty()).then(|| format!("outdated: {}", outdated.join("; "))));
        remarks.extend((!pending.is_empty()).then(|| format!("pending boot: {}", pending.join("; "))));
        remarks.extend((!left.is_empty()).then(|| format!("left: {}", left.join("; "))));
        let host = if several { host.clone() } else { String::new() };
        table.row([name.clone(), state.clone(), addresses.join(" "), host, remarks.join(" · ")]);
    }
    if !table.is_empty() {
        io.tell(&table)?;
    }
    io.tell(objects(&status, &plan, &args.program))?;
    for KeptView { what, why } in &kept {
        io.tell(format_args!("  kept: {what} ({why})\n"))?;
    }
    if is_refused {
        ending(&plan, io);
        return Ok(FAILED);
    }
    let is_as_wanted = plan.is_empty() && machines.iter().all(|machine| machine.pending.is_empty());
    let pending = if is_as_wanted { "as wanted".to_owned() } else { plan.counts().to_string() };
    io.tell(format_args!("  {pending}\n"))?;
    io.tell(left(&plan, &args.program))?;
    Ok(ending(&plan, io))
}

/// Reports what could not be read and what is refused, and gives the exit code.
fn ending(plan: &Plan, io: &mut Io<'_>) -> u8 {
    let refused = plan.refused().map(|note| format!("{}: {}", note.about.spoken(), note.text));
    // An object that the apply itself builds first is no failure.
    let unread = plan.deferred().filter(|_| plan::is_unread(plan)).map(|note| note.text.clone());
    let causes: BTreeSet<String> = unread.chain(refused).collect();
    for cause in &causes {
        io.err(format_args!("{}: {cause}\n", Paint("error", BAD, io.colour_err)));
    }
    if !causes.is_empty() {
        FAILED
    } else if plan.is_empty() {
        DONE
    } else {
        PENDING
    }
}

/// The lines of objects that are no machines. Of many at a place that are not there in one way there is one line: `--json` has each.
fn objects(status: &Status, plan: &Plan, program: &str) -> String {
    let seen = plan.seen();
    let mut absent: BTreeMap<(&Place, bool, &str), Vec<String>> = BTreeMap::new();
    let mut lines = String::new();
    for Standing { address, state } in &status.objects {
        if seen.object(address).is_none() {
            let is_unknown = seen.unknown_at(address.place()).is_some()
                || matches!(seen.objects.get(address), Some(State::Unknown { .. }));
            let key = (address.place(), is_unknown, state.as_str());
            absent.entry(key).or_default().push(address.short().to_string());
        } else {
            lines += &format!("  {}: {state}\n", address.short());
        }
    }
    for ((place, is_unknown, state), names) in absent {
        // A place that does not answer has an error of its own.
        let advice = if is_unknown { String::new() } else { format!("; `{program} apply` makes them") };
        if names.len() > NAMED {
            let what = count(names.len(), "object");
            let named = first_of(&names);
            lines += &format!("  {place}: {what} {state}: {named}{advice}\n");
        } else {
            lines.extend(names.iter().map(|name| format!("  {name}: {state}\n")));
        }
    }
    lines
}

/// The line that names the objects with a difference that an apply leaves alone; empty if there are none.
fn left(plan: &Plan, program: &str) -> String {
    let left = plan.notes.iter().filter(|note| note.kind == NoteKind::Left);
    let left: BTreeSet<&About> = left.map(|note| &note.about).collect();
    if left.is_empty() {
        return String::new();
    }
    let names: Vec<String> = left.iter().map(|about| about.spoken()).collect();
    format!("  left: {}; `{program} plan` says why\n", first_of(&names))
}

/// As `a, b, c and 4 more`.
fn first_of(names: &[String]) -> String {
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
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

/// The machines that carry the owner's mark, for a cloud that does not say which there are.
fn by_marks(plan: &Plan, status: &Status) -> Vec<MachineStatus> {
    let rooms = plan.wanted().rooms();
    let there = plan.seen().present().filter(|(at, _)| rooms.noun(at) == "machine");
    let named = there.filter_map(|(at, _)| Some((at, status.machines.get(at.name())?)));
    named
        .map(|(at, state)| MachineStatus {
            name: at.name().to_owned(),
            host: at.place().name().unwrap_or_default().to_owned(),
            state: state.to_string(),
            addresses: Vec::new(),
            outdated: Vec::new(),
            pending: Vec::new(),
            left: Vec::new(),
        })
        .collect()
}

fn standing(checked: &Checked, machine: &Machine, plan: &Plan, status: &Status) -> MachineStatus {
    let host = checked.at(machine.host);
    let about = About::machine(machine.name.as_str());
    let notes = |kind: NoteKind| -> Vec<String> {
        let of_it = plan.notes.iter().filter(|note| note.kind == kind && note.about == about);
        of_it.map(|note| note.text.clone()).collect()
    };
    let state = status.machines.get(machine.name.as_str()).map_or("unknown", |state| state);
    let mut left = notes(NoteKind::Left);
    if state == "not there" {
        left.extend(still_there(plan, &about));
    }
    let known = machine.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
    MachineStatus {
        name: machine.name.to_string(),
        host: host.map(|host| host.name.to_string()).unwrap_or_default(),
        state: state.to_owned(),
        addresses: known
            .flatten()
            .map(|addressing| match addressing {
                Addressing::Static(address) | Addressing::Reserved(address) => address.to_string(),
                Addressing::Dynamic => "dynamic".to_owned(),
            })
            .collect(),
        outdated: notes(NoteKind::Outdated),
        pending: notes(NoteKind::PendingBoot),
        left,
    }
}

/// The objects of a machine that are there although it is not, as its data.
fn still_there(plan: &Plan, machine: &About) -> Vec<String> {
    let untouched = plan.untouched.iter().map(|object| (&object.address, object.part_of.as_deref()));
    let changed = plan.all_steps().filter(|step| step.expects.is_some());
    let changed = changed.map(|step| (&step.address, step.part_of.as_deref()));
    let of_it =
        untouched.chain(changed).filter(|(_, noun)| noun.is_some_and(|noun| About::noun(noun) == *machine));
    let names: BTreeSet<String> = of_it.map(|(at, _)| format!("{} is still there", at.short())).collect();
    names.into_iter().collect()
}
