//! A batch of commits as the JSON that the database's function `batch` reads, and its answer.

use serde_json::{Map, Value, json};

use super::error::{ServerError, Trouble};
use crate::catalog::hex;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::state::{AttemptId, AttemptOutcome, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::columns::WrittenState;
use crate::ledger::high_water_mark::Known;
use crate::ledger::{
    AttemptSpec, Change, ClipFile, Commit, Committed, LedgerError, RevisionId, Verdict,
    earlier_part,
};
use crate::policy::budget::{Balance, Budget};

/// A batch as one text.
pub(super) fn batch(commits: &[Commit]) -> String {
    Value::Array(commits.iter().map(commit).collect()).to_string()
}

fn commit(Commit { at, change }: &Commit) -> Value {
    match change {
        Change::Transition { revision, transition, attempt, files } => match attempt {
            Some(spec) => purchase(*revision, transition, spec, files, *at),
            None => write(*revision, transition, files, *at),
        },
        Change::Earlier { revision, change: about, files } => {
            let first = earlier_part(about.attempt, 0);
            let files = files.iter().enumerate().map(|(nth, one)| file(first + nth, one));
            json!({
                "k": "earlier", "r": revision.0, "t": at.as_millis(),
                "ch": [attempt_change(about, None)],
                "f": files.collect::<Vec<_>>(),
            })
        }
        Change::Late { revision } => json!({ "k": "late", "r": revision.0 }),
        Change::Charge { attempt, charge } => json!({
            "k": "charge", "a": attempt.0, "amount": charge.amount(), "currency": charge.currency(),
        }),
    }
}

/// A claim, or a clip that was there before.
fn purchase(
    revision: RevisionId,
    transition: &Transition,
    spec: &AttemptSpec,
    files: &[ClipFile],
    at: Timestamp,
) -> Value {
    let (kind, from) = match &transition.to.state {
        State::Delivered { .. } => ("adopt", "queued"),
        State::Submitting { doubt: Some(_), .. } => ("claim", "in_doubt"),
        _ => ("claim", "queued"),
    };
    json!({
        "k": kind, "r": revision.0, "t": at.as_millis(), "from": from,
        "s": state(&transition.to, at),
        "a": {
            "price": spec.price.map(Usd::micros),
            "charged": spec.charged_if_failed,
            "key": spec.key.reveal(),
            "key_on_wire": spec.key_on_wire,
            "address": &*spec.origin.address,
            "account": &*spec.origin.account,
            "wire": storable(&spec.wire),
        },
        "f": parts(files),
    })
}

/// A transition that is no claim.
fn write(
    revision: RevisionId,
    transition: &Transition,
    files: &[ClipFile],
    at: Timestamp,
) -> Value {
    let changes = transition.changes().map(|one| {
        let task = match &transition.to.state {
            State::Rendering { attempt, task, .. } if *attempt == one.attempt => Some(task),
            _ => None,
        };
        attempt_change(&one, task)
    });
    let mut written = json!({
        "k": "write", "r": revision.0, "t": at.as_millis(),
        "s": state(&transition.to, at),
        "ch": changes.collect::<Vec<_>>(),
        "f": parts(files),
    });
    if let Some(change) = &transition.change
        && change.outcome == Some(AttemptOutcome::Bought)
    {
        written["bought"] = change.attempt.0.into();
    }
    written
}

fn state(status: &RevisionState, at: Timestamp) -> Value {
    let written = WrittenState::of(&status.state, at);
    let mut columns = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            columns.insert(name.to_owned(), value);
        }
    };
    set("state", status.state.name().into());
    set("attempt", status.state.attempt().map(|attempt| attempt.0).into());
    set("failure", written.failure.into());
    set("failure_kind", written.failure_kind.into());
    set("why", status.state.why().map(storable).into());
    set("since", written.since.into());
    set("completed_at", written.completed_at.into());
    set("urls", written.urls.as_deref().map(storable).into());
    set("keeps", written.keeps_urls.then_some(true).into());
    set("delivered_at", written.delivered_at.into());
    set("refusals", status.refusals.into());
    set("resubmits", status.resubmits.into());
    set("rerolls", status.rerolls.into());
    set("probed", status.probed.into());
    set("waiting", status.is_waiting.into());
    Value::Object(columns)
}

fn attempt_change(change: &AttemptChange, task: Option<&TaskId>) -> Value {
    let mut columns = json!({ "a": change.attempt.0, "acc": change.account.name() });
    for (name, value) in [
        ("o", change.outcome.map(AttemptOutcome::name).map(str::to_owned)),
        ("why", change.why.as_deref().map(storable)),
        ("answer", change.answer.as_deref().map(storable)),
        ("task", task.map(|task| storable(task.as_str()))),
        ("refuted", change.refuted.as_ref().map(|task| storable(task.as_str()))),
    ] {
        if let Some(value) = value {
            columns[name] = value.into();
        }
    }
    columns
}

fn parts(files: &[ClipFile]) -> Vec<Value> {
    (1..).zip(files).map(|(part, one)| file(part, one)).collect()
}

fn file(part: usize, file: &ClipFile) -> Value {
    json!({
        "part": part, "path": file.path, "bytes": file.bytes, "sha256": hex(&file.sha256),
        "millis": file.clip_info.map(|info| info.millis),
        "width": file.clip_info.map(|info| info.width),
        "height": file.clip_info.map(|info| info.height),
        "sound": file.clip_info.map(|info| info.sound),
        "unread": file.unread.as_deref().map(storable),
    })
}

/// `PostgreSQL` keeps no NUL; nothing that means anything holds one. In JSON it is written `\u0000`,
/// which is kept: the columns are texts.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What a batch was answered.
pub(super) struct Answered {
    pub(super) committed: Committed,
    pub(super) budget: Budget,
    pub(super) known: Known,
}

/// Reads the answer of a batch of `count` commits.
pub(super) fn answer(server: &str, text: &str, count: usize) -> Result<Answered, Trouble> {
    let odd = |what: &str| Trouble::Given(ServerError::Damaged(server.to_owned(), what.to_owned()));
    let value: Value = serde_json::from_str(text).map_err(|error| odd(&error.to_string()))?;
    let number = |name: &str| value[name].as_i64().ok_or_else(|| odd(&format!("no {name}")));
    let verdicts: Vec<Verdict> = value["v"]
        .as_array()
        .filter(|verdicts| verdicts.len() == count)
        .ok_or_else(|| odd("an answer about another batch"))?
        .iter()
        .map(|one| verdict(one).ok_or_else(|| odd("an unreadable verdict")))
        .collect::<Result<_, _>>()?;
    let micros = |name: &str| number(name).map(Usd::from_micros);
    let balance = Balance {
        spent: micros("spent")?,
        reserved: micros("reserved")?,
        unconfirmed: micros("unconfirmed")?,
    };
    let budget = Budget {
        cap: value["cap"].as_i64().map(Usd::from_micros),
        strict: value["strict"].as_bool().ok_or_else(|| odd("no strict"))?,
    };
    let known = Known { attempts: number("attempts")?, movements: number("movements")? };
    let committed =
        Committed { verdicts, balance, places: None, reserve_used: false, displaced: None };
    Ok(Answered { committed, budget, known })
}

fn verdict(value: &Value) -> Option<Verdict> {
    if value.is_null() {
        return Some(Verdict::Written { task_first_of: None });
    }
    if let Some(attempt) = value.as_i64() {
        return Some(Verdict::Claimed(AttemptId(attempt)));
    }
    if value == "over" {
        return Some(Verdict::OverCap);
    }
    if let Some(what) = value.get("no").and_then(Value::as_str) {
        return Some(Verdict::Refused(LedgerError::defect(what)));
    }
    let first = value.get("first")?.as_str().and_then(|shot| ShotId::new(shot).ok());
    Some(Verdict::Written { task_first_of: first })
}
