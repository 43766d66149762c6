//! Ctrl-C and SIGTERM: the first asks the run to stop, the second leaves now.

use tokio::task::JoinHandle;

use crate::run::Stop;

use super::exit::INTERRUPTED;
use super::trouble::Trouble;

/// Begins to listen; must be called inside the runtime. Abort the handle when the run is over.
///
/// # Errors
/// When the system refuses.
pub fn listen(stop: Stop) -> Result<JoinHandle<()>, Trouble> {
    let mut signals = Signals::new()
        .map_err(|error| Trouble::new(format!("Ctrl-C cannot be listened for: {error}")))?;
    Ok(tokio::spawn(async move {
        signals.next().await;
        stop.press();
        tracing::warn!(
            "stopping: what is on the wire is being written down, rendering shots are left to the \
             next run; once more leaves now"
        );
        signals.next().await;
        #[expect(clippy::disallowed_methods, reason = "leaving now means without unwinding")]
        std::process::exit(i32::from(INTERRUPTED));
    }))
}

/// The signals that ask a program to end.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(unix)]
    pub fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Begins to catch them.
    ///
    /// # Errors
    /// Never here.
    #[cfg(not(unix))]
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
