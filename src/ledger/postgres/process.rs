//! This process and its machine, so that a colleague on the same machine knows when it is gone for
//! certain; and a clock that goes on while the machine sleeps.

use std::time::Duration;

/// The machine (as it was started and as its processes are numbered), this process, and when it began.
pub(super) fn place() -> String {
    let id = std::process::id();
    format!("{}/{id}/{}", machine(), began(id).unwrap_or_default())
}

/// Whether a process that was at `place` was on this machine and is not there any more.
pub(super) fn is_gone(place: &str) -> bool {
    let mut parts = place.rsplitn(3, '/');
    let (Some(then), Some(id), Some(machine_)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Ok(id) = id.parse() else { return false };
    let is_known = !then.is_empty() && !machine_.is_empty() && machine_ == machine();
    is_known && began(id).map_or_else(|| is_free(id), |began| began != then)
}

/// Empty where the system does not tell.
fn machine() -> String {
    // Processes are numbered otherwise where `/proc` is another container's.
    let own = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if own.split(' ').next() != Some(&*std::process::id().to_string()) {
        return String::new();
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbering = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let boot = boot.trim();
    if boot.is_empty() || numbering.as_os_str().is_empty() {
        return String::new();
    }
    format!("{boot}/{}", numbering.display())
}

/// When a process of this machine began, in ticks since the machine did; `None`: it is not seen.
fn began(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    // It is dead, and only not yet buried.
    let is_dead = matches!(state, "Z" | "X");
    fields.nth(18).map(|began| if is_dead { DEAD.to_owned() } else { began.to_owned() })
}

/// When what is dead began.
const DEAD: &str = "-";

/// Whether no process has this number: others' processes may be hidden (`hidepid`), and live on.
#[cfg(unix)]
fn is_free(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::test_kill_process(id) == Err(rustix::io::Errno::SRCH))
}

/// Whether no process has this number.
#[cfg(not(unix))]
fn is_free(_id: u32) -> bool {
    false
}

/// Milliseconds by [`boot_micros`].
pub(super) fn boot_clock() -> i64 {
    boot_micros() / 1000
}

/// Microseconds since the machine was started, its sleep included.
#[cfg(target_os = "linux")]
pub(super) fn boot_micros() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    let since = Duration::new(now.tv_sec.unsigned_abs(), nanos);
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds by the wall clock, which goes on while the machine sleeps.
#[cfg(not(target_os = "linux"))]
pub(super) fn boot_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_micros()).unwrap_or(i64::MAX)
}
