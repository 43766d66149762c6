//! The door at which the gateway knocks when a task has ended. A knock is a hint and nothing more:
//! whoever waits for it asks the gateway itself. Promises that only knocks with a known token come
//! in, that every request is bounded in bytes and time, and that nobody outside can tell a known
//! token from an unknown one. Must not know what a knock is about.

mod webhook_queue;

pub use webhook_queue::WebhookQueue;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::secret::Secret;

/// How a run is called back.
#[derive(Clone, Debug)]
pub struct Callbacks {
    /// Where knocks arrive.
    pub queue: Arc<WebhookQueue>,
    /// The address under which the gateway reaches the door; an attempt's is `URL/TOKEN`.
    pub url: String,
    /// How long after its POST a knock about an attempt in doubt is waited for.
    pub wait: Duration,
}

impl Callbacks {
    /// What the gateway is to call about an attempt.
    #[must_use]
    pub fn address(&self, token: &Secret) -> String {
        format!("{}/{}", self.url.trim_end_matches('/'), token.reveal())
    }
}

/// A new token that nobody can guess.
///
/// # Errors
/// When the system has no randomness to give, which it always has.
pub fn new_token() -> std::io::Result<Secret> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(std::io::Error::other)?;
    Ok(Secret::from_bytes(bits))
}
