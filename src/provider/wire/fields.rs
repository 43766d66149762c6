//! Single fields of the gateway's `data`, in the shapes and spellings seen in public clients.

use serde_json::{Map, Value};

use crate::domain::outcome::TaskId;
use crate::domain::time::Timestamp;

use super::ids::names_task;

/// How deep result URLs are looked for in lists, objects and JSON inside of strings.
const DEEPEST: u8 = 4;
/// Unix times below this are seconds: as milliseconds they would lie before 1974.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// The first of `names` that is there and not null.
pub(super) fn field<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().filter_map(|name| fields.get(*name)).find(|value| !value.is_null())
}

/// A string or a whole number as text; `None` when it is neither or empty. A number too large to
/// be exact is no word.
pub(super) fn word(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The task id, if one can be read without guessing.
pub(super) fn task_id(fields: &Map<String, Value>) -> Option<TaskId> {
    fields
        .iter()
        .filter(|(name, _)| names_task(name))
        .filter_map(|(_, value)| word(value))
        .filter(|id| !id.contains(char::REPLACEMENT_CHARACTER))
        .find_map(|id| TaskId::new(&id))
}

/// Any value as text for people: an object by its message, a list by its items.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => items.iter().filter_map(text).collect::<Vec<_>>().join("; "),
        Value::Object(object) if object.is_empty() => return None,
        Value::Object(object) => {
            let names = ["failMsg", "message", "msg", "reason", "error", "detail"];
            names
                .iter()
                .filter_map(|name| object.get(*name))
                .find_map(text)
                .unwrap_or_else(|| value.to_string())
        }
    };
    (!text.is_empty()).then_some(text)
}

/// A message that says only that the HTTP call went well.
pub(super) fn is_pleasantry(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().trim_end_matches('.'), "success" | "ok" | "succeed")
}

/// The usable result URLs, in order and each once.
pub(super) fn result_urls(fields: &Map<String, Value>) -> Vec<String> {
    let mut urls = Vec::new();
    for name in ["resultUrls", "result_urls", "resultUrl", "result_url"] {
        if let Some(value) = fields.get(name) {
            collect_urls(value, DEEPEST, &mut urls);
        }
    }
    urls
}

fn collect_urls(value: &Value, deeper: u8, urls: &mut Vec<String>) {
    let Some(deeper) = deeper.checked_sub(1) else { return };
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_urls(item, deeper, urls)),
        Value::Object(object) => {
            for name in ["url", "resultUrls", "urls", "videoUrl", "video_url"] {
                if let Some(value) = object.get(name) {
                    collect_urls(value, deeper, urls);
                }
            }
        }
        Value::String(text) => {
            let text = text.trim();
            if text.starts_with(['[', '{', '"']) {
                if let Ok(inner) = serde_json::from_str(text) {
                    collect_urls(&inner, deeper, urls);
                }
            } else if is_usable(text) && !urls.iter().any(|url| url == text) {
                urls.push(text.to_owned());
            }
        }
        _ => {}
    }
}

fn is_usable(text: &str) -> bool {
    let host = text.split_once("://").and_then(|(scheme, rest)| {
        let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        known.then(|| rest.split(['/', '?', '#']).next().unwrap_or_default())
    });
    host.is_some_and(|host| !host.is_empty())
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// `completeTime`: Unix milliseconds as a number or a string; seconds and RFC 3339 are understood.
pub(super) fn completed_at(fields: &Map<String, Value>) -> Option<Timestamp> {
    let value = field(fields, &["completeTime", "complete_time", "completedAt"])?;
    let number = match value {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and is bounded below")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|n| n as i64)),
        Value::String(text) => {
            let text = text.trim();
            let moment =
                || text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
            text.parse().ok().or_else(moment)
        }
        _ => None,
    };
    let number = number.filter(|number| *number > 0)?;
    let millis = if number < SECONDS_BELOW { number * 1000 } else { number };
    jiff::Timestamp::from_millisecond(millis).ok().map(|_| Timestamp::from_millis(millis))
}
