//! Work that may block, such as writing and syncing files: beside the runtime where it has threads
//! for it, in place where it has but one. So a run on a single thread is a sequence: with a paused
//! clock and a gateway in the same process it goes the same way every time.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinError, JoinHandle};

/// Begins the work; it is done even if nobody waits for it, unless the runtime ends first.
pub fn begin<T: Send + 'static>(
    runtime: &Handle,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    match runtime.runtime_flavor() {
        RuntimeFlavor::CurrentThread => runtime.spawn(async { work() }),
        _ => runtime.spawn_blocking(work),
    }
}

/// Does the work.
///
/// # Errors
/// When it panicked, or the runtime ended before it began.
pub async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    begin(&Handle::current(), work).await
}
