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
}

/// Chances in ten thousand: flaky, storm, liar. Calm and broke have none.
type Table<T> = [(T, [u16; 3])];

const POST: &Table<Fault> = &[
    (Fault::ServerError, [150, 500, 300]),
    (Fault::Proxy, [100, 300, 100]),
    (Fault::Throttled, [200, 700, 200]),
    (Fault::NotSent, [100, 300, 100]),
    (Fault::Cut, [50, 200, 100]),
    (Fault::CutAfter, [50, 200, 100]),
    (Fault::Hang, [20, 60, 20]),
    (Fault::HangAfter, [20, 60, 20]),
    (Fault::Torn, [30, 100, 50]),
    (Fault::Garbled, [30, 100, 50]),
    (Fault::Odd, [200, 1_000, 500]),
    (Fault::Lie, [0, 0, 800]),
];

const POLL: &Table<Fault> = &[
    (Fault::ServerError, [200, 600, 300]),
    (Fault::Proxy, [100, 300, 100]),
    (Fault::Throttled, [100, 300, 100]),
    (Fault::Missing, [100, 300, 100]),
    (Fault::Cut, [100, 300, 100]),
    (Fault::Hang, [10, 50, 20]),
    (Fault::Torn, [50, 200, 50]),
    (Fault::Garbled, [50, 200, 50]),
    (Fault::UnknownState, [100, 500, 200]),
    (Fault::Odd, [200, 1_000, 500]),
];

const CLIP: &Table<Fault> = &[
    (Fault::Refused, [200, 800, 200]),
    (Fault::ServerError, [200, 500, 200]),
    (Fault::Cut, [200, 700, 200]),
    (Fault::Quiet, [100, 300, 100]),
    (Fault::Slow, [100, 400, 100]),
    (Fault::Hang, [10, 50, 20]),
    (Fault::Page, [50, 150, 50]),
    (Fault::Plain, [200, 1_000, 300]),
];

const FATE: &Table<Misfortune> = &[
    (Misfortune::Late, [100, 300, 100]),
    (Misfortune::Fails, [300, 600, 300]),
    (Misfortune::Stuck, [30, 100, 50]),
];

/// How often a storm refuses a request's first one to three POSTs in a row with a 5xx.
const BURST: [u16; 3] = [0, 600, 0];

/// Every fourth call about the same thing goes well, so that a client that tries again succeeds.
const PATIENCE: u32 = 4;

const fn column(profile: Profile) -> Option<usize> {
    match profile {
        Profile::Calm | Profile::Broke => None,
        Profile::Flaky => Some(0),
        Profile::Storm => Some(1),
        Profile::Liar => Some(2),
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

/// What becomes of a task.
pub fn fate(profile: Profile, rng: &mut SimRng) -> Option<Misfortune> {
    draw(FATE, profile, rng)
}
