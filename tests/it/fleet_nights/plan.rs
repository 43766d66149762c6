//! What a seed draws: the campaign, how many workers, and what goes wrong with which of them when.

use std::time::Duration;

use fastrand::Rng;

use crate::nights::plan::Night;

/// When something goes wrong; numbers count a worker's calls from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the round began.
    After(Duration),
    /// Before a POST leaves.
    BeforePost(u32),
    /// When the gateway has done what a POST asks and the worker has not heard.
    OnTheWire(u32),
    /// As soon as the worker has the answer to a POST.
    AfterAnswer(u32),
    /// Before a poll.
    Polling(u32),
    /// Before a download.
    Fetching(u32),
}

/// What goes wrong with a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Die,
    /// The user stops it.
    Stop,
    /// Its process does not run for so long.
    Freeze(Duration),
    /// It does not reach the database for so long.
    CutFromLedger(Duration),
    /// It does not reach the gateway for so long.
    CutFromGateway(Duration),
    /// Neither.
    CutFromBoth(Duration),
    /// The next answer of the database is lost.
    LoseAnswer,
    /// The same, and it does not reach the database for so long afterwards.
    LoseAnswerAndCut(Duration),
    /// The user pauses the campaign for so long, at this worker.
    Pause(Duration),
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Mishap {
    /// With which worker, of those that have joined so far in the round.
    pub worker: usize,
    pub when: When,
    pub what: What,
}

/// A time in which workers are at the campaign, until all have ended.
#[derive(Clone, Debug)]
pub struct Round {
    /// When each of them joins.
    pub joins: Vec<Duration>,
    pub mishaps: Vec<Mishap>,
    /// When the database forgets so many batches.
    pub forgets: Option<(Duration, usize)>,
    /// Whether failed shots are bought again.
    pub retry_failed: bool,
    /// Stop submitting after so many failures.
    pub max_failures: Option<u32>,
}

/// What a seed draws.
#[derive(Debug)]
pub struct FleetNight {
    pub night: Night,
    pub rounds: Vec<Round>,
    /// How long a call about a doubt is waited for, if the gateway calls.
    pub calls: Option<Duration>,
}

impl FleetNight {
    pub fn draw(dice: &mut Rng) -> Self {
        let count = if dice.u8(0..8) == 0 { dice.u32(12..41) } else { dice.u32(3..13) };
        let mut night = Night::of(count, dice);
        night.limits.in_flight = dice.u32(1..12);
        let mut rounds: Vec<Round> =
            (0..dice.u32(1..4)).map(|_| Round::draw(count, dice)).collect();
        // What is forgotten ends the night.
        if dice.u8(0..12) == 0
            && let Some(last) = rounds.last_mut()
        {
            let after = Duration::from_millis(dice.u64(200..20_000));
            last.forgets = Some((after, dice.usize(1..6)));
        }
        let calls = (dice.u8(0..2) == 0).then(|| Duration::from_secs(dice.u64(0..300)));
        Self { night, rounds, calls }
    }
}

impl Round {
    fn draw(shots: u32, dice: &mut Rng) -> Self {
        let workers = dice.usize(2..5);
        let joins = (0..workers).map(|nth| match (nth, dice.u8(0..3)) {
            (0, _) | (_, 0) => Duration::ZERO,
            (_, 1) => Duration::from_millis(dice.u64(0..3_000)),
            _ => Duration::from_millis(dice.u64(0..60_000)),
        });
        let joins: Vec<_> = joins.collect();
        let mishaps = (0..dice.u32(0..6)).map(|_| Mishap::draw(workers, shots, dice)).collect();
        Self {
            joins,
            mishaps,
            forgets: None,
            retry_failed: dice.u8(0..6) == 0,
            max_failures: (dice.u8(0..10) == 0).then(|| dice.u32(1..4)),
        }
    }

    /// One in which nothing goes wrong.
    pub fn quiet(workers: usize) -> Self {
        Self {
            joins: vec![Duration::ZERO; workers],
            mishaps: Vec::new(),
            forgets: None,
            retry_failed: false,
            max_failures: None,
        }
    }
}

impl Mishap {
    fn draw(workers: usize, shots: u32, dice: &mut Rng) -> Self {
        let call = |dice: &mut Rng| dice.u32(1..2 + shots / 2);
        let when = match dice.u8(0..10) {
            0 => When::BeforePost(call(dice)),
            1 => When::OnTheWire(call(dice)),
            2 => When::AfterAnswer(call(dice)),
            3 => When::Polling(call(dice)),
            4 => When::Fetching(call(dice)),
            5 => When::After(Duration::from_millis(dice.u64(0..90_000))),
            _ => When::After(Duration::from_millis(dice.u64(0..15_000))),
        };
        let what = match dice.u8(0..16) {
            0..3 => What::Die,
            3 => What::Stop,
            4..7 => What::Freeze(span(dice)),
            7..9 => What::CutFromLedger(span(dice)),
            9 => What::CutFromGateway(span(dice)),
            10..12 => What::CutFromBoth(span(dice)),
            12 | 13 => What::LoseAnswer,
            14 => What::LoseAnswerAndCut(span(dice)),
            _ => What::Pause(Duration::from_millis(dice.u64(0..20_000))),
        };
        Self { worker: dice.usize(..workers), when, what }
    }
}

/// Shorter than a lease, about as long, or longer than it and any POST.
fn span(dice: &mut Rng) -> Duration {
    Duration::from_millis(match dice.u8(0..4) {
        0 => dice.u64(0..3_000),
        1 => dice.u64(3_000..28_000),
        2 => dice.u64(24_000..40_000),
        _ => dice.u64(31_000..140_000),
    })
}
