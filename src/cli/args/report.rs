//! `rushes report`: what was typed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::only::Only;
use crate::cli::values::lifetime;

use super::Campaign;

/// `rushes report`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes report shots.yaml
  rushes report shots.yaml --format csv > shots-report.csv
  rushes report shots.yaml --format html            the contact sheet; prints where it lies
  rushes report shots.yaml --format html > page.html    the same elsewhere, clips by their whole paths
  rushes report shots.yaml --format jsonl | jq -r 'select(.mismatch) | .id'
  rushes report shots.yaml --format json | jq -r '.shots[] | select(.state == \"failed\") | .id'")]
pub struct Report {
    #[command(flatten)]
    pub campaign: Campaign,
    /// How to print the report; html is the contact sheet, a page kept beside the clips
    #[arg(long, value_enum, default_value_t, value_name = "text|json|jsonl|csv|html")]
    #[arg(hide_possible_values = true)]
    pub format: ReportFormat,
    /// Only shots whose id matches, such as 'beach*', several with commas or with the flag again; the
    /// money stays the whole campaign's
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<Only>,
    /// With --format html, of clips in a bucket: links that let everyone who has the page see them for
    /// so long, such as 12h; 7 days at most
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    pub links: Option<Duration>,
}

/// How a report looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For programs, a shot a line.
    Jsonl,
    /// For spreadsheets.
    Csv,
    /// For eyes: the contact sheet, kept in the campaign folder beside the clips that it shows.
    Html,
}
