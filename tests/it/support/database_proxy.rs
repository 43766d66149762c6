//! A proxy before a test's database or gateway, which cuts, holds and loses what goes through it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What is done to the connections.
#[derive(Default)]
struct Switches {
    /// How many more answers to a statement that was executed are lost, with their connection.
    lose: AtomicUsize,
    /// How many more statements, and ends of transactions, are answered before one is not; 0: all.
    lose_at: AtomicUsize,
    /// How many were.
    lost: AtomicUsize,
    /// Nothing is passed on, and nothing is cut.
    held: AtomicBool,
    over: AtomicBool,
    /// When POSTs came to it, whether they were passed on or held.
    posts: Mutex<Vec<Instant>>,
    open: Mutex<Vec<(TcpStream, Upstream)>>,
}

/// A proxy on a port of its own.
pub struct DatabaseProxy {
    port: u16,
    switches: Arc<Switches>,
}

impl DatabaseProxy {
    /// Before the server with this socket.
    pub fn before(socket: PathBuf) -> Self {
        Self::to(move || UnixStream::connect(&socket).map(Upstream::Unix))
    }

    /// Before a server on a port of this machine.
    pub fn before_port(address: SocketAddr) -> Self {
        Self::to(move || TcpStream::connect(address).map(Upstream::Tcp))
    }

    fn to(connect: impl Fn() -> io::Result<Upstream> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let switches = Arc::new(Switches::default());
        let mine = Arc::clone(&switches);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if mine.over.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(server) = connect() {
                    join(client, server, &mine);
                }
            }
        });
        Self { port, switches }
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The database's address through it.
    pub fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Loses the answers to the next statements that are executed.
    pub fn lose_answers(&self, count: usize) {
        self.switches.lose.store(count, Ordering::SeqCst);
    }

    /// Loses the answer to the statement, or to the beginning or end of a transaction, that comes as
    /// the `nth` from now on; the first is 1.
    pub fn lose_answer(&self, nth: usize) {
        self.switches.lose_at.store(nth, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub fn lost(&self) -> usize {
        self.switches.lost.load(Ordering::SeqCst)
    }

    /// Passes nothing on, or goes on with it.
    pub fn hold(&self, held: bool) {
        self.switches.held.store(held, Ordering::SeqCst);
    }

    /// When POSTs came to it, whether they were passed on or held.
    pub fn posts(&self) -> Vec<Instant> {
        self.switches.posts.lock().unwrap().clone()
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        for (client, server) in self.switches.open.lock().unwrap().drain(..) {
            drop(client.shutdown(Shutdown::Both));
            server.end();
        }
    }
}

impl Drop for DatabaseProxy {
    fn drop(&mut self) {
        self.switches.over.store(true, Ordering::SeqCst);
        self.hold(false);
        self.cut();
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn join(client: TcpStream, server: Upstream, switches: &Arc<Switches>) {
    let kept = (client.try_clone().unwrap(), server.try_clone().unwrap());
    switches.open.lock().unwrap().push(kept);
    // Set when the answer that comes next is to be lost.
    let losing = Arc::new(AtomicBool::new(false));
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mine, lose) = (Arc::clone(switches), Arc::clone(&losing));
    std::thread::spawn(move || {
        pump(from, to, &mine, |bytes| {
            // A `Bind` and what follows it: a statement is executed.
            let is_executed = bytes.first() == Some(&b'B');
            let taken = is_executed
                && mine
                    .lose
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok();
            let counts = is_executed || bytes.first() == Some(&b'Q');
            let is_next = counts
                && mine
                    .lose_at
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    == Ok(1);
            lose.fetch_or(taken || is_next, Ordering::SeqCst);
            true
        });
    });
    let mine = Arc::clone(switches);
    std::thread::spawn(move || {
        pump(server, client, &mine, |_| {
            let is_lost = losing.load(Ordering::SeqCst);
            mine.lost.fetch_add(usize::from(is_lost), Ordering::SeqCst);
            !is_lost
        });
    });
}

/// Passes bytes on until either side ends or `passes` says no; then both end. POSTs are noted when they
/// are read, also while nothing is passed on.
fn pump(
    mut from: impl Read + Ends,
    mut to: impl Write + Ends,
    switches: &Switches,
    passes: impl Fn(&[u8]) -> bool,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut bytes) {
        if bytes[..read].starts_with(b"POST ") {
            switches.posts.lock().unwrap().push(Instant::now());
        }
        while switches.held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if read == 0 || !passes(&bytes[..read]) || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    from.end();
    to.end();
}

trait Ends {
    fn end(&self);
}

impl Ends for TcpStream {
    fn end(&self) {
        drop(self.shutdown(Shutdown::Both));
    }
}

/// A connection to what the proxy stands before.
enum Upstream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Upstream {
    fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }
}

impl Read for Upstream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(bytes),
            Self::Tcp(stream) => stream.read(bytes),
        }
    }
}

impl Write for Upstream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Ends for Upstream {
    fn end(&self) {
        match self {
            Self::Unix(stream) => drop(stream.shutdown(Shutdown::Both)),
            Self::Tcp(stream) => stream.end(),
        }
    }
}
