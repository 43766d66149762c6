//! What the columns of an entry's table are for, and what is said of those that are for nothing.

use std::collections::HashSet;

use super::compiled_entry::CompiledEntry;
use super::context::ExpandContext;
use super::keys::{ROW_KEYS, did_you_mean, is_ours};
use super::param_source::Field;
use super::yaml_words::quoted;
use crate::catalog::{Catalog, likely_typo};
use crate::manifest::diagnostics::{Diagnostic, Diagnostics};
use crate::manifest::text::table::{Column, Table};

/// Dots in a column's name: how deep its part of a parameter may be.
const MAX_DOTS: usize = 16;

impl<'t> CompiledEntry<'t> {
    /// Finds out what each column is for.
    pub(super) fn collect_columns(
        &mut self,
        table: &'t Table,
        strict: bool,
        cx: &mut ExpandContext<'t>,
    ) {
        let (catalog, diags) = (cx.catalog, &mut *cx.diags);
        let slips = if strict { self.check_own_columns(table, catalog, diags) } else { Vec::new() };
        if self.nameless && strict {
            return;
        }
        for (at, column) in table.columns.iter().enumerate() {
            if let Some(name) = column.name.strip_prefix("extra.") {
                let is_known = catalog.param(name).is_some_and(|param| !param.also_extra);
                if is_known || name.is_empty() {
                    let what = format!("`{name}` is a parameter that rushes knows");
                    let fix = format!("call the column `{name}`");
                    diags.error(column.name_place(), what, fix);
                }
                self.fields.push(Field { name, column: Some(at), ..Field::default() });
            }
            if let Some(variable) = self.entry.matrix.iter().find(|v| v.name == column.name) {
                let what = format!("`{}` is a name in the matrix and a column too", variable.name);
                let fix = "call one of them something else";
                let diagnostic = Diagnostic::new(variable.place, what).fix(fix);
                diags.add(diagnostic.related(column.place, "the column"));
            }
        }
        self.check_parts(table, diags);
        for param in slips.into_iter().filter_map(|at| catalog.params().get(at)) {
            match self.fields.iter_mut().find(|field| field.name == param.name) {
                Some(field) => field.broken = true,
                None => self.fields.push(Field {
                    param: Some(param),
                    name: &param.name,
                    broken: true,
                    ..Field::default()
                }),
            }
        }
        self.fields.sort_by_key(|field| field.param.is_none().then_some(field.name));
        let mut used: Vec<usize> = Vec::new();
        for field in &self.fields {
            used.extend(field.column);
            used.extend(field.parts.iter().map(|(_, column)| *column));
            if let Some(base) = &field.base {
                used.extend(base.template.uses().iter().filter_map(|name| table.column(name.name)));
            }
        }
        used.sort_by_key(|column| table.columns.get(*column).map(|column| &column.name));
        used.dedup();
        self.used_columns = used;
    }

    /// Columns for parts of a parameter: not too deep, and none of them a part of another.
    fn check_parts(&mut self, table: &Table, diags: &mut Diagnostics) {
        for column in &table.columns {
            if column.name.matches('.').count() > MAX_DOTS {
                let what = format!("a column's name has at most {MAX_DOTS} dots");
                let fix = "write a part of a parameter as `camera_control.type`";
                diags.error(column.place, what, fix);
                self.nameless = true;
            }
        }
        for field in &mut self.fields {
            let own = field.column.and_then(|at| table.columns.get(at));
            if let (Some(column), Some((part, _))) = (own, field.parts.first()) {
                let what = format!("`{0}` has a column and `{0}.{part}` has one too", field.name);
                let fix = "keep one of them";
                diags.error(column.place, what, fix);
                field.broken = true;
            }
        }
        for column in &table.columns {
            let inside = |other: &Column| {
                other.name.strip_prefix(&*column.name).is_some_and(|rest| rest.starts_with('.'))
            };
            let is_part = column.name.contains('.') && !column.name.starts_with("extra.");
            if is_part && let Some(other) = table.columns.iter().find(|other| inside(other)) {
                let what = format!("`{}` is a part of the column `{}`", other.name, column.name);
                let diagnostic = Diagnostic::new(other.place, what).fix("keep one of them");
                diags.add(diagnostic.related(column.place, "the whole"));
            }
        }
    }

    /// Reports unused columns whose name is probably a misspelt parameter. (Of a table that is the
    /// manifest itself, [`super::own_table`] reports all unknown columns.)
    pub(super) fn check_columns(
        &mut self,
        table: &Table,
        used: &HashSet<Box<str>>,
        cx: &mut ExpandContext<'_>,
    ) {
        let params = || cx.catalog.params().iter().map(|param| param.name.as_str());
        for (at, column) in table.columns.iter().enumerate() {
            let head = column.name.split('.').next().unwrap_or(&column.name);
            let is_known = is_ours(&column.name, cx.catalog)
                || used.contains(&*column.name)
                || column.chooses
                || self.entry.matrix.iter().any(|variable| variable.name == column.name);
            if is_known {
                continue;
            }
            match likely_typo(head, ROW_KEYS.into_iter().chain(params())) {
                Some(meant) if column.named_at.is_none() => {
                    let what = format!("nothing uses the column `{}`", column.name);
                    let fix = format!(
                        "did you mean `{meant}`? call it so, or write `columns: {{{meant}: {}}}` \
                         beside `from:`",
                        quoted(&column.name)
                    );
                    cx.diags.error(column.place, what, fix);
                }
                _ if column.named_at.is_some() => {
                    let what = format!("nothing uses `{}`", column.name);
                    let meant = cx.catalog.meant(&column.name, &ROW_KEYS);
                    let fix = meant.map_or_else(
                        || {
                            let name = &column.name;
                            format!("use it in a text, such as {{{{ {name} }}}}, or leave it out")
                        },
                        |meant| did_you_mean(meant, cx.catalog),
                    );
                    cx.diags.error(column.name_place(), what, fix);
                }
                _ => self.unused_columns.push(at),
            }
        }
    }

    /// The `columns` line that takes a column for what its header seems to say: for a table's shots that
    /// lack one of `names`.
    pub(super) fn columns_line(
        &self,
        table: &Table,
        catalog: &Catalog,
        names: &[&str],
    ) -> Option<String> {
        // Headers are compared with every name there is, and a million rows may lack the same.
        let all = self.meant.get_or_init(|| {
            let is_free = |column: &&Column| {
                column.named_at.is_none() && catalog.param(&column.name).is_none()
            };
            let meant = |column: &Column| {
                let meant = catalog.meant_by_header(&column.name, &["id"])?;
                Some((meant.into(), quoted(&column.name)))
            };
            table.columns.iter().filter(is_free).filter_map(meant).collect()
        });
        let (meant, header) = all.iter().find(|(meant, _)| names.contains(&&**meant))?;
        Some(format!("`columns: {{{meant}: {header}}}`"))
    }
}
