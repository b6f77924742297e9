//! A shell of root's on a host: here, or by OpenSSH as libvirt reaches the host.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::super::ssh::Jump;
use super::Failure;
use super::side::{Change, Seen};
use fmc_core::checked::Checked;
use fmc_core::host::NetworkDaemon;
use fmc_core::host_side::HostSide;

/// The functions that run on the host.
const SCRIPT: &str = include_str!("host.sh");

/// Ends a text within the script; no file of ours has such a line.
const END: &str = "FMC_END_OF_FILE";

/// Becomes root where a user may do so without a password.
const AS_ROOT: &str = "if [ \"$(id -u)\" = 0 ]; then exec sh -s; else exec sudo -n sh -s; fi";

/// A word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A host, and what is said to it before each verb.
pub(super) struct Remote<'a> {
    jump: Option<Jump>,
    side: &'a HostSide,
    script: String,
}

impl<'a> Remote<'a> {
    pub(super) fn of(
        uri: &str,
        checked: &Checked,
        side: &'a HostSide,
        undo_after: u32,
    ) -> Result<Self, Failure> {
        let host = &side.host;
        let jump = Jump::of(uri)?;
        let is_here = uri
            .split_once("://")
            .is_some_and(|(driver, rest)| matches!(driver, "qemu" | "qemu+unix") && rest.starts_with('/'));
        if jump.is_none() && !is_here {
            return Err(Failure::new(format!("{host} is reached by {uri}, which gives no shell there"))
                .help(
                    "write the URI as qemu:///system for this computer, or as qemu+ssh://root@host/system",
                ));
        }
        let taken: Vec<String> = side
            .taken
            .iter()
            .map(|taken| format!("{}|{}|{}", taken.bridge, taken.interface, taken.address))
            .collect();
        let manager = match side.manager {
            Some(NetworkDaemon::Networkd) => "networkd",
            Some(NetworkDaemon::NetworkManager) => "network-manager",
            Some(_) | None => "",
        };
        let owner = checked.owner().as_str();
        let values = [
            ("owner", owner.to_owned()),
            ("prefix", side.prefix.clone()),
            ("mark", side.mark.clone()),
            ("manager", manager.to_owned()),
            ("undo_after", undo_after.to_string()),
            ("taken", taken.join(" ")),
            ("links", side.links.join(" ")),
            ("unit", side.unit.clone().unwrap_or_default()),
            ("table", format!("fmc_{}", owner.replace('-', "_"))),
        ];
        let mut script = String::new();
        for (name, value) in values {
            script += &format!("{name}={}\n", quoted(&value));
        }
        script += SCRIPT;
        Ok(Self { jump, side, script })
    }

    /// Runs a verb in a connection of its own, and gives what it says.
    fn say(&self, verb: &str) -> Result<String, String> {
        let mut command = match &self.jump {
            Some(jump) => jump.command(),
            None => Command::new("sh"),
        };
        match &self.jump {
            Some(_) => command.arg(format!("sh -c {}", quoted(AS_ROOT))),
            None => command.arg("-s"),
        };
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = piped.map_err(|error| format!("failed to run a shell: {error}"))?;
        if let Some(mut input) = child.stdin.take() {
            // A shell that ends early says why itself.
            let _ = input.write_all(format!("{}\n{verb}\n", self.script).as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| format!("failed to run a shell: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() || said.lines().any(|line| line.starts_with("failed ")) {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&output.stderr);
        let last = why.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
        Err(format!("{} gives no shell of root's: {last}", self.side.host))
    }

    /// Looks at the host.
    pub(super) fn look(&self) -> Result<Seen, Failure> {
        let paths: Vec<String> = self.side.files.iter().map(|file| quoted(&file.path)).collect();
        let said = self.say(&format!("look {}", paths.join(" "))).map_err(Failure::new)?;
        Seen::read(&said)
            .ok_or_else(|| Failure::new(format!("{} did not say all of what is there", self.side.host)))
    }

    /// Starts the change, and before it the job that undoes it.
    pub(super) fn begin(&self, changes: &[Change]) -> Result<(), Failure> {
        let mut verb = "begin\n".to_owned();
        for (index, change) in changes.iter().enumerate() {
            let path = quoted(&change.path);
            let sum = change.old.as_ref().map_or("-", |(_, sum)| sum.as_str());
            match &change.new {
                Some(text) => {
                    verb += &format!("put {index} {path} {:o} {sum} <<'{END}'\n{text}{END}\n", change.mode);
                }
                None => verb += &format!("drop {index} {path} {sum}\n"),
            }
        }
        // The same functions, for the jobs.
        verb += &format!("go <<'{END}'\n{}\n\"$1\"\n{END}\n", self.script);
        let said = self.say(&verb).map_err(Failure::new)?;
        match said.lines().find_map(|line| line.strip_prefix("failed ")) {
            Some(why) => Err(Failure::new(format!("{}: {why}: nothing was done", self.side.host))),
            None if said.lines().any(|line| line == "begun") => Ok(()),
            None => Err(Failure::new(format!("{} did not begin: nothing was done", self.side.host))),
        }
    }

    /// Asks in a new connection whether all is well, and keeps the change if it is. The answer is a word of the script.
    pub(super) fn confirm(&self) -> Result<String, String> {
        let said = self.say("confirm")?;
        said.lines().last().map(str::to_owned).ok_or_else(|| format!("{} says nothing", self.side.host))
    }

    /// Undoes a change that is not confirmed.
    pub(super) fn undo(&self) -> Result<(), Failure> {
        self.say("undo").map(drop).map_err(Failure::new)
    }
}
