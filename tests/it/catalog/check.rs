//! Every rule of the gateway's page: what it forbids is found, what it does not is let through.

use serde_json::{Value, json};

use super::params;
use rushes::catalog::{Catalog, Params, Problem};

/// A good request with `changes` over it; null takes a parameter away.
fn with(model: &str, changes: &Value) -> Params {
    let mut request = match model {
        "kling-motion-control" => json!({
            "model": model, "image": "https://a.b/c.png", "motion_video": "https://a.b/m.mp4",
        }),
        _ => json!({"model": model, "prompt": "A girl dancing"}),
    };
    for (name, value) in changes.as_object().unwrap() {
        request[name] = value.clone();
    }
    let mut request = params(&request);
    request.retain(|_, value| !value.is_null());
    request
}

fn problems(model: &str, changes: &Value) -> Vec<Problem> {
    Catalog::builtin().check(&with(model, changes))
}

#[track_caller]
fn allows(model: &str, changes: &Value) {
    assert_eq!(problems(model, changes), [], "{model} {changes}");
}

/// Exactly one problem, at `param`, with these words in what and fix.
#[track_caller]
fn forbids(model: &str, changes: &Value, param: &str, words: &[&str]) {
    let problems = problems(model, changes);
    let [problem] = problems.as_slice() else { panic!("{model} {changes}: {problems:#?}") };
    assert_eq!(problem.param, param, "{problem:#?}");
    let text = format!("{}; {}", problem.what, problem.fix);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

const V2: &str = "kling-v2-6";
const V3: &str = "kling-v3";
const MOTION: &str = "kling-motion-control";

#[test]
fn a_request_with_everything_the_page_allows_is_allowed() {
    for model in [V2, V3] {
        allows(
            model,
            &json!({
                "image": "https://a.b/c.png", "image_tail": "stills/end.png", "mode": "pro",
                "duration": "10", "sound": "on", "voice_list": ["a", "b"], "multi_shot": true,
                "negative_prompt": "rain", "aspect_ratio": "16:9", "cfg_scale": 0.5,
                "callback_url": "https://a.b/hook", "camera_control": {"type": "simple", "config": {"pan": 1}},
                "watermark_info": {"enabled": false},
            }),
        );
        allows(model, &json!({}));
        allows(model, &json!({"prompt": null, "image": "aGVsbG8="}));
    }
    allows(MOTION, &json!({"prompt": "dance", "mode": "pro", "duration": "30"}));
}

#[test]
fn what_the_page_has_no_price_for_is_not_forbidden() {
    allows(V2, &json!({"mode": "std", "sound": "on"}));
    allows(V3, &json!({"sound": "on", "voice_list": ["a"]}));
    allows(MOTION, &json!({"sound": "on"}));
}

#[test]
fn the_model_is_one_of_the_catalog_s() {
    let catalog = Catalog::builtin();
    for (model, fix) in [
        (json!("kling-v2.6"), "did you mean `kling-v2-6`?"),
        (json!("kling-v4"), "did you mean `kling-v3`?"),
        (json!("sora"), "write kling-v2-6, kling-v3 or kling-motion-control"),
    ] {
        let found = catalog.check(&params(&json!({"model": model, "prompt": "x"})));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].param.as_str(), &*found[0].fix), ("model", fix));
    }
    let found = catalog.check(&params(&json!({"prompt": "x"})));
    assert_eq!(found[0].what, "`model` is missing");
    assert_eq!(found.len(), 1);
}

#[test]
fn durations_are_those_of_the_model() {
    for good in ["5", "10"] {
        allows(V2, &json!({"duration": good}));
    }
    for good in 3..=15 {
        allows(V3, &json!({"duration": good.to_string()}));
    }
    for good in 1..=30 {
        allows(MOTION, &json!({"duration": good.to_string()}));
    }
    forbids(
        V2,
        &json!({"duration": "12"}),
        "duration",
        &["kling-v2-6 takes", "5 or 10", "12", "kling-v3"],
    );
    for (model, bad) in [(V2, "3"), (V2, "0"), (V3, "2"), (V3, "16"), (MOTION, "31"), (MOTION, "0")]
    {
        forbids(model, &json!({"duration": bad}), "duration", &[model, bad, "write "]);
    }
    for bad in [json!("five"), json!(""), json!("-5"), json!(5), json!("5s"), json!(5.5)] {
        forbids(V3, &json!({"duration": bad}), "duration", &["write "]);
    }
}

#[test]
fn mode_and_sound_have_their_two_values() {
    forbids(V2, &json!({"mode": "Pro"}), "mode", &["did you mean `pro`?"]);
    forbids(V3, &json!({"mode": "4k"}), "mode", &["write std or pro"]);
    forbids(V3, &json!({"sound": "loud"}), "sound", &["write on or off"]);
    forbids(V3, &json!({"sound": true}), "sound", &["write \"on\""]);
}

#[test]
fn voices_need_sound_and_a_model_that_has_them_and_are_at_most_two() {
    forbids(
        V2,
        &json!({"voice_list": ["a"]}),
        "voice_list",
        &["needs `sound: on`", "add `sound: on`"],
    );
    forbids(
        V2,
        &json!({"voice_list": ["a"], "sound": "off"}),
        "voice_list",
        &["needs `sound: on`"],
    );
    forbids(
        V2,
        &json!({"voice_list": ["a", "b", "c"], "sound": "on"}),
        "voice_list",
        &["3 items", "at most 2"],
    );
    forbids(
        MOTION,
        &json!({"voice_list": ["a"], "sound": "on"}),
        "voice_list",
        &["does not take `voice_list`", "kling-v2-6 or kling-v3"],
    );
    forbids(V2, &json!({"voice_list": [1], "sound": "on"}), "voice_list", &["write [\"1\"]"]);
    allows(V2, &json!({"voice_list": []}));
}

#[test]
fn one_slip_is_one_complaint() {
    // The model takes no voices: that sound is off as well does not matter.
    for sound in [json!(null), json!("off")] {
        forbids(
            MOTION,
            &json!({"voice_list": ["a"], "sound": sound}),
            "voice_list",
            &["does not take `voice_list`"],
        );
    }
    // What is wrong with `sound` is said there.
    forbids(V2, &json!({"voice_list": ["a"], "sound": "loud"}), "sound", &["write on or off"]);
    // One missing image, two that want it.
    forbids(
        MOTION,
        &json!({"image": null, "image_tail": "https://a.b/c.png"}),
        "image",
        &["kling-motion-control needs `image`"],
    );
    forbids(
        V3,
        &json!({"prompt": null, "image_tail": "https://a.b/c.png"}),
        "image_tail",
        &["needs `image`"],
    );
    forbids(MOTION, &json!({"image": ""}), "image", &["is empty"]);
    // Two slips are two.
    let found = problems(V3, &json!({"prompt": null, "image_tail": ""}));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_problem_names_the_other_parameter_that_has_to_do_with_it() {
    for (model, changes, with) in [
        (V2, json!({"duration": "12"}), Some("model")),
        (V2, json!({"motion_video": "https://a.b/c.mp4"}), Some("model")),
        (MOTION, json!({"image": null}), Some("model")),
        (MOTION, json!({"voice_list": ["a"]}), Some("model")),
        (V2, json!({"voice_list": ["a"], "sound": "off"}), Some("sound")),
        (V2, json!({"voice_list": ["a"]}), None),
        (V2, json!({"image_tail": "https://a.b/c.png"}), None),
        (V2, json!({"mode": "best"}), None),
        (V2, json!({"seed": 5}), None),
    ] {
        let found = problems(model, &changes);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].with.as_deref(), with, "{found:?}");
    }
}

#[test]
fn what_the_model_bars_is_not_advised() {
    let text = rushes::catalog::BUILTIN
        .replace("accepts: {duration: 1-30}", "accepts: {duration: 1-30, sound: off}")
        .replace("refuses: [voice_list, ", "refuses: [");
    let catalog = Catalog::parse(&text).unwrap();
    let found = catalog.check(&with(MOTION, &json!({"voice_list": ["a"]})));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0].what,
        "`voice_list` needs `sound: on`, which kling-motion-control does not take"
    );
    assert_eq!(found[0].with.as_deref(), Some("model"));
}

#[test]
fn a_tail_image_needs_an_image() {
    forbids(V2, &json!({"image_tail": "https://a.b/c.png"}), "image_tail", &["needs `image`"]);
}

#[test]
fn motion_control_needs_its_image_and_its_video_and_no_other_model_takes_the_video() {
    forbids(MOTION, &json!({"image": null}), "image", &["needs `image`"]);
    forbids(MOTION, &json!({"motion_video": null}), "motion_video", &["needs `motion_video`"]);
    assert_eq!(problems(MOTION, &json!({"image": null, "motion_video": null})).len(), 2);
    for model in [V2, V3] {
        forbids(
            model,
            &json!({"motion_video": "https://a.b/c.mp4"}),
            "motion_video",
            &["does not take", "use kling-motion-control"],
        );
    }
}

#[test]
fn without_an_image_there_must_be_a_prompt() {
    for model in [V2, V3] {
        for prompt in [json!(null), json!(""), json!(" \n")] {
            forbids(model, &json!({"prompt": prompt}), "prompt", &["needs `prompt` or `image`"]);
        }
    }
}

#[test]
fn prompts_have_at_most_2500_characters_not_bytes() {
    for name in ["prompt", "negative_prompt"] {
        allows(V2, &json!({name: "é".repeat(2500)}));
        allows(V2, &json!({name: "🎬".repeat(2500)}));
        forbids(
            V2,
            &json!({name: "é".repeat(2501)}),
            name,
            &["2501 characters", "at most 2500", "shorten it by 1 character"],
        );
    }
}

#[test]
fn an_aspect_ratio_is_two_positive_whole_numbers() {
    for good in ["16:9", "1:1", "9:16", "21:9"] {
        allows(V2, &json!({"aspect_ratio": good}));
    }
    for bad in [
        "", "16", "16x9", "16:0", "0:9", "-1:1", "+1:1", "16:9:1", "1.5:1", "16 : 9", ":", "16:",
        "٣:٤",
    ] {
        forbids(V2, &json!({"aspect_ratio": bad}), "aspect_ratio", &["write for example 16:9"]);
    }
}

#[test]
fn urls_are_http_urls() {
    for bad in ["", "a.b/c", "ftp://a.b/c", "https://", "file:///etc/passwd"] {
        forbids(V2, &json!({"callback_url": bad}), "callback_url", &["https://"]);
    }
    // Whether it is a file that can be sent is the manifest's to say.
    assert!(problems(MOTION, &json!({"motion_video": "clips/motion.mp4"})).is_empty());
    forbids(V2, &json!({"image": "ftp://a.b/c.png"}), "image", &["https://"]);
    forbids(V2, &json!({"image": ""}), "image", &["is empty"]);
}

#[test]
fn objects_hold_what_they_must() {
    for bad in [json!({}), json!({"config": {}}), json!({"type": ""})] {
        forbids(V2, &json!({"camera_control": bad}), "camera_control.type", &["no `type`"]);
    }
    forbids(
        V2,
        &json!({"camera_control": {"type": ["a"]}}),
        "camera_control",
        &["camera_control.type"],
    );
    forbids(
        V2,
        &json!({"camera_control": "simple"}),
        "camera_control",
        &["cannot be \"simple\"", "{type: …}"],
    );
    forbids(V2, &json!({"watermark_info": {}}), "watermark_info.enabled", &["{enabled: true}"]);
    forbids(
        V2,
        &json!({"watermark_info": {"enabled": "maybe"}}),
        "watermark_info",
        &["true or false"],
    );
}

#[test]
fn numbers_and_switches_have_their_types() {
    allows(V2, &json!({"cfg_scale": 1}));
    forbids(V2, &json!({"cfg_scale": "0.5"}), "cfg_scale", &["write 0.5"]);
    forbids(V2, &json!({"cfg_scale": "high"}), "cfg_scale", &["write a number"]);
    forbids(V2, &json!({"multi_shot": "true"}), "multi_shot", &["write true"]);
    forbids(V2, &json!({"prompt": ["a"]}), "prompt", &["cannot be a list", "one text"]);
}

#[test]
fn an_unknown_parameter_is_named_with_its_neighbour() {
    forbids(V2, &json!({"aspectRatio": "16:9"}), "aspectRatio", &["did you mean `aspect_ratio`?"]);
    forbids(V2, &json!({"seed": 5}), "seed", &["not a request parameter", "extra:"]);
}

#[test]
fn every_problem_is_found_at_once() {
    let found = problems(
        V2,
        &json!({"duration": "12", "voice_list": ["a"], "mode": "best", "promt": "x", "aspect_ratio": "w"}),
    );
    let mut params: Vec<&str> = found.iter().map(|problem| problem.param.as_str()).collect();
    params.sort_unstable();
    assert_eq!(params, ["aspect_ratio", "duration", "mode", "promt", "voice_list"]);
}
