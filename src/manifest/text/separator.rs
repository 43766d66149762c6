//! Finds out what separates the cells of a CSV file.

/// How much of a file is looked at to find out its separator.
pub const HEAD: usize = 64 * 1024;

/// The separator, and the length of a first line that names it as Excel does: `sep=;`. Else it is
/// whichever of `,`, `;`, tab and `|` occurs most in the first line outside of quotes.
pub(super) fn delimiter(head: &[u8]) -> (u8, usize) {
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', named, rest @ ..] = head
        && named.is_ascii()
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

/// How many rows stand above the header: titles, each in one cell, above a row that fills several. Such
/// a table could not be read if its first row were the header.
pub(super) fn titles(head: &[u8], delimiter: u8) -> usize {
    const MAX: usize = 20;
    const MANY: usize = 3;
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    let mut reader = builder.from_reader(head);
    let mut titles = 0;
    for record in reader.byte_records().take(MAX).map_while(Result::ok) {
        let filled = record.iter().filter(|cell| !cell.trim_ascii().is_empty()).count();
        match filled {
            // Rows of separators only are passed over.
            0 => titles += 1,
            1 if record.len() >= MANY => titles += 1,
            MANY.. => return titles,
            _ => return 0,
        }
    }
    0
}
