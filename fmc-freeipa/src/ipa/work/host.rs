//! The hosts of a batch: they are read, changed in one request, and read again where that is not certain.

use std::collections::BTreeMap;

use super::{Batch, Done, Failure, Job, Task};
use crate::client::{Code, Effect, IpaCall, IpaError};
use crate::ipa::host::{HostState, ROLE, call, show};

impl Batch<'_> {
    /// Changes hosts that are as the plan saw them.
    pub(super) fn hosts(&mut self) {
        let about = self.jobs.iter().enumerate().filter(|(_, job)| matches!(job.task, Task::Host { .. }));
        let about: Vec<usize> = about.map(|(index, _)| index).collect();
        if about.is_empty() {
            return;
        }
        let there = match self.wait(|| self.shown(&about)) {
            Some(Ok(there)) => there,
            Some(Err(error)) => {
                for index in about {
                    let error = self.server.failed(&self.text(index), &format!("failed to {error}"));
                    self.end(index, Err(error));
                }
                return;
            }
            None => return,
        };
        let mut calls: Vec<(usize, IpaCall)> = Vec::new();
        for index in about {
            let Some(Job { task: Task::Host { fqdn, wanted, expects }, .. }) = self.jobs.get(index) else {
                continue;
            };
            let state = there.get(fqdn);
            if state.map(HostState::fingerprint) == *expects {
                calls.push((index, call(fqdn, state.is_some(), wanted.as_ref())));
            } else {
                let error = self.server.changed(&format!("the host {fqdn}"));
                self.end(index, Err(error));
            }
        }
        let mut unsure: Vec<(usize, Failure)> = Vec::new();
        let results = self.send(&calls);
        for ((index, _), result) in calls.iter().zip(results) {
            match result {
                Ok(_) => self.end(*index, Ok(())),
                Err(failure) => unsure.push((*index, failure)),
            }
        }
        if unsure.is_empty() {
            return;
        }
        let indices: Vec<usize> = unsure.iter().map(|(index, _)| *index).collect();
        let now = if unsure.iter().all(|(_, failure)| is_certain(failure)) {
            None
        } else {
            self.shown(&indices).ok()
        };
        for (index, failure) in unsure {
            let result = self.judged(index, now.as_ref(), &failure);
            self.end(index, result);
        }
    }

    /// What became of a call that failed: as wanted, it is done.
    fn judged(&self, index: usize, now: Option<&BTreeMap<String, HostState>>, failure: &Failure) -> Done {
        let is_done = match self.jobs.get(index).map(|job| &job.task) {
            Some(Task::Host { fqdn, wanted, .. }) => now.is_some_and(|now| match (now.get(fqdn), wanted) {
                (Some(state), Some(entry)) => state.is_of(&entry.owner) && state.is_ready(),
                (state, None) => state.is_none(),
                (None, Some(_)) => false,
            }),
            _ => false,
        };
        if is_done {
            return Ok(());
        }
        let help = match failure.code() {
            Some(Code::AciError) => format!("; for hosts it is the role \"{ROLE}\""),
            Some(Code::DuplicateEntry) => "; it may be hidden from the user".to_owned(),
            _ => String::new(),
        };
        Err(self.server.failed(&self.text(index), &format!("{}{help}", failure.text())))
    }

    fn shown(&self, about: &[usize]) -> Result<BTreeMap<String, HostState>, IpaError> {
        let names = about.iter().filter_map(|index| match &self.jobs.get(*index)?.task {
            Task::Host { fqdn, .. } => Some(fqdn.as_str()),
            _ => None,
        });
        show(&*self.server.link, names)
    }

    fn text(&self, index: usize) -> String {
        match self.jobs.get(index).map(|job| &job.task) {
            Some(Task::Host { fqdn, wanted: None, .. }) => format!("delete the host {fqdn}"),
            Some(Task::Host { fqdn, expects: None, .. }) => format!("make the host {fqdn}"),
            Some(Task::Host { fqdn, .. }) => format!("give the host {fqdn} its one-time password"),
            _ => String::new(),
        }
    }
}

/// Whether a call that failed so changed nothing, and would find what it asks for.
fn is_certain(failure: &Failure) -> bool {
    failure.effect() == Effect::Nothing && failure.code() != Some(Code::NotFound)
}
