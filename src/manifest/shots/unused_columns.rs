//! Columns of tables that nothing uses: one warning for each table.

use std::collections::HashMap;
use std::rc::Rc;

use super::template::Engine;
use super::yaml_words::quoted;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, Topic};
use crate::manifest::source::place::Place;
use crate::manifest::text::table::{Row, Table};

/// How many names of columns the warning tells.
const MAX_NAMES: usize = 8;

/// The columns of each table that no entry uses, by the table's file.
#[derive(Default)]
pub(crate) struct UnusedColumns(HashMap<u16, Vec<(Rc<str>, Place)>>);

/// Those of one entry's reading of a table: cells that are templates may use some of them.
pub(crate) struct MaybeUnused(Vec<usize>);

impl MaybeUnused {
    /// Of an entry whose own texts do not use these columns.
    pub(crate) fn new(columns: &[usize]) -> Self {
        Self(columns.to_vec())
    }

    /// Takes out the columns that a template in one of the row's cells names.
    pub(crate) fn look(&mut self, row: &Row<'_>) {
        if self.0.is_empty() {
            return;
        }
        let columns = &row.table.columns;
        let cells = (0..columns.len()).filter_map(|at| row.cell(at));
        for text in cells.filter(|text| Engine::is_template(text)) {
            self.0.retain(|at| columns.get(*at).is_some_and(|one| !text.contains(&*one.name)));
        }
    }
}

impl UnusedColumns {
    /// Adds what one entry does not use: a column is unused when no entry uses it.
    pub(crate) fn add(&mut self, table: &Table, unused: &MaybeUnused) {
        let of_entry: Vec<_> = (unused.0.iter())
            .filter_map(|at| table.columns.get(*at))
            .map(|column| (Rc::clone(&column.name), column.place))
            .collect();
        self.0
            .entry(table.place().file)
            .and_modify(|known| known.retain(|one| of_entry.contains(one)))
            .or_insert(of_entry);
    }

    /// One warning for each table.
    pub(crate) fn warn(&self, diags: &mut Diagnostics) {
        for (file, columns) in &self.0 {
            let Some((_, place)) = columns.first() else { continue };
            let names = columns.iter().take(MAX_NAMES).map(|(name, _)| format!("`{name}`"));
            let more = columns.len().saturating_sub(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = names.collect::<Vec<_>>().join(", ");
            diags.warn(Topic("unused columns", usize::from(*file)), || {
                let word = if columns.len() == 1 { "column" } else { "columns" };
                let what = format!("nothing uses the {word} {names}{more}");
                let ignored = columns.iter().map(|(name, _)| quoted(name));
                let fix = format!(
                    "a template uses a column by its name, such as {{{{ look }}}}; a parameter takes \
                     one by `columns:`; if they are not meant, write `ignore: [{}]`",
                    ignored.collect::<Vec<_>>().join(", ")
                );
                Diagnostic::new(*place, what).fix(fix)
            });
        }
    }
}
