//! The timeline as a CMX3600 edit decision list: an event a clip, names and notes in comments. It
//! holds one frame rate, at most 999 events and one track; other takes are named in comments.

use std::fmt::Write as _;

use super::{ExportError, Timeline, one_line};
use crate::report::text::plural;

/// The most events that three digits count.
const MAX_EVENTS: usize = 999;
/// The longest title, in characters.
const MAX_TITLE: usize = 70;
/// The first comment of one that was written here. Before the first event no comment may stand.
const MARK: &str = "* MADE BY RUSHES";

/// The list, with its lines' ends.
///
/// # Errors
/// When a list cannot hold these clips.
pub fn write(timeline: &Timeline) -> Result<String, ExportError> {
    if timeline.events.len() > MAX_EVENTS {
        return Err(ExportError::TooMany(timeline.events.len()));
    }
    let rates = timeline.rates();
    if rates.len() > 1 {
        let parts = rates.iter().map(|(rate, names)| {
            let first = names.first().copied().unwrap_or_default();
            format!("{rate} fps ({}, such as {first})", plural(names.len(), "clip"))
        });
        return Err(ExportError::MixedRates(parts.collect::<Vec<_>>().join(", ")));
    }
    let rate = timeline.rate();
    let timecode = Timecode { base: rate.timebase() };
    let title: String = one_line(&timeline.campaign).chars().take(MAX_TITLE).collect();
    let mut text = format!("TITLE: {title}\nFCM: NON-DROP FRAME\n");
    let mut at = timecode.hours(1);
    for (number, event) in (1..).zip(&timeline.events) {
        let clip = &event.clip;
        let frames = u64::from(clip.timing.frames);
        let channels = if clip.has_sound() { "AA/V" } else { "V" };
        let (into, out) = (timecode.show(0)?, timecode.show(frames)?);
        let (from, to) = (timecode.show(at)?, timecode.show(at + frames)?);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n{number:03}  AX       {channels:<5} C        {into} {out} {from} {to}"
        );
        if number == 1 {
            let _ = writeln!(text, "{MARK}, AT {rate} FPS");
        }
        let _ = writeln!(text, "* FROM CLIP NAME: {}", one_line(clip.file_name()));
        let _ = writeln!(text, "* SOURCE FILE: {}", one_line(&clip.place()));
        for take in &event.takes {
            let _ = writeln!(text, "* OTHER TAKE: {}", one_line(&take.place()));
        }
        if !clip.note.is_empty() {
            let _ = writeln!(text, "* LOC: {from} YELLOW  {}", one_line(&clip.note));
        }
        at += frames;
    }
    Ok(text)
}

/// Whether a file that begins so is such a list, written here.
#[must_use]
pub fn is_ours(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').take_while(|line| !line.starts_with(b"* FROM"));
    head.starts_with(b"TITLE: ")
        && lines.last().is_some_and(|line| line.starts_with(MARK.as_bytes()))
}

/// Non-drop timecode.
struct Timecode {
    /// Pictures in a second as they are counted.
    base: u32,
}

impl Timecode {
    fn hours(&self, hours: u64) -> u64 {
        hours * 3600 * u64::from(self.base)
    }

    /// `01:00:04:23`
    fn show(&self, frames: u64) -> Result<String, ExportError> {
        if frames >= self.hours(24) {
            return Err(ExportError::TooLong);
        }
        let base = u64::from(self.base);
        let (seconds, frame) = (frames / base, frames % base);
        let (minutes, second) = (seconds / 60, seconds % 60);
        Ok(format!("{:02}:{:02}:{second:02}:{frame:02}", minutes / 60, minutes % 60))
    }
}
