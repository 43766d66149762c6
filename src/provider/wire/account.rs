//! What answers about the account and the gateway itself mean. Only polls are on the gateway's page;
//! its balance and its list of models are known from other programs alone, so anything that is not
//! as they describe it is unknown and never a mistake.

use serde_json::{Map, Value};

use crate::domain::account::{AccessVerdict, BalanceOutcome, ModelsOutcome};
use crate::domain::charge::Charge;
use crate::domain::sanitize::plain;

use super::Answer;

/// The longest reason, in characters.
const MAX_WHY: usize = 200;
/// The most ids that are kept of a list.
const MAX_MODELS: usize = 2_000;
/// The longest id of a model, in bytes.
const MAX_ID: usize = 200;

/// What `{balance, total, frozen, currency}` says can be spent. A debt is nothing to spend.
#[must_use]
pub fn balance(answer: &Answer) -> BalanceOutcome {
    let unknown = || BalanceOutcome::Unknown { why: said(answer) };
    let Some(Value::Object(body)) = good(answer) else { return unknown() };
    let fields = data(&body);
    let amount = ["balance", "available"].iter().find_map(|name| number(fields.get(*name)?));
    let currency = fields.get("currency").and_then(Value::as_str);
    let Some((amount, currency)) = amount.zip(currency) else { return unknown() };
    let left = if amount.starts_with('-') { "0" } else { &amount };
    Charge::new(left, currency).map_or_else(unknown, BalanceOutcome::Known)
}

/// Which ids a list of models holds: objects with an `id` (else `model` or `name`), or texts.
#[must_use]
pub fn models(answer: &Answer) -> ModelsOutcome {
    let unknown = || ModelsOutcome::Unknown { why: said(answer) };
    let Some(body) = good(answer) else { return unknown() };
    let Some(list) = list(&body, 3) else { return unknown() };
    let ids: Vec<String> = list.iter().filter_map(id).take(MAX_MODELS).collect();
    if ids.is_empty() { unknown() } else { ModelsOutcome::Listed(ids) }
}

/// What the answer to a poll of a task that cannot exist shows about address and key.
#[must_use]
pub fn access(answer: &Answer) -> AccessVerdict {
    let why = said(answer);
    let body = json(answer);
    let envelope = body.as_ref().and_then(Value::as_object).filter(|body| is_envelope(body));
    let coded = envelope.and_then(|body| number(body.get("code")?)?.parse().ok());
    let status = match (answer.status, coded) {
        (200, Some(code @ 400..=599)) => code,
        (status, _) => status,
    };
    let is_page = body.is_none() && why.contains('<');
    match (status, envelope) {
        (401, _) => AccessVerdict::BadKey { why },
        (403, _) if !is_page => AccessVerdict::BadKey { why },
        (403 | 408 | 425 | 429 | 500.., _) => AccessVerdict::Unclear { why },
        (_, Some(_)) => AccessVerdict::Accepted,
        _ => AccessVerdict::NotTheGateway { why },
    }
}

/// The JSON of an answer of 2xx without an error code.
fn good(answer: &Answer) -> Option<Value> {
    let body = json(answer)?;
    let code = body.as_object().and_then(|body| number(body.get("code")?)?.parse::<u32>().ok());
    let is_good = (200..=299).contains(&answer.status) && !matches!(code, Some(400..=599));
    is_good.then_some(body)
}

fn json(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body.as_ref().ok()?).ok()
}

/// `data`, or the whole where there is none.
fn data(body: &Map<String, Value>) -> &Map<String, Value> {
    body.get("data").and_then(Value::as_object).unwrap_or(body)
}

/// Whether this looks like the gateway's envelope and not like some other server's JSON.
fn is_envelope(body: &Map<String, Value>) -> bool {
    match body.get("code") {
        None | Some(Value::Null) => body.contains_key("msg") || body.contains_key("data"),
        Some(code) => number(code).is_some(),
    }
}

/// A number, or a text that is one, as it is written.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.').then_some(text)
}

fn list(value: &Value, deeper: u8) -> Option<&Vec<Value>> {
    match value {
        Value::Array(list) => Some(list),
        Value::Object(object) if deeper > 0 => {
            let mut inner =
                ["data", "models", "list", "items"].iter().filter_map(|at| object.get(*at));
            inner.find_map(|value| list(value, deeper - 1))
        }
        _ => None,
    }
}

fn id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(model) => {
            ["id", "model", "name"].iter().find_map(|name| model.get(*name)?.as_str())
        }
        _ => None,
    };
    let text = text.map(str::trim).filter(|text| !text.is_empty() && text.len() <= MAX_ID)?;
    Some(plain(text, MAX_ID))
}

/// What was answered, for people: the status and the beginning of its message or body.
fn said(answer: &Answer) -> String {
    let body = match (json(answer), &answer.body) {
        (Some(Value::Object(body)), _) => ["msg", "message", "error"]
            .iter()
            .find_map(|name| body.get(*name)?.as_str().map(str::to_owned))
            .unwrap_or_else(|| Value::Object(body).to_string()),
        (_, Ok(bytes)) => String::from_utf8_lossy(&bytes[..bytes.len().min(2_048)]).into_owned(),
        (_, Err(why)) => why.clone(),
    };
    let body = plain(&body, MAX_WHY);
    let body = if body.is_empty() { "an empty body".to_owned() } else { body };
    format!("answered {}: {body}", answer.status)
}
