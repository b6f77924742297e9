//! `--connect`: the hypervisor of each host, simulated or real.

mod empty;
mod further;
mod pace;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use fmc_core::checked::{self, Checked, Idx, Machine};
use fmc_core::host::LibvirtUri;
use fmc_core::name::HostName;
use fmc_core::nearest::nearest;
use fmc_core::provider::AnyRoom;
use fmc_core::secret::{RootKeyCheck, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_keys::Keyring;

use self::pace::Pace;
use super::args::Args;
use super::failure::Failure;
use super::images;
use super::io::Io;
use super::root_key;
use crate::files::Files;
use crate::providers::{ConnectError, Providers, Saver, SimFile};
use crate::secrets::Local;
use crate::sim::StandIns;

/// The access of a command to the hypervisors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Look.
    Look,
    /// Change them, as this command.
    Act(&'static str),
}

/// The hypervisors of a cloud.
pub(super) struct World {
    pub(super) providers: Providers,
    /// The URI of each host, as the user wrote it.
    pub(super) on: Vec<(HostName, String)>,
    files: Vec<SimFile>,
    /// Simulations of the program's own providers, each with its file.
    kept: Vec<(PathBuf, AnyRoom)>,
    pace: Pace,
    is_simulation: bool,
}

/// A simulation is saved after each step of a plan with no more steps.
const FEW: usize = 500;

#[derive(Clone)]
enum Target {
    Sim(PathBuf),
    Libvirt(String),
}

/// The secrets of a simulation are stand-ins. The root key, if one is given, is told from another one as on a real host.
struct Simulated(Option<Arc<Keyring>>);

impl Secrets for Simulated {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        StandIns.bytes(secret)
    }

    fn root_key_check(&self) -> Option<RootKeyCheck> {
        self.0.as_ref()?.root_key_check()
    }
}

impl World {
    /// Connects to every host of the cloud.
    pub(super) fn connect(
        checked: &Checked,
        args: &Args,
        io: &mut Io<'_>,
        access: Access,
    ) -> Result<Self, Failure> {
        let targets = targets(checked, &args.connect)?;
        empty::say(checked, &targets, args, io);
        if targets.is_empty() && args.providers.is_empty() {
            // Without a host there is nothing to read, but the cloud's objects may still be on a host that it no longer names.
            return Err(Failure::new("the cloud names no host: nothing was looked at, and nothing was done").help(
                "name the host of the cloud, as `hosts: {local: {}}`; to take away what is there, name it and leave out the machines",
            ));
        }
        let is_simulation = targets.values().all(|target| matches!(target, Target::Sim(_)));
        // The person who runs the command can read these files anyway.
        let files = Files::anywhere(&io.folder);
        // A key that cannot be read is said where it is needed.
        let key = root_key::keyring_if_given(|| Ok(checked.secret_scope()), args, io).ok().flatten();
        let mut world = Self {
            providers: if is_simulation {
                Providers::new().secrets(Arc::new(Simulated(key))).images_of_a_simulation(files)
            } else {
                let own = Local::anywhere(args.folder(io), Arc::clone(&io.environment));
                let secrets: Arc<dyn Secrets + Send + Sync> = match key {
                    Some(keyring) => keyring,
                    None => Arc::new(own),
                };
                let providers = Providers::new().secrets(secrets).images_in(images::folder(io), files);
                let administrator = root_key::administrator(args, io).ok().flatten();
                administrator.into_iter().fold(providers, |all, one| all.kubeconfigs(Arc::new(one)))
            },
            on: Vec::new(),
            files: Vec::new(),
            kept: Vec::new(),
            pace: Pace::new(),
            is_simulation,
        };
        let mut failures = Vec::new();
        let beside_this = further::simulation(checked, &targets, args);
        for (host, target) in targets {
            let shown = match target {
                Target::Sim(file) => {
                    world.simulated(&host, &io.folder.join(&file), access)?;
                    format!("sim:{}", file.display())
                }
                Target::Libvirt(uri) => {
                    let (providers, connected) = world.providers.connected(host.clone(), &uri);
                    world.providers = providers;
                    if let Err(error) = connected {
                        let is_fatal = matches!(error, ConnectError::WithoutLibvirt { .. });
                        let failure = not_connected(&host, error);
                        // No apply of this program can reach the host, so it is not put off.
                        if is_fatal {
                            return Err(failure);
                        }
                        failures.push(failure);
                    }
                    uri
                }
            };
            world.on.push((host, shown));
        }
        // If one host of several does not answer, its objects are deferred. If none does, there is nothing to read.
        if args.providers.is_empty()
            && failures.len() == world.on.len()
            && let Some(first) = failures.into_iter().next()
        {
            return Err(first);
        }
        for provider in args.further() {
            world.join(&provider, &io.folder.join(&beside_this), access)?;
        }
        Ok(world)
    }

    /// Uses these keys to fill in secrets.
    pub(super) fn fill_from(&mut self, keyring: Arc<Keyring>) {
        self.providers = std::mem::take(&mut self.providers).secrets(keyring);
    }

    /// Whether the cloud is on more than one host.
    pub(super) fn has_several_hosts(&self) -> bool {
        self.on.len() > 1
    }

    /// Whether no host is real.
    pub(super) fn is_simulation(&self) -> bool {
        self.is_simulation
    }

    /// The first address of a machine: from the cloud, or else as its host has learnt it.
    pub(super) fn address(
        &self,
        checked: &Checked,
        machine: &Machine,
    ) -> Option<(IpAddr, Idx<checked::Network>)> {
        self.providers.rooms().addresses(checked, machine).into_iter().next()
    }

    /// The last recorded lines of a machine's serial console.
    pub(super) fn console(
        &self,
        checked: &Checked,
        machine: &Machine,
        lines: usize,
    ) -> Result<Vec<String>, Failure> {
        let kept = self.providers.rooms().console(checked, machine, lines).map_err(Failure::to)?;
        kept.ok_or_else(|| Failure::new(format!("the host of {} is not connected", machine.name)))
    }

    /// The URI of a host, as the user named it.
    pub(super) fn uri(&self, host: &HostName) -> Option<&str> {
        self.on.iter().find(|(name, _)| name == host).map(|(_, uri)| uri.as_str())
    }

    /// The hypervisors in a few words.
    pub(super) fn place(&self) -> String {
        match self.on.as_slice() {
            [(_, uri)] => uri.clone(),
            several => {
                let each: Vec<String> = several.iter().map(|(host, uri)| format!("{host}={uri}")).collect();
                each.join(", ")
            }
        }
    }

    /// Saves the simulations.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        let begins = Instant::now();
        self.files.iter().try_for_each(|file| file.save().map_err(Failure::to))?;
        for (file, provider) in &self.kept {
            further::keep(file, provider)
                .map_err(|error| Failure::new(format!("failed to write {}: {error}", file.display())))?;
        }
        self.pace.saved(begins, Instant::now());
        Ok(())
    }

    /// Saves what is simulated for the last time, from any thread.
    pub(super) fn last_save(&self) -> Arc<dyn Fn() + Send + Sync> {
        let savers: Vec<Saver> = self.files.iter().map(SimFile::saver).collect();
        let kept = self.kept.clone();
        Arc::new(move || {
            // The process ends: nobody is left to tell that a file could not be written.
            savers.iter().for_each(|saver| drop(saver.save_last()));
            kept.iter().for_each(|(file, provider)| drop(further::keep(file, provider)));
        })
    }

    /// Saves the simulations after a step of a plan with so many: always if they are few, so that a step that is reported as
    /// done is in the file however the process ends; else now and then.
    pub(super) fn save_step(&mut self, steps: usize) -> Result<(), Failure> {
        if self.files.is_empty() && self.kept.is_empty() {
            return Ok(());
        }
        if self.pace.is_due(Instant::now()) {
            return self.save();
        }
        if steps > FEW {
            return Ok(());
        }
        self.files.iter().try_for_each(|file| file.save_unsynced().map_err(Failure::to))
    }

    /// Adds the simulation of a host from its file.
    fn simulated(&mut self, host: &HostName, path: &Path, access: Access) -> Result<(), Failure> {
        // An apply could not save it, so a plan does not begin with it either.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let message =
                format!("the simulation {} cannot be kept: there is no such folder", path.display());
            return Err(Failure::new(message)
                .help(format!("make the folder {}, or name another file", folder.display())));
        }
        let sim = match access {
            Access::Look => SimFile::look(path).map_err(Failure::to)?,
            Access::Act(command) => {
                let holder = format!("process {}, {command}", std::process::id());
                let file = SimFile::open(path, &holder).map_err(Failure::to)?;
                let sim = file.sim().clone();
                self.files.push(file);
                sim
            }
        };
        self.providers = std::mem::take(&mut self.providers).host(host.clone(), sim);
        Ok(())
    }
}

/// The URI of a host of the cloud; `None` for a simulation.
pub(super) fn uri_of(checked: &Checked, host: &HostName, args: &Args) -> Result<Option<String>, Failure> {
    Ok(match targets(checked, &args.connect)?.remove(host) {
        Some(Target::Libvirt(uri)) => Some(uri),
        Some(Target::Sim(_)) | None => None,
    })
}

/// The hypervisor of each host of the cloud, and of each former host that `--connect` names so that it is cleared.
fn targets(checked: &Checked, connect: &[String]) -> Result<BTreeMap<HostName, Target>, Failure> {
    let mut named: BTreeMap<HostName, Target> = BTreeMap::new();
    let mut former: BTreeMap<HostName, Target> = BTreeMap::new();
    let mut rest: Option<&str> = None;
    for text in connect {
        match host_and_uri(text) {
            Some((host, uri)) => {
                let name = known(checked, host).or_else(|unknown| host.parse().map_err(|_| unknown))?;
                let those = if checked.host(host).is_some() { &mut named } else { &mut former };
                if those.insert(name, target(uri)?).is_some() {
                    return Err(Failure::usage(format!("--connect says where {host} is more than once")));
                }
            }
            None => {
                if rest.replace(text).is_some() {
                    return Err(Failure::usage("--connect says more than once where the hosts are")
                        .help("name each host: --connect HOST=URI"));
                }
            }
        }
    }
    let default = format!("sim:{}", default(checked));
    // If some hosts are named, the others must not become simulations.
    let rest = rest.or_else(|| (named.is_empty() && former.is_empty()).then_some(default.as_str()));
    for host in checked.hosts() {
        if named.contains_key(&host.name) {
            continue;
        }
        // As long as a host of the cloud is not named, an unknown name is probably a typo.
        if rest.is_none()
            && let Some(wrong) = former.keys().next()
        {
            known(checked, wrong.as_str()).map_err(|failure| {
                failure.help(format!(
                    "to take away what is on a host that the cloud no longer has, say where its hosts are too: `--connect hosts` \
                     for each host's own URI, beside --connect {wrong}=URI"
                ))
            })?;
        }
        let found = target_of(host, checked, rest)?;
        named.insert(host.name.clone(), found);
    }
    named.append(&mut former);
    distinct(&named)?;
    Ok(named)
}

/// The hypervisor of a host that `--connect` does not name.
fn target_of(host: &checked::Host, checked: &Checked, rest: Option<&str>) -> Result<Target, Failure> {
    let many = checked.hosts().len() > 1;
    match rest {
        None => {
            let message = format!("--connect does not say where the host {} is", host.name);
            Err(Failure::usage(message).help(format!("add --connect {}={}", host.name, host.uri)))
        }
        Some("hosts") => Ok(Target::Libvirt(host.uri.to_string())),
        Some(uri) => match target(uri)? {
            Target::Sim(file) if many => Ok(Target::Sim(beside(&file, host.name.as_str()))),
            Target::Libvirt(uri) if many => {
                let names: Vec<&str> = checked.hosts().iter().map(|host| host.name.as_str()).collect();
                let message =
                    format!("--connect {uri} stands for the only host, and there are {}", names.len());
                Err(Failure::usage(message).help(format!(
                    "name the host, --connect HOST=URI, of {}; or --connect hosts for each host's own URI",
                    names.join(", ")
                )))
            }
            only => Ok(only),
        },
    }
}

/// Two hosts on one hypervisor would each take the other's objects for their own.
fn distinct(targets: &BTreeMap<HostName, Target>) -> Result<(), Failure> {
    let mut hosts: BTreeMap<String, &HostName> = BTreeMap::new();
    for (host, target) in targets {
        let (shown, what) = match target {
            Target::Sim(file) => {
                // `./a` and `a` are one file.
                let parts = file.components().filter(|part| *part != Component::CurDir);
                (format!("sim:{}", parts.collect::<PathBuf>().display()), "a simulation")
            }
            Target::Libvirt(uri) => (uri.clone(), "a hypervisor"),
        };
        if let Some(other) = hosts.insert(shown.clone(), host) {
            let message =
                format!("the hosts {other} and {host} are both {shown}: each host is {what} of its own");
            return Err(Failure::usage(message).help(match target {
                Target::Sim(file) => {
                    let own = beside(file, host.as_str());
                    format!("name another file for one of them, as --connect {host}=sim:{}", own.display())
                }
                Target::Libvirt(_) => "name one hypervisor for each, or make one host of the two".to_owned(),
            }));
        }
    }
    Ok(())
}

/// The file of a cloud's simulation, unless the user names another.
fn default(checked: &Checked) -> String {
    format!("{}.sim.json", checked.owner())
}

/// `HOST=URI`; a URI has a colon before any equals sign.
fn host_and_uri(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(host, _)| !host.contains(':'))
}

fn known(checked: &Checked, name: &str) -> Result<HostName, Failure> {
    if let Some(host) = checked.host(name) {
        return Ok(host.name.clone());
    }
    let names = || checked.hosts().iter().map(|host| host.name.as_str());
    let failure = Failure::usage(format!("--connect names a host that the cloud does not have: `{name}`"));
    Err(match nearest(name, names()) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("its hosts are {}", names().collect::<Vec<_>>().join(", "))),
    })
}

fn target(uri: &str) -> Result<Target, Failure> {
    match uri.strip_prefix("sim:") {
        Some("") => Err(Failure::usage("--connect sim: names no file").help("write sim:FILE")),
        Some(file) => Ok(Target::Sim(PathBuf::from(file))),
        None => match uri.parse::<LibvirtUri>() {
            Ok(uri) => Ok(Target::Libvirt(uri.to_string())),
            Err(error) => Err(Failure::usage(format!("--connect {uri}: {error}"))
                .help("write sim:FILE, a libvirt URI, HOST=URI or `hosts`")),
        },
    }
}

/// Each of several hosts has a file of its own: `first.sim.json` becomes `first.HOST.sim.json`.
fn beside(file: &Path, host: &str) -> PathBuf {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = [".sim.json", ".json"].into_iter().find(|ending| name.ends_with(ending)).unwrap_or_default();
    let stem = name.strip_suffix(ending).unwrap_or(&name);
    file.with_file_name(format!("{stem}.{host}{ending}"))
}

fn not_connected(host: &HostName, error: ConnectError) -> Failure {
    match error {
        ConnectError::WithoutLibvirt { .. } => Failure::to(error)
            .help(format!("the host {host} needs it"))
            .help("build it with `--features virt`, which needs libvirt's C library (Debian: libvirt-dev)")
            .help("or leave --connect out, for a simulation"),
        error => Failure::new(format!("the host {host} does not answer: failed to {error}")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    impl World {
        /// A world without hosts, which claims to be real.
        pub(crate) fn claims_to_be_real() -> Self {
            Self {
                providers: Providers::new(),
                on: vec![(HostName::literal("local"), "qemu:///system".to_owned())],
                files: Vec::new(),
                kept: Vec::new(),
                pace: Pace::new(),
                is_simulation: false,
            }
        }
    }

    #[test]
    fn each_of_several_hosts_has_a_file_of_its_own() {
        let host = HostName::literal("b");
        let cases = [
            ("first.sim.json", "first.b.sim.json"),
            ("x/world.json", "x/world.b.json"),
            ("world", "world.b"),
            ("/a/.json", "/a/.b.json"),
        ];
        for (file, own) in cases {
            assert_eq!(beside(Path::new(file), host.as_str()), Path::new(own));
        }
    }

    #[test]
    fn a_uri_with_parameters_names_no_host() {
        assert_eq!(host_and_uri("qemu+ssh://hv1/system?keyfile=k"), None);
        assert_eq!(
            host_and_uri("hv1=qemu+ssh://hv1/system?keyfile=k"),
            Some(("hv1", "qemu+ssh://hv1/system?keyfile=k"))
        );
    }
}
