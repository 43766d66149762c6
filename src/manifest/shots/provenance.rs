//! Which entry a shot comes from and what tells it from the entry's other shots, for reports. Ids are
//! made by [`super::identity`].

use std::borrow::Cow;
use std::sync::Arc;

use super::compiled_entry::CompiledEntry;
use crate::domain::sanitize::plain;
use crate::manifest::text::table::Row;

/// A longer name or value is cut, in characters: a whole prompt may be what distinguishes a row.
const MAX_TEXT: usize = 100;

/// A name and what it is for one shot.
pub(crate) type VariantField = (Box<str>, Box<str>);

/// What one row's shots, or those of an entry without rows, have in common.
pub(crate) struct Provenance {
    /// The entry's id.
    pub entry: Arc<str>,
    /// What tells the row from the others.
    pub row: Vec<VariantField>,
}

impl Provenance {
    /// Of a row whose part of the id is `part`. Without an entry's id above it, a row is an entry
    /// of its own.
    pub(crate) fn of_row(
        compiled: &CompiledEntry<'_>,
        row: &Row<'_>,
        part: &str,
        cells: &[(&str, Cow<'_, str>)],
    ) -> Self {
        let Some(entry) = compiled.origin.clone() else {
            return Self { entry: part.into(), row: Vec::new() };
        };
        let row = if compiled.id_has_row {
            let named = row.table.columns.iter().enumerate();
            let named = named.filter(|(_, column)| compiled.in_id.contains(&*column.name));
            named
                .filter_map(|(at, column)| Some(variant_field(&column.name, row.cell(at)?)))
                .collect()
        } else if let Some((id, _)) = row.named("id") {
            vec![variant_field("id", id)]
        } else {
            cells.iter().map(|(name, cell)| variant_field(name, cell)).collect()
        };
        Self { entry, row }
    }
}

/// What tells a shot apart, cut where it is long.
pub(crate) fn variant_field(name: &str, value: &str) -> VariantField {
    (plain(name, MAX_TEXT).into(), plain(value, MAX_TEXT).into())
}
