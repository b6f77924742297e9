//! The kinds of findings: one table with name, severity and page of each.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{OwnKind, Severity};
use crate::nearest::nearest;

macro_rules! kinds {
    ($($pages:literal { $($variant:ident $name:literal $severity:ident $accept:ident;)+ })+) => {
        /// A kind of finding. Its name is stable across versions.
        // The pages' programs are a user's, so the facade's doctests run them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $($(
                #[cfg_attr(not(doctest), doc = concat!("`", $name, "`\n\n", include_str!(concat!($pages, $name, ".md"))))]
                $variant,
            )+)+
            /// A kind of a user's role.
            Own(&'static OwnKind),
        }

        /// Every kind of finding, with its page: what it means, an example, and how to mend it.
        ///
        $($(#[doc = concat!("- [`", $name, "`](#", $name, ")")])+)+
        ///
        $($(#[cfg_attr(not(doctest), doc = concat!("# `", $name, "`\n\n", include_str!(concat!($pages, $name, ".md"))))])+)+
        pub mod findings {}

        impl Kind {
            /// Every built-in kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$($(Self::$variant),+),+];

            /// Its name, as `address-duplicate`.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $name,)+)+ Self::Own(own) => own.as_str() }
            }

            /// The default severity of its findings.
            pub const fn severity(self) -> Severity {
                match self { $($(Self::$variant => Severity::$severity,)+)+ Self::Own(own) => own.severity() }
            }

            /// Whether a cloud can accept findings of this kind: it can unless compiling depends on it.
            pub const fn is_acceptable(self) -> bool {
                match self { $($(Self::$variant => kinds!(@ $accept),)+)+ Self::Own(own) => own.is_acceptable() }
            }

            /// Its page, in Markdown: what it means, an example, how to mend it.
            pub const fn page(self) -> &'static str {
                match self { $($(Self::$variant => include_str!(concat!($pages, $name, ".md")),)+)+ Self::Own(own) => own.page() }
            }

            /// The built-in kind of a name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }
        }
    };
    (@ never) => { false };
    (@ acceptable) => { true };
}

impl Kind {
    /// Whether a finding of it may only follow from a wrong address or subnet of another place.
    pub(crate) const fn follows_from_addresses(self) -> bool {
        matches!(
            self,
            Self::DefaultRouteMissing
                | Self::ResolverUnreachable
                | Self::ResolverMissing
                | Self::FetchOffline
                | Self::ReadyImpossible
                | Self::RoleNeeds
                | Self::BalancerAddressOutside
                | Self::K3sDefaultRoute
                | Self::K3sEndpointNowhere
                | Self::K3sEndpointLeased
                | Self::K3sSubnetFamily
                | Self::K3sIngressUnpublished
        )
    }

    /// Whether it is about who is a member of what, on which flows depend.
    pub(crate) const fn is_of_membership(self) -> bool {
        matches!(self, Self::K3sMemberDuplicate)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// By name. Only a program that has a role knows that role's own kinds.
impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A name that no kind of finding has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the kind of a finding: there is no `{name}`{}", near(.name))]
#[non_exhaustive]
pub struct UnknownKind {
    /// The name.
    pub name: String,
}

fn near(name: &str) -> String {
    let known = Kind::ALL.iter().map(|kind| kind.as_str());
    nearest(name, known).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::named(name).ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bastion::Bastion;
    use crate::bind::BindServer;
    use crate::chrony::Chrony;
    use crate::helper::Helper;
    use crate::ipa::FreeIpa;
    use crate::postgresql::Postgresql;
    use crate::role::{FileRole as _, FileSpanningRole as _};
    use crate::wireguard::Wireguard;

    #[test]
    fn a_kind_is_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("{:?}", kind.as_str()));
        }
        let typo = "adress-duplicate".parse::<Kind>().unwrap_err().to_string();
        assert_eq!(
            typo,
            "read the kind of a finding: there is no `adress-duplicate`: did you mean `address-duplicate`?"
        );
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the folder of the pages is what is tested")]
    fn every_page_is_a_kinds() {
        let entries = |folder: &std::path::Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        let rooms = entries(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
        let pages = rooms.iter().flat_map(|room| entries(&room.join("pages")));
        // A role's own kind includes its page itself, whose name leaves out the role's.
        let own = [
            Helper::FINDINGS,
            Bastion::FINDINGS,
            BindServer::FINDINGS,
            Chrony::FINDINGS,
            FreeIpa::FINDINGS,
            Postgresql::FINDINGS,
            Wireguard::FINDINGS,
        ]
        .concat();
        let is_own = |page: &str| own.iter().any(|kind| kind.as_str().ends_with(&format!("-{page}")));
        let pages = pages.map(|page| page.file_stem().unwrap().to_str().unwrap().to_owned());
        let mut pages: Vec<String> = pages.filter(|page| !is_own(page)).collect();
        pages.sort();
        let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(pages, kinds);
    }
}

kinds! {
    "pages/" {
        NameInvalid "name-invalid" Error never;
        SizeInvalid "size-invalid" Error never;
        AddressInvalid "address-invalid" Error never;
        ValueInvalid "value-invalid" Error never;
        NameDuplicate "name-duplicate" Error never;
        ReferenceUnknown "reference-unknown" Error never;
        HostMissing "host-missing" Error never;
        HostAmbiguous "host-ambiguous" Error never;
        HostMismatch "host-mismatch" Error never;
        HostDuplicate "host-duplicate" Warning acceptable;
        PoolConflict "pool-conflict" Error never;
        NetworkIncomplete "network-incomplete" Error never;
        NetworkConflict "network-conflict" Error never;
        BridgeUnknown "bridge-unknown" Error acceptable;
        AcceptUnknown "accept-unknown" Error never;
        AcceptUnused "accept-unused" Warning acceptable;
        AddressDuplicate "address-duplicate" Error never;
        AddressOutside "address-outside" Error never;
        AddressTaken "address-taken" Error never;
        AddressMissing "address-missing" Warning acceptable;
        AddressNotPublic "address-not-public" Error acceptable;
        ReservationInRange "reservation-in-range" Error acceptable;
        RangeOutside "range-outside" Error never;
        SubnetOverlap "subnet-overlap" Error acceptable;
        SubnetForeign "subnet-foreign" Warning acceptable;
        MacDuplicate "mac-duplicate" Error never;
        HostnameDuplicate "hostname-duplicate" Error acceptable;
        HostnameMismatch "hostname-mismatch" Error acceptable;
        ResolverUnreachable "resolver-unreachable" Error acceptable;
        ResolverMixed "resolver-mixed" Warning acceptable;
        ResolverMissing "resolver-missing" Warning acceptable;
        DefaultRouteDuplicate "default-route-duplicate" Error never;
        DefaultRouteMissing "default-route-missing" Warning acceptable;
        GatewayUnreachable "gateway-unreachable" Error never;
        GatewayOnLink "gateway-on-link" Error acceptable;
        MemoryOvercommit "memory-overcommit" Error acceptable;
        MemorySmall "memory-small" Warning acceptable;
        CpuOvercommit "cpu-overcommit" Warning acceptable;
        PoolOvercommit "pool-overcommit" Error acceptable;
        PoolThin "pool-thin" Warning acceptable;
        ImageMissing "image-missing" Error acceptable;
        ImageUnpinned "image-unpinned" Warning acceptable;
        ImageTooLarge "image-too-large" Error acceptable;
        ImageFormat "image-format" Error acceptable;
        CpuLevel "cpu-level" Error acceptable;
        ArchMismatch "arch-mismatch" Error acceptable;
        RootMissing "root-missing" Error acceptable;
        SerialDuplicate "serial-duplicate" Error never;
        GuestClash "guest-clash" Error never;
        GuestReference "guest-reference" Error acceptable;
        GuestPath "guest-path" Error acceptable;
        GuestUnit "guest-unit" Error acceptable;
        PackagesUnsupported "packages-unsupported" Error acceptable;
        GuestUnused "guest-unused" Warning acceptable;
        FragmentInvalid "fragment-invalid" Error never;
        FragmentRisk "fragment-risk" Error acceptable;
        IgnitionVersion "ignition-version" Error acceptable;
        IgnitionAbsent "ignition-absent" Error never;
        FirewallOff "firewall-off" Error acceptable;
        LoginMissing "login-missing" Warning acceptable;
        ReadyImpossible "ready-impossible" Error acceptable;
    }
    "../balancer/pages/" {
        BalancerMembers "balancer-members" Error never;
        BalancerAddressMissing "balancer-address-missing" Error never;
        BalancerAddressOutside "balancer-address-outside" Error never;
        BalancerAddressTaken "balancer-address-taken" Error never;
        BalancerRouterDuplicate "balancer-router-duplicate" Error never;
    }
    "pages/" {
        IgnitionLarge "ignition-large" Warning acceptable;
        FetchOffline "fetch-offline" Warning acceptable;
        RoleClash "role-clash" Error never;
        RoleOrder "role-order" Error never;
        RoleNeeds "role-needs" Error acceptable;
        RoleRefused "role-refused" Error acceptable;
        RoleWarning "role-warning" Warning acceptable;
        FlowUnreachable "flow-unreachable" Error acceptable;
        FlowRefused "flow-refused" Error acceptable;
        FlowNobody "flow-nobody" Warning acceptable;
    }
    "../dns/pages/" {
        DnsServerMissing "dns-server-missing" Error never;
        DnsRecordOutside "dns-record-outside" Error never;
        DnsCnameBeside "dns-cname-beside" Error never;
        DnsTargetUnknown "dns-target-unknown" Error acceptable;
        DnsReverseDouble "dns-reverse-double" Error acceptable;
        DnsTtlMixed "dns-ttl-mixed" Error never;
        DnsHostName "dns-host-name" Error never;
        DnsForward "dns-forward" Error never;
        DnsIpaLogin "dns-ipa-login" Error never;
        DnsIpaRecord "dns-ipa-record" Error never;
    }
    "../people/pages/" {
        PeopleServer "people-server" Error never;
        PeopleNameTaken "people-name-taken" Error never;
        PeopleCircle "people-circle" Error never;
        PeopleRule "people-rule" Error never;
        PeopleNotEnrolled "people-not-enrolled" Error acceptable;
        PeopleLockedOut "people-locked-out" Warning acceptable;
    }
    "../k3s/pages/" {
        K3sMemberDuplicate "k3s-member-duplicate" Error never;
        K3sNodeName "k3s-node-name" Error never;
        K3sServerCount "k3s-server-count" Error acceptable;
        K3sIngressOutside "k3s-ingress-outside" Error never;
        K3sIngressUnpublished "k3s-ingress-unpublished" Warning acceptable;
        K3sBootstrapMember "k3s-bootstrap-member" Error acceptable;
        K3sDefaultRoute "k3s-default-route" Error acceptable;
        K3sLabelDuplicate "k3s-label-duplicate" Error never;
        K3sLabelUnused "k3s-label-unused" Warning acceptable;
        K3sEndpointSingle "k3s-endpoint-single" Error acceptable;
        K3sEndpointSelf "k3s-endpoint-self" Error never;
        K3sEndpointNowhere "k3s-endpoint-nowhere" Error acceptable;
        K3sEndpointLeased "k3s-endpoint-leased" Error acceptable;
        K3sTraefikTwice "k3s-traefik-twice" Warning acceptable;
        K3sSubnetOverlap "k3s-subnet-overlap" Error acceptable;
        K3sSubnetFamily "k3s-subnet-family" Error never;
        K3sSubnetSize "k3s-subnet-size" Error acceptable;
        K3sClusterDns "k3s-cluster-dns" Error never;
        K3sNodePorts "k3s-node-ports" Error acceptable;
        K3sClusterDomain "k3s-cluster-domain" Error acceptable;
        K3sHostGateway "k3s-host-gateway" Error acceptable;
        K3sNetworkMissing "k3s-network-missing" Warning acceptable;
        K3sUpgrade "k3s-upgrade" Error acceptable;
        K3sVersionSkew "k3s-version-skew" Error acceptable;
        K3sVersionFeature "k3s-version-feature" Error acceptable;
        K3sServerSize "k3s-server-size" Warning acceptable;
        K3sDataOnRoot "k3s-data-on-root" Error acceptable;
        K3sConfigOwned "k3s-config-owned" Error never;
        K3sConfigServers "k3s-config-servers" Error never;
        K3sConfigOutdated "k3s-config-outdated" Warning acceptable;
        K3sConfigClash "k3s-config-clash" Error never;
        K3sKubeconfigOpen "k3s-kubeconfig-open" Warning acceptable;
        K3sKernelDefaults "k3s-kernel-defaults" Error acceptable;
        K3sArgument "k3s-argument" Error acceptable;
        K3sUnused "k3s-unused" Warning acceptable;
        K3sRegistryFile "k3s-registry-file" Warning acceptable;
        K3sTokenShared "k3s-token-shared" Error acceptable;
        K3sInstallMissing "k3s-install-missing" Error acceptable;
        K3sInstallUnpinned "k3s-install-unpinned" Warning acceptable;
        K3sSelinuxPolicy "k3s-selinux-policy" Warning acceptable;
        K3sQuorumHost "k3s-quorum-host" Warning acceptable;
        K3sServerOff "k3s-server-off" Warning acceptable;
    }
}
