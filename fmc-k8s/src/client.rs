//! The link to a real API server, by the crate `kube`.
//!
//! It has a runtime of its own, because `kube` needs one and a plan runs on any executor.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::link::{Answering, ApiLink, NoAnswer, Request, Response, Verb};

/// A connection to an API server.
pub struct Server {
    client: Client,
    runtime: Option<Runtime>,
}

/// The reason why a connection failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoServer {
    /// The kubeconfig cannot be used.
    #[error("use the kubeconfig: {0}")]
    Kubeconfig(String),
    /// It names a program or a file of this computer, and its author is not trusted with either.
    #[error(
        "use the kubeconfig: it {0}, which fmc does not do for a text: use one with the certificates themselves"
    )]
    Local(&'static str),
    /// The runtime cannot start.
    #[error("start a runtime: {0}")]
    Runtime(std::io::Error),
}

impl Server {
    /// The server of a kubeconfig's current context. Nothing is sent yet. A kubeconfig that runs a program or reads a file is refused.
    ///
    /// # Errors
    ///
    /// The text is not a kubeconfig, lacks something, or names a program or a file.
    pub fn of_kubeconfig(text: &str) -> Result<Self, NoServer> {
        let wrong = |error: &dyn fmt::Display| NoServer::Kubeconfig(error.to_string());
        let parsed = Kubeconfig::from_yaml(text).map_err(|error| wrong(&error))?;
        refuse_local(&parsed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(NoServer::Runtime)?;
        let made = async {
            let options = KubeConfigOptions::default();
            let mut config =
                Config::from_custom_kubeconfig(parsed, &options).await.map_err(|error| wrong(&error))?;
            config.connect_timeout = Some(Duration::from_secs(10));
            config.read_timeout = Some(Duration::from_secs(60));
            config.proxy_url = None;
            Client::try_from(config).map_err(|error| wrong(&error))
        };
        let client = runtime.block_on(made)?;
        Ok(Self { client, runtime: Some(runtime) })
    }

    fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref()
    }
}

/// A kubeconfig may name programs that give credentials, and files with certificates and tokens.
fn refuse_local(kubeconfig: &Kubeconfig) -> Result<(), NoServer> {
    for user in kubeconfig.auth_infos.iter().filter_map(|user| user.auth_info.as_ref()) {
        if user.exec.is_some() || user.auth_provider.is_some() {
            return Err(NoServer::Local("runs a program"));
        }
        if user.client_certificate.is_some() || user.client_key.is_some() || user.token_file.is_some() {
            return Err(NoServer::Local("reads a file"));
        }
    }
    let mut clusters = kubeconfig.clusters.iter().filter_map(|cluster| cluster.cluster.as_ref());
    if clusters.any(|cluster| cluster.certificate_authority.is_some()) {
        return Err(NoServer::Local("reads a file"));
    }
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        // A runtime must not be dropped where a future runs: this one ends by itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl ApiLink for Server {
    fn send(&self, request: Request) -> Answering<'_, Result<Response, NoAnswer>> {
        let client = self.client.clone();
        let Some(runtime) = self.runtime() else { return async { Err(gone()) }.boxed() };
        let task = runtime.spawn(async move { answer(&client, request).await });
        async move { task.await.map_err(|_| gone())? }.boxed()
    }

    fn pause(&self, milliseconds: u64) -> Answering<'_, ()> {
        let Some(runtime) = self.runtime() else { return async {}.boxed() };
        let task =
            runtime.spawn(async move { tokio::time::sleep(Duration::from_millis(milliseconds)).await });
        async move { drop(task.await) }.boxed()
    }
}

fn gone() -> NoAnswer {
    NoAnswer { cause: "the connection was closed".to_owned(), is_absent: false }
}

async fn answer(client: &Client, request: Request) -> Result<Response, NoAnswer> {
    let (method, kind, body) = match request.verb {
        Verb::Get => ("GET", "application/json", None),
        Verb::Apply(manifest) => ("PATCH", "application/apply-patch+yaml", Some(manifest)),
        Verb::Patch(patch) => ("PATCH", "application/json-patch+json", Some(patch)),
        Verb::Delete(options) => ("DELETE", "application/json", Some(options)),
    };
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let built = http::Request::builder()
        .method(method)
        .uri(request.path)
        .header("accept", "application/json")
        .header("content-type", kind)
        .body(kube::client::Body::from(body))
        .map_err(|error| NoAnswer { cause: error.to_string(), is_absent: false })?;
    let answer = client.send(built).await.map_err(|error| no_answer(&error))?;
    let status = answer.status().as_u16();
    let warnings = answer.headers().get_all("warning").iter();
    let warnings = warnings.filter_map(|warning| Some(warning.to_str().ok()?.to_owned())).collect();
    let bytes = answer.into_body().collect_bytes().await.map_err(|error| no_answer(&error))?;
    // Some paths, as that of readiness, answer with a text.
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes)));
    Ok(Response { status, body, warnings })
}

/// The whole chain of causes of a missing answer, since the first one often says only that something failed.
fn no_answer(error: &(dyn std::error::Error + 'static)) -> NoAnswer {
    let mut causes = vec![error.to_string()];
    let mut is_absent = false;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind as Kind;
            is_absent |= matches!(
                error.kind(),
                Kind::ConnectionRefused
                    | Kind::HostUnreachable
                    | Kind::NetworkUnreachable
                    | Kind::TimedOut
                    | Kind::ConnectionReset
            );
        }
        let text = error.to_string();
        if !causes.iter().any(|cause| cause.contains(&text)) {
            causes.push(text);
        }
        next = error.source();
    }
    NoAnswer { cause: causes.join(": "), is_absent }
}
