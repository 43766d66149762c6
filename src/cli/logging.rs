//! Messages on standard error, above the progress bars: plain lines for people, or JSON. Beside
//! them the campaign's log, for the commands that change something.

use std::fmt::{self, Write as _};
use std::io;

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
use super::terminal::{CYAN, RED, Terminal, YELLOW, paint};

/// Begins to show messages. Of other programs' parts only what is wrong, unless asked for all.
pub fn start(logs: Logs, terminal: &Terminal) {
    begin(logs, terminal, None);
}

/// The same, and begins to keep them for the campaign's log, which is written once
/// [`Log::begin`] says where.
pub fn start_with_log(logs: Logs, terminal: &Terminal) -> Log {
    let log = Log::new(terminal.clone());
    begin(logs, terminal, Some(log.clone()));
    log
}

fn begin(logs: Logs, terminal: &Terminal, log: Option<Log>) {
    let (ours, theirs) = match logs.verbose {
        0 => (LevelFilter::INFO, LevelFilter::ERROR),
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        _ => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    let shown = Targets::new().with_default(theirs).with_target("rushes", ours);
    let shown = shown.with_target(EVENT_LOG, LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(log.map(Log::layer));
    let above = terminal.clone();
    let fmt = tracing_subscriber::fmt::layer().with_writer(move || Above(above.clone()));
    let begun = match logs.log_format {
        LogFormat::Json => {
            registry.with(fmt.json().flatten_event(true).with_filter(shown)).try_init()
        }
        LogFormat::Text => {
            let lines = Lines { color: terminal.color, times: logs.verbose > 0 };
            registry.with(fmt.event_format(lines).with_filter(shown)).try_init()
        }
    };
    // Another subscriber is installed already, as in a test: the run goes on with that.
    drop(begun);
}

/// Writes above the bars.
struct Above(Terminal);

impl io::Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `warning: message key=value`, without a time unless `-v` is given.
struct Lines {
    color: bool,
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
        if self.times {
            write!(writer, "{} ", SystemClock.now())?;
        }
        let (style, word) = match *event.metadata().level() {
            Level::ERROR => (RED, "error: "),
            Level::WARN => (YELLOW, "warning: "),
            Level::INFO => (CYAN, ""),
            Level::DEBUG => (CYAN, "debug: "),
            Level::TRACE => (CYAN, "trace: "),
        };
        if !word.is_empty() {
            write!(writer, "{}", paint(self.color, style, word))?;
        }
        let mut said = Said::default();
        event.record(&mut said);
        writeln!(writer, "{}", plain(&format!("{}{}", said.message, said.rest), MAX_LINE))
    }
}

/// A longer line is cut, in characters.
const MAX_LINE: usize = 2000;

/// An event's message and its other fields.
#[derive(Default)]
struct Said {
    message: String,
    rest: String,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.rest, " {}={value:?}", field.name())
        };
    }
}
