//! `rushes report`: the ledger's rows, as text, JSON, JSONL or CSV, or the contact sheet.

use std::io::{self, IsTerminal, Write};

use crate::clips::Bucket;
use crate::ledger::Snapshot;
use crate::report::export::otio::file_url;
use crate::report::only::Only;
use crate::report::{ReportError, csv, json, text};

use super::args::{self, ReportFormat};
use super::artifacts::Links;
use super::error::CliError;
use super::settings::CampaignPaths;
use super::terminal::{Terminal, YELLOW, output_is_file, screen};
use super::{artifacts, bucket, logging, only};

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
    let only = only::of_ledger(&args.only, &*reader, &paths.again("report", ""))?;
    let selects = |id: &str| only.as_ref().is_none_or(|only| only.is_match(id));
    let some = Only::new(&*reader, &selects);
    let shown: &dyn Snapshot = if only.is_some() { &some } else { &*reader };
    match args.format {
        ReportFormat::Text => {
            text::write(shown, out, &|verb, rest| paths.again(verb, rest), screen())?;
        }
        ReportFormat::Json => json::write(shown, out)?,
        ReportFormat::Jsonl => json::write_lines(shown, out)?,
        ReportFormat::Csv => csv::write(shown, out)?,
        ReportFormat::Html => page(args, &paths, shown, terminal, out)?,
    }
    Ok(())
}

/// The contact sheet: into the campaign folder, and where it lies to standard output. Redirected to a
/// file, and of some shots only, it is that file, and finds its clips by their whole paths.
fn page(
    args: &args::Report,
    paths: &CampaignPaths,
    shown: &dyn Snapshot,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    if !args.only.is_empty() && io::stdout().is_terminal() {
        let what = "the contact sheet of some shots is a page of its own, and this is a terminal";
        let again = paths.again("report", "--format html --only GLOB > page.html");
        return Err(CliError::new(what).help(format!("redirect it: {again}")));
    }
    let bucket = bucket::connect(paths)?;
    let links = match (args.links, &bucket) {
        (Some(lasts), Some(bucket)) => Some(bucket::wait(bucket::links(bucket, shown, lasts))?),
        _ => None,
    };
    if output_is_file() || !args.only.is_empty() {
        let links = match (links, &bucket) {
            (Some(links), _) => Some(links),
            (None, Some(bucket)) => {
                let what = format!(
                    "this page shows clips only beside them in {}; --links 12h makes one that shows \
                     them anywhere for so long",
                    bucket.url()
                );
                terminal.say(YELLOW, "note", &what);
                None
            }
            (None, None) => {
                let folder = std::fs::canonicalize(&paths.folder).map_err(ReportError::from)?;
                Some(addresses(shown, |path| file_url(&folder.join(path)))?)
            }
        };
        return Ok(artifacts::write_sheet(paths, shown, links.as_ref(), out)?);
    }
    let page = artifacts::sheet(paths, shown, links.as_ref())?;
    let there = match &bucket {
        // A page with links is for those who get it, not for all who see the bucket.
        Some(bucket) if links.is_none() => put(bucket, paths, terminal)?,
        _ => None,
    };
    let there = there.unwrap_or_else(|| page.display().to_string());
    Ok(writeln!(out, "{there}")?)
}

fn put(
    bucket: &Bucket,
    paths: &CampaignPaths,
    terminal: &Terminal,
) -> Result<Option<String>, CliError> {
    bucket::wait(async { Ok(artifacts::put_sheet(bucket, paths, terminal).await) })
}

/// The address of every clip.
fn addresses(shown: &dyn Snapshot, address: impl Fn(&str) -> String) -> Result<Links, ReportError> {
    let mut links = Links::new();
    shown.rows(&mut |row| {
        for file in row.files {
            links.insert(file.path.clone(), address(&file.path));
        }
    })?;
    Ok(links)
}
