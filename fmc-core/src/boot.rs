//! The boot configuration: everything that a machine reads on its first boot.

mod born;
mod inside;

use sha2::{Digest as _, Sha256};

use crate::checked::{Checked, Machine};
use crate::cloud_init;
#[cfg(feature = "ignition")]
use crate::ignition;
use crate::image::Provisioner;
use crate::secret::{SecretBytes, SecretError, SecretRef, SecretScope, Secrets};
use crate::template::Template;

pub use born::{Born, BornDisk, BornInterface, BornPart, BornSecrets, Digests, PartKind, mac};
pub use inside::{Address, Family, Filesystem, Inside, Interface, Luks};

/// The configuration that a machine reads on its first boot, with holes for its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Boot {
    /// A config for Ignition, read by QEMU's `fw_cfg`.
    Ignition(Template),
    /// Documents for cloud-init's `NoCloud` data source, read from an ISO 9660 image labelled `cidata`.
    CloudInit {
        /// Everything but the network.
        user_data: Template,
        /// The instance-id and the host name.
        meta_data: Template,
        /// The network, version 2.
        network_config: Template,
    },
}

impl Boot {
    /// The boot configuration of a machine of a checked cloud; `None` for a machine without a provisioner.
    pub fn of(cloud: &Checked, machine: &Machine) -> Option<Self> {
        Self::inside(&Inside::of(cloud, machine), machine)
    }

    /// The boot configurations that a machine may have been made with instead, and that serve it as well: see
    /// [`CustomRole::equal_guests`](crate::role::CustomRole::equal_guests).
    pub fn equal<'a>(cloud: &'a Checked, machine: &'a Machine) -> impl Iterator<Item = Self> + 'a {
        let guests = machine.equal_guests.iter();
        guests.filter_map(|guest| Self::inside(&Inside::of(cloud, machine).with_guest(guest), machine))
    }

    fn inside(inside: &Inside<'_>, machine: &Machine) -> Option<Self> {
        Some(match machine.image.os.provisioner()? {
            #[cfg(feature = "ignition")]
            Provisioner::Ignition => Self::Ignition(ignition::compile(inside).fitted()),
            // Unreachable: the check refuses such a machine.
            #[cfg(not(feature = "ignition"))]
            Provisioner::Ignition => return None,
            Provisioner::CloudInit => {
                let user_data = cloud_init::user_data(inside).fitted();
                let network_config = cloud_init::network_config(inside).fitted();
                let meta_data = cloud_init::meta_data(inside, &machine.uuid, &user_data, &network_config);
                Self::CloudInit { user_data, meta_data: meta_data.fitted(), network_config }
            }
        })
    }

    /// SHA-256 over all documents; secrets count by name and generation.
    pub fn digest(&self) -> [u8; 32] {
        self.hashed(Sha256::new())
    }

    /// The digest for a scope of secrets: those that are made from the root key count by whose they are, too.
    pub fn digest_for(&self, scope: &SecretScope) -> [u8; 32] {
        let mut hash = Sha256::new();
        if self.needs_root_key() {
            scope.update(&mut hash);
        }
        self.hashed(hash)
    }

    fn hashed(&self, mut hash: Sha256) -> [u8; 32] {
        for (name, template) in self.files() {
            hash.update(name);
            hash.update([0]);
            template.update(&mut hash);
        }
        hash.finalize().into()
    }

    /// The documents by their file names.
    pub fn files(&self) -> Vec<(&'static str, &Template)> {
        match self {
            Self::Ignition(config) => vec![("config.ign", config)],
            Self::CloudInit { user_data, meta_data, network_config } => {
                vec![("meta-data", meta_data), ("network-config", network_config), ("user-data", user_data)]
            }
        }
    }

    /// The secrets of the configuration, in the order of their holes.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.files().into_iter().flat_map(|(_, template)| template.secrets())
    }

    /// Whether it has secrets that are made from the root key.
    pub fn needs_root_key(&self) -> bool {
        self.secrets().any(SecretRef::needs_root_key)
    }

    /// The bytes of the machine's boot volume, in raw format: the config itself, or the image with the
    /// documents.
    ///
    /// # Errors
    ///
    /// When a secret is not available, or does not fit its hole.
    pub fn render_volume(&self, secrets: &dyn Secrets) -> Result<SecretBytes, SecretError> {
        match self {
            Self::Ignition(config) => config.render(secrets),
            Self::CloudInit { user_data, meta_data, network_config } => {
                let user_data = user_data.render(secrets)?;
                let meta_data = meta_data.render(secrets)?;
                let network_config = network_config.render(secrets)?;
                let image =
                    cloud_init::cidata(user_data.expose(), meta_data.expose(), network_config.expose());
                Ok(SecretBytes::new(image))
            }
        }
    }
}
