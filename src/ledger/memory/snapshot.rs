//! What a ledger in memory says.

use std::collections::BTreeMap;

use super::books::{Books, Revision};
use crate::domain::money::Usd;
use crate::domain::shot::ShotId;
use crate::domain::state::{Account, AttemptOutcome, State};
use crate::domain::time::Timestamp;
use crate::ledger::revision::as_written;
use crate::ledger::snapshot::{HISTORY_MOMENTS, MAX_ORPHANS};
use crate::ledger::{
    Assign, EarlierTask, Entry, Home, KeptPrice, Kind, LedgerError, OrphanReservation, RevisionId,
    Row, RunNote, Snapshot, SpendGroup, Spending, StoredAttempt, StoredRequest, Summary,
};
use crate::policy::budget::Balance;

/// A run is always at work on it: a ledger in memory has no life after its run.
impl Snapshot for Books {
    fn summary(&self) -> Result<Summary, LedgerError> {
        Ok(Summary {
            campaign: String::new(),
            kind: Kind::Simulator,
            budget: self.budget,
            balance: self.balance(),
            home: self.home(),
            held_by: Some("this process".to_owned()),
            note: RunNote::default(),
            workers: Vec::new(),
        })
    }

    fn rows(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        self.open(Assign::All).into_iter().for_each(|revision| each(self.row(revision)));
        Ok(())
    }

    fn earlier_clips(&self, each: &mut dyn FnMut(Row)) -> Result<(), LedgerError> {
        let is_earlier = |one: &&Revision| {
            let Entry { current, status, .. } = &one.entry;
            !current && !status.state.is_unfinished_purchase() && !one.files.is_empty()
        };
        let mut earlier: Vec<&Revision> = self.revisions.iter().filter(is_earlier).collect();
        earlier.sort_by_key(|one| (one.entry.shot.clone(), one.entry.number));
        for revision in earlier {
            each(self.row(revision));
        }
        Ok(())
    }

    fn spending(&self) -> Result<Spending, LedgerError> {
        let orphans = self.orphans().take(MAX_ORPHANS as usize);
        Ok(Spending { groups: self.groups(), history: self.history(), orphans: orphans.collect() })
    }

    fn kept_prices(&self) -> Result<Vec<KeptPrice>, LedgerError> {
        let reserved = self.numbered().filter(|(_, one)| one.account == Account::Reserved);
        let kept = reserved.filter_map(|(id, attempt)| {
            let of = |one: &&Revision| one.entry.revision == attempt.revision;
            let entry = &self.revisions.iter().find(of)?.entry;
            let is_own = entry.status.state.attempt() == Some(id);
            let is_kept = !is_own || matches!(entry.status.state, State::Failed { .. });
            is_kept.then(|| KeptPrice {
                shot: entry.shot.clone(),
                revision: attempt.revision,
                number: entry.number,
                is_own,
                price: attempt.spec.price,
                task: attempt.task.clone(),
            })
        });
        Ok(kept.collect())
    }

    fn lists(&self, path: &str) -> Result<bool, LedgerError> {
        let mut files = self.revisions.iter().flat_map(|revision| revision.files.values());
        Ok(files.any(|file| file.path == path))
    }

    fn files(&self, revision: RevisionId) -> Result<Vec<String>, LedgerError> {
        let of_it = self.revisions.iter().filter(|one| one.entry.revision == revision);
        let files = of_it.flat_map(|one| one.files.values());
        Ok(files.map(|file| file.path.clone()).collect())
    }

    fn request(&self, revision: RevisionId) -> Result<StoredRequest, LedgerError> {
        let mut all = self.revisions.iter();
        let found = all.find(|one| one.entry.revision == revision);
        let missing = || LedgerError::defect(format!("there is no revision {}", revision.0));
        found.map(|one| self.stored_request(one)).ok_or_else(missing)
    }

    fn has_attempts(&self, shot: &ShotId) -> Result<bool, LedgerError> {
        let of_shot = |one: &Revision| one.entry.shot == *shot && self.is_tried(one);
        Ok(self.revisions.iter().any(of_shot))
    }

    fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let mut all: Vec<&Revision> = self.revisions.iter().collect();
        all.sort_by_key(|Revision { entry, position, .. }| {
            (!entry.current, *position, entry.shot.clone(), entry.number)
        });
        Ok(all.into_iter().map(|revision| self.entry(revision)).collect())
    }
}

impl Books {
    /// All attempts of a revision, the oldest first.
    pub(super) fn attempts_of(&self, revision: RevisionId) -> Vec<StoredAttempt> {
        let of_it = self.numbered().filter(|(_, attempt)| attempt.revision == revision);
        let stored = of_it.map(|(id, attempt)| StoredAttempt {
            attempt: id,
            price: attempt.spec.price,
            sent_at: attempt.sent_at,
            account: attempt.account,
            task: attempt.task.clone(),
            is_given: attempt.task.is_some() && attempt.outcome != Some(AttemptOutcome::Bought),
            former_tasks: attempt.former_tasks.clone(),
        });
        stored.collect()
    }

    /// The tasks whose price is reserved though no state is about them any more.
    pub(super) fn earlier(&self) -> Vec<EarlierTask> {
        let reserved = self.numbered().filter(|(_, one)| one.account == Account::Reserved);
        let earlier = reserved.filter_map(|(id, attempt)| {
            let of = |one: &&Revision| one.entry.revision == attempt.revision;
            let revision = self.revisions.iter().find(of)?;
            let state = &revision.entry.status.state;
            let is_over = matches!(state, State::Failed { .. });
            let task = attempt.task.clone().filter(|_| state.attempt() != Some(id) || is_over)?;
            let (price, charged_if_failed) = (attempt.spec.price, attempt.spec.charged_if_failed);
            let entry = Entry { price, charged_if_failed, ..self.entry(revision) };
            Some(EarlierTask { entry, attempt: id, task, sent_at: attempt.sent_at })
        });
        earlier.collect()
    }

    fn is_tried(&self, revision: &Revision) -> bool {
        self.attempts.iter().any(|attempt| attempt.revision == revision.entry.revision)
    }

    fn home(&self) -> Home {
        let addresses = self.attempts.iter().rev().map(|attempt| &attempt.spec.origin.address);
        let last = addresses.filter(|address| !address.is_empty()).map(ToString::to_string).next();
        let gateway = self.home.gateway.clone().or(last);
        Home { gateway, has_attempts: !self.attempts.is_empty(), ..self.home.clone() }
    }

    fn groups(&self) -> Vec<SpendGroup> {
        let mut groups = BTreeMap::<_, SpendGroup>::new();
        for attempt in self.attempts.iter().filter(|one| one.account != Account::Released) {
            let of = |one: &&Revision| one.entry.revision == attempt.revision;
            let Some(Revision { shot, .. }) = self.revisions.iter().find(of) else { continue };
            let tags: Vec<String> = shot.tags.iter().map(ToString::to_string).collect();
            let model = shot.model.to_string();
            let group = groups.entry((model.clone(), format!("{tags:?}"))).or_insert_with(|| {
                SpendGroup { model, tags, bought: 0, balance: Balance::default() }
            });
            let is_counted = matches!(attempt.account, Account::Spent | Account::Reserved);
            group.bought += usize::from(attempt.task.is_some() && is_counted);
            let price = attempt.spec.price.unwrap_or(Usd::ZERO);
            match attempt.account {
                Account::Spent => group.balance.spent += price,
                Account::Reserved => group.balance.reserved += price,
                Account::Unconfirmed => group.balance.unconfirmed += price,
                Account::Released => {}
            }
        }
        groups.into_values().collect()
    }

    /// The movements of money, summed over spans of equal length and then one after another.
    fn history(&self) -> Vec<(Timestamp, Balance)> {
        let times = || self.moves.iter().map(|(at, ..)| at.as_millis());
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return Vec::new() };
        let span = ((last - first) / i64::from(HISTORY_MOMENTS)).max(1);
        let mut spans = BTreeMap::<i64, (i64, [i64; 3])>::new();
        for (at, account, micros) in &self.moves {
            let (latest, sums) = spans.entry((at.as_millis() - first) / span).or_default();
            *latest = (*latest).max(at.as_millis());
            let [spent, reserved, unconfirmed] = sums;
            match account {
                Account::Spent => *spent += micros,
                Account::Reserved => *reserved += micros,
                Account::Unconfirmed => *unconfirmed += micros,
                Account::Released => {}
            }
        }
        let mut sums = [0; 3];
        let told = spans.into_values().map(|(at, moved)| {
            sums.iter_mut().zip(moved).for_each(|(sum, moved)| *sum += moved);
            let [spent, reserved, unconfirmed] = sums.map(|sum| Usd::from_micros(sum.max(0)));
            (Timestamp::from_millis(at), Balance { spent, reserved, unconfirmed })
        });
        told.collect()
    }

    /// Attempts whose price is reserved though their revision is about another.
    fn orphans(&self) -> impl Iterator<Item = OrphanReservation> {
        let reserved = self.numbered().filter(|(_, one)| one.account == Account::Reserved);
        reserved.filter_map(|(id, attempt)| {
            let of = |one: &&Revision| one.entry.revision == attempt.revision;
            let entry = &self.revisions.iter().find(of)?.entry;
            let is_its_own = State::attempt(&entry.status.state) == Some(id);
            (!is_its_own).then(|| OrphanReservation {
                shot: entry.shot.clone(),
                revision: attempt.revision,
                number: entry.number,
                price: attempt.spec.price,
                sent_at: attempt.sent_at,
                why: attempt.why.as_deref().map(str::to_owned),
            })
        })
    }
}

impl Books {
    /// Everything that a report says of a revision.
    fn row(&self, revision: &Revision) -> Row {
        let entry = self.entry(revision);
        let shot = &revision.shot;
        let id = entry.status.state.attempt();
        let attempt = id.and_then(|id| self.attempt(id));
        let text = |text: &str| text.to_owned();
        let mine = || self.attempts.iter().filter(|one| one.revision == entry.revision);
        Row {
            model: text(&shot.model),
            request: as_written(&shot.request).into_owned(),
            tags: shot.tags.iter().map(|tag| text(tag)).collect(),
            entry_id: Some(text(&shot.entry)),
            variant: shot.variant.iter().map(|(name, value)| (text(name), text(value))).collect(),
            task: attempt.and_then(|attempt| attempt.task.clone()),
            former_tasks: attempt
                .filter(|_| matches!(entry.status.state, State::Rendering { stalled: Some(_), .. }))
                .map_or_else(Vec::new, |attempt| attempt.former_tasks.clone()),
            task_first_of: id.and_then(|id| self.task_first_of(id)),
            price: attempt.map_or(entry.price, |attempt| attempt.spec.price),
            is_settled: matches!(entry.status.state, State::Failed { .. })
                && attempt.is_none_or(|attempt| attempt.account != Account::Reserved),
            charge: attempt.and_then(|attempt| attempt.charge.clone()),
            answer: mine()
                .filter(|_| !matches!(entry.status.state, State::Delivered { .. }))
                .filter_map(|attempt| attempt.answer.as_deref())
                .next_back()
                .map(text),
            attempts: u32::try_from(mine().count()).unwrap_or(u32::MAX),
            urls: revision.urls.clone(),
            files: revision.files.values().cloned().collect(),
            submitted_at: mine().map(|attempt| attempt.sent_at).max(),
            completed_at: revision.completed_at,
            delivered_at: revision.delivered_at,
            entry,
        }
    }
}
