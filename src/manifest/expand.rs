//! From an entry to its shots: rows × matrix × takes, each with its id, request and price. Keeps
//! only finished shots, never what they were made from.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use minijinja::Value as Named;

use super::diagnostic::{Log, Mistake, Place};
use super::entry::Entry;
use super::media::Gallery;
use super::recipe::Recipe;
use super::shape::{Trouble, render};
use super::source::Here;
use super::table::{Row, Table};
use super::template::{Engine, Names, Template, value};
use super::tree::Node;
use super::{decode, finish, identity};
use crate::catalog::Catalog;
use crate::shot::Shot;

/// Shots of one campaign. More are a slip of the pen (`takes: 100000000`), not a plan.
pub(super) const MOST_SHOTS: usize = 5_000_000;

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

/// A shot about to be made.
pub(super) struct Draft<'d, 't> {
    pub recipe: &'d Recipe<'t>,
    pub here: Here<'d, 't>,
    pub id: &'d str,
    pub place: Place,
}

impl Draft<'_, '_> {
    /// The cell of a shot key's column and its place.
    pub(super) fn cell(&self, column: Option<usize>) -> Option<(&str, Place)> {
        let (row, column) = (self.here.row?, column?);
        row.cell(column).map(|cell| (cell, row.place(column)))
    }
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
) -> Result<String, Trouble> {
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
