//! How a worker begins: the shots become the current ones, unless they are, and the ledger learns which
//! of them it may buy.

use std::sync::Arc;

use tokio_postgres::Client;

use super::counts::COUNTS;
use super::error::Trouble;
use super::record::Writing;
use super::rows::Found;
use super::worker::{Worker, patient};
use crate::domain::money::Usd;
use crate::domain::shot::Shot;
use crate::domain::time::Timestamp;
use crate::failpoint;
use crate::ledger::{Begun, Identity};

/// What a worker begins with; see [`Fleet::begin`](crate::ledger::Fleet::begin).
pub(super) struct Beginning {
    pub(super) shots: Option<Arc<[Shot]>>,
    pub(super) only: Option<Vec<u32>>,
    pub(super) identity: Identity,
    pub(super) at: Timestamp,
}

/// See [`Fleet::begin`](crate::ledger::Fleet::begin). May be made twice.
pub(super) async fn begin(
    client: &mut Client,
    worker: &Worker,
    beginning: &Beginning,
) -> Result<Begun, Trouble> {
    let Beginning { shots, only, identity, at } = beginning;
    let writing = Writing::begin(client, worker).await?;
    if let Some(shots) = shots {
        let digest = worker.joining.digest.as_deref();
        let is_done = digest.is_some() && writing.digest().await?.as_deref() == digest;
        if !is_done {
            let difference = writing.difference(shots, identity).await?;
            writing.write(&difference, shots, *at).await?;
            writing.set_digest(digest).await?;
        }
    }
    let buys = match (shots, only) {
        (None, _) => "none",
        (Some(_), None) => "all",
        (Some(_), Some(_)) => "some",
    };
    writing.execute("UPDATE workers SET buys = $2 WHERE id = $1", &[&worker.id, &buys]).await?;
    writing.execute("DELETE FROM selections WHERE worker = $1", &[&worker.id]).await?;
    if let Some(only) = only {
        let places: Vec<i64> = only.iter().map(|place| i64::from(*place)).collect();
        let sql = "INSERT INTO selections (worker, position) \
             SELECT DISTINCT $1::bigint, place FROM unnest($2::bigint[]) AS place";
        writing.execute(sql, &[&worker.id, &places]).await?;
    }
    writing.end().await?;
    failpoint::point("worker begun");
    stands(client, worker).await
}

/// How the campaign stands.
async fn stands(client: &Client, worker: &Worker) -> Result<Begun, Trouble> {
    let to_buy = "SELECT coalesce(sum(r.price_micro), 0)::bigint FROM workers AS w \
         JOIN revisions AS r ON r.campaign = w.campaign AND r.current AND r.stage = 'queued' \
         WHERE w.id = $1 AND (w.buys = 'all' OR (w.buys = 'some' AND EXISTS \
           (SELECT 1 FROM selections AS s WHERE s.worker = w.id AND s.position = r.position)))";
    let row = patient(client.query_one(to_buy, &[&worker.id])).await?;
    let row = row.map_err(|error| worker.trouble(&error))?;
    let to_buy = Usd::from_micros(Found { row: &row, server: worker.address.shown() }.get(0)?);
    let row = patient(client.query_one(COUNTS, &[&worker.campaign])).await?;
    let row = row.map_err(|error| worker.trouble(&error))?;
    let counts = Found { row: &row, server: worker.address.shown() }.counts()?;
    Ok(Begun { counts, to_buy })
}
