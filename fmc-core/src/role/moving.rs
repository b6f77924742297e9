//! The members of roles in a plan, each with its fate. A role sees all members of its instances together, and says what a
//! person must do first, or that a plan would do too much at once.

use super::{Membership, RoleFacts};

/// A machine's membership by a role, and what a plan does to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moving<'a> {
    /// The machine.
    pub machine: &'a str,
    /// The membership as the machine was made with it; as it is wanted, if the machine comes.
    pub member: Membership,
    /// The facts that were recorded when the machine was made, if they are known.
    pub was: Option<&'a RoleFacts>,
    /// The facts as they are wanted, if the machine has the role in the cloud.
    pub wanted: Option<&'a RoleFacts>,
    /// The fate of the member in the plan.
    pub fate: Fate,
}

/// The fate of a member in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It goes on.
    Stays,
    /// It stops, and starts again if it is wanted to run.
    Restarts {
        /// Whether it has the state of the role as before: on its root, or on a data disk that stays.
        keeps_state: bool,
    },
    /// It is new in its instance.
    Comes {
        /// Whether it has a state of the role: on a root or on a data disk that is there.
        has_state: bool,
    },
    /// Its machine is replaced under the same name, and has the role again.
    Replaced {
        /// Whether the state of the role stays, on a data disk.
        keeps_state: bool,
    },
    /// Its machine is replaced, and does not have the role any more.
    Changes,
    /// Its machine is deleted.
    Leaves,
}

impl<'a> Moving<'a> {
    /// A member, without facts.
    pub fn new(machine: &'a str, member: Membership, fate: Fate) -> Self {
        Self { machine, member, was: None, wanted: None, fate }
    }

    /// With the recorded and the wanted facts.
    #[must_use]
    pub fn facts(self, was: Option<&'a RoleFacts>, wanted: Option<&'a RoleFacts>) -> Self {
        Self { was, wanted, ..self }
    }

    /// A recorded fact.
    pub fn fact(&self, key: &str) -> Option<&'a str> {
        self.was?.facts.iter().find(|fact| *fact.key == *key).map(|fact| &*fact.value)
    }

    /// A wanted fact.
    pub fn wants(&self, key: &str) -> Option<&'a str> {
        self.wanted?.facts.iter().find(|fact| *fact.key == *key).map(|fact| &*fact.value)
    }

    /// Whether its machine is there, and stops to be a member for good or for a while.
    pub fn is_gone(&self) -> bool {
        matches!(self.fate, Fate::Replaced { .. } | Fate::Changes | Fate::Leaves)
    }
}

/// A message of a role about a machine in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// The machine.
    pub machine: String,
    /// Whether the plan is refused; otherwise a person has something to do before it.
    pub is_refused: bool,
    /// What.
    pub text: String,
}

impl Told {
    /// Something that a person must do before the plan.
    pub fn beforehand(machine: impl Into<String>, text: impl Into<String>) -> Self {
        Self { machine: machine.into(), is_refused: false, text: text.into() }
    }

    /// Why the plan is refused, and what helps.
    pub fn refused(machine: impl Into<String>, text: impl Into<String>) -> Self {
        Self { machine: machine.into(), is_refused: true, text: text.into() }
    }
}
