//! Text from outside, made safe to print: what a gateway, a host or a file said, on one line and
//! bounded. Knows nothing of who said it.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

/// How much of a page is looked at, in bytes.
const MAX_PAGE: usize = 16 << 10;

/// `text` on one line of at most `max` characters: control characters, terminal sequences and
/// characters that steer the reading direction are gone, white space is one blank. A cut ends in
/// `…`.
#[must_use]
pub fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut blank = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' | '\u{9b}' => skip_sequence(c, &mut chars),
            c if c.is_whitespace() => blank = true,
            c if c.is_control() || steers(c) => {}
            c => {
                let wanted = 1 + usize::from(blank && length > 0);
                if length + wanted > max {
                    return cut(out, length, max);
                }
                if wanted == 2 {
                    out.push(' ');
                }
                out.push(c);
                length += wanted;
                blank = false;
            }
        }
    }
    out
}

/// A text from outside as one word of a shell: a task's id, which the gateway chose.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    if text.chars().all(is_plain) && !text.starts_with('-') && !text.is_empty() {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What a page says of itself: the title of an HTML page, or its text without tags.
#[must_use]
pub fn page(html: &str, max: usize) -> String {
    let end = (0..=html.len().min(MAX_PAGE)).rev().find(|end| html.is_char_boundary(*end));
    let html = &html[..end.unwrap_or(0)];
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let start = at + lower[at..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        Some(plain(&html[start..end], max))
    });
    title.filter(|title| !title.is_empty()).unwrap_or_else(|| plain(&without_tags(html), max))
}

/// JSON in which no character can steer a terminal: what is neither ASCII nor a letter, a digit, a
/// sign or a picture is escaped.
///
/// # Errors
/// When `value` cannot be written as JSON.
pub fn json_text(value: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    let steers = |c: char| {
        let is_odd = c.is_control() || c.is_whitespace() || steers(c);
        c == '\u{7f}' || (!c.is_ascii() && is_odd)
    };
    if !json.contains(steers) {
        return Ok(json);
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| {
                let _ = write!(safe, "\\u{unit:04x}");
            });
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// [`json_text`] that may also stand inside an HTML page's script: no tag begins or ends in it.
///
/// # Errors
/// When `value` cannot be written as JSON.
pub fn json_for_pages(value: &impl Serialize) -> io::Result<String> {
    // Outside of JSON's strings there are none of these.
    let json = json_text(value)?;
    Ok(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

/// Whether `text` begins like an HTML or XML page.
#[must_use]
pub fn is_markup(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with('<')
}

fn cut(mut out: String, length: usize, max: usize) -> String {
    if max == 0 {
        return String::new();
    }
    if length >= max {
        out.pop();
    }
    out.push('…');
    out
}

/// Skips the rest of a terminal sequence: CSI up to its final byte, OSC and its kin up to BEL or
/// ST, anything else one character.
fn skip_sequence(first: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let kind = if first == '\u{9b}' { Some('[') } else { chars.next_if(|c| !c.is_whitespace()) };
    match kind {
        Some('[') => {
            while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
            let _ = chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while chars.next_if(|c| !c.is_control()).is_some() {}
            if chars.next_if_eq(&'\u{1b}').is_some() {
                let _ = chars.next_if_eq(&'\\');
            }
        }
        _ => {}
    }
}

/// Invisible characters that reorder, join or hide what is around them.
#[must_use]
pub const fn steers(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        out.push(' ');
        let tag = &rest[at..];
        let hidden = ["script", "style"].into_iter().find(|name| {
            tag.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        });
        let end = match hidden {
            Some(name) => tag.to_ascii_lowercase().find(&format!("</{name}")),
            None => Some(0),
        };
        rest = end
            .and_then(|end| tag[end..].find('>').map(|close| &tag[end + close + 1..]))
            .unwrap_or_default();
    }
    out + rest
}
