//! The timeline as a list for ffmpeg's concat demuxer.

use std::fmt::Write as _;

use super::{ExportError, Location, Timeline};

/// How a list begins that was written here.
pub const HEAD: &str = "ffconcat version 1.0\n# made by rushes";

/// The list: a file a line, by its whole path; links where clips have such.
///
/// # Errors
/// When a clip has no path that the list can hold.
pub fn write(timeline: &Timeline) -> Result<String, ExportError> {
    let mut text = format!("{HEAD}\n");
    for event in &timeline.events {
        let place = match &event.clip.location {
            Location::File(path) => path.to_string_lossy().into_owned(),
            Location::Url(url) if url.starts_with("http") => url.clone(),
            Location::Url(_) => return Err(ExportError::NoFiles("ffmpeg's list")),
        };
        if place.contains(['\n', '\r']) {
            return Err(ExportError::LineBreak(place));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "file {}", quoted(&place));
    }
    Ok(text)
}

/// Whether ffmpeg may join these clips without rendering them anew: it takes only like ones.
#[must_use]
pub fn are_alike(timeline: &Timeline) -> bool {
    let shape = |event: &super::Event| {
        let info = event.clip.info;
        (event.clip.timing.rate, info.map(|info| (info.width, info.height, info.sound)))
    };
    let mut shapes = timeline.events.iter().map(shape);
    let first = shapes.next();
    shapes.all(|shape| Some(shape) == first)
}

/// Within single quotes everything is itself but the quote.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
