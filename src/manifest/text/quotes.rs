//! The quotes of a table's cells: where a cell begins and ends in the text of its row, and what is
//! wrong with one that is quoted in an odd way.

/// What is wrong with the quotes of a cell.
pub(super) enum QuoteError {
    /// The text goes on behind the quote at this byte.
    Ends(usize),
    /// A quoted text with spaces before it.
    Spaced,
}

/// What is wrong with a cell, as it is written.
pub(super) fn misquoted(cell: &str) -> Option<QuoteError> {
    let Some(inside) = cell.strip_prefix('"') else {
        let text = cell.trim();
        let spaced = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
        return spaced.then_some(QuoteError::Spaced);
    };
    let mut quotes = inside.match_indices('"').map(|(at, _)| at + 1).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            let rest = cell.get(at + 1..).unwrap_or_default();
            return (!rest.trim().is_empty()).then_some(QuoteError::Ends(at));
        }
    }
    None
}

/// The bytes of a record's cell, from its start to its end, and whether its quote is never closed.
pub(super) fn cell(record: &str, delimiter: u8, index: usize) -> (usize, usize, bool) {
    let mut start = 0;
    for _ in 0..index {
        let end = cell_end(record, delimiter, start);
        if record.as_bytes().get(end) != Some(&delimiter) {
            break;
        }
        start = end + 1;
    }
    let (end, open) = scan(record.as_bytes(), delimiter, start);
    (start, end, open)
}

/// Where the cell ends that begins at a byte.
pub(super) fn cell_end(record: &str, delimiter: u8, start: usize) -> usize {
    scan(record.as_bytes(), delimiter, start).0
}

/// The end of a cell, and whether its quote is still open there.
fn scan(bytes: &[u8], delimiter: u8, start: usize) -> (usize, bool) {
    let mut open = bytes.get(start) == Some(&b'"');
    let mut at = start + usize::from(open);
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
    (at.min(bytes.len()), open)
}
