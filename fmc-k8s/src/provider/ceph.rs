//! The machines on whose disks a Ceph keeps its data: those that it needs, and those that leave it.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::checked::Checked;
use fmc_core::finding::NameList;
use fmc_core::graph::{
    About, Address, Carries, DeleteData, Edge, Note, NoteKind, Place, Seen, Wanted as AllWanted,
};
use serde_json::Value;

use super::Document;
use super::operated::CEPH;
use crate::object::ApiObject;

const POOL: &str = "cephblockpool.ceph.rook.io";

/// The address of a machine, as the provider of hypervisors gives it.
const MACHINE: (&str, &str) = ("libvirt", "domain");

/// The address of a machine on a host.
pub(super) fn machine(host: &str, name: &str) -> Address {
    Address::new(Place::new(MACHINE.0, host), MACHINE.1, name)
}

/// The machines of the cloud that bring the disks of a wanted Ceph: it is ready once they run.
pub(super) fn needs(at: &Address, content: &Value, checked: &Checked) -> Vec<Edge> {
    let names = if at.kind() == CEPH { machines(content) } else { BTreeSet::new() };
    let machines = names.into_iter().filter_map(|name| checked.machine(name));
    let all =
        machines.filter_map(|one| Some(machine(checked.at(one.host)?.name.as_str(), one.name.as_str())));
    all.map(|to| Edge { to, carries: Carries::Exists }).collect()
}

/// The names of the machines of the cloud, the former ones too: a machine that is called otherwise now takes its disks along.
pub(super) fn known(checked: &Checked) -> BTreeSet<String> {
    let all = checked.machines().iter();
    all.flat_map(|one| [one.name.to_string(), one.first_name.to_string()]).collect()
}

/// The machines whose disks a Ceph has.
fn machines(content: &Value) -> BTreeSet<&str> {
    let nodes = content.pointer("/spec/storage/nodes").and_then(Value::as_array);
    nodes.into_iter().flatten().filter_map(|node| node.get("name")?.as_str()).collect()
}

/// A Ceph stands on the machines that leave it, on whichever host they are: none goes before the Ceph is told. `wanted` is its document, if the
/// cloud has it, and `kept` are the names of machines that do not go.
pub(super) fn stands_on(
    object: &ApiObject,
    wanted: Option<&Value>,
    hosts: &[String],
    kept: &BTreeSet<String>,
) -> Vec<Address> {
    let stays = wanted.map(machines).unwrap_or_default();
    let leaving = machines(object.value()).into_iter();
    let leaving = leaving.filter(|name| !stays.contains(name) && !kept.contains(*name));
    leaving.flat_map(|name| hosts.iter().map(move |host| machine(host, name))).collect()
}

/// A wanted Ceph of which disks leave.
pub(super) struct Leaving<'a> {
    pub(super) at: &'a Address,
    /// The machines that had them.
    machines: Vec<&'a str>,
    /// The machines that a person names, so that their data may be lost.
    named: usize,
    /// The fewest copies of a volume; `None` without a pool.
    copies: Option<u64>,
}

/// The wanted Cephs of which disks leave.
pub(super) fn leaving<'a>(
    wanted: &'a AllWanted<Document>,
    seen: &'a Seen<ApiObject>,
    asked: &DeleteData,
) -> Vec<Leaving<'a>> {
    let all = wanted.nodes.iter().filter(|(at, _)| at.kind() == CEPH);
    let all = all.filter_map(|(at, node)| {
        let stays = machines(node.document.wanted()?.manifest.content());
        let there = machines(seen.object(at)?.value());
        let machines: Vec<&str> = there.difference(&stays).copied().collect();
        let named = machines.iter().filter(|name| asked.covers(name)).count();
        (!machines.is_empty()).then(|| Leaving { at, named, copies: copies(at, seen), machines })
    });
    all.collect()
}

/// The fewest copies that a pool of a Ceph keeps.
fn copies(ceph: &Address, seen: &Seen<ApiObject>) -> Option<u64> {
    let within = |at: &Address| at.name().split_once('/').map(|(namespace, _)| namespace.to_owned());
    let pools = seen
        .present()
        .filter(|(at, _)| at.kind() == POOL && at.place() == ceph.place() && within(at) == within(ceph));
    pools.filter_map(|(_, pool)| pool.value().pointer("/spec/replicated/size")?.as_u64()).min()
}

impl Leaving<'_> {
    /// The reason why they do not leave together: every copy of a volume could be on them.
    pub(super) fn held(&self) -> Option<String> {
        let copies = self.copies?;
        let most = copies.saturating_sub(1);
        let unnamed = u64::try_from(self.machines.len().saturating_sub(self.named)).unwrap_or(u64::MAX);
        (unnamed > most).then(|| {
            format!(
                "the disks of {} would leave it at once, and a volume has {copies} copies, which may all be on them: take {most} or fewer out of the \
                 cloud in one apply, and let Ceph move their data in between, or give the data up by `--delete-data MACHINE` for each",
                NameList::new(self.machines.iter().copied())
            )
        })
    }

    /// The steps of a person before the disks leave.
    pub(super) fn beforehand(&self) -> Note {
        let names = NameList::new(self.machines.iter().copied());
        let text = format!(
            "the disks of {names} leave it with the copies on them: first let Ceph move these, in the pod of Rook's toolbox: `ceph osd out ID` for \
             each OSD that `ceph osd tree` has below {names}, until `ceph osd safe-to-destroy ID` says so; else volumes have fewer copies until \
             Ceph has made them again"
        );
        Note { about: About::object(self.at, None), kind: NoteKind::Beforehand, text }
    }
}

/// The names of the hosts of the cloud.
pub(super) fn hosts(checked: &Checked) -> Vec<String> {
    checked.hosts().iter().map(|host| host.name.to_string()).collect()
}

/// Lets the Cephs that are there stand on the machines that leave them.
pub(super) fn stand(there: &mut BTreeMap<Address, ApiObject>, documents: &BTreeMap<&Address, &Document>) {
    let cloud = documents.values().find_map(|document| match document {
        Document::Api { hosts, machines, .. } => Some((hosts, machines)),
        Document::Object(_) => None,
    });
    let Some((hosts, kept)) = cloud else { return };
    for (at, object) in there.iter_mut().filter(|(at, _)| at.kind() == CEPH) {
        let wanted = documents.get(at).and_then(|document| document.wanted());
        let wanted = wanted.map(|wanted| wanted.manifest.content());
        let all = stands_on(object, wanted, hosts, kept);
        object.stands_on.extend(all);
    }
}
