//! What a manifest makes of a ledger in memory.

use std::collections::BTreeMap;

use super::books::{Attempt, Books, Revision};
use crate::domain::shot::Shot;
use crate::ledger::identity::progress;
use crate::ledger::revision::{TakenNames, as_written, is_name_for, is_unbought, is_without_files};
use crate::ledger::{Entry, Identity, RevisionId, StoredRequest};

impl Books {
    pub(super) fn record(&mut self, shots: &[Shot], identity: &Identity) -> Vec<Entry> {
        let were_current: Vec<bool> = self
            .revisions
            .iter_mut()
            .map(|revision| std::mem::replace(&mut revision.entry.current, false))
            .collect();
        let mut to_name = Vec::new();
        let indices: Vec<usize> = shots
            .iter()
            .enumerate()
            .map(|(position, shot)| {
                let index = self.find(shot, identity).unwrap_or_else(|| self.add(shot));
                let was_current = were_current.get(index).copied().unwrap_or_default();
                if let Some(revision) = self.revisions.get_mut(index)
                    && revision.refresh(shot, position, was_current)
                {
                    to_name.push(index);
                }
                index
            })
            .collect();
        self.name_clips(&to_name);
        let current = indices.iter().filter_map(|index| self.revisions.get(*index));
        current.map(|revision| self.entry(revision)).collect()
    }

    /// The furthest revision that is what the shot asks for; of equally far ones that with its own
    /// fingerprint, else the newest. It has the shot's fingerprint from now on, if it is free.
    fn find(&mut self, shot: &Shot, identity: &Identity) -> Option<usize> {
        let is_exact = |one: &Revision| one.entry.fingerprint == shot.fingerprint;
        let is_exact_known =
            self.revisions.iter().any(|one| one.entry.shot == shot.id && is_exact(one));
        let same = self.revisions.iter().enumerate().filter(|(_, one)| {
            one.entry.shot == shot.id && identity.is_same(shot, &self.stored_request(one))
        });
        let (index, _) = same.max_by_key(|(_, one)| {
            (progress(&one.entry.status.state), is_exact(one), one.entry.number)
        })?;
        if !is_exact_known && let Some(found) = self.revisions.get_mut(index) {
            found.entry.fingerprint = shot.fingerprint;
        }
        Some(index)
    }

    /// What a revision asked for, and what its attempts sent.
    pub(super) fn stored_request(&self, revision: &Revision) -> StoredRequest {
        let of_it = |one: &&Attempt| one.revision == revision.entry.revision;
        let mut wires: Vec<String> =
            self.attempts.iter().filter(of_it).map(|one| one.spec.wire.to_string()).collect();
        wires.sort_unstable();
        wires.dedup();
        let request = as_written(&revision.shot.request).into_owned();
        StoredRequest { fingerprint: revision.entry.fingerprint, request, wires }
    }

    /// Adds a revision whose clip is still to be named.
    fn add(&mut self, shot: &Shot) -> usize {
        let of_shot = self.revisions.iter().filter(|known| known.entry.shot == shot.id);
        let number = of_shot.map(|known| known.entry.number).max().unwrap_or(0) + 1;
        let index = self.revisions.len();
        let revision = RevisionId(i64::try_from(index + 1).unwrap_or(i64::MAX));
        // It becomes current, and is named, with all others.
        let entry = Entry { current: false, ..Entry::new(revision, shot, number, Box::default()) };
        self.revisions.push(Revision {
            entry,
            position: 0,
            shot: shot.clone(),
            files: BTreeMap::new(),
            urls: Vec::new(),
            completed_at: None,
            delivered_at: None,
            holder: None,
            taken_up: 0,
            is_late: false,
        });
        index
    }

    fn name_clips(&mut self, to_name: &[usize]) {
        let mut taken = TakenNames::default();
        for (index, Revision { entry, .. }) in self.revisions.iter().enumerate() {
            let keeps = !is_without_files(&entry.status.state) || entry.current;
            if keeps && !to_name.contains(&index) {
                taken.take(&entry.clip_name, entry.number);
            }
        }
        for index in to_name {
            if let Some(Revision { entry, shot, .. }) = self.revisions.get_mut(*index) {
                entry.clip_name = taken.free(&shot.clip_name, &shot.id, entry.number);
            }
        }
    }
}

impl Revision {
    /// What the manifest says of it today; answers whether its clip is to be named anew.
    fn refresh(&mut self, shot: &Shot, position: usize, was_current: bool) -> bool {
        let entry = &mut self.entry;
        entry.current = true;
        self.position = position;
        if is_unbought(&entry.status.state) {
            entry.price = shot.price;
        }
        let renamed = is_without_files(&entry.status.state)
            && (!was_current || !is_name_for(&entry.clip_name, &shot.clip_name));
        self.shot = shot.clone();
        renamed
    }
}
