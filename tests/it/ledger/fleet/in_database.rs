//! Workers that share a real database, each through a proxy of its own. Time passes for what is written
//! of those of which nothing is heard; the others renew their leases meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use rushes::ledger::PostgresLedger;
use tempfile::TempDir;

use super::*;
use crate::support::database_proxy::DatabaseProxy;
use crate::support::postgres::PostgresServer;

/// A worker's proxy, and its first number.
struct Way {
    proxy: DatabaseProxy,
    number: i64,
    is_silent: bool,
}

pub struct InDatabase {
    ways: Mutex<HashMap<usize, Way>>,
    folder: TempDir,
    server: PostgresServer,
}

impl InDatabase {
    fn ways(&self) -> MutexGuard<'_, HashMap<usize, Way>> {
        self.ways.lock().unwrap()
    }

    fn hold(&self, worker: &PostgresLedger, held: bool) {
        let mut ways = self.ways();
        let way = ways.get_mut(&key(worker)).unwrap();
        way.is_silent = held;
        way.proxy.hold(held);
    }
}

fn key(worker: &PostgresLedger) -> usize {
    std::ptr::from_ref(worker) as usize
}

impl Shared for InDatabase {
    type Worker = PostgresLedger;
    const LEASE: Duration = Duration::from_secs(30);
    const ON_WIRE: Duration = Duration::from_secs(600);

    async fn make() -> Self {
        let (server, folder) = (PostgresServer::start(), tempfile::tempdir().unwrap());
        Self { ways: Mutex::default(), folder, server }
    }

    async fn open(&self, work: Option<Work>) -> Result<Arc<PostgresLedger>, LedgerError> {
        let proxy = DatabaseProxy::before(self.server.socket());
        let options = LedgerOptions {
            campaign: "summer",
            kind: Kind::Gateway,
            holder: "rushes run",
            at: at(0),
            threads: Threads::Pool,
            identity: rushes::ledger::Identity::default(),
            post_lasts: Self::ON_WIRE,
            work,
        };
        let beside = self.folder.path().join("postgres");
        let address = proxy.address().parse().unwrap();
        let worker = Arc::new(PostgresLedger::open(&address, &beside, &options)?);
        let number = self.server.psql("rushes", "SELECT max(id) FROM workers").parse().unwrap();
        self.ways().insert(key(&worker), Way { proxy, number, is_silent: false });
        Ok(worker)
    }

    async fn kill(&self, worker: Arc<PostgresLedger>) {
        self.hold(&worker, true);
        // It says no goodbye, and its memory is not given to another.
        std::mem::forget(worker);
    }

    async fn cut_off(&self, worker: &PostgresLedger) {
        self.hold(worker, true);
    }

    async fn heal(&self, worker: &PostgresLedger) {
        self.hold(worker, false);
    }

    async fn pass(&self, span: Duration) {
        let silent: Vec<String> = self
            .ways()
            .values()
            .filter(|way| way.is_silent)
            .map(|way| way.number.to_string())
            .collect();
        let silent = silent.join(", ");
        let numbers = if silent.is_empty() { "NULL".to_owned() } else { silent };
        let sql = format!(
            "WITH RECURSIVE silent AS (SELECT id FROM workers WHERE id IN ({numbers}) \
             UNION SELECT w.id FROM workers AS w JOIN silent ON w.succeeds = silent.id) \
             UPDATE workers SET lease_until = lease_until - interval '{} milliseconds' \
             WHERE ended IS NOT NULL OR id IN (SELECT id FROM silent)",
            span.as_millis()
        );
        self.server.psql("rushes", &sql);
    }
}
