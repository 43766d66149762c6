//! Where cells stand as a spreadsheet shows it: `row 2, column D "image"`.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use crate::manifest::source::place::Place;

/// A cell, or a whole row, of a table as a spreadsheet shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellSpot {
    /// Counted from 1; the header is row 1.
    pub row: u32,
    /// The column's letters, such as `D`; `None`: all of the row is meant.
    pub column: Option<String>,
    /// What the header calls the column.
    pub header: Option<String>,
}

/// `row 2, column D "image"`.
impl fmt::Display for CellSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(header) = &self.header {
            write!(f, " \"{header}\"")?;
        }
        Ok(())
    }
}

/// The tables among the files, by the file's number.
#[derive(Debug, Default)]
pub(super) struct Sheets(HashMap<u16, Sheet>);

/// What is known of a table.
#[derive(Debug, Default)]
struct Sheet {
    /// Lines that a spreadsheet does not show: `sep=;`.
    hidden: u32,
    /// What the columns are called, by their number counted from 1.
    headers: HashMap<u16, String>,
    /// Rows of several lines, in their order.
    tall: Vec<TallRow>,
}

/// A row whose cells hold line breaks.
#[derive(Debug)]
struct TallRow {
    line: u32,
    breaks: u32,
    /// Line breaks in the rows before it.
    before: u32,
}

impl Sheets {
    /// Adds a table. `headers` are by the column's number counted from 1.
    pub(super) fn add(&mut self, file: u16, hidden: u32, headers: HashMap<u16, String>) {
        let sheet = self.0.entry(file).or_default();
        (sheet.hidden, sheet.headers) = (hidden, headers);
    }

    /// Adds a row of several lines that begins in `line`. A table may be read more than once.
    pub(super) fn add_tall_row(&mut self, file: u16, line: u32, breaks: u32) {
        let tall = &mut self.0.entry(file).or_default().tall;
        let before = match tall.last() {
            Some(last) if last.line >= line => return,
            Some(last) => last.before.saturating_add(last.breaks),
            None => 0,
        };
        tall.push(TallRow { line, breaks, before });
    }

    /// The cell or row that a place stands for; `None`: it is of no table.
    pub(super) fn spot(&self, place: Place) -> Option<CellSpot> {
        let sheet = self.0.get(&place.file).filter(|_| place.cell != 0)?;
        let column = Some(place.cell).filter(|cell| *cell != Place::ROW);
        Some(CellSpot {
            row: sheet.row(place.line),
            column: column.map(letters),
            header: column.and_then(|column| sheet.headers.get(&column)).cloned(),
        })
    }
}

impl Sheet {
    /// The row that holds a line.
    fn row(&self, line: u32) -> u32 {
        let above = self.tall.partition_point(|row| row.line < line);
        let breaks = above.checked_sub(1).and_then(|at| self.tall.get(at)).map_or(0, |row| {
            row.before.saturating_add(row.breaks.min(line.saturating_sub(row.line)))
        });
        line.saturating_sub(breaks).saturating_sub(self.hidden)
    }
}

/// The letters of a column counted from 1: `A`, …, `Z`, `AA`.
pub(crate) fn letters(column: u16) -> String {
    let mut letters = Vec::new();
    let mut left = column;
    while left > 0 {
        let digit = u8::try_from((left - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        left = (left - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Numbers in order, those that follow each other as ranges: `2-31, 33`.
pub(super) fn ranges(rows: &[u32]) -> String {
    const MAX: usize = 12;
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*row) => *last = *row,
            _ => ranges.push((*row, *row)),
        }
    }
    let text = |(first, last): &(u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    };
    let shown: Vec<String> = ranges.iter().take(MAX).map(text).collect();
    let more = if ranges.len() > MAX { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
