//! The price tables of the gateway's page, written out a second time.

use serde_json::json;

use super::params;
use crate::catalog::Catalog;
use crate::money::Usd;

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
