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
