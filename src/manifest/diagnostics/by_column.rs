//! The same mistake in many rows of a table is one mistake of its column, with the rows.

use std::collections::HashMap;

use super::diagnostic::Diagnostic;
use super::excerpt::{self, Source};
use super::sheets::Sheets;
use crate::manifest::source::place::Place;

/// What mistakes of one column have in common: their file, their column, and what is wrong but for
/// the cell's own text and numbers.
type Shape = (u16, u16, String);

/// Makes one diagnostic of those that say the same of several rows, and gives each its cell.
/// `all` are in the order of their places.
pub(super) fn grouped(
    all: Vec<Diagnostic>,
    sources: &[Source],
    sheets: &Sheets,
) -> Vec<Diagnostic> {
    let places = all.iter().map(|one| one.place).filter(|place| place.cell != 0);
    let lines = excerpt::lines(sources, places, &[]);
    let mut known: HashMap<Shape, usize> = HashMap::new();
    let mut groups: Vec<Diagnostic> = Vec::new();
    for mut one in all {
        let Some(spot) = sheets.spot(one.place) else {
            groups.push(one);
            continue;
        };
        let cell = excerpt::text(one.place, &lines).unwrap_or_default();
        let shape = (one.place.file, one.place.cell, shape(&one.what, &cell));
        let lines = std::mem::take(&mut one.lines).into_iter();
        let rows = lines.filter_map(|line| Some(sheets.spot(Place { line, ..one.place })?.row));
        let rows: Vec<u32> = std::iter::once(spot.row).chain(rows).collect();
        match known.get(&shape).and_then(|at| groups.get_mut(*at)) {
            // A second mistake of the same row is no other row's.
            Some(first) if !first.rows.contains(&spot.row) => {
                first.rows.extend(rows);
                first.repeats += one.repeats + usize::from(one.shot.is_some());
            }
            _ => {
                known.insert(shape, groups.len());
                (one.rows, one.cell) = (rows, Some(spot));
                groups.push(one);
            }
        }
    }
    for group in &mut groups {
        group.rows.sort_unstable();
        // Two entries may read one table.
        group.rows.dedup();
    }
    groups
}

/// A sentence without what differs from row to row: the cell's text and all digits.
fn shape(what: &str, cell: &str) -> String {
    let cell = cell.trim().trim_matches('"').trim();
    let mut shape = String::new();
    let mut rest = what;
    while let Some(at) = find_word(rest, cell) {
        shape.push_str(rest.get(..at).unwrap_or_default());
        shape.push('…');
        rest = rest.get(at + cell.len()..).unwrap_or_default();
    }
    shape.push_str(rest);
    let mut folded = String::new();
    for c in shape.chars() {
        match c.is_ascii_digit() {
            true if folded.ends_with('0') => {}
            true => folded.push('0'),
            false => folded.push(c),
        }
    }
    folded
}

/// Where a text holds another one that is not a part of a longer word.
fn find_word(text: &str, word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let found = text.match_indices(word).map(|(at, _)| at);
    found.into_iter().find(|at| {
        let before = text.get(..*at).and_then(|head| head.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|tail| tail.chars().next());
        !is_part(before) && !is_part(after)
    })
}
