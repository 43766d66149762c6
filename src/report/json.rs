//! The report as JSON: the stable shape that scripts rely on, one shot a line; as one value, or as
//! lines that are each a value (JSONL).

use std::borrow::Cow;
use std::io::{self, Seek, SeekFrom, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::clip_info::ClipInfo;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::sanitize::json_text;
use crate::domain::time::Timestamp;
use crate::ledger::{Row, Snapshot};
use crate::policy::budget::Money;

use super::model::{mismatches, reason};
use super::{Counts, ReportError, each_row};

#[derive(Serialize)]
struct Shot<'a> {
    id: &'a str,
    revision: u32,
    current: bool,
    state: &'static str,
    model: &'a str,
    task_id: Option<&'a TaskId>,
    price: Option<Usd>,
    /// Only where the gateway said what it really charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<Value>,
    attempts: u32,
    urls: &'a [String],
    files: Vec<&'a str>,
    /// Of the first clip; only where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    footage: Option<ClipInfo>,
    /// Only where something is not as it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatch: Vec<String>,
    reason: Option<Cow<'a, str>>,
    submitted_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
}

/// A shot that stands by itself.
#[derive(Serialize)]
struct Line<'a> {
    campaign: &'a str,
    #[serde(flatten)]
    shot: Shot<'a>,
}

impl<'a> From<&'a Row> for Shot<'a> {
    fn from(row: &'a Row) -> Self {
        Self {
            id: row.entry.shot.as_str(),
            revision: row.entry.number,
            current: row.entry.current,
            state: row.entry.status.state.name(),
            model: &row.model,
            task_id: row.task.as_ref(),
            price: row.price,
            charge: row
                .charge
                .as_ref()
                .map(|charge| json!({"amount": charge.amount(), "currency": charge.currency()})),
            attempts: row.attempts,
            urls: &row.urls,
            files: row.files.iter().map(|file| file.path.as_str()).collect(),
            footage: row.files.first().and_then(|file| file.clip_info),
            mismatch: mismatches(row),
            reason: reason(row),
            submitted_at: row.submitted_at,
            completed_at: row.completed_at,
            delivered_at: row.delivered_at,
        }
    }
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
        spool.write_all(json_text(&Shot::from(row))?.as_bytes())?;
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
        let line = Line { campaign: &campaign, shot: Shot::from(row) };
        writeln!(out, "{}", json_text(&line)?)
    })
}
