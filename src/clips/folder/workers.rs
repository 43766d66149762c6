//! The threads that do a store's file work. A thread takes all the clips that wait to be published
//! and are its share, and publishes them together.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::clips::{ClipError, Stored};

use super::directories::Directories;
use super::publish::{Received, publish};

/// The most threads: while one waits for the disk, another one verifies.
const MAX_THREADS: usize = 3;
/// The most clips that a thread publishes together.
const MAX_BATCH: usize = 16;

/// A clip to be published, and where its end is waited for.
pub(super) type Publication = (Received, oneshot::Sender<Result<Stored, ClipError>>);

enum Job {
    Publish(Box<Publication>),
    Other(Box<dyn FnOnce() + Send>),
}

/// Threads that are started when there is work, and end, after all work is done, with this.
pub(super) struct Workers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queue {
    directories: Arc<Directories>,
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

impl Workers {
    /// No thread yet.
    pub(super) fn new(directories: Arc<Directories>) -> Self {
        let queue = Queue { directories, state: Mutex::default(), changed: Condvar::new() };
        Self { queue: Arc::new(queue), threads: Mutex::default() }
    }

    /// Publishes a clip.
    pub(super) async fn publish(
        &self,
        received: Received,
    ) -> io::Result<Result<Stored, ClipError>> {
        let (sender, answer) = oneshot::channel();
        self.give(Job::Publish(Box::new((received, sender))));
        answer.await.map_err(|_| broken_off())
    }

    /// Does other work.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directories) -> T + Send + 'static,
    ) -> io::Result<T> {
        let (sender, answer) = oneshot::channel();
        let directories = Arc::clone(&self.queue.directories);
        self.give(Job::Other(Box::new(move || drop(sender.send(work(&directories))))));
        answer.await.map_err(|_| broken_off())
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
        if threads.len() == MAX_THREADS {
            return;
        }
        let queue = Arc::clone(&self.queue);
        match thread::Builder::new().name("clips".into()).spawn(move || queue.work()) {
            Ok(thread) => threads.push(thread),
            Err(_) if threads.is_empty() => self.queue.do_what_waits(),
            Err(_) => {}
        }
    }
}

impl Drop for Workers {
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
        while let Some(jobs) = self.take() {
            // A panic drops the senders, which tells those who wait.
            let _ = catch_unwind(AssertUnwindSafe(|| match jobs {
                Jobs::Publish(publications) => self.publish(publications),
                Jobs::Other(work) => work(),
            }));
        }
    }

    /// The next job, with those behind it that are published together with it.
    fn take(&self) -> Option<Jobs> {
        let mut state = self.state();
        let share = state.waiting.len().div_ceil(MAX_THREADS).min(MAX_BATCH);
        let mut batch = match state.waiting.pop_front()? {
            Job::Other(work) => return Some(Jobs::Other(work)),
            Job::Publish(first) => vec![*first],
        };
        while batch.len() < share
            && let Some(Job::Publish(_)) = state.waiting.front()
            && let Some(Job::Publish(next)) = state.waiting.pop_front()
        {
            batch.push(*next);
        }
        Some(Jobs::Publish(batch))
    }

    fn publish(&self, publications: Vec<Publication>) {
        let (batch, senders): (Vec<_>, Vec<_>) = publications.into_iter().unzip();
        for (sender, stored) in senders.into_iter().zip(publish(&self.directories, batch)) {
            // An error means that the end is not waited for any more.
            let _ = sender.send(stored);
        }
    }
}

/// What a thread takes at once.
enum Jobs {
    Publish(Vec<Publication>),
    Other(Box<dyn FnOnce() + Send>),
}

fn broken_off() -> io::Error {
    io::Error::other("the work was broken off")
}
