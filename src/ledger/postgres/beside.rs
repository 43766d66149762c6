//! A further connection of a worker, for what must not wait behind commits, nor hold them up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::address::ServerAddress;
use super::error::{ServerError, Trouble};
use super::lost::Lost;
use super::shared::Shared;
use crate::ledger::LedgerError;

/// A worker that was given up has joined anew after so long, if its database answers.
const JOINS_ANEW: Duration = Duration::from_millis(200);

/// A connection that is made once it is needed.
pub(super) struct Beside {
    pub(super) address: ServerAddress,
    pub(super) shared: Arc<Shared>,
    client: Option<Client>,
}

impl Beside {
    pub(super) const fn new(address: ServerAddress, shared: Arc<Shared>) -> Self {
        Self { address, shared, client: None }
    }

    /// Makes a call that may be made twice, until it is answered.
    pub(super) async fn retried<T>(
        &mut self,
        mut call: impl AsyncFnMut(&Client) -> Result<T, Trouble>,
    ) -> Result<T, LedgerError> {
        let (shared, asked) = (Arc::clone(&self.shared), Instant::now());
        let unanswered = || ServerError::Unanswered(self.address.shown().to_owned()).into();
        let unanswered: LedgerError = unanswered();
        tokio::select! {
            biased;
            answer = self.tries(&mut call) => answer.map_err(LedgerError::from),
            () = shared.patience_ends(asked) => Err(unanswered),
        }
    }

    async fn tries<T>(
        &mut self,
        call: &mut impl AsyncFnMut(&Client) -> Result<T, Trouble>,
    ) -> Result<T, ServerError> {
        let mut lost = Lost::default();
        loop {
            if self.shared.is_over() {
                return Err(ServerError::Unanswered(self.address.shown().to_owned()));
            }
            let client = match self.client.take().filter(|client| !client.is_closed()) {
                Some(client) => client,
                None => match lost.connect(&self.address).await? {
                    Some(client) => client,
                    None => continue,
                },
            };
            match call(&client).await {
                Ok(value) => {
                    self.client = Some(client);
                    lost.is_over(&self.address);
                    return Ok(value);
                }
                Err(Trouble::Lost(cause)) => lost.wait(&self.address, &cause).await,
                // The other connection finds it out too, and joins anew.
                Err(Trouble::Given(ServerError::GivenUp(_))) => {
                    self.client = Some(client);
                    tokio::time::sleep(JOINS_ANEW).await;
                }
                Err(Trouble::Given(error)) => return Err(error),
            }
        }
    }
}
