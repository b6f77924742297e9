//! The link to a real server, by the client. It has a runtime of its own, because the client needs one and a plan runs on any
//! executor.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use fmc_core::secret::{NoSecrets, SecretBytes, SecretRef, Secrets};
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};

use super::document::Access;
use super::link::IpaLink;
use crate::client::{Answer, Client, IpaCall, IpaError, Refusal};

/// How long a machine may take to take a connection, when it is asked whether anything listens.
const CONNECT: Duration = Duration::from_secs(3);

/// A session with a server.
pub(super) struct Server {
    client: Client,
    runtime: Option<Runtime>,
}

impl Server {
    pub(super) fn new(
        access: &Access,
        secrets: Option<&(dyn Secrets + Send + Sync)>,
    ) -> Result<Self, IpaError> {
        let login = &access.login;
        let client = Client::to(access.fqdn.bare());
        let client = match login.credentials.password() {
            Some(password) => {
                let password = bytes(password, secrets)?;
                // An editor ends a file with a line feed, which is not of the password.
                let password = password.expose();
                let password = password.strip_suffix(b"\n").unwrap_or(password);
                let password = password.strip_suffix(b"\r").unwrap_or(password).to_vec();
                client.user(login.credentials.user(), SecretBytes::new(password))
            }
            None => client.kerberos(),
        };
        let client = client
            .authority(bytes(&login.ca, secrets)?.expose())
            .address(access.address)
            .port(login.port)
            .build()?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| IpaError::Settings { cause: format!("start a runtime: {error}") })?;
        Ok(Self { client, runtime: Some(runtime) })
    }

    fn wait<T>(&self, future: impl Future<Output = Result<T, IpaError>>) -> Result<T, IpaError> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => Err(IpaError::NoSession),
        }
    }
}

impl IpaLink for Server {
    fn ask(
        &self,
        command: &str,
        arguments: &[Value],
        options: Map<String, Value>,
    ) -> Result<Answer, IpaError> {
        self.wait(self.client.read(command, arguments, options))
    }

    fn batch(&self, calls: &[IpaCall]) -> Result<Vec<Result<Answer, Refusal>>, IpaError> {
        self.wait(self.client.batch(calls))
    }

    fn pause(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A runtime must not be dropped where a future runs: this one ends by itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether anything listens where a server should be.
pub(super) fn listens(access: &Access) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(access.address, access.login.port), CONNECT).is_ok()
}

fn bytes(secret: &SecretRef, secrets: Option<&(dyn Secrets + Send + Sync)>) -> Result<SecretBytes, IpaError> {
    let bytes = match secrets {
        Some(secrets) => secrets.bytes(secret),
        None => NoSecrets.bytes(secret),
    };
    bytes.map_err(|error| IpaError::Settings { cause: error.to_string() })
}
