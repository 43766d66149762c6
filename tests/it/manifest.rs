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
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "csv") {
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
