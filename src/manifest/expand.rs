//! From an entry to its shots: rows × matrix × takes, each with its id, request and price. Keeps
//! only finished shots, never what they were made from.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use minijinja::Value as Named;

use super::diagnostic::{Log, Mistake, Place, did_you_mean};
use super::entry::{self, Entry, ROW_KEYS};
use super::media::Gallery;
use super::recipe::{Shape, compile, render};
use super::source::{Field, Here, base};
use super::table::{Row, Table};
use super::template::{Engine, Names, Template, value};
use super::tree::Node;
use super::{decode, finish, identity};
use crate::catalog::Catalog;
use crate::shot::Shot;

/// Shots of one campaign. More are a slip of the pen (`takes: 100000000`), not a plan.
const MOST_SHOTS: usize = 5_000_000;

/// What an entry's shots are made with.
pub(super) struct Stage<'a> {
    pub catalog: &'a Catalog,
    pub engine: &'a Engine,
    pub vars: &'a [(Rc<str>, Rc<str>)],
    pub defaults: &'a [(usize, &'a Node)],
    /// Whether a price must be known.
    pub capped: bool,
    pub log: &'a mut Log,
    pub made: &'a mut Made,
}

/// What has been made so far, by all entries.
pub(super) struct Made {
    pub gallery: Gallery,
    /// Ids without regard to case, and where they come from.
    pub ids: HashMap<Box<str>, Place>,
    /// Clip names that are not the shot's id, without regard to case, with their shot.
    pub clips: HashMap<Box<str>, (Place, Box<str>)>,
    pub shots: Vec<Shot>,
    /// How many there would be, mistakes and all.
    pub count: usize,
}

/// An entry with everything worked out that its shots share.
pub(super) struct Recipe<'t> {
    pub entry: &'t Entry<'t>,
    pub fields: Vec<Field<'t>>,
    pub id: Option<Template<'t>>,
    pub clip_name: Option<Template<'t>>,
    pub tags: Vec<(&'t Node, Shape<'t>)>,
    columns: Columns,
    /// Variables from `vars` that its templates use.
    vars: Vec<(Box<str>, Named)>,
    /// Whether the entry's own id tells rows, each matrix variable, takes apart.
    id_has_row: bool,
    id_has: Vec<bool>,
    id_has_take: bool,
    /// Its id, clip name or tags are mistaken: there is nothing to call its shots.
    nameless: bool,
}

/// The columns that rushes itself reads, and those that make a row's identity.
#[derive(Default)]
struct Columns {
    id: Option<usize>,
    takes: Option<usize>,
    pub priority: Option<usize>,
    pub tags: Option<usize>,
    pub clip_name: Option<usize>,
    /// Columns that templates use as variables, with their names.
    named: Vec<(usize, Box<str>)>,
    /// Columns that the request uses, by name.
    used: Vec<usize>,
    /// The one of them that says most to people.
    leading: Option<usize>,
}

/// A shot about to be made.
pub(super) struct Draft<'d, 't> {
    pub recipe: &'d Recipe<'t>,
    pub here: Here<'d, 't>,
    pub id: &'d str,
    pub place: Place,
}

impl Draft<'_, '_> {
    /// The cell of a shot key's column and its place.
    pub(super) fn cell(&self, pick: fn(&Recipe<'_>) -> Option<usize>) -> Option<(&str, Place)> {
        let column = pick(self.recipe)?;
        let row = self.here.row?;
        row.cell(column).map(|cell| (cell, row.place(column)))
    }
}

impl<'t> Recipe<'t> {
    pub(super) fn priority_column(recipe: &Recipe<'_>) -> Option<usize> {
        recipe.columns.priority
    }

    pub(super) fn tags_column(recipe: &Recipe<'_>) -> Option<usize> {
        recipe.columns.tags
    }

    pub(super) fn clip_name_column(recipe: &Recipe<'_>) -> Option<usize> {
        recipe.columns.clip_name
    }

    /// Works out what the entry's shots share. `strict`: the table is the manifest itself, and a
    /// column that means nothing is a mistake.
    fn new(
        entry: &'t Entry<'t>,
        table: Option<&'t Table>,
        strict: bool,
        stage: &mut Stage<'t>,
    ) -> Self {
        let (engine, catalog) = (stage.engine, stage.catalog);
        let log = &mut *stage.log;
        let template = |node: Option<&'t Node>, log: &mut Log| {
            let node = node?;
            compile(engine, node.text()?, node.place, log)
        };
        let id = template(entry.id, log);
        let clip_name = template(entry.clip_name, log);
        let tags = entry.tags.iter().filter_map(|node| base(node, true, engine, log)).collect();
        let mut recipe = Self {
            entry,
            fields: Vec::new(),
            id,
            clip_name,
            tags,
            columns: Columns::default(),
            vars: Vec::new(),
            id_has_row: false,
            id_has: Vec::new(),
            id_has_take: false,
            nameless: false,
        };
        recipe.nameless = entry.id.is_some() && recipe.id.is_none()
            || entry.clip_name.is_some() && recipe.clip_name.is_none();
        recipe.collect_fields(catalog, table, stage);
        if let Some(table) = table {
            recipe.collect_columns(table, strict, stage);
        }
        recipe.check_names(table, stage);
        recipe
    }

    fn collect_fields(
        &mut self,
        catalog: &'t Catalog,
        table: Option<&'t Table>,
        stage: &mut Stage<'t>,
    ) {
        let entry = self.entry;
        for (at, param) in catalog.params().iter().enumerate() {
            let find = |from: &[(usize, &'t Node)]| {
                from.iter().find(|(param, _)| *param == at).map(|(_, node)| *node)
            };
            let node = find(&entry.params).or_else(|| find(stage.defaults));
            let node = node.filter(|node| !node.is_null());
            let base = node.and_then(|node| base(node, true, stage.engine, stage.log));
            let mut field = Field {
                param: Some(param),
                name: &param.name,
                broken: node.is_some() && base.is_none(),
                base,
                variable: entry.matrix.iter().position(|v| *v.name == *param.name),
                column: table.and_then(|table| table.column(&param.name)),
                parts: table.map(|table| parts(table, &param.name)).unwrap_or_default(),
            };
            if field.base.as_ref().is_some_and(|(_, shape)| shape.uses(&param.name)) {
                field.variable = None;
                field.column = None;
            }
            let own = find(&entry.params).filter(|node| !node.is_null());
            if let (Some(own), Some(at)) = (own, field.variable)
                && let Some(variable) = entry.matrix.get(at)
            {
                let what = format!("`{}` is set here and by the matrix", param.name);
                let fix = "keep one of them".to_owned();
                let mistake = Mistake::new(own.place, what).fix(fix);
                stage.log.add(mistake.other(variable.place, "the matrix sets it here"));
            }
            field.settle(stage.log);
            let any = field.base.is_some() || field.variable.is_some() || field.column.is_some();
            if any || field.broken || !field.parts.is_empty() {
                self.fields.push(field);
            }
        }
        for pair in &entry.extra {
            let base = base(&pair.value, false, stage.engine, stage.log);
            self.fields.push(Field {
                param: None,
                name: &pair.key,
                broken: base.is_none(),
                base,
                variable: None,
                column: None,
                parts: Vec::new(),
            });
        }
    }

    /// Finds out what each column is for.
    fn collect_columns(&mut self, table: &'t Table, strict: bool, stage: &mut Stage<'t>) {
        let (catalog, log) = (stage.catalog, &mut *stage.log);
        self.columns = Columns {
            id: table.column("id"),
            takes: table.column("takes"),
            priority: table.column("priority"),
            tags: table.column("tags"),
            clip_name: table.column("clip_name"),
            ..Columns::default()
        };
        for (at, column) in table.columns.iter().enumerate() {
            let head = column.name.split('.').next().unwrap_or(&column.name);
            let is_param = catalog.param(head).is_some();
            if let Some(name) = column.name.strip_prefix("extra.").filter(|_| strict) {
                if catalog.param(name).is_some() || name.is_empty() {
                    let what = format!("`{}` passes through nothing that is unknown", column.name);
                    let fix = format!("call the column `{name}`");
                    log.add(Mistake::new(column.place, what).fix(fix));
                }
                self.fields.push(Field {
                    param: None,
                    name,
                    broken: false,
                    base: None,
                    variable: None,
                    column: Some(at),
                    parts: Vec::new(),
                });
            } else if strict && !is_param && !ROW_KEYS.contains(&&*column.name) {
                entry::unknown(&column.name, column.place, catalog, &ROW_KEYS, log);
            }
            if let Some(variable) = self.entry.matrix.iter().find(|v| v.name == column.name) {
                let what = format!("`{}` is a variable of the matrix and a column", variable.name);
                let mistake = Mistake::new(variable.place, what).fix("rename one".to_owned());
                log.add(mistake.other(column.place, "the column"));
            }
        }
        self.fields.sort_by_key(|field| field.param.is_none().then_some(field.name));
        let mut used: Vec<usize> = Vec::new();
        for field in &self.fields {
            used.extend(field.column);
            used.extend(field.parts.iter().map(|(_, column)| *column));
            if let Some((_, shape)) = &field.base {
                shape.names(&mut |name, _| used.extend(table.column(name)));
            }
        }
        used.sort_by_key(|column| table.columns.get(*column).map(|column| &column.name));
        used.dedup();
        let leading = ["prompt", "image"].iter().find_map(|name| table.column(name));
        self.columns.leading =
            leading.filter(|column| used.contains(column)).or(used.first().copied());
        self.columns.used = used;
    }

    /// Every name that a template uses must be there; those that are, are picked out.
    fn check_names(&mut self, table: Option<&Table>, stage: &mut Stage<'_>) {
        let entry = self.entry;
        let matrix: Vec<&str> = entry.matrix.iter().map(|v| &*v.name).collect();
        let columns: Vec<&str> =
            table.map(|t| t.columns.iter().map(|c| &*c.name).collect()).unwrap_or_default();
        let vars = stage.vars.iter().map(|(name, _)| &**name);
        let known: Vec<&str> =
            matrix.iter().chain(&columns).copied().chain(vars).chain(["take"]).collect();
        let log = &mut *stage.log;
        let mut used: HashSet<Box<str>> = HashSet::new();
        let mut check = |name: &str, place: Place, has_id: bool| {
            let fine = known.contains(&name) || (has_id && name == "id");
            if !fine {
                let fix = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| {
                    format!("define `{name}` in `vars:`, or use one of: {}", known.join(", "))
                });
                log.add(Mistake::new(place, format!("`{name}` is not defined")).fix(fix));
            }
            used.insert(name.into());
            fine
        };
        for field in &mut self.fields {
            let mut broken = field.broken;
            if let Some((_, shape)) = &field.base {
                shape.names(&mut |name, place| broken |= !check(name, place, false));
            }
            field.broken = broken;
        }
        let mut nameless = self.nameless;
        for (template, node) in [(&self.id, entry.id), (&self.clip_name, entry.clip_name)] {
            let Some((template, node)) = template.as_ref().zip(node) else { continue };
            let has_id = entry.clip_name.is_some_and(|name| name.place == node.place);
            for name in &template.names {
                nameless |= !check(name, node.place, has_id);
            }
        }
        for (_, shape) in &self.tags {
            shape.names(&mut |name, place| nameless |= !check(name, place, true));
        }
        self.nameless = nameless;
        let id_names: &[Box<str>] = self.id.as_ref().map_or(&[], |id| &id.names);
        let id_has = |name: &str| id_names.iter().any(|used| **used == *name);
        self.id_has_take = id_has("take");
        self.id_has_row = columns.iter().any(|column| id_has(column));
        self.id_has = matrix.iter().map(|name| id_has(name)).collect();
        // Cells may be templates too: with a table, everything is at hand.
        let wanted = |name: &str| table.is_some() || used.contains(name);
        let named = columns.iter().enumerate().filter(|(_, name)| wanted(name));
        self.columns.named = named.map(|(at, name)| (at, (*name).into())).collect();
        let vars = stage.vars.iter().filter(|(name, _)| wanted(name));
        self.vars = vars.map(|(name, text)| ((**name).into(), value(text))).collect();
    }
}

/// Columns for parts of a parameter.
fn parts<'t>(table: &'t Table, name: &str) -> Vec<(&'t str, usize)> {
    let below = |column: &'t str| column.strip_prefix(name)?.strip_prefix('.');
    let columns = table.columns.iter().enumerate();
    columns.filter_map(|(at, column)| Some((below(&column.name)?, at))).collect()
}

impl<'a> Stage<'a> {
    /// Makes an entry's shots.
    pub(super) fn expand(&mut self, entry: &'a Entry<'a>, table: Option<&'a Table>, strict: bool) {
        let recipe = Recipe::new(entry, table, strict, self);
        if entry.id.is_none() && recipe.columns.id.is_none() && !strict {
            let what = "this shot has no `id`";
            let fix = "write `id:` and a short name that is its own, such as `id: beach`";
            self.log.add(Mistake::new(entry.place, what).fix(fix.to_owned()));
            self.made.count += 1;
            return;
        }
        if recipe.nameless {
            self.made.count += 1;
            return;
        }
        match table {
            None => {
                self.combine(&recipe, None, "");
            }
            Some(table) => self.rows(&recipe, table, strict),
        }
    }

    fn rows(&mut self, recipe: &Recipe<'a>, table: &'a Table, strict: bool) {
        let mut rows = table.rows();
        let mut any = false;
        while let Some(row) = rows.next(self.log) {
            any = true;
            let id_cell = recipe.columns.id.and_then(|at| Some((row.cell(at)?, row.place(at))));
            let part = match id_cell {
                _ if recipe.id_has_row => String::new(),
                Some((id, _)) => id.to_owned(),
                None if recipe.entry.id.is_none() && !strict => {
                    let place = recipe.columns.id.map_or(row.start(), |at| row.place(at));
                    self.log.add(
                        Mistake::new(place, "this row has no id, and neither has its shot")
                            .fix("fill in its `id` cell, or write `id:` beside `from:`".to_owned()),
                    );
                    continue;
                }
                None => recipe.columns.part(table, &row),
            };
            if !self.combine(recipe, Some(&row), &part) {
                return;
            }
        }
        if !any {
            let what = "there are no rows below the header, so there would be no shots";
            self.log.add(Mistake::new(table.place(), what).fix("add a row".to_owned()));
        }
    }

    /// Matrix × takes of one row, or of none. `false` when there are too many shots.
    fn combine(&mut self, recipe: &Recipe<'a>, row: Option<&Row<'_>>, row_part: &str) -> bool {
        let entry = recipe.entry;
        let takes = match row.zip(recipe.columns.takes) {
            Some((row, column)) => match row.cell(column) {
                Some(cell) => {
                    decode::count(cell, "takes", row.place(column), self.log).unwrap_or(1)
                }
                None => entry.takes,
            },
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
            self.log.add(Mistake::new(entry.place, what).fix("make several of it".to_owned()));
            self.made.count = self.made.count.saturating_add(1);
            return false;
        };
        self.made.count = total;
        let mut names: Names = recipe.vars.iter().cloned().collect();
        if let Some(row) = row {
            for (column, name) in &recipe.columns.named {
                match row.cell(*column) {
                    Some(cell) => names.insert(name.clone(), value(cell)),
                    None => names.remove(name),
                };
            }
        }
        for number in 0..combinations.unwrap_or(0) {
            let values = pick(entry, number);
            for (variable, node) in entry.matrix.iter().zip(&values) {
                names.insert((*variable.name).into(), named(node));
            }
            for take in 1..=takes {
                names.insert("take".into(), Named::from(take));
                self.draft(recipe, row, row_part, &values, take, &names);
            }
        }
        true
    }

    fn draft(
        &mut self,
        recipe: &Recipe<'a>,
        row: Option<&Row<'_>>,
        row_part: &str,
        values: &[&'a Node],
        take: u32,
        names: &Names,
    ) {
        let entry = recipe.entry;
        let own = match (&recipe.id, entry.id) {
            (Some(template), Some(node)) => match plain_or_rendered(template, node, names) {
                Ok(own) => own,
                Err((place, what)) => return self.log.add(Mistake::new(place, what)),
            },
            _ => String::new(),
        };
        let parts: Vec<String> = values
            .iter()
            .zip(&recipe.id_has)
            .filter(|(_, told)| !**told)
            .map(|(node, _)| identity::part(node.text().map_or("", |text| text)))
            .collect();
        let take_part = match take {
            2.. if !recipe.id_has_take => format!("t{take}"),
            _ => String::new(),
        };
        let before = [own.as_str(), row_part].into_iter();
        let all = before.chain(parts.iter().map(String::as_str)).chain([take_part.as_str()]);
        let id = identity::join(all);
        let place = match (row, recipe.columns.id) {
            (Some(row), Some(column)) if row.cell(column).is_some() => row.place(column),
            (Some(row), _) => row.start(),
            (None, _) => entry.place,
        };
        let here = Here { row, values, names, engine: self.engine };
        finish::shot(self, &Draft { recipe, here, id: &id, place });
    }
}

impl Columns {
    /// What tells a row without an id from the others.
    fn part(&self, table: &Table, row: &Row<'_>) -> String {
        let cells: Vec<(&str, Option<&str>)> = self
            .used
            .iter()
            .filter_map(|at| Some((&*table.columns.get(*at)?.name, row.cell(*at))))
            .collect();
        identity::row_part(&cells, self.leading.and_then(|at| row.cell(at)))
    }
}

impl Made {
    /// A clip that is called by hand must not be called like another shot.
    pub(super) fn check_clips(&self, log: &mut Log) {
        let mut named: Vec<_> = self.clips.iter().collect();
        named.sort_by_key(|(_, (place, _))| *place);
        let custom: HashSet<String> = named.iter().map(|(_, (_, id))| id.to_lowercase()).collect();
        for (name, (place, id)) in named {
            let Some(first) = self.ids.get(name).filter(|_| !custom.contains(&**name)) else {
                continue;
            };
            let what = format!("the clip of `{id}` would be called like that of the shot `{name}`");
            let fix = "choose another `clip_name`".to_owned();
            log.add(Mistake::new(*place, what).fix(fix).other(*first, "that shot"));
        }
    }
}

fn plain_or_rendered(
    template: &Template<'_>,
    node: &Node,
    names: &Names,
) -> Result<String, super::recipe::Trouble> {
    match node.text() {
        Some(text) if !Engine::is_template(text) => Ok(text.to_string()),
        _ => render(template, node.place, names),
    }
}

/// The values of the matrix's combination of that number; the last variable turns fastest.
fn pick<'t>(entry: &Entry<'t>, mut number: usize) -> Vec<&'t Node> {
    let mut values = Vec::with_capacity(entry.matrix.len());
    for variable in entry.matrix.iter().rev() {
        let count = variable.values.len().max(1);
        values.extend(variable.values.get(number % count).map(|(node, _)| *node));
        number /= count;
    }
    values.reverse();
    values
}

/// A matrix value for templates: quoted ones are texts.
fn named(node: &Node) -> Named {
    match &node.value {
        super::tree::Value::Text(text, true) => value(text),
        _ => Named::from(node.text().map_or("", |text| text)),
    }
}
