//! The rules of image locks.

use std::collections::BTreeSet;

use fmc_core::role::{RoleFindings, SpanSite};

use super::{LOCK_DIFFERS, LOCK_UNUSED};
use crate::name::ImageName;
use crate::platform::{Pinned, Platform};

pub(super) fn check(platform: &Platform, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
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
