//! How a state looks on a terminal: a sign, a word and a colour. States differ by sign and word alone,
//! so that a terminal without colours shows as much; the contact sheet has the same signs.

use super::columns::{Screen, TIE};

/// A colour, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// It wants a look.
    Warn,
    /// It went wrong.
    Bad,
    /// It does not matter much.
    Dim,
    /// What a page is about.
    Strong,
}

impl Hue {
    /// The terminal's code of it.
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Busy => "36",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

impl Screen {
    /// `text` in a colour, where colours are shown.
    #[must_use]
    pub fn paint(&self, hue: Hue, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", hue.code())
        } else {
            text.to_owned()
        }
    }

    /// A count of shots of a state, such as `4 delivered`: with the state's sign and colour where
    /// people look at it.
    #[must_use]
    pub fn counted(&self, state: &str, count: usize, word: &str) -> String {
        let text = format!("{count} {word}");
        if !self.is_looked_at() {
            return text;
        }
        let (sign, hue) = sign(state);
        self.paint(hue, &format!("{sign} {text}").replace(' ', &TIE.to_string()))
    }
}

/// The sign and the colour of a state, by its name in reports (`stalled` included).
#[must_use]
pub fn sign(state: &str) -> (char, Hue) {
    match state {
        "delivered" => ('✓', Hue::Good),
        "rendered" => ('↓', Hue::Busy),
        "rendering" => ('◐', Hue::Busy),
        "submitting" => ('↑', Hue::Busy),
        "stalled" => ('‖', Hue::Warn),
        "in_doubt" => ('?', Hue::Warn),
        "failed" => ('✕', Hue::Bad),
        _ => ('·', Hue::Dim),
    }
}
