//! The words before the first apply of a cloud.

use fmc_core::graph::{Action, Why};

use super::super::args::Args;
use super::super::check::count;
use super::super::connect::World;
use super::super::io::Io;
use crate::plan::Plan;

/// Prints the owner before the first apply: two clouds with one owner on one host would fight over their objects.
pub(super) fn introduce(plan: &Plan, world: &World, args: &Args, io: &mut Io<'_>) {
    let mut untouched = plan.untouched.iter().filter(|object| object.why != Why::NotYet);
    let first = untouched.next().is_none() && plan.all_steps().all(|step| step.action == Action::Create);
    if !first || args.json {
        return;
    }
    let owner = plan.wanted().owner();
    io.err(format_args!(
        "\nThis is the first apply here. Its objects are marked with the owner `{owner}`: no other cloud on {} may have \
         it (the cloud's `owner` gives another).\n",
        world.place()
    ));
    let secrets = plan.wanted().secrets();
    if world.is_simulation() && !secrets.is_empty() {
        let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
        let secrets = count(names.len(), "secret");
        io.err(format_args!("The simulation gets stand-ins for {secrets}:\n"));
        for group in grouped(&names) {
            io.err(format_args!("  {group}\n"));
        }
    }
}

/// The smallest number of names with a common beginning that form a group.
const GROUP: usize = 3;

/// Sorted names, grouped by their beginnings: `33 of k3s-prod-*: agent-token, …`.
fn grouped(names: &[&str]) -> Vec<String> {
    let mut single: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for group in names.chunk_by(|a, b| a.split('-').next() == b.split('-').next()) {
        match group {
            [first, .., last] if group.len() >= GROUP => {
                // Of sorted names the first and the last differ the most.
                let same = first.split('-').zip(last.split('-')).take_while(|(a, b)| a == b);
                let prefix: usize = same.map(|(word, _)| word.len() + 1).sum();
                let rest = group.iter().map(|name| name.get(prefix..).unwrap_or_default());
                let rest = rest.collect::<Vec<_>>().join(", ");
                let prefix = first.get(..prefix).unwrap_or_default();
                lines.push(format!("{} of {prefix}*: {rest}", group.len()));
            }
            few => single.extend(few),
        }
    }
    if !single.is_empty() {
        lines.push(single.join(", "));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_grouped_by_how_they_begin() {
        let names = ["db", "k3s-prod-ca", "k3s-prod-client-ca", "k3s-prod-token", "web-a", "web-b"];
        assert_eq!(grouped(&names), ["3 of k3s-prod-*: ca, client-ca, token", "db, web-a, web-b"]);
        assert_eq!(grouped(&["a-b", "a-b-c", "a-c"]), ["3 of a-*: b, b-c, c"]);
    }
}
