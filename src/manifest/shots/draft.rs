//! A shot before its request is made and its id is checked.

use std::sync::Arc;

use super::compiled_entry::CompiledEntry;
use super::param_source::ValueOrigin;
use super::provenance::VariantField;
use super::scope::Scope;
use crate::manifest::diagnostics::Diagnostic;
use crate::manifest::source::place::Place;
use crate::manifest::text::table::Row;

/// A shot before its request is made and its id is checked.
pub(crate) struct Draft<'d, 't> {
    pub compiled: &'d CompiledEntry<'t>,
    pub scope: Scope<'d, 't>,
    pub id: &'d str,
    /// The part of the id that is the entry's own id, rendered.
    pub own: &'d str,
    /// The entry it comes from.
    pub entry: &'d Arc<str>,
    /// What tells it from the entry's other shots.
    pub variant: &'d [&'d [VariantField]],
    pub place: Place,
}

impl Draft<'_, '_> {
    /// The filled cell of the column of that name, and its place.
    pub(crate) fn cell(&self, name: &str) -> Option<(&str, Place)> {
        let row = self.scope.row?;
        row.named(name).map(|(cell, column)| (cell, row.place(column)))
    }

    /// Whether a shot is called by the cells of its row.
    pub(crate) fn is_nameless_row(&self) -> bool {
        let has_no_column = |row: &Row<'_>| row.table.column("id").is_none();
        self.scope.row.is_some_and(has_no_column) && !self.compiled.id_has_row
    }
}

/// A mistake in a value, with the places that had a part in it.
pub(super) fn from(draft: &Draft<'_, '_>, origin: &ValueOrigin, what: String) -> Diagnostic {
    let diagnostic = origin.mark_use(Diagnostic::new(origin.place, what).shot(draft.id));
    let entry = draft.compiled.entry;
    match (entry.from, origin.is_near) {
        // A cell of a table: the entry that reads it stands elsewhere.
        (Some(table), true) if origin.place.file != table.place.file => {
            diagnostic.related(table.place, "read here")
        }
        (_, true) => diagnostic,
        (_, false) => diagnostic.related(entry.place, "for this shot"),
    }
}
