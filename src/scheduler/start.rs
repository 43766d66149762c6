//! Where every shot stands when a run begins, and what it does first.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::state::{Failure, ShotEvent, State};
use crate::domain::transition::{Backoff, Next};
use crate::failpoint;
use crate::ledger::LedgerError;

use super::event_log;
use super::evidence::settle;
use super::floor::{Card, Floor};
use super::life::{First, life};

/// Writes down every shot, queues those to be submitted, and begins the lives of those on their way.
pub(super) async fn start(floor: &Arc<Floor>) -> Result<JoinSet<()>, LedgerError> {
    let ledger = &floor.tools.ledger;
    let now = floor.tools.clock.now();
    let mut lives = JoinSet::new();
    floor.show_money();
    if let Some(evidence) = &floor.evidence {
        ledger.calls().await?.into_iter().for_each(|call| evidence.expect(call));
    }
    let others = if floor.orders.submit {
        let recorded = ledger.record(Arc::clone(&floor.shots), now).await?;
        failpoint::point("shots recorded");
        event_log::queued(recorded.iter().filter(|entry| floor.takes_up(entry)));
        for (place, entry) in (0_u32..).zip(recorded) {
            begin(floor, &mut lives, Card::new(entry, Some(place), now, floor.epoch));
        }
        ledger.leftovers().await?
    } else {
        ledger.entries().await?
    };
    for entry in others {
        begin(floor, &mut lives, Card::new(entry, None, now, floor.epoch));
    }
    if let Some(evidence) = &floor.evidence {
        evidence.open();
    }
    Ok(lives)
}

fn begin(floor: &Arc<Floor>, lives: &mut JoinSet<()>, card: Card) {
    floor.count_in(&card);
    let card = Box::new(card);
    match first(floor, &card) {
        // Nobody has knocked yet, so that nobody is given back.
        None => drop(settle(floor, card, &Next::Rest)),
        Some(First::Act(again @ Next::Requeue(_))) => drop(settle(floor, card, &again)),
        Some(first) => {
            if matches!(first, First::Act(Next::Poll(_))) {
                floor.board().in_flight += 1;
            }
            lives.spawn(life(Arc::clone(floor), card, first));
        }
    }
}

/// What a shot does first; `None` when it rests.
fn first(floor: &Floor, card: &Card) -> Option<First> {
    let submits = floor.submits(card);
    let queue = || First::Act(Next::Requeue(Backoff::None));
    match &card.job().state {
        State::Queued { .. } => submits.then(queue),
        State::Submitting { .. } => Some(First::Happened(ShotEvent::FoundSubmitting)),
        State::Rendering { .. } => Some(First::Act(Next::Poll(Some(Duration::ZERO)))),
        State::Rendered { .. } => Some(First::Act(Next::Fetch)),
        State::InDoubt { .. } => card.job().is_bought_again(&floor.rules(card)).then(queue),
        State::Failed { failure, .. } => {
            let again = submits && floor.orders.retry_failed && *failure != Failure::Abandoned;
            again.then_some(First::Happened(ShotEvent::RetryFailed))
        }
        State::Delivered { .. } => None,
    }
}
