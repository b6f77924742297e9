//! Drafts: structs whose settings are each declared once.
//!
//! [`draft!`] takes a struct as Rust writes it. A setting is a field with its documentation and, where the setter is not the plain one,
//! an attribute. From that line follow:
//!
//! - the field, its form in a file and its schema: a value that equals its default is left out of a file;
//! - its value in the constructor;
//! - its setter, with the same documentation, which is therefore free of Rust;
//! - its check: a wrong leaf is a finding at its path, and so is the name of a missing noun;
//! - the call that `convert` writes for it.
//!
//! | attribute | the setter |
//! |---|---|
//! | none | has the field's name. It takes a leaf (`Option<Given<T>>`), a switch (`bool`), or the value itself |
//! | `#[key]` | none: it is the name below which the value stands in a map, and the constructor takes it |
//! | `#[needed]` | none: the constructor takes it |
//! | `#[list]` | takes all values at once |
//! | `#[each(disk)]` | `disk` adds one |
//! | `#[each(disk, map_disks)]` | the same, and `map_disks` changes each |
//! | `#[setter(bridge_name)]` | has another name than the field |
//! | `#[switch(compressed)]` | `compressed` takes nothing, and switches on |
//! | `#[by_hand]`, `#[by_hand(dropin)]` | is written by hand below: it takes several arguments, or its documentation speaks Rust |
//!
//! `#[rule(path)]`, after that, names a function that checks the value by itself. A rule that needs more than the value
//! is a rule of the check.
//!
//! A value that is not a plain struct (an enumeration with values, a value with a short form in a file) implements
//! [`Setting`] itself. The step from a draft to a checked value is written by hand in `check/resolve.rs`: there,
//! defaults and references of several settings meet.

mod choice;
pub(crate) mod rule;
mod table;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use crate::finding::{At, Finding, ValueProblem, leaf};
use crate::given::{Given, Leaf, Noun};
use crate::named::{Keyed, Named};
use crate::rust::{Expr, Names, Unsaid, quoted};

pub(crate) use choice::choice;
pub(crate) use table::draft;

/// The value of a field of a draft.
pub(crate) trait Setting {
    /// Looks at every leaf in it.
    fn look(&self, at: &At<'_>, look: &mut Look<'_>);

    /// The Rust expression of it.
    fn rust(&self, names: &Names) -> Result<Expr, Unsaid>;

    /// Adds the calls that set it, of a setter by default.
    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        on.nest(setter, self.rust(names)?);
        Ok(())
    }
}

/// The names in the cloud.
pub(crate) trait Nouns {
    /// Whether there is a noun of this name, which may be a wrong one.
    fn has(&self, noun: Noun, name: &str) -> bool;

    /// The finding about a name of a noun that is not there.
    fn missing(&mut self, noun: Noun, name: &str, at: &At<'_>) -> Option<Finding>;
}

/// A look at the settings of a draft: it collects what is wrong with each by itself, and names that lead nowhere.
pub(crate) struct Look<'a> {
    pub(crate) findings: &'a mut Vec<Finding>,
    pub(crate) nouns: &'a mut dyn Nouns,
}

impl Look<'_> {
    /// Looks at a leaf. A name of a noun must lead to one; a wrong name is reported once, where the noun is defined.
    pub(crate) fn leaf<T: Leaf>(&mut self, given: &Given<T>, at: &At<'_>) {
        match (T::NOUN, given) {
            (Some(noun), Given::Wrong { text, .. }) if self.nouns.has(noun, text) => {}
            (Some(noun), Given::Right(name)) => {
                let name = name.as_name();
                if !self.nouns.has(noun, name) {
                    self.findings.extend(self.nouns.missing(noun, name, at));
                }
            }
            _ => self.name(given, at),
        }
    }

    /// Checks the name of a value at its definition.
    pub(crate) fn name<T: Leaf>(&mut self, given: &Given<T>, at: &At<'_>) {
        leaf(given, at, self.findings);
    }
}

impl<T: Leaf> Setting for Given<T> {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        look.leaf(self, at);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let Self::Right(leaf) = self else { return Ok(Expr::text(&self.to_string())) };
        if T::NOUN == Some(Noun::Network)
            && let Some(constant) = names.get(leaf.as_name())
        {
            return Ok(Expr::leaf(constant));
        }
        let text = || if T::is_number() { leaf.to_string() } else { quoted(&leaf.to_string()) };
        Ok(Expr::leaf(leaf.to_rust().unwrap_or_else(text)))
    }
}

impl<T: Setting> Setting for Option<T> {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        if let Some(value) = self {
            value.look(at, look);
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        self.as_ref().map_or_else(|| Ok(Expr::leaf("None")), |value| value.rust(names))
    }

    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        self.as_ref().map_or(Ok(()), |value| value.say(setter, on, names))
    }
}

impl<T: Setting> Setting for Box<T> {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        (**self).look(at, look);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        (**self).rust(names)
    }

    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        (**self).say(setter, on, names)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        for (index, value) in self.iter().enumerate() {
            value.look(&at.index(index), look);
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        self.iter().map(|value| value.rust(names)).collect::<Result<_, _>>().map(Expr::array)
    }

    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        self.iter().try_for_each(|value| value.say(setter, on, names))
    }
}

impl<T: Setting + Keyed> Setting for Named<T> {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        for value in self {
            value.look(&at.name(value.name()), look);
        }
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        self.iter().map(|value| value.rust(names)).collect::<Result<_, _>>().map(Expr::array)
    }

    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        self.iter().try_for_each(|value| value.say(setter, on, names))
    }
}

/// Pairs that a setter takes one by one. Their owner looks at them, since a file may write them in another way.
impl<K: Setting, V: Setting> Setting for BTreeMap<K, V> {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    /// No setter takes them all.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("pairs by themselves".to_owned())
    }

    fn say(&self, setter: &str, on: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        for (key, value) in self {
            on.call(setter, format!("{}, {}", key.rust(names)?.line(), value.rust(names)?.line()));
        }
        Ok(())
    }
}

impl Setting for bool {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(self.to_string()))
    }
}

impl Setting for u32 {
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::leaf(self.to_string()))
    }
}

/// Free text ends up in XML and in boot loaders, which have no place for control characters.
impl Setting for String {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        if self.chars().any(char::is_control) {
            let what = at.last_key().replace('_', " ");
            look.findings.push(ValueProblem::ControlCharacter { what }.at(at));
        }
    }

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Ok(Expr::text(self))
    }
}
