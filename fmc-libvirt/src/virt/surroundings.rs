//! The network around a hypervisor on this computer.
//!
//! libvirt has no call for the addresses and routes of its host: the interfaces of its udev driver, which is the one of
//! every distribution since netcf went, and its node devices have names, MACs and links only. libvirt itself reads the
//! kernel's tables in `/proc/net` when it starts a network, and that is where these are read. For a hypervisor elsewhere they
//! are not known, and the start of its network says what it finds.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::link::{Filter, NetworksHere, RouteRecord, Surroundings};

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

/// libvirt's networks. Without libvirt's own process they are not known: the processes of its host are not those that this one
/// sees.
pub(super) fn networks() -> Option<NetworksHere> {
    let all = processes();
    let is_libvirt = |name: &str| matches!(name, "libvirtd" | "virtnetworkd");
    // A container may have a libvirt of its own, and a network of its own.
    let daemons = all.iter().filter(|(name, _)| is_libvirt(name));
    let devices: Vec<String> =
        daemons.filter_map(|(_, process)| fs::read_to_string(process.join("net/dev")).ok()).collect();
    if devices.is_empty() {
        return None;
    }
    let servers = all.iter().filter(|(name, _)| name == "dnsmasq");
    let words = servers.filter_map(|(_, process)| fs::read_to_string(process.join("cmdline")).ok());
    Some(NetworksHere {
        served: words.filter_map(|words| served_by(&words)).collect(),
        interfaces: devices.iter().flat_map(|table| interfaces(table)).collect(),
    })
}

/// `br-lab: 1204 12 …`: a line of `/proc/net/dev` for each interface, below two that name the columns.
fn interfaces(table: &str) -> impl Iterator<Item = String> + '_ {
    table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
}

/// `dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/lab.conf …`: the network that it serves.
fn served_by(words: &str) -> Option<String> {
    let file = words.split('\0').find_map(|word| word.strip_prefix("--conf-file="))?;
    Some(Path::new(file).file_name()?.to_str()?.strip_suffix(".conf")?.to_owned())
}

/// The names of the programs that run.
fn programs() -> Vec<String> {
    processes().into_iter().map(|(name, _)| name).collect()
}

/// The processes, each with its name and its folder.
fn processes() -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_process = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            is_process(entry.file_name().to_str()?).then_some(())?;
            let name = fs::read_to_string(entry.path().join("comm")).ok()?.trim().to_owned();
            Some((name, entry.path()))
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
    fn a_network_has_a_dnsmasq_of_its_configuration_and_a_bridge() {
        let words = "/usr/sbin/dnsmasq\0--conf-file=/var/lib/libvirt/dnsmasq/lab.conf\0--leasefile-ro\0";
        assert_eq!(served_by(words).as_deref(), Some("lab"));
        assert_eq!(served_by("/usr/sbin/dnsmasq\0-k\0"), None);
        let own = fmc_testkit::libvirtd::Own::start();
        let network = "served-by-one";
        let file = own.path().join("network.xml");
        let xml = format!("<network><name>{network}</name><ip address='10.76.9.1' prefix='24'/></network>");
        fs::write(&file, xml).unwrap();
        own.virsh(&["net-define", file.to_str().unwrap()]);
        own.virsh(&["net-start", network]);
        let live = own.virsh(&["net-dumpxml", network]);
        let bridge = live.split("<bridge name='").nth(1).unwrap().split('\'').next().unwrap();
        let here = networks().unwrap();
        assert!(here.served.contains(network) && here.interfaces.contains(bridge), "{here:?}");
        own.inside(&format!("kill -9 $(cat /run/libvirt/network/{network}.pid)")).unwrap();
        // Its helper ends a moment later.
        let is_served = || networks().unwrap().served.contains(network);
        for _ in 0..100 {
            if is_served() {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        assert!(!is_served());
        // What an apply does about it.
        let host = "<host ip='192.0.2.1'><hostname>a.invalid</hostname></host>";
        own.virsh(&["net-update", network, "add", "dns-host", host, "--live"]);
        assert!(is_served());
        own.inside(&format!("ip link delete {bridge}")).unwrap();
        assert!(!networks().unwrap().interfaces.contains(bridge));
    }

    #[test]
    fn this_computer_has_a_route_to_itself() {
        let routes = here().routes;
        assert!(routes.iter().any(|route| route.device == "lo"), "{routes:?}");
    }
}
