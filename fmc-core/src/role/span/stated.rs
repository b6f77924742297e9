//! A spanning role as a draft states it.

use super::SpanningRole;
use crate::finding::{At, Finding};
use crate::role::RoleFindings;

/// A spanning role that a draft states: among the cloud's roles, or in a place of its own, as a K3s cluster is.
pub(crate) struct Stated<'a> {
    /// The path of the role.
    pub(crate) at: String,
    /// The path below which its settings stand.
    pub(crate) settings_at: String,
    role: Held<'a>,
    /// The findings about the settings by themselves, of a role of the user's own. They are asked for once, here: the answer is
    /// needed at several places, and a user's code may take its time.
    pub(crate) settings: Vec<Finding>,
    /// The treatment of a machine that is named twice.
    pub(crate) repeated: Repeated,
}

enum Held<'a> {
    Draft(&'a dyn SpanningRole),
    Made(Box<dyn SpanningRole>),
}

/// The treatment of a machine that is named more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// It has the role more than once, and a rule for all roles says so.
    Clashes,
    /// It has the role that this spanning role gives it first; the role's own rules tell of the rest.
    FirstHere,
    /// It has the role that any spanning role of the kind gives it first; likewise.
    FirstOfKind,
}

impl<'a> Stated<'a> {
    /// One among the cloud's roles.
    pub(crate) fn own(index: usize, role: &'a dyn SpanningRole) -> Self {
        let at = format!("roles[{index}]");
        let kind = role.kind().to_string();
        let settings_at = format!("{at}.{kind}");
        let mut settings = Vec::new();
        role.settings(&mut RoleFindings::new(&At::ROOT.key(&at), &kind, &mut settings));
        Self { at, settings_at, role: Held::Draft(role), settings, repeated: Repeated::Clashes }
    }

    /// A built-in one of the draft, whose settings stand at its own path.
    pub(crate) fn built_in(at: String, role: &'a dyn SpanningRole, repeated: Repeated) -> Self {
        Self { settings_at: at.clone(), at, role: Held::Draft(role), settings: Vec::new(), repeated }
    }

    /// A built-in one that is made from a part of another value.
    pub(crate) fn made(at: String, role: impl SpanningRole, repeated: Repeated) -> Self {
        Self { settings_at: at.clone(), at, role: Held::Made(Box::new(role)), settings: Vec::new(), repeated }
    }

    /// Whether it is one of the user's own.
    pub(crate) fn is_own(&self) -> bool {
        self.repeated == Repeated::Clashes
    }

    /// The role.
    pub(crate) fn role(&self) -> &dyn SpanningRole {
        match &self.role {
            Held::Draft(role) => *role,
            Held::Made(role) => &**role,
        }
    }
}
