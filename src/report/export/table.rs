//! The timeline as CSV: a row a clip, the shot's other takes below it. Letters, line ends and cells
//! are as in the report's CSV.

use std::io::{self, Write};

use crate::report::csv::{MARK, harmless, visible};

use super::{Clip, Timeline};

/// Programs know the columns by these names; new ones come last.
const COLUMNS: [&str; 16] = [
    "position",
    "id",
    "revision",
    "chosen",
    "file",
    "place",
    "seconds",
    "frames",
    "frame_rate",
    "width",
    "height",
    "sound",
    "rating",
    "note",
    "model",
    "prompt",
];

/// How a table begins that was written here.
#[must_use]
pub fn head() -> Vec<u8> {
    [MARK, COLUMNS.join(",").as_bytes()].concat()
}

/// Writes the table.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(timeline: &Timeline, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MARK)?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(COLUMNS)?;
    for (position, event) in (1_usize..).zip(&timeline.events) {
        csv.write_record(cells(position, true, &event.clip).map(harmless))?;
        for take in &event.takes {
            csv.write_record(cells(position, false, take).map(harmless))?;
        }
    }
    csv.flush()
}

fn cells(position: usize, is_chosen: bool, clip: &Clip) -> [String; 16] {
    let info = |of: fn(crate::domain::clip_info::ClipInfo) -> String| {
        clip.info.map_or_else(String::new, of)
    };
    [
        position.to_string(),
        clip.shot.clone(),
        clip.revision.to_string(),
        is_chosen.to_string(),
        clip.path.clone(),
        visible(&clip.place()),
        info(|info| info.seconds().to_string()),
        clip.timing.frames.to_string(),
        clip.timing.rate.to_string(),
        info(|info| info.width.to_string()),
        info(|info| info.height.to_string()),
        info(|info| info.sound.to_string()),
        if clip.rating == 0 { String::new() } else { clip.rating.to_string() },
        visible(&clip.note),
        clip.model.clone(),
        visible(&clip.prompt),
    ]
}
