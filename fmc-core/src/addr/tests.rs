use proptest::prelude::*;

use super::*;
use crate::given::tests::{reads_back, refused_or_reads_back};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn subnet(text: &str) -> Subnet {
    Subnet::parse(text).unwrap()
}

/// Asserts that every text is refused for its reason.
fn refused<T: Leaf>(cases: &[(&str, &str)]) {
    for (text, why) in cases {
        let error = T::parse(text).unwrap_err();
        assert!(error.why().starts_with(why), "{text:?}: {error}");
    }
}

#[test]
fn addresses_that_are_refused_and_why() {
    refused::<Ip>(&[
        ("", "it is neither four numbers from 0 to 255"),
        ("10.17.4.300", "it is neither four numbers from 0 to 255"),
        ("10.17.4.010", "a number in it begins with 0, which some programs read as octal: write 10.17.4.10"),
        (" 10.17.4.1", "it is neither four numbers from 0 to 255"),
        ("fe80::1%eth0", "it is neither four numbers from 0 to 255"),
        ("10.17.3.1/24", "it has a prefix length: write 10.17.3.1"),
        ("0.0.0.0", "it is the unspecified address"),
        ("::", "it is the unspecified address"),
        ("127.0.0.1", "it is a loopback address"),
        ("::1", "it is a loopback address"),
        ("224.0.0.1", "it is a multicast address"),
        ("ff02::1", "it is a multicast address"),
        ("255.255.255.255", "it is the broadcast address"),
        ("::ffff:10.17.3.1", "it is an IPv4 address in IPv6 form: write 10.17.3.1"),
    ]);
}

#[test]
fn addresses_from_typed_values() {
    assert_eq!(Given::<Ip>::from(Ipv4Addr::new(10, 17, 4, 21)), Given::from("10.17.4.21"));
    assert_eq!(
        Given::<Ip>::from(Ipv6Addr::LOCALHOST).wrong().map(|(text, _)| text.to_owned()),
        Some("::1".to_owned())
    );
    assert_eq!(Ip::parse("FD00:0::10").unwrap().to_string(), "fd00::10");
}

#[test]
fn subnets_that_are_refused_and_why() {
    refused::<Subnet>(&[
        ("", "it is not an address and a prefix length: write, for example, 10.17.3.0/24"),
        ("10.17.3.0", "it has no prefix length: write, for example, 10.17.3.0/24"),
        ("10.17.3.1/24", "its host bits are not zero: write 10.17.3.0/24"),
        ("fd00::1/64", "its host bits are not zero: write fd00::/64"),
        ("10.17.3.0/33", "its prefix length is above 32"),
        ("fd00::/129", "its prefix length is above 128"),
        ("10.17.3.0/", "its prefix length \"\" is not a number"),
        ("10.17.3.0/+24", "its prefix length \"+24\" is not a number"),
        ("10.17.3.0/255.255.255.0", "its prefix length \"255.255.255.0\" is not a number"),
        ("10.17.3.x/24", "it is neither four numbers from 0 to 255"),
    ]);
}

#[test]
fn the_addresses_of_a_subnet() {
    let cases = [
        ("10.17.3.0/24", "10.17.3.1", "10.17.3.254", "10.17.3.255"),
        ("10.17.3.0/30", "10.17.3.1", "10.17.3.2", "10.17.3.3"),
        ("10.17.3.0/31", "10.17.3.0", "10.17.3.1", "10.17.3.1"),
        ("10.17.3.7/32", "10.17.3.7", "10.17.3.7", "10.17.3.7"),
        ("0.0.0.0/0", "0.0.0.1", "255.255.255.254", "255.255.255.255"),
        ("fd00::/126", "fd00::1", "fd00::3", "fd00::3"),
        ("fd00::/127", "fd00::", "fd00::1", "fd00::1"),
        ("::/0", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];
    for (text, first, last, broadcast) in cases {
        let subnet = subnet(text);
        assert_eq!(
            (subnet.first_host(), subnet.last_host(), subnet.broadcast()),
            (ip(first), ip(last), ip(broadcast)),
            "{text}"
        );
    }
    let kube = subnet("10.17.4.0/24");
    assert_eq!(
        (kube.nth(0), kube.nth(255), kube.nth(256)),
        (Some(ip("10.17.4.0")), Some(ip("10.17.4.255")), None)
    );
    assert_eq!(kube.nth(u128::MAX), None);
    assert_eq!(kube.netmask(), ip("255.255.255.0"));
    assert!(
        kube.is_host(ip("10.17.4.1")) && !kube.is_host(ip("10.17.4.255")) && !kube.is_host(ip("10.17.3.1"))
    );
    assert_eq!(kube.host(ip("10.17.4.23")), HostAddr::parse("10.17.4.23/24").ok());
    assert_eq!(kube.host(ip("10.17.4.0")), None);
}

#[test]
fn subnets_overlap_when_one_holds_the_other() {
    let (wide, narrow, other) = (subnet("10.17.0.0/16"), subnet("10.17.4.0/24"), subnet("10.17.5.0/24"));
    assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide) && narrow.overlaps(&narrow));
    assert!(!narrow.overlaps(&other) && !subnet("::/0").overlaps(&wide));
}

#[test]
fn host_addresses() {
    let host = HostAddr::parse("10.17.3.1/24").unwrap();
    assert_eq!((host.ip(), host.subnet(), host.prefix_len()), (ip("10.17.3.1"), subnet("10.17.3.0/24"), 24));
    refused::<HostAddr>(&[
        (
            "10.17.3.0/24",
            "it is the network address of 10.17.3.0/24: write one from 10.17.3.1 to 10.17.3.254",
        ),
        ("10.17.3.255/24", "it is the broadcast address of 10.17.3.0/24"),
        ("10.17.3.1", "it has no prefix length"),
        ("127.0.0.1/8", "it is a loopback address"),
        ("10.17.3.1/40", "its prefix length is above 32"),
    ]);
}

#[test]
fn ranges() {
    let range = IpRange::parse("10.17.3.100 - 10.17.3.199").unwrap();
    assert_eq!(range.to_string(), IpRange::EXAMPLE);
    assert!(range.contains(ip("10.17.3.100")) && range.contains(ip("10.17.3.199")));
    assert!(!range.contains(ip("10.17.3.200")) && !range.contains(ip("fd00::1")));
    let other = IpRange::new(ip("10.17.3.199"), ip("10.17.3.250")).unwrap();
    assert!(range.overlaps(&other) && other.overlaps(&range));
    assert!(!range.overlaps(&IpRange::new(ip("10.17.3.200"), ip("10.17.3.200")).unwrap()));
    refused::<IpRange>(&[
        ("10.17.3.100", "it is not two addresses with '-' between"),
        ("10.17.3.100-199", "it is neither four numbers"),
        ("10.17.3.199-10.17.3.100", "its first address comes after its last: write 10.17.3.100-10.17.3.199"),
        ("10.17.3.1-fd00::1", "one end is IPv4 and the other IPv6"),
    ]);
}

#[test]
fn macs() {
    let mac = Mac::parse("52-54-00-0A-11-03").unwrap();
    assert_eq!((mac.to_string().as_str(), mac.is_local()), (Mac::EXAMPLE, true));
    refused::<Mac>(&[
        ("", "it is not six pairs"),
        ("52:54:00:0a:11", "it is not six pairs"),
        ("52:54:00:0a:11:03:04", "it is not six pairs"),
        ("52:54:00:0a:11:+3", "it is not six pairs"),
        ("5254000a1103", "it is not six pairs"),
        ("00:00:00:00:00:00", "it is all zero"),
        ("53:54:00:0a:11:03", "it is a multicast address"),
        ("ff:ff:ff:ff:ff:ff", "it is a multicast address"),
    ]);
}

#[test]
fn public_addresses() {
    for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255", "2606:4700::1"] {
        assert!(is_public(ip(text)), "{text}");
    }
    for text in [
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "fd00::1",
        "fe80::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "::ffff:1.1.1.1",
    ] {
        assert!(!is_public(ip(text)), "{text}");
    }
    assert!(is_rfc1918(ip("172.16.0.1")) && !is_rfc1918(ip("100.64.0.1")) && !is_rfc1918(ip("fd00::1")));
}

proptest! {
    #[test]
    fn text_reads_back(v4: Ipv4Addr, v6: Ipv6Addr, other: Ipv6Addr, prefix_len in 0..=128_u8, bits: u64) {
        let (low, high) = (v6.min(other), v6.max(other));
        let range = IpRange::new(low.into(), high.into()).unwrap();
        reads_back(&range);
        for address in [IpAddr::from(v4), IpAddr::from(v6)] {
            if let Ok(ip) = Ip::new(address) {
                reads_back(&ip);
            }
            if let Ok(host) = HostAddr::new(address, prefix_len) {
                reads_back(&host);
            }
            if let Ok(subnet) = Subnet::around(address, prefix_len) {
                reads_back(&subnet);
                prop_assert!(subnet.contains(address));
                prop_assert!(subnet.first_host() <= subnet.last_host());
            }
        }
        let mac = Mac::local(bits);
        prop_assert!(mac.is_local());
        // Nobody may say one that begins as the host's end of a tap does.
        if mac.bytes()[0] == 0xfe {
            prop_assert!(Mac::parse(&mac.to_string()).is_err());
        } else {
            reads_back(&mac);
        }
    }

    #[test]
    fn a_local_mac_keeps_all_46_bits(left in 0..1_u64 << 46, bit in 0..46) {
        prop_assert_ne!(Mac::local(left), Mac::local(left ^ (1_u64 << bit)));
        prop_assert_eq!(Mac::local(left), Mac::local(left | (1 << 46) | (1 << 63)));
    }

    #[test]
    fn text_of_any_kind_never_panics(text in "[0-9a-f.:/-]{0,40}") {
        refused_or_reads_back::<Ip>(&text);
        refused_or_reads_back::<Subnet>(&text);
        refused_or_reads_back::<HostAddr>(&text);
        refused_or_reads_back::<IpRange>(&text);
        refused_or_reads_back::<Mac>(&text);
    }
}
