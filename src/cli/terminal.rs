//! The surroundings: environment variables, and what the terminal can show. Read here and nowhere
//! else.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use clap::builder::styling::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde_json::json;
use terminal_size::terminal_size_of;

use crate::domain::time::{Clock, SystemClock};
use crate::report::text::{Screen, columns};

use super::{bars, stderr};

/// What standard error is, and the bars on it.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Whether diagnostics may be coloured.
    pub color: bool,
    /// Whether what is said is JSON, a line each, as the messages of the log are.
    pub json: bool,
    /// The progress bars; messages are written above them.
    pub bars: MultiProgress,
}

/// Where a line of JSON comes from.
const TARGET: &str = "rushes";
/// How far further lines of a message are indented.
pub const HANG: usize = 2;

/// The colour of errors.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// The colour of warnings.
pub const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
/// The colour of ways out.
pub const CYAN: Style = AnsiColor::Cyan.on_default().bold();

impl Terminal {
    /// Looks at standard error and the environment (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM`).
    pub fn look() -> Self {
        let stderr = io::stderr();
        let color = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
        // A dumb terminal cannot move its cursor back.
        let is_dumb = var("TERM").is_some_and(|term| term == "dumb");
        let target = if stderr.is_terminal() && !is_dumb {
            bars::target()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { color, json: false, bars: MultiProgress::with_draw_target(target) }
    }

    /// The same without bars.
    pub fn without_bars(self) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self { bars, ..self }
    }

    /// Whether the user can see bars move. Asked anew each time: a terminal may be closed, and the
    /// bars take it badly when they cannot be drawn.
    pub fn shows_bars(&self) -> bool {
        !self.bars.is_hidden() && io::stderr().is_terminal()
    }

    /// Writes to standard error, above the bars. A failure has no place to be reported.
    pub fn write(&self, bytes: &[u8]) {
        if self.shows_bars() {
            self.bars.suspend(|| stderr::write(bytes));
        } else {
            stderr::write(bytes);
        }
    }

    /// Takes the bars away for good, before the program ends.
    pub fn leave(&self) {
        // Without a terminal there are none.
        drop(self.bars.clear());
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Standard error as a screen.
    pub fn screen(&self) -> Screen {
        Screen { width: size_of(&io::stderr()).map(|(_, columns)| columns), color: self.color }
    }

    /// The same where what is said is to be JSON.
    pub fn in_json(self, json: bool) -> Self {
        Self { json, color: self.color && !json, ..self }
    }

    /// Mistakes, whose text of several lines is ready to print.
    pub fn tell(&self, text: &str) {
        if self.json {
            self.write_json("ERROR", text);
        } else {
            self.write(format!("{text}\n").as_bytes());
        }
    }

    fn write_json(&self, level: &str, message: &str) {
        let timestamp = SystemClock.now().to_string();
        let line =
            json!({"timestamp": timestamp, "level": level, "message": message, "target": TARGET});
        self.write(format!("{line}\n").as_bytes());
    }

    /// `word: text` on standard error, the word in colour where that is welcome. On a terminal lines are
    /// broken between words, and a command at the end has a line of its own if it does not fit.
    pub fn say(&self, style: Style, word: &str, text: &str) {
        if self.json {
            return match word {
                "error" => self.write_json("ERROR", text),
                "warning" => self.write_json("WARN", text),
                _ => self.write_json("INFO", &format!("{word}: {text}")),
            };
        }
        let text = self.screen().with_command(text, columns(word) + 2, HANG);
        self.write(format!("{}: {text}\n", self.paint(style, word)).as_bytes());
    }

    /// `word` in colour where that is welcome.
    pub fn paint(&self, style: Style, word: &str) -> String {
        if self.color { format!("{style}{word}{style:#}") } else { word.to_owned() }
    }
}

/// Above the bars.
impl io::Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether standard output is a file on the disk, and no terminal, pipe or device.
pub fn output_is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let output = io::stdout().as_fd().try_clone_to_owned();
        let file = output.and_then(|output| std::fs::File::from(output).metadata());
        file.is_ok_and(|file| file.is_file())
    }
    #[cfg(not(unix))]
    {
        false
    }
}

/// Standard output as a screen (`NO_COLOR`, `CLICOLOR_FORCE` and `TERM` heeded).
pub fn screen() -> Screen {
    let stdout = io::stdout();
    let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    Screen { width: width(), color }
}

/// The rows and columns of standard output; `None` when that is no terminal.
pub fn size() -> Option<(usize, usize)> {
    let stdout = io::stdout();
    size_of(&stdout)
}

fn size_of(stream: &(impl IsTerminal + AsFd)) -> Option<(usize, usize)> {
    stream.is_terminal().then(|| {
        let (rows, columns) = bars::rows_and_columns(terminal_size_of(stream));
        (usize::from(rows), usize::from(columns))
    })
}

/// How many characters fit on a line of standard output; `None` when that is no terminal.
pub fn width() -> Option<usize> {
    size().map(|(_, columns)| columns)
}

/// Whether the user reads what is written to standard error and can answer at once: both are terminals,
/// and the program is not in the background there.
pub fn can_be_asked() -> bool {
    let stdin = io::stdin();
    stdin.is_terminal() && io::stderr().is_terminal() && is_in_foreground(&stdin)
}

#[cfg(unix)]
fn is_in_foreground(stdin: &io::Stdin) -> bool {
    rustix::termios::tcgetpgrp(stdin).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
const fn is_in_foreground(_: &io::Stdin) -> bool {
    true
}

/// The environment variables whose names begin so, but for empty ones and those that are no text.
pub fn vars(prefix: &str) -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let all = std::env::vars_os().filter_map(text);
    all.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty()).collect()
}

/// An environment variable, unless it is unset or empty.
pub fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
