//! `rushes report`: the ledger's rows, as text, JSON, JSONL or CSV, or the contact sheet.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

use crate::report::{ReportError, csv, json, text};

use super::args::{self, ReportFormat};
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::Terminal;
use super::{artifacts, logging};

/// Prints a report.
pub fn report(
    args: &args::Report,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    let reader = paths.existing()?;
    match args.format {
        ReportFormat::Text => text::write(&*reader, out, &|verb, rest| paths.again(verb, rest))?,
        ReportFormat::Json => json::write(&*reader, out)?,
        ReportFormat::Jsonl => json::write_lines(&*reader, out)?,
        ReportFormat::Csv => csv::write(&*reader, out)?,
        ReportFormat::Html => {
            let page = artifacts::sheet(&paths, &*reader)?;
            if io::stdout().is_terminal() {
                writeln!(out, "{}", page.display()).map_err(ReportError::from)?;
            } else {
                let mut page = File::open(page).map_err(ReportError::from)?;
                io::copy(&mut page, out).map_err(ReportError::from)?;
            }
        }
    }
    Ok(())
}
