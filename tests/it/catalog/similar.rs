//! Which words count as misspelt, and what they stand for.

use rushes::catalog::{closest, likely_typo};

#[test]
fn what_may_mean_something_is_no_slip() {
    let words = ["mode", "duration", "aspect_ratio", "tags"];
    for (word, meant) in [
        ("durration", Some("duration")),
        ("Aspect Ratio", Some("aspect_ratio")),
        ("Mode", Some("mode")),
        ("note", None),
        ("date", None),
        ("tag", None),
    ] {
        assert_eq!(likely_typo(word, words), meant, "{word}");
    }
}

#[test]
fn a_slip_finds_its_word_and_a_stranger_none() {
    let words = ["aspect_ratio", "duration", "mode", "model", "kling-v2-6", "kling-v3"];
    for (typo, meant) in [
        ("aspect-ratio", Some("aspect_ratio")),
        ("aspectRatio", Some("aspect_ratio")),
        ("aspet_ratio", Some("aspect_ratio")),
        ("Duration", Some("duration")),
        ("dur", None),
        ("modell", Some("model")),
        ("kling-v2.6", Some("kling-v2-6")),
        ("kling v3", Some("kling-v3")),
        ("seed", None),
        ("", None),
        ("🎬", None),
    ] {
        assert_eq!(closest(typo, words), meant, "{typo}");
    }
}
