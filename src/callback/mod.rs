//! Calls that the gateway makes when a task has ended, from the listener to the scheduler. A call is
//! a hint and nothing more: the scheduler asks the gateway itself. Only calls with a known key are
//! queued; a few with others are kept where several workers are at a campaign. Must not know what a
//! call is about.

mod webhook_queue;

pub use webhook_queue::WebhookQueue;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::secret::Secret;

/// How a run is called back.
#[derive(Clone, Debug)]
pub struct Callbacks {
    /// Where calls are queued.
    pub queue: Arc<WebhookQueue>,
    /// The address under which the gateway reaches the listener; an attempt's is `URL/KEY`.
    pub url: String,
    /// How long after its POST a shot in doubt waits for a call.
    pub wait: Duration,
}

impl Callbacks {
    /// What the gateway is to call about an attempt.
    #[must_use]
    pub fn address(&self, token: &Secret) -> String {
        format!("{}/{}", self.url.trim_end_matches('/'), token.reveal())
    }
}

/// A new secret that cannot be guessed.
///
/// # Errors
/// When the system has no randomness to give, which it always has.
pub fn new_token() -> std::io::Result<Secret> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
    Ok(Secret::from_bytes(bits))
}
