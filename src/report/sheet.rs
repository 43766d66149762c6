//! The report as a page for a browser.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::ledger::Row;
use crate::text::json_for_pages;

use super::model::{name, reason};
use super::{Counts, ReportError, Source, each_row};

#[derive(Serialize)]
struct Shot<'a> {
    key: String,
    state: &'static str,
    prompt: &'a str,
    files: Vec<&'a str>,
    reason: Option<String>,
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>rushes</title>
<pre id="head"></pre><pre id="run"></pre><table id="rows"></table>
<script>
const rows = new Map();
const show = shot => {
  if (!rows.has(shot.key)) rows.set(shot.key, document.getElementById("rows").insertRow());
  rows.get(shot.key).textContent = shot.key + " " + shot.state + " " + (shot.reason || "");
};
const put = (id, text) => { document.getElementById(id).textContent = text; };
"#;

const FOLLOW: &str = r#"
const events = new EventSource("events");
events.addEventListener("head", event => put("head", event.data));
events.addEventListener("run", event => {
  put("run", event.data);
  if (JSON.parse(event.data).state === "ended") events.close();
});
events.addEventListener("shots", event => JSON.parse(event.data).forEach(show));
"#;

/// The page; `live` makes it follow `events`.
///
/// # Errors
/// When the ledger cannot be read or `out` not be written.
pub fn write(source: &dyn Source, live: bool, out: &mut dyn Write) -> Result<(), ReportError> {
    out.write_all(PAGE.as_bytes())?;
    writeln!(out, "put(\"head\", JSON.stringify({}));", head(source)?)?;
    each_row(source, out, &mut |out, row| writeln!(out, "show({});", of(row)?))?;
    if live {
        out.write_all(FOLLOW.as_bytes())?;
    }
    Ok(writeln!(out, "</script>")?)
}

/// Campaign, money, counts, spending as one JSON object (no newline).
///
/// # Errors
/// When the ledger cannot be read.
pub fn head(source: &dyn Source) -> Result<String, ReportError> {
    let summary = source.summary()?;
    let mut counts = Counts::default();
    source.rows(&mut |row| counts.add(&row.entry.job.state))?;
    let spent = summary.balance.spent.to_string();
    let head = json!({"campaign": summary.campaign, "spent": spent, "counts": counts});
    Ok(json_for_pages(&head)?)
}

/// A row of the page as one JSON object (no newline); has `"key"`, `beach` or `beach~r1`, as its
/// identity.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn shot(row: &Row) -> Result<String, ReportError> {
    Ok(of(row)?)
}

fn of(row: &Row) -> io::Result<String> {
    json_for_pages(&Shot {
        key: name(row),
        state: row.entry.job.state.name(),
        prompt: &row.request,
        files: row.files.iter().map(|file| file.path.as_str()).collect(),
        reason: reason(row).map(Into::into),
    })
}
