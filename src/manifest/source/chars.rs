//! A file as a stream of characters, so that memory does not grow with its length. It is read again
//! to show or find a place in it, which is cheaper than keeping every file's text.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::place::{Place, Position};
use crate::disk;

/// The most bytes of a line that are kept.
const MAX_LINE: usize = 560;

/// Why a stream of characters ends before its file does.
#[derive(Debug)]
pub enum DecodeError {
    /// This byte begins no character.
    NotUtf8(u8),
    /// The file cannot be read any further.
    Unreadable(io::Error),
}

/// The characters of a file, one after the other. Ends after the first error.
pub struct Chars<R> {
    bytes: io::Bytes<BufReader<R>>,
    broken: bool,
}

impl<R: Read> Chars<R> {
    /// Decodes what `from` yields.
    pub fn new(from: R) -> Self {
        Self { bytes: BufReader::with_capacity(64 * 1024, from).bytes(), broken: false }
    }

    /// The rest of a character of several bytes.
    fn long(&mut self, first: u8) -> Result<char, DecodeError> {
        let mut read = [first, 0, 0, 0];
        for at in 1..read.len() {
            match self.bytes.next() {
                Some(Ok(byte)) => read[at] = byte,
                Some(Err(error)) => return Err(DecodeError::Unreadable(error)),
                None => break,
            }
            match std::str::from_utf8(&read[..=at]) {
                Ok(text) => return text.chars().next().ok_or(DecodeError::NotUtf8(first)),
                Err(error) if error.error_len().is_some() => break,
                Err(_) => {}
            }
        }
        Err(DecodeError::NotUtf8(first))
    }
}

impl<R: Read> Iterator for Chars<R> {
    type Item = Result<char, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let c = match self.bytes.next()? {
            Ok(byte) if byte.is_ascii() => Ok(char::from(byte)),
            Ok(byte) => self.long(byte),
            Err(error) => Err(DecodeError::Unreadable(error)),
        };
        self.broken = c.is_err();
        Some(c)
    }
}

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
    Place { file, line: position.line, column: position.column, length: 1, cell: 0 }
}
