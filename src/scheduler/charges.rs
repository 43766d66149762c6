//! Asks the gateway what finished tasks really cost and writes it down beside their prices. Only
//! beside them: it moves no money, delays no clip, and gives up where nobody answers.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::charge::{Charge, ChargeOutcome};
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::state::{AttemptId, Failure, State};

use super::event_log;
use super::floor::{Card, Floor};

/// So many questions are asked at once.
const MAX_AT_ONCE: u32 = 4;
/// How often one charge is asked for.
const MAX_TRIES: u32 = 2;
/// After so many answers in a row from which nothing can be learned nobody asks any more.
const MAX_MISSES: u32 = 3;

/// The questions that are still to be asked.
#[derive(Default)]
pub(super) struct Charges(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    line: VecDeque<Question>,
    asking: u32,
    misses: u32,
    /// Whether it was said that charges cannot be learned.
    said_unknown: bool,
    /// Whether it was said that something cost more than its price.
    said_dearer: bool,
}

/// What did this task cost?
struct Question {
    shot: ShotId,
    attempt: AttemptId,
    task: TaskId,
    /// What it should have cost.
    expected: Option<Usd>,
}

impl Charges {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is asked any more.
    pub(super) fn are_known(&self) -> bool {
        self.desk().asking == 0
    }
}

/// Asks what a task cost, if it has ended and somebody wants to know.
pub(super) fn ask(floor: &Arc<Floor>, card: &Card, task: TaskId) {
    let Some(charges) = &floor.charges else { return };
    let (attempt, expected) = match &card.job().state {
        State::Rendered { attempt, .. } => (*attempt, card.entry.price),
        State::Failed { attempt: Some(attempt), failure: Failure::NotRendered, .. } => {
            let is_free = !card.entry.charged_if_failed;
            (*attempt, if is_free { Some(Usd::ZERO) } else { card.entry.price })
        }
        _ => return,
    };
    let mut desk = charges.desk();
    if desk.misses >= MAX_MISSES {
        return;
    }
    let shot = card.entry.shot.clone();
    desk.line.push_back(Question { shot, attempt, task, expected });
    if desk.asking < MAX_AT_ONCE {
        desk.asking += 1;
        drop(desk);
        tokio::spawn(work(Arc::clone(floor)));
    }
}

/// Rings when somebody has asked all there was, however that ended.
struct Asking<'a> {
    floor: &'a Floor,
    charges: &'a Charges,
    is_counted: bool,
}

impl Asking<'_> {
    /// The next question; without one nobody counts on this asker any more.
    fn next(&mut self) -> Option<Question> {
        let mut desk = self.charges.desk();
        let next = desk.line.pop_front();
        if next.is_none() {
            desk.asking -= 1;
            self.is_counted = false;
        }
        next
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.is_counted {
            self.charges.desk().asking -= 1;
        }
        self.floor.bell.notify_one();
    }
}

async fn work(floor: Arc<Floor>) {
    let Some(charges) = &floor.charges else { return };
    let mut asking = Asking { floor: &floor, charges, is_counted: true };
    while let Some(question) = asking.next() {
        let Some(billed) = floor.unless_leaving(answer(&floor, &question.task)).await else {
            charges.desk().line.clear();
            return;
        };
        match billed {
            ChargeOutcome::Settled(charge) => {
                charges.desk().misses = 0;
                let kept = floor.tools.ledger.charge(question.attempt, charge.clone()).await;
                if let Err(error) = kept {
                    // The failure is everybody's; there is no more to do about it here.
                    let _over = floor.ledger_failed(error);
                    return;
                }
                event_log::charged(&question.shot, question.attempt, &question.task, &charge);
                compare(charges, &question, &charge);
            }
            ChargeOutcome::Unsettled => {
                tracing::debug!(shot = %question.shot, "its charge is not settled yet");
            }
            ChargeOutcome::Unknown { why } => missed(charges, &why),
        }
    }
}

async fn answer(floor: &Floor, task: &TaskId) -> ChargeOutcome {
    let mut tries = 1;
    loop {
        floor.polls.place(1).await;
        floor.polls.leave().await;
        match floor.tools.gateway.charge(task).await {
            ChargeOutcome::Unsettled if tries < MAX_TRIES => tries += 1,
            billed => return billed,
        }
        tokio::time::sleep(floor.orders.limits.poll_every).await;
    }
}

/// Says once if something cost more than its price, for the cap goes by prices.
fn compare(charges: &Charges, question: &Question, charge: &Charge) {
    let Question { shot, expected, .. } = question;
    let dearer = expected.filter(|price| charge.against(*price) == Some(Ordering::Greater));
    let Some(price) = dearer else { return };
    let is_news = !std::mem::replace(&mut charges.desk().said_dearer, true);
    if is_news {
        tracing::warn!(
            %shot,
            "the gateway charged {charge} where {price} USD was expected: prices have changed, and \
             the cap goes by those of the catalog; lower the cap or bring the catalog up to date \
             (--catalog). Further charges like this one are only written down"
        );
    }
}

fn missed(charges: &Charges, why: &str) {
    let mut desk = charges.desk();
    desk.misses += 1;
    if desk.misses >= MAX_MISSES {
        desk.line.clear();
    }
    let is_news = !std::mem::replace(&mut desk.said_unknown, true);
    drop(desk);
    if is_news {
        tracing::warn!("what a task really cost cannot be learned from this gateway: {why}");
    }
}
