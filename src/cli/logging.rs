//! Messages on standard error, above the progress bars: plain lines for people, or JSON. Beside
//! them the campaign's log.

use std::fmt::{self, Write as _};
use std::io::IsTerminal;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::sanitize::plain;
use crate::scheduler::EVENT_LOG;

use super::args::{LogFormat, Logs};
use super::log::Log;
use super::terminal::{CYAN, HANG, RED, Terminal, YELLOW};

/// Begins to show messages, of other programs' parts only what is wrong, unless asked for all; and
/// to keep them for the campaign's log, for commands that let it [begin](Log::begin).
pub fn start(logs: Logs, terminal: &Terminal) -> Log {
    let log = Log::new(terminal.clone());
    let (ours, theirs) = match logs.verbose {
        0 if logs.quiet => (LevelFilter::WARN, LevelFilter::ERROR),
        0 => (LevelFilter::INFO, LevelFilter::ERROR),
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        _ => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    let shown = Targets::new().with_default(theirs).with_target("rushes", ours);
    let shown = shown.with_target(EVENT_LOG, LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(log.clone().layer());
    let above = terminal.clone();
    let fmt = tracing_subscriber::fmt::layer().with_writer(move || above.clone());
    let begun = match logs.log_format {
        LogFormat::Json => {
            registry.with(fmt.json().flatten_event(true).with_filter(shown)).try_init()
        }
        LogFormat::Text => {
            // A log that is read later must say when each line was written.
            let times = logs.verbose > 0 || !std::io::stderr().is_terminal();
            let lines = Lines { terminal: terminal.clone(), times };
            registry.with(fmt.event_format(lines).with_filter(shown)).try_init()
        }
    };
    // Another subscriber is installed already, as in a test: the run goes on with that.
    drop(begun);
    log
}

/// `warning: shot: message key=value`; with a time where `-v` is given or it is no terminal.
struct Lines {
    terminal: Terminal,
    times: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        use crate::domain::time::{Clock, SystemClock};
        let mut first = 0;
        if self.times {
            let now = format!("{} ", SystemClock.now());
            first = now.len();
            writer.write_str(&now)?;
        }
        let (style, word) = match *event.metadata().level() {
            Level::ERROR => (RED, "error: "),
            Level::WARN => (YELLOW, "warning: "),
            Level::INFO => (CYAN, ""),
            Level::DEBUG => (CYAN, "debug: "),
            Level::TRACE => (CYAN, "trace: "),
        };
        if !word.is_empty() {
            write!(writer, "{}", self.terminal.paint(style, word))?;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let Said { shot, message, rest } = &said;
        let colon = if shot.is_empty() { "" } else { ": " };
        let text = plain(&format!("{shot}{colon}{message}{rest}"), MAX_LINE);
        writeln!(writer, "{}", self.terminal.screen().with_command(&text, first + word.len(), HANG))
    }
}

/// A longer line is cut, in characters.
const MAX_LINE: usize = 2000;

/// An event's message and its other fields.
#[derive(Default)]
struct Said {
    /// Which shot it is about.
    shot: String,
    message: String,
    rest: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "shot" => write!(self.shot, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}
