//! The surroundings: environment variables, and what the terminal can show. Read here and nowhere
//! else.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressDrawTarget};

/// What standard error is, and the bars on it.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Whether diagnostics may be coloured.
    pub color: bool,
    /// The progress bars; messages are written above them.
    pub bars: MultiProgress,
}

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
        let target = if stderr.is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { color, bars: MultiProgress::with_draw_target(target) }
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
            self.bars.suspend(|| drop(io::stderr().write_all(bytes)));
        } else {
            drop(io::stderr().write_all(bytes));
        }
    }

    /// `word: text` on standard error, the word in colour where that is welcome.
    pub fn say(&self, style: Style, word: &str, text: &str) {
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

/// How many characters fit on a line of standard output; `None` when that is no terminal.
pub fn width() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout)).flatten();
    size.map(|(terminal_size::Width(width), _)| usize::from(width))
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
