//! The gateway's JSON, read as tolerantly as money allows. Pure; shared by the HTTP client and the
//! simulator. Promises that a task id that arrived is found, and that nothing else is taken for
//! one.

use std::time::Duration;

use serde_json::{Map, Value};

use super::apimodels::is_from_proxy;
use crate::domain::charge::{Charge, ChargeOutcome};
use crate::domain::outcome::{FailedTask, PollOutcome, SubmitOutcome, TaskId};
pub use crate::domain::sanitize::plain;
use crate::domain::sanitize::{is_markup, page};

mod fields;

use fields::{completed_at, failure, field, is_pleasantry, result_urls, task_id};

/// An HTTP answer whose body was read, or could not be.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status line's code.
    pub status: u16,
    /// `Retry-After`, already turned into a span from now.
    pub retry_after: Option<Duration>,
    /// `Location`, as it came.
    pub location: Option<String>,
    /// The body, at most [`MAX_BODY`] bytes; `Err` says why it could not be read whole.
    pub body: Result<bytes::Bytes, String>,
}

impl Answer {
    /// An answer that is only a status and a body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<bytes::Bytes>) -> Self {
        Self { status, retry_after: None, location: None, body: Ok(body.into()) }
    }
}

/// The longest JSON body that is read, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// The longest reason that is made of an answer, in characters.
const MAX_WHY: usize = 300;

/// What an answered POST means.
///
/// A readable task id wins over every error around it: it may have been bought, and asking after a
/// task is free.
#[must_use]
pub fn submitted(answer: &Answer) -> SubmitOutcome {
    let body = Body::read(answer);
    if !matches!(answer.status, 300..=399)
        && let Some(task) = body.fields().and_then(task_id)
    {
        return SubmitOutcome::Bought { task };
    }
    let Some(status) = judged_status(answer.status, &body) else {
        let why = format!("answered {} without a task id: {}", answer.status, body.excerpt());
        return SubmitOutcome::Doubtful { why, answer: None };
    };
    let why = body.why(status);
    let retry_after = answer.retry_after;
    match status {
        300..=399 => SubmitOutcome::WrongAddress { why: redirect(answer) },
        401 | 403 => SubmitOutcome::BadKey { why },
        402 => SubmitOutcome::NoCredit { why },
        404 | 405 if !body.is_envelope() => {
            SubmitOutcome::WrongAddress { why: format!("not the gateway's answer: {why}") }
        }
        429 => SubmitOutcome::Throttled { is_money: false, retry_after, why },
        500..=599 => {
            let from_proxy = is_from_proxy(status);
            SubmitOutcome::ServerError { status, from_proxy, retry_after, why }
        }
        400..=499 => SubmitOutcome::Rejected { why },
        _ => SubmitOutcome::Doubtful {
            why: format!("answered with an odd status: {why}"),
            answer: None,
        },
    }
}

/// What an answered poll means.
///
/// A state the gateway names in `data` wins over the envelope's `code`, not over the status line.
/// Beside an error `code`, a word outside of `data` is about the call and not about the task.
#[must_use]
pub fn polled(answer: &Answer) -> PollOutcome {
    let body = Body::read(answer);
    let of_task = body.has_data() || judged_status(answer.status, &body).is_none();
    if let (200..=299, Some(fields), true) = (answer.status, body.fields(), of_task)
        && let Some(polled) = state(fields, &body)
    {
        return polled;
    }
    let retry_after = answer.retry_after;
    let Some(status) = judged_status(answer.status, &body) else {
        let why = format!("answered {} without a state: {}", answer.status, body.excerpt());
        return PollOutcome::Unclear { retry_after, why };
    };
    let why = body.why(status);
    match status {
        401 | 403 => PollOutcome::BadKey { why },
        404 => PollOutcome::Missing { why },
        300..=399 => PollOutcome::Unclear { retry_after, why: redirect(answer) },
        _ => PollOutcome::Unclear { retry_after, why },
    }
}

/// What an answered poll of `task` means: [`polled`], unless it speaks of another task.
#[must_use]
pub fn polled_of(task: &TaskId, answer: &Answer) -> PollOutcome {
    let said = polled(answer);
    let speaks = matches!(
        said,
        PollOutcome::Working { .. } | PollOutcome::Completed { .. } | PollOutcome::Failed { .. }
    );
    let theirs = speaks.then(|| Body::read(answer).fields().and_then(task_id)).flatten();
    match theirs.filter(|theirs| theirs != task) {
        Some(theirs) => PollOutcome::OtherTask { theirs },
        None => said,
    }
}

/// What the answer to a question for `task`'s record means. Anything but a readable record is
/// [`ChargeOutcome::Unknown`]: the seed's page does not promise records.
#[must_use]
pub fn billed(task: &TaskId, answer: &Answer) -> ChargeOutcome {
    let body = Body::read(answer);
    let unknown = |why: String| ChargeOutcome::Unknown { why: plain(&why, MAX_WHY) };
    let (200..=299, None, Some(fields)) =
        (answer.status, judged_status(answer.status, &body), body.fields())
    else {
        return unknown(body.why(answer.status));
    };
    if task_id(fields).is_some_and(|theirs| theirs != *task) {
        return unknown("a record of another task".to_owned());
    }
    let settled = match field(fields, &["settled"]) {
        Some(Value::Bool(settled)) => *settled,
        Some(Value::String(text)) if text.trim() == "true" => true,
        Some(Value::String(text)) if text.trim() == "false" => false,
        _ => return unknown(format!("no readable record: {}", body.excerpt())),
    };
    if !settled {
        return ChargeOutcome::Unsettled;
    }
    let amount = field(fields, &["credits"]).and_then(|value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    });
    let currency = field(fields, &["currency"]).and_then(Value::as_str);
    match amount.zip(currency).and_then(|(amount, currency)| Charge::new(&amount, currency)) {
        Some(charge) => ChargeOutcome::Settled(charge),
        None => unknown(format!("no readable record: {}", body.excerpt())),
    }
}

/// What `data` says of the task; `None` when it names no state.
fn state(fields: &Map<String, Value>, body: &Body<'_>) -> Option<PollOutcome> {
    let state = field(fields, &["state", "status"])?.as_str()?.trim();
    Some(match state.to_ascii_lowercase().as_str() {
        state @ ("pending" | "processing") => {
            PollOutcome::Working { is_waiting: state == "pending", unknown: None }
        }
        "completed" => {
            let urls = result_urls(fields);
            if urls.is_empty() {
                let why = format!("completed, but without a result URL: {}", body.excerpt());
                return Some(PollOutcome::Unclear { retry_after: None, why });
            }
            PollOutcome::Completed { urls, completed_at: completed_at(fields) }
        }
        "failed" => {
            let why = failure(fields)
                .or_else(|| body.message().filter(|text| !is_pleasantry(text)))
                .unwrap_or_else(|| "failed; the gateway gave no reason".to_owned());
            PollOutcome::Failed { why: plain(&why, MAX_WHY), kind: FailedTask::default() }
        }
        _ => PollOutcome::Working { is_waiting: false, unknown: Some(plain(state, 60)) },
    })
}

/// The status an answer is judged by: its own, or the error that a 200 carries in its envelope;
/// `None` for any other 2xx.
fn judged_status(status: u16, body: &Body<'_>) -> Option<u16> {
    match status {
        200 => body
            .code()
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| matches!(code, 400..=599)),
        201..=299 => None,
        _ => Some(status),
    }
}

fn redirect(answer: &Answer) -> String {
    let target = match &answer.location {
        Some(location) => format!("to {}", plain(location, 200)),
        None => "without saying where to".to_owned(),
    };
    format!("{}: redirected {target}; is the address right?", answer.status)
}

/// An answer's body, as far as it can be understood.
enum Body<'a> {
    /// A JSON object.
    Object(Map<String, Value>),
    /// Anything else that arrived whole.
    Text(String),
    /// It did not arrive whole, and why.
    Unread(&'a str),
}

impl<'a> Body<'a> {
    /// Bytes that are not UTF-8 are replaced first: a mangled message must not hide a task id.
    fn read(answer: &'a Answer) -> Self {
        match &answer.body {
            Err(why) => Self::Unread(why),
            Ok(bytes) if bytes.len() > MAX_BODY => Self::Unread("its body is too long"),
            Ok(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let text = text.trim_start_matches('\u{feff}');
                match serde_json::from_str(text) {
                    Ok(Value::Object(object)) => Self::Object(object),
                    _ => Self::Text(text.to_owned()),
                }
            }
        }
    }

    /// What the answer says of the task: `data`, or the whole object when there is none.
    fn fields(&self) -> Option<&Map<String, Value>> {
        let Self::Object(object) = self else { return None };
        match object.get("data") {
            Some(Value::Object(data)) => Some(data),
            Some(Value::Null) | None => Some(object),
            Some(_) => None,
        }
    }

    /// Whether `data` is there to speak of the task.
    fn has_data(&self) -> bool {
        matches!(self, Self::Object(object) if object.get("data").is_some_and(Value::is_object))
    }

    /// The envelope's `code`, a number or a numeric string.
    fn code(&self) -> Option<i64> {
        let Self::Object(object) = self else { return None };
        match object.get("code")? {
            Value::Number(number) => number.to_string().trim_end_matches(".0").parse().ok(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// Whether this looks like the gateway's envelope and not like some other server's JSON.
    fn is_envelope(&self) -> bool {
        let Self::Object(object) = self else { return false };
        match object.get("code") {
            Some(Value::Null) | None => object.contains_key("msg") || object.contains_key("data"),
            Some(_) => self.code().is_some(),
        }
    }

    /// The envelope's message, or what another server's JSON has in its place.
    fn message(&self) -> Option<String> {
        let Self::Object(object) = self else { return None };
        let names = &["msg", "message", "error", "detail", "errors"];
        field(object, names).and_then(fields::text).map(|text| plain(&text, MAX_WHY))
    }

    /// What was answered, for people: the message, else the body's beginning.
    fn why(&self, status: u16) -> String {
        let said = match self.message() {
            Some(message) => message,
            None => self.excerpt(),
        };
        plain(&format!("{status}: {said}"), MAX_WHY)
    }

    /// The body's beginning on one line.
    fn excerpt(&self) -> String {
        let text = match self {
            Self::Object(object) => plain(&Value::Object(object.clone()).to_string(), MAX_WHY),
            Self::Text(text) if is_markup(text) => page(text, MAX_WHY),
            Self::Text(text) => plain(text, MAX_WHY),
            Self::Unread(why) => plain(why, MAX_WHY),
        };
        if text.is_empty() { "an empty body".to_owned() } else { text }
    }
}
