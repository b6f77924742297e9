//! The images of a platform, with the digests that its lock has for them.

use std::borrow::Cow;

use fmc_core::digest::Digest;
use fmc_core::given::Given;

use super::{Namespace, Platform};
use crate::ceph;
use crate::image_lock::ImageLock;
use crate::name::ImageName;
use crate::operated::ROOK;
use fmc_core::given::Leaf as _;
use serde_json::Value;

/// A container of a platform, with its image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UsedImage {
    /// The path of the image in the platform, as `namespaces[0].redis[0].image`; of an operator's container the path of its file.
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
        all.extend(self.ceph.as_ref().map(|ceph| UsedImage {
            path: "ceph.image".to_owned(),
            namespace: ROOK.namespace.to_owned(),
            workload: ceph::NAME.to_owned(),
            container: ceph::NAME.to_owned(),
            image: ceph.image.clone(),
            pinned: ceph.image.ok().and_then(|image| self.digest(image)),
        }));
        all.extend(self.images_of_operators().into_iter().map(|(_, used)| used));
        all
    }

    /// The images of the containers of its operators, each with its document in the words of a person.
    pub(crate) fn images_of_operators(&self) -> Vec<(String, UsedImage)> {
        let mut all = Vec::new();
        for (index, operator) in self.operators.iter().enumerate() {
            for object in operator.objects() {
                for (container, image) in PODS.iter().flat_map(|pod| containers(object.value, pod)) {
                    let image = Given::<ImageName>::text(image);
                    let of = object.text("/metadata/namespace");
                    let namespace = match &operator.namespace {
                        Some(namespace) if of.is_empty() => namespace.to_string(),
                        _ => of.to_owned(),
                    };
                    let used = UsedImage {
                        path: format!("operators[{index}].{}", object.source),
                        namespace,
                        workload: object.text("/metadata/name").to_owned(),
                        container: container.to_owned(),
                        pinned: image.ok().and_then(|image| self.digest(image)),
                        image,
                    };
                    all.push((object.spoken(), used));
                }
            }
        }
        all
    }

    /// Writes the digests of the lock into the images of an operator's object.
    pub(crate) fn pin(&self, object: &mut Value) {
        let Some(lock) = self.lock() else { return };
        for (pod, list) in PODS.iter().flat_map(|pod| LISTS.map(|list| (pod, list))) {
            let containers = object.pointer_mut(&format!("{pod}/{list}")).and_then(Value::as_array_mut);
            for image in containers.into_iter().flatten().filter_map(|one| one.get_mut("image")) {
                let named = image.as_str().and_then(|text| ImageName::parse(text).ok());
                if let Some(pinned) = named.and_then(|named| Some(named.pinned(lock.digest_for(&named)?))) {
                    *image = pinned.as_str().into();
                }
            }
        }
    }

    /// An image as its program starts it: with the digest of the lock, if it says none itself.
    pub(crate) fn pinned_image(&self, image: &Given<ImageName>) -> String {
        let pinned = image.ok().and_then(|image| Some(image.pinned(self.lock()?.digest_for(image)?)));
        pinned.map_or_else(|| image.to_string(), |pinned| pinned.to_string())
    }

    /// Whether nothing states the digest of an image.
    pub(crate) fn is_unpinned(&self, image: &ImageName) -> bool {
        self.digest(image).is_none()
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
        let daemon_sets = all.daemon_sets.iter_mut().flat_map(|one| &mut one.containers);
        let jobs = all.jobs.iter_mut().flat_map(|one| &mut one.containers);
        let cron_jobs = all.cron_jobs.iter_mut().flat_map(|one| &mut one.containers);
        let operated = all.services.operated.iter_mut().flat_map(|(_, one)| &mut one.pods.containers);
        for container in
            deployments.chain(sets).chain(daemon_sets).chain(jobs).chain(cron_jobs).chain(operated)
        {
            let pinned = container.image.ok().and_then(|image| Some(image.pinned(lock.digest_for(image)?)));
            if let Some(pinned) = pinned {
                container.image = Given::Right(pinned);
            }
        }
        namespace
    }
}

/// The places of pods in objects: of a workload's template, of a schedule's, and of a pod itself.
const PODS: [&str; 3] = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
/// The lists of containers of a pod.
const LISTS: [&str; 2] = ["initContainers", "containers"];

/// The containers of a pod in an object, by name, each with its image.
fn containers<'a>(object: &'a Value, pod: &str) -> Vec<(&'a str, &'a str)> {
    let list = |list: &str| object.pointer(&format!("{pod}/{list}")).and_then(Value::as_array);
    let all = LISTS.iter().filter_map(|name| list(name)).flatten();
    let text = |one: &'a Value, key: &str| one.get(key).and_then(Value::as_str);
    all.filter_map(|one| Some((text(one, "name")?, text(one, "image")?))).collect()
}
