//! Ctrl-C, SIGTERM and a closed terminal (SIGHUP): the first asks the run to stop, a second Ctrl-C
//! or SIGTERM leaves now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::report::text::plural;
use crate::scheduler::{CancelToken, Progress};

use super::error::CliError;
use super::exit::Exit;
use super::progress::on_the_wire;
use super::runtime;
use super::stderr;
use super::terminal::{CYAN, Terminal, YELLOW};

/// What is told to the user who stops a run.
pub struct Farewell {
    /// How the run stands.
    pub progress: watch::Receiver<Progress>,
    /// How long a request may wait for its answer.
    pub timeout: Duration,
    /// The command that goes on.
    pub go_on: String,
    /// Where it is told.
    pub terminal: Terminal,
}

impl Farewell {
    /// What is told about a run with this progress.
    #[must_use]
    pub fn new(
        progress: &watch::Receiver<Progress>,
        timeout: Duration,
        go_on: &str,
        terminal: &Terminal,
    ) -> Self {
        let (progress, terminal) = (progress.clone(), terminal.clone());
        Self { progress, timeout, go_on: go_on.to_owned(), terminal }
    }
}

/// The thread that heeds signals until the program ends.
pub struct Listening {
    /// Whether the run is over.
    is_over: Arc<AtomicBool>,
}

impl Listening {
    /// The run has ended. The next signal ends what still reports that (see `Notifier::end`), and the one
    /// after it ends the program.
    pub fn run_is_over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// Begins to listen, on a thread of its own: the run's thread may be blocked while it writes to standard
/// output.
pub fn listen(stop: CancelToken, farewell: Farewell) -> Result<Listening, CliError> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (begun, begins) = std::sync::mpsc::sync_channel(1);
    let over = Arc::clone(&is_over);
    let runtime = runtime()?;
    let listener = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            // Caught before the run goes on, so that none is missed.
            match catch() {
                Ok(signals) => {
                    drop(begun.send(Ok(())));
                    attend(signals, &stop, farewell, &over).await;
                }
                Err(error) => drop(begun.send(Err(error))),
            }
        });
    });
    let cannot = |why: &dyn std::fmt::Display| {
        CliError::new(format!("Ctrl-C cannot be listened for: {why}"))
    };
    listener.map_err(|error| cannot(&error))?;
    begins.recv().map_err(|error| cannot(&error))??;
    Ok(Listening { is_over })
}

/// Stops the run at the first signal and leaves at the second.
async fn attend(mut signals: Signals, stop: &CancelToken, farewell: Farewell, over: &AtomicBool) {
    let is_over = || over.load(Ordering::SeqCst);
    signals.next().await;
    if !is_over() {
        stop.cancel();
        let progress = farewell.progress.borrow().clone();
        tracing::warn!("{}", stopping(&progress, SystemClock.now(), farewell.timeout));
        signals.insisted().await;
    }
    if is_over() {
        signals.insisted().await;
    } else {
        let Farewell { progress, go_on, terminal, .. } = farewell;
        terminal.leave();
        terminal.say(YELLOW, "quit", &quit(&progress.borrow()));
        terminal.say(CYAN, "help", &format!("to go on: {go_on}"));
    }
    stderr::settle();
    #[expect(clippy::disallowed_methods, reason = "leaving now means without unwinding")]
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// What a run that the user stops waits for, and what a second Ctrl-C would mean.
#[must_use]
pub fn stopping(progress: &Progress, now: Timestamp, timeout: Duration) -> String {
    let rest = match progress.rendering {
        0 => String::new(),
        1 => "; the shot that renders is left to the next run".to_owned(),
        many => format!("; the {many} shots that render are left to the next run"),
    };
    let Some(wire) = on_the_wire(progress, now, timeout) else {
        return format!("stopping: no request is on the wire{rest}");
    };
    let those = match progress.wire.posts {
        1 => "that one".to_owned(),
        many => format!("those {many}"),
    };
    format!("stopping: {wire}; press Ctrl-C again to quit now: {those} would be in doubt{rest}")
}

/// What is left behind by a run that ends at once.
#[must_use]
pub fn quit(progress: &Progress) -> String {
    let doubts = match progress.wire.posts {
        0 => "no request was on the wire, so nothing is in doubt".to_owned(),
        1 => "1 request was on the wire and may have bought its shot: it is in doubt".to_owned(),
        many => format!(
            "{} were on the wire and may have bought their shots: they are in doubt",
            plural(many, "request")
        ),
    };
    match progress.rendering + progress.rendered {
        0 => doubts,
        many => format!(
            "{doubts}; {} bought and not fetched yet, the next run does",
            plural(many, "shot")
        ),
    }
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
