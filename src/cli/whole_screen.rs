//! The whole screen of a terminal for a while: what was on it before comes back at the end, also when
//! the program panics.

use std::io::{self, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::report::text::columns;

/// Changes to the other screen of the terminal and hides the cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
/// Shows the cursor and changes back.
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// To the first column of the first row.
const HOME: &str = "\u{1b}[H";
/// Clears the rest of a line, and of the screen.
const REST_OF_LINE: &str = "\u{1b}[K";
const REST_OF_SCREEN: &str = "\u{1b}[J";

/// Whether the other screen is shown.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// The whole screen; dropped, it gives back what was there.
#[derive(Debug)]
pub struct WholeScreen(io::Stdout);

impl WholeScreen {
    /// Takes the screen; standard output must be a terminal.
    pub fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        // A panic is told on the screen that stays.
        HOOK.call_once(|| {
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                leave();
                told(panic);
            }));
        });
        let mut out = io::stdout();
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        IS_SHOWN.store(true, Ordering::Release);
        Ok(Self(out))
    }

    /// Shows a text from the first row on, in the place of what was shown. What does not fit is left
    /// out: its last line says so.
    pub fn show(&mut self, text: &str, rows: usize, width: usize) -> io::Result<()> {
        let Self(out) = self;
        out.write_all(page(text, rows, width).as_bytes())?;
        out.flush()
    }
}

impl Drop for WholeScreen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the screen back, once.
fn leave() {
    if IS_SHOWN.swap(false, Ordering::AcqRel) {
        let mut out = io::stdout();
        // A terminal that is gone shows nothing.
        drop(out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush()));
    }
}

/// A text on a screen of so many rows and columns, with what moves the cursor.
fn page(text: &str, rows: usize, width: usize) -> String {
    let taken = |line: &str| columns(line).max(1).div_ceil(width.max(1));
    let all: usize = text.lines().map(taken).sum();
    let mut left = if all > rows { rows.saturating_sub(1) } else { rows };
    let fits = |line: &&str| {
        let fits = taken(line) <= left;
        left = left.saturating_sub(taken(line));
        fits
    };
    let shown: Vec<&str> = text.lines().take_while(fits).collect();
    let more = text.lines().count() - shown.len();
    let more = (more > 0).then(|| format!("… {more} more lines: enlarge the terminal"));
    let lines: Vec<String> = shown
        .into_iter()
        .map(str::to_owned)
        .chain(more)
        .map(|line| format!("{line}{REST_OF_LINE}"))
        .collect();
    // No line end after the last one, which would move the first row away.
    format!("{HOME}{}{REST_OF_SCREEN}", lines.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trial 12: also a panic gives the screen back, before it is told.
    #[test]
    fn a_panic_gives_the_screen_back() {
        let whole = WholeScreen::enter().unwrap();
        assert!(IS_SHOWN.load(Ordering::Acquire));
        assert!(panic::catch_unwind(|| panic!("of a test")).is_err());
        assert!(!IS_SHOWN.load(Ordering::Acquire));
        drop(whole);
    }

    #[test]
    fn what_does_not_fit_the_screen_is_left_out_and_told() {
        let lines = |page: &str| page.split("\r\n").map(str::to_owned).collect::<Vec<_>>();
        let whole = page("one\ntwo\n", 2, 10);
        assert_eq!(whole, "\u{1b}[Hone\u{1b}[K\r\ntwo\u{1b}[K\u{1b}[J");
        let cut = lines(&page("one\ntwo\nthree\nfour\n", 3, 40));
        assert_eq!(cut.len(), 3);
        assert!(cut[2].starts_with("… 2 more lines: enlarge the terminal"), "{cut:?}");
        // A line that the terminal breaks takes two rows.
        assert_eq!(lines(&page("one\n12345678901\nthree\n", 3, 10)).len(), 2);
    }
}
