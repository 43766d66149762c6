//! The append-only list of the database's schemas. A schema that was shipped is never edited: the
//! table `about` says how many of the list there are.

use tokio_postgres::{Client, Transaction};

use super::address::ServerAddress;
use super::error::{ServerError, Trouble};
use super::process::is_gone;
use crate::catalog::hex;

/// Every schema ever shipped, oldest first.
const SCHEMAS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];
/// The functions of this version.
const FUNCTIONS: &str = concat!(
    include_str!("schema/functions/account.sql"),
    include_str!("schema/functions/workers.sql"),
    include_str!("schema/functions/batch.sql"),
    include_str!("schema/functions/callbacks.sql"),
    include_str!("schema/functions/assign.sql"),
    include_str!("schema/functions/slots.sql"),
);
/// Counted up with every released change of the functions: a program replaces those of an earlier
/// version, and leaves those of its own or of a later one.
const FUNCTIONS_VERSION: i32 = 3;
/// This program, as a ledger names it.
pub(super) const PROGRAM: &str = concat!("rushes ", env!("CARGO_PKG_VERSION"));
/// Of the lock that is held while the schema is looked at and changed.
const LOCK: i64 = 0x7275_7368;

/// Whether the tables are there, and not newer than this program.
pub(super) async fn is_there(client: &Client, address: &ServerAddress) -> Result<bool, Trouble> {
    let lost = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
    let there = "SELECT to_regclass('about') IS NOT NULL";
    if !client.query_one(there, &[]).await.map_err(lost)?.get::<_, bool>(0) {
        return Ok(false);
    }
    let row = client.query_one("SELECT schema, written_by FROM about", &[]).await.map_err(lost)?;
    let schema: i32 = row.get(0);
    if usize::try_from(schema).unwrap_or(usize::MAX) > SCHEMAS.len() {
        let (server, by) = (address.shown().to_owned(), row.get(1));
        return Err(Trouble::Given(ServerError::Newer { server, by, schema }));
    }
    Ok(true)
}

/// Brings the tables to the newest schema, in one transaction; several workers may come at once.
pub(super) async fn migrate(client: &mut Client, address: &ServerAddress) -> Result<(), Trouble> {
    let lost = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
    let name = &address.schema;
    let tx = client.transaction().await.map_err(lost)?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(lost)?;
    tx.batch_execute(&format!(
        "CREATE SCHEMA IF NOT EXISTS {name}; CREATE TABLE IF NOT EXISTS about (\
         one boolean PRIMARY KEY DEFAULT true CHECK (one), schema int NOT NULL, \
         written_by text NOT NULL, functions text NOT NULL); \
         INSERT INTO about (schema, written_by, functions) VALUES (0, '', '') ON CONFLICT DO NOTHING"
    ))
    .await
    .map_err(lost)?;
    let about = "SELECT schema, written_by, (to_jsonb(about)->>'functions_version')::int \
         FROM about FOR UPDATE";
    let row = tx.query_one(about, &[]).await.map_err(lost)?;
    let (schema, by): (i32, String) = (row.get(0), row.get(1));
    let had = usize::try_from(schema).unwrap_or(usize::MAX);
    if had > SCHEMAS.len() {
        let server = address.shown().to_owned();
        return Err(Trouble::Given(ServerError::Newer { server, by, schema }));
    }
    let functions: Option<i32> = row.get(2);
    if had == SCHEMAS.len() && functions >= Some(FUNCTIONS_VERSION) {
        return Ok(());
    }
    if (1..SCHEMAS.len()).contains(&had) {
        no_older_works(&tx, address).await?;
    }
    for schema in SCHEMAS.iter().skip(had) {
        tx.batch_execute(schema).await.map_err(lost)?;
    }
    tx.batch_execute(FUNCTIONS).await.map_err(lost)?;
    let schema = i32::try_from(SCHEMAS.len()).unwrap_or(i32::MAX);
    tx.execute(
        "UPDATE about SET schema = $1, written_by = $2, functions = $3, functions_version = $4",
        &[&schema, &PROGRAM, &digest(FUNCTIONS), &FUNCTIONS_VERSION],
    )
    .await
    .map_err(lost)?;
    tx.commit().await.map_err(lost)
}

/// Refuses to change the tables while a program that needs them as they are works with them.
async fn no_older_works(tx: &Transaction<'_>, address: &ServerAddress) -> Result<(), Trouble> {
    let sql =
        "SELECT who, place FROM workers WHERE ended IS NULL AND lease_until > clock_timestamp()";
    let rows = tx.query(sql, &[]).await;
    let rows = rows.map_err(|error| Trouble::of(address.shown(), &error))?;
    let lives = rows.iter().find(|row| !is_gone(row.get(1)));
    match lives {
        None => Ok(()),
        Some(row) => {
            let server = address.shown().to_owned();
            Err(Trouble::Given(ServerError::OlderAtWork { server, holder: row.get(0) }))
        }
    }
}

/// What tells one text of the functions from another.
fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(text.as_bytes()))
}
