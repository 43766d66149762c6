//! An HTTP/1 server with bounds: few connections at once, each limited in time and of one request,
//! all closed on shutdown. Must not know what is served.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 32 << 10;

/// How connections are bounded.
#[derive(Clone, Copy, Debug)]
pub struct ConnLimits {
    /// How many there are at once; further clients wait to be accepted.
    pub connections: usize,
    /// How long a request's head may take, from the connection being accepted.
    pub head: Duration,
    /// How long a connection lives in all, if that is bounded.
    pub life: Option<Duration>,
    /// How long a client may take nothing of what it is sent.
    pub stall: Duration,
}

impl ConnLimits {
    /// For requests without a body.
    pub const DEFAULT: Self = Self {
        connections: 64,
        head: Duration::from_secs(10),
        life: None,
        stall: Duration::from_secs(30),
    };
}

/// A running server. Dropping it frees the port and cuts every connection, some time later;
/// [`BoundedServer::close`] waits until that is done.
#[derive(Debug)]
pub struct BoundedServer {
    /// Takes how long connections have to end by themselves.
    stop: Option<oneshot::Sender<Duration>>,
    serving: JoinHandle<()>,
}

impl BoundedServer {
    /// Answers with `routes`; accepts no connection before `ready` has ended.
    #[must_use]
    pub fn start(
        listener: TcpListener,
        routes: Router,
        limits: ConnLimits,
        ready: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let accepting = async {
                ready.await;
                accept(listener, &routes, limits, &mut connections).await;
            };
            let grace = tokio::select! {
                () = accepting => Duration::ZERO,
                grace = stopped => grace.unwrap_or_default(),
            };
            let ended = async { while connections.join_next().await.is_some() {} };
            if timeout(grace, ended).await.is_err() {
                connections.shutdown().await;
            }
        });
        Self { stop: Some(stop), serving }
    }

    /// Frees the port, lets connections end by themselves for so long, then cuts those that are
    /// left and waits until they are gone.
    pub async fn close(mut self, grace: Duration) {
        if let Some(stop) = self.stop.take() {
            // It fails when the server has ended already.
            let _ = stop.send(grace);
        }
        let _ = (&mut self.serving).await;
    }
}

impl Drop for BoundedServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Where clients on this machine can connect to a server that listens at `address`, which may stand
/// for all addresses.
#[must_use]
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Accepts connections for ever.
async fn accept(
    mut listener: TcpListener,
    routes: &Router,
    limits: ConnLimits,
    connections: &mut JoinSet<()>,
) {
    loop {
        tokio::select! {
            (stream, _) = Listener::accept(&mut listener), if connections.len() < limits.connections => {
                connections.spawn(serve(stream, routes.clone(), limits));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, routes: Router, limits: ConnLimits) {
    // Without it a small answer may wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.stall));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(routes));
    match timeout(limits.life.unwrap_or(Duration::MAX), connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection broke"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}
