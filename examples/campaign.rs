//! Runs a campaign from Rust code: reads a manifest, renders it on the simulator, prints what
//! became of every shot.
//!
//! `cargo run --example campaign -- manifests/demo.yaml /tmp/demo`

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rushes::catalog::Catalog;
use rushes::clips::Clips;
use rushes::ledger::{Kind, Ledger, Opening, Reader};
use rushes::manifest::{self, Reading};
use rushes::run::{self, Orders, Stop, Tools};
use rushes::time::{Clock, SystemClock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    todo!()
}
