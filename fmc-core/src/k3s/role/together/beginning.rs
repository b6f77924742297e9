//! The server that begins a cluster: without its state it begins another one.

use super::{Cluster, are, delete, facts, names};
use crate::role::{Fate, Moving, Told};

impl<'a> Cluster<'a> {
    /// A server that begins the cluster and starts without its state, while others are the cluster already.
    pub(super) fn second_cluster(&self) -> Option<Told> {
        let starts_empty = |server: &&&Moving<'_>| {
            server.wanted.is_some_and(|wanted| wanted.facts.is_beginning())
                && matches!(
                    server.fate,
                    Fate::Comes { has_state: false } | Fate::Replaced { keeps_state: false }
                )
        };
        let first = self.servers.iter().chain(&self.new).find(starts_empty)?;
        if let Some(told) = self.beside_a_state(first) {
            return Some(told);
        }
        let others = self.servers.iter().filter(|server| {
            let is_empty =
                matches!(server.fate, Fate::Leaves | Fate::Changes | Fate::Replaced { keeps_state: false });
            server.machine != first.machine && !is_empty
        });
        let others: Vec<&Moving<'_>> = others.copied().collect();
        let other = others.first()?;
        let (name, of, other, all) = (first.machine, self.name, other.machine, names(&others));
        // A first apply that was cut has left servers that wait for the one that begins.
        let is_there = matches!(first.fate, Fate::Replaced { .. })
            || others.iter().any(|server| server.fact(facts::START) == Some(facts::BEGINS));
        if is_there {
            let how = if first.was.is_some() { format!("`--replace {name}`") } else { name.to_owned() };
            let text = format!(
                "{name} begins {of}, and without its state it would begin a second cluster beside that of {all}: write \
                 `initial: {other}` in the cluster and apply that first; then {how} joins them"
            );
            return Some(Told::refused(name, text));
        }
        let text = format!(
            "{name} begins {of}: if {all} are a cluster already, it would begin a second one; write `initial: {other}` then"
        );
        Some(Told::beforehand(name, text))
    }

    /// A server that begins the cluster without a state, while others come back with theirs and none is there.
    fn beside_a_state(&self, first: &Moving<'_>) -> Option<Told> {
        let back = self.returning();
        let other = back.first().filter(|_| self.servers.is_empty())?;
        let (name, of, other) = (first.machine, self.name, other.machine);
        let returns = are(&back, "comes back with its state", "come back with their state");
        let (most, count) = (back.len() > self.new.len() / 2, self.new.len());
        let only: String = back.iter().map(|server| format!(" --only machine/{}", server.machine)).collect();
        let data: String = back.iter().map(|server| format!(" --delete-data {}", server.machine)).collect();
        let how = if most {
            format!(
                "write `initial: {other}` in the cluster and `apply{only}`; once they are up, {} takes out the member that {name} \
                 was, and `apply` lets it join anew",
                delete(name)
            )
        } else {
            format!(
                "they are too few of {count} for etcd to go on: write `initial: {other}` in the cluster, `apply --only \
                 machine/{other}`, and let it go on alone (`k3s server --cluster-reset` there; docs.k3s.io, *Backup and \
                 Restore*) before the others join without their state"
            )
        };
        let text = format!(
            "{name} begins {of} without a state, and {returns}: it would begin a second cluster beside that one. {how}. To begin \
             {of} anew, with nothing in it: `apply{data}`"
        );
        Some(Told::refused(name, text))
    }

    /// The servers that come with a state.
    fn returning(&self) -> Vec<&'a Moving<'a>> {
        let returns = |server: &&&Moving<'_>| server.fate == Fate::Comes { has_state: true };
        self.new.iter().filter(returns).copied().collect()
    }

    /// Servers that come without a state, while others come back with theirs: etcd has members of their names.
    pub(super) fn forgotten(&self) -> Option<Told> {
        let back = self.returning();
        if back.is_empty() || !self.servers.is_empty() || self.is_in_database() {
            return None;
        }
        let empty = self.new.iter().filter(|server| server.fate == Fate::Comes { has_state: false });
        let empty: Vec<&Moving<'_>> = empty.copied().collect();
        let first = empty.first()?;
        let each: Vec<String> = empty.iter().map(|server| delete(server.machine)).collect();
        let text = format!(
            "{} without a state, and {} with theirs: where etcd has a member of the name from before, K3s lets the new one \
             join only after {}, once the others are up",
            are(&empty, "comes", "come"),
            are(&back, "comes back", "come back"),
            each.join(", ")
        );
        Some(Told::beforehand(first.machine, text))
    }

    /// Whether the state of servers that come is in a database.
    fn is_in_database(&self) -> bool {
        self.new.iter().any(|server| server.wants(facts::DATASTORE) == Some(facts::DATABASE))
    }
}
