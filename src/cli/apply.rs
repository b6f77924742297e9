//! `apply` and `destroy`: show the plan, ask for consent, run it.
//!
//! With `--json` each line on standard output is one event of [`json`](super::json): first `plan`, then those of
//! [`Event`](crate::graph::Event), last `outcome`. A further `plan` stands before its steps.

mod follow;
mod introduce;

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::cloud::Cloud;
use fmc_core::graph::{About, Address, ApplyOptions, Impact, Left, NoteKind, Outcome, StepError, StopFlag};

use self::follow::Follow;
use self::introduce::introduce;
use super::args::Args;
use super::check::{self, count};
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::{Interrupt, Io};
use super::plan::{self, Towards};
use super::root_key;
use super::saved;
use super::style::{BAD, GOOD, Paint, WARN};
use super::{DONE, FAILED, PENDING};
use crate::json::{End, Line};
use crate::plan::Plan;
use crate::saved::Saved;

/// How many things are named for one cause.
const LISTED: usize = 5;

pub(super) fn run(
    cloud: &Cloud,
    towards: Towards,
    saved: Option<&Saved>,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let towards = if saved.is_some_and(Saved::is_destroy) { Towards::Nothing } else { towards };
    let command = if towards == Towards::Cloud { "apply" } else { "destroy" };
    let checked = match (towards, saved) {
        // A person can destroy a cloud that the check refuses.
        (Towards::Nothing, None) => check::checked_or_hosts(cloud, args, io)?.by_marks(command, io).0,
        _ => check::checked(cloud, args, io)?,
    };
    root_key::validate(args, io)?;
    let mut world = World::connect(&checked, args, io, Access::Act(command))?;
    let (checked, plan) = plan::decide(checked, &world, args, towards)?;
    if let Some(saved) = saved {
        saved::compare(saved, &plan, &world)?;
    }
    if args.json {
        io.json_line(&Line::Plan(Box::new(plan::shown(&plan, plan.wanted(), &world))))?;
    } else {
        plan::show(&plan, &world, towards, io)?;
    }
    let prepared = prepare(command, towards, saved, &plan, &mut world, args, io).and_then(|()| {
        // A simulated guest gets stand-ins. The consent comes first, because it names the files that are read here.
        let is_real = towards == Towards::Cloud && !world.is_simulation() && !plan.steps.is_empty();
        if is_real { root_key::judge_all(&checked, args, io) } else { Ok(()) }
    });
    if let Err(failure) = prepared {
        if args.json {
            let nothing = Outcome::nothing_of(&plan, "nothing was done");
            io.json_line(&Line::Outcome(End::of(&nothing, false)))?;
        }
        return Err(failure);
    }
    let stop = StopFlag::default();
    (io.interrupt)(Interrupt { stop: stop.clone(), save: world.last_save() });
    let (outcome, followed) = act(command, &plan, saved.is_some(), &mut world, &stop, args, io)?;
    report(&plan, &outcome, &stop, args, io);
    let code = end(&plan, &outcome, stop.is_stopped(), args, io)?;
    followed.map(|()| code)
}

/// The checks before the first step of a plan: it is not refused, its secrets are available, and a person consents.
fn prepare(
    command: &str,
    towards: Towards,
    saved: Option<&Saved>,
    plan: &Plan,
    world: &mut World,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<(), Failure> {
    refuse(plan)?;
    if towards == Towards::Cloud {
        refuse_strangers(plan, args)?;
    }
    if plan.steps.is_empty() {
        // There is nothing to consent to.
        return Ok(());
    }
    if towards == Towards::Cloud && world.is_simulation() {
        root_key::validate_for(plan.wanted(), args, io)?;
    } else if towards == Towards::Cloud && plan.wanted().needs_root_key() {
        world.fill_from(root_key::keyring_for_apply(
            plan.wanted().secret_scope(),
            plan.wanted().is_lab(),
            args,
            io,
        )?);
    }
    if towards == Towards::Cloud {
        let reads = root_key::reads(plan.wanted(), args, io)?;
        if !args.json {
            io.err(reads);
        }
    }
    introduce(plan, world, args, io);
    // The person who saved the plan has consented to it.
    if saved.is_none() {
        if world.is_simulation() && !args.json && plan.impact() >= Impact::Restart {
            io.err(format_args!(
                "A simulation asks for no consent. On a hypervisor, {command} asks first, unless --yes is given.\n"
            ));
        }
        consent(command, world, args, io)
    } else {
        Ok(())
    }
}

fn refuse(plan: &Plan) -> Result<(), Failure> {
    let refused = plan.counts().refused;
    if refused == 0 {
        return Ok(());
    }
    let mut failure = Failure::new(format!("the plan is refused ({refused} refused): nothing was done"));
    for note in plan.refused() {
        failure = failure.help(format!("{}: {}", note.about.spoken(), note.text));
    }
    Err(failure)
}

/// Refuses to delete every machine that is here for a cloud that wants none of them, unless a person names their owner.
fn refuse_strangers(plan: &Plan, args: &Args) -> Result<(), Failure> {
    let (machines, owner) = (plan.replaces_everything(), plan.wanted().owner());
    if let Some(other) = args.delete_all.as_deref().filter(|other| *other != owner.as_str()) {
        return Err(Failure::new(format!(
            "--delete-all {other}: the owner of this cloud is `{owner}`, so nothing was done"
        )));
    }
    if machines.is_empty() || args.delete_all.as_deref() == Some(owner.as_str()) {
        return Ok(());
    }
    let are = if machines.len() == 1 { "is" } else { "are" };
    let count = count(machines.len(), "machine");
    Err(Failure::new(format!("this cloud wants none of the {count} that {are} here: nothing was done"))
        .help("if they are another cloud's, give this one another `owner`")
        .help(format!("--delete-all {owner} consents to deleting all of them")))
}

fn consent(command: &str, world: &World, args: &Args, io: &mut Io<'_>) -> Result<(), Failure> {
    if world.is_simulation() { Ok(()) } else { agreed(command, &world.place(), args, io) }
}

/// Asks whether a command may change a place, unless `--yes` answers.
pub(super) fn agreed(command: &str, place: &str, args: &Args, io: &mut Io<'_>) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if io.input.is_none() {
        return Err(Failure::new(format!(
            "{command} changes {place} and nobody can be asked: there is no terminal, and nothing was done"
        ))
        .help("--yes consents to what the plan shows"));
    }
    if answers_yes(&format!("{command} this to {place}?"), io)? {
        Ok(())
    } else {
        Err(Failure::new("nothing was done"))
    }
}

/// Asks the person at the terminal.
fn answers_yes(question: &str, io: &mut Io<'_>) -> Result<bool, Failure> {
    let question = Paint(format!("\n{question}"), WARN, io.colour_err);
    io.err(format_args!("{question} [y/N] "));
    let mut answer = String::new();
    if let Some(input) = &mut io.input {
        input
            .read_line(&mut answer)
            .map_err(|error| Failure::new(format!("failed to read the answer: {error}")))?;
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn act(
    command: &str,
    plan: &Plan,
    is_saved: bool,
    world: &mut World,
    stop: &StopFlag,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<(Outcome, Result<(), Failure>), Failure> {
    let options = ApplyOptions {
        parallelism: args.parallelism.map(usize::from),
        stop: stop.clone(),
        no_wait: args.no_wait(),
    };
    // The simulation is saved beside the steps, which borrow its providers.
    let providers = std::mem::take(&mut world.providers);
    let mut follow = Follow::new(command, plan.wanted(), plan.steps.len(), world, stop.clone(), args, io)
        .of_a_saved_plan(is_saved);
    let outcome = pollster::block_on(plan.apply_watched(&providers, options, &mut follow));
    let followed = follow.finish();
    Ok((outcome.map_err(Failure::to)?, followed))
}

/// The line of a failed step. Some errors begin with the object itself, and some are sentences of their own.
fn failure(address: &Address, error: &StepError) -> String {
    let (address, text) = (address.to_string(), error.to_string());
    match error {
        _ if text.starts_with(&address) => text,
        StepError::Cancelled | StepError::Input { .. } => format!("{address}: {text}"),
        _ => format!("{address}: failed to {text}"),
    }
}

/// Prints failures, and the work that is left.
fn report(plan: &Plan, outcome: &Outcome, stop: &StopFlag, args: &Args, io: &mut Io<'_>) {
    let colour = io.colour_err;
    for (address, error) in &outcome.failed {
        io.err(format_args!("{}: {}\n", Paint("error", BAD, colour), failure(address, error)));
    }
    for (address, not_up) in &outcome.not_up {
        io.err(format_args!("{}: {address}: not up: {}\n", Paint("error", BAD, colour), not_up.cause));
        if !not_up.console.is_empty() {
            io.err("  the end of its serial console:\n");
        }
        for line in &not_up.console {
            io.err(format_args!("    | {line}\n"));
        }
        for help in &not_up.help {
            io.err(format_args!("  {}: {help}\n", Paint("help", GOOD, colour)));
        }
    }
    if !outcome.unasked.is_empty() && !args.json {
        let unasked = by_noun(plan, outcome.unasked.iter());
        io.err(format_args!("--no-wait: whether {unasked} with a ready signal came up is not known\n"));
    }
    if outcome.is_converged() {
        return;
    }
    if outcome.waits_for_person() {
        report_waiting(&outcome.left, args, io);
        return;
    }
    if stop.is_stopped() {
        io.err(format_args!("{}: stopped\n", Paint("error", BAD, colour)));
    }
    if !outcome.skipped.is_empty() {
        io.err(format_args!("  {} not begun:\n", count(outcome.skipped.len(), "step")));
        let steps = plan.all_steps();
        let nouns: BTreeMap<_, _> =
            steps.filter_map(|step| Some((&step.address, step.part_of.as_deref()?))).collect();
        let name = |address: &Address| {
            nouns.get(address).map_or_else(|| address.to_string(), |noun| (*noun).to_owned())
        };
        let skipped = outcome.skipped.iter().map(|skipped| (name(&skipped.address), &*skipped.cause));
        for line in skipped_lines(skipped) {
            io.err(format_args!("    {line}\n"));
        }
    }
    report_left(&outcome.left, io);
    if outcome.failed.is_empty() && outcome.skipped.is_empty() && outcome.left.is_empty() {
        // Every step is done, so a plan would be empty and not say more. The next apply asks again.
        let program = &args.program;
        io.err(format_args!(
            "  {}: the steps are done, and `{program} apply` again asks whether it is up; `{program} console NAME` shows \
             a machine's console, `--no-wait` waits for none\n",
            Paint("help", GOOD, colour)
        ));
        return;
    }
    io.err(format_args!(
        "  {}: what is done stays; `{} plan` shows what is left\n",
        Paint("help", GOOD, colour),
        args.program
    ));
}

/// The machines and other objects whose steps were skipped, one line for each cause: a stop may skip thousands of steps.
fn skipped_lines<'a>(skipped: impl Iterator<Item = (String, &'a str)>) -> Vec<String> {
    let mut causes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, cause) in skipped {
        causes.entry(cause).or_default().insert(name);
    }
    let line = |(cause, all): (&str, BTreeSet<String>)| {
        let named = all.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        match all.len().saturating_sub(LISTED) {
            0 => format!("{named}: {cause}"),
            more => format!("{named} and {more} more: {cause}"),
        }
    };
    causes.into_iter().map(line).collect()
}

/// The work that an apply leaves, counted as a plan counts it: by the kind of note, each machine or other noun once.
fn counted(left: &[Left]) -> String {
    let mut abouts: BTreeMap<Option<NoteKind>, BTreeSet<&About>> = BTreeMap::new();
    for one in left {
        abouts.entry(one.note).or_default().insert(&one.about);
    }
    let words = abouts.iter().map(|(note, abouts)| {
        let what = match note {
            Some(NoteKind::Outdated) => "outdated",
            Some(NoteKind::Deferred) => "deferred",
            Some(NoteKind::Held) => "held",
            Some(NoteKind::Refused) => "refused",
            Some(_) => "left",
            None => "not done",
        };
        format!("{} {what}", abouts.len())
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Prints what waits for a person: which machine, why, and the next command.
fn report_waiting(left: &[Left], args: &Args, io: &mut Io<'_>) {
    let program = &args.program;
    let mut sorted: Vec<&Left> = left.iter().collect();
    sorted.sort_by(|one, other| (&one.about, one.note).cmp(&(&other.about, other.note)));
    for Left { about, cause, note, .. } in sorted.iter().take(LISTED) {
        let warning = Paint("warning", WARN, io.colour_err);
        let what = if *note == Some(NoteKind::Outdated) { "is outdated" } else { "is left as it is" };
        io.err(format_args!("{warning}: {} {what}: {cause}\n", about.spoken()));
    }
    if let Some(more) = sorted.len().checked_sub(LISTED).filter(|more| *more > 0) {
        io.err(format_args!("  and {more} more: `{program} plan` shows all\n"));
    }
    let outdated = sorted.iter().filter(|left| left.note == Some(NoteKind::Outdated));
    let outdated: Vec<String> = outdated.map(|left| left.about.to_string()).collect();
    let next = match outdated.as_slice() {
        [] => format!("`{program} plan` shows this again"),
        [only] => {
            let name = only.strip_prefix("machine/").unwrap_or(only);
            format!("`{program} apply --replace {name}` makes it anew, when it may be")
        }
        all => format!("`{program} apply --replace outdated` makes the {} anew, when they may be", all.len()),
    };
    io.err(format_args!("  {}: {next}\n", Paint("help", GOOD, io.colour_err)));
}

/// Prints the work that an apply leaves, one line for each cause.
fn report_left(left: &[Left], io: &mut Io<'_>) {
    for (cause, all) in Left::by_cause(left) {
        let named = all.iter().take(LISTED).map(|Left { about, action, .. }| match action {
            Some(action) => format!("{about} ({action})"),
            None => about.to_string(),
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let more = match all.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let error = Paint("error", BAD, io.colour_err);
        io.err(format_args!("{error}: left undone: {named}{more}: {cause}\n"));
    }
}

/// Counts objects by a person's noun: `2 machines, 1 deployment`.
fn by_noun<'a>(plan: &Plan, waited: impl Iterator<Item = &'a Address>) -> String {
    let rooms = plan.wanted().rooms();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for address in waited {
        *counts.entry(rooms.noun(address)).or_default() += 1;
    }
    // Machines come first: the rest runs on them.
    let (machines, others): (Vec<_>, Vec<_>) = counts.iter().partition(|(noun, _)| **noun == "machine");
    let each: Vec<String> =
        machines.into_iter().chain(others).map(|(noun, number)| count(*number, noun)).collect();
    each.join(", ")
}

fn end(plan: &Plan, outcome: &Outcome, stopped: bool, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let (done, failed, skipped) = (outcome.done.len(), outcome.failed.len(), outcome.skipped.len());
    let (up, not_up) = (outcome.up.len(), outcome.not_up.len());
    if args.json {
        io.json_line(&Line::Outcome(End::of(outcome, stopped)))?;
    } else if plan.is_empty() && outcome.is_converged() {
        // The plan has already printed it.
    } else if outcome.is_converged() {
        let up = if up > 0 {
            format!(", {} up", by_noun(plan, outcome.up.iter().map(|(at, _)| at)))
        } else {
            String::new()
        };
        io.tell(format_args!("{} done{up}.\n", count(done, "step")))?;
    } else {
        let not_up = if not_up > 0 {
            format!(", {} not up", by_noun(plan, outcome.not_up.iter().map(|(at, _)| at)))
        } else {
            String::new()
        };
        let not_done = if failed + skipped > 0 {
            format!(", {failed} failed, {skipped} not begun")
        } else {
            String::new()
        };
        let left = match counted(&outcome.left) {
            left if left.is_empty() => left,
            left => format!(", {left}"),
        };
        io.tell(format_args!("{} done{not_done}{not_up}{left}.\n", count(done, "step")))?;
    }
    if !args.json {
        io.tell(plan::by_hand(plan.wanted(), args))?;
    }
    Ok(if outcome.is_converged() {
        DONE
    } else if outcome.waits_for_person() {
        PENDING
    } else {
        FAILED
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str], answer: Option<&str>) -> (Result<(), u8>, String) {
        let arguments = ["program", "apply"].iter().chain(arguments).map(std::ffi::OsString::from);
        let args = Args::of(arguments).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut input = answer.map(str::as_bytes);
        let mut io = Io {
            input: input.as_mut().map(|input| input as &mut dyn std::io::BufRead),
            ..Io::new(&mut out, &mut err)
        };
        let consent = consent("apply", &World::claims_to_be_real(), &args, &mut io);
        let consent = consent.map_err(|failure| failure.say(&mut io));
        (consent, String::from_utf8(err).unwrap())
    }

    #[test]
    fn steps_not_begun_have_one_line_for_each_cause() {
        let stopped = (0..20_234).map(|number| (format!("v{number}"), "the apply was stopped"));
        let needed = std::iter::once(("w".to_owned(), "v failed"));
        assert_eq!(
            skipped_lines(stopped.chain(needed)),
            ["v0, v1, v10, v100, v1000 and 20229 more: the apply was stopped", "w: v failed"]
        );
    }

    #[test]
    fn what_is_real_needs_consent() {
        for answer in ["y\n", "yes\n", "YES", " y \n"] {
            let (consent, err) = asked(&[], Some(answer));
            assert_eq!(consent, Ok(()));
            assert!(err.contains("apply this to qemu:///system? [y/N] "), "{err}");
        }
        for answer in ["", "\n", "n\n", "yep\n", "no\n"] {
            let (consent, err) = asked(&[], Some(answer));
            assert_eq!(consent, Err(FAILED), "{answer:?}");
            assert!(err.ends_with("error: nothing was done\n"), "{err}");
        }
    }

    #[test]
    fn nobody_to_ask_is_a_refusal_that_names_the_option() {
        let (consent, err) = asked(&[], None);
        assert_eq!(consent, Err(FAILED));
        assert!(err.contains("there is no terminal") && err.contains("help: --yes consents"), "{err}");
        assert_eq!(asked(&["--yes"], None), (Ok(()), String::new()));
    }
}
