//! Flags that several commands have.

use clap::{Args, ValueEnum};

/// How talkative to be.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Logs {
    /// Say more; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Messages")]
    pub verbose: u8,
    /// Say only what is wrong: warnings and errors, and no progress
    #[arg(short, long, help_heading = "Messages")]
    pub quiet: bool,
    /// How messages on standard error look
    #[arg(long, value_enum, default_value_t, value_name = "text|json", help_heading = "Messages")]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,
}

/// How a check looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// A line for each finding.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How messages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
