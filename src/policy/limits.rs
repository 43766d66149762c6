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
    /// See [`crate::domain::state::Rules::attempts`]; also tries of a download in one run.
    pub attempts: u32,
    /// How long a POST may take.
    pub submit_timeout: Duration,
    /// How long a task may take before it counts as stalled.
    pub render_timeout: Duration,
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
        }
    }
}

/// Limits of which only some were written; the rest come from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SomeLimits {
    /// See [`Limits::rate`].
    pub rate: Option<Rate>,
    /// See [`Limits::poll_every`].
    pub poll_every: Option<Duration>,
    /// See [`Limits::poll_rate`].
    pub poll_rate: Option<Rate>,
    /// See [`Limits::in_flight`].
    pub in_flight: Option<u32>,
    /// See [`Limits::attempts`].
    pub attempts: Option<u32>,
    /// See [`Limits::submit_timeout`].
    pub submit_timeout: Option<Duration>,
    /// See [`Limits::render_timeout`].
    pub render_timeout: Option<Duration>,
}

impl SomeLimits {
    /// These limits where written, `base` elsewhere.
    #[must_use]
    pub fn over(&self, base: &Limits) -> Limits {
        Limits {
            rate: self.rate.unwrap_or(base.rate),
            poll_every: self.poll_every.unwrap_or(base.poll_every),
            poll_rate: self.poll_rate.unwrap_or(base.poll_rate),
            in_flight: self.in_flight.unwrap_or(base.in_flight),
            attempts: self.attempts.unwrap_or(base.attempts),
            submit_timeout: self.submit_timeout.unwrap_or(base.submit_timeout),
            render_timeout: self.render_timeout.unwrap_or(base.render_timeout),
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
