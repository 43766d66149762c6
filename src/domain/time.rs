//! Moments and clocks. Wall-clock time, because it must mean the same after a restart; rooms that
//! decide take the time as an argument and never read a clock.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// What a system's clock shows, whatever it shows: one far beyond any calendar is no reason to
    /// panic.
    #[must_use]
    pub fn of_system(shown: SystemTime) -> Self {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        match shown.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(-millis(before.duration())),
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Time passed since `earlier`; zero when the clock was set back in between.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 with milliseconds, in UTC: `2026-11-22T21:30:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// As its text.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A span to a useful precision: `45s`, `2m 30s`, `12m`, `3h 20m`, `2d 4h`.
#[must_use]
pub fn in_words(span: Duration) -> String {
    let secs = span.as_secs();
    match (secs / 86_400, secs / 3600 % 24, secs / 60 % 60) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, minutes @ 0..5) if !secs.is_multiple_of(60) => format!("{minutes}m {}s", secs % 60),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// The moment of an event, by two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The wall clock, which may be set while the run goes on.
    pub clock: Timestamp,
    /// How long the run has lasted, by a clock that only goes forward.
    pub elapsed: Duration,
}

/// Where a run gets its time from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// How long the machine has slept since some moment in the past: while it does, no other clock of a
    /// process goes on.
    fn slept(&self) -> Duration {
        Duration::ZERO
    }
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        Timestamp::of_system(SystemTime::now())
    }

    #[cfg(target_os = "linux")]
    fn slept(&self) -> Duration {
        let read = |clock| {
            let now = rustix::time::clock_gettime(clock);
            let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
            Duration::new(now.tv_sec.unsigned_abs(), nanos)
        };
        let awake = read(rustix::time::ClockId::Monotonic);
        read(rustix::time::ClockId::Boottime).saturating_sub(awake)
    }
}
