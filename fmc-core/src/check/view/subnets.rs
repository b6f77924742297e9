//! An index of the networks' subnets by overlap, so that a cluster need not look at every network.

use super::Net;
use crate::addr::Subnet;
use crate::sort;

/// Subnets with the network that has each, sorted. Two subnets lie within one another or apart.
pub(crate) struct Subnets(Vec<(Subnet, usize)>);

impl Subnets {
    /// The networks' subnets, by index.
    pub(crate) fn of(networks: &[Net<'_>]) -> Self {
        let families = networks.iter().enumerate().flat_map(|(at, net)| {
            [&net.ipv4, &net.ipv6].into_iter().flatten().map(move |family| (family.subnet, at))
        });
        let mut all: Vec<_> = families.collect();
        sort::by_key(&mut all, |(subnet, at)| (key(subnet), *at));
        Self(all)
    }

    /// Those that share an address with a subnet, in the order of their networks.
    pub(crate) fn overlapping(&self, with: &Subnet) -> Vec<(Subnet, usize)> {
        let around = (0..with.prefix_len())
            .filter_map(|length| Subnet::around(with.network(), length).ok())
            .flat_map(|wider| {
                let first = self.from(&wider);
                first.iter().take_while(move |(subnet, _)| *subnet == wider)
            });
        let last = with.broadcast();
        let within = self.from(with).iter().take_while(|(subnet, _)| subnet.network() <= last);
        let mut found: Vec<_> = around.chain(within).copied().collect();
        sort::by_key(&mut found, |(subnet, at)| (*at, key(subnet)));
        found
    }

    /// Those that are not before a subnet.
    fn from(&self, subnet: &Subnet) -> &[(Subnet, usize)] {
        let start = self.0.partition_point(|(other, _)| key(other) < key(subnet));
        self.0.get(start..).unwrap_or_default()
    }
}

/// By the first address, and the wider of two that begin together first; IPv4 before IPv6.
fn key(subnet: &Subnet) -> (std::net::IpAddr, u8) {
    (subnet.network(), subnet.prefix_len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subnet() -> impl Strategy<Value = Subnet> {
        let v4 = (any::<u16>(), 8_u8..=24)
            .prop_map(|(bits, length)| (format!("10.{}.{}.0", bits >> 8, bits & 255), length));
        let v6 = (any::<u8>(), 16_u8..=64).prop_map(|(bits, length)| (format!("fd00:{bits:x}::"), length));
        let any = prop_oneof![v4, v6];
        any.prop_map(|(address, length)| Subnet::around(address.parse().unwrap(), length).unwrap())
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_look_at_each_finds(
            all in prop::collection::vec(subnet(), 0..40),
            with in subnet(),
        ) {
            let mut sorted: Vec<_> = all.iter().copied().zip(0..).collect();
            sorted.sort_by_key(|(subnet, at)| (key(subnet), *at));
            let found = Subnets(sorted).overlapping(&with);
            let looked: Vec<_> = all.into_iter().zip(0..).filter(|(subnet, _)| subnet.overlaps(&with)).collect();
            prop_assert_eq!(found, looked);
        }
    }
}
