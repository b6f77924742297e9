//! Providers beside those of hypervisors, and where their simulations are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use fmc_core::checked::Checked;
use fmc_core::name::HostName;
use fmc_core::provider::AnyRoom;

use super::super::args::Args;
use super::super::failure::Failure;
use super::super::saved;
use super::{Access, Target, World, beside, default, host_and_uri};

impl World {
    /// Adds a provider of the program's own, or its simulation if the hosts are simulated. Without one, a plan defers its objects.
    pub(super) fn join(&mut self, provider: &AnyRoom, file: &Path, access: Access) -> Result<(), Failure> {
        let mut joins = Some(provider.clone());
        if self.is_simulation {
            let file = beside(file, provider.name());
            let is_taken = |(_, place): &&(HostName, String)| {
                place
                    .strip_prefix("sim:")
                    .is_some_and(|of_host| Path::new(of_host).file_name() == file.file_name())
            };
            if let Some((host, _)) = self.on.iter().find(is_taken) {
                let message = format!(
                    "the simulation of the host {host} would have the file of that of {}, {}",
                    provider.name(),
                    file.display()
                );
                return Err(
                    Failure::new(message).help(format!("name another file: `--connect {host}=sim:FILE`"))
                );
            }
            let state = match fs::read_to_string(&file) {
                Ok(state) => Some(state),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    return Err(Failure::new(format!("failed to read {}: {error}", file.display())));
                }
            };
            joins = provider.simulation(state.as_deref()).map_err(|error| {
                Failure::new(format!("failed to read {}: {error}", file.display()))
                    .help("repair the file, or delete it: what is simulated there begins empty then")
            })?;
            self.kept.extend(joins.clone().filter(|_| access != Access::Look).map(|joins| (file, joins)));
        }
        let providers = std::mem::take(&mut self.providers);
        self.providers = match joins {
            Some(joins) => providers.with_any(joins),
            None => providers.absent(provider.clone(), "it has no simulation"),
        };
        Ok(())
    }
}

/// The file beside which the simulations of further providers are stored: that of the only host, or the one that is named for all.
pub(super) fn simulation(checked: &Checked, targets: &BTreeMap<HostName, Target>, args: &Args) -> PathBuf {
    if let [Target::Sim(file)] = targets.values().collect::<Vec<_>>().as_slice() {
        return file.clone();
    }
    let named = args.connect.iter().filter(|text| host_and_uri(text).is_none());
    let named = named.filter_map(|uri| uri.strip_prefix("sim:")).next();
    named.map_or_else(|| default(checked).into(), PathBuf::from)
}

/// Saves the simulation of a further provider. One in which nothing is has no file.
pub(super) fn keep(file: &Path, provider: &AnyRoom) -> io::Result<()> {
    match provider.simulated() {
        Some(state) => saved::replace(file, state.as_bytes()),
        None if file.exists() => fs::remove_file(file),
        None => Ok(()),
    }
}
