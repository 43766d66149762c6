//! The report as CSV: a row a shot, safe to open in a spreadsheet. Begins with the mark by which
//! Excel knows the letters for UTF-8, and ends its lines as Excel does.

use std::io::{self, Write};

use crate::domain::clip_info::ClipInfo;
use crate::domain::outcome::TaskId;
use crate::domain::sanitize::{plain, steers};
use crate::ledger::Row;

use super::model::{mismatches, reason};
use super::text::safe;
use super::{ReportError, Source, each_row};

/// The byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Programs know them by these names; new ones come last.
const COLUMNS: [&str; 23] = [
    "id",
    "revision",
    "current",
    "state",
    "model",
    "task_id",
    "price",
    "attempts",
    "urls",
    "files",
    "reason",
    "submitted_at",
    "completed_at",
    "delivered_at",
    "entry",
    "variant",
    "seconds",
    "width",
    "height",
    "sound",
    "mismatch",
    "tags",
    "prompt",
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
    (FIRST_COLUMNS..=COLUMNS.len())
        .any(|count| COLUMNS.get(..count).is_some_and(|these| these.join(",").as_bytes() == line))
}

/// Writes the report; several URLs or files in one cell are parted by a space, several tags or
/// mismatches by `; `.
pub fn write(source: &dyn Source, out: &mut dyn Write) -> Result<(), ReportError> {
    out.write_all(MARK)?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(COLUMNS).map_err(io::Error::from)?;
    each_row(source, &mut csv, &mut |csv, row| {
        csv.write_record(cells(row).map(harmless)).map_err(io::Error::from)
    })?;
    csv.flush()?;
    Ok(())
}

fn cells(row: &Row) -> [String; 23] {
    let files: Vec<&str> = row.files.iter().map(|file| file.path.as_str()).collect();
    let clip_info = row.files.first().and_then(|file| file.clip_info);
    let fact = |of: &dyn Fn(ClipInfo) -> String| clip_info.map_or_else(String::new, of);
    [
        row.entry.shot.to_string(),
        row.entry.number.to_string(),
        row.entry.current.to_string(),
        row.entry.status.state.name().to_owned(),
        row.model.clone(),
        safe(row.task.as_ref().map_or("", TaskId::as_str)),
        shown(row.price),
        row.attempts.to_string(),
        safe_urls(&row.urls),
        files.join(" "),
        safe(&reason(row).unwrap_or_default()),
        shown(row.submitted_at),
        shown(row.completed_at),
        shown(row.delivered_at),
        visible(row.entry_id.as_deref().unwrap_or_default()),
        variant(row),
        fact(&|it| it.seconds().to_string()),
        fact(&|it| it.width.to_string()),
        fact(&|it| it.height.to_string()),
        fact(&|it| it.sound.to_string()),
        safe(&mismatches(row).join("; ")),
        visible(&row.tags.join("; ")),
        visible(&prompt(row)),
    ]
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Whole, however many: white space and marks have no place in a URL.
fn safe_urls(urls: &[String]) -> String {
    plain(&urls.join(" "), usize::MAX)
}

/// The JSON object of names and texts that the ledger holds; nothing for an only shot.
fn variant(row: &Row) -> String {
    let object = row.variant.iter().map(|(name, text)| (name.clone(), text.as_str().into()));
    let object: serde_json::Map<String, serde_json::Value> = object.collect();
    if object.is_empty() { String::new() } else { serde_json::Value::Object(object).to_string() }
}

fn prompt(row: &Row) -> String {
    let request: serde_json::Value = serde_json::from_str(&row.request).unwrap_or_default();
    request.get("prompt").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// What the user wrote, whole and on one line. What joins letters or emoji stays; other invisible
/// marks go.
fn visible(text: &str) -> String {
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{e0020}'..='\u{e007f}');
    let seen = text.chars().filter(|c| !steers(*c) || joins(*c));
    let line: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if formula { format!("'{cell}") } else { cell }
}
