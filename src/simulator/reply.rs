//! What the simulator hands back: answers and ways not to answer, before they become bytes on a
//! wire or calls in a process.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::domain::time::Timestamp;

use super::rng::SimRng;

/// The reply to a POST or a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An HTTP answer.
    Answered(Answered),
    /// The connection closes after the request was read, without a byte of an answer.
    Cut,
    /// The connection closes after so many bytes of the answer's body.
    Torn(Answered, usize),
    /// No answer ever, and the connection stays open.
    Hang,
    /// The request never arrived; why.
    NotSent(String),
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status line's code.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// When to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// In so many seconds.
    Seconds(u32),
    /// At this moment, which is a whole second.
    Date(Timestamp),
}

impl RetryAfter {
    /// The span from now.
    #[must_use]
    pub fn span(self, now: Timestamp) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds.into()),
            Self::Date(at) => at.since(now),
        }
    }

    /// The header's value.
    #[must_use]
    pub fn header(self) -> String {
        let date = |at: Timestamp| {
            let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
        };
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date(at) => date(at).unwrap_or_else(|| "1".to_owned()),
        }
    }

    /// A second or so, said in one of the ways there are; or not at all.
    pub fn some(rng: &mut SimRng, now: Timestamp) -> Option<Self> {
        let next_second = now.as_millis().saturating_add(1_999).div_euclid(1_000) * 1_000;
        let date = Self::Date(Timestamp::from_millis(next_second));
        rng.pick([None, Some(Self::Seconds(1)), Some(date)])
    }
}

impl Answered {
    /// JSON.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            retry_after: None,
            content_type: "application/json",
            body: value.to_string().into(),
        }
    }

    /// An error in the gateway's envelope; `hidden` puts it into a 200.
    pub(super) fn refusal(status: u16, why: &str, hidden: bool) -> Self {
        let envelope = json!({"code": status, "msg": why, "data": null});
        Self::json(if hidden { 200 } else { status }, &envelope)
    }

    /// A web page from something that is not the gateway.
    pub(super) fn page(status: u16, title: &str) -> Self {
        let page = format!(
            "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {title}</h1></center>\r\n<hr><center>simulated proxy</center>\r\n\
             </body>\r\n</html>\r\n"
        );
        Self { status, retry_after: None, content_type: "text/html", body: page.into() }
    }

    /// A proxy's error.
    pub(super) fn proxy(rng: &mut SimRng) -> Self {
        let (status, title) = rng.pick([
            (502, "Bad Gateway"),
            (503, "Service Temporarily Unavailable"),
            (504, "Gateway Time-out"),
            (520, "Web server is returning an unknown error"),
            (522, "Connection timed out"),
            (524, "A timeout occurred"),
        ]);
        Self::page(status, title)
    }

    /// A 5xx of the gateway itself.
    pub(super) fn server_error(rng: &mut SimRng, hidden: bool, now: Timestamp) -> Self {
        let (status, why) = rng.pick([
            (500, "Internal Server Error"),
            (500, "internal error, please try again"),
            (503, "Service Unavailable"),
        ]);
        let retry_after = if status == 503 { RetryAfter::some(rng, now) } else { None };
        Self { retry_after, ..Self::refusal(status, why, hidden) }
    }

    /// A 429.
    pub(super) fn throttled(rng: &mut SimRng, hidden: bool, now: Timestamp) -> Self {
        let why = rng.pick(["Too Many Requests", "parallel task over resource pack limit"]);
        Self { retry_after: RetryAfter::some(rng, now), ..Self::refusal(429, why, hidden) }
    }

    /// The reply that breaks off somewhere inside of the body.
    pub(super) fn torn(self, rng: &mut SimRng) -> Reply {
        let at = rng.index(self.body.len());
        Reply::Torn(self, at)
    }
}

/// The reply to a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipReply {
    /// An error, or a page in the clip's place.
    Answered(Answered),
    /// No answer ever.
    Hang,
    /// The clip.
    Clip(Clip),
}

/// A clip, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The first byte's offset; above 0 the answer is a 206.
    pub starts_at: u64,
    /// The whole clip's length.
    pub total: u64,
    /// Whether length and `ETag` are announced and ranges accepted.
    pub announced: bool,
    /// A strong validator, quotes included.
    pub etag: String,
    /// What is sent.
    pub bytes: Bytes,
    /// Whether the connection then breaks.
    pub cut: bool,
    /// How long to wait before every eighth of it.
    pub pause: Duration,
}

impl Clip {
    /// The pieces in which it is sent.
    pub(super) fn pieces(&self) -> Vec<Bytes> {
        let pieces = if self.pause.is_zero() { 1 } else { 8 };
        let step = self.bytes.len().div_ceil(pieces).max(1);
        let ends = (0..self.bytes.len()).step_by(step);
        ends.map(|at| self.bytes.slice(at..self.bytes.len().min(at + step))).collect()
    }
}
