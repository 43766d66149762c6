//! Why a task was not rendered, and what else is told of that.

use serde_json::{Map, Value};

use crate::domain::outcome::FailedTask;

use super::super::apimodels::spec;
use super::super::spec::StateWord;
use super::fields::{is_pleasantry, text};

/// The names of a failure's message that can be nothing else.
const MESSAGES: [&str; 4] = ["failMsg", "fail_msg", "failReason", "fail_reason"];
/// The names of its code.
const CODES: [&str; 4] = ["failCode", "fail_code", "errorCode", "error_code"];

/// Why a task failed: its message with its code, or whichever there is.
pub(super) fn failure(fields: &Map<String, Value>) -> Option<String> {
    let others = ["errorMessage", "error_message", "error", "message", "msg"];
    let message = first(fields, &MESSAGES).or_else(|| first(fields, &others));
    in_words(message, first(fields, &CODES))
}

/// A failure's reason under a state that is none; only what can be nothing else.
pub(super) fn reason(fields: &Map<String, Value>) -> Option<String> {
    let code = first(fields, &CODES).filter(|code| !is_no_code(code));
    in_words(first(fields, &MESSAGES), code)
}

/// What else is known of a task that failed: whether one more try may help, and whether it was
/// canceled. A code that is luck is none where the gateway says that a try is not reasonable.
pub(super) fn is_canceled_or_luck(fields: &Map<String, Value>, word: StateWord) -> FailedTask {
    let retryable = match fields.get("retryable") {
        Some(Value::Bool(retryable)) => Some(*retryable),
        Some(Value::String(text)) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    let code = first(fields, &CODES).or_else(|| failure(fields)).unwrap_or_default();
    let is_luck_code = spec().luck.iter().any(|luck| luck.eq_ignore_ascii_case(code.trim()));
    FailedTask {
        is_luck: retryable.unwrap_or(is_luck_code),
        is_canceled: word == StateWord::Canceled,
    }
}

fn first(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| text(fields.get(*name)?)).find(|text| !is_pleasantry(text))
}

/// A code that says that there is no failure.
fn is_no_code(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    matches!(code.as_str(), "0" | "200" | "none" | "null" | "false" | "no_error")
}

fn in_words(message: Option<String>, code: Option<String>) -> Option<String> {
    match (message, code) {
        (Some(message), Some(code)) if !message.contains(&code) => {
            Some(format!("{message} ({code})"))
        }
        (message, code) => message.or(code),
    }
}
