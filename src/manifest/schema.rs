//! The JSON Schema of a manifest, for editors: built from the catalog's parameters and the
//! manifest's own keys. Refuses nothing that the reader takes, but for what is wrong in `defaults`
//! and used by no shot; what the reader refuses it refuses too, as far as one can tell without the
//! files, the templates' values and the prices.

mod forms;
mod rules;

use serde_json::{Map, Value, json};

use super::shots::shot_set::MAX_SHOTS;
use crate::catalog::{Catalog, Param};

/// What every form of a request parameter is, beside its own.
const TEMPLATE: &str = "#/$defs/template";

/// The JSON Schema (2020-12) of a YAML manifest under `catalog`.
#[must_use]
pub fn schema(catalog: &Catalog) -> Value {
    let mut defs = definitions();
    let mut request = Map::new();
    for param in catalog.params() {
        let name = format!("parameter-{}", param.name);
        request.insert(param.name.clone(), json!({"$ref": format!("#/$defs/{name}")}));
        defs.insert(name, forms::parameter(catalog, param));
    }
    let mut shot = own_keys(catalog);
    shot.extend(request.clone());
    for model in catalog.models() {
        defs.insert(model.to_owned(), rules::model(catalog, model));
        defs.insert(format!("surely-{model}"), rules::surely(model));
    }
    defs.insert(
        "shot".to_owned(),
        json!({
            "description": "An entry: one shot, or several by takes, matrix or the rows of a CSV file.",
            "type": "object",
            "additionalProperties": false,
            "properties": shot,
            "allOf": rules::of_a_shot(catalog),
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rushes manifest",
        "description": format!("A campaign of shots; models and parameters as of {}.", catalog.date()),
        "type": "object",
        "required": ["shots"],
        "additionalProperties": false,
        "properties": settings(&request),
        "allOf": rules::of_a_manifest(catalog),
        "$defs": defs,
    })
}

/// What stands above the shots, and the shots.
fn settings(request: &Map<String, Value>) -> Value {
    json!({
        "campaign": {
            "description": "The campaign's name and, unless --out says otherwise, its folder below renders/.",
            "anyOf": [{"$ref": "#/$defs/file_name"}, {"type": "null"}],
        },
        "include": {
            "description": "Another YAML file, or a list of them, whose `defaults` and `vars` hold here too.",
            "anyOf": [
                {"$ref": "#/$defs/path"},
                {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/path"}},
            ],
        },
        "budget": budget(),
        "on_doubt": {
            "description": "What to do with a shot that may have been bought.",
            "anyOf": [
                {"const": "hold", "description": "Hold it for `rushes resolve` (default)."},
                {"const": "resubmit", "description": "Buy it again, and accept paying twice."},
            ],
            "default": "hold",
        },
        "callback": callback(),
        "check_charges": {
            "description": "Ask the gateway's records what finished tasks really cost, and report that beside their prices.",
            "anyOf": forms::switch(["true", "false"], &[true, false], false),
            "default": false,
        },
        "notify": notify(),
        "vars": {
            "description": "Names for {{ name }} in the shots' texts.",
            "type": ["object", "null"],
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"$ref": "#/$defs/scalar"},
        },
        "limits": limits(),
        "defaults": {
            "description": "Request parameters of every shot that does not say otherwise.",
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": request,
        },
        "shots": {
            "description": "What to render.",
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/shot"},
        },
    })
}

fn budget() -> Value {
    let cap = json!({
        "description": "US dollars, such as 25 or 0.50.",
        "anyOf": [
            {"type": "number", "minimum": 0.000_001, "maximum": 1_000_000_000},
            {"type": "string", "pattern": r"^\s*\+?[0-9]*[1-9][0-9]*(\.[0-9]*)?\s*$|^\s*\+?[0-9]*\.[0-9]{0,5}[1-9]0*\s*$"},
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
                        "anyOf": forms::switch(["true", "false"], &[true, false], false),
                        "default": false,
                    },
                },
            },
        ],
    })
}

fn callback() -> Value {
    json!({
        "description": "Where the gateway can call when a task has ended: finished shots are fetched at once, and shots in doubt are found again.",
        "type": "object",
        "required": ["listen", "url"],
        "additionalProperties": false,
        "properties": {
            "listen": {
                "description": "An address of this machine with a port, such as 127.0.0.1:8787.",
                "type": "string",
                "pattern": r"^\s*([0-9.]+|\[[0-9a-fA-F:.]+\]):0*[1-9][0-9]{0,4}\s*$",
            },
            "url": {
                "description": "The address under which the gateway reaches that one, such as https://hooks.example.com/rushes; each request gets its own secret part after it.",
                "type": "string",
                "pattern": r#"^\s*[hH][tT][tT][pP][sS]?://[^/?#\s:@"<>\\][^/?#\s@"<>\\]*(/[^?#\s"<>\\]*)?\s*$"#,
            },
            "wait": {
                "description": "How long after its submission a shot in doubt is waited for.",
                "$ref": "#/$defs/span",
                "default": "30m",
            },
        },
    })
}

fn notify() -> Value {
    let loopback = r"(localhost|127\.[0-9]+\.[0-9]+\.[0-9]+|\[::1\])(:[0-9]+)?";
    let end = r"([/?#][!#-;=?-\[\]-~]*)?\s*$";
    let host = r#"[hH][tT][tT][pP][sS]://[^/?#\s:@"<>\\][!$-.0-;=A-\[\]-~]*"#;
    let url = json!({
        "description": "Where a short JSON message is posted, such as a chat's incoming webhook: https, or http on this machine. A secret; RUSHES_NOTIFY_URL beats it.",
        "type": "string",
        "pattern": format!(r"^\s*({host}|[hH][tT][tT][pP]://{loopback}){end}"),
        "not": {"pattern": r"^\s*[^/]*//[^/?#]*@"},
        "maxLength": 2048,
    });
    let occasion = json!({
        "anyOf": [
            {"const": "end", "description": "The run has ended, however it did."},
            {"const": "cap", "description": "Nothing that waits fits under the cap."},
            {"const": "credit", "description": "The gateway's account is out of credit."},
            {"const": "failures", "description": "Many shots fail."},
        ],
    });
    json!({
        "description": "Who is told how a run goes.",
        "anyOf": [
            url,
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "url": url,
                    "on": {
                        "description": "What to be told of, each once a run; everything unless given.",
                        "anyOf": [{"type": "array", "minItems": 1, "items": occasion}, occasion],
                    },
                    "failures": {
                        "description": "So many failed shots in a run are many; so is a third of the last 20.",
                        "$ref": "#/$defs/count",
                        "default": 10,
                    },
                },
            },
        ],
    })
}

fn limits() -> Value {
    let count = |doc: &str, default: u32| json!({"$ref": "#/$defs/count", "description": doc, "default": default});
    let span = |doc: &str, default: &str| json!({"$ref": "#/$defs/span", "description": doc, "default": default});
    let rate = |doc: &str, default: &str| json!({"$ref": "#/$defs/rate", "description": doc, "default": default});
    json!({
        "description": "What a run keeps to.",
        "type": ["object", "null"],
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
fn own_keys(catalog: &Catalog) -> Map<String, Value> {
    let param = |param: &Param| (param.name.clone(), forms::values(catalog, param));
    let known: Vec<&str> = catalog.params().iter().map(|param| param.name.as_str()).collect();
    let variables: Map<String, Value> = catalog.params().iter().map(param).collect();
    let keys = json!({
        "id": {
            "description": "The shot's name, and its clip's: letters, digits, - _ and a dot; unique in the campaign.",
            "anyOf": [{"$ref": "#/$defs/file_name"}, {"$ref": TEMPLATE}, {"type": "null"}],
        },
        "takes": {
            "description": "How many clips of this shot; each has its own id, price and clip.",
            "$ref": "#/$defs/count",
            "maximum": MAX_SHOTS,
            "default": 1,
        },
        "matrix": {
            "description": "Names and their values: a shot for every combination. A name that is a request parameter sets it; every other is for {{ name }}.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/$defs/name"},
            "properties": variables,
            "additionalProperties": {
                "description": "The values of a name for {{ name }}.",
                "type": "array",
                "minItems": 1,
                "uniqueItems": true,
                "items": {"$ref": "#/$defs/scalar"},
            },
        },
        "from": {
            "description": "A CSV file beside the manifest: a shot for every row. Columns named like request parameters set them, all others are names for {{ name }}.",
            "$ref": "#/$defs/path",
        },
        "priority": {
            "description": "A whole number; higher is submitted first.",
            "anyOf": [
                {"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX},
                {"type": "string", "pattern": r"^\s*[-+]?[0-9]{1,9}(\.0)?\s*$"},
            ],
            "default": 0,
        },
        "tags": {
            "description": "Words to sort and filter by.",
            "anyOf": [
                {"type": "array", "items": {"$ref": "#/$defs/scalar"}},
                {"$ref": "#/$defs/scalar"},
                {"type": "null"},
            ],
        },
        "clip_name": {
            "description": "The clip's path below clips/ without .mp4; the id unless given.",
            "anyOf": [{"$ref": "#/$defs/clip_path"}, {"$ref": TEMPLATE}],
        },
        "extra": {
            "description": "Parameters to pass through that rushes does not know.",
            "type": "object",
            "propertyNames": {"not": {"enum": known}},
        },
    });
    match keys {
        Value::Object(keys) => keys,
        _ => Map::new(),
    }
}

/// A part of a path that is a safe file name, as [`crate::shot::ShotId`] has it.
const SAFE: &str = r"[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0]([^\x00-\x2c\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0]*[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa0])?";
/// Names that Windows keeps for itself.
const DEVICE: &str =
    r"([cC][oO][nN]|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]|[cC][oO][mM][1-9]|[lL][pP][tT][1-9])";

fn definitions() -> Map<String, Value> {
    let plain = json!([{"type": "integer", "minimum": 0}, {"type": "number", "minimum": 0}, {"type": "boolean"}]);
    let named = |pattern: String, device: String, most: usize| {
        let text = json!({"type": "string", "pattern": pattern, "not": {"pattern": device}, "maxLength": most});
        let mut forms = vec![text];
        forms.extend(plain.as_array().cloned().unwrap_or_default());
        forms
    };
    let definitions = json!({
        "template": {
            "description": "A text with {{ name }} from the matrix, the row, `take` or `vars`.",
            "type": "string",
            "pattern": r"\{[{%#]",
        },
        "scalar": {
            "description": "A text, a number, true or false.",
            "type": ["string", "number", "boolean"],
        },
        "name": {
            "description": "Letters, digits and _, beginning with a letter; not `id` or `take`.",
            "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
            "not": {"enum": ["id", "take"]},
        },
        "path": {
            "description": "A file, relative to the manifest's folder.",
            "type": "string",
            "minLength": 1,
        },
        "file_name": {
            "description": "Letters, digits, `-`, `_` and `.`: a name that is safe for a file.",
            "anyOf": named(format!("^{SAFE}$"), format!(r"^{DEVICE}(\.|$)"), 150),
        },
        "clip_path": {
            "description": "Safe names with / between them, such as scene-1/beach.",
            "anyOf": named(format!("^{SAFE}(/{SAFE})*$"), format!(r"(^|/){DEVICE}(\.|/|$)"), 604),
        },
        "count": {
            "description": "A whole number from 1 on.",
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": u32::MAX},
                {"type": "string", "pattern": r"^\s*\+?0*[1-9][0-9]{0,9}(\.0)?\s*$"},
            ],
        },
        "span": {
            "description": "A span of time such as 100ms, 5s or 2h.",
            "type": "string",
            "pattern": r"^\s*\+?([0-9]|[pP][tT])[0-9a-zA-Zµ.,:\s]*$",
            "allOf": [{"pattern": "[1-9]"}, {"pattern": "[a-zA-Zµ:]"}],
        },
        "rate": {
            "description": "So many per second or minute, such as 2/s or 90/min.",
            "type": "string",
            "pattern": r"^\s*\+?0*[1-9][0-9]{0,9}\s*/\s*(s|sec|second|m|min|minute)\s*$",
        },
    });
    match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}
