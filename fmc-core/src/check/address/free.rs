//! Free addresses, to name one in a finding.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Use;
use crate::checked::Family;

/// Hands out free addresses of one segment, each once; together they cost one walk over the segment.
pub(super) struct Free<'u> {
    uses: &'u [Use],
    high: Option<IpAddr>,
    low: Option<IpAddr>,
    full: bool,
}

impl<'u> Free<'u> {
    /// Over the uses of one segment, sorted by address.
    pub(super) fn new(uses: &'u [Use]) -> Self {
        Self { uses, high: None, low: None, full: false }
    }

    /// A free one after `address` if there is one, else a free one before it.
    pub(super) fn after(&mut self, family: &Family, address: IpAddr) -> Option<IpAddr> {
        if let Some(found) =
            next(address).and_then(|from| first(self.uses, family, from.max(self.high.unwrap_or(from))))
        {
            self.high = next(found);
            return Some(found);
        }
        let from = self.low.unwrap_or_else(|| family.subnet.first_host());
        let found = if self.full { None } else { first(self.uses, family, from) };
        self.low = found.and_then(next);
        self.full = self.low.is_none();
        found
    }
}

/// The first free address of a network from `from` on: one that a machine can have, that is not in use, and that DHCP
/// does not hand out.
pub(super) fn first(uses: &[Use], family: &Family, from: IpAddr) -> Option<IpAddr> {
    let hosts = family.subnet.hosts();
    let mut address = from.max(hosts.first());
    let mut taken = uses.get(uses.partition_point(|one| one.address < address)..)?.iter().peekable();
    while hosts.contains(address) {
        while taken.next_if(|one| one.address < address).is_some() {}
        let is_taken = taken.peek().is_some_and(|one| one.address == address);
        match family.dhcp.filter(|range| range.contains(address)) {
            Some(range) => address = next(range.last())?,
            None if is_taken || family.gateway == Some(address) => address = next(address)?,
            None => return Some(address),
        }
    }
    None
}

pub(super) fn next(address: IpAddr) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits().checked_add(1)?).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().checked_add(1)?).into(),
    })
}
