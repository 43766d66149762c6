//! `results.csv` in the campaign folder: the report as a run leaves it, for spreadsheets and other
//! programs. It says nothing that the ledger does not, so that it cannot be written is a warning.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use crate::ledger::Reader;
use crate::report::{ReportError, csv};

use super::settings::Place;
use super::terminal::{CYAN, Terminal, YELLOW};

/// Its name.
const RESULTS: &str = "results.csv";
/// The name it has while it is written. A killed run may leave it, and the next one takes it away.
const PART: &str = ".results.csv.part";
/// How much of what lies there is looked at, in bytes: its first line.
const HEAD: u64 = 1 << 10;

/// Writes it, or says why not. Call it under the run lock.
pub fn keep(place: &Place, terminal: &Terminal) {
    if let Err(error) = write(&place.ledger, &place.folder) {
        let path = place.folder.join(RESULTS);
        let what = format!("{} is not up to date: {error}", path.display());
        terminal.say(YELLOW, "warning", &what);
        let again = place.again("report", "--format csv");
        terminal.say(CYAN, "help", &format!("the ledger has it all: {again}"));
    }
}

/// Whole or not at all: whoever has the old one open keeps that.
fn write(ledger: &Path, folder: &Path) -> Result<(), ReportError> {
    let path = folder.join(RESULTS);
    check(&path)?;
    let reader = Reader::open(ledger)?;
    // Never what somebody made to lead elsewhere.
    drop(fs::remove_file(folder.join(PART)));
    let mut part = tempfile::Builder::new().prefix(PART).rand_bytes(0).tempfile_in(folder)?;
    let mut out = BufWriter::new(part.as_file_mut());
    csv::write(&reader, &mut out)?;
    out.flush()?;
    drop(out);
    part.as_file().sync_all()?;
    part.persist(&path).map_err(|refused| refused.error)?;
    Ok(())
}

/// Whether what has that name may be replaced: only what a run wrote, and nobody changed.
fn check(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => {}
        Ok(_) => {
            let mut head = Vec::new();
            File::open(path)?.take(HEAD).read_to_end(&mut head)?;
            if csv::is_ours(&head) {
                return Ok(());
            }
        }
    }
    let why = "something else lies there, which is left alone; move it elsewhere";
    Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
}
