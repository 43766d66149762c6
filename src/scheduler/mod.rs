//! The scheduler: one owner of a run's state, a driver around it, and effects that do one thing each.
//!
//! # The way of one shot
//! 1. `cli::run::run` loads the manifest, opens the ledger, and calls [`run`].
//! 2. `Ledger::record` makes the manifest's shots the current ones; `Ledger::assign` hands over what
//!    is to be worked on.
//! 3. `recovery`: `Scheduler::recover_from` says what each stored state means now; a queued shot goes
//!    into the queue (`Scheduler::enqueue`).
//! 4. `dispatch`: `Scheduler::submit_next` takes it out when place, money and rate allow it;
//!    `Scheduler::claim` makes the transition ([`RevisionState::after`]) and puts it into the output.
//!    Local files are read before that, and sent to the gateway where a request cannot carry them
//!    (`uploads`, `loads`).
//! 5. `driver`: `Driver::carry_out` has `Ledger::commit` write the batch, and hands the verdicts to
//!    `Scheduler::committed`.
//! 6. `dispatch`: `Scheduler::claimed`, then `Scheduler::begin_leaving` and `Scheduler::post` when the
//!    window allows it.
//! 7. `effects`: `World::submit` sends the POST once (`Provider::submit`) and comes back as an event.
//! 8. `dispatch`: `Scheduler::submitted` makes the transition to rendering; `Scheduler::settle` sends
//!    it on to be polled.
//! 9. `poll`: `Scheduler::poll_in`, `Scheduler::begin_questions`; `World::perform` polls;
//!    `Scheduler::polled` makes the transition to rendered.
//! 10. `download`: `Scheduler::fetch`, `Scheduler::begin_downloads`; `World::download` writes the clip
//!     (`ClipStore::begin`, `ClipWriter::publish`); `Scheduler::stored` makes the transition to
//!     delivered.
//!
//! A task that its revision is no longer about goes the last two steps only, and nothing but its end is
//! written (`earlier`).
//!
//! Between any two of them lies the driver's loop: events in, one commit, effects out.
//!
//! [`RevisionState::after`]: crate::domain::state::RevisionState::after

mod assignments;
mod balance;
mod charges;
mod contents;
mod core;
mod dispatch;
mod doubts;
mod download;
mod driver;
mod earlier;
mod effects;
mod ends;
mod event_log;
mod fleet;
mod former;
mod in_flight;
mod latest;
mod loads;
mod longest;
mod metrics;
mod options;
mod outcome;
mod placement;
mod poll;
mod progress;
mod questions;
mod recovery;
mod refusal_counts;
mod refusals;
mod renders;
mod shared_pace;
mod sharing;
mod shot_state;
mod steps;
mod stops;
mod subscriptions;
mod switches;
mod uploads;

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::shot::Shot;
use crate::failpoint;
use crate::ledger::{Assign, Fleet, Ledger, LedgerError};

pub use self::core::{Output, Scheduler};
use driver::Driver;
pub use effects::{DownloadOutcome, Effect, Event, GrantedMoments};
pub use event_log::{Cause, EVENT_LOG, EventRecord};
pub use in_flight::{Since, Wire};
pub use metrics::{Histogram, Metrics, OUTCOMES};
pub use options::{Deps, RunOptions, Setup};
pub use outcome::{RunOutcome, StopReason};
pub use progress::{Ends, Progress};
pub use shot_state::{PartialClip, Slot};
pub use switches::{CancelToken, PauseSwitch};
pub use uploads::LoadError;

/// Renders the shots, or goes on with them, until nothing is left to do or something stops it.
/// `progress` always holds the present counts. With [`RunOptions::submit`] off, `shots` is not looked
/// at: what the ledger has in flight is polled and fetched.
///
/// # Errors
/// When the ledger fails before anything was sent.
pub async fn run(
    shots: Arc<[Shot]>,
    options: RunOptions,
    deps: Deps,
    cancel: CancelToken,
    progress: watch::Sender<Progress>,
) -> Result<RunOutcome, LedgerError> {
    let ledger = Arc::clone(&deps.ledger);
    let setup = Setup::of(&deps)
        .map_err(|error| LedgerError::defect(format!("no random numbers: {error}")))?;
    let driver = Driver::new(deps, cancel.clone(), progress);
    let prepared = {
        let preparing = prepare(shots, options, setup, &*ledger, &driver);
        tokio::pin!(preparing);
        tokio::select! {
            biased;
            prepared = &mut preparing => prepared,
            () = cancel.cancelled() => {
                ledger.hurry();
                preparing.await
            }
        }
    };
    match prepared {
        // On the heap: the caller's future would hold all of it.
        Ok(scheduler) => Box::pin(driver.run(scheduler)).await,
        Err(error) if cancel.is_cancelled() => {
            tracing::error!("{error}");
            Ok(RunOutcome::Interrupted)
        }
        Err(error) => Err(error),
    }
}

/// Reads the campaign as it stands, and says what each stored state means now.
async fn prepare(
    shots: Arc<[Shot]>,
    options: RunOptions,
    setup: Setup,
    ledger: &dyn Ledger,
    driver: &Driver,
) -> Result<Scheduler, LedgerError> {
    let now = driver.now();
    let mut scheduler = Scheduler::new(Arc::clone(&shots), options.clone(), setup, now.clock);
    if let Some(fleet) = ledger.fleet() {
        scheduler.set_paused(driver.is_paused());
        begin(fleet, ledger, &mut scheduler, driver).await?;
        return Ok(scheduler);
    }
    let subscriptions = ledger.subscriptions().await?;
    let places = (0_u32..).map(Some);
    let (current, others) = if options.submit {
        let recorded = ledger.record(shots, now.clock).await?;
        failpoint::point("shots recorded");
        event_log::queued(recorded.iter().filter(|entry| options.takes_up(entry)));
        (recorded, ledger.assign(Assign::Leftovers).await?)
    } else {
        (Vec::new(), ledger.assign(Assign::All).await?)
    };
    let entries = current.into_iter().zip(places).chain(others.into_iter().map(|it| (it, None)));
    scheduler.set_paused(driver.is_paused());
    scheduler.recover_from(now, entries, subscriptions);
    let mut earlier = ledger.earlier_tasks().await?;
    earlier.retain(|task| {
        scheduler.options.submit || scheduler.options.selects(task.entry.shot.as_str())
    });
    scheduler.take_earlier(now, earlier);
    Ok(scheduler)
}

/// Begins as one of several workers, which are handed what there is to do as they go.
async fn begin(
    fleet: &dyn Fleet,
    ledger: &dyn Ledger,
    scheduler: &mut Scheduler,
    driver: &Driver,
) -> Result<(), LedgerError> {
    let (shots, options) = (Arc::clone(&scheduler.shots), &scheduler.options);
    let selected = |(place, shot): (u32, &Shot)| options.selects(shot.id.as_str()).then_some(place);
    let only = options.only.is_some().then(|| (0..).zip(&*shots).filter_map(selected).collect());
    let current = options.submit.then(|| Arc::clone(&shots));
    let begun = fleet.begin(current, only, driver.now().clock).await?;
    scheduler.begun(&begun.counts, begun.to_buy);
    let now = driver.now();
    let earlier = if fleet.begins_run() { ledger.earlier_tasks().await? } else { Vec::new() };
    scheduler.take_earlier(now, earlier);
    Ok(())
}
