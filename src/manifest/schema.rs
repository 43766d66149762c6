//! The JSON Schema of a manifest, for editors: built from the catalog's parameters and the
//! manifest's own keys. Helps while typing; what is right is decided by the reader.

use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, Param, ParamKind};

#[cfg(test)]
mod tests;

/// The JSON Schema (2020-12) of a YAML manifest under `catalog`.
#[must_use]
pub fn schema(catalog: &Catalog) -> Value {
    let request: Map<String, Value> = catalog
        .params()
        .iter()
        .map(|param| (param.name.clone(), parameter(catalog, param)))
        .collect();
    let mut shot = own_keys(catalog.params().iter().map(|param| param.name.as_str()));
    shot.extend(request.clone());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rushes manifest",
        "description": format!("A campaign of shots; models and parameters as of {}.", catalog.date()),
        "type": "object",
        "required": ["shots"],
        "additionalProperties": false,
        "properties": {
            "campaign": {
                "description": "The campaign's name and, unless --out says otherwise, its folder below renders/.",
                "type": ["string", "number"],
                "pattern": r"^[^\s/\\~]+$",
            },
            "budget": budget(),
            "on_doubt": {
                "description": "What to do with a shot that may have been bought: hold it for `rushes resolve` (default), or resubmit it and accept paying twice.",
                "enum": ["hold", "resubmit"],
            },
            "vars": {
                "description": "Names for {{ name }} in the shots' strings.",
                "type": "object",
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"$ref": "#/$defs/scalar"},
            },
            "limits": limits(),
            "defaults": {
                "description": "Request parameters of every shot that does not say otherwise.",
                "type": "object",
                "additionalProperties": false,
                "properties": request,
            },
            "shots": {
                "description": "What to render.",
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/shot"},
            },
        },
        "$defs": {
            "template": {
                "description": "A text with {{ name }} from the matrix, the row, `take` or `vars`.",
                "type": "string",
                "pattern": r"\{[{%#]",
            },
            "scalar": {"type": ["string", "number", "boolean"]},
            "name": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": {"enum": ["id", "take"]}},
            "span": {
                "description": "A span of time such as 100ms, 5s or 2h.",
                "type": "string",
                "pattern": "[0-9]",
            },
            "rate": {
                "description": "So many per second or minute, such as 2/s or 90/min.",
                "type": "string",
                "pattern": r"^\s*[1-9][0-9]*\s*/\s*(s|sec|second|m|min|minute)\s*$",
            },
            "shot": {
                "description": "An entry: one shot, or several by takes, matrix or the rows of a CSV file.",
                "type": "object",
                "additionalProperties": false,
                "properties": shot,
            },
        },
    })
}

fn budget() -> Value {
    let cap = json!({
        "description": "US dollars.",
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]{1,6})?\s*$"},
        ],
    });
    json!({
        "description": "The most the campaign may cost over its whole life, in US dollars.",
        "anyOf": [
            cap,
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "cap": cap,
                    "strict": {
                        "description": "Also count what answers of 5xx could have cost, and hold back after a proxy's.",
                        "type": "boolean",
                        "default": false,
                    },
                },
            },
        ],
    })
}

fn limits() -> Value {
    let count = |doc: &str, default: u32| json!({"description": doc, "type": "integer", "minimum": 1, "default": default});
    let span = |doc: &str, default: &str| json!({"$ref": "#/$defs/span", "description": doc, "default": default});
    let rate = |doc: &str, default: &str| json!({"$ref": "#/$defs/rate", "description": doc, "default": default});
    json!({
        "description": "What a run keeps to.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "rate": rate("Submissions, at most.", "2/s"),
            "poll_every": span("How often one task is asked for; the gateway wants 5 to 10 seconds.", "5s"),
            "poll_rate": rate("Polls of all tasks together, at most.", "10/s"),
            "in_flight": count("Shots submitting or rendering at once, at most.", 20),
            "attempts": count("How often a shot is sent when the gateway answers 5xx; also tries of a download.", 5),
            "submit_timeout": span("How long a submission may take before it is in doubt.", "1m"),
            "render_timeout": span("How long a task may take before it counts as stalled.", "2h"),
        },
    })
}

/// What a shot says beside its request.
fn own_keys<'a>(known: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    let template = json!({"$ref": "#/$defs/template"});
    let keys = json!({
        "id": {
            "description": "The shot's name, and its clip's: letters, digits, - _ and a dot; unique in the campaign.",
            "anyOf": [{"type": ["string", "number"]}, template],
        },
        "takes": {
            "description": "How many clips of this shot; each has its own id, price and clip.",
            "type": "integer",
            "minimum": 1,
        },
        "matrix": {
            "description": "Names and their values: a shot for every combination.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/scalar"},
            },
        },
        "from": {
            "description": "A CSV file beside the manifest: a shot for every row. Columns named like request parameters set them, all others are names for {{ name }}.",
            "type": "string",
            "minLength": 1,
        },
        "priority": {
            "description": "Higher is submitted first.",
            "type": "integer",
            "default": 0,
        },
        "tags": {
            "description": "Words to sort and filter by.",
            "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/scalar"}}, {"type": "string"}],
        },
        "clip_name": {
            "description": "The clip's path below clips/ without .mp4; the id unless given.",
            "anyOf": [{"type": ["string", "number"]}, template],
        },
        "extra": {
            "description": "Parameters to pass through that rushes does not know.",
            "type": "object",
            "not": {"anyOf": known.map(|name| json!({"required": [name]})).collect::<Vec<_>>()},
        },
    });
    match keys {
        Value::Object(keys) => keys,
        _ => Map::new(),
    }
}

/// What a manifest may write for a request parameter.
fn parameter(catalog: &Catalog, param: &Param) -> Value {
    let mut forms = forms(catalog, param);
    forms.push(json!({"$ref": "#/$defs/template"}));
    let mut schema = json!({"description": param.doc, "anyOf": forms});
    if let Some(default) = &param.default {
        schema["default"] = default.clone();
    }
    schema
}

fn forms(catalog: &Catalog, param: &Param) -> Vec<Value> {
    let rules = &param.rules;
    match param.kind {
        ParamKind::Text if param.name == "model" => {
            let model = |name| json!({"const": name, "description": catalog.model_doc(name)});
            catalog.models().into_iter().map(model).collect()
        }
        ParamKind::Text if !rules.one_of.is_empty() => vec![json!({"enum": rules.one_of})],
        ParamKind::Text if rules.ratio => {
            vec![
                json!({"type": "string", "pattern": "^0*[1-9][0-9]*:0*[1-9][0-9]*$", "examples": ["16:9"]}),
            ]
        }
        ParamKind::Text => {
            let mut text = json!({"type": ["string", "number"]});
            if let Some(most) = rules.most {
                text["maxLength"] = json!(most);
            }
            vec![text]
        }
        ParamKind::Number => {
            vec![json!({"type": "number"}), numeric(r"^\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*$")]
        }
        ParamKind::Seconds => vec![
            json!({"type": "integer", "minimum": 1}),
            numeric(r"^\s*[0-9]+(\.0*)?\s*[sS]?\s*$"),
        ],
        ParamKind::OnOff => vec![json!({"enum": ["on", "off", true, false, "yes", "no"]})],
        ParamKind::Bool => vec![json!({"enum": [true, false, "on", "off", "yes", "no"]})],
        ParamKind::TextList => {
            let mut list = json!({"type": "array", "items": {"type": ["string", "integer"]}});
            if let Some(most) = rules.most {
                list["maxItems"] = json!(most);
            }
            vec![list, json!({"type": ["string", "integer"]})]
        }
        ParamKind::Object => vec![object(param)],
        ParamKind::Image => vec![json!({"type": "string", "minLength": 1})],
        ParamKind::Url => {
            vec![json!({"type": "string", "pattern": r"^\s*[hH][tT][tT][pP][sS]?://"})]
        }
    }
}

fn numeric(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

fn object(param: &Param) -> Value {
    let names: Vec<&str> = param.rules.fields.iter().map(|(name, _)| name.as_str()).collect();
    let field = |(name, kind): &(String, ParamKind)| {
        let form = match kind {
            ParamKind::Bool => json!({"enum": [true, false, "on", "off", "yes", "no"]}),
            ParamKind::Number => json!({"type": "number"}),
            _ => json!({"type": ["string", "number"]}),
        };
        (name.clone(), json!({"anyOf": [form, {"$ref": "#/$defs/template"}]}))
    };
    let properties: Map<String, Value> = param.rules.fields.iter().map(field).collect();
    json!({"type": "object", "required": names, "properties": properties})
}
