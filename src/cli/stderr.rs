//! Standard error. While a run is at work a thread writes it from a queue, so that a terminal that was
//! stopped with Ctrl-S, a connection that stalls overnight or a pipe that is not read does not block the
//! run. Messages that find the queue full are dropped; the next one that is queued is preceded by their
//! number.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many messages wait at most.
const MAX_MESSAGES: usize = 1000;
/// With so many queued, further pictures of the bars are dropped.
const MAX_PICTURES: usize = 20;
/// How long the end of a run waits for what was not written yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// `None`: the caller writes, and waits for it.
static QUEUE: Mutex<Option<Queue>> = Mutex::new(None);
/// How many messages and pictures are queued and not written yet.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Whether [`settle`] ran out of patience since something was last written.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

struct Queue {
    sender: SyncSender<Vec<u8>>,
    left_out: usize,
}

/// Starts the thread: from now on callers do not wait for standard error. If no thread can be started, they
/// write themselves, as before.
pub fn queue() {
    let mut queue = lock();
    if queue.is_some() {
        return;
    }
    let (sender, queued) = sync_channel(MAX_MESSAGES);
    let writer = std::thread::Builder::new().name("stderr".to_owned());
    if writer.spawn(move || write_all(&queued)).is_ok() {
        *queue = Some(Queue { sender, left_out: 0 });
    }
}

fn lock() -> MutexGuard<'static, Option<Queue>> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(queued: &Receiver<Vec<u8>>) {
    for bytes in queued {
        // A failure has no place to be reported.
        drop(io::stderr().write_all(&bytes));
        WAITING.fetch_sub(1, Ordering::SeqCst);
        IS_STUCK.store(false, Ordering::SeqCst);
    }
}

impl Queue {
    /// Whether there was room.
    fn push(&self, bytes: Vec<u8>) -> bool {
        WAITING.fetch_add(1, Ordering::SeqCst);
        let has_room = self.sender.try_send(bytes).is_ok();
        if !has_room {
            WAITING.fetch_sub(1, Ordering::SeqCst);
        }
        has_room
    }

    fn message(&mut self, bytes: &[u8]) {
        if self.left_out > 0 {
            let what = format!("({} messages could not be shown here)\n", self.left_out);
            if self.push(what.into_bytes()) {
                self.left_out = 0;
            }
        }
        if self.left_out > 0 || !self.push(bytes.to_vec()) {
            self.left_out += 1;
        }
    }
}

/// Writes a message.
pub fn write(bytes: &[u8]) {
    match &mut *lock() {
        Some(queue) => queue.message(bytes),
        None => drop(io::stderr().write_all(bytes)),
    }
}

/// Draws a picture of the bars, or drops it while 20 writes are queued.
pub fn draw(picture: &str) -> io::Result<()> {
    match &*lock() {
        Some(queue) => {
            if WAITING.load(Ordering::SeqCst) < MAX_PICTURES {
                queue.push(picture.as_bytes().to_vec());
            }
            Ok(())
        }
        None => io::stderr().write_all(picture.as_bytes()),
    }
}

/// Waits until the queue is written, for a second at most, so that what the caller prints to standard output
/// stands below it. After one such wait ran out, further calls return at once until something is written.
pub fn settle() {
    for _ in 0..PATIENCE.as_millis() {
        if WAITING.load(Ordering::SeqCst) == 0 || IS_STUCK.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    IS_STUCK.store(true, Ordering::SeqCst);
}
