//! `plan`: shows what an apply would do.
//!
//! With `--json` it writes one object, a `plan-object` of [`json`](super::json).

use std::collections::BTreeMap;
use std::path::Path;

use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::dns::zones_of;
use fmc_core::graph::{self, About, Action, Choices, DeleteData, Line, NoteKind, Why};
use fmc_core::name::MachineName;
use fmc_core::nearest::nearest;
use fmc_core::provider::{AnyDocument, ByHand};
use fmc_core::secret::Derivation;

use super::args::Args;
use super::check::{self, count};
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::root_key;
use super::saved;
use super::style::{ANEW, BAD, CHANGE, DIM, GOOD, Paint, STRONG, WARN};
use super::{DONE, FAILED, PENDING};
use crate::compile::Wanted;
use crate::json::{HostAt, PlanObject, Versioned};
use crate::plan::{Plan, derivation, names};

/// The name that stands for every outdated machine in `--replace`.
const OUTDATED: &str = "outdated";

/// The goal of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    /// The cloud.
    Cloud,
    /// Nothing.
    Nothing,
}

pub(super) fn run(
    cloud: &Cloud,
    towards: Towards,
    detailed_exitcode: bool,
    out: Option<&Path>,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    root_key::validate(args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let (_, plan) = decide(checked, &world, args, towards)?;
    root_key::validate_for(plan.wanted(), args, io)?;
    let reads = root_key::reads(plan.wanted(), args, io)?;
    if args.json {
        io.json(&Versioned::new(shown(&plan, plan.wanted(), &world)))?;
    } else {
        show(&plan, &world, towards, io)?;
        io.tell(by_hand(plan.wanted(), args))?;
        if towards == Towards::Cloud && !world.is_simulation() {
            io.tell(root_key::missing(plan.wanted(), args, io)?)?;
        }
        io.tell(reads)?;
    }
    let is_refused = plan.refused().next().is_some();
    if let Some(out) = out.filter(|_| !is_refused) {
        saved::write(&plan, &world, out, args, io)?;
        if !args.json {
            let command = saved::apply_again(out, &world, args);
            io.show(format_args!("\n  Written: `{command}` does just this.\n"))?;
        }
    }
    Ok(if is_refused || is_unread(&plan) {
        FAILED
    } else if detailed_exitcode && !plan.is_empty() {
        PENDING
    } else {
        DONE
    })
}

/// Whether something could not be read, so that the plan may lack steps. Objects that the apply itself builds first do not
/// count.
pub(super) fn is_unread(plan: &Plan) -> bool {
    let is_place = |note: &graph::Note| matches!(note.about, About::Place(_));
    plan.untouched.iter().any(|object| object.why == Why::Unknown) || plan.deferred().any(is_place)
}

/// Reads the hosts and makes the plan, with the cloud that it is for.
pub(super) fn decide(
    checked: Checked,
    world: &World,
    args: &Args,
    towards: Towards,
) -> Result<(Checked, Plan), Failure> {
    let mut choices = choices(&checked, args)?;
    let plan = |checked: &Checked, choices: &Choices| {
        let wanted = world.providers.compile(checked);
        let wanted = if towards == Towards::Nothing { wanted.nothing() } else { wanted };
        pollster::block_on(world.providers.plan_with(&wanted, choices.clone())).map_err(Failure::to)
    };
    if choices.replace.remove(OUTDATED) {
        let outdated = plan(&checked, &choices)?;
        let outdated = outdated.notes.iter().filter(|note| note.kind == NoteKind::Outdated);
        choices.replace.extend(outdated.filter_map(|note| match &note.about {
            About::Machine(name) => Some(name.to_string()),
            _ => None,
        }));
    }
    let first = plan(&checked, &choices)?;
    let (checked, plan) = match other_derivation(&checked, &first) {
        Some(there) => {
            let checked = checked.derived_by(there);
            let plan = plan(&checked, &choices)?;
            let note = derivation::kept(plan.wanted());
            (checked, plan.with_notes([note]))
        }
        None => (checked, first),
    };
    let plan = judged(&checked, plan, &choices.delete_data, world, args, towards)?;
    Ok((checked, plan))
}

/// The plan with what the options and the hosts say of it.
fn judged(
    checked: &Checked,
    plan: Plan,
    delete_data: &DeleteData,
    world: &World,
    args: &Args,
    towards: Towards,
) -> Result<Plan, Failure> {
    if let DeleteData::Of(machines) = delete_data {
        machines.iter().try_for_each(|machine| has_data(checked, &plan, machine))?;
    }
    if let Some(note) = plan.refused().find(|note| args.only.contains(&note.about.to_string())) {
        return Err(Failure::usage(format!("--only {}: {}", note.about, note.text)));
    }
    if !args.only.is_empty()
        && let Some(note) = plan.refused().find(|note| is_asked_for(args, &note.about))
    {
        let (about, text) = (&note.about, &note.text);
        return Err(Failure::usage(format!("{about}: {text}"))
            .help(format!("add --only {about}, or leave --only out")));
    }
    if towards == Towards::Nothing {
        return Ok(plan);
    }
    let mut preflight = pollster::block_on(world.providers.preflight(checked));
    if !args.only.is_empty() {
        // A host's deficiencies matter to a part of the plan only if it has steps there.
        let is_touched = |host: &str| plan.all_steps().any(|step| step.address.place().name() == Some(host));
        preflight.retain(|note| match &note.about {
            About::Host(host) => is_touched(host),
            _ => true,
        });
    }
    Ok(plan.with_notes(preflight))
}

/// The derivation of the secrets that are there, which a cloud keeps that does not say its own.
fn other_derivation(checked: &Checked, plan: &Plan) -> Option<Derivation> {
    let is_open = checked.derivation().is_none() && plan.wanted().needs_root_key();
    let there = plan.derivation_there().filter(|_| is_open)?;
    (there != checked.secret_scope().derivation()).then_some(there)
}

/// The derivation of each existing machine's secrets, and that of others.
pub(super) fn derivations(
    checked: &Checked,
    world: &World,
) -> Result<(BTreeMap<String, Derivation>, Derivation), Failure> {
    let wanted = world.providers.compile(checked);
    let plan = pollster::block_on(world.providers.plan(&wanted)).map_err(Failure::to)?;
    let others = other_derivation(checked, &plan).unwrap_or_else(|| checked.secret_scope().derivation());
    Ok((derivation::of_each(&wanted, plan.seen()), others))
}

/// Whether an option names this machine, so that a refusal is about something that was asked for.
fn is_asked_for(args: &Args, about: &About) -> bool {
    let mut named = args.replace.iter().chain(&args.delete_data).chain(&args.leave_data);
    named.any(|name| *about == About::machine(name.as_str()))
}

fn choices(checked: &Checked, args: &Args) -> Result<Choices, Failure> {
    for (option, chosen) in [("--replace", &args.replace), ("--leave-data", &args.leave_data)] {
        let is_unknown = |name: &&String| {
            checked.machine(name).is_none() && !(option == "--replace" && **name == OUTDATED)
        };
        if let Some(name) = chosen.iter().find(is_unknown) {
            let names = checked.machines().iter().map(|machine| machine.name.as_str());
            return Err(unknown(option, name, names));
        }
    }
    let delete_data = match args.delete_data.as_slice() {
        [] => DeleteData::None,
        names if names.iter().any(|name| name == "all") => DeleteData::All,
        names => DeleteData::Of(names.iter().cloned().collect()),
    };
    Ok(Choices {
        replace: args.replace.iter().cloned().collect(),
        delete_data,
        leave_data: args.leave_data.iter().cloned().collect(),
        force_conflicts: args.force_conflicts.iter().cloned().collect(),
        only: args.only.iter().cloned().collect(),
    })
}

/// A machine that the cloud no longer has may have left data. A name without a machine and without data is a mistake.
fn has_data(checked: &Checked, plan: &Plan, machine: &str) -> Result<(), Failure> {
    let wanted = plan.wanted().graph();
    // The plan says of what the cloud wants that it stays.
    let is_wanted = || machine.contains('/') && wanted.nodes.keys().any(|at| at.is_named(machine));
    let left = names::of_data(&plan.wanted().rooms(), wanted, plan.seen());
    // A person agrees to a change of much of a zone, whether or not this plan has one.
    let is_zone =
        || machine.contains('.') && zones_of(checked).iter().any(|zone| zone.name.bare() == machine);
    if checked.machine(machine).is_some() || left.contains(machine) || is_wanted() || is_zone() {
        return Ok(());
    }
    let there = left.iter().map(String::as_str);
    if machine.contains('/') {
        let failure = Failure::usage(format!("--delete-data names nothing that left data: `{machine}`"));
        let parts: Vec<&str> = there.filter(|name| name.contains('/')).collect();
        return Err(match nearest(machine, parts.iter().copied()) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None if parts.is_empty() => failure.help("nothing in a cluster has left data"),
            None => failure.help(format!("data was left by {}", parts.join(", "))),
        });
    }
    let there = there.filter(|name| !name.contains('/'));
    let names = checked.machines().iter().map(|machine| machine.name.as_str()).chain(there);
    Err(unknown("--delete-data", machine, names))
}

fn unknown<'a>(option: &str, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Failure {
    let failure = Failure::usage(format!("{option} names a machine that is not there: `{name}`"));
    match (nearest(name, names.clone()), name.parse::<MachineName>()) {
        (Some(near), _) => failure.help(format!("did you mean `{near}`?")),
        (None, Err(error)) => failure.help(error.to_string()),
        (None, Ok(_)) => {
            let mut names: Vec<&str> = names.collect();
            names.sort_unstable();
            names.dedup();
            failure.help(format!("the machines are {}", names.join(", ")))
        }
    }
}

/// A plan as JSON.
pub(super) fn shown<D: ?Sized>(plan: &graph::Plan<D>, wanted: &Wanted, world: &World) -> PlanObject {
    PlanObject::of(plan, wanted, hosts(world), world.is_simulation())
}

/// The hosts as JSON shows them.
pub(super) fn hosts(world: &World) -> Vec<HostAt> {
    world.on.iter().map(|(host, uri)| HostAt { host: host.to_string(), uri: uri.clone() }).collect()
}

/// Shows a plan to a person.
pub(super) fn show(plan: &Plan, world: &World, towards: Towards, io: &mut Io<'_>) -> Result<(), Failure> {
    let colour = io.colour_out;
    let wanted = plan.wanted();
    let place = place(world);
    let title = match towards {
        Towards::Cloud => format!("{} on {place}", wanted.name()),
        Towards::Nothing => format!("destroy {} on {place}", wanted.name()),
    };
    let sizes = if towards == Towards::Cloud { format!("   {}", sizes(wanted)) } else { String::new() };
    io.tell(format_args!("{}{}\n", Paint(title, STRONG, colour), Paint(sizes, DIM, colour)))?;
    io.tell(tree(plan, colour))
}

/// The hypervisors, or that they are simulated.
pub(super) fn place(world: &World) -> String {
    let place = world.place();
    if world.is_simulation() { format!("{place} (a simulation)") } else { place }
}

fn sizes(wanted: &Wanted) -> String {
    let number = |provider: &str, kind: &str| {
        let all = wanted.graph().nodes.keys();
        all.filter(|address| address.kind() == kind && address.provider() == provider).count()
    };
    let rooms = wanted.rooms();
    // A noun without an object is told only if every cloud has such objects.
    let has_to_be_told = |provider: &str, number: usize| number > 0 || provider == "libvirt";
    let counts = rooms.nouns().filter_map(|(provider, kind, noun)| {
        let number = number(provider, kind);
        has_to_be_told(provider, number).then(|| count(number, noun))
    });
    counts.collect::<Vec<_>>().join(" · ")
}

/// The lines of a plan. Without colours they equal its `Display`.
pub(super) fn tree(plan: &graph::Plan<AnyDocument>, colour: bool) -> String {
    if !colour {
        return plan.to_string();
    }
    let lines: Vec<Line> = plan.lines().collect();
    let width = lines.iter().map(|line| 2 * line.indent + line.what.chars().count()).max().unwrap_or(0);
    let width = width.clamp(16, 40);
    let mut text = String::new();
    for Line { sign, what, verb, detail, indent, action, .. } in &lines {
        let style = match (action, sign) {
            (Some(Action::Create), _) => GOOD,
            (Some(Action::Replace), _) => ANEW,
            (Some(Action::Delete), _) => BAD,
            (Some(_), _) => CHANGE,
            (None, '!') => WARN,
            (None, _) => DIM,
        };
        let (margin, width) = (2 + 2 * indent, width.saturating_sub(2 * indent));
        let (sign, verb) = (Paint(sign, style, true), Paint(format!("{verb:8}"), style, true));
        text += &format!("{:margin$}{sign} {what:width$}  {verb} {detail}\n", "");
    }
    text + &format!("  {}\n", Paint(plan.counts(), STRONG, true))
}

/// The commands that load the files which are no steps, as a host's nft table: it is the host's and not libvirt's.
pub(super) fn by_hand(wanted: &Wanted, args: &Args) -> String {
    let program = &args.program;
    match wanted.by_hand() {
        [] => String::new(),
        [ByHand { place, path, why, loads, kind: "nft", .. }] => format!(
            "\n  {why}, which an apply does not load: `{program} host {place} install` does, and at each start of {place}. By hand: \
             `{program} compile --out DIR` writes it, and on {place} this loads it (safe to repeat):\n    {loads} DIR/{path}\n"
        ),
        [ByHand { place, path, why, loads, .. }] => format!(
            "\n  {why}, which fmc does not load: `{program} compile --out DIR` writes it, and on {place} this loads it \
             (safe to repeat):\n    {loads} DIR/{path}\n"
        ),
        [first, rest @ ..] => {
            let each = wanted
                .by_hand()
                .iter()
                .map(|ByHand { place, path, loads, .. }| format!("    on {place}: {loads} DIR/{path}\n"));
            format!(
                "\n  {}, and so it is on {}: fmc does not load these files. `{program} compile --out DIR` writes them, and \
                 this loads each (safe to repeat):\n{}",
                first.why,
                count(rest.len(), "other host"),
                each.collect::<String>()
            )
        }
    }
}
