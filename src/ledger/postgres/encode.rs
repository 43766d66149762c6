//! A batch of commits as the JSON that the database's function `batch` reads, and its answer.

use serde_json::{Map, Value, json};

use super::error::{ServerError, Trouble};
use crate::catalog::hex;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::shot::ShotId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::columns::WrittenState;
use crate::ledger::high_water_mark::Known;
use crate::ledger::{
    AttemptSpec, Change, ClipFile, Commit, Committed, LedgerError, Verdict, earlier_part,
};
use crate::policy::budget::{Balance, Budget};

/// A batch as one text.
pub(super) fn batch(commits: &[Commit]) -> String {
    Value::Array(commits.iter().map(commit).collect()).to_string()
}

/// Whether a batch may move money or a place in flight.
pub(super) fn moves(commits: &[Commit]) -> bool {
    commits.iter().any(|commit| match &commit.change {
        Change::Transition { attempt: Some(_), .. }
        | Change::Earlier { .. }
        | Change::Late { .. } => true,
        Change::Transition { transition, .. } => {
            let is_held = |change: &AttemptChange| change.account == Account::Reserved;
            let keeps = transition.change.as_ref().is_none_or(is_held);
            !keeps
                || !matches!(
                    transition.to.state,
                    State::Rendering { stalled: None, .. } | State::Delivered { .. }
                )
        }
        Change::Charge { .. } => false,
    })
}

type Columns = Map<String, Value>;

/// Sets a column, unless it stays empty.
fn set(columns: &mut Columns, name: &str, value: impl Into<Value>) {
    let value = value.into();
    if !value.is_null() {
        columns.insert(name.to_owned(), value);
    }
}

fn commit(Commit { at, change }: &Commit) -> Value {
    let mut columns = Columns::new();
    let to = &mut columns;
    set(to, "t", at.as_millis());
    match change {
        Change::Transition { revision, transition, attempt, files } => {
            set(to, "r", revision.0);
            state(to, &transition.to, *at);
            match attempt {
                Some(spec) => purchase(to, transition, spec),
                None => written(to, transition),
            }
            parts(to, (1..).zip(files));
        }
        Change::Earlier { revision, change: about, files } => {
            set(to, "k", "earlier");
            set(to, "r", revision.0);
            attempt_change(to, about, None);
            parts(to, (0..).map(|nth| earlier_part(about.attempt, nth)).zip(files));
        }
        Change::Late { revision } => {
            set(to, "k", "late");
            set(to, "r", revision.0);
        }
        Change::Charge { attempt, charge } => {
            set(to, "k", "charge");
            set(to, "a", attempt.0);
            set(to, "amount", charge.amount());
            set(to, "currency", charge.currency());
        }
    }
    Value::Object(columns)
}

/// A claim, or a clip that was there before.
fn purchase(columns: &mut Columns, transition: &Transition, spec: &AttemptSpec) {
    let (kind, before) = match &transition.to.state {
        State::Delivered { .. } => ("adopt", "queued"),
        State::Submitting { doubt: Some(_), .. } => ("claim", "in_doubt"),
        _ => ("claim", "queued"),
    };
    set(columns, "k", kind);
    set(columns, "before", before);
    set(columns, "price", spec.price.map(Usd::micros));
    set(columns, "charged", spec.charged_if_failed);
    set(columns, "key", spec.key.reveal());
    set(columns, "key_on_wire", spec.key_on_wire);
    set(columns, "address", &*spec.origin.address);
    set(columns, "account", &*spec.origin.account);
    set(columns, "wire", storable(&spec.wire));
}

/// A transition that is no claim.
fn written(columns: &mut Columns, transition: &Transition) {
    set(columns, "k", "write");
    let Some(change) = &transition.change else { return };
    let task = match &transition.to.state {
        State::Rendering { attempt, task, .. } if *attempt == change.attempt => Some(task),
        _ => None,
    };
    attempt_change(columns, change, task);
    if !transition.also.is_empty() {
        let also: Vec<i64> = transition.also.iter().map(|attempt| attempt.0).collect();
        set(columns, "also", also);
    }
}

fn state(columns: &mut Columns, status: &RevisionState, at: Timestamp) {
    let written = WrittenState::of(&status.state, at);
    set(columns, "state", status.state.name());
    set(columns, "attempt", status.state.attempt().map(|attempt| attempt.0));
    set(columns, "failure", written.failure);
    set(columns, "failure_kind", written.failure_kind);
    set(columns, "why", status.state.why().map(storable));
    set(columns, "since", written.since);
    set(columns, "completed_at", written.completed_at);
    set(columns, "urls", written.urls.as_deref().map(storable));
    set(columns, "keeps", written.keeps_urls.then_some(true));
    set(columns, "delivered_at", written.delivered_at);
    set(columns, "refusals", status.refusals);
    set(columns, "resubmits", status.resubmits);
    set(columns, "rerolls", status.rerolls);
    set(columns, "probed", status.probed.then_some(true));
    set(columns, "waiting", status.is_waiting.then_some(true));
}

fn attempt_change(columns: &mut Columns, change: &AttemptChange, task: Option<&TaskId>) {
    set(columns, "a", change.attempt.0);
    set(columns, "acc", change.account.name());
    set(columns, "o", change.outcome.map(AttemptOutcome::name));
    set(columns, "said", change.why.as_deref().map(storable));
    set(columns, "answer", change.answer.as_deref().map(storable));
    set(columns, "task", task.map(|task| storable(task.as_str())));
    set(columns, "refuted", change.refuted.as_ref().map(|task| storable(task.as_str())));
}

fn parts<'f>(columns: &mut Columns, files: impl Iterator<Item = (usize, &'f ClipFile)>) {
    let files: Vec<Value> = files.map(|(part, one)| file(part, one)).collect();
    if !files.is_empty() {
        set(columns, "f", files);
    }
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
    let places = value["places"].as_u64().map(|free| u32::try_from(free).unwrap_or(u32::MAX));
    let month_left = value["month_left"].as_i64().map(Usd::from_micros);
    let (reserve_used, displaced) = (false, None);
    let committed = Committed { verdicts, balance, places, month_left, reserve_used, displaced };
    Ok(Answered { committed, budget, known })
}

fn verdict(value: &Value) -> Option<Verdict> {
    if value.is_null() {
        return Some(Verdict::Written { task_first_of: None });
    }
    if let Some(attempt) = value.as_i64() {
        return Some(Verdict::Claimed(AttemptId(attempt)));
    }
    match value.as_str() {
        Some("over") => return Some(Verdict::OverCap),
        Some("full") => return Some(Verdict::Full),
        Some("gone") => return Some(Verdict::Gone),
        _ => {}
    }
    if let Some(what) = value.get("no").and_then(Value::as_str) {
        return Some(Verdict::Refused(LedgerError::defect(what)));
    }
    let first = value.get("first")?.as_str().and_then(|shot| ShotId::new(shot).ok());
    Some(Verdict::Written { task_first_of: first })
}
