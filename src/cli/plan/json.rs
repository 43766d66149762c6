//! A plan for programs: the stable shape that scripts rely on, one shot a line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::sanitize::json_text;
use crate::ledger::LedgerError;
use crate::manifest::{Campaign, Mistakes};
use crate::plan::{Because, Line, ParamChange, Plan, shown};

use super::super::error::CliError;
use super::before::Before;

#[derive(Serialize)]
struct JsonShot<'a> {
    id: &'a str,
    action: &'static str,
    because: Option<&'static str>,
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<Replaced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Renamed<'a>>,
    request: Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hopeless: bool,
}

/// The revision that a changed shot stands in place of.
#[derive(Serialize)]
struct Replaced {
    revision: u32,
    files: Vec<String>,
}

/// A shot with the same request whose id left the manifest.
#[derive(Serialize)]
struct Renamed<'a> {
    id: &'a str,
    revision: u32,
    files: Vec<String>,
}

/// Writes a plan. The total is `null` when it holds an unknown price.
pub fn write(
    out: &mut dyn Write,
    campaign: &Campaign,
    plan: &Plan<'_>,
    before: &Before<'_>,
) -> Result<(), CliError> {
    let total = (plan.unknown == 0).then(|| plan.total.to_string());
    write!(
        out,
        "{{\"campaign\": {}, \"total\": {}, ",
        json_text(&campaign.header.campaign)?,
        serde_json::to_string(&total).map_err(io::Error::from)?
    )?;
    if !campaign.warnings.is_empty() {
        write!(out, "\"warnings\": {}, ", json_text(&campaign.warnings)?)?;
    }
    write!(out, "\"shots\": [")?;
    for (index, line) in plan.lines.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}\n  {}", json_text(&shot(line, before)?)?)?;
    }
    writeln!(out, "]}}")?;
    Ok(())
}

fn shot<'a>(line: &Line<'a>, before: &Before<'_>) -> Result<JsonShot<'a>, LedgerError> {
    let (replaced, renamed) = (line.replaces(), line.was());
    Ok(JsonShot {
        id: line.shot.id.as_str(),
        action: line.action.word(),
        because: line.because.map(Because::word),
        price: line.price.map(|price| price.to_string()),
        changed: replaced.map(|_| before.changes(line).map(changed)).transpose()?,
        replaces: replaced
            .map(|entry| {
                let files = before.files(entry)?;
                Ok::<_, LedgerError>(Replaced { revision: entry.number, files })
            })
            .transpose()?,
        was: renamed
            .map(|entry| {
                let (id, revision) = (entry.shot.as_str(), entry.number);
                Ok::<_, LedgerError>(Renamed { id, revision, files: before.files(entry)? })
            })
            .transpose()?,
        request: shown(&line.shot.request),
        hopeless: line.is_hopeless,
    })
}

/// By parameter what was and what is; a file at the same path with other contents has that path twice.
fn changed(changes: Vec<ParamChange>) -> Map<String, Value> {
    let pair = |change: ParamChange| {
        let was = change.old.unwrap_or(Value::Null);
        (change.param, Value::Array(vec![was, change.new.unwrap_or(Value::Null)]))
    };
    changes.into_iter().map(pair).collect()
}

/// What editors show at its place; people read the same on standard error.
pub fn mistakes(out: &mut dyn Write, mistakes: &Mistakes) -> io::Result<()> {
    writeln!(
        out,
        "{{\"count\": {}, \"mistakes\": {}}}",
        mistakes.count,
        json_text(&mistakes.findings)?
    )?;
    out.flush()
}
