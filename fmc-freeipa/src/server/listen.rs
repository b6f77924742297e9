//! Connections: each is TLS with HTTP/1.1 in it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::page;
use super::state::State;

/// Starts a thread that accepts connections, and gives its port and how to stop it.
pub(super) fn start(
    state: Arc<State>,
    acceptor: TlsAcceptor,
) -> io::Result<(u16, oneshot::Sender<()>, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let work = move || {
        runtime.block_on(async move {
            let Ok(listener) = net::TcpListener::from_std(listener) else { return };
            tokio::spawn(accept(listener, state, acceptor));
            // The end of the runtime ends its connections. A server that was dropped without a word ends too.
            stopped.await.ok();
        });
    };
    let thread = thread::Builder::new().name("freeipa".to_owned()).spawn(work)?;
    Ok((port, stop, thread))
}

async fn accept(listener: net::TcpListener, state: Arc<State>, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
        tokio::spawn(async move {
            // A client that does not trust the certificate goes away.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request| page::answer(Arc::clone(&state), request));
            // An answer that is cut ends the connection by an error.
            http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await.ok();
        });
    }
}
