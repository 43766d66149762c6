//! A store's file work, on its threads or in place.

use std::io;
use std::sync::Arc;

use crate::blocking::Threads;
use crate::clips::{CLIPS, ClipError, Stored};

use super::directories::Directories;
use super::publish::{Received, publish};
use super::workers::Workers;

/// Where the work of a store is done.
pub(super) struct FileWork {
    directories: Arc<Directories>,
    /// `None` when it is done in place.
    workers: Option<Workers>,
}

impl FileWork {
    pub(super) fn new(directories: Directories, threads: Threads) -> Self {
        let directories = Arc::new(directories);
        let workers = match threads {
            Threads::Pool => Some(Workers::new(Arc::clone(&directories))),
            Threads::InPlace => None,
        };
        Self { directories, workers }
    }

    /// Publishes a clip. Once this was polled it goes to its end, even if it is dropped.
    pub(super) async fn publish(&self, received: Received) -> Result<Stored, ClipError> {
        if let Some(workers) = &self.workers {
            return workers.publish(received).await.map_err(broken_off)?;
        }
        publish(&self.directories, vec![received]).remove(0)
    }

    /// Does other work. Once this was polled it goes to its end, even if it is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directories) -> Result<T, ClipError> + Send + 'static,
    ) -> Result<T, ClipError> {
        match &self.workers {
            Some(workers) => workers.run(work).await.map_err(broken_off)?,
            None => work(&self.directories),
        }
    }
}

/// The work panicked.
fn broken_off(source: io::Error) -> ClipError {
    ClipError::Disk { path: CLIPS.into(), source }
}
