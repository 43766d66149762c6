//! `rushes export`: what was typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::only::Only;
use crate::cli::values::lifetime;
use crate::domain::frame_rate::FrameRate;

use super::Campaign;

/// `rushes export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes export shots.yaml --format otio --to summer.otio     DaVinci Resolve, Premiere, Hiero, Kdenlive
  rushes export shots.yaml --format edl --to summer.edl       any editing program; one frame rate
  rushes export shots.yaml --format folder --to ~/selects     numbered links to the clips
  rushes export shots.yaml --format concat --to summer.ffconcat
  ffmpeg -f concat -safe 0 -i summer.ffconcat -c copy summer.mp4
  rushes export shots.yaml --format csv --picks renders/summer/review.json

Without --picks it takes every delivered clip: of each shot the first take, the others beside it.")]
pub struct Export {
    #[command(flatten)]
    pub campaign: Campaign,
    /// What to write: otio or edl (timelines), concat (a list for ffmpeg), folder (numbered links or
    /// copies), csv (a table)
    #[arg(long, value_enum, value_name = "otio|edl|concat|folder|csv")]
    #[arg(hide_possible_values = true)]
    pub format: ExportFormat,
    /// Only what is picked in this file: review.json, or a list with an id a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub picks: Option<PathBuf>,
    /// The order: as in the manifest, or as in the file of picks [default: a list's own; else the
    /// manifest's]
    #[arg(long, value_enum, value_name = "manifest|picks", hide_possible_values = true)]
    pub order: Option<ExportOrder>,
    /// Only shots whose id matches, such as 'beach*'; several with commas, or with the flag again
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Only>,
    /// Where to write it [default: standard output; of a folder: selects in the campaign folder]
    #[arg(long, value_name = "FILE|DIR")]
    pub to: Option<PathBuf>,
    /// With --format folder: copies instead of links
    #[arg(long)]
    pub copy: bool,
    /// The frame rate of clips that do not say it themselves, and of those in a bucket [default: 24]
    #[arg(long, value_name = "N")]
    pub fps: Option<FrameRate>,
    /// Of clips in a bucket: links that let everyone who has them see the clips for so long, such as
    /// 12h; 7 days at most
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub links: Option<Duration>,
}

/// What an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// `OpenTimelineIO`.
    Otio,
    /// A CMX3600 edit decision list.
    Edl,
    /// A list for ffmpeg's concat demuxer.
    Concat,
    /// A folder of links or copies.
    Folder,
    /// A table.
    Csv,
}

/// The order of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportOrder {
    /// The manifest's.
    Manifest,
    /// That of the file of picks.
    Picks,
}
