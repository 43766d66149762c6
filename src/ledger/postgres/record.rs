//! Makes a manifest's shots the current ones: reads the campaign's revisions, has the difference made,
//! and writes it, in one transaction.

use std::collections::HashMap;
use std::pin::pin;

use futures::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Transaction};

use super::encode::storable;
use super::error::Trouble;
use super::rows::{ENTRY, FROM, Found, SAID};
use super::timings::TIMINGS;
use super::worker::{ENTER, Worker};
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::ledger::columns::failure_name;
use crate::ledger::reconcile::{Difference, Slot, list, pairs};
use crate::ledger::revision::{FAILED_WITH_FILES, TakenNames, as_written};
use crate::ledger::{Entry, Identity, RevisionId, StoredRequest};

/// So many new revisions are written by one statement.
const AT_ONCE: usize = 5_000;

/// See [`Ledger::record`](crate::ledger::Ledger::record). What it answers is in this worker's hands, as
/// far as it is in no other's; a visitor needs to have nothing in its hands.
pub(super) async fn record(
    client: &mut Client,
    worker: &Worker,
    shots: &[Shot],
    identity: &Identity,
    at: Timestamp,
) -> Result<Vec<Entry>, Trouble> {
    let writing = Writing::begin(client, worker).await?;
    let difference = writing.difference(shots, identity).await?;
    writing.write(&difference, shots, at).await?;
    // It knows of no digest.
    writing.set_digest(None).await?;
    let entries = writing.entries(difference.slots, shots).await?;
    if !worker.joining.is_visitor() {
        let ids: Vec<i64> = entries.iter().map(|entry| entry.revision.0).collect();
        writing.execute(TAKE, &[&worker.id, &ids]).await?;
    }
    writing.end().await?;
    Ok(entries)
}

/// Takes revisions into a worker's hands that are in no other's.
pub(super) const TAKE: &str = "UPDATE revisions SET worker = $1 WHERE id = ANY ($2) \
     AND stage <> 'delivered' AND (worker IS NULL OR is_free(worker, state))";

/// A transaction that changes which shots are the current ones. No other worker does it meanwhile.
pub(super) struct Writing<'t> {
    tx: Transaction<'t>,
    worker: &'t Worker,
}

impl<'t> Writing<'t> {
    /// Begins it; the lease is renewed, and lasts until it is over.
    pub(super) async fn begin(client: &'t mut Client, worker: &'t Worker) -> Result<Self, Trouble> {
        let lost = |error: tokio_postgres::Error| worker.trouble(&error);
        let tx = client.transaction().await.map_err(lost)?;
        let entered = tx.query_one(ENTER, &[&worker.id, &TIMINGS.lease]).await.map_err(lost)?;
        worker.is_answered_last(entered.get(0))?;
        let writing = Self { tx, worker };
        writing
            .execute("SELECT 1 FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", &[&worker.campaign])
            .await?;
        Ok(writing)
    }

    /// Ends it. It may have taken long: the lease begins at its end.
    pub(super) async fn end(self) -> Result<(), Trouble> {
        self.execute(ENTER, &[&self.worker.id, &TIMINGS.lease]).await?;
        let worker = self.worker;
        self.tx.commit().await.map_err(|error| worker.trouble(&error))
    }

    /// The digest of the text whose shots are the current ones.
    pub(super) async fn digest(&self) -> Result<Option<Vec<u8>>, Trouble> {
        let sql = "SELECT digest FROM campaigns WHERE id = $1";
        let row = self.tx.query_one(sql, &[&self.worker.campaign]).await;
        Ok(row.map_err(|error| self.lost(&error))?.get(0))
    }

    pub(super) async fn set_digest(&self, digest: Option<&[u8]>) -> Result<(), Trouble> {
        let sql = "UPDATE campaigns SET digest = $2 WHERE id = $1 AND digest IS DISTINCT FROM $2";
        self.execute(sql, &[&self.worker.campaign, &digest]).await
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        with: &[&(dyn ToSql + Sync)],
    ) -> Result<(), Trouble> {
        self.tx.execute(sql, with).await.map(drop).map_err(|error| self.lost(&error))
    }

    fn lost(&self, error: &tokio_postgres::Error) -> Trouble {
        self.worker.trouble(error)
    }

    fn server(&self) -> &str {
        self.worker.address.shown()
    }

    /// What changes.
    pub(super) async fn difference<'s>(
        &self,
        shots: &'s [Shot],
        identity: &Identity,
    ) -> Result<Difference<'s>, Trouble> {
        let mut difference = Difference::new(shots);
        let mut others: HashMap<RevisionId, Entry> = HashMap::new();
        let sql = format!("SELECT {ENTRY}, {SAID} {FROM} WHERE r.campaign = $1");
        let rows = self.tx.query_raw(&sql, [self.worker.campaign]).await;
        let mut rows = pin!(rows.map_err(|error| self.lost(&error))?);
        while let Some(row) = rows.try_next().await.map_err(|error| self.lost(&error))? {
            let found = Found { row: &row, server: self.server() };
            let before = difference.candidates().len();
            difference.take(&found)?;
            if difference.candidates().len() > before {
                let entry = found.entry(None)?;
                others.insert(entry.revision, entry);
            }
        }
        let stored = self.requests(&others).await?;
        let gone = |revision: RevisionId| {
            Trouble::damaged(self.server(), format!("revision {} is gone", revision.0))
        };
        difference.find_same(
            |shot, revision| {
                let stored = stored.get(&revision).ok_or_else(|| gone(revision))?;
                Ok(identity.is_same(shot, stored))
            },
            |revision, _| others.get(&revision).cloned().ok_or_else(|| gone(revision)),
        )?;
        if difference.has_unnamed() {
            let last =
                if difference.is_empty { HashMap::new() } else { self.last_numbers().await? };
            let taken = self.taken().await?;
            difference
                .name_clips(taken, |shot| Ok::<_, Trouble>(last.get(shot.as_str()).copied()))?;
        }
        Ok(difference)
    }

    /// What these revisions asked for, and what their attempts sent.
    async fn requests(
        &self,
        of: &HashMap<RevisionId, Entry>,
    ) -> Result<HashMap<RevisionId, StoredRequest>, Trouble> {
        if of.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<i64> = of.keys().map(|revision| revision.0).collect();
        let sql = "SELECT r.id, r.fingerprint, r.request, \
             ARRAY(SELECT DISTINCT wire FROM attempts WHERE revision = r.id AND wire IS NOT NULL) \
             FROM revisions AS r WHERE r.id = ANY ($1)";
        let rows = self.tx.query(sql, &[&ids]).await.map_err(|error| self.lost(&error))?;
        let read = rows.iter().map(|row| {
            let found = Found { row, server: self.server() };
            let stored = StoredRequest {
                fingerprint: found.fingerprint_at(1)?,
                request: found.get(2)?,
                wires: found.get(3)?,
            };
            Ok((RevisionId(found.get(0)?), stored))
        });
        read.collect()
    }

    /// The highest number of each shot's revisions.
    async fn last_numbers(&self) -> Result<HashMap<String, u32>, Trouble> {
        let sql = "SELECT shot, max(number) FROM revisions WHERE campaign = $1 GROUP BY shot";
        let rows = self.tx.query(sql, &[&self.worker.campaign]).await;
        let rows = rows.map_err(|error| self.lost(&error))?;
        let read = rows.iter().map(|row| {
            let found = Found { row, server: self.server() };
            Ok((found.get(0)?, found.count(1)?))
        });
        read.collect()
    }

    /// The names of clips that lie, or may still come to lie, there.
    async fn taken(&self) -> Result<TakenNames, Trouble> {
        let failures = FAILED_WITH_FILES.map(failure_name).to_vec();
        let sql = "SELECT clip_name, number FROM revisions WHERE campaign = $1 \
             AND state <> 'queued' AND (state <> 'failed' OR failure = ANY ($2))";
        let rows = self.tx.query(sql, &[&self.worker.campaign, &failures]).await;
        let mut taken = TakenNames::default();
        for row in &rows.map_err(|error| self.lost(&error))? {
            let found = Found { row, server: self.server() };
            taken.take(found.get(0)?, found.count(1)?);
        }
        Ok(taken)
    }

    /// Writes it.
    pub(super) async fn write(
        &self,
        difference: &Difference<'_>,
        shots: &[Shot],
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let retired: Vec<i64> = difference.retired.iter().map(|revision| revision.0).collect();
        let retire = "UPDATE revisions SET current = false WHERE id = ANY ($1)";
        if !retired.is_empty() {
            self.tx.execute(retire, &[&retired]).await.map_err(|error| self.lost(&error))?;
        }
        for (revision, fingerprint) in &difference.renewed {
            let renew = "UPDATE revisions SET fingerprint = $2 WHERE id = $1";
            let fingerprint = fingerprint.as_bytes().as_slice();
            self.tx
                .execute(renew, &[&revision.0, &fingerprint])
                .await
                .map_err(|error| self.lost(&error))?;
        }
        let (mut changed, mut new) = (Columns::default(), Columns::default());
        for ((slot, shot), position) in difference.slots.iter().zip(shots).zip(0_i64..) {
            match slot {
                Slot::Same(_) => {}
                Slot::Changed { entry, .. } => {
                    changed.ids.push(entry.revision.0);
                    changed.push(shot, position, &entry.clip_name, entry.price);
                }
                Slot::New { number, clip_name } => {
                    new.numbers.push(i32::try_from(*number).unwrap_or(i32::MAX));
                    new.push(shot, position, clip_name, shot.price);
                    if new.positions.len() == AT_ONCE {
                        self.insert(&std::mem::take(&mut new), at).await?;
                    }
                }
            }
        }
        self.update(&changed).await?;
        self.insert(&new, at).await
    }

    async fn update(&self, columns: &Columns) -> Result<(), Trouble> {
        let sql = "UPDATE revisions AS r SET current = true, position = n.position, \
             priority = n.priority, clip_name = n.clip_name, price_micro = n.price, model = n.model, \
             tags = n.tags, request = n.request, entry = n.entry, variant = n.variant \
             FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::text[], \
             $7::text[], $8::text[], $9::text[], $10::text[]) \
             AS n(id, position, priority, clip_name, price, model, tags, request, entry, variant) \
             WHERE r.id = n.id";
        if columns.ids.is_empty() {
            return Ok(());
        }
        let Columns { ids, positions, priorities, clip_names, prices, models, .. } = columns;
        let Columns { tags, requests, entries, variants, .. } = columns;
        self.tx
            .execute(
                sql,
                &[
                    ids, positions, priorities, clip_names, prices, models, tags, requests,
                    entries, variants,
                ],
            )
            .await
            .map(drop)
            .map_err(|error| self.lost(&error))
    }

    async fn insert(&self, columns: &Columns, at: Timestamp) -> Result<(), Trouble> {
        let sql = "INSERT INTO revisions (campaign, shot, number, fingerprint, current, position, \
             priority, clip_name, price_micro, state, model, tags, request, recorded_at, entry, variant) \
             SELECT $1, n.shot, n.number, n.fingerprint, true, n.position, n.priority, n.clip_name, \
             n.price, 'queued', n.model, n.tags, n.request, $2, n.entry, n.variant \
             FROM unnest($3::text[], $4::int[], $5::bytea[], $6::bigint[], $7::int[], $8::text[], \
             $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) \
             AS n(shot, number, fingerprint, position, priority, clip_name, price, model, tags, request, \
             entry, variant)";
        if columns.positions.is_empty() {
            return Ok(());
        }
        let Columns { shots, numbers, fingerprints, positions, priorities, clip_names, .. } =
            columns;
        let Columns { prices, models, tags, requests, entries, variants, .. } = columns;
        self.tx
            .execute(
                sql,
                &[
                    &self.worker.campaign,
                    &at.as_millis(),
                    shots,
                    numbers,
                    fingerprints,
                    positions,
                    priorities,
                    clip_names,
                    prices,
                    models,
                    tags,
                    requests,
                    entries,
                    variants,
                ],
            )
            .await
            .map(drop)
            .map_err(|error| self.lost(&error))
    }

    /// The entries of the slots, new ones by the ids that they were given.
    async fn entries(&self, slots: Vec<Slot>, shots: &[Shot]) -> Result<Vec<Entry>, Trouble> {
        let mut ids: HashMap<i64, i64> = HashMap::new();
        if slots.iter().any(|slot| matches!(slot, Slot::New { .. })) {
            let sql = "SELECT position, id FROM revisions WHERE campaign = $1 AND current";
            let rows = self.tx.query(sql, &[&self.worker.campaign]).await;
            for row in &rows.map_err(|error| self.lost(&error))? {
                let found = Found { row, server: self.server() };
                ids.insert(found.get(0)?, found.get(1)?);
            }
        }
        let entries = slots.into_iter().zip(shots).zip(0_i64..).map(|((slot, shot), position)| {
            Ok(match slot {
                Slot::Same(entry) | Slot::Changed { entry, .. } => entry,
                Slot::New { number, clip_name } => {
                    let recorded = ids.get(&position).copied().map(RevisionId);
                    let missing = || format!("{} was not recorded", shot.id);
                    let revision =
                        recorded.ok_or_else(|| Trouble::damaged(self.server(), missing()))?;
                    Entry::new(revision, shot, number, clip_name)
                }
            })
        });
        entries.collect()
    }
}

/// The columns of several revisions, one list each.
#[derive(Default)]
struct Columns {
    ids: Vec<i64>,
    shots: Vec<String>,
    numbers: Vec<i32>,
    fingerprints: Vec<Vec<u8>>,
    positions: Vec<i64>,
    priorities: Vec<i32>,
    clip_names: Vec<String>,
    prices: Vec<Option<i64>>,
    models: Vec<String>,
    tags: Vec<String>,
    requests: Vec<String>,
    entries: Vec<String>,
    variants: Vec<Option<String>>,
}

impl Columns {
    fn push(&mut self, shot: &Shot, position: i64, clip_name: &str, price: Option<Usd>) {
        self.shots.push(shot.id.as_str().to_owned());
        self.fingerprints.push(shot.fingerprint.as_bytes().to_vec());
        self.positions.push(position);
        self.priorities.push(shot.priority);
        self.clip_names.push(clip_name.to_owned());
        self.prices.push(price.map(Usd::micros));
        self.models.push(shot.model.to_string());
        self.tags.push(storable(&list(&shot.tags)));
        self.requests.push(storable(&as_written(&shot.request)));
        self.entries.push(storable(&shot.entry));
        self.variants.push(pairs(&shot.variant).as_deref().map(storable));
    }
}
