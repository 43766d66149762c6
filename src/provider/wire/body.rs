//! An HTTP answer as it came, and its body as far as it can be understood.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::domain::outcome::MAX_ANSWER;
use crate::domain::sanitize::{is_markup, page, plain};
use crate::domain::time::Timestamp;

use super::super::apimodels::spec;
use super::fields::{field, text};

/// The longest JSON body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// The longest reason that is made of an answer, in characters.
pub(super) const MAX_WHY: usize = 300;

/// How much of a page is looked at to see whether it is one, in bytes.
const PAGE_HEAD: usize = 4 << 10;

/// An HTTP answer whose body was read, or could not be.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status line's code.
    pub status: u16,
    /// `Retry-After`, already turned into a span from now.
    pub retry_after: Option<Duration>,
    /// `Date`: the gateway's own clock.
    pub date: Option<Timestamp>,
    /// `Location`, as it came.
    pub location: Option<String>,
    /// The body, at most [`MAX_BODY`] bytes; `Err` says why it could not be read whole.
    pub body: Result<bytes::Bytes, String>,
    /// Whether a proxy that the user chose may have answered in the gateway's place.
    pub is_proxied: bool,
    /// What came of a body that could not be read whole.
    pub begun: bytes::Bytes,
}

impl Answer {
    /// An answer that is only a status and a body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<bytes::Bytes>) -> Self {
        let (body, begun) = (Ok(body.into()), bytes::Bytes::new());
        let (retry_after, date, location) = (None, None, None);
        Self { status, retry_after, date, location, body, begun, is_proxied: false }
    }

    /// The body as text, as much as came, without a byte order mark. Bytes that are not UTF-8 are
    /// replaced: a mangled message must not hide a task id.
    pub(super) fn text(&self) -> Cow<'_, str> {
        let bytes = self.body.as_ref().unwrap_or(&self.begun);
        let bytes = &bytes[..bytes.len().min(MAX_BODY)];
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches(is_blank)),
            Cow::Owned(text) => Cow::Owned(text.trim_start_matches(is_blank).to_owned()),
        }
    }

    /// As much of the body as a doubt keeps; `None` when nothing came.
    pub(super) fn kept(&self) -> Option<Box<str>> {
        let text = self.text().replace('\0', "\u{fffd}");
        let end = (0..=text.len().min(MAX_ANSWER)).rev().find(|end| text.is_char_boundary(*end));
        let text = &text[..end.unwrap_or(0)];
        (!text.trim().is_empty()).then(|| text.into())
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// An answer's body, as far as it can be understood.
pub(super) enum Body<'a> {
    /// A JSON object.
    Object(Map<String, Value>),
    /// Anything else that arrived whole.
    Text(String),
    /// It did not arrive whole, and why.
    Unread(&'a str),
}

impl<'a> Body<'a> {
    pub fn read(answer: &'a Answer) -> Self {
        match &answer.body {
            Err(why) => Self::Unread(why),
            Ok(bytes) if bytes.len() > MAX_BODY => Self::Unread("its body is too long"),
            Ok(_) => {
                let text = answer.text();
                match serde_json::from_str(&text) {
                    Ok(Value::Object(object)) => Self::Object(object),
                    _ => Self::Text(text.into_owned()),
                }
            }
        }
    }

    /// What the answer says of the task: `data`, the one item of that list, `task` in it, or the
    /// whole object when there is no `data`.
    pub fn fields(&self) -> Option<&Map<String, Value>> {
        let Self::Object(object) = self else { return None };
        match object.get("data") {
            Some(Value::Null) | None => Some(object),
            Some(data) => of_task(data),
        }
    }

    /// Whether `data` is there to speak of the task.
    pub fn has_data(&self) -> bool {
        matches!(self, Self::Object(object) if object.get("data").and_then(of_task).is_some())
    }

    /// The envelope's `code`, a number or a numeric string.
    pub fn code(&self) -> Option<i64> {
        let Self::Object(object) = self else { return None };
        match object.get("code")? {
            Value::Number(number) => number.to_string().trim_end_matches(".0").parse().ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether this looks like the gateway's envelope and not like some other server's JSON.
    pub fn is_envelope(&self) -> bool {
        let Self::Object(object) = self else { return false };
        match object.get("code") {
            Some(Value::Null) | None => object.contains_key("msg") || object.contains_key("data"),
            Some(_) => self.code().is_some(),
        }
    }

    /// The envelope's message, or what another server's JSON has in its place.
    pub fn message(&self) -> Option<String> {
        let Self::Object(object) = self else { return None };
        let names = &["msg", "message", "error", "detail", "errors"];
        field(object, names).and_then(text).map(|text| plain(&text, MAX_WHY))
    }

    /// What was answered, for people: the message, else the body's beginning.
    pub fn why(&self, status: u16) -> String {
        let said = match self.message() {
            Some(message) => message,
            None => self.excerpt(),
        };
        // A web page often has its status in its title.
        let names_it = said
            .strip_prefix(&status.to_string())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']));
        let why = if names_it { said } else { format!("{status}: {said}") };
        plain(&why, MAX_WHY)
    }

    /// The body's beginning on one line.
    pub fn excerpt(&self) -> String {
        let text = match self {
            Self::Object(object) => plain(&Value::Object(object.clone()).to_string(), MAX_WHY),
            Self::Text(text) if is_markup(text) => page(text, MAX_WHY),
            Self::Text(text) => plain(text, MAX_WHY),
            Self::Unread(why) => plain(why, MAX_WHY),
        };
        if text.is_empty() { "an empty body".to_owned() } else { text }
    }

    /// Everything that is said in words, for phrases to be looked for.
    pub fn words(&self) -> String {
        match self {
            Self::Object(object) => ["msg", "message", "error", "detail", "errors"]
                .iter()
                .filter_map(|name| object.get(*name).map(Value::to_string))
                .collect::<Vec<_>>()
                .join("; "),
            Self::Text(text) => text.clone(),
            Self::Unread(_) => String::new(),
        }
    }
}

/// The fields of the task in `data`.
fn of_task(data: &Value) -> Option<&Map<String, Value>> {
    let data = match data {
        Value::Array(items) if items.len() == 1 => items.first()?,
        data => data,
    };
    let data = data.as_object()?;
    let is_stated = state_of(data).is_some();
    let inner = data.get("task").and_then(Value::as_object).filter(|task| state_of(task).is_some());
    Some(inner.filter(|_| !is_stated).unwrap_or(data))
}

/// The task's state, under any of its names.
pub(super) fn state_of(fields: &Map<String, Value>) -> Option<&Value> {
    spec().answer.state.iter().find_map(|name| fields.get(name)).filter(|value| !value.is_null())
}

/// Whether `text` is an HTML page, or how one begins.
pub(super) fn is_page(text: &str) -> bool {
    let end = (0..=text.len().min(PAGE_HEAD)).rev().find(|end| text.is_char_boundary(*end));
    let head = text[..end.unwrap_or(0)].to_ascii_lowercase();
    let tags = ["<!doctype html", "<html", "<head", "<body", "<title", "<center>", "<h1"];
    is_markup(&head) && tags.iter().any(|tag| head.contains(tag))
}
