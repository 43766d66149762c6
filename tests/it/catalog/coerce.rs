//! What people write becomes what the API wants, or is refused in a sentence.

use proptest::prelude::*;
use serde_json::{Value, json};

use rushes::catalog::Catalog;

fn coerce(param: &str, written: &Value) -> Result<Value, String> {
    Catalog::builtin().param(param).unwrap().coerce(written.clone())
}

#[test]
fn what_people_write_becomes_what_the_wire_wants() {
    for (param, written, wire) in [
        ("duration", json!(5), json!("5")),
        ("duration", json!("5"), json!("5")),
        ("duration", json!(5.0), json!("5")),
        ("duration", json!("5s"), json!("5")),
        ("duration", json!(" 10 s "), json!("10")),
        ("duration", json!("5.0"), json!("5")),
        ("duration", json!("05"), json!("5")),
        ("sound", json!(true), json!("on")),
        ("sound", json!(false), json!("off")),
        ("sound", json!("on"), json!("on")),
        ("sound", json!("OFF"), json!("off")),
        ("sound", json!("Yes"), json!("on")),
        ("sound", json!("no"), json!("off")),
        ("sound", json!("TRUE"), json!("on")),
        ("multi_shot", json!("TRUE"), json!(true)),
        ("multi_shot", json!("on"), json!(true)),
        ("multi_shot", json!(1), json!(true)),
        ("multi_shot", json!("0"), json!(false)),
        ("cfg_scale", json!(0.5), json!(0.5)),
        ("cfg_scale", json!("0.5"), json!(0.5)),
        ("cfg_scale", json!(" 1 "), json!(1)),
        ("cfg_scale", json!("-2.5e-1"), json!(-0.25)),
        ("cfg_scale", json!("0,5"), json!(0.5)),
        ("cfg_scale", json!(" -12,75 "), json!(-12.75)),
        ("cfg_scale", json!("1,0000"), json!(1.0)),
        (
            "voice_list",
            json!(["a", 829_824_295_735_410_756_u64]),
            json!(["a", "829824295735410756"]),
        ),
        ("voice_list", json!("a; b"), json!(["a", "b"])),
        ("voice_list", json!("a,b"), json!(["a", "b"])),
        ("voice_list", json!("a | b |"), json!(["a", "b"])),
        ("voice_list", json!("a"), json!(["a"])),
        ("voice_list", json!(12), json!(["12"])),
        ("voice_list", json!(""), json!([])),
        ("prompt", json!("a; b"), json!("a; b")),
        ("prompt", json!("about 8.29824E+17 stars"), json!("about 8.29824E+17 stars")),
        ("prompt", json!("E+1"), json!("E+1")),
        ("prompt", json!("2e5"), json!("2e5")),
        ("prompt", json!(42), json!("42")),
        ("aspect_ratio", json!("16:9"), json!("16:9")),
        ("camera_control", json!({"type": "simple"}), json!({"type": "simple"})),
        ("camera_control", json!(r#"{"type": "simple"}"#), json!({"type": "simple"})),
        ("watermark_info", json!({"enabled": "yes"}), json!({"enabled": true})),
        ("image", json!("stills/a.png"), json!("stills/a.png")),
        ("callback_url", json!(" https://a.b "), json!("https://a.b")),
    ] {
        assert_eq!(coerce(param, &written), Ok(wire), "{param} {written}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_write() {
    for (param, written, fix) in [
        ("duration", json!(5.5), "write whole seconds such as 5"),
        ("duration", json!(-5), "write whole seconds such as 5"),
        ("duration", json!("five"), "write whole seconds such as 5"),
        ("duration", json!("5m"), "write whole seconds such as 5"),
        ("duration", json!("99999999999"), "write whole seconds such as 5"),
        ("duration", json!(""), "write whole seconds such as 5"),
        ("duration", json!("s"), "write whole seconds such as 5"),
        ("duration", json!(true), "write whole seconds such as 5"),
        ("sound", json!("loud"), "write on or off"),
        ("sound", json!(2), "write on or off"),
        ("sound", json!(null), "write on or off"),
        ("multi_shot", json!("maybe"), "write true or false"),
        ("cfg_scale", json!("1,500"), "read in two ways; write 1.500 or 1500"),
        ("cfg_scale", json!("1,5,0"), "write a number such as 0.5"),
        ("cfg_scale", json!("1.000,5"), "write a number such as 0.5"),
        ("cfg_scale", json!("5,"), "write a number such as 0.5"),
        ("cfg_scale", json!(","), "write a number such as 0.5"),
        ("cfg_scale", json!("-,5"), "write a number such as 0.5"),
        ("voice_list", json!("8.29824E+17"), "write all its digits"),
        ("voice_list", json!("8,29824E+17"), "write all its digits"),
        ("voice_list", json!("a; 8,29824E+17"), "8,29824E+17"),
        ("voice_list", json!("a, 8.29824e+017"), "in a column formatted as text"),
        ("voice_list", json!(["a", "8E+17"]), "in YAML in quotes"),
        ("prompt", json!("8.29824E+17"), "write all its digits"),
        ("cfg_scale", json!("inf"), "write a number such as 0.5"),
        ("cfg_scale", json!("NaN"), "write a number such as 0.5"),
        ("cfg_scale", json!("1e999"), "write a number such as 0.5"),
        ("cfg_scale", json!(true), "write a number such as 0.5"),
        ("prompt", json!(true), "put it in quotes"),
        ("prompt", json!(null), "write a text in quotes, or leave it out"),
        ("voice_list", json!([8.298_242_957_354_108e17]), "write all its digits"),
        ("voice_list", json!({"a": 1}), "write a list of texts"),
        ("camera_control", json!("simple"), "write {type: …}"),
        ("camera_control", json!("[1]"), "write {type: …}"),
        ("watermark_info", json!({"enabled": "maybe"}), "write true or false"),
        ("image", json!(5), "write a URL, the path of an image or base64"),
        ("image", json!(""), "write a URL, the path of an image or base64"),
        ("motion_video", json!(["a"]), "write a URL"),
    ] {
        let error = coerce(param, &written).unwrap_err();
        assert!(error.contains(fix) && error.contains(param), "{param} {written}: {error}");
        assert!(error.len() < 220 && !error.contains('\n'), "{error}");
    }
}

proptest! {
    #[test]
    fn what_was_coerced_once_is_on_the_wire_s_form_and_stays_so(
        place in 0..16_usize,
        written in prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[0-9.eEs;,|]{0,6}".prop_map(Value::from),
            prop::collection::vec("[a-z]{0,3}", 0..3).prop_map(Value::from),
            Just(json!({"type": 5, "enabled": "on"})),
        ],
    ) {
        let catalog = Catalog::builtin();
        let param = &catalog.params()[place];
        if let Ok(wire) = param.coerce(written) {
            prop_assert!(param.is_wire(&wire), "{} {wire}", param.name);
            prop_assert_eq!(param.coerce(wire.clone()), Ok(wire));
        }
    }
}
