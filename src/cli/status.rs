//! `status`: the machines as they are, and what is kept.
//!
//! With `--json` it writes one object with `version` (1), `cloud`, `owner`, `hosts`, `simulation`, `machines` and `kept`. A
//! machine has `name`, `host`, `state`, `addresses`, and the reasons why it is `outdated` and what is `pending` until its
//! next boot. It ends with 1 when something could not be read.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::{Addressing, Checked, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::graph::{Address, NoteKind};
use fmc_core::unit::Size;
use fmc_libvirt::document::{self, kind};
use fmc_libvirt::provider::object::{Object, Owner};
use fmc_libvirt::volume::Ours;
use serde::Serialize;

use super::args::Args;
use super::check;
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::plan::{self, Connected, Towards};
use super::style::{BAD, Paint, STRONG};
use super::table::Table;
use super::{DONE, FAILED};
use crate::plan::Plan;

#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    cloud: &'a str,
    owner: &'a str,
    hosts: Vec<Connected<'a>>,
    simulation: bool,
    machines: Vec<Standing<'a>>,
    kept: Vec<Kept>,
}

#[derive(Serialize)]
struct Standing<'a> {
    name: &'a str,
    host: &'a str,
    state: &'static str,
    addresses: Vec<String>,
    outdated: Vec<&'a str>,
    pending: Vec<&'a str>,
}

#[derive(Serialize)]
struct Kept {
    what: String,
    why: String,
}

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let plan = plan::decide(&checked, &world, args, Towards::Cloud)?;
    let machines: Vec<Standing<'_>> =
        checked.machines().iter().map(|machine| standing(&checked, machine, &plan)).collect();
    let kept = kept(&plan);
    if args.json {
        io.json(&Shown {
            version: 1,
            cloud: checked.name().as_str(),
            owner: checked.owner().as_str(),
            hosts: plan::hosts(&world),
            simulation: world.is_simulation(),
            machines,
            kept,
        })?;
        return Ok(ending(&plan, io));
    }
    let title = format!("{} on {}", checked.name(), plan::place(&world));
    io.out(format_args!("{}\n", Paint(title, STRONG, io.colour_out)))?;
    let several = checked.hosts().len() > 1;
    let mut table = Table::new(["machine", "state", "address", if several { "host" } else { "" }, ""]);
    for Standing { name, host, state, addresses, outdated, pending } in &machines {
        let mut remarks = Vec::new();
        remarks.extend((!outdated.is_empty()).then(|| format!("outdated: {}", outdated.join("; "))));
        remarks.extend((!pending.is_empty()).then(|| format!("pending boot: {}", pending.join("; "))));
        let host = if several { (*host).to_owned() } else { String::new() };
        table.row([(*name).to_owned(), (*state).to_owned(), addresses.join(" "), host, remarks.join(" · ")]);
    }
    if !table.is_empty() {
        io.out(&table)?;
    }
    for Kept { what, why } in &kept {
        io.out(format_args!("  kept: {what} ({why})\n"))?;
    }
    let pending = if plan.is_empty() { "as wanted".to_owned() } else { plan.counts().to_string() };
    io.out(format_args!("  {pending}\n"))?;
    Ok(ending(&plan, io))
}

/// Says what could not be read. How a machine is that nobody can see is not known, and the command has failed.
fn ending(plan: &Plan, io: &mut Io<'_>) -> u8 {
    let causes: BTreeSet<&str> = plan.deferred().map(|note| note.text.as_str()).collect();
    for cause in &causes {
        io.err(format_args!("{}: {cause}\n", Paint("error", BAD, io.colour_err)));
    }
    if causes.is_empty() { DONE } else { FAILED }
}

/// What is ours and stays although no machine uses it: what nobody wants and is not deleted, and the data of machines that
/// are not there.
fn kept(plan: &Plan) -> Vec<Kept> {
    let said = plan.notes.iter().filter(|note| note.kind == NoteKind::Kept);
    let mut kept: BTreeMap<String, String> =
        said.map(|note| (note.about.clone(), note.text.clone())).collect();
    for (at, object) in plan.seen().present() {
        let Object::Volume(volume) = object else { continue };
        let Ours::Disk { machine, .. } = &volume.ours else { continue };
        let domain = at.beside(kind::DOMAIN, machine.as_str());
        if !plan.seen().objects.contains_key(&domain) {
            let size = volume.capacity.map(|bytes| format!("{} of ", Size::bytes(bytes))).unwrap_or_default();
            kept.entry(at.to_string()).or_insert_with(|| format!("{size}data; {machine} is not there"));
        }
    }
    kept.into_iter().map(|(what, why)| Kept { what, why }).collect()
}

fn standing<'a>(checked: &'a Checked, machine: &'a Machine, plan: &'a Plan) -> Standing<'a> {
    let host = checked.at(machine.host);
    let about = format!("machine/{}", machine.name);
    let notes = |kind: NoteKind| -> Vec<&'a str> {
        let of_it = plan.notes.iter().filter(|note| note.kind == kind && note.about == about);
        of_it.map(|note| note.text.as_str()).collect()
    };
    let known = machine.interfaces.iter().flat_map(|interface| [interface.ipv4, interface.ipv6]);
    Standing {
        name: machine.name.as_str(),
        host: host.map_or("", |host| host.name.as_str()),
        state: host.map_or("unknown", |host| {
            let at = Address::new(document::place(&host.name), kind::DOMAIN, machine.name.as_str());
            match plan.seen().object(&at) {
                Some(Object::Domain(domain)) => match &domain.owner {
                    Owner::Us if domain.record.active => "running",
                    Owner::Us => "off",
                    Owner::Other(_) | Owner::Unmarked => "not ours",
                },
                Some(_) => "unknown",
                None if plan.seen().objects.contains_key(&at) => "unknown",
                None if plan.seen().unknown_at(at.place()).is_some() => "unknown",
                None => "not there",
            }
        }),
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
