//! The key in texts from outside: found in the forms in which an answer may echo it, and hidden.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

/// A shorter key is a test's; hiding it would mangle ordinary words.
const SHORTEST_SECRET: usize = 8;
/// What stands in the key's place.
const HIDDEN: &str = "[key]";

/// The forms of a key that no text may hold; none for a key that is too short to be one.
pub(super) struct KeyRedactor {
    forms: Vec<String>,
}

impl KeyRedactor {
    pub(super) fn new(key: &str) -> Self {
        if key.len() < SHORTEST_SECRET {
            return Self { forms: Vec::new() };
        }
        let quoted = Value::from(key).to_string();
        let in_json = quoted[1..quoted.len() - 1].to_owned();
        let (upper, lower) = (percent(key, true), percent(key, false));
        let mut forms = vec![
            key.to_owned(),
            in_json.replace('/', r"\/"),
            in_json,
            upper,
            lower,
            STANDARD.encode(key),
            STANDARD_NO_PAD.encode(key),
            URL_SAFE.encode(key),
            URL_SAFE_NO_PAD.encode(key),
        ];
        // The longest first: a form may hold another.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// `text` without the key.
    pub(super) fn hide(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form, HIDDEN))
    }

    /// A body without the key, also where JSON writes it with escapes of its own; `None` when the
    /// key is not in it.
    pub(super) fn hide_in_body(&self, body: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(body);
        let hidden = self.hide(&text);
        let Ok(before) = serde_json::from_str::<Value>(&hidden) else {
            return (hidden != text).then_some(hidden);
        };
        let mut after = before.clone();
        self.hide_in_value(&mut after);
        if after != before {
            return Some(after.to_string());
        }
        (hidden != text).then_some(hidden)
    }

    fn hide_in_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide_in_value(value)),
            Value::Object(fields) => {
                let named = std::mem::take(fields).into_iter().map(|(name, mut value)| {
                    self.hide_in_value(&mut value);
                    (self.hide(&name), value)
                });
                *fields = named.collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn percent(key: &str, upper: bool) -> String {
    let mut out = String::new();
    for byte in key.bytes() {
        // Writing to a string cannot fail.
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                write!(out, "{}", char::from(byte))
            }
            _ if upper => write!(out, "%{byte:02X}"),
            _ => write!(out, "%{byte:02x}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_hidden_however_an_answer_writes_it() {
        let key = "sk/\"live&+\\=<0>";
        let secret = KeyRedactor::new(key);
        let php = Value::from(key).to_string().replace('/', r"\/");
        let go = php.replace('&', r"\u0026").replace('<', r"\u003c").replace('>', r"\u003e");
        for body in [
            format!(r#"{{"msg": {php}}}"#),
            format!(r#"{{"msg": {go}}}"#),
            format!(r#"{{"data": [{{{go}: 1}}]}}"#),
        ] {
            let hidden = secret.hide_in_body(body.as_bytes()).unwrap();
            let read: Value = serde_json::from_str(&hidden).unwrap();
            assert!(hidden.contains(HIDDEN) && !read.to_string().contains("live"), "{hidden}");
        }
        for form in [key.to_owned(), percent(key, true), percent(key, false), STANDARD.encode(key)]
        {
            assert_eq!(secret.hide(&format!("<p>{form}</p>")), "<p>[key]</p>");
        }
        assert_eq!(secret.hide_in_body(br#"{"msg": "a \/ b"}"#), None);
        assert_eq!(KeyRedactor::new("short").hide("short"), "short");
    }
}
