//! The people of a batch: they are read, changed in one request, and read again where members changed or something failed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Batch, Done, Failure, Job, Task};
use crate::client::{Answer, Code, IpaCall, IpaError};
use crate::ipa::people::{EntryState, PeopleEntry, calls, changes, is_bare, show};

/// As many calls are one request: those of an entry stay together.
const CALLS: usize = 100;

/// Entries by the kind in addresses and name.
type Shown = BTreeMap<(&'static str, String), EntryState>;

impl Batch<'_> {
    /// Changes entries that are as the plan saw them.
    pub(super) fn people(&mut self) {
        let about = self.jobs.iter().enumerate().filter(|(_, job)| matches!(job.task, Task::Entry { .. }));
        let about: Vec<usize> = about.map(|(index, _)| index).collect();
        if about.is_empty() {
            return;
        }
        let there = match self.wait(|| self.entries(&about)) {
            Some(Ok(there)) => there,
            Some(Err(error)) => {
                for index in about {
                    let error = self.server.failed(&self.entry_text(index), &format!("failed to {error}"));
                    self.end(index, Err(error));
                }
                return;
            }
            None => return,
        };
        let mut open: Vec<(usize, Vec<IpaCall>)> = Vec::new();
        for index in about {
            let Some(Job { task: Task::Entry { kind, name, wanted, expects }, .. }) = self.jobs.get(index)
            else {
                continue;
            };
            let state = there.get(&(kind.address, name.clone()));
            if state.map(|state| state.fingerprint(kind, &self.server.leaving)) == *expects {
                open.push((index, calls(kind, name, state, wanted.as_deref())));
            } else {
                let error = self.server.changed(&format!("the {} {name}", kind.noun));
                self.end(index, Err(error));
            }
        }
        let mut unsure: Vec<(usize, Option<Failure>)> = Vec::new();
        while !open.is_empty() {
            let mut count = 0;
            let fits = open.iter().position(|(_, calls)| {
                count += calls.len();
                count > CALLS
            });
            let rest = open.split_off(fits.unwrap_or(open.len()).max(1));
            self.request(&open, &mut unsure);
            open = rest;
        }
        if unsure.is_empty() {
            return;
        }
        let indices: Vec<usize> = unsure.iter().map(|(index, _)| *index).collect();
        let now = self.entries(&indices);
        for (index, failure) in unsure {
            let result = self.settled(index, &now, failure.as_ref());
            self.end(index, result);
        }
    }

    /// Sends the calls of entries, and gathers those that are to be read again, with the first failure of each.
    fn request(&mut self, open: &[(usize, Vec<IpaCall>)], unsure: &mut Vec<(usize, Option<Failure>)>) {
        let flat = open.iter().flat_map(|(index, calls)| calls.iter().map(|call| (*index, call.clone())));
        let flat: Vec<(usize, IpaCall)> = flat.collect();
        let mut results = self.send(&flat).into_iter();
        for (index, calls) in open {
            let mut failure = None;
            let mut is_sure = true;
            for call in calls {
                match results.next() {
                    Some(Ok(answer)) => {
                        is_sure &= answer.member("failed").is_none() && !is_of_members(&answer)
                    }
                    Some(Err(error)) if is_bare(call) && error.code() == Some(Code::DuplicateEntry) => {}
                    Some(Err(error)) => failure = failure.or(Some(error)),
                    None => is_sure = false,
                }
            }
            if failure.is_none() && is_sure {
                self.end(*index, Ok(()));
            } else {
                unsure.push((*index, failure));
            }
        }
    }

    /// What became of an entry: as wanted, it is done, whatever the calls said.
    fn settled(&self, index: usize, now: &Result<Shown, IpaError>, failure: Option<&Failure>) -> Done {
        let Some(Job { task: Task::Entry { kind, name, wanted, .. }, .. }) = self.jobs.get(index) else {
            return Ok(());
        };
        let state = now.as_ref().ok().map(|now| now.get(&(kind.address, name.clone())));
        let left = match (state, wanted) {
            (Some(None), None) => return Ok(()),
            (Some(Some(state)), Some(entry)) => match left(entry, state) {
                None => return Ok(()),
                left => left,
            },
            _ => None,
        };
        let cause = match (failure, left, now) {
            (Some(failure), ..) => {
                let help = match failure.code() {
                    Some(Code::AciError) => format!("; for a {} it is the role \"{}\"", kind.noun, kind.role),
                    Some(Code::DuplicateEntry) => "; it may be hidden from the user".to_owned(),
                    _ => String::new(),
                };
                format!("{}{help}", failure.text())
            }
            (None, Some(left), _) => left,
            (None, None, Err(error)) => format!("failed to {error}"),
            (None, None, Ok(_)) => "it is not there".to_owned(),
        };
        Err(self.server.failed(&self.entry_text(index), &cause))
    }

    fn entries(&self, about: &[usize]) -> Result<Shown, IpaError> {
        let names = about.iter().filter_map(|index| match &self.jobs.get(*index)?.task {
            Task::Entry { kind, name, .. } => Some((kind.address, name.as_str())),
            _ => None,
        });
        show(&*self.server.link, names)
    }

    fn entry_text(&self, index: usize) -> String {
        let Some(Job { task: Task::Entry { kind, name, wanted, expects }, .. }) = self.jobs.get(index) else {
            return String::new();
        };
        let done = match (wanted, expects) {
            (None, _) => "delete",
            (_, None) => "make",
            _ => "change",
        };
        format!("{done} the {} {name}", kind.noun)
    }
}

/// What FreeIPA did not take of an entry, if anything.
fn left(entry: &PeopleEntry, state: &EntryState) -> Option<String> {
    let changes: Vec<String> = changes(entry, state).iter().map(ToString::to_string).collect();
    (!changes.is_empty()).then(|| {
        format!(
            "FreeIPA did not take {}: a host must be enrolled, and a user or group be there, before a rule or a group names it",
            changes.join("; ")
        )
    })
}

/// Whether an answer is about members: it counts those that it took, also where it took others than were meant.
fn is_of_members(answer: &Answer) -> bool {
    answer.member("completed").and_then(Value::as_u64).is_some()
}
