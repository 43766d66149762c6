//! Who works on a campaign, as one phrase.

use crate::domain::time::Timestamp;

/// `rushes run, process 4242 on host, since …`.
pub(super) fn holder(what: &str, at: Timestamp) -> String {
    format!("{what}, process {} on {}, since {at}", std::process::id(), host())
}

fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".to_owned())
}
