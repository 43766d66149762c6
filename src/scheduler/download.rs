//! From result URLs to clips under their final names: whose turn it is, and what a failed try leads
//! to. A failed download never causes a purchase: the shot stays rendered.

use crate::clips::{Stored, clip_path};
use crate::domain::outcome::DownloadError;
use crate::domain::state::{ShotEvent, State};
use crate::domain::time::Now;
use crate::failpoint;
use crate::ledger::ClipFile;
use crate::policy::retry;

use super::core::Scheduler;
use super::effects::{DownloadOutcome, Effect};
use super::outcome::StopReason;
use super::shot_state::{Errand, Fetch, Slot, Work};

/// So many clips are downloaded at once.
const MAX_DOWNLOADS: usize = 8;

impl Scheduler {
    /// Fetches all clips of a rendered shot.
    pub(super) fn fetch(&mut self, slot: Slot) {
        // On a full disk what room there is belongs to the ledger.
        if !self.options.download || self.leaving || self.disk_is_full() {
            self.rest(slot);
            return;
        }
        if let Some(shot) = self.slots.get_mut(slot) {
            shot.work = Work::Fetch(Box::default());
        }
        self.line_up(slot, Errand::Fetch);
    }

    /// Begins as many downloads as there are places.
    pub(super) fn begin_downloads(&mut self) {
        if self.leaving {
            self.to_fetch.clear();
        }
        while self.downloads < MAX_DOWNLOADS
            && let Some(slot) = self.to_fetch.pop_front()
        {
            if self.disk_is_full() {
                self.rest(slot);
                continue;
            }
            let Some((url, path)) = self.next_clip(slot) else { continue };
            let Some(shot) = self.slots.get_mut(slot) else { continue };
            let Work::Fetch(fetch) = &mut shot.work else { continue };
            let partial = fetch.partial.take();
            self.out.effects.push(Effect::Download { slot, url, path, partial });
            self.downloads += 1;
        }
    }

    /// The URL of a shot's next clip, and where it goes.
    fn next_clip(&self, slot: Slot) -> Option<(String, String)> {
        let shot = self.slots.get(slot)?;
        let (Work::Fetch(fetch), State::Rendered { urls, .. }) =
            (&shot.work, &shot.entry.status.state)
        else {
            return None;
        };
        let part = fetch.files.len();
        let path = clip_path(&shot.entry.clip_name, shot.entry.number, part + 1);
        Some((urls.get(part)?.clone(), path))
    }

    /// One try of a download ended.
    pub(super) fn downloaded(&mut self, now: Now, slot: Slot, outcome: DownloadOutcome) {
        self.downloads -= 1;
        match outcome {
            DownloadOutcome::Stored(stored) => self.stored(now, slot, stored),
            DownloadOutcome::Failed { error, partial } => {
                let Some(shot) = self.slots.get_mut(slot) else { return };
                let Work::Fetch(fetch) = &mut shot.work else { return };
                let is_gone = matches!(error, DownloadError::Gone { .. });
                (fetch.partial, fetch.failure) = (partial, Some(error));
                fetch.tries += 1;
                let judged = shot.judged_at(now);
                let expired = match &shot.entry.status.state {
                    State::Rendered { completed_at, .. } if is_gone => Some(*completed_at),
                    _ => None,
                };
                let lifetime = self.options.rules.result_lifetime;
                match expired.filter(|at| judged.since(*at) > lifetime).zip(self.next_clip(slot)) {
                    // It may lie under its final name, if an earlier run was stopped between
                    // renaming and recording it.
                    Some((completed_at, (_, path))) => {
                        self.out.effects.push(Effect::Adopt { slot, path, completed_at });
                    }
                    None => self.try_again(now, slot),
                }
            }
            DownloadOutcome::DiskFailed(error) => {
                self.stop(StopReason::Disk(error.why().to_owned()));
                self.not_fetched(now, slot, error);
            }
        }
    }

    /// A clip that can no longer be downloaded was looked for on the disk.
    pub(super) fn adopted(&mut self, now: Now, slot: Slot, stored: Option<Stored>) {
        match stored {
            Some(stored) => self.stored(now, slot, stored),
            None => self.try_again(now, slot),
        }
    }

    fn try_again(&mut self, now: Now, slot: Slot) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let Work::Fetch(fetch) = &mut shot.work else { return };
        let Some(error) = fetch.failure.take() else { return };
        if fetch.tries >= self.options.limits.attempts {
            return self.not_fetched(now, slot, error);
        }
        let (tries, id) = (fetch.tries, &shot.entry.shot);
        tracing::debug!(shot = %id, "download try {tries}: {}", error.why());
        let at = now.elapsed + retry::backoff(tries, self.rng.f64());
        self.begin_at(now, slot, Errand::Fetch, at);
    }

    fn not_fetched(&mut self, now: Now, slot: Slot, error: DownloadError) {
        if let Some(shot) = self.slots.get(slot) {
            tracing::warn!(shot = %shot.entry.shot, "not fetched: {}", error.why());
        }
        if let Some(next) = self.step(now, slot, ShotEvent::NotFetched(error)) {
            self.settle(now, slot, next);
        }
    }

    /// A clip is durable under its final name.
    fn stored(&mut self, now: Now, slot: Slot, stored: Stored) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let State::Rendered { urls, .. } = &shot.entry.status.state else { return };
        let parts = urls.len();
        let Work::Fetch(fetch) = &mut shot.work else { return };
        let id = &shot.entry.shot;
        let Stored { path, bytes, sha256, clip_info, unread, moved_aside } = stored;
        if let Some(aside) = &moved_aside {
            tracing::warn!(shot = %id, "another file stood at {path}; it was moved to {aside}");
        }
        if let Some(why) = &unread {
            tracing::warn!(shot = %id, "{path} is kept, but cannot be read: {why}");
        }
        fetch.files.push(ClipFile { path, bytes, sha256, clip_info, unread });
        let files = std::mem::take(&mut fetch.files);
        if files.len() < parts {
            **fetch = Fetch { files, ..Fetch::default() };
            return self.line_up(slot, Errand::Fetch);
        }
        failpoint::point("clips stored");
        if let Some(next) = self.step_with(now, slot, ShotEvent::Delivered, files) {
            self.settle(now, slot, next);
        }
    }

    /// Whether the run stopped because the disk is full or cannot be written.
    fn disk_is_full(&self) -> bool {
        matches!(self.stopped, Some(StopReason::Disk(_)))
    }
}
