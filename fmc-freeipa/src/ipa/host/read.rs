//! Reading hosts: one search for their names and marks, and a batch for what a search does not tell.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::super::batches::MOST;
use super::super::link::IpaLink;
use super::{HostState, OURS};
use crate::client::dns::find;
use crate::client::{Code, IpaCall, IpaEntry, IpaError};

/// The owners of the clouds of all hosts, by full name; a host without a mark has none.
pub(in super::super) fn all(link: &dyn IpaLink) -> Result<BTreeMap<String, Vec<String>>, IpaError> {
    let entries = link.ask("host_find", &[], find())?.into_entries();
    Ok(entries.iter().filter_map(|entry| Some((entry.text("fqdn")?, owners(entry)))).collect())
}

/// Hosts by their full names. One that FreeIPA does not have is left out.
pub(in super::super) fn show<'a>(
    link: &dyn IpaLink,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, HostState>, IpaError> {
    let names: Vec<&str> = names.into_iter().collect();
    let mut hosts = BTreeMap::new();
    for some in names.chunks(MOST) {
        let call = |name: &&str| IpaCall::new("host_show", vec![json!(name)], Map::new());
        let calls: Vec<IpaCall> = some.iter().map(call).collect();
        for (name, shown) in some.iter().zip(link.batch(&calls)?) {
            match shown {
                Ok(answer) => drop(hosts.insert((*name).to_owned(), state(&answer.entry()))),
                Err(refusal) if refusal.code == Code::NotFound => {}
                Err(refusal) => {
                    return Err(IpaError::Refused { command: "host_show".to_owned(), refusal });
                }
            }
        }
    }
    Ok(hosts)
}

fn state(entry: &IpaEntry) -> HostState {
    HostState {
        owners: owners(entry),
        is_enrolled: entry.flag("has_keytab") == Some(true),
        has_password: entry.flag("has_password") == Some(true),
    }
}

fn owners(entry: &IpaEntry) -> Vec<String> {
    let classes = entry.texts("userclass");
    let mut owners: Vec<String> =
        classes.iter().filter_map(|class| class.strip_prefix(OURS)).map(str::to_owned).collect();
    owners.sort_unstable();
    owners
}
