//! JSON read without being believed: the scalars of a text in their places, however deep the text
//! is and wherever it was cut. Numbers are as they were written.

use std::mem;

/// How deep places are told; what lies deeper is passed over.
const MAX_DEPTH: usize = 8;

/// A scalar in a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// The names that lead to it; items of lists have none.
    pub path: Vec<String>,
    /// The lists that it lies in, the outermost first.
    lists: Vec<usize>,
    /// Its text: a string without quotes and escapes, a number as written.
    pub text: String,
    /// Whether it is a string.
    pub is_string: bool,
}

impl Scalar {
    /// Whether it lies in a list.
    pub const fn is_in_list(&self) -> bool {
        !self.lists.is_empty()
    }
}

/// What a text holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Its scalars, in order.
    pub scalars: Vec<Scalar>,
    /// Lists: whether each ended after its first item.
    lists: Vec<bool>,
}

impl Scan {
    /// Whether all lists that hold a scalar are whole and have one item.
    pub fn is_in_lists_of_one(&self, scalar: &Scalar) -> bool {
        scalar.lists.iter().all(|list| self.lists[*list])
    }
}

/// An object or a list that is open.
struct Frame {
    name: Option<String>,
    /// Of a list, where it stands in [`Scan::lists`], and how many commas it had.
    list: Option<(usize, usize)>,
}

/// Reads a text that begins with `{` or `[`; of any other nothing is told. Keeps the scalars for
/// which `wanted` says so, given the last name that leads to them.
pub(super) fn scan(text: &str, wanted: impl Fn(&str) -> bool) -> Scan {
    let mut reader = Reader { scan: Scan::default(), open: Vec::new(), deeper: 0, wanted };
    if text.starts_with(['{', '[']) {
        reader.read(text);
    }
    reader.scan
}

struct Reader<F> {
    scan: Scan,
    open: Vec<Frame>,
    /// How many more are open below [`MAX_DEPTH`].
    deeper: usize,
    wanted: F,
}

impl<F: Fn(&str) -> bool> Reader<F> {
    fn read(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => self.open(*byte == b'['),
                b'}' | b']' => {
                    self.close();
                    if self.open.is_empty() {
                        return;
                    }
                }
                b',' => self.comma(),
                b'"' => {
                    let Some(end) = string_end(bytes, at) else { return };
                    let quoted = &text[at..end];
                    at = end;
                    let next = bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace());
                    if next.is_some_and(|next| bytes[at + next] == b':') {
                        self.name(quoted);
                    } else {
                        self.scalar(quoted, true);
                    }
                    continue;
                }
                byte if byte.is_ascii_whitespace() || *byte == b':' => {}
                _ => {
                    // A number at the end of a text may have been cut.
                    let Some(length) = bytes[at..].iter().position(|byte| ends_word(*byte)) else {
                        return;
                    };
                    self.scalar(&text[at..at + length], false);
                    at += length;
                    continue;
                }
            }
            at += 1;
        }
    }

    fn open(&mut self, is_list: bool) {
        if self.open.len() >= MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        let list = is_list.then(|| {
            self.scan.lists.push(false);
            (self.scan.lists.len() - 1, 0)
        });
        self.open.push(Frame { name: None, list });
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(Frame { list: Some((list, 0)), .. }) = self.open.pop() {
            self.scan.lists[list] = true;
        }
    }

    fn comma(&mut self) {
        if let (0, Some(frame)) = (self.deeper, self.open.last_mut()) {
            frame.name = None;
            if let Some((_, commas)) = &mut frame.list {
                *commas += 1;
            }
        }
    }

    fn name(&mut self, quoted: &str) {
        if let (0, Some(frame)) = (self.deeper, self.open.last_mut()) {
            frame.name = serde_json::from_str(quoted).ok();
        }
    }

    fn scalar(&mut self, written: &str, is_string: bool) {
        if self.open.last().is_some_and(|frame| frame.list.is_none() && frame.name.is_none()) {
            // A name whose colon was cut off.
            return;
        }
        let last = self.open.iter().rev().find_map(|frame| frame.name.as_deref());
        if self.deeper > 0 || !(self.wanted)(last.unwrap_or_default()) {
            return;
        }
        let text = if is_string {
            let Ok(text) = serde_json::from_str(written) else { return };
            text
        } else {
            written.to_owned()
        };
        let path = self.open.iter().filter_map(|frame| frame.name.clone()).collect();
        let lists = self.open.iter().filter_map(|frame| frame.list.map(|(list, _)| list)).collect();
        self.scan.scalars.push(Scalar { path, lists, text, is_string });
    }
}

/// One past the closing quote of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut is_escaped = false;
    let inside = bytes[at + 1..].iter().position(|byte| {
        let escapes = *byte == b'\\' && !is_escaped;
        let was_escaped = mem::replace(&mut is_escaped, escapes);
        *byte == b'"' && !was_escaped
    })?;
    Some(at + 1 + inside + 1)
}

const fn ends_word(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b':' | b'"') || byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String, bool)> {
        let scan = scan(text, |_| true);
        let told = |scalar: &Scalar| {
            (scalar.path.join("."), scalar.text.clone(), scan.is_in_lists_of_one(scalar))
        };
        scan.scalars.iter().map(told).collect()
    }

    #[test]
    fn scalars_are_told_with_their_places() {
        let text =
            r#"{"a": {"b": [1, "x\"y"], "c": [{"d": 123456789012345678901234567890}]}, "e": null}"#;
        let place = |path: &str, text: &str, one| (path.to_owned(), text.to_owned(), one);
        let expected = [
            place("a.b", "1", false),
            place("a.b", "x\"y", false),
            place("a.c.d", "123456789012345678901234567890", true),
            place("e", "null", true),
        ];
        assert_eq!(told(text), expected);
        assert_eq!(told(&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))), []);
    }

    #[test]
    fn what_was_cut_is_told_up_to_the_cut() {
        let text = r#"{"a": "x", "b": 12"#;
        assert_eq!(told(text).len(), 1);
        for end in 0..text.len() {
            assert!(told(&text[..end]).len() <= 1, "{end}");
        }
        assert!(!told(r#"[{"a": 1}"#)[0].2, "a list that did not end may have had more");
    }
}
