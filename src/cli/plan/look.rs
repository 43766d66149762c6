//! How a text plan is to look.

use std::io::{self, Write};

use crate::report::text::Screen;

/// How a text plan is to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Where it is shown.
    pub screen: Screen,
    /// Whether every shot is shown, however many there are.
    pub all: bool,
}

impl Look {
    /// Writes a line, or as many as it takes in the terminal.
    pub fn say(self, out: &mut dyn Write, line: &str) -> io::Result<()> {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        writeln!(out, "{:indent$}{}", "", self.screen.wrapped(text, indent, indent + 2))
    }
}
