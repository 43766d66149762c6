//! What follows once a shot's local files were read and sent, or could not be. Nothing is claimed
//! by then, and sending a file is free, so that all of it may be done again.

use crate::domain::outcome::UploadOutcome;
use crate::domain::state::ShotEvent;
use crate::domain::time::Now;
use crate::domain::transition::{Backoff, Next};
use crate::policy::retry;
use crate::provider::LoadedFiles;

use super::core::Scheduler;
use super::outcome::StopReason;
use super::shot_state::Slot;
use super::uploads::LoadError;

impl Scheduler {
    /// The shot's local files were read and sent, or could not be.
    pub(super) fn loaded(&mut self, now: Now, slot: Slot, files: Result<LoadedFiles, LoadError>) {
        match files {
            Ok(files) => self.claim(now, slot, files),
            Err(error) => {
                if let (Some(shot), true) = (self.slots.get(slot), error != LoadError::Stopped) {
                    tracing::warn!(shot = %shot.entry.shot, "not sent: {error}");
                }
                self.give_up_place(slot);
                match error {
                    LoadError::Unsendable(why) => self.not_sendable(now, slot, why),
                    LoadError::Stopped => self.settle(now, slot, Next::Requeue(Backoff::None)),
                    LoadError::NotUploaded { file, outcome } => {
                        self.not_uploaded(now, slot, &file, outcome);
                    }
                }
            }
        }
    }

    fn not_sendable(&mut self, now: Now, slot: Slot, why: String) {
        if let Some(next) = self.step(now, slot, ShotEvent::NotSendable(why)) {
            self.settle(now, slot, next);
        }
    }

    /// A file was not taken by the gateway: what that means to its shot and to the others.
    fn not_uploaded(&mut self, now: Now, slot: Slot, file: &str, outcome: UploadOutcome) {
        if !matches!(outcome, UploadOutcome::NotSent { .. }) {
            self.reached = true;
            self.outage.passed();
        }
        match outcome {
            // What could not be sent as a URL after all is not known to be sendable.
            UploadOutcome::Stored { .. } => {}
            UploadOutcome::NotSent { why } => self.unreached(now, why),
            UploadOutcome::Throttled { retry_after, why } => {
                self.throttled_by(now, retry_after, &why);
            }
            UploadOutcome::Failed { retry_after, why } => {
                let tries = self.slots.get_mut(slot).map_or(0, |shot| {
                    shot.unsent_files += 1;
                    shot.unsent_files
                });
                if tries < self.options.limits.attempts {
                    let pause = retry::wait(retry_after, tries, self.rng.f64());
                    self.land(slot);
                    return self.shelve(now, slot, Some(pause));
                }
                let why = format!(
                    "{file} could not be sent to the gateway in {tries} tries ({why}); nothing was \
                     bought, the next run tries it again"
                );
                return self.not_sendable(now, slot, why);
            }
            UploadOutcome::Refused { why } => {
                let why = format!(
                    "the gateway did not take {file} ({why}); nothing was bought; save the file \
                     again or smaller, or write an https:// address in its place"
                );
                return self.not_sendable(now, slot, why);
            }
            UploadOutcome::BadKey { why } => self.stop(StopReason::Key(why)),
            UploadOutcome::NoCredit { why } => self.stop(StopReason::Credit(why)),
            UploadOutcome::WrongAddress { why } => self.stop(StopReason::Address(why)),
        }
        self.settle(now, slot, Next::Requeue(Backoff::None));
    }
}
