//! Text to shots: reads a YAML or CSV manifest, checks it against the catalog, expands, prices and
//! fingerprints it, and reports every mistake with its place. Sends nothing, writes nothing.

mod campaign;
mod diagnostics;
mod includes;
mod kept;
pub mod picture;
mod read;
mod scalars;
pub mod schema;
mod settings;
mod shots;
mod source;
mod text;

pub use campaign::{
    Campaign, ChosenRows, Header, WrittenBudget, WrittenCallback, WrittenNotify, WrittenPlace,
};
pub use diagnostics::{CellSpot, Diagnostics, Finding, Level, Mistakes, Related, Spot};
pub use kept::{KeptRequest, KeptRequests};
pub use read::{Manifest, header};
pub use shots::{KnownIds, identity, template};
pub use source::{chars, place};
pub use text::{comments, file, table, tree};

use std::path::Path;

use crate::catalog::Catalog;

/// What the settings outside the manifest decide about reading it.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Models and prices.
    pub catalog: &'a Catalog,
    /// Whether a cap holds: `--budget` or the ledger's (`Some`), or as the manifest says (`None`).
    /// Under a cap a shot without a known price is a mistake, otherwise a warning.
    pub capped: Option<bool>,
    /// Whether diagnostics may be coloured.
    pub color: bool,
}

/// Reads a manifest whole.
///
/// # Errors
/// Every mistake in it and in the files it names.
pub fn load(path: &Path, reading: &Reading<'_>) -> Result<Campaign, Mistakes> {
    Manifest::read(path, reading.catalog).campaign(reading.capped, reading.color)
}
