//! Dying or freezing at a named point, for tests of what such a run leaves behind. A debug build ends at
//! once, as by SIGKILL, where `RUSHES_DIE_AT` says: `claim committed:3` is the third time this process
//! comes to `claim committed`. Where `RUSHES_STOP_AT` says, it stops until it gets SIGCONT. A release
//! build does not know the switches.

/// A point where a debug build can be told to die or to stop: nothing unwinds, flushes or is cleaned up.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn point(_name: &str) {}

/// A point where a debug build can be told to die or to stop: nothing unwinds, flushes or is cleaned up.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static DIES: LazyLock<Option<(String, u32)>> = LazyLock::new(|| asked("RUSHES_DIE_AT"));
    static STOPS: LazyLock<Option<(String, u32)>> = LazyLock::new(|| asked("RUSHES_STOP_AT"));
    static PASSED: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];

    let is_it = |asked: &Option<(String, u32)>, passed: &AtomicU32| {
        asked.as_ref().is_some_and(|(fatal, time)| {
            fatal == name && passed.fetch_add(1, Ordering::SeqCst) + 1 == *time
        })
    };
    if is_it(&DIES, &PASSED[0]) {
        die();
    }
    if is_it(&STOPS, &PASSED[1]) {
        stop();
    }
}

/// The point and how many-eth time, if the environment asks for one.
#[cfg(debug_assertions)]
fn asked(variable: &str) -> Option<(String, u32)> {
    #[expect(clippy::disallowed_methods, reason = "no setting: it is for tests alone")]
    let asked = std::env::var(variable).ok()?;
    let (name, time) = asked.rsplit_once(':')?;
    Some((name.to_owned(), time.parse().ok()?))
}

#[cfg(debug_assertions)]
fn die() -> ! {
    // No thread of the process takes another step: the signal is delivered before this returns.
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(debug_assertions)]
fn stop() {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}
