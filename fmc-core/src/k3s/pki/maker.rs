//! Describes the secrets of a cluster that are made from the root key: their names, generations and parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Ca, CaSecrets, Part};
use crate::secret::{Authority, Generated, JoinToken, SecretRef, derived_name};

/// Makes the secrets of a cluster that are not the user's own.
pub(super) struct Maker<'a> {
    pub(super) cluster: &'a str,
    pub(super) generations: &'a BTreeMap<Part, u32>,
}

impl Maker<'_> {
    fn generation(&self, part: Part) -> u32 {
        self.generations.get(&part).copied().unwrap_or(1)
    }

    fn named(&self, suffix: &'static str, generation: u32, what: Generated) -> SecretRef {
        SecretRef::generated(derived_name("k3s", self.cluster, suffix), generation, what)
    }

    pub(super) fn leaf(&self, suffix: &'static str, part: Part, what: Generated) -> SecretRef {
        self.named(suffix, self.generation(part), what)
    }

    pub(super) fn authority(&self, ca: Ca) -> CaSecrets {
        let (key_name, certificate_name, root_name, bundle_name) = ca.names();
        let (own, root) = (self.generation(ca.part()), self.generation(Part::Roots));
        let both = together(own, root);
        let key = self.leaf(key_name, ca.part(), Generated::PrivateKey);
        let root_key = derived_name("k3s", self.cluster, root_key_name(ca));
        let root = Arc::new(Authority {
            common_name: self.common_name(root_name, root),
            key: SecretRef::generated(root_key, root, Generated::PrivateKey),
            issuer: None,
        });
        let authority = Arc::new(Authority {
            common_name: self.common_name(ca.name(), own),
            key: key.clone(),
            issuer: Some(Arc::clone(&root)),
        });
        let parts = [
            self.named(certificate_name, both, Generated::Authority(authority)),
            self.named(root_name, self.generation(Part::Roots), Generated::Authority(root)),
        ];
        let certificates = self.named(bundle_name, both, Generated::Bundle(parts.into()));
        CaSecrets { certificates, key }
    }

    /// Named as K3s names its own, with the generation in place of a time: `k3s-prod-server-ca@1`.
    fn common_name(&self, suffix: &'static str, generation: u32) -> String {
        /// `ub-common-name`, less `@` and the longest generation.
        const MOST: usize = 64 - 1 - 10;
        let name = derived_name("k3s", self.cluster, suffix);
        let name: String = name.as_str().chars().take(MOST).collect();
        format!("{name}@{generation}")
    }

    pub(super) fn join(
        &self,
        suffix: &'static str,
        user: &str,
        authority: &CaSecrets,
        password: &SecretRef,
    ) -> SecretRef {
        let generation = together(authority.certificates.generation, password.generation);
        let token = JoinToken {
            authority: authority.certificates.clone(),
            user: user.to_owned(),
            password: password.clone(),
        };
        self.named(suffix, generation, Generated::JoinToken(Arc::new(token)))
    }
}

const fn root_key_name(ca: Ca) -> &'static str {
    match ca {
        Ca::Server => "server-ca-root-key",
        Ca::Client => "client-ca-root-key",
        Ca::RequestHeader => "request-header-ca-root-key",
        Ca::EtcdPeer => "etcd-peer-ca-root-key",
        Ca::EtcdServer => "etcd-server-ca-root-key",
    }
}

/// The generation of a secret that is made of two: it rises with each of them.
const fn together(one: u32, other: u32) -> u32 {
    one.saturating_add(other).saturating_sub(1)
}
