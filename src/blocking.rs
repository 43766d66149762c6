//! Work that may block, such as writing and syncing files: beside the runtime on threads of its own,
//! or in place. In place a run is a sequence: with a paused clock and a provider in the same process
//! it goes the same way every time.

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

/// Where work is done that may block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// On other threads, so that the runtime goes on meanwhile.
    #[default]
    Pool,
    /// On the runtime's own thread, one after the other.
    InPlace,
}

impl Threads {
    /// Begins the work; it is done even if its result is not waited for, unless the runtime ends
    /// first.
    pub fn begin<T: Send + 'static>(
        self,
        runtime: &Handle,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        match self {
            Self::InPlace => runtime.spawn(async { work() }),
            Self::Pool => runtime.spawn_blocking(work),
        }
    }

    /// Does the work.
    ///
    /// # Errors
    /// When it panicked, or the runtime ended before it began.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        self.begin(&Handle::current(), work).await
    }
}
