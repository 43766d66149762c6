//! The gateway's JSON, read as tolerantly as money allows. Pure; shared by the HTTP client and the
//! simulator.

use std::time::Duration;

use crate::answer::{Polled, Submitted};

/// An HTTP answer whose body was read, or could not be.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status line's code.
    pub status: u16,
    /// `Retry-After`, already turned into a span from now.
    pub retry_after: Option<Duration>,
    /// The body, at most [`MOST_BODY`] bytes; `Err` says why it could not be read whole.
    pub body: Result<bytes::Bytes, String>,
}

/// The longest JSON body that is read, in bytes.
pub const MOST_BODY: usize = 1 << 20;

/// What an answered POST means.
#[must_use]
pub fn submitted(_answer: &Answer) -> Submitted {
    todo!()
}

/// What an answered poll means.
#[must_use]
pub fn polled(_answer: &Answer) -> Polled {
    todo!()
}
