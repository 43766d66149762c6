#![allow(clippy::print_stdout, reason = "an example talks to its user")]
//! Runs a campaign from Rust code: reads a manifest, renders it on the simulator, prints what
//! became of every shot.
//!
//! `cargo run --example campaign -- manifests/demo.yaml`

use std::error::Error;

use rushes::{Campaign, Report, Run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let manifest = std::env::args().nth(1).ok_or("usage: campaign MANIFEST")?;
    let campaign = Campaign::load(manifest.as_ref())?;
    let folder = tempfile::tempdir()?;
    let outcome = Run::builder(campaign, folder.path()).simulated()?.start().await?;
    println!("{outcome:?}");
    for row in Report::open(folder.path())?.rows() {
        let price = row.price.map_or_else(|| "unknown".to_owned(), |price| price.to_string());
        println!("{:24} {:10} ${price}", row.entry.shot, row.entry.status.state.name());
    }
    Ok(())
}
