//! Where a store's file work is done: on threads of its own, or in place. A thread takes its share of
//! all that waits, and publishes the clips among it together.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::blocking::Threads;
use crate::clips::{CLIPS, ClipError, Stored};

use super::directories::Directories;
use super::publish::{Received, publish};

/// The most threads: while one waits for the disk, another one verifies.
const MAX_THREADS: usize = 3;
/// The most jobs that a thread takes at once.
const MAX_BATCH: usize = 16;

enum Job {
    /// A clip to be published, and the place where its end is waited for.
    Publish(Box<(Received, oneshot::Sender<Result<Stored, ClipError>>)>),
    Other(Box<dyn FnOnce(&Directories) + Send>),
}

/// Does a store's file work. Its threads are started when there is work, and end with it, after all
/// work is done.
pub(super) struct FileWork {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// None when the work is done in place.
    max_threads: usize,
}

struct Queue {
    directories: Directories,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Threads that wait for a job.
    idle: usize,
    ended: bool,
}

impl FileWork {
    pub(super) fn new(directories: Directories, threads: Threads) -> Self {
        let queue = Queue { directories, state: Mutex::default(), changed: Condvar::new() };
        let max_threads = if threads == Threads::Pool { MAX_THREADS } else { 0 };
        Self { queue: Arc::new(queue), threads: Mutex::default(), max_threads }
    }

    /// Publishes a clip. Once this was polled it goes to its end, even if it is dropped.
    pub(super) async fn publish(&self, received: Received) -> Result<Stored, ClipError> {
        let (sender, answer) = oneshot::channel();
        self.give(Job::Publish(Box::new((received, sender))));
        answer.await.map_err(|_| broken_off())?
    }

    /// Does other work. Once this was polled it goes to its end, even if it is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directories) -> Result<T, ClipError> + Send + 'static,
    ) -> Result<T, ClipError> {
        let (sender, answer) = oneshot::channel();
        let work = move |directories: &Directories| drop(sender.send(work(directories)));
        self.give(Job::Other(Box::new(work)));
        answer.await.map_err(|_| broken_off())?
    }

    fn give(&self, job: Job) {
        let mut state = self.queue.state();
        state.waiting.push_back(job);
        // Each idle thread was woken for one of the jobs before.
        let enough = state.waiting.len() <= state.idle;
        drop(state);
        if enough { self.queue.changed.notify_one() } else { self.start_thread() }
    }

    fn start_thread(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.len() < self.max_threads {
            let queue = Arc::clone(&self.queue);
            let thread = thread::Builder::new().name("clips".into()).spawn(move || queue.work());
            threads.extend(thread.ok());
        }
        let in_place = threads.is_empty();
        drop(threads);
        if in_place {
            self.queue.do_what_waits();
        }
    }
}

impl Drop for FileWork {
    fn drop(&mut self) {
        self.queue.state().ended = true;
        self.queue.changed.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A waker that a thread drops may own the last handle of the store.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life.
    fn work(&self) {
        loop {
            self.do_what_waits();
            let mut state = self.state();
            state.idle += 1;
            while state.waiting.is_empty() {
                if state.ended {
                    return;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.idle -= 1;
        }
    }

    fn do_what_waits(&self) {
        loop {
            let mut state = self.state();
            let share = state.waiting.len().div_ceil(MAX_THREADS).min(MAX_BATCH);
            let jobs: Vec<Job> = state.waiting.drain(..share).collect();
            drop(state);
            if jobs.is_empty() {
                return;
            }
            // A panic drops the senders, which tells the callers.
            let _ = catch_unwind(AssertUnwindSafe(|| self.do_all(jobs)));
        }
    }

    fn do_all(&self, jobs: Vec<Job>) {
        let (mut batch, mut senders) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Other(work) => work(&self.directories),
                Job::Publish(clip) => {
                    let (received, sender) = *clip;
                    batch.push(received);
                    senders.push(sender);
                }
            }
        }
        for (sender, stored) in senders.into_iter().zip(publish(&self.directories, batch)) {
            // An error means that the end is not waited for any more.
            let _ = sender.send(stored);
        }
    }
}

fn broken_off() -> ClipError {
    ClipError::Disk { path: CLIPS.into(), source: io::Error::other("the work was broken off") }
}
