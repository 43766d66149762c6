//! A shot's life in this run, from its place in flight to its clips: submit, render, fetch. Every
//! turn goes through [`Floor::step`], which commits before it answers what to do next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::blocking;
use crate::callback::new_token;
use crate::domain::money::Usd;
use crate::domain::outcome::{PollOutcome, SubmitOutcome, TaskId};
use crate::domain::secret::Secret;
use crate::domain::state::{AttemptId, ShotEvent, State};
use crate::domain::transition::{Backoff, Next};
use crate::failpoint;
use crate::ledger::{AttemptSpec, CallbackSubscription, Claim};
use crate::manifest;
use crate::policy::retry;

use super::charges;
use super::deliver::fetch;
use super::event_log::EventRecord;
use super::evidence::{self, Evidence, settle, trace};
use super::floor::{Card, Floor, Over};
use super::orders::StopReason;

/// How a life begins in this run.
pub(super) enum First {
    /// Something happened to it before the run, or between runs.
    Happened(ShotEvent),
    /// It goes on where the ledger has it.
    Act(Next),
    /// It is in doubt, and a callback named these tasks.
    Named(Vec<TaskId>),
}

/// After so many rounds of 429 the user is told that it may mean more than haste.
const THROTTLED_WARNING: u32 = 5;

/// So many odd answers to polls are worth a warning, each once.
const MAX_STRANGE: usize = 20;

/// Lives a shot's life until it rests, waits in the queue again, or the run is over.
pub(super) async fn life(floor: Arc<Floor>, mut card: Box<Card>, first: First) {
    let mut place = None;
    let mut then = match first {
        First::Act(action) => {
            if matches!(action, Next::Post | Next::Poll(_)) {
                place = Some(InFlight(&floor));
            }
            Ok(action)
        }
        First::Happened(event) => floor.step(&mut card, event).await,
        First::Named(named) => {
            let then = Box::pin(trace(&floor, &mut card, named)).await;
            place = InFlight::of(&floor, &then);
            then
        }
    };
    loop {
        then = match then {
            // Boxed, so that the many that only wait to be polled carry none of it.
            Ok(Next::Post) => Box::pin(submit(&floor, &mut card)).await,
            Ok(Next::Poll(wait)) => {
                let task = floor.charges.is_some().then(|| task_of(&card)).flatten();
                let then = render(&floor, &mut card, wait).await;
                evidence::done(&floor, &card);
                if let Some(task) = task {
                    charges::ask(&floor, &card, task);
                }
                then
            }
            Ok(Next::Fetch) => {
                drop(place.take());
                Box::pin(fetch(&floor, &mut card)).await
            }
            Ok(rest @ (Next::Requeue(_) | Next::Rest)) => {
                drop(place.take());
                let Some((back, named)) = settle(&floor, card, &rest) else { return };
                card = back;
                let then = Box::pin(trace(&floor, &mut card, named)).await;
                place = InFlight::of(&floor, &then);
                then
            }
            Ok(Next::Halt(_)) | Err(Over) => return,
        };
    }
}

/// A place among the shots in flight; free again when dropped.
struct InFlight<'a>(&'a Floor);

impl<'a> InFlight<'a> {
    /// A place for a shot that was found to render.
    fn of(floor: &'a Floor, then: &Result<Next, Over>) -> Option<Self> {
        matches!(then, Ok(Next::Poll(_))).then(|| {
            floor.board().in_flight += 1;
            Self(floor)
        })
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.land();
    }
}

fn task_of(card: &Card) -> Option<TaskId> {
    match &card.job().state {
        State::Rendering { task, .. } => Some(task.clone()),
        _ => None,
    }
}

/// Makes the request, writes the attempt down, sends it once, and writes down what came of it.
async fn submit(floor: &Floor, card: &mut Card) -> Result<Next, Over> {
    let Some(shot) = card.shot.and_then(|place| floor.shots.get(place as usize)) else {
        return Ok(Next::Rest);
    };
    let picked = Picked(floor, shot.price.unwrap_or_default());
    let request = shot.request.clone();
    let calls = match floor.evidence.as_ref().map(|evidence| (evidence, new_token())) {
        None => None,
        Some((evidence, Ok(token))) => Some((evidence, token)),
        Some((_, Err(error))) => {
            floor.halt_and_leave(StopReason::Defect(format!("no random numbers: {error}")));
            return Err(Over);
        }
    };
    let address = calls.map(|(evidence, token)| evidence.address(&token));
    let make = move || match &address {
        Some(address) => manifest::body_with_callback(&request, address),
        None => manifest::body(&request),
    };
    let body = if shot.request.files.is_empty() {
        make()
    } else {
        match blocking::run(make).await {
            Ok(body) => body,
            Err(error) => {
                floor.halt_and_leave(StopReason::Defect(error.to_string()));
                return Err(Over);
            }
        }
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(shot = %shot.id, "not sent: {error}");
            return floor.step(card, ShotEvent::NotSendable(error.to_string())).await;
        }
    };
    if floor.holds_back() || is_named(floor, card) {
        return Ok(Next::Requeue(Backoff::None));
    }
    let now = floor.tools.clock.now();
    let charged_if_failed = floor.orders.rules.failed_tasks_charged;
    let despite_doubt = matches!(card.job().state, State::InDoubt { .. });
    let token = calls.map(|(_, token)| token);
    let terms = AttemptSpec { price: shot.price, charged_if_failed, despite_doubt, token };
    failpoint::point("before the claim");
    let claim = floor.tools.ledger.claim(card.entry.revision, terms, now).await;
    drop(picked);
    let attempt = match claim {
        Ok(Claim::Granted { attempt, .. }) => attempt,
        // It was picked by a balance that has changed since; it is looked at again in a moment.
        Ok(Claim::OverCap { .. }) => {
            return Ok(Next::Requeue(Backoff::Refused(Some(Duration::from_secs(1)))));
        }
        Err(error) => return Err(floor.ledger_failed(error)),
    };
    failpoint::point("claim committed");
    if let Some((evidence, token)) = calls {
        evidence.expect(CallbackSubscription { attempt, token, sent_at: now });
    }
    card.entry.charged_if_failed = charged_if_failed;
    // The claim made the transition durable; the job follows.
    let event = ShotEvent::Claimed(attempt);
    let told = EventRecord::of(&event, &[]);
    let step = floor.decide(card, event, now)?;
    let _post = floor.moved(card, &told, step);
    floor.posts.leave().await;
    if floor.holds_back() || floor.tools.ledger.has_failed() {
        let why = "submitting stopped before it was sent".to_owned();
        if let Some((evidence, _)) = calls {
            evidence.forget(attempt);
        }
        return floor.step(card, ShotEvent::Answered(SubmitOutcome::NotSent { why })).await;
    }
    floor.board().sent = true;
    failpoint::point("before the POST leaves");
    let left = floor.epoch.now();
    let answer = floor.tools.gateway.submit(body).await;
    floor.tools.gauges.answered(&answer, floor.epoch.now().saturating_sub(left));
    failpoint::point("POST answered");
    let answer = match token {
        Some(token) => answer.with_why(|why| token.redact_in(why)),
        None => answer,
    };
    note(floor, card, &answer);
    let why = answer.why().to_owned();
    let then = floor.step(card, ShotEvent::Answered(answer)).await?;
    failpoint::point("answer committed");
    if let Some((evidence, _)) = calls
        && !is_open(card, attempt)
    {
        evidence.forget(attempt);
    }
    match then {
        Next::Halt(halt) => {
            floor.halt(StopReason::from((halt, why)));
            Ok(Next::Requeue(Backoff::None))
        }
        then => Ok(then),
    }
}

/// Whether a callback has just named a task for a shot that is about to be bought again.
fn is_named(floor: &Floor, card: &Card) -> bool {
    let State::InDoubt { attempt, .. } = &card.job().state else { return false };
    floor.evidence.as_ref().is_some_and(|evidence| evidence.is_named(*attempt))
}

/// Whether an attempt bought its shot, or may have.
fn is_open(card: &Card, attempt: AttemptId) -> bool {
    match &card.job().state {
        State::InDoubt { attempt: open, .. } | State::Rendering { attempt: open, .. } => {
            *open == attempt
        }
        _ => false,
    }
}

/// A picked shot's price until its claim is in the ledger's balance, or is not to be.
struct Picked<'a>(&'a Floor, Usd);

impl Drop for Picked<'_> {
    fn drop(&mut self) {
        self.0.board().picked -= self.1;
        self.0.bell.notify_one();
    }
}

/// What an answer to a POST means to everyone else.
fn note(floor: &Floor, card: &Card, answer: &SubmitOutcome) {
    let shot = &card.entry.shot;
    let mut board = floor.board();
    if !matches!(answer, SubmitOutcome::NotSent { .. }) {
        board.reached = true;
        board.outage.passed();
    }
    let now = floor.epoch.now();
    match answer {
        SubmitOutcome::Bought { task } => {
            board.throttled.passed();
            drop(board);
            tracing::debug!(%shot, %task, "bought");
        }
        SubmitOutcome::Throttled { retry_after, why } => {
            let fresh = board.throttled.hit(now, *retry_after, fastrand::f64());
            let rounds = board.throttled.in_a_row();
            drop(board);
            tracing::debug!(%shot, "429: {why}");
            if fresh && rounds == THROTTLED_WARNING {
                tracing::warn!(
                    "the gateway has answered 429 {rounds} times in a row and accepted nothing \
                     ({why}); the account may be exhausted or at its limit of parallel tasks"
                );
            }
        }
        SubmitOutcome::NotSent { why } => {
            let fresh = board.outage.hit(now, None, fastrand::f64());
            let rounds = board.outage.in_a_row();
            let never = !board.reached && rounds >= floor.orders.limits.attempts;
            drop(board);
            if fresh {
                tracing::warn!("the gateway cannot be reached: {why}");
            }
            if never {
                floor.halt_and_leave(StopReason::Unreached(why.clone()));
            }
        }
        SubmitOutcome::ServerError { why, .. } => {
            drop(board);
            tracing::debug!(%shot, "refused: {why}");
        }
        SubmitOutcome::Doubtful { why } => {
            drop(board);
            tracing::warn!(%shot, "in doubt: {why}");
        }
        SubmitOutcome::Rejected { .. }
        | SubmitOutcome::BadKey { .. }
        | SubmitOutcome::NoCredit { .. }
        | SubmitOutcome::WrongAddress { .. } => {}
    }
}

/// How long a shot waits in the queue. 429s and outages make everyone wait, so the shot need not
/// wait on top of it.
pub(super) fn pause_of(card: &Card, pause: &Backoff) -> Duration {
    match pause {
        Backoff::None | Backoff::Throttled(_) | Backoff::Unreached => Duration::ZERO,
        Backoff::Refused(asked) => retry::wait(*asked, card.job().refusals, fastrand::f64()),
    }
}

/// Polls a task until it is done, stalls, or everybody leaves.
async fn render(
    floor: &Floor,
    card: &mut Card,
    first_wait: Option<Duration>,
) -> Result<Next, Over> {
    let every = floor.orders.limits.poll_every;
    let mut wait = first_wait.unwrap_or(every);
    let mut unclear = 0;
    let mut is_asked = false;
    let calls = Calls::of(floor, card);
    loop {
        let State::Rendering { task, .. } = &card.job().state else {
            return Ok(Next::Rest);
        };
        let poll = async {
            match calls.as_ref().filter(|_| !is_asked) {
                Some(calls) => Box::pin(calls.sleep(wait, every)).await,
                None => tokio::time::sleep(wait).await,
            }
            floor.polls.place(1).await;
            floor.polls.leave().await;
            floor.tools.gateway.poll(task).await
        };
        let Some(mut polled) = floor.unless_leaving(poll).await else {
            return Ok(Next::Rest);
        };
        if let Some(calls) = &calls {
            polled = polled.with_why(|why| calls.token.redact_in(why));
        }
        unclear = match &polled {
            PollOutcome::Unclear { .. }
            | PollOutcome::OtherTask { .. }
            | PollOutcome::Unanswered { .. }
            | PollOutcome::BadKey { .. } => unclear + 1,
            _ => 0,
        };
        failpoint::point("poll answered");
        note_poll(floor, card, &polled, unclear);
        let then = floor.step(card, ShotEvent::Polled(polled)).await?;
        failpoint::point("poll committed");
        match then {
            Next::Poll(asked) => {
                // What the gateway asks for, a callback does not shorten.
                is_asked = asked.is_some();
                wait = asked.map_or_else(
                    || retry::poll_wait(every, unclear),
                    |asked| retry::wait(Some(asked), 1, 0.0).max(every),
                );
            }
            Next::Halt(halt) => {
                let why = "the gateway refuses the key for polls".to_owned();
                floor.halt_and_leave(StopReason::from((halt, why)));
                return Err(Over);
            }
            then => return Ok(then),
        }
    }
}

/// What a rendering shot hears of callbacks.
struct Calls<'a> {
    evidence: &'a Evidence,
    attempt: AttemptId,
    token: Secret,
    bell: Arc<Notify>,
}

impl<'a> Calls<'a> {
    fn of(floor: &'a Floor, card: &Card) -> Option<Self> {
        let evidence = floor.evidence.as_ref()?;
        let State::Rendering { attempt, .. } = card.job().state else { return None };
        let (token, bell) = (evidence.token(attempt)?, evidence.bell(attempt)?);
        Some(Self { evidence, attempt, token, bell })
    }

    /// Waits, but not longer than until the gateway calls.
    async fn sleep(&self, wait: Duration, every: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.bell.notified() => self.evidence.breathe(self.attempt, every).await,
        }
    }
}

/// What a poll's answer means to everyone else.
fn note_poll(floor: &Floor, card: &Card, polled: &PollOutcome, unclear: u32) {
    let shot = &card.entry.shot;
    let mut board = floor.board();
    match polled {
        PollOutcome::Unanswered { why } => {
            let never = !board.reached && unclear >= floor.orders.limits.attempts;
            drop(board);
            tracing::debug!(%shot, "poll unanswered: {why}");
            if never {
                floor.halt_and_leave(StopReason::Unreached(why.clone()));
            }
        }
        PollOutcome::Working { unknown: Some(state) } => {
            board.reached = true;
            let warn = board.strange.len() < MAX_STRANGE && board.strange.insert(state.clone());
            drop(board);
            if warn {
                tracing::warn!(%shot, "the gateway names a state that is not known: {state:?}");
            }
        }
        PollOutcome::OtherTask { theirs } => {
            board.reached = true;
            let key = format!("another task for {shot}");
            let warn = board.strange.len() < MAX_STRANGE && board.strange.insert(key);
            drop(board);
            if warn {
                tracing::warn!(
                    %shot,
                    "asked after its task, the gateway answered about another one, {theirs}; that \
                     is not believed"
                );
            }
        }
        PollOutcome::Unclear { why, .. } | PollOutcome::Missing { why } => {
            board.reached = true;
            drop(board);
            tracing::debug!(%shot, "poll: {why}");
        }
        _ => board.reached = true,
    }
}
