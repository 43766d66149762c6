//! What expanding entries reads, and what it yields.

use std::path::PathBuf;

use super::defaults::CompiledDefaults;
use super::image_cache::ImageCache;
use super::respelled::KnownIds;
use super::shot_set::ShotSet;
use super::template::Engine;
use super::unused_columns::UnusedColumns;
use crate::catalog::Catalog;
use crate::manifest::campaign::ChosenRows;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::kept::KeptRequests;

/// What expanding an entry reads and writes.
pub(crate) struct ExpandContext<'a> {
    pub catalog: &'a Catalog,
    pub engine: &'a Engine,
    pub defaults: &'a CompiledDefaults<'a>,
    pub diags: &'a mut Diagnostics,
    pub output: &'a mut Expansion,
}

/// What expanding all entries yields.
pub(crate) struct Expansion {
    pub images: ImageCache,
    /// What was bought already.
    pub kept: KeptRequests,
    /// The ids that the ledger knows.
    pub known_ids: KnownIds,
    /// Whether there are rows whose ids are made of their cells.
    pub has_nameless_rows: bool,
    /// Whether a local file is gone.
    pub lacks_files: bool,
    pub shots: ShotSet,
    pub unused_columns: UnusedColumns,
    /// What `where` and `skip` left of tables.
    pub chosen_rows: Vec<ChosenRows>,
    /// The mistake of the first shot that sets `callback_url`, in case the manifest has `callback`,
    /// which may stand below the shots.
    pub callback_conflict: Option<Diagnostic>,
}

impl Expansion {
    /// Local images are relative to `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            images: ImageCache::new(folder),
            kept: KeptRequests::default(),
            known_ids: KnownIds::default(),
            has_nameless_rows: false,
            lacks_files: false,
            shots: ShotSet::default(),
            unused_columns: UnusedColumns::default(),
            chosen_rows: Vec::new(),
            callback_conflict: None,
        }
    }
}
