//! The manifests that come with rushes are right, and cost what they say they cost.

use std::path::Path;

use rushes::catalog::Catalog;
use rushes::domain::money::Usd;
use rushes::manifest::{Reading, load};

#[test]
fn every_manifest_that_comes_with_rushes_is_right_and_has_known_prices() {
    let catalog = Catalog::builtin();
    let reading = Reading { catalog: &catalog, capped: Some(true), color: false };
    for (file, shots, total) in [
        ("manifests/demo.yaml", 6, "1.1035"),
        ("manifests/overnight-bulk.yaml", 144, "2.2896"),
        ("manifests/capped-campaign.yaml", 9, "11.2598"),
        ("manifests/products.yaml", 5, "0.1863"),
        ("manifests/product-spots.csv", 6, "1.2665"),
        ("manifests/client-sheet.yaml", 4, "0.0797"),
        ("manifests/image-to-video-voice.yaml", 3, "0.2342"),
        ("manifests/motion-control.yaml", 6, "0.1854"),
        ("src/cli/starter.yaml", 4, "0.0636"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let campaign = load(&path, &reading).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(campaign.warnings, [], "{file}");
        assert_eq!(campaign.shots.len(), shots, "{file}");
        let sum: Usd = campaign.shots.iter().filter_map(|shot| shot.price).sum();
        assert_eq!(sum.to_string(), total, "{file}");
    }
}

/// The YAML that `manifests/README.md` shows.
fn examples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("manifests/README.md")).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn what_the_language_s_description_shows_is_right() {
    let catalog = Catalog::builtin();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tables")).unwrap();
    for table in ["tables/products.csv", "tables/client.csv"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(table);
        std::fs::copy(from, folder.path().join(table)).unwrap();
    }
    std::fs::write(folder.path().join("shared.yaml"), "vars: {mood: calm}\n").unwrap();
    let examples = examples();
    assert_eq!(examples.len(), 3);
    for text in examples {
        let path = folder.path().join("shots.yaml");
        std::fs::write(&path, &text).unwrap();
        let reading = Reading { catalog: &catalog, capped: Some(true), color: false };
        let campaign = load(&path, &reading).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(campaign.warnings.is_empty(), "{text}");
    }
}
