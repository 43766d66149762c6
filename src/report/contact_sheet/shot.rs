//! A shot as the page's script gets it. What is usual is left out, because a page may hold
//! thousands.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::domain::time::Timestamp;
use crate::ledger::{ClipFile, Row};
use crate::provider::apimodels;
use crate::report::model::{mismatches, name, odd_charge, reason, state_name};
use crate::report::remedy::Remedy;

/// A longer value of a parameter is cut, in characters: an image may be megabytes of base64.
const MAX_VALUE: usize = 200;
/// A longer prompt is cut, in characters; the gateway takes at most 2,500.
const MAX_PROMPT: usize = 4_000;

/// A shot; what is false or empty is left out, but for an unknown price.
pub(super) fn shot(row: &Row, links: Option<&HashMap<String, String>>) -> Value {
    let (prompt, params) = request(&row.request);
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let variant = row.variant.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    // A link dies after seven days.
    let urls = if row.files.is_empty() { &row.urls[..] } else { &[] };
    let mut shot = json!({
        "key": name(&row.entry),
        "id": row.entry.shot.as_str(),
        "revision": row.entry.number,
        "old": !row.entry.current,
        "state": state_name(row),
        "need": Remedy::of(row),
        "model": &*row.model,
        "prompt": prompt,
        "params": params,
        "entry": row.entry_id,
        "variant": variant.collect::<Map<_, _>>(),
        "tags": row.tags,
        "price": row.price,
        "charged": odd_charge(row).map(ToString::to_string),
        "mismatch": mismatches(row),
        "attempts": row.attempts,
        "task": row.task,
        "files": row.files.iter().map(|one| file(one, links)).collect::<Vec<_>>(),
        "urls": urls,
        "reason": reason(row).map(|why| apimodels::in_words(&why).into_owned()),
        "submitted": millis(row.submitted_at),
        "completed": millis(row.completed_at),
        "delivered": millis(row.delivered_at),
    });
    if let Some(shot) = shot.as_object_mut() {
        shot.retain(|name, value| name == "price" || !is_usual(value));
    }
    shot
}

fn is_usual(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn file(file: &ClipFile, links: Option<&HashMap<String, String>>) -> Value {
    let mut shown = json!({"path": file.path, "bytes": file.bytes});
    if let (Some(shown), Some(link)) =
        (shown.as_object_mut(), links.and_then(|links| links.get(&file.path)))
    {
        shown.insert("link".to_owned(), link.as_str().into());
    }
    if let (Some(shown), Value::Object(info)) = (shown.as_object_mut(), json!(file.clip_info)) {
        shown.extend(info);
    }
    shown
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
