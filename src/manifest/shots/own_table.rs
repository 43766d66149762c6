//! A table that is the manifest itself: every column must mean something, but for those that are for
//! people. A sheet made for something else is answered with the manifest that takes its rows.

use std::fmt::Write as _;

use super::compiled_entry::CompiledEntry;
use super::keys::{ROW_KEYS, is_ours, report_unknown};
use super::yaml_words::{quoted, quoted_path};
use crate::catalog::{Catalog, is_for_people};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, Topic};
use crate::manifest::text::headers::fold;
use crate::manifest::text::table::{Column, Row, Table};

/// How the cells of a column for people begin when their row is not to be rendered.
const NOT_THIS: [&str; 8] =
    ["do not", "don't", "dont ", "dnr", "skip", "omit", "cancel", "not approved"];
/// The same of a column that says how far a row is.
const NOT_YET: [&str; 6] = ["no", "false", "rejected", "killed", "pending", "cut"];

impl<'t> CompiledEntry<'t> {
    /// Reports columns that mean nothing; returns the parameters that they probably stand for.
    pub(super) fn check_own_columns(
        &mut self,
        table: &'t Table,
        catalog: &Catalog,
        diags: &mut Diagnostics,
    ) -> Vec<usize> {
        let is_ours = |column: &Column| is_ours(&column.name, catalog);
        let people = |column: &Column| !is_ours(column) && is_left_alone(&column.name);
        let unknown: Vec<&Column> =
            table.columns.iter().filter(|column| !is_ours(column) && !people(column)).collect();
        let ours = table.columns.iter().filter(|column| is_ours(column)).count();
        let means = |column: &&Column| catalog.meant_by_header(&column.name, &ROW_KEYS).is_some();
        if ours == 0 && !unknown.iter().any(means) {
            let what = "the first row must name the columns, and no parameter is called like these";
            let fix = "put a row such as `id,model,prompt` above the shots";
            diags.error(table.place(), what, fix);
            self.nameless = true;
            return Vec::new();
        }
        self.strangers.has_unknown = !unknown.is_empty();
        if unknown.len() > ours.max(1) {
            self.nameless = true;
            diags.add(of_another(table, &unknown, catalog, diags));
            return Vec::new();
        }
        let of_people = table.columns.iter().enumerate().filter(|(_, column)| people(column));
        self.strangers.ignored = of_people.map(|(at, _)| at).collect();
        self.warn_of_ignored(table, diags);
        let report = |column: &&Column| {
            report_unknown(&column.name, column.place, catalog, &ROW_KEYS, diags)
        };
        let slips = unknown.iter().filter_map(report).collect();
        // Its rows may be told apart by what stands in the unknown columns.
        self.nameless |= self.strangers.has_unknown && table.column("id").is_none();
        slips
    }

    fn warn_of_ignored(&self, table: &Table, diags: &mut Diagnostics) {
        let columns = self.strangers.ignored.iter().filter_map(|at| table.columns.get(*at));
        let columns: Vec<&Column> = columns.collect();
        let Some(first) = columns.first() else { return };
        let names: Vec<String> = columns.iter().map(|one| format!("`{}`", one.name)).collect();
        let (word, verb) = if names.len() == 1 { ("column", "is") } else { ("columns", "are") };
        diags.warn(Topic("ignored columns", usize::from(first.place.file)), || {
            let what = format!("the {word} {} {verb} ignored", names.join(", "));
            Diagnostic::new(first.place, what).fix("they are for people; no request has them")
        });
    }

    /// Reports a row whose ignored cells say that it is not to be rendered. `false` for such a row.
    pub(super) fn check_ignored(&self, row: &Row<'_>, diags: &mut Diagnostics) -> bool {
        let mut is_fine = true;
        for at in &self.strangers.ignored {
            let (Some(cell), Some(column)) = (row.cell(*at), row.table.columns.get(*at)) else {
                continue;
            };
            if says_no(&column.name, cell) {
                let what = format!(
                    "this row says `{cell}`, and a table that is the manifest renders every row"
                );
                let fix = format!(
                    "delete the row; or write a YAML manifest that takes the rows with `from:` and \
                     leaves some out: `skip: {{{}: {}}}`",
                    quoted(&column.name),
                    quoted(cell)
                );
                diags.error(row.place(*at), what, fix);
                is_fine = false;
            }
        }
        is_fine
    }
}

/// Whether a column is for people: by its name, or by a `#` before it.
fn is_left_alone(name: &str) -> bool {
    name.starts_with('#') || is_for_people(name)
}

/// Whether a cell of a column for people says that its row is not to be rendered.
fn says_no(column: &str, cell: &str) -> bool {
    let cell = fold(cell);
    let column = column.to_lowercase();
    let is_progress = ["status", "state", "approv"].iter().any(|word| column.contains(word));
    let begins = |words: &[&str]| words.iter().any(|word| cell.starts_with(word));
    begins(&NOT_THIS)
        || (is_progress && NOT_YET.iter().any(|word| cell == *word))
        || (is_progress && begins(&["hold", "on hold"]))
}

/// What is said of a sheet that was made for something else, with the manifest that takes its rows.
fn of_another(
    table: &Table,
    unknown: &[&Column],
    catalog: &Catalog,
    diags: &Diagnostics,
) -> Diagnostic {
    const MAX_NAMES: usize = 8;
    let names = unknown.iter().take(MAX_NAMES).map(|column| format!("`{}`", column.name));
    let more = if unknown.len() > MAX_NAMES { ", …" } else { "" };
    let names = names.collect::<Vec<_>>().join(", ");
    let what = format!(
        "{} of its {} columns are not called as a shot's parameters: {names}{more}",
        unknown.len(),
        table.columns.len()
    );
    let path = diags.path(table.place().file).and_then(|path| path.file_name());
    let file = path.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Diagnostic::new(table.place(), what)
        .fix("leave the sheet as it is, and save a manifest such as this one beside it:")
        .sample(manifest_for(&file, table, catalog))
}

/// A manifest that takes a sheet's rows, as far as its headers tell what they are.
fn manifest_for(file: &str, table: &Table, catalog: &Catalog) -> String {
    let mut columns: Vec<(&str, &str)> = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    let mut progress = None;
    for column in &table.columns {
        let name = &*column.name;
        if is_ours(name, catalog) {
            continue;
        }
        let is_free = |meant: &&str| {
            columns.iter().all(|(known, _)| known != meant) && table.column(meant).is_none()
        };
        if let Some(meant) = catalog.meant_by_header(name, &ROW_KEYS).filter(is_free) {
            columns.push((meant, name));
            continue;
        }
        let is_status = name.to_lowercase().contains("status");
        progress = progress.or(is_status.then_some(name));
        others.push(name);
    }
    let has = |name: &str| {
        columns.iter().any(|(known, _)| *known == name) || table.column(name).is_some()
    };
    let id = if has("id") { "" } else { "id: spot\n    " };
    let mut text = format!("shots:\n  - {id}from: {}", quoted_path(file));
    let columns: Vec<String> =
        columns.iter().map(|(ours, header)| format!("{ours}: {}", quoted(header))).collect();
    if !columns.is_empty() {
        let _ = write!(text, "\n    columns: {{{}}}", columns.join(", "));
    }
    if let Some(status) = progress {
        let _ = write!(text, "\n    skip: {{{}: [hold, \"do not*\"]}}", quoted(status));
    }
    let others: Vec<String> =
        others.iter().filter(|name| Some(**name) != progress).map(|name| quoted(name)).collect();
    if !others.is_empty() {
        let _ = write!(text, "\n    ignore: [{}]", others.join(", "));
    }
    if !has("model") {
        let models = catalog.models();
        let _ = write!(text, "\n    model: {}", models.first().copied().unwrap_or_default());
    }
    text
}
