//! Everything a request must not say to its model. Finds every problem, not the first; what the
//! catalog does not forbid is allowed.

use serde_json::Value;

use super::coerce::shown;
use super::image::is_http_url;
use super::suggest::closest;
use super::values::{either, is_given, plain};
use super::{Catalog, Model, Param, ParamKind, Params, Problem};

pub(super) fn check(catalog: &Catalog, params: &Params) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    for (name, value) in params {
        match catalog.param(name) {
            Some(param) if param.is_wire(value) => {
                value_of(param, value, &mut problems);
                company(param, value, catalog, params, &mut problems);
            }
            Some(param) => wrong_type(param, value, &mut problems),
            None => problems.unknown(catalog, name),
        }
    }
    match model(catalog, params) {
        Ok(model) => model_of(catalog, model, params, &mut problems),
        Err(problem) => problems.0.push(problem),
    }
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, param: &str, what: String, fix: impl Into<Option<String>>) {
        self.0.push(Problem { param: param.to_owned(), what, fix: fix.into() });
    }

    fn unknown(&mut self, catalog: &Catalog, name: &str) {
        let known = catalog.params.iter().map(|param| param.name.as_str());
        let fix = match closest(name, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "put it under `extra:` if the gateway knows it".to_owned(),
        };
        self.add(name, format!("`{name}` is not a request parameter"), fix);
    }
}

/// The request's model.
fn model<'a>(catalog: &'a Catalog, params: &Params) -> Result<&'a Model, Problem> {
    let problem = |what: String, fix| Problem { param: "model".to_owned(), what, fix: Some(fix) };
    let all = || format!("write {}", either(&catalog.models()));
    let Some(value) = params.get("model") else {
        return Err(problem("`model` is missing".to_owned(), all()));
    };
    catalog.model_of(params).ok_or_else(|| {
        let name = value.as_str().unwrap_or_default();
        let fix = closest(name, catalog.models());
        problem(
            format!("{} is not a model in the catalog of {}", shown(value), catalog.date),
            fix.map_or_else(all, |meant| format!("did you mean `{meant}`?")),
        )
    })
}

fn wrong_type(param: &Param, value: &Value, problems: &mut Problems) {
    match param.coerce(value.clone()) {
        Ok(wire) => problems.add(
            &param.name,
            format!("`{}` is {}, which is not how the gateway wants it", param.name, shown(value)),
            format!("write {wire}"),
        ),
        Err(what) => problems.add(&param.name, what, None),
    }
}

/// What a value must keep to by itself.
fn value_of(param: &Param, value: &Value, problems: &mut Problems) {
    let Param { name, kind, rules, .. } = param;
    if !rules.one_of.is_empty() && !rules.one_of.contains(value) {
        let words: Vec<String> = rules.one_of.iter().map(plain).collect();
        let meant = closest(&plain(value), words.iter().map(String::as_str));
        let fix = meant.map_or_else(
            || format!("write {}", either(&words)),
            |meant| format!("did you mean `{meant}`?"),
        );
        problems.add(name, format!("`{name}` cannot be {}", shown(value)), fix);
    }
    if let Some(most) = rules.most {
        let (count, things) = match value {
            Value::Array(items) => (items.len(), "items"),
            Value::String(text) => (text.chars().count(), "characters"),
            _ => (0, ""),
        };
        if count > most {
            problems.add(
                name,
                format!("`{name}` has {count} {things}; at most {most} are allowed"),
                format!("leave out {}", count - most),
            );
        }
    }
    let text = value.as_str().unwrap_or_default();
    if rules.ratio && !is_ratio(text) {
        problems.add(
            name,
            format!("`{name}` is width:height in whole numbers, not {}", shown(value)),
            "write for example 16:9".to_owned(),
        );
    }
    match kind {
        ParamKind::Url if !is_http_url(text) => problems.add(
            name,
            format!("`{name}` is not a URL: {}", shown(value)),
            "write a URL that starts with https://".to_owned(),
        ),
        ParamKind::Image if !is_given(value) => problems.add(
            name,
            format!("`{name}` is empty"),
            "write a URL, the path of an image or base64, or leave it out".to_owned(),
        ),
        ParamKind::Image if is_other_url(text) => problems.add(
            name,
            format!("`{name}` is a URL that the gateway cannot read: {}", shown(value)),
            "write a URL that starts with https://, the path of an image or base64".to_owned(),
        ),
        _ => {}
    }
    for (field, kind) in &rules.fields {
        let found = value.get(field);
        if found.is_none_or(|value| *kind == ParamKind::Text && !is_given(value)) {
            let example = if *kind == ParamKind::Bool { "true" } else { "…" };
            problems.add(
                &format!("{name}.{field}"),
                format!("`{name}` has no `{field}`"),
                format!("write {name}: {{{field}: {example}}}"),
            );
        }
    }
}

fn is_ratio(text: &str) -> bool {
    let is_side = |side: &str| {
        side.len() <= 9
            && side.bytes().all(|b| b.is_ascii_digit())
            && side.parse::<u32>().is_ok_and(|side| side > 0)
    };
    text.split_once(':').is_some_and(|(width, height)| is_side(width) && is_side(height))
}

/// `ftp://…`, `file://…`; a broken `http://` too.
fn is_other_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !is_http_url(text)
}

/// What must stand beside a parameter.
fn company(
    param: &Param,
    value: &Value,
    catalog: &Catalog,
    params: &Params,
    problems: &mut Problems,
) {
    if !is_given(value) {
        return;
    }
    for (needed, wanted) in &param.rules.needs {
        let default = catalog.param(needed).and_then(|param| param.default.as_ref());
        let said = params.get(needed).or(default);
        let (missing, fix) = match wanted {
            None => (!said.is_some_and(is_given), format!("add `{needed}`")),
            Some(wanted) => (said != Some(wanted), format!("add `{needed}: {}`", plain(wanted))),
        };
        if missing {
            let with = wanted.as_ref().map(|wanted| format!(": {}", plain(wanted)));
            problems.add(
                &param.name,
                format!("`{}` needs `{needed}{}`", param.name, with.unwrap_or_default()),
                format!("{fix} or leave `{}` out", param.name),
            );
        }
    }
}

/// What this model forbids.
fn model_of(catalog: &Catalog, model: &Model, params: &Params, problems: &mut Problems) {
    for (place, values) in &model.accepts {
        let Some(param) = catalog.params.get(*place) else { continue };
        let Some(value) = catalog.effective(*place, params) else { continue };
        if param.is_wire(value) && !values.hold(Some(value)) {
            let others = models(catalog, |other| {
                other.name != model.name
                    && other
                        .accepts
                        .iter()
                        .any(|(at, values)| at == place && values.hold(Some(value)))
            });
            let or_use = or_use(&others);
            let what =
                format!("{} takes {} {values}, not {}", model.name, param.name, plain(value));
            problems.add(&param.name, what, format!("write {values}{or_use}"));
        }
    }
    for place in &model.refuses {
        let Some(param) = catalog.params.get(*place) else { continue };
        if params.get(&param.name).is_some_and(is_given) {
            let others = models(catalog, |other| !other.refuses.contains(place));
            problems.add(
                &param.name,
                format!("{} does not take `{}`", model.name, param.name),
                format!("leave it out{}", or_use(&others)),
            );
        }
    }
    for any in &model.requires {
        let given = |place: &usize| catalog.effective(*place, params).is_some_and(is_given);
        if !any.iter().any(given) {
            let names: Vec<String> = any
                .iter()
                .filter_map(|place| catalog.params.get(*place))
                .map(|param| format!("`{}`", param.name))
                .collect();
            let first = any.first().and_then(|place| catalog.params.get(*place));
            problems.add(
                first.map_or("model", |param| &param.name),
                format!("{} needs {}", model.name, either(&names)),
                format!("add {}", either(&names)),
            );
        }
    }
}

fn models(catalog: &Catalog, fit: impl Fn(&Model) -> bool) -> Vec<&str> {
    catalog.models.iter().filter(|model| fit(model)).map(|model| model.name.as_str()).collect()
}

fn or_use(models: &[&str]) -> String {
    if models.is_empty() { String::new() } else { format!(", or use {}", either(models)) }
}
