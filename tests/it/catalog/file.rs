//! A catalog file is used only when all of it is right.

use proptest::prelude::*;

use rushes::catalog::{BUILTIN, Catalog};

/// The error after `old` in the catalog of this version became `new`.
#[track_caller]
fn error(old: &str, new: &str) -> String {
    assert!(BUILTIN.contains(old), "{old}");
    match Catalog::parse(&BUILTIN.replacen(old, new, 1)) {
        Ok(_) => panic!("{new:?} was believed"),
        Err(error) => error.to_string(),
    }
}

/// The line in the catalog of this version where `text` first stands.
fn line_of(text: &str) -> usize {
    1 + BUILTIN[..BUILTIN.find(text).unwrap()].matches('\n').count()
}

#[test]
fn the_catalog_of_this_version_holds_the_page_s_models_and_parameters() {
    let catalog = Catalog::builtin();
    assert_eq!(catalog.models(), ["kling-v2-6", "kling-v3", "kling-motion-control"]);
    let names: Vec<&str> = catalog.params().iter().map(|param| param.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "model",
            "prompt",
            "image",
            "mode",
            "duration",
            "sound",
            "negative_prompt",
            "aspect_ratio",
            "cfg_scale",
            "callback_url",
            "image_tail",
            "voice_list",
            "camera_control",
            "multi_shot",
            "watermark_info",
            "motion_video",
            "multi_prompt",
            "shot_type",
        ]
    );
    assert_eq!(catalog.date(), "2026-11-22");
    assert!(!catalog.failed_tasks_charged());
    let defaults: Vec<String> = catalog
        .params()
        .iter()
        .filter_map(|param| Some(format!("{} {}", param.name, param.default.as_ref()?)))
        .collect();
    assert_eq!(defaults, [r#"mode "std""#, r#"duration "5""#, r#"sound "off""#]);
}

#[test]
fn failed_tasks_are_charged_when_the_file_says_so() {
    let text = BUILTIN.replace("failed_tasks: free", "failed_tasks: charged");
    assert!(Catalog::parse(&text).unwrap().failed_tasks_charged());
    assert_eq!(Catalog::parse(&text).unwrap().canceled_tasks_charged(), None);
    for (word, is_charged) in [("free", false), ("charged", true)] {
        let canceled = format!("failed_tasks: free\ncanceled_tasks: {word}");
        let catalog = Catalog::parse(&BUILTIN.replace("failed_tasks: free", &canceled)).unwrap();
        assert_eq!(catalog.canceled_tasks_charged(), Some(is_charged));
        assert!(!catalog.failed_tasks_charged());
    }
    assert!(error("failed_tasks: free", "failed_tasks: free\ncanceled_tasks: no").contains("no"));
}

#[test]
fn a_new_model_is_only_yaml() {
    let text = format!(
        "{BUILTIN}
  - name: kling-v4
    doc: New.
    accepts: {{duration: [4, 6-8], mode: pro}}
    refuses: [multi_shot]
    requires: [[image]]
    prices:
      - {{for: {{image_tail: off, duration: 4}}, each: 1}}
      - {{for: {{image_tail: on}}, per_second: 0.000001}}
"
    );
    let catalog = Catalog::parse(&text).unwrap();
    let mut request = serde_json::Map::new();
    for (name, value) in [("model", "kling-v4"), ("duration", "5"), ("image", "https://a.b/c")] {
        request.insert(name.to_owned(), value.into());
    }
    let what: Vec<String> =
        catalog.check(&request).into_iter().map(|problem| problem.what).collect();
    assert_eq!(
        what,
        ["kling-v4 takes duration 4 or 6 to 8, not 5", "kling-v4 takes mode pro, not std"]
    );
    assert_eq!(catalog.price(&request), None);
    request.insert("duration".to_owned(), "4".into());
    assert_eq!(catalog.price(&request).unwrap().to_string(), "1.00");
    request.insert("image_tail".to_owned(), "https://a.b/d".into());
    assert_eq!(catalog.price(&request).unwrap().to_string(), "0.000004");
}

#[test]
fn prices_are_exact_and_more_than_nothing() {
    for bad in [
        "0",
        "0.0",
        "-0.0159",
        "-0",
        "0.00000001",
        "1e-2",
        "$0.0159",
        "free",
        "~",
        "99999999999",
        ".inf",
        "[1]",
    ] {
        let error = error("each: 0.0159", &format!("each: {bad}"));
        let line = line_of("each: 0.0159");
        assert!(error.contains(&format!("line {line}")), "{bad}: {error} (line {line})");
    }
    error(", each: 0.0159", "");
    error("each: 0.0159", "each: 0.0159, per_second: 1");
}

#[test]
fn a_per_second_price_beyond_all_money_is_no_price() {
    let text = BUILTIN.replace("3-15", "3-4294967295").replace("0.0633", "1000000000");
    let catalog = Catalog::parse(&text).unwrap();
    let request = serde_json::json!({"model": "kling-v3", "duration": "4294967295"});
    assert_eq!(catalog.price(request.as_object().unwrap()), None);
}

#[test]
fn rows_that_fit_one_request_twice_are_refused() {
    for (old, new) in [
        ("mode: pro, duration:  5, sound: \"off\"", "mode: std, duration:  5, sound: \"off\""),
        ("mode: pro, duration:  5, sound: \"off\"", "duration: 5"),
        ("mode: pro, duration:  5, sound: \"off\"", "mode: [pro, std], duration: 1-5, sound: no"),
        ("{for: {mode: pro, duration:  5, sound: \"off\", voice_list: \"off\"}, each", "{each"),
    ] {
        let error = error(old, new);
        assert!(
            error.starts_with("line ") && error.contains("fits requests that a row"),
            "{error}"
        );
    }
}

#[test]
fn a_mistake_in_the_file_is_refused_with_its_line_and_cause() {
    for (old, new, at, words) in [
        ("date: 2026-11-22", "date: soon", "date:", "is not a date"),
        ("failed_tasks: free", "failed_tasks: maybe", "failed_tasks: free", "maybe"),
        ("failed_tasks: free", "failed_tasks: free\nprice: 5", "\nparams:", "price"),
        ("failed_tasks: free\n", "", "", "failed_tasks"),
        ("date: 2026-11-22", "date: 2026-11-22\ndate: 2026-11-22", "source:", "date"),
        ("name: mode\n", "name: model\n", "name: mode\n", "is there twice"),
        ("name: mode\n", "name: Mode!\n", "name: mode\n", "a name has"),
        ("kind: seconds", "kind: minutes", "kind: seconds", "minutes"),
        ("default: 5", "default: five", "name: duration", "whole seconds"),
        ("default: std", "default: best", "name: mode\n", "not one of its values"),
        ("default: 5", "defualt: 5", "default: 5", "defualt"),
        ("most: 2\n", "most: -2\n", "most: 2\n", ""),
        ("default: 5", "most: 5", "name: duration", "`most` is for"),
        ("default: 5", "form: ratio", "name: duration", "`form` is for"),
        ("default: 5", "fields: {a: text}", "name: duration", "`fields` is for"),
        (
            "fields: {enabled: bool}",
            "fields: {enabled: object}",
            "name: watermark_info",
            "a field is",
        ),
        ("needs: [{param: image}]", "needs: [{param: imgae}]", "- name: model\n", "imgae"),
        ("is: \"on\"", "is: loud", "- name: model\n", "on or off"),
        ("- name: kling-v3", "- name: kling-v2-6", "- name: kling-v3", "is there twice"),
        ("- name: kling-v3", "- name: Kling V3", "- name: kling-v3", "a name has"),
        (
            "refuses: [motion_video, multi_prompt",
            "refuses: [motion_vido, multi_prompt",
            "- name: kling-v2-6",
            "did you mean \"motion_video\"",
        ),
        ("requires: [[prompt, image]]", "requires: [[]]", "- name: kling-v2-6", "empty list"),
        ("duration: [5, 10]", "duration: []", "- name: kling-v2-6", "lists no values"),
        ("duration: 3-15", "duration: 15-3", "- name: kling-v3", "write 3-15"),
        ("duration: 3-15", "duration: 3-", "- name: kling-v3", "whole seconds"),
        ("duration: 3-15", "length: 3-15", "- name: kling-v3", "no parameter \"length\""),
        (
            "{mode: std, duration:  5",
            "{moed: std, duration:  5",
            "each: 0.0159",
            "did you mean \"mode\"",
        ),
        (
            "voice_list: \"off\"}, each: 0.0159",
            "voice_list: a}, each: 0.0159",
            "each: 0.0159",
            "write on or off",
        ),
    ] {
        let error = error(old, new);
        let place =
            if at.is_empty() { "line ".to_owned() } else { format!("line {}: ", line_of(at)) };
        assert!(error.starts_with(&place) && error.contains(words), "{place}{words} <> {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn hostile_texts_are_refused() {
    let deep = "[".repeat(100_000);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n".repeat(2);
    for text in [
        "",
        " ",
        "\0",
        "5",
        "[]",
        "{}",
        "null",
        "date: [",
        "\u{feff}",
        "--- a\n--- b",
        &deep,
        &bomb,
    ] {
        assert!(Catalog::parse(text).is_err(), "{}", text.chars().take(40).collect::<String>());
    }
    let no_models = &BUILTIN[..BUILTIN.find("models:").unwrap()];
    assert!(Catalog::parse(no_models).is_err());
    assert!(Catalog::parse(&format!("{no_models}models: []")).is_err());
    assert!(
        Catalog::parse("date: 2026-11-22\nsource: x\nfailed_tasks: free\nparams: []\nmodels: []")
            .is_err()
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,300}") {
        let _ = Catalog::parse(&text);
    }

    #[test]
    fn no_damage_to_a_catalog_makes_it_or_its_reader_panic(
        at in 0..BUILTIN.len(), length in 0..40_usize, insert in "[-a-z0-9:{}\\[\\],\"\n &*]{0,6}",
    ) {
        let mut bytes = BUILTIN.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, insert.bytes());
        if let Ok(catalog) = Catalog::parse(&String::from_utf8_lossy(&bytes)) {
            for model in catalog.models() {
                let request = serde_json::json!({"model": model, "duration": "10", "sound": "on"});
                let request = request.as_object().unwrap();
                let _ = catalog.check(request);
                prop_assert!(catalog.price(request) != Some(rushes::domain::money::Usd::ZERO));
            }
        }
    }
}
