//! Which roles must be up before a role starts.

use crate::flow::Service;
use crate::given::Given;
use crate::name::{MachineName, RoleName};

/// The roles and machines that a role starts after; none by default.
///
/// The plan starts their machines first. Inside its own machine, the services of the role wait until one machine of
/// each answers: a role names its ports by [`CustomRole::answers`](super::CustomRole::answers).
///
/// ```
/// use fmc_core::flow::tcp;
/// use fmc_core::name::MachineName;
/// use fmc_core::role::After;
///
/// let after = After::new().role("postgres").role_of("redis", "sessions").machine(MachineName::literal("ldap"), tcp(636));
/// # let _ = after;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct After {
    pub(crate) awaited: Vec<Awaited>,
    /// Whether no unit waits.
    pub(crate) machines_only: bool,
}

/// The targets to wait for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Awaited {
    /// The machines of a role, or of one instance of it.
    Role { kind: Given<RoleName>, instance: Option<String> },
    /// A service of a machine.
    Machine { name: Given<MachineName>, service: Service },
}

impl After {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only the machines start in this order: no service waits, because the role's own scripts do where they have to. A service that has all it
    /// needs then starts while the others are down.
    #[must_use]
    pub fn machines_only(mut self) -> Self {
        self.machines_only = true;
        self
    }

    /// The machines that have a role of this kind. A cloud without one has nothing to wait for.
    #[must_use]
    pub fn role(mut self, kind: impl Into<Given<RoleName>>) -> Self {
        self.awaited.push(Awaited::Role { kind: kind.into(), instance: None });
        self
    }

    /// The machines that have this instance of a role.
    #[must_use]
    pub fn role_of(mut self, kind: impl Into<Given<RoleName>>, instance: impl Into<String>) -> Self {
        self.awaited.push(Awaited::Role { kind: kind.into(), instance: Some(instance.into()) });
        self
    }

    /// A machine, and the TCP service by which it answers.
    #[must_use]
    pub fn machine(mut self, name: impl Into<Given<MachineName>>, service: Service) -> Self {
        self.awaited.push(Awaited::Machine { name: name.into(), service });
        self
    }
}
