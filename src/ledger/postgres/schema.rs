//! The append-only list of the database's schemas. A schema that was shipped is never edited: the
//! table `about` says how many of the list there are.

use tokio_postgres::Client;

use super::address::ServerAddress;
use super::error::{ServerError, Trouble};
use crate::catalog::hex;

/// Every schema ever shipped, oldest first.
const SCHEMAS: &[&str] = &[include_str!("schema/1.sql")];
/// The functions of this version.
const FUNCTIONS: &str = include_str!("schema/functions.sql");
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
    let about = "SELECT schema, written_by, functions FROM about FOR UPDATE";
    let row = tx.query_one(about, &[]).await.map_err(lost)?;
    let (schema, by): (i32, String) = (row.get(0), row.get(1));
    let had = usize::try_from(schema).unwrap_or(usize::MAX);
    if had > SCHEMAS.len() {
        let server = address.shown().to_owned();
        return Err(Trouble::Given(ServerError::Newer { server, by, schema }));
    }
    let functions = digest(FUNCTIONS);
    if had == SCHEMAS.len() && row.get::<_, &str>(2) == functions {
        return Ok(());
    }
    for schema in SCHEMAS.iter().skip(had) {
        tx.batch_execute(schema).await.map_err(lost)?;
    }
    tx.batch_execute(FUNCTIONS).await.map_err(lost)?;
    let schema = i32::try_from(SCHEMAS.len()).unwrap_or(i32::MAX);
    tx.execute(
        "UPDATE about SET schema = $1, written_by = $2, functions = $3",
        &[&schema, &PROGRAM, &functions],
    )
    .await
    .map_err(lost)?;
    tx.commit().await.map_err(lost)
}

/// What tells one text of the functions from another.
fn digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(text.as_bytes()))
}
