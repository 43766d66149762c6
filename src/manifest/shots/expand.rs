//! From an entry to its shots: rows × matrix × takes, each with its id, request and price. Keeps
//! only finished shots, never what they were made from.

use std::rc::Rc;
use std::sync::Arc;

use super::compiled_entry::CompiledEntry;
use super::context::ExpandContext;
use super::draft::Draft;
use super::entry::{Entry, Variable};
use super::provenance::{Provenance, VariantField, variant_field};
use super::respelled::other_parts;
use super::scope::{Reading, Scope};
use super::shot_set::MAX_SHOTS;
use super::unused_columns::MaybeUnused;
use super::{build, identity};
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

    /// Makes the shots of a table's rows. `strict`: the table is the manifest itself.
    pub(crate) fn expand_rows(
        &mut self,
        entry: &'a Entry<'a>,
        table: &'a Table,
        mut rows: Rows,
        strict: bool,
    ) {
        let compiled = CompiledEntry::new(entry, Some(table), strict, self);
        if !self.has_names(&compiled, Some(table), strict) {
            return;
        }
        let (mut any, before) = (false, self.output.shots.shots.len());
        let mut unused = MaybeUnused::new(&compiled.unused_columns);
        while let Some(row) = rows.next(table, self.diags) {
            any = true;
            unused.look(&row);
            if !compiled.check_cells(&row, self.diags) {
                continue;
            }
            let mut cells = Vec::new();
            let mut others = Vec::new();
            let own = match row.named("id") {
                _ if compiled.id_has_row => String::new(),
                // A spreadsheet may make 1.0 of 1.
                Some((id, _)) => match id.strip_suffix(".0") {
                    Some(whole) if whole.bytes().all(|b| b.is_ascii_digit()) => whole.to_owned(),
                    _ => id.to_owned(),
                },
                None if compiled.entry.id.is_none() && !strict => {
                    let cell = table.column("id").map(|at| row.place(at));
                    let place = cell.unwrap_or(row.start());
                    let what = "this row has no id, and neither has its shot";
                    let fix = "write `id:` beside `from:`, or give every row an `id` cell";
                    self.diags.error(place, what, fix);
                    // Without the column it is the same in all rows.
                    match cell {
                        Some(_) => continue,
                        None => return,
                    }
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
        let takes = match row.and_then(|row| Some((row, row.named("takes")?))) {
            Some((row, (cell, column))) => {
                count(cell, "takes", row.place(column), self.diags).unwrap_or(1)
            }
            None => entry.takes.unwrap_or(1),
        };
        let combinations = entry
            .matrix
            .iter()
            .try_fold(1_usize, |product, variable| product.checked_mul(variable.values.len()));
        let more = combinations.and_then(|n| n.checked_mul(takes as usize));
        if more.is_none_or(|more| more > MAX_OF_ONE) {
            let many = more.map_or_else(|| "far too many".to_owned(), |more| more.to_string());
            let what = format!(
                "`takes` and `matrix` make {many} shots of one here; at most {MAX_OF_ONE} are allowed"
            );
            let fix = "check the numbers in `takes` and `matrix`, or write several shots";
            let takes = row.and_then(|row| Some(row.place(row.named("takes")?.1)));
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
            for take in 1..=takes {
                let named = [(Box::from("take"), take.to_string().into())];
                let named = if takes > 1 { &named[..] } else { &[] };
                let variant = [&*origin.row, &*combination, named];
                let scope = Scope {
                    engine: self.engine,
                    vars: self.defaults.vars(),
                    row,
                    matrix: &entry.matrix,
                    values: &values,
                    take,
                    known: None,
                    reading: Reading::First,
                    seen: None,
                };
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
