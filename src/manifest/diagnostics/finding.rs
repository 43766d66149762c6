//! Mistakes and warnings as data, for editors and other programs.

use std::fmt;

use serde::Serialize;

use super::sheets::CellSpot;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Must be corrected before anything is sent.
    Error,
    /// Odd, but not wrong.
    Warning,
}

/// A stretch of a line in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// The column after the last one; that of the start where only a position is meant.
    pub end_column: u32,
}

/// `FILE:LINE:COLUMN`.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Another place that is related to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where it is.
    #[serde(flatten)]
    pub spot: Spot,
    /// How it is related.
    pub message: String,
}

/// A mistake or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What causes it.
    #[serde(flatten)]
    pub spot: Spot,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: Option<String>,
    /// The first shot that it was found in.
    pub shot: Option<String>,
    /// In how many further shots it was found.
    pub more_shots: usize,
    /// Other places that are related to it.
    pub related: Vec<Related>,
    /// The cell of a table, or its row; of several rows with the same mistake the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<CellSpot>,
    /// All rows that have it, counted as in a spreadsheet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<u32>,
    /// All of it as text for the terminal, with the lines it points at.
    #[serde(skip)]
    pub rendered: String,
}

/// Why a manifest cannot be used: every mistake, each with its place and the fix.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{rendered}")]
pub struct Mistakes {
    /// The text to print: the first hundred, each with `FILE:LINE:COLUMN`, the line itself and the
    /// fix.
    pub rendered: String,
    /// The same as data, in the order of their places.
    pub findings: Vec<Finding>,
    /// How many mistakes there are, printed or not.
    pub count: usize,
}
