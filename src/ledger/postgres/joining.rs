//! How a worker joins a campaign, and joins it anew after it was given up.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::address::ServerAddress;
use super::error::{ServerError, Trouble};
use super::process;
use super::schema::PROGRAM;
use super::timings::{TIMINGS, interval};
use crate::catalog::hex;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::ledger::columns::kind_name;
use crate::ledger::holder::{holder, without_since};
use crate::ledger::{LedgerOptions, Work};

/// What a worker says when it joins.
pub(super) struct Joining {
    pub(super) address: ServerAddress,
    kind: &'static str,
    campaign: String,
    who: String,
    post_lasts: String,
    at: Timestamp,
    /// What it does; null for a visitor.
    work: Value,
    /// The digest of what it renders.
    pub(super) digest: Option<Vec<u8>>,
}

/// What it was before it was given up.
#[derive(Clone, Copy)]
pub(super) struct Former {
    pub(super) worker: i64,
    /// The number of the last batch that was answered.
    pub(super) batches: i64,
}

/// What it is from now on.
pub(super) struct Joined {
    pub(super) worker: i64,
    pub(super) campaign: i32,
    pub(super) pot: i64,
    pub(super) batches: i64,
    /// Whether a run of the campaign begins with it.
    pub(super) begins_run: bool,
    /// Whether it has the account's moments to itself: no other can have been given one lately.
    pub(super) is_alone: bool,
    /// The answer of the batch that was sent last under the former number, if that was done.
    pub(super) answer: Option<String>,
}

impl Joining {
    pub(super) fn new(address: &ServerAddress, options: &LedgerOptions<'_>) -> Self {
        let digest = options.work.as_ref().and_then(|work| work.digest).map(|it| it.0.to_vec());
        Self {
            address: address.clone(),
            kind: kind_name(options.kind),
            campaign: options.campaign.to_owned(),
            who: holder(options.holder, options.at),
            post_lasts: interval(TIMINGS.on_wire.unwrap_or(options.post_lasts)),
            at: options.at,
            work: options.work.as_ref().map_or(Value::Null, told),
            digest,
        }
    }

    /// Whether it is a visitor.
    pub(super) fn is_visitor(&self) -> bool {
        self.work.is_null()
    }

    /// Joins the campaign, which is made if it is new.
    pub(super) async fn join(
        &self,
        client: &Client,
        former: Option<Former>,
    ) -> Result<Joined, Trouble> {
        let server = self.address.shown();
        let trouble = |error: tokio_postgres::Error| Trouble::of(server, &error);
        let gone = self.gone(client).await?;
        let sql = "SELECT join_campaign($1, $2, $3, $4, $5, $6, $7, $8, $9::text::interval, \
             $10::text::interval, $11, $12::text::jsonb, $13, $14)::text";
        let (old, since) = former.map(|it| (it.worker, it.batches)).unzip();
        let work = Some(&self.work).filter(|work| !work.is_null()).map(Value::to_string);
        let row = client
            .query_one(
                sql,
                &[
                    &self.address.account,
                    &self.kind,
                    &self.campaign,
                    &fresh_id()?,
                    &self.who,
                    &process::place(),
                    &gone,
                    &PROGRAM,
                    &TIMINGS.lease,
                    &self.post_lasts,
                    &self.at.as_millis(),
                    &work,
                    &old,
                    &since,
                ],
            )
            .await
            .map_err(trouble)?;
        let told: Value = serde_json::from_str(row.get(0))
            .map_err(|error| Trouble::damaged(server, error.to_string()))?;
        joined(&told, server)
    }

    /// The places of workers of the campaign whose process is gone for certain.
    async fn gone(&self, client: &Client) -> Result<Vec<String>, Trouble> {
        let sql = "SELECT w.place FROM workers AS w JOIN campaigns AS c ON c.id = w.campaign \
             JOIN accounts AS a ON a.id = c.account \
             WHERE a.name = $1 AND a.kind = $2 AND c.name = $3 AND NOT w.is_settled";
        let rows = client.query(sql, &[&self.address.account, &self.kind, &self.campaign]).await;
        let rows = rows.map_err(|error| Trouble::of(self.address.shown(), &error))?;
        let places = rows.into_iter().map(|row| row.get::<_, String>(0));
        Ok(places.filter(|place| process::is_gone(place)).collect())
    }
}

/// What a worker does, as `join_campaign` reads it.
fn told(work: &Work) -> Value {
    let limits = &work.limits;
    json!({
        "digest": work.digest.map(|digest| hex(&digest.0)),
        "rate": limits.rate.count,
        "rate_ms": limits.rate.window.length().as_millis(),
        "polls": limits.poll_rate.count,
        "polls_ms": limits.poll_rate.window.length().as_millis(),
        "in_flight": limits.in_flight,
        "key": &*work.key,
    })
}

fn joined(told: &Value, server: &str) -> Result<Joined, Trouble> {
    let number = |name: &str| told.get(name).and_then(Value::as_i64);
    let is = |name: &str| told.get(name).and_then(Value::as_bool).unwrap_or_default();
    if let Some(who) = told.get("other").and_then(Value::as_str) {
        let since = Timestamp::from_millis(number("since").unwrap_or_default());
        return Err(Trouble::Given(ServerError::OtherText {
            holder: without_since(who).to_owned(),
            since,
        }));
    }
    if is("other_key") {
        return Err(Trouble::Given(ServerError::OtherKey(server.to_owned())));
    }
    let all = (number("worker"), number("campaign"), number("pot"), number("batch"));
    let (Some(worker), Some(campaign), Some(pot), Some(batches)) = all else {
        return Err(Trouble::damaged(server, format!("it answered {told} to a worker that joins")));
    };
    Ok(Joined {
        worker,
        campaign: i32::try_from(campaign).unwrap_or(i32::MAX),
        pot,
        batches,
        begins_run: is("begins"),
        is_alone: is("alone"),
        answer: told.get("answer").and_then(Value::as_str).map(str::to_owned),
    })
}

/// An unguessable id for a new campaign.
fn fresh_id() -> Result<String, Trouble> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| Trouble::damaged("this machine", format!("no random numbers: {error}")))?;
    Ok(Secret::from_bytes(bits).reveal())
}
