//! The rules of image locks.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::role::{RoleFindings, SpanSite};

use super::{LOCK_DIFFERS, LOCK_UNUSED, UNPINNED};
use crate::name::ImageName;
use crate::platform::{Pinned, Platform, UsedImage};

/// A warning for each image of workloads without a digest, where it is stated first.
fn unpinned(platform: &Platform, findings: &mut RoleFindings<'_>) {
    let of_workloads = platform.images().into_iter().filter(|used| used.path.starts_with("namespaces["));
    let mut all: Vec<(UsedImage, usize)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for used in of_workloads.filter(|used| used.pinned.is_none() && used.image.ok().is_some()) {
        let at = *known.entry(used.image.to_string()).or_insert(all.len());
        match all.get_mut(at) {
            Some((_, more)) => *more += 1,
            None => all.push((used, 0)),
        }
    }
    for (first, more) in all {
        findings.part(&first.path, |findings| {
            let beside = match more {
                0 => String::new(),
                1 => ", and 1 more container has it".to_owned(),
                more => format!(", and {more} more containers have it"),
            };
            let message = format!("the image of {} has a tag and no digest{beside}", first.container);
            let help = "`images pin` asks its registry for the digest; or add it: TAG@sha256:…";
            findings.find(&UNPINNED, message, help);
        });
    }
}

pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
    unpinned(platform, findings);
    let Some(lock) = platform.lock() else { return };
    let mut differ = BTreeSet::new();
    for used in platform.images() {
        let Some((own, Pinned::Cloud)) = &used.pinned else { continue };
        let Some(reference) = used.image.ok().and_then(ImageName::reference) else { continue };
        let Some(locked) = lock.digest(&reference).filter(|locked| *locked != own) else { continue };
        findings.part(&used.path, |findings| {
            let message = format!("the image of {} is {own}, and {locked} in the image lock", used.container);
            let help = "`images pin` takes it out of the lock; or take the digest out of the cloud";
            findings.find(&LOCK_DIFFERS, message, help);
        });
        differ.insert(reference);
    }
    // Several platforms of a file have one lock, and the first of them speaks for all.
    let mut sharing =
        site.stated::<Platform>().map(|(_, one)| one).filter(|one| one.lock() == Some(lock)).peekable();
    if sharing.peek().is_none_or(|first| !std::ptr::eq(*first, platform)) {
        return;
    }
    let used: BTreeSet<_> = sharing
        .flat_map(Platform::images)
        .filter(|one| matches!(one.pinned, Some((_, Pinned::Lock))))
        .filter_map(|one| one.image.ok().and_then(ImageName::reference))
        .collect();
    for (image, _) in lock.iter().filter(|(image, _)| !used.contains(image) && !differ.contains(image)) {
        let message = format!("the image lock has {image}, and no container takes its digest from there");
        findings.find(&LOCK_UNUSED, message, "`images pin` takes it out of the lock");
    }
}
