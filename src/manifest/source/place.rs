//! Where something stands in one of a manifest's files.

/// A stretch of a line in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Which source, as `Diagnostics::source` numbered it.
    pub file: u16,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// In characters; 0 marks only the position.
    pub length: u32,
}

impl Place {
    /// The start of a file.
    pub(crate) const fn start(file: u16) -> Self {
        Self { file, line: 1, column: 1, length: 0 }
    }
}

/// A count as places hold it.
pub(crate) fn saturating_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
