//! Who is submitted next, and when the run is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::transition::Next;

use super::evidence::{self, Evidence};
use super::floor::{Card, Floor};
use super::life::{First, life};
use super::orders::{CancelToken, RunOutcome, StopReason};

/// So many pauses in a row with nothing accepted, for so long, mean an exhausted account.
const THROTTLED_ROUNDS: u32 = 10;
const THROTTLED_FOR: Duration = Duration::from_secs(600);

/// What to do next.
enum Turn {
    /// Somebody may be submitted as soon as the pace allows; this many places in it.
    Submit(u32),
    /// Nobody may, before this moment or before the bell rings.
    Wait(Option<Duration>),
    /// Nobody ever will in this run.
    Over,
}

/// Submits whoever may be until nobody is left, nobody may be any more, or the user stops.
/// `lives` are the shots that are on their way already.
pub(super) async fn run(
    floor: &Arc<Floor>,
    mut lives: JoinSet<()>,
    stop: &CancelToken,
) -> RunOutcome {
    let (mut interrupted, mut said) = (false, false);
    loop {
        evidence::release(floor);
        let paused = floor.tools.pause.is_paused();
        floor.show_paused(paused);
        let next = if interrupted { Turn::Over } else { next(floor) };
        let awaited = if interrupted { None } else { awaited(floor) };
        if matches!(next, Turn::Over) && lives.is_empty() {
            let asking = floor.charges.as_ref().is_some_and(|charges| !charges.are_known());
            match awaited {
                None if asking => {}
                None => break,
                Some(_) => say_awaited(floor, &mut said),
            }
        }
        let bell = floor.bell.notified();
        tokio::select! {
            biased;
            () = stop.cancelled(), if !interrupted => {
                interrupted = true;
                floor.show_stopping(RunOutcome::Interrupted);
                floor.leave();
            }
            Some(ended) = lives.join_next(), if !lives.is_empty() => note_panic(floor, ended),
            () = place(floor, &next) => {
                if let Some(card) = pick(floor) {
                    lives.spawn(life(Arc::clone(floor), card, First::Act(Next::Post)));
                }
            }
            (token, tasks) = knock(floor), if !floor.is_leaving() => {
                if let Some((card, first)) = evidence::called(floor, token, tasks) {
                    lives.spawn(life(Arc::clone(floor), card, first));
                }
            }
            () = until(floor, awaited) => {}
            () = floor.tools.pause.turns(paused) => {}
            () = bell => {}
        }
    }
    ended(floor, interrupted)
}

/// Waits for the next callback.
async fn knock(floor: &Floor) -> (Secret, Vec<TaskId>) {
    match &floor.evidence {
        Some(evidence) => evidence.knock().await,
        None => std::future::pending().await,
    }
}

/// Until when a callback about a shot in doubt is waited for next; `None` when none is, also
/// because the run is to end.
fn awaited(floor: &Floor) -> Option<Duration> {
    let (_, first, _) = floor.evidence.as_ref()?.awaited()?;
    let now = floor.tools.clock.now();
    let first = floor.orders.deadline.map_or(first, |deadline| deadline.min(first));
    let ends = floor.board().stopped.is_some() || first <= now;
    (!ends).then(|| floor.epoch.now() + first.since(now))
}

async fn until(floor: &Floor, moment: Option<Duration>) {
    match moment {
        Some(moment) => floor.epoch.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Says once that nothing else is left to do.
fn say_awaited(floor: &Floor, said: &mut bool) {
    let waited = floor.evidence.as_ref().and_then(Evidence::awaited);
    if let (Some((count, _, last)), false) = (waited, std::mem::replace(said, true)) {
        let shots =
            if count == 1 { "one shot is".to_owned() } else { format!("{count} shots are") };
        tracing::info!(
            "{shots} in doubt, and the gateway may still call about them: waiting until {last} at \
             the latest (Ctrl-C ends it)"
        );
    }
}

/// Waits for the moment `next` speaks of.
async fn place(floor: &Floor, next: &Turn) {
    match next {
        Turn::Submit(places) => floor.posts.place(*places).await,
        Turn::Wait(Some(until)) => floor.epoch.sleep_until(*until).await,
        Turn::Wait(None) | Turn::Over => std::future::pending().await,
    }
}

fn next(floor: &Floor) -> Turn {
    match judge(floor) {
        Turn::Wait(until) => {
            let deadline = floor.to_deadline().map(|left| floor.epoch.now() + left);
            Turn::Wait(until.into_iter().chain(deadline).min())
        }
        next => next,
    }
}

fn judge(floor: &Floor) -> Turn {
    check_deadline(floor);
    check_throttling(floor);
    let mut board = floor.board();
    let now = floor.epoch.now();
    board.queue.wake(now);
    if board.stopped.is_some() || board.queue.is_empty() {
        return Turn::Over;
    }
    let quiet = board.throttled.quiet_until().max(board.outage.quiet_until());
    let paused = board.queue.next_wake();
    if board.in_flight >= floor.orders.limits.in_flight {
        Turn::Wait(None)
    } else if !board.queue.fits(floor.left(&board)) {
        // Money may come free as long as something is in flight, and those who pause may be
        // cheaper than those who are ready.
        if let Some(until) = paused {
            return Turn::Wait(Some(until));
        }
        floor.show_held(board.queue.len());
        Turn::Over
    } else if floor.tools.pause.is_paused() {
        Turn::Wait(None)
    } else if quiet > now {
        Turn::Wait(Some(quiet))
    } else {
        Turn::Submit(board.throttled.places())
    }
}

/// Takes the next card off the queue and gives it its place in flight and its money.
fn pick(floor: &Floor) -> Option<Box<Card>> {
    check_deadline(floor);
    let mut board = floor.board();
    let quiet = board.throttled.quiet_until().max(board.outage.quiet_until());
    let full = board.in_flight >= floor.orders.limits.in_flight;
    let held_back = board.stopped.is_some() || floor.tools.pause.is_paused();
    if held_back || full || quiet > floor.epoch.now() {
        return None;
    }
    let left = floor.left(&board);
    let (rank, price) = board.queue.pop(left)?;
    let card = board.waiting.get_mut(rank.position.0 as usize)?.take()?;
    board.in_flight += 1;
    board.picked += price.unwrap_or_default();
    Some(card)
}

fn check_deadline(floor: &Floor) {
    if floor.to_deadline().is_some_and(|left| left.is_zero()) {
        let waiting = !floor.board().queue.is_empty();
        if waiting || holds_back(floor) {
            floor.halt(StopReason::Deadline);
        }
    }
}

/// Whether somebody is to be bought again once a callback was waited for long enough.
fn holds_back(floor: &Floor) -> bool {
    floor.evidence.as_ref().is_some_and(Evidence::holds_back)
}

fn check_throttling(floor: &Floor) {
    let board = floor.board();
    let hopeless = board.in_flight == 0
        && board.throttled.in_a_row() >= THROTTLED_ROUNDS
        && board.throttled.lasting() >= THROTTLED_FOR;
    let rounds = board.throttled.in_a_row();
    drop(board);
    if hopeless {
        floor.halt(StopReason::Throttled(format!(
            "the gateway answered 429 {rounds} times in a row and accepted nothing"
        )));
    }
}

fn note_panic(floor: &Floor, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        floor.halt_and_leave(StopReason::Defect(error.to_string()));
    }
}

fn ended(floor: &Floor, interrupted: bool) -> RunOutcome {
    let held_back = holds_back(floor);
    let board = floor.board();
    let nobody_left = board.queue.is_empty() && !held_back;
    match &board.stopped {
        _ if interrupted => RunOutcome::Interrupted,
        // These two stop nothing when nobody is left to be stopped.
        None | Some(StopReason::Failures(_) | StopReason::Deadline) if nobody_left => {
            RunOutcome::Done
        }
        Some(stopped) => RunOutcome::Stopped(stopped.clone()),
        None => RunOutcome::Stopped(StopReason::Cap { held: board.queue.len() }),
    }
}
