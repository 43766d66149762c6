//! The manifest language: what loads, what does not and where it says so, and who is who.

use std::path::Path;

use rushes::catalog::Catalog;
use rushes::manifest::{Campaign, Mistakes, Reading, load};

fn reading(catalog: &Catalog) -> Reading<'_> {
    Reading { catalog, capped: None, color: false }
}

/// Loads files written to a folder; the first is the manifest.
fn load_files(files: &[(&str, &[u8])]) -> Result<Campaign, Mistakes> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let catalog = Catalog::builtin();
    load(&folder.path().join(files[0].0), &reading(&catalog))
}

fn yaml(text: &str) -> Result<Campaign, Mistakes> {
    load_files(&[("shots.yaml", text.as_bytes())])
}

fn ids(campaign: &Campaign) -> Vec<String> {
    campaign.shots.iter().map(|shot| shot.id.to_string()).collect()
}

#[test]
fn a_simple_manifest_loads() {
    let campaign = yaml(
        "campaign: beach\nbudget: 25\ndefaults: {model: kling-v3, sound: on}\nshots:\n  - id: dawn\n    prompt: A beach\n    duration: 5\n    aspect_ratio: 16:9\n    takes: 2\n",
    )
    .unwrap();
    assert_eq!(ids(&campaign), ["dawn", "dawn-t2"]);
    assert_eq!(
        &*campaign.shots[0].request.json,
        r#"{"model":"kling-v3","prompt":"A beach","duration":"5","sound":"on","aspect_ratio":"16:9"}"#
    );
    assert_eq!(campaign.shots[0].price, Some("0.478".parse().unwrap()));
}

#[test]
fn shipped_manifests_load_cleanly() {
    let catalog = Catalog::builtin();
    for entry in std::fs::read_dir("manifests").unwrap() {
        let path = entry.unwrap().path();
        let is_manifest = path.extension().is_some_and(|e| e == "yaml")
            || path.file_stem().is_some_and(|stem| stem == "product-spots");
        if is_manifest {
            load_shipped(&path, &catalog);
        }
    }
}

fn load_shipped(path: &Path, catalog: &Catalog) {
    match load(path, &reading(catalog)) {
        Ok(campaign) => assert!(campaign.warnings.is_empty(), "{:?}", campaign.warnings),
        Err(mistakes) => panic!("{}\n{mistakes}", path.display()),
    }
}

const HEAD: &str = "campaign: c\ndefaults: {model: kling-v2-6}\nshots:\n";

/// A manifest with one mistake, the place it must be reported at, and words of the report.
#[test]
fn every_mistake_is_reported_at_its_place() {
    let shots = |text: &str| format!("{HEAD}{text}");
    let long = format!("  - {{id: a, prompt: \"{}\"}}", "x".repeat(2501));
    let table: Vec<(String, &str, &[&str])> = vec![
        // What is no manifest.
        ("".into(), "1:1", &["empty"]),
        ("# nothing\n".into(), "1:1", &["empty"]),
        ("just words".into(), "1:1", &["mapping"]),
        ("a: [1, 2".into(), "1:", &["not YAML"]),
        ("a: 1\n\tb: 2\n".into(), "1:", &["not YAML", "spaces"]),
        ("campaign: c\nshots: []\n".into(), "2:8", &["no shots"]),
        ("campaign: c\n".into(), "1:1", &["no shots"]),
        ("campaign: c\nshots:\n  a: {prompt: x}\n".into(), "3:3", &["list of shots", "`- "]),
        (shots("  - {id: a, prompt: x}\n---\na: 1\n"), "5:1", &["one YAML document"]),
        (
            "campaign: c\ncampaign: d\nshots: [{id: a, model: kling-v3, prompt: x}]".into(),
            "2:1",
            &["twice", "1:1"],
        ),
        (
            "campaign: *nobody\nshots: [{id: a, model: kling-v3, prompt: x}]".into(),
            "1:11",
            &["nobody"],
        ),
        (
            "campaign: c\nshots: &a [{id: a, model: kling-v3, prompt: x, extra: {y: *a}}]\n".into(),
            "2:57",
            &["inside"],
        ),
        // Settings.
        (
            "campaign: my films\nshots: [{id: a, model: kling-v3, prompt: x}]".into(),
            "1:11",
            &["' ' cannot", "my-films"],
        ),
        ("campaign: ../up\nshots: [{id: a, model: kling-v3, prompt: x}]".into(), "1:11", &["'/'"]),
        (
            "campaing: c\nshots: [{id: a, model: kling-v3, prompt: x}]".into(),
            "1:1",
            &["did you mean `campaign`?"],
        ),
        (format!("budget: -5\n{HEAD}  - {{id: a, prompt: x}}"), "1:9", &["negative"]),
        (format!("budget: 0\n{HEAD}  - {{id: a, prompt: x}}"), "1:9", &["nothing"]),
        (format!("budget:\n{HEAD}  - {{id: a, prompt: x}}"), "1:7", &["empty"]),
        (
            format!("budget: {{cap: lots}}\n{HEAD}  - {{id: a, prompt: x}}"),
            "1:15",
            &["not an amount"],
        ),
        (
            format!("budget: {{cap: 1, stric: true}}\n{HEAD}  - {{id: a, prompt: x}}"),
            "1:18",
            &["`strict`"],
        ),
        (format!("on_doubt: hodl\n{HEAD}  - {{id: a, prompt: x}}"), "1:11", &["`hold`"]),
        (format!("limits: {{rate: 0/s}}\n{HEAD}  - {{id: a, prompt: x}}"), "1:16", &["rate"]),
        (format!("limits: {{rates: 1/s}}\n{HEAD}  - {{id: a, prompt: x}}"), "1:10", &["`rate`"]),
        (format!("limits: {{poll_every: 5}}\n{HEAD}  - {{id: a, prompt: x}}"), "1:22", &["5s"]),
        (
            format!("limits: {{in_flight: 0}}\n{HEAD}  - {{id: a, prompt: x}}"),
            "1:21",
            &["from 1 on"],
        ),
        (format!("vars: {{take: 1}}\n{HEAD}  - {{id: a, prompt: x}}"), "1:8", &["take"]),
        (
            "campaign: c\ndefaults: {takes: 2}\nshots: [{id: a, model: kling-v3, prompt: x}]"
                .into(),
            "2:12",
            &["each shot"],
        ),
        // Shots.
        (shots("  - {prompt: x}"), "4:6", &["no `id`"]),
        (shots("  - {id: a/b, prompt: x}"), "4:10", &["'/'", "a-b"]),
        (shots("  - {id: NUL, prompt: x}"), "4:10", &["Windows"]),
        (shots("  - {id: a, prompt: x}\n  - {id: A, prompt: y}"), "5:10", &["taken", "4:10"]),
        (
            shots("  - {id: a, prompt: x, aspect_ration: '16:9'}"),
            "4:24",
            &["did you mean `aspect_ratio`?"],
        ),
        (shots("  - {id: a, prompt: x, duration: 12}"), "4:34", &["duration", "5 or 10"]),
        (shots("  - {id: a, prompt: x, duration: [5]}"), "4:34", &["whole seconds"]),
        (shots("  - {id: a, prompt: x, voice_list: [v]}"), "4:36", &["sound"]),
        (shots("  - {id: a, prompt: x, image: gone.png}"), "4:31", &["no file"]),
        (shots("  - {id: a, prompt: x, image: shots.yaml}"), "4:31", &["not a PNG"]),
        (shots("  - {id: a, prompt: x, image: 'file:///a.png'}"), "4:31", &["file"]),
        (shots(&long), "4:21", &["2501 characters"]),
        (shots("  - {id: a}"), "4:10", &["prompt"]),
        (shots("  - {id: a, prompt: x, mode: ultra}"), "4:30", &["std or pro"]),
        (shots("  - {id: a, prompt: x, camera_control: {config: {zoom: 1}}}"), "4:", &["type"]),
        (shots("  - {id: a, prompt: x, takes: 0}"), "4:31", &["from 1 on"]),
        (shots("  - {id: a, prompt: x, takes: 4000000000}"), "4:10", &["shots"]),
        (shots("  - {id: a, prompt: x, priority: high}"), "4:34", &["whole number"]),
        (shots("  - {id: a, prompt: x, matrix: {}}"), "4:32", &["no variables"]),
        (shots("  - {id: a, prompt: x, matrix: {mode: []}}"), "4:39", &["no values"]),
        (shots("  - {id: a, prompt: x, matrix: {mode: [std, std]}}"), "4:45", &["twice"]),
        (shots("  - {id: a, prompt: x, matrix: {mode: [std, ultra]}}"), "4:45", &["std or pro"]),
        (shots("  - {id: a, prompt: x, mode: pro, matrix: {mode: [std]}}"), "4:30", &["matrix"]),
        (
            shots("  - {id: a, prompt: '{{ mod }}', matrix: {mood: [calm]}}"),
            "4:21",
            &["`mod` is not defined", "`mood`"],
        ),
        (shots("  - {id: a, prompt: '{{ mood', matrix: {mood: [calm]}}"), "4:21", &["no template"]),
        (shots("  - id: a\n    prompt: {{ mood }}"), "5:", &["quotes"]),
        (shots("  - {id: a, prompt: x, extra: {mode: pro}}"), "4:32", &["not under `extra`"]),
        (shots("  - {id: a, prompt: x, clip_name: ../a}"), "4:35", &["clip"]),
        (shots("  - {id: a, prompt: x, clip_name: z, takes: 2}"), "4:35", &["both"]),
        (shots("  - {id: a, prompt: x, from: gone.csv}"), "4:30", &["gone.csv"]),
        (shots("  - just a text"), "4:5", &["mapping of keys"]),
        (
            format!("budget: 5\n{}", shots("  - {id: a, prompt: x, sound: on}")),
            "5:10",
            &["no price is known", "--budget none"],
        ),
    ];
    let mut wrong = String::new();
    for (text, place, words) in table {
        let Err(mistakes) = yaml(&text) else {
            wrong.push_str(&format!("it loads: {text}\n\n"));
            continue;
        };
        let first = mistakes.rendered.lines().next().unwrap();
        let found = first.contains(&format!("shots.yaml:{place}"));
        let all = words.iter().all(|word| mistakes.rendered.contains(word));
        if !(found && all && mistakes.count == 1) {
            wrong.push_str(&format!("{text}\n{place} {words:?}\n{mistakes}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
