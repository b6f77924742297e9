//! The differences between recorded and wanted birth facts, in words for a person.

use super::parts::file_of;
use super::{Born, BornDisk, BornInterface, BornSecrets, PartKind};
use crate::role::RoleFacts;
use crate::secret::Derivation;
use crate::sort;

/// How many names a list of differences shows.
const SHOWN: usize = 3;

impl Born {
    /// The differences of wanted facts from these, a phrase each: `image Debian 12 → 13`, `2 files (/etc/a, /etc/b)`. It is
    /// empty if only what is not recorded differs: the bytes of the image, or a part with a secret.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.system != wanted.system {
            found.push(format!("image {} → {}", image(self), image(wanted)));
        } else if self.version != wanted.version {
            found.push(format!("image {} → {}", image(self), wanted.version));
        }
        found.extend(interfaces(&self.interfaces, &wanted.interfaces));
        found.extend(disks(&self.disks, &wanted.disks));
        found.extend(roles(self, wanted));
        for role in &*wanted.roles {
            let was = self.roles.iter().find(|was| was.is_same_role(role));
            let changed = was.into_iter().flat_map(|was| was.changed(role));
            found.extend(changed.map(|(was, fact)| format!("{role}: {} {was} → {}", fact.key, fact.value)));
        }
        found.extend(secrets(self.secrets, wanted.secrets));
        let mut changed: Vec<(PartKind, &str)> = Vec::new();
        // Where an earlier version recorded no settings of a file, what they were is not known.
        let is_known = |from: &'_ Self, part: &super::BornPart| {
            file_of(part).is_none_or(|file| from.parts.iter().any(|other| file_of(other) == Some(file)))
        };
        let missing =
            |from: &'_ Self, part: &super::BornPart| !from.parts.contains(part) && is_known(from, part);
        changed.extend(
            self.parts.iter().filter(|part| missing(wanted, part)).map(|part| (part.kind, &*part.name)),
        );
        changed.extend(
            wanted.parts.iter().filter(|part| missing(self, part)).map(|part| (part.kind, &*part.name)),
        );
        sort::all(&mut changed);
        changed.dedup();
        for of_kind in changed.chunk_by(|one, other| one.0 == other.0) {
            let Some((kind, _)) = of_kind.first() else { continue };
            let word = if of_kind.len() == 1 { kind.as_str() } else { kind.plural() };
            let names: Vec<&str> = of_kind.iter().take(SHOWN).map(|(_, name)| *name).collect();
            let more = if of_kind.len() > SHOWN { ", …" } else { "" };
            found.push(format!("{} {word} ({}{more})", of_kind.len(), names.join(", ")));
        }
        found
    }
}

/// The roles that go, each with the one that comes in its place. One that only comes may have been there before a program
/// recorded it.
fn roles<'a>(born: &'a Born, wanted: &'a Born) -> impl Iterator<Item = String> + use<'a> {
    let missing = |from: &Born, role: &RoleFacts| {
        !role.facts.is_empty() && !from.roles.iter().any(|other| other.is_same_role(role))
    };
    let mut new = wanted.roles.iter().filter(move |role| missing(born, role));
    let gone = born.roles.iter().filter(move |role| missing(wanted, role));
    gone.map(move |gone| match new.next() {
        Some(new) => format!("{gone} → {new}"),
        None => format!("{gone} goes"),
    })
}

/// Another derivation gives other bytes. A machine that an earlier version made has those of the first.
fn secrets(born: BornSecrets, wanted: BornSecrets) -> Option<String> {
    let was = match born {
        BornSecrets::Derived(was) => was,
        BornSecrets::Unknown => Derivation::V1,
        BornSecrets::None => return None,
    };
    match wanted {
        BornSecrets::Derived(now) if was != now => Some(format!("secrets by derivation {was} → {now}")),
        _ => None,
    }
}

fn image(born: &Born) -> String {
    if born.version.is_empty() {
        born.system.to_string()
    } else {
        format!("{} {}", born.system, born.version)
    }
}

fn interfaces<'a>(
    born: &'a [BornInterface],
    wanted: &'a [BornInterface],
) -> impl Iterator<Item = String> + use<'a> {
    let gone = born.iter().filter(|one| !wanted.contains(one)).collect::<Vec<_>>();
    let new = wanted.iter().filter(|one| !born.contains(one)).collect::<Vec<_>>();
    let all =
        (0..gone.len().max(new.len())).map(move |index| (gone.get(index).copied(), new.get(index).copied()));
    all.filter_map(|pair| match pair {
        (Some(gone), Some(new)) => Some(format!("interface {} → {}", interface(gone), change(gone, new))),
        (Some(gone), None) => Some(format!("interface {} goes", interface(gone))),
        (None, Some(new)) => Some(format!("interface {} comes", interface(new))),
        (None, None) => None,
    })
}

fn interface(of: &BornInterface) -> String {
    let addresses = [of.ipv4, of.ipv6].into_iter().flatten().map(|family| family.to_string());
    let addresses = addresses.collect::<Vec<_>>().join(", ");
    format!("{} ({})", of.network, if addresses.is_empty() { of.mac.to_string() } else { addresses })
}

/// The part of a changed interface that is worth its words.
fn change(gone: &BornInterface, new: &BornInterface) -> String {
    let same = (gone.ipv4, gone.ipv6) == (new.ipv4, new.ipv6);
    match (gone.network == new.network, same) {
        (true, true) => new.mac.to_string(),
        (false, true) => new.network.to_string(),
        _ => interface(new),
    }
}

fn disks<'a>(born: &'a [BornDisk], wanted: &'a [BornDisk]) -> impl Iterator<Item = String> + use<'a> {
    let gone = born.iter().filter(|disk| !wanted.iter().any(|other| other.serial == disk.serial));
    let others =
        wanted.iter().filter_map(|disk| match born.iter().find(|other| other.serial == disk.serial) {
            None => Some(format!("data disk {} is unknown to its guest", disk.name)),
            Some(was) if was.mount != disk.mount => {
                let of = |disk: &'a BornDisk| disk.mount.as_deref().unwrap_or("not mounted");
                Some(format!("data disk {}: {} → {}", disk.name, of(was), of(disk)))
            }
            Some(was) if was.filesystem != disk.filesystem => {
                let of = |disk: &'a BornDisk| disk.filesystem.as_deref().unwrap_or("no file system");
                Some(format!("data disk {}: {} → {}", disk.name, of(was), of(disk)))
            }
            Some(_) => None,
        });
    gone.map(|disk| format!("data disk {} goes", disk.name)).chain(others)
}
