//! Checks a request against its model. Finds every problem, not only the first; what the catalog does
//! not forbid is allowed.

use serde_json::Value;

use super::address;
use super::coerce::shown;
use super::image::is_http_url;
use super::model::{Catalog, Model, Problem};
use super::notes::{self, Note};
use super::param::{Form, Need, Param, ParamKind, Params};
use super::parts;
use super::ratio;
use super::request_view::RequestView;
use super::similar::closest;
use super::values::{Values, either, is_given, plain};

impl Catalog {
    /// Everything the model forbids about a request, parameter by parameter. `params` holds all
    /// of it but what the manifest passes through as `extra`; a local file may stand there by its
    /// path.
    #[must_use]
    pub fn check(&self, params: &Params) -> Vec<Problem> {
        self.examine(params).0
    }

    /// The same, and what is odd about a request and not forbidden.
    #[must_use]
    pub fn examine(&self, params: &Params) -> (Vec<Problem>, Vec<Note>) {
        let request = RequestView::new(self, params);
        let mut problems = Problems::default();
        for (place, param) in self.params.iter().enumerate() {
            match request.own(place) {
                Some(value) if param.is_wire(value) => {
                    check_value(param, value, &mut problems);
                    if param.kind == ParamKind::ObjectList {
                        for (what, fix) in parts::check(self, param, value, &request) {
                            problems.add(&param.name, what, fix);
                        }
                    }
                }
                Some(value) => wrong_type(param, value, &mut problems),
                None => {}
            }
        }
        let known = (0..self.params.len()).filter(|place| request.own(*place).is_some()).count();
        if known < params.len() {
            let unknown = params.keys().filter(|name| self.place(name).is_none());
            unknown.for_each(|name| problems.unknown(self, name));
        }
        let model = request.model();
        for (place, param) in self.params.iter().enumerate() {
            if request.own(place).is_some_and(|value| param.is_wire(value) && is_given(value)) {
                let refused = model.is_some_and(|model| model.refuses.contains(&place));
                if !refused {
                    check_needs(self, model, param, &request, &mut problems);
                }
            }
        }
        match model {
            Some(model) => check_model(self, model, &request, &mut problems),
            None => no_model(self, params, &mut problems),
        }
        (problems.found, notes::of(self, &request))
    }
}

#[derive(Default)]
struct Problems {
    found: Vec<Problem>,
    /// Places of parameters that are missed beside another one.
    missed: Vec<usize>,
}

impl Problems {
    fn add(&mut self, param: &str, what: String, fix: String) {
        self.with(param, what, fix, None);
    }

    /// With the other parameter that has to do with it.
    fn with(&mut self, param: &str, what: String, fix: String, with: Option<&str>) {
        let (param, with) = (param.to_owned(), with.map(str::to_owned));
        self.found.push(Problem { param, what, fix, with });
    }

    /// Whether something was wrong with a parameter's own value.
    fn has(&self, param: &str) -> bool {
        self.found.iter().any(|problem| problem.param == param)
    }

    fn unknown(&mut self, catalog: &Catalog, name: &str) {
        let known = catalog.params.iter().map(|param| param.name.as_str());
        let fix = match closest(name, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "leave it out, or put it under `extra:` if the gateway knows it".to_owned(),
        };
        self.add(name, format!("`{name}` is not a request parameter"), fix);
    }
}

/// The request's model is missing, or none of the catalog's.
fn no_model(catalog: &Catalog, params: &Params, problems: &mut Problems) {
    let all = || format!("write {}", either(&catalog.models()));
    let Some(value) = params.get("model") else {
        let fix = format!("add `model:` and one of {}", catalog.models().join(", "));
        problems.add("model", "`model` is missing".to_owned(), fix);
        return;
    };
    if problems.has("model") {
        return;
    }
    let meant = closest(value.as_str().unwrap_or_default(), catalog.models());
    let fix = meant.map_or_else(all, |meant| format!("did you mean `{meant}`?"));
    let what = format!("{} is not a model in the catalog of {}", shown(value), catalog.date);
    problems.add("model", what, fix);
}

fn wrong_type(param: &Param, value: &Value, problems: &mut Problems) {
    match param.coerce(value.clone()) {
        Ok(wire) => {
            let what = format!(
                "`{}` is {}, which is not how the gateway wants it",
                param.name,
                shown(value)
            );
            problems.add(&param.name, what, format!("write {wire}"));
        }
        Err(request) => {
            let (what, fix) =
                request.rsplit_once("; ").unwrap_or((&request, "write it differently"));
            problems.add(&param.name, what.to_owned(), fix.to_owned());
        }
    }
}

/// What a value must keep to by itself.
fn check_value(param: &Param, value: &Value, problems: &mut Problems) {
    let Param { name, kind, .. } = param;
    if !param.one_of.is_empty() && !param.one_of.contains(value) {
        let words: Vec<String> = param.one_of.iter().map(plain).collect();
        let meant = closest(&plain(value), words.iter().map(String::as_str));
        let fix = meant.map_or_else(
            || format!("write {}", either(&words)),
            |meant| format!("did you mean `{meant}`?"),
        );
        problems.add(name, format!("`{name}` cannot be {}", shown(value)), fix);
    }
    if let Some(most) = param.most {
        let (count, things) = match value {
            Value::Array(items) => (items.len(), "items"),
            // No text has more characters than bytes.
            Value::String(text) if text.len() > most => (text.chars().count(), "characters"),
            _ => (0, ""),
        };
        if count > most {
            let over = count - most;
            let fix = match (things, over) {
                ("items", _) => format!("leave out {over}"),
                (_, 1) => "shorten it by 1 character".to_owned(),
                _ => format!("shorten it by {over} characters"),
            };
            let what = format!("`{name}` has {count} {things}; at most {most} are allowed");
            problems.add(name, what, fix);
        }
    }
    let text = value.as_str().unwrap_or_default();
    if param.form == Some(Form::Ratio) && ratio::sides(text).is_none() {
        problems.add(
            name,
            format!("`{name}` is width:height in whole numbers, not {}", shown(value)),
            if text.split(':').count() == 3 {
                "write for example 16:9; if a spreadsheet made a time of it, format the column as text"
            } else {
                "write for example 16:9"
            }
            .to_owned(),
        );
    }
    let wrong = wrong_address(name, *kind, value, text);
    if let Some((what, fix)) = wrong {
        problems.add(name, what, fix.to_owned());
    }
    for (field, kind) in param.fields.iter().filter(|_| *kind == ParamKind::Object) {
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

/// What is wrong with the address of a file, and the way out.
fn wrong_address(
    name: &str,
    kind: ParamKind,
    value: &Value,
    text: &str,
) -> Option<(String, &'static str)> {
    Some(match kind {
        ParamKind::Url if !is_given(value) => (
            format!("`{name}` is empty"),
            "write a web address that starts with https://, or leave it out",
        ),
        ParamKind::Url if !is_http_url(text) => (
            format!("`{name}` is not a web address: {}", shown(value)),
            "write one that starts with https://; a file on this computer cannot be used here",
        ),
        ParamKind::Video if !is_given(value) => {
            (format!("`{name}` is empty"), "write a URL or the path of a video, or leave it out")
        }
        ParamKind::Video if is_other_url(text) => (
            format!("`{name}` is a URL that the gateway cannot read: {}", shown(value)),
            "write a URL that starts with https://, or the path of a video",
        ),
        ParamKind::Video => {
            let private = address::private(text)?;
            (format!("`{name}`: {private}"), "write the file's path; the file is sent then")
        }
        ParamKind::Image if !is_given(value) => (
            format!("`{name}` is empty"),
            "write a URL, the path of an image or base64, or leave it out",
        ),
        ParamKind::Image if is_other_url(text) => (
            format!("`{name}` is a URL that the gateway cannot read: {}", shown(value)),
            "write a URL that starts with https://, the path of an image or base64",
        ),
        ParamKind::Image => {
            let private = address::private(text)?;
            (format!("`{name}`: {private}"), "write the file's path; its bytes are sent then")
        }
        _ => return None,
    })
}

/// `ftp://…`, `file://…`; a broken `http://` too.
fn is_other_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !is_http_url(text)
}

/// Checks the parameters that must stand beside this one.
fn check_needs(
    catalog: &Catalog,
    model: Option<&Model>,
    param: &Param,
    request: &RequestView<'_>,
    problems: &mut Problems,
) {
    let name = &param.name;
    for Need { param: needed, is: wanted } in &param.needs {
        let Some(place) = catalog.place(needed) else { continue };
        let fits = |value: &Value| wanted.as_ref().map_or(is_given(value), |w| w == value);
        let own = request.own(place);
        // A wrong value such as `sound: loud` was reported; what needs it may be right with a good one.
        if request.get(place).is_some_and(fits) || (own.is_some() && problems.has(needed)) {
            continue;
        }
        // The model requires it, too, and its message helps more.
        let alone = |any: &Vec<usize>| any.as_slice() == [place];
        if wanted.is_none() && model.is_some_and(|model| model.requires.iter().any(alone)) {
            continue;
        }
        let wanted_text = match wanted {
            Some(wanted) => format!("{needed}: {}", plain(wanted)),
            None => needed.clone(),
        };
        problems.missed.push(place);
        if let Some(model) = model.filter(|model| excludes(model, place, wanted.as_ref())) {
            let what =
                format!("`{name}` needs `{wanted_text}`, which {} does not take", model.name);
            let fix = format!("leave `{name}` out, or use another model");
            problems.with(name, what, fix, Some("model"));
        } else {
            let add = if own.is_some() { "write" } else { "add" };
            let fix = format!("{add} `{wanted_text}` or leave `{name}` out");
            let with = own.map(|_| needed.as_str());
            problems.with(name, format!("`{name}` needs `{wanted_text}`"), fix, with);
        }
    }
}

/// Whether a model does not take a parameter, or not with that value.
fn excludes(model: &Model, place: usize, value: Option<&Value>) -> bool {
    let takes =
        |(at, values): &(usize, Values)| *at != place || value.is_none() || values.hold(value);
    model.refuses.contains(&place) || !model.accepts.iter().all(takes)
}

/// What this model forbids.
fn check_model(
    catalog: &Catalog,
    model: &Model,
    request: &RequestView<'_>,
    problems: &mut Problems,
) {
    let with = Some("model");
    for (place, values) in &model.accepts {
        let Some(param) = catalog.params.get(*place) else { continue };
        let Some(value) = request.get(*place) else { continue };
        if values.hold(Some(value)) || !param.is_wire(value) || problems.has(&param.name) {
            continue;
        }
        let others = models(catalog, |other| {
            let takes = |(at, values): &(usize, Values)| at == place && values.hold(Some(value));
            other.name != model.name && other.accepts.iter().any(takes)
        });
        let or_use = or_use(&others);
        let (what, fix) = match values {
            Values::Given(_) => (
                format!("{} does not take `{}`", model.name, param.name),
                format!("leave it out{or_use}"),
            ),
            _ => (
                format!("{} takes {} {values}, not {}", model.name, param.name, plain(value)),
                format!("write {values}{or_use}"),
            ),
        };
        problems.with(&param.name, what, fix, with);
    }
    for place in &model.refuses {
        let Some(param) = catalog.params.get(*place) else { continue };
        if request.own(*place).is_some_and(is_given) && !problems.has(&param.name) {
            let others = models(catalog, |other| !other.refuses.contains(place));
            let what = format!("{} does not take `{}`", model.name, param.name);
            let fix = format!("leave it out{}", or_use(&others));
            problems.with(&param.name, what, fix, with);
        }
    }
    for any in &model.requires {
        if any.iter().any(|place| request.get(*place).is_some_and(is_given)) {
            continue;
        }
        let stands_in = |name: &String| {
            catalog.place(name).and_then(|place| request.own(place)).is_some_and(is_given)
        };
        let idle = any.iter().filter_map(|place| catalog.params.get(*place));
        if idle.flat_map(|param| &param.idle_beside).any(stands_in) {
            continue;
        }
        let params = || any.iter().filter_map(|place| catalog.params.get(*place));
        // An empty image was reported already, and so was a tail image without an image.
        if params().any(|param| problems.has(&param.name))
            || any.iter().any(|place| problems.missed.contains(place))
        {
            continue;
        }
        let names: Vec<String> = params().map(|param| format!("`{}`", param.name)).collect();
        let first = params().next().map_or("model", |param| &param.name);
        let what = format!("{} needs {}", model.name, either(&names));
        problems.with(first, what, format!("add {}", either(&names)), with);
    }
}

fn models(catalog: &Catalog, fit: impl Fn(&Model) -> bool) -> Vec<&str> {
    catalog.models.iter().filter(|model| fit(model)).map(|model| model.name.as_str()).collect()
}

fn or_use(models: &[&str]) -> String {
    if models.is_empty() { String::new() } else { format!(", or use {}", either(models)) }
}
