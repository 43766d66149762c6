//! The moments at which requests may leave: asks the server for them, and says when they are by this
//! machine's clock.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::{Client, Row as SqlRow};

use super::beside::Beside;
use super::error::Trouble;
use super::process::boot_micros;
use super::rows::Found;
use super::server_clock::ServerClock;
use super::timings::interval;
use super::worker::patient;
use crate::ledger::{LedgerError, REACH, SlotRequest, Slots, Traffic};
use crate::policy::granted::LATE_PART;

/// Moments that were thrown away are asked for again so much later.
const AGAIN: Duration = Duration::from_millis(50);
/// After a warning that the database answers too slowly, the next one comes so much later.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Asks for moments.
pub(super) struct Pace {
    connection: Beside,
    clock: ServerClock,
    /// Before this moment of [`boot_micros`] none is used; `None`: the first exchange says it.
    ///
    /// One who has just joined cannot know whether the server's clock was set ahead in the last seconds.
    /// If it was, moments that others were given before are still to come, and would fall among its
    /// own. The others see it at their next exchange and have the line begin anew; there is no other
    /// clock in the server that would tell.
    usable_from: Option<i64>,
    /// Whether the lines are to begin anew when every moment that was given is over: a clock was set.
    anew: [bool; 2],
    /// Within so many microseconds the server's clock must be known; as of the last answer.
    unsure: i64,
    warned: Option<Instant>,
}

/// What the server answered, in microseconds of its clock.
struct Given {
    now: i64,
    first: i64,
    every: i64,
    count: u32,
    level: u32,
    quiet_until: i64,
    /// A window is stretched by so much, in milliseconds.
    margin: i64,
}

impl Pace {
    /// With `is_alone` no other worker can have been given a moment that is still to come.
    pub(super) fn new(connection: Beside, is_alone: bool) -> Self {
        Self {
            connection,
            clock: ServerClock::default(),
            usable_from: is_alone.then_some(i64::MIN),
            anew: [false; 2],
            unsure: i64::MAX,
            warned: None,
        }
    }

    /// See [`Fleet::slots`](crate::ledger::Fleet::slots). A call that is made twice wastes moments, and
    /// nothing else.
    pub(super) async fn slots(&mut self, request: SlotRequest) -> Result<Slots, LedgerError> {
        let now = boot_micros();
        // Where the clock is not known well enough, moments would be thrown away, and others lack them.
        let waits = self.usable_from.is_none_or(|from| now < from)
            || self.clock.bounds(now).is_some_and(|bounds| width(bounds) > self.unsure);
        let wanted = if waits { 0 } else { request.wanted };
        let anew = std::mem::take(&mut self.anew[line(request.traffic)]);
        let shared = std::sync::Arc::clone(&self.connection.shared);
        let server = self.connection.address.shown().to_owned();
        let mut exchange = (0, 0);
        let given = self
            .connection
            .retried(async |client| {
                let asked = boot_micros();
                let row = ask(client, shared.worker(), &request, wanted, anew).await;
                exchange = (asked, boot_micros());
                let row = row?.map_err(|error| Trouble::of(&server, &error))?;
                given(&Found { row: &row, server: &server })
            })
            .await?;
        Ok(self.placed(request, wanted, exchange, &given))
    }

    /// By this machine's clock: at the latest moment that is possible, so never too early.
    fn placed(
        &mut self,
        request: SlotRequest,
        wanted: u32,
        (asked, answered): (i64, i64),
        given: &Given,
    ) -> Slots {
        // The margin has room for requests that leave late, for three times what is not known of the
        // server's clock, and for clocks that do not go alike.
        let late = late(given.margin);
        let unsure = (given.margin * 1000 - micros(late)) / 3 - 1000;
        self.unsure = unsure;
        let is_steady = self.clock.learn(asked, answered, given.now, unsure.max(0) * 2);
        if !is_steady {
            tracing::debug!("a clock was set, here or in the database: moments begin anew");
            self.anew = [true; 2];
        }
        let usable_from = *self.usable_from.get_or_insert(answered + micros(REACH));
        let (lower, upper) = self.clock.bounds(answered).unwrap_or((i64::MIN, i64::MAX));
        let is_sure = width((lower, upper)) <= unsure;
        let now = (Instant::now(), boot_micros());
        let at = |server: i64| moment(now, server.saturating_sub(lower));
        let every = Duration::from_micros(given.every.unsigned_abs());
        let (level, quiet_until) = (given.level, at(given.quiet_until));
        let nothing = |again: Duration| Slots {
            first: now.0 + REACH + again,
            every,
            count: 0,
            late,
            level,
            quiet_until,
        };
        if !is_steady || (!is_sure && request.wanted > 0) {
            if !is_sure {
                self.warn(width((lower, upper)), given.margin);
            }
            return nothing(AGAIN);
        }
        if wanted < request.wanted {
            let waits = usable_from.saturating_sub(now.1).clamp(0, micros(REACH));
            return nothing(Duration::from_micros(waits.unsigned_abs()));
        }
        Slots { first: at(given.first), every, count: given.count, late, level, quiet_until }
    }

    fn warn(&mut self, unsure: i64, margin: i64) {
        let now = Instant::now();
        if self.warned.is_none_or(|warned| now - warned > WARN_EVERY) {
            self.warned = Some(now);
            // Half as much again as it needs now.
            let part = i64::from(LATE_PART);
            let fits = (unsure / 1000 + 2) * 3 * part / (part - 1) * 3 / 2;
            tracing::warn!(
                "{} takes {} ms to answer, too long for a share of a rate with a margin of {margin} ms: \
                 until it answers faster, nothing leaves from here. A wider margin lets it: rushes account \
                 --ledger URL --margin {fits}ms",
                self.connection.address,
                unsure / 1000
            );
        }
    }
}

/// How much after its moment a request may leave: a part of the margin, which is in milliseconds.
fn late(margin: i64) -> Duration {
    Duration::from_millis(margin.max(0).unsigned_abs()) / LATE_PART
}

/// How far apart two bounds are.
const fn width((lower, upper): (i64, i64)) -> i64 {
    upper.saturating_sub(lower)
}

const fn line(traffic: Traffic) -> usize {
    match traffic {
        Traffic::Posts => 0,
        Traffic::Polls => 1,
    }
}

async fn ask(
    client: &Client,
    worker: i64,
    request: &SlotRequest,
    wanted: u32,
    anew: bool,
) -> Result<Result<SqlRow, tokio_postgres::Error>, Trouble> {
    let (quiet, level) = request.setback.unwrap_or_default();
    let number = |it: u32| i32::try_from(it).unwrap_or(i32::MAX);
    let traffic = match request.traffic {
        Traffic::Posts => "posts",
        Traffic::Polls => "polls",
    };
    let sql = "SELECT * FROM slots($1, $2, $3, $4::text::interval, $5::text::interval, $6, $7, $8)";
    patient(client.query_one(
        sql,
        &[
            &worker,
            &traffic,
            &number(wanted),
            &interval(REACH),
            &interval(quiet),
            &number(level),
            &request.recovered,
            &anew,
        ],
    ))
    .await
}

fn given(found: &Found<'_>) -> Result<Given, Trouble> {
    Ok(Given {
        now: found.get(0)?,
        first: found.get(1)?,
        every: found.get(2)?,
        count: found.count(3)?,
        level: found.count(4)?,
        quiet_until: found.get(5)?,
        margin: found.get::<i32>(6)?.into(),
    })
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A moment of [`boot_micros`].
fn moment((now, clock): (Instant, i64), at: i64) -> Instant {
    let ahead = at.saturating_sub(clock);
    let span = Duration::from_micros(ahead.unsigned_abs());
    if ahead >= 0 {
        now.checked_add(span).unwrap_or(now)
    } else {
        now.checked_sub(span).unwrap_or(now)
    }
}
