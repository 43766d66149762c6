//! What the answer to a POST means that names no task, by the provider's table of codes.

use super::super::apimodels::spec;
use super::super::spec::{BodyKind, CodeRow, Means};
use super::body::{Answer, Body, is_page};

/// The status an answer is judged by: its own, or the error that a 200 carries in its envelope;
/// `None` for any other 2xx.
pub(super) fn judged_status(status: u16, body: &Body<'_>) -> Option<u16> {
    match status {
        200 => body
            .code()
            .filter(|code| spec().answer.status_codes.contains(*code))
            .and_then(|code| u16::try_from(code).ok()),
        201..=299 => None,
        _ => Some(status),
    }
}

/// What the table says of an answer; `None` when it has no row for it.
pub(super) fn meaning(answer: &Answer, body: &Body<'_>) -> Option<Means> {
    let status = judged_status(answer.status, body).unwrap_or(answer.status);
    let fits = |row: &&CodeRow| {
        let status = row.status.as_ref().is_none_or(|known| known.contains(status.into()));
        let code = row
            .code
            .as_ref()
            .is_none_or(|known| body.code().is_some_and(|code| known.contains(code)));
        let kind = row.body.is_none_or(|kind| match kind {
            BodyKind::Page => is_page(&answer.text()),
            BodyKind::Foreign => !body.is_envelope(),
        });
        status
            && code
            && kind
            && row.says.as_ref().is_none_or(|phrases| {
                let words = body.words();
                phrases.iter().any(|phrase| phrase.is_in(&words))
            })
    };
    spec().codes.iter().find(fits).map(|row| row.means)
}

/// Whether an answer is a 2xx without an error in its envelope.
pub(super) fn is_success(answer: &Answer, body: &Body<'_>) -> bool {
    let is_code_good = match body {
        Body::Object(object) => match object.get("code") {
            None | Some(serde_json::Value::Null) => true,
            Some(_) => body.code().is_some_and(|code| spec().answer.success.contains(code)),
        },
        // A list, or what was cut: its code is as unknown as its end.
        Body::Text(_) | Body::Unread(_) => true,
    };
    matches!(answer.status, 200..=299) && is_code_good
}
