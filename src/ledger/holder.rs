//! Who works on a campaign, as one phrase; and what a run at work says of itself.

use crate::domain::sanitize::plain;
use crate::domain::time::Timestamp;

/// A longer reason is cut, in characters.
const MAX_WHY: usize = 500;
/// Between the holder and the moment since when it works.
const SINCE: &str = ", since ";
/// How a line begins that says why nothing more is bought.
const STOPPING: &str = "stopping: ";
/// The line of a run that is paused.
const PAUSED: &str = "paused";

/// What a run at work says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunNote {
    /// Why it buys nothing more, in words; `None` while it buys.
    pub stopping: Option<String>,
    /// Whether the user paused it.
    pub paused: bool,
}

impl RunNote {
    /// The note in lines.
    pub(super) fn lines(&self) -> String {
        let stopping = self.stopping.as_deref().map(|why| plain(why, MAX_WHY));
        let stopping = stopping.map_or_else(String::new, |why| format!("{STOPPING}{why}\n"));
        let paused = if self.paused { format!("{PAUSED}\n") } else { String::new() };
        format!("{stopping}{paused}")
    }

    /// Reads such lines; others are of a newer version.
    pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut note = Self::default();
        for line in lines {
            match line.strip_prefix(STOPPING) {
                Some(why) => note.stopping = Some(plain(why, MAX_WHY)),
                None => note.paused |= line == PAUSED,
            }
        }
        note
    }
}

/// `rushes run, process 4242 on host, since …`.
pub(super) fn holder(what: &str, at: Timestamp) -> String {
    format!("{what}, process {} on {}{SINCE}{at}", std::process::id(), host())
}

/// Such a phrase without since when.
#[must_use]
pub fn without_since(phrase: &str) -> &str {
    phrase.split_once(SINCE).map_or(phrase, |(name, _)| name)
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
        let (host, since) = rest.split_once(SINCE).unwrap_or((rest, ""));
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
