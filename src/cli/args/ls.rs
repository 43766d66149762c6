//! `rushes ls`: what was typed.

use std::path::PathBuf;

use clap::Args;

use super::common::{CheckFormat, Logs};

/// `rushes ls`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rushes ls                        every campaign below this folder, the newest first
  rushes ls ~/films --format json | jq -r '.campaigns[] | select(.state == \"in doubt\") | .folder'

Reads ledgers and changes nothing. A campaign folder can be named in place of its manifest:
  rushes status renders/summer")]
pub struct Ls {
    /// The folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "text|json")]
    #[arg(hide_possible_values = true)]
    pub format: CheckFormat,
    #[command(flatten)]
    pub logs: Logs,
}
