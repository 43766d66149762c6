//! Reads a file again to show or find a place in it, which is cheaper than keeping every file's text.

use std::path::Path;

use super::chars::Chars;
use super::place::{Place, Position};
use crate::disk;

/// The most bytes of a line that are kept.
const MAX_LINE: usize = 560;

/// The line above line `number` of a file and that line, tabs and all; empty if unreadable.
pub(crate) fn line_and_above(path: &Path, number: u32) -> [String; 2] {
    let mut lines = [const { String::new() }; 2];
    let Ok(file) = disk::open_file(path) else { return lines };
    let mut position = Position::START;
    for c in Chars::new(file).map_while(Result::ok) {
        let Some((at, _)) = position.advance(c) else { continue };
        let Some(index) = (at + 1).checked_sub(number) else { continue };
        match lines.get_mut(index as usize) {
            Some(line) if line.len() < MAX_LINE => line.push(c),
            Some(_) => {}
            None => break,
        }
    }
    lines
}

/// Where the file numbered `file` stops being UTF-8.
pub(crate) fn end_of_utf8(file: u16, path: &Path) -> Place {
    let opened = disk::open_file(path).ok();
    let mut position = Position::START;
    for c in opened.into_iter().flat_map(Chars::new).map_while(Result::ok) {
        position.advance(c);
    }
    Place { file, line: position.line, column: position.column, length: 1 }
}
