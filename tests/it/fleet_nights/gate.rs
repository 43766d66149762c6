//! What a worker's process can do at the moment: whether it lives, runs, and reaches the gateway.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Notify;

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_dead: bool,
    /// How many things keep it from running.
    freezes: u32,
    /// How many things keep it from reaching the gateway.
    cuts: u32,
}

/// One worker's process.
#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_waiters();
    }

    fn is(&self, what: impl Fn(State) -> bool) -> bool {
        what(*self.state.lock().unwrap())
    }

    /// Waits until it is so. Those that wait are woken in the order in which they came.
    async fn wait_for(&self, what: impl Fn(State) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.is(&what) {
                return;
            }
            changed.await;
        }
    }

    pub fn kill(&self) {
        self.set(|state| state.is_dead = true);
    }

    pub fn is_dead(&self) -> bool {
        self.is(|state| state.is_dead)
    }

    pub async fn death(&self) {
        self.wait_for(|state| state.is_dead).await;
    }

    pub fn freeze(&self) {
        self.set(|state| state.freezes += 1);
    }

    pub fn thaw(&self) {
        self.set(|state| state.freezes -= 1);
    }

    pub fn runs(&self) -> bool {
        self.is(|state| !state.is_dead && state.freezes == 0)
    }

    /// Waits until it runs: for ever, if it is dead.
    pub async fn running(&self) {
        self.wait_for(|state| !state.is_dead && state.freezes == 0).await;
    }

    pub fn cut_from_gateway(&self) {
        self.set(|state| state.cuts += 1);
    }

    pub fn reach_gateway(&self) {
        self.set(|state| state.cuts -= 1);
    }

    pub fn is_cut(&self) -> bool {
        self.is(|state| state.cuts > 0)
    }

    /// Waits until it reaches the gateway.
    pub async fn reaching(&self) {
        self.wait_for(|state| state.cuts == 0).await;
    }

    /// Does work, but only while the process runs.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut thaws: Option<BoxFuture<'_, ()>> = None;
        poll_fn(|context| {
            while !self.runs() {
                ready!(thaws.get_or_insert_with(|| self.running().boxed()).poll_unpin(context));
                thaws = None;
            }
            match work.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}
