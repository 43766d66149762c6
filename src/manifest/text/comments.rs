//! Finds comments that were probably meant as text: in `prompt: Shot #3` YAML takes `#3` for a
//! comment, and the prompt that is bought is "Shot". Watches the characters go by, because the YAML
//! library does not tell.

use std::collections::VecDeque;

/// The most places that are remembered; only those of the current line matter.
const MOST: usize = 64;

/// Where `#` begins a comment without a space behind it, if it is not in quotes.
#[derive(Debug)]
pub(in crate::manifest) struct Comments {
    line: usize,
    column: usize,
    before: char,
    /// A `#` behind a space, whose next character is awaited.
    hash: Option<usize>,
    found: VecDeque<(usize, usize)>,
}

impl Comments {
    pub(in crate::manifest) fn new() -> Self {
        Self { line: 1, column: 0, before: '\n', hash: None, found: VecDeque::new() }
    }

    /// Takes the next character of the file.
    #[inline]
    pub(in crate::manifest) fn see(&mut self, c: char) {
        if let Some(column) = self.hash.take()
            && !c.is_whitespace()
            && c != '#'
        {
            if self.found.len() == MOST {
                self.found.pop_front();
            }
            self.found.push_back((self.line, column));
        }
        match c {
            '\n' if self.before == '\r' => {}
            '\n' | '\r' => (self.line, self.column) = (self.line + 1, 0),
            '#' if matches!(self.before, ' ' | '\t') => {
                self.hash = Some(self.column);
                self.column += 1;
            }
            _ => self.column += 1,
        }
        self.before = c;
    }

    /// The column of such a `#` behind a text that ends at this line and column, counted from 1
    /// and 0 as the library does.
    pub(in crate::manifest) fn behind(&mut self, line: usize, column: usize) -> Option<usize> {
        while self.found.front().is_some_and(|(at, _)| *at < line) {
            self.found.pop_front();
        }
        self.found.iter().find(|(at, from)| (*at, *from >= column) == (line, true)).map(|at| at.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_counts_behind_a_space_and_before_a_character() {
        for (text, found) in [
            ("a: Shot #3", Some(8)),
            ("a: Shot # 3", None),
            ("a: Shot#3", None),
            ("a: b ## c", None),
            ("\r\na: b", None),
        ] {
            let mut comments = Comments::new();
            text.chars().for_each(|c| comments.see(c));
            assert_eq!(comments.behind(1, 0), found, "{text}");
        }
        let mut comments = Comments::new();
        "x #1\r\ny #2\rz #3".chars().for_each(|c| comments.see(c));
        assert_eq!([1, 2, 3].map(|line| comments.behind(line, 1)), [Some(2); 3]);
    }
}
