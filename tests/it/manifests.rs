//! The manifests that come with rushes are right, and cost what they say they cost.

use std::path::Path;

use rushes::catalog::Catalog;
use rushes::manifest::{Reading, load};
use rushes::money::Usd;

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
