//! Roles that span machines: the roles of their members, and their checks.

use std::collections::BTreeSet;

use super::super::view::View;
use crate::checked::{Checked, Idx, Machine};
use crate::finding::{At, Finding, Severity};
use crate::name::RoleName;
use crate::role::{Assigned, Repeated, RoleFindings, SpanSite, Stated};

/// The roles that the members of spanning roles have by them.
pub(super) fn assigned(view: &View<'_>, cloud: &Checked) -> Vec<Assigned> {
    let mut all = Vec::new();
    // Machines that have a role by a spanning role, or by one of its kind.
    let mut taken: BTreeSet<(Option<usize>, Option<RoleName>, Idx<Machine>)> = BTreeSet::new();
    for (span, stated) in view.spans.iter().enumerate().filter(|(_, stated)| is_right(stated, cloud)) {
        for list in stated.role().members().lists() {
            let Some((role, kind)) = list.role.as_ref().and_then(|role| {
                let kind = role.as_custom().kind().ok()?.clone();
                Some((role, kind))
            }) else {
                continue;
            };
            let mut before = None;
            for (index, name) in list.names.iter().enumerate() {
                let Some(machine) = name.ok().and_then(|name| cloud.find(name.as_str())) else { continue };
                let is_free = match stated.repeated {
                    Repeated::Clashes => true,
                    Repeated::FirstHere => taken.insert((Some(span), None, machine)),
                    Repeated::FirstOfKind => {
                        taken.insert((None, stated.role().kind().ok().cloned(), machine))
                    }
                };
                if !is_free {
                    continue;
                }
                all.push(Assigned {
                    machine,
                    kind: kind.clone(),
                    role: role.shared(),
                    at: list.role_at(&stated.settings_at, index),
                    span: Some(span),
                    follows: before.filter(|_| list.is_in_turn),
                });
                before = Some(machine);
            }
        }
    }
    all
}

/// Asks each spanning role what else it checks.
pub(super) fn ask(view: &View<'_>, cloud: &Checked, assigned: &[Assigned], findings: &mut Vec<Finding>) {
    for (span, stated) in view.spans.iter().enumerate().filter(|(_, stated)| is_right(stated, cloud)) {
        let role = stated.role();
        let at = At::ROOT.key(&stated.at);
        let kind = role.kind().to_string();
        role.check(&SpanSite::new(cloud, assigned, span), &mut RoleFindings::new(&at, &kind, findings));
    }
}

/// Whether a spanning role can be asked: its settings are right, and the cloud has the values that it reads.
pub(in crate::check) fn is_right(stated: &Stated<'_>, cloud: &Checked) -> bool {
    let role = stated.role();
    if !role.is_resolved(cloud) {
        return false;
    }
    // A built-in one is resolved by its room, which knows which settings it needs.
    if !stated.is_own() {
        return true;
    }
    // A warning does not make a setting wrong.
    let mut settings = stated.settings.iter();
    settings.all(|finding| finding.severity() != Severity::Error) && role.kind().ok().is_some()
}
