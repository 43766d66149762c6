//! A database that does not answer: how long until the next try, and what the user is told.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::address::ServerAddress;
use super::connect::connect;
use super::error::{ServerError, Trouble};

/// Between tries to connect: doubling from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// After a warning that the database does not answer, the next one comes so much later.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// A database that does not answer.
#[derive(Default)]
pub(super) struct Lost {
    /// Since when, and when the user was last told.
    since: Option<(Instant, Option<Instant>)>,
    /// How long the last wait was.
    waited: Option<Duration>,
}

impl Lost {
    /// Waits before the next try.
    pub(super) async fn wait(&mut self, address: &ServerAddress, cause: &str) {
        let now = Instant::now();
        let (since, told) = self.since.get_or_insert((now, None));
        let is_told = told.is_some_and(|told| now - told < WARN_EVERY);
        if now - *since > BACKOFF.1 && !is_told {
            *told = Some(now);
            tracing::warn!(
                "{address} does not answer ({cause}); nothing is submitted until it does"
            );
        }
        let wait = self.waited.map_or(BACKOFF.0, |waited| (waited * 2).min(BACKOFF.1));
        self.waited = Some(wait);
        tokio::time::sleep(wait).await;
    }

    /// Tries to connect once; `None` after a wait, if that may succeed later. The database let us in
    /// before: one that refuses is not ready yet.
    pub(super) async fn connect(
        &mut self,
        address: &ServerAddress,
    ) -> Result<Option<Client>, ServerError> {
        match connect(address).await {
            Ok(client) => Ok(Some(client)),
            Err(Trouble::Lost(cause) | Trouble::Given(ServerError::Refused(_, cause))) => {
                self.wait(address, &cause).await;
                Ok(None)
            }
            Err(Trouble::Given(error)) => Err(error),
        }
    }

    /// It answers again.
    pub(super) fn is_over(&self, address: &ServerAddress) {
        match self.since {
            Some((_, Some(_))) => tracing::warn!("{address} answers again; the run goes on"),
            Some(_) => tracing::info!("{address} answers again"),
            None => {}
        }
    }
}
