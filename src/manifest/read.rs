//! From a path to a campaign: finds out what kind of manifest it is, reads the files it names, and
//! gathers everyone's mistakes.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::diagnostic::{Log, Mistake, Place};
use super::entry::{self, Entry};
use super::expand::{Made, Stage};
use super::media::{self, Gallery};
use super::table::Table;
use super::template::Engine;
use super::tree::{Node, Value};
use super::{Campaign, Header, Mistakes, Reading, decode, yaml};
use crate::job::OnDoubt;
use crate::policy::limits::SomeLimits;

/// The biggest file that is read.
const MOST_BYTES: u64 = 2 << 30;

/// See [`super::header`].
pub(super) fn header(path: &Path, color: bool) -> Result<Header, Mistakes> {
    let mut log = Log::default();
    let header = read_header(path, &mut log);
    finish(header, &log, color)
}

fn read_header(path: &Path, log: &mut Log) -> Option<Header> {
    let (file, text) = source(path, log)?;
    if is_csv(path) {
        return Some(csv_header(path, Place { file, line: 1, column: 1, length: 0 }, log));
    }
    let root = yaml::parse(file, &text, log).or_else(|| empty(file, log))?;
    Some(decode::header(&root, &stem(path), path, log))
}

/// See [`super::load`].
pub(super) fn load(path: &Path, reading: &Reading<'_>) -> Result<Campaign, Mistakes> {
    let mut log = Log::default();
    let campaign = read_campaign(path, reading, &mut log);
    let mut campaign = finish(campaign, &log, reading.color)?;
    campaign.warnings = log.render_warnings(reading.color);
    Ok(campaign)
}

fn finish<T>(read: Option<T>, log: &Log, color: bool) -> Result<T, Mistakes> {
    match read {
        Some(read) if log.mistakes() == 0 => Ok(read),
        _ => Err(Mistakes { rendered: log.render_mistakes(color), count: log.mistakes() }),
    }
}

fn read_campaign(path: &Path, reading: &Reading<'_>, log: &mut Log) -> Option<Campaign> {
    let (file, text) = source(path, log)?;
    let start = Place { file, line: 1, column: 1, length: 0 };
    let engine = Engine::new();
    let mut made = Made {
        gallery: Gallery::new(folder(path)),
        ids: HashMap::new(),
        clips: HashMap::new(),
        shots: Vec::new(),
        count: 0,
    };
    let header;
    if is_csv(path) {
        header = csv_header(path, start, log);
        let Some(table) = Table::read(file, &text, log) else {
            empty::<Header>(file, log);
            return None;
        };
        let entry = Entry::of_table(&table);
        let capped = reading.capped.unwrap_or(false);
        let (catalog, made) = (reading.catalog, &mut made);
        Stage { catalog, engine: &engine, vars: &[], defaults: &[], capped, log, made }.expand(
            &entry,
            Some(&table),
            true,
        );
    } else {
        let root = yaml::parse(file, &text, log).or_else(|| empty(file, log))?;
        header = decode::header(&root, &stem(path), path, log);
        let capped = header.budget.is_some_and(|budget| budget.cap.is_some());
        let capped = reading.capped.unwrap_or(capped);
        let vars = decode::vars(&root, log);
        let defaults = entry::defaults(&root, reading.catalog, log);
        for node in shots(&root, log) {
            let Some(entry) = Entry::read(node, reading.catalog, log) else { continue };
            let table = match entry.from.map(|from| table(from, path, log)) {
                Some(None) => continue,
                table => table.flatten(),
            };
            let (catalog, made, engine) = (reading.catalog, &mut made, &engine);
            Stage { catalog, engine, vars: &vars, defaults: &defaults, capped, log, made }.expand(
                &entry,
                table.as_ref(),
                false,
            );
        }
    }
    made.check_clips(log);
    Some(Campaign { header, shots: made.shots, warnings: Vec::new() })
}

/// The entries of `shots`; that there are none is a mistake.
fn shots<'t>(root: &'t Node, log: &mut Log) -> &'t [Node] {
    let example = "write `shots:` and below it for example `- id: beach`".to_owned();
    let node = root.get("shots");
    match node.map(|node| &node.value) {
        Some(Value::List(items)) if !items.is_empty() => return items,
        _ if root.pairs().is_none() => {}
        Some(Value::Map(_)) => {
            let place = node.map_or(root.place, |node| node.place);
            let what = "`shots` is a list of shots, but this is a mapping";
            let fix = "begin each shot with `- `, such as `- id: beach`".to_owned();
            log.add(Mistake::new(place, what).fix(fix));
        }
        _ => {
            let place = node.map_or(root.place, |node| node.place);
            log.add(Mistake::new(place, "there are no shots").fix(example));
        }
    }
    &[]
}

/// The CSV that an entry's `from` names.
fn table(from: &Node, manifest: &Path, log: &mut Log) -> Option<Table> {
    let written = from.text()?;
    let path = folder(manifest).join(&**written);
    let before = log.mistakes();
    let (file, text) = match log.source(&path) {
        Some(known) => known,
        None => match read_text(&path, log) {
            Ok(read) => read,
            Err(why) => {
                let fix = "paths are relative to the manifest's folder".to_owned();
                log.add(Mistake::new(from.place, why).fix(fix));
                return None;
            }
        },
    };
    let table = Table::read(file, &text, log);
    if table.is_none() && log.mistakes() == before {
        let what = format!("{} is empty", path.display());
        log.add(Mistake::new(from.place, what).fix("write a header and rows".to_owned()));
    }
    table
}

/// The manifest's own text.
fn source(path: &Path, log: &mut Log) -> Option<(u16, Rc<str>)> {
    match read_text(path, log) {
        Ok(read) => Some(read),
        Err(why) => {
            let file = log.add_source(path.to_owned(), path.display().to_string(), "".into())?;
            let place = Place { file, line: 1, column: 1, length: 0 };
            log.add(Mistake::new(place, why));
            None
        }
    }
}

/// Reads a text file in.
///
/// # Errors
/// When it is unreadable as a whole, with the reason. What is wrong at one place of it goes to the
/// log, and what is left of it is empty.
fn read_text(path: &Path, log: &mut Log) -> Result<(u16, Rc<str>), String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = media::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("{} is bigger than 2 GiB", path.display()));
    }
    let name = path.display().to_string();
    let many = || "the manifest names too many files".to_owned();
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let head = String::from_utf8_lossy(bytes.get(..good).unwrap_or_default()).into_owned();
            let text = String::from_utf8_lossy(&bytes);
            let file = log.add_source(path.to_owned(), name, text.into()).ok_or_else(many)?;
            let line = head.matches('\n').count() + 1;
            let column = head.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let fits = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let place = Place { file, line: fits(line), column: fits(column), length: 1 };
            let fix = if is_csv(path) {
                "save it from the spreadsheet as \"CSV UTF-8\""
            } else {
                "save it in UTF-8"
            };
            log.add(Mistake::new(place, "this is not UTF-8 text").fix(fix.to_owned()));
            return Ok((file, "".into()));
        }
    };
    let text: Rc<str> = text.strip_prefix('\u{feff}').unwrap_or(&text).into();
    let file = log.add_source(path.to_owned(), name, Rc::clone(&text)).ok_or_else(many)?;
    Ok((file, text))
}

/// Says that there is nothing in a file, unless something worse was said.
fn empty<T>(file: u16, log: &mut Log) -> Option<T> {
    if log.mistakes() == 0 {
        let place = Place { file, line: 1, column: 1, length: 0 };
        let fix = "run `rushes init` for a manifest to start from".to_owned();
        log.add(Mistake::new(place, "the manifest is empty").fix(fix));
    }
    None
}

/// What a CSV manifest says of everything but its shots: only its own name.
fn csv_header(path: &Path, place: Place, log: &mut Log) -> Header {
    let fix = "rename the file: a CSV manifest is called by its file's name";
    Header {
        campaign: decode::stem_campaign(&stem(path), place, fix, log),
        path: path.to_owned(),
        budget: None,
        on_doubt: OnDoubt::default(),
        limits: SomeLimits::default(),
    }
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["csv", "tsv"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
