//! Secrets of fmc from one root key.
//!
//! A cloud names each secret and its kind ([`fmc_core::secret::Generated`]); this crate makes the bytes. All
//! of them follow from the [`RootKey`], the secret's name and its generation, by HKDF with SHA-256 (RFC
//! 5869): the same key gives the same bytes on every machine at any time, without stored state. The key's
//! holder has every secret that is made from it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fmc_core::name::{OwnerId, SecretName};
//! use fmc_core::secret::{Generated, NoSecrets, SecretRef, SecretScope, Secrets as _};
//! use fmc_keys::{Keyring, RootKey};
//!
//! let keyring = Keyring::new(RootKey::sample(), &SecretScope::of(OwnerId::literal("shop")), Arc::new(NoSecrets));
//! let password = SecretRef::generated(SecretName::literal("grafana-admin"), 1, Generated::Password);
//! assert_eq!(keyring.bytes(&password)?.expose().len(), 32);
//! # Ok::<(), fmc_core::secret::SecretError>(())
//! ```
//!
//! | secret | derivation |
//! | --- | --- |
//! | random bytes | HKDF-SHA256 with the salt `fmc secrets 1`; the info is its purpose, NUL, name, NUL, the generation in four bytes (the greatest first), the number of the attempt in one |
//! | P-256 keys | rejection sampling (FIPS 186-5, A.2.2), PEM of SEC 1 |
//! | signatures | ECDSA with the nonces of RFC 6979, so that nothing is random |
//! | SCRAM verifiers | RFC 5802 and RFC 7677, as PostgreSQL keeps them, with a salt that is derived too |
//! | certificates | RFC 5280; the serial follows from the keys, the dates are the model's or the caller's |
//! | keys of `WireGuard` | Curve25519 (RFC 7748), clamped as `wg genkey` does, in base64; a key of two peers is random bytes |
//! | SSH host keys | ed25519, OpenSSH's own format, whose two check numbers are derived too |
//!
//! *Invariant: no I/O, no clock, no environment, no randomness.* `clippy.toml` enforces it.

#![forbid(unsafe_code)]

mod bundle;
mod certificate;
mod derive;
mod join;
mod keyring;
mod kubeconfig;
mod openssh;
mod own;
mod root;
mod scram;
mod signing;
mod wireguard;

pub use keyring::Keyring;
pub use kubeconfig::{Kubeconfig, KubeconfigError, Validity};
pub use openssh::known_hosts;
pub use own::{OwnError, judge_own};
pub use root::{RootKey, RootKeyError};
