//! The report as JSON: the stable shape that scripts rely on, one shot a line; as one value, or as
//! lines that are each a value (JSONL).

use std::io::{self, Seek, SeekFrom, Write};

use serde_json::{Map, Value, json};

use crate::domain::sanitize::json_text;
use crate::ledger::{Row, Snapshot};
use crate::policy::budget::Money;

use super::model::{mismatches, reason};
use super::{Counts, ReportError, each_row};

/// A shot; `charge`, `footage` (of the first clip), `mismatch` and `answer` (the whole one that left
/// it in doubt, until it is delivered) only where there is one.
fn shot(row: &Row) -> Map<String, Value> {
    let charge = row.charge.as_ref();
    let shot = json!({
        "id": row.entry.shot.as_str(),
        "revision": row.entry.number,
        "current": row.entry.current,
        "state": row.entry.status.state.name(),
        "model": &*row.model,
        "task_id": row.task,
        "price": row.price,
        "charge": charge.map(|one| json!({"amount": one.amount(), "currency": one.currency()})),
        "attempts": row.attempts,
        "urls": row.urls,
        "files": row.files.iter().map(|file| &*file.path).collect::<Vec<_>>(),
        "footage": row.files.first().and_then(|file| file.clip_info),
        "mismatch": Some(mismatches(row)).filter(|found| !found.is_empty()),
        "reason": reason(row),
        "answer": row.answer,
        "submitted_at": row.submitted_at,
        "completed_at": row.completed_at,
        "delivered_at": row.delivered_at,
    });
    let Value::Object(mut shot) = shot else { return Map::new() };
    shot.retain(|name, value| {
        !(value.is_null() && matches!(&**name, "charge" | "footage" | "mismatch" | "answer"))
    });
    shot
}

/// How much of the rows is held in memory before a temporary file takes them.
const SPOOL_BYTES: usize = 8 << 20;

/// Writes the report. The rows are read once and wait in a spool, because the counts before them
/// must be theirs even while a run changes the ledger.
pub fn write(source: &dyn Snapshot, out: &mut dyn Write) -> Result<(), ReportError> {
    let summary = source.summary()?;
    let mut counts = Counts::default();
    let mut first = true;
    let mut spool = io::BufWriter::new(tempfile::SpooledTempFile::new(SPOOL_BYTES));
    each_row(source, &mut spool, &mut |spool, row| {
        counts.add(&row.entry.status.state);
        spool.write_all(if first { b"\n  " } else { b",\n  " })?;
        first = false;
        spool.write_all(json_text(&shot(row))?.as_bytes())?;
        Ok(())
    })?;
    let money = Money { cap: summary.budget.cap, balance: summary.balance };
    writeln!(out, "{{\"campaign\": {},", json_text(&summary.campaign)?)?;
    writeln!(out, " \"money\": {},", json_text(&money)?)?;
    writeln!(out, " \"counts\": {},", json_text(&counts)?)?;
    write!(out, " \"shots\": [")?;
    let mut spool = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
    spool.seek(SeekFrom::Start(0))?;
    io::copy(&mut spool, out)?;
    writeln!(out, "]}}")?;
    Ok(())
}

/// Writes the shots of the report, each on a line of its own and with its campaign's name.
pub fn write_lines(source: &dyn Snapshot, out: &mut dyn Write) -> Result<(), ReportError> {
    let campaign = source.summary()?.campaign;
    each_row(source, out, &mut |out, row| {
        let mut line = shot(row);
        line.shift_insert(0, "campaign".to_owned(), campaign.as_str().into());
        writeln!(out, "{}", json_text(&line)?)
    })
}
