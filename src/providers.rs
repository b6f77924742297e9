//! The list of providers: all access to the world goes through it.

use std::fmt;
#[cfg(feature = "cli")]
use std::path::PathBuf;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::graph::{Choices, Note, ObserveError, Provider as _};
use fmc_core::name::HostName;
#[cfg(feature = "cli")]
use fmc_core::path::HttpUrl;
use fmc_core::provider::{AnyRoom, Room, Rooms};
use fmc_core::secret::{Kubeconfigs, Secrets};
use fmc_libvirt::image::Images;
use fmc_libvirt::link::{AnyLink, Link};
use fmc_libvirt::provider::Libvirt;

#[cfg(feature = "cli")]
pub(crate) use fmc_libvirt::connect::ConnectError;
#[cfg(feature = "cli")]
pub(crate) use fmc_libvirt::sim::file::{Saver, SimFile};

use crate::compile::{Wanted, compile_with};
#[cfg(feature = "cli")]
use crate::files::Files;
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
///
/// Further providers join by [`Providers::with`]: their objects are part of the same plans, once the cloud is compiled by
/// [`Providers::compile`].
#[derive(Default)]
pub struct Providers {
    libvirt: Libvirt<AnyLink>,
    others: Vec<AnyRoom>,
    absent: Vec<(AnyRoom, &'static str)>,
    secrets: Option<Arc<dyn Secrets + Send + Sync>>,
    kubeconfigs: Option<Arc<dyn Kubeconfigs + Send + Sync>>,
}

/// The pure halves of the providers that every program has: what is compiled and planned for without a connection.
pub(crate) fn built_in() -> Vec<AnyRoom> {
    vec![AnyRoom::new(Libvirt::<AnyLink>::new())]
}

/// Further providers that every command has.
#[cfg(feature = "cli")]
pub(crate) fn of_commands() -> Vec<AnyRoom> {
    vec![
        #[cfg(feature = "k8s")]
        AnyRoom::new(fmc_k8s::provider::Kubernetes::new()),
        #[cfg(feature = "dns")]
        AnyRoom::new(fmc_freeipa::rfc2136::Rfc2136::new()),
        #[cfg(feature = "dns")]
        AnyRoom::new(fmc_freeipa::ipa::Ipa::new()),
    ]
}

/// Asks the servers of a cloud's zones for every record.
#[cfg(all(feature = "cli", feature = "dns"))]
pub(crate) fn verify_dns(checked: &Checked) -> fmc_freeipa::rfc2136::Verified {
    fmc_freeipa::rfc2136::verify(checked)
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
        Self { libvirt: self.libvirt.host(name, link.into()), ..self }
    }

    /// A further provider, instead of another one of the same name. A cloud that it takes part in is compiled by
    /// [`Providers::compile`].
    #[must_use]
    pub fn with(self, provider: impl Room) -> Self {
        self.with_any(AnyRoom::new(provider))
    }

    /// A further provider of any kind, instead of another one of the same name.
    #[must_use]
    pub fn with_any(mut self, provider: AnyRoom) -> Self {
        let provider = self.secrets.iter().fold(provider, AnyRoom::with_secrets);
        let provider = self.kubeconfigs.iter().fold(provider, AnyRoom::with_kubeconfigs);
        self.others.retain(|other| other.name() != provider.name());
        self.others.push(provider);
        self
    }

    /// A provider that takes no part, for this cause: its objects are compiled, and a plan defers them.
    #[cfg(feature = "cli")]
    pub(crate) fn absent(mut self, provider: AnyRoom, cause: &'static str) -> Self {
        self.absent.push((provider, cause));
        self
    }

    /// A host that could not be connected to: what is on it is put off, for this cause, while the others go on.
    #[must_use]
    pub fn unreachable(self, name: HostName, cause: impl Into<String>) -> Self {
        Self { libvirt: self.libvirt.unreachable(name, cause), ..self }
    }

    /// Sets the source of secrets. Without it a step that needs a secret fails, and its error names the secret.
    #[must_use]
    pub fn secrets(self, secrets: Arc<dyn Secrets + Send + Sync>) -> Self {
        let others = self.others.into_iter().map(|other| other.with_secrets(&secrets)).collect();
        Self { libvirt: self.libvirt.secrets(Arc::clone(&secrets)), others, secrets: Some(secrets), ..self }
    }

    /// Sets the way into the clusters that the cloud makes, for providers of what is in them. Without it they know only the clusters
    /// that they are connected to by themselves.
    #[must_use]
    pub fn kubeconfigs(self, kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Self {
        let others = self.others.into_iter().map(|other| other.with_kubeconfigs(&kubeconfigs)).collect();
        Self { others, kubeconfigs: Some(kubeconfigs), ..self }
    }

    /// Sets how images from URLs are handled: [`Images::folder`] downloads each once. Without it a step that needs such an
    /// image fails.
    #[must_use]
    pub fn images(self, images: Images) -> Self {
        Self { libvirt: self.libvirt.images(images), ..self }
    }

    /// Compiles a checked cloud for all of them, as [`compile`](crate::compile()) does for those that every program has.
    pub fn compile(&self, checked: &Checked) -> Wanted {
        let further = self.others.iter().chain(self.absent.iter().map(|(provider, _)| provider));
        let root_key = self.secrets.as_ref().and_then(|secrets| secrets.root_key_check());
        compile_with(checked, built_in().into_iter().chain(further.cloned()).collect(), root_key)
    }

    /// All of them as one, which the planner and the apply know: the list of providers.
    pub fn rooms(&self) -> Rooms<'_> {
        let present = self.others.iter().fold(Rooms::new().with(&self.libvirt), Rooms::with_any);
        self.absent.iter().fold(present, |rooms, (provider, cause)| rooms.absent(provider.name(), cause))
    }

    /// The further ones.
    pub fn others(&self) -> &[AnyRoom] {
        &self.others
    }

    /// Looks at what is there. It only reads.
    ///
    /// # Errors
    ///
    /// No provider answers. If only some do not answer, the result of the observation records it.
    pub async fn observe(&self, wanted: &Wanted) -> Result<Seen, ObserveError> {
        self.observe_for(wanted, &Choices::default()).await
    }

    /// Looks at what is there for a plan with these choices: what a replacement takes away is looked at more closely.
    ///
    /// # Errors
    ///
    /// As with [`Providers::observe`].
    pub async fn observe_for(&self, wanted: &Wanted, choices: &Choices) -> Result<Seen, ObserveError> {
        self.rooms_of(wanted).observe(&wanted.graph().replacing(&choices.replace)).await
    }

    /// Those that a cloud was compiled for. Another's objects are not wanted by anything, and must not be deleted either.
    pub(crate) fn rooms_of(&self, wanted: &Wanted) -> Rooms<'_> {
        self.rooms().only(wanted.rooms().names())
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
        let seen = self.observe_for(wanted, &choices).await?;
        Ok(Plan::of(wanted.clone(), Arc::new(seen), choices, Vec::new()))
    }

    /// The differences of the hosts themselves from the cloud, as notes for [`Plan::with_notes`]. It uses the results of the last
    /// [`Providers::observe`], and one or two more calls for each host.
    pub async fn preflight(&self, checked: &Checked) -> Vec<Note> {
        self.rooms().preflight(checked).await
    }

    /// Adds a host by the URI of its libvirt. If it does not answer, it is unreachable for this cause.
    #[cfg(feature = "cli")]
    pub(crate) fn connected(self, name: HostName, uri: &str) -> (Self, Result<(), ConnectError>) {
        match fmc_libvirt::connect::connect(uri) {
            Ok(link) => (self.boxed(name, link), Ok(())),
            Err(error) => (self.unreachable(name, format!("failed to {error}")), Err(error)),
        }
    }

    /// Caches images from URLs in this folder, and reads local files by these rules.
    #[cfg(feature = "cli")]
    pub(crate) fn images_in(self, folder: Option<PathBuf>, files: Files) -> Self {
        self.images(folder.map_or_else(Images::default, Images::folder).files(files))
    }

    /// Replaces images from URLs by stand-ins for a simulation, and reads local files by these rules.
    #[cfg(feature = "cli")]
    pub(crate) fn images_of_a_simulation(self, files: Files) -> Self {
        self.images(Images::stand_ins().files(files))
    }
}

/// A short text from a server, as a list of checksums: at most so many bytes.
#[cfg(feature = "cli")]
pub(crate) fn fetch(url: &HttpUrl, most: u64) -> Result<String, impl fmt::Display> {
    fmc_libvirt::image::fetch::text(url, fmc_libvirt::image::cache::Patience::default(), most)
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.libvirt.hosts().map(|(name, link)| (name, link.uri()))).finish()
    }
}
