//! The chosen clips in a folder of their own, as links or copies. Only what an export put there is
//! ever replaced or taken away, and only as long as it is as it was left.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::catalog::hex;
use crate::clips::look;
use crate::disk::{make_folder, open_file, replace};
use crate::report::export::folder::{TAKES, names};
use crate::report::export::{Location, Timeline};
use crate::report::text::{plural, safe_path};

use super::super::error::CliError;

/// The file that tells what an export put into the folder.
const LIST: &str = ".rushes-export.json";
/// The longest such file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What an export put into a folder, by its path there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Listed {
    files: BTreeMap<String, Entry>,
}

/// A link or a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// A link to this place.
    Link(PathBuf),
    /// A copy with this SHA-256, in hexadecimal digits.
    Copy(String),
}

/// Puts the clips into `target`; what it says is how many as what.
pub fn write(
    target: &Path,
    timeline: &Timeline,
    campaign: &Path,
    copy: bool,
) -> Result<String, CliError> {
    let cannot = |error: io::Error| {
        CliError::new(format!("{} cannot be filled: {error}", safe_path(target)))
            .help("choose another folder with --to")
    };
    let old = look_at(target).map_err(cannot)?.ok_or_else(|| {
        CliError::new(format!("{} holds other things", safe_path(target)))
            .help("choose an empty or a new folder with --to")
    })?;
    let sources = sources(timeline);
    make_folder(target).map_err(cannot)?;
    let mut new = Listed::default();
    for (name, source) in &sources {
        let entry = if copy {
            Entry::Copy(hash(source).map_err(cannot)?)
        } else {
            Entry::Link(link_to(source, target, name, campaign))
        };
        new.files.insert(name.clone(), entry);
    }
    let (kept, ours) = compare(target, &old, &new);
    let taken = new.files.keys().filter(|name| {
        !ours.contains_key(*name) && fs::symlink_metadata(target.join(name)).is_ok()
    });
    if let Some(name) = taken.min() {
        let what =
            format!("{} is there, and no export put it there so", safe_path(&target.join(name)));
        return Err(
            CliError::new(what).help("move it elsewhere, or choose another folder with --to")
        );
    }
    // A run that is cut short leaves no file that the list does not know.
    let both = Listed { files: ours.iter().chain(&new.files).map(owned).collect() };
    keep(target, &both).map_err(cannot)?;
    for name in ours.keys().filter(|name| !kept.contains_key(*name)) {
        fs::remove_file(target.join(name)).map_err(cannot)?;
    }
    if new.files.keys().any(|name| name.starts_with(TAKES)) {
        make_folder(&target.join(TAKES)).map_err(cannot)?;
    } else {
        // It may hold what the user put there.
        drop(fs::remove_dir(target.join(TAKES)));
    }
    for (name, source) in sources.iter().filter(|(name, _)| !kept.contains_key(name)) {
        let entry = new.files.get_mut(name);
        put(source, &target.join(name), entry).map_err(cannot)?;
    }
    keep(target, &new).map_err(cannot)?;
    Ok(said(timeline, &new))
}

fn owned<'e>((name, entry): (&'e String, &'e Entry)) -> (String, Entry) {
    (name.clone(), entry.clone())
}

/// `12 clips (links)`.
fn said(timeline: &Timeline, new: &Listed) -> String {
    let copies = new.files.values().filter(|entry| matches!(entry, Entry::Copy(_))).count();
    let how = match copies {
        0 => "links",
        some if some == new.files.len() => "copies",
        _ => "links and copies",
    };
    let takes = match timeline.takes() {
        0 => String::new(),
        takes => format!(" and {} in {TAKES}/", plural(takes, "other take")),
    };
    format!("{}{takes} ({how})", plural(timeline.events.len(), "clip"))
}

/// Every clip's file, by its path in the folder.
fn sources(timeline: &Timeline) -> Vec<(String, PathBuf)> {
    let file = |(name, clip): (String, &crate::report::export::Clip)| match &clip.location {
        Location::File(path) => Some((name, path.clone())),
        Location::Url(_) => None,
    };
    names(timeline).into_iter().filter_map(file).collect()
}

/// What an earlier export left in the folder; `None` when the folder holds things and no export was
/// there.
fn look_at(target: &Path) -> io::Result<Option<Listed>> {
    use std::io::Read;
    match open_file(&target.join(LIST)) {
        Ok(file) => {
            let mut text = String::new();
            file.take(MAX_BYTES).read_to_string(&mut text)?;
            let listed = serde_json::from_str(&text).map_err(io::Error::other)?;
            return Ok(Some(listed));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    match fs::read_dir(target) {
        Ok(mut entries) => Ok(entries.next().is_none().then(Listed::default)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Listed::default())),
        Err(error) => Err(error),
    }
}

/// Of what an earlier export left: what stays, and what is as it was left.
fn compare(
    target: &Path,
    old: &Listed,
    new: &Listed,
) -> (BTreeMap<String, Entry>, BTreeMap<String, Entry>) {
    // A list that was edited leads nowhere else.
    let is_inside = |name: &str| {
        let plain = |part: &str| !part.is_empty() && part != ".." && part != ".";
        !name.contains('\\') && name.split('/').all(plain)
    };
    let is_ours = |(name, entry): &(&String, &Entry)| {
        is_inside(name) && is_as_left(&target.join(name), entry)
    };
    let ours: BTreeMap<_, _> = old.files.iter().filter(is_ours).map(owned).collect();
    let is_wanted = |(name, entry): &(&String, &Entry)| new.files.get(*name) == Some(*entry);
    (ours.iter().filter(is_wanted).map(owned).collect(), ours)
}

fn is_as_left(path: &Path, entry: &Entry) -> bool {
    match entry {
        Entry::Link(place) => fs::read_link(path).is_ok_and(|there| there == *place),
        Entry::Copy(sha256) => {
            let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
            is_file && hash(path).is_ok_and(|found| found == *sha256)
        }
    }
}

/// Links a clip, or copies it: where it is to be a copy, and where the system makes no links.
fn put(source: &Path, path: &Path, entry: Option<&mut Entry>) -> io::Result<()> {
    if let Some(Entry::Link(place)) = &entry {
        match link(place, path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => {}
        }
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut part = tempfile::NamedTempFile::new_in(folder)?;
    io::copy(&mut open_file(source)?, part.as_file_mut())?;
    part.as_file().sync_all()?;
    part.persist_noclobber(path).map_err(|refused| refused.error)?;
    if let Some(entry) = entry {
        *entry = Entry::Copy(hash(path)?);
    }
    Ok(())
}

#[cfg(unix)]
fn link(place: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(place, path)
}

#[cfg(windows)]
fn link(place: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(place, path)
}

/// Where a link leads: within the campaign folder by the way there, so that it can be moved.
fn link_to(source: &Path, target: &Path, name: &str, campaign: &Path) -> PathBuf {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let inside = real(campaign).zip(real(target)).and_then(|(campaign, target)| {
        let (below, clip) =
            (target.strip_prefix(&campaign).ok()?, source.strip_prefix(&campaign).ok()?);
        let ups = below.components().count() + name.matches('/').count();
        Some(std::iter::repeat_n(Path::new(".."), ups).collect::<PathBuf>().join(clip))
    });
    inside.unwrap_or_else(|| source.to_owned())
}

fn hash(path: &Path) -> io::Result<String> {
    Ok(hex(&look(path, "")?.sha256))
}

/// Writes down what an export put into the folder.
fn keep(target: &Path, listed: &Listed) -> io::Result<()> {
    let text = serde_json::to_string_pretty(listed).map_err(io::Error::other)?;
    replace(&target.join(LIST), &(text + "\n"))
}
