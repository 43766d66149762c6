//! What a scheduler is told of the run's surroundings before it knows any shot.

use std::io;
use std::sync::Arc;

use crate::callback::Callbacks;
use crate::domain::origin::Origin;
use crate::domain::secret::KeyMint;
use crate::policy::budget::{Balance, Budget};
use crate::provider::Capabilities;

use super::metrics::Metrics;
use super::options::Deps;

/// What a scheduler is told of the run's surroundings, as plain values.
pub struct Setup {
    /// Where attempts go, and from which account.
    pub origin: Origin,
    /// How many tasks one poll may ask for.
    pub poll_batch: usize,
    /// The cap.
    pub budget: Budget,
    /// The money as the ledger has it.
    pub balance: Balance,
    /// What is counted and timed.
    pub metrics: Arc<Metrics>,
    /// Where the provider can call back, if it can.
    pub callbacks: Option<Callbacks>,
    /// Makes attempt keys.
    pub keys: KeyMint,
    /// Chance, for the waits before retries.
    pub rng: fastrand::Rng,
}

impl Setup {
    /// What `deps` say.
    ///
    /// # Errors
    /// When the system has no randomness for attempt keys, which it always has.
    pub fn of(deps: &Deps) -> io::Result<Self> {
        let Capabilities { origin, poll_batch, .. } = deps.provider.capabilities();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        Ok(Self {
            origin,
            poll_batch,
            budget: deps.ledger.budget(),
            balance: deps.ledger.balance(),
            metrics: Arc::clone(&deps.metrics),
            callbacks: deps.callbacks.clone(),
            keys: KeyMint::from_seed(seed),
            rng: fastrand::Rng::new(),
        })
    }
}
