//! What a run leaves beside its clips for people and their programs: the contact sheet and
//! `results.csv`. They say nothing that the ledger does not, so that they cannot be written is a
//! warning.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::domain::time::{Clock, SystemClock};
use crate::ledger::Snapshot;
use crate::report::contact_sheet::{self, Sheet};
use crate::report::{ReportError, csv};

use super::settings::CampaignPaths;
use super::terminal::{CYAN, Terminal, YELLOW};

/// The table's name.
const RESULTS: &str = "results.csv";
/// How much of what lies there is looked at, in bytes.
const HEAD: u64 = 1 << 10;

/// Writes them, or says why not. Call it under the run lock.
pub fn leave(paths: &CampaignPaths, terminal: &Terminal) {
    let snapshot = || Ok::<_, ReportError>(paths.ledger.snapshot_at_end()?);
    let results =
        || write(&paths.folder, RESULTS, csv::is_ours, &mut |out| csv::write(&*snapshot()?, out));
    for name in [contact_sheet::FILE, RESULTS] {
        sweep(&paths.folder, name);
    }
    let page = snapshot().and_then(|snapshot| sheet(paths, &*snapshot));
    for (name, format, written) in
        [(contact_sheet::FILE, "html", page), (RESULTS, "csv", results())]
    {
        let Err(error) = written else { continue };
        let path = paths.folder.join(name);
        let what = format!("{} is not up to date: {error}", path.display());
        terminal.say(YELLOW, "warning", &what);
        let again = paths.again("report", &format!("--format {format}"));
        terminal.say(CYAN, "help", &format!("the ledger has it all: {again}"));
    }
}

/// Writes the contact sheet.
pub fn sheet(paths: &CampaignPaths, reader: &dyn Snapshot) -> Result<PathBuf, ReportError> {
    let again = |verb: &str, rest: &str| paths.again(verb, rest);
    let sheet = Sheet { source: reader, again: &again, now: SystemClock.now(), live: false };
    write(&paths.folder, contact_sheet::FILE, contact_sheet::is_ours, &mut |out| sheet.write(out))
}

/// Whole or not at all: a program that has the old one open keeps that.
fn write(
    folder: &Path,
    name: &str,
    is_ours: fn(&[u8]) -> bool,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), ReportError>,
) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    check(&path, is_ours)?;
    let mut part = tempfile::Builder::new().prefix(&part_of(name)).tempfile_in(folder)?;
    let mut out = BufWriter::new(part.as_file_mut());
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    part.as_file().sync_all()?;
    part.persist(&path).map_err(|refused| refused.error)?;
    Ok(path)
}

/// How the names begin that a file has while it is written.
fn part_of(name: &str) -> String {
    format!(".{name}.part")
}

/// Takes away what killed runs left.
fn sweep(folder: &Path, name: &str) {
    let Ok(found) = fs::read_dir(folder) else { return };
    for entry in found.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&part_of(name)) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Whether what has that name may be replaced: only what begins as a run writes it.
fn check(path: &Path, is_ours: fn(&[u8]) -> bool) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_file() => {}
        Ok(_) => {
            let mut head = Vec::new();
            File::open(path)?.take(HEAD).read_to_end(&mut head)?;
            if is_ours(&head) {
                return Ok(());
            }
        }
    }
    let why = "something else lies there, which is left alone; move it elsewhere";
    Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
}
