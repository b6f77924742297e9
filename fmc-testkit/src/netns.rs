//! Hosts and networks in namespaces, for behaviour that only shows on a wire: reachability, addresses,
//! failover.
//!
//! A [`Lab`] is a router with bridges, as a libvirt host is for its routed networks, and hosts on those
//! bridges. Each host has its own interfaces, host name and processes, and its own layer over the machine's
//! `/etc`, `/opt`, `/srv`, `/usr` and `/var`. So a machine's files can be written to their real places
//! without a change to the machine that runs the tests. When the test ends in any way, the lab's first
//! process ends, and the kernel removes every process and interface in the lab.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::Refused;
use crate::program::{as_root, command, require_root, run, run_with_input};
use crate::tree::{self, EntryKind, or_panic, scratch};

pub use daemon::Daemon;
pub use probe::{Answer, Port, Probe};

mod daemon;
mod probe;

const LAB: &str = include_str!("netns/lab.sh");
const HOST: &str = include_str!("netns/host.sh");

/// The folders over which a host has a layer of its own.
const LAYERS: [&str; 5] = ["/etc", "/opt", "/srv", "/usr", "/var"];

/// The time limit of a command, unless the caller gives another.
const PATIENCE: Duration = Duration::from_secs(30);

/// A router, networks and hosts, for the time of a test. Several labs are isolated from each other.
///
/// ```
/// use fmc_testkit::netns::{Lab, Nic, Port};
///
/// let lab = Lab::start();
/// lab.network("cluster", "10.17.3.1/24");
/// lab.network("edge", "10.17.5.1/24");
/// lab.host("server", &[Nic::new("cluster", "10.17.3.11/24")]);
/// lab.host("client", &[Nic::new("edge", "10.17.5.20/24")]);
/// let _listener = lab.listen("server", &[Port::tcp(6443)]);
/// assert!(lab.reaches("client", "10.17.3.11", Port::tcp(6443)));
/// assert!(!lab.reaches("client", "10.17.3.11", Port::tcp(22)));
/// ```
pub struct Lab {
    init: Child,
    /// Held open: the lab ends when it closes.
    stays: Option<ChildStdin>,
    /// The first process's id, seen from outside.
    outside: String,
    folder: TempDir,
    built: Mutex<Built>,
    daemons: AtomicU32,
}

/// The parts of a lab so far.
#[derive(Default)]
struct Built {
    /// Each network's bridge, and the router's address on it, by the network's name.
    networks: BTreeMap<String, (String, Option<String>)>,
    /// The id, inside, of the process that holds a host's namespaces, by the host's name.
    hosts: BTreeMap<String, String>,
    cables: u32,
}

/// An interface of a host: a cable to a network's bridge.
#[derive(Clone, Debug)]
pub struct Nic {
    network: String,
    addresses: Vec<String>,
    name: Option<String>,
    mac: Option<String>,
}

impl Nic {
    /// An interface with its first address and the prefix length: `10.17.3.11/24`.
    pub fn new(network: impl Into<String>, address: impl Into<String>) -> Self {
        Self { network: network.into(), addresses: vec![address.into()], name: None, mac: None }
    }

    /// Adds an address, of either family.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Sets a name of at most 15 characters; the default is `eth0`, `eth1`…
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets a MAC; the default is a random one.
    #[must_use]
    pub fn mac(mut self, mac: impl Into<String>) -> Self {
        self.mac = Some(mac.into());
        self
    }
}

impl Lab {
    /// The name of the router: [`run`](Self::run) accepts it like a host. It has no layers, so nothing can be
    /// written to it.
    pub const ROUTER: &str = "router";

    /// Starts a lab that contains only the router.
    ///
    /// # Panics
    ///
    /// When this process is not root and `sudo -n` does not help, and when the kernel has no namespaces.
    #[must_use]
    #[expect(clippy::panic, reason = "what every test stands on")]
    pub fn start() -> Self {
        for needed in ["ip", "nsenter", "setsid", "timeout"] {
            let _ = command(needed);
        }
        require_root("hosts in namespaces");
        let mut unshare = as_root("unshare");
        unshare.args(["--mount", "--net", "--pid", "--fork", "sh", "-c", LAB, "lab.sh"]);
        let mut init =
            or_panic(unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn(), Path::new("unshare"));
        let mut outside = String::new();
        if let Some(said) = init.stdout.take() {
            or_panic(BufReader::new(said).read_line(&mut outside), Path::new("lab.sh"));
        }
        let stays = init.stdin.take();
        let outside = outside.trim().to_owned();
        if outside.is_empty() {
            panic!("the lab's first process ended: {:?}", init.wait());
        }
        let (built, daemons) = (Mutex::default(), AtomicU32::new(0));
        Self { init, stays, outside, folder: scratch(), built, daemons }
    }

    /// Adds a network, on which the router has an address with the prefix length: `10.17.3.1/24`. The router
    /// forwards between such networks.
    ///
    /// # Panics
    ///
    /// When the name is taken, and when the address is invalid.
    pub fn network(&self, name: &str, router: &str) {
        self.bridge(name, Some(router));
    }

    /// Adds a network without the router: it has no way out.
    ///
    /// # Panics
    ///
    /// When the name is taken.
    pub fn isolated(&self, name: &str) {
        self.bridge(name, None);
    }

    fn bridge(&self, name: &str, router: Option<&str>) {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!built.networks.contains_key(name), "the lab has a network {name} already");
        let bridge = format!("br{}", built.networks.len());
        // Without snooping, multicast is flooded, as on the wire that VRRP expects.
        let mut script = format!(
            "ip link add {bridge} type bridge forward_delay 0 mcast_snooping 0 && ip link set {bridge} up"
        );
        if let Some(address) = router {
            script += &format!(" && ip address add {address} dev {bridge} {}", nodad(address));
        }
        self.expect(Self::ROUTER, &script);
        built.networks.insert(name.to_owned(), (bridge, router.map(str::to_owned)));
    }

    /// Adds a host with interfaces in this order. Its default route of each family is by the router of the first
    /// network that has one.
    ///
    /// # Panics
    ///
    /// When the name is taken, and when a network does not exist or an address is invalid.
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn host(&self, name: &str, nics: &[Nic]) {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(name != Self::ROUTER && !built.hosts.contains_key(name), "the lab has a host {name} already");
        // The shell that starts the holder waits until the holder has written its id, reads the id, and
        // exits; the holder stays.
        let layers = LAYERS.join(" ");
        let make = "made=/run/made.$$; unshare --net --mount --uts sh -c \"$1\" host.sh \"$2\" \"$3\" >$made & \
                    while kill -0 $! && [ ! -s $made ]; do sleep 0.005; done; cat $made; rm $made";
        let mut making = self.enter(None);
        let said = run(making.args(["sh", "-c", make, "make", HOST, name, &layers])).success();
        let holder = said.unwrap_or_else(|refused| panic!("host {name}: {refused}")).trim().to_owned();
        assert!(!holder.is_empty(), "the host {name} could not be made");
        built.hosts.insert(name.to_owned(), holder.clone());

        let mut outside = Vec::new();
        let mut inside = Vec::new();
        let mut routed = Vec::new();
        for (index, nic) in nics.iter().enumerate() {
            let Some((bridge, router)) = built.networks.get(&nic.network) else {
                panic!("host {name}: the lab has no network {}", nic.network)
            };
            let (cable, eth) = (built.cables, nic.name.clone().unwrap_or_else(|| format!("eth{index}")));
            let mac = nic.mac.as_ref().map(|mac| format!(" address {mac}")).unwrap_or_default();
            outside.push(format!("ip link add v{cable} type veth peer name {eth}{mac} netns {holder}"));
            outside.push(format!("ip link set v{cable} master {bridge} up"));
            inside.push(format!("ip link set {eth} up"));
            for address in &nic.addresses {
                inside.push(format!("ip address add {address} dev {eth} {}", nodad(address)));
                let gateway = router.as_deref().and_then(|router| router.split('/').next());
                if let Some(gateway) = gateway.filter(|gateway| is_v6(gateway) == is_v6(address))
                    && !routed.contains(&is_v6(gateway))
                {
                    routed.push(is_v6(gateway));
                    inside.push(format!("ip route add default via {gateway} dev {eth}"));
                }
            }
            built.cables += 1;
        }
        drop(built);
        for (at, commands) in [(Self::ROUTER, outside), (name, inside)] {
            if !commands.is_empty() {
                self.expect(at, &commands.join(" && "));
            }
        }
    }

    /// A folder that this process and all hosts see.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of a host, owned by root, with a mode: `0o600`.
    ///
    /// # Panics
    ///
    /// When the path is in none of the layers, and when it cannot be written.
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn write(&self, host: &str, path: &str, contents: &str, mode: u32) {
        let is_own = LAYERS.iter().chain(&["/run"]).any(|layer| {
            path.strip_prefix(layer).is_some_and(|rest| rest.starts_with('/') && !rest.contains("/../"))
        });
        assert!(is_own && host != Self::ROUTER, "{host}: {path} is not of the lab's host alone");
        let script = "mkdir -p \"$(dirname \"$1\")\" && rm -f \"$1\" && umask 077 && cat >\"$1\" && chmod \"$2\" \"$1\"";
        let mut command = self.command(host, PATIENCE);
        command.args(["sh", "-c", script, "write", path, &format!("{mode:o}")]);
        if let Err(refused) = run_with_input(&mut command, contents).success() {
            panic!("{host}: {path}: {refused}");
        }
    }

    /// Writes all files below a folder into a host, with their modes, such as the tree of a machine's files.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write) does, and for a file that is not text.
    #[expect(clippy::panic, reason = "what the test stands on")]
    pub fn write_tree(&self, host: &str, folder: &Path) {
        for (path, entry) in tree::read(folder) {
            match (&entry.kind, entry.text()) {
                (_, Some(text)) => self.write(host, &path, text, entry.mode),
                (EntryKind::File(_), None) => panic!("{host}: {path} is no text"),
                _ => {}
            }
        }
    }

    /// Runs a program in a host, as root, for at most half a minute, and gives its standard output.
    ///
    /// # Errors
    ///
    /// The program's output when it fails or takes longer.
    pub fn run(&self, host: &str, words: &[&str]) -> Result<String, Refused> {
        self.run_for(host, PATIENCE, words)
    }

    /// Like [`run`](Self::run), with another time limit.
    ///
    /// # Errors
    ///
    /// The program's output when it fails or takes longer.
    pub fn run_for(&self, host: &str, most: Duration, words: &[&str]) -> Result<String, Refused> {
        run(self.command(host, most).args(words)).success().map_err(|refused| named(host, words, &refused))
    }

    /// Like [`run`](Self::run), with `input` on standard input.
    ///
    /// # Errors
    ///
    /// The program's output when it fails.
    pub fn run_with(&self, host: &str, words: &[&str], input: &str) -> Result<String, Refused> {
        let verdict = run_with_input(self.command(host, PATIENCE).args(words), input);
        verdict.success().map_err(|refused| named(host, words, &refused))
    }

    /// Loads firewall rules into a host, as `nft -f` does.
    ///
    /// # Errors
    ///
    /// nft's complaint; a warning counts.
    pub fn load_rules(&self, host: &str, ruleset: &str) -> Result<(), Refused> {
        let _ = command("nft");
        let mut nft = self.command(host, PATIENCE);
        run_with_input(nft.args(["nft", "-f", "-"]), ruleset).silent_success().map(drop)
    }

    /// Whether a host has an address now, on any interface, such as a VIP.
    ///
    /// # Panics
    ///
    /// When the host does not exist.
    #[must_use]
    pub fn has_address(&self, host: &str, address: &str) -> bool {
        let listed = self.expect(host, "ip -oneline address");
        listed.lines().any(|line| line.split_whitespace().any(|word| word.split('/').next() == Some(address)))
    }

    /// Pulls out a host's cables, or plugs them in again: the link is down on both ends.
    ///
    /// # Panics
    ///
    /// When the host does not exist.
    pub fn unplug(&self, host: &str, pulled: bool) {
        let state = if pulled { "down" } else { "up" };
        let script =
            format!("for link in $(ls /sys/class/net); do [ $link = lo ] || ip link set $link {state}; done");
        self.expect(host, &script);
    }

    /// Starts a program in a host that keeps running. It must stay in the foreground.
    ///
    /// # Panics
    ///
    /// When it cannot be started. [`Daemon::is_running`] tells whether it still runs.
    pub fn daemon(&self, host: &str, words: &[&str]) -> Daemon<'_> {
        let number = self.daemons.fetch_add(1, Ordering::Relaxed);
        Daemon::start(self, host, number, words)
    }

    #[expect(clippy::panic, reason = "a command that the lab takes for granted")]
    fn expect(&self, host: &str, script: &str) -> String {
        // The router's commands run while the state is locked, so this must not lock it again.
        let holder = if host == Self::ROUTER { None } else { Some(self.holder(host)) };
        run(self.enter(holder.as_deref()).args(["sh", "-c", script]))
            .success()
            .unwrap_or_else(|refused| panic!("{host}: {script}: {refused}"))
    }

    #[expect(clippy::panic, reason = "a mistake of the test")]
    fn holder(&self, host: &str) -> String {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.hosts.get(host).cloned().unwrap_or_else(|| panic!("the lab has no host {host}"))
    }

    /// A command that enters the lab, or a host by its holder's id; a program and its arguments are appended.
    fn enter(&self, holder: Option<&str>) -> Command {
        let mut command = as_root("nsenter");
        command.args(["--target", &self.outside, "--mount", "--net", "--pid", "--"]);
        if let Some(holder) = holder {
            command.args(into_host(holder));
        }
        command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
        command.env("LC_ALL", "C");
        command
    }

    /// Like [`enter`](Self::enter), with a time limit.
    fn command(&self, host: &str, most: Duration) -> Command {
        let mut command = self.enter(None);
        command.args(["timeout", "--kill-after=1", &format!("{:.3}", most.as_secs_f64())]);
        if host != Self::ROUTER {
            command.args(into_host(&self.holder(host)));
        }
        command
    }

    /// A file for a daemon's output, opened outside of the lab.
    fn log(&self, number: u32) -> (File, File, std::path::PathBuf) {
        let path = self.folder.path().join(format!("daemon.{number}.log"));
        let file = or_panic(File::create(&path), &path);
        let twice = or_panic(file.try_clone(), &path);
        (file, twice, path)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Closing its standard input ends the first process, and the kernel ends all others.
        drop(self.stays.take());
        let _ = self.init.wait();
    }
}

fn into_host(holder: &str) -> [&str; 7] {
    ["nsenter", "--target", holder, "--mount", "--net", "--uts", "--"]
}

fn named(host: &str, words: &[&str], refused: &Refused) -> Refused {
    Refused::new(format!("{host}: {}", words.first().unwrap_or(&"nothing")), refused.words())
}

fn is_v6(address: &str) -> bool {
    address.contains(':')
}

/// Without this flag, an IPv6 address is unusable in its first second.
fn nodad(address: &str) -> &'static str {
    if is_v6(address) { "nodad" } else { "" }
}

#[cfg(test)]
mod tests;
