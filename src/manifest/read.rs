//! From a path to a campaign: reads a YAML or CSV manifest once from beginning to end, makes its
//! shots on the way, and collects the mistakes of every part.

use std::cell::OnceCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::campaign::{Campaign, ChosenRows, Header};
use super::diagnostics::{Diagnostic, Diagnostics, Mistakes};
use super::kept::KeptRequests;
use super::scalars::TOP_LEVEL;
use super::shots::KnownIds;
use super::shots::context::{ExpandContext, Expansion};
use super::shots::defaults::{CompiledDefaults, Inherited};
use super::shots::entry::Entry;
use super::shots::template::Engine;
use super::source::place::Place;
use super::text::builder::{NoShots, Sink};
use super::text::file;
use super::text::table::{Rows, Table};
use super::text::tree::{Node, Pair, Value};
use super::text::yaml::{self, Document};
use super::{includes, settings};
use crate::catalog::{Catalog, closest};
use crate::domain::shot::Shot;

/// A manifest that was read, mistakes and all.
#[derive(Debug)]
pub struct Manifest {
    header: Option<Header>,
    shots: Vec<Shot>,
    lacks_files: bool,
    has_nameless_rows: bool,
    chosen_rows: Vec<ChosenRows>,
    diags: Diagnostics,
}

impl Manifest {
    /// Reads a manifest; its mistakes are kept for [`Manifest::campaign`].
    #[must_use]
    pub fn read(path: &Path, catalog: &Catalog) -> Self {
        Self::read_knowing(path, catalog, KeptRequests::default(), KnownIds::default())
    }

    /// The shots so far; without those that have mistakes.
    #[must_use]
    pub fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// Whether it has rows whose ids are made of their cells.
    #[must_use]
    pub fn has_nameless_rows(&self) -> bool {
        self.has_nameless_rows
    }

    /// Whether no mistake was found so far.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.diags.error_count() == 0
    }

    /// Whether a local file that it names is gone.
    #[must_use]
    pub fn lacks_files(&self) -> bool {
        self.lacks_files
    }

    /// The same where these requests were bought: a local file of one that is gone since is a
    /// warning; and a row that is known by another spelling of its cells keeps its id.
    #[must_use]
    pub fn read_knowing(
        path: &Path,
        catalog: &Catalog,
        kept: KeptRequests,
        known_ids: KnownIds,
    ) -> Self {
        let mut reader = Reader::new(path, Some(catalog));
        if let Some(expansion) = &mut reader.expansion {
            (expansion.kept, expansion.known_ids) = (kept, known_ids);
        }
        let header = reader.read();
        let Reader { expansion, mut diags, .. } = reader;
        let Some(expansion) = expansion else {
            return Self {
                header,
                shots: Vec::new(),
                lacks_files: false,
                has_nameless_rows: false,
                chosen_rows: Vec::new(),
                diags,
            };
        };
        let Expansion {
            shots,
            unused_columns,
            callback_conflict,
            lacks_files,
            has_nameless_rows,
            chosen_rows,
            ..
        } = expansion;
        shots.check_clips(&mut diags);
        unused_columns.warn(&mut diags);
        if header.as_ref().is_some_and(|header| header.callback.is_some())
            && let Some(diagnostic) = callback_conflict
        {
            diags.add(diagnostic);
        }
        Self { header, shots: shots.shots, lacks_files, has_nameless_rows, chosen_rows, diags }
    }

    /// Everything but its shots; `None` when some of that is wrong.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The campaign. `capped` is whether a cap holds: `--budget` or the ledger's (`Some`), or as
    /// the manifest says (`None`). Under a cap a shot without a known price is a mistake, otherwise
    /// a warning.
    ///
    /// # Errors
    /// Every mistake in the manifest and in the files it names; in `color` if asked for.
    pub fn campaign(mut self, capped: Option<bool>, color: bool) -> Result<Campaign, Mistakes> {
        self.settle(capped);
        match self.header {
            Some(header) if self.diags.error_count() == 0 => {
                let (warnings, more_warnings) = self.diags.warnings(color);
                let Self { shots, chosen_rows, .. } = self;
                Ok(Campaign { header, shots, warnings, more_warnings, chosen_rows })
            }
            _ => Err(self.diags.into_mistakes(color)),
        }
    }

    /// Every mistake, as for [`Manifest::campaign`].
    #[must_use]
    pub fn mistakes(mut self, capped: Option<bool>, color: bool) -> Mistakes {
        self.settle(capped);
        self.diags.into_mistakes(color)
    }

    fn settle(&mut self, capped: Option<bool>) {
        let written = || self.header.as_ref().is_some_and(Header::is_capped);
        let capped = capped.unwrap_or_else(written);
        self.diags.settle(capped);
    }
}

/// Reads only what stands outside the shots; mistakes in shots are not looked for.
///
/// # Errors
/// When the file cannot be read, is no manifest at all, or its settings are wrong.
pub fn header(path: &Path, color: bool) -> Result<Header, Mistakes> {
    let mut reader = Reader { tolerates_broken_shots: true, ..Reader::new(path, None) };
    match reader.read() {
        Some(header) if reader.diags.error_count() == 0 => Ok(header),
        _ => Err(reader.diags.into_mistakes(color)),
    }
}

/// Reads one manifest.
struct Reader<'c> {
    path: &'c Path,
    /// `None`: the shots are skipped.
    catalog: Option<&'c Catalog>,
    /// Whether a document may break off among its shots once its settings are known, so that a
    /// mistake in a prompt does not stop a download of clips.
    tolerates_broken_shots: bool,
    engine: Engine,
    /// What the shots came to, unless they are skipped.
    expansion: Option<Expansion>,
    diags: Diagnostics,
}

impl<'c> Reader<'c> {
    fn new(path: &'c Path, catalog: Option<&'c Catalog>) -> Self {
        Self {
            path,
            catalog,
            tolerates_broken_shots: false,
            engine: Engine::default(),
            expansion: catalog.map(|_| Expansion::new(folder(path))),
            diags: Diagnostics::default(),
        }
    }

    fn read(&mut self) -> Option<Header> {
        if file::is_table(self.path) {
            return self.csv();
        }
        let (file, opened) = self.open()?;
        let (document, before) = self.yaml(file, opened, None);
        let before = before.unwrap_or_default();
        let root = document.root.as_ref();
        // The shots were made without settings that follow them, or the document ends too early.
        let is_late = root.is_some_and(|root| includes::is_late(root, &before));
        let is_lost = !document.whole && before.iter().all(|pair| &*pair.key != "defaults");
        if document.shots > 0 && self.expansion.is_some() && (is_late || is_lost) {
            let catalog = self.catalog.filter(|_| !is_lost);
            let mut again = Self::new(self.path, catalog);
            let (file, opened) = again.open()?;
            let (document, _) = again.yaml(file, opened, root.cloned());
            *self = again;
            return self.finish(document, file);
        }
        self.finish(document, file)
    }

    fn finish(&mut self, document: Document, file: u16) -> Option<Header> {
        let Some(root) = document.root else {
            if self.diags.error_count() == 0 {
                let fix = "run `rushes init` for a manifest to start from";
                self.diags.error(Place::start(file), "the manifest is empty", fix);
            }
            return None;
        };
        let is_whole = document.whole || (self.tolerates_broken_shots && document.in_shots);
        if is_whole && !document.whole {
            self.diags = Diagnostics::default();
        }
        let before = self.diags.error_count();
        let header = settings::read(&root, &stem(self.path), self.path, &mut self.diags);
        let is_right = self.diags.error_count() == before && is_whole;
        if document.shots == 0 && document.whole && !self.tolerates_broken_shots {
            check_shots(&root, &mut self.diags);
        }
        is_right.then_some(header)
    }

    fn open(&mut self) -> Option<(u16, File)> {
        match file::open(self.path, &mut self.diags) {
            Ok(opened) => opened,
            Err(why) => {
                let place = Place::start(self.diags.source(self.path)?);
                let fix = "look for the name and the folder; `rushes init` makes a manifest";
                self.diags.error(place, why, fix);
                None
            }
        }
    }

    /// Reads a document; returns it with what its first shot found written before it. `root` is
    /// the top level when it is known from an earlier reading.
    fn yaml(
        &mut self,
        file: u16,
        opened: File,
        root: Option<Node>,
    ) -> (Document, Option<Vec<Pair>>) {
        let Self { path, catalog, engine, expansion, diags, .. } = self;
        let (Some(catalog), Some(output)) = (*catalog, expansion) else {
            return (yaml::parse(file, opened, &mut NoShots, diags), None);
        };
        let inherited = OnceCell::new();
        let mut shots = Shots {
            path,
            catalog,
            engine,
            output,
            root,
            inherited: &inherited,
            defaults: None,
            before: None,
        };
        let document = yaml::parse(file, opened, &mut shots, diags);
        let before = shots.before.take();
        if document.whole && document.shots == 0 {
            // There are none, or they came in by an alias or a merge key.
            let empty = || Node { place: Place::start(file), value: Value::Map([].into()) };
            let root = document.root.clone().unwrap_or_else(empty);
            let Value::List(items) = root.get("shots").map_or(&Value::Bad, |node| &node.value)
            else {
                includes::read(&root, path, catalog, diags);
                return (document, before);
            };
            for item in items.iter() {
                shots.shot(root.pairs().unwrap_or_default(), item.clone(), diags);
            }
        }
        (document, before)
    }

    fn csv(&mut self) -> Option<Header> {
        let (file, _) = self.open()?;
        let place = Place::start(file);
        let before = self.diags.error_count();
        let fix = "rename the file: a CSV manifest is called by its file's name";
        let header = Header {
            campaign: settings::campaign_of_stem(&stem(self.path), place, fix, &mut self.diags),
            path: self.path.to_owned(),
            ..Header::default()
        };
        let is_right = self.diags.error_count() == before;
        let Self { path, catalog, engine, expansion, diags, .. } = self;
        let (Some(catalog), Some(output)) = (*catalog, expansion) else { return Some(header) };
        match Table::open(path, diags) {
            Ok(Some((mut table, rows))) => {
                table.settle(diags);
                let inherited = Inherited::default();
                let defaults = CompiledDefaults::new(&inherited, catalog, engine, diags);
                let entry = Entry { place: table.place(), ..Entry::default() };
                ExpandContext { catalog, engine, defaults: &defaults, diags, output }
                    .expand_rows(&entry, &table, rows, None);
            }
            Ok(None) if diags.error_count() == 0 => {
                let fix = "write a header such as id,model,prompt and a row for each shot";
                diags.error(place, "the manifest is empty", fix);
            }
            Ok(None) => {}
            Err(why) => diags.add(Diagnostic::new(place, why)),
        }
        is_right.then_some(header)
    }
}

/// Makes shots as they are read.
struct Shots<'r> {
    path: &'r Path,
    catalog: &'r Catalog,
    engine: &'r Engine,
    output: &'r mut Expansion,
    /// The whole top level, if it is known already.
    root: Option<Node>,
    inherited: &'r OnceCell<Inherited>,
    defaults: Option<CompiledDefaults<'r>>,
    /// What the first shot found written before it.
    before: Option<Vec<Pair>>,
}

impl Sink for Shots<'_> {
    fn wants_shots(&self) -> bool {
        true
    }

    fn shot(&mut self, before: &[Pair], shot: Node, diags: &mut Diagnostics) {
        let Self { path, catalog, engine, output, root, inherited, defaults, .. } = self;
        let defaults = defaults.get_or_insert_with(|| {
            self.before = Some(before.to_vec());
            let written = || Node { place: shot.place, value: Value::Map(before.into()) };
            let root = root.take().unwrap_or_else(written);
            let inherited = inherited.get_or_init(|| includes::read(&root, path, catalog, diags));
            CompiledDefaults::new(inherited, catalog, engine, diags)
        });
        let Some(entry) = Entry::read(&shot, catalog, diags) else { return };
        let mut table = match entry.from.map(|from| open_table(from, path, diags)) {
            Some(None) => return,
            table => table.flatten(),
        };
        let mut cx = ExpandContext { catalog, engine, defaults, diags, output };
        match table {
            Some((ref mut table, rows)) => {
                if let Some(mut filter) = entry.sheet.apply(table, catalog, cx.diags) {
                    cx.expand_rows(&entry, table, rows, Some(&mut filter));
                }
            }
            None => cx.expand(&entry),
        }
    }
}

/// Reports that there are no shots.
fn check_shots(root: &Node, diags: &mut Diagnostics) {
    let Some(pairs) = root.pairs() else { return };
    let keys = || TOP_LEVEL.keys.iter().copied();
    let is_misspelt =
        |pair: &Pair| &*pair.key != "shots" && closest(&pair.key, keys()) == Some("shots");
    // A misspelt `shots` was reported as such.
    if pairs.iter().any(is_misspelt) {
        return;
    }
    let node = root.get("shots");
    let place = node.map_or(root.place, |node| node.place);
    match node.map(|node| &node.value) {
        Some(Value::List(items)) if !items.is_empty() => {}
        Some(Value::Map(_)) => {
            let what = "every shot begins with a dash, and here is none";
            let fix = "write for example `- id: beach`, and the shot's other lines below its `id`";
            diags.error(place, what, fix);
        }
        Some(Value::Bad) => {}
        _ => {
            let fix = "write `shots:` and below it for example `- id: beach`";
            diags.error(place, "there are no shots", fix);
        }
    }
}

/// Opens the CSV file that an entry's `from` names.
fn open_table(from: &Node, manifest: &Path, diags: &mut Diagnostics) -> Option<(Table, Rows)> {
    let path = folder(manifest).join(&**from.text()?);
    if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        let fix = "a YAML file with `vars` and `defaults` is brought in by `include:`, at the top";
        diags.error(from.place, "`from` names a table (CSV), and this is a YAML file", fix);
        return None;
    }
    let before = diags.error_count();
    match Table::open(&path, diags) {
        Ok(Some(table)) => return Some(table),
        Ok(None) if diags.error_count() == before => {
            let what = format!("{} is empty", path.display());
            diags.error(from.place, what, "write a header and rows");
        }
        Ok(None) => {}
        Err(why) => diags.error(from.place, why, "paths are relative to the manifest's folder"),
    }
    None
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
