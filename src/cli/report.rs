//! `rushes report`: the ledger's rows, as text, JSON or CSV, or the contact sheet.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::ledger::Reader;
use crate::report::sheet::{self, Sheet};
use crate::report::{ReportError, csv, json, text};
use crate::time::{Clock, SystemClock};

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
    let place = Place::find(&args.campaign, terminal.color)?;
    let reader = place.existing()?;
    match args.format {
        ReportFormat::Text => text::write(&reader, out)?,
        ReportFormat::Json => json::write(&reader, out)?,
        ReportFormat::Csv => csv::write(&reader, out)?,
        ReportFormat::Html => {
            let page = keep_sheet(&reader, &place)?;
            if io::stdout().is_terminal() {
                writeln!(out, "{}", page.display()).map_err(ReportError::from)?;
            } else {
                sheet_of(&reader, &place, &mut |sheet| sheet.write(out))?;
            }
        }
    }
    Ok(())
}

/// [`keep_sheet`] at the end of a run. That it fails changes nothing else.
pub fn leave_sheet(place: &Place) {
    let kept = Reader::open(&place.ledger).map_err(ReportError::from);
    if let Err(error) = kept.and_then(|reader| keep_sheet(&reader, place)) {
        tracing::warn!("the contact sheet could not be written: {error}");
    }
}

/// Writes the contact sheet into the campaign folder, whole or not at all.
///
/// # Errors
/// When the ledger cannot be read or the page not be written.
pub fn keep_sheet(reader: &Reader, place: &Place) -> Result<PathBuf, ReportError> {
    let page = place.folder.join(sheet::FILE);
    let mut file = tempfile::NamedTempFile::new_in(&place.folder)?;
    let mut out = io::BufWriter::new(file.as_file_mut());
    sheet_of(reader, place, &mut |sheet| sheet.write(&mut out))?;
    out.flush()?;
    drop(out);
    file.persist(&page).map_err(|error| error.error)?;
    Ok(page)
}

fn sheet_of(
    reader: &Reader,
    place: &Place,
    write: &mut dyn FnMut(&Sheet<'_>) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let again = |verb: &str, rest: &str| place.again(verb, rest);
    write(&Sheet { source: reader, again: &again, now: SystemClock.now(), live: false })
}
