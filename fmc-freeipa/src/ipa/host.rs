//! The hosts of machines that enrol themselves: entries with the machine's one-time password.
//!
//! The mark is in `userclass`, which takes many values and means nothing to FreeIPA itself; `description` has one text, and people write it.
//! A host that is enrolled is left as it is, since a new password would take its keytab.

mod read;

use std::sync::Arc;

use fmc_core::graph::{
    About, Address, Change, Choices, DeleteData, Fingerprint, Impact, Note, NoteKind, Removal, Verdict,
};
use fmc_core::secret::{SecretBytes, SecretRef};
use serde_json::{Map, Value, json};

pub(super) use read::{all, show};

use crate::client::IpaCall;
use crate::object::DnsObject;

/// What the mark of a host begins with, before the cloud's owner.
const OURS: &str = "fmc/";

/// The role of FreeIPA whose users may change hosts.
pub(super) const ROLE: &str = "IT Specialist";

/// A wanted host.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Host {
    /// The machine's full name.
    pub(super) fqdn: String,
    /// The machine, as the provider of hypervisors calls it.
    pub(super) machine: Option<Address>,
    /// The password by which the machine enrols itself once.
    pub(super) one_time_password: SecretRef,
}

/// A host as FreeIPA has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct HostState {
    /// The owners of the clouds whose marks it has.
    owners: Vec<String>,
    /// Whether its machine has its keytab.
    is_enrolled: bool,
    /// Whether it waits for its machine with a one-time password.
    has_password: bool,
}

/// What a step makes of a host.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) owner: Arc<str>,
    pub(super) one_time_password: SecretBytes,
}

impl HostState {
    pub(super) fn is_of(&self, owner: &str) -> bool {
        self.owners.iter().any(|held| held == owner)
    }

    /// Whether its machine is enrolled, or can enrol itself.
    pub(super) fn is_ready(&self) -> bool {
        self.is_enrolled || self.has_password
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let Self { owners, is_enrolled, has_password } = self;
        Fingerprint::of(format!("host {} {is_enrolled} {has_password}", owners.join(" ")).as_bytes())
    }
}

impl Host {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(format!("host {} {}", self.fqdn, self.one_time_password).as_bytes())
    }
}

/// How a host differs from the wanted one.
pub(super) fn compare(host: &Host, owner: &str, object: &DnsObject) -> Verdict {
    let Some(state) = &object.host else { return Verdict::Same };
    let fqdn = &host.fqdn;
    if !state.is_of(owner) {
        return match state.owners.first() {
            Some(other) => Verdict::Held(format!(
                "it belongs to the cloud {other}: give the machine another name, or remove the host there"
            )),
            None if state.is_enrolled => Verdict::Same,
            None => Verdict::Held(format!(
                "fmc did not make it, and its password is not known: run `ipa host-del {fqdn}`, and plan again"
            )),
        };
    }
    if state.is_ready() {
        return Verdict::Same;
    }
    let reason = Some("its machine can enrol itself then".to_owned());
    let to = Some("is set".to_owned());
    let path = "one-time password".to_owned();
    Verdict::Differs(vec![Change { path, from: None, to, impact: Impact::Live, reason }])
}

/// What becomes of a host of ours that is not wanted: an enrolled machine would lose its keytab, so a person names it.
pub(super) fn remove(object: &DnsObject, choices: &Choices) -> Removal {
    let fqdn = &object.zone;
    match (&object.host, &choices.delete_data) {
        _ if !object.is_ours => Removal::Ignore,
        (_, DeleteData::Of(names)) if names.contains(fqdn) => Removal::Delete("no longer wanted".to_owned()),
        (Some(HostState { is_enrolled: true, .. }), _) => Removal::Keep(format!(
            "its machine is enrolled and would lose its keytab: delete it by `--delete-data {fqdn}`"
        )),
        _ => Removal::Keep(format!("it is no longer wanted: delete it by `--delete-data {fqdn}`")),
    }
}

/// A host that is enrolled without the cloud's mark is used and never deleted.
pub(super) fn notes(at: &Address, object: &DnsObject) -> Vec<Note> {
    let is_foreign = object.host.as_ref().is_some_and(|state| state.is_enrolled && state.owners.is_empty());
    if !is_foreign {
        return Vec::new();
    }
    let text = "fmc did not make it: its machine is enrolled, and it stays when the machine goes".to_owned();
    vec![Note { about: About::object(at, None), kind: NoteKind::Notice, text }]
}

/// A machine that does not exist yet cannot enrol itself while its host has the keytab of an earlier machine.
pub(super) fn note_of_new_machine(at: &Address, host: &Host, object: &DnsObject) -> Option<Note> {
    object.host.as_ref().filter(|state| state.is_enrolled)?;
    let fqdn = &host.fqdn;
    let text = format!(
        "it has the keytab of an earlier machine, and the new one cannot enrol itself: run `ipa host-disable {fqdn}`, and plan again"
    );
    Some(Note { about: About::object(at, None), kind: NoteKind::Notice, text })
}

/// The call by which a host that FreeIPA has, or does not have, becomes as it is wanted.
pub(super) fn call(fqdn: &str, is_there: bool, wanted: Option<&Entry>) -> IpaCall {
    let Some(entry) = wanted else {
        return IpaCall::new("host_del", vec![json!([fqdn])], Map::new());
    };
    let password = String::from_utf8_lossy(entry.one_time_password.expose());
    let mut options = Map::from_iter([("userpassword".to_owned(), json!(password))]);
    let name: Vec<Value> = vec![json!(fqdn)];
    if is_there {
        return IpaCall::new("host_mod", name, options);
    }
    // The address may come later, or be in a zone of another server.
    options.insert("force".to_owned(), json!(true));
    options.insert("userclass".to_owned(), json!([format!("{OURS}{}", entry.owner)]));
    IpaCall::new("host_add", name, options)
}
