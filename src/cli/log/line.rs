//! An event as a line of JSON: when, how bad, what, whose, and whatever else it says, in that order.

use std::fmt;

use serde_json::{Map, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

use crate::domain::sanitize::json_text;
use crate::domain::time::Timestamp;

/// A longer text is cut, in characters.
const MAX_TEXT: usize = 2000;
/// An event's own word, and what is said for people; one of them stands in every line.
const SAID: [&str; 2] = ["event", "message"];

/// What stands in every line of a run.
#[derive(Clone, Debug)]
pub(super) struct Stamp {
    pub(super) campaign: String,
    /// When the run took the lock, which tells it from every other.
    pub(super) run: String,
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct Line {
    at: Timestamp,
    level: &'static str,
    fields: Map<String, Value>,
    /// Whether it is the only trace of something, so that it must be on the disk.
    pub(super) must_stay: bool,
    /// Whether it should be on the disk soon.
    pub(super) warns: bool,
    /// Whether it says that the disk is full.
    pub(super) disk_full: bool,
}

impl Line {
    pub(super) fn of(event: &Event<'_>, at: Timestamp) -> Self {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => "error",
            tracing::Level::WARN => "warn",
            tracing::Level::INFO => "info",
            tracing::Level::DEBUG => "debug",
            tracing::Level::TRACE => "trace",
        };
        let warns = *event.metadata().level() <= tracing::Level::WARN;
        let (must_stay, disk_full) = (false, false);
        let mut line = Self { at, level, fields: Map::new(), must_stay, warns, disk_full };
        event.record(&mut line);
        line
    }

    /// The line, with its end.
    pub(super) fn json(&self, stamp: &Stamp) -> String {
        let mut all = Map::new();
        let text = |text: &str| Value::String(text.to_owned());
        all.insert("at".to_owned(), text(&self.at.to_string()));
        all.insert("level".to_owned(), text(self.level));
        for name in SAID {
            all.extend(self.fields.get(name).map(|said| (name.to_owned(), said.clone())));
        }
        all.insert("campaign".to_owned(), text(&stamp.campaign));
        all.insert("run".to_owned(), text(&stamp.run));
        for (name, value) in &self.fields {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
        // A map of texts and numbers can always be written.
        json_text(&all).unwrap_or_default() + "\n"
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::String(cut(format!("{value:?}"))));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(cut(value.to_owned())));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "must_stay" => self.must_stay = value,
            "disk_full" => self.disk_full = value,
            _ => self.put(field, value.into()),
        }
    }
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}
