//! The report as JSON: the stable shape that scripts rely on, one shot a line; as one value, or as
//! lines that are each a value (JSONL).

use std::borrow::Cow;
use std::io::{self, Seek, SeekFrom, Write};

use serde::Serialize;

use crate::domain::clip_info::ClipInfo;
use crate::domain::sanitize::json_text;
use crate::ledger::{Row, Snapshot};

use super::model::{mismatches, reason};
use super::{Counts, ReportError, each_row};

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
pub fn write_lines(source: &dyn Snapshot, out: &mut dyn Write) -> Result<(), ReportError> {
    let campaign = source.summary()?.campaign;
    each_row(source, out, &mut |out, row| {
        let line = Line { campaign: &campaign, shot: Shot::from(row) };
        writeln!(out, "{}", json_text(&line)?)
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Sample};
    use super::*;

    fn written(sample: &Sample) -> String {
        let mut out = Vec::new();
        write(sample, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_shape_is_the_one_scripts_rely_on() {
        let mut sample = Sample::mixed();
        sample.rows.truncate(1);
        insta::assert_snapshot!(written(&sample), @r#"
        {"campaign": "summer",
         "money": {"cap":"25.00","spent":"0.6330","reserved":"0.9495","unconfirmed":"0"},
         "counts": {"queued":0,"submitting":0,"rendering":0,"rendered":0,"delivered":1,"failed":0,"in_doubt":0},
         "shots": [
          {"id":"beach","revision":1,"current":true,"state":"delivered","model":"kling-v3","task_id":"task-1","price":"0.3165","attempts":1,"urls":["https://cdn.example/beach.mp4"],"files":["clips/beach.mp4"],"reason":null,"submitted_at":"2026-11-22T21:30:00.000Z","completed_at":"2026-11-22T21:32:20.000Z","delivered_at":"2026-11-22T21:32:30.000Z"}]}
        "#);
    }

    #[test]
    fn a_charge_stands_there_only_where_it_is_known() {
        let mut sample = Sample::mixed();
        sample.rows.truncate(2);
        sample.rows[1].charge = crate::domain::charge::Charge::new("0.31650001", "USD");
        let json: serde_json::Value = serde_json::from_str(&written(&sample)).unwrap();
        assert!(json["shots"][0].get("charge").is_none());
        let charge = serde_json::json!({"amount": "0.31650001", "currency": "USD"});
        assert_eq!(json["shots"][1]["charge"], charge);
    }

    #[test]
    fn footage_and_what_is_wrong_with_it_stand_there_only_where_they_are_known() {
        let mut sample = Sample::mixed();
        sample.rows.truncate(2);
        sample.rows[0].request = r#"{"duration":5,"sound":"on"}"#.to_owned();
        sample.rows[0].files[0].clip_info =
            Some(ClipInfo { millis: 5041, width: 1280, height: 720, sound: false });
        let json: serde_json::Value = serde_json::from_str(&written(&sample)).unwrap();
        let clip_info =
            serde_json::json!({"seconds": 5.041, "width": 1280, "height": 720, "sound": false});
        assert_eq!(json["shots"][0]["footage"], clip_info);
        assert_eq!(json["shots"][0]["mismatch"], serde_json::json!(["asked for sound, got none"]));
        for absent in ["footage", "mismatch"] {
            assert!(json["shots"][1].get(absent).is_none());
        }
    }

    #[test]
    fn it_is_json_whatever_a_reason_holds_and_counts_its_own_rows() {
        let json: serde_json::Value = serde_json::from_str(&written(&Sample::mixed())).unwrap();
        assert_eq!(json["counts"]["rendering"], 2);
        assert_eq!(json["counts"]["in_doubt"], 1);
        assert_eq!(json["shots"].as_array().unwrap().len(), 7);
        assert_eq!(json["shots"][1]["reason"], "not done 2h after it was submitted");
        assert_eq!(json["shots"][5]["price"], serde_json::Value::Null);
        assert_eq!(json["shots"][6]["current"], false);
    }

    #[test]
    fn lines_are_the_same_shots_each_with_its_campaign() {
        let mut sample = Sample::mixed();
        sample.rows[0].files[0].clip_info = Some(sample::FOOTAGE);
        sample.rows[1].charge = crate::domain::charge::Charge::new("0.4", "USD");
        let mut out = Vec::new();
        write_lines(&sample, &mut out).unwrap();
        let lines = String::from_utf8(out).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&written(&sample)).unwrap();
        let mut shots = whole["shots"].as_array().unwrap().clone();
        for shot in &mut shots {
            shot["campaign"] = "summer".into();
        }
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(lines.collect::<Vec<serde_json::Value>>(), shots);
    }

    #[test]
    fn a_campaign_without_rows_is_json_too() {
        let mut sample = Sample::mixed();
        sample.rows.clear();
        sample.summary.budget.cap = None;
        let json: serde_json::Value = serde_json::from_str(&written(&sample)).unwrap();
        assert_eq!(json["shots"], serde_json::json!([]));
        assert_eq!(json["money"]["cap"], serde_json::Value::Null);
    }

    #[test]
    fn more_rows_than_memory_is_given_come_out_whole() {
        let mut sample = Sample::mixed();
        sample.rows = (0..40_000).map(|_| sample.rows[0].clone()).collect();
        let text = written(&sample);
        assert!(text.len() > SPOOL_BYTES);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["shots"].as_array().unwrap().len(), 40_000);
    }
}
