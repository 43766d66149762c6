//! The statements of one call inside a batch's transaction. Each checks before it writes, so that
//! what is refused has written nothing.

use rusqlite::{OptionalExtension, params};

use super::group_commit::{Fault, Tx};
use super::rows::{StateColumns, Word, usd};
use super::snapshot;
use crate::domain::charge::Charge;
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::state::{Account, AttemptId, AttemptOutcome, RevisionState, State};
use crate::domain::time::Timestamp;
use crate::domain::transition::{AttemptChange, Transition};
use crate::ledger::error::LedgerError;
use crate::ledger::types::{AttemptSpec, Claim, ClipFile, Committed, Released, RevisionId};
use crate::policy::budget::Budget;

/// Keeps another cap.
pub(super) fn set_budget(tx: &Tx<'_>, budget: Budget) -> Result<(), Fault> {
    let cap = budget.cap.map(Usd::micros);
    tx.conn
        .execute("UPDATE campaign SET cap_micro = ?1, strict = ?2", params![cap, budget.strict])?;
    Ok(())
}

/// The cap's check, the attempt, its reserved price and the state, all or nothing.
pub(super) fn claim(
    tx: &Tx<'_>,
    revision: RevisionId,
    terms: AttemptSpec,
    at: Timestamp,
) -> Result<Claim, Fault> {
    let AttemptSpec { price, charged_if_failed, despite_doubt, token } = terms;
    if tx.reserve_used {
        let ledger = tx.ledger.to_owned();
        return Err(Fault::Refused(LedgerError::DiskFull { ledger }));
    }
    if let Some(displaced) = tx.displaced {
        return Err(Fault::Refused(displaced.clone()));
    }
    if price.is_some_and(|price| price < Usd::ZERO) {
        return Err(Fault::Refused(LedgerError::defect("a negative price was claimed")));
    }
    let wanted = if despite_doubt { "in_doubt" } else { "queued" };
    let claimable = "SELECT state = ?2 AND current = 1 FROM revisions WHERE id = ?1";
    let claimable = tx
        .conn
        .prepare_cached(claimable)?
        .query_row(params![revision.0, wanted], |row| row.get(0))
        .optional()?;
    if claimable != Some(true) {
        let what = format!("revision {} was claimed but is not a {wanted} current one", revision.0);
        return Err(Fault::Refused(LedgerError::defect(what)));
    }
    let (budget, balance) = tx.purse()?;
    if !budget.allows(&balance, price) {
        return Ok(Claim::OverCap { balance });
    }
    let attempt = AttemptId(
        tx.conn
            .prepare_cached(
                "INSERT INTO attempts (revision, number, price_micro, charged_if_failed, sent_at, \
                 token, account) VALUES (?1, \
                 (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE revision = ?1), \
                 ?2, ?3, ?4, ?5, 'reserved')",
            )?
            .insert(params![
                revision.0,
                price.map(Usd::micros),
                charged_if_failed,
                at.as_millis(),
                token.map(|token| token.reveal()),
            ])?,
    );
    if let Some(price) = price {
        move_money(tx, attempt, Account::Reserved, price.micros(), at)?;
    }
    tx.conn
        .prepare_cached(
            "UPDATE revisions SET state = 'submitting', attempt = ?2, price_micro = ?3, \
             resubmits = resubmits + (state = 'in_doubt'), failure = NULL, why = NULL, since = NULL WHERE id = ?1",
        )?
        .execute(params![revision.0, attempt.0, price.map(Usd::micros)])?;
    let (_, balance) = tx.purse()?;
    Ok(Claim::Granted { attempt, balance })
}

/// A transition: the job, the attempt's change, the money's move and the files of a delivery.
pub(super) fn commit(
    tx: &Tx<'_>,
    revision: RevisionId,
    step: &Transition,
    files: &[ClipFile],
    at: Timestamp,
) -> Result<Committed, Fault> {
    let change = step.change.as_ref();
    let known = change.map(|change| lies_in(tx, revision, change.attempt)).transpose()?;
    if !write_job(tx, revision, &step.to, at)? {
        let what = format!("there is no revision {}", revision.0);
        return Err(Fault::Refused(LedgerError::defect(what)));
    }
    if let (Some(change), Some((from, price))) = (change, known) {
        write_change(tx, change, &step.to.state, at)?;
        if let Some(price) = price
            && from != change.account
        {
            move_money(tx, change.attempt, from, -price.micros(), at)?;
            move_money(tx, change.attempt, change.account, price.micros(), at)?;
        }
    }
    for (part, file) in (1_i64..).zip(files) {
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
    }
    let task_first_of = match change {
        Some(change) if change.outcome == Some(AttemptOutcome::Bought) => {
            snapshot::task_first_of(tx, change.attempt)?
        }
        _ => None,
    };
    let (_, balance) = tx.purse()?;
    let (reserve_used, displaced) = (tx.reserve_used, tx.displaced.cloned());
    Ok(Committed { balance, reserve_used, displaced, task_first_of })
}

/// A transition by evidence, unless its task is known.
pub(super) fn recover(
    tx: &Tx<'_>,
    revision: RevisionId,
    step: &Transition,
    task: &TaskId,
    at: Timestamp,
) -> Result<Option<Committed>, Fault> {
    if snapshot::knows_task(tx, task)? {
        return Ok(None);
    }
    commit(tx, revision, step, &[], at).map(Some)
}

/// A transition by the user's word that the shot was not bought. The word is about the shot: every
/// attempt of the revision without a task was not bought either, also those kept reserved so far.
pub(super) fn not_bought(
    tx: &Tx<'_>,
    revision: RevisionId,
    step: &Transition,
    at: Timestamp,
) -> Result<Released, Fault> {
    let Some(asked) = step.change.as_ref().filter(|change| change.account == Account::Released)
    else {
        return Err(Fault::Refused(LedgerError::defect("nothing was released by `not bought`")));
    };
    let doubtful: Vec<(AttemptId, Option<Usd>)> = tx
        .conn
        .prepare_cached(
            "SELECT id, price_micro FROM attempts WHERE revision = ?1 AND account = 'reserved' \
             AND (task_id IS NULL OR id = ?2) ORDER BY id",
        )?
        .query_map([revision.0, asked.attempt.0], |row| Ok((AttemptId(row.get(0)?), usd(row, 1)?)))?
        .collect::<Result<_, _>>()?;
    commit(tx, revision, step, &[], at)?;
    for (attempt, price) in doubtful.iter().filter(|(attempt, _)| *attempt != asked.attempt) {
        let change = AttemptChange { attempt: *attempt, ..asked.clone() };
        write_change(tx, &change, &step.to.state, at)?;
        if let Some(price) = price {
            move_money(tx, *attempt, Account::Reserved, -price.micros(), at)?;
        }
    }
    Ok(Released {
        requests: doubtful.len(),
        price: doubtful.iter().filter_map(|(_, price)| *price).sum(),
        unpriced: doubtful.iter().any(|(_, price)| price.is_none()),
    })
}

/// What the gateway says an attempt cost.
pub(super) fn charge(tx: &Tx<'_>, attempt: AttemptId, charge: &Charge) -> Result<(), Fault> {
    tx.conn
        .prepare_cached("UPDATE attempts SET charge = ?2, charge_currency = ?3 WHERE id = ?1")?
        .execute(params![attempt.0, charge.amount(), charge.currency()])?;
    Ok(())
}

/// The account an attempt's price lies in, and the price.
fn lies_in(
    tx: &Tx<'_>,
    revision: RevisionId,
    attempt: AttemptId,
) -> Result<(Account, Option<Usd>), Fault> {
    tx.conn
        .prepare_cached(
            "SELECT account, price_micro FROM attempts WHERE id = ?1 AND revision = ?2",
        )?
        .query_row([attempt.0, revision.0], |row| {
            Ok((row.get::<_, Word<Account>>(0)?.0, usd(row, 1)?))
        })
        .optional()?
        .ok_or_else(|| {
            let what = format!("attempt {} is not one of revision {}", attempt.0, revision.0);
            Fault::Refused(LedgerError::defect(what))
        })
}

/// Answers whether there is such a revision.
fn write_job(
    tx: &Tx<'_>,
    revision: RevisionId,
    status: &RevisionState,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let columns = StateColumns::of(&status.state);
    let delivered_at = matches!(status.state, State::Delivered { .. }).then(|| at.as_millis());
    let rows = tx
        .conn
        .prepare_cached(
            "UPDATE revisions SET state = ?2, attempt = ?3, failure = ?4, why = ?5, since = ?6, \
             completed_at = iif(?7, completed_at, ?8), urls = iif(?7, urls, ?9), \
             delivered_at = coalesce(?10, delivered_at), refusals = ?11, resubmits = ?12 \
             WHERE id = ?1",
        )?
        .execute(params![
            revision.0,
            columns.state,
            columns.attempt,
            columns.failure,
            columns.why,
            columns.since,
            columns.keeps_urls,
            columns.completed_at,
            columns.urls,
            delivered_at,
            status.refusals,
            status.resubmits,
        ])?;
    Ok(rows == 1)
}

/// How a POST ended is said once; a task may be given by the user later, and replaced.
fn write_change(
    tx: &Tx<'_>,
    change: &AttemptChange,
    state: &State,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let task = match state {
        State::Rendering { attempt, task, .. } if *attempt == change.attempt => Some(task.as_str()),
        _ => None,
    };
    let outcome = change.outcome.map(AttemptOutcome::name);
    let answered_at = outcome.is_some().then(|| at.as_millis());
    tx.conn
        .prepare_cached(
            "UPDATE attempts SET account = ?2, outcome = coalesce(outcome, ?3), \
             why = coalesce(why, ?4), answered_at = coalesce(answered_at, ?5), \
             task_id = coalesce(?6, task_id) WHERE id = ?1",
        )?
        .execute(params![
            change.attempt.0,
            change.account.name(),
            outcome,
            change.why,
            answered_at,
            task,
        ])?;
    Ok(())
}

/// Nothing lies in `released`.
fn move_money(
    tx: &Tx<'_>,
    attempt: AttemptId,
    account: Account,
    micros: i64,
    at: Timestamp,
) -> rusqlite::Result<()> {
    if account == Account::Released || micros == 0 {
        return Ok(());
    }
    tx.conn
        .prepare_cached("INSERT INTO money (attempt, at, account, micro) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![attempt.0, at.as_millis(), account.name(), micros])?;
    Ok(())
}
