//! Reading entries: one search for each kind, and a batch for those that an apply changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::graph::{Address, Place, Seen, State, Wanted};
use serde_json::{Map, json};

use super::super::batches::MOST;
use super::super::document::{Access, Document};
use super::super::link::IpaLink;
use super::super::{HOST_KIND, ZONE_KIND, off_thread};
use super::ALLOW_ALL;
use super::compare::former;
use super::state::{EntryState, Leaving};
use super::table::{EntryKind, GROUP, HBAC_RULE, HOST_GROUP, KINDS, USER, kind_at};
use crate::client::dns::find;
use crate::client::{Code, IpaCall, IpaError};
use crate::object::DnsObject;

/// The entries of a server, by kind and name.
type Entries = Vec<(&'static EntryKind, BTreeMap<String, EntryState>)>;

/// Entries that every FreeIPA has: a user who does not see them does not see the others either.
const SEEN_BY_ALL: [(&EntryKind, &str); 2] = [(&GROUP, "admins"), (&HOST_GROUP, "ipaservers")];

/// Reads the people of a server: the wanted ones, and others of ours. They go with a server that is destroyed with the cloud. Returns
/// those that the cloud no longer has.
pub(in super::super) async fn look(
    place: &Place,
    access: &Arc<Access>,
    link: Arc<dyn IpaLink>,
    wanted: &Wanted<Document>,
    seen: &mut Seen<DnsObject>,
) -> Leaving {
    let mut leaving = Leaving::new();
    if !access.has_people || (wanted.is_destroyed && access.machine.is_some()) {
        return leaving;
    }
    let user = access.login.credentials.user().to_owned();
    let read = off_thread(link, move |link| read(link, &user)).await;
    let cause = match read {
        Ok(Some(entries)) => {
            for (at, _) in seen.present().filter(|(at, object)| at.place() == place && object.is_ours) {
                if at.kind() == HOST_KIND && !wanted.nodes.contains_key(at) {
                    leaving.insert(("host", at.name().to_owned()));
                }
            }
            for (kind, entries) in &entries {
                for (name, state) in entries {
                    let at = Address::new(place.clone(), kind.address, name.as_str());
                    if state.is_of(&wanted.owner) && !wanted.nodes.contains_key(&at) {
                        leaving.insert((kind.object, name.clone()));
                    }
                }
            }
            for (kind, entries) in entries {
                found(kind, entries, place, wanted, &leaving, seen);
            }
            return leaving;
        }
        Ok(None) => format!(
            "failed to read the people of {}: it hides FreeIPA's own groups from {}; give the user the role \"{}\"",
            access.name,
            access.login.credentials.user(),
            USER.role
        ),
        Err(error) => format!("failed to read the people of {}: failed to {error}", access.name),
    };
    for at in of(place, wanted) {
        seen.objects.insert(at.clone(), State::Unknown { cause: cause.clone() });
    }
    leaving
}

/// The entries of a kind that the cloud wants or has made, and the rule that makes others moot.
fn found(
    kind: &'static EntryKind,
    mut entries: BTreeMap<String, EntryState>,
    place: &Place,
    wanted: &Wanted<Document>,
    leaving: &Leaving,
    seen: &mut Seen<DnsObject>,
) {
    if *kind == HBAC_RULE {
        // One that a person deleted lets nobody in.
        let deleted = || EntryState { is_disabled: true, ..EntryState::default() };
        entries.entry(ALLOW_ALL.to_owned()).or_insert_with(deleted);
    }
    for (name, state) in entries {
        let at = Address::new(place.clone(), kind.address, name.as_str());
        let is_ours = state.is_of(&wanted.owner);
        let is_of_all = *kind == HBAC_RULE && name == ALLOW_ALL;
        if !is_ours && !is_of_all && !wanted.nodes.contains_key(&at) {
            continue;
        }
        let fingerprint = state.fingerprint(kind, leaving);
        let object = DnsObject {
            is_ours,
            zone: former(kind, &name),
            entry: Some(state),
            ..DnsObject::of_step(BTreeMap::new(), None)
        };
        seen.objects.insert(at, State::present(object, fingerprint));
    }
}

/// The server does not answer yet. Its people wait for its zones, or, without any, their own steps wait for it.
pub(in super::super) fn not_yet(
    place: &Place,
    access: &Access,
    wanted: &Wanted<Document>,
    seen: &mut Seen<DnsObject>,
) {
    let phase = format!("the FreeIPA server {} answers", access.name);
    for at in of(place, wanted) {
        let node = wanted.nodes.get(at);
        if node.is_some_and(|node| node.needs.iter().any(|edge| edge.to.kind() == ZONE_KIND)) {
            seen.objects.insert(at.clone(), State::NotYet { phase: phase.clone(), is_new: true });
        }
    }
}

fn of<'w>(place: &'w Place, wanted: &'w Wanted<Document>) -> impl Iterator<Item = &'w Address> {
    let entries = wanted.nodes.iter().filter(|(_, node)| node.document.entry.is_some());
    entries.map(|(at, _)| at).filter(move |at| at.place() == place)
}

/// All entries of a server; `None` if it hides even its own ones. A user without rights sees nothing, which is not an empty server. That rules are
/// hidden is not seen so: then nothing is deleted, and what is made twice is refused.
fn read(link: &dyn IpaLink, user: &str) -> Result<Option<Entries>, IpaError> {
    let mut all = Entries::new();
    for kind in KINDS {
        let mut entries = all_of(link, kind, Map::new())?;
        if *kind == USER {
            if !entries.contains_key(user) {
                return Ok(None);
            }
            let preserved = Map::from_iter([("preserved".to_owned(), json!(true))]);
            entries.extend(all_of(link, kind, preserved)?);
        }
        let hidden = SEEN_BY_ALL.iter().any(|(of, name)| *of == kind && !entries.contains_key(*name));
        if hidden {
            return Ok(None);
        }
        all.push((kind, entries));
    }
    Ok(Some(all))
}

fn all_of(
    link: &dyn IpaLink,
    kind: &'static EntryKind,
    more: Map<String, serde_json::Value>,
) -> Result<BTreeMap<String, EntryState>, IpaError> {
    let mut options = find();
    options.extend(more);
    let entries = link.ask(&format!("{}_find", kind.object), &[], options)?.into_entries();
    Ok(entries
        .iter()
        .filter_map(|entry| Some((entry.text(kind.key)?, EntryState::read(kind, entry))))
        .collect())
}

/// Entries as they are now, by the kind in addresses and name. One that FreeIPA does not have is left out.
pub(in super::super) fn show<'a>(
    link: &dyn IpaLink,
    entries: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> Result<BTreeMap<(&'static str, String), EntryState>, IpaError> {
    let asked = entries.into_iter().filter_map(|(kind, name)| Some((kind_at(kind)?, name)));
    let asked: Vec<(&'static EntryKind, &str)> = asked.collect();
    let mut shown = BTreeMap::new();
    for some in asked.chunks(MOST) {
        let all = || Map::from_iter([("all".to_owned(), json!(true))]);
        let call = |(kind, name): &(&'static EntryKind, &str)| {
            IpaCall::new(format!("{}_show", kind.object), vec![json!(name)], all())
        };
        let calls: Vec<IpaCall> = some.iter().map(call).collect();
        for ((kind, name), answer) in some.iter().zip(link.batch(&calls)?) {
            match answer {
                Ok(answer) => {
                    let state = EntryState::read(kind, &answer.entry());
                    shown.insert((kind.address, (*name).to_owned()), state);
                }
                Err(refusal) if refusal.code == Code::NotFound => {}
                Err(refusal) => {
                    return Err(IpaError::Refused { command: format!("{}_show", kind.object), refusal });
                }
            }
        }
    }
    Ok(shown)
}
