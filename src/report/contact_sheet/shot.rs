//! A shot as the page's script gets it. What is usual is left out, because a page may hold
//! thousands.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::time::Timestamp;
use crate::ledger::{ClipFile, Row};
use crate::report::model::{mismatches, name, odd_charge, reason, state_name};
use crate::report::remedy::Remedy;

/// A longer value of a parameter is cut, in characters: an image may be megabytes of base64.
const MAX_VALUE: usize = 200;
/// A longer prompt is cut, in characters; the gateway takes at most 2,500.
const MAX_PROMPT: usize = 4_000;

#[derive(Serialize)]
pub(super) struct Shot<'a> {
    key: String,
    id: &'a str,
    revision: u32,
    /// It is of an older text or no longer in the manifest.
    #[serde(skip_serializing_if = "is_false")]
    old: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    need: Option<Remedy>,
    model: &'a str,
    prompt: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    params: Map<String, Value>,
    /// What it is one version of, and what tells it from the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    variant: Map<String, Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    price: Option<Usd>,
    /// What the gateway charged, where that is not the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<String>,
    /// Where the clip is not what was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatch: Vec<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a TaskId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File<'a>>,
    /// Only while there is no file: a link dies after seven days.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<i64>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    bytes: u64,
    #[serde(flatten)]
    clip_info: Option<ClipInfo>,
}

impl<'a> From<&'a ClipFile> for File<'a> {
    fn from(file: &'a ClipFile) -> Self {
        Self { path: &file.path, bytes: file.bytes, clip_info: file.clip_info }
    }
}

impl<'a> Shot<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        let (prompt, params) = request(&row.request);
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        Self {
            key: name(&row.entry),
            id: row.entry.shot.as_str(),
            revision: row.entry.number,
            old: !row.entry.current,
            state: state_name(row),
            need: Remedy::of(row),
            model: &row.model,
            prompt,
            params,
            entry: row.entry_id.as_deref(),
            variant: row
                .variant
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect(),
            mismatch: mismatches(row),
            tags: &row.tags,
            price: row.price,
            charged: odd_charge(row).map(ToString::to_string),
            attempts: row.attempts,
            task: row.task.as_ref(),
            files: row.files.iter().map(File::from).collect(),
            urls: if row.files.is_empty() { &row.urls } else { &[] },
            reason: reason(row),
            submitted: millis(row.submitted_at),
            completed: millis(row.completed_at),
            delivered: millis(row.delivered_at),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// The prompt, and the other parameters in the request's order.
fn request(json: &str) -> (String, Map<String, Value>) {
    let Ok(Value::Object(mut params)) = serde_json::from_str(json) else {
        return (String::new(), Map::new());
    };
    let prompt = params.shift_remove("prompt");
    for told_elsewhere in ["model", "callback_url"] {
        params.shift_remove(told_elsewhere);
    }
    for value in params.values_mut() {
        shorten(value);
    }
    let prompt = prompt.as_ref().and_then(Value::as_str).unwrap_or_default();
    (cut(prompt, MAX_PROMPT).into_owned(), params)
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(short) = cut(text, MAX_VALUE) {
                *text = short;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{kept}… ({} characters)", text.chars().count()))
        }
    }
}
