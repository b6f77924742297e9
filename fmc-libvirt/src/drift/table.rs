//! Facts about libvirt's elements: identity, defaults, units, and the elements that libvirt never adds by itself.
//!
//! The sources are libvirt's own test data, with the output of its parser and formatter, and `src/conf/*_conf.c`.

use crate::xml::outline::Node;
use fmc_core::unit::Size;

/// The identity of an element among siblings of the same name; `None` if only their order tells them apart.
pub(super) type Key<'a> = [Option<&'a str>; 2];

/// The identity of a repeated element.
pub(super) fn key<'a>(node: Node<'a>) -> Key<'a> {
    let own = |name| [node.attribute(name), None];
    let below = |path, name| [attribute(node, path, name), None];
    match node.name() {
        "disk" => below("target", "dev"),
        "interface" => below("mac", "address"),
        "channel" => below("target", "name"),
        "filesystem" => below("target", "dir"),
        "controller" => [node.attribute("type"), node.attribute("index")],
        "input" => [node.attribute("type"), node.attribute("bus")],
        "timer" | "entry" | "feature" | "portgroup" | "txt" => own("name"),
        "graphics" => own("type"),
        "cell" | "vcpu" | "iothread" if node.attribute("id").is_some() => own("id"),
        "vcpupin" => own("vcpu"),
        "route" => own("address"),
        "range" => [node.attribute("start"), node.attribute("end")],
        // IPv4 is the default family, also in our paths.
        "ip" => [node.attribute("family").filter(|family| *family != "ipv4"), None],
        "host" => {
            let known_by = ["mac", "id", "name", "ip"];
            [known_by.into_iter().find_map(|name| node.attribute(name)), None]
        }
        _ => [None, None],
    }
}

/// The identity of an element that one text tells from its siblings, such as a DHCP host.
pub(crate) fn identity<'a>(node: Node<'a>) -> Option<&'a str> {
    let [identity, _] = key(node);
    identity
}

/// Whether an element changes only as a whole: libvirt adds or removes a host of DHCP or DNS.
pub(super) fn is_atomic(node: Node<'_>) -> bool {
    node.name() == "host" && (has_parent(node, "dhcp") || has_parent(node, "dns"))
}

/// Whether an element is only a list of its children.
pub(super) fn is_list(node: Node<'_>) -> bool {
    match node.name() {
        "dhcp" => has_parent(node, "ip"),
        "dns" => has_parent(node, "network") && node.attributes().len() == 0,
        _ => false,
    }
}

/// The names of a DNS host.
pub(super) fn names<'a>(node: Node<'a>) -> impl Iterator<Item = &'a str> {
    node.children().filter(|child| child.name() == "hostname").filter_map(Node::text)
}

/// The element that comparisons skip: fmc's mark, and the metadata that other programs keep beside it.
pub(super) const IGNORED: &str = "metadata";

/// Whether comparisons skip an element.
pub(super) fn is_ignored(node: Node<'_>) -> bool {
    node.name() == IGNORED
}

fn has_parent(node: Node<'_>, name: &str) -> bool {
    node.parent().is_some_and(|parent| parent.name() == name)
}

/// Whether an attribute has the wanted value, also by a default or a resolved alias.
pub(super) fn same_attribute(node: Node<'_>, name: &str, wanted: &str, seen: Option<&str>) -> bool {
    let element = node.name();
    match seen {
        Some(seen) if seen == wanted => true,
        // An alias of a machine type is resolved to the newest version when a domain is defined.
        Some(seen) if element == "type" && name == "machine" => match wanted {
            "pc" => seen.starts_with("pc-i440fx-"),
            "q35" => seen.starts_with("pc-q35-"),
            alias => seen.strip_prefix(alias).is_some_and(|version| version.starts_with('-')),
        },
        Some(_) => false,
        None => default(element, name) == Some(wanted),
    }
}

fn default(element: &str, attribute: &str) -> Option<&'static str> {
    Some(match (element, attribute) {
        ("disk", "device") => "disk",
        ("vcpu", "placement") => "static",
        ("bridge", "stp") => "on",
        ("bridge", "delay") => "0",
        ("domain", "localOnly") => "no",
        ("ip", "family") => "ipv4",
        ("volume", "type") => "file",
        _ => return None,
    })
}

/// The size in bytes of an element with a unit; `None` if it has no unit.
pub(super) fn quantity(node: Node<'_>) -> Option<u64> {
    let unit = match node.name() {
        "memory" | "currentMemory" | "maxMemory" => node.attribute("unit").unwrap_or("KiB"),
        "capacity" | "allocation" | "available" => node.attribute("unit").unwrap_or("bytes"),
        _ => return None,
    };
    node.text()?.parse::<u64>().ok()?.checked_mul(scale(unit)?)
}

/// The units of libvirt's `virScaleInteger`.
fn scale(unit: &str) -> Option<u64> {
    if matches!(unit, "b" | "byte" | "bytes") {
        return Some(1);
    }
    let mut letters = unit.chars();
    let power = "kmgtpe".find(letters.next()?.to_ascii_lowercase())?;
    let base: u64 = match letters.as_str() {
        "" => 1024,
        rest if rest.eq_ignore_ascii_case("ib") => 1024,
        rest if rest.eq_ignore_ascii_case("b") => 1000,
        _ => return None,
    };
    base.checked_pow(u32::try_from(power).ok()?.checked_add(1)?)
}

/// A size as people read it.
pub(super) fn size(bytes: u64) -> String {
    Size::bytes(bytes).to_string()
}

/// Whether an existing unwanted child was added by hand, because libvirt never adds it by itself.
pub(super) fn is_added(parent: Node<'_>, child: Node<'_>) -> bool {
    let child = child.name();
    match parent.name() {
        // A domain, or the DNS domain of a network, which has no children.
        "domain" => matches!(
            child,
            "title"
                | "description"
                | "genid"
                | "maxMemory"
                | "memoryBacking"
                | "memtune"
                | "numatune"
                | "cputune"
                | "blkiotune"
                | "iothreads"
                | "iothreadids"
                | "sysinfo"
                | "launchSecurity"
                | "perf"
                | "commandline"
        ),
        "os" => matches!(child, "kernel" | "initrd" | "cmdline" | "bootmenu" | "smbios"),
        "cpu" => matches!(child, "topology" | "numa" | "cache" | "maxphysaddr"),
        "clock" => child == "timer",
        "devices" => matches!(
            child,
            "disk"
                | "interface"
                | "hostdev"
                | "filesystem"
                | "graphics"
                | "video"
                | "sound"
                | "redirdev"
                | "tpm"
                | "shmem"
                | "memory"
                | "vsock"
                | "lease"
                | "smartcard"
                | "serial"
                | "parallel"
                | "channel"
                | "rng"
        ),
        "disk" => matches!(
            child,
            "readonly"
                | "shareable"
                | "transient"
                | "iotune"
                | "boot"
                | "encryption"
                | "serial"
                | "wwn"
                | "blockio"
        ),
        "serial" | "console" => child == "log",
        "interface" => {
            matches!(
                child,
                "link" | "bandwidth" | "filterref" | "boot" | "vlan" | "rom" | "tune" | "mtu" | "driver"
            )
        }
        "network" => matches!(
            child,
            "title"
                | "description"
                | "ip"
                | "route"
                | "dns"
                | "domain"
                | "mtu"
                | "bandwidth"
                | "vlan"
                | "portgroup"
                | "virtualport"
                | "options"
        ),
        "ip" => matches!(child, "dhcp" | "tftp"),
        "dhcp" => matches!(child, "range" | "host" | "bootp"),
        "dns" => matches!(child, "host" | "txt" | "srv" | "forwarder"),
        "rng" => child == "rate",
        _ => false,
    }
}

/// Whether an existing unwanted attribute was added by hand.
pub(super) fn is_added_attribute(node: Node<'_>, attribute: &str) -> bool {
    match node.name() {
        "vcpu" => matches!(attribute, "cpuset" | "current"),
        "driver" if has_parent(node, "disk") => {
            matches!(
                attribute,
                "cache" | "io" | "iothread" | "queues" | "error_policy" | "copy_on_read" | "detect_zeroes"
            )
        }
        "source" => matches!(attribute, "startupPolicy" | "portgroup"),
        "bridge" => matches!(attribute, "zone" | "macTableManager"),
        "forward" => attribute == "dev",
        "network" | "interface" => attribute == "trustGuestRxFilters",
        "dns" => matches!(attribute, "enable" | "forwardPlainNames"),
        _ => false,
    }
}

/// An element in a few words.
pub(super) fn words(node: Node<'_>) -> String {
    let some = |parts: [Option<&str>; 2]| {
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    let special = match node.name() {
        "disk" => some([
            attribute(node, "source", "file")
                .or(attribute(node, "source", "dev"))
                .or(attribute(node, "source", "volume"))
                .or(attribute(node, "source", "name")),
            None,
        ]),
        "interface" => {
            some([attribute(node, "source", "network").or(attribute(node, "source", "bridge")), None])
        }
        "host" => {
            let own = [node.attribute("ip"), node.attribute("name")].into_iter().flatten();
            let parts: Vec<&str> = own.chain(names(node)).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        }
        "range" => match (node.attribute("start"), node.attribute("end")) {
            (Some(first), Some(last)) => Some(format!("{first}-{last}")),
            _ => None,
        },
        _ => quantity(node).map(size).or_else(|| node.text().map(str::to_owned)),
    };
    special.unwrap_or_else(|| generic(node))
}

/// The attributes of an element, or of the first one in it that has any.
fn generic(node: Node<'_>) -> String {
    let with_attributes =
        std::iter::once(node).chain(node.children()).find(|node| node.attributes().len() > 0);
    match with_attributes {
        Some(node) => {
            let pairs: Vec<String> =
                node.attributes().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join(" ")
        }
        None => node.name().to_owned(),
    }
}

fn attribute<'a>(node: Node<'a>, path: &str, name: &str) -> Option<&'a str> {
    node.at(path)?.attribute(name)
}
