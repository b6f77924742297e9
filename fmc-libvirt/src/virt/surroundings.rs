//! The network around a hypervisor on this computer.
//!
//! libvirt has no call for the addresses and routes of its host: the interfaces of its udev driver, which is the one of
//! every distribution since netcf went, and its node devices have names, MACs and links only. libvirt itself reads the
//! kernel's tables in `/proc/net` when it starts a network, and that is where these are read. For a hypervisor elsewhere they
//! are not known, and the start of its network says what it finds.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ipnet::IpNet;

use crate::link::{Filter, RouteRecord, Surroundings};

/// Reads a line of a table.
type Read = fn(&str) -> Option<RouteRecord>;

/// The routing tables of both families, as the kernel writes them.
const TABLES: [(&str, Read); 2] = [("/proc/net/route", ipv4_route), ("/proc/net/ipv6_route", ipv6_route)];

/// Reads them from this computer's kernel.
pub(super) fn here() -> Surroundings {
    let text = |path: &str| fs::read_to_string(path).ok();
    let routes = TABLES.iter().flat_map(|(path, read)| {
        let table = text(path).unwrap_or_default();
        table.lines().filter_map(read).collect::<Vec<_>>()
    });
    let mut filters = Vec::new();
    let programs = programs();
    let runs = |name: &str| programs.iter().any(|program| program == name);
    if runs("dockerd") || Path::new("/sys/class/net/docker0").exists() {
        filters.push(Filter::Docker);
    }
    if runs("firewalld") {
        filters.push(Filter::Firewalld);
    }
    if text("/etc/ufw/ufw.conf").is_some_and(|text| text.lines().any(|line| line.trim() == "ENABLED=yes")) {
        filters.push(Filter::Ufw);
    }
    let call = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if text(call).is_some_and(|text| text.trim() == "1") {
        filters.push(Filter::Bridged);
    }
    Surroundings { routes: routes.collect(), filters }
}

/// The names of the programs that run.
fn programs() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            is_process(entry.file_name().to_str()?).then_some(())?;
            Some(fs::read_to_string(entry.path().join("comm")).ok()?.trim().to_owned())
        })
        .collect()
}

/// `eth0 0003110A 00000000 0001 0 0 0 00FFFFFF …`: addresses as numbers in the order of this computer's bytes.
fn ipv4_route(line: &str) -> Option<RouteRecord> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |index: usize| {
        let number = u32::from_str_radix(fields.get(index).filter(|digits| digits.len() == 8)?, 16).ok()?;
        Some(Ipv4Addr::from(number.to_ne_bytes()))
    };
    let (to, mask) = (address(1)?, address(7)?);
    let to = IpNet::with_netmask(IpAddr::V4(to), IpAddr::V4(mask)).ok()?;
    Some(RouteRecord { to, device: (*fields.first()?).to_owned() })
}

/// `fd001700000300000000000000000000 40 … eth0`: 32 digits, the length of the prefix, and the device at the end.
fn ipv6_route(line: &str) -> Option<RouteRecord> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = u128::from_str_radix(fields.first().filter(|digits| digits.len() == 32)?, 16).ok()?;
    let prefix = u8::from_str_radix(fields.get(1)?, 16).ok()?;
    let to = IpNet::new(IpAddr::V6(Ipv6Addr::from(number)), prefix).ok()?;
    Some(RouteRecord { to, device: (*fields.last()?).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t0103110A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     eth0\t0003110A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let routes: Vec<String> =
            table.lines().filter_map(ipv4_route).map(|route| route.to.to_string()).collect();
        assert_eq!(routes, ["0.0.0.0/0", "10.17.3.0/24"]);
        let line = "fd001700000300000000000000000000 40 00000000000000000000000000000000 00 \
                    00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1";
        let route = ipv6_route(line).map(|route| (route.to.to_string(), route.device));
        assert_eq!(route, Some(("fd00:1700:3::/64".to_owned(), "eth1".to_owned())));
        assert_eq!(ipv4_route(line), None);
    }

    #[test]
    fn this_computer_has_a_route_to_itself() {
        let routes = here().routes;
        assert!(routes.iter().any(|route| route.device == "lo"), "{routes:?}");
    }
}
