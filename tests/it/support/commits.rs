//! Commits as tests make them: one at a time, and what the revision is afterwards.

use std::sync::Arc;
use std::time::Duration;

use rushes::domain::money::Usd;
use rushes::domain::origin::Origin;
use rushes::domain::secret::Secret;
use rushes::domain::state::{OnDoubt, RevisionState, Rules, ShotEvent};
use rushes::domain::time::Timestamp;
use rushes::domain::transition::Transition;
use rushes::ledger::{
    Assign, AttemptSpec, Change, ClipFile, Commit, Committed, Entry, Ledger, LedgerError,
    RevisionId, Verdict,
};

/// The rules of a run with default settings.
pub const RULES: Rules = Rules {
    attempts: 3,
    strict: false,
    on_doubt: OnDoubt::Hold,
    render_timeout: Duration::from_secs(7200),
    failed_tasks_charged: false,
    canceled_tasks_charged: None,
    result_lifetime: Duration::from_secs(7 * 24 * 3600),
    rerolls: 0,
    others_are_clear: false,
};

/// Rules under which whatever is in doubt may be claimed again.
pub const RESUBMIT: Rules = Rules { attempts: u32::MAX, on_doubt: OnDoubt::Resubmit, ..RULES };

/// An attempt of this price without a callback.
pub fn spec(price: Option<Usd>) -> AttemptSpec {
    AttemptSpec {
        price,
        charged_if_failed: false,
        key: Secret::from_bytes([7; 16]),
        key_on_wire: false,
        origin: Origin { address: "https://gateway.test".into(), account: "ab12".into() },
        wire: r#"{"model":"kling-v3"}"#.into(),
    }
}

/// The claim of a revision.
pub fn claiming(entry: &Entry, spec: AttemptSpec, rules: &Rules, at: Timestamp) -> Commit {
    let transition = entry.status.after(ShotEvent::Claim, at, rules).unwrap();
    let (revision, attempt, files) = (entry.revision, Some(Box::new(spec)), Vec::new());
    Commit { at, change: Change::Transition { revision, transition, attempt, files } }
}

/// A transition that is no claim.
pub fn moving(
    revision: RevisionId,
    transition: Transition,
    files: Vec<ClipFile>,
    at: Timestamp,
) -> Commit {
    Commit { at, change: Change::Transition { revision, transition, attempt: None, files } }
}

/// A ledger that is told one thing at a time.
pub trait Commits: Ledger {
    /// Makes a batch of one.
    async fn one(&self, commit: Commit) -> Result<(Verdict, Committed), LedgerError> {
        let mut committed = self.commit(Arc::new(vec![commit])).await?;
        assert_eq!(committed.verdicts.len(), 1, "one verdict for one commit");
        Ok((committed.verdicts.remove(0), committed))
    }

    /// Claims a revision; answers what it is then, if that was granted.
    async fn claim(
        &self,
        entry: &Entry,
        spec: AttemptSpec,
        rules: &Rules,
        at: Timestamp,
    ) -> (Verdict, Option<RevisionState>) {
        let commit = claiming(entry, spec, rules, at);
        let (verdict, _) = self.one(commit).await.unwrap();
        let status = match &verdict {
            Verdict::Claimed(attempt) => {
                let step = entry.status.after(ShotEvent::Claim, at, rules).unwrap();
                Some(step.to.with_attempt(*attempt))
            }
            _ => None,
        };
        (verdict, status)
    }

    /// Claims a revision that is not over the cap.
    async fn claimed(&self, entry: &Entry, spec: AttemptSpec, at: Timestamp) -> RevisionState {
        let (verdict, status) = self.claim(entry, spec, &RULES, at).await;
        status.unwrap_or_else(|| panic!("{verdict:?}"))
    }

    /// Makes what follows from an event durable; answers what the revision is then.
    async fn apply(
        &self,
        revision: RevisionId,
        status: &RevisionState,
        event: ShotEvent,
        rules: &Rules,
        at: Timestamp,
    ) -> RevisionState {
        let step = status.after(event, at, rules).unwrap();
        self.written(moving(revision, step.clone(), Vec::new(), at)).await;
        step.to
    }

    /// Makes a delivery durable.
    async fn deliver(
        &self,
        revision: RevisionId,
        status: &RevisionState,
        files: Vec<ClipFile>,
        at: Timestamp,
    ) -> RevisionState {
        let step = status.after(ShotEvent::Delivered, at, &RULES).unwrap();
        self.written(moving(revision, step.clone(), files, at)).await;
        step.to
    }

    /// Makes a commit that is no claim and cannot be refused.
    async fn written(&self, commit: Commit) {
        let (verdict, committed) = self.one(commit).await.unwrap();
        assert!(matches!(verdict, Verdict::Written { .. }), "{verdict:?}");
        assert!(!committed.reserve_used);
        assert_eq!(committed.displaced, None);
    }

    /// The current revisions in manifest order, then the leftovers.
    async fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        self.assign(Assign::All).await
    }
}

impl<L: Ledger + ?Sized> Commits for L {}
