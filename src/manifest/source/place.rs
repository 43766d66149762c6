//! Where something stands in one of a manifest's files.

/// A stretch of a line in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which source, as `Diagnostics::source` numbered it.
    pub file: u16,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// In characters; 0 marks only the position.
    pub length: u32,
    /// Of a table: the column of the cell, counted from 1, or [`Place::ROW`]; 0 anywhere else.
    pub cell: u16,
}

impl Place {
    /// The `cell` of a place that stands for a whole row of a table.
    pub const ROW: u16 = u16::MAX;

    /// The start of a file.
    pub(crate) const fn start(file: u16) -> Self {
        Self { file, line: 1, column: 1, length: 0, cell: 0 }
    }

    /// Whether another place is the same stretch of the same file.
    pub(crate) fn is_at(self, other: Self) -> bool {
        Self { cell: 0, ..self } == Self { cell: 0, ..other }
    }
}

/// A count as places hold it.
pub(crate) fn saturating_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where the next character of a file stands. A line ends with LF, CRLF, or the CR alone of old Macs,
/// as it does for YAML and spreadsheets.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    after_return: bool,
}

impl Position {
    /// The start of a file.
    pub const START: Self = Self { line: 1, column: 1, after_return: false };

    /// Takes a character; returns its line and column. A line end and a byte-order mark have none.
    #[inline]
    pub fn advance(&mut self, c: char) -> Option<(u32, u32)> {
        let ends_return = std::mem::replace(&mut self.after_return, c == '\r') && c == '\n';
        match c {
            '\n' if ends_return => None,
            '\n' | '\r' => {
                (self.line, self.column) = (self.line.saturating_add(1), 1);
                None
            }
            '\u{feff}' if (self.line, self.column) == (1, 1) => None,
            _ => {
                let at = (self.line, self.column);
                self.column = self.column.saturating_add(1);
                Some(at)
            }
        }
    }
}
