//! The schema takes every manifest that comes with rushes and refuses what an editor should mark.

use serde_json::{Value, json};

use super::schema;
use crate::catalog::Catalog;

const MANIFESTS: [(&str, &str); 7] = [
    ("demo", include_str!("../../../manifests/demo.yaml")),
    ("overnight-bulk", include_str!("../../../manifests/overnight-bulk.yaml")),
    ("capped-campaign", include_str!("../../../manifests/capped-campaign.yaml")),
    ("products", include_str!("../../../manifests/products.yaml")),
    ("image-to-video-voice", include_str!("../../../manifests/image-to-video-voice.yaml")),
    ("motion-control", include_str!("../../../manifests/motion-control.yaml")),
    ("starter", include_str!("../../cli/starter.yaml")),
];

/// Whether a value keeps to a schema: the keywords that this schema uses. Of patterns only that
/// of a template is looked at.
fn keeps(root: &Value, schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, rule)| match keyword.as_str() {
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            keeps(root, &root["$defs"][name], value)
        }
        "anyOf" => rule.as_array().unwrap().iter().any(|schema| keeps(root, schema, value)),
        "not" => !keeps(root, rule, value),
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "type" => match rule {
            Value::Array(types) => types.iter().any(|name| is_a(value, name)),
            name => is_a(value, name),
        },
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > rule.as_f64().unwrap()),
        "minLength" => length(value).is_none_or(|length| length >= rule.as_u64().unwrap()),
        "maxLength" => length(value).is_none_or(|length| length <= rule.as_u64().unwrap()),
        "minItems" => count(value).is_none_or(|count| count >= rule.as_u64().unwrap()),
        "maxItems" => count(value).is_none_or(|count| count <= rule.as_u64().unwrap()),
        "minProperties" => {
            value.as_object().is_none_or(|it| it.len() as u64 >= rule.as_u64().unwrap())
        }
        "items" => {
            value.as_array().is_none_or(|items| items.iter().all(|item| keeps(root, rule, item)))
        }
        "required" => value.as_object().is_none_or(|it| {
            rule.as_array().unwrap().iter().all(|name| it.contains_key(name.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|it| {
            it.iter()
                .all(|(name, value)| rule.get(name).is_none_or(|rule| keeps(root, rule, value)))
        }),
        "propertyNames" => {
            value.as_object().is_none_or(|it| it.keys().all(|name| keeps(root, rule, &json!(name))))
        }
        "additionalProperties" => value.as_object().is_none_or(|it| {
            let others = it.iter().filter(|(name, _)| schema["properties"].get(name).is_none());
            let mut others = others.map(|(_, value)| value);
            others.all(|value| rule.as_bool().unwrap_or_else(|| keeps(root, rule, value)))
        }),
        "pattern" if rule == r"\{[{%#]" => value.as_str().is_none_or(|text| text.contains("{{")),
        "pattern" | "$schema" | "$defs" | "title" | "description" | "default" | "examples" => true,
        other => panic!("the schema uses {other}, which this test does not know"),
    })
}

fn is_a(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        other => panic!("{other}"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn count(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

fn takes(manifest: &Value) -> bool {
    let schema = schema(&Catalog::builtin());
    keeps(&schema, &schema, manifest)
}

/// A manifest of one shot with this key.
fn with(key: &str, value: Value) -> Value {
    let mut shot = json!({"id": "a", "prompt": "x"});
    shot[key] = value;
    json!({"shots": [shot]})
}

#[test]
fn every_manifest_that_comes_with_rushes_is_taken() {
    for (name, text) in MANIFESTS {
        let options = serde_yaml::options! { strict_booleans: true };
        let manifest: Value = serde_yaml::from_str_with_options(text, options).unwrap();
        assert!(takes(&manifest), "{name}");
        assert_eq!(manifest["campaign"], name, "a manifest's campaign is called like its file");
    }
}

#[test]
fn what_people_may_write_is_taken() {
    for (key, value) in [
        ("duration", json!(5)),
        ("duration", json!("5s")),
        ("duration", json!("{{ seconds }}")),
        ("sound", json!(true)),
        ("sound", json!("on")),
        ("voice_list", json!("a;b")),
        ("voice_list", json!([829_824_295_735_410_756_u64])),
        ("prompt", json!(format!("{{{{ x }}}}{}", "x".repeat(2600)))),
        ("prompt", json!("é".repeat(2500))),
        ("watermark_info", json!({"enabled": "{{ marked }}"})),
        ("camera_control", json!({"type": "simple", "config": {"pan": 1}})),
        ("extra", json!({"seed": 7})),
        ("tags", json!(["a", 7])),
        ("takes", json!(2)),
    ] {
        assert!(takes(&with(key, value.clone())), "{key}: {value}");
    }
    for budget in [json!(25), json!("0.50"), json!({"cap": 25, "strict": true})] {
        assert!(takes(&json!({"budget": budget, "shots": [{}]})), "{budget}");
    }
}

#[test]
fn what_an_editor_should_mark_is_refused() {
    for (key, value) in [
        ("promt", json!("x")),
        ("duration", json!(0)),
        ("mode", json!("best")),
        ("model", json!("kling")),
        ("voice_list", json!(["a", "b", "c"])),
        ("camera_control", json!({})),
        ("camera_control", json!("simple")),
        ("watermark_info", json!({"enabled": 5})),
        ("takes", json!(0)),
        ("takes", json!(1.5)),
        ("extra", json!({"mode": "pro"})),
        ("prompt", json!("x".repeat(2501))),
        ("prompt", json!(["x"])),
        ("sound", json!("loud")),
        ("matrix", json!({})),
        ("matrix", json!({"a": []})),
        ("matrix", json!({"take": [1]})),
    ] {
        assert!(!takes(&with(key, value.clone())), "{key}: {value}");
    }
    for manifest in [
        json!([]),
        json!({}),
        json!({"shots": []}),
        json!({"shots": [{}], "shot": 1}),
        json!({"shots": [{}], "budget": -1}),
        json!({"shots": [{}], "budget": {"max": 5}}),
        json!({"shots": [{}], "limits": {"rates": "5/s"}}),
        json!({"shots": [{}], "limits": {"attempts": 0}}),
        json!({"shots": [{}], "on_doubt": "retry"}),
        json!({"shots": [{}], "vars": {"a": [1]}}),
        json!({"shots": [{}], "defaults": {"takes": 2}}),
    ] {
        assert!(!takes(&manifest), "{manifest}");
    }
}

#[test]
fn every_parameter_is_explained_in_the_catalog_s_words() {
    let catalog = Catalog::builtin();
    let schema = schema(&catalog);
    for param in catalog.params() {
        for place in ["/$defs/shot/properties", "/properties/defaults/properties"] {
            let found = &schema.pointer(place).unwrap()[&param.name];
            assert_eq!(found["description"], param.doc, "{place}/{}", param.name);
            assert_eq!(found.get("default"), param.default.as_ref());
        }
    }
    let models = &schema["$defs"]["shot"]["properties"]["model"]["anyOf"];
    for (place, name) in catalog.models().into_iter().enumerate() {
        assert_eq!(models[place]["const"], name);
    }
}
