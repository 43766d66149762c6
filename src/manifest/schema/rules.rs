//! What goes with what: rules that can be checked within an entry, and within an entry and
//! `defaults`. A rule speaks only where it is certain: not of an entry whose rows could say
//! otherwise, not of a template, and not of `defaults` when an included file could add to them.

use serde_json::{Value, json};

use super::forms::TEMPLATE;
use super::forms::accepted;
use crate::catalog::{Catalog, Need, Param, ParamKind, Values};

/// What a shot that is surely of this model must keep to by itself.
pub(super) fn model(catalog: &Catalog, model: &str) -> Value {
    let param = |at: &usize| catalog.params().get(*at);
    let demands = catalog.model(model);
    let mut properties = serde_json::Map::new();
    let mut variables = serde_json::Map::new();
    for (at, values) in demands.iter().flat_map(|model| &model.accepts) {
        let Some(param) = param(at) else { continue };
        let mut forms = accepted(param, values);
        forms.push(json!({"$ref": TEMPLATE}));
        variables.insert(param.name.clone(), json!({"items": {"anyOf": forms.clone()}}));
        forms.push(json!({"type": "null"}));
        properties.insert(param.name.clone(), json!({"anyOf": forms}));
    }
    for refused in demands.iter().flat_map(|model| &model.refuses).filter_map(param) {
        let nothing = json!({"anyOf": [empty(), {"$ref": TEMPLATE}]});
        properties.insert(refused.name.clone(), nothing);
    }
    properties.insert("matrix".to_owned(), json!({"properties": variables}));
    json!({"description": catalog.model_doc(model), "properties": properties})
}

/// What an entry must keep to whatever `defaults` says.
pub(super) fn of_a_shot(catalog: &Catalog) -> Vec<Value> {
    let named = json!({"required": ["id"], "properties": {"id": {"not": {"type": "null"}}}});
    let mut rules = vec![when(&not(&from()), &named)];
    for name in catalog.models() {
        rules.push(when(&is_model(name), &json!({"$ref": format!("#/$defs/{name}")})));
    }
    for param in catalog.params() {
        rules.push(when(&sure(&param.name), &not(&in_matrix(&param.name))));
        for Need { param: needed, is: wanted } in &param.needs {
            let Some((other, wanted)) = catalog.param(needed).zip(wanted.as_ref()) else {
                continue;
            };
            let certain = [sure(&param.name), sure(needed), not(&in_matrix(needed)), not(&from())];
            rules.push(when(&all(&certain), &says(other, wanted)));
        }
        let fields: Vec<&str> = param.fields.keys().map(String::as_str).collect();
        if !fields.is_empty() && param.kind == ParamKind::Object {
            let whole = json!({"if": {"type": "object"}, "then": {"required": fields}});
            rules.push(when(&not(&from()), &json!({"properties": {(param.name.as_str()): whole}})));
        }
    }
    rules
}

/// What the entries must keep to because of what `defaults` says, or does not say.
pub(super) fn of_a_manifest(catalog: &Catalog) -> Vec<Value> {
    let no_model = not(&in_defaults(&given("model")));
    let mut rules =
        vec![shots_when(&[no_model], &json!(true), &maybe_given("model")), one_callback()];
    for name in catalog.models() {
        let by_default =
            in_defaults(&json!({"required": ["model"], "properties": {"model": {"const": name}}}));
        let open = not(&maybe_given("model"));
        let this_model = json!({"$ref": format!("#/$defs/{name}")});
        rules.push(shots_when(std::slice::from_ref(&by_default), &open, &this_model));
        // In a manifest that is such: what shots must say that are surely of this model.
        let mut its_shots = |manifest: Value, then: &Value| {
            rules.push(shots_when(std::slice::from_ref(&manifest), &is_model(name), then));
            rules.push(shots_when(&[manifest, by_default.clone()], &open, then));
        };
        let Some(model) = catalog.model(name) else { continue };
        let param = |at: &usize| catalog.params().get(*at);
        for any in &model.requires {
            let any = any.iter().filter_map(param);
            // What makes another one idle stands in for it.
            let any: Vec<&Param> = any
                .flat_map(|one| {
                    let others = one.idle_beside.iter().filter_map(|name| catalog.param(name));
                    std::iter::once(one).chain(others)
                })
                .collect();
            let lacks = not(&in_defaults(&either(any.iter().map(|one| given(&one.name)))));
            let under_extra =
                any.iter().filter(|one| one.also_extra).map(|one| in_extra(&one.name));
            let either = either(any.iter().map(|one| maybe_given(&one.name)).chain(under_extra));
            its_shots(lacks, &either);
        }
        for (at, values) in &model.accepts {
            let Some(known) = param(at) else { continue };
            let param = known.name.as_str();
            let fits = json!({"properties": {(param): {"anyOf": accepted(known, values)}}});
            let wrong = in_defaults(&all(&[sure(param), not(&fits)]));
            its_shots(wrong, &either([json!({"required": [param]}), in_matrix(param), from()]));
        }
    }
    for param in catalog.params() {
        for Need { param: needed, is: wanted } in &param.needs {
            let Some(other) = catalog.param(needed) else { continue };
            let right = match wanted {
                Some(wanted) if other.default.as_ref() == Some(wanted) => continue,
                Some(wanted) => either([says(other, wanted), not(&sure(needed))]),
                None => json!(true),
            };
            let lacks = not(&in_defaults(&all(&[given(needed), right])));
            rules.push(shots_when(&[lacks], &sure(&param.name), &maybe_given(needed)));
        }
    }
    rules
}

/// Beside `callback`, no shot and no default sets `callback_url`.
fn one_callback() -> Value {
    let silent = not(&either([sure("callback_url"), in_matrix("callback_url")]));
    let shots = json!({"properties": {"shots": {"items": silent}}});
    when(&json!({"required": ["callback"]}), &shots)
}

/// In a manifest that is such, and includes nothing: every entry that is such must be such.
fn shots_when(manifest: &[Value], entry: &Value, then: &Value) -> Value {
    let alone = not(&json!({"required": ["include"]}));
    let conditions = [std::slice::from_ref(&alone), manifest].concat();
    let shots = json!({"properties": {"shots": {"items": when(entry, then)}}});
    when(&all(&conditions), &shots)
}

/// The manifest's `defaults` are such.
fn in_defaults(condition: &Value) -> Value {
    let such = json!({"type": "object", "allOf": [condition]});
    json!({"required": ["defaults"], "properties": {"defaults": such}})
}

/// A value that counts as none: null, an empty text, a list of nothing but empty texts.
fn empty() -> Value {
    json!({"anyOf": [{"enum": [null, ""]}, {"type": "array", "items": {"enum": [""]}}]})
}

/// The entry has this key, and it is not empty.
fn given(name: &str) -> Value {
    json!({"required": [name], "properties": {(name): {"not": empty()}}})
}

/// The entry has this key, it is not empty, and no template.
fn sure(name: &str) -> Value {
    let certain = json!({"not": {"anyOf": [empty(), {"$ref": TEMPLATE}]}});
    json!({"required": [name], "properties": {(name): certain}})
}

/// The parameter, if it is there, is this.
fn says(param: &Param, wanted: &Value) -> Value {
    let forms = accepted(param, &Values::OneOf(vec![wanted.clone()]));
    json!({"properties": {(param.name.as_str()): {"anyOf": forms}}})
}

fn in_matrix(name: &str) -> Value {
    json!({
        "required": ["matrix"],
        "properties": {"matrix": {"type": "object", "required": [name]}},
    })
}

fn in_extra(name: &str) -> Value {
    json!({
        "required": ["extra"],
        "properties": {"extra": {"type": "object", "required": [name]}},
    })
}

fn from() -> Value {
    json!({"required": ["from"]})
}

/// The entry may have this parameter: itself, by its matrix, or by its rows.
fn maybe_given(name: &str) -> Value {
    either([given(name), in_matrix(name), from()])
}

/// What holds of an entry some of whose shots are surely of this model.
pub(super) fn surely(model: &str) -> Value {
    let own = json!({"required": ["model"], "properties": {"model": {"const": model}}});
    let values = json!({"properties": {"model": {"type": "array", "contains": {"const": model}}}});
    let varied = json!({"properties": {"matrix": values}});
    let either =
        either([all(&[own, not(&in_matrix("model"))]), all(&[in_matrix("model"), varied])]);
    all(&[either, not(&from())])
}

/// See [`surely`].
fn is_model(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/surely-{name}")})
}

fn when(condition: &Value, then: &Value) -> Value {
    match condition {
        Value::Bool(true) => then.clone(),
        _ => json!({"if": condition, "then": then}),
    }
}

fn not(condition: &Value) -> Value {
    json!({"not": condition})
}

fn all(conditions: &[Value]) -> Value {
    json!({"allOf": conditions})
}

fn either(conditions: impl IntoIterator<Item = Value>) -> Value {
    json!({"anyOf": conditions.into_iter().collect::<Vec<_>>()})
}
