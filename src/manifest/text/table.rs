//! A CSV file as rows of cells that know their places, read row by row. Takes what spreadsheets
//! write: `;` or tabs, a first line `sep=;`, CRLF, line breaks in quotes, empty rows and columns at
//! the end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use super::file;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::chars::{Chars, DecodeError};
use crate::manifest::source::place::{Place, Position};

/// Columns that a table may have; spreadsheets seldom have a tenth.
const MAX_COLUMNS: usize = 1_000;
/// How much of a file is looked at to find out its separator.
const HEAD: usize = 64 * 1024;
/// The longest row, in bytes. A longer one is a quote that is never closed.
const MAX_ROW: usize = 64 << 20;

/// A CSV file whose header has been read.
#[derive(Debug)]
pub(crate) struct Table {
    file: u16,
    /// Named columns in the order of the file.
    pub columns: Vec<Column>,
    /// Cells of the header.
    width: usize,
    /// Columns without a name.
    unnamed: Vec<usize>,
}

/// A named column.
#[derive(Debug)]
pub(crate) struct Column {
    pub name: Rc<str>,
    pub place: Place,
    index: usize,
}

/// The rows of a table that were not read yet, and the one that was read last.
pub(crate) struct Rows {
    file: u16,
    delimiter: char,
    chars: Chars<io::Chain<io::Cursor<Vec<u8>>, File>>,
    position: Position,
    /// The cells of the current row; all of their text in one.
    cells: Vec<Cell>,
    text: String,
    broken: bool,
}

/// A cell of the current row.
struct Cell {
    /// Where it stands, up to its first line's end, quotes and all.
    place: Place,
    /// Where its text ends in that of the row.
    end: usize,
    quote: Quote,
}

/// The quotes around a cell.
#[derive(Clone, Copy)]
enum Quote {
    None,
    Open,
    /// The quote at this place closes it.
    Closed(Place),
    /// The quote at this place closes it, but the text goes on.
    Exceeded(Place),
}

impl Cell {
    /// Takes its next character; returns whether that belongs to its text.
    fn take(&mut self, c: char, at: Place) -> bool {
        let is_first = (at.line, at.column) == (self.place.line, self.place.column);
        if at.line == self.place.line && !is_line_end(c) {
            self.place.length += 1;
        }
        let is_beside = |quote: Place| (quote.line, quote.column + 1) == (at.line, at.column);
        let (quote, is_text) = match (self.quote, c) {
            (Quote::None, '"') if is_first => (Quote::Open, false),
            (Quote::Open, '"') => (Quote::Closed(Place { length: 1, ..at }), false),
            // Two quotes are one within a text.
            (Quote::Closed(quote), '"') if is_beside(quote) => (Quote::Open, true),
            (Quote::Closed(quote), _) if !c.is_whitespace() => (Quote::Exceeded(quote), true),
            (quote, _) => (quote, true),
        };
        self.quote = quote;
        is_text
    }
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

/// A row that is not empty.
pub(crate) struct Row<'r> {
    rows: &'r Rows,
    pub table: &'r Table,
}

impl Table {
    /// Opens a file and reads its header. `None` when there is none or it is no text; what is wrong
    /// goes to the diags.
    ///
    /// # Errors
    /// When the file cannot be opened, with the reason.
    pub(crate) fn open(
        path: &Path,
        diags: &mut Diagnostics,
    ) -> Result<Option<(Self, Rows)>, String> {
        let Some((file, opened)) = file::open(path, diags)? else { return Ok(None) };
        let mut rows = Rows::new(file, opened).map_err(|error| error.to_string())?;
        if !rows.advance(diags) {
            return Ok(None);
        }
        let names = || (0..rows.cells.len()).map(|index| (index, rows.text(index)));
        if names().filter(|(_, name)| !name.is_empty()).count() > MAX_COLUMNS {
            let what = format!("a table has at most {MAX_COLUMNS} columns");
            let fix = "look for a quote `\"` that is never closed";
            diags.error(rows.start(), what, fix);
            return Ok(None);
        }
        let mut table =
            Self { file, columns: Vec::new(), width: rows.cells.len(), unnamed: Vec::new() };
        for (index, name) in names() {
            let place = rows.place(index);
            if name.is_empty() {
                table.unnamed.push(index);
            } else if let Some(first) = table.columns.iter().find(|column| &*column.name == name) {
                diags.add(
                    Diagnostic::new(place, format!("there are two columns `{name}`"))
                        .fix("rename or remove one of them")
                        .related(first.place, "the first is here"),
                );
            } else {
                table.columns.push(Column { name: name.into(), place, index });
            }
        }
        Ok(Some((table, rows)))
    }

    /// The place of its first character.
    pub(crate) fn place(&self) -> Place {
        Place::start(self.file)
    }

    /// The column of that name, as a number to ask rows with.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }
}

impl Rows {
    /// Finds out the separator.
    fn new(file: u16, mut opened: File) -> io::Result<Self> {
        let mut head = Vec::new();
        (&mut opened).take(HEAD as u64).read_to_end(&mut head)?;
        let (delimiter, named) = delimiter(&head);
        let mut position = Position::START;
        head.drain(..named).for_each(|byte| _ = position.advance(char::from(byte)));
        Ok(Self {
            file,
            delimiter,
            chars: Chars::new(io::Cursor::new(head).chain(opened)),
            position,
            cells: Vec::new(),
            text: String::new(),
            broken: false,
        })
    }

    /// The next row that is not empty.
    pub(crate) fn next<'r>(
        &'r mut self,
        table: &'r Table,
        diags: &mut Diagnostics,
    ) -> Option<Row<'r>> {
        while self.advance(diags) {
            if !self.text.trim().is_empty() {
                if self.check_quotes(diags) {
                    self.check_width(table, diags);
                }
                return Some(Row { rows: self, table });
            }
        }
        None
    }

    /// Reads a row. `false` at the end, and after what makes the rest unreadable.
    fn advance(&mut self, diags: &mut Diagnostics) -> bool {
        self.cells.clear();
        self.text.clear();
        while !self.broken {
            let at = self.here();
            let c = match self.chars.next() {
                None => break,
                Some(Ok(c)) => c,
                Some(Err(why)) => return self.break_off(&why, diags),
            };
            let is_end = is_line_end(c);
            if self.position.advance(c).is_none() && !is_end {
                continue;
            }
            if self.cells.is_empty() && !is_end {
                self.begin_cell(at);
            }
            let Some(cell) = self.cells.last_mut() else { continue };
            let is_open = matches!(cell.quote, Quote::Open);
            if is_end && !is_open {
                return true;
            }
            if c == self.delimiter && !is_open {
                self.begin_cell(self.here());
                continue;
            }
            if cell.take(c, at) {
                self.text.push(c);
                cell.end = self.text.len();
            }
            if self.text.len().max(self.cells.len() * size_of::<Cell>()) > MAX_ROW {
                let why = io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 64 MB");
                return self.break_off(&DecodeError::Unreadable(why), diags);
            }
        }
        // A quote that is never closed swallows everything after it: its cell is the last.
        if let Some(Cell { place, quote: Quote::Open, .. }) = self.cells.last() {
            diags.error(
                Place { length: 1, ..*place },
                "this quote is never closed",
                "close it with `\"`; write `\"\"` for a quote in a text",
            );
        }
        !self.cells.is_empty()
    }

    /// Where the next character stands.
    fn here(&self) -> Place {
        let Position { line, column, .. } = self.position;
        Place { file: self.file, line, column, length: 0 }
    }

    fn begin_cell(&mut self, place: Place) {
        self.cells.push(Cell { place, end: self.text.len(), quote: Quote::None });
    }

    /// Reports what ends the rows before their file does; returns `false`.
    fn break_off(&mut self, why: &DecodeError, diags: &mut Diagnostics) -> bool {
        self.broken = true;
        match why {
            DecodeError::NotUtf8(byte) => {
                file::not_utf8(Place { length: 1, ..self.here() }, *byte, true, diags);
            }
            DecodeError::Unreadable(why) => {
                let what = format!("the row that begins here cannot be read: {why}");
                let fix = "look for a quote `\"` that is never closed";
                diags.error(self.start(), what, fix);
            }
        }
        false
    }

    /// A cell's text without spaces around it.
    fn text(&self, index: usize) -> &str {
        let end = |cell: Option<&Cell>| cell.map_or(0, |cell| cell.end);
        let start = index.checked_sub(1).map_or(0, |before| end(self.cells.get(before)));
        self.text.get(start..end(self.cells.get(index))).unwrap_or_default().trim()
    }

    /// Where a cell stands; the last one for one that the row is too short for.
    fn place(&self, index: usize) -> Place {
        self.cells.get(index).or(self.cells.last()).map_or_else(|| self.here(), |cell| cell.place)
    }

    /// Where the row begins.
    fn start(&self) -> Place {
        Place { column: 1, length: 0, ..self.place(0) }
    }

    /// A quote that ends before its text does: what follows up to the next one, whole rows perhaps,
    /// is not what was meant. `false` when there is one.
    fn check_quotes(&self, diags: &mut Diagnostics) -> bool {
        for (index, cell) in self.cells.iter().enumerate() {
            let begins = Place { length: 1, ..cell.place };
            let text = self.text(index);
            match cell.quote {
                Quote::Exceeded(quote) => {
                    let what = "the text goes on behind this quote, which closes it";
                    let fix = "look for a quote `\"` that is missing or too many from where the text \
                               begins; write `\"\"` for a quote in a text";
                    let diagnostic = Diagnostic::new(quote, what).fix(fix);
                    diags.add(diagnostic.related(begins, "the text begins here"));
                    return false;
                }
                Quote::None if text.len() > 1 && text.starts_with('"') && text.ends_with('"') => {
                    let what = "there is a space before this quote, so that it is part of the text";
                    diags.error(begins, what, "remove the space before the quote");
                }
                _ => {}
            }
        }
        true
    }

    /// Reports cells that stand below no header, or an empty one.
    fn check_width(&self, table: &Table, diags: &mut Diagnostics) {
        let stray = table.unnamed.iter().copied().chain(table.width..self.cells.len());
        if let Some(index) = stray.into_iter().find(|index| !self.text(*index).is_empty()) {
            let fix = "name the column, or put a text that holds the separator into quotes";
            diags.error(self.place(index), "this cell's column has no name", fix);
        }
    }
}

impl Row<'_> {
    /// A cell's text without spaces around it; `None` when it is empty.
    pub(crate) fn cell(&self, column: usize) -> Option<&str> {
        let text = self.rows.text(self.table.columns.get(column)?.index);
        Some(text).filter(|text| !text.is_empty())
    }

    /// The filled cell of the column of that name, and its place.
    pub(crate) fn named(&self, name: &str) -> Option<(&str, Place)> {
        let column = self.table.column(name)?;
        Some((self.cell(column)?, self.place(column)))
    }

    /// Where a cell stands.
    pub(crate) fn place(&self, column: usize) -> Place {
        self.rows.place(self.table.columns.get(column).map_or(0, |column| column.index))
    }

    /// Where the row begins.
    pub(crate) fn start(&self) -> Place {
        self.rows.start()
    }
}

/// The separator, and the length of a first line that names it as Excel does: `sep=;`. Else it is
/// whichever of `,`, `;`, tab and `|` occurs most in the first line outside of quotes.
fn delimiter(head: &[u8]) -> (char, usize) {
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', named, rest @ ..] = head
        && named.is_ascii()
    {
        match rest {
            [b'\r', b'\n', ..] => return (char::from(*named), 7),
            [b'\r' | b'\n', ..] => return (char::from(*named), 6),
            _ => {}
        }
    }
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = head.iter().position(|byte| !is_end(byte)).unwrap_or(0);
    let line = head.get(start..).unwrap_or_default().split(is_end).next().unwrap_or_default();
    let count = |delimiter: u8| {
        let mut quoted = false;
        line.iter()
            .filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && **byte == delimiter
            })
            .count()
    };
    let known = [b'|', b'\t', b';', b','];
    (known.into_iter().max_by_key(|delimiter| count(*delimiter)).map_or(',', char::from), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every filled cell with its place, and how many mistakes there were.
    fn cells(text: &[u8]) -> (Vec<(String, u32, u32)>, usize) {
        let mut diags = Diagnostics::default();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), text).unwrap();
        let (table, mut rows) = Table::open(file.path(), &mut diags).unwrap().unwrap();
        let mut cells = Vec::new();
        while let Some(row) = rows.next(&table, &mut diags) {
            for column in 0..table.columns.len() {
                if let Some(cell) = row.cell(column) {
                    let Place { line, column, .. } = row.place(column);
                    cells.push((cell.to_owned(), line, column));
                }
            }
        }
        (cells, diags.error_count())
    }

    #[test]
    fn a_cell_knows_its_line_and_column() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![("1", 2, 1), ("2", 2, 3)]),
            ("a;b\r\n1;2\r\n\r\n3;4\r\n", vec![("1", 2, 1), ("2", 2, 3), ("3", 4, 1), ("4", 4, 3)]),
            (
                "\n\na\tb\n\"x\n\ny\"\t2\n3\t4",
                vec![("x\n\ny", 4, 1), ("2", 6, 4), ("3", 7, 1), ("4", 7, 3)],
            ),
            ("\"a;b\",c\nä,\"q\"\"q\"\n", vec![("ä", 2, 1), ("q\"q", 2, 3)]),
            ("a,b\n,\n  ,\n1,", vec![("1", 4, 1)]),
            // What Excel writes first so that it can read it again.
            ("sep=;\r\na;b\r\n1,5;2\r\n", vec![("1,5", 3, 1), ("2", 3, 5)]),
            ("sep=|\na|b\n1|2", vec![("1", 3, 1), ("2", 3, 3)]),
            // What old spreadsheets on a Mac write: lines end with CR alone.
            ("a,b\r1,\"x\ry\"\r3,4\r", vec![("1", 2, 1), ("x\ry", 2, 3), ("3", 4, 1), ("4", 4, 3)]),
        ] {
            let (found, mistakes) = cells(text.as_bytes());
            let found: Vec<_> = found.iter().map(|(cell, l, c)| (cell.as_str(), *l, *c)).collect();
            assert_eq!((found, mistakes), (expected, 0), "{text:?}");
        }
    }

    #[test]
    fn places_are_right_across_the_buffer_s_edges() {
        for length in [HEAD - 3, HEAD - 2, HEAD - 1, HEAD, 3 * HEAD] {
            let long = "x".repeat(length);
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("a,b{end}{long},1{end}{end}2,3{end}\"{long}{end}\",4{end}5,6");
                let (found, mistakes) = cells(text.as_bytes());
                let places: Vec<_> =
                    found.iter().map(|(_, line, column)| (*line, *column)).collect();
                let far = u32::try_from(length).unwrap() + 2;
                let expected = [(2, 1), (2, far), (4, 1), (4, 3), (5, 1), (6, 3), (7, 1), (7, 3)];
                assert_eq!(
                    (places.as_slice(), mistakes),
                    (expected.as_slice(), 0),
                    "{length} {end:?}"
                );
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_end_the_rows_before_them() {
        let (found, mistakes) = cells(b"a,b\n1,2\ncaf\xe9,3\n4,5\n");
        assert_eq!((found.len(), mistakes), (2, 1));
    }
}
