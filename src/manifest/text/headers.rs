//! The columns of a table as a manifest speaks of them: found by their headers, called otherwise, left
//! out.

use std::collections::HashMap;
use std::rc::Rc;

use super::table::{Column, Table, number};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, letters};
use crate::manifest::source::place::Place;

impl Table {
    /// Reports columns of one name, and keeps the first of them.
    pub(crate) fn settle(&mut self, diags: &mut Diagnostics) {
        let mut known: HashMap<Rc<str>, Place> = HashMap::new();
        self.columns.retain(|column| {
            let Some(first) = known.get(&column.name) else {
                known.insert(Rc::clone(&column.name), column.place);
                return true;
            };
            let what = format!("there are two columns `{}`", column.name);
            let diagnostic = Diagnostic::new(column.place, what);
            let diagnostic = diagnostic.fix("rename or remove one of them");
            diags.add(diagnostic.related(*first, "the first is here"));
            false
        });
    }

    /// The columns that a header names, by their index in the file: `Prompt (EN)` in any case and
    /// spacing, or `column D`.
    pub(crate) fn find(&self, header: &str) -> Vec<usize> {
        let folded = fold(header);
        let all = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let fitting = self.headers.iter().enumerate().filter(|(_, header)| fits(header));
            fitting.map(|(index, _)| index).collect()
        };
        let same = all(&|other| other == header.trim());
        let found = if same.is_empty() { all(&|other| fold(other) == folded) } else { same };
        let letter = header.trim().strip_prefix("column ").unwrap_or_default();
        let by_letter =
            || (0..self.headers.len()).filter(|index| letters(number(*index)) == letter);
        if found.is_empty() { by_letter().collect() } else { found }
    }

    /// What stands above a column of the file.
    pub(crate) fn header(&self, index: usize) -> &str {
        self.headers.get(index).map_or("", |header| header)
    }

    /// What stands above a column.
    pub(crate) fn header_of(&self, column: &Column) -> &str {
        self.header(column.index)
    }

    /// What stands above all columns.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|header| &**header)
    }

    /// Calls a column of the file otherwise; the manifest says so at a place.
    pub(crate) fn rename(&mut self, index: usize, name: &Rc<str>, at: Place) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.index == index) {
            (column.name, column.named_at) = (Rc::clone(name), Some(at));
            return;
        }
        // It has no header.
        self.unnamed.retain(|unnamed| *unnamed != index);
        let place = Place { cell: number(index), ..self.place() };
        let (name, named_at) = (Rc::clone(name), Some(at));
        self.columns.push(Column { name, place, named_at, chooses: false, index });
        self.columns.sort_by_key(|column| column.index);
    }

    /// Leaves columns out that `fits` by index and header; whether there is one.
    pub(crate) fn leave_out(&mut self, fits: impl Fn(usize, &str) -> bool) -> bool {
        let out: Vec<usize> = (self.headers.iter().enumerate())
            .filter(|(index, header)| fits(*index, header))
            .map(|(index, _)| index)
            .collect();
        self.columns.retain(|column| !out.contains(&column.index));
        self.unnamed.retain(|index| !out.contains(index));
        !out.is_empty()
    }

    /// Rows are chosen by a column of the file.
    pub(crate) fn chooses_by(&mut self, index: usize) {
        for column in self.columns.iter_mut().filter(|column| column.index == index) {
            column.chooses = true;
        }
    }
}

/// A column of the file by its letters: `column D`.
pub(crate) fn by_letters(index: usize) -> String {
    format!("column {}", letters(number(index)))
}

/// A text in lower case with single spaces.
pub(crate) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
