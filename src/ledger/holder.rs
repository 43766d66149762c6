//! Who works on a campaign, as one phrase.

use crate::domain::time::Timestamp;

/// `rushes run, process 4242 on host, since …`.
pub(super) fn holder(what: &str, at: Timestamp) -> String {
    format!("{what}, process {} on {}, since {at}", std::process::id(), host())
}

/// Who works on a campaign, as it stands in such a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// `rushes run`.
    pub command: String,
    /// The process's number.
    pub process: u32,
    /// The machine.
    pub host: String,
    /// Since when, where the phrase says it.
    pub since: Option<Timestamp>,
}

impl Holder {
    /// Reads a phrase; `None` for one that names no process.
    #[must_use]
    pub fn parse(phrase: &str) -> Option<Self> {
        let (command, rest) = phrase.split_once(", process ")?;
        let (process, rest) = rest.split_once(" on ")?;
        let (host, since) = rest.split_once(", since ").unwrap_or((rest, ""));
        let since = since.parse::<jiff::Timestamp>().ok();
        Some(Self {
            command: command.to_owned(),
            process: process.parse().ok()?,
            host: host.to_owned(),
            since: since.map(|at| Timestamp::from_millis(at.as_millisecond())),
        })
    }
}

fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".to_owned())
}
