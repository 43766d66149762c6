#![allow(clippy::print_stdout, reason = "an example talks to its user")]
//! Runs a campaign from Rust code: reads a manifest, renders it on the simulator, prints what
//! became of every shot.
//!
//! `cargo run --example campaign -- manifests/demo.yaml`

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rushes::blocking::Threads;
use rushes::catalog::Catalog;
use rushes::clips::FolderStore;
use rushes::domain::time::{Clock, SystemClock};
use rushes::ledger::{Kind, LedgerOptions, Snapshot, SqliteLedger};
use rushes::manifest::{self, Reading};
use rushes::policy::limits::Limits;
use rushes::scheduler::{self, CancelToken, Deps, Progress, RunOptions};
use rushes::simulator::{SimOptions, SimState, Simulator};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("usage: campaign MANIFEST")?;
    let catalog = Catalog::builtin();
    let reading = Reading { catalog: &catalog, capped: None, color: false };
    let campaign = manifest::load(Path::new(&manifest), &reading)?;

    // Everything lives in the campaign folder; the lock is held as long as the ledger.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ledger = SqliteLedger::open(&LedgerOptions {
        path: &path,
        campaign: &campaign.header.campaign,
        kind: Kind::Simulator,
        holder: "the campaign example",
        at: clock.now(),
        threads: Threads::Pool,
    })?;

    let mut orders = RunOptions::new(campaign.header.limits.over(&Limits::default()));
    orders.rules.on_doubt = campaign.header.on_doubt;
    let world = SimState::open(SimOptions::default(), catalog)?;
    let gateway = Simulator::new(world, Arc::clone(&clock), orders.limits.submit_timeout);
    let tools = Deps::new(
        Arc::new(gateway),
        Arc::new(ledger),
        Arc::new(FolderStore::open(folder.path(), Threads::Pool)?),
        clock,
    );

    // `tally` could drive a progress bar; `stop` a button.
    let (tally, _) = watch::channel(Progress::default());
    let ended =
        scheduler::run(campaign.shots.into(), orders, tools, CancelToken::default(), tally).await?;
    println!("{ended:?}");
    Snapshot::open(&path)?.rows(&mut |row| {
        let price = row.price.map_or_else(|| "unknown".to_owned(), |price| price.to_string());
        println!("{:24} {:10} ${price}", row.entry.shot, row.entry.status.state.name());
    })?;
    Ok(())
}
