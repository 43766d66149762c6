//! From result URLs to clips under their final names: whose turn it is, and what a failed try leads
//! to. A failed download never causes a purchase: the shot stays rendered.

use std::time::Duration;

use crate::clips::Stored;
use crate::domain::outcome::{DownloadError, PollOutcome};
use crate::domain::state::{ShotEvent, State};
use crate::domain::time::Now;
use crate::failpoint;
use crate::ledger::ClipFile;
use crate::policy::retry;

use super::core::Scheduler;
use super::effects::{DownloadOutcome, Effect};
use super::outcome::StopReason;
use super::shot_state::{Activity, Errand, Fetch, Slot, Work};

/// So many clips are downloaded at once.
const MAX_DOWNLOADS: usize = 8;
/// So many of them may be retries, so that slow hosts never hold all places.
const MAX_RETRIES: usize = MAX_DOWNLOADS / 2;
/// A download that has failed for so long asks for the newest URLs before it is tried again.
const NEW_URLS_AFTER: Duration = Duration::from_secs(60);
/// If the provider keeps clips for less, downloads come before purchases.
const SHORT_LIFETIME: Duration = Duration::from_secs(24 * 3600);

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

    /// Begins as many downloads as there are places, first tries before retries.
    pub(super) fn begin_downloads(&mut self) {
        if self.leaving {
            self.to_fetch.clear();
            self.to_fetch_again.clear();
        }
        while self.downloads < MAX_DOWNLOADS {
            let first = self.to_fetch.pop_front();
            let may_retry = self.retries < MAX_RETRIES;
            let retry = || may_retry.then(|| self.to_fetch_again.pop_front()).flatten();
            let Some(slot) = first.or_else(retry) else { return };
            if self.disk_is_full() {
                self.end_retry(slot);
                self.rest(slot);
                continue;
            }
            let Some((url, path)) = self.next_clip(slot) else { continue };
            let Some(shot) = self.slots.get_mut(slot) else { continue };
            let Work::Fetch(fetch) = &mut shot.work else { continue };
            let partial = fetch.partial.take();
            self.retries += usize::from(fetch.failing_since.is_some());
            self.out.effects.push(Effect::Download { slot, url, path, partial });
            self.downloads += 1;
        }
    }

    /// Whether clips that are soon gone wait for a place among the downloads.
    pub(super) fn downloads_come_first(&self) -> bool {
        self.options.rules.result_lifetime < SHORT_LIFETIME && !self.to_fetch.is_empty()
    }

    /// The URL of a shot's next clip, and where it goes.
    fn next_clip(&self, slot: Slot) -> Option<(String, String)> {
        let shot = self.slots.get(slot)?;
        let (Work::Fetch(fetch), State::Rendered { urls, .. }) =
            (&shot.work, &shot.entry.status.state)
        else {
            return None;
        };
        let nth = fetch.files.len();
        Some((urls.get(nth)?.clone(), shot.clip_path(nth)))
    }

    /// One try of a download ended.
    pub(super) fn downloaded(&mut self, now: Now, slot: Slot, outcome: DownloadOutcome) {
        self.downloads -= 1;
        if self.fetch_of(slot).is_some_and(|fetch| fetch.failing_since.is_some()) {
            self.retries -= 1;
        }
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
            DownloadOutcome::BucketRefused(error) => {
                self.stop(StopReason::Bucket(error.why().to_owned()));
                self.not_fetched(now, slot, error);
            }
        }
    }

    fn fetch_of(&self, slot: Slot) -> Option<&Fetch> {
        match &self.slots.get(slot)?.work {
            Work::Fetch(fetch) => Some(fetch),
            _ => None,
        }
    }

    /// A clip that can no longer be downloaded was looked for under its final name. While it cannot
    /// be told whether it lies there, the shot has not failed.
    pub(super) fn adopted(&mut self, now: Now, slot: Slot, stored: Result<Option<Stored>, String>) {
        match stored {
            Ok(Some(stored)) => self.stored(now, slot, stored),
            Ok(None) => self.give_up(now, slot),
            Err(why) => {
                let Some(shot) = self.slots.get_mut(slot) else { return };
                let Work::Fetch(fetch) = &mut shot.work else { return };
                fetch.failure = Some(DownloadError::Broken { why });
                self.try_again(now, slot);
            }
        }
    }

    fn give_up(&mut self, now: Now, slot: Slot) {
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let Work::Fetch(fetch) = &mut shot.work else { return };
        let Some(error) = fetch.failure.take() else { return };
        self.not_fetched(now, slot, error);
    }

    /// Tries again after a while, as long as the run has other work, and for some time at least.
    fn try_again(&mut self, now: Now, slot: Slot) {
        self.retrying.insert(slot);
        let has_other_work = self.has_other_work();
        let chance = self.rng.f64();
        let patience = self.options.limits.fetch_patience;
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let Work::Fetch(fetch) = &mut shot.work else { return };
        let since = *fetch.failing_since.get_or_insert(now.elapsed);
        let (tries, id) = (fetch.tries, &shot.entry.shot);
        let end = since + patience;
        if !has_other_work && end <= now.elapsed {
            return self.give_up(now, slot);
        }
        let why = fetch.failure.as_ref().map(DownloadError::why).unwrap_or_default();
        tracing::debug!(shot = %id, "download try {tries}: {why}");
        let at = now.elapsed + retry::fetch_wait(tries, chance);
        let at = if has_other_work { at } else { at.min(end) };
        let is_old = at.saturating_sub(since) > NEW_URLS_AFTER;
        let errand = if is_old { Errand::Poll } else { Errand::Fetch };
        self.begin_at(now, slot, errand, at);
    }

    /// A rendered shot's task was polled again: its newest URLs are used.
    pub(super) fn polled_again(&mut self, now: Now, slot: Slot, outcome: PollOutcome) {
        if self.step(now, slot, ShotEvent::Polled(outcome)).is_some() {
            self.line_up(slot, Errand::Fetch);
        }
    }

    /// Whether anything else goes on, or will, than downloads that are tried again.
    fn has_other_work(&self) -> bool {
        let is_held_back = !self.is_stopping() && self.holds_back();
        self.active > self.retrying.len() || self.can_submit_later() || is_held_back
    }

    /// Once nothing else is left to do, downloads that are to be tried again wait no longer than
    /// patience asks for.
    pub(super) fn end_patience(&mut self, now: Now) {
        if self.retrying.is_empty() || self.leaving || self.has_other_work() {
            return;
        }
        let patience = self.options.limits.fetch_patience;
        let waiting: Vec<_> = self
            .retrying
            .iter()
            .filter_map(|slot| {
                let since = self.fetch_of(*slot)?.failing_since?;
                match self.slots.get(*slot)?.activity {
                    Activity::Waiting(errand, due) => Some((*slot, errand, due, since + patience)),
                    _ => None,
                }
            })
            .collect();
        for (slot, errand, due, end) in waiting {
            let end = end.max(now.elapsed);
            if end < due {
                self.begin_at(now, slot, errand, end);
            }
        }
    }

    /// A download is no longer tried again.
    fn end_retry(&mut self, slot: Slot) {
        self.retrying.remove(&slot);
    }

    fn not_fetched(&mut self, now: Now, slot: Slot, error: DownloadError) {
        self.end_retry(slot);
        let Some(shot) = self.slots.get_mut(slot) else { return };
        tracing::warn!(shot = %shot.entry.shot, "not fetched: {}", error.why());
        // What was stored of its clips is kept and listed.
        let files = match &mut shot.work {
            Work::Fetch(fetch) => std::mem::take(&mut fetch.files),
            _ => Vec::new(),
        };
        if let Some(next) = self.step_with(now, slot, ShotEvent::NotFetched(error), files) {
            self.settle(now, slot, next);
        }
    }

    /// A clip is durable under its final name.
    fn stored(&mut self, now: Now, slot: Slot, stored: Stored) {
        self.end_retry(slot);
        let Some(shot) = self.slots.get_mut(slot) else { return };
        let State::Rendered { urls, .. } = &shot.entry.status.state else { return };
        let parts = urls.len();
        let asked = match &shot.work {
            Work::Fetch(fetch) => shot.clip_path(fetch.files.len()),
            _ => return,
        };
        let Work::Fetch(fetch) = &mut shot.work else { return };
        let id = &shot.entry.shot;
        if stored.path != asked {
            tracing::warn!(
                shot = %id,
                "something else stands at {asked}, which is left as it is; this clip is {}",
                stored.path
            );
        }
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

    /// Whether the run stopped because no clip can be stored.
    fn disk_is_full(&self) -> bool {
        matches!(self.stopped, Some(StopReason::Disk(_) | StopReason::Bucket(_)))
    }
}
