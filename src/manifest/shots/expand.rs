//! From an entry to its shots: rows × matrix × takes, each with its id, request and price. Keeps
//! only finished shots, never what they were made from.

use std::rc::Rc;
use std::sync::Arc;

use super::compiled_entry::CompiledEntry;
use super::context::ExpandContext;
use super::draft::Draft;
use super::entry::{Entry, Variable};
use super::provenance::{Provenance, VariantField, variant_field};
use super::respelled::{other_parts, tidied};
use super::row_filter::RowFilter;
use super::scope::{Reading, Scope};
use super::shot_set::MAX_SHOTS;
use super::takes::Takes;
use super::unused_columns::MaybeUnused;
use super::yaml_words::quoted;
use super::{build, identity};
use crate::catalog::Catalog;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::scalars::count;
use crate::manifest::text::table::{Row, Rows, Table};
use crate::manifest::text::tree::Node;

/// Shots of one entry, or of one of its rows: more are a slip in `takes` or `matrix`, and are refused
/// before memory is spent on them.
pub(crate) const MAX_OF_ONE: usize = 100_000;
/// Bytes of all their requests.
const MAX_BYTES: usize = 4 << 30;

impl<'a> ExpandContext<'a> {
    /// Makes the shots of an entry that names no table.
    pub(crate) fn expand(&mut self, entry: &'a Entry<'a>) {
        let compiled = CompiledEntry::new(entry, None, false, self);
        if self.has_names(&compiled, None, false) {
            let entry = compiled.origin.clone().unwrap_or_default();
            let origin = Provenance { entry, row: Vec::new() };
            self.combine(&compiled, None, &RowPart::default(), &origin);
        }
    }

    /// Makes the shots of a table's rows. `filter` chooses them; `None`: the table is the manifest
    /// itself.
    pub(crate) fn expand_rows(
        &mut self,
        entry: &'a Entry<'a>,
        table: &'a Table,
        mut rows: Rows,
        mut filter: Option<&mut RowFilter<'_>>,
    ) {
        let strict = filter.is_none();
        let compiled = CompiledEntry::new(entry, Some(table), strict, self);
        if !self.has_names(&compiled, Some(table), strict) {
            return;
        }
        let (mut any, before) = (false, self.output.shots.shots.len());
        let mut unused = MaybeUnused::new(&compiled.unused_columns);
        while let Some(row) = rows.next(table, self.diags) {
            if filter.as_mut().is_some_and(|filter| !filter.takes(&row)) {
                continue;
            }
            row.check_width(!strict, self.diags);
            let any_before = std::mem::replace(&mut any, true);
            unused.look(&row);
            if !compiled.check_ignored(&row, self.diags) || !compiled.check_cells(&row, self.diags)
            {
                continue;
            }
            let mut cells = Vec::new();
            let mut others = Vec::new();
            let own = match row.named("id") {
                _ if compiled.id_has_row => String::new(),
                // A column that was not meant for ids may hold anything.
                Some((id, _)) if entry.sheet.names("id") => identity::part(&tidied(whole(id))),
                Some((id, _)) => whole(id).to_owned(),
                None if compiled.entry.id.is_none() && !strict => {
                    let cell = table.column("id").map(|at| row.place(at));
                    let place = cell.unwrap_or(row.start());
                    let what = "this row has no id, and neither has its shot";
                    let header = table.columns.iter().find(|column| &*column.name == "id");
                    let fix = header.filter(|column| column.named_at.is_some()).map_or_else(
                        || "write `id:` beside `from:`, or give every row an `id` cell".to_owned(),
                        |column| {
                            let header = quoted(table.header_of(column));
                            format!("fill in the cell, or leave such rows out: `skip: {{{header}: \"\"}}`")
                        },
                    );
                    self.diags.error(place, what, fix);
                    // Without the column it is the same in all rows.
                    match cell {
                        Some(_) => continue,
                        None => return,
                    }
                }
                None if compiled.used_columns.is_empty() && any_before => {
                    if !compiled.fields.iter().any(|field| field.broken) {
                        nothing_used(&compiled, table, self.catalog, self.diags);
                    }
                    return;
                }
                None => {
                    cells = compiled.cells(&row, self.catalog, self.engine);
                    self.output.has_nameless_rows = true;
                    if !self.output.known_ids.is_idle() {
                        others = other_parts(&cells, self.catalog);
                    }
                    identity::row_part(&cells)
                }
            };
            let origin = Provenance::of_row(&compiled, &row, &own, &cells);
            let part = RowPart { own, others };
            if !self.combine(&compiled, Some(&row), &part, &origin) {
                return;
            }
        }
        self.output.unused_columns.add(table, &unused);
        if let Some([only]) = self.output.shots.shots.get_mut(before..) {
            only.variant = [].into();
        }
        if let Some(filter) = &filter {
            filter.check(self.diags);
            let table = entry.from.and_then(Node::text).map_or("", |from| from);
            self.output.chosen_rows.extend(filter.left_of(table));
        }
        if !any && self.diags.error_count() == 0 {
            let what = "there are no rows below the header, so there would be no shots";
            self.diags.error(table.place(), what, "add a row");
        }
    }

    /// Whether there is something to call the entry's shots.
    fn has_names(
        &mut self,
        compiled: &CompiledEntry<'a>,
        table: Option<&Table>,
        strict: bool,
    ) -> bool {
        let entry = compiled.entry;
        let has_column = table.is_some_and(|table| table.column("id").is_some());
        let has_id = entry.id.is_some() || entry.has_bad_id || has_column;
        if !has_id && !strict {
            let what = "this shot has no `id`";
            let fix = "write `id:` and a short name that is its own, such as `id: beach`";
            let line = table.and_then(|table| compiled.columns_line(table, self.catalog, &["id"]));
            let fix = line.map_or_else(
                || fix.to_owned(),
                |line| format!("write {line} beside `from:`; or `id: spot` for all rows"),
            );
            self.diags.error(entry.place, what, fix);
        }
        let named = (has_id || strict) && !compiled.nameless && !entry.has_bad_id;
        if !named {
            self.output.shots.count += 1;
        }
        named
    }

    /// Matrix × takes of one row, or of none. `false` when there are too many shots.
    fn combine(
        &mut self,
        compiled: &CompiledEntry<'a>,
        row: Option<&Row<'_>>,
        row_part: &RowPart,
        origin: &Provenance,
    ) -> bool {
        let entry = compiled.entry;
        let combinations = entry
            .matrix
            .iter()
            .try_fold(1_usize, |product, variable| product.checked_mul(variable.values.len()));
        let takes = self.takes(compiled, row, combinations.unwrap_or(0));
        let more = combinations.and_then(|n| takes.of_all(n));
        if more.is_none_or(|more| more > MAX_OF_ONE) {
            let many = more.map_or_else(|| "far too many".to_owned(), |more| more.to_string());
            let what = format!(
                "`takes` and `matrix` make {many} shots of one here; at most {MAX_OF_ONE} are allowed"
            );
            let fix = "check the numbers in `takes` and `matrix`, or write several shots";
            let own = entry.takes_text.map(|node| node.place);
            let takes = row.and_then(|row| Some(row.place(row.named("takes")?.1))).or(own);
            self.diags.error(takes.unwrap_or(entry.place), what, fix);
            self.output.shots.count = self.output.shots.count.saturating_add(1);
            return true;
        }
        let total = more.and_then(|more| more.checked_add(self.output.shots.count));
        let Some(total) = total.filter(|total| *total <= MAX_SHOTS) else {
            let what = format!("the manifest makes more than {MAX_SHOTS} shots here");
            self.diags.error(entry.place, what, "make several manifests of it");
            self.output.shots.count = self.output.shots.count.saturating_add(1);
            return false;
        };
        self.output.shots.count = total;
        for number in 0..combinations.unwrap_or(0) {
            let picked = pick(compiled, number);
            let values: Vec<_> = picked.iter().map(|(_, (node, _))| *node).collect();
            let told = picked.iter().zip(&compiled.id_has).filter(|(_, told)| !**told);
            let parts: Vec<_> = told.map(|((_, (_, meant)), _)| identity::part(meant)).collect();
            // A variable of one value tells nothing apart.
            let varied = picked.iter().filter(|(variable, _)| variable.values.len() > 1);
            let combination: Vec<_> =
                varied.map(|(name, (_, meant))| variant_field(&name.name, meant)).collect();
            let takes = takes.of(number);
            for take in 1..=takes {
                let named = [(Box::from("take"), take.to_string().into())];
                let named = if takes > 1 { &named[..] } else { &[] };
                let variant = [&*origin.row, &*combination, named];
                let scope = Scope { take, ..self.scope(entry, row, &values) };
                self.draft(compiled, scope, (row_part, &parts), (&origin.entry, &variant));
                if self.output.shots.bytes > MAX_BYTES {
                    let what = "the requests up to here come to more than 4 GB of text";
                    let fix = "make several manifests of it";
                    self.diags.error(entry.place, what, fix);
                    self.output.shots.count = MAX_SHOTS;
                    return false;
                }
            }
        }
        true
    }

    /// The scope of the first take.
    fn scope<'h>(
        &self,
        entry: &'h Entry<'a>,
        row: Option<&'h Row<'h>>,
        values: &'h [&'a Node],
    ) -> Scope<'h, 'a>
    where
        'a: 'h,
    {
        Scope {
            engine: self.engine,
            vars: self.defaults.vars(),
            row,
            matrix: &entry.matrix,
            values,
            take: 1,
            known: None,
            reading: Reading::First,
            seen: None,
        }
    }

    /// How many takes there are of each combination of the matrix: by the row's own cell, by a template,
    /// by a number.
    fn takes(
        &mut self,
        compiled: &CompiledEntry<'a>,
        row: Option<&Row<'_>>,
        combinations: usize,
    ) -> Takes {
        if let Some((row, (cell, column))) = row.and_then(|row| Some((row, row.named("takes")?))) {
            return Takes::Same(count(cell, "takes", row.place(column), self.diags).unwrap_or(1));
        }
        let Some(text) = compiled.takes.as_ref().filter(|_| combinations <= MAX_OF_ONE) else {
            return Takes::Same(compiled.entry.takes.unwrap_or(1));
        };
        let mut each = Vec::with_capacity(combinations);
        for number in 0..combinations {
            let picked = pick(compiled, number);
            let values: Vec<_> = picked.iter().map(|(_, (node, _))| *node).collect();
            let scope = self.scope(compiled.entry, row, &values);
            let named = match text.names() {
                [name] => scope.place(name),
                _ => None,
            };
            let rendered = text.render(&scope).map_err(|wrong| self.diags.add(*wrong));
            let place = named.unwrap_or(text.place);
            each.push(
                rendered.ok().and_then(|n| count(&n, "takes", place, self.diags)).unwrap_or(1),
            );
        }
        Takes::Each(each)
    }

    fn draft(
        &mut self,
        compiled: &CompiledEntry<'a>,
        scope: Scope<'_, 'a>,
        (row_part, parts): (&RowPart, &[String]),
        (origin, variant): (&Arc<str>, &[&[VariantField]]),
    ) {
        let own = match compiled.id.as_ref().map(|id| id.render(&scope)).transpose() {
            Ok(own) => own.unwrap_or_default(),
            Err(diagnostic) => return self.diags.add(*diagnostic),
        };
        let take_part = match scope.take {
            2.. if !compiled.id_has_take => format!("t{}", scope.take),
            _ => String::new(),
        };
        let joined = |row_part: &str| {
            let before = [&*own, row_part].into_iter();
            let parts = parts.iter().map(String::as_str);
            identity::join(before.chain(parts).chain([take_part.as_str()]))
        };
        let mut id = joined(&row_part.own);
        let mut origin = Arc::clone(origin);
        let others = row_part.others.iter().map(|other| joined(other));
        if let Some(known) = self.output.known_ids.take(&id, others) {
            // A row that is an entry of its own.
            if *origin == *id {
                origin = known.as_str().into();
            }
            id = known;
        }
        let place = match scope.row {
            Some(row) => row.named("id").map_or_else(|| row.start(), |(_, id)| row.place(id)),
            None => compiled.entry.place,
        };
        let draft = Draft { compiled, scope, id: &id, own: &own, entry: &origin, variant, place };
        build::build(self, &draft);
    }
}

/// An id that a spreadsheet made `1.0` of `1`, as it was.
fn whole(id: &str) -> &str {
    let whole = id.strip_suffix(".0");
    whole.filter(|whole| whole.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(id)
}

/// Reports that all rows of a table would be the same shot.
fn nothing_used(
    compiled: &CompiledEntry<'_>,
    table: &Table,
    catalog: &Catalog,
    diags: &mut Diagnostics,
) {
    let what = "the shot uses none of the table's columns, so that all rows would be the same shot";
    let line = compiled
        .columns_line(table, catalog, &["prompt", "image", "motion_video"])
        .unwrap_or_else(|| "`columns: {prompt: HEADER}`".to_owned());
    let fix = format!("say which column is what, such as {line}; or use a column's name in a text");
    let place = compiled.entry.from.map_or(table.place(), |from| from.place);
    diags.error(place, what, fix);
}

/// A row's part of its shots' ids.
#[derive(Default)]
struct RowPart {
    own: String,
    /// The same in other spellings of its cells, where they may be known.
    others: Vec<String>,
}

/// A matrix variable and one of its values.
type Picked<'e, 't> = (&'e Variable<'t>, &'e (&'t Node, Rc<str>));

/// The matrix's combination of that number; the last variable turns fastest.
fn pick<'e, 't>(compiled: &'e CompiledEntry<'t>, mut number: usize) -> Vec<Picked<'e, 't>> {
    let mut picked = Vec::with_capacity(compiled.entry.matrix.len());
    for variable in compiled.entry.matrix.iter().rev() {
        let count = variable.values.len().max(1);
        picked.extend(variable.values.get(number % count).map(|value| (variable, value)));
        number /= count;
    }
    picked.reverse();
    picked
}
