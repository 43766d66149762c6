//! Which rows of a table count: by what the cells of some columns hold.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::catalog::likely_typo;
use crate::manifest::campaign::ChosenRows;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::source::place::Place;
use crate::manifest::text::headers::fold;
use crate::manifest::text::table::Row;
use crate::manifest::text::tree::Node;

/// How many different cells of a column are remembered, for messages.
const MAX_SEEN: usize = 50;
/// How many of them a message names.
const MAX_TOLD: usize = 8;

/// Chooses rows, and counts them.
pub(crate) struct RowFilter<'s> {
    /// All of these must hold.
    wanted: Vec<Test<'s>>,
    /// None of these may.
    skipped: Vec<Test<'s>>,
    /// How many rows there were, and how many of them count.
    rows: usize,
    taken: usize,
}

/// What a column's cells may hold.
pub(crate) struct Test<'s> {
    /// The column's index in the file.
    pub index: usize,
    column: &'s Rc<str>,
    place: Place,
    values: Vec<Wanted<'s>>,
    /// What its cells held, in lower case with the first spelling, and how often.
    seen: BTreeMap<String, (String, usize)>,
}

/// What a cell may hold: a text in any case and spacing, in which `*` stands for anything; an empty
/// one for an empty cell.
pub(crate) struct Wanted<'s> {
    node: &'s Node,
    folded: String,
    /// How many cells held it.
    hits: usize,
}

impl<'s> Wanted<'s> {
    /// What a scalar wants.
    pub(crate) fn of(node: &'s Node) -> Self {
        Self { node, folded: fold(node.text().map_or("", |text| text)), hits: 0 }
    }

    /// Whether a text is what is wanted; it is [folded](fold).
    pub(crate) fn fits(&self, text: &str) -> bool {
        // A row of stars is a rating.
        let is_literal = self.folded.len() > 1 && self.folded.bytes().all(|byte| byte == b'*');
        match self.folded.split_once('*') {
            Some(_) if is_literal => text == self.folded,
            Some((head, rest)) => {
                text.strip_prefix(head).is_some_and(|text| fits_rest(text, rest))
                    && !(text.is_empty() && self.folded == "*")
            }
            None => text == self.folded,
        }
    }
}

/// Whether a text ends as `pattern` says, which stands behind a `*`.
fn fits_rest(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text.ends_with(pattern),
        Some((part, rest)) => text
            .find(part)
            .and_then(|at| text.get(at + part.len()..))
            .is_some_and(|text| fits_rest(text, rest)),
    }
}

impl<'s> Test<'s> {
    /// A test of the column at that index of the file, which is called so at that place.
    pub(crate) fn new(
        index: usize,
        column: &'s Rc<str>,
        place: Place,
        values: Vec<Wanted<'s>>,
    ) -> Self {
        Self { index, column, place, values, seen: BTreeMap::new() }
    }

    fn holds(&mut self, row: &Row<'_>) -> bool {
        let cell = row.raw_cell(self.index).unwrap_or_default();
        let folded = fold(cell);
        let fitting = self.values.iter_mut().filter(|wanted| wanted.fits(&folded));
        let holds = fitting.map(|wanted| wanted.hits += 1).count() > 0;
        if let Some((_, count)) = self.seen.get_mut(&folded) {
            *count += 1;
        } else if self.seen.len() < MAX_SEEN {
            self.seen.insert(folded, (cell.trim().chars().take(40).collect(), 1));
        }
        holds
    }

    /// What its cells hold, the commonest first.
    fn told(&self) -> String {
        let mut all: Vec<&(String, usize)> = self.seen.values().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let more = if all.len() > MAX_TOLD { ", …" } else { "" };
        let cell = |(text, count): &&(String, usize)| match text.as_str() {
            "" => format!("nothing ({count})"),
            text => format!("`{text}` ({count})"),
        };
        let told: Vec<String> = all.iter().take(MAX_TOLD).map(cell).collect();
        format!("`{}` holds {}{more}", self.column, told.join(", "))
    }

    /// Tells what no row holds: a slip would take or skip other rows than it says. `is_skip`: rows that
    /// were to be left out would be bought.
    fn check(&self, is_skip: bool, diags: &mut Diagnostics) {
        for wanted in self.values.iter().filter(|wanted| wanted.hits == 0) {
            let said = wanted.node.text().map_or_else(|| "empty".to_owned(), |t| format!("`{t}`"));
            let what = format!("in no row `{}` is {said}", self.column);
            let cells = self.seen.values().map(|(text, _)| text.as_str());
            let near = likely_typo(&wanted.folded, cells.filter(|cell| !cell.is_empty()));
            let near = near.filter(|_| !wanted.folded.is_empty());
            let diagnostic = Diagnostic::new(wanted.node.place, what);
            diags.add(match near {
                Some(near) if is_skip => {
                    diagnostic.fix(format!("did you mean `{near}`? if not, take it out"))
                }
                _ => diagnostic.fix(self.told()).warning(),
            });
        }
    }
}

impl<'s> RowFilter<'s> {
    /// Takes the rows for which all of `wanted` hold and none of `skipped`.
    pub(crate) fn new(wanted: Vec<Test<'s>>, skipped: Vec<Test<'s>>) -> Self {
        Self { wanted, skipped, rows: 0, taken: 0 }
    }

    /// All its tests.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Test<'s>> {
        self.wanted.iter().chain(&self.skipped)
    }

    /// Whether a row counts.
    pub(crate) fn takes(&mut self, row: &Row<'_>) -> bool {
        self.rows += 1;
        // All are asked, so that each knows its column's cells.
        let held = |tests: &mut [Test<'_>]| {
            let holds = tests.iter_mut().map(|test| test.holds(row));
            holds.filter(|holds| *holds).count()
        };
        let (wanted, skipped) = (held(&mut self.wanted), held(&mut self.skipped));
        let counts = wanted == self.wanted.len() && skipped == 0;
        self.taken += usize::from(counts);
        counts
    }

    /// What it left of the table of that name; `None`: it chooses nothing.
    pub(crate) fn left_of(&self, table: &str) -> Option<ChosenRows> {
        let (rows, taken) = (self.rows, self.taken);
        self.tests().next().map(|_| ChosenRows { table: table.to_owned(), rows, taken })
    }

    /// Tells what is odd about it once all rows were seen.
    pub(crate) fn check(&self, diags: &mut Diagnostics) {
        if self.rows == 0 {
            return;
        }
        let first = self.tests().next();
        if let Some(test) = first.filter(|_| self.taken == 0) {
            let what = format!(
                "none of the table's {} rows is left, so there would be no shots",
                self.rows
            );
            diags.error(test.place, what, test.told());
            return;
        }
        self.wanted.iter().for_each(|test| test.check(false, diags));
        self.skipped.iter().for_each(|test| test.check(true, diags));
    }
}
