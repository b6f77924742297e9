//! The images of a platform, with the digests that its lock has for them.

use std::borrow::Cow;

use fmc_core::digest::Digest;
use fmc_core::given::Given;

use super::{Namespace, Platform};
use crate::image_lock::ImageLock;
use crate::name::ImageName;

/// A container of a platform, with its image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UsedImage {
    /// The path of the image in the platform, as `namespaces[0].redis[0].image`.
    pub path: String,
    /// The namespace.
    pub namespace: String,
    /// The workload: a deployment, a stateful set, or a service such as a Redis.
    pub workload: String,
    /// The container.
    pub container: String,
    /// The image, as the cloud has it.
    pub image: Given<ImageName>,
    /// Its digest, and what states it; `None` if nothing does.
    pub pinned: Option<(Digest, Pinned)>,
}

/// The place that states the digest of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pinned {
    /// The cloud itself.
    Cloud,
    /// The image lock.
    Lock,
}

impl Platform {
    /// The digests of its images, as the text of an image lock: `include_str!("cloud.images.lock")`. An image with a tag and without a
    /// digest has the lock's one in the manifests. A digest that the cloud states stays. Malformed text is a finding.
    #[must_use]
    pub fn image_lock(self, lock: impl Into<Given<ImageLock>>) -> Self {
        Self { image_lock: Some(lock.into()), ..self }
    }

    /// Whether it has an image lock.
    pub fn has_image_lock(&self) -> bool {
        self.image_lock.is_some()
    }

    /// The images of all its containers, in the order of the cloud.
    pub fn images(&self) -> Vec<UsedImage> {
        let mut all = Vec::new();
        for (index, namespace) in self.namespaces.iter().enumerate() {
            let namespace = namespace.with_services();
            for (path, workload) in namespace.workloads() {
                for (at, container) in workload.containers.iter().enumerate() {
                    let below =
                        workload.container_path(at).map(|below| format!(".{below}")).unwrap_or_default();
                    all.push(UsedImage {
                        path: format!("namespaces[{index}].{path}{below}.image"),
                        namespace: namespace.name.to_string(),
                        workload: workload.name.to_string(),
                        container: container.name.to_string(),
                        image: container.image.clone(),
                        pinned: container.image.ok().and_then(|image| self.digest(image)),
                    });
                }
            }
        }
        all
    }

    fn digest(&self, image: &ImageName) -> Option<(Digest, Pinned)> {
        if let Some(own) = image.digest() {
            return Some((own, Pinned::Cloud));
        }
        Some((*self.lock()?.digest_for(image)?, Pinned::Lock))
    }

    /// Its image lock, if that is right and has an image.
    pub(super) fn lock(&self) -> Option<&ImageLock> {
        self.image_lock.as_ref()?.ok().filter(|lock| !lock.is_empty())
    }

    /// A namespace, with the digests of the lock in its images.
    pub(crate) fn pinned<'a>(&self, mut namespace: Cow<'a, Namespace>) -> Cow<'a, Namespace> {
        let Some(lock) = self.lock() else { return namespace };
        let all = namespace.to_mut();
        let deployments = all.deployments.iter_mut().flat_map(|one| &mut one.containers);
        let sets = all.stateful_sets.iter_mut().flat_map(|one| &mut one.containers);
        for container in deployments.chain(sets) {
            let pinned = container.image.ok().and_then(|image| Some(image.pinned(lock.digest_for(image)?)));
            if let Some(pinned) = pinned {
                container.image = Given::Right(pinned);
            }
        }
        namespace
    }
}
