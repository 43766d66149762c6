//! The campaign's log, `log.jsonl` in its folder: a line of JSON an event, so that one `grep` tells
//! a shot's whole story over all runs. One file that grows over the campaign's life and not one a
//! run, because who looks for a shot in the morning does not know in which run it happened; at
//! 64 MiB it becomes `log.1.jsonl` and a new one begins.
//!
//! Written only while this process holds the run lock; what was said before waits for that. Lines
//! are written together, because a write a line would cost a shot as much as all else it does: one
//! that warns at once, every other within a quarter of a second, and one that is the only trace of
//! something is synced. What cannot be written harms nobody: one warning, and the run goes on
//! without a log.

mod file;
mod line;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::report::text::safe;
use crate::scheduler::EVENT_LOG;

use super::terminal::{Terminal, YELLOW};
use file::LogFile;
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
    Open {
        file: LogFile,
        stamp: Stamp,
        /// Whether only what must not be lost is still tried.
        quiet: bool,
    },
    /// Nowhere.
    Off,
}

impl Log {
    /// A log that keeps its first lines until it begins.
    #[must_use]
    pub fn new(terminal: Terminal) -> Self {
        Self { sink: Arc::new(Mutex::new(Sink::Early(Vec::new()))), terminal }
    }

    /// Begins to write to the campaign folder; call it under the run lock, and let the keeper go
    /// before the lock.
    #[must_use]
    pub fn begin(&self, folder: &Path, campaign: &str, command: &str, run: Timestamp) -> Keeper {
        let opened = LogFile::open(folder);
        let mut sink = self.sink();
        let keeper = Keeper(self.clone());
        let Sink::Early(early) = std::mem::replace(&mut *sink, Sink::Off) else { return keeper };
        match opened {
            Ok(file) => {
                let stamp = Stamp { campaign: campaign.to_owned(), run: run.to_string() };
                *sink = Sink::Open { file, stamp, quiet: false };
                drop(sink);
                for line in &early {
                    self.write(line);
                }
                self.flush_now_and_then();
            }
            Err(error) => {
                drop(sink);
                self.warn(&LogFile::path(folder), &error);
            }
        }
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
        Recorder(self).with_filter(kept)
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, line: &Line) {
        let mut sink = self.sink();
        match &mut *sink {
            Sink::Early(lines) => {
                if lines.len() < MAX_EARLY {
                    lines.push(line.clone());
                }
            }
            Sink::Open { file, stamp, quiet } => {
                if *quiet && !line.must_stay {
                    return;
                }
                let json = line.json(stamp);
                let written = if line.must_stay {
                    file.write_through(&json)
                } else {
                    file.write(&json).and_then(|()| if line.warns { file.flush() } else { Ok(()) })
                };
                let failure = note(written, file, quiet);
                // On a full disk what room there is belongs to the ledger.
                *quiet |= line.disk_full;
                drop(sink);
                self.warn_of(failure);
            }
            Sink::Off => {}
        }
    }

    /// A thread of its own, so that a slow disk keeps nobody waiting; it ends with the process.
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
        let mut sink = self.sink();
        let Sink::Open { file, quiet, .. } = &mut *sink else { return };
        let failure = note(file.flush(), file, quiet);
        drop(sink);
        self.warn_of(failure);
    }

    fn warn_of(&self, failure: Option<(PathBuf, io::Error)>) {
        if let Some((place, error)) = failure {
            self.warn(&place, &error);
        }
    }

    /// Not by an event, which would lead back here.
    fn warn(&self, place: &Path, error: &io::Error) {
        let place = safe(&place.display().to_string());
        let what = format!("the log {place} cannot be written ({error}); it goes on without");
        self.terminal.say(YELLOW, "warning", &what);
    }
}

/// Keeps the log open; when it is dropped, everything is written and the log has ended.
pub struct Keeper(Log);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.flush();
        *self.0.sink() = Sink::Off;
    }
}

/// What is to be said of a write; after the first that fails, nothing more.
fn note(written: io::Result<()>, file: &LogFile, quiet: &mut bool) -> Option<(PathBuf, io::Error)> {
    let error = written.err()?;
    let is_news = !std::mem::replace(quiet, true);
    is_news.then(|| (file.place(), error))
}

/// Turns events into lines.
struct Recorder(Log);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.write(&Line::of(event, SystemClock.now()));
    }
}
