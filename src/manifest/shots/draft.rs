//! A shot before its request is made and its id is checked.

use std::sync::Arc;

use super::compiled_entry::CompiledEntry;
use super::provenance::VariantField;
use super::scope::Scope;
use crate::manifest::source::place::Place;

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
        self.scope.row?.named(name)
    }
}
