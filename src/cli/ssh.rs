//! `ssh` and `ssh-config`: access to machines with OpenSSH.
//!
//! [`Door::of`] says how a machine is reached, for every command: by its cloud's way in where it has one (a bastion), or else by its
//! hypervisor where only that reaches the machine's network.
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
    /// The TCP port, if it is not 22.
    port: Option<u16>,
    user: Option<String>,
    hop: Option<Hop>,
    /// Its host keys, if the cloud makes them.
    keys: Vec<SshKey>,
}

/// What comes before a machine on the way to it.
enum Hop {
    /// Its hypervisor.
    Host(Jump),
    /// The way in of its cloud, and the users who may go on from there.
    WayIn { door: Box<Door>, users: Vec<String> },
}

/// Where OpenSSH reads its options.
#[derive(Clone, Copy)]
enum Told {
    /// In a file with a block for each machine.
    File,
    /// In the arguments of a command.
    Arguments,
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
        let failure = Failure::new(format!("{name} has no address that is known here"));
        return Err(match &door.hop {
            Some(Hop::WayIn { door: before, .. }) => failure.help(format!(
                "{} forwards to addresses that the cloud states: give {name} a static or reserved one",
                before.machine
            )),
            _ => failure.help(
                "it has neither a static address, nor a lease of libvirt's, nor an entry in its host's neighbour table: is it up?",
            ),
        });
    }
    if let Some(Hop::WayIn { door: before, users }) = &door.hop
        && users.is_empty()
    {
        return Err(Failure::new(format!("{} lets nobody go on to {name}", before.machine))
            .help(format!("name {name} at a user of {}", before.machine)));
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
        let users = &machine.guest.users;
        let user = users.iter().find(|user| !user.keys.is_empty()).or(users.first());
        let own = Self {
            machine: machine.name.to_string(),
            alias: format!("{}.{}", machine.name, checked.owner()),
            address: None,
            port: None,
            user: user.map(|user| user.name.to_string()),
            hop: None,
            keys: keys.of_machine(machine),
        };
        let Some((way, before)) = checked.way_in().and_then(|way| Some((way, checked.at(way.machine)?)))
        else {
            return own.direct(checked, machine, world);
        };
        if before.name != machine.name {
            let at = checked.find::<Machine>(machine.name.as_str());
            let users = at.into_iter().flat_map(|at| way.users_to(at)).map(ToString::to_string).collect();
            let door = Box::new(Self::of(checked, before, world, keys)?);
            let address = way.address_of(checked, machine);
            return Ok(Self { address, hop: Some(Hop::WayIn { door, users }), ..own });
        }
        let user = way.users.first().map(|passage| passage.user.to_string());
        let own = Self { user: user.or(own.user.clone()), ..own };
        match way.dialled {
            Some((address, port)) => {
                Ok(Self { address: Some(address), port: (port != 22).then_some(port), ..own })
            }
            None => own.direct(checked, machine, world),
        }
    }

    /// The same without a way in: at the address that is known, by its hypervisor where only that reaches it.
    fn direct(self, checked: &Checked, machine: &Machine, world: &World) -> Result<Self, Failure> {
        let host = checked.at(machine.host);
        let found = world.address(checked, machine);
        let uri = host.and_then(|host| world.uri(&host.name)).unwrap_or_default();
        let forward = found.and_then(|(_, network)| checked.at(network)).map(|network| network.forward);
        let hop = match forward {
            // A machine on the host's own LAN is reached like the host.
            None | Some(Forward::Bridge) => None,
            Some(_) => Jump::of(uri)?.map(Hop::Host),
        };
        Ok(Self { address: found.map(|(address, _)| address), hop, ..self })
    }

    /// The options of OpenSSH, as in `ssh_config(5)`.
    fn options(&self, known_hosts: Option<&Path>, told: Told) -> Vec<(&'static str, String)> {
        let mut options = Vec::new();
        options.extend(self.address.map(|address| ("HostName", address.to_string())));
        options.extend(self.port.map(|port| ("Port", port.to_string())));
        options.extend(self.user.clone().map(|user| ("User", user)));
        options.extend(self.hop.as_ref().map(|hop| hop.option(self.user.as_deref(), known_hosts, told)));
        options.push(("HostKeyAlias", self.alias.clone()));
        if let Some(file) = known_hosts.filter(|_| !self.keys.is_empty()) {
            options.push(("UserKnownHostsFile", quoted(&file.display().to_string())));
            options.push(("GlobalKnownHostsFile", "none".to_owned()));
            options.push(("StrictHostKeyChecking", "yes".to_owned()));
        }
        options
    }

    /// Whether the cloud makes a host key on the way to the machine.
    fn has_keys(&self) -> bool {
        !self.keys.is_empty() || self.hop.as_ref().is_some_and(Hop::has_keys)
    }

    /// The arguments of `ssh`, the machine's name last.
    fn arguments(&self, known_hosts: Option<&Path>) -> Vec<String> {
        let options = self.options(known_hosts, Told::Arguments).into_iter();
        let mut arguments: Vec<String> =
            options.flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={value}")]).collect();
        arguments.extend(["--".to_owned(), self.machine.clone()]);
        arguments
    }
}

impl Hop {
    /// The option of OpenSSH's that goes by it, for a user of the machine behind it.
    fn option(&self, user: Option<&str>, known_hosts: Option<&Path>, told: Told) -> (&'static str, String) {
        let (door, users) = match self {
            Self::Host(jump) => return jump.option(),
            Self::WayIn { door, users } => (door, users),
        };
        let same = users.iter().find(|may| Some(may.as_str()) == user);
        let user = same.or(users.first()).or(door.user.as_ref());
        match told {
            // Its own block says the rest.
            Told::File => {
                let user = user.map(|user| format!("{user}@")).unwrap_or_default();
                ("ProxyJump", format!("{user}{}", door.machine))
            }
            // OpenSSH does not hand the options of a command to `ProxyJump`.
            Told::Arguments => {
                let options = door.options(known_hosts, told).into_iter();
                let own = options.filter(|(name, _)| *name != "User");
                let all = own.chain(user.map(|user| ("User", user.clone())));
                let options: String = all.map(|(name, value)| jump::shell_option(name, &value)).collect();
                ("ProxyCommand", format!("ssh{options} -W '[%h]:%p' -- {}", door.machine))
            }
        }
    }

    /// Whether the cloud makes the host keys of what comes before.
    fn has_keys(&self) -> bool {
        matches!(self, Self::WayIn { door, .. } if door.has_keys())
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
        for (option, value) in door.options(known_hosts, Told::File) {
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
    if !doors.iter().any(Door::has_keys) {
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
