//! The chosen clips as an editing program takes them: a timeline (`OpenTimelineIO`, EDL), ffmpeg's
//! list, a table, or the names for a folder of them. Pure: what a timeline is made of in, text out;
//! the caller says where a clip lies and how many pictures it has.

pub mod choose;
pub mod concat;
pub mod edl;
pub mod folder;
pub mod otio;
pub mod table;
pub mod wanted;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::clip_info::ClipInfo;
use crate::domain::frame_rate::{FrameRate, Timing};

/// The chosen clips in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The campaign.
    pub campaign: String,
    /// One clip after the other.
    pub events: Vec<Event>,
}

/// A clip of the timeline, and what else there is of its shot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The clip that is shown.
    pub clip: Clip,
    /// Other clips of the same shot: its takes, and the further parts of its own.
    pub takes: Vec<Clip>,
}

/// A clip, as far as an editing program wants to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The shot's id.
    pub shot: String,
    /// Its revision.
    pub revision: u32,
    /// The id, with the revision where it is an older one: `beach`, `beach~r1`.
    pub name: String,
    /// The file, relative to the campaign folder: `clips/beach.mp4`.
    pub path: String,
    /// Where it lies.
    pub location: Location,
    /// What it turned out to be, where that is known.
    pub info: Option<ClipInfo>,
    /// How many pictures it has.
    pub timing: Timing,
    /// The model.
    pub model: String,
    /// The prompt.
    pub prompt: String,
    /// The user's stars, from 0 to 5.
    pub rating: u8,
    /// What the user noted; empty where that is nothing.
    pub note: String,
}

/// Where a clip lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file, by its whole path.
    File(PathBuf),
    /// An address: of an object in a bucket, or a link to it.
    Url(String),
}

impl Clip {
    /// The file's own name: `beach.mp4`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Where it lies, for people.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.location {
            Location::File(path) => path.display().to_string(),
            Location::Url(url) => url.clone(),
        }
    }

    fn has_sound(&self) -> bool {
        self.info.is_some_and(|info| info.sound)
    }
}

impl Timeline {
    /// The frame rate that most clips have; film's where there are none.
    #[must_use]
    pub fn rate(&self) -> FrameRate {
        let mut rates: Vec<_> = self.rates().into_iter().collect();
        // Of equally many the higher one, which loses no picture.
        rates.sort_by_key(|(rate, names)| (names.len(), rate.timebase()));
        rates.last().map_or(FrameRate::FILM, |(rate, _)| *rate)
    }

    /// The frame rates of the chosen clips, and which clips have each.
    #[must_use]
    pub fn rates(&self) -> BTreeMap<FrameRate, Vec<&str>> {
        let mut rates: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for Event { clip, .. } in &self.events {
            rates.entry(clip.timing.rate).or_default().push(&clip.name);
        }
        rates
    }

    /// How many clips there are beside the chosen ones.
    #[must_use]
    pub fn takes(&self) -> usize {
        self.events.iter().map(|event| event.takes.len()).sum()
    }
}

/// Why a format cannot hold these clips; each says what can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// An EDL has one frame rate.
    #[error("an EDL has one frame rate for all its events, and these clips have several: {0}")]
    MixedRates(String),
    /// An EDL counts its events with three digits.
    #[error("an EDL holds at most 999 events, and these are {0}")]
    TooMany(usize),
    /// A timecode has 24 hours.
    #[error("an EDL's timecode ends after 24 hours, and these clips are longer together")]
    TooLong,
    /// ffmpeg's list has a file a line.
    #[error("ffmpeg's list cannot hold a path with a line break: {0:?}")]
    LineBreak(String),
    /// What reads it opens files, and clips in a bucket are none.
    #[error("{0} needs files, and the clips of this campaign lie in a bucket")]
    NoFiles(&'static str),
}

/// A text on one line, without what could steer a program that reads it.
fn one_line(text: &str) -> String {
    crate::domain::sanitize::plain(text, usize::MAX)
}
