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
    !then.is_empty()
        && machine_ == machine()
        && !machine_.is_empty()
        && began(id).as_deref() != Some(then)
}

/// Empty where the system does not tell.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let numbering = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let boot = boot.trim();
    if boot.is_empty() || numbering.as_os_str().is_empty() {
        return String::new();
    }
    format!("{boot}/{}", numbering.display())
}

/// When a process of this machine began, in ticks since the machine did; `None`: there is none, or it
/// is dead and only not yet buried.
fn began(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?;
    (state != "Z" && state != "X").then(|| began.to_owned())
}

/// Milliseconds since the machine was started, its sleep included.
#[cfg(target_os = "linux")]
pub(super) fn boot_clock() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    let since = Duration::new(now.tv_sec.unsigned_abs(), nanos);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds by the wall clock, which goes on while the machine sleeps.
#[cfg(not(target_os = "linux"))]
pub(super) fn boot_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_millis()).unwrap_or(i64::MAX)
}
