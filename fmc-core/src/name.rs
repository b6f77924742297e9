//! Names, in one table: an entry gives the rule, the greatest length, an example and the pattern of a name.
//!
//! Make a name a constant where possible: define it once, and refer to it by the constant.
//!
//! ```
//! use fmc_core::name::MachineName;
//!
//! const WEB: MachineName = MachineName::literal("web");
//! assert_eq!(WEB.as_str(), "web");
//! ```
//!
//! A bad literal is a compile error:
//!
//! ```compile_fail
//! use fmc_core::name::MachineName;
//!
//! const HELPER: MachineName = MachineName::literal("helper_node");
//! println!("{HELPER}");
//! ```

mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::fmt;

use crate::given::{Leaf, LeafError, LeafGroup, Noun, leaf_traits};
use crate::text::Text;

const LABEL: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
const LABEL_RULE: &str = "lower-case letters, digits and '-', beginning and ending with a letter or digit";

/// The right name that a message proposes for a wrong one.
macro_rules! near {
    () => {
        rule::nearest
    };
    ($near:ident) => {
        rule::$near
    };
}

macro_rules! names {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            what: $what:literal,
            example: $example:literal,
            rule: $rule:ident,
            must: $must:expr,
            max: $max:literal,
            pattern: $pattern:expr,
            $(noun: $noun:ident,)?
            $(near: $near:ident,)?
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(Text);

            impl $name {
                /// The greatest length, in characters.
                pub const MAX: usize = $max;

                /// The regular expression that matches every valid name; within the greatest length it
                /// matches nothing else.
                pub const PATTERN: &'static str = $pattern;

                /// A name from a literal, for constants: there, an invalid literal is a compile error.
                ///
                /// # Panics
                ///
                /// Outside of a constant, when the literal is invalid; use `parse` for text that is not a
                /// literal.
                pub const fn literal(text: &'static str) -> Self {
                    assert!(
                        rule::$rule(text).is_ok() && text.len() <= $max,
                        concat!("the literal is not a valid ", $what, ", as for example \"", $example, "\" is")
                    );
                    Self(Text::literal(text))
                }

                /// The name as text.
                pub fn as_str(&self) -> &str {
                    self.0.as_str()
                }
            }

            impl Leaf for $name {
                const WHAT: &'static str = $what;
                const EXAMPLE: &'static str = $example;
                const GROUP: LeafGroup = LeafGroup::Name;
                $(const NOUN: Option<Noun> = Some(Noun::$noun);)?

                fn parse(text: &str) -> Result<Self, LeafError> {
                    rule::within(text, rule::$rule, $max)
                        .map_err(|fault| rule::why(text, fault, rule::$rule, $must, $max, near!($($near)?)))?;
                    Ok(Self(Text::shared(text)))
                }

                fn as_name(&self) -> &str {
                    self.as_str()
                }

                #[cfg(feature = "schema")]
                fn schema() -> schemars::Schema {
                    crate::given::text_schema::<Self>(Some(Self::PATTERN), Some(Self::MAX))
                }
            }

            leaf_traits!($name);

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(self.as_str())
                }
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    self.as_str()
                }
            }

            impl Borrow<str> for $name {
                fn borrow(&self) -> &str {
                    self.as_str()
                }
            }

            impl PartialEq<str> for $name {
                fn eq(&self, other: &str) -> bool {
                    self.as_str() == other
                }
            }

            impl PartialEq<&str> for $name {
                fn eq(&self, other: &&str) -> bool {
                    self.as_str() == *other
                }
            }
        )*

        #[cfg(test)]
        mod entries {
            $(
                #[test]
                #[expect(non_snake_case, reason = "the test has the name of its entry")]
                fn $name() {
                    super::tests::entry::<super::$name>(super::$name::MAX, super::$name::PATTERN);
                }
            )*
        }
    };
}

names! {
    /// The name of a cloud: the default of its owner, and so short enough that `NAME-lab`, the owner of its
    /// lab, fits.
    CloudName {
        what: "cloud name",
        example: "flatcar-micro-cloud",
        rule: label,
        must: LABEL_RULE,
        max: 59,
        pattern: LABEL,
    }

    /// The owner of a cloud's objects on a shared host; part of every UUID and of the pool's directory
    /// `fmc-OWNER`.
    OwnerId {
        what: "owner",
        example: "flatcar-micro-cloud",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// Our name of a hypervisor, which is not necessarily its host name.
    HostName {
        what: "host name",
        example: "proliant",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
        noun: Host,
    }

    /// The name of a machine: its libvirt domain and its host name, a label of RFC 1123 §2.1 (so without a dot, which
    /// separates the parts of a volume's name).
    MachineName {
        what: "machine name",
        example: "master1",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
        noun: Machine,
    }

    /// A name that a machine had before: no machine is called so now.
    FormerMachineName {
        what: "machine name",
        example: "master1",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The name of a network.
    NetworkName {
        what: "network name",
        example: "kube",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
        noun: Network,
    }

    /// A name that a network had before: no network need be called so now.
    FormerNetworkName {
        what: "network name",
        example: "lab",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The name of a storage pool, ours or an existing one of the host.
    PoolName {
        what: "pool name",
        example: "default",
        rule: pool,
        must: "letters, digits, '.', '_' and '-', beginning with a letter or digit",
        max: 63,
        pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$",
    }

    /// The name of a storage volume: a file name in its pool (NAME_MAX is 255). fmc separates its parts by
    /// dots.
    VolumeName {
        what: "volume name",
        example: "web.root.4d3f9a01",
        rule: volume,
        must: "letters, digits and any of . _ + : @ ~ -, beginning with a letter or digit",
        max: 255,
        pattern: "^[A-Za-z0-9][A-Za-z0-9._+:@~-]*$",
    }

    /// The name of a disk in its machine; by default also its serial, of which virtio-blk shows 20 bytes.
    DiskName {
        what: "disk name",
        example: "data",
        rule: label,
        must: LABEL_RULE,
        max: 20,
        pattern: LABEL,
    }

    /// The serial of a disk, the end of its `/dev/disk/by-id/virtio-SERIAL`: virtio-blk shows 20 bytes
    /// (`VIRTIO_BLK_ID_BYTES`), libvirt takes these characters.
    DiskSerial {
        what: "disk serial",
        example: "postgresql1-data",
        rule: serial,
        must: "letters, digits, '.', '_', '+' and '-'",
        max: 20,
        pattern: "^[A-Za-z0-9._+-]+$",
    }

    /// The name of a bridge: a network interface on the host, so at most 15 characters (`IFNAMSIZ` less its NUL) and
    /// none of those that the kernel's `dev_valid_name` refuses.
    BridgeName {
        what: "bridge name",
        example: "br-kube",
        rule: bridge,
        must: "visible ASCII characters without '/' and ':', and neither '.' nor '..'",
        max: 15,
        pattern: r"^(\.?[!-\-0-9;-~][!-.0-9;-~]*|\.\.[!-.0-9;-~]+)$",
    }

    /// The name of a network interface of a host that fmc configures: at most 15 characters (`IFNAMSIZ` less its NUL), without
    /// those that have a meaning in systemd's and `NetworkManager`'s files.
    InterfaceName {
        what: "interface name",
        example: "eno1",
        rule: interface,
        must: "letters, digits, '.', '_', '+' and '-', and neither '.' nor '..'",
        max: 15,
        pattern: r"^(\.?[A-Za-z0-9_+-][A-Za-z0-9._+-]*|\.\.[A-Za-z0-9._+-]+)$",
    }

    /// The host name of a guest: one label of RFC 1123 §2.1.
    Hostname {
        what: "host name",
        example: "master1",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// A fully qualified domain name: two labels or more, 253 characters at most (RFC 1035 §2.3.4), no final dot.
    Fqdn {
        what: "fully qualified domain name",
        example: "master1.cefaslocalserver.com",
        rule: fqdn,
        must: "two or more labels of lower-case letters, digits and '-' with dots between them, each of 1 to 63 \
               characters and beginning and ending with a letter or digit",
        max: 253,
        pattern: r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$",
    }

    /// The name of a DNS domain: one label or more, 253 characters at most (RFC 1035 §2.3.4), no final dot.
    DomainName {
        what: "domain name",
        example: "cefaslocalserver.com",
        rule: domain,
        must: "labels of lower-case letters, digits and '-' with dots between them, each of 1 to 63 characters and \
               beginning and ending with a letter or digit",
        max: 253,
        pattern: r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    }

    /// The name of a server of zones in the cloud.
    DnsServerName {
        what: "name of a DNS server",
        example: "ns1",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The login of a user of FreeIPA, without its realm.
    IpaUserName {
        what: "user of FreeIPA",
        example: "admin",
        rule: ipa_user,
        must: "lower-case letters, digits, '_', '.' and '-', not beginning with '-'",
        max: 255,
        pattern: "^[a-z0-9_.][a-z0-9_.-]*$",
    }

    /// The login of a user of the cloud in FreeIPA: what `PATTERN_GROUPUSER_NAME` of `ipalib/constants.py` takes in lower case,
    /// without a final `$` and a first `.` or `-`, and no longer than FreeIPA's default greatest length (`ipamaxusernamelength`).
    IpaLoginName {
        what: "login",
        example: "ana",
        rule: ipa_account,
        must: "lower-case letters, digits, '_', '.' and '-', beginning with a letter, a digit or '_', and not digits alone",
        max: 32,
        pattern: "^([a-z_]|[0-9]+[a-z_.-])[a-z0-9_.-]*$",
    }

    /// The name of a group of the cloud's people in FreeIPA (`ipaserver/plugins/group.py`), in lower case.
    IpaGroupName {
        what: "name of a group in FreeIPA",
        example: "operators",
        rule: ipa_account,
        must: "lower-case letters, digits, '_', '.' and '-', beginning with a letter, a digit or '_', and not digits alone",
        max: 255,
        pattern: "^([a-z_]|[0-9]+[a-z_.-])[a-z0-9_.-]*$",
    }

    /// The name of a group of hosts in FreeIPA (`ipaserver/plugins/hostgroup.py`), in lower case.
    HostGroupName {
        what: "name of a host group",
        example: "databases",
        rule: ipa_user,
        must: "lower-case letters, digits, '_', '.' and '-', not beginning with '-'",
        max: 255,
        pattern: "^[a-z0-9_.][a-z0-9_.-]*$",
    }

    /// The name of a rule of FreeIPA about sudo or access. FreeIPA takes any text; this is one that a command line takes without
    /// quotation marks.
    AccessRuleName {
        what: "name of a rule",
        example: "operators-by-ssh",
        rule: ipa_user,
        must: "lower-case letters, digits, '_', '.' and '-', not beginning with '-'",
        max: 255,
        pattern: "^[a-z0-9_.][a-z0-9_.-]*$",
    }

    /// A service of PAM, as the files in `/etc/pam.d` are called (pam.conf(5): in lower case).
    PamServiceName {
        what: "service of PAM",
        example: "sshd",
        rule: ipa_user,
        must: "lower-case letters, digits, '_', '.' and '-', not beginning with '-'",
        max: 255,
        pattern: "^[a-z0-9_.][a-z0-9_.-]*$",
    }

    /// The name of a user of a guest, as useradd(8) takes it.
    UserName {
        what: "user name",
        example: "core",
        rule: account,
        must: "lower-case letters, digits, '_' and '-', beginning with a letter or '_'",
        max: 32,
        pattern: "^[a-z_][a-z0-9_-]*$",
    }

    /// The name of a group of a guest, as groupadd(8) takes it.
    GroupName {
        what: "group name",
        example: "wheel",
        rule: account,
        must: "lower-case letters, digits, '_' and '-', beginning with a letter or '_'",
        max: 32,
        pattern: "^[a-z_][a-z0-9_-]*$",
    }

    /// The name of a systemd unit with its suffix, instances and templates (`x@.service`) among them: systemd.unit(5).
    UnitName {
        what: "unit name",
        example: "node-exporter.service",
        rule: unit,
        must: "letters, digits and any of : - _ . \\ @, not beginning with '@', and one of the suffixes .service, \
               .socket, .device, .mount, .automount, .swap, .target, .path, .timer, .snapshot, .slice and .scope",
        max: 255,
        pattern: r"^[A-Za-z0-9:_.\\-][A-Za-z0-9:_.\\@-]*\.(service|socket|device|mount|automount|swap|target|path|timer|snapshot|slice|scope)$",
    }

    /// The file name of a drop-in of a systemd unit, `NAME.conf`.
    DropinName {
        what: "drop-in name",
        example: "10-proxy.conf",
        rule: dropin,
        must: "letters, digits, '.', '_' and '-', beginning with a letter or digit and ending in .conf",
        max: 255,
        pattern: r"^[A-Za-z0-9][A-Za-z0-9._-]*\.conf$",
    }

    /// The name of a package of the guest's distribution: what Debian (Policy §5.6.1) and RPM take between them. A
    /// version may follow after `=`, on every distribution: `nginx=1.22.1-9`.
    PackageName {
        what: "package name",
        example: "chrony",
        rule: package,
        must: "one name of letters, digits, '.', '_', '+' and '-', and after a '=' one whole version, as nginx=1.22.1-9",
        max: 128,
        pattern: "^[A-Za-z0-9][A-Za-z0-9._+-]*(=[A-Za-z0-9][A-Za-z0-9._+~:^-]*)?$",
        near: trimmed,
    }

    /// One argument of a guest's kernel, as `console=ttyS0` or `quiet`.
    KernelArgument {
        what: "kernel argument",
        example: "console=ttyS0",
        rule: argument,
        must: "one argument, without spaces and quotation marks: write each argument by itself",
        max: 1024,
        pattern: "^[!#$%&(-\\[\\]-~]+$",
        near: trimmed,
    }

    /// The name of a file of manifests that K3s applies when it starts, without `.yaml`.
    AddonName {
        what: "name of manifests",
        example: "traefik-config",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The kind of a role, as `k3s-server`.
    RoleName {
        what: "role",
        example: "node-exporter",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The name of a Kubernetes node: a DNS subdomain (RFC 1123 §2.1), of 63 characters at most because it is the value
    /// of the label `kubernetes.io/hostname` too (Kubernetes, *Object Names and IDs*, *Labels and Selectors*).
    NodeName {
        what: "node name",
        example: "master1",
        rule: domain,
        must: "labels of lower-case letters, digits and '-' with dots between them, beginning and ending with a letter \
               or digit",
        max: 63,
        pattern: r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    }

    /// The name of a Kubernetes cluster: a part of the names of its secrets, and of its kubeconfig's.
    ClusterName {
        what: "cluster name",
        example: "prod",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }

    /// The name of a secret.
    SecretName {
        what: "secret name",
        example: "postgres-admin",
        rule: label,
        must: LABEL_RULE,
        max: 63,
        pattern: LABEL,
    }
}

impl PackageName {
    /// The name without the version.
    pub fn package(&self) -> &str {
        self.parts().0
    }

    /// The version, if one is wanted.
    pub fn version(&self) -> Option<&str> {
        self.parts().1
    }

    fn parts(&self) -> (&str, Option<&str>) {
        match self.as_str().split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (self.as_str(), None),
        }
    }
}
