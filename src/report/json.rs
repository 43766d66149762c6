//! The report as JSON: the stable shape that scripts rely on, one shot a line; as one value, or as
//! lines that are each a value (JSONL).

use std::borrow::Cow;
use std::io::{self, Seek, SeekFrom, Write};

use serde::Serialize;

use crate::domain::clip_info::ClipInfo;
use crate::domain::sanitize::json_text;
use crate::ledger::Row;

use super::model::{mismatches, reason};
use super::{Counts, ReportError, Source, each_row};

#[derive(Serialize)]
struct Money {
    cap: Option<String>,
    spent: String,
    reserved: String,
    unconfirmed: String,
}

#[derive(Serialize)]
struct Shot<'a> {
    id: &'a str,
    revision: u32,
    current: bool,
    state: &'static str,
    model: &'a str,
    task_id: Option<&'a str>,
    price: Option<String>,
    /// Only where the gateway said what it really charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<Charged<'a>>,
    attempts: u32,
    urls: &'a [String],
    files: Vec<&'a str>,
    /// Of the first clip; only where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    footage: Option<Facts>,
    /// Only where something is not as it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatch: Vec<String>,
    reason: Option<Cow<'a, str>>,
    submitted_at: Option<String>,
    completed_at: Option<String>,
    delivered_at: Option<String>,
}

/// A shot that stands by itself.
#[derive(Serialize)]
struct Line<'a> {
    campaign: &'a str,
    #[serde(flatten)]
    shot: Shot<'a>,
}

#[derive(Serialize)]
struct Charged<'a> {
    amount: String,
    currency: &'a str,
}

#[derive(Serialize)]
struct Facts {
    seconds: f64,
    width: u32,
    height: u32,
    sound: bool,
}

impl From<ClipInfo> for Facts {
    fn from(footage: ClipInfo) -> Self {
        let ClipInfo { millis, width, height, sound } = footage;
        let seconds = std::time::Duration::from_millis(millis).as_secs_f64();
        Self { seconds, width, height, sound }
    }
}

impl<'a> From<&'a Row> for Shot<'a> {
    fn from(row: &'a Row) -> Self {
        Self {
            id: row.entry.shot.as_str(),
            revision: row.entry.number,
            current: row.entry.current,
            state: row.entry.status.state.name(),
            model: &row.model,
            task_id: row.task.as_ref().map(crate::domain::outcome::TaskId::as_str),
            price: row.price.map(|price| price.to_string()),
            charge: row
                .charge
                .as_ref()
                .map(|charge| Charged { amount: charge.amount(), currency: charge.currency() }),
            attempts: row.attempts,
            urls: &row.urls,
            files: row.files.iter().map(|file| file.path.as_str()).collect(),
            footage: row.files.first().and_then(|file| file.clip_info).map(Facts::from),
            mismatch: mismatches(row),
            reason: reason(row),
            submitted_at: row.submitted_at.map(|at| at.to_string()),
            completed_at: row.completed_at.map(|at| at.to_string()),
            delivered_at: row.delivered_at.map(|at| at.to_string()),
        }
    }
}

/// How much of the rows is held in memory before a temporary file takes them.
const SPOOL_BYTES: usize = 8 << 20;

/// Writes the report. The rows are read once and wait in a spool, because the counts before them
/// must be theirs even while a run changes the ledger.
///
/// # Errors
/// When the ledger cannot be read or `out` not be written.
pub fn write(source: &dyn Source, out: &mut dyn Write) -> Result<(), ReportError> {
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
    let money = Money {
        cap: summary.budget.cap.map(|cap| cap.to_string()),
        spent: summary.balance.spent.to_string(),
        reserved: summary.balance.reserved.to_string(),
        unconfirmed: summary.balance.unconfirmed.to_string(),
    };
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
///
/// # Errors
/// When the ledger cannot be read or `out` not be written.
pub fn write_lines(source: &dyn Source, out: &mut dyn Write) -> Result<(), ReportError> {
    let campaign = source.summary()?.campaign;
    each_row(source, out, &mut |out, row| {
        let line = Line { campaign: &campaign, shot: Shot::from(row) };
        writeln!(out, "{}", json_text(&line)?)
    })
}
