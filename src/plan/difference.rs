//! How two texts differ, word by word.

use std::ops::Range;

/// A part of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// In both.
    Same(&'t str),
    /// In the old one only.
    Removed(&'t str),
    /// In the new one only.
    Added(&'t str),
}

/// The most cells of the table by which common words are found; longer texts are one change from the
/// first word that differs to the last.
const MAX_CELLS: usize = 250_000;

/// Where texts differ: ranges of words of the old and of the new one.
type Hunk = (Range<usize>, Range<usize>);

/// The parts of two texts in order; the parts of the new one, in order, are the whole new text.
#[must_use]
pub fn difference<'t>(old: &'t str, new: &'t str) -> Vec<Piece<'t>> {
    let (a, b) = (words(old), words(new));
    let mut pieces = Vec::new();
    let mut at = 0;
    for (removed, added) in hunks(&a, &b) {
        push(&mut pieces, Piece::Same, text(new, &b, at..added.start));
        push(&mut pieces, Piece::Removed, text(old, &a, removed));
        push(&mut pieces, Piece::Added, text(new, &b, added.clone()));
        at = added.end;
    }
    push(&mut pieces, Piece::Same, text(new, &b, at..b.len()));
    pieces
}

fn push<'t>(pieces: &mut Vec<Piece<'t>>, kind: fn(&'t str) -> Piece<'t>, text: &'t str) {
    if !text.is_empty() {
        pieces.push(kind(text));
    }
}

/// The part of a text that a range of its words is.
fn text<'t>(whole: &'t str, words: &[&'t str], range: Range<usize>) -> &'t str {
    let start = words.iter().take(range.start).map(|word| word.len()).sum::<usize>();
    let length =
        words.iter().take(range.end).skip(range.start).map(|word| word.len()).sum::<usize>();
    whole.get(start..start + length).unwrap_or_default()
}

/// Words, blanks and marks; in writing without blanks each character is a word.
fn words(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_whitespace() => 0,
        c if c.is_alphanumeric() && (c as u32) < 0x2e80 => 1,
        _ => 2,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let Some((next, after)) = chars.peek() else { break };
        if kind(c) != kind(*after) || kind(c) == 2 {
            words.push(&text[start..*next]);
            start = *next;
        }
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn hunks(a: &[&str], b: &[&str]) -> Vec<Hunk> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (a_end, b_end) = (a.len() - tail, b.len() - tail);
    if (head, head) == (a_end, b_end) {
        return Vec::new();
    }
    if (a_end - head + 1).saturating_mul(b_end - head + 1) > MAX_CELLS {
        return vec![(head..a_end, head..b_end)];
    }
    let found = within(&a[head..a_end], &b[head..b_end], head);
    joined(found, b)
}

/// The hunks of two texts by their longest common sequence of words; `offset` words are before both.
fn within(a: &[&str], b: &[&str], offset: usize) -> Vec<Hunk> {
    let wide = b.len() + 1;
    let mut longest = vec![0_u16; (a.len() + 1) * wide];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let (right, below) = (longest[i * wide + j + 1], longest[(i + 1) * wide + j]);
            let both = longest[(i + 1) * wide + j + 1] + 1;
            longest[i * wide + j] = if a[i] == b[j] { both } else { right.max(below) };
        }
    }
    let mut found: Vec<Hunk> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut from_a, mut from_b) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            if (from_a, from_b) != (i, j) {
                found.push((from_a + offset..i + offset, from_b + offset..j + offset));
            }
            (i, j) = (i + 1, j + 1);
            (from_a, from_b) = (i, j);
        } else if longest[(i + 1) * wide + j] >= longest[i * wide + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    if (from_a, from_b) != (a.len(), b.len()) {
        found.push((from_a + offset..a.len() + offset, from_b + offset..b.len() + offset));
    }
    found
}

/// Changes with nothing but blanks and marks between them are one.
fn joined(found: Vec<Hunk>, b: &[&str]) -> Vec<Hunk> {
    let mut all: Vec<Hunk> = Vec::new();
    for (removed, added) in found {
        if let Some((last_removed, last_added)) = all.last_mut() {
            let between = &b[last_added.end..added.start];
            if between.iter().all(|word| !word.contains(char::is_alphanumeric)) {
                (last_removed.end, last_added.end) = (removed.end, added.end);
                continue;
            }
        }
        all.push((removed, added));
    }
    all
}
