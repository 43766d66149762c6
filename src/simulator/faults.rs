//! What goes wrong, how often, by profile. A table and the draw that reads it; must not know the
//! simulator's state or time.

use super::profile::Profile;
use super::rng::SimRng;

/// What goes wrong with a POST, a poll or a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// 500 or 503 in the envelope, or a download's 5xx; nothing bought.
    ServerError,
    /// A proxy's 502, 503, 504 or 520–524 with an HTML page; nothing bought.
    Proxy,
    /// 429, with `Retry-After` in seconds, as a date, or not at all.
    Throttled,
    /// No connection.
    NotSent,
    /// The connection closes without an answer, nothing bought; or the clip is cut short of the
    /// announced length.
    Cut,
    /// The connection closes without an answer, but it was bought.
    CutAfter,
    /// No answer ever; nothing bought.
    Hang,
    /// No answer ever, but it was bought.
    HangAfter,
    /// Bought; the connection closes in the middle of the answer.
    Torn,
    /// Bought; the answer is a 2xx that does not name the task, or says nothing about it.
    Garbled,
    /// Answered in an odd but readable shape: numbers as strings, fields left out.
    Odd,
    /// Bought, but answered with a 5xx.
    Lie,
    /// A poll's 404, as if the task were unknown.
    Missing,
    /// A word for the task's state that is on no page.
    UnknownState,
    /// A download's 403 or 404, as if the clip were gone.
    Refused,
    /// The clip is cut short, with no length announced: it looks whole.
    Quiet,
    /// The clip comes in drops.
    Slow,
    /// 200 with a web page instead of the clip.
    Page,
    /// The clip is whole, but with neither length nor ranges.
    Plain,
    /// A POST's 200 with a `code` of the gateway's own that says too many tasks; nothing bought.
    Busy,
    /// Bought; the answer is a redirect that names the task.
    Redirected,
    /// Bought; the task's id is not where it usually is.
    Nested,
    /// A firewall's page with a 403 in answer to a poll.
    Firewall,
    /// The clip comes in a trickle that takes most of a minute.
    Trickling,
}

/// What becomes of a task, other than being rendered in its usual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misfortune {
    /// Rendered, but five times as slowly.
    Late,
    /// Fails.
    Fails,
    /// Never ends.
    Stuck,
    /// Ends with words that are neither a clip nor a plain failure, or fails by bad luck.
    Odd,
}

/// Of a failed task's ways to end: completed, with a reason and without a clip.
pub(super) const WITHHELD: u8 = 8;
/// Canceled by the operator.
pub(super) const CANCELED: u8 = 9;
/// Completed, without a reason or a clip.
pub(super) const EMPTY: u8 = 10;
/// An error code in answer to every poll.
pub(super) const CODED: u8 = 11;
/// All that are odd, retryable ones among them; the words are in the answers.
pub(super) const ODD_ENDS: [u8; 6] = [WITHHELD, CANCELED, EMPTY, CODED, 12, 13];

/// Chances in ten thousand: flaky, storm, liar, field. Calm and broke have none.
type Table<T> = [(T, [u16; 4])];

const POST: &Table<Fault> = &[
    (Fault::ServerError, [150, 500, 300, 150]),
    (Fault::Proxy, [100, 300, 100, 50]),
    (Fault::Throttled, [200, 700, 200, 150]),
    (Fault::NotSent, [100, 300, 100, 50]),
    (Fault::Cut, [50, 200, 100, 20]),
    (Fault::CutAfter, [50, 200, 100, 20]),
    (Fault::Hang, [20, 60, 20, 0]),
    (Fault::HangAfter, [20, 60, 20, 0]),
    (Fault::Torn, [30, 100, 50, 30]),
    (Fault::Garbled, [30, 100, 50, 30]),
    (Fault::Odd, [200, 1_000, 500, 200]),
    (Fault::Lie, [0, 0, 800, 0]),
    (Fault::Busy, [0, 0, 0, 300]),
    (Fault::Redirected, [0, 0, 0, 100]),
    (Fault::Nested, [0, 0, 0, 500]),
];

const POLL: &Table<Fault> = &[
    (Fault::ServerError, [200, 600, 300, 100]),
    (Fault::Proxy, [100, 300, 100, 100]),
    (Fault::Throttled, [100, 300, 100, 100]),
    (Fault::Missing, [100, 300, 100, 50]),
    (Fault::Cut, [100, 300, 100, 50]),
    (Fault::Hang, [10, 50, 20, 0]),
    (Fault::Torn, [50, 200, 50, 50]),
    (Fault::Garbled, [50, 200, 50, 50]),
    (Fault::UnknownState, [100, 500, 200, 100]),
    (Fault::Odd, [200, 1_000, 500, 300]),
    (Fault::Firewall, [0, 0, 0, 200]),
];

const CLIP: &Table<Fault> = &[
    (Fault::Refused, [200, 800, 200, 100]),
    (Fault::ServerError, [200, 500, 200, 100]),
    (Fault::Cut, [200, 700, 200, 150]),
    (Fault::Quiet, [100, 300, 100, 50]),
    (Fault::Slow, [100, 400, 100, 50]),
    (Fault::Hang, [10, 50, 20, 0]),
    (Fault::Page, [50, 150, 50, 50]),
    (Fault::Plain, [200, 1_000, 300, 200]),
    (Fault::Trickling, [0, 0, 0, 40]),
];

const FATE: &Table<Misfortune> = &[
    (Misfortune::Late, [100, 300, 100, 200]),
    (Misfortune::Fails, [300, 600, 300, 100]),
    (Misfortune::Stuck, [30, 100, 50, 50]),
    (Misfortune::Odd, [0, 0, 0, 1_000]),
];

/// How often a storm refuses a request's first one to three POSTs in a row with a 5xx.
const BURST: [u16; 4] = [0, 600, 0, 100];

/// Every fourth call about the same thing goes well, so that a client that tries again succeeds.
const PATIENCE: u32 = 4;

const fn column(profile: Profile) -> Option<usize> {
    match profile {
        Profile::Calm | Profile::Broke => None,
        Profile::Flaky => Some(0),
        Profile::Storm => Some(1),
        Profile::Liar => Some(2),
        Profile::Field => Some(3),
    }
}

fn draw<T: Copy>(table: &Table<T>, profile: Profile, rng: &mut SimRng) -> Option<T> {
    let column = column(profile)?;
    let mut left = rng.below(10_000);
    table.iter().find_map(|(fault, chances)| {
        let chance = u64::from(chances[column]);
        let hit = left < chance;
        left = left.saturating_sub(chance);
        hit.then_some(*fault)
    })
}

fn goes_well(nth: u32) -> bool {
    nth % PATIENCE == PATIENCE - 1
}

/// What goes wrong with the `nth` POST of the request with this hash.
#[must_use]
pub fn post(profile: Profile, seed: u64, request: &[u8], nth: u32) -> Option<Fault> {
    let column = column(profile)?;
    if goes_well(nth) {
        return None;
    }
    let mut burst = SimRng::new(seed, "burst", request, nth / PATIENCE);
    if burst.comes_up(BURST[column]) && u64::from(nth % PATIENCE) <= burst.below(3) {
        return Some(burst.pick([Fault::ServerError, Fault::ServerError, Fault::Proxy]));
    }
    draw(POST, profile, &mut SimRng::new(seed, "post", request, nth))
}

/// What goes wrong with the `nth` poll of a task.
#[must_use]
pub fn poll(profile: Profile, seed: u64, task: &str, nth: u32) -> Option<Fault> {
    if goes_well(nth) {
        return None;
    }
    draw(POLL, profile, &mut SimRng::new(seed, "poll", task.as_bytes(), nth))
}

/// What goes wrong with the `nth` download of a clip.
#[must_use]
pub fn clip(profile: Profile, seed: u64, path: &str, nth: u32) -> Option<Fault> {
    if goes_well(nth) {
        return None;
    }
    draw(CLIP, profile, &mut SimRng::new(seed, "clip", path.as_bytes(), nth))
}

/// Whether a firewall refuses the request with this hash, however often it is sent.
#[must_use]
pub fn is_blocked(profile: Profile, seed: u64, request: &[u8]) -> bool {
    profile == Profile::Field && SimRng::new(seed, "firewall", request, 0).comes_up(100)
}

/// How long after a task has ended its clip is not there yet, in milliseconds.
#[must_use]
pub fn lag(profile: Profile, seed: u64, path: &str) -> u64 {
    let mut rng = SimRng::new(seed, "lag", path.as_bytes(), 0);
    if profile == Profile::Field && rng.comes_up(1_000) { 2_000 + rng.below(10_000) } else { 0 }
}

/// What becomes of a task.
pub fn fate(profile: Profile, rng: &mut SimRng) -> Option<Misfortune> {
    draw(FATE, profile, rng)
}
