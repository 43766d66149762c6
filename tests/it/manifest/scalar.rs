//! What a plain scalar of YAML means.

use rushes::manifest::tree::scalar;
use serde_json::Value as Json;

#[test]
fn plain_scalars_mean_what_yaml_1_2_says_and_nothing_else() {
    for (text, meaning) in [
        ("5", Json::from(5)),
        ("-5", Json::from(-5)),
        ("0.5", Json::from(0.5)),
        (".5", Json::from(0.5)),
        ("1e3", Json::from(1000.0)),
        ("true", Json::from(true)),
        ("~", Json::Null),
    ] {
        assert_eq!(scalar(text), meaning, "{text}");
    }
    for text in
        ["16:9", "007", "1_000", "0x10", "on", "yes", ".", "-", "1e", ".inf", "1e999", "1.2.3", "+"]
    {
        assert_eq!(scalar(text), Json::from(text), "{text}");
    }
}
