//! Holds the manifest's shots against the revisions that a ledger keeps, and says what is to be
//! written. Pure, whatever keeps the rows: a million unchanged shots are compared row by row, in
//! place, and nothing is written.

use std::collections::{HashMap, HashSet};

use super::identity::{Candidate, choose, progress};
use super::revision::{TakenNames, as_written, is_name_for, is_unbought, is_without_files};
use super::{Entry, RevisionId};
use crate::domain::shot::{Fingerprint, Shot, ShotId};

/// A stored revision's row, as its ledger has it at hand. Each call fails when that cannot be read.
pub trait StoredRow {
    /// Why a row cannot be read.
    type Error;

    /// Its id.
    fn revision(&self) -> Result<RevisionId, Self::Error>;
    /// The shot's id.
    fn shot(&self) -> Result<&str, Self::Error>;
    /// Its fingerprint's bytes.
    fn fingerprint(&self) -> Result<&[u8], Self::Error>;
    /// Whether it was current until now.
    fn is_current(&self) -> Result<bool, Self::Error>;
    /// Its place in the manifest.
    fn position(&self) -> Result<i64, Self::Error>;
    /// The entry, as one of this shot's.
    fn entry(&self, shot: &ShotId) -> Result<Entry, Self::Error>;
    /// What the manifest said of it.
    fn said(&self) -> Result<Said<'_>, Self::Error>;
}

/// What a manifest says of a revision beside its request's meaning, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'r> {
    /// Higher is submitted first.
    pub priority: i32,
    /// The model's API name.
    pub model: &'r str,
    /// The tags, as [`list`] has them.
    pub tags: &'r str,
    /// The request's JSON, local files by their paths as written.
    pub request: &'r str,
    /// The manifest's entry.
    pub entry: Option<&'r str>,
    /// What tells it from the entry's other shots, as [`pairs`] has it.
    pub variant: Option<&'r str>,
}

/// A list of texts as JSON.
pub fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts = texts.iter().map(|text| serde_json::Value::from(text.as_ref()));
    serde_json::Value::Array(texts.collect()).to_string()
}

/// Names and texts as a JSON object; `None` when there are none.
pub fn pairs(texts: &[(Box<str>, Box<str>)]) -> Option<String> {
    let object = texts.iter().map(|(name, text)| (name.to_string(), (**text).into()));
    (!texts.is_empty()).then(|| serde_json::Value::Object(object.collect()).to_string())
}

/// What is to be done about one of the shots.
#[derive(Debug)]
pub enum Slot {
    /// Nothing: stored as it is.
    Same(Entry),
    /// Stored, to be written again with this entry.
    Changed {
        /// From now on.
        entry: Entry,
        /// Whether its clip is still to be named.
        is_renamed: bool,
    },
    /// Not stored.
    New {
        /// Its number among the shot's revisions.
        number: u32,
        /// Its clip's name.
        clip_name: Box<str>,
    },
}

/// The difference between a manifest and a ledger: feed every stored row to [`Self::take`], then
/// [`Self::find_same`], then [`Self::name_clips`]; then write it.
pub struct Difference<'s> {
    shots: &'s [Shot],
    /// For each shot, in the manifest's order.
    pub slots: Vec<Slot>,
    /// Current until now.
    pub retired: Vec<RevisionId>,
    /// Revisions that have their shot's fingerprint of today from now on.
    pub renewed: Vec<(RevisionId, Fingerprint)>,
    /// Whether there were no revisions at all.
    pub is_empty: bool,
    /// Revisions of these shots with another fingerprint than theirs.
    others: Vec<Candidate>,
    /// Made when the first row is not where the manifest has it.
    by_id: Option<HashMap<&'s str, usize>>,
}

impl<'s> Difference<'s> {
    /// Before any row was seen.
    #[must_use]
    pub fn new(shots: &'s [Shot]) -> Self {
        let unknown = || Slot::New { number: 1, clip_name: Box::default() };
        Self {
            shots,
            slots: std::iter::repeat_with(unknown).take(shots.len()).collect(),
            retired: Vec::new(),
            renewed: Vec::new(),
            is_empty: true,
            others: Vec::new(),
            by_id: None,
        }
    }

    /// Takes a stored row into account.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn take<R: StoredRow>(&mut self, row: &R) -> Result<(), R::Error> {
        self.is_empty = false;
        let found = self.find(row)?;
        let Some((index, shot, true)) = found else {
            if row.is_current()? {
                self.retired.push(row.revision()?);
            }
            if let Some((index, shot, false)) = found {
                let entry = row.entry(&shot.id)?;
                self.others.push(Candidate {
                    shot: index,
                    revision: entry.revision,
                    number: entry.number,
                    progress: progress(&entry.status.state),
                });
            }
            return Ok(());
        };
        let mut entry = row.entry(&shot.id)?;
        let (returns, is_priced) = bring_back(&mut entry, shot);
        let is_renamed = is_renamed(&entry, shot, returns);
        let is_changed = returns || is_priced || is_renamed || !says_the_same(row, index, shot)?;
        if let Some(slot) = self.slots.get_mut(index) {
            *slot =
                if is_changed { Slot::Changed { entry, is_renamed } } else { Slot::Same(entry) };
        }
        Ok(())
    }

    /// The shot whose revision a row is, its index, and whether the fingerprint is its own.
    fn find<R: StoredRow>(&mut self, row: &R) -> Result<Option<(usize, &'s Shot, bool)>, R::Error> {
        let (id, fingerprint) = (row.shot()?, row.fingerprint()?);
        let is_it =
            |shot: &Shot| shot.id.as_str() == id && shot.fingerprint.as_bytes() == fingerprint;
        if let Ok(index) = usize::try_from(row.position()?)
            && let Some(shot) = self.shots.get(index)
            && is_it(shot)
        {
            return Ok(Some((index, shot, true)));
        }
        let shots = self.shots;
        let by_id = self.by_id.get_or_insert_with(|| {
            shots.iter().enumerate().map(|(index, shot)| (shot.id.as_str(), index)).collect()
        });
        let found = by_id.get(id).and_then(|index| Some((*index, shots.get(*index)?)));
        Ok(found.map(|(index, shot)| (index, shot, is_it(shot))))
    }

    /// The revisions that may be what a shot asks for, though by another fingerprint.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.others
    }

    /// Takes revisions that mean the same as a shot, though by another fingerprint, for its own.
    /// `is_same` holds a stored request against a shot; `entry_of` reads an entry once more.
    ///
    /// # Errors
    /// Those of `is_same` and `entry_of`.
    pub fn find_same<E>(
        &mut self,
        mut is_same: impl FnMut(&Shot, RevisionId) -> Result<bool, E>,
        mut entry_of: impl FnMut(RevisionId, &Shot) -> Result<Entry, E>,
    ) -> Result<(), E> {
        let others = std::mem::take(&mut self.others);
        let (slots, shots) = (&self.slots, self.shots);
        let exact = |index: usize| match slots.get(index)? {
            Slot::Same(entry) | Slot::Changed { entry, .. } => Some(progress(&entry.status.state)),
            Slot::New { .. } => None,
        };
        let chosen = choose(others, exact, |index, revision| {
            shots.get(index).map_or(Ok(false), |shot| is_same(shot, revision))
        })?;
        let mut kept = HashSet::new();
        for Candidate { shot: index, revision, .. } in chosen {
            let (Some(shot), Some(slot)) = (shots.get(index), self.slots.get_mut(index)) else {
                continue;
            };
            let mut entry = entry_of(revision, shot)?;
            match slot {
                // One row at most has a shot's fingerprint.
                Slot::Same(exact) | Slot::Changed { entry: exact, .. } => {
                    self.retired.push(exact.revision);
                }
                Slot::New { .. } => {
                    self.renewed.push((revision, shot.fingerprint));
                    entry.fingerprint = shot.fingerprint;
                }
            }
            let (returns, _) = bring_back(&mut entry, shot);
            let is_renamed = is_renamed(&entry, shot, returns);
            *slot = Slot::Changed { entry, is_renamed };
            kept.insert(revision);
        }
        self.retired.retain(|retired| !kept.contains(retired));
        Ok(())
    }

    /// Whether any clip is still to be named.
    #[must_use]
    pub fn has_unnamed(&self) -> bool {
        let is_unnamed =
            |slot: &Slot| matches!(slot, Slot::New { .. } | Slot::Changed { is_renamed: true, .. });
        self.slots.iter().any(is_unnamed)
    }

    /// Numbers new revisions and names the clips of new and renamed ones, so that no two revisions
    /// ever write to one path. `taken` holds the names of revisions that have files; `last` tells the
    /// highest number of a shot's revisions.
    ///
    /// # Errors
    /// Those of `last`.
    pub fn name_clips<E>(
        &mut self,
        mut taken: TakenNames,
        mut last: impl FnMut(&ShotId) -> Result<Option<u32>, E>,
    ) -> Result<(), E> {
        for slot in &self.slots {
            if let Slot::Same(entry) | Slot::Changed { entry, is_renamed: false } = slot {
                taken.take(&entry.clip_name, entry.number);
            }
        }
        for (slot, shot) in self.slots.iter_mut().zip(self.shots) {
            match slot {
                Slot::New { number, clip_name } => {
                    if !self.is_empty {
                        *number = last(&shot.id)?.unwrap_or(0).saturating_add(1);
                    }
                    *clip_name = taken.free(&shot.clip_name, &shot.id, *number);
                }
                Slot::Changed { entry, is_renamed: true } => {
                    entry.clip_name = taken.free(&shot.clip_name, &shot.id, entry.number);
                }
                Slot::Changed { .. } | Slot::Same(_) => {}
            }
        }
        Ok(())
    }
}

/// Makes an entry current, at today's price if it is unbought; answers whether it was not current,
/// and whether its price is another.
fn bring_back(entry: &mut Entry, shot: &Shot) -> (bool, bool) {
    let returns = !std::mem::replace(&mut entry.current, true);
    let is_priced = is_unbought(&entry.status.state) && entry.price != shot.price;
    if is_priced {
        entry.price = shot.price;
    }
    (returns, is_priced)
}

fn is_renamed(entry: &Entry, shot: &Shot, returns: bool) -> bool {
    is_without_files(&entry.status.state)
        && (returns || !is_name_for(&entry.clip_name, &shot.clip_name))
}

/// Whether what is stored of a revision is as the shot has it.
fn says_the_same<R: StoredRow>(row: &R, index: usize, shot: &Shot) -> Result<bool, R::Error> {
    let said = row.said()?;
    Ok(usize::try_from(row.position()?) == Ok(index)
        && said.priority == shot.priority
        && said.model == &*shot.model
        && (if shot.tags.is_empty() { said.tags == "[]" } else { said.tags == list(&shot.tags) })
        && said.request == as_written(&shot.request)
        && said.entry == Some(&*shot.entry)
        && said.variant == pairs(&shot.variant).as_deref())
}
