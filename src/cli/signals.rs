//! Ctrl-C, SIGTERM and a closed terminal (SIGHUP): the first asks the run to stop, a second Ctrl-C
//! or SIGTERM leaves now.

use tokio::task::JoinHandle;

use crate::scheduler::CancelToken;

use super::error::CliError;
use super::exit::Exit;

/// Begins to listen; must be called inside the runtime. Abort the handle when the run is over.
pub fn listen(stop: CancelToken) -> Result<JoinHandle<()>, CliError> {
    let mut signals = catch()?;
    Ok(tokio::spawn(async move {
        signals.next().await;
        stop.cancel();
        tracing::warn!(
            "stopping: what is on the wire is being written down, rendering shots are left to the \
             next run; once more leaves now"
        );
        signals.insisted().await;
        #[expect(clippy::disallowed_methods, reason = "leaving now means without unwinding")]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }))
}

/// Begins to catch the signals that ask to end.
pub fn catch() -> Result<Signals, CliError> {
    Signals::new().map_err(|error| CliError::new(format!("Ctrl-C cannot be listened for: {error}")))
}

/// The signals that ask a program to end.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// The terminal was closed; `None` when the program is to outlive it.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Begins to catch them.
    pub fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up =
            if outlives_its_terminal() { None } else { Some(signal(SignalKind::hangup())?) };
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        let closed = async {
            match hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = closed => {}
        }
    }

    /// Waits for the next one that was sent on purpose: of a closed terminal both the shell and the
    /// system tell, so that its second signal says nothing new.
    pub async fn insisted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Where there is only Ctrl-C.
#[cfg(not(unix))]
impl Signals {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub async fn insisted(&mut self) {
        self.next().await;
    }
}

/// Whether SIGHUP is ignored, as under `nohup`: to listen for it would undo that. Where the system
/// does not tell, `nohup` is known by what it does to standard error.
#[cfg(unix)]
fn outlives_its_terminal() -> bool {
    use std::io::IsTerminal;
    const HANG_UP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    match ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        Some(mask) => mask & HANG_UP != 0,
        None => !std::io::stderr().is_terminal(),
    }
}
