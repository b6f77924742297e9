//! Servers in memory: the strict server of the tests, asked without a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fmc_core::dns::IpaCredentials;
use fmc_core::provider::SimulationError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::document::Access;
use super::link::IpaLink;
use super::{Ipa, NAME};
use crate::client::batch::{items, read_results};
use crate::client::{API_VERSION, Answer, IpaCall, IpaError, Refusal};
use crate::server::{IpaAccount, IpaDirectory, LocalServer};

/// Servers in memory, by name.
#[derive(Clone, Default)]
pub(super) struct Simulated(Arc<Mutex<BTreeMap<String, Arc<Server>>>>);

/// A server in memory.
struct Server {
    /// Whether it answers. One on a machine of the cloud does not the first time: the machine boots.
    is_up: Mutex<bool>,
    server: LocalServer,
}

/// A server as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: IpaDirectory,
}

impl Simulated {
    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Server>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn server(&self, access: &Access) -> Arc<dyn IpaLink> {
        let new = || {
            let fqdn = access.fqdn.bare();
            let domain = fqdn.split_once('.').map_or(fqdn, |(_, domain)| domain);
            let user = IpaAccount::administrator("");
            let login = match &access.login.credentials {
                IpaCredentials::Password { user, .. } => user.as_str(),
                _ => "admin",
            };
            let directory = IpaDirectory::new(fqdn, domain).account(login, user).address(access.address);
            let is_up = Mutex::new(access.machine.is_none());
            Arc::new(Server { is_up, server: LocalServer::new(directory) })
        };
        let server: Arc<Server> = Arc::clone(self.servers().entry(access.name.clone()).or_insert_with(new));
        server
    }

    /// The servers that answered, as a text; `None` if none did.
    pub(super) fn state(&self) -> Option<String> {
        let servers = self.servers();
        let answered = servers.iter().filter(|(_, server)| server.is_up());
        let kept: BTreeMap<&String, Kept> =
            answered.map(|(name, server)| (name, Kept { directory: server.server.directory() })).collect();
        if kept.is_empty() { None } else { serde_json::to_string(&kept).ok() }
    }
}

impl Server {
    fn is_up(&self) -> bool {
        *self.is_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        let was_up = std::mem::replace(&mut *self.is_up.lock().unwrap_or_else(PoisonError::into_inner), true);
        if !was_up {
            return Err(IpaError::Connect { cause: "its machine, which starts".to_owned() });
        }
        let mut options = options;
        options.entry("version").or_insert_with(|| json!(API_VERSION));
        let body = json!({"method": command, "params": [arguments, options], "id": 0});
        Answer::read(command, self.server.answer(&body))
    }
}

impl IpaLink for Server {
    fn ask(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        self.call(command, arguments, options)?.whole(command)
    }

    fn batch(&self, calls: &[IpaCall]) -> Result<Vec<Result<Answer, Refusal>>, IpaError> {
        read_results(calls, &self.call("batch", &items(calls), Map::new())?)
    }

    fn is_instant(&self) -> bool {
        true
    }

    fn pause(&self, _: u64) {}
}

impl Ipa {
    /// Servers in memory, from a state or from the beginning.
    pub(super) fn in_memory(state: Option<&str>) -> Result<Self, SimulationError> {
        let wrong = |error: serde_json::Error| SimulationError { provider: NAME, cause: error.to_string() };
        let kept: BTreeMap<String, Kept> = match state {
            Some(text) => serde_json::from_str(text).map_err(wrong)?,
            None => BTreeMap::new(),
        };
        let woken = |kept: Kept| {
            Arc::new(Server { is_up: Mutex::new(true), server: LocalServer::new(kept.directory) })
        };
        let servers = kept.into_iter().map(|(name, kept)| (name, woken(kept))).collect();
        Ok(Self { simulated: Some(Simulated(Arc::new(Mutex::new(servers)))), ..Self::default() })
    }
}
