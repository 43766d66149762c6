//! What a worker reads of its campaign, and what it writes beside batches.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row as SqlRow};

use super::error::{ServerError, Trouble};
use super::record::TAKE;
use super::rows::{ENTRY, ENTRY_COLUMNS, FROM, Found, REQUEST, older};
use super::worker::{Worker, patient};
use crate::domain::money::Usd;
use crate::domain::outcome::TaskId;
use crate::domain::secret::Secret;
use crate::domain::state::AttemptId;
use crate::domain::time::Timestamp;
use crate::ledger::{
    Assign, CallbackSubscription, EarlierTask, Entry, Note, ReservedAttempt, RevisionId,
    StoredAttempt, StoredRequest,
};
use crate::policy::budget::Budget;

type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

impl Worker {
    async fn rows(
        &self,
        client: &Client,
        sql: &str,
        with: Params<'_>,
    ) -> Result<Vec<SqlRow>, Trouble> {
        patient(client.query(sql, with)).await?.map_err(|error| self.trouble(&error))
    }

    /// Reads each row.
    async fn read<T>(
        &self,
        client: &Client,
        sql: &str,
        with: Params<'_>,
        each: impl Fn(&Found<'_>) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        let rows = self.rows(client, sql, with).await?;
        rows.iter().map(|row| each(&Found { row, server: self.address.shown() })).collect()
    }

    pub(super) async fn assign(
        &self,
        client: &Client,
        which: Assign,
    ) -> Result<Vec<Entry>, Trouble> {
        let entry = |found: &Found<'_>| found.entry(None);
        let mut all = match which {
            Assign::All => {
                let sql = format!(
                    "SELECT {ENTRY} {FROM} WHERE r.campaign = $1 AND r.current ORDER BY r.position"
                );
                self.read(client, &sql, &[&self.campaign], entry).await?
            }
            Assign::Leftovers => Vec::new(),
        };
        let sql = format!("SELECT {ENTRY} {FROM} WHERE r.campaign = $1 AND {}", older());
        all.extend(self.read(client, &sql, &[&self.campaign], entry).await?);
        if !self.joining.is_visitor() {
            let ids: Vec<i64> = all.iter().map(|entry: &Entry| entry.revision.0).collect();
            let taken = patient(client.execute(TAKE, &[&self.id, &ids])).await?;
            taken.map_err(|error| self.trouble(&error))?;
        }
        Ok(all)
    }

    pub(super) async fn subscriptions(
        &self,
        client: &Client,
    ) -> Result<Vec<CallbackSubscription>, Trouble> {
        let sql = "SELECT a.id, a.token, a.sent_at FROM revisions AS r JOIN attempts AS a \
             ON a.id = r.attempt WHERE r.campaign = $1 \
             AND r.state IN ('submitting', 'rendering', 'in_doubt') AND a.key_on_wire ORDER BY a.id";
        self.read(client, sql, &[&self.campaign], |found| {
            let key = Secret::parse(found.get(1)?);
            Ok(CallbackSubscription {
                attempt: AttemptId(found.get(0)?),
                key: key.ok_or_else(|| found.odd("an unreadable key"))?,
                sent_at: Timestamp::from_millis(found.get(2)?),
            })
        })
        .await
    }

    pub(super) async fn knows_task(&self, client: &Client, task: &TaskId) -> Result<bool, Trouble> {
        let sql = "SELECT 1 FROM attempts WHERE campaign = $1 AND md5(task_id) = md5($2) \
             AND task_id = $2 LIMIT 1";
        let rows = self.rows(client, sql, &[&self.campaign, &task.as_str()]).await?;
        Ok(!rows.is_empty())
    }

    pub(super) async fn reserved_attempts(
        &self,
        client: &Client,
        revision: RevisionId,
    ) -> Result<Vec<ReservedAttempt>, Trouble> {
        let sql = "SELECT id, price_micro, sent_at, task_id FROM attempts \
             WHERE revision = $1 AND campaign = $2 AND account = 'reserved' ORDER BY id";
        self.read(client, sql, &[&revision.0, &self.campaign], |found| {
            Ok(ReservedAttempt {
                attempt: AttemptId(found.get(0)?),
                price: found.usd(1)?,
                sent_at: Timestamp::from_millis(found.get(2)?),
                task: found.task_id(3)?,
            })
        })
        .await
    }

    pub(super) async fn attempts(
        &self,
        client: &Client,
        revision: RevisionId,
    ) -> Result<Vec<StoredAttempt>, Trouble> {
        let sql = "SELECT id, price_micro, sent_at, account, task_id, \
             task_id IS NOT NULL AND outcome IS DISTINCT FROM 'bought', former_tasks \
             FROM attempts WHERE revision = $1 AND campaign = $2 ORDER BY id";
        self.read(client, sql, &[&revision.0, &self.campaign], |found| {
            Ok(StoredAttempt {
                attempt: AttemptId(found.get(0)?),
                price: found.usd(1)?,
                sent_at: Timestamp::from_millis(found.get(2)?),
                account: found.account(3)?,
                task: found.task_id(4)?,
                is_given: found.get(5)?,
                former_tasks: found.task_ids(6)?,
            })
        })
        .await
    }

    /// The tasks whose price is reserved though no state is about them any more.
    pub(super) async fn earlier_tasks(&self, client: &Client) -> Result<Vec<EarlierTask>, Trouble> {
        let sql = format!(
            "SELECT {ENTRY}, e.id, e.task_id, e.price_micro, e.charged_if_failed, e.sent_at \
             {FROM} JOIN attempts AS e ON e.revision = r.id \
             WHERE e.campaign = $1 AND e.account = 'reserved' AND e.task_id IS NOT NULL \
             AND (r.attempt IS DISTINCT FROM e.id OR r.state = 'failed') ORDER BY e.id"
        );
        self.read(client, &sql, &[&self.campaign], |found| {
            let column = |after: usize| ENTRY_COLUMNS + after;
            let (price, charged_if_failed) = (found.usd(column(2))?, found.get(column(3))?);
            Ok(EarlierTask {
                entry: Entry { price, charged_if_failed, ..found.entry(None)? },
                attempt: AttemptId(found.get(column(0))?),
                task: found.task_id(column(1))?.ok_or_else(|| found.odd("no task id"))?,
                sent_at: Timestamp::from_millis(found.get(column(4))?),
            })
        })
        .await
    }

    /// Whether a price of a revision is reserved, or a clip of it listed.
    pub(super) async fn may_have_clip(
        &self,
        client: &Client,
        revision: RevisionId,
    ) -> Result<bool, Trouble> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempts WHERE revision = $1 AND account = 'reserved') \
             OR EXISTS (SELECT 1 FROM files WHERE revision = $1)";
        let told = self.read(client, sql, &[&revision.0], |found| found.get(0)).await?;
        Ok(told.first().copied().unwrap_or_default())
    }

    pub(super) async fn request(
        &self,
        client: &Client,
        revision: RevisionId,
    ) -> Result<StoredRequest, Trouble> {
        let with: Params<'_> = &[&revision.0, &self.campaign];
        let rows = self.rows(client, REQUEST, with).await?;
        let missing = || format!("there is no revision {}", revision.0);
        let row = rows.first();
        let row = row.ok_or_else(|| Trouble::damaged(self.address.shown(), missing()))?;
        Found { row, server: self.address.shown() }.stored_request()
    }

    pub(super) async fn set_budget(&self, client: &Client, budget: Budget) -> Result<(), Trouble> {
        let cap = budget.cap.map(Usd::micros);
        let sql = "UPDATE pots SET cap_micro = $2, is_strict = $3 FROM workers AS w \
             WHERE pots.id = $4 AND w.id = $1 AND w.ended IS NULL";
        self.one(client, sql, &[&self.id, &cap, &budget.strict, &self.pot]).await
    }

    /// See [`Fleet::offer_budget`](crate::ledger::Fleet::offer_budget). May be made twice.
    pub(super) async fn offer_budget(
        &self,
        client: &Client,
        budget: Budget,
    ) -> Result<Budget, Trouble> {
        let cap = budget.cap.map(Usd::micros);
        let written = format!("{cap:?}, {}", budget.strict);
        let sql = "WITH new AS (UPDATE campaigns AS c SET written_budget = $2 FROM workers AS w \
               WHERE c.id = w.campaign AND w.id = $1 AND w.ended IS NULL \
                 AND c.written_budget IS DISTINCT FROM $2 RETURNING c.pot) \
             UPDATE pots SET cap_micro = $3, is_strict = $4 FROM new WHERE pots.id = new.pot";
        let with: Params<'_> = &[&self.id, &written, &cap, &budget.strict];
        let changed = patient(client.execute(sql, with)).await?;
        changed.map_err(|error| self.trouble(&error))?;
        let sql = "SELECT cap_micro, is_strict FROM pots WHERE id = $1";
        let holds = |found: &Found<'_>| Ok(Budget { cap: found.usd(0)?, strict: found.get(1)? });
        let holds = self.read(client, sql, &[&self.pot], holds).await?;
        let gone = || Trouble::damaged(self.address.shown(), "the campaign's money is gone");
        holds.first().copied().ok_or_else(gone)
    }

    pub(super) async fn keep_note(&self, client: &Client, note: &Note) -> Result<(), Trouble> {
        match note {
            Note::MovedTo(address) => {
                let sql = "UPDATE campaigns SET moved_to = $2 FROM workers AS w \
                     WHERE campaigns.id = w.campaign AND w.id = $1 AND w.ended IS NULL";
                self.one(client, sql, &[&self.id, &&**address]).await
            }
            Note::Separate => {
                let sql = "UPDATE campaigns SET separate = true FROM workers AS w \
                     WHERE campaigns.id = w.campaign AND w.id = $1 AND w.ended IS NULL";
                self.one(client, sql, &[&self.id]).await
            }
        }
    }

    /// Changes one row, unless this worker was given up.
    pub(super) async fn one(
        &self,
        client: &Client,
        sql: &str,
        with: Params<'_>,
    ) -> Result<(), Trouble> {
        let changed = patient(client.execute(sql, with)).await?;
        match changed.map_err(|error| self.trouble(&error))? {
            1 => Ok(()),
            _ => Err(Trouble::Given(ServerError::GivenUp(self.address.shown().to_owned()))),
        }
    }
}
