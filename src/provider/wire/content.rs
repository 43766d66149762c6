//! What an answer tells of a task's content: its model and its prompt, beside the state or in the
//! request as the gateway repeats it.

use serde_json::{Map, Value};

use crate::domain::content::Told;

use super::super::apimodels::spec;

/// How deep the request is looked for: `param`, and `input` in it.
const DEEPEST: u8 = 3;

/// Every model and prompt that `data` names, those beside the state first.
pub(super) fn told(fields: &Map<String, Value>) -> Told {
    let mut told = Told::default();
    collect(fields, DEEPEST, &mut told);
    told
}

fn collect(fields: &Map<String, Value>, deeper: u8, told: &mut Told) {
    let Some(deeper) = deeper.checked_sub(1) else { return };
    let answer = &spec().answer;
    for (name, value) in fields {
        if let Some(text) = value.as_str().map(str::trim).filter(|text| !text.is_empty()) {
            if is_one_of(name, &answer.model) {
                told.models.push(text.to_owned());
            } else if is_one_of(name, &answer.prompt) {
                told.prompts.push(text.to_owned());
            }
        }
    }
    for (name, value) in fields {
        match value {
            _ if !is_one_of(name, &answer.request) => {}
            Value::Object(request) => collect(request, deeper, told),
            Value::String(text) => {
                if let Ok(Value::Object(request)) = serde_json::from_str(text) {
                    collect(&request, deeper, told);
                }
            }
            _ => {}
        }
    }
}

/// Whether a field has one of these names; letter case, `_` and `-` do not matter.
fn is_one_of(name: &str, names: &[String]) -> bool {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = plain(name);
    names.iter().any(|known| plain(known) == name)
}
