//! Where the progress bars are drawn: standard error, a line below the other. What the user types
//! meanwhile is shown behind the last line and moves nothing, so that no line of an older picture stays
//! behind.

use std::fmt::Write as _;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use terminal_size::{Height, Width, terminal_size_of};

use super::stderr;

/// The size of a terminal that does not know it: rows and columns.
const USUAL: (u16, u16) = (24, 80);
/// Clears the line and what is left of it.
const WHOLE_LINE: &str = "\r\u{1b}[2K";
const REST_OF_LINE: &str = "\u{1b}[K";

/// The target of bars on a terminal.
pub fn target() -> ProgressDrawTarget {
    if cfg!(unix) {
        ProgressDrawTarget::term_like(Box::<StandardError>::default())
    } else {
        ProgressDrawTarget::stderr()
    }
}

/// Standard error, written a picture at a time.
#[derive(Debug, Default)]
struct StandardError {
    picture: Mutex<Picture>,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Picture {
    text: String,
    /// Whether a line was ended, and another one may follow.
    has_ended_line: bool,
}

impl StandardError {
    fn picture(&self) -> MutexGuard<'_, Picture> {
        self.picture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, rows: usize, letter: char) {
        let mut picture = self.picture();
        picture.has_ended_line = false;
        if rows > 0 {
            let _ = write!(picture.text, "\u{1b}[{rows}{letter}");
        }
    }
}

/// The rows and columns of a terminal, by what the system says of it.
pub fn rows_and_columns(size: Option<(Width, Height)>) -> (u16, u16) {
    let known = size.map(|(Width(columns), Height(rows))| (rows, columns));
    known.filter(|(rows, columns)| *rows > 0 && *columns > 0).unwrap_or(USUAL)
}

fn size() -> (u16, u16) {
    rows_and_columns(terminal_size_of(io::stderr()))
}

/// A picture is its lines, each followed by the blanks that fill it.
impl TermLike for StandardError {
    fn width(&self) -> u16 {
        size().1
    }

    fn height(&self) -> u16 {
        size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D');
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        let mut picture = self.picture();
        picture.text += line;
        picture.text += "\r\n";
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut picture = self.picture();
        if text.bytes().all(|byte| byte == b' ') {
            // Blanks up to the last column would put what is typed on the next line.
            picture.text += REST_OF_LINE;
            picture.has_ended_line = true;
            return Ok(());
        }
        if std::mem::take(&mut picture.has_ended_line) {
            picture.text += "\r\n";
        }
        picture.text += text;
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut picture = self.picture();
        picture.has_ended_line = false;
        picture.text += WHOLE_LINE;
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut picture = self.picture();
        picture.has_ended_line = false;
        let text = std::mem::take(&mut picture.text);
        stderr::draw(&text)
    }
}
