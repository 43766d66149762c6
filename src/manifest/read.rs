//! From a path to a campaign: finds out what kind of manifest it is, reads it once from beginning to
//! end, makes its shots on the way, and gathers everyone's mistakes.

use std::cell::OnceCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::report::finding::Mistakes;
use super::report::log::{Log, Mistake, Place};
use super::settings::Settings;
use super::shots::entry::Entry;
use super::shots::expand::{Made, Shared, Stage};
use super::shots::template::Engine;
use super::text::file;
use super::text::table::Table;
use super::text::tree::{Node, Pair, Value};
use super::text::yaml::{self, Document, NoShots, Sink};
use super::{Campaign, Header, header};
use crate::catalog::{Catalog, closest};
use crate::domain::shot::Shot;
use crate::domain::state::OnDoubt;
use crate::policy::limits::SomeLimits;

/// A manifest that was read, mistakes and all.
#[derive(Debug)]
pub struct Manifest {
    header: Option<Header>,
    shots: Vec<Shot>,
    log: Log,
}

impl Manifest {
    /// Reads a manifest, whatever is in it.
    #[must_use]
    pub fn read(path: &Path, catalog: &Catalog) -> Self {
        let mut reader = Reader::new(path, Some(catalog));
        let header = reader.read();
        if let Some(made) = &reader.made {
            made.check_clips(&mut reader.log);
        }
        let contradiction = reader.made.as_mut().and_then(|made| made.contradiction.take());
        if let Some(mistake) = contradiction
            && header.as_ref().is_some_and(|header| header.callback.is_some())
        {
            reader.log.add(mistake);
        }
        let shots = reader.made.map(|made| made.shots).unwrap_or_default();
        Self { header, shots, log: reader.log }
    }

    /// What it says about everything but its shots; `None` when that is mistaken.
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
            Some(header) if self.log.mistakes() == 0 => {
                let (warnings, more_warnings) = self.log.warnings(color);
                Ok(Campaign { header, shots: self.shots, warnings, more_warnings })
            }
            _ => Err(self.log.into_mistakes(color)),
        }
    }

    /// Every mistake, as for [`Manifest::campaign`].
    #[must_use]
    pub fn mistakes(mut self, capped: Option<bool>, color: bool) -> Mistakes {
        self.settle(capped);
        self.log.into_mistakes(color)
    }

    fn settle(&mut self, capped: Option<bool>) {
        let written = || self.header.as_ref().is_some_and(Header::is_capped);
        let capped = capped.unwrap_or_else(written);
        self.log.settle(capped);
    }
}

/// See [`super::header()`].
pub(super) fn header_alone(path: &Path, color: bool) -> Result<Header, Mistakes> {
    let mut reader = Reader { forgives: true, ..Reader::new(path, None) };
    match reader.read() {
        Some(header) if reader.log.mistakes() == 0 => Ok(header),
        _ => Err(reader.log.into_mistakes(color)),
    }
}

/// Reads one manifest.
struct Reader<'c> {
    path: &'c Path,
    /// `None`: the shots are not looked at.
    catalog: Option<&'c Catalog>,
    /// Whether a document may break off among its shots, once its settings are known: nobody is to be
    /// kept from their clips by a slip in a prompt.
    forgives: bool,
    engine: Engine,
    made: Option<Made>,
    log: Log,
}

impl<'c> Reader<'c> {
    fn new(path: &'c Path, catalog: Option<&'c Catalog>) -> Self {
        let made = catalog.map(|_| Made::new(folder(path)));
        Self { path, catalog, forgives: false, engine: Engine::new(), made, log: Log::default() }
    }

    /// Reads everything; the shots land in `made`.
    fn read(&mut self) -> Option<Header> {
        if file::is_table(self.path) {
            return self.csv();
        }
        let (file, opened) = self.open()?;
        let (document, before) = self.yaml(file, opened, None);
        let before = before.unwrap_or_default();
        let root = document.root.as_ref();
        // Shots were made without what is written after them; or it breaks off before that came.
        let is_late = root.is_some_and(|root| Settings::are_late(root, &before));
        let is_lost = !document.whole && before.iter().all(|pair| &*pair.key != "defaults");
        if document.shots > 0 && self.made.is_some() && (is_late || is_lost) {
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
            if self.log.mistakes() == 0 {
                let fix = "run `rushes init` for a manifest to start from".to_owned();
                self.log.add(Mistake::new(Place::start(file), "the manifest is empty").fix(fix));
            }
            return None;
        };
        let is_whole = document.whole || (self.forgives && document.in_shots);
        if is_whole && !document.whole {
            self.log = Log::default();
        }
        let before = self.log.mistakes();
        let header = header::read(&root, &stem(self.path), self.path, &mut self.log);
        let is_right = self.log.mistakes() == before && is_whole;
        if document.shots == 0 && document.whole && !self.forgives {
            check_shots(&root, &mut self.log);
        }
        is_right.then_some(header)
    }

    fn open(&mut self) -> Option<(u16, File)> {
        match file::open(self.path, &mut self.log) {
            Ok(opened) => opened,
            Err(why) => {
                let place = Place::start(self.log.source(self.path)?);
                let fix = "look for the name and the folder; `rushes init` makes a manifest";
                self.log.add(Mistake::new(place, why).fix(fix.to_owned()));
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
        let Self { path, catalog, engine, made, log, .. } = self;
        let (Some(catalog), Some(made)) = (*catalog, made) else {
            return (yaml::parse(file, opened, &mut NoShots, log), None);
        };
        let settings = OnceCell::new();
        let mut shots = Shots {
            path,
            catalog,
            engine,
            made,
            root,
            settings: &settings,
            shared: None,
            before: None,
        };
        let document = yaml::parse(file, opened, &mut shots, log);
        let before = shots.before.take();
        if document.whole && document.shots == 0 {
            // There are none, or they came in by an alias or a merge key.
            let root = document.root.clone().unwrap_or_else(|| empty(file));
            let Value::List(items) = root.get("shots").map_or(&Value::Bad, |node| &node.value)
            else {
                Settings::read(&root, path, catalog, log);
                return (document, before);
            };
            for item in items.iter() {
                shots.shot(root.pairs().unwrap_or_default(), item.clone(), log);
            }
        }
        (document, before)
    }

    fn csv(&mut self) -> Option<Header> {
        let (file, _) = self.open()?;
        let place = Place::start(file);
        let before = self.log.mistakes();
        let fix = "rename the file: a CSV manifest is called by its file's name";
        let header = Header {
            campaign: header::stem_campaign(&stem(self.path), place, fix, &mut self.log),
            path: self.path.to_owned(),
            budget: None,
            on_doubt: OnDoubt::default(),
            limits: SomeLimits::default(),
            callback: None,
            check_charges: false,
            notify: None,
        };
        let is_right = self.log.mistakes() == before;
        let Self { path, catalog, engine, made, log, .. } = self;
        let (Some(catalog), Some(made)) = (*catalog, made) else { return Some(header) };
        match Table::open(path, log) {
            Ok(Some((table, rows))) => {
                let settings = Settings::default();
                let shared = Shared::new(&settings, catalog, engine, log);
                let entry = Entry::of_table(&table);
                Stage { catalog, engine, shared: &shared, log, made }
                    .expand_rows(&entry, &table, rows, true);
            }
            Ok(None) if log.mistakes() == 0 => {
                let fix = "write a header such as id,model,prompt and a row for each shot";
                log.add(Mistake::new(place, "the manifest is empty").fix(fix.to_owned()));
            }
            Ok(None) => {}
            Err(why) => log.add(Mistake::new(place, why)),
        }
        is_right.then_some(header)
    }
}

/// Makes shots as they are read.
struct Shots<'r> {
    path: &'r Path,
    catalog: &'r Catalog,
    engine: &'r Engine,
    made: &'r mut Made,
    /// The whole top level, if it is known already.
    root: Option<Node>,
    settings: &'r OnceCell<Settings>,
    shared: Option<Shared<'r>>,
    /// What the first shot found written before it.
    before: Option<Vec<Pair>>,
}

impl Sink for Shots<'_> {
    fn wants_shots(&self) -> bool {
        true
    }

    fn shot(&mut self, before: &[Pair], shot: Node, log: &mut Log) {
        let Self { path, catalog, engine, made, root, settings, shared, before: found } = self;
        let shared = shared.get_or_insert_with(|| {
            *found = Some(before.to_vec());
            let written = || Node { place: shot.place, value: Value::Map(before.into()) };
            let root = root.take().unwrap_or_else(written);
            let settings = settings.get_or_init(|| Settings::read(&root, path, catalog, log));
            Shared::new(settings, catalog, engine, log)
        });
        let Some(entry) = Entry::read(&shot, catalog, log) else { return };
        let table = match entry.from {
            None => None,
            Some(from) => match table(from, path, log) {
                Some(table) => Some(table),
                None => return,
            },
        };
        let mut stage = Stage { catalog, engine, shared, log, made };
        match table {
            Some((ref table, rows)) => stage.expand_rows(&entry, table, rows, false),
            None => stage.expand(&entry),
        }
    }
}

/// The top level of a manifest that says nothing.
fn empty(file: u16) -> Node {
    Node { place: Place::start(file), value: Value::Map([].into()) }
}

/// That there are no shots is a mistake.
fn check_shots(root: &Node, log: &mut Log) {
    let example = "write `shots:` and below it for example `- id: beach`".to_owned();
    let pairs = root.pairs().unwrap_or_default();
    if pairs
        .iter()
        .any(|pair| closest(&pair.key, header::KEYS) == Some("shots") && &*pair.key != "shots")
    {
        // That was reported as a slip.
        return;
    }
    let node = root.get("shots");
    let place = node.map_or(root.place, |node| node.place);
    match node.map(|node| &node.value) {
        Some(Value::List(items)) if !items.is_empty() => {}
        Some(Value::Map(_)) => {
            let what = "every shot begins with a dash, and here is none";
            let fix = "write for example `- id: beach`, and the shot's other lines below its `id`"
                .to_owned();
            log.add(Mistake::new(place, what).fix(fix));
        }
        Some(Value::Bad) => {}
        _ if root.pairs().is_none() => {}
        _ => log.add(Mistake::new(place, "there are no shots").fix(example)),
    }
}

/// The CSV that an entry's `from` names.
fn table(from: &Node, manifest: &Path, log: &mut Log) -> Option<(Table, super::text::table::Rows)> {
    let written = from.text()?;
    let path = folder(manifest).join(&**written);
    if path
        .extension()
        .is_some_and(|extension| ["yaml", "yml"].iter().any(|yaml| extension == *yaml))
    {
        let fix = "a YAML file with `vars` and `defaults` is brought in by `include:`, at the top";
        let what = "`from` names a table (CSV), and this is a YAML file";
        log.add(Mistake::new(from.place, what).fix(fix.to_owned()));
        return None;
    }
    let before = log.mistakes();
    match Table::open(&path, log) {
        Ok(Some(table)) => return Some(table),
        Ok(None) if log.mistakes() == before => {
            let what = format!("{} is empty", path.display());
            log.add(Mistake::new(from.place, what).fix("write a header and rows".to_owned()));
        }
        Ok(None) => {}
        Err(why) => {
            let fix = "paths are relative to the manifest's folder".to_owned();
            log.add(Mistake::new(from.place, why).fix(fix));
        }
    }
    None
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
