//! The limits a run keeps to, and how people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many per second or per minute; no one-second (one-minute) window ever holds more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// The window: a second or a minute.
    pub window: Window,
}

/// A rate's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// One second.
    Second,
    /// One minute.
    Minute,
}

impl Window {
    /// Its length.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    /// Reads `5/s` or `120/min`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a rate; write for example 2/s or 90/min");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let window = match unit.trim() {
            "s" | "sec" | "second" => Window::Second,
            "m" | "min" | "minute" => Window::Minute,
            _ => return Err(wrong()),
        };
        match count.trim().parse() {
            Ok(count @ 1..) => Ok(Self { count, window }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.window {
            Window::Second => "s",
            Window::Minute => "min",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

/// What a run keeps to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// POSTs.
    pub rate: Rate,
    /// How often one task is polled.
    pub poll_every: Duration,
    /// Polls of all tasks together.
    pub poll_rate: Rate,
    /// Shots submitting or rendering at once.
    pub in_flight: u32,
    /// See [`crate::domain::state::Rules::attempts`].
    pub attempts: u32,
    /// How long a POST may take.
    pub submit_timeout: Duration,
    /// How long a task may take before it counts as stalled.
    pub render_timeout: Duration,
    /// POSTs on the wire at once, where the manifest says it; see [`Limits::posts`].
    pub posts: Option<u32>,
    /// How often a failed task is bought again, over all runs, if one more try may do.
    pub rerolls: u32,
    /// How long a failed download is tried again at least, when nothing else is left to do.
    pub fetch_patience: Duration,
}

/// So many POSTs may always be on the wire at once.
const FEWEST_POSTS: u32 = 8;
/// They are at most this long's worth of the rate, in seconds.
const POSTS_SECS: u64 = 4;

impl Limits {
    /// POSTs that may be on the wire at once: what a stop must wait for, and a kill leaves in doubt.
    #[must_use]
    pub fn posts(&self) -> u32 {
        let per_window = u64::from(self.rate.count) * POSTS_SECS;
        let of_rate = per_window.div_ceil(self.rate.window.length().as_secs());
        let usual = u32::try_from(of_rate).unwrap_or(u32::MAX).max(FEWEST_POSTS);
        self.posts.unwrap_or(usual)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: Rate { count: 2, window: Window::Second },
            poll_every: Duration::from_secs(5),
            poll_rate: Rate { count: 10, window: Window::Second },
            in_flight: 20,
            attempts: 5,
            submit_timeout: Duration::from_secs(60),
            render_timeout: Duration::from_secs(2 * 3600),
            posts: None,
            rerolls: 0,
            fetch_patience: Duration::from_secs(10 * 60),
        }
    }
}

/// How many failures stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    /// So many in a run.
    Count(u32),
    /// So many in a hundred of the last 50 shots that ended, from 20 on.
    Percent(u32),
}

impl MaxFailures {
    /// The number, if it is one.
    #[must_use]
    pub const fn count(self) -> Option<u32> {
        match self {
            Self::Count(count) => Some(count),
            Self::Percent(_) => None,
        }
    }

    /// The share, if it is one.
    #[must_use]
    pub const fn percent(self) -> Option<u32> {
        match self {
            Self::Percent(share) => Some(share),
            Self::Count(_) => None,
        }
    }
}

/// As it is typed: `5` or `30%`.
impl fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl FromStr for MaxFailures {
    type Err = String;

    /// Reads `5` or `30%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no number of failures; write for example 5 or 30%");
        let (number, is_share) = match text.trim().strip_suffix('%') {
            Some(number) => (number, true),
            None => (text.trim(), false),
        };
        match (number.trim().parse(), is_share) {
            (Ok(share @ 1..=100), true) => Ok(Self::Percent(share)),
            (Ok(count @ 1..), false) => Ok(Self::Count(count)),
            _ => Err(wrong()),
        }
    }
}

/// Reads a span such as `100ms`, `5s`, `2h` or `1h 30m`.
///
/// # Errors
/// When the text is no span, is not positive, or is longer than a year.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a span of time; write for example 100ms, 5s or 2h");
    let span: jiff::SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    let span = Duration::try_from(span).map_err(|_| wrong())?;
    if span.is_zero() || span > Duration::from_secs(366 * 24 * 3600) {
        return Err(wrong());
    }
    Ok(span)
}
