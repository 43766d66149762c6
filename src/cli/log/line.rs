//! An event as a line of JSON: when, how bad, what, whose, and whatever else it says, in that order.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::domain::sanitize::json_text;
use crate::domain::time::Timestamp;

use super::file::Urgency;

/// A longer text is cut, in characters.
const MAX_TEXT: usize = 2000;
/// What stands before the campaign: `event` is a program's word and `message` a person's; a line has
/// one of the two.
const FIRST: [&str; 4] = ["at", "level", "event", "message"];

/// What stands in every line of a run.
#[derive(Debug)]
pub(super) struct Stamp {
    pub(super) campaign: String,
    /// When the run took the lock, which tells it from every other.
    pub(super) run: String,
}

/// An event.
#[derive(Debug)]
pub(super) struct Line {
    fields: Map<String, Value>,
    pub(super) urgency: Urgency,
    /// Whether it says that the disk is full.
    pub(super) disk_full: bool,
}

impl Line {
    pub(super) fn of(event: &Event<'_>, at: Timestamp) -> Self {
        let level = *event.metadata().level();
        let urgency = if level <= Level::WARN { Urgency::AtOnce } else { Urgency::Batched };
        let mut line = Self { fields: Map::new(), urgency, disk_full: false };
        line.put("at", at.to_string());
        line.put("level", level.as_str().to_ascii_lowercase());
        event.record(&mut line);
        line
    }

    /// The line, with its end.
    pub(super) fn json(mut self, stamp: &Stamp) -> String {
        let first = FIRST.into_iter().filter_map(|name| self.fields.shift_remove_entry(name));
        let mut all: Map<String, Value> = first.collect();
        all.insert("campaign".to_owned(), stamp.campaign.as_str().into());
        all.insert("run".to_owned(), stamp.run.as_str().into());
        for (name, value) in self.fields {
            all.entry(name).or_insert(value);
        }
        // A map of texts and numbers can always be written.
        json_text(&all).unwrap_or_default() + "\n"
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.entry(name).or_insert(value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), cut(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), cut(value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            // It is the only trace of something.
            "must_stay" if value => self.urgency = Urgency::Synced,
            "must_stay" => {}
            "disk_full" => self.disk_full = value,
            name => self.put(name, value),
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
