//! The time an exchange may take. A process that was stopped for longer (Ctrl-Z, a suspended machine)
//! finds its time over and the answer in its socket: what is there is read before the time-out is
//! believed.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

/// How late a timer must fire for the process to have stood still.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// For how long what already arrived may be read after the end.
const GRACE: Duration = Duration::from_millis(200);
/// The same for a process that stood still.
const LONG_GRACE: Duration = Duration::from_secs(5);

/// When an exchange must be over.
pub(super) struct Deadline {
    at: Instant,
    /// The end of the grace, once the time was over.
    end: Option<Instant>,
}

/// The time is over.
pub(super) struct TimedOut;

impl Deadline {
    /// So long from now.
    pub fn after(span: Duration) -> Self {
        let now = tokio::time::sleep(Duration::ZERO).deadline();
        // A span too long to be added is a year.
        let at = now.checked_add(span).unwrap_or(now + Duration::from_secs(365 * 24 * 3600));
        Self { at, end: None }
    }

    /// Waits for `what` until the time is over and nothing more arrived before.
    pub async fn wait<T>(&mut self, what: impl Future<Output = T>) -> Result<T, TimedOut> {
        let mut what = pin!(what);
        let end = if let Some(end) = self.end {
            end
        } else {
            tokio::select! {
                biased;
                out = &mut what => return Ok(out),
                () = sleep_until(self.at) => {}
            }
            let late = self.at.elapsed();
            let grace = if late > STOOD_STILL { LONG_GRACE } else { GRACE };
            *self.end.insert(self.at + late + grace)
        };
        timeout_at(end, what).await.map_err(|_| TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn field_36_what_is_there_is_read_before_a_time_out_is_believed() {
        let mut deadline = Deadline::after(Duration::from_secs(60));
        assert!(deadline.wait(std::future::pending::<()>()).await.is_err());
        // The answer's rest, which lay in the socket: at once, or as soon as it was woken.
        assert!(deadline.wait(std::future::ready(1)).await.is_ok());
        let mut deadline = Deadline::after(Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let woken = tokio::time::sleep(Duration::from_secs(2));
        assert!(deadline.wait(woken).await.is_ok());
        let drip = tokio::time::sleep(Duration::from_secs(4));
        assert!(deadline.wait(drip).await.is_err(), "the grace is one and not one for each byte");
    }
}
