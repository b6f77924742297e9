//! The law, as questions about two looks and the apply between them.

use std::collections::BTreeSet;
use std::fmt;

use fmc::graph::Action;

use crate::cloud::Model;
use crate::look::{At, Look, name_of, parts_of};
use crate::words::{Ask, H, How, M};

/// How the law was broken.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) what: String,
    pub(crate) plans: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.plans)
    }
}

/// A step of a plan: the host, the object's kind and name, what is done.
pub(crate) type Deed = (H, String, Action);

/// An apply that has ended.
pub(crate) struct Applied<'a> {
    pub(crate) model: &'a Model,
    pub(crate) ask: Ask,
    pub(crate) how: How,
    pub(crate) before: &'a Look,
    pub(crate) after: &'a Look,
    /// What its plans said, the further ones too.
    pub(crate) said: &'a str,
    pub(crate) deeds: &'a [Deed],
    pub(crate) is_refused: bool,
    pub(crate) is_converged: bool,
    /// Volumes that a person gave up by name, in this apply or in one before that was cut.
    pub(crate) may_go: &'a BTreeSet<At>,
    /// Volumes that somebody deleted or whose file system is not mounted, and that a domain still names.
    pub(crate) lost: &'a BTreeSet<At>,
}

impl Applied<'_> {
    pub(crate) fn holds(&self) -> Result<(), String> {
        self.only_what_was_asked_goes()?;
        self.guests_have_what_they_had()?;
        self.nothing_lost_begins_empty()?;
        self.strangers_are_left()?;
        if matches!(self.how, How::Whole) {
            self.plans_say_what_goes()?;
            self.a_refusal_does_nothing()?;
            self.done_is_done()?;
        }
        Ok(())
    }

    /// The name of the machine that was called so first, if the cloud has it on this host.
    fn wanted(&self, host: H, first: M) -> Option<M> {
        let machine = self.model.called(first).filter(|_| self.ask != Ask::Destroy)?;
        (self.model.host_of(machine) == Some(host)).then_some(machine)
    }

    /// A machine that is not wanted goes with its root; its data stays.
    fn goes_with_its_machine(&self, at: &At) -> bool {
        parts_of(&at.1).is_some_and(|(first, kind)| kind == "root" && self.wanted(at.0, first).is_none())
    }

    fn only_what_was_asked_goes(&self) -> Result<(), String> {
        for (at, text) in &self.before.volumes {
            let Some(text) = text else { continue };
            let is_there = self.after.volumes.get(at).is_some_and(|now| now.as_ref() == Some(text));
            if !is_there && !self.may_go.contains(at) && !self.goes_with_its_machine(at) {
                return Err(format!("{} on {:?} had {text}, and nobody asked for it to go", at.1, at.0));
            }
        }
        Ok(())
    }

    fn guests_have_what_they_had(&self) -> Result<(), String> {
        for first in M::ALL {
            for host in H::ALL {
                let Some(machine) = self.wanted(host, first) else { continue };
                let Some(before) = self.before.guest(host, first) else { continue };
                let after = self.after.guest(host, first);
                let Some(after) = after else {
                    if matches!(self.how, How::Whole) && !self.is_any_failed() {
                        return Err(format!("the machine {} is gone", machine.name()));
                    }
                    continue;
                };
                for (path, text) in
                    before.disks.iter().filter_map(|(path, text)| Some((path, text.as_ref()?)))
                {
                    let at = (host, path.clone());
                    if self.may_go.contains(&at) || after.disks.contains(&(path.clone(), Some(text.clone())))
                    {
                        continue;
                    }
                    let is_disk = parts_of(path).is_some_and(|(_, kind)| kind == "disk");
                    let is_wanted = self.model.disks_of(machine).iter().any(|disk| disk == name_of(path));
                    // A disk that the cloud gives up stays in its pool, and the plan says so.
                    let is_said = || is_names(self.said, name_of(path));
                    if !(is_disk && !is_wanted && is_said()) {
                        return Err(format!("{} has {path} with {text} no more", machine.name()));
                    }
                }
            }
        }
        Ok(())
    }

    fn is_any_failed(&self) -> bool {
        !self.is_converged
    }

    fn nothing_lost_begins_empty(&self) -> Result<(), String> {
        let new =
            self.lost.iter().find(|at| self.after.volumes.contains_key(*at) && !self.may_go.contains(*at));
        match new {
            Some(at) => Err(format!("{} was lost on {:?}, and begins empty", at.1, at.0)),
            None => Ok(()),
        }
    }

    fn strangers_are_left(&self) -> Result<(), String> {
        let (before, after) = (self.before.foreign(), self.after.foreign());
        if before == after {
            Ok(())
        } else {
            Err(format!("strangers were touched:\n{before}\nis now\n{after}"))
        }
    }

    fn plans_say_what_goes(&self) -> Result<(), String> {
        let is_said = |host: H, kind: &str, name: &str, actions: &[Action]| {
            let ends = format!("{kind}/{name}");
            self.deeds.iter().any(|(at, object, action)| {
                *at == host && object.ends_with(&ends) && actions.contains(action)
            })
        };
        let ends = [Action::Delete, Action::Replace];
        for at in self.before.volumes.keys().filter(|at| !self.after.volumes.contains_key(*at)) {
            let pooled = at.1.rsplit('/').take(2).collect::<Vec<_>>();
            let [name, pool] = pooled.as_slice() else { continue };
            let plain = name.trim_end_matches(".ok");
            if !is_said(at.0, "volume", &format!("{pool}/{plain}"), &ends) {
                return Err(format!("{} is gone, and no plan said so", at.1));
            }
        }
        for ((host, name), before) in self.before.guests.iter().filter(|(_, guest)| guest.record.active) {
            let after = self.after.guests.get(&(*host, name.clone()));
            let goes_on = after.is_some_and(|after| after.run() == before.run());
            let ends = [Action::Restart, Action::Stop, Action::Replace, Action::Delete, Action::Update];
            // A machine that is renamed restarts by its new name.
            let renamed = before.first().and_then(|first| self.wanted(*host, M::of(&first)?));
            let names = [Some(name.as_str()), renamed.map(M::name)];
            if !goes_on && !names.into_iter().flatten().any(|name| is_said(*host, "domain", name, &ends)) {
                return Err(format!("{name} does not go on, and no plan said so"));
            }
        }
        Ok(())
    }

    fn a_refusal_does_nothing(&self) -> Result<(), String> {
        if self.is_refused && self.before != self.after {
            return Err("the plan was refused, and something was done".to_owned());
        }
        Ok(())
    }

    fn done_is_done(&self) -> Result<(), String> {
        if !self.is_converged {
            return Ok(());
        }
        for first in M::ALL {
            for host in H::ALL {
                let guest = self.after.guest(host, first);
                let wanted = self.wanted(host, first);
                let is_called = guest.map(|guest| guest.record.name.as_str());
                if wanted.map(M::name) != is_called {
                    return Err(format!("it is done, and {} on {host:?} is {guest:?}", first.name()));
                }
                let runs = guest.is_some_and(|guest| guest.record.active);
                if wanted.is_some_and(|machine| runs != self.model.runs(machine)) {
                    return Err(format!("it is done, and {} runs: {runs}", first.name()));
                }
                self.takes_over_only_what_it_says(host, first)?;
            }
        }
        Ok(())
    }

    /// A new machine with data of an earlier one says so.
    fn takes_over_only_what_it_says(&self, host: H, first: M) -> Result<(), String> {
        let (None, Some(after)) = (self.before.guest(host, first), self.after.guest(host, first)) else {
            return Ok(());
        };
        for (path, _) in after.disks.iter().filter(|(_, text)| text.is_some()) {
            let said = ["takes over", "on its root", "returns on"];
            if !said.iter().any(|words| self.said.contains(words)) {
                return Err(format!("{} begins with what is on {path}, and no plan said so", first.name()));
            }
        }
        Ok(())
    }
}

/// Whether a plan names a volume, or the disk in its name.
fn is_names(said: &str, volume: &str) -> bool {
    let disk = volume.rsplit('.').next().unwrap_or(volume);
    said.contains(volume) || said.contains(disk)
}
