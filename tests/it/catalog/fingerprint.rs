//! A fingerprint is a request's meaning: two ways of saying one thing share it, two things never.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::params;
use rushes::catalog::{Catalog, Params};

fn print(request: &Value) -> String {
    Catalog::builtin().fingerprint(&params(request), &[]).to_string()
}

#[test]
fn the_fingerprints_of_this_version_are_those_of_every_version() {
    // A change of these values makes every shot ever rendered new work, to be bought again.
    for (request, frozen) in [
        (
            json!({"model": "kling-v2-6", "prompt": "A girl dancing on the beach"}),
            "c0a74c94324e244be88286216852225f",
        ),
        (
            json!({
                "model": "kling-v3", "mode": "pro", "duration": "12", "sound": "on", "cfg_scale": 0.5,
                "prompt": "Größe \"x\" \u{1} 🎬", "image": "https://a.b/c.png", "image_tail": "aGVsbG8=",
                "voice_list": ["a", "b"], "camera_control": {"type": "simple", "config": {"pan": -3.0}},
                "multi_shot": true, "seed": 18_446_744_073_709_551_615_u64,
            }),
            "66009ffa9f52e141a0a2e6b92abc3199",
        ),
        (json!({}), "44136fa355b3678a1146ad16f7e8649e"),
    ] {
        assert_eq!(print(&request), frozen, "{request}");
    }
}

#[test]
fn how_a_number_is_written_does_not_count() {
    for (these, other) in [
        (r#"{"cfg_scale": 5}"#, r#"{"cfg_scale": 5.0}"#),
        (r#"{"cfg_scale": 0}"#, r#"{"cfg_scale": -0.0}"#),
        (r#"{"cfg_scale": 0.5}"#, r#"{"cfg_scale": 5e-1}"#),
        (r#"{"cfg_scale": 0.5}"#, r#"{"cfg_scale": "0.50"}"#),
        (r#"{"seed": [1, {"a": 1e2}]}"#, r#"{"seed": [1.0, {"a": 100}]}"#),
        (r#"{"duration": "8"}"#, r#"{"duration": 8.0}"#),
    ] {
        let read = |text| print(&serde_json::from_str(text).unwrap());
        assert_eq!(read(these), read(other), "{these} {other}");
    }
}

#[test]
fn near_misses_are_different() {
    let near = [
        json!({"prompt": "a"}),
        json!({"prompt": "a "}),
        json!({"prompt": "A"}),
        json!({"negative_prompt": "a"}),
        json!({"seed": 5}),
        json!({"seed": "5"}),
        json!({"seed": 5.000_001}),
        json!({"seed": [5]}),
        json!({"seed": null}),
        json!({"seed": {}}),
        json!({"seed": []}),
        json!({"seed": 9_007_199_254_740_993_u64}),
        json!({"seed": 9_007_199_254_740_992_u64}),
        json!({"voice_list": ["a", "b"]}),
        json!({"voice_list": ["b", "a"]}),
        json!({"voice_list": ["a,b"]}),
        json!({"image": "https://a.b/c.png"}),
        json!({"image": "https://a.b/d.png"}),
        json!({"image": "aGVsbG8="}),
        json!({"image_tail": "aGVsbG8="}),
        json!({"prompt": "aGVsbG8="}),
        json!({}),
        json!({"duration": "10"}),
        json!({"multi_shot": false}),
        json!({"a": 1, "b": 2}),
        json!({"a\":1,\"b": 2}),
    ];
    let prints: std::collections::BTreeSet<String> = near.iter().map(print).collect();
    assert_eq!(prints.len(), near.len());
}

#[test]
fn where_to_report_is_not_meant() {
    let with = json!({"prompt": "a", "callback_url": "https://a.b/c"});
    assert_eq!(print(&with), print(&json!({"prompt": "a"})));
}

/// What a request means, apart from how it is written.
#[derive(Clone, Debug, PartialEq)]
struct Meaning {
    prompt: String,
    mode: &'static str,
    seconds: u32,
    sound: bool,
    quarters: i32,
    image: Option<Vec<u8>>,
    camera: Option<(u8, u8)>,
}

/// How it is written.
#[derive(Clone, Debug)]
struct Dress {
    defaults: [bool; 3],
    loose: bool,
    order: u64,
    image: usize,
    callback: bool,
}

fn meaning() -> impl Strategy<Value = Meaning> {
    (
        "[ab]{1,2}",
        prop::sample::select(vec!["std", "pro"]),
        4..7_u32,
        any::<bool>(),
        0..6_i32,
        prop::option::of(prop::collection::vec(0..3_u8, 1..4)),
        prop::option::of((0..2_u8, 0..2_u8)),
    )
        .prop_map(|(prompt, mode, seconds, sound, quarters, image, camera)| Meaning {
            prompt,
            mode,
            seconds,
            sound,
            quarters,
            image,
            camera,
        })
}

fn dress() -> impl Strategy<Value = Dress> {
    (any::<[bool; 3]>(), any::<bool>(), any::<u64>(), 0..6_usize, any::<bool>()).prop_map(
        |(defaults, loose, order, image, callback)| Dress {
            defaults,
            loose,
            order,
            image,
            callback,
        },
    )
}

/// An object with its fields in an order that `seed` decides.
fn shuffled(fields: Vec<(&str, Value)>, seed: u64) -> Params {
    let mut fields = fields;
    fastrand::Rng::with_seed(seed).shuffle(&mut fields);
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn said(meaning: &Meaning, dress: &Dress) -> (Params, Vec<(String, [u8; 32])>) {
    let mut files = Vec::new();
    let mut fields = vec![("model", json!("kling-v3")), ("prompt", json!(meaning.prompt))];
    if meaning.mode != "std" || dress.defaults[0] {
        fields.push(("mode", json!(meaning.mode)));
    }
    if meaning.seconds != 5 || dress.defaults[1] {
        fields.push(("duration", json!(meaning.seconds.to_string())));
    }
    if meaning.sound || dress.defaults[2] {
        fields.push(("sound", json!(if meaning.sound { "on" } else { "off" })));
    }
    let whole = meaning.quarters % 4 == 0 && !dress.loose;
    let scale =
        if whole { json!(meaning.quarters / 4) } else { json!(f64::from(meaning.quarters) / 4.0) };
    fields.push(("cfg_scale", scale));
    if let Some(bytes) = &meaning.image {
        let text = match dress.image {
            0 => STANDARD.encode(bytes),
            1 => STANDARD_NO_PAD.encode(bytes),
            2 => URL_SAFE.encode(bytes),
            3 => format!("data:image/png;base64,{}", STANDARD.encode(bytes)),
            4 => STANDARD.encode(bytes).chars().flat_map(|c| [c, '\n', ' ']).collect(),
            _ => {
                files.push(("image".to_owned(), Sha256::digest(bytes).into()));
                "stills/a.png".to_owned()
            }
        };
        fields.push(("image", json!(text)));
    }
    if let Some((pan, tilt)) = meaning.camera {
        let config = shuffled(vec![("pan", json!(pan)), ("tilt", json!(tilt))], dress.order);
        let control =
            shuffled(vec![("type", json!("simple")), ("config", config.into())], dress.order);
        fields.push(("camera_control", control.into()));
    }
    if dress.callback {
        fields.push(("callback_url", json!("https://a.b/c")));
    }
    (shuffled(fields, dress.order), files)
}

proptest! {
    #[test]
    fn two_requests_share_a_fingerprint_exactly_when_they_mean_the_same(
        these in meaning(), other in meaning(), same in any::<bool>(), one in dress(), two in dress(),
    ) {
        let other = if same { these.clone() } else { other };
        let catalog = Catalog::builtin();
        let (request, files) = said(&these, &one);
        let first = catalog.fingerprint(&request, &files);
        let (request, files) = said(&other, &two);
        let second = catalog.fingerprint(&request, &files);
        prop_assert_eq!(first == second, these == other);
    }
}
