//! What an entry's shots share, worked out once: where each parameter comes from, which columns and
//! names are used, and what of it tells siblings apart.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::context::ExpandContext;
use super::entry::Entry;
use super::param_source::{Field, compile_base};
use super::scope::undefined;
use super::text_template::{TextTemplate, Used};
use crate::catalog::{Catalog, likely_typo};
use crate::domain::sanitize::plain;
use crate::domain::shot::ShotId;
use crate::manifest::diagnostics::{Diagnostic, did_you_mean};
use crate::manifest::text::table::Table;
use crate::manifest::text::tree::Node;

/// Columns of a table that is the manifest itself, and that no shot can have.
#[derive(Default)]
pub(crate) struct Strangers {
    /// They are for people.
    pub ignored: Vec<usize>,
    /// Some mean nothing, which was reported: what a shot lacks may stand in them.
    pub has_unknown: bool,
}

/// An entry with everything worked out that its shots share.
pub(crate) struct CompiledEntry<'t> {
    pub entry: &'t Entry<'t>,
    pub fields: Vec<Field<'t>>,
    pub id: Option<TextTemplate<'t>>,
    pub clip_name: Option<TextTemplate<'t>>,
    pub takes: Option<TextTemplate<'t>>,
    pub tags: Vec<TextTemplate<'t>>,
    /// Columns that the request uses, by name: they make a row's identity.
    pub used_columns: Vec<usize>,
    /// Columns that nothing of the entry uses.
    pub unused_columns: Vec<usize>,
    /// The columns that no shot can have, if the table is the manifest itself.
    pub strangers: Strangers,
    /// Whether the entry's own id tells rows, each matrix variable, takes apart.
    pub id_has_row: bool,
    pub id_has: Vec<bool>,
    pub id_has_take: bool,
    /// The names that the entry's own id uses.
    pub in_id: HashSet<Box<str>>,
    /// The entry's own id as it is written.
    pub origin: Option<Arc<str>>,
    /// Its id, clip name or tags are mistaken: there is nothing to call its shots.
    pub nameless: bool,
    /// What the headers of free columns seem to say, and those as in YAML; worked out when first asked for.
    pub meant: OnceCell<Vec<(Box<str>, String)>>,
}

impl<'t> CompiledEntry<'t> {
    /// Works out what the entry's shots share. `strict`: the table is the manifest itself, and a
    /// column that means nothing is a mistake.
    pub(crate) fn new(
        entry: &'t Entry<'t>,
        table: Option<&'t Table>,
        strict: bool,
        cx: &mut ExpandContext<'t>,
    ) -> Self {
        let (engine, catalog) = (cx.engine, cx.catalog);
        let mut nameless = false;
        let mut compile = |node: &'t Node| {
            let text = TextTemplate::of(node, engine, cx.diags);
            nameless |= text.is_none();
            text
        };
        let mut compiled = Self {
            entry,
            fields: Vec::new(),
            id: entry.id.and_then(&mut compile),
            clip_name: entry.clip_name.and_then(&mut compile),
            takes: entry.takes_text.and_then(&mut compile),
            tags: entry.tags.iter().copied().filter_map(&mut compile).collect(),
            used_columns: Vec::new(),
            unused_columns: Vec::new(),
            strangers: Strangers::default(),
            id_has_row: false,
            id_has: Vec::new(),
            id_has_take: false,
            in_id: HashSet::new(),
            origin: entry.id.and_then(Node::text).map(|id| plain(id, ShotId::MAX_BYTES).into()),
            nameless,
            meant: OnceCell::new(),
        };
        compiled.collect_fields(catalog, table, cx);
        if let Some(table) = table {
            compiled.collect_columns(table, strict, cx);
        }
        compiled.check_names(table, strict, cx);
        compiled
    }

    fn collect_fields(
        &mut self,
        catalog: &'t Catalog,
        table: Option<&'t Table>,
        cx: &mut ExpandContext<'t>,
    ) {
        let entry = self.entry;
        for (at, param) in catalog.params().iter().enumerate() {
            let own = entry.params.iter().find(|(param, _)| *param == at).map(|(_, node)| *node);
            let value = match own {
                Some(node) => compile_base(node, Some(param), false, cx.engine, cx.diags),
                None => cx.defaults.value(at),
            };
            let is_misspelt = entry.misspelt.contains(&at) || cx.defaults.is_misspelt(at);
            let mut field = Field {
                param: Some(param),
                name: &param.name,
                broken: value.is_err() || is_misspelt,
                base: value.ok().flatten(),
                variable: entry.matrix.iter().position(|v| *v.name == *param.name),
                column: table.and_then(|table| table.column(&param.name)),
                parts: table.map(|table| parts(table, &param.name)).unwrap_or_default(),
            };
            let own_name = |used: &Used<'_>| used.name == param.name;
            if field.base.as_ref().is_some_and(|base| base.template.uses().iter().any(own_name)) {
                field.variable = None;
                field.column = None;
            }
            let own = own.filter(|node| !node.is_null());
            if let (Some(own), Some(variable)) =
                (own, field.variable.and_then(|at| entry.matrix.get(at)))
            {
                let what = format!("`{}` is set here and by the matrix", param.name);
                let fix = "keep one of them";
                let diagnostic = Diagnostic::new(own.place, what).fix(fix);
                cx.diags.add(diagnostic.related(variable.place, "the matrix sets it here"));
            }
            if let (Some(own), Some(column)) = (own, field.column)
                && field.base.as_ref().is_some_and(|base| !base.template.is_fixed())
                && let Some(column) = table.and_then(|table| table.columns.get(column))
            {
                let what = format!("`{}` is set here and by the table's column", param.name);
                let fix = format!(
                    "filled cells win; to use them in this text, write {{{{ {} }}}}",
                    param.name
                );
                let diagnostic = Diagnostic::new(own.place, what).fix(fix).warning();
                cx.diags.add(diagnostic.related(column.place, "the column"));
            }
            let any = field.base.is_some() || field.variable.is_some() || field.column.is_some();
            if any || field.broken || !field.parts.is_empty() {
                self.fields.push(field);
            }
        }
        for pair in &entry.extra {
            let value = compile_base(&pair.value, None, false, cx.engine, cx.diags);
            self.fields.push(Field {
                broken: value.is_err(),
                base: value.ok().flatten(),
                name: &pair.key,
                ..Field::default()
            });
        }
    }

    /// Every name that a template uses must be there.
    fn check_names(&mut self, table: Option<&Table>, strict: bool, cx: &mut ExpandContext<'_>) {
        let entry = self.entry;
        let columns = || table.iter().flat_map(|table| &table.columns).map(|column| &*column.name);
        let vars = || cx.defaults.vars().iter().map(|(name, _)| &**name);
        let variables = || entry.matrix.iter().map(|variable| &*variable.name);
        let known = || variables().chain(columns()).chain(vars()).chain(["take"]);
        let diags = &mut *cx.diags;
        let mut used: HashSet<Box<str>> = HashSet::new();
        let mut check = |use_of: &Used<'_>, more: &[&'static str]| {
            let Used { name, place, optional } = *use_of;
            used.insert(name.into());
            let all = || known().chain(more.iter().copied());
            // An optional name may also be misspelt.
            let fine = all().any(|known| known == name)
                || (optional && likely_typo(name, all()).is_none());
            if !fine {
                diags.add(undefined(name, place, all()));
            }
            fine
        };
        for field in &mut self.fields {
            for name in field.base.iter().flat_map(|base| base.template.uses()) {
                field.broken |= !check(&name, &[]);
            }
        }
        let mut in_id: HashSet<Box<str>> = HashSet::new();
        for name in self.id.iter().flat_map(TextTemplate::uses) {
            self.nameless |= !check(&name, &[]);
            in_id.insert(name.name.into());
        }
        for name in self.takes.iter().flat_map(TextTemplate::uses) {
            self.nameless |= !check(&name, &[]);
        }
        for name in self.clip_name.iter().flat_map(TextTemplate::uses) {
            self.nameless |= !check(&name, &["id", "tags"]);
        }
        for name in self.tags.iter().flat_map(TextTemplate::uses) {
            self.nameless |= !check(&name, &["id"]);
        }
        self.id_has_take = in_id.contains("take");
        self.id_has_row = columns().any(|column| in_id.contains(column));
        self.id_has = variables().map(|name| in_id.contains(name)).collect();
        self.in_id = in_id;
        match table {
            None => self.check_matrix(&used, cx),
            Some(table) if !strict => self.check_columns(table, &used, cx),
            Some(_) => {}
        }
    }

    /// A variable that nothing uses makes shots that are all the same.
    fn check_matrix(&self, used: &HashSet<Box<str>>, cx: &mut ExpandContext<'_>) {
        let catalog = cx.catalog;
        let params = || catalog.params().iter().map(|param| param.name.as_str());
        for variable in &self.entry.matrix {
            if catalog.param(&variable.name).is_some() || used.contains(&*variable.name) {
                continue;
            }
            if let Some(fix) = did_you_mean(&variable.name, params()) {
                let what =
                    format!("a shot has no parameter `{}`, and nothing uses it", variable.name);
                cx.diags.error(variable.place, what, fix);
                continue;
            }
            let what = format!("nothing uses `{}`, so its shots are all the same", variable.name);
            let fix = format!(
                "use it, such as `prompt: \"... {{{{ {} }}}} ...\"`, or write `takes:` for more of \
                 the same",
                variable.name
            );
            cx.diags.add(Diagnostic::new(variable.place, what).fix(fix).warning());
        }
    }
}

/// Columns for parts of a parameter.
fn parts<'t>(table: &'t Table, name: &str) -> Vec<(&'t str, usize)> {
    let below = |column: &'t str| column.strip_prefix(name)?.strip_prefix('.');
    let columns = table.columns.iter().enumerate();
    columns.filter_map(|(at, column)| Some((below(&column.name)?, at))).collect()
}
