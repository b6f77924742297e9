//! `drift`: manual changes since the last apply.
//!
//! It exits with 2 if somebody changed something, or may have (`unclear`); with 1 if something could not be read; and
//! with 0 only if all was read and nothing was changed. Changes of the cloud itself do not count as drift: `plan`
//! shows them. With `--json` it writes a `drift-object` of [`json`](super::json).

use fmc_core::cloud::Cloud;
use fmc_core::provider::{Drift, DriftKind, Drifted, Moved, Rooms};

use super::args::Args;
use super::check::{self, count};
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::plan::{self, Towards};
use super::root_key;
use super::style::{BAD, CHANGE, DIM, GOOD, Paint, STRONG, WARN};
use super::{DONE, FAILED, PENDING};
use crate::json::{DriftObject, Versioned};

/// Who made a change that the cloud did not ask for.
const BY_HAND: &str = "by hand";
const EDITED: &str = "the cloud itself has changed there since its last apply, and `plan` shows what an apply does. A change by hand of the \
                      same object cannot be told apart before that";
const UNCLEAR: &str =
    "nothing records what the last apply made: the cloud may have changed there, or somebody by hand";

const NOT_MADE: &str = "an apply that works now or was killed had not come to it, unless somebody deleted it meanwhile: the next `apply` \
                        makes it";

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    root_key::validate(args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let (checked, plan) = plan::decide(checked, &world, args, Towards::Cloud)?;
    let drift = plan.drift();
    if args.json {
        let hosts = plan::hosts(&world);
        let names = (checked.name().to_string(), checked.owner().to_string());
        io.json(&Versioned::new(DriftObject::of(&drift, names, hosts, world.is_simulation())))?;
    } else {
        let title = format!("drift of {} on {}", checked.name(), plan::place(&world));
        io.show(format_args!("{}\n", Paint(title, STRONG, io.colour_out)))?;
        io.tell(text(&drift, &plan.wanted().rooms(), io.colour_out))?;
    }
    for (what, cause) in &drift.unknown {
        io.err(format_args!("{}: {what} is unknown: {cause}\n", Paint("error", BAD, io.colour_err)));
    }
    Ok(if !drift.unknown.is_empty() {
        FAILED
    } else if drift.is_empty() && drift.unclear.is_empty() {
        DONE
    } else {
        PENDING
    })
}

fn text(drift: &Drift, rooms: &Rooms<'_>, colour: bool) -> String {
    let all = || drift.drift.iter().chain(&drift.unclear);
    let width = all().map(|drifted| name(drifted, rooms).chars().count()).max().unwrap_or(0).clamp(16, 40);
    let mut text = String::new();
    for drifted in &drift.drift {
        let (style, verb) = match drifted.kind {
            DriftKind::Missing => (BAD, drifted.kind.as_str()),
            DriftKind::Extra => (GOOD, drifted.kind.as_str()),
            _ => (CHANGE, BY_HAND),
        };
        text += &line(drifted, drifted.kind.sign(), style, verb, width, rooms, colour);
    }
    let of = |kinds: fn(DriftKind) -> bool| -> Vec<&Drifted> {
        drift.unclear.iter().filter(|drifted| kinds(drifted.kind)).collect()
    };
    let edited = of(|kind| kind == DriftKind::Edited);
    let not_made = of(|kind| kind == DriftKind::NotMade);
    let unclear = of(|kind| !matches!(kind, DriftKind::Edited | DriftKind::NotMade));
    for (of_kind, verb, why) in
        [(&edited, "edited", EDITED), (&not_made, "not made", NOT_MADE), (&unclear, "unclear", UNCLEAR)]
    {
        for drifted in of_kind {
            text += &line(drifted, '!', WARN, verb, width, rooms, colour);
        }
        if !of_kind.is_empty() {
            text += &format!("  {}\n", Paint(format_args!("{verb}: {why}"), DIM, colour));
        }
    }
    let number = |kind: DriftKind| drift.drift.iter().filter(|drifted| drifted.kind == kind).count();
    let counts = [
        (number(DriftKind::Changed), "changed by hand"),
        (number(DriftKind::Missing), "missing"),
        (number(DriftKind::Extra), "extra"),
        (edited.len(), "edited"),
        (not_made.len(), "not made"),
        (unclear.len(), "unclear"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let told = match (told.as_slice(), drift.unknown.len()) {
        ([], 0) => "no drift".to_owned(),
        ([], unknown) => format!("{} unknown", count(unknown, "thing")),
        (told, 0) => told.join(", "),
        (told, unknown) => format!("{}, {unknown} unknown", told.join(", ")),
    };
    text + &format!("  {}\n", Paint(told, STRONG, colour))
}

fn line(
    drifted: &Drifted,
    sign: char,
    style: anstyle::Style,
    verb: &str,
    width: usize,
    rooms: &Rooms<'_>,
    colour: bool,
) -> String {
    let changes = drifted.changes.iter();
    let changes: Vec<String> = match verb {
        "edited" | "not made" | "unclear" => changes.map(towards_the_cloud).collect(),
        _ => changes.map(ToString::to_string).collect(),
    };
    let (name, changes) = (name(drifted, rooms), changes.join("; "));
    let (sign, verb) = (Paint(sign, style, colour), Paint(format!("{verb:8}"), style, colour));
    format!("{}\n", format!("  {sign} {name:width$}  {verb} {changes}").trim_end())
}

/// A difference that nobody is known to have made by hand, from what is there to what the cloud says.
fn towards_the_cloud(Moved { path, from, to }: &Moved) -> String {
    match (from, to) {
        (None, None) => path.clone(),
        (from, to) => {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
            format!("{path} {} -> {}", shown(from), shown(to))
        }
    }
}

/// An object in a person's words, such as `machine web`.
fn name(drifted: &Drifted, rooms: &Rooms<'_>) -> String {
    format!("{} {}", rooms.noun(&drifted.address), drifted.address.name())
}
