//! `ssh` and `ssh-config`: access to machines with OpenSSH.
//!
//! A name cannot trick OpenSSH or a shell: names of machines, users and clouds have letters, digits and hyphens and begin
//! with a letter or a digit, addresses are printed from their values, and the jump host of a hypervisor's URI is checked
//! before it is used.

mod jump;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fmc_core::checked::{Checked, Forward, Machine};
use fmc_core::cloud::Cloud;
use fmc_core::given::Given;
use fmc_core::guest::checked::Contents;
use fmc_core::name::UserName;
use fmc_core::nearest::nearest;
use fmc_core::secret::{Derivation, SecretScope, Secrets as _};
use fmc_core::ssh::SshKey;
use fmc_keys::Keyring;

use super::args::Args;
use super::check;
use super::connect::{Access, World};
use super::failure::Failure;
use super::io::Io;
use super::{DONE, FAILED, plan, root_key, saved};
pub(super) use jump::Jump;

/// The settings of OpenSSH for a machine.
struct Door {
    machine: String,
    /// The name under which its host keys are stored: its address may belong to another machine tomorrow.
    alias: String,
    address: Option<IpAddr>,
    user: Option<String>,
    jump: Option<Jump>,
    /// Its host keys, if the cloud makes them.
    keys: Vec<SshKey>,
}

/// The derivations and keyrings that make the host keys of machines; no keyrings without a root key.
struct HostKeys {
    /// The derivation of each existing machine's secrets.
    made: BTreeMap<String, Derivation>,
    /// The derivation of others.
    others: Derivation,
    keyrings: Vec<(Derivation, Arc<Keyring>)>,
}

impl HostKeys {
    fn of(checked: &Checked, world: &World, args: &Args, io: &Io<'_>) -> Result<Self, Failure> {
        let (mut made, mut others) = (BTreeMap::new(), Derivation::default());
        let scope = |derivation| SecretScope::new(checked.owner().clone(), derivation);
        let first = root_key::keyring_if_given(
            || {
                (made, others) = plan::derivations(checked, world)?;
                Ok(scope(others))
            },
            args,
            io,
        )?;
        let mut keyrings: Vec<(Derivation, Arc<Keyring>)> =
            first.map(|first| (others, first)).into_iter().collect();
        let used: BTreeSet<Derivation> = made.values().copied().filter(|was| *was != others).collect();
        for derivation in used {
            let keyring = root_key::keyring_if_given(|| Ok(scope(derivation)), args, io)?;
            keyrings.extend(keyring.map(|keyring| (derivation, keyring)));
        }
        Ok(Self { made, others, keyrings })
    }

    fn of_machine(&self, machine: &Machine) -> Vec<SshKey> {
        let made = self.made.get(machine.name.as_str()).copied().unwrap_or(self.others);
        let keyring = self.keyrings.iter().find(|(derivation, _)| *derivation == made);
        host_keys(machine, keyring.map(|(_, keyring)| &**keyring))
    }
}

/// `ssh-config`: prints a block for each machine.
pub(super) fn config(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    let keys = HostKeys::of(&checked, &world, args, io)?;
    let doors: Vec<Door> = checked
        .machines()
        .iter()
        .map(|machine| Door::of(&checked, machine, &world, &keys))
        .collect::<Result<_, _>>()?;
    let known_hosts = known_hosts(&checked, &doors, &keys, io)?;
    io.out(written(&checked, &doors, known_hosts.as_deref()))?;
    Ok(DONE)
}

/// `ssh`: runs OpenSSH.
pub(super) fn run(
    cloud: &Cloud,
    to: &str,
    command: &[String],
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let (user, name) = match to.split_once('@') {
        Some((user, name)) => (Some(user_name(user)?), name),
        None => (None, to),
    };
    let machine = machine(&checked, name)?;
    let world = World::connect(&checked, args, io, Access::Look)?;
    if world.is_simulation() {
        return Err(Failure::new(format!("nothing answers ssh in a simulation, {}", world.place()))
            .help("say where the machines are: --connect hosts"));
    }
    let keys = HostKeys::of(&checked, &world, args, io)?;
    let mut door = Door::of(&checked, machine, &world, &keys)?;
    door.user = user.or(door.user);
    if door.address.is_none() {
        return Err(Failure::new(format!("{name} has no address that is known here")).help(
            "it has neither a static address, nor a lease of libvirt's, nor an entry in its host's neighbour table: is it up?",
        ));
    }
    let known_hosts = known_hosts(&checked, std::slice::from_ref(&door), &keys, io)?;
    let mut ssh = Command::new("ssh");
    ssh.args(door.arguments(known_hosts.as_deref())).args(command);
    let status = ssh.status().map_err(|error| {
        Failure::new(format!("failed to run ssh: {error}")).help("is OpenSSH's client installed?")
    })?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}

/// A machine of the cloud by its name.
pub(super) fn machine<'a>(checked: &'a Checked, name: &str) -> Result<&'a Machine, Failure> {
    checked.machine(name).ok_or_else(|| {
        let failure = Failure::usage(format!("the cloud has no machine `{name}`"));
        match nearest(name, checked.machines().iter().map(|machine| machine.name.as_str())) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("`status` shows its machines"),
        }
    })
}

fn user_name(user: &str) -> Result<String, Failure> {
    match Given::<UserName>::text(user) {
        Given::Right(user) => Ok(user.to_string()),
        Given::Wrong { text, why, .. } => Err(Failure::usage(format!("{text:?} is not a user name: {why}"))),
    }
}

impl Door {
    fn of(checked: &Checked, machine: &Machine, world: &World, keys: &HostKeys) -> Result<Self, Failure> {
        let host = checked.at(machine.host);
        let found = world.address(checked, machine);
        let uri = host.and_then(|host| world.uri(&host.name)).unwrap_or_default();
        let forward = found.and_then(|(_, network)| checked.at(network)).map(|network| network.forward);
        let jump = match forward {
            // A machine on the host's own LAN is reached like the host.
            None | Some(Forward::Bridge) => None,
            Some(_) => Jump::of(uri)?,
        };
        let users = &machine.guest.users;
        let user = users.iter().find(|user| !user.keys.is_empty()).or(users.first());
        Ok(Self {
            machine: machine.name.to_string(),
            alias: format!("{}.{}", machine.name, checked.owner()),
            address: found.map(|(address, _)| address),
            user: user.map(|user| user.name.to_string()),
            jump,
            keys: keys.of_machine(machine),
        })
    }

    /// The options of OpenSSH, as in `ssh_config(5)`.
    fn options(&self, known_hosts: Option<&Path>) -> Vec<(&'static str, String)> {
        let mut options = Vec::new();
        options.extend(self.address.map(|address| ("HostName", address.to_string())));
        options.extend(self.user.clone().map(|user| ("User", user)));
        options.extend(self.jump.as_ref().map(Jump::option));
        options.push(("HostKeyAlias", self.alias.clone()));
        if let Some(file) = known_hosts.filter(|_| !self.keys.is_empty()) {
            options.push(("UserKnownHostsFile", quoted(&file.display().to_string())));
            options.push(("GlobalKnownHostsFile", "none".to_owned()));
            options.push(("StrictHostKeyChecking", "yes".to_owned()));
        }
        options
    }

    /// The arguments of `ssh`, the machine's name last.
    fn arguments(&self, known_hosts: Option<&Path>) -> Vec<String> {
        let options = self.options(known_hosts).into_iter();
        let mut arguments: Vec<String> =
            options.flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={value}")]).collect();
        arguments.extend(["--".to_owned(), self.machine.clone()]);
        arguments
    }
}

/// The text of an OpenSSH configuration.
fn written(checked: &Checked, doors: &[Door], known_hosts: Option<&Path>) -> String {
    let mut text = format!("# The machines of {} ({}).\n", checked.name(), checked.owner());
    for door in doors {
        let name = &door.machine;
        if door.address.is_none() {
            let _ = writeln!(text, "\n# {name} has no address that is known yet.");
            continue;
        }
        let _ = writeln!(text, "\nHost {name}");
        for (option, value) in door.options(known_hosts) {
            let _ = writeln!(text, "  {option} {value}");
        }
    }
    text
}

/// Writes the host keys that the cloud makes into `OWNER.known_hosts`, and returns its path if there are any.
fn known_hosts(
    checked: &Checked,
    doors: &[Door],
    keys: &HostKeys,
    io: &Io<'_>,
) -> Result<Option<PathBuf>, Failure> {
    // The file has the keys of all machines, because it belongs to the cloud.
    if doors.iter().all(|door| door.keys.is_empty()) {
        return Ok(None);
    }
    let mut text = String::new();
    for machine in checked.machines() {
        for key in keys.of_machine(machine) {
            let _ =
                writeln!(text, "{}.{} {} {}", machine.name, checked.owner(), key.algorithm(), key.base64());
        }
    }
    let name = format!("{}.known_hosts", checked.owner());
    let file = std::path::absolute(io.folder.join(&name))
        .map_err(|error| Failure::new(format!("failed to find the current folder: {error}")))?;
    // OpenSSH takes `%` for a token, and a path cannot have a quote or a line break.
    if file.display().to_string().contains(['%', '"', '\n', '\\', '$']) {
        let message = format!("OpenSSH cannot be told of the file {}", file.display());
        return Err(
            Failure::new(message).help("run it in a folder without %, $, quotes and backslashes in its path")
        );
    }
    if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
        // It is moved to its place, so that a link there is replaced and not followed.
        let written = saved::replace(&file, text.as_bytes());
        written.map_err(|error| Failure::new(format!("failed to write {}: {error}", file.display())))?;
    }
    Ok(Some(file))
}

/// The public host keys in a machine's files, `/etc/ssh/ssh_host_*_key.pub`.
fn host_keys(machine: &Machine, keyring: Option<&Keyring>) -> Vec<SshKey> {
    let files = machine.guest.files.iter().filter(|file| {
        let name = file.path.as_str().strip_prefix("/etc/ssh/ssh_host_");
        name.is_some_and(|name| name.ends_with("_key.pub") && !name.contains('/'))
    });
    let keys = files.filter_map(|file| match &file.contents {
        Contents::Text(text) => Given::<SshKey>::text(text.trim()).ok().cloned(),
        Contents::Secret(secret) if secret.needs_root_key() => {
            let line = keyring?.bytes(secret).ok()?;
            Given::<SshKey>::text(std::str::from_utf8(line.expose()).ok()?.trim()).ok().cloned()
        }
        Contents::Secret(_) | Contents::Parts(_) | Contents::Remote { .. } => None,
    });
    keys.collect()
}

fn quoted(path: &str) -> String {
    if path.contains(' ') { format!("\"{path}\"") } else { path.to_owned() }
}

#[cfg(test)]
mod tests;
