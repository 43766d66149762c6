//! The schema and the reader come to the same verdict, wherever a schema can express the rule.

use boon::{Compiler, SchemaIndex, Schemas};
use rushes::catalog::Catalog;
use rushes::manifest::schema::schema;
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
    let mut wrong = String::new();
    for case in cases("good") {
        let manifest = read(case.yaml().unwrap());
        let manifest = manifest.unwrap_or_else(|| panic!("{}: no YAML", case.title));
        if let Some(why) = judge.refuses(&manifest) {
            wrong += &format!("{}: the schema refuses it: {why}\n\n", case.title);
        }
        match (case.load().0, case.option("awaits")) {
            (Err(mistakes), None) => wrong += &format!("{}:\n{mistakes}\n\n", case.title),
            (Ok(_), Some(_)) => wrong += &format!("{}: awaits nothing any more\n", case.title),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
    let mut wrong = String::new();
    for case in broken::TOPICS.iter().flat_map(|topic| cases(&format!("broken/{topic}"))) {
        let manifest = case.yaml().and_then(read);
        let refused = manifest.and_then(|manifest| judge.refuses(&manifest));
        match (case.yaml().and_then(read), refused, case.option("schema")) {
            (Some(_), None, None) => wrong += &format!("the schema takes {}\n", case.title),
            (Some(_), Some(why), Some(_)) => {
                wrong += &format!("the schema refuses {}: {why}\n", case.title);
            }
            (None, _, Some(_)) => wrong += &format!("no YAML, no mark: {}\n", case.title),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
            if property["description"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{keys}/{name}: a key without a word"));
            }
            look(&format!("{keys}/{name}"), property, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let modes = &schema["$defs"]["shot"]["properties"]["mode"]["anyOf"];
    assert_eq!(modes[1], json!({"const": "pro", "description": "high quality"}));
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
