//! Identities that are derived from names: UUIDs and MACs. A new object does not change the identities of
//! others.

use uuid::Uuid;

use crate::addr::Mac;

/// The namespace of every identity that fmc derives (RFC 9562 §5.5): a constant that must never change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_7f0e_5b0d_5c55_9d0e_3b1f_0c5e_a7f1);

/// The UUID of an owner's object: version 5 over (owner, kind, name).
pub fn uuid(owner: &str, kind: &str, name: &str) -> Uuid {
    let mut text = String::with_capacity(owner.len() + kind.len() + name.len() + 2);
    for part in [owner, "/", kind, "/", name] {
        text.push_str(part);
    }
    Uuid::new_v5(&NAMESPACE, text.as_bytes())
}

/// The MAC of an interface of a machine on a network; `twins` of its interfaces before this one are on the same network.
pub fn interface(owner: &str, machine: &str, network: &str, twins: usize) -> Mac {
    let name =
        if twins == 0 { format!("{machine}/{network}") } else { format!("{machine}/{network}/{twins}") };
    mac(&uuid(owner, "interface", &name))
}

/// The MAC derived from a UUID: locally administered, unicast, with 46 of its bits. It does not begin with `fe`, with which
/// libvirt begins the address of the host's end of a tap (`virNetDevGenerateName`, `virNetDevTapCreateInBridgePort`).
pub fn mac(uuid: &Uuid) -> Mac {
    let (high, _) = uuid.as_u64_pair();
    let mac = Mac::local(high >> 18);
    match mac.bytes() {
        [0xfe, ..] => Mac::local(high >> 18 & !TOP),
        _ => mac,
    }
}

/// The highest of the 46 bits of a derived MAC.
const TOP: u64 = 1 << 45;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_depends_on_owner_kind_and_name() {
        let web = uuid("first", "domain", "web");
        assert_eq!(web, uuid("first", "domain", "web"));
        assert_ne!(web, uuid("second", "domain", "web"));
        assert_ne!(web, uuid("first", "network", "web"));
        assert_eq!(web.get_version_num(), 5);
    }

    #[test]
    fn a_mac_is_local_and_unicast() {
        for n in 0..1000 {
            let mac = mac(&uuid("first", "interface", &n.to_string()));
            assert!(mac.is_local());
            assert_eq!(mac.bytes()[0] & 1, 0);
            assert_ne!(mac.bytes()[0], 0xfe);
        }
    }
}
