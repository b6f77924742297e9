//! Words of K3s: the values of keys that know only a few.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::nearest::nearest;

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident $what:literal { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)+ }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word that K3s knows it by.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Leaf for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = first(Self::WORDS);

            fn parse(text: &str) -> Result<Self, LeafError> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| unknown(text, Self::WORDS))
            }

            #[cfg(feature = "schema")]
            fn schema() -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": Self::WHAT, "enum": Self::WORDS })
            }
        }

        leaf_traits!($name);
    )*};
}

words! {
    /// A part that K3s deploys by itself, and that can be left out (docs.k3s.io, *Managing Packaged Components*).
    Component "packaged component" {
        /// The DNS of the cluster.
        Coredns "coredns",
        /// The load balancer of Services, on the nodes' own ports.
        Servicelb "servicelb",
        /// The ingress controller.
        Traefik "traefik",
        /// Volumes in a directory of their node.
        LocalStorage "local-storage",
        /// Processor and memory use of nodes and pods.
        MetricsServer "metrics-server",
        /// The `RuntimeClass` objects of other container runtimes.
        Runtimes "runtimes",
    }

    /// How pods of different nodes reach each other (docs.k3s.io, *Basic Network Options*).
    FlannelBackend "flannel backend" {
        /// Packets in UDP, not encrypted: K3s's default.
        Vxlan "vxlan",
        /// Routes by way of the nodes, which must be in one network.
        HostGw "host-gw",
        /// Packets in WireGuard, encrypted.
        WireguardNative "wireguard-native",
        /// None: the cluster gets another network.
        None "none",
    }

    /// How the API server reaches kubelets and pods (docs.k3s.io, *Basic Network Options*).
    EgressMode "egress selector mode" {
        /// By the tunnel of the agents to kubelets only: K3s's default.
        Agent "agent",
        /// By the tunnel to kubelets and Services, seen by their endpoints.
        Cluster "cluster",
        /// By the tunnel to kubelets and Services, seen by the pods of a node.
        Pod "pod",
        /// Without the tunnel: servers must reach every node themselves.
        Disabled "disabled",
    }

    /// How secrets are encrypted in the datastore (docs.k3s.io, *Secrets Encryption*).
    EncryptionProvider "secrets encryption provider" {
        /// AES in CBC mode with a 32-byte key: K3s's default.
        Aescbc "aescbc",
        /// XSalsa20 and Poly1305.
        Secretbox "secretbox",
    }

    /// How the address of an S3 bucket is made.
    BucketLookup "S3 bucket lookup" {
        /// As the client chooses: K3s's default.
        Auto "auto",
        /// The bucket is a part of the host name.
        Dns "dns",
        /// The bucket is a part of the path.
        Path "path",
    }

    /// Whether a connection to PostgreSQL has TLS, and which parts of the certificate are verified (postgresql.org,
    /// *SSL Support*).
    SslMode "mode of TLS to PostgreSQL" {
        /// TLS is needed, and nothing is verified.
        Require "require",
        /// No TLS.
        Disable "disable",
        /// TLS only where the server insists on it.
        Allow "allow",
        /// TLS if the server has it.
        Prefer "prefer",
        /// TLS is needed, and its certificate must be of a known authority.
        VerifyCa "verify-ca",
        /// The same, and the certificate must be of the address that is called.
        VerifyFull "verify-full",
    }

    /// The least version of TLS that is spoken, by its name in Go.
    TlsVersion "version of TLS" {
        /// TLS 1.2.
        Tls12 "VersionTLS12",
        /// TLS 1.3.
        Tls13 "VersionTLS13",
    }

    /// The effect of a taint on pods that do not tolerate it (Kubernetes, *Taints and Tolerations*).
    Effect "taint effect" {
        /// None is placed there.
        NoSchedule "NoSchedule",
        /// None is placed there if it can be helped.
        PreferNoSchedule "PreferNoSchedule",
        /// None is placed there, and those that are there leave.
        NoExecute "NoExecute",
    }
}

const fn first(words: &[&'static str]) -> &'static str {
    match words {
        [first, ..] => first,
        [] => "",
    }
}

fn unknown(text: &str, words: &[&str]) -> LeafError {
    let list = match words {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => words.join(", "),
    };
    match nearest(text, words.iter().copied()) {
        Some(near) => LeafError::mending(format!("it is {list}: did you mean {near}?")),
        None => LeafError::new(format!("it is {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    fn all<T: Leaf>(values: &[T]) {
        for value in values {
            reads_back(value);
        }
        assert_eq!(T::EXAMPLE, values[0].to_string());
    }

    #[test]
    fn every_word_reads_back() {
        all(Component::ALL);
        all(FlannelBackend::ALL);
        all(EgressMode::ALL);
        all(EncryptionProvider::ALL);
        all(BucketLookup::ALL);
        all(SslMode::ALL);
        all(TlsVersion::ALL);
        all(Effect::ALL);
    }

    #[test]
    fn a_mistyped_word_is_told_what_is_near() {
        assert_eq!(
            Component::parse("treafik").unwrap_err().why(),
            "it is coredns, servicelb, traefik, local-storage, metrics-server or runtimes: did you mean traefik?"
        );
        assert_eq!(EncryptionProvider::parse("kms").unwrap_err().why(), "it is aescbc or secretbox");
        assert_eq!(
            Effect::parse("noschedule").unwrap_err().why(),
            "it is NoSchedule, PreferNoSchedule or NoExecute: did you mean NoSchedule?"
        );
    }
}
