//! A CSV file as rows of cells that know their places. Takes what spreadsheets write: a byte-order
//! mark, `;` or tabs, CRLF, line breaks in quotes, empty rows and columns at the end.

use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};

use super::diagnostic::{Log, Mistake, Place};

/// A CSV file whose header has been read.
#[derive(Debug)]
pub(super) struct Table {
    file: u16,
    text: Rc<str>,
    delimiter: u8,
    /// Named columns in the order of the file.
    pub columns: Vec<Column>,
    /// Cells of the header; 0 while it is being read.
    width: usize,
    /// Columns without a name.
    unnamed: Vec<usize>,
    /// Where the rows begin.
    body: Cursor,
}

/// A named column.
#[derive(Debug)]
pub(super) struct Column {
    pub name: Rc<str>,
    pub place: Place,
    index: usize,
}

/// A place in the text: the byte, and the number of its line.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    byte: usize,
    line: u32,
}

/// A row that is not empty.
pub(super) struct Row<'t> {
    table: &'t Table,
    cells: StringRecord,
    start: Cursor,
}

impl Table {
    /// Reads a header. `None` when there is none; mistakes go to the log.
    pub(super) fn read(file: u16, text: &Rc<str>, log: &mut Log) -> Option<Self> {
        let delimiter = delimiter(text);
        let mut table = Self {
            file,
            text: Rc::clone(text),
            delimiter,
            columns: Vec::new(),
            width: 0,
            unnamed: Vec::new(),
            body: Cursor { byte: 0, line: 1 },
        };
        let header = {
            let mut rows = table.records(table.body);
            let header = rows.next(log)?;
            let (cells, start, body) = (header.cells.clone(), header.start, rows.cursor());
            (cells, start, body)
        };
        let (cells, start, body) = header;
        table.body = body;
        table.width = cells.len();
        for (index, name) in cells.iter().enumerate() {
            let name = name.trim();
            if name.is_empty() {
                table.unnamed.push(index);
                continue;
            }
            let place = table.cell_place(start, index);
            if let Some(first) = table.columns.iter().find(|column| &*column.name == name) {
                log.add(
                    Mistake::new(place, format!("there are two columns `{name}`"))
                        .fix("rename or remove one of them".to_owned())
                        .other(first.place, "the first is here"),
                );
                continue;
            }
            table.columns.push(Column { name: name.into(), place, index });
        }
        Some(table)
    }

    /// The place of its first character.
    pub(super) fn place(&self) -> Place {
        Place { file: self.file, line: 1, column: 1, length: 0 }
    }

    /// The column of that name, as a number to ask rows with.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The rows one after the other.
    pub(super) fn rows(&self) -> Rows<'_> {
        self.records(self.body)
    }

    fn records(&self, from: Cursor) -> Rows<'_> {
        let rest = self.text.as_bytes().get(from.byte..).unwrap_or_default();
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(self.delimiter);
        Rows { table: self, reader: builder.from_reader(rest), from, at: from }
    }

    /// Where a cell stands.
    fn cell_place(&self, row: Cursor, index: usize) -> Place {
        let rest = self.text.get(row.byte..).unwrap_or("");
        let (from, to, _) = cell(rest, self.delimiter, index);
        let before = rest.get(..from).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
        let count = |text: Option<&str>| fits(text.map_or(0, |text| text.chars().count()));
        let shown = rest.get(from..to).and_then(|cell| cell.lines().next());
        // A record may begin in the middle of its line after a lone carriage return.
        let record_start = self.text.get(..row.byte).map_or(0, |head| {
            let line = head.rsplit('\n').next().unwrap_or("");
            if breaks == 0 { line.chars().count() } else { 0 }
        });
        Place {
            file: self.file,
            line: row.line.saturating_add(fits(breaks)),
            column: fits(record_start) + count(rest.get(line_start..from)) + 1,
            length: count(shown),
        }
    }
}

/// Reads rows; see [`Table::rows`].
pub(super) struct Rows<'t> {
    table: &'t Table,
    reader: csv::Reader<&'t [u8]>,
    from: Cursor,
    at: Cursor,
}

impl<'t> Rows<'t> {
    /// The next row that is not empty.
    pub(super) fn next(&mut self, log: &mut Log) -> Option<Row<'t>> {
        loop {
            let start = self.cursor();
            let mut cells = StringRecord::new();
            match self.reader.read_record(&mut cells) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    let place = self.table.cell_place(start, 0);
                    log.add(Mistake::new(place, format!("this row cannot be read: {error}")));
                    return None;
                }
            }
            let row = Row { table: self.table, cells, start };
            let read = usize::try_from(self.reader.position().byte()).unwrap_or(0);
            if self.from.byte + read >= self.table.text.len() {
                row.check_quotes(log);
            }
            if row.cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if self.table.width > 0 {
                row.check_width(log);
            }
            return Some(row);
        }
    }

    /// Where the next record begins: the reader counts line ends as part of what follows them.
    fn cursor(&mut self) -> Cursor {
        let text = self.table.text.as_bytes();
        let mut byte = self.from.byte + usize::try_from(self.reader.position().byte()).unwrap_or(0);
        while text.get(byte).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            byte += 1;
        }
        let passed = text.get(self.at.byte..byte).unwrap_or_default();
        let breaks = passed.split(|byte| *byte == b'\n').count() - 1;
        self.at = Cursor { byte, line: self.at.line.saturating_add(fits(breaks)) };
        self.at
    }
}

impl Row<'_> {
    /// A cell's text without spaces around it; `None` when it is empty.
    pub(super) fn cell(&self, column: usize) -> Option<&str> {
        let index = self.table.columns.get(column)?.index;
        self.cells.get(index).map(str::trim).filter(|cell| !cell.is_empty())
    }

    /// Where a cell stands.
    pub(super) fn place(&self, column: usize) -> Place {
        let index = self.table.columns.get(column).map_or(0, |column| column.index);
        self.table.cell_place(self.start, index)
    }

    /// Where the row begins.
    pub(super) fn start(&self) -> Place {
        Place { file: self.table.file, line: self.start.line, column: 1, length: 0 }
    }

    /// Cells that stand below no header, or an empty one.
    fn check_width(&self, log: &mut Log) {
        let table = self.table;
        let stray = |index: &usize| *index >= table.width || table.unnamed.contains(index);
        let filled = |index: &usize| self.cells.get(*index).is_some_and(|c| !c.trim().is_empty());
        if let Some(index) = (0..self.cells.len()).find(|index| stray(index) && filled(index)) {
            let place = table.cell_place(self.start, index);
            let fix = "name the column, or put a text that holds the separator into quotes";
            log.add(Mistake::new(place, "this cell's column has no name").fix(fix.to_owned()));
        }
    }

    /// A quote that is never closed swallows all rows after it.
    fn check_quotes(&self, log: &mut Log) {
        let rest = self.table.text.get(self.start.byte..).unwrap_or("");
        for index in 0..self.cells.len() {
            if cell(rest, self.table.delimiter, index).2 {
                let place = Place { length: 1, ..self.table.cell_place(self.start, index) };
                log.add(
                    Mistake::new(place, "this quote is never closed")
                        .fix("close it with `\"`; write `\"\"` for a quote in a text".to_owned()),
                );
            }
        }
    }
}

fn fits(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The separator: whichever of `;`, tab and `,` occurs most in the first line outside of quotes.
fn delimiter(text: &str) -> u8 {
    let line = text.trim_start_matches(['\r', '\n']).lines().next().unwrap_or("");
    let count = |delimiter: u8| {
        let mut quoted = false;
        line.bytes()
            .filter(|byte| {
                quoted ^= *byte == b'"';
                !quoted && *byte == delimiter
            })
            .count()
    };
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// The bytes of a record's cell, from its start to its end, and whether its quote is never closed.
fn cell(record: &str, delimiter: u8, index: usize) -> (usize, usize, bool) {
    let bytes = record.as_bytes();
    let mut at = 0;
    for nth in 0..=index {
        let start = at;
        let mut open = bytes.get(at) == Some(&b'"');
        if open {
            at += 1;
        }
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' if open && bytes.get(at + 1) == Some(&b'"') => at += 1,
                b'"' => open = false,
                b'\r' | b'\n' if !open => break,
                byte if !open && *byte == delimiter => break,
                _ => {}
            }
            at += 1;
        }
        let at_end = bytes.get(at).is_none_or(|byte| *byte != delimiter);
        if nth == index || at_end {
            return (start, at.min(bytes.len()), open);
        }
        at += 1;
    }
    (at, at, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every filled cell with its place, read the way rows are read.
    fn cells(text: &str) -> Vec<(String, u32, u32)> {
        let mut log = Log::default();
        let text: Rc<str> = text.into();
        let table = Table::read(0, &text, &mut log).unwrap();
        let mut rows = table.rows();
        let mut cells = Vec::new();
        while let Some(row) = rows.next(&mut log) {
            for column in 0..table.columns.len() {
                if let Some(cell) = row.cell(column) {
                    let Place { line, column, .. } = row.place(column);
                    cells.push((cell.to_owned(), line, column));
                }
            }
        }
        cells
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
        ] {
            let found = cells(text);
            let found: Vec<_> = found.iter().map(|(cell, l, c)| (cell.as_str(), *l, *c)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
