//! The names that the chosen clips have in a folder of their own: numbered, so that they stand in
//! their order everywhere; other takes below `takes/` under their shot's number.

use super::{Clip, Timeline};

/// The folder of the other takes.
pub const TAKES: &str = "takes";

/// Every clip with its path in the folder, parted by `/`.
#[must_use]
pub fn names(timeline: &Timeline) -> Vec<(String, &Clip)> {
    let digits = timeline.events.len().to_string().len().max(3);
    let mut names = Vec::new();
    for (number, event) in (1_usize..).zip(&timeline.events) {
        names.push((format!("{number:0digits$}-{}", event.clip.file_name()), &event.clip));
        for take in &event.takes {
            names.push((format!("{TAKES}/{number:0digits$}-{}", take.file_name()), take));
        }
    }
    names
}
