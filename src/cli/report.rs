//! `rushes report`: the ledger's rows, as text, JSON, JSONL or CSV, or the contact sheet.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::clips::Bucket;
use crate::ledger::Snapshot;
use crate::report::{ReportError, csv, json, text};

use super::args::{self, ReportFormat};
use super::artifacts::Links;
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::Terminal;
use super::{artifacts, bucket, logging};

/// Prints a report.
pub fn report(
    args: &args::Report,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    logging::start(args.campaign.logs, terminal);
    let paths = CampaignPaths::find(&args.campaign, terminal.color)?;
    if args.links.is_some() && (args.format != ReportFormat::Html || paths.bucket.is_none()) {
        let what = "--links is for the page of a campaign whose clips are in a bucket";
        return Err(CliError::new(what).help("add --format html, and --out with the bucket"));
    }
    let reader = paths.existing()?;
    match args.format {
        ReportFormat::Text => text::write(&*reader, out, &|verb, rest| paths.again(verb, rest))?,
        ReportFormat::Json => json::write(&*reader, out)?,
        ReportFormat::Jsonl => json::write_lines(&*reader, out)?,
        ReportFormat::Csv => csv::write(&*reader, out)?,
        ReportFormat::Html => {
            let bucket = bucket::connect(&paths)?;
            let links = match (args.links, &bucket) {
                (Some(lasts), Some(bucket)) => Some(bucket::wait(links(bucket, &*reader, lasts))?),
                _ => None,
            };
            let page = artifacts::sheet(&paths, &*reader, links.as_ref())?;
            let shown = match &bucket {
                // A page with links is for those who get it, not for all who see the bucket.
                Some(bucket) if links.is_none() => bucket::wait(async {
                    Ok(artifacts::put_sheet(bucket, &paths, terminal).await)
                })?,
                _ => None,
            };
            let shown = match shown {
                Some(address) => address,
                None => page.display().to_string(),
            };
            if io::stdout().is_terminal() {
                writeln!(out, "{shown}").map_err(ReportError::from)?;
            } else {
                let mut page = File::open(page).map_err(ReportError::from)?;
                io::copy(&mut page, out).map_err(ReportError::from)?;
            }
        }
    }
    Ok(())
}

/// A signed link to every clip that the ledger lists.
async fn links(bucket: &Bucket, reader: &dyn Snapshot, lasts: Duration) -> Result<Links, CliError> {
    let mut paths = Vec::new();
    reader.rows(&mut |row| paths.extend(row.files.into_iter().map(|file| file.path)))?;
    let mut links = Links::new();
    for path in paths {
        let link = bucket.link(&path, lasts).await;
        let link = link.map_err(|error| bucket::refused(&error, bucket.url()))?;
        links.insert(path, link);
    }
    Ok(links)
}
