//! What is done outside the scheduler, and what comes back. Each effect does one thing and comes
//! back as one event; it decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;

use crate::clips::{ClipError, ClipStore, Stored};
use crate::disk::is_too_many_open;
use crate::domain::account::BalanceOutcome;
use crate::domain::charge::ChargeOutcome;
use crate::domain::outcome::{DownloadError, PollOutcome, SubmitOutcome, TaskId};
use crate::domain::secret::Secret;
use crate::domain::shot::Request;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::failpoint;
use crate::ledger::{
    Assigned, Counts, Fleet, Ledger, LedgerError, RevisionId, SlotRequest, Slots, Traffic, Want,
};
use crate::provider::{Download, LoadedFiles, Provider, ResumePoint, Submission, TaskHandle};

use super::questions::ChargeQuestion;
use super::shot_state::{PartialClip, Slot};
use super::switches::{CancelToken, PauseSwitch};
use super::uploads::{Files, LoadError};

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Read a shot's local files, and send those that its request cannot carry.
    Load { slot: Slot, request: Request },
    /// Send a POST, unless submitting stopped in the last moment.
    Submit { slot: Slot, attempt: AttemptId, submission: Box<Submission> },
    /// Ask how tasks stand. Those of `unchecked` revisions are held against what these ask for, if the
    /// user or a callback named them.
    Poll { slots: Vec<Slot>, tasks: Vec<TaskHandle>, unchecked: Vec<Option<RevisionId>> },
    /// Ask whether the provider knows a task, named for this revision, that the ledger does not know;
    /// `is_former`: but as one that was said of this revision before.
    Find { slot: Slot, revision: RevisionId, task: TaskId, is_former: bool },
    /// Ask what the account can still spend.
    Balance,
    /// Ask what a task cost.
    Charge { question: ChargeQuestion },
    /// Download a clip and store it, from where an earlier try stopped.
    Download { slot: Slot, url: String, path: String, partial: Option<PartialClip> },
    /// Look for a clip that an earlier run stored and did not record.
    Adopt { slot: Slot, path: String, completed_at: Timestamp },
    /// Ask the ledger which tasks a shot was said to have before.
    Former { slot: Slot, revision: RevisionId, attempt: AttemptId },
    /// Ask the ledger whether another attempt of a failed shot may have bought it.
    Reserved { slot: Slot, revision: RevisionId },
    /// Ask the ledger whether an unsettled shot's attempt turned out to be paid, and its clip is here.
    Paid { slot: Slot, revision: RevisionId, attempt: AttemptId },
    /// Ask the ledger for work.
    Assign { want: Want },
    /// Ask the ledger for moments at which requests may leave.
    AskSlots { request: SlotRequest },
    /// Count the campaign's shots.
    Count,
    /// Tell the other workers that the campaign is paused, or goes on.
    TellPause { paused: bool },
    /// Another worker paused the campaign, or lets it go on.
    Switch { paused: bool },
    /// Hear callbacks with this key.
    Expect(Secret),
    /// Do not hear them any more.
    Forget(Secret),
    /// End everything but what is on the wire.
    Leave,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// Time passed.
    Tick,
    /// A shot's local files were read and sent, or why they could not be.
    Loaded { slot: Slot, files: Result<LoadedFiles, LoadError> },
    /// A POST ended; after how long, unless it did not leave.
    Submitted { slot: Slot, outcome: SubmitOutcome, took: Option<Duration> },
    /// Tasks were polled, one outcome each.
    Polled { slots: Vec<Slot>, outcomes: Vec<PollOutcome> },
    /// A task that a callback named was asked for; `None`: the ledger knows it.
    Found { slot: Slot, task: TaskId, outcome: Option<PollOutcome> },
    /// One try of a download ended.
    Downloaded { slot: Slot, outcome: DownloadOutcome },
    /// A clip was looked for under its final name, or why it could not be.
    Adopted { slot: Slot, stored: Result<Option<Stored>, String> },
    /// The tasks that a shot was said to have before, the newest first.
    Former { slot: Slot, tasks: Vec<TaskId> },
    /// Whether another attempt's price is reserved for a failed shot, or a clip of it is listed.
    Reserved { slot: Slot, is_reserved: bool },
    /// Whether an unsettled shot turned out to be paid, and its clip is here.
    Paid { slot: Slot, is_paid: bool },
    /// The provider was asked what a task cost.
    Charged { question: ChargeQuestion, outcome: ChargeOutcome },
    /// The provider was asked for its balance.
    Balance { outcome: BalanceOutcome },
    /// A callback came and named these tasks.
    Callback { key: Secret, tasks: Vec<TaskId> },
    /// The user stopped the run.
    Cancelled,
    /// The ledger handed over work.
    Assigned(Box<Assigned>),
    /// The ledger granted moments.
    Granted(GrantedMoments),
    /// The campaign's shots were counted.
    Counted(Counts),
    /// The other workers will hear of the pause, or of its end.
    PauseTold,
    /// The ledger could not be read.
    LedgerUnreadable(LedgerError),
    /// An effect panicked.
    Panicked { was_post: bool, why: String },
}

/// Moments at which requests may leave, by the run's time: see [`Slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantedMoments {
    /// For what.
    pub traffic: Traffic,
    /// The first one; if there is none, when it is worth asking again.
    pub first: Duration,
    /// From one to the next.
    pub every: Duration,
    /// How many.
    pub count: u32,
    /// How much after its moment a request may leave.
    pub late: Duration,
    /// How often the pace is halved.
    pub level: u32,
    /// Until when all workers keep quiet.
    pub quiet_until: Duration,
}

/// How one try of a download ended.
#[derive(Debug)]
pub enum DownloadOutcome {
    /// The clip is durable under its final name.
    Stored(Stored),
    /// It is not, and trying again may help; `partial` goes on from where this try stopped.
    Failed { error: DownloadError, partial: Option<PartialClip> },
    /// The disk failed; trying again would not help.
    DiskFailed(DownloadError),
    /// The bucket refuses clips; trying again would not help.
    BucketRefused(DownloadError),
}

/// What becomes of a POST that was claimed and held back in the last moment.
pub(super) fn not_sent() -> SubmitOutcome {
    SubmitOutcome::NotSent { why: "submitting stopped before it was sent".to_owned() }
}

/// How long the answer about the balance is waited for.
const BALANCE_PATIENCE: Duration = Duration::from_secs(5);

/// What effects work with.
pub(super) struct World {
    pub(super) started: Instant,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clips: Arc<dyn ClipStore>,
    pub(super) cancel: CancelToken,
    pub(super) pause: PauseSwitch,
    pub(super) files: Files,
    /// Whether submitting has stopped, looked at once more when a POST is about to leave.
    pub(super) stopped: Arc<AtomicBool>,
}

impl World {
    fn holds_back(&self, attempt: AttemptId) -> bool {
        let may_leave = |fleet: &dyn Fleet| fleet.may_leave(attempt);
        self.stopped.load(Ordering::Acquire)
            || self.cancel.is_cancelled()
            || self.pause.is_paused()
            || self.ledger.has_failed()
            || !self.ledger.fleet().is_none_or(may_leave)
    }

    /// Sends a POST once.
    pub(super) async fn submit(
        self: Arc<Self>,
        slot: Slot,
        attempt: AttemptId,
        submission: Submission,
    ) -> Event {
        if self.holds_back(attempt) {
            return Event::Submitted { slot, outcome: not_sent(), took: None };
        }
        failpoint::point("before the POST leaves");
        let left = Instant::now();
        let outcome = self.provider.submit(submission).await;
        Event::Submitted { slot, outcome, took: Some(left.elapsed()) }
    }

    /// Does anything but what the driver does at once.
    pub(super) async fn perform(self: Arc<Self>, effect: Effect) -> Event {
        match effect {
            Effect::Load { slot, request } => match self.files.load(&request).await {
                Ok(files) => Event::Loaded { slot, files },
                Err(why) => Event::Panicked { was_post: false, why },
            },
            Effect::Poll { slots, tasks, unchecked } => self.poll(slots, tasks, &unchecked).await,
            Effect::Find { slot, revision, task, is_former } => {
                self.find(slot, revision, task, is_former).await
            }
            Effect::Charge { question } => {
                let task = TaskHandle::new(question.task.clone());
                let outcome = self.provider.charge(&task).await;
                Event::Charged { question, outcome }
            }
            Effect::Download { slot, url, path, partial } => {
                let outcome = self.download(&url, &path, partial).await;
                let outcome = outcome.map_why(|why| self.provider.redact(why));
                Event::Downloaded { slot, outcome }
            }
            Effect::Adopt { slot, path, completed_at } => {
                let stored = self.clips.adopt(&path, completed_at).await;
                Event::Adopted { slot, stored: stored.map_err(|error| error.to_string()) }
            }
            Effect::Balance => {
                let asked = tokio::time::timeout(BALANCE_PATIENCE, self.provider.balance());
                let late = |_| BalanceOutcome::Unknown {
                    why: format!("no answer within {} s", BALANCE_PATIENCE.as_secs()),
                };
                Event::Balance { outcome: asked.await.unwrap_or_else(late) }
            }
            Effect::Reserved { slot, revision } => {
                match self.ledger.may_have_clip(revision).await {
                    Ok(is_reserved) => Event::Reserved { slot, is_reserved },
                    Err(error) => Event::LedgerUnreadable(error),
                }
            }
            Effect::Paid { slot, revision, attempt } => self.paid(slot, revision, attempt).await,
            Effect::Former { slot, revision, attempt } => {
                match self.ledger.attempts(revision).await {
                    Ok(all) => {
                        let own = all.into_iter().find(|one| one.attempt == attempt);
                        let former = own.map_or_else(Vec::new, |one| one.former_tasks);
                        Event::Former { slot, tasks: former.into_iter().rev().collect() }
                    }
                    Err(error) => Event::LedgerUnreadable(error),
                }
            }
            Effect::Submit { slot, attempt, submission } => {
                self.submit(slot, attempt, *submission).await
            }
            effect => self.share(effect).await,
        }
    }

    /// Does what other workers make necessary.
    async fn share(&self, effect: Effect) -> Event {
        let Some(fleet) = self.ledger.fleet() else { return Event::Tick };
        let done = match effect {
            Effect::Assign { want } => {
                fleet.assign(want).await.map(|assigned| Event::Assigned(Box::new(assigned)))
            }
            Effect::AskSlots { request } => {
                let slots = fleet.slots(request).await;
                slots.map(|slots| Event::Granted(self.moments(request.traffic, &slots)))
            }
            Effect::Count => fleet.counts().await.map(Event::Counted),
            Effect::TellPause { paused } => {
                fleet.set_paused(paused).await.map(|()| Event::PauseTold)
            }
            _ => Ok(Event::Tick),
        };
        done.unwrap_or_else(Event::LedgerUnreadable)
    }

    /// Granted moments by the run's time.
    fn moments(&self, traffic: Traffic, slots: &Slots) -> GrantedMoments {
        let Slots { first, every, count, late, level, quiet_until } = *slots;
        let since_start = |moment: Instant| moment.saturating_duration_since(self.started);
        GrantedMoments {
            traffic,
            first: since_start(first),
            every,
            count,
            late,
            level,
            quiet_until: since_start(quiet_until),
        }
    }

    /// Downloads a clip, from where an earlier try stopped if the host can go on there.
    async fn download(
        &self,
        url: &str,
        path: &str,
        partial: Option<PartialClip>,
    ) -> DownloadOutcome {
        let resume = partial.as_ref().and_then(|partial| {
            let (at, validator) = (partial.writer.len(), partial.validator.clone()?);
            (at > 0).then_some(ResumePoint { at, validator, total: partial.total })
        });
        let Download { starts_at, total, validator, mut bytes } =
            match self.provider.fetch(url, resume.as_ref()).await {
                Ok(download) => download,
                // A host that refuses to go on is asked for the whole next time.
                Err(error) => return DownloadOutcome::Failed { error, partial: None },
            };
        let mut writer = match partial {
            Some(partial) => partial.writer,
            None => match self.clips.begin(path) {
                Ok(writer) => writer,
                Err(error) => return error.into(),
            },
        };
        if (resume.is_none() || starts_at != writer.len())
            && let Err(error) = writer.restart().await
        {
            return error.into();
        }
        if starts_at != writer.len() {
            let why = format!("the host began at byte {starts_at}, which was not asked for");
            return DownloadOutcome::Failed { error: DownloadError::Broken { why }, partial: None };
        }
        while let Some(chunk) = bytes.next().await {
            match chunk {
                Ok(chunk) => {
                    if let Err(error) = writer.write(chunk).await {
                        return error.into();
                    }
                }
                Err(error) => {
                    let partial = Some(PartialClip { writer, validator, total });
                    return DownloadOutcome::Failed { error, partial };
                }
            }
        }
        match writer.publish(total).await {
            Ok(stored) => DownloadOutcome::Stored(stored),
            Err(error) => error.into(),
        }
    }
}

impl DownloadOutcome {
    /// The same, told in other words.
    fn map_why(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Failed { error, partial } => {
                Self::Failed { error: error.map_why(words), partial }
            }
            Self::DiskFailed(error) => Self::DiskFailed(error.map_why(words)),
            Self::BucketRefused(error) => Self::BucketRefused(error.map_why(words)),
            Self::Stored(stored) => Self::Stored(stored),
        }
    }
}

impl From<ClipError> for DownloadOutcome {
    fn from(clip: ClipError) -> Self {
        let error = DownloadError::Broken { why: clip.to_string() };
        match clip {
            ClipError::NotAClip(_) | ClipError::Unreachable { .. } => {
                Self::Failed { error, partial: None }
            }
            ClipError::Refused { .. } => Self::BucketRefused(error),
            // It passes as soon as other files are closed, and the disk has room.
            ClipError::Disk { source, .. } if is_too_many_open(&source) => {
                Self::Failed { error, partial: None }
            }
            ClipError::Disk { .. } => Self::DiskFailed(error),
        }
    }
}
