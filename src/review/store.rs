//! The verdicts of one campaign while they are looked at: what this program changes is written at once,
//! and what others wrote meanwhile is read first, so that no decision is lost when two programs decide at
//! once.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::disk::private;
use crate::domain::time::Timestamp;

use super::{Change, ClipKey, Review, ReviewError, Reviewed, Verdict};

/// `review.json` is written only by a program that holds the lock of this file.
const LOCK: &str = "review.lock";

/// The verdicts of a campaign folder, shared by all that look at them. Its methods block.
#[derive(Debug)]
pub struct Reviews {
    folder: PathBuf,
    campaign: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    review: Review,
    stamp: Option<Stamp>,
    /// Counts changes.
    version: u64,
    /// The version with which a clip's verdict changed last.
    changed: HashMap<ClipKey, u64>,
}

/// Tells a file from the one that was there before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Reviews {
    /// Reads the verdicts of a campaign folder.
    ///
    /// # Errors
    /// When they are there and cannot be read.
    pub fn open(folder: &Path, campaign: &str) -> Result<Self, ReviewError> {
        let stamp = stamp(&Review::path(folder));
        let review = Review::read(folder)?;
        let changed = review.all().map(|reviewed| (reviewed.clip.clone(), 1)).collect();
        let state = State { review, stamp, version: 1, changed };
        let (folder, campaign) = (folder.to_owned(), campaign.to_owned());
        Ok(Self { folder, campaign, state: Mutex::new(state) })
    }

    /// Changes the verdict about a clip, durably; what it is then.
    ///
    /// # Errors
    /// When the file holds something else by now, or cannot be written; then nothing is changed.
    pub fn change(
        &self,
        clip: &ClipKey,
        change: &Change,
        now: Timestamp,
    ) -> Result<Verdict, ReviewError> {
        let path = Review::path(&self.folder);
        let unwritten = |cause| ReviewError::Unwritten { path: path.clone(), cause };
        let _lock = lock(&self.folder).map_err(unwritten)?;
        let mut state = self.state();
        // Two changes of one length within a tick of the file's clock have one stamp: it is read anyway.
        state.stamp = None;
        state.refresh(&self.folder)?;
        let mut next = state.review.clone();
        let verdict = next.change(clip, change, now);
        next.write(&self.folder, &self.campaign)?;
        state.stamp = stamp(&path);
        state.take(next);
        Ok(verdict)
    }

    /// Reads what others wrote meanwhile; the version then, as [`since`](Self::since) counts it.
    ///
    /// # Errors
    /// When the file holds something else by now, or cannot be read; what was known stays.
    pub fn refresh(&self) -> Result<u64, ReviewError> {
        let mut state = self.state();
        state.refresh(&self.folder)?;
        Ok(state.version)
    }

    /// The verdicts that changed after `version`, and the version now. From 0 on all of them; never
    /// again after the version that is answered.
    #[must_use]
    pub fn since(&self, version: u64) -> (Vec<Reviewed>, u64) {
        let state = self.state();
        let is_newer = |clip: &ClipKey| state.changed.get(clip).is_some_and(|at| *at > version);
        let kept = state.review.all().filter(|reviewed| is_newer(&reviewed.clip)).cloned();
        let gone = state
            .changed
            .keys()
            .filter(|clip| version > 0 && is_newer(clip) && state.review.get(clip).is_none());
        let gone = gone.map(|clip| Reviewed { clip: clip.clone(), verdict: Verdict::default() });
        (kept.chain(gone).collect(), state.version)
    }

    /// A thread that panicked with it left it as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads the file if it is another one than before. One that is gone does not take along what was
    /// decided: the next change writes it again.
    fn refresh(&mut self, folder: &Path) -> Result<(), ReviewError> {
        let now = stamp(&Review::path(folder));
        if now.is_some() && now != self.stamp {
            let review = Review::read(folder)?;
            self.stamp = now;
            self.take(review);
        }
        Ok(())
    }

    /// Takes another review for this one, and notes what differs.
    fn take(&mut self, next: Review) {
        let version = self.version + 1;
        let before = std::mem::replace(&mut self.review, next);
        let changed = self.review.all().filter(|it| before.get(&it.clip) != Some(&it.verdict));
        let gone = before.all().filter(|it| self.review.get(&it.clip).is_none());
        let clips: Vec<ClipKey> = changed.chain(gone).map(|it| it.clip.clone()).collect();
        if !clips.is_empty() {
            self.version = version;
            self.changed.extend(clips.into_iter().map(|clip| (clip, version)));
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some(Stamp { modified: found.modified().ok(), length: found.len() })
}

/// Waits until no other program writes; until the file is dropped.
fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = private(options.write(true).create(true).truncate(false)).open(folder.join(LOCK))?;
    match file.lock() {
        // Some file systems know no locks: two programs at once are rare.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}
