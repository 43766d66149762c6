//! The simulator: a stand-in gateway with rendering times, a purse, its own price check, faults on
//! demand and accounts of its own. [`SimState`] is the whole of it, without clock or wire; [`Simulator`]
//! puts it in-process, [`serve`] onto a socket. Knows nothing of ledgers.
//!
//! What goes wrong follows from the seed, the request's own bytes (or the task's id) and how often
//! it was tried, not from the order of calls: a seed gives the same night again. Requests that
//! differ in nothing share their luck in the order they come. Every fourth try is free of faults,
//! so a client that tries again succeeds; only a task's own fate (failed, stuck) is final. A `callback_url`
//! is called when its task has ended, if it is on this machine; where it lies makes no request
//! another one.

pub mod accounts;
mod answers;
mod callback;
mod caller;
pub mod faults;
mod files;
mod gateway;
pub mod journal;
mod profile;
mod purchase;
mod reply;
mod request;
pub mod rng;
pub mod sample_clips;
mod server;
mod state;

pub use accounts::{Accounts, Booked, Tally};
pub use gateway::Simulator;
pub use journal::{JOURNAL, SimError};
pub use profile::{BadProfile, Profile, SimOptions};
pub use purchase::{Fate, NOMINAL_PRICE, Purchase, TaskState, Told};
pub use reply::{Answered, Clip, ClipReply, Reply, RetryAfter};
pub use sample_clips::{Film, Shape};
pub use server::serve;
pub use state::{NO_HOST, SimState};

use std::path::Path;

use crate::domain::time::Timestamp;

/// The accounts of the simulator whose journal lies in `dir`, as of `now`; nothing is changed.
///
/// # Errors
/// When the journal cannot be read or is damaged.
pub fn books(dir: &Path, now: Timestamp) -> Result<Accounts, SimError> {
    Ok(journal::read(dir)?.books(now))
}
