//! A cloud as the Rust program that says it.

mod cluster;
mod guest;
mod host;
mod image;
mod print;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fmc_core::flow::{Protocol, Service};
use fmc_core::given::Leaf as _;
use fmc_core::name::NetworkName;

use super::tree::{Member, Members, Node, Value};
use guest::{guest, secret};
use host::host;
use image::{disk, image};
use print::{Expr, quoted};

/// Why a cloud has no Rust form: what it has that no setter says.
type Unsaid = String;

/// The expressions of roles.
#[derive(Default)]
pub(super) struct Roles {
    /// Those of each machine.
    pub(super) of_machines: BTreeMap<String, Vec<String>>,
    /// Those that span machines.
    pub(super) of_cloud: Vec<String>,
}

/// Names that are constants, by their text.
type Names = BTreeMap<String, String>;

/// The program of a cloud, from the tree of its JSON.
pub(super) fn program(cloud: &Node<'_>, roles: &Roles) -> Result<String, Unsaid> {
    let cloud = map(cloud)?;
    let names = networks(cloud);
    let mut text = "use fmc::prelude::*;\n\n".to_owned();
    for (name, constant) in &names {
        let _ = writeln!(text, "const {constant}: NetworkName = NetworkName::literal({});", quoted(name));
    }
    if !names.is_empty() {
        text.push('\n');
    }
    let _ =
        write!(text, "fn cloud() -> Cloud {{\n    {}\n}}\n", Printer(&names, roles).cloud(cloud)?.print(4));
    text += "\nfn main() -> ExitCode {\n    fmc::cli::main(cloud())\n}\n";
    Ok(text)
}

/// The networks whose names are right, each under the name of a constant of its own.
fn networks(cloud: &Members<'_>) -> Names {
    let Some(Value::Map(networks)) = cloud.get("networks").map(|member| &member.node.value) else {
        return Names::new();
    };
    let mut names = Names::new();
    for member in networks.iter().filter(|member| NetworkName::parse(&member.key).is_ok()) {
        let constant: String = member.key.to_uppercase().replace(['-', '.'], "_");
        let begins = constant.starts_with(|first: char| first.is_ascii_alphabetic());
        let constant = if begins { constant } else { format!("NET_{constant}") };
        let plain = constant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if plain && !names.values().any(|other| *other == constant) {
            names.insert(member.key.clone().into_owned(), constant);
        }
    }
    names
}

fn map<'a, 'b>(node: &'a Node<'b>) -> Result<&'a Members<'b>, Unsaid> {
    if let Value::Map(members) = &node.value {
        Ok(members)
    } else {
        Err(format!("{} in place of a map", node.what()))
    }
}

fn list<'a, 'b>(node: &'a Node<'b>) -> Result<&'a [Node<'b>], Unsaid> {
    if let Value::List(values) = &node.value {
        Ok(values)
    } else {
        Err(format!("{} in place of a list", node.what()))
    }
}

fn text<'a>(node: &'a Node<'_>) -> Result<&'a str, Unsaid> {
    match &node.value {
        Value::Text(text) | Value::Plain(text) | Value::Number(text) => Ok(text),
        _ => Err(format!("{} in place of a text", node.what())),
    }
}

/// A scalar as a literal.
fn literal(node: &Node<'_>) -> Result<String, Unsaid> {
    match &node.value {
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.clone().into_owned()),
        _ => text(node).map(quoted),
    }
}

/// Scalars as an array. One that is empty says of what it is.
fn array(nodes: &[Node<'_>]) -> Result<String, Unsaid> {
    let values: Result<Vec<String>, Unsaid> = nodes.iter().map(literal).collect();
    let values = values?;
    Ok(if values.is_empty() { "[\"\"; 0]".to_owned() } else { format!("[{}]", values.join(", ")) })
}

/// A size as it is said in Rust, `2.gib()`; one that is wrong as its text.
fn size(node: &Node<'_>) -> Result<String, Unsaid> {
    let text = text(node)?;
    let said = text.split_once(' ').and_then(|(count, unit)| {
        let method = match unit {
            "KiB" => "kib",
            "MiB" => "mib",
            "GiB" => "gib",
            "TiB" => "tib",
            _ => return None,
        };
        let plain =
            !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit()) && count.len() < 10;
        plain.then(|| format!("{count}.{method}()"))
    });
    Ok(said.unwrap_or_else(|| quoted(text)))
}

/// A service as it is said in Rust, `tcp(5432)`; another one as its text.
fn service(node: &Node<'_>) -> Result<String, Unsaid> {
    let text = text(node)?;
    Ok(match Service::parse(text) {
        Ok(Service { protocol: protocol @ (Protocol::Tcp | Protocol::Udp), first, last })
            if first == last =>
        {
            format!("{protocol}({first})")
        }
        Ok(Service { protocol: protocol @ (Protocol::Tcp | Protocol::Udp), first, last }) => {
            format!("{protocol}({first}).to({last})")
        }
        _ => quoted(text),
    })
}

/// The variant of an enumeration: `fedora-coreos` is `FedoraCoreos`.
fn variant(kind: &str, node: &Node<'_>) -> Result<String, Unsaid> {
    text(node).map(|text| variant_of(kind, text))
}

fn variant_of(kind: &str, text: &str) -> String {
    let words = text.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    format!("{kind}::{}", words.collect::<String>())
}

/// What is left of a map, key by key: what the constructor took is done.
fn rest<'a, 'b>(map: &'a Members<'b>, done: &'a [&str]) -> impl Iterator<Item = &'a Member<'b>> {
    map.iter().filter(|member| !done.contains(&member.key.as_ref()))
}

fn needed<'a, 'b>(map: &'a Members<'b>, key: &str) -> Result<&'a Node<'b>, Unsaid> {
    map.get(key).map(|member| &member.node).ok_or_else(|| format!("no `{key}`"))
}

/// A value of an enumeration: its word, and what it holds.
fn only<'a, 'b>(node: &'a Node<'b>) -> Result<(&'a str, Option<&'a Node<'b>>), Unsaid> {
    match &node.value {
        Value::Map(members) => {
            let member = members.iter().next().ok_or("nothing where a choice belongs")?;
            Ok((member.key.as_ref(), Some(&member.node)))
        }
        _ => Ok((text(node)?, None)),
    }
}

/// A download: where it is, and what it must hash to.
fn place(members: &Members<'_>) -> Result<(String, String), Unsaid> {
    Ok((literal(needed(members, "url")?)?, literal(needed(members, "digest")?)?))
}

struct Printer<'a>(&'a Names, &'a Roles);

impl Printer<'_> {
    fn cloud(&self, map: &Members<'_>) -> Result<Expr, Unsaid> {
        let mut cloud = Expr::new(format!("Cloud::new({})", literal(needed(map, "name")?)?));
        for Member { key, node, .. } in rest(map, &["name"]) {
            match key.as_ref() {
                "lab" => return Err("a lab's copy is made by `Cloud::lab`, from the cloud itself".to_owned()),
                "prefixed" => cloud.call("prefixed", literal(node)?),
                "ssh_host_keys" => cloud.call("ssh_host_keys", literal(node)?),
                "ssh_from" => {
                    let peers: Result<Vec<Expr>, Unsaid> =
                        list(node)?.iter().map(|peer| self.peer(peer).map(Expr::new)).collect();
                    cloud.nest("ssh_from", Expr::array(peers?));
                }
                "public_addresses" => cloud.each("public_address", node)?,
                "hosts" => cloud.named("host", node, host)?,
                "networks" => cloud.named("network", node, |name, map| self.network(name, map))?,
                "machines" => cloud.named("machine", node, |name, map| self.machine(name, map))?,
                "clusters" => cloud.named("cluster", node, cluster::cluster)?,
                "roles" => self.1.of_cloud.iter().for_each(|role| cloud.call("role", role.clone())),
                "accept" => {
                    for accept in list(node)? {
                        let accept = self::map(accept)?;
                        let (kind, reason) =
                            (literal(needed(accept, "kind")?)?, literal(needed(accept, "reason")?)?);
                        cloud.call("accept", format!("{kind}, {reason}"));
                    }
                }
                _ => cloud.plain(key, node)?,
            }
        }
        Ok(cloud)
    }

    fn peer(&self, node: &Node<'_>) -> Result<String, Unsaid> {
        let Value::Map(map) = &node.value else { return variant("Peer", node) };
        let Some(Member { key, node, .. }) = map.iter().next() else {
            return Err("a peer of no kind".to_owned());
        };
        Ok(match key.as_ref() {
            "network" => format!("Peer::network({})", self.network_name(node)?),
            "role" | "subnet-of-role" => {
                let group = self::map(node)?;
                let peer = format!("Peer::{}({})", key.replace('-', "_"), literal(needed(group, "kind")?)?);
                match group.get("instance") {
                    Some(instance) => format!("{peer}.of({})", literal(&instance.node)?),
                    None => peer,
                }
            }
            "inside" => {
                let inside = self::map(node)?;
                let interfaces = array(list(needed(inside, "interfaces")?)?)?;
                format!("Peer::inside({interfaces}, {})", literal(needed(inside, "subnet")?)?)
            }
            _ => format!("Peer::{key}({})", literal(node)?),
        })
    }

    fn network_name(&self, node: &Node<'_>) -> Result<String, Unsaid> {
        self.0.get(text(node)?).cloned().map_or_else(|| literal(node), Ok)
    }

    fn network(&self, name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
        let name = self.0.get(name).cloned().unwrap_or_else(|| quoted(name));
        let mode = needed(map, "mode")?;
        let (subnet, bridge) = (map.get("subnet"), map.get("bridge"));
        let (head, done) = match (text(mode)?, subnet, bridge) {
            ("bridge", _, Some(bridge)) => {
                (format!("Network::bridge({name}, {})", literal(&bridge.node)?), "bridge")
            }
            (kind @ ("nat" | "routed" | "open" | "isolated"), Some(subnet), _) => {
                (format!("Network::{kind}({name}, {})", literal(&subnet.node)?), "subnet")
            }
            _ => (format!("Network::new({name}, {})", variant("NetworkMode", mode)?), "mode"),
        };
        let mut network = Expr::new(head);
        for Member { key, node, .. } in rest(map, &["mode", done]) {
            match key.as_ref() {
                "bridge" => network.call("bridge_name", literal(node)?),
                "reservations" => {
                    for reservation in list(node)? {
                        let map = self::map(reservation)?;
                        let (mac, address) =
                            (literal(needed(map, "mac")?)?, literal(needed(map, "address")?)?);
                        let mut reservation = Expr::new(format!("Reservation::new({mac}, {address})"));
                        reservation.plains(rest(map, &["mac", "address"]))?;
                        network.nest("reservation", reservation);
                    }
                }
                _ => network.plain(key, node)?,
            }
        }
        Ok(network)
    }

    fn machine(&self, name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
        let mut machine =
            Expr::with_two("Machine::new", quoted(name), image(self::map(needed(map, "image")?)?)?);
        for Member { key, node, .. } in rest(map, &["image"]) {
            match key.as_ref() {
                "memory" => machine.call("memory", size(node)?),
                "root_disk" => match &node.value {
                    Value::Map(root) => machine.call(
                        "root",
                        format!("Root::new({}){}", size(needed(root, "size")?)?, fully_allocated(root)),
                    ),
                    _ => machine.call("root_disk", size(node)?),
                },
                "disks" => machine.named("disk", node, disk)?,
                "interfaces" => {
                    for node in list(node)? {
                        machine.nest("interface", self.interface(self::map(node)?)?);
                    }
                }
                "power" => machine.call("power", variant("Power", node)?),
                "shutdown" => machine.call("shutdown", shutdown(self::map(node)?)?),
                "ready" => machine.nest("ready", ready(self::map(node)?)?),
                "guest" => guest(self::map(node)?, &mut machine)?,
                "accept" => {
                    for opening in list(node)? {
                        let opening = self::map(opening)?;
                        let peer = self.peer(needed(opening, "from")?)?;
                        machine.call("accept", format!("{}, {peer}", service(needed(opening, "service")?)?));
                    }
                }
                "roles" => {
                    for role in self.1.of_machines.get(name).into_iter().flatten() {
                        machine.call("role", role.clone());
                    }
                }
                "labels" => machine.each("label", node)?,
                "taints" => machine.each("taint", node)?,
                _ => machine.plain(key, node)?,
            }
        }
        Ok(machine)
    }

    fn interface(&self, map: &Members<'_>) -> Result<Expr, Unsaid> {
        let mut interface =
            Expr::new(format!("Interface::on({})", self.network_name(needed(map, "network")?)?));
        for Member { key, node, .. } in rest(map, &["network"]) {
            match key.as_ref() {
                "address6" | "reserved6" => {
                    let said = key.trim_end_matches('6');
                    let given = text(node)?;
                    if given.parse::<std::net::Ipv6Addr>().is_err() {
                        return Err(format!("`{key}` is no IPv6 address, which no setter takes for one"));
                    }
                    interface.call(said, quoted(given));
                }
                _ => interface.plain(key, node)?,
            }
        }
        Ok(interface)
    }
}

/// What is not thin, which is never written, is full.
fn fully_allocated(map: &Members<'_>) -> &'static str {
    if map.get("allocation").is_some() { ".fully_allocated()" } else { "" }
}

fn shutdown(map: &Members<'_>) -> Result<String, Unsaid> {
    let grace = text(needed(map, "grace")?)?.trim_end_matches('s').to_owned();
    let forces = map.get("force").is_none();
    Ok(format!("Shutdown::{}({grace})", if forces { "grace" } else { "never_force" }))
}

fn ready(map: &Members<'_>) -> Result<Expr, Unsaid> {
    let signal = needed(map, "signal")?;
    let mut ready = Expr::new(match &signal.value {
        Value::Map(signal) => format!("Ready::tcp({})", literal(needed(signal, "tcp")?)?),
        _ => format!("Ready::{}()", text(signal)?),
    });
    ready.plains(rest(map, &["signal"]))?;
    Ok(ready)
}

impl Expr {
    /// A setter of the key's own name, for a scalar or a list of scalars.
    fn plain(&mut self, key: &str, node: &Node<'_>) -> Result<(), Unsaid> {
        let argument = match &node.value {
            Value::List(values) => array(values)?,
            Value::Map(_) | Value::Null => return Err(format!("`{key}`, {}", node.what())),
            _ => literal(node)?,
        };
        self.call(key, argument);
        Ok(())
    }

    fn plains<'a, 'b: 'a>(&mut self, members: impl Iterator<Item = &'a Member<'b>>) -> Result<(), Unsaid> {
        for Member { key, node, .. } in members {
            self.plain(key, node)?;
        }
        Ok(())
    }

    /// A setter for each of a list.
    fn each(&mut self, setter: &str, node: &Node<'_>) -> Result<(), Unsaid> {
        for node in list(node)? {
            self.call(setter, literal(node)?);
        }
        Ok(())
    }

    /// A setter for each of a map by name.
    fn named(
        &mut self,
        setter: &str,
        node: &Node<'_>,
        value: impl Fn(&str, &Members<'_>) -> Result<Expr, Unsaid>,
    ) -> Result<(), Unsaid> {
        for Member { key, node, .. } in map(node)?.iter() {
            self.nest(setter, value(key, map(node)?)?);
        }
        Ok(())
    }
}
