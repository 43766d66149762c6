//! Finds comments that were probably meant as text: in `prompt: Shot #3` YAML takes `#3` for a
//! comment, and the prompt that is bought is "Shot". Reads along with the YAML library, which does
//! not report comments.

use std::collections::VecDeque;

use crate::manifest::source::place::Position;

/// The most places that are remembered; only those of the current line matter.
const MAX: usize = 64;

/// Where `#` begins a comment without a space behind it, if it is not in quotes.
#[derive(Debug)]
pub struct Comments {
    position: Position,
    before: char,
    /// The column behind the last character of the line that is no space.
    text_end: u32,
    /// A `#` behind a space, whose next character is awaited.
    hash: Option<Hash>,
    found: VecDeque<Hash>,
}

/// A `#` behind a space.
#[derive(Clone, Copy, Debug)]
struct Hash {
    line: u32,
    column: u32,
    /// Where the text before it ends.
    text_end: u32,
}

impl Default for Comments {
    fn default() -> Self {
        Self {
            position: Position::START,
            before: '\n',
            text_end: 1,
            hash: None,
            found: VecDeque::new(),
        }
    }
}

impl Comments {
    /// Takes the next character of the file.
    #[inline]
    pub fn observe(&mut self, c: char) {
        let at = self.position.advance(c);
        if let Some(hash) = self.hash.take()
            && !c.is_whitespace()
            && c != '#'
        {
            if self.found.len() == MAX {
                self.found.pop_front();
            }
            self.found.push_back(hash);
        }
        if let Some((line, column)) = at {
            if c == '#' && matches!(self.before, ' ' | '\t') {
                self.hash = Some(Hash { line, column, text_end: self.text_end });
            }
            if !c.is_whitespace() {
                self.text_end = column + 1;
            }
        } else {
            self.text_end = 1;
        }
        self.before = c;
    }

    /// The column of such a `#` behind a text that ends at a line and column, with nothing but
    /// spaces between.
    pub fn behind(&mut self, line: u32, end: u32) -> Option<u32> {
        while self.found.front().is_some_and(|hash| hash.line < line) {
            self.found.pop_front();
        }
        let behind = |hash: &&Hash| hash.line == line && hash.text_end <= end && hash.column >= end;
        self.found.iter().find(behind).map(|hash| hash.column)
    }
}
