//! What a run leaves beside its clips for people and their programs: the contact sheet and
//! `results.csv`. They say nothing that the ledger does not, so that they cannot be written is a
//! warning.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::clips::{Bucket, ClipError};
use crate::domain::time::{Clock, SystemClock};
use crate::ledger::Snapshot;
use crate::report::contact_sheet::{self, Picks, Sheet};
use crate::report::text::{safe, safe_path};
use crate::report::{ReportError, csv};
use crate::review::{Review, Reviewed};

use super::last_run;
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
    let page = snapshot().and_then(|snapshot| sheet(paths, &*snapshot, None));
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

/// Keeps the flags of a run that begins, for the commands that are printed later. That they cannot be
/// kept is no reason not to run.
pub fn keep_flags(paths: &CampaignPaths) {
    let (folder, name, is_ours) = (&paths.folder, last_run::FILE, last_run::is_ours);
    let path = folder.join(name);
    let kept = match last_run::text(paths.flags()) {
        Some(text) => {
            write(folder, name, is_ours, &mut |out| Ok(out.write_all(text.as_bytes())?)).map(drop)
        }
        None if path.exists() => {
            check(&path, is_ours).and_then(|()| fs::remove_file(&path)).map_err(Into::into)
        }
        None => Ok(()),
    };
    if let Err(error) = kept {
        tracing::info!("{name} is not kept: {error}");
    }
}

/// Puts them beside the clips in a bucket, or says why not.
pub async fn put(bucket: &Bucket, paths: &CampaignPaths, terminal: &Terminal) {
    for name in [contact_sheet::FILE, RESULTS] {
        put_or_say(bucket, paths, name, terminal).await;
    }
}

/// Puts the contact sheet beside the clips in a bucket, or says why not; its address, if it lies there.
pub async fn put_sheet(
    bucket: &Bucket,
    paths: &CampaignPaths,
    terminal: &Terminal,
) -> Option<String> {
    let put = put_or_say(bucket, paths, contact_sheet::FILE, terminal).await;
    put.then(|| bucket.url().join(contact_sheet::FILE))
}

async fn put_or_say(
    bucket: &Bucket,
    paths: &CampaignPaths,
    name: &str,
    terminal: &Terminal,
) -> bool {
    let Err(why) = put_one(bucket, paths, name).await else { return true };
    let what = format!("{} is not up to date: {why}", bucket.url().join(name));
    terminal.say(YELLOW, "warning", &safe(&what));
    let here = safe_path(&paths.folder.join(name));
    terminal.say(CYAN, "help", &format!("the same lies in {here}"));
    false
}

/// Puts one of them, unless something else has its name.
async fn put_one(bucket: &Bucket, paths: &CampaignPaths, name: &str) -> Result<(), String> {
    let (is_ours, kind): (fn(&[u8]) -> bool, _) = if name == RESULTS {
        (csv::is_ours, "text/csv; charset=utf-8")
    } else {
        (contact_sheet::is_ours, "text/html; charset=utf-8")
    };
    let there = bucket.read(name, HEAD).await.map_err(why)?;
    if there.is_some_and(|head| !is_ours(&head)) {
        return Err("something else lies there, which is left alone".to_owned());
    }
    let bytes = fs::read(paths.folder.join(name)).map_err(|error| error.to_string())?;
    bucket.write(name, bytes.into(), kind).await.map_err(why)
}

/// Why something cannot be put, without its address.
fn why(error: ClipError) -> String {
    match error {
        ClipError::Refused { why, .. } | ClipError::Unreachable { why, .. } => why,
        other => other.to_string(),
    }
}

/// Links to clips, by their paths.
pub type Links = HashMap<String, String>;

/// Writes the contact sheet; with `links` instead of relative ones to its clips.
pub fn sheet(
    paths: &CampaignPaths,
    reader: &dyn Snapshot,
    links: Option<&Links>,
) -> Result<PathBuf, ReportError> {
    write(&paths.folder, contact_sheet::FILE, contact_sheet::is_ours, &mut |out| {
        write_sheet(paths, reader, links, out)
    })
}

/// The same, to `out`.
pub fn write_sheet(
    paths: &CampaignPaths,
    reader: &dyn Snapshot,
    links: Option<&Links>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let again = |verb: &str, rest: &str| paths.again(verb, rest);
    let now = SystemClock.now();
    // Others get a page with links: what is decided about its clips is no business of theirs.
    let is_for_others = links.is_some_and(|all| all.values().any(|it| it.starts_with("http")));
    let verdicts = if is_for_others { Vec::new() } else { verdicts(&paths.folder) };
    let file = Review::path(&paths.folder).display().to_string();
    let picks = Picks { verdicts: &verdicts, file: &file, saves: false };
    let sheet =
        Sheet { source: reader, again: &again, now, live: false, links, picks, place: None };
    sheet.write(out)
}

/// What was decided about the campaign's clips; a file of picks that is broken is told of.
fn verdicts(folder: &Path) -> Vec<Reviewed> {
    match Review::read(folder) {
        Ok(review) => review.all().cloned().collect(),
        Err(error) => {
            tracing::warn!("the contact sheet shows no picks: {error}; {}", error.help());
            Vec::new()
        }
    }
}

/// Where the contact sheet lies, or will lie when a run has ended: its address in a bucket, else its path.
pub fn place(paths: &CampaignPaths) -> String {
    if let Some(url) = &paths.bucket {
        return url.join(contact_sheet::FILE);
    }
    let path = paths.folder.join(contact_sheet::FILE);
    safe_path(&std::path::absolute(&path).unwrap_or(path))
}

/// Whole or not at all: a program that has the old one open keeps that. What has that name and is not
/// ours is left alone.
pub fn write(
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
