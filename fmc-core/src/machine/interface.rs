//! Interfaces: how a machine is on a network.

use crate::addr::{Ip, Mac};
use crate::draft::{Setting, draft};
use crate::given::Given;
use crate::name::NetworkName;
use crate::rust::{Expr, Names, Unsaid};

draft! {
    /// An interface of a machine on a network.
    ///
    /// It gets its address by DHCP unless an address is set: [`address`](Self::address) writes it inside the guest and
    /// reserves it, [`reserved`](Self::reserved) only reserves it.
    pub struct Interface {
        /// The network that it is on.
        #[needed]
        pub network: Given<NetworkName>,
        /// A static IPv4 address: written inside the guest, and reserved in DHCP. Without one it asks by DHCP.
        #[by_hand]
        pub address: Option<Given<Ip>>,
        /// A static IPv6 address.
        #[by_hand]
        pub address6: Option<Given<Ip>>,
        /// A reserved IPv4 address: the guest asks for it by DHCP.
        #[by_hand]
        pub reserved: Option<Given<Ip>>,
        /// A reserved IPv6 address.
        #[by_hand]
        pub reserved6: Option<Given<Ip>>,
        /// Its MAC; derived from owner, machine and network by default.
        pub mac: Option<Given<Mac>>,
        /// Whether the default route goes through it. If no interface says so, it goes through the first whose network has a gateway
        /// and is forwarded.
        pub default_route: Option<bool>,
    }

    /// An interface on a network.
    pub fn on(..);
    said Interface::said;
}

impl Interface {
    /// A static address: written inside the guest, and reserved in the network's DHCP. Prefix, gateway and resolvers
    /// are the network's. It takes one address of each family.
    #[must_use]
    pub fn address(mut self, address: impl Into<Given<Ip>>) -> Self {
        let address = address.into();
        match address.ok() {
            Some(ip) if !ip.is_ipv4() => self.address6 = Some(address),
            _ => self.address = Some(address),
        }
        self
    }

    /// A reserved address: the guest asks for it by DHCP.
    #[must_use]
    pub fn reserved(mut self, address: impl Into<Given<Ip>>) -> Self {
        let address = address.into();
        match address.ok() {
            Some(ip) if !ip.is_ipv4() => self.reserved6 = Some(address),
            _ => self.reserved = Some(address),
        }
        self
    }

    /// One setter takes the addresses of both families, so an IPv6 field can hold only what the setter takes for IPv6.
    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("Interface::on", vec![self.network.rust(names)?]);
        for (key, setter, v4, v6) in [
            ("address6", "address", &self.address, &self.address6),
            ("reserved6", "reserved", &self.reserved, &self.reserved6),
        ] {
            if v6.as_ref().is_some_and(|given| given.ok().is_none_or(|ip| ip.is_ipv4())) {
                return Err(format!(
                    "`{key}` is not an IPv6 address, and no setter takes another one for it"
                ));
            }
            for given in [v4, v6] {
                given.say(setter, &mut on, names)?;
            }
        }
        self.say_settings(&mut on, &["address", "address6", "reserved", "reserved6"], names)?;
        Ok(on)
    }
}
