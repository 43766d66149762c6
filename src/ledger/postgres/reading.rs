//! A transaction that only reads, and how its rows become words.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Row as SqlRow, Transaction};

use super::error::Trouble;
use super::rows::Found;

/// One moment's ledger.
pub(super) struct Reading<'t> {
    pub(super) tx: &'t Transaction<'t>,
    pub(super) server: &'t str,
    pub(super) campaign: i32,
}

impl Reading<'_> {
    pub(super) fn found<'r>(&'r self, row: &'r SqlRow) -> Found<'r> {
        Found { row, server: self.server }
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        with: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<SqlRow>, Trouble> {
        self.tx.query(sql, with).await.map_err(|error| Trouble::of(self.server, &error))
    }
}
