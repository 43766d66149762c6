//! A plan for spreadsheets: a row a shot, safe to open there.

use std::io::{self, Write};

use crate::plan::{Because, Line, Plan, shown_params};
use crate::report::csv::{MARK, harmless, visible};

use super::super::error::CliError;
use super::before::Before;
use super::settings;

/// Programs know the columns by these names; new ones come last.
const COLUMNS: [&str; 17] = [
    "id",
    "action",
    "because",
    "price",
    "model",
    "duration",
    "mode",
    "sound",
    "aspect_ratio",
    "changed",
    "replaces_revision",
    "replaces_files",
    "was",
    "was_files",
    "hopeless",
    "tags",
    "prompt",
];

/// Writes a plan; several parameters or tags in one cell are parted by `; `, several files by a space.
pub fn write(out: &mut dyn Write, plan: &Plan<'_>, before: &Before<'_>) -> Result<(), CliError> {
    out.write_all(MARK)?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(COLUMNS).map_err(io::Error::from)?;
    for line in &plan.lines {
        let cells = row(line, before)?.map(harmless);
        csv.write_record(cells).map_err(io::Error::from)?;
    }
    csv.flush()?;
    Ok(())
}

fn row(line: &Line<'_>, before: &Before<'_>) -> Result<[String; COLUMNS.len()], CliError> {
    let (shot, replaced, renamed) = (line.shot, line.replaces(), line.was());
    let changed = before.changes(line)?.into_iter().map(|change| change.param);
    let files = |entry: Option<&_>| {
        let files = entry.map(|entry| before.files(entry)).transpose();
        files.map(|files| files.unwrap_or_default().join(" "))
    };
    let prompt =
        shown_params(&shot.request).get("prompt").and_then(|text| text.as_str().map(visible));
    let [duration, mode, sound, ratio] =
        settings::of(shot, before.catalog).map(Option::unwrap_or_default);
    Ok([
        shot.id.to_string(),
        line.action.word().to_owned(),
        line.because.map_or("", Because::word).to_owned(),
        line.price.map_or_else(String::new, |price| price.to_string()),
        visible(&shot.model),
        duration.trim_end_matches(" s").to_owned(),
        mode,
        sound,
        ratio,
        changed.collect::<Vec<_>>().join("; "),
        replaced.map_or_else(String::new, |entry| entry.number.to_string()),
        files(replaced)?,
        renamed.map_or_else(String::new, |entry| entry.shot.to_string()),
        files(renamed)?,
        if line.is_hopeless { "true".to_owned() } else { String::new() },
        visible(&shot.tags.iter().map(|tag| &**tag).collect::<Vec<_>>().join("; ")),
        prompt.unwrap_or_default(),
    ])
}
