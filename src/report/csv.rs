//! The report as CSV: a row a shot, safe to open in a spreadsheet.

use std::io::{self, Write};

use crate::ledger::Row;
use crate::text::plain;

use super::model::reason;
use super::text::safe;
use super::{ReportError, Source, each_row};

const COLUMNS: [&str; 14] = [
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
];

/// Writes the report; several URLs or files in one cell are parted by a space.
///
/// # Errors
/// When the ledger cannot be read or `out` not be written.
pub fn write(source: &dyn Source, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(io::Error::from)?;
    each_row(source, &mut csv, &mut |csv, row| {
        csv.write_record(cells(row).map(harmless)).map_err(io::Error::from)
    })?;
    csv.flush()?;
    Ok(())
}

fn cells(row: &Row) -> [String; 14] {
    let shown = |value: Option<&dyn ToString>| value.map_or_else(String::new, ToString::to_string);
    let files: Vec<&str> = row.files.iter().map(|file| file.path.as_str()).collect();
    [
        row.entry.shot.to_string(),
        row.entry.number.to_string(),
        row.entry.current.to_string(),
        row.entry.job.state.name().to_owned(),
        row.model.clone(),
        safe(&shown(row.task.as_ref().map(|task| task as &dyn ToString))),
        shown(row.price.as_ref().map(|price| price as &dyn ToString)),
        row.attempts.to_string(),
        safe_urls(&row.urls),
        files.join(" "),
        safe(&reason(row).unwrap_or_default()),
        shown(row.submitted_at.as_ref().map(|at| at as &dyn ToString)),
        shown(row.completed_at.as_ref().map(|at| at as &dyn ToString)),
        shown(row.delivered_at.as_ref().map(|at| at as &dyn ToString)),
    ]
}

/// Whole, however many: white space and marks have no place in a URL.
fn safe_urls(urls: &[String]) -> String {
    plain(&urls.join(" "), usize::MAX)
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn a_row_a_shot_and_no_cell_is_a_formula() {
        let mut out = Vec::new();
        write(&Sample::mixed(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        id,revision,current,state,model,task_id,price,attempts,urls,files,reason,submitted_at,completed_at,delivered_at
        beach,1,true,delivered,kling-v3,task-1,0.3165,1,https://cdn.example/beach.mp4,clips/beach.mp4,,2026-11-22T21:30:00.000Z,2026-11-22T21:32:20.000Z,2026-11-22T21:32:30.000Z
        alley,1,true,rendering,kling-v3,,0.3165,1,,,not done 2h after it was submitted,2026-11-22T21:30:00.000Z,,
        cliff,1,true,rendering,kling-v3,,0.3165,1,,,,2026-11-22T21:30:00.000Z,,
        dunes,1,true,rendered,kling-v3,,0.3165,1,,,the host answered 403,2026-11-22T21:30:00.000Z,,
        fog,1,true,failed,kling-v3,,0.3165,1,,,'=cmd|' /C calc'!A0 Content policy,2026-11-22T21:30:00.000Z,,
        forest,1,true,queued,kling-v3,,,0,,,,,,
        beach,2,false,in_doubt,kling-v3,,0.3165,1,,,cut after 3 s,2026-11-22T21:30:00.000Z,,
        ");
    }
}
