//! What an entry's shots share, worked out once: where each parameter comes from, which columns and
//! names are used, and what of it tells siblings apart.

use std::collections::HashSet;

use minijinja::Value as Named;

use super::diagnostic::{Log, Mistake, Place, did_you_mean};
use super::entry::{self, Entry, ROW_KEYS};
use super::expand::Stage;
use super::identity;
use super::shape::{Shape, compile};
use super::source::{Field, base};
use super::table::{Row, Table};
use super::template::{Template, value};
use super::tree::Node;
use crate::catalog::Catalog;

/// An entry with everything worked out that its shots share.
pub(super) struct Recipe<'t> {
    pub entry: &'t Entry<'t>,
    pub fields: Vec<Field<'t>>,
    pub id: Option<Template<'t>>,
    pub clip_name: Option<Template<'t>>,
    pub tags: Vec<(&'t Node, Shape<'t>)>,
    pub columns: Columns,
    /// Variables from `vars` that its templates use.
    pub vars: Vec<(Box<str>, Named)>,
    /// Whether the entry's own id tells rows, each matrix variable, takes apart.
    pub id_has_row: bool,
    pub id_has: Vec<bool>,
    pub id_has_take: bool,
    /// Its id, clip name or tags are mistaken: there is nothing to call its shots.
    pub nameless: bool,
}

/// The columns that rushes itself reads, and those that make a row's identity.
#[derive(Default)]
pub(super) struct Columns {
    pub id: Option<usize>,
    pub takes: Option<usize>,
    pub priority: Option<usize>,
    pub tags: Option<usize>,
    pub clip_name: Option<usize>,
    /// Columns that templates use as variables, with their names.
    pub named: Vec<(usize, Box<str>)>,
    /// Columns that the request uses, by name.
    used: Vec<usize>,
    /// The one of them that says most to people.
    leading: Option<usize>,
}

impl<'t> Recipe<'t> {
    /// Works out what the entry's shots share. `strict`: the table is the manifest itself, and a
    /// column that means nothing is a mistake.
    pub(super) fn new(
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
                    let what = format!("`{name}` is a parameter that rushes knows");
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
                let what = format!("`{}` is a name in the matrix and a column too", variable.name);
                let fix = "call one of them something else".to_owned();
                let mistake = Mistake::new(variable.place, what).fix(fix);
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
                let names = known.join(", ");
                let meant = did_you_mean(name, known.iter().copied());
                let fix = meant.unwrap_or_else(|| match name {
                    "id" => {
                        "only `clip_name` and `tags` know the id; write the name out".to_owned()
                    }
                    "vars" => format!("write a name alone, without `vars.`: {names}"),
                    _ => format!(
                        "write `vars: {{{name}: …}}` above the shots, or use what is there: {names}"
                    ),
                });
                let what = format!("nothing here is called `{name}`");
                log.add(Mistake::new(place, what).fix(fix));
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

impl Columns {
    /// What tells a row without an id from the others.
    pub(super) fn part(&self, table: &Table, row: &Row<'_>) -> String {
        let cells: Vec<(&str, Option<&str>)> = self
            .used
            .iter()
            .filter_map(|at| Some((&*table.columns.get(*at)?.name, row.cell(*at))))
            .collect();
        identity::row_part(&cells, self.leading.and_then(|at| row.cell(at)))
    }
}
