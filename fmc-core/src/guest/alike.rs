//! Equal parts of many machines' guests are held once: a unit of a thousand nodes is one value in memory.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Parts;
use super::checked::{Contents, GuestFile, TextPart, Unit, User};

/// The files, units and users that guests hold so far.
pub(crate) struct Alike {
    files: Held<GuestFile>,
    units: Held<Unit>,
    users: Held<User>,
}

impl Alike {
    /// For so many machines.
    pub(crate) fn for_machines(count: usize) -> Self {
        Self {
            files: Held::for_machines(count),
            units: Held::for_machines(count),
            users: Held::for_machines(count),
        }
    }

    /// Lets a guest share equal parts of another one, and frees the spare capacity of its lists.
    pub(crate) fn share(&mut self, parts: &mut Parts) {
        parts.files.iter_mut().for_each(|file| self.files.share(file));
        parts.units.iter_mut().for_each(|unit| self.units.share(unit));
        parts.users.iter_mut().for_each(|user| self.users.share(user));
        parts.files.shrink_to_fit();
        parts.directories.shrink_to_fit();
        parts.links.shrink_to_fit();
        parts.users.shrink_to_fit();
        parts.groups.shrink_to_fit();
        parts.units.shrink_to_fit();
        parts.packages.shrink_to_fit();
        parts.ignition.shrink_to_fit();
        parts.cloud_config.shrink_to_fit();
    }
}

/// Values in the places that a hash of the fields gives in which most of them differ. Of two values for one place the
/// later one is kept. So a look costs the same in a large cloud, where a map with the values that only one machine has
/// would not fit the caches. A value that many machines have is soon there again when another one took its place.
struct Held<T>(Vec<Option<(u64, Arc<T>)>>);

impl<T: Part> Held<T> {
    /// Room for a few times the values of so many machines, within what fits the caches.
    fn for_machines(count: usize) -> Self {
        Self(vec![None; count.saturating_mul(16).clamp(64, 8192).next_power_of_two()])
    }

    fn share(&mut self, value: &mut Arc<T>) {
        let mut hasher = Quick::default();
        value.hash_most(&mut hasher);
        let hash = hasher.finish();
        // The upper bits of a product are the better ones. The remainder fits any integer.
        let length = u64::try_from(self.0.len()).unwrap_or(1).max(1);
        let place = usize::try_from((hash >> 32) % length).ok().and_then(|at| self.0.get_mut(at));
        let Some(place) = place else { return };
        match place {
            Some((known, held)) if *known == hash && held == value => *value = Arc::clone(held),
            _ => *place = Some((hash, Arc::clone(value))),
        }
    }
}

/// A quick hash that is the same in every run. Two values with one hash are compared, so a weak hash costs memory
/// at most.
#[derive(Default)]
struct Quick(u64);

impl Quick {
    /// An odd number with its bits well spread: the golden ratio of 64 bits.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let rest = rest.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        self.add(rest);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A part of a guest that machines may have alike.
trait Part: PartialEq {
    /// Hashes what tells most of its kind apart.
    fn hash_most(&self, hasher: &mut impl Hasher);
}

impl Part for GuestFile {
    fn hash_most(&self, hasher: &mut impl Hasher) {
        self.path.hash(hasher);
        match &self.contents {
            Contents::Text(text) => text.hash(hasher),
            Contents::Secret(secret) => secret.name.hash(hasher),
            Contents::Parts(parts) => parts.iter().for_each(|part| match part {
                TextPart::Text(text) => text.hash(hasher),
                TextPart::Secret(secret) | TextPart::Quoted(secret) | TextPart::Component(secret) => {
                    secret.name.hash(hasher);
                }
            }),
            // Each cluster may fetch the same bytes from a mirror of its own.
            Contents::Remote { url, digest } => {
                url.hash(hasher);
                digest.bytes().hash(hasher);
            }
        }
    }
}

impl Part for Unit {
    fn hash_most(&self, hasher: &mut impl Hasher) {
        self.name.hash(hasher);
        self.contents.iter().for_each(|contents| contents.hash_most(hasher));
        self.dropins.iter().for_each(|dropin| dropin.contents.hash_most(hasher));
    }
}

impl Part for User {
    fn hash_most(&self, hasher: &mut impl Hasher) {
        self.name.hash(hasher);
        self.password_hash.as_ref().map(|secret| &secret.name).hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::finding::At;
    use crate::guest::{Guest, UnitFile, UnitSection};

    fn parts(text: &str) -> Parts {
        let unit = UnitFile::new().section(UnitSection::new("Service").set("ExecStart", text.to_owned()));
        let guest = Guest::new()
            .file(super::super::GuestFile::text("/etc/same", "same"))
            .file(super::super::GuestFile::text("/etc/own", text))
            .unit(super::super::Unit::service("own").contents(unit))
            .user(super::super::User::admin("ops"));
        guest.parts(&At::ROOT, &mut Vec::new()).unwrap()
    }

    #[test]
    fn what_two_guests_have_alike_is_held_once_and_nothing_changes() {
        let mut alike = Alike::for_machines(3);
        let [mut one, mut other, mut same] = ["one", "other", "one"].map(parts);
        for parts in [&mut one, &mut other, &mut same] {
            let before = parts.clone();
            alike.share(parts);
            assert_eq!(*parts, before);
        }
        let is_shared = |a: &Parts, b: &Parts| {
            let files = a.files.iter().zip(&b.files).map(|(a, b)| Arc::ptr_eq(a, b));
            let units = a.units.iter().zip(&b.units).map(|(a, b)| Arc::ptr_eq(a, b));
            let users = a.users.iter().zip(&b.users).map(|(a, b)| Arc::ptr_eq(a, b));
            files.chain(units).chain(users).collect::<Vec<_>>()
        };
        // The file of their own, the same one, the unit, the user.
        assert_eq!(is_shared(&one, &other), [false, true, false, true]);
        assert_eq!(is_shared(&one, &same), [true; 4]);
    }

    #[test]
    fn downloads_of_one_digest_from_two_mirrors_are_each_held() {
        let mut alike = Alike::for_machines(3);
        let mut from = |mirror: &str| {
            let url = format!("http://{mirror}/k3s");
            let file = super::super::GuestFile::remote("/usr/local/bin/k3s", url, Digest::sha256(b"K3s"));
            let mut parts = Guest::new().file(file).parts(&At::ROOT, &mut Vec::new()).unwrap();
            alike.share(&mut parts);
            parts
        };
        let [one, _, again] = ["10.0.0.1", "10.1.0.1", "10.0.0.1"].map(&mut from);
        assert!(Arc::ptr_eq(&one.files[0], &again.files[0]));
    }

    #[test]
    fn two_with_one_hash_stay_apart() {
        let mut alike = Alike::for_machines(3);
        let user = |key: bool| {
            let user = super::super::User::admin("ops");
            let key = key.then_some(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM",
            );
            let user = key.into_iter().fold(user, |user, key| user.key(key));
            Guest::new().user(user).parts(&At::ROOT, &mut Vec::new()).unwrap()
        };
        let [mut with, mut without] = [user(true), user(false)];
        alike.share(&mut with);
        alike.share(&mut without);
        assert_eq!((with, without), (user(true), user(false)));
    }
}
