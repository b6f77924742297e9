//! Who may log in, and what they may do.

use fmc_core::secret::SecretBytes;

/// A user of the server.
#[derive(Clone, Debug)]
pub struct IpaAccount {
    pub(super) password: SecretBytes,
    pub(super) rights: Rights,
    pub(super) rejected: Option<String>,
}

/// What a user may do with DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rights {
    /// Nothing: all zones are invisible.
    Nothing,
    /// Read.
    Read,
    /// Read and write, without the right to change the domains of the realm: a new forward zone is made, and its command fails.
    WriteDns,
    /// Everything.
    Write,
}

impl IpaAccount {
    /// A user who may do everything.
    pub fn administrator(password: &str) -> Self {
        Self::new(password, Rights::Write)
    }

    /// A user with rights.
    pub fn new(password: &str, rights: Rights) -> Self {
        Self { password: SecretBytes::new(password.as_bytes().to_vec()), rights, rejected: None }
    }

    /// Rejects the login in spite of the right password, for a reason of FreeIPA, as `password-expired`.
    #[must_use]
    pub fn rejected(mut self, reason: &str) -> Self {
        self.rejected = Some(reason.to_owned());
        self
    }
}
