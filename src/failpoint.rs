//! Dying at a named point, for tests of what a killed run leaves behind. A debug build ends at once,
//! as by SIGKILL, where `RUSHES_DIE_AT` says: `claim committed:3` is the third time this process
//! comes to `claim committed`. A release build does not know the switch.

/// A point where a debug build can be told to die: nothing unwinds, flushes or is cleaned up.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn point(_name: &str) {}

/// A point where a debug build can be told to die: nothing unwinds, flushes or is cleaned up.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ASKED: LazyLock<Option<(String, u32)>> = LazyLock::new(asked);
    static PASSED: AtomicU32 = AtomicU32::new(0);

    if let Some((fatal, time)) = &*ASKED
        && fatal == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        die();
    }
}

/// The point and how many-eth time, if the environment asks for one.
#[cfg(debug_assertions)]
fn asked() -> Option<(String, u32)> {
    #[expect(clippy::disallowed_methods, reason = "no setting: it is for tests alone")]
    let asked = std::env::var("RUSHES_DIE_AT").ok()?;
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
