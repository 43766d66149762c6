//! The report as CSV: a row a shot, safe to open in a spreadsheet. Begins with the mark by which
//! Excel knows the letters for UTF-8, and ends its lines as Excel does.

use std::io::{self, Write};

use serde_json::{Map, Value};

use crate::domain::clip_info::ClipInfo;
use crate::domain::outcome::TaskId;
use crate::domain::sanitize::{plain, steers};
use crate::ledger::{Row, Snapshot};

use super::model::{mismatches, prompt, reason};
use super::text::safe;
use super::{ReportError, each_row};

/// The byte order mark.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// A column's name, and what it shows of a row.
type Column = (&'static str, fn(&Row) -> String);

/// Programs know the columns by these names; new ones come last.
const COLUMNS: [Column; 23] = [
    ("id", |row| row.entry.shot.to_string()),
    ("revision", |row| row.entry.number.to_string()),
    ("current", |row| row.entry.current.to_string()),
    ("state", |row| row.entry.status.state.name().to_owned()),
    ("model", |row| row.model.clone()),
    ("task_id", |row| safe(row.task.as_ref().map_or("", TaskId::as_str))),
    ("price", |row| shown(row.price)),
    ("attempts", |row| row.attempts.to_string()),
    // Whole, however many: white space and marks have no place in a URL.
    ("urls", |row| plain(&row.urls.join(" "), usize::MAX)),
    ("files", |row| row.files.iter().map(|file| &*file.path).collect::<Vec<_>>().join(" ")),
    ("reason", |row| safe(&reason(row).unwrap_or_default())),
    ("submitted_at", |row| shown(row.submitted_at)),
    ("completed_at", |row| shown(row.completed_at)),
    ("delivered_at", |row| shown(row.delivered_at)),
    ("entry", |row| visible(row.entry_id.as_deref().unwrap_or_default())),
    ("variant", variant),
    ("seconds", |row| shown(clip_info(row).map(|clip| clip.seconds()))),
    ("width", |row| shown(clip_info(row).map(|clip| clip.width))),
    ("height", |row| shown(clip_info(row).map(|clip| clip.height))),
    ("sound", |row| shown(clip_info(row).map(|clip| clip.sound))),
    ("mismatch", |row| safe(&mismatches(row).join("; "))),
    ("tags", |row| visible(&row.tags.join("; "))),
    ("prompt", |row| visible(&prompt(row))),
];
/// As many columns as every version had.
const FIRST_COLUMNS: usize = 14;

/// Whether a file that begins with `head` is such a report, of this version or an older one, and
/// nothing that a user made of it.
#[must_use]
pub fn is_ours(head: &[u8]) -> bool {
    let head = head.strip_prefix(MARK).unwrap_or(head);
    let Some(end) = head.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return false;
    };
    let line = head.get(..end).unwrap_or_default();
    let names = COLUMNS.map(|(name, _)| name);
    (FIRST_COLUMNS..=names.len()).any(|count| names[..count].join(",").as_bytes() == line)
}

/// Writes the report; several URLs or files in one cell are parted by a space, several tags or
/// mismatches by `; `.
pub fn write(source: &dyn Snapshot, out: &mut dyn Write) -> Result<(), ReportError> {
    out.write_all(MARK)?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(COLUMNS.map(|(name, _)| name)).map_err(io::Error::from)?;
    each_row(source, &mut csv, &mut |csv, row| {
        csv.write_record(COLUMNS.map(|(_, cell)| harmless(cell(row)))).map_err(io::Error::from)
    })?;
    csv.flush()?;
    Ok(())
}

/// What the first clip turned out to be.
fn clip_info(row: &Row) -> Option<ClipInfo> {
    row.files.first().and_then(|file| file.clip_info)
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The JSON object of names and texts that the ledger holds; nothing for an only shot.
fn variant(row: &Row) -> String {
    let object = row.variant.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
    let object: Map<String, Value> = object.collect();
    if object.is_empty() { String::new() } else { Value::Object(object).to_string() }
}

/// What the user wrote, whole and on one line. What joins letters or emoji stays; other invisible
/// marks go.
#[must_use]
pub fn visible(text: &str) -> String {
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}');
    let seen = text.chars().filter(|c| !steers(*c) || joins(*c));
    let line: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// A cell that no spreadsheet takes for a formula.
#[must_use]
pub fn harmless(cell: String) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if formula { format!("'{cell}") } else { cell }
}
