//! A CSV file as rows of cells that know their places, read row by row. Takes what spreadsheets
//! write: `;` or tabs, a first line `sep=;`, CRLF, line breaks in quotes, empty rows and columns at
//! the end.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use super::csv_record::{QuoteError, ReadError, Record, RecordReader, line_ends};
use super::file;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::{Place, saturating_u32};

/// Columns that a table may have; spreadsheets seldom have a tenth.
const MAX_COLUMNS: usize = 1_000;
/// How much of a file is looked at to find out its separator.
const HEAD: usize = 64 * 1024;

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

/// The rows of a table that were not read yet.
pub(crate) struct Rows {
    file: u16,
    reader: RecordReader<File>,
    record: Record,
    is_broken: bool,
}

/// A row that is not empty.
pub(crate) struct Row<'r> {
    file: u16,
    record: &'r Record,
    columns: &'r [Column],
}

impl Table {
    /// Opens a file and reads its header. `None` when there is none or it is no text, which was
    /// reported.
    ///
    /// # Errors
    /// When the file cannot be opened, with the reason.
    pub(crate) fn open(
        path: &Path,
        diags: &mut Diagnostics,
    ) -> Result<Option<(Self, Rows)>, String> {
        let Some((file, opened)) = file::open(path, diags)? else { return Ok(None) };
        let Some(mut rows) = Rows::new(file, opened).map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        if !rows.advance(diags) {
            return Ok(None);
        }
        let record = &rows.record;
        let header = Row { file, record, columns: &[] };
        if record.texts().filter(|name| !name.trim().is_empty()).count() > MAX_COLUMNS {
            let what = format!("a table has at most {MAX_COLUMNS} columns");
            diags.error(header.start(), what, "look for a quote `\"` that is never closed");
            return Ok(None);
        }
        let mut columns: Vec<Column> = Vec::new();
        let mut unnamed = Vec::new();
        for (index, name) in record.texts().map(str::trim).enumerate() {
            if name.is_empty() {
                unnamed.push(index);
                continue;
            }
            let place = header.cell_place(index);
            if let Some(first) = columns.iter().find(|column| &*column.name == name) {
                let twice = Diagnostic::new(place, format!("there are two columns `{name}`"))
                    .fix("rename or remove one of them");
                diags.add(twice.related(first.place, "the first is here"));
                continue;
            }
            columns.push(Column { name: name.into(), place, index });
        }
        Ok(Some((Self { file, columns, width: record.len(), unnamed }, rows)))
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
    /// Finds out the separator. `None` when the file is empty.
    fn new(file: u16, opened: File) -> io::Result<Option<Self>> {
        let mut reader = BufReader::with_capacity(HEAD, opened);
        let head = reader.fill_buf()?;
        if head.is_empty() {
            return Ok(None);
        }
        let (delimiter, named) = delimiter(head);
        reader.consume(named);
        let line = if named > 0 { 2 } else { 1 };
        let reader = RecordReader::new(reader, delimiter, line);
        Ok(Some(Self { file, reader, record: Record::default(), is_broken: false }))
    }

    /// The next row that is not empty.
    pub(crate) fn next<'r>(
        &'r mut self,
        table: &'r Table,
        diags: &mut Diagnostics,
    ) -> Option<Row<'r>> {
        while self.advance(diags) {
            if self.record.texts().any(|cell| !cell.trim().is_empty()) {
                let row = Row { file: self.file, record: &self.record, columns: &table.columns };
                if row.check_quotes(diags) {
                    row.check_width(table, diags);
                }
                return Some(Row {
                    file: self.file,
                    record: &self.record,
                    columns: &table.columns,
                });
            }
        }
        None
    }

    /// Reads a record. `false` at the end, and after what makes the rest unreadable.
    fn advance(&mut self, diags: &mut Diagnostics) -> bool {
        if self.is_broken {
            return false;
        }
        let read = self.reader.read(&mut self.record);
        let Record { line, raw, .. } = &self.record;
        match read {
            // Everything behind the quote is swallowed: its cell is the last.
            Ok(true) if self.record.is_unclosed => {
                let start = self.record.range(usize::MAX).start;
                let place = place(self.file, *line, raw, start..start);
                let fix = "close it with `\"`; write `\"\"` for a quote in a text";
                diags.error(Place { length: 1, ..place }, "this quote is never closed", fix);
                return true;
            }
            Ok(read) => return read,
            Err(ReadError::NotUtf8(byte)) => {
                let place = place(self.file, *line, raw, raw.len()..raw.len());
                file::not_utf8(Place { length: 1, ..place }, byte, true, diags);
            }
            Err(ReadError::Io(why)) => {
                let place = Place { file: self.file, line: *line, column: 1, length: 0 };
                let what = format!("the row that begins here cannot be read: {why}");
                diags.error(place, what, "look for a quote `\"` that is never closed");
            }
        }
        self.is_broken = true;
        false
    }
}

impl<'r> Row<'r> {
    /// The table's columns.
    pub(crate) fn columns(&self) -> &'r [Column] {
        self.columns
    }

    /// A cell's text without spaces around it; `None` when it is empty.
    pub(crate) fn cell(&self, column: usize) -> Option<&str> {
        let index = self.columns.get(column)?.index;
        self.record.text(index).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// Where a cell stands.
    pub(crate) fn place(&self, column: usize) -> Place {
        self.cell_place(self.columns.get(column).map_or(0, |column| column.index))
    }

    /// Where its table begins.
    pub(crate) fn header(&self) -> Place {
        Place::start(self.file)
    }

    /// Where the row begins.
    pub(crate) fn start(&self) -> Place {
        Place { file: self.file, line: self.record.line, column: 1, length: 0 }
    }

    fn cell_place(&self, index: usize) -> Place {
        place(self.file, self.record.line, &self.record.raw, self.record.range(index))
    }

    /// A quote that ends before its text does swallows what follows up to the next one, whole rows
    /// perhaps. `false` when there is one.
    fn check_quotes(&self, diags: &mut Diagnostics) -> bool {
        let Record { line, raw, .. } = self.record;
        if !raw.contains('"') {
            return true;
        }
        let at = |byte: usize| Place { length: 1, ..place(self.file, *line, raw, byte..byte) };
        for range in (0..self.record.len()).map(|index| self.record.range(index)) {
            match QuoteError::of(raw.get(range.clone()).unwrap_or_default()) {
                Some(QuoteError::Ends(inner)) => {
                    let what = "the text goes on behind this quote, which closes it";
                    let fix = "look for a quote `\"` that is missing or too many from where the text \
                               begins; write `\"\"` for a quote in a text";
                    let diagnostic = Diagnostic::new(at(range.start + inner), what).fix(fix);
                    diags.add(diagnostic.related(at(range.start), "the text begins here"));
                    return false;
                }
                Some(QuoteError::Spaced) => {
                    let what = "there is a space before this quote, so that it is part of the text";
                    diags.error(at(range.start), what, "remove the space before the quote");
                }
                None => {}
            }
        }
        true
    }

    /// Reports cells that stand below no header, or an empty one.
    fn check_width(&self, table: &Table, diags: &mut Diagnostics) {
        let has_no_name =
            |index: &usize| *index >= table.width || table.unnamed.binary_search(index).is_ok();
        let is_filled =
            |index: &usize| self.record.text(*index).is_some_and(|cell| !cell.trim().is_empty());
        if self.record.len() <= table.width && table.unnamed.is_empty() {
            return;
        }
        let mut indices = 0..self.record.len();
        if let Some(index) = indices.find(|index| has_no_name(index) && is_filled(index)) {
            let fix = "name the column, or put a text that holds the separator into quotes";
            diags.error(self.cell_place(index), "this cell's column has no name", fix);
        }
    }
}

/// The place of some bytes of a row that begins on a line.
fn place(file: u16, line: u32, row: &str, bytes: Range<usize>) -> Place {
    let before = row.get(..bytes.start).unwrap_or_default();
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let count = |text: Option<&str>| saturating_u32(text.map_or(0, |text| text.chars().count()));
    let shown = row.get(bytes).and_then(|cell| cell.split(['\n', '\r']).next());
    Place {
        file,
        line: line.saturating_add(line_ends(before.as_bytes(), &mut false)),
        column: count(before.get(line_start..)).saturating_add(1),
        length: count(shown),
    }
}

/// The separator, and the length of a first line that names it as Excel does: `sep=;`. Else it is
/// whichever of `,`, `;`, tab and `|` occurs most in the first line outside of quotes.
fn delimiter(head: &[u8]) -> (u8, usize) {
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', named, rest @ ..] = head
        && named.is_ascii()
        && !matches!(named, b'"' | b'\r' | b'\n')
    {
        match rest {
            [b'\r', b'\n', ..] => return (*named, 7),
            [b'\r' | b'\n', ..] => return (*named, 6),
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
    (known.into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b','), 0)
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
