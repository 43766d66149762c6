//! From an entry to its shots: rows × matrix × takes, each with its id, request and price. Keeps
//! only finished shots, never what they were made from.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entry::Entry;
use super::media::Gallery;
use super::names::Here;
use super::origin::{self, Origin, Trait};
use super::recipe::Recipe;
use super::source::{Said, base};
use super::template::Engine;
use super::{finish, identity};
use crate::catalog::Catalog;
use crate::domain::shot::Shot;
use crate::manifest::header;
use crate::manifest::report::log::{Log, Mistake, Place};
use crate::manifest::settings::Settings;
use crate::manifest::text::table::{Row, Rows, Table};
use crate::manifest::text::tree::Node;

/// Shots of one campaign. More are a slip of the pen (`takes: 100000000`), not a plan.
pub(in crate::manifest) const MOST_SHOTS: usize = 5_000_000;
/// Bytes of all their requests.
const MOST_BYTES: usize = 4 << 30;

/// What all entries share, with the defaults prepared.
pub(in crate::manifest) struct Shared<'a> {
    settings: &'a Settings,
    defaults: Vec<(usize, Said<'a>)>,
}

impl<'a> Shared<'a> {
    pub(in crate::manifest) fn new(
        settings: &'a Settings,
        catalog: &Catalog,
        engine: &'a Engine,
        log: &mut Log,
    ) -> Self {
        let prepared = settings.defaults.iter().map(|(param, node)| {
            (*param, base(node, catalog.params().get(*param), true, engine, log))
        });
        Self { settings, defaults: prepared.collect() }
    }

    /// What `defaults` says of a parameter.
    pub(in crate::manifest) fn default(&self, param: usize) -> Said<'a> {
        let said = self.defaults.iter().find(|(at, _)| *at == param);
        said.map_or(Said::Nothing, |(_, said)| said.clone())
    }

    /// Whether a parameter was probably meant by a key there is not.
    pub(in crate::manifest) fn misspelt(&self, param: usize) -> bool {
        self.settings.misspelt.contains(&param)
    }

    pub(in crate::manifest) fn vars(&self) -> &'a [(Rc<str>, Node)] {
        &self.settings.vars
    }
}

/// What an entry's shots are made with.
pub(in crate::manifest) struct Stage<'a> {
    pub catalog: &'a Catalog,
    pub engine: &'a Engine,
    pub shared: &'a Shared<'a>,
    pub log: &'a mut Log,
    pub made: &'a mut Made,
}

/// What has been made so far, by all entries.
pub(in crate::manifest) struct Made {
    pub gallery: Gallery,
    /// Ids without regard to case, by their hash, and where they come from.
    pub ids: HashMap<IdHash, Place, BuildHasherDefault<FirstBytes>>,
    /// Clip names that are not the shot's id, without regard to case, with their shot.
    pub clips: HashMap<Box<str>, (Place, Box<str>)>,
    pub shots: Vec<Shot>,
    /// The models' names, each once.
    pub models: Vec<Arc<str>>,
    /// How many there would be, mistakes and all.
    pub count: usize,
    /// Bytes of all their requests.
    pub bytes: usize,
    /// What is wrong with the first that names a `callback_url`, should the manifest's own
    /// `callback` stand beside it.
    pub contradiction: Option<Mistake>,
}

/// Stands for an id without regard to case, in less memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) struct IdHash([u8; 16]);

impl Hash for IdHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Without the length that an array would write first.
        state.write(&self.0);
    }
}

impl IdHash {
    pub(in crate::manifest) fn of(folded: &str) -> Self {
        let mut first = [0; 16];
        first.iter_mut().zip(Sha256::digest(folded)).for_each(|(to, from)| *to = from);
        Self(first)
    }
}

/// An [`IdHash`] needs no hashing again.
#[derive(Default)]
pub(in crate::manifest) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }
}

/// A shot about to be made.
pub(in crate::manifest) struct Draft<'d, 't> {
    pub recipe: &'d Recipe<'t>,
    pub here: Here<'d, 't>,
    pub id: &'d str,
    /// The part of the id that the entry itself says.
    pub own: &'d str,
    /// The entry it comes from.
    pub entry: &'d Arc<str>,
    /// What tells it from the entry's other shots.
    pub variant: &'d [&'d [Trait]],
    pub place: Place,
}

impl Draft<'_, '_> {
    /// The cell of a shot key's column and its place.
    pub(in crate::manifest) fn cell(&self, column: Option<usize>) -> Option<(&str, Place)> {
        let (row, column) = (self.here.row?, column?);
        row.cell(column).map(|cell| (cell, row.place(column)))
    }
}

impl<'a> Stage<'a> {
    /// Makes the shots of an entry that names no table.
    pub(in crate::manifest) fn expand(&mut self, entry: &'a Entry<'a>) {
        let recipe = Recipe::new(entry, None, false, self);
        if self.has_names(&recipe, false) {
            self.combine(&recipe, None, "", &Origin::of_entry(&recipe));
        }
    }

    /// Makes the shots of a table's rows. `strict`: the table is the manifest itself.
    pub(in crate::manifest) fn expand_rows(
        &mut self,
        entry: &'a Entry<'a>,
        table: &'a Table,
        mut rows: Rows,
        strict: bool,
    ) {
        let recipe = Recipe::new(entry, Some(table), strict, self);
        if !self.has_names(&recipe, strict) {
            return;
        }
        let (mut any, before) = (false, self.made.shots.len());
        while let Some(row) = rows.next(table, self.log) {
            any = true;
            if !recipe.columns.check_cells(&row, self.log) {
                continue;
            }
            let mut cells = Vec::new();
            let id_cell = recipe.columns.id.and_then(|at| row.cell(at));
            let part = match id_cell {
                _ if recipe.id_has_row => String::new(),
                // A spreadsheet may make 1.0 of 1.
                Some(id) => match id.strip_suffix(".0") {
                    Some(whole) if whole.bytes().all(|b| b.is_ascii_digit()) => whole.to_owned(),
                    _ => id.to_owned(),
                },
                None if recipe.entry.id.is_none() && !strict => {
                    let cell = recipe.columns.id.map(|at| row.place(at));
                    let place = cell.unwrap_or(row.start());
                    let mistake =
                        Mistake::new(place, "this row has no id, and neither has its shot");
                    self.log.add(mistake.fix(
                        "write `id:` beside `from:`, or give every row an `id` cell".to_owned(),
                    ));
                    // Without the column it is the same in all rows.
                    match cell {
                        Some(_) => continue,
                        None => return,
                    }
                }
                None => {
                    cells = recipe.columns.cells(table, &row, self.catalog, self.engine);
                    identity::row_part(&cells)
                }
            };
            let origin = Origin::of_row(&recipe, &row, &part, &cells);
            if !self.combine(&recipe, Some(&row), &part, &origin) {
                return;
            }
        }
        if let Some([only]) = self.made.shots.get_mut(before..) {
            only.variant = Box::default();
        }
        if !any && self.log.mistakes() == 0 {
            let what = "there are no rows below the header, so there would be no shots";
            self.log.add(Mistake::new(table.place(), what).fix("add a row".to_owned()));
        }
    }

    /// Whether there is something to call the entry's shots.
    fn has_names(&mut self, recipe: &Recipe<'a>, strict: bool) -> bool {
        let entry = recipe.entry;
        let has_id = entry.id.is_some() || entry.has_bad_id || recipe.columns.id.is_some();
        if !has_id && !strict {
            let what = "this shot has no `id`";
            let fix = "write `id:` and a short name that is its own, such as `id: beach`";
            self.log.add(Mistake::new(entry.place, what).fix(fix.to_owned()));
        }
        let named = (has_id || strict) && !recipe.nameless && !entry.has_bad_id;
        if !named {
            self.made.count += 1;
        }
        named
    }

    /// Matrix × takes of one row, or of none. `false` when there are too many shots.
    fn combine(
        &mut self,
        recipe: &Recipe<'a>,
        row: Option<&Row<'_>>,
        row_part: &str,
        origin: &Origin,
    ) -> bool {
        let entry = recipe.entry;
        let cell = row
            .zip(recipe.columns.takes)
            .and_then(|(row, at)| Some((row.cell(at)?, row.place(at))));
        let takes = match cell {
            Some((cell, place)) => header::count(cell, "takes", place, self.log).unwrap_or(1),
            None => entry.takes,
        };
        let combinations = entry
            .matrix
            .iter()
            .try_fold(1_usize, |product, variable| product.checked_mul(variable.values.len()));
        let more = combinations.and_then(|n| n.checked_mul(takes as usize));
        let total = more.and_then(|more| more.checked_add(self.made.count));
        let Some(total) = total.filter(|total| *total <= MOST_SHOTS) else {
            let what = format!("the manifest makes more than {MOST_SHOTS} shots here");
            self.log.add(
                Mistake::new(entry.place, what).fix("make several manifests of it".to_owned()),
            );
            self.made.count = self.made.count.saturating_add(1);
            return false;
        };
        self.made.count = total;
        for number in 0..combinations.unwrap_or(0) {
            let (values, parts) = pick(recipe, number);
            let combination = origin::combination(recipe, number);
            for take in 1..=takes {
                let told = [(Box::from("take"), take.to_string().into())];
                let told = if takes > 1 { &told[..] } else { &[] };
                let variant = [&*origin.row, &*combination, told];
                let here = Here {
                    engine: self.engine,
                    vars: self.shared.vars(),
                    row,
                    matrix: &entry.matrix,
                    values: &values,
                    take,
                    known: None,
                };
                self.draft(recipe, here, (row_part, &parts), (&origin.entry, &variant));
                if self.made.bytes > MOST_BYTES {
                    let what = "the requests up to here come to more than 4 GB of text";
                    let fix = "make several manifests of it".to_owned();
                    self.log.add(Mistake::new(entry.place, what).fix(fix));
                    self.made.count = MOST_SHOTS;
                    return false;
                }
            }
        }
        true
    }

    fn draft(
        &mut self,
        recipe: &Recipe<'a>,
        here: Here<'_, 'a>,
        (row_part, parts): (&str, &[String]),
        (origin, variant): (&Arc<str>, &[&[Trait]]),
    ) {
        let own = match recipe.id.text(&here) {
            Ok(own) => own.unwrap_or_default(),
            Err(trouble) => return self.log.add(*trouble),
        };
        let take_part = match here.take {
            2.. if !recipe.id_has_take => format!("t{}", here.take),
            _ => String::new(),
        };
        let before = [&*own, row_part].into_iter();
        let all = before.chain(parts.iter().map(String::as_str)).chain([take_part.as_str()]);
        let id = identity::join(all);
        let place = match (here.row, recipe.columns.id) {
            (Some(row), Some(column)) if row.cell(column).is_some() => row.place(column),
            (Some(row), _) => row.start(),
            (None, _) => recipe.entry.place,
        };
        let draft = Draft { recipe, here, id: &id, own: &own, entry: origin, variant, place };
        finish::shot(self, &draft);
    }
}

impl Made {
    pub(in crate::manifest) fn new(folder: PathBuf) -> Self {
        Self {
            gallery: Gallery::new(folder),
            ids: HashMap::default(),
            clips: HashMap::new(),
            shots: Vec::new(),
            models: Vec::new(),
            count: 0,
            bytes: 0,
            contradiction: None,
        }
    }

    /// A model's name, shared by all its shots.
    pub(in crate::manifest) fn model(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.models.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.models.push(Arc::clone(&name));
        name
    }

    /// A clip that is called by hand must not be called like another shot.
    pub(in crate::manifest) fn check_clips(&self, log: &mut Log) {
        let mut named: Vec<_> = self.clips.iter().collect();
        named.sort_by_key(|(_, (place, _))| *place);
        let custom: HashSet<String> = named.iter().map(|(_, (_, id))| id.to_lowercase()).collect();
        for (name, (place, id)) in named {
            let first = self.ids.get(&IdHash::of(name));
            let Some(first) = first.filter(|_| !custom.contains(&**name)) else {
                continue;
            };
            let what = format!("the clip of `{id}` would be called like that of the shot `{name}`");
            let fix = "choose another `clip_name`".to_owned();
            log.add(Mistake::new(*place, what).fix(fix).other(*first, "that shot"));
        }
    }
}

/// The values of the matrix's combination of that number, and the parts they give to the id; the
/// last variable turns fastest.
fn pick<'t>(recipe: &Recipe<'t>, mut number: usize) -> (Vec<&'t Node>, Vec<String>) {
    let matrix = &recipe.entry.matrix;
    let mut values = Vec::with_capacity(matrix.len());
    let mut parts = Vec::with_capacity(matrix.len());
    for (variable, told) in matrix.iter().zip(&recipe.id_has).rev() {
        let count = variable.values.len().max(1);
        if let Some((node, meant)) = variable.values.get(number % count) {
            values.push(*node);
            if !*told {
                parts.push(identity::part(meant));
            }
        }
        number /= count;
    }
    values.reverse();
    parts.reverse();
    (values, parts)
}
