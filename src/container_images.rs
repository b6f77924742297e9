//! The images of a cloud's containers, and the lock beside it that states their digests.

use std::any::Any;

use fmc_core::cloud::Cloud;
use fmc_core::role::{Spanning, SpanningRole as _};

use fmc_k8s::platform::Platform;

pub(crate) use fmc_k8s::image_lock::{ImageLock, ImageReference};
pub(crate) use fmc_k8s::platform::{Pinned, UsedImage};
pub(crate) use fmc_k8s::registry::{Logins, RegistryClient};

/// A container of a cloud, with its image.
pub(crate) struct Used {
    /// The path of the image in the cloud.
    pub(crate) at: String,
    pub(crate) cluster: String,
    /// Whether the cloud states an image lock for it, so that no other one is asked.
    pub(crate) has_own_lock: bool,
    pub(crate) image: UsedImage,
}

impl Used {
    /// The container in few words, as `prod shop/web`.
    pub(crate) fn place(&self) -> String {
        let UsedImage { namespace, workload, container, .. } = &self.image;
        let container = if container == workload { String::new() } else { format!(" {container}") };
        format!("{} {namespace}/{workload}{container}", self.cluster)
    }

    /// The image without its digest.
    pub(crate) fn reference(&self) -> Option<ImageReference> {
        self.image.image.ok()?.reference()
    }
}

/// The images of all containers, in the order of the cloud.
pub(crate) fn used(cloud: &Cloud) -> Vec<Used> {
    let mut all = Vec::new();
    for (index, role) in cloud.roles.iter().enumerate() {
        let Some(platform) = platform(role) else { continue };
        let cluster = platform.instance().unwrap_or_default();
        all.extend(platform.images().into_iter().map(|image| Used {
            at: format!("roles[{index}].platform.{}", image.path),
            cluster: cluster.to_owned(),
            has_own_lock: platform.has_image_lock(),
            image,
        }));
    }
    all
}

/// The cloud with this lock wherever it does not state one itself.
pub(crate) fn locked(cloud: Cloud, lock: &ImageLock) -> Cloud {
    cloud.map_spanning_roles(|_, role| match platform(&role).filter(|one| !one.has_image_lock()) {
        Some(platform) => Spanning::said(platform.clone().image_lock(lock)),
        None => role,
    })
}

fn platform(role: &Spanning) -> Option<&Platform> {
    let any: &dyn Any = role.as_spanning();
    any.downcast_ref()
}
