//! Text in the columns of a terminal: how wide it is, and where its lines are broken. Columns are
//! counted as a terminal shows them: a CJK character takes two, a colour none.

use unicode_width::UnicodeWidthChar;

/// Where text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The columns of a terminal; `None` where it is none, and lines are as long as they are.
    pub width: Option<usize>,
    /// Whether colours are shown.
    pub color: bool,
}

/// A narrower terminal gets longer lines than it has room for, in columns.
const NARROWEST: usize = 40;
/// What a text begins with that is to be typed as it stands.
const COMMAND: &str = "rushes ";
/// A blank at which no line is broken; it is written as a blank.
pub const TIE: char = '\u{a0}';

impl Screen {
    /// A file or a pipe: lines are never broken and nothing is coloured.
    pub const PLAIN: Self = Self { width: None, color: false };

    /// The columns to keep to, if there are any.
    #[must_use]
    pub fn room(&self) -> Option<usize> {
        self.width.map(|width| width.max(NARROWEST))
    }

    /// Whether people look at it: signs and colours help there.
    #[must_use]
    pub const fn is_looked_at(&self) -> bool {
        self.width.is_some() || self.color
    }

    /// `text` behind a label of `first` columns that is written already: further lines begin after
    /// `hang` blanks. Lines are broken between words; what stands between two backticks is one word,
    /// and a longer word than a line has a line of its own.
    #[must_use]
    pub fn wrapped(&self, text: &str, first: usize, hang: usize) -> String {
        let Some(room) = self.room() else { return text.replace(TIE, " ") };
        let mut lines = Lines { text: String::new(), column: first, hang, room, is_first: true };
        for word in words(text) {
            lines.word(word);
        }
        lines.text.replace(TIE, " ")
    }

    /// A text of which the rest from `: rushes ` on is a command: where it does not fit on the line,
    /// the command has a line of its own, which is never broken.
    #[must_use]
    pub fn with_command(&self, text: &str, first: usize, hang: usize) -> String {
        let Some(at) = command(text) else { return self.wrapped(text, first, hang) };
        let (said, command) = text.split_at(at);
        let Some(room) = self.room() else { return text.to_owned() };
        if first + columns(text) <= room {
            return text.to_owned();
        }
        let said = self.wrapped(said.trim_end(), first, hang);
        format!("{said}\n{:hang$}{command}", "")
    }
}

/// Where the command begins that ends a text, in bytes; `None` where there is none, or the text is
/// nothing else.
fn command(text: &str) -> Option<usize> {
    text.rfind(&format!(": {COMMAND}")).map(|at| at + 2)
}

/// The columns of a text on one line.
#[must_use]
pub fn columns(text: &str) -> usize {
    let mut count = 0;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour ends with its letter.
            let _ = chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            count += c.width().unwrap_or(0);
        }
    }
    count
}

/// The columns of the longest piece of a text that is never broken.
#[must_use]
pub fn widest_word(text: &str) -> usize {
    words(text).iter().map(|word| columns(word.text)).max().unwrap_or(0)
}

/// `text`, and blanks up to so many columns.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{:blanks$}", "")
}

/// `text` in at most so many columns; a cut ends in `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let taken = c.width().unwrap_or(0);
        let fits = taken <= left;
        left = left.saturating_sub(taken);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// A piece of a text that is not broken.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    /// Whether a blank stands before it, unless it begins a line.
    is_apart: bool,
}

/// The words of a text. A text in a script without blanks may be broken at every character, but for
/// paths.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut is_quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '`' => is_quoted = !is_quoted,
            ' ' if !is_quoted => {
                push(&mut words, &text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    push(&mut words, &text[start..]);
    words
}

fn push<'a>(words: &mut Vec<Word<'a>>, text: &'a str) {
    // A path is to be copied.
    let is_path = text.contains('/');
    let is_wide = |c: char| c.width() == Some(2) && !is_path;
    let mut start = 0;
    let mut before = ' ';
    let mut is_apart = true;
    for (at, c) in text.char_indices() {
        // A mark such as a full stop stays with the character before it.
        if at > start && is_wide(before) && is_wide(c) && !is_mark(c) {
            words.push(Word { text: &text[start..at], is_apart });
            (start, is_apart) = (at, false);
        }
        before = c;
    }
    if start < text.len() {
        words.push(Word { text: &text[start..], is_apart });
    }
}

/// Whether a line must not begin with it.
const fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{3001}' | '\u{3002}' | '\u{ff01}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff1a}'
            ..='\u{ff1b}' | '\u{ff1f}'
    )
}

/// Lines that are being filled.
struct Lines {
    text: String,
    column: usize,
    hang: usize,
    room: usize,
    /// Whether the next word is the first of its line.
    is_first: bool,
}

impl Lines {
    fn word(&mut self, Word { text, is_apart }: Word<'_>) {
        let (length, blank) = (columns(text), usize::from(is_apart && !self.is_first));
        let is_label_too_long = self.is_first && self.column > self.hang;
        if (!self.is_first || is_label_too_long) && self.column + blank + length > self.room {
            let hang = self.hang;
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', hang));
            self.column = hang;
        } else if blank > 0 {
            self.text.push(' ');
            self.column += 1;
        }
        self.text.push_str(text);
        self.column += length;
        self.is_first = false;
    }
}
