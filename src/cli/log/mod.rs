//! The campaign's log, `log.jsonl` in its folder: a line of JSON an event, so that one `grep` finds
//! all that happened to a shot over all runs. One file that grows over the campaign's life and not one
//! a run, because a user who looks for a shot in the morning does not know in which run it happened;
//! at 64 MiB it becomes `log.1.jsonl` and a new one begins.
//!
//! Written only while this process holds the run lock; what was said before waits for that. Lines
//! are written together, because a write a line would cost a shot as much as all else it does: one
//! that warns at once, every other within a quarter of a second, and one that is the only trace of
//! something is synced. A log that cannot be written stops no run: one warning, and the run goes on
//! without it.

mod file;
mod line;

pub use file::{BATCH, LogFile, Urgency};

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::report::text::safe_path;
use crate::scheduler::EVENT_LOG;

use super::terminal::{Terminal, YELLOW};
use line::{Line, Stamp};

/// So many lines wait for the log to begin.
const MAX_EARLY: usize = 200;
/// How long a line waits to be written at most.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// The log; clones write to the same.
#[derive(Clone)]
pub struct Log {
    sink: Arc<Mutex<Sink>>,
    terminal: Terminal,
}

/// Where lines go.
enum Sink {
    /// Kept until it is known where to.
    Early(Vec<Line>),
    /// To a file.
    Open(OpenLog),
    /// Nowhere.
    Off,
}

/// What a log says of the run whose lines it holds.
#[derive(Clone, Copy, Debug)]
pub struct Began<'a> {
    /// The campaign.
    pub campaign: &'a str,
    /// The command, such as `rushes run`.
    pub command: &'a str,
    /// When it began.
    pub at: Timestamp,
}

struct OpenLog {
    file: LogFile,
    stamp: Stamp,
    /// Whether only what must not be lost is still tried.
    quiet: bool,
    terminal: Terminal,
}

impl Log {
    /// A log that keeps its first lines until it begins.
    pub fn new(terminal: Terminal) -> Self {
        Self { sink: Arc::new(Mutex::new(Sink::Early(Vec::new()))), terminal }
    }

    /// Begins to write to the campaign folder; call it under the run lock, and drop the keeper before
    /// the lock.
    /// Where several workers may share the folder, each has a log of its own.
    pub fn begin(&self, folder: &Path, is_shared: bool, run: &Began<'_>) -> Keeper {
        let Began { campaign, command, at } = *run;
        let opened = if is_shared { LogFile::open_shared(folder) } else { LogFile::open(folder) };
        let mut sink = self.sink();
        let keeper = Keeper(self.clone());
        let Sink::Early(early) = std::mem::replace(&mut *sink, Sink::Off) else { return keeper };
        match opened {
            Ok(file) => {
                let stamp = Stamp { campaign: campaign.to_owned(), run: at.to_string() };
                let terminal = self.terminal.clone();
                let mut open = OpenLog { file, stamp, quiet: false, terminal };
                for line in early {
                    open.write(line);
                }
                *sink = Sink::Open(open);
                self.flush_now_and_then();
            }
            Err(error) => warn(&self.terminal, &LogFile::path_in(folder), &error),
        }
        drop(sink);
        let (version, process) = (env!("CARGO_PKG_VERSION"), std::process::id());
        tracing::info!(target: EVENT_LOG, event = "begun", command, version, process);
        keeper
    }

    /// What writes to it: everything of ours but what the gateway's and the simulator's rooms say
    /// of single answers, and what is wrong with others' parts.
    pub fn layer<S>(self) -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let kept = Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target("rushes", LevelFilter::DEBUG)
            .with_target("rushes::provider", LevelFilter::INFO)
            .with_target("rushes::simulator", LevelFilter::INFO)
            .with_target(EVENT_LOG, LevelFilter::INFO);
        self.with_filter(kept)
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On a thread of its own, so that a slow disk delays no shot; it ends with the process.
    fn flush_now_and_then(&self) {
        let log = self.clone();
        let flushes = move || {
            loop {
                std::thread::sleep(FLUSH_EVERY);
                log.flush();
            }
        };
        // Without it lines are written when there are enough of them, and at the end.
        drop(std::thread::Builder::new().name("log".to_owned()).spawn(flushes));
    }

    fn flush(&self) {
        if let Sink::Open(open) = &mut *self.sink() {
            let flushed = open.file.flush();
            open.note(flushed);
        }
    }
}

/// An event becomes a line.
impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = Line::of(event, SystemClock.now());
        match &mut *self.sink() {
            Sink::Early(lines) if lines.len() < MAX_EARLY => lines.push(line),
            Sink::Open(open) => open.write(line),
            Sink::Early(_) | Sink::Off => {}
        }
    }
}

impl OpenLog {
    fn write(&mut self, line: Line) {
        let (urgency, disk_full) = (line.urgency, line.disk_full);
        if self.quiet && urgency != Urgency::Synced {
            return;
        }
        let written = self.file.write(&line.json(&self.stamp), urgency);
        self.note(written);
        // On a full disk what room there is belongs to the ledger.
        self.quiet |= disk_full;
    }

    /// Warns of the first write that fails.
    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written
            && !std::mem::replace(&mut self.quiet, true)
        {
            warn(&self.terminal, &self.file.path, &error);
        }
    }
}

/// Not by an event, which would lead back here.
fn warn(terminal: &Terminal, path: &Path, error: &io::Error) {
    let path = safe_path(path);
    let what = format!("the log {path} cannot be written ({error}); it goes on without");
    terminal.say(YELLOW, "warning", &what);
}

/// Keeps the log open; when it is dropped, everything is written and the log has ended.
pub struct Keeper(Log);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.flush();
        *self.0.sink() = Sink::Off;
    }
}
