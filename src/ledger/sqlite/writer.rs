//! The statements of a batch inside its transaction. Each commit checks before it writes, so that
//! what is refused has written nothing.

use rusqlite::{OptionalExtension, params};

use super::group_commit::{Fault, Tx};
use super::rows::usd;
use super::snapshot;
use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::columns::WrittenState;
use crate::ledger::{
    AttemptSpec, Change, ClipFile, Commit, Committed, LedgerError, Note, RevisionId, Verdict,
    earlier_part,
};
use crate::policy::budget::Budget;

/// Keeps another cap.
pub(super) fn set_budget(tx: &Tx<'_>, budget: Budget) -> Result<(), Fault> {
    let cap = budget.cap.map(Usd::micros);
    tx.conn
        .execute("UPDATE campaign SET cap_micro = ?1, strict = ?2", params![cap, budget.strict])?;
    tx.has_budget(budget);
    Ok(())
}

/// Keeps what the user said about where the campaign belongs.
pub(super) fn note(tx: &Tx<'_>, note: &Note) -> Result<(), Fault> {
    match note {
        Note::MovedTo(address) => {
            tx.conn.execute("UPDATE campaign SET moved_to = ?1", [&**address])?
        }
        Note::Separate => tx.conn.execute("UPDATE campaign SET separate = 1", [])?,
    };
    Ok(())
}

/// Writes a batch, one commit after the other.
pub(super) fn commit(tx: &Tx<'_>, batch: &[Commit]) -> Result<Committed, Fault> {
    let mut verdicts = Vec::with_capacity(batch.len());
    for Commit { at, change } in batch {
        let verdict = match change {
            Change::Transition { revision, transition, attempt: Some(spec), files }
                if matches!(transition.to.state, State::Delivered { .. }) =>
            {
                adopt(tx, *revision, transition, spec, files, *at)
            }
            Change::Transition { revision, transition, attempt: Some(spec), .. } => {
                claim(tx, *revision, transition, spec, *at)
            }
            Change::Transition { revision, transition, attempt: None, files } => {
                write(tx, *revision, transition, files, *at)
            }
            Change::Earlier { revision, change, files } => {
                earlier(tx, *revision, change, files, *at)
            }
            Change::Late { .. } => Ok(Verdict::Written { task_first_of: None }),
            Change::Charge { attempt, charge: cost } => charge(tx, *attempt, cost),
        };
        verdicts.push(match verdict {
            Err(Fault::Refused(error)) => Verdict::Refused(error),
            verdict => verdict?,
        });
    }
    let (_, balance) = tx.money();
    let (reserve_used, displaced) = (tx.reserve_used, tx.displaced.cloned());
    let (places, month_left) = (None, None);
    Ok(Committed { verdicts, balance, places, month_left, reserve_used, displaced })
}

/// The cap's check, the attempt, its reserved price and the state, all or nothing.
fn claim(
    tx: &Tx<'_>,
    revision: RevisionId,
    transition: &Transition,
    spec: &AttemptSpec,
    at: Timestamp,
) -> Result<Verdict, Fault> {
    if tx.reserve_used {
        return Err(Fault::Refused(LedgerError::DiskFull(tx.ledger.to_owned())));
    }
    if let Some(displaced) = tx.displaced {
        return Err(Fault::Refused(displaced.clone()));
    }
    let price = spec.price;
    if price.is_some_and(|price| price < Usd::ZERO) {
        return Err(Fault::Refused(LedgerError::defect("a negative price was claimed")));
    }
    // A claim may come from these two states alone, and of a current revision.
    let wanted = match &transition.to.state {
        State::Submitting { doubt: Some(_), .. } => "in_doubt",
        _ => "queued",
    };
    let number: Option<i64> = tx
        .conn
        .prepare_cached(
            "SELECT (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE revision = ?1) \
             FROM revisions WHERE id = ?1 AND state = ?2 AND current = 1",
        )?
        .query_row(params![revision.0, wanted], |row| row.get(0))
        .optional()?;
    let Some(number) = number else {
        let what = format!("revision {} was claimed but is not a {wanted} current one", revision.0);
        return Err(Fault::Refused(LedgerError::defect(what)));
    };
    let (budget, balance) = tx.money();
    if !budget.allows(&balance, price) {
        return Ok(Verdict::OverCap);
    }
    let attempt = insert_attempt(tx, revision, number, spec, at)?;
    if let Some(price) = price {
        move_money(tx, attempt, Account::Reserved, price, at)?;
    }
    let status = transition.to.clone().with_attempt(attempt);
    write_state(tx, revision, &status, Some(spec), at)?;
    Ok(Verdict::Claimed(attempt))
}

/// A clip that was there before: what stands for its purchase, with its price spent, whatever the
/// cap says, and the files.
fn adopt(
    tx: &Tx<'_>,
    revision: RevisionId,
    transition: &Transition,
    spec: &AttemptSpec,
    files: &[ClipFile],
    at: Timestamp,
) -> Result<Verdict, Fault> {
    let unbought = "SELECT 1 FROM revisions AS r WHERE id = ?1 AND state = 'queued' AND current = 1 \
         AND NOT EXISTS (SELECT 1 FROM attempts WHERE revision = r.id)";
    let unbought = tx.conn.prepare_cached(unbought)?.query_row([revision.0], |_| Ok(()));
    if unbought.optional()?.is_none() {
        let what = format!("revision {} was adopted but is not a new one", revision.0);
        return Err(Fault::Refused(LedgerError::defect(what)));
    }
    let attempt = insert_attempt(tx, revision, 1, spec, at)?;
    tx.conn
        .prepare_cached(
            "UPDATE attempts SET account = 'spent', outcome = 'adopted', answered_at = sent_at \
             WHERE id = ?1",
        )?
        .execute([attempt.0])?;
    if let Some(price) = spec.price {
        move_money(tx, attempt, Account::Spent, price, at)?;
    }
    write_state(tx, revision, &transition.to.clone().with_attempt(attempt), Some(spec), at)?;
    for (part, file) in (1_i64..).zip(files) {
        write_file(tx, revision, part, file)?;
    }
    Ok(Verdict::Claimed(attempt))
}

fn insert_attempt(
    tx: &Tx<'_>,
    revision: RevisionId,
    number: i64,
    spec: &AttemptSpec,
    at: Timestamp,
) -> rusqlite::Result<AttemptId> {
    let is_sent = !spec.origin.address.is_empty();
    let origin = is_sent.then(|| tx.origin(&spec.origin)).transpose()?;
    let id = tx
        .conn
        .prepare_cached(
            "INSERT INTO attempts (revision, number, price_micro, charged_if_failed, sent_at, \
             token, key_on_wire, origin, wire, account) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'reserved')",
        )?
        .insert(params![
            revision.0,
            number,
            spec.price.map(Usd::micros),
            spec.charged_if_failed,
            at.as_millis(),
            spec.key.reveal(),
            spec.key_on_wire,
            origin,
            spec.wire,
        ])?;
    tx.has_attempt(id);
    Ok(AttemptId(id))
}

/// A transition that is no claim: the state, the attempts' changes, the money's moves, the files.
fn write(
    tx: &Tx<'_>,
    revision: RevisionId,
    transition: &Transition,
    files: &[ClipFile],
    at: Timestamp,
) -> Result<Verdict, Fault> {
    let changes: Vec<AttemptChange> = transition.changes().collect();
    let known = changes
        .iter()
        .map(|change| kept_in(tx, revision, change.attempt))
        .collect::<Result<Vec<_>, _>>()?;
    if !write_state(tx, revision, &transition.to, None, at)? {
        let what = format!("there is no revision {}", revision.0);
        return Err(Fault::Refused(LedgerError::defect(what)));
    }
    for (change, (from, price)) in changes.iter().zip(known) {
        let task = match &transition.to.state {
            State::Rendering { attempt, task, .. } if *attempt == change.attempt => Some(task),
            _ => None,
        };
        write_change(tx, change, task, at)?;
        move_price(tx, change, from, price, at)?;
    }
    for (part, file) in (1_i64..).zip(files) {
        write_file(tx, revision, part, file)?;
    }
    let task_first_of = match &transition.change {
        Some(change) if change.outcome == Some(AttemptOutcome::Bought) => {
            snapshot::task_first_of(tx, change.attempt)?
        }
        _ => None,
    };
    Ok(Verdict::Written { task_first_of })
}

/// What became of an earlier request's task: the price and the files, and no word about the state.
fn earlier(
    tx: &Tx<'_>,
    revision: RevisionId,
    change: &AttemptChange,
    files: &[ClipFile],
    at: Timestamp,
) -> Result<Verdict, Fault> {
    let (from, price) = kept_in(tx, revision, change.attempt)?;
    write_change(tx, change, None, at)?;
    move_price(tx, change, from, price, at)?;
    for (nth, file) in files.iter().enumerate() {
        let part = i64::try_from(earlier_part(change.attempt, nth)).unwrap_or(i64::MAX);
        write_file(tx, revision, part, file)?;
    }
    Ok(Verdict::Written { task_first_of: None })
}

/// Moves an attempt's price from the account that it lay in.
fn move_price(
    tx: &Tx<'_>,
    change: &AttemptChange,
    from: Account,
    price: Option<Usd>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    if let Some(price) = price
        && from != change.account
    {
        move_money(tx, change.attempt, from, Usd::ZERO - price, at)?;
        move_money(tx, change.attempt, change.account, price, at)?;
    }
    Ok(())
}

fn write_file(
    tx: &Tx<'_>,
    revision: RevisionId,
    part: i64,
    file: &ClipFile,
) -> rusqlite::Result<()> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let clip_info = file.clip_info;
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO files (revision, part, path, bytes, sha256, millis, width, \
             height, sound, unread) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            revision.0,
            part,
            file.path,
            signed(file.bytes),
            file.sha256,
            clip_info.map(|clip_info| signed(clip_info.millis)),
            clip_info.map(|clip_info| clip_info.width),
            clip_info.map(|clip_info| clip_info.height),
            clip_info.map(|clip_info| clip_info.sound),
            file.unread,
        ])?;
    Ok(())
}

/// What the provider says an attempt cost.
fn charge(tx: &Tx<'_>, attempt: AttemptId, charge: &Charge) -> Result<Verdict, Fault> {
    tx.conn
        .prepare_cached("UPDATE attempts SET charge = ?2, charge_currency = ?3 WHERE id = ?1")?
        .execute(params![attempt.0, charge.amount(), charge.currency()])?;
    Ok(Verdict::Written { task_first_of: None })
}

/// The account an attempt's price lies in, and the price.
fn kept_in(
    tx: &Tx<'_>,
    revision: RevisionId,
    attempt: AttemptId,
) -> Result<(Account, Option<Usd>), Fault> {
    tx.conn
        .prepare_cached(
            "SELECT account, price_micro FROM attempts WHERE id = ?1 AND revision = ?2",
        )?
        .query_row([attempt.0, revision.0], |row| Ok((row.get(0)?, usd(row, 1)?)))
        .optional()?
        .ok_or_else(|| {
            let what = format!("attempt {} is not one of revision {}", attempt.0, revision.0);
            Fault::Refused(LedgerError::defect(what))
        })
}

/// Writes the state, and the price of the attempt if it was claimed. Answers whether there is such a
/// revision.
fn write_state(
    tx: &Tx<'_>,
    revision: RevisionId,
    status: &RevisionState,
    claimed: Option<&AttemptSpec>,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let state = &status.state;
    let written = WrittenState::of(state, at);
    let rows = tx
        .conn
        .prepare_cached(
            "UPDATE revisions SET state = ?2, attempt = ?3, failure = ?4, why = ?5, since = ?6, \
             completed_at = iif(?7, completed_at, ?8), urls = iif(?7, urls, ?9), \
             delivered_at = coalesce(delivered_at, ?10), refusals = ?11, resubmits = ?12, \
             rerolls = ?13, probed = ?14, waiting = ?15, failure_kind = ?16, \
             price_micro = iif(?17, ?18, price_micro) WHERE id = ?1",
        )?
        .execute(params![
            revision.0,
            state.name(),
            state.attempt().map(|attempt| attempt.0),
            written.failure,
            state.why(),
            written.since,
            written.keeps_urls,
            written.completed_at,
            written.urls,
            written.delivered_at,
            status.refusals,
            status.resubmits,
            status.rerolls,
            status.probed,
            status.is_waiting,
            written.failure_kind,
            claimed.is_some(),
            claimed.and_then(|spec| spec.price).map(Usd::micros),
        ])?;
    Ok(rows == 1)
}

/// The change of an attempt, and whatever else `$also` sets.
macro_rules! change_attempt {
    ($also:literal) => {
        concat!(
            "UPDATE attempts SET account = ?2, outcome = coalesce(outcome, ?3), \
             why = coalesce(why, ?4), answered_at = coalesce(answered_at, ?5)",
            $also,
            " WHERE id = ?1"
        )
    };
}

/// How a POST ended is said once; a task may be given by the user later, and replaced.
fn write_change(
    tx: &Tx<'_>,
    change: &AttemptChange,
    task: Option<&TaskId>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let outcome = change.outcome.map(AttemptOutcome::name);
    let answered_at = outcome.is_some().then(|| at.as_millis());
    let (attempt, account, why) = (change.attempt.0, change.account.name(), &change.why);
    if let Some(answer) = &change.answer {
        let keep = "UPDATE attempts SET answer = coalesce(answer, ?2) WHERE id = ?1";
        tx.conn.prepare_cached(keep)?.execute(params![attempt, answer])?;
    }
    if let Some(task) = &change.refuted {
        // It is the latest of the former ones, and there once.
        let refute = "UPDATE attempts SET task_id = nullif(task_id, ?2), former_tasks = \
             json_insert((SELECT json_group_array(value ORDER BY key) \
             FROM json_each(coalesce(former_tasks, '[]')) WHERE value <> ?2), '$[#]', ?2) \
             WHERE id = ?1";
        tx.conn.prepare_cached(refute)?.execute(params![attempt, task.as_str()])?;
    }
    match task {
        // The index of tasks is left alone.
        None => tx.conn.prepare_cached(change_attempt!(""))?.execute(params![
            attempt,
            account,
            outcome,
            why,
            answered_at
        ])?,
        Some(task) => tx
            .conn
            .prepare_cached(change_attempt!(
                ", task_id = ?6, former_tasks = iif(task_id IS NULL OR task_id = ?6, former_tasks, \
                 json_insert(coalesce(former_tasks, '[]'), '$[#]', task_id))"
            ))?
            .execute(params![attempt, account, outcome, why, answered_at, task.as_str()])?,
    };
    Ok(())
}

/// Nothing lies in `released`.
fn move_money(
    tx: &Tx<'_>,
    attempt: AttemptId,
    account: Account,
    moved: Usd,
    at: Timestamp,
) -> rusqlite::Result<()> {
    if account == Account::Released || moved == Usd::ZERO {
        return Ok(());
    }
    let id = tx
        .conn
        .prepare_cached("INSERT INTO money (attempt, at, account, micro) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![attempt.0, at.as_millis(), account.name(), moved.micros()])?;
    tx.has_moved(id, account, moved);
    Ok(())
}
