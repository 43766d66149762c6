//! What is decided on a page: kept, and told to all pages. What other programs decide meanwhile is found
//! by looking now and then.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::blocking::Threads;
use crate::domain::shot::ShotId;
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::LedgerAddress;
use crate::review::{Change, ClipKey, Reviewed, Reviews};

/// The longest decision, in bytes: a note is the longest part.
const MAX_BODY: usize = 64 << 10;
/// How often the file is looked at for what other programs decided.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The decisions of a campaign, for all pages of one server.
#[derive(Clone)]
pub(super) struct Decisions {
    reviews: Arc<Reviews>,
    /// Counts what changed here or was found; the value says nothing else.
    changed: watch::Sender<u64>,
}

impl Decisions {
    pub(super) fn new(reviews: Arc<Reviews>) -> Self {
        Self { reviews, changed: watch::Sender::new(0) }
    }

    /// Changes with every decision, and with those of others that were found.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What was decided after a version, and the version now.
    pub(super) async fn since(&self, version: u64) -> (Vec<Reviewed>, u64) {
        let reviews = Arc::clone(&self.reviews);
        let read = Threads::Pool.run(move || reviews.since(version)).await;
        read.unwrap_or((Vec::new(), version))
    }

    /// Looks what others decided, until the server ends.
    pub(super) async fn follow(self, closing: CancellationToken) {
        let mut seen = None;
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let reviews = Arc::clone(&self.reviews);
            match Threads::Pool.run(move || reviews.refresh()).await {
                Ok(Ok(now)) if seen.replace(now) != Some(now) => {
                    self.changed.send_modify(|count| *count += 1);
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!("{error}"),
                Err(_) => return,
            }
        }
    }

    /// Keeps one decision: `{"id": "beach", "revision": 1, "pick": true}`; answers with the verdict.
    pub(super) async fn take(&self, ledger: LedgerAddress, body: Body) -> Response<Body> {
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let (clip, change) = match parse(&body) {
            Ok(decision) => decision,
            Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
        };
        let reviews = Arc::clone(&self.reviews);
        let done = Threads::Pool.run(move || decide(&reviews, &ledger, clip, &change)).await;
        match done {
            Ok(Ok(reviewed)) => {
                self.changed.send_modify(|count| *count += 1);
                axum::Json(reviewed).into_response()
            }
            Ok(Err(refused)) => refused.into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Whose verdict is changed, and how.
fn parse(body: &[u8]) -> Result<(ClipKey, Change), String> {
    let fields = serde_json::from_slice(body);
    let mut fields: Map<String, Value> = fields.map_err(|error| error.to_string())?;
    let id = fields.shift_remove("id");
    let id = id.as_ref().and_then(Value::as_str).ok_or("`id` is missing")?;
    let id = ShotId::new(id).map_err(|why| format!("`id` is no shot's: {why}"))?;
    let revision = fields.shift_remove("revision").as_ref().and_then(Value::as_u64);
    let revision = revision.and_then(|number| u32::try_from(number).ok()).filter(|it| *it > 0);
    let revision = revision.ok_or("`revision` must be a number from 1")?;
    let change = serde_json::from_value(fields.into()).map_err(|error| error.to_string())?;
    Ok((ClipKey { id, revision }, change))
}

/// Keeps it, if the shot was ever tried. Blocking.
fn decide(
    reviews: &Reviews,
    ledger: &LedgerAddress,
    clip: ClipKey,
    change: &Change,
) -> Result<Reviewed, (StatusCode, String)> {
    let known = ledger.snapshot().and_then(|ledger| ledger.has_attempts(&clip.id));
    if !known.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))? {
        let what = format!("nothing was bought for {}", clip.id);
        return Err((StatusCode::NOT_FOUND, what));
    }
    let kept = reviews.change(&clip, change, SystemClock.now());
    let verdict =
        kept.map_err(|error| (StatusCode::CONFLICT, format!("{error}; {}", error.help())))?;
    Ok(Reviewed { clip, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_names_a_clip_and_nothing_unknown() {
        let (clip, change) = parse(br#"{"id": "beach", "revision": 2, "pick": true}"#).unwrap();
        assert_eq!((clip.id.as_str(), clip.revision), ("beach", 2));
        assert_eq!(change, Change { pick: Some(true), ..Change::default() });
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"id": "beach"}"#,
            r#"{"id": "../x", "revision": 1}"#,
            r#"{"id": "beach", "revision": 0}"#,
            r#"{"id": "beach", "revision": 4294967296}"#,
            r#"{"id": "beach", "revision": 1, "picked": true}"#,
            r#"{"id": "beach", "revision": 1, "pick": "yes"}"#,
            r#"{"id": "beach", "revision": 1, "rating": -1}"#,
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
