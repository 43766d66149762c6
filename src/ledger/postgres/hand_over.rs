//! What a worker is handed over, and what it hears of the others.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::error::Trouble;
use super::process::{boot_clock, is_gone};
use super::rows::{ENTRY, ENTRY_COLUMNS, FROM, Found};
use super::timings::TIMINGS;
use super::worker::{Worker, patient};
use crate::domain::callback::{Callback, MAX_NAMED};
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::high_water_mark::Known;
use crate::ledger::{Assigned, CallbackSubscription, Entry, LedgerError, News, RevisionId, Want};
use crate::policy::budget::{Balance, Budget};
use crate::policy::rejections::AlikeRejections;

/// What was handed over, before it is read.
struct Told {
    /// How much the database knows.
    known: Known,
    ids: Vec<i64>,
    callbacks: Vec<Callback>,
    rejections: Vec<AlikeRejections>,
    news: News,
    silent: Vec<String>,
}

impl Worker {
    /// See [`Fleet::assign`](crate::ledger::Fleet::assign).
    pub(super) async fn hand_over(&mut self, want: &Want) -> Result<Assigned, LedgerError> {
        let mut asked = boot_clock();
        let (assigned, number) = self
            .retried(async |client, worker| {
                asked = boot_clock();
                worker.handed_over(client, want).await
            })
            .await?;
        self.assignments = number;
        self.shared.renewed(asked);
        self.shared.keep(assigned.news.budget, assigned.news.balance);
        Ok(assigned)
    }

    /// Answers also which number the call had.
    async fn handed_over(
        &mut self,
        client: &Client,
        want: &Want,
    ) -> Result<(Assigned, i64), Trouble> {
        let mut number = self.assignments + 1;
        let mut gone = self.gone();
        let mut told = self.ask(client, want, number, &gone).await?;
        self.silent = std::mem::take(&mut told.silent);
        // What a process had that has just died is to be had at once.
        let has_died = self.gone().iter().any(|place| !gone.contains(place));
        if told.ids.is_empty() && has_died {
            gone = self.gone();
            self.assignments = number;
            number += 1;
            let heard = told.callbacks;
            told = self.ask(client, want, number, &gone).await?;
            told.callbacks.extend(heard);
            self.silent = std::mem::take(&mut told.silent);
        }
        self.admit(told.known)?;
        let (entries, subscriptions) = self.read_handed(client, &told.ids).await?;
        self.note(told.known);
        let Told { callbacks, rejections, news, .. } = told;
        Ok((Assigned { entries, subscriptions, callbacks, rejections, news }, number))
    }

    /// Where those were of whom nothing is heard, and whose process is gone for certain.
    fn gone(&self) -> Vec<String> {
        self.silent.iter().filter(|place| is_gone(place)).cloned().collect()
    }

    async fn ask(
        &self,
        client: &Client,
        want: &Want,
        number: i64,
        gone: &[String],
    ) -> Result<Told, Trouble> {
        let said = said(want, gone).to_string();
        let sql = "SELECT assign($1, $2::text::interval, $3, $4::text::jsonb)";
        let with: [&(dyn ToSql + Sync); 4] = [&self.id, &TIMINGS.lease, &number, &said];
        let row = patient(client.query_one(sql, &with)).await?;
        let row = row.map_err(|error| self.trouble(&error))?;
        let odd = |what: &str| Trouble::damaged(self.address.shown(), what);
        let value: Value =
            serde_json::from_str(row.get(0)).map_err(|error| odd(&error.to_string()))?;
        told(&value).ok_or_else(|| odd("it tells no news"))
    }

    /// Reads what was handed over: what goes on first, then the best.
    async fn read_handed(
        &self,
        client: &Client,
        ids: &[i64],
    ) -> Result<(Vec<(Entry, Option<u32>)>, Vec<CallbackSubscription>), Trouble> {
        let (mut entries, mut subscriptions) = (Vec::with_capacity(ids.len()), Vec::new());
        if ids.is_empty() {
            return Ok((entries, subscriptions));
        }
        let sql = format!(
            "SELECT {ENTRY}, CASE WHEN r.current THEN r.position END, \
             CASE WHEN a.key_on_wire AND r.state IN ('submitting', 'rendering', 'in_doubt') \
               THEN a.token END, a.sent_at {FROM} \
             WHERE r.id = ANY ($1) AND r.worker = $2 \
             ORDER BY r.stage = 'queued', r.probed, r.priority DESC, r.position, r.id"
        );
        let rows = patient(client.query(&sql, &[&ids, &self.id])).await?;
        for row in &rows.map_err(|error| self.trouble(&error))? {
            let found = Found { row, server: self.address.shown() };
            let place = found.get::<Option<i64>>(ENTRY_COLUMNS)?;
            let entry = found.entry(None)?;
            let attempt = entry.status.state.attempt();
            if let (Some(attempt), Some(key)) =
                (attempt, found.get::<Option<&str>>(ENTRY_COLUMNS + 1)?)
            {
                let key = Secret::parse(key).ok_or_else(|| found.odd("an unreadable key"))?;
                let sent_at = Timestamp::from_millis(found.get(ENTRY_COLUMNS + 2)?);
                subscriptions.push(CallbackSubscription { attempt, key, sent_at });
            }
            entries.push((entry, place.map(|place| u32::try_from(place).unwrap_or(u32::MAX))));
        }
        subscriptions.sort_unstable_by_key(|one: &CallbackSubscription| AttemptId(one.attempt.0));
        Ok((entries, subscriptions))
    }

    /// See [`Fleet::take`](crate::ledger::Fleet::take). May be made twice.
    pub(super) async fn take(
        &self,
        client: &Client,
        revision: RevisionId,
    ) -> Result<Option<Entry>, Trouble> {
        let sql = "SELECT take($1, $2::text::interval, $3)";
        let row = patient(client.query_one(sql, &[&self.id, &TIMINGS.lease, &revision.0])).await?;
        if !row.map_err(|error| self.trouble(&error))?.get::<_, bool>(0) {
            return Ok(None);
        }
        let (entries, _) = self.read_handed(client, &[revision.0]).await?;
        Ok(entries.into_iter().next().map(|(entry, _)| entry))
    }

    /// See [`Fleet::set_paused`](crate::ledger::Fleet::set_paused).
    pub(super) async fn set_paused(&self, client: &Client, paused: bool) -> Result<(), Trouble> {
        let sql = "UPDATE campaigns SET paused = $2 FROM workers AS w \
             WHERE campaigns.id = w.campaign AND w.id = $1 AND w.ended IS NULL";
        self.one(client, sql, &[&self.id, &paused]).await
    }
}

/// What a worker wants, as `assign` reads it.
fn said(want: &Want, gone: &[String]) -> Value {
    let returned: Vec<i64> = want.returned.iter().map(|revision| revision.0).collect();
    let callback = |call: &Callback| {
        let tasks: Vec<&str> = call.tasks.iter().map(TaskId::as_str).collect();
        json!({"key": call.key.reveal(), "tasks": tasks})
    };
    let callbacks: Vec<Value> = want.callbacks.iter().map(callback).collect();
    json!({
        "queued": want.queued,
        "left": want.left.map(Usd::micros),
        "purchases": want.purchases,
        "doubts": want.doubts,
        "failed": want.failed,
        "hears": want.hears,
        "callbacks": callbacks,
        "max_named": MAX_NAMED,
        "returned": returned,
        "idle": want.is_idle,
        "failures": want.failures,
        "late": want.late,
        "accepted": want.accepted,
        "rejections": want.rejections,
        "gone": gone,
    })
}

/// A call as `assign` tells of it.
fn callback(value: &Value) -> Option<Callback> {
    let tasks = value["tasks"].as_array()?.iter();
    let tasks = tasks.filter_map(|task| TaskId::new(task.as_str()?)).collect();
    Some(Callback { key: Secret::parse(value["key"].as_str()?)?, tasks })
}

fn told(value: &Value) -> Option<Told> {
    let micros = |name: &str| value[name].as_i64().map(Usd::from_micros);
    let number = |name: &str| value[name].as_u64().map(|it| u32::try_from(it).unwrap_or(u32::MAX));
    let texts = value["silent"].as_array()?.iter();
    let count = |name: &str| value[name].as_i64();
    Some(Told {
        known: Known { attempts: count("attempts")?, movements: count("movements")? },
        callbacks: value["callbacks"].as_array()?.iter().filter_map(callback).collect(),
        rejections: Vec::deserialize(&value["rejections"]).ok()?,
        ids: value["ids"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?,
        silent: texts.map(|place| place.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        news: News {
            budget: Budget { cap: micros("cap"), strict: value["strict"].as_bool()? },
            balance: Balance {
                spent: micros("spent")?,
                reserved: micros("reserved")?,
                unconfirmed: micros("unconfirmed")?,
            },
            places: number("places").unwrap_or(u32::MAX),
            month_left: micros("month_left"),
            workers: number("workers")?,
            paused: value["paused"].as_bool()?,
            failures: number("failures")?,
            late: number("late")?,
            accepted: number("accepted")?,
            is_over: value["over"].as_bool()?,
            waiting: usize::try_from(value["waiting"].as_u64()?).ok()?,
        },
    })
}
