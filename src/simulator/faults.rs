//! What goes wrong, how often, by profile. A table and the throw that reads it; knows neither the
//! world nor time.

use super::profile::Profile;
use super::rng::SimRng;

/// What goes wrong with a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PostFault {
    /// 500 or 503 in the envelope; nothing bought.
    ServerError,
    /// A proxy's 502, 503, 504 or 520–524 with an HTML page; nothing bought.
    Proxy,
    /// 429, with `Retry-After` in seconds, as a date, or not at all.
    Throttled,
    /// No connection.
    NotSent,
    /// The connection closes without an answer; nothing bought.
    CutBefore,
    /// The same, but it was bought.
    CutAfter,
    /// No answer ever; nothing bought.
    HangBefore,
    /// The same, but it was bought.
    HangAfter,
    /// Bought; the connection closes in the middle of the answer.
    Torn,
    /// Bought; the answer is a 2xx that does not name the task.
    Garbled,
    /// Bought and answered, in an odd but readable shape.
    Odd,
    /// Bought, but answered with a 5xx.
    Lie,
}

/// What goes wrong with a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PollFault {
    /// 500 or 503 in the envelope.
    ServerError,
    /// A proxy's error page.
    Proxy,
    /// 429.
    Throttled,
    /// 404, as if the task were unknown.
    Missing,
    /// The connection closes without an answer.
    Cut,
    /// No answer ever.
    Hang,
    /// The connection closes in the middle of the answer.
    Torn,
    /// A 200 that says nothing about the task.
    Garbled,
    /// A word for the state that is on no page.
    UnknownState,
    /// Numbers as strings, fields left out.
    Odd,
}

/// What goes wrong with a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClipFault {
    /// 403 or 404, as if the clip were gone.
    Refused,
    /// A 5xx, from the host or a proxy.
    ServerError,
    /// Cut short of the announced length.
    Cut,
    /// Cut short, with no length announced: it looks whole.
    Quiet,
    /// Comes in drops.
    Slow,
    /// No answer ever.
    Hang,
    /// 200 with a web page instead of the clip.
    Page,
    /// Whole, but neither length nor ranges.
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

const POST: &Table<PostFault> = &[
    (PostFault::ServerError, [150, 500, 300]),
    (PostFault::Proxy, [100, 300, 100]),
    (PostFault::Throttled, [200, 700, 200]),
    (PostFault::NotSent, [100, 300, 100]),
    (PostFault::CutBefore, [50, 200, 100]),
    (PostFault::CutAfter, [50, 200, 100]),
    (PostFault::HangBefore, [20, 60, 20]),
    (PostFault::HangAfter, [20, 60, 20]),
    (PostFault::Torn, [30, 100, 50]),
    (PostFault::Garbled, [30, 100, 50]),
    (PostFault::Odd, [200, 1_000, 500]),
    (PostFault::Lie, [0, 0, 800]),
];

const POLL: &Table<PollFault> = &[
    (PollFault::ServerError, [200, 600, 300]),
    (PollFault::Proxy, [100, 300, 100]),
    (PollFault::Throttled, [100, 300, 100]),
    (PollFault::Missing, [100, 300, 100]),
    (PollFault::Cut, [100, 300, 100]),
    (PollFault::Hang, [10, 50, 20]),
    (PollFault::Torn, [50, 200, 50]),
    (PollFault::Garbled, [50, 200, 50]),
    (PollFault::UnknownState, [100, 500, 200]),
    (PollFault::Odd, [200, 1_000, 500]),
];

const CLIP: &Table<ClipFault> = &[
    (ClipFault::Refused, [200, 800, 200]),
    (ClipFault::ServerError, [200, 500, 200]),
    (ClipFault::Cut, [200, 700, 200]),
    (ClipFault::Quiet, [100, 300, 100]),
    (ClipFault::Slow, [100, 400, 100]),
    (ClipFault::Hang, [10, 50, 20]),
    (ClipFault::Page, [50, 150, 50]),
    (ClipFault::Plain, [200, 1_000, 300]),
];

const FATE: &Table<Misfortune> = &[
    (Misfortune::Late, [100, 300, 100]),
    (Misfortune::Fails, [300, 600, 300]),
    (Misfortune::Stuck, [30, 100, 50]),
];

/// How often a storm refuses a request's first one to three POSTs in a row with a 5xx.
const BURST: [u16; 3] = [0, 600, 0];

/// Every fourth call about the same thing goes well, so that who tries again gets there.
const PATIENCE: u32 = 4;

const fn column(profile: Profile) -> Option<usize> {
    match profile {
        Profile::Calm | Profile::Broke => None,
        Profile::Flaky => Some(0),
        Profile::Storm => Some(1),
        Profile::Liar => Some(2),
    }
}

fn draw<T: Copy>(table: &Table<T>, profile: Profile, dice: &mut SimRng) -> Option<T> {
    let column = column(profile)?;
    let mut left = dice.below(10_000);
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
pub fn post(profile: Profile, seed: u64, request: &[u8], nth: u32) -> Option<PostFault> {
    let column = column(profile)?;
    if goes_well(nth) {
        return None;
    }
    let mut burst = SimRng::new(seed, "burst", request, nth / PATIENCE);
    if burst.comes_up(BURST[column]) && u64::from(nth % PATIENCE) <= burst.below(3) {
        return Some(burst.pick([
            PostFault::ServerError,
            PostFault::ServerError,
            PostFault::Proxy,
        ]));
    }
    draw(POST, profile, &mut SimRng::new(seed, "post", request, nth))
}

/// What goes wrong with the `nth` poll of a task.
#[must_use]
pub fn poll(profile: Profile, seed: u64, task: &str, nth: u32) -> Option<PollFault> {
    if goes_well(nth) {
        return None;
    }
    draw(POLL, profile, &mut SimRng::new(seed, "poll", task.as_bytes(), nth))
}

/// What goes wrong with the `nth` download of a clip.
#[must_use]
pub fn clip(profile: Profile, seed: u64, path: &str, nth: u32) -> Option<ClipFault> {
    if goes_well(nth) {
        return None;
    }
    draw(CLIP, profile, &mut SimRng::new(seed, "clip", path.as_bytes(), nth))
}

/// What becomes of a task.
pub fn fate(profile: Profile, dice: &mut SimRng) -> Option<Misfortune> {
    draw(FATE, profile, dice)
}
