//! Compares the facts that the roles of a machine recorded at its birth with their present ones: each role judges the difference.

use fmc_core::graph::{About, Note, NoteKind, Wanted};
use fmc_core::role::{FactChange, RoleFacts};

use super::{Choices, Document, Object, Owner, Settling};
use crate::document::DomainDocument;
use crate::provider::object::DomainObject;

impl Settling<'_, '_> {
    /// Refuses what a role says is impossible, and reports what it says must come first: new members of its instance are
    /// refused until then.
    pub(super) fn members(&mut self, wanted: &Wanted<Document>, choices: &Choices) {
        // Roles, each with the first of its members that has something to do.
        let mut waiting: Vec<(&RoleFacts, &str)> = Vec::new();
        let mut new: Vec<&DomainDocument> = Vec::new();
        for (address, node) in &wanted.nodes {
            let Document::Domain(domain) = &*node.document else { continue };
            let Some(born) = domain.born.as_ref().filter(|born| !born.roles.is_empty()) else { continue };
            let Some(Object::Domain(seen)) = self.object(address) else {
                if self.states.get(address).is_none() {
                    new.push(domain);
                }
                continue;
            };
            let is_replaced = choices.replace.contains(&*domain.name);
            for role in &*born.roles {
                if self.judge(domain, seen, role, is_replaced) {
                    waiting.push((role, &domain.name));
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        for domain in new {
            let roles = domain.born.iter().flat_map(|born| &*born.roles);
            let before = roles.filter_map(|role| waiting.iter().find(|(other, _)| other.is_same_role(role)));
            if let Some((role, first)) = before.into_iter().next() {
                let text = format!(
                    "it waits: {first} has steps to take for {role} before other machines join it (see machine {first})"
                );
                self.refuse(&domain.name, text);
            }
        }
    }

    /// Reports the changed facts of a role; whether others must wait.
    fn judge(
        &mut self,
        domain: &DomainDocument,
        seen: &DomainObject,
        role: &RoleFacts,
        is_replaced: bool,
    ) -> bool {
        let Some(mark) = seen.mark.as_ref().filter(|_| seen.owner == Owner::Us) else { return false };
        let born = || mark.born.iter().flat_map(|born| &*born.roles);
        let keeps_state = |role: &RoleFacts| {
            mark.memberships.iter().any(|member| {
                *member.kind() == role.kind
                    && member.instance() == role.instance.as_deref()
                    && member.keeps_state()
            })
        };
        let Some(was) = born().find(|was| was.is_same_role(role)) else {
            let others = born().filter(|was| was.kind == role.kind && !is_wanted(domain, was));
            let bound = role.facts.bound().zip(others.into_iter().next());
            if let Some((why, was)) = bound
                && (keeps_state(was) || !is_replaced)
            {
                self.refuse(&domain.name, format!("{role}: it was made as {was}: {why}"));
            }
            return false;
        };
        let keeps_state = keeps_state(was);
        let mut waits = false;
        for (value, fact) in was.changed(role) {
            let (kind, text) = match fact.from(value) {
                FactChange::Impossible(why) if keeps_state || !is_replaced => (NoteKind::Refused, why),
                FactChange::Refused(why) => (NoteKind::Refused, why),
                // Asked for or not: others come once it is done.
                FactChange::InOrder(steps) => {
                    waits = true;
                    (NoteKind::Beforehand, steps)
                }
                FactChange::Beforehand(steps) => (NoteKind::Beforehand, steps),
                _ => continue,
            };
            let text = format!("{role}: {} {value} → {}: {text}", fact.key, fact.value);
            self.notes.push(Note { about: About::machine(&*domain.name), kind, text });
        }
        waits
    }

    /// Why a new machine must not take over the disk with the state of a role: the role's instance has gone on without it.
    pub(super) fn stale(&self, wanted: &DomainDocument) -> Option<String> {
        let roles = wanted.born.iter().flat_map(|born| &*born.roles);
        roles
            .filter_map(|role| Some((role, role.facts.stale()?)))
            .find_map(|(role, why)| self.has_member(role).then(|| why.to_owned()))
    }

    /// Whether a machine that is there is a member of the role's instance.
    fn has_member(&self, role: &RoleFacts) -> bool {
        self.seen.present().any(|(_, object)| match object {
            Object::Domain(domain) if domain.owner == Owner::Us => {
                let members = domain.mark.iter().flat_map(|mark| &mark.memberships);
                members.into_iter().any(|member| {
                    *member.kind() == role.kind && member.instance() == role.instance.as_deref()
                })
            }
            _ => false,
        })
    }
}

/// Whether a machine has a role in the cloud.
fn is_wanted(domain: &DomainDocument, role: &RoleFacts) -> bool {
    domain.born.iter().flat_map(|born| &*born.roles).any(|wanted| wanted.is_same_role(role))
}
