//! The timeline as `OpenTimelineIO`'s JSON. The chosen clips are the first video track. Other takes
//! lie above them on tracks of their own, switched off, because editing programs show tracks and
//! ignore what else a clip refers to. Clips with sound are on audio tracks as well.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::domain::frame_rate::FrameRate;

use super::{Clip, Event, Location, Timeline, one_line};

/// What stands in a path of a file's address as it is.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');
/// Where programs begin to count, in seconds: at one hour.
const START: u32 = 3600;
/// A difference of less is none, in pictures.
const NOTHING: f64 = 1e-6;
/// How a file begins that was written here.
pub const HEAD: &str =
    "{\n  \"OTIO_SCHEMA\": \"Timeline.1\",\n  \"metadata\": {\n    \"rushes\": {";

/// The timeline as a JSON text.
#[must_use]
pub fn write(timeline: &Timeline) -> String {
    let rate = timeline.rate();
    let lanes = timeline.events.iter().map(|event| event.takes.len()).max().unwrap_or(0);
    let mut tracks = Vec::new();
    for kind in [Kind::Video, Kind::Audio] {
        for number in 0..=lanes {
            let track = Lane { kind, number, rate }.track(timeline);
            tracks.extend(track);
        }
    }
    let whole = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"rushes": {"campaign": timeline.campaign}},
        "name": timeline.campaign,
        "global_start_time": rate.is_usual().then(|| time(f64::from(START * rate.timebase()), rate)),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "tracks",
            "source_range": null,
            "effects": [],
            "markers": [],
            "enabled": true,
            "children": tracks,
        },
    });
    // It holds nothing that cannot be written.
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Video,
    Audio,
}

/// A track: of the chosen clips (0), or of the takes that come so far down in their shot's list.
struct Lane {
    kind: Kind,
    number: usize,
    rate: FrameRate,
}

impl Lane {
    /// The track; `None` when nothing is on it.
    fn track(&self, timeline: &Timeline) -> Option<Value> {
        let (mut children, mut written, mut start) = (Vec::new(), 0.0, 0.0);
        for event in &timeline.events {
            let length = seconds(&event.clip, event.clip.timing.frames);
            if let Some(clip) = self.clip_of(event) {
                let before = (start - written) * self.rate.as_f64();
                if before > NOTHING {
                    children.push(self.gap(before));
                    written = start;
                }
                let frames = clip.timing.frames_within(event.clip.timing);
                children.push(self.clip(clip, frames));
                written += seconds(clip, frames);
            }
            start += length;
        }
        let (letter, kind) = match self.kind {
            Kind::Video => ("V", "Video"),
            Kind::Audio => ("A", "Audio"),
        };
        let number = self.number + 1;
        (!children.is_empty()).then(|| {
            json!({
                "OTIO_SCHEMA": "Track.1",
                "metadata": {},
                "name": format!("{letter}{number}"),
                "kind": kind,
                "source_range": null,
                "effects": [],
                "markers": [],
                "enabled": true,
                "children": children,
            })
        })
    }

    fn clip_of<'t>(&self, event: &'t Event) -> Option<&'t Clip> {
        let clip = match self.number.checked_sub(1) {
            None => Some(&event.clip),
            Some(nth) => event.takes.get(nth),
        };
        clip.filter(|clip| self.kind == Kind::Video || clip.has_sound())
    }

    fn clip(&self, clip: &Clip, frames: u32) -> Value {
        let rate = clip.timing.rate;
        let is_marked = self.kind == Kind::Video;
        json!({
            "OTIO_SCHEMA": "Clip.2",
            "metadata": {"rushes": {
                "shot": clip.shot,
                "revision": clip.revision,
                "model": clip.model,
                "prompt": clip.prompt,
                "rating": clip.rating,
                "note": clip.note,
            }},
            "name": clip.name,
            "source_range": range(frames, rate),
            "effects": [],
            "markers": if is_marked { markers(clip) } else { Vec::new() },
            "enabled": self.number == 0,
            "media_references": {"DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "metadata": {},
                "name": clip.file_name(),
                "available_range": range(clip.timing.frames, rate),
                "available_image_bounds": null,
                "target_url": url(&clip.location),
            }},
            "active_media_reference_key": "DEFAULT_MEDIA",
        })
    }

    fn gap(&self, frames: f64) -> Value {
        let whole = frames.round();
        let frames = if (frames - whole).abs() < NOTHING { whole } else { frames };
        json!({
            "OTIO_SCHEMA": "Gap.1",
            "metadata": {},
            "name": "",
            "source_range": {
                "OTIO_SCHEMA": "TimeRange.1",
                "start_time": time(0.0, self.rate),
                "duration": time(frames, self.rate),
            },
            "effects": [],
            "markers": [],
            "enabled": true,
        })
    }
}

/// What the user said of a clip, at its first picture.
fn markers(clip: &Clip) -> Vec<Value> {
    if clip.note.is_empty() {
        return Vec::new();
    }
    vec![json!({
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {},
        "name": one_line(&clip.note),
        "comment": clip.note,
        "color": "YELLOW",
        "marked_range": range(1, clip.timing.rate),
    })]
}

fn seconds(clip: &Clip, frames: u32) -> f64 {
    f64::from(frames) / clip.timing.rate.as_f64()
}

fn time(value: f64, rate: FrameRate) -> Value {
    json!({"OTIO_SCHEMA": "RationalTime.1", "rate": rate.as_f64(), "value": value})
}

fn range(frames: u32, rate: FrameRate) -> Value {
    json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time(0.0, rate),
        "duration": time(f64::from(frames), rate),
    })
}

/// A place as an address.
fn url(location: &Location) -> String {
    match location {
        Location::Url(url) => url.clone(),
        Location::File(path) => file_url(path),
    }
}

/// The address of a file, by its whole path.
#[must_use]
pub fn file_url(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', if cfg!(windows) { "/" } else { "\\" });
    let root = if path.starts_with('/') { "" } else { "/" };
    format!("file://{root}{}", utf8_percent_encode(&path, IN_PATH))
}
