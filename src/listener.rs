//! Where HTTP comes in, for whoever serves it: few connections, short lives, an end. It knows
//! nothing of what is said there.
//!
//! A connection lives for a bounded time from being accepted, unless its handler lets it stay
//! ([`Wire::stay`]); one that stays is cut when its client takes nothing for too long. A handler can
//! cut it ([`Wire::cut`]), and all are cut when the doorway shuts. Others wait outside while there
//! are as many as it holds.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, sleep};

/// How connections are bounded.
#[derive(Clone, Copy, Debug)]
pub struct ConnLimits {
    /// How many there are at once.
    pub connections: u32,
    /// How long one lives, from being accepted to its last byte, unless it may stay.
    pub life: Duration,
    /// How long a client that stays may take nothing of what it is sent.
    pub stall: Duration,
    /// How much a client may send in all, in bytes.
    pub received: usize,
}

impl ConnLimits {
    /// No bounds to speak of.
    pub const NONE: Self = Self {
        connections: 1 << 20,
        life: Duration::from_secs(365 * 86_400),
        stall: Duration::from_secs(365 * 86_400),
        received: usize::MAX,
    };
}

/// A listener of bounded connections.
pub struct BoundedListener {
    listener: TcpListener,
    bounds: ConnLimits,
    places: Arc<Semaphore>,
    shut: watch::Receiver<bool>,
}

/// Shuts a doorway, also when dropped: every connection is cut.
#[derive(Debug)]
pub struct ShutdownHandle {
    shut: watch::Sender<bool>,
    places: Arc<Semaphore>,
    all: u32,
}

impl BoundedListener {
    /// A doorway where `listener` listens.
    #[must_use]
    pub fn new(listener: TcpListener, bounds: ConnLimits) -> (Self, ShutdownHandle) {
        let (sender, shut) = watch::channel(false);
        let all = bounds.connections;
        let places = Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(usize::MAX)));
        let latch = ShutdownHandle { shut: sender, places: Arc::clone(&places), all };
        (Self { listener, bounds, places, shut }, latch)
    }
}

impl ShutdownHandle {
    /// Cuts every connection, those to come included.
    pub fn shut(&self) {
        self.shut.send_replace(true);
    }

    /// Waits until no connection is left. No connection may be accepted any more.
    pub async fn emptied(&self) {
        // The semaphore is never closed.
        drop(self.places.acquire_many(self.all).await);
    }
}

impl Drop for ShutdownHandle {
    fn drop(&mut self) {
        self.shut();
    }
}

/// A handler's hold on its connection.
#[derive(Clone, Debug, Default)]
pub struct Wire(Arc<Hold>);

#[derive(Debug, Default)]
struct Hold {
    is_cut: AtomicBool,
    stays: AtomicBool,
}

impl Wire {
    /// Nothing more goes over the connection.
    pub fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Relaxed);
    }

    /// The connection may live as long as its client takes what it is sent.
    pub fn stay(&self) {
        self.0.stays.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, BoundedListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Self {
        stream.io().wire.clone()
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed; without a place there would merely be no limit.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, from) = Listener::accept(&mut self.listener).await;
        // Without it a small answer may wait for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let mut shut = self.shut.clone();
        let connection = Connection {
            stream,
            wire: Wire::default(),
            life: Box::pin(sleep(self.bounds.life)),
            shut: Box::pin(async move { drop(shut.wait_for(|shut| *shut).await) }),
            is_over: None,
            stall: self.bounds.stall,
            untaken: None,
            left: self.bounds.received,
            _place: place,
        };
        (connection, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with an end.
pub struct Connection {
    stream: TcpStream,
    wire: Wire,
    life: Pin<Box<Sleep>>,
    shut: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: Option<io::ErrorKind>,
    stall: Duration,
    /// Runs while the client does not take what it is sent.
    untaken: Option<Pin<Box<Sleep>>>,
    /// Bytes that may still come.
    left: usize,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    /// Also has the connection woken when its time is over.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Hold { is_cut, stays } = &*self.wire.0;
        if self.is_over.is_none() {
            let mut lives = || self.life.as_mut().poll(context).is_pending();
            if is_cut.load(Ordering::Relaxed) {
                self.is_over = Some(io::ErrorKind::ConnectionAborted);
            } else if !stays.load(Ordering::Relaxed) && !lives() {
                self.is_over = Some(io::ErrorKind::TimedOut);
            } else if self.shut.as_mut().poll(context).is_ready() {
                self.is_over = Some(io::ErrorKind::ConnectionAborted);
            }
        }
        self.is_over.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Lets the client's time run while `polled` waits for it.
    fn taken<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.untaken = None;
            return polled;
        }
        let stall = self.stall;
        let untaken = self.untaken.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(untaken.as_mut().poll(context));
        self.is_over = Some(io::ErrorKind::TimedOut);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        let read = into.filled().len() - before;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taken(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use bytes::Bytes;
    use futures::stream;
    use tokio::time::{Instant, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);

    async fn endless(ConnectInfo(wire): ConnectInfo<Wire>) -> Body {
        wire.stay();
        let piece = || Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 4096]));
        Body::from_stream(stream::repeat_with(piece))
    }

    /// What a client sends and takes; then how long its connection lives on.
    async fn outlives(bounds: ConnLimits, sent: &str, taken: Duration) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (doorway, latch) = BoundedListener::new(listener, bounds);
        let routes = Router::new().route("/", get(endless));
        let routes = routes.into_make_service_with_connect_info::<Wire>();
        let serving = tokio::spawn(async { axum::serve(doorway, routes).await });
        let client = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        client.writable().await.unwrap();
        client.try_write(sent.as_bytes()).unwrap();
        // It is inside once the next place is kept for the next one.
        let all = usize::try_from(bounds.connections).unwrap();
        while latch.places.available_permits() > all - 2 {
            assert!(began.elapsed() < PATIENCE);
            tokio::task::yield_now().await;
        }
        while began.elapsed() < taken {
            client.readable().await.unwrap();
            let mut into = [0; 4096];
            match client.try_read(&mut into) {
                Ok(read) => assert!(read > 0, "it was cut while it took what it was sent"),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        serving.abort();
        drop(serving.await);
        let still = Instant::now();
        timeout(PATIENCE, latch.emptied()).await.expect("it is never cut");
        still.elapsed()
    }

    fn bounds() -> ConnLimits {
        ConnLimits { connections: 8, ..ConnLimits::NONE }
    }

    #[tokio::test]
    async fn who_says_nothing_is_cut_when_its_time_is_over() {
        outlives(ConnLimits { life: SHORT, ..bounds() }, "GET / HT", Duration::ZERO).await;
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_and_who_takes_may_stay_beyond_a_life() {
        let bounds = ConnLimits { life: SHORT, stall: 2 * SHORT, ..bounds() };
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        outlives(bounds, request, 5 * SHORT).await;
    }
}
