//! The JSON Schema of a manifest, for editors: built from the catalog's parameters and the
//! manifest's own keys. Refuses nothing that the reader takes, but for what is wrong in `defaults`
//! and used by no shot; what the reader refuses it refuses too, as far as one can tell without the
//! files, the templates' values and the prices.

mod forms;
mod rules;

use serde_json::{Map, Value, json};

use super::shots::expand::MAX_OF_ONE;
use crate::catalog::Catalog;

/// The schema without everything that depends on the catalog.
const FIXED: &str = include_str!("schema/fixed.yaml");
/// The JSON Schema (2020-12) of a YAML manifest under `catalog`.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "the text is part of the program, and every test of the schema reads it"
)]
pub fn schema(catalog: &Catalog) -> Value {
    let options = serde_yaml::options! { strict_booleans: true };
    let mut schema: Value =
        serde_yaml::from_str_with_options(FIXED, options).expect("the schema's fixed part is YAML");
    let params = catalog.params();
    let definition = |param: &str| format!("parameter-{param}");
    let request: Map<String, Value> = params
        .iter()
        .map(|param| {
            (param.name.clone(), json!({"$ref": format!("#/$defs/{}", definition(&param.name))}))
        })
        .collect();
    let known = params.iter().filter(|param| !param.also_extra);
    let names: Vec<&str> = known.map(|param| param.name.as_str()).collect();
    let variables: Map<String, Value> =
        params.iter().map(|param| (param.name.clone(), forms::values(catalog, param))).collect();

    let defs = schema["$defs"].as_object_mut();
    let mut shot = defs.and_then(|defs| defs.shift_remove("shot")).unwrap_or_default();
    shot["allOf"] = rules::of_a_shot(catalog).into();
    let keys = &mut shot["properties"];
    keys["takes"]["anyOf"][0]["maximum"] = MAX_OF_ONE.into();
    keys["matrix"]["properties"] = variables.into();
    keys["extra"]["propertyNames"]["not"]["enum"] = names.into();
    for (name, parameter) in &request {
        keys[name] = parameter.clone();
    }
    let defs = &mut schema["$defs"];
    for param in params {
        defs[definition(&param.name)] = forms::parameter(catalog, param);
    }
    for model in catalog.models() {
        defs[model] = rules::model(catalog, model);
        defs[format!("surely-{model}")] = rules::surely(model);
    }
    defs["shot"] = shot;
    let about = format!("A campaign of shots; models and parameters as of {}.", catalog.date());
    schema["description"] = about.into();
    schema["properties"]["defaults"]["properties"] = request.into();
    schema["allOf"] = rules::of_a_manifest(catalog).into();
    schema
}
