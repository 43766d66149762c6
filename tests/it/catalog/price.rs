//! The price tables of the gateway's page, written out a second time.

use serde_json::json;

use super::params;
use rushes::catalog::{Catalog, in_words};
use rushes::domain::money::Usd;

/// The price as the page writes it, or nothing.
fn price(request: &serde_json::Value) -> Option<String> {
    Catalog::builtin().price(&params(request)).map(|price| price.to_string())
}

#[test]
fn every_row_of_kling_v2_6_has_the_page_s_price() {
    let voices = json!(["a"]);
    for (mode, duration, sound, voice, usd) in [
        ("std", "5", "off", false, Some("0.0159")),
        ("std", "10", "off", false, Some("0.0320")),
        ("pro", "5", "off", false, Some("0.0267")),
        ("pro", "10", "off", false, Some("0.0531")),
        ("pro", "5", "on", false, Some("0.0531")),
        ("pro", "10", "on", false, Some("0.1064")),
        ("pro", "5", "on", true, Some("0.0639")),
        ("pro", "10", "on", true, Some("0.1275")),
        // Not on the page.
        ("std", "5", "on", false, None),
        ("std", "10", "on", false, None),
        ("std", "5", "on", true, None),
        ("std", "10", "on", true, None),
        ("std", "5", "off", true, None),
        ("std", "10", "off", true, None),
        ("pro", "5", "off", true, None),
        ("pro", "10", "off", true, None),
        ("pro", "3", "off", false, None),
        ("4k", "5", "off", false, None),
    ] {
        let mut request =
            json!({"model": "kling-v2-6", "mode": mode, "duration": duration, "sound": sound});
        if voice {
            request["voice_list"] = voices.clone();
        }
        assert_eq!(price(&request).as_deref(), usd, "{request}");
    }
}

#[test]
fn kling_v3_costs_its_rate_for_every_second() {
    for (mode, sound, micros) in [
        ("std", "off", 63_300),
        ("std", "on", 95_600),
        ("pro", "off", 85_300),
        ("pro", "on", 128_000),
    ] {
        for seconds in 0..=20 {
            let request = params(&json!({
                "model": "kling-v3", "mode": mode, "duration": seconds.to_string(), "sound": sound,
            }));
            let usd = (3..=15).contains(&seconds).then_some(micros * seconds);
            let price = Catalog::builtin().price(&request).map(Usd::micros);
            assert_eq!(price, usd, "{request:?}");
        }
        let voiced =
            json!({"model": "kling-v3", "mode": mode, "sound": sound, "voice_list": ["a"]});
        assert_eq!(price(&voiced), None, "the page has no row for voices");
    }
}

#[test]
fn motion_control_costs_the_same_whatever_its_mode_and_length() {
    for mode in ["std", "pro"] {
        for seconds in 1..=30 {
            let request = json!({"model": "kling-motion-control", "mode": mode, "duration": seconds.to_string()});
            assert_eq!(price(&request).as_deref(), Some("0.0309"));
        }
    }
    for (name, value) in
        [("duration", json!("31")), ("sound", json!("on")), ("duration", json!("0"))]
    {
        let mut request = json!({"model": "kling-motion-control"});
        request[name] = value;
        assert_eq!(price(&request), None, "{request}");
    }
}

#[test]
fn what_is_left_out_is_priced_at_its_default() {
    assert_eq!(price(&json!({"model": "kling-v2-6"})).as_deref(), Some("0.0159"));
    assert_eq!(price(&json!({"model": "kling-v3"})).as_deref(), Some("0.3165"));
    assert_eq!(price(&json!({"model": "kling-v2-6", "mode": "pro"})).as_deref(), Some("0.0267"));
    assert_eq!(price(&json!({"model": "kling-v2-6", "voice_list": []})).as_deref(), Some("0.0159"));
}

#[test]
fn nothing_is_known_of_the_price_of_what_is_not_in_the_wire_s_form() {
    for odd in [
        json!({}),
        json!({"model": "kling-v9"}),
        json!({"model": 5}),
        json!({"model": "kling-v3", "duration": 5}),
        json!({"model": "kling-v3", "duration": "5s"}),
        json!({"model": "kling-v3", "duration": "-5"}),
        json!({"model": "kling-v3", "duration": null}),
        json!({"model": "kling-v3", "duration": "99999999999999999999"}),
        json!({"model": "kling-v3", "sound": true}),
    ] {
        assert_eq!(price(&odd), None, "{odd}");
    }
}

/// What to change about a request, in words.
fn offers(request: &serde_json::Value) -> Option<String> {
    let request = params(request);
    let catalog = Catalog::builtin();
    let nearest = catalog.price_hints(&request);
    for way in &nearest {
        let mut changed = request.clone();
        for change in &way.changes {
            match &change.value {
                Some(value) => changed.insert(change.param.clone(), value.as_str().into()),
                None => changed.remove(&change.param),
            };
        }
        assert_eq!(catalog.price(&changed), Some(way.price), "{changed:?}");
    }
    in_words(&nearest)
}

#[test]
fn a_request_without_a_price_learns_what_is_nearest_to_it() {
    let (v2, v3, motion) = ("kling-v2-6", "kling-v3", "kling-motion-control");
    let prompt = "x";
    let (image, motion_video) = ("https://a.b/c.png", "https://a.b/m.mp4");
    for (request, words) in [
        (
            json!({"model": v2, "prompt": prompt, "sound": "on"}),
            Some("with `sound: off` it is $0.0159; with `mode: pro` $0.0531"),
        ),
        (
            json!({"model": v2, "prompt": prompt, "duration": "8", "mode": "pro"}),
            Some("with `duration: 5` it is $0.0267; with `duration: 10` $0.0531"),
        ),
        (
            json!({"model": v2, "prompt": prompt, "sound": "on", "voice_list": ["a"]}),
            Some("with `mode: pro` it is $0.0639"),
        ),
        (
            json!({"model": v3, "prompt": prompt, "sound": "on", "voice_list": ["a"]}),
            Some("without `voice_list` it is $0.4780"),
        ),
        (
            json!({"model": v3, "prompt": prompt, "duration": "99"}),
            Some("with `duration: 15` it is $0.9495"),
        ),
        (
            json!({"model": motion, "image": image, "motion_video": motion_video, "sound": "on", "duration": "31"}),
            Some("with `duration: 30` and `sound: off` it is $0.0309"),
        ),
        (json!({"model": "kling-v9", "prompt": prompt}), None),
        (json!({}), None),
        // It has a price: there is nothing to change.
        (json!({"model": v3, "prompt": prompt}), None),
    ] {
        assert_eq!(offers(&request).as_deref(), words, "{request}");
    }
}
