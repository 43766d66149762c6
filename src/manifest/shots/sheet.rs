//! What an entry says of its table: what our names are called there (`columns`), which rows count
//! (`where`, `skip`) and which columns are not ours (`ignore`).

use std::rc::Rc;

use super::keys::is_ours;
use super::row_filter::{RowFilter, Test, Wanted};
use crate::catalog::Catalog;
use crate::manifest::diagnostics::{Diagnostic, Diagnostics, did_you_mean};
use crate::manifest::scalars::{check_name, group, text};
use crate::manifest::source::place::Place;
use crate::manifest::text::headers::{by_letters, fold};
use crate::manifest::text::table::Table;
use crate::manifest::text::tree::{Node, Pair, Value};

/// The keys that speak of a table.
pub(crate) const SHEET_KEYS: [&str; 4] = ["columns", "where", "skip", "ignore"];

/// What an entry says of its table.
#[derive(Default)]
pub(crate) struct Sheet<'t> {
    /// Our names, and the headers that stand for them.
    pub columns: Vec<(&'t Pair, &'t Node)>,
    /// All of these must hold for a row to count.
    wanted: Vec<Condition<'t>>,
    /// None of these may.
    skipped: Vec<Condition<'t>>,
    /// Headers of columns that are left out; `*` stands for anything.
    ignored: Vec<&'t Node>,
    /// Whether something in it is wrong, which was reported.
    is_broken: bool,
    /// The first of its keys, and where it stands.
    pub first: Option<(Rc<str>, Place)>,
}

/// A column, and what its cells may hold.
struct Condition<'t> {
    column: &'t Pair,
    values: Vec<&'t Node>,
}

impl<'t> Sheet<'t> {
    /// Reads one of its keys.
    pub(crate) fn take(&mut self, pair: &'t Pair, diags: &mut Diagnostics) {
        let Pair { key, key_place, value } = pair;
        self.first.get_or_insert_with(|| (Rc::clone(key), *key_place));
        let before = diags.error_count();
        match &**key {
            "columns" => self.columns = columns(value, diags),
            "where" => self.wanted = conditions(value, key, diags),
            "skip" => self.skipped = conditions(value, key, diags),
            _ => self.ignored = texts(value, key, diags),
        }
        self.is_broken |= diags.error_count() > before;
    }

    /// Whether it gives one of our names to a column.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.columns.iter().any(|(pair, _)| &*pair.key == name)
    }

    /// Names the table's columns, takes out those that are not ours, and makes the filter of its rows;
    /// `None` when that cannot be done, which was reported.
    pub(crate) fn apply<'s>(
        &'s self,
        table: &mut Table,
        catalog: &Catalog,
        diags: &mut Diagnostics,
    ) -> Option<RowFilter<'s>> {
        let before = diags.error_count();
        let mut tests = |conditions: &'s [Condition<'t>]| {
            let found = conditions.iter().filter_map(|condition| {
                let Condition { column: Pair { key, key_place, .. }, values } = condition;
                let mapped = self.columns.iter().find(|(pair, _)| pair.key == *key);
                let (header, place) = match mapped {
                    Some((_, node)) if table.find(key).is_empty() => (node.text()?, node.place),
                    _ => (key, *key_place),
                };
                let index = find(header, place, table, diags)?;
                let wanted = values.iter().map(|node| Wanted::of(node)).collect();
                Some(Test::new(index, key, *key_place, wanted))
            });
            found.collect::<Vec<_>>()
        };
        let filter = RowFilter::new(tests(&self.wanted), tests(&self.skipped));
        let named: Vec<(usize, &Pair)> = (self.columns.iter())
            .filter_map(|(pair, node)| {
                check_our_name(pair, catalog, diags);
                Some((find(node.text()?, node.place, table, diags)?, *pair))
            })
            .collect();
        self.leave_out(table, &named, diags);
        for (index, pair) in &named {
            if let Some(other) = named.iter().find(|(i, p)| i == index && p.key != pair.key)
                && other.1.key_place > pair.key_place
            {
                let what = format!("`{}` and `{}` are the same column", pair.key, other.1.key);
                diags.error(other.1.key_place, what, "keep one of them");
            }
            table.rename(*index, &pair.key, pair.key_place);
        }
        let is_right = !self.is_broken && diags.error_count() == before;
        if !is_right {
            return None;
        }
        table.settle(diags);
        filter.tests().for_each(|test| table.chooses_by(test.index));
        Some(filter)
    }

    /// Takes out the columns that are not ours.
    fn leave_out(&self, table: &mut Table, named: &[(usize, &Pair)], diags: &mut Diagnostics) {
        for node in &self.ignored {
            let Some(written) = node.text() else { continue };
            let wanted = Wanted::of(node);
            let fits = |header: &str| wanted.fits(&fold(header));
            let taken = table.leave_out(|index, header| {
                fits(header) && named.iter().all(|(named, _)| *named != index)
            });
            let is_named = || named.iter().any(|(index, _)| fits(table.header(*index)));
            if !taken && is_named() {
                let what = format!("`{written}` is ignored here, and `columns` gives it a name");
                diags.error(node.place, what, "keep one of them");
            } else if !taken {
                let what = format!("the table has no column `{written}` to ignore");
                let fix = did_you_mean(written, table.headers()).unwrap_or_else(|| headers(table));
                diags.add(Diagnostic::new(node.place, what).fix(fix).warning());
            }
        }
    }
}

/// The number of the column that a header names, in any case and spacing.
fn find(header: &str, place: Place, table: &Table, diags: &mut Diagnostics) -> Option<usize> {
    match table.find(header)[..] {
        [found] => Some(found),
        [] => {
            let what = format!("the table has no column `{header}`");
            let fix = did_you_mean(header, table.headers()).unwrap_or_else(|| headers(table));
            diags.error(place, what, fix);
            None
        }
        [first, second, ..] => {
            let what = format!("the table has two columns `{header}`");
            let fix = format!("write \"{}\" or \"{}\"", by_letters(first), by_letters(second));
            diags.error(place, what, fix);
            None
        }
    }
}

/// All headers, for people.
fn headers(table: &Table) -> String {
    const MAX: usize = 20;
    let more = if table.headers().count() > MAX { ", …" } else { "" };
    let shown: Vec<String> =
        table.headers().take(MAX).map(|header| format!("`{header}`")).collect();
    format!("its columns are {}{more}", shown.join(", "))
}

/// Reports a name that nothing of a shot and no template can be called by.
fn check_our_name(pair: &Pair, catalog: &Catalog, diags: &mut Diagnostics) {
    if !is_ours(&pair.key, catalog) {
        check_name(&pair.key, pair.key_place, diags);
    }
}

/// `columns`: our names, each with a header.
fn columns<'t>(node: &'t Node, diags: &mut Diagnostics) -> Vec<(&'t Pair, &'t Node)> {
    let such = "`columns` is our names and the headers that stand for them";
    let pairs = group(node, such, "columns: {prompt: \"Prompt (EN)\"}", diags);
    let named = pairs.unwrap_or_default().iter();
    named
        .filter_map(|pair| text(&pair.value, &pair.key, diags).map(|_| (pair, &pair.value)))
        .collect()
}

/// `where` or `skip`: headers, each with what its cells may hold.
fn conditions<'t>(node: &'t Node, key: &str, diags: &mut Diagnostics) -> Vec<Condition<'t>> {
    if node.pairs().is_none() {
        let what =
            format!("`{key}` chooses rows of a table by a column, but this is {}", node.kind());
        let fix = format!(
            "write for example `{key}: {{Status: [hold, \"do not*\"]}}`; to leave a shot out, put \
             `# ` before its lines"
        );
        diags.error(node.place, what, fix);
        return Vec::new();
    }
    let pairs = node.pairs().unwrap_or_default().iter();
    let one = |column: &'t Pair| {
        let nodes = match &column.value.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![&column.value],
        };
        let is_scalar = |node: &&Node| {
            node.is_null() || matches!(node.value, Value::Text(..)) || {
                let what = format!("a cell cannot hold {}", node.kind());
                let fix = format!("write for example `{key}: {{Status: [hold, \"do not*\"]}}`");
                diags.error(node.place, what, fix);
                false
            }
        };
        let values = nodes.into_iter().filter(is_scalar).collect();
        Condition { column, values }
    };
    pairs.map(one).collect()
}

/// One text, or a list of them.
fn texts<'t>(node: &'t Node, key: &str, diags: &mut Diagnostics) -> Vec<&'t Node> {
    match &node.value {
        Value::List(items) => {
            items.iter().filter(|item| text(item, key, diags).is_some()).collect()
        }
        _ => text(node, key, diags).map(|_| vec![node]).unwrap_or_default(),
    }
}
