//! The nft tables of hosts against nft itself.

pub use fmc_core::host_side::nft::rulesets;

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use fmc_core::network::Network;
    use fmc_testkit::nft;

    use fmc_core::checked::Checked;

    use super::*;
    use crate::fixture::{checked, cloud, machines, networks};

    fn ruleset(checked: &Checked, host: &str) -> Option<String> {
        rulesets(checked).find(|(at, _)| at.name == host).map(|(_, text)| text)
    }

    #[test]
    fn routed_networks_are_masqueraded() {
        let ruleset = ruleset(&checked(), "hv1").unwrap();
        expect_file!["../golden/host.nft"].assert_eq(&ruleset);
        nft::check(&ruleset).unwrap();
        let loaded = nft::load_twice_is_stable(&ruleset).unwrap();
        assert!(loaded.contains("masquerade") && loaded.contains("table inet fmc_first"), "{loaded}");
    }

    #[test]
    fn both_families_are() {
        let mut networks = networks();
        networks.push(Network::routed("six", "10.17.7.0/24").ipv6("fd00:17:7::/64").host("hv1"));
        let ruleset = ruleset(&cloud(networks, machines()), "hv1").unwrap();
        nft::check(&ruleset).unwrap();
        assert!(ruleset.contains("ip6 saddr { fd00:17:7::/64 }"), "{ruleset}");
        nft::load_twice_is_stable(&ruleset).unwrap();
    }

    #[test]
    fn a_host_without_a_routed_network_needs_none() {
        assert_eq!(ruleset(&checked(), "hv2"), None);
    }

    #[test]
    fn public_addresses_are_routed_as_they_are() {
        let mut networks = networks();
        networks.truncate(1);
        networks.push(Network::routed("core", "9.9.9.0/24").host("hv1"));
        assert_eq!(ruleset(&cloud(networks, Vec::new()), "hv1"), None);
    }

    #[test]
    fn another_table_is_not_touched() {
        let other = "table inet other {\n\tchain c {\n\t\tip saddr 10.0.0.1 accept\n\t}\n}\n";
        let ours = ruleset(&checked(), "hv1").unwrap();
        let both = format!("table inet other\ndelete table inet other\n{other}{ours}");
        assert!(nft::load_twice_is_stable(&both).unwrap().contains("ip saddr 10.0.0.1 accept"));
    }
}
