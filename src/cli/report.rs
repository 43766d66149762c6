//! `rushes report`: the ledger's rows, as text, JSON, JSONL or CSV.

use std::io::Write;

use crate::report::{csv, json, text};

use super::args::{self, ReportFormat};
use super::logging;
use super::settings::Place;
use super::terminal::Terminal;
use super::trouble::Trouble;

/// Prints a report.
///
/// # Errors
/// When there is no ledger, or it cannot be read.
pub fn report(
    args: &args::Report,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    logging::start(args.campaign.logs, terminal);
    let reader = Place::find(&args.campaign, terminal.color)?.existing()?;
    match args.format {
        ReportFormat::Text => text::write(&reader, out)?,
        ReportFormat::Json => json::write(&reader, out)?,
        ReportFormat::Jsonl => json::write_lines(&reader, out)?,
        ReportFormat::Csv => csv::write(&reader, out)?,
    }
    Ok(())
}
