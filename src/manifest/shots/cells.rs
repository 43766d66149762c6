//! The cells of a row: what spreadsheets leave in them in place of values, and which of them a request
//! is made of.

use std::borrow::Cow;

use super::compiled_entry::CompiledEntry;
use super::identity;
use super::template::Engine;
use crate::catalog::Catalog;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::text::table::Row;

impl CompiledEntry<'_> {
    /// Reports a row that repeats the header, and in its cells what is no value: spreadsheet errors,
    /// control characters. `false` when there is any of it.
    pub(crate) fn check_cells(&self, row: &Row<'_>, diags: &mut Diagnostics) -> bool {
        if repeats_header(row) {
            let what = "this row repeats the header: it is no shot";
            diags.error(row.start(), what, "delete the row");
            return false;
        }
        let before = diags.error_count();
        for at in &self.used_columns {
            let Some(cell) = row.cell(*at) else { continue };
            if let Some((what, fix)) = leftover(cell) {
                diags.error(row.place(*at), what, fix);
            }
            let is_seen = |byte: u8| byte >= b' ' || matches!(byte, b'\n' | b'\r' | b'\t');
            if !cell.bytes().all(is_seen) {
                let what = "in this cell is a character that cannot be seen, and no text";
                let fix = "delete it; retyping the cell does that, too";
                diags.error(row.place(*at), what, fix);
            }
        }
        diags.error_count() == before
    }

    /// What tells a row without an id from the others: the cells that its request uses, each with
    /// its column's name.
    pub(crate) fn cells<'r>(
        &self,
        row: &'r Row<'_>,
        catalog: &Catalog,
        engine: &Engine,
    ) -> Vec<(&'r str, Cow<'r, str>)> {
        let table = row.table;
        let mut used = Cow::from(&self.used_columns);
        // A cell may be a template that uses other cells.
        for at in &self.used_columns {
            let Some(text) = row.cell(*at).filter(|text| Engine::is_template(text)) else {
                continue;
            };
            let Ok(template) = engine.compile(text) else { continue };
            used.to_mut().extend(template.names.iter().filter_map(|name| table.column(name)));
        }
        if let Cow::Owned(used) = &mut used {
            used.sort_by_key(|column| table.columns.get(*column).map(|column| &column.name));
            used.dedup();
        }
        let told = used.iter().filter_map(|at| {
            let name = &*table.columns.get(*at)?.name;
            Some((name, identity::meant(catalog.param(name), row.cell(*at)?)))
        });
        told.collect()
    }
}

/// Whether every filled cell is its column's name.
fn repeats_header(row: &Row<'_>) -> bool {
    let columns = &row.table.columns;
    let filled = || (0..columns.len()).filter_map(|at| Some((row.cell(at)?, &*columns[at].name)));
    filled().next().is_some_and(|(cell, name)| cell == name)
        && filled().all(|(cell, name)| cell == name)
        && (filled().count() > 1 || columns.len() == 1)
}

/// What a spreadsheet or an export wrote in place of a value, and the way out.
fn leftover(cell: &str) -> Option<(String, &'static str)> {
    if cell.starts_with('#') && is_formula_error(cell)
        || (cell.starts_with("Err:") && cell.len() == 7)
    {
        let what = format!("{cell} is a formula's error, not a value");
        return Some((what, "mend the formula in the spreadsheet, or empty the cell"));
    }
    if cell.len() > 2 && cell.bytes().all(|byte| byte == b'#') {
        let what = format!("{cell} is what a spreadsheet shows when a column is too narrow");
        return Some((what, "make the column wider, and export again"));
    }
    if (cell.ends_with("...") || cell.ends_with('…')) && is_loading(cell) {
        let what = format!("{cell:?} is what a spreadsheet shows before it has the value");
        return Some((what, "wait until the sheet is filled in, and export it again"));
    }
    let escaped = cell.contains('_').then(|| escape(cell)).flatten()?;
    let what = format!("`{escaped}` is a character that an export could not write");
    Some((what, "delete it; it mostly stands for a line end"))
}

/// `#REF!`, `#BEZUG!`, `#¡VALOR!`, `#NAME?`: capitals that end with `!` or `?`, in any language; and
/// those that end otherwise.
fn is_formula_error(cell: &str) -> bool {
    const MAX: usize = 40;
    const OTHERS: [&str; 9] =
        ["#N/A", "#NV", "#N/D", "#N/B", "#I/T", "#YOK", "#Н/Д", "#HIÁNYZIK", "#NENÍ_K_DISPOZICI"];
    let is_capital = |c: char| {
        (c.is_alphabetic() && !c.is_lowercase()) || matches!(c, '0'..='9' | '/' | '_' | '¡' | '¿')
    };
    let words = cell.strip_prefix('#').and_then(|rest| rest.strip_suffix(['!', '?']));
    let is_error = words
        .is_some_and(|words| words.chars().count() > 1 && words.chars().all(is_capital))
        && cell.len() <= MAX;
    is_error || OTHERS.contains(&cell)
}

/// What Google Sheets shows while it loads.
fn is_loading(cell: &str) -> bool {
    const WORDS: [&str; 8] = [
        "loading",
        "wird geladen",
        "laden",
        "chargement",
        "cargando",
        "caricamento",
        "carregando",
        "読み込んでいます",
    ];
    let text = cell.trim_end_matches(['.', '…', ' ']).to_lowercase();
    WORDS.contains(&text.trim_end_matches(" en cours"))
}

/// `_x000D_` and its like: how workbooks write control characters; an export may lose the `x`, or the
/// underscore after a code that has one.
fn escape(cell: &str) -> Option<&str> {
    cell.match_indices('_').find_map(|(at, _)| {
        let digits = if cell.get(at + 1..)?.starts_with('x') { at + 2 } else { at + 1 };
        let code = cell.get(digits..digits + 4)?;
        let is_code = code.starts_with("00") && u8::from_str_radix(&code[2..], 16).ok()? < 0x20;
        let end = digits + 4;
        let is_closed = cell.get(end..).is_some_and(|rest| rest.starts_with('_'));
        let is_escape = is_code && (is_closed || digits == at + 2);
        is_escape.then(|| cell.get(at..end + usize::from(is_closed))).flatten()
    })
}
