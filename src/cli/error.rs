//! Why a command could not do its work, and the one place that says so.

use std::fmt::Display;
use std::io;

use crate::ledger::LedgerError;
use crate::manifest::Mistakes;
use crate::report::ReportError;

use super::exit::Exit;
use super::ledger_place;
use super::terminal::{CYAN, RED, Terminal};

/// Why a command could not do its work. For `run` and `fetch`: nothing was sent.
#[derive(Debug)]
pub enum CliError {
    /// The manifest is wrong; the text is ready to print.
    Mistakes(Mistakes),
    /// Anything else, with a way out where there is one.
    Error {
        /// What went wrong.
        what: String,
        /// What to do about it, line by line.
        help: Vec<String>,
    },
    /// The program that read standard output has ended, as `head` does: nothing is wrong.
    OutputClosed,
}

impl CliError {
    /// An error.
    pub fn new(what: impl Display) -> Self {
        Self::Error { what: what.to_string(), help: Vec::new() }
    }

    /// The same with one more way out.
    pub fn help(mut self, line: impl Into<String>) -> Self {
        if let Self::Error { help, .. } = &mut self {
            help.push(line.into());
        }
        self
    }

    /// What went wrong, and the first way out, for a line of a list.
    pub fn in_words(&self) -> (String, Option<String>) {
        match self {
            Self::Mistakes(mistakes) => (format!("mistakes: {}", mistakes.count), None),
            Self::Error { what, help } => (what.clone(), help.first().cloned()),
            Self::OutputClosed => ("standard output was closed".to_owned(), None),
        }
    }

    /// Says it on standard error.
    pub fn tell(&self, terminal: &Terminal) -> Exit {
        match self {
            Self::Mistakes(mistakes) => {
                terminal.tell(mistakes.rendered.trim_end());
            }
            Self::Error { what, help } => {
                terminal.say(RED, "error", what);
                for line in help {
                    terminal.say(CYAN, "help", line);
                }
            }
            Self::OutputClosed => return Exit::Delivered,
        }
        Exit::NotStarted
    }
}

impl From<Mistakes> for CliError {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes)
    }
}

/// The ledger's errors bring their own way out, and what it lies on may add one.
impl From<LedgerError> for CliError {
    fn from(error: LedgerError) -> Self {
        let told = Self::new(&error);
        match ledger_place::help(&error) {
            Some(help) => told.help(help),
            None => told,
        }
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Ledger(error) => error.into(),
            ReportError::Output(error) => error.into(),
        }
    }
}

/// Only writing to standard output fails as a bare I/O error.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::new(format!("standard output cannot be written: {error}"))
        }
    }
}
