//! A runtime of the database's own, and a thread to drive it on: a runtime cannot be entered from
//! inside another one.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use tokio::runtime::Runtime;

use crate::ledger::LedgerError;

/// A runtime for one connection.
pub(super) fn runtime() -> Result<Runtime, LedgerError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| LedgerError::defect(format!("no runtime: {error}")))
}

/// Does it on a thread of its own, and waits for it.
pub(super) fn apart<T: Send>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send,
) -> Result<T, LedgerError> {
    std::thread::scope(|scope| ended(beside(scope, work)?))
}

/// Begins it on a thread of its own.
pub(super) fn beside<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    work: impl FnOnce() -> T + Send + 's,
) -> Result<ScopedJoinHandle<'s, T>, LedgerError> {
    Builder::new()
        .spawn_scoped(scope, work)
        .map_err(|error| LedgerError::defect(format!("no thread: {error}")))
}

/// Waits for what was begun.
pub(super) fn ended<T>(
    begun: ScopedJoinHandle<'_, Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    match begun.join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
