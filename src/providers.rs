//! What touches the world, behind one door: the closed set of providers.

use std::fmt;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::graph::{Choices, Note, ObserveError, Provider as _};
use fmc_core::name::HostName;
use fmc_core::secret::Secrets;
use fmc_libvirt::image::Images;
use fmc_libvirt::link::{AnyLink, Link};
use fmc_libvirt::provider::Libvirt;

use crate::compile::Wanted;
use crate::plan::{Plan, Seen};

/// The hypervisors of a cloud, by their names in it. A call to libvirt runs on a thread of its own and a future waits for it; a
/// simulation answers at once. Any executor serves.
///
/// ```
/// # #[cfg(feature = "sim")] {
/// use fmc::prelude::*;
/// use fmc::libvirt::sim::Sim;
/// use fmc::Providers;
///
/// # pollster::block_on(async {
/// let checked = Cloud::new("first").host(Host::local()).machine(Machine::new("web", Image::blank())).check()?;
/// let providers = Providers::new().host("local".parse()?, Sim::new());
/// let plan = providers.plan(&fmc::compile(&checked)).await?;
/// if plan.impact() <= Impact::Live {
///     plan.apply(&providers, |event| assert!(!event.to_string().is_empty())).await?.converged()?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Default)]
pub struct Providers {
    libvirt: Libvirt<AnyLink>,
}

impl Providers {
    /// No hypervisor yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A hypervisor, by its host's name in the cloud.
    #[must_use]
    pub fn host(self, name: HostName, link: impl Link) -> Self {
        self.boxed(name, Box::new(link))
    }

    /// A hypervisor of any kind, by its host's name in the cloud.
    #[must_use]
    pub fn boxed(self, name: HostName, link: Box<dyn Link>) -> Self {
        Self { libvirt: self.libvirt.host(name, link.into()) }
    }

    /// Where the bytes of secrets are; without it a step that needs one fails, and says which.
    #[must_use]
    pub fn secrets(self, secrets: Arc<dyn Secrets + Send + Sync>) -> Self {
        Self { libvirt: self.libvirt.secrets(secrets) }
    }

    /// What becomes of images that are given by URL: [`Images::folder`] has them fetched, each once. Without it a step that
    /// needs one fails, and says so.
    #[must_use]
    pub fn images(self, images: Images) -> Self {
        Self { libvirt: self.libvirt.images(images) }
    }

    /// Looks at what is there. It only reads.
    ///
    /// # Errors
    ///
    /// No hypervisor answers. That one of several does not is in what was seen.
    pub async fn observe(&self, wanted: &Wanted) -> Result<Seen, ObserveError> {
        self.libvirt.observe(wanted.graph()).await
    }

    /// Looks at what is there, and decides what has to be done.
    ///
    /// # Errors
    ///
    /// As with [`Providers::observe`].
    pub async fn plan(&self, wanted: &Wanted) -> Result<Plan, ObserveError> {
        self.plan_with(wanted, Choices::default()).await
    }

    /// Looks at what is there, and decides what has to be done, by these choices.
    ///
    /// # Errors
    ///
    /// As with [`Providers::observe`].
    pub async fn plan_with(&self, wanted: &Wanted, choices: Choices) -> Result<Plan, ObserveError> {
        let seen = self.observe(wanted).await?;
        Ok(Plan::of(wanted.clone(), Arc::new(seen), choices, Vec::new()))
    }

    /// What the hosts lack, or have otherwise than the cloud says, for [`Plan::with_notes`]. It goes by what the last
    /// [`Providers::observe`] read, and one or two calls more for each host.
    pub async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        self.libvirt.preflight(checked).await
    }

    pub(crate) fn provider(&self) -> &Libvirt<AnyLink> {
        &self.libvirt
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.libvirt.hosts().map(|(name, link)| (name, link.uri()))).finish()
    }
}
