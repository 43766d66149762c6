//! How long a worker may be silent. A debug build can be told shorter spans, for tests:
//! `RUSHES_TIMINGS=lease:3s,on_wire:5s`. A release build does not know the switch.

use std::sync::LazyLock;
use std::time::Duration;

/// How long a worker may decide without a word from the database.
const LEASE: Duration = Duration::from_secs(30);

/// What the workers of this process go by.
pub(super) struct Timings {
    /// The lease, as the database reads a span.
    pub(super) lease: String,
    /// The same as the worker holds itself to: counted from when it asked, by a clock that goes on
    /// while the machine sleeps.
    pub(super) own_lease: Duration,
    /// How long a POST may be on the wire at most; `None`: as the run says.
    pub(super) on_wire: Option<Duration>,
}

/// What the workers of this process go by.
pub(super) static TIMINGS: LazyLock<Timings> = LazyLock::new(|| {
    let asked = asked();
    let of = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, span)| *span);
    let lease = of("lease").unwrap_or(LEASE);
    Timings { lease: interval(lease), own_lease: lease * 5 / 6, on_wire: of("on_wire") }
});

/// A span, as the database reads it.
pub(super) fn interval(span: Duration) -> String {
    format!("{} milliseconds", span.as_millis())
}

#[cfg(not(debug_assertions))]
const fn asked() -> Vec<(String, Duration)> {
    Vec::new()
}

/// Names and spans, as far as the environment says them.
#[cfg(debug_assertions)]
fn asked() -> Vec<(String, Duration)> {
    #[expect(clippy::disallowed_methods, reason = "no setting: it is for tests alone")]
    let asked = std::env::var("RUSHES_TIMINGS").unwrap_or_default();
    let one = |part: &str| {
        let (name, span) = part.split_once(':')?;
        Some((name.to_owned(), crate::policy::limits::span(span).ok()?))
    };
    asked.split(',').filter_map(one).collect()
}
