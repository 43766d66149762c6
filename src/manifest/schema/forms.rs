//! How a request parameter may be written: everything that the catalog's coercion takes.

use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, FOREIGN_OFF, FOREIGN_ON, Form, Param, ParamKind, Values};

/// What may stand behind seconds: `s`, `sec`, `seconds`.
const UNIT: &str = "([sS]([eE][cC]([oO][nN][dD])?[sS]?)?)?";
/// What every form of a request parameter is, beside its own.
pub(super) const TEMPLATE: &str = "#/$defs/template";

/// What an entry or `defaults` may say for a parameter. Nothing at all is as good as no line.
pub(super) fn parameter(catalog: &Catalog, param: &Param) -> Value {
    let mut forms = of(catalog, param);
    forms.push(json!({"$ref": TEMPLATE}));
    forms.push(json!({"type": "null", "description": "Left out."}));
    let mut schema = json!({"description": param.doc, "anyOf": forms});
    if let Some(default) = &param.default {
        schema["default"] = default.clone();
    }
    schema
}

/// The values of a matrix's variable that is called like a parameter: each is one text or number.
pub(super) fn values(catalog: &Catalog, param: &Param) -> Value {
    let mut forms = match param.kind {
        ParamKind::Object => vec![json_text()],
        ParamKind::ObjectList => {
            vec![json!({"type": "string", "pattern": r"^\s*\[", "description": "As JSON."})]
        }
        ParamKind::TextList => vec![words(param), json!({"type": "number"})],
        _ => of(catalog, param),
    };
    forms.push(json!({"$ref": TEMPLATE}));
    json!({
        "description": format!("Values of `{}`. {}", param.name, param.doc),
        "type": "array",
        "minItems": 1,
        "uniqueItems": true,
        "items": {"anyOf": forms},
    })
}

/// Every form of a parameter's value but templates.
fn of(catalog: &Catalog, param: &Param) -> Vec<Value> {
    match param.kind {
        ParamKind::Text if param.name == "model" => {
            let model = |name| json!({"const": name, "description": catalog.model_doc(name)});
            catalog.models().into_iter().map(model).collect()
        }
        ParamKind::Text if !param.one_of.is_empty() => {
            let one = |value| json!({"const": value, "description": meaning(&param.doc, value)});
            param.one_of.iter().map(one).collect()
        }
        ParamKind::Text if param.form == Some(Form::Ratio) => {
            let side = "0*[1-9][0-9]{0,8}";
            vec![json!({
                "type": "string",
                "pattern": format!("^{side}:{side}$"),
                "examples": ["16:9", "9:16", "1:1"],
            })]
        }
        ParamKind::Text => {
            let mut text = json!({"type": ["string", "number", "boolean"]});
            if let Some(most) = param.most {
                text["maxLength"] = json!(most);
            }
            vec![text]
        }
        ParamKind::Number => number(),
        ParamKind::Seconds => seconds(),
        ParamKind::OnOff => switch(["on", "off"], &[true, false]),
        ParamKind::Bool => switch(["true", "false"], &[true, false]),
        ParamKind::TextList => {
            let item = json!({"type": ["string", "number", "boolean"]});
            let mut list = json!({"type": "array", "items": item});
            if let Some(most) = param.most {
                list["maxItems"] = json!(most);
            }
            vec![list, words(param), json!({"type": ["number", "boolean"]})]
        }
        ParamKind::Object => vec![object(param), json_text()],
        ParamKind::ObjectList => {
            let mut item = object(param);
            item["required"] = param.fields.keys().cloned().collect();
            let mut list = json!({"type": "array", "items": item});
            if let Some(most) = param.most {
                list["maxItems"] = json!(most);
            }
            let text = json!({"type": "string", "pattern": r"^\s*\[", "description": "As JSON."});
            vec![list, text]
        }
        ParamKind::Image => url_or("A file's path, or base64.", r"^\s*[A-Za-z0-9+.-]+://"),
        ParamKind::Video => url_or("A file's path.", r"^\s*([A-Za-z0-9+.-]+://|[dD][aA][tT][aA]:)"),
        ParamKind::Url => vec![json!({"type": "string", "pattern": HTTP})],
    }
}

/// A URL, or anything else that `unlike` does not match.
fn url_or(description: &str, unlike: &str) -> Vec<Value> {
    let url = json!({"type": "string", "pattern": HTTP, "description": "A URL."});
    let other = json!({
        "description": description,
        "type": "string",
        "pattern": r"\S",
        "not": {"pattern": unlike},
    });
    vec![url, other]
}

const HTTP: &str = r"^\s*[hH][tT][tT][pP][sS]?://([^/?#\s]*@)?[^/?#\s@:]\S*\s*$";

/// The forms of those values that a model accepts.
pub(super) fn accepted(param: &Param, values: &Values) -> Vec<Value> {
    match values {
        Values::Seconds(spans) => {
            let mut forms: Vec<Value> = spans
                .iter()
                .map(|(low, high)| json!({"type": "integer", "minimum": low, "maximum": high}))
                .collect();
            let all: Vec<String> = spans
                .iter()
                .flat_map(|(low, high)| (*low..=*high).take(600))
                .map(|seconds| seconds.to_string())
                .collect();
            let text = format!(r"^\s*0*({})([.,]0*)?\s*{UNIT}\s*$", all.join("|"));
            forms.push(json!({"type": "string", "pattern": text}));
            forms
        }
        Values::OneOf(values) if matches!(param.kind, ParamKind::OnOff | ParamKind::Bool) => {
            let on = |value: &Value| *value == json!("on") || *value == json!(true);
            switch(["on", "off"], &values.iter().map(on).collect::<Vec<_>>())
        }
        Values::OneOf(values) => vec![json!({"enum": values})],
        Values::Given(_) => vec![json!(true)],
    }
}

/// Yes and no as people write them: a word, a digit or a boolean. Those of `which`.
fn switch(words: [&str; 2], which: &[bool]) -> Vec<Value> {
    let mut forms = Vec::new();
    for yes in which {
        let description = if *yes { "Yes." } else { "No." };
        forms.push(json!({"const": words[usize::from(!yes)], "description": description}));
        forms.push(json!({"const": yes, "description": description}));
        forms.push(json!({"const": u8::from(*yes), "description": description}));
        let (all, digit) = if *yes { ("true|on|yes", 1) } else { ("false|off|no", 0) };
        let foreign = if *yes { FOREIGN_ON.join("|") } else { FOREIGN_OFF.join("|") };
        let any_case: String = format!("{all}|{foreign}").chars().map(any_case).collect();
        let pattern = format!(r"^\s*({any_case}|{digit})\s*$");
        forms.push(json!({"type": "string", "pattern": pattern, "description": description}));
    }
    forms
}

/// `t` as `[tT]`.
fn any_case(c: char) -> String {
    if c.is_alphabetic() { format!("[{c}{}]", c.to_uppercase()) } else { c.to_string() }
}

fn number() -> Vec<Value> {
    let text = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$";
    vec![json!({"type": "number"}), json!({"type": "string", "pattern": text})]
}

fn seconds() -> Vec<Value> {
    vec![
        json!({"type": "integer", "minimum": 1}),
        json!({"type": "string", "pattern": format!(r"^\s*0*[1-9][0-9]*([.,]0*)?\s*{UNIT}\s*$")}),
    ]
}

/// A text of at least one character, and of at most so many.
fn text(most: Option<&usize>) -> Value {
    let mut text = json!({"type": "string", "pattern": r"\S"});
    if let Some(most) = most {
        text["maxLength"] = json!(most);
    }
    text
}

/// A list in one text: its items with `;`, `,` or `|` between them.
fn words(param: &Param) -> Value {
    let most = param.most.map_or(String::new(), |most| most.to_string());
    let pattern = format!(r"^[;,|\s]*([^;,|\s][^;,|]*([;,|][;,|\s]*|$)){{0,{most}}}$");
    json!({"type": "string", "pattern": pattern, "description": "Items with ; between them."})
}

fn json_text() -> Value {
    json!({"type": "string", "pattern": r"^\s*\{", "description": "All of it as JSON."})
}

/// An object; what it must hold is for [`super::rules`] to say, for a column may add it.
fn object(param: &Param) -> Value {
    let field = |(name, kind): (&String, &ParamKind)| {
        let mut forms = match kind {
            ParamKind::Bool => switch(["true", "false"], &[true, false]),
            ParamKind::Number => number(),
            ParamKind::Seconds => seconds(),
            _ => vec![text(param.fields_most.get(name)), json!({"type": "number"})],
        };
        forms.push(json!({"$ref": TEMPLATE}));
        (name.clone(), json!({"description": param.doc, "anyOf": forms}))
    };
    let properties: Map<String, Value> = param.fields.iter().map(field).collect();
    json!({"type": "object", "properties": properties})
}

/// What a value's parameter says of it in brackets: `std (standard) or pro (high quality)`.
fn meaning<'d>(doc: &'d str, value: &Value) -> &'d str {
    let word = value.as_str().unwrap_or_default();
    let after = doc.split_once(&format!("{word} (")).map(|(_, after)| after);
    after.and_then(|after| after.split(')').next()).unwrap_or(doc)
}
