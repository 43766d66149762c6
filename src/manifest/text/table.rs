//! A CSV file as rows of cells that know their places, read row by row. Takes what spreadsheets
//! write: `;` or tabs, a first line `sep=;`, CRLF, line breaks in quotes, empty rows and columns at
//! the end.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};

use super::file;
use super::quotes::{QuoteError, cell, cell_end, misquoted};
use super::recording_reader::RecordingReader;
pub use super::separator::HEAD;
use super::separator::{delimiter, titles};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, letters};
use crate::manifest::source::place::{Place, saturating_u32};

/// Columns that a table may have; spreadsheets seldom have a tenth.
const MAX_COLUMNS: usize = 1_000;

/// A CSV file whose header has been read.
#[derive(Debug)]
pub struct Table {
    file: u16,
    /// Named columns in the order of the file, without those that are left out.
    pub columns: Vec<Column>,
    /// What the header's cells say, or `column H` where they say nothing.
    pub(super) headers: Vec<Rc<str>>,
    /// Columns without a name.
    pub(super) unnamed: Vec<usize>,
}

/// A named column.
#[derive(Debug)]
pub struct Column {
    /// As templates and parameters call it.
    pub(crate) name: Rc<str>,
    pub(crate) place: Place,
    /// Where the manifest gives it that name, if it does.
    pub(crate) named_at: Option<Place>,
    /// Whether rows are chosen by it.
    pub(crate) chooses: bool,
    pub(super) index: usize,
}

impl Column {
    /// Where its name is written.
    pub(crate) fn name_place(&self) -> Place {
        self.named_at.unwrap_or(self.place)
    }
}

/// The rows of a table that were not read yet.
pub struct Rows {
    file: u16,
    delimiter: u8,
    reader: csv::Reader<RecordingReader<io::Chain<io::Cursor<Vec<u8>>, File>>>,
    cells: StringRecord,
    /// Where the current row begins, and its line.
    start: usize,
    line: u32,
    /// The first line that a spreadsheet shows.
    first_line: u32,
    /// How many rows stand above the header.
    titles: usize,
    /// Where it ends, without its line end, and the line there.
    end: usize,
    end_line: u32,
    broken: bool,
    /// Whether the quotes of the current row are odd, which was reported.
    odd_quotes: bool,
}

/// A row that is not empty.
pub struct Row<'r> {
    rows: &'r Rows,
    pub(crate) table: &'r Table,
}

impl Table {
    /// Opens a file and reads its header. `None` when there is none or it is no text; what is wrong
    /// goes to the diags.
    ///
    /// # Errors
    /// When the file cannot be opened, with the reason.
    pub fn open(path: &Path, diags: &mut Diagnostics) -> Result<Option<(Self, Rows)>, String> {
        let Some((file, opened)) = file::open(path, diags)? else { return Ok(None) };
        let Some(mut rows) = Rows::new(file, opened).map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        for _ in 0..=rows.titles {
            if !rows.advance(diags) {
                return Ok(None);
            }
        }
        let mut table =
            Self { file, columns: Vec::new(), headers: Vec::new(), unnamed: Vec::new() };
        let header = Row { rows: &rows, table: &table };
        if rows.cells.iter().filter(|name| !name.trim().is_empty()).count() > MAX_COLUMNS {
            let what = format!("a table has at most {MAX_COLUMNS} columns");
            let fix = "look for a quote `\"` that is never closed";
            diags.error(header.start(), what, fix);
            return Ok(None);
        }
        let mut columns: Vec<Column> = Vec::new();
        let mut unnamed = Vec::new();
        let mut headers: Vec<Rc<str>> = Vec::new();
        for (index, name) in rows.cells.iter().enumerate() {
            let name = name.trim();
            if name.is_empty() {
                headers.push(format!("column {}", letters(number(index))).into());
                unnamed.push(index);
                continue;
            }
            let (name, place): (Rc<str>, _) = (name.into(), header.cell_place(index));
            headers.push(Rc::clone(&name));
            columns.push(Column { name, place, named_at: None, chooses: false, index });
        }
        (table.columns, table.headers, table.unnamed) = (columns, headers, unnamed);
        let named = table.columns.iter().map(|one| (number(one.index), one.name.to_string()));
        diags.add_table(file, rows.first_line.saturating_sub(1), named.collect());
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
    /// Finds out the separator. `None` when the file is empty.
    fn new(file: u16, mut opened: File) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        (&mut opened).take(HEAD as u64).read_to_end(&mut head)?;
        if head.is_empty() {
            return Ok(None);
        }
        let (delimiter, named) = delimiter(&head);
        let line = if named > 0 { 2 } else { 1 };
        head.drain(..named);
        let titles = titles(&head, delimiter);
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(HEAD);
        Ok(Some(Self {
            file,
            delimiter,
            reader: builder.from_reader(RecordingReader::new(io::Cursor::new(head).chain(opened))),
            cells: StringRecord::new(),
            start: 0,
            line,
            first_line: line,
            titles,
            end: 0,
            end_line: line,
            broken: false,
            odd_quotes: false,
        }))
    }

    /// The next row that is not empty.
    pub fn next<'r>(&'r mut self, table: &'r Table, diags: &mut Diagnostics) -> Option<Row<'r>> {
        while self.advance(diags) {
            if self.cells.iter().any(|cell| !cell.trim().is_empty()) {
                self.odd_quotes = !self.check_inner_quotes(diags);
                return Some(Row { rows: self, table });
            }
        }
        None
    }

    /// The current row as it is written.
    fn raw(&self) -> &str {
        let bytes = self.reader.get_ref().bytes(self.start, self.end);
        // The slow way only for a row that is no text.
        str::from_utf8(bytes)
            .unwrap_or_else(|_| bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
    }

    /// Reads a record. `false` at the end, and after what makes the rest unreadable.
    fn advance(&mut self, diags: &mut Diagnostics) -> bool {
        if self.broken {
            return false;
        }
        self.reader.get_mut().forget(self.end);
        let read = self.reader.read_record(&mut self.cells);
        let position = usize::try_from(self.reader.position().byte()).unwrap_or(0);
        // The reader counts some line ends with the record before them and some with the one after.
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let tape = self.reader.get_ref();
        let skipped = tape.bytes(self.end, position).iter().take_while(is_end).count();
        self.start = self.end + skipped;
        self.line = self.end_line.saturating_add(breaks(tape.bytes(self.end, self.start)));
        let raw = tape.bytes(self.start, position);
        let row = raw.len() - raw.iter().rev().take_while(is_end).count();
        self.end = self.start + row;
        let inside = breaks(raw.get(..row).unwrap_or_default());
        self.end_line = self.line.saturating_add(inside);
        if inside > 0 {
            diags.add_tall_row(self.file, self.line, inside);
        }
        match read {
            Ok(true) => {
                if tape.has_ended() {
                    self.check_quotes(diags);
                }
                true
            }
            Ok(false) => false,
            Err(error) => {
                self.broken = true;
                self.report(&error, diags);
                false
            }
        }
    }

    /// Reports a record that cannot be read.
    fn report(&self, error: &csv::Error, diags: &mut Diagnostics) {
        let raw = self.raw();
        let place = self.place(raw, raw.len(), raw.len());
        match error.kind() {
            csv::ErrorKind::Utf8 { .. } => {
                let tape = self.reader.get_ref();
                let byte = tape.bytes(self.start + raw.len(), self.end).first().copied();
                file::not_utf8(Place { length: 1, ..place }, byte.unwrap_or(0), true, diags);
            }
            csv::ErrorKind::Io(why) => {
                let place = self.place(raw, 0, 0);
                let what = format!("the row that begins here cannot be read: {why}");
                let fix = "look for a quote `\"` that is never closed";
                diags.error(place, what, fix);
            }
            _ => diags.add(Diagnostic::new(place, format!("this row cannot be read: {error}"))),
        }
    }

    /// A quote that is never closed swallows everything after it: its cell is the last.
    fn check_quotes(&self, diags: &mut Diagnostics) {
        let raw = self.raw();
        let (from, _, open) = cell(raw, self.delimiter, self.cells.len().saturating_sub(1));
        if open {
            let place = Place { length: 1, ..self.place(raw, from, from) };
            diags.error(
                place,
                "this quote is never closed",
                "close it with `\"`; write `\"\"` for a quote in a text",
            );
        }
    }

    /// A quote that ends before its text does: what follows up to the next one, whole rows perhaps,
    /// is not what was meant. `false` when there is one.
    fn check_inner_quotes(&self, diags: &mut Diagnostics) -> bool {
        let raw = self.raw();
        if !raw.contains('"') {
            return true;
        }
        let at = |from: usize| Place { length: 1, ..self.place(raw, from, from) };
        let mut start = 0;
        for _ in 0..self.cells.len() {
            let end = cell_end(raw, self.delimiter, start);
            let text = raw.get(start..end).unwrap_or_default();
            match misquoted(text) {
                Some(QuoteError::Ends(inner)) => {
                    let what = "the text goes on behind this quote, which closes it";
                    let fix = "look for a quote `\"` that is missing or too many from where the text \
                               begins; write `\"\"` for a quote in a text";
                    let diagnostic = Diagnostic::new(at(start + inner), what).fix(fix);
                    diags.add(diagnostic.related(at(start), "the text begins here"));
                    return false;
                }
                Some(QuoteError::Spaced) => {
                    let what = "there is a space before this quote, so that it is part of the text";
                    let fix = "remove the space before the quote";
                    diags.error(at(start), what, fix);
                }
                None => {}
            }
            start = end + 1;
        }
        true
    }

    /// The place of the bytes `from..to` of the current row, which is written as `row`.
    fn place(&self, row: &str, from: usize, to: usize) -> Place {
        let before = row.get(..from).unwrap_or_default();
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let count =
            |text: Option<&str>| saturating_u32(text.map_or(0, |text| text.chars().count()));
        let shown = row.get(from..to).and_then(|cell| cell.split(['\n', '\r']).next());
        Place {
            file: self.file,
            line: self.line.saturating_add(breaks(before.as_bytes())),
            column: count(before.get(line_start..)).saturating_add(1),
            length: count(shown),
            cell: 0,
        }
    }
}

impl Row<'_> {
    /// A cell's text without spaces around it; `None` when it is empty.
    #[must_use]
    pub fn cell(&self, column: usize) -> Option<&str> {
        let index = self.table.columns.get(column)?.index;
        self.rows.cells.get(index).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// The filled cell of the column of that name, and that column.
    pub(crate) fn named(&self, name: &str) -> Option<(&str, usize)> {
        let column = self.table.column(name)?;
        Some((self.cell(column)?, column))
    }

    /// Where a cell stands.
    #[must_use]
    pub fn place(&self, column: usize) -> Place {
        self.cell_place(self.table.columns.get(column).map_or(0, |column| column.index))
    }

    /// Where the row begins.
    pub(crate) fn start(&self) -> Place {
        Place { cell: Place::ROW, ..self.rows.place("", 0, 0) }
    }

    /// The cell at that index of the file, as it is written there.
    pub(crate) fn raw_cell(&self, index: usize) -> Option<&str> {
        self.rows.cells.get(index)
    }

    fn cell_place(&self, index: usize) -> Place {
        let raw = self.rows.raw();
        let (from, to, _) = cell(raw, self.rows.delimiter, index);
        Place { cell: number(index), ..self.rows.place(raw, from, to) }
    }

    /// Reports a cell that stands below no header, or an empty one. `can_ignore`: the entry that
    /// reads the table may leave columns out.
    pub(crate) fn check_width(&self, can_ignore: bool, diags: &mut Diagnostics) {
        let (cells, table) = (&self.rows.cells, self.table);
        let width = table.headers.len();
        if self.rows.odd_quotes || (cells.len() <= width && table.unnamed.is_empty()) {
            return;
        }
        let stray = |index: &usize| *index >= width || table.unnamed.binary_search(index).is_ok();
        let filled = |index: &usize| cells.get(*index).is_some_and(|c| !c.trim().is_empty());
        if let Some(index) = (0..cells.len()).find(|index| stray(index) && filled(index)) {
            let place = self.cell_place(index);
            let is_out = index < width && can_ignore;
            let header = table.headers.get(index).map_or("", |header| header);
            let other = if is_out {
                format!("; or leave it out: `ignore: [{header}]`")
            } else {
                String::new()
            };
            let fix = format!(
                "name the column, or put a text that holds the separator into quotes{other}"
            );
            diags.error(place, "this cell's column has no name", fix);
        }
    }
}

/// A column's number counted from 1, as places hold it.
pub(super) fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX).saturating_add(1).min(Place::ROW - 1)
}

/// Line ends in some bytes: LF, CRLF, or the CR alone of old spreadsheets.
fn breaks(bytes: &[u8]) -> u32 {
    let mut after_return = false;
    let ends = bytes.iter().filter(|byte| {
        let ends_return = std::mem::replace(&mut after_return, **byte == b'\r');
        **byte == b'\r' || (**byte == b'\n' && !ends_return)
    });
    saturating_u32(ends.count())
}
