//! Finds comments that were probably meant as text: in `prompt: Shot #3` YAML takes `#3` for a
//! comment, and the prompt that is bought is "Shot". Watches the characters go by, because the YAML
//! library does not tell.

use std::collections::VecDeque;

use super::position::Position;

/// The most places that are remembered; only those of the current line matter.
const MOST: usize = 64;

/// Where `#` begins a comment without a space behind it, if it is not in quotes.
#[derive(Debug)]
pub(in crate::manifest) struct Comments {
    position: Position,
    before: char,
    /// A `#` behind a space, whose next character is awaited.
    hash: Option<(u32, u32)>,
    found: VecDeque<(u32, u32)>,
}

impl Comments {
    pub(in crate::manifest) fn new() -> Self {
        Self { position: Position::START, before: '\n', hash: None, found: VecDeque::new() }
    }

    /// Takes the next character of the file.
    #[inline]
    pub(in crate::manifest) fn see(&mut self, c: char) {
        let at = self.position.see(c);
        if let Some(hash) = self.hash.take()
            && !c.is_whitespace()
            && c != '#'
        {
            if self.found.len() == MOST {
                self.found.pop_front();
            }
            self.found.push_back(hash);
        }
        if c == '#' && matches!(self.before, ' ' | '\t') {
            self.hash = at;
        }
        self.before = c;
    }

    /// The column of such a `#` at or behind a line and column.
    pub(in crate::manifest) fn behind(&mut self, line: u32, column: u32) -> Option<u32> {
        while self.found.front().is_some_and(|(at, _)| *at < line) {
            self.found.pop_front();
        }
        let behind = |found: &&(u32, u32)| found.0 == line && found.1 >= column;
        self.found.iter().find(behind).map(|found| found.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_counts_behind_a_space_and_before_a_character() {
        for (text, found) in [
            ("a: Shot #3", Some(9)),
            ("a: Shot # 3", None),
            ("a: Shot#3", None),
            ("a: b ## c", None),
            ("\r\na: b", None),
        ] {
            let mut comments = Comments::new();
            text.chars().for_each(|c| comments.see(c));
            assert_eq!(comments.behind(1, 1), found, "{text}");
        }
        let mut comments = Comments::new();
        "x #1\r\ny #2\rz #3".chars().for_each(|c| comments.see(c));
        assert_eq!([1, 2, 3].map(|line| comments.behind(line, 1)), [Some(3); 3]);
    }
}
