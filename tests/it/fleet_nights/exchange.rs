//! Where the gateway calls when it has sold something: one address before all workers. A call reaches
//! any of them, whichever has the shot; or none, or two.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use rushes::callback::{Callbacks, WebhookQueue};
use rushes::domain::outcome::TaskId;
use rushes::domain::secret::Secret;

use super::oracle::Oracle;

/// What stands before the workers; without `wait` the gateway does not call.
pub struct Exchange {
    wait: Option<Duration>,
    dice: Mutex<Rng>,
    oracle: Arc<Mutex<Oracle>>,
    /// One for each worker that ever joined.
    listeners: Mutex<Vec<Arc<WebhookQueue>>>,
}

impl Exchange {
    pub fn new(wait: Option<Duration>, dice: &mut Rng, oracle: &Arc<Mutex<Oracle>>) -> Self {
        let (dice, oracle) = (Mutex::new(dice.fork()), Arc::clone(oracle));
        Self { wait, dice, oracle, listeners: Mutex::default() }
    }

    /// One more worker listens.
    pub fn listen(&self) -> Option<Callbacks> {
        let (wait, queue) = (self.wait?, Arc::<WebhookQueue>::default());
        self.listeners.lock().unwrap().push(Arc::clone(&queue));
        Some(Callbacks { queue, url: "http://exchange.test/calls".to_owned(), wait })
    }

    /// This task was sold for the request with this key: it is called about, most of the time.
    pub fn has_sold(self: &Arc<Self>, key: Secret, task: &str) {
        let calls = self.dice.lock().unwrap().u8(0..4).min(2);
        for _ in 0..calls {
            let after = Duration::from_millis(self.dice.lock().unwrap().u64(0..120_000));
            let (exchange, task) = (Arc::clone(self), TaskId::new(task).unwrap());
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                exchange.call(key, task);
            });
        }
    }

    fn call(&self, key: Secret, task: TaskId) {
        let listeners = self.listeners.lock().unwrap();
        let open: Vec<_> = listeners.iter().filter(|queue| queue.is_open()).collect();
        let Some(queue) = self.dice.lock().unwrap().choice(open) else { return };
        let mut oracle = self.oracle.lock().unwrap();
        oracle.news(format!("a call names {task}"));
        oracle.hinted(&task);
        let _ = queue.push(key, vec![task]);
    }
}
