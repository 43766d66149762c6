//! A shot's request: its values, the catalog's checks, its price and its fingerprint. Every mistake
//! points at the value that causes it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use serde_json::Value as Json;
use thin_vec::ThinVec;

use super::context::ExpandContext;
use super::draft::{Draft, from};
use super::param_source::Field;
use super::pictures;
use super::scope::{Reading, Scope, Seen};
use super::yaml_words::quoted;
use crate::catalog::{
    Catalog, FileHashes, FingerprintRule, Note, NoteKind, Params, Problem, in_words, lowest_ratio,
};
use crate::domain::money::Usd;
use crate::domain::shot::{Fingerprint, Request};
use crate::manifest::diagnostics::{Diagnostic, Topic};
use crate::manifest::text::table::Row;

/// Every request gets an address of its own when the manifest has `callback`.
const CALLBACK_URL: &str = "callback_url";
/// The parameters that prices depend on, for telling people which combination has none.
const PRICED: [&str; 5] = ["model", "mode", "duration", "sound", "voice_list"];

/// What a request came to.
pub(crate) struct BuiltRequest {
    pub request: Request,
    pub fingerprint: Fingerprint,
    /// By earlier rules, where they say something else.
    pub former: ThinVec<Fingerprint>,
    pub model: Arc<str>,
    pub price: Option<Usd>,
}

/// Makes the request of a draft; `None` when something is wrong with it, which was reported.
pub(crate) fn build(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>) -> Option<BuiltRequest> {
    let seen = Cell::new(Seen::default());
    let scope = Scope { reading: Reading::Wire, seen: Some(&seen), ..draft.scope };
    let (mut params, extra) = match values(draft, &scope) {
        Ok(values) => values,
        Err(diagnostic) => {
            cx.diags.add(diagnostic.shot(draft.id));
            // The catalog would only say that it is missing.
            return None;
        }
    };
    own_callback(cx, draft, &params);
    let ratios = lowest_ratios(draft, &mut params);
    let (files, unseen, as_bought) = pictures::look(cx, draft, &mut params, &extra);
    let problems = check(cx, draft, &with_known(cx.catalog, &params, &extra), &unseen);
    let is_whole = !draft.compiled.fields.iter().any(|field| field.broken);
    if !is_whole || !unseen.is_empty() || problems > 0 {
        return None;
    }
    let price = cx.catalog.price(&params);
    if price.is_none() {
        no_price(cx, draft, &params);
    }
    let model =
        cx.output.shots.model(params.get("model").and_then(Json::as_str).unwrap_or_default());
    for file in &files {
        params.shift_remove(&*file.param);
    }
    params.extend(extra);
    let hashes: Vec<(String, [u8; 32])> =
        files.iter().map(|file| (file.param.to_string(), file.sha256)).collect();
    let prints = Fingerprints { draft, params: &params, hashes: &hashes, seen: seen.get() };
    let fingerprint = as_bought.unwrap_or_else(|| prints.newest(cx.catalog));
    Some(BuiltRequest {
        fingerprint,
        former: prints.former(cx.catalog, &ratios, fingerprint),
        request: Request {
            // Copied: cutting the serializer's buffer down would leave its rest as a hole in memory.
            json: serde_json::to_string(&params).unwrap_or_default().as_str().into(),
            files: files.into(),
        },
        model,
        price,
    })
}

/// The values of a draft's fields: those of parameters, and those that `extra` passes through.
fn values(
    draft: &Draft<'_, '_>,
    scope: &Scope<'_, '_>,
) -> Result<(Params, Params), Box<Diagnostic>> {
    let mut params = Params::new();
    let mut extra = Params::new();
    for field in draft.compiled.fields.iter().filter(|field| !field.broken) {
        if let Some(value) = field.make(scope)? {
            let to = if field.param.is_some() { &mut params } else { &mut extra };
            to.insert(field.name.to_owned(), value);
        }
    }
    Ok((params, extra))
}

/// Keeps the mistake of a request that has a `callback_url` of its own, in case the manifest has
/// `callback`.
fn own_callback(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>, params: &Params) {
    if !params.contains_key(CALLBACK_URL) || cx.output.callback_conflict.is_some() {
        return;
    }
    let mut fields = draft.compiled.fields.iter();
    let field = fields.find(|field| field.name == CALLBACK_URL);
    let place = field.map_or(draft.place, |field| field.origin(&draft.scope, field.name).place);
    let what = "`callback_url` cannot be set while `callback` is: every request gets an address of its own";
    let fix = "take this line out, or take `callback` out of the manifest";
    cx.output.callback_conflict = Some(Diagnostic::new(place, what).fix(fix));
}

/// Writes ratios in lowest terms; returns those that were written otherwise.
fn lowest_ratios<'d>(draft: &Draft<'d, '_>, params: &mut Params) -> Vec<(&'d str, Json)> {
    let mut written = Vec::new();
    for field in draft.compiled.fields.iter().filter(|field| field.is_ratio()) {
        let Some(value) = params.get_mut(field.name) else { continue };
        if let Some(lowest) = value.as_str().and_then(lowest_ratio) {
            written.push((field.name, std::mem::replace(value, lowest.into())));
        }
    }
    written
}

/// What fingerprints are made of.
struct Fingerprints<'d, 't, 'r> {
    draft: &'r Draft<'d, 't>,
    params: &'r Params,
    hashes: &'r FileHashes,
    seen: Seen,
}

impl Fingerprints<'_, '_, '_> {
    /// By the newest rule.
    fn newest(&self, catalog: &Catalog) -> Fingerprint {
        let read = self.seen.whole.then(|| self.read(Reading::Meaning)).flatten();
        catalog.fingerprint(read.as_ref().unwrap_or(self.params), self.hashes)
    }

    /// By the first rule, when that says something else. `ratios` as they are written.
    fn former(
        &self,
        catalog: &Catalog,
        ratios: &[(&str, Json)],
        newest: Fingerprint,
    ) -> ThinVec<Fingerprint> {
        let is_new = |value: &Json| Catalog::is_new_to_first(value);
        let Seen { whole, word } = self.seen;
        if ratios.is_empty() && !whole && !word && !self.params.values().any(is_new) {
            return ThinVec::new();
        }
        let read = word.then(|| self.read(Reading::First)).flatten();
        let mut params = read.unwrap_or_else(|| self.params.clone());
        for (name, written) in ratios {
            params.insert((*name).to_owned(), written.clone());
        }
        let first = catalog.fingerprint_by(FingerprintRule::First, &params, self.hashes);
        [first].into_iter().filter(|first| *first != newest).collect()
    }

    /// The request read in another way. Images and local files are what they are.
    fn read(&self, reading: Reading) -> Option<Params> {
        let scope = Scope { reading, ..self.draft.scope };
        let (mut params, extra) = values(self.draft, &scope).ok()?;
        params.extend(extra);
        let is_local = |name: &str| self.hashes.iter().any(|(param, _)| param == name);
        let is_file = |field: &&Field<'_>| field.is_image() || is_local(field.name);
        for field in self.draft.compiled.fields.iter().filter(is_file) {
            match self.params.get(field.name) {
                Some(image) => params.insert(field.name.to_owned(), image.clone()),
                None => params.shift_remove(field.name),
            };
        }
        Some(params)
    }
}

/// Under a cap what has no price cannot be bought; without one the user should know.
fn no_price(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>, params: &Params) {
    let default = |name: &str| cx.catalog.param(name)?.default.as_ref();
    let said = |name: &str| params.get(name).or_else(|| default(name));
    let combination: Vec<String> = PRICED
        .iter()
        .filter_map(|name| match said(name)? {
            Json::String(text) => Some(format!("{name} {text}")),
            _ => Some((*name).to_owned()),
        })
        .collect();
    let what = format!("the price of {} is not known", combination.join(", "));
    let nearest = in_words(&cx.catalog.price_hints(params));
    cx.diags.add(Diagnostic::new(draft.place, what).maybe_fix(nearest).shot(draft.id).unpriced());
}

/// Asks the catalog what it thinks of the request; returns how many problems there are.
fn check(
    cx: &mut ExpandContext<'_>,
    draft: &Draft<'_, '_>,
    params: &Params,
    unseen: &[&str],
) -> usize {
    let (problems, notes) = cx.catalog.examine(params);
    for note in notes {
        warn(cx, draft, params, note);
    }
    for problem in &problems {
        let head = problem.param.split('.').next().unwrap_or(&problem.param);
        let fields = &draft.compiled.fields;
        let field = fields.iter().find(|field| field.name == head);
        let is_set = field.is_some_and(|field| field.is_set(&draft.scope));
        // What is missing may be what a broken field should have said.
        let is_said = |field: &Field<'_>| {
            field.broken && !is_set && problem.what.contains(&format!("`{}`", field.name))
        };
        let is_broken = field.is_some_and(|field| field.broken) || fields.iter().any(is_said);
        let may_stand_elsewhere = draft.compiled.strangers.has_unknown && !is_set;
        if is_broken || may_stand_elsewhere || unseen.contains(&head) {
            continue;
        }
        let diagnostic = match field.filter(|_| is_set) {
            Some(field) => {
                from(draft, &field.origin(&draft.scope, &problem.param), problem.what.clone())
            }
            None => missing(draft, head, problem, cx.catalog),
        };
        // Beside a value that its model does not take, where the model is chosen.
        let with = problem.with.as_deref().and_then(|with| {
            let with = fields.iter().find(|field| field.name == with)?;
            with.is_set(&draft.scope).then(|| with.origin(&draft.scope, with.name).place)
        });
        let says = params.get(head).is_some_and(|value| value.as_str() != Some(""));
        let diagnostic = match with.filter(|_| is_set && says) {
            Some(place) => diagnostic.related(place, "because of this"),
            None => diagnostic,
        };
        let in_sheet = if is_set { None } else { in_sheet(draft, problem, cx.catalog) };
        cx.diags.add(diagnostic.fix(in_sheet.unwrap_or_else(|| problem.fix.clone())));
    }
    problems.len()
}

/// Warns of something odd, once for all shots in which it is.
fn warn(cx: &mut ExpandContext<'_>, draft: &Draft<'_, '_>, params: &Params, note: Note) {
    let topic = match note.kind {
        NoteKind::Idle(_) => "no effect",
        NoteKind::Outside => "a number outside",
        NoteKind::Unusual => "an unusual value",
        NoteKind::SharePage => "a share page",
    };
    let catalog = cx.catalog;
    let Some(param) = catalog.params().get(note.param) else { return };
    let fields = &draft.compiled.fields;
    let Some(field) = fields.iter().find(|field| field.name == param.name) else { return };
    cx.diags.warn(Topic(topic, note.param), || {
        let value = params.get(&param.name).unwrap_or(&Json::Null);
        let (what, fix) = note.words(catalog, value);
        from(draft, &field.origin(&draft.scope, &param.name), what).fix(fix)
    });
}

/// The parameters, and those of `extra` that the catalog knows by now, for its checks.
fn with_known<'p>(catalog: &Catalog, params: &'p Params, extra: &Params) -> Cow<'p, Params> {
    let mut all = Cow::Borrowed(params);
    for (name, value) in extra {
        let known = catalog.param(name).filter(|_| !params.contains_key(name));
        if let Some(wire) = known.and_then(|param| param.coerce(value.clone()).ok()) {
            all.to_mut().insert(name.clone(), wire);
        }
    }
    all
}

/// What to write where a row of a table lacks what a column of it may hold.
fn in_sheet(draft: &Draft<'_, '_>, problem: &Problem, catalog: &Catalog) -> Option<String> {
    let table = draft.scope.row.filter(|_| draft.compiled.entry.from.is_some())?.table;
    let lacks = |name: &str| problem.what.contains(&format!("`{name}`"));
    let mut fields = draft.compiled.fields.iter().filter(|field| lacks(field.name));
    let empty = fields.find_map(|field| table.columns.get(field.column?));
    if let Some(column) = empty {
        let header = quoted(table.header_of(column));
        return Some(format!(
            "{}, or leave such rows out: `skip: {{{header}: \"\"}}`",
            problem.fix
        ));
    }
    let names: Vec<&str> = catalog.params().iter().map(|param| param.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| lacks(name)).collect();
    let line = draft.compiled.columns_line(table, catalog, &names)?;
    Some(format!("{}; or say which column it is: {line} beside `from:`", problem.fix))
}

/// A problem with something that the shot does not say.
fn missing(draft: &Draft<'_, '_>, name: &str, problem: &Problem, catalog: &Catalog) -> Diagnostic {
    let entry = draft.compiled.entry;
    let at = catalog.params().iter().position(|param| param.name == name);
    let empty = entry.params.iter().find(|(param, node)| Some(*param) == at && node.is_null());
    if let Some((_, node)) = empty {
        let what = format!("{}, and nothing is written here", problem.what);
        return Diagnostic::new(node.place, what)
            .shot(draft.id)
            .related(draft.place, "for this shot");
    }
    let place = match draft.scope.row {
        // A column that a table lacks is lacking in all its rows.
        Some(row) if entry.from.is_none() && row.table.column(name).is_none() => row.table.place(),
        _ => draft.place,
    };
    let diagnostic = Diagnostic::new(place, &problem.what);
    // A row with nothing in it has an id that says nothing.
    let is_filled =
        |row: &Row<'_>| draft.compiled.used_columns.iter().any(|at| row.cell(*at).is_some());
    let says_something = !draft.is_nameless_row() || draft.scope.row.is_some_and(is_filled);
    if says_something { diagnostic.shot(draft.id) } else { diagnostic }
}
