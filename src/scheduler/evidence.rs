//! What becomes of a knock at the callbacks' door: a rendering shot is polled at once, and a shot
//! in doubt becomes rendering if the gateway itself knows a task that the knock named. Keeps the
//! shots for which a knock may still come, and knows how long the run waits for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::callback::Callbacks;
use crate::domain::outcome::{PollOutcome, TaskId};
use crate::domain::secret::Secret;
use crate::domain::state::{AttemptId, RecoveredTask, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{Backoff, Next, StopCause};
use crate::ledger::CallbackSubscription;
use crate::policy::retry;
use crate::provider::callback_body::MAX_NAMED;

use super::event_log;
use super::floor::{Card, Floor, Over};
use super::life::{First, pause_of};
use super::orders::StopReason;

/// Between two polls of one shot that knocks cause lies this at least.
const BREATH: Duration = Duration::from_secs(1);

/// The attempts that the gateway may call about in this run.
pub(super) struct Evidence {
    callbacks: Callbacks,
    desk: Mutex<Desk>,
}

#[derive(Default)]
struct Desk {
    lines: HashMap<AttemptId, Line>,
    by_token: HashMap<Secret, AttemptId>,
    /// Attempts in doubt about which a knock is waited for, and until when.
    awaited: BTreeSet<(Timestamp, AttemptId)>,
}

/// One attempt.
struct Line {
    token: Secret,
    sent_at: Timestamp,
    /// Rings when somebody knocked.
    bell: Arc<Notify>,
    /// Tasks that knocks named and nobody looked at.
    named: Vec<TaskId>,
    /// When a knock last caused a poll.
    polled: Option<Instant>,
    shot: Whereabouts,
}

/// Where an attempt's shot is.
#[derive(Default)]
enum Whereabouts {
    /// Living its life, or done.
    #[default]
    Alive,
    /// In doubt and queued to be bought again, at this place in the manifest.
    Queued(u32),
    /// In doubt or stalled, and nothing happens to it unless somebody knocks.
    Shelved {
        card: Box<Card>,
        /// Whether it is to be bought again once nobody waits for a knock any more.
        again: bool,
    },
}

impl Line {
    fn name(&mut self, tasks: Vec<TaskId>) {
        for task in tasks {
            if self.named.len() < MAX_NAMED && !self.named.contains(&task) {
                self.named.push(task);
            }
        }
    }
}

impl Evidence {
    pub(super) fn new(callbacks: Callbacks) -> Self {
        Self { callbacks, desk: Mutex::default() }
    }

    /// The desk; nobody holds it across an await, nor asks for it with the board in hand.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every attempt that the gateway may call about is known from now on.
    pub(super) fn open(&self) {
        self.callbacks.inbox.open();
    }

    /// Nobody listens any more: who calls now is to call again when the next run does.
    pub(super) fn close(&self) {
        self.callbacks.inbox.close();
    }

    /// What the gateway is to call about an attempt.
    pub(super) fn address(&self, token: &Secret) -> String {
        self.callbacks.address(token)
    }

    /// From now on knocks about this attempt are heard.
    pub(super) fn expect(&self, call: CallbackSubscription) {
        let CallbackSubscription { attempt, token, sent_at } = call;
        let mut desk = self.desk();
        desk.by_token.insert(token, attempt);
        let (bell, named, shot) = (Arc::default(), Vec::new(), Whereabouts::Alive);
        desk.lines.insert(attempt, Line { token, sent_at, bell, named, polled: None, shot });
        drop(desk);
        self.callbacks.inbox.expect(token);
    }

    /// Nothing more can be learned about this attempt.
    pub(super) fn forget(&self, attempt: AttemptId) {
        let mut desk = self.desk();
        let Some(line) = desk.lines.remove(&attempt) else { return };
        desk.by_token.remove(&line.token);
        drop(desk);
        self.callbacks.inbox.forget(&line.token);
    }

    /// The secret of an attempt, to be kept out of what the gateway says.
    pub(super) fn token(&self, attempt: AttemptId) -> Option<Secret> {
        self.desk().lines.get(&attempt).map(|line| line.token)
    }

    /// What rings when somebody knocks about an attempt.
    pub(super) fn bell(&self, attempt: AttemptId) -> Option<Arc<Notify>> {
        self.desk().lines.get(&attempt).map(|line| Arc::clone(&line.bell))
    }

    /// Whether a knock about an attempt named a task that is still to be looked at.
    pub(super) fn is_named(&self, attempt: AttemptId) -> bool {
        self.desk().lines.get(&attempt).is_some_and(|line| !line.named.is_empty())
    }

    /// The next knock.
    pub(super) async fn knock(&self) -> (Secret, Vec<TaskId>) {
        self.callbacks.inbox.next().await
    }

    /// Whether somebody waits to be bought again.
    pub(super) fn holds_back(&self) -> bool {
        let desk = self.desk();
        let again =
            |line: &Line| matches!(&line.shot, Whereabouts::Shelved { again, .. } if *again);
        desk.awaited.iter().any(|(_, attempt)| desk.lines.get(attempt).is_some_and(again))
    }

    /// How many are in doubt and waited for, until when the first is, and the last.
    pub(super) fn awaited(&self) -> Option<(usize, Timestamp, Timestamp)> {
        let desk = self.desk();
        let (first, last) = (desk.awaited.first()?, desk.awaited.last()?);
        Some((desk.awaited.len(), first.0, last.0))
    }

    /// Lets a shot be polled once a breath after the last poll that a knock caused.
    pub(super) async fn breathe(&self, attempt: AttemptId, poll_every: Duration) {
        let breath = BREATH.min(poll_every);
        let last = self.desk().lines.get(&attempt).and_then(|line| line.polled);
        if let Some(last) = last {
            tokio::time::sleep_until(last + breath).await;
        }
        if let Some(line) = self.desk().lines.get_mut(&attempt) {
            line.polled = Some(Instant::now());
        }
    }
}

/// The attempt that a knock could still say something about while nothing else happens.
const fn open_attempt(card: &Card) -> Option<AttemptId> {
    match &card.job().state {
        State::InDoubt { attempt, .. } | State::Rendering { attempt, stalled: Some(_), .. } => {
            Some(*attempt)
        }
        _ => None,
    }
}

/// Puts a shot where it belongs once its life has come to a rest: into the queue, on the shelf, or
/// away. Gives it back if a knock has named tasks that are to be looked at first.
pub(super) fn settle(
    floor: &Floor,
    card: Box<Card>,
    then: &Next,
) -> Option<(Box<Card>, Vec<TaskId>)> {
    let pause = match then {
        Next::Requeue(pause) => Some(pause_of(&card, pause)),
        _ => None,
    };
    let waits = floor.evidence.as_ref().zip(open_attempt(&card));
    let Some((evidence, attempt)) = waits else {
        done(floor, &card);
        if let Some(pause) = pause {
            floor.enqueue(card, pause);
        }
        return None;
    };
    let mut desk = evidence.desk();
    let Desk { lines, awaited, .. } = &mut *desk;
    let Some(line) = lines.get_mut(&attempt) else {
        drop(desk);
        if let Some(pause) = pause {
            floor.enqueue(card, pause);
        }
        return None;
    };
    let in_doubt = matches!(card.job().state, State::InDoubt { .. });
    if in_doubt && !line.named.is_empty() {
        return Some((card, std::mem::take(&mut line.named)));
    }
    let now = floor.tools.clock.now();
    let until = line.sent_at.min(now).plus(evidence.callbacks.wait);
    match (pause, card.shot) {
        (Some(pause), Some(place)) if until <= now => {
            line.shot = Whereabouts::Queued(place);
            drop(desk);
            floor.enqueue(card, pause);
        }
        (pause, _) => {
            if in_doubt && until > now {
                awaited.insert((until, attempt));
            }
            line.shot = Whereabouts::Shelved { card, again: pause.is_some() };
        }
    }
    None
}

/// A shot about which nothing more can be learned is not listened for any more.
pub(super) fn done(floor: &Floor, card: &Card) {
    if let (
        Some(evidence),
        State::Rendered { attempt, .. }
        | State::Delivered { attempt }
        | State::Failed { attempt: Some(attempt), .. },
    ) = (&floor.evidence, &card.job().state)
    {
        evidence.forget(*attempt);
    }
}

/// Puts those into the queue that are to be bought again and were waited for long enough.
pub(super) fn release(floor: &Floor) {
    let Some(evidence) = &floor.evidence else { return };
    let now = floor.tools.clock.now();
    loop {
        let mut desk = evidence.desk();
        let Desk { lines, awaited, .. } = &mut *desk;
        let Some((until, attempt)) = awaited.first().copied().filter(|(until, _)| *until <= now)
        else {
            return;
        };
        awaited.remove(&(until, attempt));
        let Some(line) = lines.get_mut(&attempt) else { continue };
        match std::mem::take(&mut line.shot) {
            Whereabouts::Shelved { card, again: true } => {
                if let Some(place) = card.shot {
                    line.shot = Whereabouts::Queued(place);
                }
                drop(desk);
                floor.enqueue(card, Duration::ZERO);
            }
            other => line.shot = other,
        }
    }
}

/// Somebody knocked: what begins with it, if something does.
pub(super) fn called(
    floor: &Floor,
    token: Secret,
    tasks: Vec<TaskId>,
) -> Option<(Box<Card>, First)> {
    let evidence = floor.evidence.as_ref()?;
    let mut desk = evidence.desk();
    let Desk { lines, by_token, awaited } = &mut *desk;
    let attempt = *by_token.get(&token)?;
    let line = lines.get_mut(&attempt)?;
    line.bell.notify_one();
    line.name(tasks);
    match std::mem::take(&mut line.shot) {
        Whereabouts::Shelved { card, .. }
            if matches!(card.job().state, State::Rendering { .. }) =>
        {
            line.named.clear();
            drop(desk);
            floor.board().in_flight += 1;
            Some((card, First::Act(Next::Poll(Some(Duration::ZERO)))))
        }
        Whereabouts::Shelved { card, .. } if !line.named.is_empty() => {
            awaited.retain(|(_, waiting)| *waiting != attempt);
            let named = std::mem::take(&mut line.named);
            Some((card, First::Named(named)))
        }
        Whereabouts::Queued(place) if !line.named.is_empty() => {
            let card = floor.unqueue(place)?;
            if open_attempt(&card) != Some(attempt) {
                drop(desk);
                floor.enqueue(card, Duration::ZERO);
                return None;
            }
            let named = std::mem::take(&mut line.named);
            Some((card, First::Named(named)))
        }
        other => {
            line.shot = other;
            None
        }
    }
}

/// Asks the gateway about the tasks that a knock named, one after the other, until it knows one.
pub(super) async fn trace(
    floor: &Floor,
    card: &mut Card,
    named: Vec<TaskId>,
) -> Result<Next, Over> {
    let Some(attempt) = open_attempt(card) else { return Ok(Next::Rest) };
    for task in named {
        let known = floor.tools.ledger.knows_task(&task).await;
        if known.map_err(|error| floor.ledger_failed(error))? {
            tracing::debug!(shot = %card.entry.shot, "a callback named a task that is known");
            continue;
        }
        match ask(floor, card, attempt, &task).await? {
            None => return Ok(Next::Rest),
            Some(false) => {}
            Some(true) => {
                let sent_at = floor.tools.ledger.sent_at(attempt).await;
                let sent_at = sent_at.map_err(|error| floor.ledger_failed(error))?;
                let sent_at = sent_at.unwrap_or_else(|| floor.tools.clock.now());
                if let Some(then) = floor.found(card, RecoveredTask { task, sent_at }).await? {
                    return Ok(then);
                }
            }
        }
    }
    let again = card.job().is_bought_again(&floor.rules(card));
    Ok(if again { Next::Requeue(Backoff::None) } else { Next::Rest })
}

/// Whether the gateway knows a task; `None` when everybody leaves.
async fn ask(
    floor: &Floor,
    card: &Card,
    attempt: AttemptId,
    task: &TaskId,
) -> Result<Option<bool>, Over> {
    let every = floor.orders.limits.poll_every;
    let mut tries = 0;
    loop {
        let poll = async {
            if let Some(evidence) = &floor.evidence {
                evidence.breathe(attempt, every).await;
            }
            floor.polls.place(1).await;
            floor.polls.leave().await;
            floor.tools.gateway.poll(task).await
        };
        let Some(polled) = floor.unless_leaving(poll).await else { return Ok(None) };
        tries += 1;
        match polled {
            PollOutcome::Working { .. }
            | PollOutcome::Completed { .. }
            | PollOutcome::Failed { .. } => {
                return Ok(Some(true));
            }
            PollOutcome::Missing { .. } | PollOutcome::OtherTask { .. } => {
                let shot = &card.entry.shot;
                tracing::debug!(%shot, "a callback named a task that the gateway does not know");
                return Ok(Some(false));
            }
            PollOutcome::BadKey { .. } => {
                let why = "the gateway refuses the key for polls".to_owned();
                floor.halt_and_leave(StopReason::from((StopCause::Key, why)));
                return Err(Over);
            }
            PollOutcome::Unclear { .. } | PollOutcome::Unanswered { .. } => {
                if tries >= floor.orders.limits.attempts {
                    // The only trace of what may be its purchase.
                    let shot = &card.entry.shot;
                    event_log::unconfirmed(&card.entry, attempt, task);
                    tracing::warn!(
                        %shot,
                        "a callback named task {task}, and the gateway does not say clearly whether \
                         it knows it; if it is in the console: rushes resolve MANIFEST {shot} \
                         --task-id {task}"
                    );
                    return Ok(Some(false));
                }
                let pause = tokio::time::sleep(retry::poll_wait(every, tries - 1));
                if floor.unless_leaving(pause).await.is_none() {
                    return Ok(None);
                }
            }
        }
    }
}
