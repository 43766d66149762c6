//! Splits a CSV file into records whose cells know the bytes they were written with, which the csv
//! crate does not tell: places and the checks of quotes need them.

use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;

use crate::manifest::source::place::saturating_u32;

/// The longest record, in bytes. A longer one is a quote that is never closed.
const MAX_RECORD: usize = 64 << 20;

/// Why the rest of a file cannot be read.
pub(super) enum ReadError {
    Io(io::Error),
    /// This byte begins no character; the record holds the text before it.
    NotUtf8(u8),
}

/// Reads a file record by record.
pub(super) struct RecordReader<R> {
    reader: BufReader<R>,
    delimiter: u8,
    /// The line that is read next, and whether a carriage return ended the one before.
    line: u32,
    after_return: bool,
}

/// A record and its cells.
#[derive(Default)]
pub(super) struct Record {
    /// The line it begins on.
    pub line: u32,
    /// As it is written, without its line end.
    pub raw: String,
    /// Whether its last cell is quoted and the quote never closed.
    pub is_unclosed: bool,
    cells: Vec<Cell>,
    /// The texts of all cells, one after the other.
    texts: String,
}

/// A cell's bytes in its record as it is written, and in the record's texts.
struct Cell {
    raw: Range<usize>,
    text: Range<usize>,
}

/// Where in a cell a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Unquoted,
    Quoted,
    /// Behind a quote in a quoted cell: another one makes it part of the text.
    Closed,
}

impl State {
    /// The state behind a byte that ends no record.
    fn next(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Quoted, _) | (Self::Start | Self::Closed, b'"') => Self::Quoted,
            _ if byte == delimiter => Self::Start,
            _ => Self::Unquoted,
        }
    }
}

impl<R: Read> RecordReader<R> {
    /// Reads what follows in `reader`, beginning on a line.
    pub(super) fn new(reader: BufReader<R>, delimiter: u8, line: u32) -> Self {
        Self { reader, delimiter, line, after_return: false }
    }

    /// Reads the next record that is no empty line; `false` at the end of the file.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        self.skip_line_ends().map_err(ReadError::Io)?;
        record.line = self.line;
        let mut raw = std::mem::take(&mut record.raw).into_bytes();
        raw.clear();
        let state = self.read_raw(&mut raw).map_err(ReadError::Io)?;
        self.line = self.line.saturating_add(line_ends(&raw, &mut false));
        record.raw = String::from_utf8(raw).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let mut raw = error.into_bytes();
            let byte = raw.get(valid).copied().unwrap_or_default();
            raw.truncate(valid);
            record.raw = String::from_utf8(raw).unwrap_or_default();
            ReadError::NotUtf8(byte)
        })?;
        record.is_unclosed = state == State::Quoted;
        record.split(self.delimiter);
        Ok(!record.raw.is_empty())
    }

    fn skip_line_ends(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            let ends = buffer.get(..buffer.iter().take_while(is_end).count()).unwrap_or_default();
            self.line = self.line.saturating_add(line_ends(ends, &mut self.after_return));
            let (skipped, all) = (ends.len(), buffer.len());
            self.reader.consume(skipped);
            if skipped == 0 || skipped < all {
                return Ok(());
            }
        }
    }

    /// Reads up to the next line end outside of quotes; returns the state there.
    fn read_raw(&mut self, raw: &mut Vec<u8>) -> io::Result<State> {
        self.after_return = false;
        let mut state = State::Start;
        loop {
            if raw.len() > MAX_RECORD {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 64 MB"));
            }
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|byte| {
                let ends = matches!(byte, b'\r' | b'\n') && state != State::Quoted;
                if !ends {
                    state = state.next(*byte, self.delimiter);
                }
                ends
            });
            let length = end.unwrap_or(buffer.len());
            raw.extend_from_slice(buffer.get(..length).unwrap_or_default());
            self.reader.consume(length);
            if end.is_some() || length == 0 {
                return Ok(state);
            }
        }
    }
}

impl Record {
    /// Finds the cells.
    fn split(&mut self, delimiter: u8) {
        let Self { raw, cells, texts, .. } = self;
        cells.clear();
        texts.clear();
        let mut add = |range: Range<usize>| {
            let start = texts.len();
            unquote(raw.get(range.clone()).unwrap_or_default(), texts);
            cells.push(Cell { raw: range, text: start..texts.len() });
        };
        let (mut start, mut state) = (0, State::Start);
        for (at, byte) in raw.bytes().enumerate() {
            state = state.next(byte, delimiter);
            if state == State::Start {
                add(start..at);
                start = at + 1;
            }
        }
        add(start..raw.len());
    }

    /// How many cells it has; at least one.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// A cell's text.
    pub(super) fn text(&self, index: usize) -> Option<&str> {
        self.texts.get(self.cells.get(index)?.text.clone())
    }

    /// The texts of all cells.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.text(index))
    }

    /// The bytes of a cell in [`Record::raw`]; of the last one if there are fewer.
    pub(super) fn range(&self, index: usize) -> Range<usize> {
        self.cells.get(index).or(self.cells.last()).map_or(0..0, |cell| cell.raw.clone())
    }
}

/// Adds what a cell's text is, quotes resolved.
fn unquote(cell: &str, texts: &mut String) {
    let Some(mut rest) = cell.strip_prefix('"') else { return texts.push_str(cell) };
    while let Some((before, behind)) = rest.split_once('"') {
        texts.push_str(before);
        rest = behind;
        match rest.strip_prefix('"') {
            Some(more) => {
                texts.push('"');
                rest = more;
            }
            None => break,
        }
    }
    texts.push_str(rest);
}

/// What is wrong with the quotes of a cell.
pub(super) enum QuoteError {
    /// The text goes on behind the quote at this byte.
    Ends(usize),
    /// A quoted text with spaces before it.
    Spaced,
}

impl QuoteError {
    /// What is wrong with a cell, as it is written.
    pub(super) fn of(cell: &str) -> Option<Self> {
        let Some(inside) = cell.strip_prefix('"') else {
            let text = cell.trim();
            let spaced = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
            return spaced.then_some(Self::Spaced);
        };
        let mut quotes = inside.match_indices('"').map(|(at, _)| at + 1).peekable();
        while let Some(at) = quotes.next() {
            if quotes.next_if_eq(&(at + 1)).is_none() {
                let rest = cell.get(at + 1..).unwrap_or_default();
                return (!rest.trim().is_empty()).then_some(Self::Ends(at));
            }
        }
        None
    }
}

/// Line ends in some bytes: LF, CRLF, or the CR alone of old spreadsheets.
pub(super) fn line_ends(bytes: &[u8], after_return: &mut bool) -> u32 {
    let ends = bytes.iter().filter(|byte| {
        let ends_return = std::mem::replace(after_return, **byte == b'\r');
        **byte == b'\r' || (**byte == b'\n' && !ends_return)
    });
    saturating_u32(ends.count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_are_those_of_the_csv_crate(text in "[a\", \n\r;ä]{0,40}", capacity in 1..9_usize) {
            let mut builder = csv::ReaderBuilder::new();
            builder.has_headers(false).flexible(true);
            let expected = builder.from_reader(text.as_bytes()).into_records();
            let expected: Vec<Vec<String>> =
                expected.map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
            let reader = BufReader::with_capacity(capacity, text.as_bytes());
            let mut reader = RecordReader::new(reader, b',', 1);
            let mut record = Record::default();
            let mut found: Vec<Vec<String>> = Vec::new();
            while let Ok(true) = reader.read(&mut record) {
                found.push(record.texts().map(str::to_owned).collect());
            }
            prop_assert_eq!(found, expected);
        }
    }
}
