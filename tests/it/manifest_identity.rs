//! Who is who: a campaign comes to the same shots however it is written down, what is done to one
//! shot's siblings never makes it another shot, and a change of what it means always does. The
//! reader is held against a naive model, on campaigns of every kind in every dress.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use rushes::catalog::Catalog;
use rushes::domain::shot::{Fingerprint, Shot};
use rushes::manifest::{Reading, load};
use serde_json::Value as Json;

mod generate;
mod model;
mod table;
mod tree;
mod writer;

use generate::Dice;
use model::Campaign;
use tree::Style;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);

/// A campaign written down in one of its dresses.
struct Written {
    files: BTreeMap<String, String>,
    manifest: &'static str,
}

fn write(campaign: &Campaign, seed: u64) -> Written {
    let style = &mut Style::new(seed);
    let mut files = BTreeMap::new();
    let mut manifest = "shots.yaml";
    for entry in &campaign.entries {
        let Some(table) = &entry.table else { continue };
        let csv = table::text(entry, table, style);
        let name = if entry.named { tree::csv_name(entry.who) } else { "shots.csv".to_owned() };
        files.insert(name, csv);
        manifest = if entry.named { manifest } else { "shots.csv" };
    }
    if manifest == "shots.yaml" {
        let tree = tree::tree(campaign, style);
        files.insert(manifest.to_owned(), writer::text(&tree, style));
    }
    Written { files, manifest }
}

/// What the reader makes of it, by id. It panics with the manifest when the reader refuses it.
fn read(campaign: &Campaign, seed: u64) -> BTreeMap<String, Shot> {
    let written = write(campaign, seed);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &written.files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (name, bytes) in &campaign.stills {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let reading = Reading { catalog: &CATALOG, capped: Some(false), color: false };
    match load(&folder.path().join(written.manifest), &reading) {
        Ok(read) => read.shots.into_iter().map(|shot| (shot.id.to_string(), shot)).collect(),
        Err(mistakes) => panic!("{mistakes}\n{}", show(&written)),
    }
}

fn show(written: &Written) -> String {
    let files = written.files.iter().map(|(name, text)| format!("--- {name}\n{text}\n"));
    files.collect::<Vec<_>>().concat()
}

/// The model's shots and the reader's are the same; gives the reader's fingerprints.
fn agree(campaign: &Campaign, seed: u64) -> Result<BTreeMap<String, Fingerprint>, TestCaseError> {
    let shots = read(campaign, seed);
    let expected = campaign.shots();
    let wrong = || show(&write(campaign, seed));
    let ids: Vec<&String> = expected.values().map(|shot| &shot.id).collect();
    for id in &ids {
        prop_assert!(shots.contains_key(*id), "no {} in {:?}\n{}", id, shots.keys(), wrong());
    }
    prop_assert_eq!(shots.len(), ids.len(), "{}", wrong());
    for shot in expected.values() {
        let read = &shots[&shot.id];
        let request: Json = serde_json::from_str(&read.request.json).unwrap();
        prop_assert_eq!(&numbers(&request), &numbers(&shot.request), "{}\n{}", &shot.id, wrong());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let files =
            read.request.files.iter().map(|file| (file.param.to_string(), name(&file.path)));
        let files: BTreeMap<String, String> = files.collect();
        prop_assert_eq!(&files, &shot.files, "{}\n{}", &shot.id, wrong());
    }
    Ok(shots.into_iter().map(|(id, shot)| (id, shot.fingerprint)).collect())
}

/// The same JSON with every number as a float: 1 and 1.0 are one number.
fn numbers(json: &Json) -> Json {
    match json {
        Json::Number(number) => number.as_f64().into(),
        Json::Array(items) => items.iter().map(numbers).collect(),
        Json::Object(fields) => Json::Object(
            fields.iter().map(|(name, value)| (name.clone(), numbers(value))).collect(),
        ),
        other => other.clone(),
    }
}

/// Bytes to make a campaign by, or to change it by. What a failure says of them is one line.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", format!("{:?}", self.0).replace(' ', ""))
    }
}

fn bytes(most: usize) -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(Bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 2, max_shrink_iters: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_campaign_comes_to_the_same_in_any_dress(made in bytes(300), one in any::<u64>(), two in any::<u64>()) {
        let campaign = generate::campaign(&mut Dice::new(&made.0));
        prop_assume!(campaign.is_sound());
        let plain = agree(&campaign, 0)?;
        prop_assert_eq!(&plain, &agree(&campaign, one)?);
        prop_assert_eq!(&plain, &agree(&campaign, two)?);
    }

    #[test]
    fn siblings_and_settings_change_no_shot(made in bytes(300), stirred in bytes(120), one in any::<u64>(), two in any::<u64>()) {
        let before = generate::campaign(&mut Dice::new(&made.0));
        let mut after = before.clone();
        generate::stir(&mut after, &mut Dice::new(&stirred.0));
        prop_assume!(before.is_sound() && after.is_sound());
        let (old, new) = (agree(&before, one)?, agree(&after, two)?);
        let after = after.shots();
        for (origin, shot) in before.shots() {
            let Some(now) = after.get(&origin) else { continue };
            prop_assert_eq!(&shot.id, &now.id);
            prop_assert_eq!(old[&shot.id], new[&now.id], "{}", shot.id);
        }
    }

    #[test]
    fn the_fingerprint_changes_when_and_only_when_the_meaning_does(made in bytes(300), changed in bytes(20), seed in any::<u64>()) {
        let before = generate::campaign(&mut Dice::new(&made.0));
        let mut after = before.clone();
        generate::change(&mut after, &mut Dice::new(&changed.0));
        prop_assume!(before.is_sound() && after.is_sound());
        let (old, new) = (agree(&before, seed)?, agree(&after, seed)?);
        let after = after.shots();
        for (origin, shot) in before.shots() {
            let Some(now) = after.get(&origin) else { continue };
            let same = numbers(&shot.meaning) == numbers(&now.meaning);
            prop_assert_eq!(same, old[&shot.id] == new[&now.id], "{}: {} {}", shot.id, shot.meaning, now.meaning);
        }
    }
}

/// The shots of a manifest and its `rows.csv`: id and request.
fn shots(manifest: &str, rows: &str) -> BTreeMap<String, Json> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shots.yaml"), manifest).unwrap();
    std::fs::write(folder.path().join("rows.csv"), rows).unwrap();
    let reading = Reading { catalog: &CATALOG, capped: Some(false), color: false };
    let read = load(&folder.path().join("shots.yaml"), &reading).unwrap_or_else(|m| panic!("{m}"));
    let json = |shot: &Shot| serde_json::from_str(&shot.request.json).unwrap();
    read.shots.iter().map(|shot| (shot.id.to_string(), json(shot))).collect()
}

const HEAD: &str = "vars: {n: 2}\ndefaults: {model: kling-v3, prompt: x}\nshots:\n";

#[test]
fn a_duration_is_the_same_id_part_however_it_is_written() {
    let manifest = format!("{HEAD}  - {{id: a, from: rows.csv, prompt: null}}\n");
    let matrix =
        |value: &str| shots(&format!("{HEAD}  - {{id: a, matrix: {{duration: [{value}]}}}}\n"), "");
    let rows = |value: &str| shots(&manifest, &format!("prompt,duration\nbeach,{value}\n"));
    for other in ["5.0", "5s", "\"5\"", "\"5 s\""] {
        assert_eq!(matrix("5"), matrix(other), "{other}");
        assert_eq!(rows("5"), rows(other), "{other}");
    }
    let matrix =
        |value: &str| shots(&format!("{HEAD}  - {{id: a, matrix: {{sound: [{value}]}}}}\n"), "");
    for other in ["yes", "true", "On", "1"] {
        assert_eq!(matrix("on"), matrix(other), "{other}");
    }
}

#[test]
fn a_name_yields_what_was_written() {
    let manifest = "vars: {a: \"true\"}
defaults: {model: kling-v3}
shots:
  - {id: v, prompt: \"{{ a }}\"}
  - {id: m, prompt: \"{{ b }}\", matrix: {b: [true]}}
  - {id: r, prompt: \"{{ c }}\", from: rows.csv}
";
    for (id, request) in shots(manifest, "id,c\nx,true\n") {
        assert_eq!(request["prompt"], "true", "{id}");
    }
}

#[test]
fn a_part_changes_an_object_that_is_written_as_json() {
    let object = r#"camera_control: '{"type": "simple", "config": {"zoom": 2}}'"#;
    let manifest = format!("{HEAD}  - {{id: a, from: rows.csv, {object}}}\n");
    let shots = shots(&manifest, "id,camera_control.type\nx,down\n");
    let expected = serde_json::json!({"type": "down", "config": {"zoom": 2}});
    assert_eq!(shots["a-x"]["camera_control"], expected);
}

#[test]
fn cells_that_a_cell_uses_tell_rows_apart() {
    let manifest = format!("{HEAD}  - {{id: a, from: rows.csv, prompt: null}}\n");
    let rows = "prompt,town\nA beach in {{ town }},Rome\nA beach in {{ town }},Oslo\n";
    assert_eq!(shots(&manifest, rows).len(), 2);
}
