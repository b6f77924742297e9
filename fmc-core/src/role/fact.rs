//! The facts that a role records when its machine is made, and the consequence of a later difference.
//!
//! The mark of a machine's domain carries the values. What a difference means is the wanted role's: it knows this
//! version's rules.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::name::RoleName;
use crate::path::AbsPath;

/// The facts of a role on its machine; none by default. Secrets, and what is made from them, do not belong here.
///
/// ```
/// use fmc_core::role::Facts;
///
/// let facts = Facts::new()
///     .fact("release", "16")
///     .in_order("storage", "raid", "copy the data out first: `pg_dumpall` on db1")
///     .fixed("encoding", "UTF-8", "a database keeps the encoding that it was made with: make a new one");
/// # let _ = facts;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each may be shared by the members of an instance, and all by a machine and what it is made with.
    all: Arc<Vec<Arc<Fact>>>,
    stale: Option<Arc<str>>,
    bound: Option<Arc<str>>,
    begins: bool,
    elsewhere: Option<Arc<str>>,
}

/// A fact of a role.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fact {
    /// Its name, which is the same in every version of a program.
    pub key: Cow<'static, str>,
    /// Its value.
    pub value: Arc<str>,
    /// The change from another value to this one, if that does not depend on the other one: see
    /// [`Fact::from`]. It is not recorded.
    pub change: FactChange,
    judge: Option<Judge>,
}

/// Decides the change from a recorded value to another one.
#[derive(Clone)]
struct Judge(Arc<dyn Fn(&str) -> FactChange + Send + Sync>);

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

impl Fact {
    /// The change from this recorded value to its own.
    pub fn from(&self, was: &str) -> FactChange {
        self.judge.as_ref().map_or_else(|| self.change.clone(), |Judge(judge)| judge(was))
    }
}

/// Two are equal if a mark records the same of them.
impl PartialEq for Fact {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.value) == (&other.key, &other.value)
    }
}

impl Eq for Fact {}

/// Two are equal if a mark records the same of them.
impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Facts {}

/// The change that another value of a fact needs on an existing machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactChange {
    /// A replacement of the machine, as for other parts of its boot configuration.
    #[default]
    Replacement,
    /// Steps of a person, which nothing waits for.
    Beforehand(Arc<str>),
    /// Steps of a person. New members of the role's instance are not made before.
    InOrder(Arc<str>),
    /// It cannot be done while the role's state is there.
    Impossible(Arc<str>),
    /// It cannot be done now, not by a replacement of the machine either.
    Refused(Arc<str>),
    /// Nothing: the role's state keeps the value that it has.
    Nothing,
}

impl Facts {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fact that a replacement of the machine changes.
    #[must_use]
    pub fn fact(self, key: impl Into<Cow<'static, str>>, value: impl Into<Arc<str>>) -> Self {
        self.with(key, value, FactChange::Replacement)
    }

    /// A fact that is changed by steps of a person, while everything else goes on.
    #[must_use]
    pub fn beforehand(
        self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Arc<str>>,
        steps: impl Into<Arc<str>>,
    ) -> Self {
        self.with(key, value, FactChange::Beforehand(steps.into()))
    }

    /// A fact that is changed by steps of a person, which come before new members of the role's instance are made.
    #[must_use]
    pub fn in_order(
        self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Arc<str>>,
        steps: impl Into<Arc<str>>,
    ) -> Self {
        self.with(key, value, FactChange::InOrder(steps.into()))
    }

    /// A fact that cannot change while the role's state is there, with the reason.
    #[must_use]
    pub fn fixed(
        self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Arc<str>>,
        why: impl Into<Arc<str>>,
    ) -> Self {
        self.with(key, value, FactChange::Impossible(why.into()))
    }

    /// A fact whose change depends on the value that it had: the judge is given the recorded one.
    ///
    /// ```
    /// use fmc_core::role::{FactChange, Facts};
    ///
    /// let facts = Facts::new().judged("release", "16", |was| match was.parse::<u32>() {
    ///     Ok(was) if was > 16 => FactChange::Impossible("a database does not go back".into()),
    ///     _ => FactChange::Replacement,
    /// });
    /// # let _ = facts;
    /// ```
    #[must_use]
    pub fn judged(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Arc<str>>,
        judge: impl Fn(&str) -> FactChange + Send + Sync + 'static,
    ) -> Self {
        let (key, value, judge) = (key.into(), value.into(), Some(Judge(Arc::new(judge))));
        let fact = Fact { key, value, change: FactChange::Replacement, judge };
        Arc::make_mut(&mut self.all).push(Arc::new(fact));
        self
    }

    fn with(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<Arc<str>>,
        change: FactChange,
    ) -> Self {
        let fact = Fact { key: key.into(), value: value.into(), change, judge: None };
        Arc::make_mut(&mut self.all).push(Arc::new(fact));
        self
    }

    /// Adds the facts of another value, and what it says of the state, without a copy of their texts.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        Arc::make_mut(&mut self.all).extend(other.all.iter().cloned());
        let or = |own: Option<Arc<str>>, others: &Option<Arc<str>>| own.or_else(|| others.clone());
        self.stale = or(self.stale, &other.stale);
        self.bound = or(self.bound, &other.bound);
        self.elsewhere = or(self.elsewhere, &other.elsewhere);
        self
    }

    /// Frees spare capacity.
    pub(crate) fn fitted(mut self) -> Self {
        if let Some(all) = Arc::get_mut(&mut self.all) {
            all.shrink_to_fit();
        }
        self
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.all.iter().map(|fact| &**fact)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The role's state on a data disk is of no use to a machine that comes back to an instance that has gone on without
    /// it, for this reason. A plan refuses to take such a disk over.
    #[must_use]
    pub fn stale_after_removal(mut self, why: impl Into<Arc<str>>) -> Self {
        self.stale = Some(why.into());
        self
    }

    /// Why the role's state is of no use to a machine that comes back.
    pub fn stale(&self) -> Option<&str> {
        self.stale.as_deref()
    }

    /// The role's state belongs to its instance: a machine that has the state of one cannot be of another one, for this
    /// reason. A plan refuses it, also where the instance only has another name.
    #[must_use]
    pub fn bound_to_instance(mut self, why: impl Into<Arc<str>>) -> Self {
        self.bound = Some(why.into());
        self
    }

    /// The machine begins its instance, and the others join it: without its state it would begin another one.
    #[must_use]
    pub fn begins_instance(self) -> Self {
        Self { begins: true, ..self }
    }

    /// Whether the machine begins its instance.
    pub fn is_beginning(&self) -> bool {
        self.begins
    }

    /// The role's state is in this place outside of its machines, and only the secrets that it was made with open it: a machine
    /// that is made anew must get the same ones.
    #[must_use]
    pub fn state_elsewhere(self, place: impl Into<Arc<str>>) -> Self {
        Self { elsewhere: Some(place.into()), ..self }
    }

    /// The place of a state outside of its machines.
    pub fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.as_deref()
    }

    /// Why a machine with the state of an instance cannot be of another one.
    pub fn bound(&self) -> Option<&str> {
        self.bound.as_deref()
    }
}

/// The facts of one role of a machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoleFacts {
    /// The role's kind.
    pub kind: RoleName,
    /// Which of several of its kind it is in.
    pub instance: Option<Arc<str>>,
    /// Its facts.
    pub facts: Facts,
    state: Option<AbsPath>,
}

/// Two are equal if a mark records the same of them.
impl PartialEq for RoleFacts {
    fn eq(&self, other: &Self) -> bool {
        self.is_same_role(other) && self.facts == other.facts
    }
}

impl Eq for RoleFacts {}

impl RoleFacts {
    /// The facts of a role.
    pub fn new(kind: RoleName, instance: Option<Arc<str>>, facts: Facts) -> Self {
        Self { kind, instance, facts, state: None }
    }

    /// With the place of the role's state, which is not recorded.
    #[must_use]
    pub fn with_state(self, state: Option<AbsPath>) -> Self {
        Self { state, ..self }
    }

    /// Where the role's state is.
    pub fn state(&self) -> Option<&AbsPath> {
        self.state.as_ref()
    }

    /// Whether both are of one role, in one instance.
    pub fn is_same_role(&self, other: &Self) -> bool {
        (&self.kind, &self.instance) == (&other.kind, &other.instance)
    }

    /// The wanted facts that differ from these recorded ones, each with the recorded value. A fact that is not recorded is
    /// not known, and not reported; nor is one whose change takes nothing.
    pub fn changed<'a>(&'a self, wanted: &'a Self) -> impl Iterator<Item = (&'a str, &'a Fact)> {
        wanted.facts.iter().filter_map(|fact| {
            let was = self.facts.iter().find(|was| was.key == fact.key)?;
            let differs = was.value != fact.value && fact.from(&was.value) != FactChange::Nothing;
            differs.then_some((&*was.value, fact))
        })
    }
}

/// Its name for people: `k3s-server prod`.
impl fmt::Display for RoleFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        match &self.instance {
            Some(instance) => write!(f, " {instance}"),
            None => Ok(()),
        }
    }
}
