//! A shot's life in this run, from its place in flight to its clips: submit, render, fetch. Every
//! turn goes through [`Floor::step`], which commits before it answers what to do next.

use std::sync::Arc;
use std::time::Duration;

use crate::answer::{Polled, Submitted};
use crate::job::{Action, Event, Pause, State};
use crate::ledger::{Claim, Terms};
use crate::manifest;
use crate::mishap;
use crate::money::Usd;
use crate::policy::retry;
use crate::work;

use super::deliver::fetch;
use super::floor::{Card, Floor, Over};
use super::orders::Stopped;

/// How a life begins in this run.
pub(super) enum First {
    /// Something happened to it before the run, or between runs.
    Happened(Event),
    /// It goes on where the ledger has it.
    Act(Action),
}

/// After so many rounds of 429 the user is told that it may mean more than haste.
const THROTTLED_WARNING: u32 = 5;

/// So many odd answers to polls are worth a warning, each once.
const MOST_STRANGE: usize = 20;

/// Lives a shot's life until it rests, waits in the queue again, or the run is over.
pub(super) async fn life(floor: Arc<Floor>, mut card: Box<Card>, first: First) {
    let mut place = None;
    let mut then = match first {
        First::Act(action) => {
            if matches!(action, Action::Post | Action::Poll(_)) {
                place = Some(InFlight(&floor));
            }
            Ok(action)
        }
        First::Happened(event) => floor.step(&mut card, event).await,
    };
    loop {
        then = match then {
            // Boxed, so that the many that only wait to be polled carry none of it.
            Ok(Action::Post) => Box::pin(submit(&floor, &mut card)).await,
            Ok(Action::Poll(wait)) => render(&floor, &mut card, wait).await,
            Ok(Action::Fetch) => {
                drop(place.take());
                Box::pin(fetch(&floor, &mut card)).await
            }
            Ok(Action::Requeue(pause)) => {
                let pause = pause_of(&card, &pause);
                drop(place.take());
                return floor.enqueue(card, pause);
            }
            Ok(Action::Rest | Action::Halt(_)) | Err(Over) => return,
        };
    }
}

/// A place among the shots in flight; free again when dropped.
struct InFlight<'a>(&'a Floor);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.land();
    }
}

/// Makes the request, writes the attempt down, sends it once, and writes down what came of it.
async fn submit(floor: &Floor, card: &mut Card) -> Result<Action, Over> {
    let Some(shot) = card.shot.and_then(|place| floor.shots.get(place as usize)) else {
        return Ok(Action::Rest);
    };
    let picked = Picked(floor, shot.price.unwrap_or_default());
    let request = shot.request.clone();
    let body = if request.files.is_empty() {
        manifest::body(&request)
    } else {
        match work::blocking(move || manifest::body(&request)).await {
            Ok(body) => body,
            Err(error) => {
                floor.halt_and_leave(Stopped::Defect(error.to_string()));
                return Err(Over);
            }
        }
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            tracing::warn!(shot = %shot.id, "not sent: {error}");
            return floor.step(card, Event::NotSendable(error.to_string())).await;
        }
    };
    if floor.is_stopping() {
        return Ok(Action::Requeue(Pause::None));
    }
    let now = floor.tools.clock.now();
    let charged_if_failed = floor.orders.rules.failed_tasks_charged;
    let despite_doubt = matches!(card.job().state, State::InDoubt { .. });
    let terms = Terms { price: shot.price, charged_if_failed, despite_doubt };
    mishap::point("before the claim");
    let claim = floor.tools.ledger.claim(card.entry.revision, terms, now).await;
    drop(picked);
    let attempt = match claim {
        Ok(Claim::Granted { attempt, .. }) => attempt,
        // It was picked by a balance that has changed since; it is looked at again in a moment.
        Ok(Claim::OverCap { .. }) => {
            return Ok(Action::Requeue(Pause::Refused(Some(Duration::from_secs(1)))));
        }
        Err(error) => return Err(floor.ledger_failed(error)),
    };
    mishap::point("claim committed");
    card.entry.charged_if_failed = charged_if_failed;
    // The claim made the transition durable; the job follows.
    let step = floor.decide(card, Event::Claimed(attempt), now)?;
    floor.moved(card, step.job);
    floor.posts.leave().await;
    if floor.is_stopping() {
        let why = "submitting stopped before it was sent".to_owned();
        return floor.step(card, Event::Answered(Submitted::NotSent { why })).await;
    }
    floor.board().sent = true;
    mishap::point("before the POST leaves");
    let answer = floor.tools.gateway.submit(body).await;
    mishap::point("POST answered");
    note(floor, card, &answer);
    let why = answer.why().to_owned();
    let then = floor.step(card, Event::Answered(answer)).await?;
    mishap::point("answer committed");
    match then {
        Action::Halt(halt) => {
            floor.halt(Stopped::from((halt, why)));
            Ok(Action::Requeue(Pause::None))
        }
        then => Ok(then),
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
fn note(floor: &Floor, card: &Card, answer: &Submitted) {
    let shot = &card.entry.shot;
    let mut board = floor.board();
    if !matches!(answer, Submitted::NotSent { .. }) {
        board.reached = true;
        board.outage.passed();
    }
    let now = floor.epoch.now();
    match answer {
        Submitted::Bought { task } => {
            board.throttled.passed();
            drop(board);
            tracing::debug!(%shot, %task, "bought");
        }
        Submitted::Throttled { retry_after, why } => {
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
        Submitted::NotSent { why } => {
            let fresh = board.outage.hit(now, None, fastrand::f64());
            let rounds = board.outage.in_a_row();
            let never = !board.reached && rounds >= floor.orders.limits.attempts;
            drop(board);
            if fresh {
                tracing::warn!("the gateway cannot be reached: {why}");
            }
            if never {
                floor.halt_and_leave(Stopped::Unreached(why.clone()));
            }
        }
        Submitted::ServerError { why, .. } => {
            drop(board);
            tracing::debug!(%shot, "refused: {why}");
        }
        Submitted::Doubtful { why } => {
            drop(board);
            tracing::warn!(%shot, "in doubt: {why}");
        }
        Submitted::Rejected { .. }
        | Submitted::BadKey { .. }
        | Submitted::NoCredit { .. }
        | Submitted::WrongAddress { .. } => {}
    }
}

/// How long a shot waits in the queue. 429s and outages make everyone wait, so the shot need not
/// wait on top of it.
fn pause_of(card: &Card, pause: &Pause) -> Duration {
    match pause {
        Pause::None | Pause::Throttled(_) | Pause::Unreached => Duration::ZERO,
        Pause::Refused(asked) => retry::wait(*asked, card.job().refusals, fastrand::f64()),
    }
}

/// Polls a task until it is done, stalls, or everybody leaves.
async fn render(
    floor: &Floor,
    card: &mut Card,
    first_wait: Option<Duration>,
) -> Result<Action, Over> {
    let every = floor.orders.limits.poll_every;
    let mut wait = first_wait.unwrap_or(every);
    let mut unclear = 0;
    loop {
        let State::Rendering { task, .. } = &card.job().state else {
            return Ok(Action::Rest);
        };
        let poll = async {
            tokio::time::sleep(wait).await;
            floor.polls.place(1).await;
            floor.polls.leave().await;
            floor.tools.gateway.poll(task).await
        };
        let Some(polled) = floor.unless_leaving(poll).await else {
            return Ok(Action::Rest);
        };
        unclear = match &polled {
            Polled::Unclear { .. }
            | Polled::OtherTask { .. }
            | Polled::Unanswered { .. }
            | Polled::BadKey { .. } => unclear + 1,
            _ => 0,
        };
        mishap::point("poll answered");
        note_poll(floor, card, &polled, unclear);
        let then = floor.step(card, Event::Polled(polled)).await?;
        mishap::point("poll committed");
        match then {
            Action::Poll(asked) => {
                wait = asked.map_or_else(
                    || retry::poll_wait(every, unclear),
                    |asked| retry::wait(Some(asked), 1, 0.0).max(every),
                );
            }
            Action::Halt(halt) => {
                let why = "the gateway refuses the key for polls".to_owned();
                floor.halt_and_leave(Stopped::from((halt, why)));
                return Err(Over);
            }
            then => return Ok(then),
        }
    }
}

/// What a poll's answer means to everyone else.
fn note_poll(floor: &Floor, card: &Card, polled: &Polled, unclear: u32) {
    let shot = &card.entry.shot;
    let mut board = floor.board();
    match polled {
        Polled::Unanswered { why } => {
            let never = !board.reached && unclear >= floor.orders.limits.attempts;
            drop(board);
            tracing::debug!(%shot, "poll unanswered: {why}");
            if never {
                floor.halt_and_leave(Stopped::Unreached(why.clone()));
            }
        }
        Polled::Working { unknown: Some(state) } => {
            board.reached = true;
            let warn = board.strange.len() < MOST_STRANGE && board.strange.insert(state.clone());
            drop(board);
            if warn {
                tracing::warn!(%shot, "the gateway names a state that is not known: {state:?}");
            }
        }
        Polled::OtherTask { theirs } => {
            board.reached = true;
            let key = format!("another task for {shot}");
            let warn = board.strange.len() < MOST_STRANGE && board.strange.insert(key);
            drop(board);
            if warn {
                tracing::warn!(
                    %shot,
                    "asked after its task, the gateway answered about another one, {theirs}; that \
                     is not believed"
                );
            }
        }
        Polled::Unclear { why, .. } | Polled::Missing { why } => {
            board.reached = true;
            drop(board);
            tracing::debug!(%shot, "poll: {why}");
        }
        _ => board.reached = true,
    }
}
