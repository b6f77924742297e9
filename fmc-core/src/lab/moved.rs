//! A lab's addresses: those of its cloud, moved to other private subnets, since a host routes a subnet to one network only.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::addr::Subnet;
use crate::cloud::Cloud;
use crate::role::Role;

/// Kubernetes' default networks inside a cluster (K3s's `cluster-cidr` and `service-cidr`).
const KUBERNETES: &str = "10.42.0.0/15";

/// How many bits there are to choose from: the smallest of the private ranges, 172.16.0.0/12, has four in its second byte.
const BITS: u8 = 4;

/// The cloud with all its networks' subnets moved, and every address of theirs in the cloud, by itself or within a
/// text. The addresses keep their order and their last bytes. Public addresses, subnets as large as their private
/// range, and the settings of users' roles in Rust stay unchanged.
pub(super) fn moved(cloud: Cloud) -> Cloud {
    let given = cloud.networks.iter().flat_map(|network| [&network.subnet, &network.ipv6]);
    let subnets: Vec<Subnet> = given.flatten().filter_map(|given| given.ok().cloned()).collect();
    let Some(moving) = Moving::of(&subnets) else { return cloud };
    let change = |cloud: &Cloud| {
        let mut tree = serde_json::to_value(cloud).ok()?;
        moving.value(&mut tree);
        serde_json::from_value::<Cloud>(tree).ok()
    };
    // The check refuses a draft that cannot be written as a file, for example one with two machines of one name.
    match change(&cloud) {
        Some(changed) => with_roles_of(changed, &cloud),
        None => cloud,
    }
}

/// The changed cloud with the roles of the original; roles with a form in a file have their changed settings.
fn with_roles_of(changed: Cloud, cloud: &Cloud) -> Cloud {
    let machines = cloud.machines.iter().filter(|machine| !machine.roles.is_empty());
    let roles: BTreeMap<String, &[Role]> =
        machines.map(|machine| (machine.name.to_string(), machine.roles.as_slice())).collect();
    let changed = changed.map_roles(|machine, index, form| {
        let role = roles.get(machine).and_then(|roles| roles.get(index));
        role.map_or(form.clone(), |role| role.changed_to(&form))
    });
    changed.map_spanning_roles(|index, form| {
        let role = cloud.roles.get(index);
        role.map_or(form.clone(), |role| role.changed_to(&form))
    })
}

/// Which subnets move, and by which bit.
struct Moving {
    subnets: Vec<Subnet>,
    bit: u8,
}

impl Moving {
    /// Moves them by the first bit that moves no subnet onto another one of the cloud, or onto Kubernetes' own.
    fn of(subnets: &[Subnet]) -> Option<Self> {
        let mut taken = subnets.to_vec();
        taken.extend(KUBERNETES.parse::<Subnet>());
        (0..BITS).find_map(|bit| {
            let moving = |subnet: &&Subnet| {
                private(subnet.network()).is_some_and(|first| first + bit < subnet.prefix_len())
            };
            let moved: Vec<Subnet> = subnets.iter().filter(moving).cloned().collect();
            let free = |subnet: &Subnet| {
                let to = flipped(subnet.network(), bit);
                let to = format!("{to}/{}", subnet.prefix_len()).parse::<Subnet>();
                to.is_ok_and(|to| !taken.iter().any(|there| there.overlaps(&to)))
            };
            (!moved.is_empty() && moved.iter().all(free)).then_some(Self { subnets: moved, bit })
        })
    }

    /// Moves the addresses in a value of the cloud's file.
    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(moved) = self.text(text) {
                    *text = moved;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(values) => values.values_mut().for_each(|value| self.value(value)),
            _ => {}
        }
    }

    /// A text with its addresses moved; `None` if it has none.
    fn text(&self, text: &str) -> Option<String> {
        let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
        let mut moved = String::new();
        let mut rest = text;
        let mut changed = false;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
            moved += before;
            match self.word(word) {
                Some(word) => {
                    moved += &word;
                    changed = true;
                }
                None => moved += word,
            }
            rest = after;
        }
        changed.then(|| moved + rest)
    }

    /// An address, or an IPv4 address with a port behind it or a colon before it.
    fn word(&self, word: &str) -> Option<String> {
        let parsed = word.parse::<IpAddr>().ok();
        if let Some(address) = parsed {
            return self.address(address).map(|address| address.to_string());
        }
        let mut changed = false;
        let parts = word.split(':').map(|part| {
            let moved = part.parse::<Ipv4Addr>().ok().and_then(|address| self.address(address.into()));
            changed |= moved.is_some();
            moved.map_or_else(|| part.to_owned(), |address| address.to_string())
        });
        let word = parts.collect::<Vec<_>>().join(":");
        changed.then_some(word)
    }

    fn address(&self, address: IpAddr) -> Option<IpAddr> {
        let is_ours = self.subnets.iter().any(|subnet| subnet.contains(address));
        is_ours.then(|| flipped(address, self.bit))
    }
}

/// The first bit of an address, from the left, that is free to choose in its private range; `None` for a public
/// address.
fn private(address: IpAddr) -> Option<u8> {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [10, ..] => Some(8),
            [172, 16..=31, ..] => Some(12),
            [192, 168, ..] => Some(16),
            _ => None,
        },
        // A unique local address (RFC 4193): the maker of a network chooses the bytes after the first one.
        IpAddr::V6(v6) => v6.is_unique_local().then_some(16),
    }
}

/// An address with a bit of its private range turned.
fn flipped(address: IpAddr, bit: u8) -> IpAddr {
    let Some(at) = private(address).map(|first| u32::from(first + bit)) else { return address };
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() ^ (1 << (31 - at))).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() ^ (1 << (127 - at))).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::image::Image;
    use crate::machine::{Interface, Machine};
    use crate::network::Network;

    fn subnets(texts: &[&str]) -> Vec<Subnet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn moving(texts: &[&str]) -> Moving {
        Moving::of(&subnets(texts)).unwrap()
    }

    #[test]
    fn addresses_move_within_their_private_range() {
        let moving = moving(&["10.17.3.0/24", "192.168.0.0/24", "172.20.0.0/16", "fd00:17::/64"]);
        for (text, moved) in [
            ("10.17.3.10", "10.145.3.10"),
            ("10.17.3.0/24", "10.145.3.0/24"),
            ("10.17.3.100-10.17.3.200", "10.145.3.100-10.145.3.200"),
            ("https://192.168.0.21:6443/x", "https://192.168.128.21:6443/x"),
            ("172.20.1.1 and 172.20.1.2", "172.28.1.1 and 172.28.1.2"),
            ("fd00:17::5", "fd00:8017::5"),
        ] {
            assert_eq!(moving.text(text).as_deref(), Some(moved));
        }
        for text in ["10.17.4.10", "8.8.8.8", "v1.36.3+k3s1", "br0", "4593.2.0", "cafe", ""] {
            assert_eq!(moving.text(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_moves_onto_a_subnet_that_the_cloud_has() {
        assert_eq!(moving(&["10.17.3.0/24"]).bit, 0);
        assert_eq!(moving(&["10.17.3.0/24", "10.145.3.0/24"]).bit, 1);
        // 10.170 would be 10.42, which Kubernetes has.
        assert_eq!(moving(&["10.170.0.0/16"]).bit, 1);
        for stays in ["10.0.0.0/8", "203.0.113.0/24", "2001:db8::/64"] {
            assert!(Moving::of(&subnets(&[stays])).is_none(), "{stays}");
        }
    }

    #[test]
    fn a_lab_has_no_address_of_its_cloud() {
        let cloud =
            Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(
                Machine::new("web", Image::blank()).interface(Interface::on("lab").address("10.17.3.10")),
            );
        let checked = cloud.lab().check().unwrap();
        assert_eq!(checked.machine("web").unwrap().address(), Some("10.145.3.10".parse().unwrap()));
    }
}
