//! Reading an answer: as much of it as comes, within its time and a bound.

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, DATE, LOCATION, RETRY_AFTER};

use crate::domain::sanitize::plain;
use crate::domain::time::Clock;

use super::super::wire::{Answer, MAX_BODY};
use super::deadline::Deadline;
use super::explain::explain;
use super::headers;
use super::redact::KeyRedactor;
use super::unpack::unpack;

/// How much of a broken body a reason is made of, in bytes.
const BEGINNING: usize = 2048;

/// Reads an answer, its body within [`MAX_BODY`].
pub(super) async fn answer(
    mut response: Response,
    deadline: &mut Deadline,
    secret: &KeyRedactor,
    clock: &dyn Clock,
) -> Answer {
    let status = response.status().as_u16();
    let header =
        |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    // Its own clock, so that ours may be wrong.
    let theirs = header(DATE).and_then(|text| headers::date(&text));
    let now = theirs.unwrap_or_else(|| clock.now());
    let retry_after = header(RETRY_AFTER).and_then(|text| headers::retry_after(&text, now));
    let location = header(LOCATION).map(|text| secret.hide(&text));
    let encoding = header(CONTENT_ENCODING).map(std::borrow::Cow::into_owned);
    let (bytes, problem) = body(&mut response, deadline).await;
    let bytes = unpack(encoding.as_deref(), bytes);
    tracing::debug!(status, bytes = bytes.len(), "answered");
    let answer =
        Answer { retry_after, location, date: theirs, ..Answer::new(status, Bytes::new()) };
    match problem {
        None => Answer { body: Ok(bytes), ..answer },
        // A body that was cut after its JSON was complete has told everything.
        Some(_) if is_whole(&bytes) => Answer { body: Ok(bytes), ..answer },
        Some(problem) => {
            let begins = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]);
            let begins = plain(&secret.hide(&begins), 150);
            let and = if begins.is_empty() { "" } else { "; it begins " };
            Answer { body: Err(format!("{problem}{and}{begins}")), begun: bytes, ..answer }
        }
    }
}

/// The body, and why it is not all of it.
async fn body(response: &mut Response, deadline: &mut Deadline) -> (Bytes, Option<String>) {
    let mut body = BytesMut::new();
    let problem = loop {
        match deadline.wait(response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() > MAX_BODY => {
                body.extend_from_slice(&chunk[..MAX_BODY - body.len()]);
                break Some(format!("the answer is longer than {MAX_BODY} bytes"));
            }
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => break None,
            Ok(Err(error)) => break Some(format!("the answer broke off ({})", explain(&error))),
            Err(_) => break Some("the answer broke off (timed out)".to_owned()),
        }
    };
    (body.freeze(), problem)
}

fn is_whole(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<_, _>>(body).is_ok()
}
