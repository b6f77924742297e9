//! What is on a host, and how it differs from what the cloud wants there.

use std::collections::BTreeMap;

use fmc_core::digest::hex;
use fmc_core::host::BridgeAddress;
use fmc_core::host_side::HostSide;
use sha2::{Digest as _, Sha256};

use super::Failure;

/// A file of ours on a host.
#[derive(Debug)]
pub(super) struct SeenFile {
    mode: String,
    sum: String,
    text: String,
}

/// What a look at a host found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: BTreeMap<String, SeenFile>,
    strangers: Vec<String>,
    /// The interfaces that are there, with their ports.
    links: BTreeMap<String, Vec<String>>,
    /// The IPv4 addresses of interfaces that bridges take, and whether DHCP gave them.
    addresses: Vec<(String, String, bool)>,
    /// Further routes by those interfaces.
    routes: Vec<(String, String)>,
    unmanaged: Vec<String>,
    ifupdown: Vec<String>,
    is_root: bool,
    is_running: bool,
    has_nft: bool,
    is_loaded: bool,
    is_pending: bool,
}

/// A change of a file.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) mode: u32,
    /// The text that is there, and its checksum.
    pub(super) old: Option<(String, String)>,
    /// The text that is wanted; `None` if the file goes.
    pub(super) new: Option<String>,
}

impl Seen {
    /// Reads the words of `look`; `None` if they are not whole.
    pub(super) fn read(said: &str) -> Option<Self> {
        let mut seen = Self::default();
        let mut last: Option<String> = None;
        let mut is_whole = false;
        for line in said.lines() {
            if let Some(content) = line.strip_prefix('|') {
                let file = seen.files.get_mut(last.as_ref()?)?;
                file.text.push_str(content);
                file.text.push('\n');
                continue;
            }
            let mut words = line.split(' ');
            let (verb, rest) = (words.next()?, words.collect::<Vec<_>>());
            match (verb, rest.as_slice()) {
                ("user", [id]) => seen.is_root = *id == "0",
                ("ours", [path, mode, sum]) => {
                    let file =
                        SeenFile { mode: (*mode).to_owned(), sum: (*sum).to_owned(), text: String::new() };
                    seen.files.insert((*path).to_owned(), file);
                    last = Some((*path).to_owned());
                }
                ("stranger", [path]) => seen.strangers.push((*path).to_owned()),
                ("address", [interface, address, kind]) => {
                    seen.addresses.push(((*interface).to_owned(), (*address).to_owned(), *kind == "dynamic"));
                }
                ("route", [interface, to]) => seen.routes.push(((*interface).to_owned(), (*to).to_owned())),
                ("unmanaged", [interface]) => seen.unmanaged.push((*interface).to_owned()),
                ("ifupdown", [interface]) => seen.ifupdown.push((*interface).to_owned()),
                ("link", [link, ports @ ..]) => {
                    let ports = ports.iter().filter(|port| !port.is_empty()).map(|port| (*port).to_owned());
                    seen.links.insert((*link).to_owned(), ports.collect());
                }
                ("running", []) => seen.is_running = true,
                ("nft", []) => seen.has_nft = true,
                ("loaded", []) => seen.is_loaded = true,
                ("pending", []) => seen.is_pending = true,
                ("looked", []) => is_whole = true,
                _ => {}
            }
        }
        is_whole.then_some(seen)
    }

    /// Whether the files are also in effect.
    pub(super) fn is_active(&self, side: &HostSide) -> bool {
        let ports = |bridge: &str| self.links.get(bridge).map_or(&[][..], Vec::as_slice);
        side.links.iter().all(|link| self.links.contains_key(link))
            && side.taken.iter().all(|taken| ports(&taken.bridge).contains(&taken.interface))
            && (side.unit.is_none() || self.is_loaded)
    }

    /// Refuses what could cut the host off, or take something of another's.
    pub(super) fn may_install(&self, side: &HostSide) -> Result<(), Failure> {
        let host = &side.host;
        let refused =
            |why: String, help: String| Err(Failure::new(format!("{why}: nothing was done")).help(help));
        if !self.is_root {
            let help = "run it as root, or name a user in the URI who may run `sudo -n sh`";
            return refused(format!("the network of {host} is root's to change"), help.to_owned());
        }
        if self.is_pending {
            return refused(
                format!("an installation on {host} is neither confirmed nor undone"),
                "wait until it undoes itself, or undo it with --undo".to_owned(),
            );
        }
        if side.unit.is_some() && !self.has_nft {
            return refused(
                format!("{host} has no /usr/sbin/nft"),
                "install the package nftables there".to_owned(),
            );
        }
        if side.taken.is_empty() {
            return Ok(());
        }
        if !self.is_running {
            let what = side.manager.map_or("its program", name);
            let help =
                format!("start it there, or say in `hosts.{host}.manager` what configures its network");
            return refused(format!("{what} does not run on {host}"), help);
        }
        for taken in &side.taken {
            self.may_take(side, taken)?;
        }
        let made = side.links.iter().filter(|link| self.links.contains_key(*link) && !self.makes(link));
        match made.min() {
            Some(link) => refused(
                format!("{host} has {link} already, and another hand made it"),
                format!(
                    "if it stays as it is, list it in `hosts.{host}.bridges` and leave it out of `uplinks`"
                ),
            ),
            None => Ok(()),
        }
    }

    fn may_take(&self, side: &HostSide, taken: &fmc_core::host_side::Taken) -> Result<(), Failure> {
        let (host, interface, bridge) = (&side.host, &taken.interface, &taken.bridge);
        let refused =
            |why: String, help: String| Err(Failure::new(format!("{why}: nothing was done")).help(help));
        if !self.links.contains_key(interface) {
            let help =
                format!("`ip link` there shows its interfaces: name one in `hosts.{host}.uplinks.{bridge}`");
            return refused(format!("{host} has no interface {interface}"), help);
        }
        let what = side.manager.map_or("its program", name);
        if self.ifupdown.contains(interface) {
            let help =
                format!("let {what} configure it first, or make {bridge} by hand and list it in `bridges`");
            return refused(
                format!("ifupdown configures {interface} of {host}, in /etc/network/interfaces"),
                help,
            );
        }
        if self.unmanaged.contains(interface) {
            let help = format!("let {what} configure it first: what it does not know it cannot give back");
            return refused(format!("{what} does not configure {interface} of {host}"), help);
        }
        if let Some((_, to)) = self.routes.iter().find(|(on, _)| on == interface) {
            return refused(
                format!("{interface} of {host} has a route to {to}, which {bridge} would not have"),
                format!(
                    "make {bridge} by hand and list it in `hosts.{host}.bridges`, or take the route away first"
                ),
            );
        }
        // The bridge has the interface's address once it is a port, so what is there now is another address.
        for (_, address, is_dynamic) in self.addresses.iter().filter(|(on, ..)| on == interface) {
            let is_kept = match taken.address {
                // Router advertisements give the bridge its addresses of IPv6.
                BridgeAddress::Dhcp | BridgeAddress::Static(_) if address.contains(':') => *is_dynamic,
                BridgeAddress::Dhcp => *is_dynamic,
                BridgeAddress::Static(own) => own.to_string() == *address,
                _ => false,
            };
            if !is_kept {
                let help = format!(
                    "write it as `hosts.{host}.uplinks.{bridge}.address`, or take it from {interface} first"
                );
                let how = if *is_dynamic { "by DHCP" } else { "fixed" };
                return refused(
                    format!(
                        "{interface} of {host} has the address {address} ({how}), and {bridge} gets `{}`: the host would lose it",
                        taken.address
                    ),
                    help,
                );
            }
        }
        Ok(())
    }

    /// Whether a file of ours makes an interface.
    fn makes(&self, link: &str) -> bool {
        let named = [format!("Name={link}"), format!("interface-name={link}")];
        let makes = |path: &str| path.ends_with(".netdev") || path.ends_with(".nmconnection");
        let files = self.files.iter().filter(|(path, _)| makes(path));
        files.flat_map(|(_, file)| file.text.lines()).any(|line| named.iter().any(|named| named == line))
    }
}

fn name(manager: fmc_core::host::NetworkDaemon) -> &'static str {
    match manager {
        fmc_core::host::NetworkDaemon::NetworkManager => "NetworkManager",
        _ => "systemd-networkd",
    }
}

/// The changes of files, sorted by path.
pub(super) fn changes(side: &HostSide, seen: &Seen) -> Result<Vec<Change>, Failure> {
    let host = &side.host;
    if let Some(path) = side.files.iter().map(|file| &file.path).find(|path| seen.strangers.contains(path)) {
        return Err(Failure::new(format!(
            "{path} is on {host} already, and it is not of this cloud: nothing was done"
        ))
        .help(format!(
            "look at it, and move it away if nothing needs it; the files of {} begin with `{}`",
            side.prefix, side.mark
        )));
    }
    let mut changes = Vec::new();
    for file in &side.files {
        let old = seen.files.get(&file.path);
        let is_same =
            old.is_some_and(|old| old.sum == sum(&file.text) && old.mode == format!("{:o}", file.mode));
        if !is_same {
            changes.push(Change {
                path: file.path.clone(),
                mode: file.mode,
                old: old.map(|old| (old.text.clone(), old.sum.clone())),
                new: Some(file.text.clone()),
            });
        }
    }
    for (path, old) in &seen.files {
        if side.files.iter().any(|file| file.path == *path) {
            continue;
        }
        in_use(side, seen, path, old)?;
        let old = Some((old.text.clone(), old.sum.clone()));
        changes.push(Change { path: path.clone(), mode: 0, old, new: None });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

/// Refuses to take a bridge from machines that are on it.
fn in_use(side: &HostSide, seen: &Seen, path: &str, old: &SeenFile) -> Result<(), Failure> {
    if !path.ends_with(".netdev") && !path.ends_with(".nmconnection") {
        return Ok(());
    }
    let mut lines = old.text.lines();
    let Some(link) =
        lines.find_map(|line| line.strip_prefix("Name=").or(line.strip_prefix("interface-name=")))
    else {
        return Ok(());
    };
    let ours = |port: &str| {
        seen.makes(port)
            || seen.files.values().any(|file| file.text.lines().any(|line| line == format!("Name={port}")))
    };
    let ports = seen.links.get(link).into_iter().flatten();
    let others: Vec<&str> = ports.map(String::as_str).filter(|port| !ours(port)).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} no longer needs {link}, but {} is on it: nothing was done",
        side.host,
        others.join(", ")
    ))
    .help("stop the machines on it, or move them to another network, and run it again"))
}

fn sum(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hex(&digest)
}

impl Change {
    /// The lines that go and those that come, in the order of the file.
    pub(super) fn diff(&self) -> Vec<String> {
        let old: Vec<&str> = self.old.iter().flat_map(|(text, _)| text.lines()).collect();
        let new: Vec<&str> = self.new.iter().flat_map(|text| text.lines()).collect();
        let (mut lines, mut at) = (Vec::new(), 0);
        for line in &new {
            match old.get(at..).and_then(|rest| rest.iter().position(|other| other == line)) {
                Some(skipped) => {
                    lines.extend(old.iter().skip(at).take(skipped).map(|gone| format!("- {gone}")));
                    at += skipped + 1;
                }
                None => lines.push(format!("+ {line}")),
            }
        }
        lines.extend(old.iter().skip(at).map(|gone| format!("- {gone}")));
        lines
    }
}
