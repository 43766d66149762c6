//! The schema and the reader come to the same verdict, wherever a schema can express the rule.

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use rushes::catalog::Catalog;
use rushes::manifest::schema::schema;
use rushes::manifest::{Reading, load};
use serde_json::{Value, json};

use crate::broken;
use crate::cases::cases;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema, compiled: its own schema is looked at first.
struct Judge(Schemas, SchemaIndex);

impl Judge {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler
            .add_resource("https://rushes.example/schema.json", schema(&Catalog::builtin()))
            .unwrap();
        let index = compiler.compile("https://rushes.example/schema.json", &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self(schemas, index)
    }

    /// Why it is refused, if it is.
    fn refuses(&self, manifest: &Value) -> Option<String> {
        self.0.validate(manifest, self.1).err().map(|error| format!("{error:#}"))
    }
}

/// A manifest as an editor reads it: YAML 1.2, merge keys and aliases resolved.
fn read(yaml: &str) -> Option<Value> {
    let options = serde_yaml::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    serde_yaml::from_str_with_options(yaml, options).ok()
}

#[test]
fn the_schema_is_one() {
    let schema = schema(&Catalog::builtin());
    assert_eq!(schema["$schema"], DRAFT);
    let mut schemas = Schemas::new();
    let index = Compiler::new().compile(DRAFT, &mut schemas).unwrap();
    schemas.validate(&schema, index).unwrap_or_else(|error| panic!("{error:#}"));
    Judge::new();
}

#[test]
fn both_take_every_good_manifest() {
    let judge = Judge::new();
    let mut wrong: Vec<String> = Vec::new();
    let cases = cases("good").into_iter().chain(cases("odd"));
    for case in cases.filter(|case| case.yaml().is_some()) {
        let manifest = read(case.yaml().unwrap());
        let manifest = manifest.unwrap_or_else(|| panic!("{}: no YAML", case.title));
        if let Some(why) = judge.refuses(&manifest) {
            wrong.push(format!("{}: the schema refuses it: {why}", case.title));
        }
        match (case.load().0, case.option("awaits")) {
            (Err(mistakes), None) => wrong.push(format!("{}:\n{mistakes}", case.title)),
            (Ok(_), Some(_)) => wrong.push(format!("{}: awaits nothing any more", case.title)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_take_every_manifest_that_comes_with_rushes() {
    let judge = Judge::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::fs::read_dir(root.join("manifests")).unwrap();
    let shipped = folder.map(|entry| entry.unwrap().path());
    for path in shipped.chain([root.join("src/cli/starter.yaml")]) {
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let manifest = read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let verdict = judge.refuses(&manifest);
        assert!(verdict.is_none(), "{}: {}", path.display(), verdict.unwrap_or_default());
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(manifest["campaign"], stem, "a campaign is called like its file");
    }
}

#[test]
fn both_refuse_every_broken_manifest() {
    let judge = Judge::new();
    let mut wrong: Vec<String> = Vec::new();
    for case in broken::TOPICS.iter().flat_map(|topic| cases(&format!("broken/{topic}"))) {
        let manifest = case.yaml().and_then(read);
        let refused = manifest.and_then(|manifest| judge.refuses(&manifest));
        match (case.yaml().and_then(read), refused, case.option("schema")) {
            (Some(_), None, None) => wrong.push(format!("the schema takes {}", case.title)),
            (Some(_), Some(why), Some(_)) => {
                wrong.push(format!("the schema refuses {}: {why}", case.title));
            }
            (None, _, Some(_)) => wrong.push(format!("no YAML, no mark: {}", case.title)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values of each parameter, those that are right first: they are taken more often.
const SAID: [(&str, &[&str]); 12] = [
    ("model", &["kling-v3", "kling-v2-6", "{{ m }}", "kling-motion-control", "kling", ""]),
    ("prompt", &["A beach", "{{ m }}", ""]),
    ("image", &["https://example.com/a.png", "{{ u }}", "ftp://example.com", ""]),
    ("mode", &["std", "pro", "{{ p }}", "best"]),
    ("duration", &["5", "10.0", "{{ s }}", "7", "12s", "31", "0", "long"]),
    ("sound", &["on", "Yes", "off", "0", "{{ p }}", "loud"]),
    ("voice_list", &["a1", "a1;b2", "a;b;c", "{{ p }}", ""]),
    ("image_tail", &["https://example.com/b.png", "{{ u }}"]),
    ("motion_video", &["https://example.com/c.mp4", "{{ u }}", "c.mp4"]),
    ("aspect_ratio", &["16:9", "0:9", "16x9"]),
    ("multi_shot", &["TRUE", "no", "several"]),
    ("watermark_info", &["{\"enabled\": true}", "true"]),
];

/// A key and one of its values: as a text, as what YAML makes of it, in a list, or nothing.
fn said() -> impl Strategy<Value = (String, Value)> {
    let any = (0..SAID.len(), 0..8_usize, 0..8_usize, 0..8_usize, 0..12_u8);
    any.prop_map(|(key, one, two, three, form)| {
        let (key, values) = SAID[key];
        let text = values[one.min(two).min(three) % values.len()];
        let value = match form {
            0 => Value::Null,
            1 if key == "voice_list" => json!([text]),
            2 => serde_json::from_str(text).unwrap_or(json!(text)),
            _ => json!(text),
        };
        (key.to_owned(), value)
    })
}

fn shot() -> impl Strategy<Value = Value> {
    let matrix = proptest::collection::vec(said(), 0..2);
    (proptest::collection::vec(said(), 1..5), matrix).prop_map(|(keys, matrix)| {
        let mut shot: serde_json::Map<String, Value> = keys.into_iter().collect();
        for (key, value) in matrix {
            shot.insert("matrix".to_owned(), json!({(key): [value]}));
        }
        Value::Object(shot)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_schema_refuses_nothing_that_the_reader_takes(
        defaults in proptest::collection::vec(said(), 0..4),
        mut shots in proptest::collection::vec(shot(), 1..3),
    ) {
        thread_local! {
            static JUDGE: Judge = Judge::new();
        }
        for (number, shot) in shots.iter_mut().enumerate() {
            shot["id"] = json!(format!("s{number}"));
            shot["prompt"] = shot.get("prompt").cloned().unwrap_or(json!("A beach"));
        }
        let mut defaults: serde_json::Map<String, Value> = defaults.into_iter().collect();
        defaults.entry("model").or_insert(json!("kling-v3"));
        let vars = json!({"m": "kling-v3", "u": "https://example.com/u", "p": "pro", "s": 5});
        // What is wrong in `defaults` is marked there, even if every shot says otherwise.
        let alone = json!({"defaults": defaults, "shots": [{"from": "rows.csv"}]});
        prop_assume!(JUDGE.with(|judge| judge.refuses(&alone)).is_none());
        let manifest = json!({"vars": vars, "defaults": defaults, "shots": shots});
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shots.yaml");
        std::fs::write(&path, manifest.to_string()).unwrap();
        let catalog = Catalog::builtin();
        if load(&path, &Reading { catalog: &catalog, capped: None, color: false }).is_ok() {
            let why = JUDGE.with(|judge| judge.refuses(&manifest));
            prop_assert!(why.is_none(), "{}", why.unwrap_or_default());
        }
    }
}

#[test]
fn every_property_and_every_choice_is_explained() {
    fn look(at: &str, schema: &Value, wrong: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                for (name, value) in map {
                    look(&format!("{at}/{name}"), value, wrong);
                }
                if map.contains_key("const") && map.len() == 1 && !at.contains("/if/") {
                    wrong.push(format!("{at}: a choice without a word"));
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    look(&format!("{at}/{number}"), item, wrong);
                }
            }
            _ => {}
        }
    }
    let catalog = Catalog::builtin();
    let schema = schema(&catalog);
    let mut wrong = Vec::new();
    for keys in [
        "/properties",
        "/properties/limits/properties",
        "/properties/budget/anyOf/1/properties",
        "/properties/defaults/properties",
        "/$defs/shot/properties",
        "/$defs/shot/properties/matrix/properties",
    ] {
        for (name, property) in schema.pointer(keys).unwrap().as_object().unwrap() {
            let meant = property["$ref"].as_str().and_then(|path| schema.pointer(&path[1..]));
            let meant = meant.unwrap_or(property);
            let words = [property, meant].map(|schema| schema["description"].as_str());
            if words.iter().flatten().all(|word| word.is_empty()) {
                wrong.push(format!("{keys}/{name}: a key without a word"));
            }
            look(&format!("{keys}/{name}"), meant, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for param in catalog.params() {
        let found = &schema["$defs"][format!("parameter-{}", param.name)];
        assert_eq!(found["description"], param.doc, "{}", param.name);
        assert_eq!(found.get("default"), param.default.as_ref());
    }
    let models = &schema["$defs"]["parameter-model"]["anyOf"];
    for (place, name) in catalog.models().into_iter().enumerate() {
        assert_eq!(models[place]["const"], name);
    }
    let pro = &schema["$defs"]["parameter-mode"]["anyOf"][1];
    assert_eq!(*pro, json!({"const": "pro", "description": "high quality"}));
}

#[test]
fn init_writes_the_schema_that_its_manifest_names() {
    let folder = tempfile::tempdir().unwrap();
    let init = std::process::Command::new(env!("CARGO_BIN_EXE_rushes"))
        .arg("init")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(init.status.success());
    let manifest = std::fs::read_to_string(folder.path().join("shots.yaml")).unwrap();
    let modeline = manifest.lines().next().unwrap();
    let name = modeline.strip_prefix("# yaml-language-server: $schema=").unwrap();
    let written = std::fs::read_to_string(folder.path().join(name)).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, schema(&Catalog::builtin()));
}
