//! Which entry a shot comes from and what tells it from its siblings, in words for people and for
//! other programs. Decides nobody's identity; that is for [`super::identity`].

use std::borrow::Cow;
use std::sync::Arc;

use super::recipe::Recipe;
use crate::domain::sanitize::plain;
use crate::manifest::text::table::Row;

/// A longer name or value is cut, in characters: a row may be told by its whole prompt.
const MOST_TEXT: usize = 100;

/// A name and what it is for one shot.
pub(in crate::manifest) type Trait = (Box<str>, Box<str>);

/// What one row's shots, or those of an entry without rows, have in common.
pub(in crate::manifest) struct Origin {
    /// The entry's id.
    pub entry: Arc<str>,
    /// What tells the row from the others.
    pub row: Vec<Trait>,
}

impl Origin {
    /// Of an entry that names no table.
    pub(in crate::manifest) fn of_entry(recipe: &Recipe<'_>) -> Self {
        Self { entry: recipe.origin.clone().unwrap_or_default(), row: Vec::new() }
    }

    /// Of a row whose part of the id is `part`. Without an entry's id above it, a row is an entry
    /// of its own.
    pub(in crate::manifest) fn of_row(
        recipe: &Recipe<'_>,
        row: &Row<'_>,
        part: &str,
        cells: &[(&str, Cow<'_, str>)],
    ) -> Self {
        let Some(entry) = recipe.origin.clone() else {
            return Self { entry: part.into(), row: Vec::new() };
        };
        let row = if recipe.id_has_row {
            let named = row.columns().iter().enumerate();
            let named = named.filter(|(_, column)| recipe.in_id.contains(&*column.name));
            named.filter_map(|(at, column)| Some(told(&column.name, row.cell(at)?))).collect()
        } else if let Some(id) = recipe.columns.id.and_then(|at| row.cell(at)) {
            vec![told("id", id)]
        } else {
            cells.iter().map(|(name, cell)| told(name, cell)).collect()
        };
        Self { entry, row }
    }
}

/// An entry's id as it is written, once for all its shots.
pub(in crate::manifest) fn entry_id(written: &str) -> Arc<str> {
    plain(written, crate::domain::shot::ShotId::MAX_BYTES).into()
}

/// What tells the matrix's combination of that number from the others; the last variable turns
/// fastest. A variable of one value tells nothing.
pub(in crate::manifest) fn combination(recipe: &Recipe<'_>, mut number: usize) -> Vec<Trait> {
    let mut traits = Vec::new();
    for variable in recipe.entry.matrix.iter().rev() {
        let count = variable.values.len().max(1);
        if let Some((_, meant)) = variable.values.get(number % count).filter(|_| count > 1) {
            traits.push(told(&variable.name, meant));
        }
        number /= count;
    }
    traits.reverse();
    traits
}

fn told(name: &str, value: &str) -> Trait {
    (plain(name, MOST_TEXT).into(), plain(value, MOST_TEXT).into())
}
