//! The pace of a download: bytes over the time that was spent waiting for them.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::settings::Pace;

/// Counts bytes and the time waited for them, in stretches of the pace's patience.
pub(super) struct Meter {
    pace: Pace,
    waited: Duration,
    bytes: u64,
}

/// A stretch went by with too few bytes.
pub(super) struct TooSlow;

impl Meter {
    pub const fn new(pace: Pace) -> Self {
        Self { pace, waited: Duration::ZERO, bytes: 0 }
    }

    /// Waits for more bytes. What is there already is never too late.
    pub async fn watch<T>(&mut self, more: impl Future<Output = T>) -> Result<T, TooSlow> {
        let mut more = pin!(more);
        loop {
            let left = self.pace.patience.saturating_sub(self.waited);
            let timer = sleep(left);
            // The timer's own moment: the end of the stretch less what is left of it.
            let began: Instant = timer.deadline() - left;
            tokio::select! {
                biased;
                out = &mut more => {
                    self.waited += began.elapsed();
                    return Ok(out);
                }
                () = timer => {
                    let wanted = u128::from(self.pace.bytes_per_s) * self.pace.patience.as_millis();
                    if u128::from(self.bytes) * 1000 < wanted {
                        return Err(TooSlow);
                    }
                    (self.waited, self.bytes) = (Duration::ZERO, 0);
                }
            }
        }
    }

    /// Takes note of bytes that came.
    pub fn took(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn field_39_a_trickle_is_broken_off_and_a_slow_download_is_not() {
        for (bytes, lasts) in [(1_000, true), (999, false)] {
            let mut meter = Meter::new(Pace::default());
            let mut seconds = 0;
            while seconds < 100 && meter.watch(sleep(Duration::from_secs(1))).await.is_ok() {
                meter.took(bytes);
                seconds += 1;
            }
            assert_eq!(seconds == 100, lasts, "{bytes}: {seconds}");
        }
        // The disk's time is not the host's.
        let mut meter = Meter::new(Pace::default());
        for _ in 0..10 {
            sleep(Duration::from_secs(60)).await;
            assert!(meter.watch(sleep(Duration::from_millis(1))).await.is_ok());
            meter.took(10);
        }
    }
}
